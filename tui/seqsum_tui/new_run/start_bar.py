"""The foot of the new-run screen: what stands in the way, the equal command line, name, seeds, size, and Start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Static

from seqsum.formatting import count
from seqsum.text import printable
from seqsum_tui.new_run.draft import RunDraft
from seqsum_tui.new_run.estimate_line import EstimateLine
from seqsum_tui.new_run.rows import CHANGED, WRONG
from seqsum_tui.shared.field_editors import LineInput
from seqsum_tui.shared.fitted_text import FittedText

MOST_NOTES = 2


class StartBar(Vertical):
    """Shows a draft's state; the name is edited here."""

    @dataclass
    class NameChanged(Message):
        """The person typed in the name."""

        name: str

    @dataclass
    class SeedsChanged(Message):
        """The person typed in the number of seeds."""

        text: str

    @dataclass
    class TrialsChanged(Message):
        """The person typed in how many settings a sweep tries."""

        text: str

    @dataclass
    class Asked(Message):
        """The person asks, by mouse or enter, for one of the screen's actions."""

        action: str

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._starting = False
        self._wrong = self._sweeps = False

    def compose(self) -> ComposeResult:
        yield FittedText(id="message", wraps=True)
        yield FittedText(id="command", wraps=True)
        yield EstimateLine(id="estimate")
        yield FittedText(id="notes", wraps=True)
        with Horizontal(id="bar"):
            yield Static("Name", id="name-label")
            yield LineInput(compact=True, id="name", max_length=400)
            yield Static("Seeds", id="seeds-label")
            yield LineInput("1", compact=True, id="seeds", max_length=6)
            yield Static("Settings", id="trials-label")
            yield LineInput("", compact=True, id="trials", max_length=6)
            yield FittedText(id="state")
            yield Button("Start", id="start", compact=True)

    def show(self, draft: RunDraft, workspace: Path, starting: bool) -> None:
        """Show the draft as it is now."""
        wrong, changed = draft.wrong, len(draft.changes)
        self._starting, self._wrong, self._sweeps = starting, bool(wrong), draft.sweeps
        self.query_one("#command", FittedText).put(
            Content.assemble(("$ ", "$foreground-muted"), printable(draft.command(workspace)))
        )
        name = self.query_one("#name", Input)
        name.placeholder = f"called {printable(draft.called)} if left empty"
        name.set_class(draft.name_problem is not None, "-wrong")
        self.query_one("#seeds").set_class(draft.seeds_problem is not None, "-wrong")
        self.query_one("#trials").set_class(draft.trials_problem is not None, "-wrong")
        trials = self.query_one("#trials", Input)
        if draft.endless != trials.display:
            trials.display = self.query_one("#trials-label").display = draft.endless
            trials.value = draft.trials_typed if draft.endless else ""
        self.query_one(EstimateLine).ask(draft.config, draft.seeds, draft.space, draft.trials)
        state = self.query_one("#state", FittedText)
        errors, changes = f"{WRONG} {count(wrong, 'error')}: F8", f"{CHANGED} {count(changed, 'change')}"
        state.put(errors if wrong else changes if changed else "")
        state.set_class(self._wrong, "-wrong")
        self._label()

    def say(self, text: str, bad: bool = False) -> None:
        """Show a sentence until the next change; literal text."""
        message = self.query_one("#message", FittedText)
        message.put(f"{WRONG} {printable(text)}" if bad else printable(text))
        message.set_class(bad, "-bad")
        message.set_class(bool(text), "-shown")

    def on_estimate_line_noted(self, event: EstimateLine.Noted) -> None:
        event.stop()
        lines = [f"! {printable(sentence)}" for sentence in event.sentences[:MOST_NOTES]]
        if len(event.sentences) > MOST_NOTES:
            lines[-1] = f"! and {len(event.sentences) - MOST_NOTES + 1} more: {lines[-1][2:]}"
        notes = self.query_one("#notes", FittedText)
        notes.put("\n".join(lines))
        notes.set_class(bool(lines), "-shown")

    @property
    def said(self) -> str:
        """The sentence that stands there."""
        return str(self.query_one("#message", FittedText).content)

    def on_descendant_focus(self) -> None:
        self._label()

    def on_descendant_blur(self) -> None:
        self._label()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input.id == "seeds":
            self.post_message(self.SeedsChanged(event.value))
        elif event.input.id == "trials":
            if event.value:
                self.post_message(self.TrialsChanged(event.value))
        else:
            self.post_message(self.NameChanged(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#start").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.Asked("sweep" if self._sweeps else "start"))

    def on_click(self, event: events.Click) -> None:
        if event.widget is not None and event.widget.id == "command":
            self.post_message(self.Asked("copy"))
        elif event.widget is not None and event.widget.id == "state" and self._wrong:
            self.post_message(self.Asked("next_error"))

    def _label(self) -> None:
        button = self.query_one("#start", Button)
        word = "Sweep" if self._sweeps else "Start"
        label = "Starting…" if self._starting else f"▶ {word}: enter" if button.has_focus else f"▶ {word}: F5"
        if str(button.label) != label:
            button.label = Content(label)
        button.set_class(self._wrong, "-blocked")
