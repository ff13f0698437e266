"""Asking several models at once: a question on its way to its answers. What is shown is the screen's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from textual.content import Content
from textual.geometry import Size

from seqsum.errors import UserError
from seqsum.runs import Run
from seqsum_tui.query.client import QuestionRefused, ServerEnded
from seqsum_tui.query.pages import Asking
from seqsum_tui.query.said import Said
from seqsum_tui.query.session import Session
from seqsum_tui.query.views.answer import refusal
from seqsum_tui.query.views.registry import views
from seqsum_tui.shared import display
from seqsum_tui.shared.context import Context

if TYPE_CHECKING:
    from seqsum.runs import Summary


class AskedScreen(Protocol):
    """The screen that shows what is asked, as the asker sees it."""

    @property
    def console(self) -> Context: ...
    @property
    def size(self) -> Size: ...
    @property
    def follows(self) -> bool: ...
    def show_head(self) -> None: ...
    def learned_facts(self) -> None: ...
    def model_ready(self, ready: dict[str, Any]) -> None: ...
    def fill_all(self) -> None: ...
    def show_state(self, text: str) -> None: ...
    def show_problem(self, problem: Content | None) -> None: ...
    def do(
        self, work: Callable[[], Coroutine[Any, Any, None]], *, name: str, group: str, exclusive: bool = False
    ) -> None: ...
    def wake(self) -> None: ...
    def refresh_bindings(self) -> None: ...


class Asker:
    """Asks several runs, or checkpoints of one, the same at once.

    Each has query servers that are processes of their own: what befalls them touches neither console nor training.
    """

    def __init__(self, screen: AskedScreen) -> None:
        self._screen = screen
        self.askings: list[Asking] = []

    @property
    def busy(self) -> bool:
        """Whether a view is under way."""
        return any(asking.wanted for asking in self.askings)

    def made(self, run_id: str, step: int | None) -> Asking:
        """Return what asks a run, or a checkpoint of it; it is not among `askings` yet."""
        console = self._screen.console
        return Asking(Session(Run(console.workspace_folder / run_id), console.query_command, step))

    async def close(self) -> None:
        """End the query servers."""
        for asking in self.askings:
            await asking.session.close()

    # Reading the runs

    def read(self) -> list[tuple[Asking, tuple[Summary, tuple[int, ...]] | Exception]]:
        """Read how each run is, and the steps of its checkpoints, or why it can't be read. For a thread."""
        found: list[tuple[Asking, tuple[Summary, tuple[int, ...]] | Exception]] = []
        for asking in list(self.askings):
            try:
                found.append((asking, asking.session.read()))
            except (UserError, OSError) as error:
                found.append((asking, error))
        return found

    def show_runs(self, found: list[tuple[Asking, tuple[Summary, tuple[int, ...]] | Exception]]) -> None:
        """Take in a reading; a run that is read for the first time has its model loaded."""
        for asking, read in found:
            session, before = asking.session, asking.session.summary
            told, session.trouble = session.trouble, read if isinstance(read, Exception) else None
            if str(session.trouble) != str(told):
                self._warn() if session.trouble is None else self.failed(session.trouble)
            if isinstance(read, Exception):
                continue
            session.summary, session.checkpoints = read
            if before is None:
                self.load(asking)
            if before is None or before.status != session.summary.status:
                self._screen.refresh_bindings()
        self._screen.show_head()
        self._follow()

    def _follow(self) -> None:
        """Put the question to a checkpoint that is newer than what was said, where the newest is asked."""
        for asking in self.askings:
            session = asking.session
            idle = session.step is None and self._screen.follows and not (asking.waits or asking.wanted)
            if idle and asking.latest is not None and session.checkpoints[-1:] > (asking.latest,):
                asking.follow()
                self.ask_again(asking)

    def failed(self, error: Exception) -> None:
        """Tell why a reading failed."""
        self._wrong(str(error) or type(error).__name__)

    def _wrong(self, text: str) -> None:
        self._screen.show_problem(display.wrong(text))

    # Loading and asking

    def load(self, asking: Asking) -> None:
        """Load a model beside the screen, or say that there is none."""
        if asking.session.checkpoints or asking.session.live:
            self._screen.do(partial(self._load_model, asking), name="query server", group=f"load {id(asking)}")
        else:
            self._screen.show_state(asking.session.lacks)

    async def _load_model(self, asking: Asking) -> None:
        try:
            if not asking.session.checkpoints:
                await asking.session.save_now(self._screen.show_state)
            self._screen.show_state("loading the model…")
            ready = await asking.session.load()
        except (UserError, OSError) as error:
            self._screen.show_state("")
            self._wrong(str(error))
            return
        self._screen.model_ready(ready)
        self._screen.show_state("ready")
        self._screen.learned_facts()
        if asking.question is None and asking is not self.askings[0]:
            asking.begin(self.askings[0].question)
            if asking.question is not None:
                self.ask_of(asking)

    def ask(self, question: str) -> None:
        """Ask every model on the screen."""
        self._warn()
        for asking in self.askings:
            asking.begin(question)
            self.ask_of(asking)

    def ask_of(self, asking: Asking) -> None:
        """Put the question of one model to it, beside the screen."""
        # Exclusive: a new question takes the place of one that still waits.
        self._screen.do(partial(self.answer, asking), name="question", group=f"question {id(asking)}", exclusive=True)

    def ask_again(self, asking: Asking) -> None:
        """Have what is not known yet of a checkpoint asked, and show the rest."""
        self._warn()
        self._screen.show_head()
        if asking.waits:
            self.ask_of(asking)
        self._screen.fill_all()

    async def answer(self, asking: Asking) -> None:
        """Have one model answer its question, and show that, or what went wrong."""
        question, session = asking.question, asking.session
        if question is None:
            return
        try:
            async with self.told(asking, self._screen.show_problem):
                if not session.asks:
                    await session.save_now(self._screen.show_state)
                    self._screen.show_state("loading the model…")
                    await session.load()
                    self._screen.learned_facts()
                try:
                    asking.reply = await session.put(question, self._screen.show_state)
                except QuestionRefused as error:
                    # It is told once; what can be shown without a question is shown.
                    self._screen.show_problem(self._refusal(question, error))
                    asking.begin(None)
                else:
                    asking.latest = asking.reply.step
                self._screen.fill_all()
        finally:
            self._screen.show_state("ready" if session.warm else "")
            self._screen.wake()

    async def answer_each(
        self, asking: Asking, questions: Sequence[str], answers: list[tuple[str, Said | str]]
    ) -> None:
        """Have one model answer many questions: each with its answer, or the reason why there is none, is added."""
        async with self.told(asking, self._screen.show_problem):
            await asking.session.save_now(self._screen.show_state)
            for place, question in enumerate(questions, start=1):
                try:
                    said: Said | str = Said.of(await asking.session.ask("predict", input=question))
                except QuestionRefused as error:
                    said = str(error)
                answers.append((question, said))
                if place % 50 == 0:
                    self._screen.show_state(f"{place:,} of {len(questions):,}…")

    def want(self, asking: Asking, ask: str) -> None:
        """Ask beside the screen what a view is made of, unless that is on its way."""
        fields = views()[ask].fields(asking)
        if asking.wanted.get(ask) != fields:
            asking.wanted[ask] = fields
            work = partial(self._make, asking, ask, fields)
            self._screen.do(work, name="view", group=f"view {ask} {id(asking)}", exclusive=True)

    async def _make(self, asking: Asking, ask: str, fields: dict[str, Any]) -> None:
        """Ask what a view is made of, and make it; what goes wrong stands in its place."""
        refused: list[Content] = []
        question = views()[ask].question
        try:
            async with asking.slow_turn if question.slow else nullcontext(), self.told(asking, refused.append):
                if not question.needs_input:
                    await asking.session.save_now(self._screen.show_state)
                self._screen.show_state("computing…")
                reply = await asking.session.ask(ask, **fields)
                if asking.wanted.get(ask) is fields:
                    asking.latest = max(asking.latest or 0, reply["checkpoint_step"])
                    asking.make(ask, reply["answer"])
        finally:
            # Another question, or another checkpoint, has taken its place meanwhile where it is not wanted any more.
            if asking.wanted.get(ask) is fields:
                del asking.wanted[ask]
                asking.refused.update((ask, problem) for problem in refused)
                self._screen.fill_all()
            if not self.busy:
                self._screen.show_state("ready")

    @asynccontextmanager
    async def told(self, asking: Asking, say: Callable[[Content], None]) -> AsyncIterator[None]:
        """Say what goes wrong with a question in here, with its place in it; a server that ended is replaced."""
        try:
            yield
            self._tell(asking.session)
        except QuestionRefused as error:
            say(self._refusal(asking.question or "", error))
        except ServerEnded as error:
            say(display.wrong(str(error)))
            await self._start_anew(asking.session, error)
        except (UserError, OSError) as error:
            say(display.wrong(str(error)))

    def _refusal(self, question: str, error: QuestionRefused) -> Content:
        return refusal(question, str(error), error.place, error.end, self._screen.size.width - 3)

    async def _start_anew(self, session: Session, error: ServerEnded) -> None:
        """Put another server in the place of one that ended over a question, and say so."""
        self._screen.show_state("starting another…")
        with suppress(UserError, OSError):
            await session.load()
            self._wrong(f"{error.reason}; another was started")

    def _tell(self, session: Session) -> None:
        """Say once that a server was found dead and another was started; and, as long as it holds, what is to be known
        of the checkpoints that answer."""
        restarted = ["the query server had ended; another was started"] if session.restarted else []
        if restarted or session.warned != session.warnings:
            session.restarted, session.warned = False, session.warnings
            self._warn(*restarted)

    def _warn(self, *news: str) -> None:
        newest = [asking.session for asking in self.askings if asking.session.step is None]
        said = dict.fromkeys([*news, *(warning for session in newest for warning in session.warnings)])
        warning = Content.styled(f"! {display.literal('; '.join(said))}", "$text-warning") if said else None
        self._screen.show_problem(warning)
