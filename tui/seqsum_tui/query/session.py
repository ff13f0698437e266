"""A session of asking one run: its query servers, what was read of it, and the guard that saves few checkpoints."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from seqsum.compare.history import History
from seqsum.control import commands
from seqsum.errors import UserError
from seqsum.query.questions.facts import FactsAnswer
from seqsum.query.registry import questions
from seqsum.runs.checkpoint_files import age_of_newest, steps_saved
from seqsum_tui.query.client import QueryClient, QuestionRefused
from seqsum_tui.query.said import Said
from seqsum_tui.shared.polling import in_thread

if TYPE_CHECKING:
    from seqsum.runs import Run, Summary

MEASURED_SECONDS = 60.0
FRESH_SECONDS = 2.0
"""A live run's checkpoint that is younger is asked as it is, whoever had it saved: each costs the training a moment."""


class Session:
    """A run and the step of the checkpoint that answers; None is the newest, which a live run saves first."""

    def __init__(self, run: Run, command: Callable[[Path], Sequence[str]], step: int | None = None) -> None:
        self.run, self.step = run, step
        self.follows = False
        """Whether the newest checkpoint is asked as it was saved."""
        self.summary: Summary | None = None
        self.trouble: Exception | None = None
        """Why the last reading of the run failed."""
        self.checkpoints: tuple[int, ...] = ()
        self.accuracies: dict[int, tuple[int, float]] = {}
        """What was measured last at or before each checkpoint: its step, and the accuracy."""
        self.asks: list[str] = []
        """What the run has an answer to; empty before that is known."""
        self.facts: FactsAnswer | None = None
        self._command = command
        self._clients: dict[bool, QueryClient] = {}
        self._saving = asyncio.Lock()
        self._spent: dict[int, float] = {}
        self._seen: deque[tuple[float, float]] = deque()
        self.restarted = False
        """Whether a server was found dead and another was started; the screen tells, and takes it back."""
        self.warnings: tuple[str, ...] = ()
        """What is to be known of the checkpoint that answered last."""
        self.warned: tuple[str, ...] = ()
        """What of this the screen tells."""

    def read(self) -> tuple[Summary, tuple[int, ...]]:
        """Read how the run is, and its checkpoints; raises UserError when it can't be read. For a thread."""
        self._measure()
        summary, checkpoints = self.run.summary(), tuple(steps_saved(self.run.checkpoints))
        if (summary, checkpoints) != (self.summary, self.checkpoints):
            with History(self.run) as history:
                found = {step: history.at("accuracy", step) for step in checkpoints}
            self.accuracies = {step: point for step, point in found.items() if point is not None}
        return summary, checkpoints

    @property
    def live(self) -> bool:
        return self.summary is not None and self.summary.live

    @property
    def lacks(self) -> str:
        """What is to be said in place of its checkpoints, where none are known."""
        if self.summary is None or self.trouble is not None:
            return ""
        return "no checkpoint yet" if self.live else "no checkpoint"

    @property
    def warm(self) -> bool:
        """Whether the server for questions is there."""
        return self._client(False).running

    @property
    def ended(self) -> bool:
        """Whether the server for questions was there and is gone without being asked."""
        return self._client(False).ended

    @property
    def pid(self) -> int | None:
        """The process of the server for questions, while there is one."""
        return self._client(False).pid

    @property
    def share(self) -> float:
        """How much of one core the servers used over the last minute. They stand behind the training: where both want
        one core, it gets nearly all of it."""
        if len(self._seen) < 2:
            return 0.0
        (first, before), (last, now) = self._seen[0], self._seen[-1]
        return (now - before) / max(last - first, MEASURED_SECONDS)

    def _measure(self) -> None:
        for client in list(self._clients.values()):
            pid = client.pid
            if pid is not None:
                with suppress(psutil.Error):
                    times = psutil.Process(pid).cpu_times()
                    self._spent[pid] = times.user + times.system
        now = time.monotonic()
        self._seen.append((now, sum(self._spent.values())))
        while len(self._seen) > 2 and self._seen[1][0] < now - MEASURED_SECONDS:
            self._seen.popleft()

    def offers(self, ask: str) -> bool:
        """Whether the run has an answer to this kind of question; before it is known, only to the plainest."""
        return ask in (self.asks or ["predict"])

    def answers(self, kind: str) -> bool:
        """Whether its answers are known to be of this kind."""
        return self.facts is not None and self.facts.answer == kind

    async def start(self) -> dict[str, Any]:
        """Start the server for questions; return what it says when it is ready."""
        return await self._client(False).start()

    async def load(self) -> dict[str, Any]:
        """Start the server and learn what can be asked; return what it says when it is ready."""
        ready = await self.start()
        if not self.asks:
            try:
                self.facts = FactsAnswer.model_validate((await self._client(False).request("facts"))["answer"])
                self.asks = self.facts.asks
            except QuestionRefused:
                self.asks = ["predict"]
        return ready

    async def save_now(self, tell: Callable[[str], None]) -> None:
        """Have a run that trains save a checkpoint, unless it has a fresh one, so that it is asked as it is now.

        Raises UserError when the run has none at all.
        """
        async with self._saving:
            if (
                self.step is None
                and self.live
                and not self.follows
                and await in_thread(lambda: age_of_newest(self.run.checkpoints) > FRESH_SECONDS)
            ):
                tell("saving a checkpoint of now…")
                with suppress(UserError):
                    # A run that ended this moment has saved its last checkpoint already.
                    await in_thread(lambda: commands.snapshot(self.run, kept=False))
        if not await in_thread(lambda: steps_saved(self.run.checkpoints)):
            raise UserError(f"nothing to ask: {await in_thread(self.run.no_checkpoint)}")

    async def put(self, question: str, tell: Callable[[str], None], **fields: Any) -> Said:
        """Ask about an input, of a run that trains as it is now; `tell` hears what is waited for. Raises as `ask`."""
        await self.save_now(tell)
        ended = "the query server ended; loading the model again…" if self.ended else "loading the model…"
        tell("asking…" if self.warm else ended)
        return Said.of(await self.ask("predict", input=question, **fields))

    async def ask(self, ask: str, **fields: Any) -> dict[str, Any]:
        """Ask, and return the whole reply. A server that ended between two questions is started again.

        Raises UserError with the server's words, ServerEnded when it ended over this question.
        """
        if self.step is not None:
            fields["checkpoint"] = self.step
        # What walks over many inputs has a server of its own, so that a question never waits behind it.
        client = self._client((await in_thread(questions))[ask].slow)
        self.restarted = self.restarted or client.ended
        reply = await client.request(ask, **fields)
        self.warnings = tuple(reply.get("warnings", ()))
        return reply

    async def close(self) -> None:
        """End the servers."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.close()

    def _client(self, slow: bool) -> QueryClient:
        if slow not in self._clients:
            self._clients[slow] = QueryClient(self.run.folder, self._command)
        return self._clients[slow]
