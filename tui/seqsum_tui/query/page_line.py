"""The two lines over the panes: the pages there are, and the views of the one that is open."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from seqsum_tui.shared import display


class PageLine(Vertical):
    """What is chosen stands out. A page with one view has no second line."""

    DEFAULT_CSS = """
    PageLine {
        height: auto;
        & > Static { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & > #pages { background: $panel; }
        & > #views { padding: 0 1; }
    }
    """

    def compose(self) -> ComposeResult:
        """Make the lines."""
        yield Static(id="pages")
        yield Static(id="views")

    def show_pages(self, names: Sequence[tuple[int, str]], chosen: int) -> None:
        """Show the pages, each with the number of its key."""
        at = next((place for place, (number, _) in enumerate(names) if number == chosen), -1)
        self.query_one("#pages", Static).update(display.tabs((f"{number} {name}" for number, name in names), at))

    def show_views(self, titles: Sequence[str], chosen: str) -> None:
        """Show the views of the page."""
        line = self.query_one("#views", Static)
        line.display = len(titles) > 1
        at = titles.index(chosen) if chosen in titles else 0
        # What is chosen stays in view where there are more views than fit.
        first = 0
        while first < at and sum(len(title) + 3 for title in titles[first : at + 2]) > self.screen.size.width - 8:
            first += 1
        before = Content.assemble(("v ", "bold $text-accent"), ("‹" if first else "", "$foreground-muted"))
        line.update(before + display.tabs(titles[first:], at - first))
