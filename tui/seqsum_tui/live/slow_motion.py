"""A run that was over before one could look, shown once as if it were slow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from seqsum import formatting
from seqsum.runs.kinds import Fields
from seqsum_tui.shared.context import ConsoleScreen

if TYPE_CHECKING:
    from textual.timer import Timer

    from seqsum_tui.live.reader import RunView

SHORT_SECONDS = 2.0
"""Who sees less than this of a training sees no curve move."""
LASTS_SECONDS, FRAMES, FRAMES_OVER_SLOW_LINES = 3.0, 30, 6
LAYOUT = "replayed"
MOST_KEPT = 300


class SlowMotion:
    """Shows a run's reading as it was at one step after another: once, when too little of its training could be seen.

    Of a run that took no two seconds that is the first time that a person looks at it. A run that one has just started
    may have taken longer: it is shown so, too, if this screen showed less than two seconds of it.
    """

    def __init__(
        self, screen: ConsoleScreen[None], show: Callable[[RunView, tuple[str, ...]], object], *, started: bool
    ) -> None:
        """show: draws a reading, with what is to be said of it; started: the person has just started the run."""
        self._screen, self._show, self._started = screen, show, started
        self._seen_since: float | None = None
        self._seen_seconds = 0.0
        self._view: RunView | None = None
        self._timer: Timer | None = None
        self._frame = 0

    @property
    def runs(self) -> bool:
        """Whether it is under way."""
        return self._timer is not None

    def look(self, view: RunView) -> None:
        """Begin, if the run is over, too little of it was seen, and it was never shown so."""
        run, shown = view.summary, Fields(self._screen.console.layout(LAYOUT), LAYOUT).texts("runs")
        if run.live:
            # From the first curve that was shown to the last reading before the end: on a busy machine these are few.
            if any(curve.x.size > 1 for curve in view.curves.values()):
                now = self._screen.console.now()
                self._seen_since = now if self._seen_since is None else self._seen_since
                self._seen_seconds = now - self._seen_since
            return
        took = run.train_seconds or 0.0
        missed = took < SHORT_SECONDS or (self._started and self._seen_seconds < SHORT_SECONDS)
        if run.status != "finished" or took <= 0 or not missed or not view.curves or run.id in shown:
            return
        self._screen.console.keep_layout(LAYOUT, {"runs": [*shown, run.id][-MOST_KEPT:]})
        self._view, self._frame = view, 0
        frames = FRAMES_OVER_SLOW_LINES if self._screen.console.remote else FRAMES
        self._timer = self._screen.set_interval(LASTS_SECONDS / frames, lambda: self._advance(frames))
        self._advance(frames)

    def end(self) -> None:
        """Show the run as it is."""
        if self._timer is not None and self._view is not None:
            self._timer.stop()
            self._timer = None
            self._show(self._view, ())

    def _advance(self, frames: int) -> None:
        if self._view is None or self._frame >= frames:
            self.end()
            return
        run = self._view.summary
        took = run.train_seconds or 0.0
        replayed = "replayed slowly" if took < LASTS_SECONDS else "replayed"
        self._show(
            at_step(self._view, run.step * self._frame // frames),
            (f"{replayed}: it took {formatting.duration(took)}", "any key ends it"),
        )
        self._frame += 1


def at_step(view: RunView, step: int) -> RunView:
    """Return a run's reading as it was when the run was at a step."""
    curves = {name: curve.where(curve.last <= step) for name, curve in view.curves.items()}
    curves = {name: curve for name, curve in curves.items() if curve.x.size}
    newest = {name: float(curve.values[-1]) for name, curve in curves.items()}
    run = view.summary
    share = step / run.step if run.step else 0.0
    then = replace(
        run, status="running", step=step, train_seconds=(run.train_seconds or 0.0) * share, verdict=None, metrics=newest
    )  # fmt: skip
    return replace(
        view,
        summary=then,
        curves=curves,
        newest=newest,
        events=tuple(event for event in view.events if event.step <= step),
        checkpoints=tuple(saved for saved in view.checkpoints if saved <= step),
    )
