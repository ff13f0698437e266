"""Asking runs: their servers, and a question on its way to its answer. What is shown is the screen's (`query`)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual import on
from textual.content import Content
from textual.widgets import Input, Static

from seqsum.errors import UserError
from seqsum.runs import Run
from seqsum_tui.query.box import QueryBox
from seqsum_tui.query.pages import Asking
from seqsum_tui.query.source import QuestionRefused, ServerEnded, Source
from seqsum_tui.query.views.answer import refusal
from seqsum_tui.shared import display
from seqsum_tui.shared.context import ConsoleScreen
from seqsum_tui.shared.polling import Poll

if TYPE_CHECKING:
    from textual.worker import WorkType

    from seqsum.runs import Summary


class AskingScreen(ConsoleScreen[None]):
    """The part of the Query screen that asks. Several runs, or checkpoints of one, are asked the same at once.

    Each has query servers that are processes of their own: what befalls them touches neither console nor training.
    """

    def __init__(self) -> None:
        super().__init__()
        self._askings: list[Asking] = []
        self._poll: Poll | None = None
        self._empty_asks = False

    # What the screen gives

    def _show_head(self) -> None:
        """Show what is known of the runs."""
        raise NotImplementedError

    def _show_pages(self) -> None:
        """Show what the runs have an answer to."""
        raise NotImplementedError

    def _fill_all(self) -> None:
        """Show what was answered."""
        raise NotImplementedError

    async def on_unmount(self) -> None:
        """End the query servers."""
        for asking in self._askings:
            await asking.source.close()

    def on_screen_resume(self) -> None:
        """Read again after another screen was in front."""
        if self._poll is not None:
            self._poll.wake()

    def _source(self, run_id: str, step: int | None) -> Source:
        return Source(Run(self.console.workspace_folder / run_id), self.console.query_command, step)

    def _do(
        self, work: Callable[[], Coroutine[Any, Any, None]], *, name: str, group: str, exclusive: bool = False
    ) -> None:
        """Work beside the screen. A callable, so that what is cancelled before it begins leaves no coroutine behind."""
        self.run_worker(cast("WorkType[None]", work), name=name, group=group, exclusive=exclusive)

    # Reading the runs

    def _read(self) -> list[tuple[Asking, tuple[Summary, tuple[int, ...]] | Exception]]:
        found: list[tuple[Asking, tuple[Summary, tuple[int, ...]] | Exception]] = []
        for asking in list(self._askings):
            try:
                found.append((asking, asking.source.read()))
            except (UserError, OSError) as error:
                found.append((asking, error))
        return found

    def _show_runs(self, found: list[tuple[Asking, tuple[Summary, tuple[int, ...]] | Exception]]) -> None:
        for asking, read in found:
            source, before = asking.source, asking.source.summary
            told, source.trouble = source.trouble, read if isinstance(read, Exception) else None
            if str(source.trouble) != str(told):
                self._problem(None) if source.trouble is None else self._failed(source.trouble)
            if isinstance(read, Exception):
                continue
            source.summary, source.checkpoints = read
            if before is None:
                self._load(asking)
            if before is None or before.status != source.summary.status:
                self.refresh_bindings()
        self._show_head()

    def _failed(self, error: Exception) -> None:
        self._problem(Content.styled(f"✗ {display.literal(str(error)) or type(error).__name__}", "$text-error"))

    # Loading and asking

    def _load(self, asking: Asking) -> None:
        if asking.source.checkpoints or asking.source.live:
            self._do(partial(self._load_model, asking), name="query server", group=f"load {id(asking)}")
        else:
            self._state(asking.source.lacks)

    async def _load_model(self, asking: Asking) -> None:
        try:
            if not asking.source.checkpoints:
                await asking.source.save_now(self._state)
            self._state("loading the model…")
            ready = await asking.source.load()
        except (UserError, OSError) as error:
            self._state("")
            self._problem(Content.styled(f"✗ {display.literal(str(error))}", "$text-error"))
            return
        box = self.query_one(QueryBox)
        box.placeholder = display.literal(str(ready.get("input_hint") or "Ask the model"))
        box.series = bool(ready.get("series"))
        self._empty_asks = bool(ready.get("empty"))
        self._state("ready")
        self._learned_facts()
        if asking.question is None and asking is not self._askings[0]:
            asking.begin(self._askings[0].question)
            if asking.question is not None:
                self._ask_of(asking)

    def _learned_facts(self) -> None:
        """Offer what the run has an answer to."""
        self._show_pages()
        self._fill_all()
        self.refresh_bindings()

    def _state(self, text: str) -> None:
        self.query_one("#state", Static).update(Content(display.literal(text)))

    def _problem(self, words_of_it: Content | None) -> None:
        line = self.query_one("#problem", Static)
        line.display = words_of_it is not None
        if words_of_it is not None:
            line.update(words_of_it)

    @on(Input.Submitted, "#box")
    def submit(self, event: Input.Submitted) -> None:
        """Ask what stands in the box."""
        event.stop()
        if event.value.strip() or self._empty_asks:
            # Not stripped: for a text that goes on, the last space counts.
            self.ask(event.value)

    def ask(self, question: str) -> None:
        """Ask every model on the screen."""
        box = self.query_one(QueryBox)
        if question:
            box.remember(question)
        box.put(question)
        self._problem(None)
        for asking in self._askings:
            asking.begin(question)
            self._ask_of(asking)

    def _ask_of(self, asking: Asking) -> None:
        # Exclusive: a new question takes the place of one that still waits.
        self._do(partial(self._answer, asking), name="question", group=f"question {id(asking)}", exclusive=True)

    async def _answer(self, asking: Asking) -> None:
        question, source = asking.question, asking.source
        if question is None:
            return
        try:
            await source.save_now(self._state)
            self._state("asking…" if source.warm and source.facts else "loading the model…")
            if not source.facts:
                await source.load()
                self._learned_facts()
            asking.reply = await source.ask("predict", input=question)
        except QuestionRefused as error:
            self._problem(refusal(question, str(error), error.place, error.end, self.size.width - 3))
        except ServerEnded as error:
            await self._start_anew(source, error)
        except (UserError, OSError) as error:
            self._problem(Content.styled(f"✗ {display.literal(str(error))}", "$text-error"))
        else:
            self._fill_all()
            self._tell_restart(source)
        finally:
            self._state("ready" if source.warm else "")
            if self._poll is not None:
                self._poll.wake()

    async def _start_anew(self, source: Source, error: ServerEnded) -> None:
        """Put another server in the place of one that ended over a question, and say so."""
        self._problem(Content.styled(f"✗ {display.literal(str(error))}", "$text-error"))
        self._state("starting another…")
        with suppress(UserError, OSError):
            await source.load()
            self._problem(Content.styled(f"✗ {display.literal(error.reason)}; another was started", "$text-error"))

    def _tell_restart(self, source: Source) -> None:
        if source.restarted:
            source.restarted = False
            self._problem(Content.styled("! the query server had ended; another was started", "$text-warning"))
