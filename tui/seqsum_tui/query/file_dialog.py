"""A small dialog: which file is answered, row by row, into which other; or on which the run is measured."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from seqsum.errors import UserError
from seqsum.query.file_formats import ENDINGS, format_of
from seqsum.query.questions.facts import FactsAnswer
from seqsum.tasks.file_rows import ColumnNotFound, FileColumn, open_rows
from seqsum_tui.dialogs.dialog import Dialog, move_cursor
from seqsum_tui.shared import dialog_keys, display
from seqsum_tui.shared.one_line import OneLineInput
from seqsum_tui.shared.path_input import PathInput
from seqsum_tui.shared.paths import default_folder, for_people, free_path, new_file
from seqsum_tui.shared.polling import in_thread

ANSWER, MEASURE = range(2)
OFFERS = ("Answer every row, into another file", "Measure the run on every row: accuracy, loss, each label")


@dataclass(frozen=True)
class FileWanted:
    """file: what is asked; output: where its rows go with their answers, None to measure the run on them instead;
    column, truth_column: what its columns are called, empty as in training"""

    file: Path
    output: Path | None
    column: str = ""
    truth_column: str = ""


Facts = Callable[[], Awaitable[FactsAnswer | None]]


class _Wrong(Exception):
    """What stands in a line can't be. field: which line"""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


