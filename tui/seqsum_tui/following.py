"""The process beside the console that follows other programs' logs (see `seqsum.foreign`); it ends with the console."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from seqsum_tui.shared.polling import in_thread

ENDS_SECONDS = 5.0


class Following:
    """Follows the logs below a path, as runs of a workspace; without a path it does nothing."""

    def __init__(self, logs: Path | None, workspace: Path) -> None:
        self._logs, self._workspace = logs, workspace
        self._process: subprocess.Popen[str] | None = None

    async def run(self, tell: Callable[[str], None]) -> None:
        """Follow until the console ends. tell: hears a sentence for each thing that can't be read."""
        if self._logs is None:
            return
        # -P: a file called random.py where the user stands is not the library's.
        command = [sys.executable, "-P", "-m", "seqsum.foreign", str(self._logs), str(self._workspace)]
        self._process = process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            while line := await in_thread(process.stdout.readline):
                with suppress(ValueError):
                    tell(str(json.loads(line)))
            code = await in_thread(process.wait)
            if code not in (0, 2):
                tell(f"what reads the logs has ended (exit code {code}); open the console again to read on")
        finally:
            self.close()

    def ask_for(self, run_id: str) -> None:
        """Have this run's log read before the others."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, ValueError):
                self._process.stdin.write(f"{run_id}\n")
                self._process.stdin.flush()

    def close(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(ENDS_SECONDS)
            if process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()
