"""Files in, files out, from the Ask screen: a file is chosen, answered beside the console, and what came of it told.

What was begun goes on when the screen is left; one file at a time.
"""

from __future__ import annotations

from contextlib import suppress
from weakref import WeakKeyDictionary

from textual.app import App
from textual.content import Content
from textual.widgets import Static

from seqsum.errors import UserError
from seqsum.query.questions.facts import FactsAnswer
from seqsum_tui.dialogs.confirm import ConfirmScreen
from seqsum_tui.dialogs.told import ToldScreen
from seqsum_tui.query.file_dialog import FileScreen
from seqsum_tui.query.file_job import FileJob
from seqsum_tui.query.session import Session
from seqsum_tui.shared import display
from seqsum_tui.shared.context import ENDS_WITH_IT, ConsoleScreen

_UNDER_WAY: WeakKeyDictionary[App[object], FileJob] = WeakKeyDictionary()


class WholeFile:
    """What a screen has to do with the file that is answered. Its line is `#job`."""

    def __init__(self, screen: ConsoleScreen[None]) -> None:
        self._screen = screen

    @property
    def job(self) -> FileJob | None:
        """What is under way, begun here or on another screen."""
        return _UNDER_WAY.get(self._screen.app)

    def show(self) -> None:
        """Show how far it is, from now on here."""
        if self.job is not None:
            self.job.heard = self._show
        self._show()

    def _show(self) -> None:
        if not self._screen.is_open:
            return
        line, job = self._screen.query_one("#job", Static), self.job
        line.display = job is not None
        if job is not None:
            line.update(Content.assemble(display.literal(job.words), ("  ·  F stops it", "$foreground-muted")))

    async def ask(self, session: Session) -> None:
        """Ask for a file and begin with it; where one is under way, offer to stop that."""
        screen, job = self._screen, self.job
        if job is not None:
            detail = "Nothing is left of what it has written."
            if await screen.app.push_screen_wait(ConfirmScreen(f"Stop {display.literal(job.title)}?", detail, "Stop")):
                job.stop()
            return

        async def facts() -> FactsAnswer | None:
            with suppress(UserError, OSError):
                await session.load()
            return session.facts

        wanted = await screen.app.push_screen_wait(FileScreen(facts))
        if wanted is None:
            return
        job = _UNDER_WAY[screen.app] = FileJob(screen.console.workspace_folder, session.run.id, session.step, wanted)
        self.show()
        # Of the console, not of the screen: it goes on when that is left.
        screen.app.run_worker(_done(screen.app, job), name=job.title, group=ENDS_WITH_IT)


async def _done(app: App[object], job: FileJob) -> None:
    """Work to the end, and tell what came of it."""
    try:
        finished = await job.run()
    except UserError as error:
        title = f"Not done: {display.literal(job.title)}"
        app.notify(display.literal(display.told(error)), title=title, severity="error")
    except OSError as error:
        app.notify(str(error), title="The command line can't be started", severity="error")
    else:
        if not finished:
            app.notify(f"{display.literal(job.title)} was stopped; nothing is left of it.", title="Stopped")
        elif app.screen.is_modal:
            app.notify(display.literal(job.told[0]), title=display.literal(job.outcome), timeout=10)
        else:
            app.push_screen(ToldScreen(job.outcome, job.told))
    finally:
        _UNDER_WAY.pop(app, None)
        job.heard()
