"""Stored metrics as the chart's series and marks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from seqsum_tui import words
from seqsum_tui.charts import Mark, Series
from seqsum_tui.charts.palette import SIGNS

if TYPE_CHECKING:
    from seqsum.runs import Buckets, Event
    from seqsum_tui.metric_panels import Panel

GREY = "#808080"
TRAIN, COMPARED, EVAL, PARENT = 0, 1, 2, 10


def bucket_series(name: str, buckets: Buckets, index: int = 0, colour: str = "") -> Series:
    """Return a metric's buckets as a series; values that are not finite break the line and show as signs."""
    return Series(name, buckets.x, buckets.values, buckets.low, buckets.high, sign=SIGNS[index], colour=colour)


def panel_series(
    panel: Panel, curves: Mapping[str, Buckets], index: int, parent: Mapping[str, Buckets] | None = None
) -> list[Series]:
    """Return the series of a chart. Train and eval have one sign each everywhere; what they are compared with is grey.

    index: the sign of a series that is alone, or the chart's first.
    parent: how the parent of a fork went on; grey, behind the others.
    """
    drawn = []
    for metric, name in panel.metrics:
        curve = curves.get(metric)
        if curve is None or not curve.x.size:
            continue
        if name == "eval":
            drawn.append(bucket_series(name, curve, EVAL))
        elif name == "train":
            drawn.append(bucket_series(name, curve, TRAIN))
        elif not name:
            drawn.append(bucket_series(name, curve, index))
        else:
            drawn.append(bucket_series(name, curve, COMPARED, GREY))
    went_on = (parent or {}).get(panel.alone.names[0])
    if went_on is not None:
        drawn.append(replace(bucket_series("parent", went_on, PARENT, GREY), back=True))
    return drawn


def event_marks(events: Iterable[Event], checkpoints: Iterable[int] = ()) -> list[Mark]:
    """Return what a chart marks: values changed by hand, pauses, where a run went on, began, went back or failed, and
    what is saved of it."""
    marks: list[Mark] = []
    for event in events:
        if event.kind == "set":
            field, old, new = (str(event.detail.get(key, "?")) for key in ("field", "old", "new"))
            marks.append(
                Mark(event.step, f"{words.literal(field.rpartition('.')[2])} {words.literal(old)}→{words.literal(new)}")
            )
        elif event.kind == "paused":
            marks.append(Mark(event.step, "paused", kind="pause"))
        elif event.kind == "resumed" and not (marks and marks[-1].x == event.step):
            # Where it was paused or rewound that says it.
            marks.append(Mark(event.step, "resumed", sign="▸", kind="resume"))
        elif event.kind == "rewound":
            came = event.detail.get("came", "?")
            marks.append(Mark(event.step, f"rewound from {words.literal(str(came))}", sign="◂", kind="rewind"))
        elif event.kind == "failed":
            reason = words.literal(str(event.detail.get("reason") or "failed"))
            marks.append(Mark(event.step, reason.partition(";")[0], sign="✗", kind="failure"))
        elif event.kind == "forked":
            name = event.detail.get("name") or event.detail.get("run", "?")
            marks.append(Mark(event.step, f"forked from {words.literal(str(name))}", sign="Y", kind="fork"))
    return marks + [_checkpoint_mark(step) for step in checkpoints]


@lru_cache(maxsize=20_000)
def _checkpoint_mark(step: int) -> Mark:
    # A fast run has hundreds; the same object again is compared at once.
    return Mark(step, "checkpoint", kind="checkpoint")
