"""The process beside the console that follows other programs' logs (see `seqsum.foreign`); it ends with the console."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

LONGEST_LINE = 2**16


class Following:
    """Follows the logs below a path, as runs of a workspace; without a path it does nothing."""

    def __init__(self, logs: Path | None, workspace: Path) -> None:
        self._logs, self._workspace = logs, workspace
        self._process: asyncio.subprocess.Process | None = None

    async def run(self, tell: Callable[[str], None]) -> None:
        """Follow until the console ends. tell: hears a sentence for each thing that can't be read."""
        if self._logs is None:
            return
        # -P: a file called random.py where the user stands is not the library's.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "seqsum.foreign", str(self._logs), str(self._workspace),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            limit=LONGEST_LINE, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        try:
            while line := await self._process.stdout.readline():
                with suppress(ValueError):
                    tell(str(json.loads(line)))
            code = await self._process.wait()
            if code not in (0, 2):
                tell(f"what reads the logs has ended (exit code {code}); open the console again to read on")
        finally:
            self.close()

    def ask_for(self, run_id: str) -> None:
        """Have this run's log read before the others."""
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            with suppress(OSError, RuntimeError):
                self._process.stdin.write(f"{run_id}\n".encode())

    def close(self) -> None:
        """End it."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
