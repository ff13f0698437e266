"""What a person is told of a run's checkpoints, to choose one from. Read in a thread; knows no screen."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seqsum.compare.history import History
from seqsum.errors import UserError
from seqsum.runs import checkpoint_files
from seqsum.runs.best import best_step
from seqsum_tui.shared.metric_panels import loss_panel, panels

if TYPE_CHECKING:
    from seqsum.runs import Run

MOST_WITH_VALUES = 200
"""So many of the newest are shown with their values: each costs a few look-ups."""

WHY = {
    "interval": "",
    "best": "best until then",
    "snapshot": "saved by hand",
    "pause": "paused",
    "restored": "end, the best weights",
    "stop": "stopped",
    "end": "end",
}


@dataclass(frozen=True)
class Saved:
    """A checkpoint: its step, why and when (seconds since 1970) it was saved, and the metrics there by title."""

    step: int
    why: str
    time: float | None
    values: tuple[tuple[str, float], ...]


def checkpoints_of(run: Run) -> tuple[Saved, ...]:
    """Return what is saved of a run, the newest first. Raises UserError when the run can't be read."""
    steps = checkpoint_files.steps_saved(run.checkpoints)[::-1]
    with run.store() as store:
        events = {event.step: event for event in store.events(kind="checkpoint")}
    best = max((step for step, event in events.items() if event.detail.get("reason") == "best"), default=None)
    with suppress(UserError):
        best = best_step(run, "checkpoints")
    parent = run.record_or_blank().parent or {}
    found = []
    with History(run) as history:
        known = history.metrics()
        # One for the loss and one for what the task measures, both of what is held out where there is such a thing.
        shown = [(panel.title, panel.alone.names[0]) for panel in (loss_panel(known), panels(known)[0])]
        shown = [(title, name) for title, name in shown if name in known]
        for place, step in enumerate(steps):
            values = []
            for title, name in shown if place < MOST_WITH_VALUES else ():
                near = history.near(name, step)
                if near is not None:
                    values.append((title, near[1]))
            event = events.get(step)
            why = str(event.detail.get("reason", "")) if event else ""
            if event is None and parent.get("step") == step:
                why = "the fork's start"
            when = event.time if event else checkpoint_files.saved_at(run.checkpoints, step)
            told = WHY.get(why, why)
            if step == best:
                told = f"{told}, best" if told and why != "best" else "best"
            found.append(Saved(step, told, when, tuple(values)))
    return tuple(found)
