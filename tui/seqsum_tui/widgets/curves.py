"""Stored metrics as the chart's series and marks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from seqsum_tui import words
from seqsum_tui.charts import Mark, Series
from seqsum_tui.charts.palette import SIGNS

if TYPE_CHECKING:
    from seqsum.runs import Buckets, Event
    from seqsum_tui.metric_panels import Panel

GREY = "#808080"
COMPARED, EVAL = 1, 2


def bucket_series(name: str, buckets: Buckets, index: int = 0, colour: str = "") -> Series:
    """Return a metric's buckets as a series; values that are not finite break the line and show as a sign."""
    mean = np.where(buckets.nonfinite > 0, np.nan, buckets.mean)
    return Series(name, buckets.x, mean, buckets.low, buckets.high, sign=SIGNS[index], colour=colour)


def panel_series(panel: Panel, curves: Mapping[str, Buckets], index: int) -> list[Series]:
    """Return the series of a chart. What is held out has one sign everywhere; what it is compared with is grey.

    index: the sign of a series that is alone, or the chart's first.
    """
    drawn = []
    for metric, name in panel.metrics:
        curve = curves.get(metric)
        if curve is None or not curve.x.size:
            continue
        if name == "eval":
            drawn.append(bucket_series(name, curve, EVAL))
        elif not name or metric == "loss":
            drawn.append(bucket_series(name, curve, index))
        else:
            drawn.append(bucket_series(name, curve, COMPARED, GREY))
    return drawn


def x_end(steps: int, last: float) -> float:
    """Return where the step axis ends while a run is at step `last` of `steps`.

    The run's end, halved as often as the curve still fills more than half of the axis: so the axis moves a few times
    in a run, and in between a growing curve changes only the cells at its tip.
    """
    end = float(steps)
    while end / 2 >= max(last, 1.0):
        end /= 2
    return end


def event_marks(events: Iterable[Event]) -> list[Mark]:
    """Return what a chart marks: values changed by hand, pauses, and where a run went on after an end."""
    marks: list[Mark] = []
    for event in events:
        if event.kind == "set":
            field, old, new = (str(event.detail.get(key, "?")) for key in ("field", "old", "new"))
            marks.append(
                Mark(event.step, f"{words.literal(field.rpartition('.')[2])} {words.literal(old)}→{words.literal(new)}")
            )
        elif event.kind == "paused":
            marks.append(Mark(event.step, "paused", kind="pause"))
        elif event.kind == "resumed":
            marks.append(Mark(event.step, "resumed", sign="▸", kind="resume"))
    return marks
