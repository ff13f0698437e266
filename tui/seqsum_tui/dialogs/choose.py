"""A small dialog: choose one of many, or several, from a list that shrinks as one types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.fuzzy import Matcher
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from seqsum_tui.charts.text import shorten_middle
from seqsum_tui.dialogs.dialog import Dialog, move_cursor
from seqsum_tui.shared import dialog_keys, display
from seqsum_tui.shared.one_line import OneLineInput

MOST_SHOWN = 300
NAME_WIDTH, NAME_WIDEST = 28, 48
"""Cells of the names before what stands quietly after them: as many as the longest needs, within these."""


@dataclass(frozen=True)
class Choice:
    """`detail` stands quietly after the name; both are shown literally and searched."""

    key: str
    name: str
    detail: str = ""


class SearchBox(OneLineInput):
    """A space marks; it is no letter of a search."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Leave the space to the screen."""
        return key != "space" and super().check_consume_key(key, character)


class ChooseScreen(Dialog[list[str]]):
    """Closes with the keys that were chosen, or None.

    Args:
        title: what is chosen.
        choices: what there is.
        several: whether more than one can be marked.
        current: the key under the cursor at first.
        moved: told each key that the cursor comes to.
    """

    CSS_PATH = "choose.tcss"
    BINDINGS: ClassVar[list[BindingType]] = dialog_keys.CHOOSE

    def __init__(
        self, title: str, choices: Sequence[Choice], *, several: bool = False, current: str | None = None,
        moved: Callable[[str], object] = lambda key: None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._title, self._choices, self._several, self._current = title, tuple(choices), several, current
        self._moved = moved
        needed = max((cell_len(display.literal(one.name)) for one in self._choices if one.detail), default=0)
        self._name_width = min(max(needed, NAME_WIDTH), NAME_WIDEST)
        self._marked: dict[str, None] = {}
        self._matches: list[Choice] = []

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(id="dialog") as box:
            box.border_title = Content(self._title)
            keys = "space marks · enter adds" if self._several else "enter chooses"
            box.border_subtitle = f"type to search · {keys} · esc"
            yield SearchBox(placeholder="search", id="search", compact=True)
            yield OptionList(id="choices", markup=False)
            yield Static(id="note")

    def on_mount(self) -> None:
        """Begin with everything."""
        self._filter()
        self.query_one("#search", Input).focus()
        self.call_after_refresh(self.query_one(OptionList).scroll_to_highlight)

    @on(Input.Changed, "#search")
    def _filter(self) -> None:
        """Show what has every word that is typed, first what is called just so, then what has them in its name; where
        nothing has, what is like it. The cursor is on the first."""
        asked = self.query_one("#search", Input).value.lower().split()
        found = [one for one in self._choices if all(word in f"{one.name} {one.detail}".lower() for word in asked)]
        found.sort(
            key=lambda one: (one.name.lower().split() != asked, not all(word in one.name.lower() for word in asked))
        )
        if asked and not found:
            found = self._like("".join(asked))
        listed = self.query_one(OptionList)
        if not asked and listed.highlighted is not None and self._matches:
            self._current = self._matches[listed.highlighted].key
        self._matches = found[:MOST_SHOWN]
        listed.clear_options()
        listed.add_options([Option(self._line(choice)) for choice in self._matches])
        if self._matches:
            keys = [choice.key for choice in self._matches]
            listed.highlighted = keys.index(self._current) if self._current in keys and not asked else 0
        note = f"{len(found) - MOST_SHOWN:,} more: type to narrow" if len(found) > MOST_SHOWN else ""
        self.query_one("#note", Static).update(Content(note or ("" if found else "nothing matches")))

    def _like(self, asked: str) -> list[Choice]:
        """What has the letters in this order, the likest first: where nothing is called so."""
        matcher = Matcher(asked)
        scores = {choice: matcher.match(choice.name) for choice in self._choices}
        return sorted((choice for choice in self._choices if scores[choice] > 0), key=lambda one: -scores[one])

    def _line(self, choice: Choice) -> Content:
        sign = ("[x] " if choice.key in self._marked else "[ ] ") if self._several else ""
        name = display.literal(choice.name)
        if choice.detail:
            name = display.fit(shorten_middle(name, self._name_width), self._name_width)
        return Content.assemble(
            (sign, "$text-accent"), name, (f"  {display.literal(choice.detail)}", "$foreground-muted")
        )

    def action_move(self, lines: int) -> None:
        """Move the cursor of the list."""
        move_cursor(self.query_one(OptionList), lines)

    def action_mark(self) -> None:
        """Mark the line under the cursor, or not, and go to the next."""
        at = self.query_one(OptionList).highlighted
        if not self._several or at is None:
            return
        self._toggle(at)
        self.action_move(1)

    def _toggle(self, at: int) -> None:
        choice = self._matches[at]
        if choice.key in self._marked:
            del self._marked[choice.key]
        else:
            self._marked[choice.key] = None
        self.query_one(OptionList).replace_option_prompt_at_index(at, self._line(choice))

    def action_accept(self) -> None:
        """Close with what is marked, else with the line under the cursor."""
        at = self.query_one(OptionList).highlighted
        if self._marked:
            self.dismiss(list(self._marked))
        elif at is not None and self._matches:
            self.dismiss([self._matches[at].key])

    @on(OptionList.OptionHighlighted)
    def _came(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._matches):
            self._moved(self._matches[event.option_index].key)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        if self._several:
            self._toggle(event.option_index)
        else:
            self.dismiss([self._matches[event.option_index].key])
