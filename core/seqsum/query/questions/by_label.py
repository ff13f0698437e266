"""Precision, recall and F1 of each label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqsum.formatting import count, percent
from seqsum.query.question import Answer, Flag, OverLengths
from seqsum.text import one_line, seen

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded
    from seqsum.tasks.label_scores import LabelCounts

WIDEST = 30


class LabelScore(Answer):
    label: str
    precision: float | None
    """Null where the label was never answered."""
    recall: float | None
    """Null where it is never the truth, as F1 is where it is neither."""
    f1: float | None
    asked: int
    """How often it is the truth."""
    answered: int


class ByLabelAnswer(Answer):
    rows: list[LabelScore]
    """The lowest F1 first."""
    macro_f1: float
    """The mean of F1 over the labels that come up."""
    asked: int
    exhaustive: bool

    def told(self) -> Iterator[str]:
        yield f"labels: macro F1 {percent(self.macro_f1)} over {self.asked:,} answers; the lowest F1 first"
        rows = [row for row in self.rows if row.asked or row.answered]
        names = [one_line(seen(row.label))[:WIDEST] for row in rows]
        widest = max((len(name) for name in names), default=0)
        for name, row in zip(names, rows, strict=True):
            yield (
                f"  {name:<{widest}}  precision {percent(row.precision):>7}  recall {percent(row.recall):>7}  "
                f"F1 {percent(row.f1):>7}  of {row.asked:,}"
            )
        if absent := len(self.rows) - len(rows):
            yield f"  {count(absent, 'other label')}: neither the truth nor an answer of any"


class ByLabel(OverLengths):
    name: ClassVar = "by_label"
    answers: ClassVar = ByLabelAnswer
    flag: ClassVar = Flag("evaluate", "--labels", "also precision, recall and F1 of each label")

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        from seqsum.query.task_facts import MOST_LABELS

        task = loaded.task
        if task.answer in ("class", "tags") and task.classes <= MOST_LABELS and not task.carries_state:
            return None
        return f'labels: the task "{task.config.name}" is not answered with single labels, at most {MOST_LABELS:,}'

    def answer(self, asked: Asked) -> ByLabelAnswer:
        """Count every label that was answered, each input alike."""
        from seqsum.query.task_facts import labels_of
        from seqsum.tasks.label_scores import LabelCounts

        examples, exhaustive = asked.examples(self.low, self.high)
        nothing = np.zeros(asked.task.classes, dtype=np.int64)
        counts = LabelCounts(nothing, nothing, nothing)
        for part in asked.walked(examples):
            counts += LabelCounts.of(part.answers, part.examples.targets, asked.task.classes)
        return of_counts(counts, labels_of(asked.task) or [], exhaustive)


def of_confusion(confusion: list[list[int]], names: list[str]) -> ByLabelAnswer:
    """The same from how often each truth was answered with each label, [truth][prediction]."""
    from seqsum.tasks.label_scores import LabelCounts

    counts = np.array(confusion, dtype=np.int64)
    return of_counts(LabelCounts(counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1)), names, exhaustive=False)


def of_counts(counts: LabelCounts, names: list[str], exhaustive: bool) -> ByLabelAnswer:
    """Precision, recall and F1 of each label, the lowest F1 first."""
    scores = zip(names, counts.precision.tolist(), counts.recall.tolist(), counts.f1.tolist(), strict=True)
    rows = [
        LabelScore(
            label=name,
            precision=_known(precision),
            recall=_known(recall),
            f1=_known(f1),
            asked=int(counts.asked[place]),
            answered=int(counts.answered[place]),
        )
        for place, (name, precision, recall, f1) in enumerate(scores)
    ]
    rows.sort(key=lambda row: 2.0 if row.f1 is None else row.f1)
    return ByLabelAnswer(rows=rows, macro_f1=counts.macro_f1, asked=int(counts.asked.sum()), exhaustive=exhaustive)


def _known(share: float) -> float | None:
    return None if share != share else share
