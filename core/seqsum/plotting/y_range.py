"""The range of values that a chart shows: what a person asks for, and what is left when outliers are left out."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqsum.errors import UserError
from seqsum.formatting import full
from seqsum.text import printable

if TYPE_CHECKING:
    from seqsum.runs.buckets import Floats

Limits = tuple[float | None, float | None]
"""Bottom and top; None leaves an end to the data."""

FEWEST, MOST = 8, 1000
TRIMMED = 0.01
FLATTENED = 10.0
LEAST, LEAST_DECADES = 0.2, 1.0


def limits_of(text: str, what: str = "y range") -> Limits | None:
    """Return the limits that a person writes: `0 2`, `0,2`, `,2` (only the top), `auto` or nothing (None).

    Raises UserError for anything else.
    """
    if text.strip().lower() in ("", "auto"):
        return None
    parts = [part.strip() for part in text.split(",")] if "," in text else text.split()
    example = "write two numbers, the lower first, like 0,2; ,2 sets the top alone, auto takes what there is"
    if len(parts) != 2 or not any(parts):
        raise UserError(f'{what}: "{printable(text.strip())}" is no range; {example}')
    low, high = (_number(part, what, example) for part in parts)
    if low is not None and high is not None and not low < high:
        raise UserError(f"{what}: {full(low)} is not below {full(high)}; {example}")
    return low, high


def _number(text: str, what: str, example: str) -> float | None:
    if not text or text.lower() == "auto":
        return None
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?%?", text) or math.isinf(float(text.rstrip("%"))):
        raise UserError(f'{what}: "{printable(text)}" is no number; {example}')
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def limits_text(limits: Limits) -> str:
    """Return limits as `limits_of` reads them."""
    return ",".join("" if end is None else full(end) for end in limits)


def ends_of(
    parts: Sequence[tuple[Floats, Floats]], *, log: bool, fixed: Limits, leave_out: bool
) -> tuple[float, float, bool]:
    """Return the lowest and the highest of some values, and whether outliers flatten the rest; with `leave_out` the
    ends are those of the rest.

    Args:
        parts: of each curve the lowest and the highest value at each of its places, finite; with `log` above zero.
        fixed: ends that are set anyway. With both of them there is nothing to look for.
    """
    low, high = min(float(one.min()) for one, _ in parts), max(float(one.max()) for _, one in parts)
    if None not in fixed:
        return low, high, False
    rest = without_outliers([(np.log10(one), np.log10(other)) for one, other in parts] if log else parts, log=log)
    if rest is None or not leave_out:
        return low, high, rest is not None
    return (10.0 ** rest[0], 10.0 ** rest[1], True) if log else (*rest, True)


def without_outliers(
    parts: Sequence[tuple[Floats, Floats]], *, log: bool = False, flattened: float = FLATTENED
) -> tuple[float, float] | None:
    """Return the range of all values but outliers, or None where no outliers flatten the rest.

    Outliers are the hundredth of a curve's values (one at least) at either end, when the others take less than a
    tenth of the height because of them.

    Args:
        parts: of each curve the lowest and the highest value at each of its places, finite; with `log` their decimal
            logarithms.
        flattened: how many times their own height the others have to be flattened.
    """
    parts = [(np.sort(_few(low, np.minimum)), np.sort(_few(high, np.maximum))) for low, high in parts if low.size]
    if not parts or max(low.size for low, _ in parts) < FEWEST:
        return None
    trimmed = [max(1, int(low.size * TRIMMED)) if low.size >= FEWEST else 0 for low, _ in parts]
    low = min(float(one[0][cut]) for one, cut in zip(parts, trimmed, strict=True))
    high = max(float(one[1][-1 - cut]) for one, cut in zip(parts, trimmed, strict=True))
    low, high = min(low, high), max(low, high)
    lowest, highest = min(float(one[0][0]) for one in parts), max(float(one[1][-1]) for one in parts)
    # What hardly changes has a height of its own: a step from 1 to 1.1 is no outlier.
    size = max(high - low, LEAST_DECADES if log else LEAST * max(abs(low), abs(high)))
    if not 0 < size < math.inf or highest - lowest <= flattened * size:
        return None
    ends = np.concatenate([column for one in parts for column in one])
    kept = ends[(ends >= low - size) & (ends <= high + size)]
    return float(kept.min()), float(kept.max())


def _few(values: Floats, ufunc: np.ufunc) -> Floats:
    """The extremes of stretches, where there are very many values: fast enough for every picture."""
    if values.size <= 2 * MOST:
        return values
    extremes: Floats = ufunc.reduceat(values, np.arange(MOST) * values.size // MOST)
    return extremes
