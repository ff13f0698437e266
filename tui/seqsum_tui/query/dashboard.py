"""Several views of one question side by side, each in a panel with its page's key and its title in the border."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Grid
from textual.content import Content
from textual.geometry import Size

from seqsum_tui.query.pages import PAGES, Asking, Chosen, panels_of
from seqsum_tui.query.pane import QueryPane
from seqsum_tui.query.views.shown import Shown

WIDE, WIDEST = 120, 160
"""Columns from which there is room for two panels, and for four."""
HIGH, HIGHER = 30, 36
"""Lines from which four panels stand below each other, and from which an answer with ten bars leaves room below it."""
MOST = 4
TEN_BARS = 15
"""Lines of a panel with an answer out of ten, of which each has its bar."""
SPANS, SHORT_SPANS = (3, 4, 5, 4), (2, 4, 6, 4)
"""Eighths of the height that four panels have, two beside each other: an answer needs less than what explains it, and
one without a bar for each class still less."""
HIGHEST = 44
"""Lines from which a quarter of them is enough for an answer without bars, and for the keys that stand there first."""


def room(size: Size) -> int:
    """Return how many panels a screen has room for; 0 is none."""
    if size.width >= WIDEST:
        return MOST
    return 0 if size.width < WIDE else 3 if size.height >= HIGHER else 2


class Panel(QueryPane):
    """A pane in a border, which says what it shows and whether it has the keys."""

    DEFAULT_CSS = """
    Panel {
        border: round $foreground 20%; border-title-color: $foreground-muted;
        &:focus-within { border: round $border; border-title-color: $primary; border-title-style: bold; }
    }
    """

    READY = False
    BELOW = False
    page = ""
    chosen: Chosen = ("", "")
    offered: tuple[str, Chosen] | None = None
    """The page and the view that it is there for."""

    def show(self, shown: Shown) -> None:
        """Show a view; tab leads to its picture, or else to its words."""
        super().show(shown)
        words = self.query_one("#scroll")
        words.can_focus = self.picture is words

    def entitle_for(self, asking: Asking) -> None:
        """Write the page's key and the view's title into the border: while another is computed, of what is shown."""
        view = asking.chosen(self.page, self.chosen)
        name = view[0] if view is not None else self.page.capitalize()
        if view is not None and self.about == (asking.question, view[1]) and self.shown_title:
            name = self.shown_title
        number = f"{PAGES.index(self.page) + 1} " if self.page in PAGES else ""
        self.border_title = Content(number + name)


class Dashboard(Grid):
    """Shows the views that tell most of a run, of one question."""

    DEFAULT_CSS = """
    Dashboard { height: 1fr; }
    """

    def compose(self) -> ComposeResult:
        """Make the panels, where there is room for any."""
        yield from self._missing(self.app.size)

    async def make_room(self) -> None:
        """Make the panels where there was no room before."""
        await self.mount_all(self._missing(self.screen.size))

    def _missing(self, size: Size) -> list[Panel]:
        return [Panel() for _ in range(MOST)] if room(size) and not self.children else []

    @property
    def panels(self) -> list[Panel]:
        """The panels that are shown."""
        return [panel for panel in self.query(Panel) if panel.display]

    @property
    def active(self) -> Panel | None:
        """The panel that has the keys; the first where none has; None while the dashboard is taken down."""
        return next((panel for panel in self.panels if panel.has_focus_within), next(iter(self.panels), None))

    def offer(self, asking: Asking, size: Size) -> None:
        """Offer the views that fit a run, as many as a screen has room for."""
        offered = panels_of(asking.session, room(size))
        columns = len(offered) if len(offered) < 3 or size.height < HIGH else 2
        high = len(offered) == MOST and columns == 2
        odd = (len(offered), columns) == (3, 2)
        self.styles.grid_size_columns = columns
        self.styles.grid_rows = f"{TEN_BARS} 1fr" if odd else "1fr"
        self.styles.grid_size_rows = 8 if high else -(-len(offered) // columns)
        barred = asking.session.facts is None or asking.session.answers("class")
        spans = SPANS if barred or size.height < HIGHEST else SHORT_SPANS
        for place, panel in enumerate(self.query(Panel)):
            panel.display = place < len(offered)
            # Of three, that which tells most of an answer is as high as the room.
            panel.styles.row_span = spans[place] if high else 2 if odd and place == 1 else 1
            if panel.display and panel.offered != offered[place]:
                panel.offered = panel.page, panel.chosen = offered[place]

    def choose(self, page: str, chosen: Chosen) -> None:
        """Have the panel of a page show another of its views: the active one, where it is of that page."""
        panels = [panel for panel in (self.active, *self.panels) if panel is not None and panel.page == page]
        for panel in panels[:1]:
            panel.chosen = chosen
