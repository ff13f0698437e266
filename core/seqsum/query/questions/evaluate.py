"""How good a model is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from seqsum.query.question import Answer, Number, OverLengths

if TYPE_CHECKING:
    from seqsum.query.asked import Asked


OF_EVALUATION = ("accuracy", "loss", "metrics", "sequences", "exhaustive", "asked")


class EvaluateAnswer(Answer):
    accuracy: Number
    loss: Number
    metrics: dict[str, Number]
    sequences: int
    exhaustive: bool
    """Whether that is the whole input space."""
    part: Literal["all", "held out", "validation", "test"]
    """Which inputs were asked: all there are, some that are made without end, or a part of the data."""
    has_test: bool
    """Whether the data has a test part, too."""
    asked: int
    """How many answers those sequences have: of tags one for each step that is asked."""
    chance: float | None
    """Accuracy of guessing: 1/classes; null for sequences and values."""
    lengths_alike: bool
    """Whether accuracy and loss are means over lengths, each counted alike."""
    accuracy_by_length: dict[str, float]
    confusion: list[list[int]] | None
    """[truth][prediction]: how often; null for sequences, values and more than a hundred classes."""
    labels: list[str] | None


class Evaluate(OverLengths):
    name: ClassVar = "evaluate"
    answers: ClassVar = EvaluateAnswer

    def answer(self, asked: Asked) -> EvaluateAnswer:
        from seqsum.evaluation.evaluate import evaluate
        from seqsum.query.task_facts import labels_of

        loaded = asked.loaded
        found = evaluate(loaded.model, loaded.task, self.low, self.high, asked.deadline.check)
        return EvaluateAnswer(
            **{name: getattr(found, name) for name in OF_EVALUATION},
            chance=loaded.chance,
            part="all" if found.exhaustive else loaded.task.part or "held out",
            has_test=loaded.task.has_test,
            lengths_alike=loaded.task.lengths_alike and len(found.accuracy_by_length) > 1,
            accuracy_by_length={str(length): share for length, share in found.accuracy_by_length.items()},
            confusion=None if found.confusion is None else found.confusion.tolist(),
            labels=labels_of(loaded.task),
        )
