"""The console's end of the query server's pipe: JSON Lines to and from `python -m seqsum.query RUN_FOLDER`."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from seqsum.errors import UserError
from seqsum.formatting import duration

START_SECONDS = 60.0
ANSWER_SECONDS = 60.0
LONGEST_LINE = 16 * 1024 * 1024


def server_command(folder: Path) -> list[str]:
    """Return the command that starts a query server for a run's folder."""
    return [sys.executable, "-m", "seqsum.query", str(folder)]


class ServerEnded(UserError):
    """The query server is gone; the next question starts another. reason: why, without the way out."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; ask again to start it anew")
        self.reason = reason


class QuestionRefused(UserError):
    """The server can't answer a question; `place` to `end` are the characters of the input that it can't read."""

    def __init__(self, message: str, place: int | None = None, end: int | None = None) -> None:
        super().__init__(message)
        self.place, self.end = place, end


class QueryClient:
    """One query server, started when first needed and kept warm; one question at a time.

    Args:
        folder: the run's folder.
        command: how a server is started; tests give another.
    """

    def __init__(self, folder: Path, command: Callable[[Path], Sequence[str]] = server_command) -> None:
        self._folder, self._command = folder, command
        self._process: Process | None = None
        self._ready: dict[str, Any] = {}
        self._turn = asyncio.Lock()
        self._next = 1

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The server's process, while there is one."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def ended(self) -> bool:
        """Whether a server was there and is gone without being asked."""
        return self._process is not None and self._process.returncode is not None

    async def start(self) -> dict[str, Any]:
        """Start the server unless it runs, and return what it says when it is ready.

        Raises UserError with the server's reason, e.g. that the run has no checkpoint yet.
        """
        async with self._turn:
            return await self._start()

    async def request(self, ask: str, *, seconds: float = ANSWER_SECONDS, **fields: Any) -> dict[str, Any]:
        """Ask a question of `seqsum.query.questions` by its name, and return the whole reply.

        seconds: after so long the server is ended, for it does not answer; the next question starts another.
        Raises QuestionRefused with the server's own words, ServerEnded when it died or was ended.
        """
        async with self._turn:
            await self._start()
            number, self._next = self._next, self._next + 1
            reply = await self._exchange({"id": number, "ask": ask, **fields}, seconds)
            while reply.get("id") != number:
                reply = await self._exchange(None, seconds)
        if not reply.get("ok"):
            places = [place if isinstance(place := reply.get(name), int) else None for name in ("place", "end")]
            raise QuestionRefused(str(reply.get("error", "the model gave no answer")), *places)
        return reply

    async def close(self) -> None:
        """End the server; harmless when there is none. It only reads, so it need not be asked politely."""
        process = self._process
        self.kill()
        if process is not None:
            await process.wait()

    def kill(self) -> None:
        """End the server without waiting for it."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()

    async def _start(self) -> dict[str, Any]:
        if self.running:
            return self._ready
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(self._folder), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=LONGEST_LINE
            )
        except OSError as error:
            raise UserError(f"ask: can't start the query server: {error.strerror or error}") from None
        try:
            ready = await self._exchange(None, START_SECONDS)
        except asyncio.CancelledError:
            self.kill()
            raise
        if not ready.get("ready"):
            await self.close()
            raise UserError(str(ready.get("error", "the query server did not start")))
        self._ready = ready
        return ready

    async def _exchange(self, message: dict[str, Any] | None, seconds: float) -> dict[str, Any]:
        """Send a line, if there is one, and return the next line that comes back."""
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        try:
            if message is not None:
                process.stdin.write(json.dumps(message).encode() + b"\n")
                await process.stdin.drain()
            line = await asyncio.wait_for(process.stdout.readline(), seconds)
            reply = json.loads(line) if line else None
        except TimeoutError:
            await self.close()
            raise ServerEnded(f"ask: the model did not answer within {duration(seconds)}") from None
        except (OSError, ValueError):
            reply = None
        if not isinstance(reply, dict):
            await self.close()
            raise ServerEnded("ask: the query server ended without an answer")
        return reply
