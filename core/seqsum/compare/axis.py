"""A setting as the x axis of a scatter: places on a number line, logarithmic where it must be, or names in a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from seqsum.compare.reader import RunData, tokens_among
from seqsum.compare.spread import is_broken, standing_of
from seqsum.formatting import shortest
from seqsum.plotting.ticks import linear_ticks, log_x_ticks
from seqsum.runs.metric_direction import Direction
from seqsum.schema import as_text

DECADE = 10.0


@dataclass(frozen=True)
class FieldAxis:
    """`kind` is number, log or names.

    places: one for each value, in the axis' own units (log10 of the value when log).
    names: for kind names, what stands at 0, 1, 2 …
    """

    kind: str
    places: tuple[float, ...]
    names: tuple[str, ...] = ()

    def ticks(self, low: float, high: float, count: int) -> list[tuple[float, str]]:
        """Return (place, label) of about `count` ticks between two places: names, the few values there are, or round
        numbers."""
        if self.kind == "names":
            return [(float(place), name) for place, name in enumerate(self.names) if low <= place <= high]
        values = sorted(set(self.places))
        closest = min((right - left for left, right in pairwise(values)), default=math.inf)
        if len(values) <= count and closest >= (high - low) / count / 1.5:
            return [(place, shortest(10**place if self.kind == "log" else place, 7)) for place in values]
        if self.kind == "log":
            return [(math.log10(value), label) for value, label in log_x_ticks(10**low, 10**high, count).pairs]
        return linear_ticks(low, high, count).pairs


def field_axis(values: Sequence[Any]) -> FieldAxis:
    """Return the axis for a setting's values (None: off), one for each run.

    Numbers that span a decade or more get a logarithmic axis; anything else than numbers stands by name, sorted, with
    numbers by size.
    """
    numbers = [float(value) for value in values if _is_number(value)]
    if len(numbers) == len(values) and numbers:
        if min(numbers) > 0 and max(numbers) >= DECADE * min(numbers):
            return FieldAxis("log", tuple(math.log10(number) for number in numbers))
        return FieldAxis("number", tuple(numbers))
    texts = [as_text(value) for value in values]
    keys = {text: (0, float(value), "") if _is_number(value) else (1, 0.0, text)
            for text, value in zip(texts, values, strict=True)}  # fmt: skip
    names = tuple(sorted(keys, key=lambda text: keys[text]))
    return FieldAxis("names", tuple(float(names.index(text)) for text in texts), names)


def medians(
    places: Sequence[float], runs: Sequence[RunData], direction: Direction | None, *, of_best: bool
) -> list[tuple[float, float]]:
    """Return (x, median of the runs' values there) for each x in order; nothing when no x has more than one run, or the
    runs have different tasks or tokens.

    Every run counts as in a group (see `spread`): left out is an x whose median run has no value.
    """
    by_x: dict[float, list[RunData]] = {}
    for x, run in zip(places, runs, strict=True):
        by_x.setdefault(x, []).append(run)
    mixed = len({run.task for run in runs}) > 1 or len(tokens_among(runs)) > 1
    if mixed or all(len(several) == 1 for several in by_x.values()):
        return []
    found = []
    for x in sorted(by_x):
        ends = [(run.summary.status, run.final[1] if run.final else None) for run in by_x[x]]
        values = [run.best[1] if run.best else None for run in by_x[x]] if of_best else None
        standing = standing_of(ends, direction, values)
        if standing is not None and math.isfinite(standing.median):
            found.append((x, standing.median))
    return found


def scatter_notes(runs: Sequence[RunData], lacking: int, has_medians: bool) -> list[str]:
    """Return what one must know to read a scatter of runs, `lacking` of which have no value and no point in it."""
    broken = sum(is_broken(run.summary.status, run.final[1] if run.final else None) for run in runs)
    notes = [f"line: medians{f', {broken} that broke ranked worst' if broken else ''}"] if has_medians else []
    notes += [f"{lacking} of {len(runs)} without a value"] if lacking else []
    return notes + (["different tasks"] if len({run.task for run in runs}) > 1 else [])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
