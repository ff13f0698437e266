"""The wrong answers, to be leafed through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqsum.formatting import percent
from seqsum.query.question import LONGEST_WRITTEN, MOST, Answer, Flag, Number, OverLengths, field
from seqsum.text import seen

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.examples import Answered
    from seqsum.query.loading import Loaded
    from seqsum.runs.buckets import Floats
    from seqsum.tasks.base import AnyTask, Ints

PAGE = 50
MOST_KEPT = 200_000

Places = NDArray[np.int64]


class Mistake(Answer):
    input: str
    prediction: str
    truth: str
    length: int
    probability: Number
    """What the model gave to its own answer: the class's, or the mean over the asked steps or written tokens."""
    truth_probability: Number
    """What it gave to the truth, when one class is asked."""


class MistakesAnswer(Answer):
    rows: list[Mistake]
    """Surest first."""
    total: int
    """Wrong answers that pass the filters."""
    wrong: int
    asked: int
    exhaustive: bool
    truncated: bool
    """Whether there were more wrong answers than are kept; `total` then counts only the kept ones."""

    def told(self) -> Iterator[str]:
        yield f"mistakes: {self.wrong:,} of {self.asked:,}, the surest first"
        for row in self.rows:
            yield f"  {row.input} → {seen(row.prediction)} ({percent(row.probability)}), the truth is {seen(row.truth)}"


class Mistakes(OverLengths):
    name: ClassVar = "mistakes"
    answers: ClassVar = MistakesAnswer
    flag: ClassVar = Flag("evaluate", "--mistakes", "also list wrong answers, at most N, the surest first", "limit")

    truth: str | None = field(None, "only mistakes with this truth, as `facts` writes labels")
    prediction: str | None = field(None, "only mistakes with this answer")
    length: int | None = field(None, "only mistakes with inputs of this length", ge=1, le=LONGEST_WRITTEN)
    offset: int = field(0, "how many to pass over", ge=0, le=MOST)
    limit: int = field(PAGE, "how many to give", ge=1, le=10 * PAGE, metavar="N")

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        if loaded.task.answer != "values" and not loaded.task.carries_state:
            return None
        return f'mistakes: the answers of the task "{loaded.task.config.name}" are not right or wrong one by one'

    def answer(self, asked: Asked) -> MistakesAnswer:
        """A page of the mistakes that pass the filters."""
        from seqsum.query.examples import texts_of

        task = asked.task
        key = (asked.loaded, self.low, self.high)
        found = asked.memory.kept("mistakes", key, lambda: find_wrong(asked, self.low, self.high))
        kept = np.arange(len(found.row))
        if self.length is not None:
            kept = kept[found.length == self.length]
        if self.truth is not None or self.prediction is not None:
            kept = _saying(task, found, kept, self.truth, self.prediction)
        rows: list[Mistake] = []
        for place in kept[self.offset : self.offset + self.limit].tolist():
            part, row = found.parts[found.part[place]], int(found.row[place])
            rows.append(
                Mistake(
                    **texts_of(task, part, row),
                    length=int(found.length[place]),
                    probability=float(found.chance[place]),
                    truth_probability=float(part.truth_chance[row]) if task.answer == "class" else None,
                )
            )
        return MistakesAnswer(
            rows=rows,
            total=len(kept),
            wrong=len(found.row),
            asked=found.asked,
            exhaustive=found.exhaustive,
            truncated=found.truncated,
        )


@dataclass(frozen=True, eq=False)
class Wrong:
    """All wrong answers of one checkpoint, surest first; each is written out only when it is shown.

    parts: what was asked; part, row: int64 [wrong], where a wrong answer lies in them; chance: float64 [wrong], the
    probability it had; length: int64 [wrong], of its input; asked: among how many
    """

    parts: list[Answered]
    part: Places
    row: Places
    chance: Floats
    length: Ints
    asked: int
    exhaustive: bool
    truncated: bool


def find_wrong(asked: Asked, low: int | None, high: int | None) -> Wrong:
    """Ask about the whole input space, or what is held out."""
    examples, exhaustive = asked.examples(low, high)
    parts: list[Answered] = []
    rows: list[Places] = []
    count = found = 0
    truncated = False
    for answered in asked.walked(examples):
        count += len(answered.right)
        wrong = np.flatnonzero(~answered.right)
        truncated = truncated or found + len(wrong) > MOST_KEPT
        wrong = wrong[: MOST_KEPT - found]
        found += len(wrong)
        if len(wrong):
            parts.append(answered)
            rows.append(wrong)
    part = np.repeat(np.arange(len(rows)), [len(wrong) for wrong in rows]).astype(np.int64)
    row = np.concatenate([*rows, np.zeros(0, dtype=np.int64)])
    chance = np.concatenate([*(one.chance[at] for one, at in zip(parts, rows, strict=True)), np.zeros(0)])
    lengths = [one.examples.lengths[at] for one, at in zip(parts, rows, strict=True)]
    length = np.concatenate([*lengths, np.zeros(0, dtype=np.int64)])
    order = np.argsort(-chance, kind="stable")
    return Wrong(parts, part[order], row[order], chance[order], length[order], count, exhaustive, truncated)


def _saying(task: AnyTask, mistakes: Wrong, kept: Places, truth: str | None, prediction: str | None) -> Places:
    """The places in `kept` whose truth and prediction are written so."""
    from seqsum.query.examples import texts_of

    if task.answer != "class":
        texts = [texts_of(task, mistakes.parts[mistakes.part[at]], int(mistakes.row[at])) for at in kept.tolist()]
        passing = [truth in (None, one["truth"]) and prediction in (None, one["prediction"]) for one in texts]
        return kept[np.array(passing, dtype=np.bool_)]
    # Of classes there are few, and many mistakes: compared by place, not by name.
    nothing = np.zeros(1, dtype=np.int64)
    names = np.array([task.render(task.read_answer(nothing, np.array(place))) for place in range(task.classes)])
    for name, arrays in (
        (truth, [part.examples.targets for part in mistakes.parts]),
        (prediction, [part.answers for part in mistakes.parts]),
    ):
        if name is None:
            continue
        wanted = np.flatnonzero(names == name)
        starts = np.cumsum([0, *(len(array) for array in arrays)])[:-1]
        flat = np.concatenate([*arrays, np.zeros(0, dtype=np.int64)])
        kept = kept[np.isin(flat[starts[mistakes.part[kept]] + mistakes.row[kept]], wanted)]
    return kept
