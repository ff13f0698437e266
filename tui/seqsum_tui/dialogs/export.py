"""A small dialog: which part of what is shown goes into which file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from seqsum.errors import UserError
from seqsum.export import write
from seqsum.plotting.axes import OFFER
from seqsum_tui.dialogs.dialog import Dialog, move_cursor
from seqsum_tui.shared import dialog_keys, display
from seqsum_tui.shared.one_line import OneLineInput
from seqsum_tui.shared.paths import default_folder, for_people, free_path, new_file
from seqsum_tui.shared.polling import in_thread


@dataclass(frozen=True)
class Offer:
    """One thing that can be written: a part of what is shown in a format, and the stem of the file's name."""

    part: str
    format: str
    words: str
    stem: str


class Chosen(NamedTuple):
    """What to write, and where."""

    offer: Offer
    path: Path


class ExportScreen(Dialog[Chosen]):
    """Offers a free name in the folder the console was started in, or else in the home folder."""

    CSS_PATH = "export.tcss"
    BINDINGS: ClassVar[list[BindingType]] = dialog_keys.EXPORT

    def __init__(self, offers: Sequence[Offer]) -> None:
        super().__init__()
        self._offers = tuple(offers)
        self._folder = default_folder()
        self._proposed = ""

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(id="dialog") as box:
            box.border_title = "Export what is shown"
            box.border_subtitle = "enter writes · tab edits the name · esc"
            yield OptionList(*(Option(Content(offer.words)) for offer in self._offers), id="offers", markup=False)
            yield OneLineInput(id="path")
            yield Static(" ", id="problem")

    def on_mount(self) -> None:
        """Begin with the first offer."""
        self.query_one(OptionList).highlighted = 0
        self.query_one(OptionList).focus()

    @property
    def _offer(self) -> Offer:
        return self._offers[self.query_one(OptionList).highlighted or 0]

    @on(OptionList.OptionHighlighted)
    def _propose(self) -> None:
        """Propose a name; one that was typed keeps its beginning."""
        box = self.query_one(Input)
        offer = self._offer
        if box.value in ("", self._proposed):
            self._proposed = for_people(free_path(self._folder, offer.stem, offer.format))
            box.value = self._proposed
        else:
            box.value = str(Path(box.value).with_suffix(f".{offer.format}"))
        self._check()

    @on(Input.Changed)
    def _check(self) -> None:
        problem = self._problem()
        self.query_one("#problem", Static).update(Content(f"✗ {display.literal(problem)}" if problem else " "))

    def _path(self) -> Path:
        return new_file(self._folder, self.query_one(Input).value, self._offer.format)

    def _problem(self) -> str:
        try:
            self._path()
        except UserError as error:
            return str(error)
        return ""

    def action_move(self, lines: int) -> None:
        """Choose another offer, also while the name is edited."""
        move_cursor(self.query_one(OptionList), lines)

    def action_accept(self) -> None:
        """Close with the choice, unless the name is wrong."""
        if not self._problem():
            self.dismiss(Chosen(self._offer, self._path()))

    @on(OptionList.OptionSelected)
    def _clicked(self) -> None:
        self.query_one(Input).focus()


async def write_shown(screen: Screen[Any], path: Path, made: Callable[[], tuple[bytes, list[str]]]) -> None:
    """Have what is shown made in a thread, write it to a new file, and tell what `made` says beside the content."""

    def written() -> tuple[int, list[str]]:
        content, messages = made()
        write(path, content)
        return len(content), messages

    try:
        size, messages = await in_thread(written)
    except (UserError, OSError) as error:
        screen.notify(display.told(error), title="Not exported", severity="error")
        return
    screen.notify(f"{for_people(path)}, {size:,} bytes", title="Exported", timeout=10)
    for message in messages:
        if message != OFFER:  # of the command line's flags
            screen.notify(message, title="Exported", severity="warning", timeout=10)
