"""Groups of a comparison as samples: how each did over its seeds, and whether it is better than the baseline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seqsum.compare.reader import Comparison
from seqsum.compare.rows import Row
from seqsum.compare.spread import as_ranked, counting
from seqsum.compare.statistics import FEWEST, FEWEST_FOR_INTERVAL, Against, Sample, Seeded, against, sample_of
from seqsum.formatting import NONE, metric, p_value, percent
from seqsum.runs.metric_direction import Direction
from seqsum.text import one_line

CONVERGED = 0.99
"""The accuracy from which on a run counts as converged."""


@dataclass(frozen=True)
class Tested:
    """What is told of one row: its sample, how many of its runs converged (None without an accuracy), and how it did
    beside the baseline (None for that itself, and where the tasks or the tokens differ)."""

    sample: Sample
    converged: int | None
    against: Against | None


def seeded(runs: Sequence[tuple[int, str, float | None]], direction: Direction | None) -> Seeded:
    """Return the seed and the last value of each run that counts, the worst as infinities.

    runs: seed, status and last value (None without one) of each. Without a better direction a run without a value has
    no place, and is left out.
    """
    counts = counting([(status, final is not None) for _, status, final in runs])
    ranked = [
        (seed, as_ranked(status, final, direction))
        for (seed, status, final), counted in zip(runs, counts, strict=True)
        if counted
    ]
    return [(seed, value) for seed, value in ranked if not math.isnan(value)]


def values_of(row: Row, direction: Direction | None) -> Seeded:
    """Return the seed and the last value of each run of a row that counts."""
    return seeded(
        [
            (int(run.fields.get("train.seed", 0)), run.summary.status, None if run.final is None else run.final[1])
            for run in row.runs
        ],
        direction,
    )


def converged_of(metric: str, values: Seeded) -> int | None:
    """Return how many runs reached an accuracy of 0.99; None for another metric."""
    return sum(value >= CONVERGED for _, value in values) if metric == "accuracy" else None


def tested(rows: Sequence[Row], comparison: Comparison) -> dict[str, Tested]:
    """Return key → what is told of each row that has a value; beside the baseline only where one way is better."""
    direction = comparison.direction
    values = {row.key: values_of(row, direction) for row in rows}
    rows = [row for row in rows if values[row.key]]
    base = next((row for row in rows if row.baseline), None)
    others = [row for row in rows if base is not None and row is not base and row.measured_over == base.measured_over]
    beside: Mapping[str, Against] = {}
    if base is not None and direction is not None:
        compared = against(values[base.key], [values[row.key] for row in others], direction)
        beside = dict(zip((row.key for row in others), compared, strict=True))
    return {
        row.key: Tested(
            sample_of([value for _, value in values[row.key]]),
            converged_of(comparison.metric, values[row.key]),
            beside.get(row.key),
        )
        for row in rows
    }


def sentence(name: str, base: str, found: Against) -> str:
    """Say in plain English how a row did beside the baseline, and how sure that is."""
    name, base = one_line(name), one_line(base)
    if found.p is None:
        return f"{name} and {base}: too few runs to tell; two of each are needed"
    pairs = f"{percent(found.improvement)} of pairs"
    told = pairs if found.wins is None else f"{found.wins} of {found.pairs} seeds"
    if not found.sure:
        return f"{name} and {base} may be equally good: {name} is better with {told}, {p_value(found.p)}"
    better = found.improvement > 0.5
    return f"{name} is {'better' if better else 'worse'} than {base}: better with {told}, {p_value(found.p)}"


INTERVAL, ENDS = "95% interval", "lowest to highest"


def interval_title(samples: Iterable[Sample | None]) -> str:
    """Return what `interval` tells of these samples: where one has enough runs their 95% interval, else only how far
    the runs lie apart."""
    return INTERVAL if any(sample is not None and sample.low is not None for sample in samples) else ENDS


def interval_meaning(title: str) -> str:
    """Say what stands under a title of `interval_title`."""
    if title == INTERVAL:
        return f"{INTERVAL}: of the median, by the ranks of the seeds."
    return f"{ENDS}: of the seeds; a {INTERVAL} of the median takes {FEWEST_FOR_INTERVAL} of them."


def interval(name: str, sample: Sample, title: str) -> str:
    """Return what stands under a title, `98.1% to 100.0%`; `–` for an end without a value, for a single
    run, and for too few to have that."""
    ends = (sample.low, sample.high) if title == INTERVAL else (sample.lowest, sample.highest)
    known = [end for end in ends if end is not None and math.isfinite(end)]
    if not known or None in ends or sample.n < FEWEST:
        return NONE
    return " to ".join(value_text(name, end) for end in ends)


def value_text(name: str, value: float | None) -> str:
    """Return a value that comes of several runs; `–` where it falls on runs without one."""
    return metric(name, value if value is not None and math.isfinite(value) else None)
