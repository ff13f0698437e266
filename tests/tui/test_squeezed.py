"""What draws its own lines, with next to no room and without colours: every piece of a line has a style."""

from dataclasses import dataclass

import numpy as np
import pytest
from rich.style import Style
from textual.app import App
from textual.filter import Monochrome
from textual.geometry import Region

from seqsum_tui.charts import Band, Chart, Mark, Series
from seqsum_tui.charts.multiples import Small, SmallMultiples
from seqsum_tui.query.heat_map import Heat, HeatMap
from seqsum_tui.query.plane import Plane
from seqsum_tui.query.ribbons import Looks, Ribbons
from seqsum_tui.query.token_strip import TokenStrip
from seqsum_tui.query.views.shown import Dots
from seqsum_tui.shared.line_table import LineTable

X = np.arange(9.0)
LINE = Series("train", X, X)


@dataclass(frozen=True)
class Word:
    key: str


class Words(LineTable[Word]):
    def pieces(self, line):
        return [(line.key, Style())]


def nothing(widget):
    """Show what a widget shows before it is given anything."""


WIDGETS = {
    "chart": (
        lambda: Chart("loss", series=[LINE], bands=[Band("middle", X, X, X + 1)], marks=[Mark(3.0, "")]),
        nothing,
    ),
    "empty chart": (Chart, nothing),
    "small multiples": (
        SmallMultiples,
        lambda widget: widget.show("1 of 2", "note", [Small("a", "a", (0.0, 1.0), "+")]),
    ),
    "no small multiples": (SmallMultiples, nothing),
    "heat map": (HeatMap, lambda widget: widget.show(Heat(((0.1, 0.9), (0.5, np.nan)), ("a", "b"), ("x", "y")))),
    "no heat map": (HeatMap, nothing),
    "plane": (Plane, lambda widget: widget.show(Dots((0.0, 1.0), (0.0, 1.0), (0, 1), ("a", "b")))),
    "ribbons": (Ribbons, lambda widget: widget.show(Looks(("a", "b"), ("x", "y"), ((0.1, 0.9), (0.9, 0.1))))),
    "tokens": (TokenStrip, lambda widget: widget.show([("a", 1.0), ("b", -1.0)], None, "what each counts")),
    "table": (Words, lambda widget: widget.replace([Word("a"), Word("b")])),
    "empty table": (Words, nothing),
}


class Alone(App):
    def __init__(self, widget):
        super().__init__()
        self.widget = widget

    def compose(self):
        yield self.widget


@pytest.mark.parametrize("name", WIDGETS)
async def test_a_squeezed_widget_is_drawn_without_colours(name, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    make, fill = WIDGETS[name]
    widget = make()
    async with Alone(widget).run_test(size=(30, 12)) as pilot:
        fill(widget)
        for size in ((30, 8), (0, 8), (1, 8), (2, 8), (0, 1), (2, 1), (30, 0), (30, 8)):
            widget.styles.width, widget.styles.height = size
            await pilot.pause()
            width, height = widget.size
            assert width == size[0]
            widget.render_lines(Region(0, 0, width, height))
            for y in range(height):
                strip = widget.render_line(y)
                assert all(one.style is not None for one in strip), (size, y)
                strip.apply_filter(Monochrome(), widget.background_colors[1])
