"""What a page shows: a few words above, and one picture below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from textual.content import Content

from seqsum.plotting.ticks import AxisKind
from seqsum_tui.charts.series import Band, Mark, Series
from seqsum_tui.query.heat_map import Heat
from seqsum_tui.query.ribbons import Looks

QUIET = "$foreground-muted"
RIGHT, WRONG = "$text-success", "$text-error"

SIGN_OF = {True: ("✓ ", RIGHT), False: ("✗ ", WRONG), None: ("· ", QUIET)}
"""The sign of an answer in a list, by whether it is right; None: nobody knows."""

HEADROOM = 1.15
"""Top of an axis of shares that leaves room for words above all of them."""

Part = str | tuple[str, str] | Content


@dataclass(frozen=True)
class Curves:
    """A chart. x_name, x_kind: what x counts, and what it is in; log_y: whether y is logarithmic; span: fixed bottom
    and top of y; spell: how values are written, where neither name nor title says it."""

    series: tuple[Series, ...]
    x_name: str
    x_kind: AxisKind = "number"
    bands: tuple[Band, ...] = ()
    marks: tuple[Mark, ...] = ()
    log_y: bool = False
    span: tuple[float | None, float | None] = (None, None)
    limits: tuple[float | None, float | None] = (None, None)
    spell: Callable[[float], str] | None = None


@dataclass(frozen=True)
class Dots:
    """Points in a plane: x, y and the place of each one's label, () for no labels; path: points that are joined, in
    order, each with the token that led to it; meaning: what the labels are."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    label: tuple[int, ...]
    labels: tuple[str, ...]
    path: tuple[tuple[float, float, str], ...] = ()
    meaning: str = ""


@dataclass(frozen=True)
class Line:
    """One answer of a list; `question` is what is asked when it is chosen. label: one whose wrong answers are listed
    then, in place of a question."""

    question: str
    text: Content
    wrong: bool
    label: str | None = None

    @property
    def key(self) -> str:
        return self.question


@dataclass(frozen=True)
class Lines:
    """A list of answers."""

    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Shown:
    """One view of a page. `strip`: tokens and how much each counts, above the picture.

    `full` is what counts as full there: below each token stands its value in whole numbers, `full` for all above it.
    Without it, the largest is full, and below each token stands its share of that in tenths. `counts`: what that is.
    """

    title: str
    words: Content
    picture: Heat | Looks | Curves | Dots | Lines | None = None
    strip: tuple[tuple[str, float], ...] = ()
    full: int | None = None
    counts: str = ""


def verdict(correct: bool | None, truth: str, unknown: str = "") -> tuple[str, str]:
    """Return right or wrong, by sign and word; `unknown` where nobody knows."""
    if correct is None:
        return (unknown, QUIET)
    return ("✓ right", RIGHT) if correct else (f"✗ wrong, it is {truth}", WRONG)


def told(*parts: Part) -> Content:
    """Return a line out of parts."""
    return Content.assemble(*parts)


def lines(*parts: Content) -> Content:
    """Return parts below each other."""
    return Content("\n").join(parts)


def finite(values: Sequence[float | None]) -> list[float]:
    """Return values with NaN for those that are not known."""
    return [float("nan") if value is None else float(value) for value in values]


def curve(name: str, x: Sequence[float], y: Sequence[float], sign: str = "", colour: str = "") -> Series:
    """Return a line of a chart from plain numbers."""
    return Series(name, np.array(x, dtype=np.float64), np.array(y, dtype=np.float64), sign=sign, colour=colour)


def band(name: str, x: Sequence[float], low: Sequence[float], high: Sequence[float]) -> Band:
    """Return a shaded stretch of a chart from plain numbers."""
    low_edge, high_edge = np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)
    return Band(name, np.array(x, dtype=np.float64), low_edge, high_edge)
