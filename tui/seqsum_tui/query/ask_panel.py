"""The panel below a live run: a question to its model as it is now, its answers below, newest first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.message import Message
from textual.widgets import Input, Static

from seqsum.errors import UserError
from seqsum.formatting import full
from seqsum.runs.access import read_only
from seqsum_tui.query.box import QuestionBox
from seqsum_tui.query.said import Said
from seqsum_tui.query.session import Session
from seqsum_tui.query.views.answers import describe
from seqsum_tui.shared import bindings, display

if TYPE_CHECKING:
    from seqsum.runs import Summary

HOW = "Type a question and press enter; up brings back earlier ones. Answers come from the newest checkpoint"
SAVES = ": a run that trains saves one first, at most every two seconds."
SAMPLES = "The model goes on writing. /t 0.8 draws with that temperature from then on; /t 0 takes the likeliest."
MOST_ANSWERS = 50
HOTTEST = 100.0


class QuestionInput(QuestionBox):
    """The box of the live view, emptied by each question."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.ASK

    def action_read(self, pages: int) -> None:
        """Scroll the answers."""
        self.screen.query_one(AskPanel).read(pages)


class AskPanel(Vertical):
    """Asks one run's model, one question after the other; the model is loaded when somebody is about to ask."""

    class Answered(Message):
        """Something stands below the box."""

    DEFAULT_CSS = """
    AskPanel {
        height: 1fr;
        & > Horizontal { height: 1; padding: 0 1; }
        & #prompt { width: auto; color: $text-accent; text-style: bold; }
        & #question { width: 1fr; background: $boost; }
        & #state {
            width: auto; max-width: 60%; color: $foreground-muted; padding-left: 1;
            text-wrap: nowrap; text-overflow: ellipsis;
        }
        & > VerticalScroll { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    }
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._one_by_one = asyncio.Lock()
        self._answers: list[Content] = []
        self._samples = False
        self._temperature: float | None = None
        # Whoever may only look has nothing saved.
        self._how = HOW + ("." if read_only(session.run.folder) else SAVES)

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Horizontal():
            yield Static("ask › ", id="prompt")
            yield QuestionInput(id="question", select_on_focus=False)
            yield Static("", id="state")
        with VerticalScroll(can_focus=False):
            yield Static(Content.styled(self._how, "$foreground-muted"), id="answers")

    @on(Input.Submitted, "#question")
    def submit(self, event: Input.Submitted) -> None:
        """Pass the question on."""
        event.stop()
        text = event.value
        box = self.query_one(QuestionInput)
        if text.strip():
            box.remember(text)
        if self._samples and text.split()[:1] == ["/t"]:
            text = self._take_temperature(text)
        box.clear()
        # A line that only set the temperature is no empty question.
        if bool(text.strip()) == bool(event.value.strip()) and box.asks(text):
            # Not stripped: for a text that goes on, the last space counts.
            self._ask(text)

    @on(QuestionInput.LinesPasted)
    def ask_each(self, event: QuestionInput.LinesPasted) -> None:
        """Pass on each line that was pasted, in their order; as many as there is room for answers."""
        event.stop()
        chosen, box = event.lines[:MOST_ANSWERS], self.query_one(QuestionInput)
        left = len(event.lines) - len(chosen)
        if left:
            self.app.notify(
                f"The first {len(chosen)} lines are asked, {left:,} are left out: "
                "the Ask screen (a) asks every line of a file.",
                severity="warning")  # fmt: skip
        for line in chosen:
            box.remember(line)
            self._ask(line)

    def _take_temperature(self, text: str) -> str:
        """Take `/t NUMBER` from the start of a line; return the question that is left."""
        _, _, rest = text.lstrip().partition(" ")
        number, _, question = rest.lstrip().partition(" ")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if not 0 <= value <= HOTTEST:
            self.show_error(text.strip(), f"type /t and a number from 0 to {full(HOTTEST)}, e.g. /t 0.8")
            return ""
        self._temperature = value or None
        self.state("ready")
        return question

    # Asking

    async def on_unmount(self) -> None:
        """End the query server."""
        await self.session.close()

    @property
    def answered(self) -> bool:
        """Whether an answer, or why there is none, stands below the box."""
        return bool(self._answers)

    def know(self, run: Summary, checkpoints: tuple[int, ...]) -> None:
        """Take in how the run is."""
        self.session.summary, self.session.checkpoints = run, checkpoints

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Load the model when somebody is about to ask it."""
        if not isinstance(event.widget, QuestionInput) or self.session.warm or self.session.summary is None:
            return
        if not self.session.checkpoints:
            self.state(self.session.lacks)
        else:
            self.run_worker(self._load(), name="query server", group="query", exclusive=True)

    async def _load(self) -> None:
        self.state("the query server ended; loading the model again…" if self.session.ended else "loading the model…")
        try:
            self._ready(await self.session.start())
        except UserError as error:
            self.state("")
            self.show_error("", str(error))
        else:
            self.state("ready")

    def _ask(self, question: str) -> None:
        if self.session.summary is not None:
            # The screen's worker: what fails because the screen was closed fails silently.
            self.screen.run_worker(self._answer(question, self._temperature), name="question", group="questions")

    async def _answer(self, question: str, temperature: float | None) -> None:
        try:
            # One after the other: answers stand in the order of the questions.
            async with self._one_by_one:
                more = {} if temperature is None else {"temperature": temperature}
                self.show_answer(await self.session.put(question, self.state, **more))
        except (UserError, OSError) as error:
            self.show_error(question, str(error))
        finally:
            self.state("ready" if self.session.warm else "")

    def _ready(self, ready: dict[str, Any]) -> None:
        """Take in what a question looks like, and whether a temperature counts."""
        hint = str(ready.get("input_hint") or "")
        self._samples = samples = bool(ready.get("samples"))
        box = self.query_one(QuestionInput)
        box.learn(ready)
        box.placeholder = display.literal(f"{hint}; /t 0.8 sets the temperature" if samples else hint)
        if samples and not self._answers:
            self.query_one("#answers", Static).update(Content.styled(f"{SAMPLES}\n{self._how}", "$foreground-muted"))

    def state(self, text: str) -> None:
        """Say, beside the box, what the model is doing."""
        if text == "ready" and self._temperature is not None:
            text = f"ready, temperature {full(self._temperature)}"
        self.query_one("#state", Static).update(Content(display.literal(text)))

    def read(self, pages: int) -> None:
        """Scroll the answers by pages."""
        answers = self.query_one(VerticalScroll)
        answers.scroll_relative(y=pages * max(answers.size.height - 1, 1), animate=False)

    def show_answer(self, said: Said) -> None:
        """Show an answer."""
        self._add(describe(said, self.size.width - 3))

    def show_error(self, question: str, reason: str) -> None:
        """Show why a question has no answer."""
        self._add(
            Content.assemble((display.literal(question), "bold"), "  ", (f"✗ {display.literal(reason)}", "$text-error"))
        )

    def _add(self, answer: Content) -> None:
        self._answers = [answer, *self._answers[: MOST_ANSWERS - 1]]
        shown = [self._answers[0], *(Content.styled(old.plain, "$foreground-muted") for old in self._answers[1:])]
        self.query_one("#answers", Static).update(Content("\n").join(shown))
        self.query_one(VerticalScroll).scroll_home(animate=False)
        self.post_message(self.Answered())
