"""A dialog: go on from a checkpoint as a run of its own, with changed settings."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.suggester import Suggester
from textual.timer import Timer
from textual.widgets import Input, Label, OptionList, Static

from seqsum.control.fork_rewind import can_change, check_fork, config_at
from seqsum.errors import ConfigError, UserError
from seqsum.runs.annotations import check_typed_name
from seqsum.schema import as_text
from seqsum_tui.dialogs.checkpoint_list import CheckpointDialog
from seqsum_tui.dialogs.choose import Choice, ChooseScreen
from seqsum_tui.dialogs.dialog import buttons
from seqsum_tui.dialogs.set_value import SetValueScreen
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.field_editors import LineInput
from seqsum_tui.shared.key_words import key_word
from seqsum_tui.shared.live_value import LiveValue
from seqsum_tui.shared.polling import in_thread

if TYPE_CHECKING:
    from seqsum.runs import Run
    from seqsum.setting_notes import Note
    from seqsum_tui.dialogs.checkpoints import Saved

CHECK_SECONDS = 0.2
HINT = "Nothing is changed: the fork goes on from there as this run did, or would."


@dataclass(frozen=True)
class ForkWish:
    """What a person wants to fork: from which step, with which settings (path → text), under which name."""

    step: int
    changes: Mapping[str, str]
    name: str | None


class ForkScreen(CheckpointDialog[ForkWish]):
    """Closes with what was chosen once it fits the checkpoint's weights, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.FORK

    def __init__(self, run: Run, saved: Sequence[Saved], now: float, chosen: int | None = None) -> None:
        super().__init__(run, saved, now, chosen)
        self._timer: Timer | None = None
        self._offered = ""

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        name = display.literal(self._run.name)
        with Vertical(id="dialog") as box:
            box.border_title = Content(f"Fork {name}: a new run, from this checkpoint on")
            yield self._list
            with Horizontal(classes="line"):
                yield Label("Change")
                # The completion that is shown grey is taken with the right arrow.
                yield LineInput(
                    placeholder="optim.lr=0.01 train.steps=40000", id="changes", compact=True, select_on_focus=False
                )
            yield Static(HINT, id="outcome")
            with Horizontal(classes="line"):
                yield Label("Name")
                yield LineInput(placeholder=f"{name}-fork", id="name", compact=True)
            yield from buttons("Fork", keys=f"↑↓ checkpoint · {key_word(self.app, 'fork.settings')} settings")

    def on_mount(self) -> None:
        """Begin in the line of changes: the arrow keys choose a checkpoint there, too."""
        changes = self.query_one("#changes", LineInput)
        changes.suggester = PathSuggester(self._paths())
        self._offer_steps()
        changes.focus()
        self._check_soon()

    def _paths(self) -> list[str]:
        return [facts.path for facts in self._run.record.parsed_config().used_fields() if can_change(facts.path)]

    @on(OptionList.OptionHighlighted)
    def _offer_steps(self) -> None:
        """A fork from the last step needs more of them: have that stand there at once."""
        line, steps = self.query_one("#changes", Input), self._run.record.setting("train").whole("steps")
        if line.value == self._offered:
            self._offered = f"train.steps={2 * self.step} " if self.step >= steps else ""
            line.value = self._offered
            line.cursor_position = len(self._offered)

    # What is typed

    @on(Input.Changed, "#changes")
    def _give_way(self) -> None:
        """Take the offer away where other steps are typed beside it."""
        line, offered = self.query_one("#changes", Input), self._offered
        if not offered or offered not in line.value:
            return
        before, _, after = line.value.partition(offered)
        if "train.steps=" in before + after:
            at = line.cursor_position
            line.value = before + after
            line.cursor_position = at - len(offered) * (at > len(before))

    @on(Input.Changed, "#changes")
    @on(Input.Changed, "#name")
    @on(OptionList.OptionHighlighted)
    def _check_soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(CHECK_SECONDS, lambda: self._check(submit=False))

    @work(group="check", exclusive=True)
    async def _check(self, submit: bool) -> None:
        # A task may read its data for it: beside the screen.
        step, text = self.step, self.query_one("#changes", Input).value
        name = self.query_one("#name", Input).value.strip() or None
        try:
            changes = parse_changes(text)
            if name is not None:
                check_typed_name(name, "it goes into the line Change")
            differences, notes = await in_thread(lambda: check_fork(self._run, step, changes))
        except ConfigError as error:
            self._show_problem("; ".join(f"{path} {reason}" for path, reason in error.problems))
        except UserError as error:
            self._show_problem(error.in_form)
        else:
            self.outcome(_in_words(differences, notes), possible=True)
            if submit:
                self.dismiss(ForkWish(step, changes, name))

    def _show_problem(self, text: str) -> None:
        self.outcome(display.wrong(text), possible=False)

    # Keys

    def action_move(self, lines: int) -> None:
        """Choose an older or newer checkpoint."""
        super().action_move(lines)
        # At once: what is typed right after it stands behind the offer, or alone.
        self._offer_steps()

    def action_settings(self) -> None:
        """Choose a setting from a list, and give it a value."""
        config = self._run.record.parsed_config()
        paths = set(self._paths())
        choices = [
            Choice(facts.path, facts.path, f"{as_text(config.value(facts.path))} · {facts.description}")
            for facts in config.used_fields()
            if facts.path in paths
        ]
        self.app.push_screen(ChooseScreen("Which setting shall the fork have otherwise?", choices), self._ask_value)

    def _ask_value(self, chosen: list[str] | None) -> None:
        if not chosen:
            return
        path = chosen[0]

        def answered(text: str | None) -> None:
            if text is not None:
                self._put(path, text)

        try:
            config = config_at(self._run, self.step)
        except UserError as error:
            self._show_problem(str(error))
            return
        self.app.push_screen(
            SetValueScreen(LiveValue.of_config(config, path), f"{path} of the fork", when=""), answered
        )

    def _put(self, path: str, text: str) -> None:
        line = self.query_one("#changes", Input)
        try:
            changes = parse_changes(line.value)
        except UserError:  # what is typed so far stays, to be put right
            line.value = f"{line.value.rstrip()} {path}={shlex.quote(text)}"
        else:
            changes[path] = text
            line.value = " ".join(f"{name}={shlex.quote(value)}" for name, value in changes.items())
        line.cursor_position = len(line.value)

    @on(Input.Submitted)
    def action_accept(self) -> None:
        """Close with what is chosen, unless it is wrong."""
        if self._timer is not None:
            self._timer.stop()
        self._check(submit=True)


