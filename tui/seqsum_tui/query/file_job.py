"""A file that is answered, or on which a run is measured, by a process of its own: the command line's."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from seqsum import formatting
from seqsum.errors import IN_FORM, UserError
from seqsum_tui.query.file_dialog import FileWanted
from seqsum_tui.shared.paths import for_people

LONGEST_LINE = 16 * 1024 * 1024
PATIENCE_SECONDS = 10.0
"""How long a process may take to delete what it has half written."""


class FileJob:
    """One file. `heard` is called whenever `words` are others.

    words: how far it is; title: what it does; told: what came of it, in lines, once it is done
    """

    def __init__(self, workspace: Path, run_id: str, step: int | None, wanted: FileWanted) -> None:
        self.wanted, self.told = wanted, list[str]()
        self.heard: Callable[[], object] = lambda: None
        verb = "measuring on" if wanted.output is None else "answering"
        self.title = f"{verb} {wanted.file.name}"
        self.words = f"{self.title}: begins"
        self._command = _command(workspace, run_id, step, wanted)
        self._process: Process | None = None
        self._stopped = False

    def stop(self) -> None:
        """Have it stop; nothing is left of what it has written."""
        self._stopped = True
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGINT)
        self._say(f"{self.title}: stops")

    async def run(self) -> bool:
        """Work until it is done; return False where it was stopped. Raises UserError where it can't be done."""
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, limit=LONGEST_LINE, start_new_session=True,
            env={**os.environ, IN_FORM: "1"},
        )  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        wrong = asyncio.ensure_future(process.stderr.read())
        if self._stopped:
            self.stop()
        last: dict[str, Any] = {}
        try:
            async for line in process.stdout:
                told = _told(line)
                if told is None:
                    continue
                last = told
                if last.get("event") == "progress":
                    # Of what is read in one go nobody knows how much is left.
                    share = f" {formatting.progress(last['share'])}," if last["share"] else ""
                    self._say(f"{self.title}:{share} {formatting.count(last['rows'], 'row')}")
            error = (await wrong).decode("utf-8", "replace")
            await process.wait()
        except asyncio.CancelledError:
            self.stop()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)
            raise
        finally:
            wrong.cancel()
        if self._stopped:
            return False
        self.told = [str(one) for one in last.get("told", ())]
        if not self.told:
            said = error.strip() or f"{self.title} ended by itself"
            raise UserError(said, in_form=str(last.get("in_form", "")))
        return True

    def _say(self, words: str) -> None:
        self.words = words
        self.heard()

    @property
    def outcome(self) -> str:
        """What came of it, as a title."""
        wanted = self.wanted
        return f"Measured on {wanted.file.name}" if wanted.output is None else f"Answered: {for_people(wanted.output)}"


def _command(workspace: Path, run_id: str, step: int | None, wanted: FileWanted) -> list[str]:
    command = [sys.executable, "-P", "-m", "seqsum.cli", "--workspace", str(workspace), "--json"]
    command += ["evaluate" if wanted.output is None else "predict", run_id, f"--file={wanted.file}"]
    command += [] if wanted.output is None else [f"--output={wanted.output}"]
    command += [f"--column={wanted.column}"] if wanted.column else []
    command += [f"--truth-column={wanted.truth_column}"] if wanted.truth_column else []
    return command if step is None else [*command, f"--checkpoint={step}"]


def _told(line: bytes) -> dict[str, Any] | None:
    """Return what a line of JSON tells; None for any other: a plug-in may print what it likes."""
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
