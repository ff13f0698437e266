"""The box in which one types what runs to list, and under it what is wrong with it, at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from seqsum_tui import bindings, words
from seqsum_tui.messages import FilterLeft, FilterTyped

if TYPE_CHECKING:
    from seqsum.runs.filter import FilterError

HINT = "words, or: cell = lstm and accuracy > 0.9 · status:running · has:note · tag:night · age < 2h"
SIGN = "/ "


class FilterBox(Input):
    """Enter and down go to the list; escape takes the filter away."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.FILTER

    def action_leave(self, cleared: bool) -> None:
        """Go to the list."""
        if cleared:
            self.value = ""
        self.post_message(FilterLeft(cleared))


class FilterLine(Vertical):
    """Hidden until it is asked for; stays as long as there is a filter."""

    DEFAULT_CSS = """
    FilterLine {
        height: auto; display: none; background: $boost;
        &.-shown { display: block; }
        & > Horizontal { height: 1; padding: 0 1; }
        & > Horizontal > Static { width: auto; color: $text-accent; text-style: bold; }
        & > Horizontal > #found { color: $foreground 60%; text-style: none; padding-left: 1; }
        & FilterBox { width: 1fr; height: 1; border: none; padding: 0; background: $boost; }
        & > #filter-problem { height: auto; padding: 0 1; color: $text-error; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: tuple[str, FilterError | None] = ("", None)

    def compose(self) -> ComposeResult:
        """Make the box and the line under it."""
        with Horizontal():
            yield Static(SIGN)
            yield FilterBox(placeholder=HINT, id="filter", compact=True)
            yield Static("", id="found")
        yield Static("", id="filter-problem")

    def on_mount(self) -> None:
        """No error yet."""
        self.query_one("#filter-problem").display = False

    @property
    def text(self) -> str:
        """What stands in the box."""
        return self.query_one(FilterBox).value

    def open(self) -> None:
        """Show the box, and type in it from now on."""
        self.add_class("-shown")
        self.query_one(FilterBox).focus()

    def clear(self) -> None:
        """Take the filter away, and the box with it."""
        self.query_one(FilterBox).value = ""
        self.remove_class("-shown")

    def show(self, found: str, error: FilterError | None) -> None:
        """Say how many runs were found, or what is wrong and where; nothing is painted when it is as before."""
        if (found, error) == self._said:
            return
        self._said = found, error
        self.query_one("#found", Static).update(Content(found))
        problem = self.query_one("#filter-problem", Static)
        if problem.display != (error is not None):
            problem.display = error is not None
        if error is not None:
            problem.update(self._pointed(error))

    def _pointed(self, error: FilterError) -> Content:
        """The carets under what is wrong, and what to write instead: beside them, or under them."""
        box, (start, end) = self.query_one(FilterBox), error.place
        scrolled = int(box.scroll_offset.x)
        left = max(len(SIGN) + cell_len(box.value[:start]) - scrolled, 0)
        carets = "^" * max(cell_len(box.value[start:end]), 1)
        text = words.literal(str(error).removeprefix("filter: "))
        room = self.size.width - 2
        if left + len(carets) + 1 + cell_len(text) <= room:
            return Content(f"{' ' * left}{carets} {text}")
        if left + len(carets) > room:
            return Content(text)
        return Content(f"{' ' * left}{carets}\n{text}")

    @on(Input.Changed, "#filter")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(FilterTyped(event.value))

    @on(FilterLeft)
    def _left(self) -> None:
        if not self.text:
            self.remove_class("-shown")
