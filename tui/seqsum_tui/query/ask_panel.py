"""The query box: a question to the model, its answers below, newest first."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from seqsum.formatting import full
from seqsum_tui.query.box import QuestionBox
from seqsum_tui.query.views.answers import describe
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.messages import QuestionAsked

HOW = (
    "Type a question and press enter; up brings back earlier ones. Answers come from the newest checkpoint: "
    "a run that trains saves one first, at most every two seconds."
)
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
    """Posts QuestionAsked; the screen gives back state and answers."""

    DEFAULT_CSS = """
    AskPanel {
        height: 1fr;
        & > Horizontal { height: 1; padding: 0 1; }
        & #prompt { width: auto; color: $text-accent; text-style: bold; }
        & #question { width: 1fr; background: $boost; }
        & #state {
            width: auto; max-width: 60%; color: $foreground 60%; padding-left: 1;
            text-wrap: nowrap; text-overflow: ellipsis;
        }
        & > VerticalScroll { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._answers: list[Content] = []
        self._empty_asks = False
        self._samples = False
        self._temperature: float | None = None

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Horizontal():
            yield Static("ask › ", id="prompt")
            yield QuestionInput(id="question", select_on_focus=False)
            yield Static("", id="state")
        with VerticalScroll(can_focus=False):
            yield Static(Content.styled(HOW, "$foreground 60%"), id="answers")

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
        if text.strip() or (self._empty_asks and not event.value.strip()):
            # Not stripped: for a text that goes on, the last space counts.
            self.post_message(QuestionAsked(text, self._temperature))

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
                severity="warning", markup=False,
            )  # fmt: skip
        for line in chosen:
            box.remember(line)
            self.post_message(QuestionAsked(line, self._temperature))

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

    def ready(self, hint: str, empty_asks: bool, samples: bool, series: bool = False) -> None:
        """Take in what a question looks like: whether nothing at all is one, whether a temperature counts, and whether
        it is a series."""
        self._empty_asks, self._samples = empty_asks, samples
        box = self.query_one(QuestionInput)
        box.series = series
        box.placeholder = display.literal(f"{hint}; /t 0.8 sets the temperature" if samples else hint)
        if samples and not self._answers:
            self.query_one("#answers", Static).update(Content.styled(f"{SAMPLES}\n{HOW}", "$foreground 60%"))

    def state(self, text: str) -> None:
        """Say, beside the box, what the model is doing."""
        if text == "ready" and self._temperature is not None:
            text = f"ready, temperature {full(self._temperature)}"
        self.query_one("#state", Static).update(Content(display.literal(text)))

    def read(self, pages: int) -> None:
        """Scroll the answers by pages."""
        answers = self.query_one(VerticalScroll)
        answers.scroll_relative(y=pages * max(answers.size.height - 1, 1), animate=False)

    def show_answer(self, reply: dict[str, Any]) -> None:
        """Show an answer of the query server."""
        self._add(describe(reply, self.size.width - 3))

    def show_error(self, question: str, reason: str) -> None:
        """Show why a question has no answer."""
        self._add(
            Content.assemble((display.literal(question), "bold"), "  ", (f"✗ {display.literal(reason)}", "$text-error"))
        )

    def _add(self, answer: Content) -> None:
        self._answers = [answer, *self._answers[: MOST_ANSWERS - 1]]
        shown = [self._answers[0], *(Content.styled(old.plain, "$foreground 60%") for old in self._answers[1:])]
        self.query_one("#answers", Static).update(Content("\n").join(shown))
        self.query_one(VerticalScroll).scroll_home(animate=False)