class FileScreen(Dialog[FileWanted]):
    """Closes with what is wanted, or None. The output is offered beside the file, under a free name.

    What is wrong stands under the line that it is about: of the file it is read whether it has the columns.
    """

    CSS_PATH = "file_dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = dialog_keys.WHOLE_FILE

    def __init__(self, facts: Facts) -> None:
        """facts: waits until it is known what the run reads, and returns that; None where it can't be known, and
        nothing is said of columns"""
        super().__init__()
        self._facts = facts
        self._folder = default_folder()
        self._proposed = ""
        self._judged: tuple[str, ...] = ()
        """What stood in the lines when something was told of it."""

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(id="dialog") as box:
            box.border_title = "A whole file"
            box.border_subtitle = "↑↓ what · tab completes, goes on · enter begins · esc"
            yield OptionList(*(Option(Content(words)) for words in OFFERS), id="offers", markup=False)
            with Horizontal(classes="line"):
                yield Label("File")
                yield PathInput(
                    self._folder, id="file", placeholder="new.csv: .csv, .tsv, .jsonl, or lines of .txt", compact=True
                )
            with Horizontal(classes="line", id="to"):
                yield Label("Into")
                yield PathInput(self._folder, id="output", placeholder=", ".join(ENDINGS), compact=True)
            with Horizontal(classes="line"):
                yield Label("Column")
                yield OneLineInput(id="column", placeholder="of questions; as in training", compact=True)
            with Horizontal(classes="line", id="truth"):
                yield Label("Truth")
                yield OneLineInput(id="truth_column", placeholder="the column of right answers; likewise", compact=True)
            yield Static(" ", id="problem")

    def on_mount(self) -> None:
        """Begin with the file."""
        self.query_one(OptionList).highlighted = ANSWER
        self.query_one("#file", Input).focus()

    @property
    def _measures(self) -> bool:
        return self.query_one(OptionList).highlighted == MEASURE

    @on(OptionList.OptionHighlighted)
    def _show_lines(self) -> None:
        """Measuring writes nothing, and answering knows no truth."""
        self.query_one("#to").display = not self._measures
        self.query_one("#truth").display = self._measures
        self._forgive()

    @on(Input.Changed, "#file")
    def _propose(self, event: Input.Changed) -> None:
        """Offer a free name for the output; one that was typed stays."""
        output, path = self.query_one("#output", Input), self._path(event.value)
        if output.value in ("", self._proposed):
            ending = path.suffix.lower() if format_of(path.suffix) else ".csv"
            known = bool(path.stem) and path.is_file()
            free = free_path(path.parent, f"{path.stem}-answered", ending[1:]) if known else None
            self._proposed = for_people(free) if free is not None else ""
            output.value = self._proposed
        self._forgive()

    @on(Input.Changed, "#output, #column, #truth_column")
    def _typed(self) -> None:
        self._forgive()

    def _path(self, typed: str) -> Path:
        try:
            return self._folder / Path(typed.strip()).expanduser()
        except (RuntimeError, ValueError):  # ~name of somebody who has no home here
            return self._folder / typed.strip()

    def action_move(self, lines: int) -> None:
        """Choose what is done with the file, also while its name is typed."""
        move_cursor(self.query_one(OptionList), lines)

    @on(Input.Submitted)
    def action_accept(self) -> None:
        """Close with what is wanted, or tell what is wrong."""
        self._accept()

    @work(group="accept", exclusive=True)
    async def _accept(self) -> None:
        self._judged = self._lines
        try:
            wanted = self._wanted()
            # A large file takes a moment.
            self._tell("looking at the file…", sign="")
            facts = await self._facts()
            await in_thread(lambda: _look(wanted, facts))
        except _Wrong as error:
            self._tell(str(error), error.field)
        else:
            self.dismiss(wanted)

    def _wanted(self) -> FileWanted:
        """Return what the lines say; raises _Wrong."""
        typed = {name: self.query_one(f"#{name}", Input).value for name in ("file", "output", "column", "truth_column")}
        file = self._path(typed["file"])
        if not typed["file"].strip():
            raise _Wrong("file", "type the path of a file; tab completes it")
        if file.is_dir():
            raise _Wrong("file", f"{for_people(file)} is a folder; name a file in it")
        if not file.is_file():
            raise _Wrong("file", f"{for_people(file)}: there is no such file")
        if self._measures:
            return FileWanted(file, None, typed["column"].strip(), typed["truth_column"].strip())
        ending = Path(typed["output"].strip()).suffix.lower()
        if format_of(ending) is None:
            raise _Wrong("output", f"the name must end in one of {', '.join(ENDINGS)}")
        output = self._path(typed["output"])
        with suppress(OSError):
            if file.samefile(output):
                raise _Wrong("output", "that is the file that is read; choose another name")
        try:
            output = new_file(self._folder, typed["output"], ending[1:])
        except UserError as error:
            raise _Wrong("output", error.in_form) from None
        return FileWanted(file, output, typed["column"].strip())

    @on(OptionList.OptionSelected)
    def _clicked(self) -> None:
        self.query_one("#file", Input).focus()

    @property
    def _lines(self) -> tuple[str, ...]:
        return tuple(line.value for line in self.query(Input))

    def _forgive(self) -> None:
        """Take away what was told of lines that are others now; a change may be heard after enter."""
        if self._lines != self._judged:
            self._tell("")

    def _tell(self, problem: str, field: str = "", sign: str = "✗ ") -> None:
        """Say what is wrong, under the line that it is about, which is then gone on with."""
        told = self.query_one("#problem", Static)
        told.update(Content(f"{sign}{display.literal(problem)}" if problem else " "))
        told.set_class(bool(field), "-at-field")
        box = self.query_one("#dialog")
        lines = [line for line in box.children if line is not told]
        under = next((line for line in lines if field and (line.id == field or line.query(f"#{field}"))), lines[-1])
        box.move_child(told, after=under)
        for line in self.query(f"Input#{field}") if field else ():
            line.focus()


def _look(wanted: FileWanted, facts: FactsAnswer | None) -> None:
    """Raise _Wrong where the file can't be read, or lacks a column. In a thread."""
    measures = wanted.output is None
    try:
        with wanted.file.open("rb") as file:
            file.read(1)
        if facts is None:
            return
        if measures and not facts.measured_on_files:
            raise _Wrong("offers", "its task makes its questions itself, and can't be measured on a file")
        named = (wanted.column, wanted.truth_column)
        columns = [
            FileColumn(**{**one.model_dump(), "usual": tuple(one.usual)}).called(name or None)
            for one, name in zip(facts.columns[: 1 + measures], named, strict=False)
        ]
        rows = open_rows(str(wanted.file), *columns)
        for column in columns:
            rows.column(column)
    except OSError as error:
        raise _Wrong("file", f"{for_people(wanted.file)} can't be read: {error.strerror or error}") from None
    except ColumnNotFound as error:
        raise _Wrong("truth_column" if error.wanted.truth else "column", error.in_form) from None
    except UserError as error:
        raise _Wrong("file", error.in_form) from None