class PathSuggester(Suggester):
    """Completes the last word of a line to the first path that begins so."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(case_sensitive=True)
        self._paths = tuple(paths)

    async def get_suggestion(self, value: str) -> str | None:
        """Return the whole line as it would be."""
        before, space, word = value.rpartition(" ")
        if len(word) < 2 or "=" in word:
            return None
        found = next((path for path in self._paths if path.startswith(word)), None)
        return f"{before}{space}{found}=" if found else None


def parse_changes(text: str) -> dict[str, str]:
    """Return path → value of `path=value path=value`; values with spaces stand in quotes. Raises UserError."""
    try:
        pieces = shlex.split(text)
    except ValueError:
        raise UserError("a quotation mark is not closed") from None
    changes: dict[str, str] = {}
    for piece in pieces:
        path, equals, value = piece.removeprefix("--").partition("=")
        if not path or not equals:
            raise UserError(f'"{piece}" must be path=value, e.g. optim.lr=0.01')
        if path in changes:
            raise UserError(f"{path} stands twice; leave one of them out")
        changes[path] = value
    return changes


def _in_words(differences: Mapping[str, tuple[str, str]], notes: Sequence[Note]) -> Content:
    parts = [
        Content.assemble((f"{path} ", "$foreground-muted"), display.literal(old), " → ", (display.literal(new), "bold"))
        for path, (new, old) in differences.items()
    ] or [Content.styled(HINT, "$foreground-muted")]
    lines = [Content.styled(f"! {display.literal(note.text)}", "$text-warning") for note in notes]
    return Content("\n").join([Content("   ").join(parts), *lines])
