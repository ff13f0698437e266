"""The box in which one types what runs to list; under it what could follow, or what is wrong, at its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from seqsum_tui.runs.filter_completion import Offer
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.one_line import OneLineInput

if TYPE_CHECKING:
    from seqsum.runs.filter_tokens import FilterError
    from seqsum_tui.runs.filter_completion import FilterCompletion

HINT = "words, or: cell in (lstm, gru) and accuracy > 0.9 · name = big-* · loss = nan · not has:note · age < 1h30m"
SIGN = "/ "
BETWEEN = "  "


@dataclass
class FilterTyped(Message):
    """What stands in the filter's box changed."""

    text: str


@dataclass
class FilterLeft(Message):
    """A person is done with the filter's box; `cleared`: and wants no filter any more."""

    cleared: bool


class FilterBox(OneLineInput):
    """Enter and down go to the list; tab and right take the word in grey, shift+tab shows another one in its place."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.FILTER

    def __init__(self, offer: Callable[[str], Offer], placeholder: str, id: str) -> None:
        super().__init__(placeholder=placeholder, id=id, compact=True)
        self._offer = offer
        self._chosen: tuple[str, int] | None = None

    def offered(self) -> tuple[Offer, int | None]:
        """Return what could follow, and which of it stands there in grey: what was begun, or was chosen."""
        offer = self._offer(self.value)
        if not offer.words:
            return offer, None
        if self._chosen is not None and self._chosen[0] == self.value:
            return offer, self._chosen[1] % len(offer.words)
        return offer, 0 if offer.begun else None

    def show_word(self) -> None:
        """Put the word in grey behind what is typed."""
        offer, index = self.offered()
        self._suggestion = "" if index is None or not self.value else offer.taken(self.value, index)

    def action_complete(self) -> None:
        """Take the word."""
        offer, index = self.offered()
        if offer.words:
            self.value = offer.taken(self.value, index or 0)
            self.cursor_position = len(self.value)

    def action_other(self) -> None:
        """Show the next word."""
        offer, index = self.offered()
        if offer.words:
            self._chosen = self.value, 0 if index is None else index + 1
            self.show_word()
            self.post_message(self.Changed(self, self.value))

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
        & > Horizontal > #found { color: $foreground-muted; text-style: none; padding-left: 1; }
        & FilterBox { width: 1fr; height: 1; border: none; padding: 0; background: $boost; }
        & > #filter-problem { height: auto; padding: 0 1; display: none; }
        & > #filter-problem.-wrong { color: $text-error; }
        & > #filter-problem.-shown { display: block; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._found = ""
        self._error: tuple[str, FilterError] | None = None
        self._insisted = ""
        self._completion: FilterCompletion | None = None

    def compose(self) -> ComposeResult:
        """Make the box and the line under it."""
        with Horizontal():
            yield Static(SIGN)
            yield FilterBox(self._offer, HINT, "filter")
            yield Static("", id="found")
        yield Static("", id="filter-problem")

    def _offer(self, text: str) -> Offer:
        return Offer() if self._completion is None else self._completion.offer(text)

    @property
    def box(self) -> FilterBox:
        """The box."""
        return self.query_one(FilterBox)

    @property
    def text(self) -> str:
        """What stands in the box."""
        return self.box.value

    def open(self) -> None:
        """Show the box, and type in it from now on."""
        self.add_class("-shown")
        # Not `focus`, which waits for a refresh: letters typed right after are no commands.
        self.screen.set_focus(self.box)

    def clear(self) -> None:
        """Take the filter away, and the box with it."""
        self.box.value = ""
        self.remove_class("-shown")

    def know(self, completion: FilterCompletion) -> None:
        """Complete from these runs from now on."""
        self._completion = completion

    def show(self, found: str, error: FilterError | None) -> None:
        """Say how many runs were found by the text, or what is wrong and where."""
        if found != self._found:
            self._found = found
            self.query_one("#found", Static).update(Content(found))
        self._error = None if error is None else (self.text, error)
        self._tell()

    def insist(self, error: FilterError) -> None:
        """Say what is wrong with the text as it stands, also in its last word."""
        self._error, self._insisted = (self.text, error), self.text
        self._tell()

    def _tell(self) -> None:
        """Under the box: what is wrong, but while a word is being typed what it could be. Nothing there, nothing typed
        and nobody typing: no line."""
        if not self.has_class("-shown"):
            return
        place, box = self.query_one("#filter-problem", Static), self.box
        error = self._error
        offer, index = box.offered() if box.has_focus else (None, None)
        insisted = error is not None and error[0] == self._insisted
        if error is not None and not insisted and offer is not None and offer.begun and offer.words:
            # What is wrong with a word is not said before it is whole.
            text, said = error
            if text != box.value or said.place[1] >= offer.start:
                error = None
        shown = self._pointed(error[1]) if error is not None else self._listed(offer, index)
        place.set_class(error is not None, "-wrong")
        place.set_class(error is not None or box.has_focus, "-shown")
        if place.content != shown:
            place.update(shown)

    def _listed(self, offer: Offer | None, chosen: int | None) -> Content:
        """As many of the words as there is room for, from a little before the chosen one."""
        if offer is None:
            return Content("")
        texts = [display.literal(word.strip()) for word in offer.words]
        room, first = self.size.width - 2 - len(BETWEEN) - 1, 0
        while chosen is not None and first < chosen - 1 and _cells(texts[first : chosen + 1]) > room:
            first += 1
        pieces: list[Content] = []
        for index, text in enumerate(texts[first:], first):
            if pieces and _cells(texts[first : index + 1]) > room:
                pieces.append(Content.styled("…", "$foreground-muted"))
                break
            pieces.append(Content.styled(text, "bold $text-accent" if index == chosen else "$foreground-muted"))
        return Content(BETWEEN).join(pieces)

    def _pointed(self, error: FilterError) -> Content:
        """The carets under what is wrong, and what to write instead: beside them, or under them."""
        box, (start, end) = self.box, error.place
        scrolled = int(box.scroll_offset.x)
        left = max(len(SIGN) + cell_len(box.value[:start]) - scrolled, 0)
        carets = "^" * max(cell_len(box.value[start:end]), 1)
        text = display.literal(error.in_form)
        room = self.size.width - 2
        if left + len(carets) + 1 + cell_len(text) <= room:
            return Content(f"{' ' * left}{carets} {text}")
        if left + len(carets) > room:
            return Content(text)
        return Content(f"{' ' * left}{carets}\n{text}")

    @on(Input.Changed, "#filter")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.box.show_word()
        self._tell()
        self.post_message(FilterTyped(event.value))

    def on_descendant_focus(self) -> None:
        """One types: say what could stand there."""
        self._tell()

    def on_descendant_blur(self) -> None:
        """One does not type any more: what is wrong stays said."""
        self._tell()

    @on(FilterLeft)
    def _left(self) -> None:
        if not self.text:
            self.remove_class("-shown")


def _cells(texts: list[str]) -> int:
    return sum(map(cell_len, texts)) + len(BETWEEN) * max(len(texts) - 1, 0)
