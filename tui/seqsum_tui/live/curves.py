"""Stored metrics as the chart's series and marks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from seqsum_tui.charts import Mark, Series
from seqsum_tui.charts.palette import GREY, SIGNS
from seqsum_tui.shared import display

if TYPE_CHECKING:
    from seqsum.runs import Buckets, Event, Summary
    from seqsum_tui.shared.metric_panels import Panel

SOON, READING = "The first values come soon", "Reading…"
TRAIN, COMPARED, EVAL, PARENT = 0, 1, 2, 10


def bucket_series(name: str, buckets: Buckets, index: int = 0, colour: str = "", last: float | None = None) -> Series:
    """Return a metric's buckets as a series: the line is of what is finite, signs stand for what is not.

    last: the value that was recorded last.
    """
    return Series(
        name, buckets.x, buckets.values, buckets.low, buckets.high, sign=SIGNS[index], colour=colour,
        thinned=buckets, last=last,
    )  # fmt: skip


def panel_series(
    panel: Panel,
    curves: Mapping[str, Buckets],
    newest: Mapping[str, float],
    index: int,
    parent: tuple[Mapping[str, Buckets], Mapping[str, float]] | None = None,
) -> list[Series]:
    """Return the series of a chart. Train and eval have one sign each everywhere; what they are compared with is grey.

    newest: the last values of the metrics.
    index: the sign of a series that is alone, or the chart's first.
    parent: how the parent of a fork went on, and its last values there; grey, behind the others.
    """
    drawn = []
    signs = {"eval": EVAL, "train": TRAIN, "": index}
    for metric, name in panel.metrics:
        curve = curves.get(metric)
        if curve is not None and curve.x.size:
            sign, colour = (signs[name], "") if name in signs else (COMPARED, GREY)
            series = bucket_series(name, curve, sign, colour, newest.get(metric))
            drawn.append(replace(series, gap_to="train" if name == "eval" else ""))
    alone = panel.alone.names[0]
    if parent is not None and alone in parent[0]:
        series = bucket_series("parent", parent[0][alone], PARENT, GREY, parent[1].get(alone))
        drawn.append(replace(series, back=True))
    return drawn


def why_empty(run: Summary) -> str:
    """Return what stands in a chart without values."""
    if run.status == "unreadable":
        _, _, why = (run.reason or "").partition(": ")
        return f"Can't be read: {why}" if why else "Can't be read"
    return SOON if run.live else "No values"


def event_marks(events: Iterable[Event], checkpoints: Iterable[int] = ()) -> list[Mark]:
    """Return what a chart marks: values changed by hand, pauses, where a run went on, began, went back or failed, and
    what is saved of it."""
    marks: list[Mark] = []
    for event in events:
        if event.kind == "set":
            field, old, new = (str(event.detail.get(key, "?")) for key in ("field", "old", "new"))
            marks.append(
                Mark(
                    event.step,
                    f"{display.literal(field.rpartition('.')[2])} {display.literal(old)}→{display.literal(new)}",
                )
            )
        elif event.kind == "paused":
            marks.append(Mark(event.step, "paused", kind="pause"))
        elif event.kind == "resumed" and not (marks and marks[-1].x == event.step):
            # Where it was paused or rewound that says it.
            marks.append(Mark(event.step, "resumed", sign="▸", kind="resume"))
        elif event.kind == "rewound":
            came = event.detail.get("came", "?")
            marks.append(Mark(event.step, f"rewound from {display.literal(str(came))}", sign="◂", kind="rewind"))
        elif event.kind == "failed":
            reason = display.literal(str(event.detail.get("reason") or "failed"))
            marks.append(Mark(event.step, reason.partition(";")[0], sign="✗", kind="failure"))
        elif event.kind == "forked":
            name = event.detail.get("name") or event.detail.get("run", "?")
            marks.append(Mark(event.step, f"forked from {display.literal(str(name))}", sign="Y", kind="fork"))
    return marks + _checkpoint_marks(tuple(checkpoints))


@lru_cache(maxsize=1)
def _checkpoint_marks(steps: tuple[int, ...]) -> list[Mark]:
    # A run may have hundreds; the same objects again are compared at once.
    return [Mark(step, "checkpoint", kind="checkpoint") for step in steps]
