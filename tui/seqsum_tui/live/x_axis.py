"""What the charts of a run stand over: steps, epochs, time trained, or the clock. Made from what the run wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from seqsum.compare.history import History
    from seqsum.plotting.ticks import AxisKind
    from seqsum.runs import Buckets, Event

Floats = NDArray[np.float64]
XKind = Literal["step", "epoch", "time", "clock"]
KINDS: tuple[XKind, ...] = ("step", "epoch", "time", "clock")
SECONDS, EPOCH, CLOCK = "train_seconds", "epoch", "wall_time"
PLACES = 500
"""At least so many points tell how an axis runs; between them it is a straight line."""
FIRST_SECONDS = 15.0


@dataclass(frozen=True, eq=False)
class XAxis:
    """`places` on the axis of some `steps`: float64[n] each, both ascending. Without any, it is the step itself."""

    kind: XKind = "step"
    steps: Floats = field(default_factory=lambda: np.zeros(0), repr=False)
    places: Floats = field(default_factory=lambda: np.zeros(0), repr=False)

    @property
    def chart_kind(self) -> AxisKind:
        """How a chart writes its places."""
        return "duration" if self.kind == "time" else "clock" if self.kind == "clock" else "number"

    def of(self, steps: Floats) -> Floats:
        """Return where steps lie; beyond the ends of what is known they lie at the ends."""
        return steps if not self.steps.size else np.interp(steps, self.steps, self.places)

    def place(self, step: float) -> float:
        """Return where one step lies."""
        return float(self.of(np.array([step]))[0])

    def step(self, place: float) -> float:
        """Return the step at a place."""
        return place if not self.steps.size else float(np.interp(place, self.places, self.steps))

    def moved(self, buckets: Buckets) -> Buckets:
        """Return buckets of steps as they lie on this axis."""
        return replace(buckets, x=self.of(buckets.x)) if self.steps.size else buckets

    def limits(self, end_step: float, last_step: float, live: bool) -> tuple[float, float]:
        """Return the ends of the axis while a run is at `last_step` and its step axis ends at `end_step`.

        Nobody knows how long a run will take: an axis of time is doubled whenever it is full.
        """
        if self.kind == "step" or not self.steps.size:
            return 0.0, end_step
        if self.kind == "epoch":
            return 0.0, end_step * self.place(last_step) / max(last_step, 1.0)
        first = 0.0 if self.kind == "time" else float(self.places[0])
        last = self.place(last_step)
        width = FIRST_SECONDS
        while width < last - first:
            width *= 2
        return first, first + width if live else max(last, first + 1e-3)


def axis_kinds(known: Iterable[str], events: Sequence[Event]) -> tuple[XKind, ...]:
    """Return the axes that a run's metrics and events give."""
    known = set(known)
    there = {"step": True, "epoch": EPOCH in known, "time": SECONDS in known, "clock": len(events) > 1}
    return tuple(kind for kind in KINDS if there[kind])


def axis_of(kind: XKind, history: History, events: Sequence[Event], newest: tuple[float, float] | None = None) -> XAxis:
    """Return the axis of a run; where it has written too little for it, steps.

    newest: its last step, and when that was written (seconds since 1970).
    """
    if kind == "step":
        return XAxis()
    curve = history.curve({"epoch": EPOCH, "time": SECONDS, "clock": CLOCK}[kind], count=PLACES, fewer=True)
    steps, places = curve.x, curve.mean
    if kind == "clock":
        # Two events at one step are the two ends of a pause; checkpoints are written a little after their step.
        told: list[tuple[float, float]] = [
            (event.step, event.time) for event in events if event.kind != "checkpoint" or not steps.size
        ]
        told += [newest] if newest else []
        steps = np.concatenate([steps, [float(step) for step, _ in told]])
        places = np.concatenate([places, [time for _, time in told]])
        order = np.lexsort((places, steps))
        steps, places = steps[order], np.maximum.accumulate(places[order]) if places.size else places
    elif steps.size:
        steps, places = np.insert(steps, 0, 0.0), np.insert(places, 0, 0.0)
    return XAxis(kind, steps, places) if steps.size > 1 else XAxis()
