"""One input asked of every checkpoint: how its answer came to be learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqsum.query.checkpoint_cache import Shelf
from seqsum.query.examples import Deadline, examples_of, fixed_part, walked
from seqsum.query.loading import Loaded
from seqsum.query.predictor import Prediction, Predictor
from seqsum.query.protocol import HistoryAnswer, HistoryRow
from seqsum.query.question import Question
from seqsum.tasks.base import AnyTask, Examples

ASKED = 2_000


def steady_from(steps: Sequence[int], good: Sequence[bool]) -> int | None:
    """Return the first step from which all are good to the last; None when the last is not."""
    found: int | None = None
    for step, fine in zip(steps, good, strict=True):
        found = (step if found is None else found) if fine else None
    return found


class History:
    """The history of a run's answers; accuracies are measured once for each checkpoint."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._part: tuple[AnyTask, list[Examples]] | None = None
        self._accuracies: dict[int, tuple[Loaded, float | None]] = {}

    def of(self, text: str, threshold: float) -> HistoryAnswer:
        """Ask every whole checkpoint; raises UserError where the input can't be read or there is no checkpoint."""
        deadline = Deadline("history")
        question = Question.typed(self._shelf.take(), text)
        task = question.task
        truth = None
        rows: list[HistoryRow] = []
        for step in self._shelf.whole():
            deadline.check()
            loaded = self._shelf.take(step)
            found = Predictor(self._shelf.run, loaded=loaded).predict(text)
            truth = found.truth
            one_class = loaded.task.answer == "class"
            rows.append(
                {
                    "step": step,
                    "prediction": loaded.task.render(found.prediction),
                    "correct": found.correct,
                    "probability": _probability(Question.typed(loaded, text), found),
                    "entropy": found.entropy,
                    "probabilities": found.probabilities if one_class else None,
                    "accuracy": self.accuracy(loaded, deadline),
                }
            )
        steps = [row["step"] for row in rows]
        return {
            "input": task.render(task.echo(question.inputs)),
            "truth": None if truth is None else task.render(truth),
            "labels": question.labels if task.answer == "class" else None,
            "rows": rows,
            "threshold": threshold,
            "aha": steady_from(steps, [(row["accuracy"] or 0.0) >= threshold for row in rows]),
            "aha_input": steady_from(steps, [row["correct"] is True for row in rows]),
        }

    def accuracy(self, loaded: Loaded, deadline: Deadline) -> float | None:
        """Accuracy on at most 2,000 inputs, always the same; None for values."""
        kept = self._accuracies.get(loaded.step)
        if kept is None or kept[0] is not loaded:
            kept = self._accuracies[loaded.step] = (loaded, self._measure(loaded, deadline))
        return kept[1]

    def _measure(self, loaded: Loaded, deadline: Deadline) -> float | None:
        if loaded.task.answer == "values":
            return None
        if self._part is None or self._part[0] is not loaded.task:
            self._part = (loaded.task, asked_part(loaded, deadline))
        return accuracy_on(loaded, self._part[1], deadline)


def asked_part(loaded: Loaded, deadline: Deadline) -> list[Examples]:
    """At most 2,000 of the inputs that an evaluation asks about; all of a text that goes on."""
    examples, _ = examples_of(loaded, None, None)
    return list(examples) if loaded.task.carries_state else fixed_part(examples, ASKED, 0, deadline)


def accuracy_on(loaded: Loaded, parts: list[Examples], deadline: Deadline) -> float | None:
    """Accuracy as `evaluate` has it: of single classes or tags, of whole sequences."""
    right = asked = 0.0
    for answered in walked(loaded, iter(parts), deadline):
        hits, counted = answered.counted(loaded.task.answer)
        right, asked = right + hits, asked + counted
    return right / asked if asked else None


def _probability(question: Question, found: Prediction) -> float | None:
    if not found.probabilities:
        return None
    if question.task.answer == "class":
        truth = question.truth_class
        return max(found.probabilities) if truth is None else found.probabilities[truth]
    return float(np.mean(found.probabilities))
