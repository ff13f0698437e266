"""The wrong answers, to be leafed through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqsum.errors import UserError
from seqsum.query.examples import Answered, Deadline, Floats, examples_of, first_of, truth_of, walked
from seqsum.query.loading import Loaded
from seqsum.query.protocol import PAGE, Mistake, MistakesAnswer
from seqsum.query.question import written
from seqsum.tasks.base import Ints

MOST_KEPT = 200_000

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Mistakes:
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


def find_mistakes(loaded: Loaded, low: int | None = None, high: int | None = None) -> Mistakes:
    """Ask about the whole input space, or what is held out; raises UserError where answers are not right or wrong."""
    task = loaded.task
    if task.answer == "values" or task.carries_state:
        raise UserError(f'mistakes: the answers of the task "{task.config.name}" are not right or wrong one by one')
    examples, exhaustive = examples_of(loaded, low, high)
    parts: list[Answered] = []
    rows: list[Places] = []
    asked = found = 0
    truncated = False
    for answered in walked(loaded, examples, Deadline("mistakes")):
        asked += len(answered.right)
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
    return Mistakes(parts, part[order], row[order], chance[order], length[order], asked, exhaustive, truncated)


def page_of(
    loaded: Loaded,
    mistakes: Mistakes,
    *,
    truth: str | None = None,
    prediction: str | None = None,
    length: int | None = None,
    offset: int = 0,
    limit: int = PAGE,
) -> MistakesAnswer:
    """Return a page of the mistakes that pass the filters.

    truth, prediction: as the task writes them, the label of a class; length: of the input
    """
    kept = np.arange(len(mistakes.row))
    if length is not None:
        kept = kept[mistakes.length == length]
    if truth is not None or prediction is not None:
        kept = _saying(loaded, mistakes, kept, truth, prediction)
    rows: list[Mistake] = []
    for place in kept[offset : offset + limit].tolist():
        part, row = mistakes.parts[mistakes.part[place]], int(mistakes.row[place])
        right, said = _texts(loaded, part, row)
        rows.append(
            {
                "input": loaded.task.render(loaded.task.echo(first_of(part.examples, row))),
                "prediction": said,
                "truth": right,
                "length": int(mistakes.length[place]),
                "probability": float(mistakes.chance[place]),
                "truth_probability": float(part.truth_chance[row]) if loaded.task.answer == "class" else None,
            }
        )
    return {
        "rows": rows,
        "total": len(kept),
        "wrong": len(mistakes.row),
        "asked": mistakes.asked,
        "exhaustive": mistakes.exhaustive,
        "truncated": mistakes.truncated,
    }


def _saying(loaded: Loaded, mistakes: Mistakes, kept: Places, truth: str | None, prediction: str | None) -> Places:
    """The places in `kept` whose truth and prediction are written so."""
    if loaded.task.answer != "class":
        texts = [_texts(loaded, mistakes.parts[mistakes.part[at]], int(mistakes.row[at])) for at in kept.tolist()]
        passing = [truth in (None, right) and prediction in (None, said) for right, said in texts]
        return kept[np.array(passing, dtype=np.bool_)]
    # Of classes there are few, and many mistakes: compared by place, not by name.
    task, nothing = loaded.task, np.zeros(1, dtype=np.int64)
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


def _texts(loaded: Loaded, part: Answered, row: int) -> tuple[str, str]:
    """Truth and prediction as the task writes them."""
    task, inputs = loaded.task, first_of(part.examples, row)
    target, answer = truth_of(part.examples, row, task.answer), part.answers[row]
    if task.answer == "sequence":
        answer = np.array(written(task, answer.tolist()), dtype=np.int64)
    elif task.answer == "tags":
        answer = answer[: len(inputs)]
    truth = task.truth(inputs) if task.answer != "class" else None
    right = task.read_answer(inputs, target) if truth is None else truth
    return task.render(right), task.render(task.read_answer(inputs, np.asarray(answer)))
