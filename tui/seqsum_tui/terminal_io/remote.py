"""The console of another machine in this terminal, through `ssh`; when the line breaks, it is asked for again.

The console runs there, where the runs are: what crosses the line is what the screen does not show yet, and keys.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqsum.errors import UserError
from seqsum.text import printable

HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.\-]*@)?(?:[A-Za-z0-9][A-Za-z0-9_.\-]*|\[[0-9A-Fa-f:.]+\])")
LOST, MISSING, INTERRUPTED = 255, 127, 130
"""What ssh ends with when there is no line (any more), a shell when there is no such command, and after ctrl+c."""
ALIVE = ("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3", "-o", "ConnectTimeout=15")
"""A line that is dead for a quarter of a minute is given up, and asked for again."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
STOOD_SECONDS = 10.0
"""A line that stood so long begins with the shortest wait again."""
AS_BEFORE = (
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1004l\x1b[?2004l\x1b[?2026l"
    "\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m\r"
)
"""Takes back what a console set and could not take back: mouse, focus, paste, keys, the other screen, the cursor."""


@dataclass(frozen=True)
class Remote:
    """A console elsewhere. host: as ssh takes it. workspace: None for that of the user there."""

    host: str
    workspace: str | None = None
    command: str = "seqsum-tui"

    @classmethod
    def parse(cls, text: str, command: str = "seqsum-tui") -> Remote:
        """Read `user@host` or `user@host:workspace`; raise UserError for anything else."""
        found = HOST.match(text)
        rest = text[found.end() :] if found else text
        if found is None or (rest and not rest.startswith(":")) or rest == ":":
            shown = printable(text)[:80]
            raise UserError(f'seqsum-tui: --remote takes host, user@host or user@host:FOLDER, got "{shown}"')
        return cls(found.group(), rest[1:] or None, command)

    def words(self, stood: Path) -> list[str]:
        """Return the command that opens it; `stood` is a file that is made once the line stands."""
        folder = "" if self.workspace is None else f" --workspace {_quoted(self.workspace)}"
        told = ("-o", "PermitLocalCommand=yes", "-o", f"LocalCommand=: > {shlex.quote(str(stood))}")
        return ["ssh", "-t", *ALIVE, *told, "--", self.host, self.command + folder]


def _quoted(folder: str) -> str:
    """Return a folder for the shell at the other end: whose home a ~ at its beginning is, it knows there."""
    # With its slash: quoted, that would make the ~ a letter.
    home = found.group() if (found := re.match(r"~[A-Za-z0-9_\-]*(?:/|$)", folder)) else ""
    rest = folder[len(home) :]
    return home + (shlex.quote(rest) if rest else "")


def show(remote: Remote, before: list[Any] | None = None) -> int:
    """Show it until the person leaves; return the exit code. `before`: how the terminal was.

    Raises UserError where ssh is missing, there was no line from the first, or no console at the other end.
    """
    if shutil.which("ssh") is None:
        raise UserError("seqsum-tui: --remote needs ssh, which is not on this machine")
    # Whoever started this may have had ctrl+c ignored; at a terminal it must end the waiting.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="seqsum-") as folder:
        try:
            return _shown_again(remote, before, Path(folder) / "stood")
        except KeyboardInterrupt:
            return INTERRUPTED


def _shown_again(remote: Remote, before: list[Any] | None, stood: Path) -> int:
    wait = FIRST_WAIT
    while True:
        began = time.monotonic()
        status, ended = _shown(remote.words(stood), before)
        if status == MISSING:
            raise UserError(
                f"seqsum-tui: there is no {remote.command} on {remote.host}; install it there, or say where it is: "
                "--remote-command ~/seqsum/.venv/bin/seqsum-tui"
            )
        if status != LOST or ended:
            return INTERRUPTED if ended else status
        if not stood.exists():
            raise UserError(f"seqsum-tui: no line to {remote.host}: ssh says above why")
        wait = FIRST_WAIT if time.monotonic() - began >= STOOD_SECONDS else min(2 * wait, LONGEST_WAIT)
        print(
            f"The line to {remote.host} is lost; what trains there goes on. "
            f"Again in {round(wait)} s; end it with ctrl+c.",
            file=sys.stderr,
        )
        time.sleep(wait)


def _shown(command: list[str], before: list[Any] | None) -> tuple[int, bool]:
    """Run ssh in this terminal, and leave the terminal as it was; return its exit status, and whether the person wants
    an end: ctrl+c, where no console carries it to the other end."""
    if before is not None:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, before)
    pressed: list[int] = []
    mine = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        status = subprocess.run(command, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, mine)
        if before is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, before)
    if status == LOST and sys.stdout.isatty():
        os.write(sys.stdout.fileno(), AS_BEFORE.encode())
    return status if status >= 0 else 128 - status, bool(pressed)
