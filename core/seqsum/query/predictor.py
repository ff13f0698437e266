"""A checkpoint's model, ready to answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from seqsum.errors import UserError
from seqsum.evaluation.evaluate import Evaluation, evaluate
from seqsum.models.generation import continued, forecast
from seqsum.query.loading import Loaded, load
from seqsum.query.model_input import ModelInput
from seqsum.query.task_facts import labels_of
from seqsum.runs import Run
from seqsum.tasks.base import AnyTask, Inputs


@dataclass(frozen=True)
class Prediction:
    """What the model says to one input.

    input, prediction, truth: as the task writes them; truth is None when nobody can know it
    correct: whether they are the same, None without a truth
    probabilities: of each class when one class is asked (they sum to 1); of the answer given at each step or token;
    empty for real values
    entropy: of those probabilities in bits, when one class is asked; else None
    remarks: what a person should know of how the input was read, one sentence each
    """

    input: Any
    prediction: Any
    truth: Any
    correct: bool | None
    probabilities: list[float]
    entropy: float | None = None
    remarks: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        return asdict(self)


class Predictor:
    """Answers with a run's newest whole checkpoint, or with that of a step; raises UserError when there is none.

    loaded: a checkpoint that is loaded already.
    """

    def __init__(self, run: Run, step: int | None = None, loaded: Loaded | None = None) -> None:
        self.run = run
        self.loaded = load(run, step) if loaded is None else loaded
        self.step, self.task, self.model = self.loaded.step, self.loaded.task, self.loaded.model
        self.messages = list(self.loaded.messages)

    def predict(
        self,
        text: str,
        *,
        length: int | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        seed: int = 0,
    ) -> Prediction:
        """Answer what a person typed; raises UserError where it can't be read.

        length, temperature, top_k, seed: for tasks that continue a prompt: how many steps, and how freely tokens are
        drawn (a temperature of None or 0 takes the likeliest; top_k draws among that many).
        """
        read = ModelInput.typed(self.loaded, text)
        inputs = read.inputs
        if length is None:
            length = self.task.continues(inputs)
        elif self.task.continues(inputs) is None:
            raise UserError(
                f'predict: the task "{self.task.config.name}" does not continue a prompt; leave --length out'
            )
        with torch.inference_mode():
            answer, probabilities = self._answer(read, length, temperature, top_k, seed)
        prediction = self.task.read_answer(inputs, answer)
        truth = self.task.truth(inputs) if length is None else self.task.continuation(inputs, length)
        correct = None if truth is None else prediction == truth
        sure = entropy(probabilities) if self.task.answer == "class" and length is None else None
        remarks = self.task.remarks(text)
        return Prediction(self.task.echo(inputs), prediction, truth, correct, probabilities, sure, remarks)

    def _answer(
        self, read: ModelInput, length: int | None, temperature: float | None, top_k: int | None, seed: int
    ) -> tuple[Inputs, list[float]]:
        row, lengths = read.row, read.lengths
        if self.task.answer == "values":
            if length is None:
                return self.model(row, lengths)[0].float().numpy(), []
            return forecast(self.model, row, length)[0], []
        if self.task.answer == "sequence":
            written = read.answer
            logits = self.model(row, lengths, torch.from_numpy(written)[None])[0]
            chosen = torch.softmax(logits.double(), dim=-1)[torch.arange(len(written)), written]
            return written, chosen.tolist()
        if length is not None:
            return continued(self.model, row, length, temperature, seed, top_k)
        probabilities = torch.softmax(self.model(row, lengths)[0].double(), dim=-1)
        answer = probabilities.argmax(dim=-1)
        if self.task.answer == "class":
            return answer.numpy(), probabilities.tolist()
        return answer.numpy(), probabilities.max(dim=-1).values.tolist()

    def evaluate(self, low: int | None = None, high: int | None = None) -> Evaluation:
        """Evaluate on lengths low…high; default: the task's own held-out examples."""
        return evaluate(self.model, self.task, low, high)


def entropy(probabilities: Sequence[float]) -> float:
    """Return −Σ p log2 p, in bits; NaN where the probabilities are."""
    shares = np.asarray(probabilities, dtype=np.float64)
    if not np.isfinite(shares).all():
        return math.nan
    positive = shares[shares > 0]
    return float(abs(-(positive * np.log2(positive)).sum()))


def in_words(task: AnyTask, inputs: Inputs, found: Prediction) -> dict[str, Any]:
    """Return what a reply says beside the answer itself.

    kind: the task's answer (class, tags, sequence, values), or `continuation` of a prompt by tokens
    text: input, prediction and truth as the task writes them; a truth that nobody knows is None
    labels: for a class, what each of the probabilities belongs to
    """
    kind: str = task.answer
    if kind in ("class", "tags") and task.continues(inputs) is not None:
        kind = "continuation"
    text = {
        "input": task.render(found.input),
        "prediction": task.render(found.prediction),
        "truth": None if found.truth is None else task.render(found.truth),
    }
    words: dict[str, Any] = {"kind": kind, "text": text}
    labels = labels_of(task) if kind == "class" else None
    return words if labels is None else {**words, "labels": labels}
