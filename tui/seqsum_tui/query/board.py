"""What the Ask screen shows below its box: a page, of one model or of two beside each other, or the dashboard."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import Container, Horizontal

from seqsum_tui.query.dashboard import Dashboard, Panel, room
from seqsum_tui.query.pages import Asking, Chosen, has
from seqsum_tui.query.pane import QueryPane

FIRST = "answer"
Filled = tuple[Asking, str, Chosen | None, str | None]
"""What stands behind a pane, its page, its view, and the question to the server that this still takes."""


class Board(Container):
    """Where there is room, the dashboard is shown until a page is wanted large.

    Args:
        askings: what stands behind the panes, the first behind the dashboard; it may grow and shrink.
    """

    DEFAULT_CSS = """
    Board { height: 1fr; }
    """

    def __init__(self, askings: list[Asking]) -> None:
        super().__init__()
        self._askings = askings
        self._large = False
        self._chosen: dict[str, Chosen] = {}
        self.page = FIRST
        self.overview = False
        """Whether the dashboard is shown."""
        self._dashboard = Dashboard()

    def compose(self) -> ComposeResult:
        """Make the pane of the page, and the dashboard."""
        with Horizontal(id="panes"):
            yield QueryPane()
        yield self._dashboard

    # What is shown

    @property
    def _broad(self) -> bool:
        return bool(room(self.screen.size)) and len(self._askings) == 1

    @property
    def beside(self) -> list[QueryPane]:
        """The panes of the page, one for each model."""
        return list(self.query_one("#panes").query(QueryPane))

    @property
    def panes(self) -> list[QueryPane]:
        """The panes that are shown."""
        return [*self._dashboard.panels] if self.overview else self.beside

    @property
    def front(self) -> QueryPane:
        """The pane that the keys are about."""
        return self._active or self.beside[0]

    @property
    def pages(self) -> set[str]:
        """The pages that are shown, whole or in part."""
        return {panel.page for panel in self._dashboard.panels} if self.overview else {self._place[0]}

    @property
    def _active(self) -> Panel | None:
        return self._dashboard.active if self.overview else None

    @property
    def _place(self) -> tuple[str, Chosen]:
        """The page that the keys are about, and the view of it that was chosen."""
        panel = self._active
        if panel is not None:
            return panel.page, panel.chosen
        asking, page = self._askings[0], self.page
        if page == FIRST and asking.question is None and asking.session.offers("forecast"):
            # Before a series is asked, its answer is how the data go on.
            page = "more"
        return page, self._chosen.get(page, ("", ""))

    @property
    def titles(self) -> list[str]:
        """The views of the page that the keys are about."""
        return [title for title, _ in self._askings[0].titles(self._place[0])]

    @property
    def title(self) -> str:
        """The view that the keys are about."""
        view = self._askings[0].chosen(*self._place)
        return view[0] if view is not None else ""

    # Turning pages

    @property
    def large(self) -> bool:
        """Whether a page is shown where the dashboard would have room."""
        return self._broad and self._large

    def turn(self, page: str) -> None:
        """Turn to a page, at the view of the panel that has the keys where it is of that page."""
        panel = self._active
        if panel is not None and panel.page == page:
            self._chosen[page] = panel.chosen
        # Where there is no room yet, a page that was turned to stays when there is.
        self.page, self._large = page, page != FIRST or bool(room(self.screen.size))

    def turn_back(self) -> None:
        """Turn back to the dashboard, or else to the answer."""
        self.page, self._large = FIRST, False

    def next_view(self, by: int) -> None:
        """Choose a view further on among those of the page that the keys are about."""
        page, before = self._place
        titles, now = self._askings[0].titles(page), self._askings[0].chosen(page, before)
        if now is not None:
            self.choose(page, titles[(titles.index(now) + by) % len(titles)])

    def choose(self, page: str, view: Chosen) -> None:
        """Choose a view of a page."""
        self._chosen[page] = view
        if self.overview:
            self._dashboard.choose(page, view)

    # Drawing

    async def make_room(self) -> None:
        """Make what there was no room for before."""
        await self._dashboard.make_room()

    def lay_out(self) -> None:
        """Show the panes that there is room and a meaning for."""
        asking, dashboard = self._askings[0], self._dashboard
        if asking.session.asks and not has(self.page, asking.session):
            self.page, self._large = FIRST, False
        self.overview = dashboard.display = self._broad and not self._large and bool(dashboard.children)
        self.query_one("#panes").display = not self.overview
        if self.overview:
            dashboard.offer(asking, self.screen.size)

    def fill(self) -> Iterator[Filled]:
        """Show what was answered."""
        if self.overview:
            first = self._askings[0]
            for panel in self._dashboard.panels:
                yield self._filled(panel, first, panel.page, panel.chosen)
                panel.entitle_for(first)
        else:
            for asking, pane in zip(self._askings, self.beside, strict=False):
                # One that comes beside has nothing to say before its model is loaded.
                if asking is self._askings[0] or asking.session.asks:
                    yield self._filled(pane, asking, *self._place)

    def _filled(self, pane: QueryPane, asking: Asking, page: str, before: Chosen) -> Filled:
        view = asking.chosen(page, before)
        beside = next((other.reply for other in self._askings if other is not asking), None)
        return asking, page, view, pane.fill(asking, page, view, beside)
