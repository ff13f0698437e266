"""The wrong answers, to be leafed through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqsum.errors import UserError
from seqsum.query.asking import written
from seqsum.query.loading import Loaded
from seqsum.query.protocol import PAGE, Mistake, MistakesAnswer
from seqsum.query.walk import Deadline, examples_of, first_of, truth_of, walked
from seqsum.tasks.base import Inputs

MOST_KEPT = 200_000


@dataclass(frozen=True, eq=False)
class Wrong:
    """One wrong answer, as arrays; it is written out when it is shown."""

    inputs: Inputs
    answer: Inputs
    truth: Inputs
    chance: float
    truth_chance: float


@dataclass(frozen=True)
class Mistakes:
    """All wrong answers of one checkpoint, surest first; asked: among how many."""

    wrong: list[Wrong]
    asked: int
    exhaustive: bool
    truncated: bool


def find_mistakes(loaded: Loaded, low: int | None = None, high: int | None = None) -> Mistakes:
    """Ask about the whole input space, or what is held out; raises UserError where answers are not right or wrong."""
    task = loaded.task
    if task.answer == "values" or task.carries_state:
        raise UserError(f'mistakes: the answers of the task "{task.config.name}" are not right or wrong one by one')
    examples, exhaustive = examples_of(loaded, low, high)
    wrong: list[Wrong] = []
    asked, truncated = 0, False
    for answered in walked(loaded, examples, Deadline("mistakes")):
        asked += len(answered.right)
        for row in np.flatnonzero(~answered.right).tolist():
            if len(wrong) == MOST_KEPT:
                truncated = True
                break
            wrong.append(
                Wrong(
                    first_of(answered.examples, row),
                    answered.answers[row],
                    truth_of(answered.examples, row, task.answer),
                    float(answered.chance[row]),
                    float(answered.truth_chance[row]),
                )
            )
    wrong.sort(key=lambda one: -one.chance)
    return Mistakes(wrong, asked, exhaustive, truncated)


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
    task = loaded.task
    # Of classes there are few: each is written once.
    names: dict[int, str] = {}

    def written_class(inputs: Inputs, place: int) -> str:
        if place not in names:
            names[place] = task.render(task.read_answer(inputs, np.array(place)))
        return names[place]

    def texts(one: Wrong) -> tuple[str, str]:
        if task.answer == "class":
            return written_class(one.inputs, int(one.truth)), written_class(one.inputs, int(one.answer))
        answer = one.answer
        if task.answer == "sequence":
            answer = np.array(written(task, one.answer.tolist()))
        elif task.answer == "tags":
            answer = one.answer[: len(one.inputs)]
        known = task.truth(one.inputs)
        right = task.read_answer(one.inputs, one.truth) if known is None else known
        return task.render(right), task.render(task.read_answer(one.inputs, answer))

    chosen = [one for one in mistakes.wrong if length is None or len(one.inputs) == length]
    if truth is not None or prediction is not None:
        chosen = [
            one
            for one in chosen
            for said in (texts(one),)
            if truth in (None, said[0]) and prediction in (None, said[1])
        ]
    rows: list[Mistake] = []
    for one in chosen[offset : offset + limit]:
        right, said = texts(one)
        rows.append(
            {
                "input": task.render(task.echo(one.inputs)),
                "prediction": said,
                "truth": right,
                "length": len(one.inputs),
                "probability": one.chance,
                "truth_probability": one.truth_chance if task.answer == "class" else None,
            }
        )
    return {
        "rows": rows,
        "total": len(chosen),
        "wrong": len(mistakes.wrong),
        "asked": mistakes.asked,
        "exhaustive": mistakes.exhaustive,
        "truncated": mistakes.truncated,
    }
