"""Round ticks and axis limits, on linear, logarithmic and time axes, and short names for numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from seqsum import formatting
from seqsum.plotting.time_ticks import clock_ticks, date_ticks, duration_ticks

AxisKind = Literal["number", "plain", "log", "log duration", "duration", "clock", "date", "month"]
"""`plain`: numbers without thousands marks, such as years; `log`: x is the logarithm to base ten of what it counts, of
seconds where it is `log duration`; `duration`: seconds; `clock`, `date` and `month`: Unix time, read as local times,
and in UTC as days and months."""

LARGEST = 1e300
"""Values beyond this are drawn at the edge: differences of larger ones overflow."""

_DECADES = (1, 2, 3, 4, 5, 10, 20, 25, 50, 100, 200, 400, 1000)
_STEPS = (10, 20, 25, 50)
_LONGEST_LABEL = 9


@dataclass(frozen=True)
class Ticks:
    """Positions on an axis and what is written there.

    `base` is not empty when the labels are differences from it (ticks closer together than their common digits
    leave room for): the value is base + label.
    """

    values: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    base: str = ""

    def in_percent(self) -> Ticks:
        """Return ticks of a hundred times a share as ticks of the share."""
        values = tuple(value / 100 for value in self.values)
        return Ticks(values, tuple(f"{label}%" for label in self.labels), self.base and f"{self.base}%")

    @property
    def pairs(self) -> list[tuple[float, str]]:
        """Each value with all of its label."""
        return [(value, f"{self.base}{label}") for value, label in zip(self.values, self.labels, strict=True)]

    @property
    def width(self) -> int:
        """Cells that the longest label takes."""
        return max((len(label) for label in self.labels), default=0)


def _decimal(mantissa: int, exponent: int) -> float:
    return float(f"{mantissa}e{exponent}")


def _step_for(span: float, count: int) -> tuple[int, int]:
    """Return the smallest round step (mantissa, exponent) that is at least span / count."""
    rough = span / count
    exponent = math.floor(math.log10(rough)) - 1
    for power in (exponent, exponent + 1, exponent + 2):
        for mantissa in _STEPS:
            if _decimal(mantissa, power) >= rough * (1 - 1e-9):
                return mantissa, power
    raise AssertionError("a step of a hundred times the rough one is always enough")


def widened(low: float, high: float) -> tuple[float, float]:
    """Return [low, high], made wider round its middle when it is too narrow to divide."""
    low, high = min(max(low, -LARGEST), LARGEST), max(min(high, LARGEST), -LARGEST)
    size = max(abs(low), abs(high))
    if high - low > size * 1e-13:
        return low, high
    half = size * 0.05 if size > 1e-290 else 1.0
    return max(low - half, -LARGEST), min(high + half, LARGEST)


def limits(low: float, high: float, divisions: int = 20) -> tuple[float, float]:
    """Return limits just outside [low, high] that stay the same while the data moves a little.

    They are multiples of a round step of about 1/divisions of the span, so that a growing curve does not rescale, and
    repaint, the whole chart with every point.
    """
    low, high = widened(low, high)
    mantissa, exponent = _step_for(high - low, divisions)
    step = _decimal(mantissa, exponent)
    down, up = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    snapped = _decimal(mantissa * down, exponent), _decimal(mantissa * up, exponent)
    return min(snapped[0], low), max(snapped[1], high)


def log_limits(low: float, high: float) -> tuple[float, float]:
    """Return limits just outside [low, high] > 0 for a logarithmic axis: twentieths of the decades, rounded outward."""
    low, high = max(low, 1e-300), min(max(high, 1e-300), LARGEST)
    bottom, top = math.log10(low), math.log10(high)
    if top - bottom < 1e-9:
        bottom, top = bottom - 0.05, top + 0.05
    step = max((top - bottom) / 20, 1e-12)
    step = 10.0 ** math.floor(math.log10(step))
    bottom, top = math.floor(bottom / step + 1e-9) * step, math.ceil(top / step - 1e-9) * step
    return min(10.0 ** max(bottom, -300.0), low), max(10.0 ** min(top, 300.0), high)


def linear_ticks(low: float, high: float, count: int) -> Ticks:
    """Return at most `count` ticks in [low, high] at multiples of 1, 2, 2.5 or 5 times a power of ten."""
    low, high = max(low, -LARGEST), min(high, LARGEST)
    if count < 1 or not high > low or high - low <= max(abs(low), abs(high)) * 1e-15:
        return Ticks()
    for divisions in range(count, 0, -1):
        mantissa, exponent = _step_for(high - low, divisions)
        step = _decimal(mantissa, exponent)
        slack = max(1e-9 * (high - low), 4e-16 * max(abs(low), abs(high))) / step
        first, last = math.ceil(low / step - slack), math.floor(high / step + slack)
        if last - first + 1 <= count:
            break
    else:
        return Ticks()
    multiples = [mantissa * k for k in range(first, last + 1)]
    values = [_decimal(multiple, exponent) for multiple in multiples]
    values = [min(max(value, low), high) if abs(value) > 0 else 0.0 for value in values]
    if len(set(values)) < len(values):
        return Ticks()
    return _labelled(values, multiples, exponent)


def _labelled(values: Sequence[float], multiples: Sequence[int], exponent: int) -> Ticks:
    while all(multiple % 10 == 0 for multiple in multiples) and any(multiples):
        multiples, exponent = [multiple // 10 for multiple in multiples], exponent + 1
    if not multiples:
        return Ticks()
    labels = _alike(multiples, exponent)
    if max(map(len, labels), default=0) <= _LONGEST_LABEL:
        return Ticks(tuple(values), tuple(labels))
    differences = [multiple - multiples[0] for multiple in multiples]
    short = ["+" + formatting.exact(difference, exponent) for difference in differences]
    return Ticks(tuple(values), tuple(short), formatting.exact(multiples[0], exponent))


def _alike(multiples: Sequence[int], exponent: int) -> list[str]:
    """Return exact labels, all with the same number of decimals where that is short enough to read."""
    labels = [formatting.exact(multiple, exponent) for multiple in multiples]
    largest = max(abs(multiple) for multiple in multiples) * 10.0**exponent
    plain = [_fixed(multiple, exponent) for multiple in multiples]
    if 1e-3 <= largest < 1e3 and max(map(len, plain)) <= _LONGEST_LABEL - 2:
        return plain
    thousands = [
        label for label, multiple in zip(labels, multiples, strict=True) if abs(multiple) * 10.0**exponent >= 1e3
    ]
    if 1e3 <= largest < 1e6 and not all(label.endswith("k") for label in thousands):
        return plain
    return labels


def _fixed(multiple: int, exponent: int) -> str:
    """Return multiple * 10**exponent in plain decimals; all multiples of one step get equally many."""
    if multiple == 0 and exponent >= 0:
        return "0"
    digits = str(abs(multiple)).rjust(max(1, 1 - exponent), "0")
    return ("-" if multiple < 0 else "") + formatting.point(digits, exponent)


def _stride(first: int, last: int, count: int) -> int:
    """Return how many decades to go from tick to tick: a usual number where that leaves two ticks or more."""

    def ticks(n: int) -> int:
        return last // n + -first // n + 1

    strides: list[int] = [*_DECADES, *range(1, last - first + 2)]
    for n in strides:
        if 2 <= ticks(n) <= count:
            return n
    return next(n for n in range(1, last - first + 3) if ticks(n) <= count)


def log_ticks(low: float, high: float, count: int) -> Ticks:
    """Return at most `count` ticks in [low, high] > 0 at decades, with 2 and 5 between them when there is room.

    Less than one decade, where those are too few, falls back to linear ticks.
    """
    if count < 1 or not 0 < low < high:
        return Ticks()
    bottom, top = math.log10(low), math.log10(high)
    first, last = math.ceil(bottom - 1e-9), math.floor(top + 1e-9)
    for mantissas in ((1, 2, 5), (1, 3), (1,)):
        chosen = [
            (mantissa, power)
            for power in range(first - 1, last + 1)
            for mantissa in mantissas
            if low * (1 - 1e-9) <= _decimal(mantissa, power) <= high * (1 + 1e-9)
        ]
        if len(chosen) <= count:
            break
    else:
        stride = _stride(first, last, count)
        chosen = [(1, power) for power in range(first, last + 1) if power % stride == 0]
    if len(chosen) < 3 and top - bottom < 1.0:
        return linear_ticks(low, high, count)
    if chosen and chosen[-1][1] - chosen[0][1] > 9:
        labels = tuple(f"{mantissa}e{power}" for mantissa, power in chosen)
    else:
        labels = tuple(formatting.exact(mantissa, power) for mantissa, power in chosen)
    return Ticks(tuple(_decimal(*tick) for tick in chosen), labels)


def log_x_ticks(low: float, high: float, count: int) -> Ticks:
    """Return `log_ticks` with one more near `low`, a digit and zeros, where the first stands far from it."""
    ticks = log_ticks(low, high, count)
    if not ticks.values or ticks.base or len(ticks.values) >= count:
        return ticks
    decade = math.floor(math.log10(low))
    mantissa = math.ceil(low / _decimal(1, decade) * (1 - 1e-9))
    first = _decimal(mantissa, decade)
    if ticks.values[0] <= max(first * (1 + 1e-9), low * (high / low) ** 0.1):
        return ticks
    return Ticks((first, *ticks.values), (formatting.exact(mantissa, decade), *ticks.labels))


def value_ticks(low: float, high: float, count: int, *, log: bool = False, share: bool = False) -> Ticks:
    """Return at most `count` ticks for an axis of values; those of a share are in percent."""
    of_kind = log_ticks if log else linear_ticks
    return of_kind(100 * low, 100 * high, count).in_percent() if share else of_kind(low, high, count)


def axis_ticks(low: float, high: float, count: int, kind: AxisKind = "number") -> Ticks:
    """Return at most `count` ticks for an x axis of a kind."""
    if kind in ("number", "plain"):
        ticks = linear_ticks(low, high, count)
        return ticks if kind == "number" else Ticks(ticks.values, tuple(map(formatting.full, ticks.values)))
    if kind in ("log", "log duration"):
        ticks, unit = log_x_ticks(10**low, 10**high, count), "s" if kind == "log duration" else ""
        return Ticks(tuple(map(math.log10, ticks.values)), tuple(f"{label}{unit}" for label in ticks.labels))
    pairs = {"duration": duration_ticks, "clock": clock_ticks, "date": date_ticks, "month": date_ticks}[kind](
        low, high, count
    )
    return Ticks(tuple(value for value, _ in pairs), tuple(label for _, label in pairs))


def format_x(value: float, kind: AxisKind = "number", step: float = 0.0) -> str:
    """Return an x for reading: whole numbers with thousands marks, times as on the axis.

    `step` is the distance between two columns of the chart; digits finer than that are left out.
    """
    if kind in ("log", "log duration"):
        # Whole numbers are to be whole again.
        value = round(10**value, 11 - math.floor(value))
        step, kind = value * (10**step - 1), "number" if kind == "log" else "duration"
    if kind == "duration":
        return formatting.duration(value)
    if kind == "clock":
        return formatting.moment(value)
    if kind in ("date", "month"):
        text = formatting.day(value, step)
        return text[:7] if kind == "month" else text
    if kind == "plain":
        return formatting.full(value)
    if math.isfinite(value) and value == math.floor(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    digits = max(3, math.ceil(math.log10(abs(value) / step)) + 1) if step > 0 and abs(value) > step else 4
    return formatting.shortest(value, min(digits, 12)) if math.isfinite(value) else formatting.number(value)
