"""What runs, at one glance: a small live chart for each running run, beside a list on a wide screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message

from seqsum import formatting
from seqsum_tui.charts.legend import Entry, Note
from seqsum_tui.charts.plot import Layer
from seqsum_tui.charts.surface import ChartSurface
from seqsum_tui.charts.text import shorten
from seqsum_tui.charts.tiles import tiled
from seqsum_tui.live.curves import SOON, panel_series
from seqsum_tui.live.reader import x_end
from seqsum_tui.shared import bindings, display

if TYPE_CHECKING:
    from seqsum_tui.runs.reader import Running

LEAST, FINE = (30, 8), (44, 13)
"""Cells of a tile, across and down: the fewest, and those it is best in."""
MOST = 12
FRAMED = 12
"""Tiles so many lines high have a frame."""


class RunTile(ChartSurface, can_focus=True):
    """A small chart with the run's name, verdict and last values; enter or a click opens the run."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.TILE

    @dataclass
    class Chosen(Message):
        """A person chose the run of this chart."""

        key: str

    def __init__(self) -> None:
        super().__init__(empty=SOON)
        self.running: Running | None = None

    def show(self, running: Running) -> None:
        """Show how the run is now."""
        if running is self.running:
            return
        self.running = running
        run, panel = running.entry.summary, running.panel
        self.title = display.literal(run.name)
        self.set_y_limits(*((0.0, 1.0) if panel.share else (None, None)))
        self.set_x_limits(0.0, x_end(run, float(run.step)))
        self.set_series(replace(one, name=panel.title) for one in panel_series(panel, running.curves, run.metrics, 0))

    @property
    def _share(self) -> bool:
        return self.running is not None and self.running.panel.share

    def _head_of(self, width: int) -> str:
        verdict = None if self.running is None else display.verdict(self.running.entry.summary)
        said = f"  {verdict.text}" if verdict else ""
        return f"{shorten(self.title, max(width - len(said) - 2, 4))}{said}"

    def _told(self) -> list[Note]:
        progress = None if self.running is None else self.running.entry.summary.progress
        return [] if progress is None else [(formatting.progress(progress),)]

    def _entries(self, layers: Sequence[Layer]) -> list[Entry]:
        entries = super()._entries(layers)
        summary = None if self.running is None else self.running.entry.summary
        name = "loss" if summary is None else summary.named("loss")
        loss = None if summary is None else summary.metrics.get(name)
        if loss is not None and all(entry.name != name for entry in entries):
            entries.append(Entry(" ", display.literal(name), formatting.metric("loss", loss), "", self.rich_style))
        return entries

    def action_open(self) -> None:
        """Open the run."""
        if self.running is not None:
            self.post_message(self.Chosen(self.running.entry.summary.id))

    def on_click(self, event: events.Click) -> None:
        """Open the run."""
        self.action_open()


class LiveWall(Container):
    """Tiles, newest run first, as many as have room in half of the height; the preview has the rest."""

    DEFAULT_CSS = """
    LiveWall { layout: grid; grid-gutter: 0 1; grid-rows: 1fr; grid-columns: 1fr; display: none; padding: 0 1; }
    LiveWall.-running { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.tiles: list[RunTile] = []
        self._laid_out: object = None

    def show(self, running: Sequence[Running], width: int, height: int) -> None:
        """Show these runs, in at most so many cells."""
        self.set_class(bool(running), "-running")
        if not running:
            return
        grid = tiled(len(running), width - 2, height, least=LEAST, fine=FINE)
        if (grid, width, height) != self._laid_out:
            self._laid_out = grid, width, height
            self.styles.grid_size_columns, self.styles.grid_size_rows = grid.columns, grid.rows
            self.styles.height = min(grid.rows * FINE[1], height)
            for tile in self.tiles[grid.shown :]:
                tile.remove()
            new = [RunTile() for _ in range(grid.shown - len(self.tiles))]
            self.tiles = [*self.tiles[: grid.shown], *new]
            self.mount(*new)
        for tile, one in zip(self.tiles, running, strict=False):
            tile.set_class(min(FINE[1], height // grid.rows) >= FRAMED, "-framed")
            tile.show(one)
        self.call_after_refresh(ChartSurface.align_heads, self.tiles)
