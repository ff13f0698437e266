"""How an answer came to be learned: what each checkpoint says to the same question, and the "aha" between them."""

from __future__ import annotations

from typing import Any

from seqsum import formatting
from seqsum.query.questions.history import History, HistoryAnswer
from seqsum.text import seen
from seqsum_tui.charts.palette import SIGNS
from seqsum_tui.charts.series import Mark
from seqsum_tui.query.views.registry import Pane, view
from seqsum_tui.query.views.shown import HEADROOM, QUIET, RIGHT, WRONG, Curves, Shown, curve, finite, lines, told
from seqsum_tui.shared import display

AHA = "★"


@view(
    History, "learned", "Learned",
    comes="What each checkpoint answers to the question, and from which step on it is right.",
    comes_of_values="How far off the forecasts of each checkpoint are, and what each answers to the question.",
)  # fmt: skip
def learned(answer: HistoryAnswer, pane: Pane) -> Shown:
    """Return the view of what every checkpoint says."""
    rows = answer.rows
    steps = [float(row.step) for row in rows]
    values = any(row.error is not None for row in rows)
    if values:
        series = [curve(_error_of(answer), steps, finite([row.error for row in rows]), sign=SIGNS[0])]
    else:
        series = [curve(_of(answer), steps, finite([row.accuracy for row in rows]), sign=SIGNS[0])]
        # The truth of a text is not known: then the curve is of what was answered. Of several tokens it is that anyway.
        name = "probability of the truth" if answer.truth is not None else "probability of its answer"
        name = name if answer.labels is not None else "mean probability of its tokens"
        series.append(curve(name, steps, finite([row.probability for row in rows]), sign=SIGNS[1]))
    here = pane.session.step if pane.session.step is not None else (rows[-1].step if rows else None)
    marks = [Mark(float(here), "asked now", sign="▲", kind="asked")] if here is not None else []
    if answer.aha is not None:
        marks.append(Mark(float(answer.aha), f"aha: {formatting.percent(answer.threshold)} from here", sign=AHA))
    picture = Curves(tuple(series), "step", marks=tuple(marks), span=(0.0, None if values else HEADROOM))
    head = _least(answer) if values else _aha(answer)
    return Shown("Learned", lines(head, _input_line(answer), _path(answer, here)), picture)


def _of(answer: HistoryAnswer) -> str:
    """Name the accuracy: that of a part of the inputs is another number than the run's own."""
    return "accuracy" if answer.asked is None else f"accuracy of {formatting.count(answer.asked, 'input')}"


def _error_of(answer: HistoryAnswer) -> str:
    """Name the error as `_of` names the accuracy."""
    return "mean absolute error" + ("" if answer.asked is None else f" of {formatting.count(answer.asked, 'input')}")


def _least(answer: HistoryAnswer) -> Any:
    """Say which checkpoint's forecasts are least far off: none is right or wrong."""
    known = [row for row in answer.rows if row.error is not None]
    least = min(known, key=lambda row: row.error or 0.0)
    return told(
        (f"{_error_of(answer)} {formatting.number(least.error)}", "bold $text-accent"),
        (f" at step {least.step:,}, the least of {formatting.count(len(known), 'checkpoint')}", QUIET),
    )


def _aha(answer: HistoryAnswer) -> Any:
    limit = formatting.percent(answer.threshold)
    if all(row.accuracy is None for row in answer.rows):
        return told(("accuracy has no meaning for this task", QUIET))
    if answer.aha is None:
        return told((f"no aha yet: {_of(answer)}{_for_all(answer)} has not stayed at {limit} or above", QUIET))
    return told(
        (f"{AHA} aha at step {answer.aha:,}", "bold $text-accent"),
        f": from there {_of(answer)}{_for_all(answer)} stays at {limit} or above",
    )


def _for_all(answer: HistoryAnswer) -> str:
    return "" if answer.asked is None else ", which stand for all,"


def _input_line(answer: HistoryAnswer) -> Any:
    asked = display.fit(display.literal(answer.input), min(len(answer.input), 40))
    since = answer.aha_input
    if answer.truth is None:
        return told((asked, "bold"))
    if since is None:
        return told((asked, "bold"), (" is not answered right by the newest checkpoint", QUIET))
    return told((asked, "bold"), f" is answered right from step {since:,} on")


def _path(answer: HistoryAnswer, here: int | None) -> Any:
    """The answers one after another, each with its sign; the checkpoint asked now stands in brackets."""
    parts: list[Any] = [("answers ", QUIET)]
    rows = answer.rows
    at = next((place for place, row in enumerate(rows) if row.step == here), len(rows) - 1)
    first = max(0, min(at - 10, len(rows) - 20))
    if first:
        parts.append(("… ", QUIET))
    for row in rows[first : first + 20]:
        sign = {True: "✓", False: "✗", None: ""}[row.correct]
        text = display.literal(seen(row.prediction))
        text = f"{display.fit(text, min(len(text), 10))}{sign}"
        style = {True: RIGHT, False: WRONG, None: ""}[row.correct]
        parts.append((f"[{text}] " if row.step == here else f"{text} ", f"bold {style}" if row.step == here else style))
    if first + 20 < len(rows):
        parts.append(("…", QUIET))
    return told(*parts)
