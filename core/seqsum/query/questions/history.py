"""One input asked of every checkpoint: how its answer came to be learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqsum.query.question import Answer, Number, OfInput, TypedAnswer, field
from seqsum.query.questions.predict import Predict, PredictAnswer

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded
    from seqsum.query.model_input import ModelInput
    from seqsum.tasks.base import Examples

ASKED = 2_000
STEADY = 0.99
CHECKPOINTS = 10_000
"""So many accuracies are kept: more than a run has checkpoints."""


class HistoryRow(Answer):
    step: int
    prediction: str
    correct: bool | None
    probability: Number
    """Of the truth where one class is asked and the truth is known; else of what was answered (a mean over tokens)."""
    entropy: Number
    probabilities: list[Number] | None
    """[classes], when one class is asked."""
    accuracy: Number = None
    """On the whole input space or on a fixed part of what is held out, at most 2,000 sequences; null for values."""
    error: Number = None
    """The mean absolute error on the same, in the data's own units, for values; null for the others."""


class HistoryAnswer(TypedAnswer):
    input: str
    truth: str | None
    labels: list[str] | None
    rows: list[HistoryRow]
    """One for each whole checkpoint, ascending."""
    asked: int | None
    """How many inputs, chosen once, stand for all in accuracies and errors; null where all are asked."""
    threshold: float
    aha: int | None
    """Step of the first checkpoint from which accuracy stays at `threshold` or above to the last."""
    aha_input: int | None
    """Step of the first checkpoint from which this input is answered right to the last."""


class History(OfInput):
    name: ClassVar = "history"
    answers: ClassVar = HistoryAnswer
    slow: ClassVar = True

    threshold: float = field(STEADY, "accuracy that counts as learned", ge=0, le=1)

    def answer(self, asked: Asked) -> HistoryAnswer:
        """Ask every whole checkpoint; raises UserError where the input can't be read."""
        from seqsum.query.model_input import ModelInput

        shelf, read = asked.shelf, asked.read(self.input)
        task = read.task
        truth = None
        rows: list[HistoryRow] = []
        for step in shelf.whole():
            asked.deadline.check()
            loaded = shelf.take(step)
            found = Predict(input=self.input).said_by(loaded)
            truth = found.truth
            rows.append(
                HistoryRow(
                    step=step,
                    prediction=loaded.task.render(found.prediction),
                    correct=found.correct,
                    probability=_probability(ModelInput.typed(loaded, self.input), found),
                    entropy=found.entropy,
                    probabilities=found.probabilities if loaded.task.answer == "class" else None,
                    **{"error" if task.answer == "values" else "accuracy": _how_good(asked, loaded)},
                )
            )
        steps = [row.step for row in rows]
        return HistoryAnswer(
            input=task.render(task.echo(read.inputs)),
            truth=None if truth is None else task.render(truth),
            labels=read.labels if task.answer == "class" else None,
            rows=rows,
            asked=_asked(asked, loaded) if rows else None,
            threshold=self.threshold,
            aha=steady_from(steps, [(row.accuracy or 0.0) >= self.threshold for row in rows]),
            aha_input=steady_from(steps, [row.correct is True for row in rows]),
        )


def steady_from(steps: Sequence[int], good: Sequence[bool]) -> int | None:
    """Return the first step from which all are good to the last; None when the last is not."""
    found: int | None = None
    for step, fine in zip(steps, good, strict=True):
        found = (step if found is None else found) if fine else None
    return found


def _parts(asked: Asked, loaded: Loaded) -> list[Examples]:
    """At most 2,000 of the inputs that an evaluation asks about; all of a text that goes on."""
    from seqsum.query.examples import examples_of, fixed_part

    def chosen() -> list[Examples]:
        examples, _ = examples_of(loaded, None, None)
        return list(examples) if loaded.task.carries_state else fixed_part(examples, ASKED, 0, asked.deadline)

    return asked.memory.kept("history's part", loaded.task, chosen, 1)


def _asked(asked: Asked, loaded: Loaded) -> int | None:
    if loaded.task.carries_state:
        return None
    chosen = sum(len(part.lengths) for part in _parts(asked, loaded))
    return chosen if chosen >= ASKED else None


def _how_good(asked: Asked, loaded: Loaded) -> float | None:
    """Accuracy, as `evaluate` has it, or for values the mean absolute error, on at most 2,000 inputs, measured once for
    each checkpoint."""
    task = loaded.task

    def measured() -> float | None:
        from seqsum.query.examples import walked

        total = counted = 0.0
        for answered in walked(loaded, iter(_parts(asked, loaded)), asked.deadline):
            if task.answer == "values":
                inputs, weights = answered.examples.inputs[0], answered.examples.weights
                said, right = (
                    np.asarray(task.read_answer(inputs, values), dtype=np.float64).reshape(len(answered.right), -1)
                    for values in (answered.answers, answered.examples.targets)
                )
                errors = np.abs(said - right).mean(axis=1)
                part = float(errors.sum() if weights is None else errors @ weights)
                weight = float(len(errors) if weights is None else weights.sum())
            else:
                part, weight = answered.counted(task.answer)
            total, counted = total + part, counted + weight
        return total / counted if counted else None

    return asked.memory.kept("how good checkpoints are", loaded, measured, CHECKPOINTS)


def _probability(read: ModelInput, found: PredictAnswer) -> Number:
    if read.task.answer == "class":
        chances = np.array(found.probabilities, dtype=np.float64)
        return float(chances.max() if read.truth_class is None else chances[read.truth_class])
    return float(np.mean(found.probabilities)) if found.probabilities else None  # type: ignore[arg-type]
