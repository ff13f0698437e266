"""Every key of a screen in words, and the words on it, to be searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

from seqsum_tui.dialogs.dialog import Dialog
from seqsum_tui.key import by_itself
from seqsum_tui.shared import bindings, dialog_keys
from seqsum_tui.shared.field_editors import LineInput
from seqsum_tui.shared.key_subjects import by_subject
from seqsum_tui.shared.links import linked
from seqsum_tui.shared.word_help import word_help

KEYS = 12
"""Cells of the column of keys."""

EVERYWHERE: list[BindingType] = [
    Binding("tab", "", "Next", tooltip="Move to the next part of the screen; shift+tab back"),
    Binding("ctrl+p", "", "Commands", tooltip="Search every action, and the theme, by its name"),
    bindings.SETTINGS,
    bindings.REDRAW,
    bindings.LESSONS,
    Binding("ctrl+q", "", "Quit", tooltip="Leave the console, also while a text is typed; runs go on"),
]


class HelpLine(Static):
    """Keys, and what they do; or a word, and what it means. One widget for both: a page has very many lines."""

    def __init__(self, names: str, text: str, column: int) -> None:
        """column: the cells that the names take."""
        super().__init__()
        self.names, self.words, self._column = names, text, column

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the longer of the two columns takes."""
        return len(self._lines(width))

    def render(self) -> Content:
        """Draw both columns."""
        return Content("\n").join(self._lines(self.size.width))

    def _lines(self, width: int) -> list[Content]:
        rest = max(width - self._column - 2, 1)
        columns = Content.styled(self.names, "bold").wrap(self._column), linked(self.words).wrap(rest)
        return [
            Content.assemble(" ", left, " " * (self._column + 1 - left.cell_length), right)
            for left, right in zip_longest(*columns, fillvalue=Content())
        ]


class HelpScreen(Dialog[None]):
    """Closes with escape, ?, or a click beside it; / searches."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = dialog_keys.HELP_PAGE

    def __init__(self, title: str, sections: Sequence[tuple[str, Sequence[BindingType]]]) -> None:
        super().__init__()
        self._title, self._sections = title, sections

    @classmethod
    def of(cls, screen: Screen[object]) -> HelpScreen:
        """Return the help of a screen, from its HELP_TITLE and HELP_KEYS."""
        title = getattr(screen, "HELP_TITLE", "Keys")
        sections = list(getattr(screen, "HELP_KEYS", [("This screen", list(screen.BINDINGS))]))
        parts = [part for section in sections for part in by_subject(*section)]
        return cls(title, [*parts, ("Everywhere", EVERYWHERE), ("Words, those on the screen first", word_help(screen))])

    def compose(self) -> ComposeResult:
        """Make the page."""
        with Vertical(id="dialog") as box:
            box.border_title = f"{self._title}: keys and words"
            box.border_subtitle = "/ searches · esc closes"
            search = LineInput(placeholder="a word, or a key", id="search", compact=True)
            search.display = False
            yield search
            yield Static("Nothing is called so.", id="none")
            with VerticalScroll():
                for title, keys in self._sections:
                    with Vertical(classes="section"):
                        yield Static(Content.styled(title, "bold $text-accent"))
                        lines = self._lines(keys)
                        # No name is cut in its middle.
                        column = max(KEYS, *(cell_len(word) for names, _ in lines for word in names.split()))
                        yield from (HelpLine(names, text, column) for names, text in lines)

    def on_mount(self) -> None:
        """Begin where the page can be moved."""
        self.query_one(VerticalScroll).focus()

    def action_search(self) -> None:
        """Type what to search for."""
        search = self.query_one("#search")
        # At once: what is typed behind the key goes into it.
        search.display = True
        self.set_focus(search)

    def action_close(self) -> None:
        """Show all again; when all is shown, close."""
        search = self.query_one("#search", LineInput)
        if not search.value and not search.has_focus:
            self.dismiss(None)
            return
        search.value = ""
        search.display = False
        self.query_one(VerticalScroll).focus()

    @on(LineInput.Submitted)
    def _leave_search(self) -> None:
        self.query_one(VerticalScroll).focus()

    @on(LineInput.Changed)
    def _search(self, message: LineInput.Changed) -> None:
        words = message.value.casefold().split()
        for section in self.query(".section"):
            lines = section.query(HelpLine)
            for line in lines:
                line.display = all(word in f"{line.names} {line.words}".casefold() for word in words)
            section.display = any(line.display for line in lines)
        self.query_one("#none").display = not any(section.display for section in self.query(".section"))

    def _lines(self, keys: Sequence[BindingType]) -> list[tuple[str, str]]:
        by_action: dict[str, tuple[list[str], str]] = {}
        keymap = self.console.keymap
        for binding in Binding.make_bindings(keys):
            text = binding.tooltip or binding.description
            if text:
                keys_now = keymap.get(binding.id or "", binding.key).split(",")
                moved = [replace(binding, key=key, key_display=None) for key in keys_now]
                shown = " ".join(
                    self.app.get_key_display(now) for now in (moved if binding.id in keymap else [by_itself(binding)])
                )
                names = by_action.setdefault(text, ([], text))[0]
                if shown not in names:
                    names.append(shown)
        return [(" ".join(names), text) for names, text in by_action.values()]

    def on_click(self, event: object) -> None:
        """Close on a click beside the page."""
        if getattr(event, "widget", None) is self:
            self.dismiss()
