"""The answer to one question: right or wrong, how sure, and where the input goes wrong when it can't be read."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content

from seqsum import formatting
from seqsum.text import seen
from seqsum_tui.query.said import Said
from seqsum_tui.query.views.answers import describe, remarks
from seqsum_tui.query.views.shown import QUIET, RIGHT, WRONG, Shown, lines, told, verdict
from seqsum_tui.shared import display

MOST_BARS = 40
WIDEST_LABEL = 24
SURE, NEARLY = 0.98, 0.8
"""Probability of the answer."""
WIDEST_BAR = 60


def answer(said: Said, width: int, beside: Said | None = None, *, drawn: bool = True) -> Shown:
    """Return the view of an answer; `beside` is what the other model answered to the same question.

    drawn: whether a forecast is drawn among the words
    """
    against = [] if beside is None else [_against(said, beside)]
    if said.reading.kind != "class":
        return Shown("Answer", lines(describe(said, width, drawn=drawn), *against))
    labels, truth = labels_of(said), said.text("truth") if said.answer.truth is not None else None
    judged = verdict(said.answer.correct, said.text("truth"), "· its right answer is not known here")
    head = told((said.text("input"), "bold"), "  →  ", (said.text("prediction"), "bold $text-accent"), "   ", judged)
    each = bars(said.shares, labels, width, said.text("prediction"), truth, beside.shares if beside else None)
    sure = sureness(said.shares, said.answer.entropy)
    return Shown("Answer", lines(head, sure, *remarks(said), *against, Content(""), *each))


def labels_of(said: Said) -> list[str]:
    """Return what the classes are called, literally."""
    return [display.literal(seen(label)) for label in said.reading.labels or map(str, range(len(said.shares)))]


def sureness(probabilities: Sequence[float], bits: float | None) -> Content:
    """Say how sure a model is, between certain (0 bits) and guessing (log2 of the number of classes)."""
    if len(probabilities) < 2 or bits is None:
        return Content("")
    most = math.log2(len(probabilities))
    # Two answers of ten that are as likely have little entropy, too.
    largest = max(probabilities)
    word = "sure" if largest >= SURE else "nearly sure" if largest >= NEARLY else "unsure"
    word = "guessing" if bits > 0.9 * most else word
    return told((f"{word}: entropy {formatting.number(bits)} of at most {formatting.number(most)} bits", QUIET))


def bars(
    shares: Sequence[float],
    labels: Sequence[str],
    width: int,
    answered: str,
    truth: str | None,
    other: Sequence[float] | None = None,
) -> list[Content]:
    """Return a bar for each class, in the order of the classes; of very many only the likeliest.

    The answer is marked by ▸, the truth by ✓; `other` are the probabilities of a model beside, and what differs by a
    tenth or more is marked by ≠.
    """
    places = list(range(len(shares)))
    if len(places) > MOST_BARS:
        places = sorted(places, key=lambda place: -shares[place])[:MOST_BARS]
    names = [display.fit(labels[at], min(cell_len(labels[at]), WIDEST_LABEL)) for at in places]
    widest = max((cell_len(name) for name in names), default=0)
    room = max(min(width - widest - 17, WIDEST_BAR), 4)
    drawn = []
    for at, name in zip(places, names, strict=True):
        chosen, right = labels[at] == answered, labels[at] == truth
        full = _blocks(shares[at], room)
        style = "$text-accent" if chosen else "$foreground-muted"
        far = other is not None and at < len(other) and abs(shares[at] - other[at]) >= 0.1
        share = f" {formatting.percent(shares[at]):>7}"
        drawn.append(
            told(
                ("▸" if chosen else " ", "$text-accent"), ("✓ " if right else "  ", RIGHT),
                (display.fit_right(name, widest), "bold" if chosen or right else ""), " ",
                (full, style), ("·" * (room - cell_len(full)), "$foreground 20%"),
                (share, "bold" if chosen else QUIET), (" ≠" if far else "", "$text-warning"),
            )
        )  # fmt: skip
    return drawn


EIGHTHS = " ▏▎▍▌▋▊▉█"


def _blocks(share: float, room: int) -> str:
    eighths = round(max(0.0, min(share, 1.0)) * room * 8)
    return "█" * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")


def _against(said: Said, beside: Said) -> Content:
    theirs = beside.text("prediction")
    if said.text("prediction") == theirs:
        return told(("= the same answer as beside", QUIET))
    return told((f"≠ beside it is {theirs}", "bold $text-warning"))


def refusal(question: str, reason: str, place: int | None, end: int | None, width: int) -> Content:
    """Say why a question can't be read, with a caret below the place of the error."""
    shown = display.literal(question)
    if place is None or not 0 <= place <= len(question):
        return told((f"✗ {display.literal(reason)}", WRONG))
    start = cell_len(display.literal(question[:place]))
    length = max(cell_len(display.literal(question[place : end if end is not None else place + 1])), 1)
    # A long question is cut so that the place stays in view.
    cut = max(0, start + length + 10 - width)
    head = "…" if cut else ""
    shown = head + shown[cut + len(head) :]
    return lines(
        told((shown, "bold")),
        told((" " * (start - cut) + "▲" * length, WRONG)),
        told((f"✗ {display.literal(reason)}", WRONG)),
    )
