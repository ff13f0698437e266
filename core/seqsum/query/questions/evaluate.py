"""How good a model is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from seqsum.query.question import Answer, Number, OverLengths

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.tasks.asked_rows import AskedRows


OF_EVALUATION = ("accuracy", "loss", "metrics", "sequences", "exhaustive", "asked")


class FileFacts(Answer):
    """What became of the rows of a file."""

    rows: int
    """Of a text, its characters; of a series, its values."""
    asked: int
    not_asked: dict[str, int]
    """How many, by the reason."""
    unknown_labels: dict[str, int]
    """How often each label stands there that the run does not know."""
    tokens: int
    unknown_tokens: int
    sentences: list[str]
    """The same in words, with line numbers."""


class EvaluateAnswer(Answer):
    accuracy: Number
    loss: Number
    metrics: dict[str, Number]
    sequences: int
    exhaustive: bool
    """Whether that is the whole input space."""
    part: Literal["all", "held out", "validation", "test", "file"]
    """Which inputs were asked: all there are, some that are made without end, a part of the data, or a file's."""
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
    file: FileFacts | None = None
    """Null where the run's own data was asked."""


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
            file=_facts(loaded.task.asked_rows),
        )


def _facts(rows: AskedRows | None) -> FileFacts | None:
    if rows is None:
        return None
    return FileFacts(
        rows=rows.rows,
        asked=rows.asked,
        not_asked={reason: lines.number for reason, lines in rows.left_out.items()},
        unknown_labels=dict(rows.labels.most_common()),
        tokens=rows.tokens,
        unknown_tokens=rows.unknown,
        sentences=[*rows.told()],
    )
