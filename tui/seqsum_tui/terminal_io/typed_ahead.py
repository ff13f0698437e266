"""Keys from the very first: what is typed while the console is being imported stays keys.

Until a program asks for keys a terminal reads lines, as for a shell: ctrl+u drops what was typed, enter comes as a line
feed, and everything is echoed. Importing Textual and the list takes long enough to type a dozen of them.
"""

from __future__ import annotations

import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

LINES_IN, LINES = 0, 3
"""Places of the input flags and of the local flags in what `tcgetattr` gives."""

_before: list[list[Any]] = []
"""How the terminal was, until somebody takes it."""


@contextmanager
def kept() -> Iterator[None]:
    """Have the terminal hand over keys as they are typed, and be as it was in the end; ctrl+c and ctrl+z act still."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield
        return
    terminal = sys.stdin.fileno()
    _before.append(termios.tcgetattr(terminal))
    keys = termios.tcgetattr(terminal)
    keys[LINES_IN] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
    keys[LINES] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
    keys[-1][termios.VMIN], keys[-1][termios.VTIME] = 1, 0
    termios.tcsetattr(terminal, termios.TCSANOW, keys)
    try:
        yield
    finally:
        if (before := terminal_before()) is not None:
            # It may be gone by now.
            with suppress(termios.error):
                termios.tcsetattr(terminal, termios.TCSANOW, before)


def terminal_before() -> list[Any] | None:
    """Return how the terminal was, once: whoever takes it puts it back."""
    return _before.pop() if _before else None
