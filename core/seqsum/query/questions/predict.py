"""What the model says to an input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from seqsum.query.question import Answer, Continues, Number

if TYPE_CHECKING:
    from seqsum.query.asked import Asked


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


class PredictAnswer(Answer):
    input: Any
    prediction: Any
    truth: Any
    """All three as the task writes them in JSON; `Text` has them as text. A truth that nobody knows is null."""
    correct: bool | None
    probabilities: list[Number]
    """Of each class, when one class is asked (they sum to 1); else of the answer given at each step; of values: []."""
    entropy: Number
    """Of `probabilities` in bits, when one class is asked: 0 sure, log2(classes) clueless."""
    remarks: list[str]
    """What to know of how the input was read, one sentence each: characters that are unknown, values left out."""
    reading: Reading = Field(exclude=True)

    def beside(self) -> dict[str, Any]:
        return self.reading.model_dump(exclude_unset=True)


class Predict(Continues):
    name: ClassVar = "predict"
    answers: ClassVar = PredictAnswer

    def answer(self, asked: Asked) -> PredictAnswer:
        from seqsum.query.predictor import Predictor, in_words

        task = asked.task
        found = Predictor(asked.run, loaded=asked.loaded).predict(
            self.input,
            length=self.length,
            temperature=self.temperature,
            top_k=self.top_k,
            seed=asked.seed(self.seed),
        )
        words = in_words(task, task.parse(self.input), found)
        if words["kind"] == "continuation":
            words["temperature"] = self.temperature
        return PredictAnswer(**found.plain(), reading=Reading(**words))
