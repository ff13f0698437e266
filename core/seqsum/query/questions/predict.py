"""What the model says to an input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from seqsum.errors import UserError
from seqsum.query.question import Answer, Continues, Number, TypedAnswer
from seqsum.query.questions.forecast import Interval, interval_of
from seqsum.query.task_facts import goes_on, labels_of
from seqsum.tasks.base import AnyTask, Inputs

if TYPE_CHECKING:
    from seqsum.models.generation import Said
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded
    from seqsum.query.model_input import ModelInput


class Text(Answer):
    """As the task writes them; a truth that nobody knows is null."""

    input: str
    prediction: str
    truth: str | None


class Reading(Answer):
    """How an answer reads: the reply says it beside the answer."""

    kind: Literal["class", "tags", "sequence", "values", "continuation"]
    """What an answer is: one class; a class at each step; tokens of their own length; numbers; what a prompt goes on
    to."""
    text: Text
    labels: list[str] | None = None
    """Of a class: what each of the probabilities belongs to."""
    temperature: float | None = None
    """Of a continuation."""


class PredictAnswer(TypedAnswer):
    input: Any
    prediction: Any
    truth: Any
    """All three as the task writes them in JSON; `Text` has them as text. A truth that nobody knows is null."""
    correct: bool | None
    probabilities: list[Number]
    """Of each class, when one class is asked (they sum to 1); else of the answer given at each step; of values: []."""
    entropy: Number
    """Of `probabilities` in bits, when one class is asked: 0 sure, log2(classes) clueless."""
    interval: Interval | None = None
    """Of a forecast with task.interval, a number's two ends for each that is forecast; else null."""
    reading: Reading = Field(exclude=True)

    def beside(self) -> dict[str, Any]:
        return self.reading.model_dump(exclude_unset=True)


class Predict(Continues):
    """length, temperature, top_k, seed: where a prompt is gone on from; a temperature of 0 takes the likeliest, too."""

    name: ClassVar = "predict"
    answers: ClassVar = PredictAnswer

    def answer(self, asked: Asked) -> PredictAnswer:
        return self.said_by(asked.loaded, asked.seed(self.seed))

    def check(self, loaded: Loaded) -> None:
        """Raise UserError for a field that makes no sense with a checkpoint's task."""
        task, goes = loaded.task, goes_on(loaded.task)
        draws = goes and task.answer != "values"
        for flag, given, fits, what in (
            ("--length", self.length, goes, "continue a prompt"),
            ("--temperature", self.temperature, draws, "draw tokens"),
            ("--top-k", self.top_k, draws, "draw tokens"),
        ):
            if given is not None and not fits:
                raise UserError(f'predict: the task "{task.config.name}" does not {what}; leave {flag} out')

    def said_by(self, loaded: Loaded, seed: int = 0) -> PredictAnswer:
        """What a checkpoint says; raises UserError where the input can't be read."""
        from seqsum.query.model_input import ModelInput

        task, read = loaded.task, ModelInput.typed(loaded, self.input)
        inputs, usual = read.inputs, loaded.task.continues(read.inputs)
        self.check(loaded)
        length = usual if self.length is None else self.length
        said = self._said(read, length, seed)
        probabilities = said.probabilities
        numbers = task.answer == "values"
        answer: Inputs = np.array(said.answer, np.float32) if numbers else np.array(said.answer, np.int64)
        prediction = task.read_answer(inputs, answer)
        truth = task.truth(inputs) if length is None else task.continuation(inputs, length)
        return PredictAnswer(
            input=task.echo(inputs),
            prediction=prediction,
            truth=truth,
            correct=None if truth is None else prediction == truth,
            probabilities=list(probabilities),
            entropy=entropy(probabilities) if task.answer == "class" and length is None else None,
            interval=None if said.ends is None else interval_of(task, inputs, np.array(said.ends, dtype=np.float32)),
            reading=reading_of(task, inputs, prediction, truth, self.temperature),
        )

    def _said(self, read: ModelInput, length: int | None, seed: int) -> Said:
        import torch

        from seqsum.models.generation import said
        from seqsum.query.model_input import as_rows

        task, beside = read.task, None
        if task.answer == "values" and length is not None:
            length, rows = task.ahead(self.input, self.length, length)
            beside = None if rows is None else as_rows(read.model, rows)
        with torch.inference_mode():
            return said(
                read.model,
                task.answer,
                read.row,
                length,
                end=task.end,
                longest=task.longest_answer,
                beside=beside,
                quantiles=bool(task.quantiles),
                interval=getattr(task.config, "interval", None),
                temperature=self.temperature,
                top_k=self.top_k,
                seed=seed,
            )


def entropy(probabilities: Sequence[float]) -> float:
    """Return −Σ p log2 p, in bits; NaN where the probabilities are."""
    shares = np.asarray(probabilities, dtype=np.float64)
    if not np.isfinite(shares).all():
        return math.nan
    positive = shares[shares > 0]
    return float(abs(-(positive * np.log2(positive)).sum()))


def reading_of(task: AnyTask, inputs: Inputs, prediction: Any, truth: Any, temperature: float | None = None) -> Reading:
    """How an answer reads."""
    text = Text(
        input=task.render(task.echo(inputs)),
        prediction=task.render(prediction),
        truth=None if truth is None else task.render(truth),
    )
    if task.answer in ("class", "tags") and task.continues(inputs) is not None:
        return Reading(kind="continuation", text=text, temperature=temperature)
    labels = labels_of(task) if task.answer == "class" else None
    return Reading(kind=task.answer, text=text, **({} if labels is None else {"labels": labels}))
