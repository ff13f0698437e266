"""A real pseudo-terminal with a program in it, and the screen that a person would see."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence

import pyte

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "down": "\x1b[B",
    "up": "\x1b[A",
    "ctrl+a": "\x01",
    "ctrl+f": "\x06",
    "ctrl+k": "\x0b",
    "ctrl+l": "\x0c",
    "ctrl+q": "\x11",
    "ctrl+u": "\x15",
    "ctrl+z": "\x1a",
    "f5": "\x1b[15~",
    "f9": "\x1b[20~",
}

LINE_BYTES = 512


class Terminal:
    """Runs a program in a pseudo-terminal; `text` is its screen now."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        columns: int = 120,
        lines: int = 40,
        *,
        bytes_per_second: float | None = None,
        deaf: bool = False,
    ) -> None:
        """bytes_per_second: how fast the line to the terminal is; deaf: the program begins with SIGHUP ignored."""
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.received = 0
        self.written = bytearray()
        self._arrivals: list[tuple[float, int]] = []
        self._rate, self._free_at = bytes_per_second, 0.0
        # The size stands before the program begins, and no variable says another one.
        variables = {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES")}
        size = struct.pack("HHHH", lines, columns, 0, 0)
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            if deaf:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            os.execvpe(command[0], list(command), {**variables, "TERM": "xterm-256color"})

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    @property
    def reads_lines(self) -> bool:
        """Whether what is typed is still collected and echoed line by line, as for a shell."""
        return bool(termios.tcgetattr(self._terminal)[3] & (termios.ICANON | termios.ECHO))

    @property
    def colours(self) -> set[str]:
        """Every colour on the screen: a name of the terminal's, or six hexadecimal digits."""
        rows = self._screen.buffer.values()
        return {colour for row in rows for cell in row.values() for colour in (cell.fg, cell.bg)}

    def cells(self, row: int, colour: str) -> list[int]:
        """Return the columns of a row in which something stands in this colour."""
        line = self._screen.buffer[row]
        return [
            column for column in range(self._screen.columns) if line[column].fg == colour and line[column].data != " "
        ]

    def press(self, *keys: str) -> None:
        """Press named keys, or type text as it stands."""
        for key in keys:
            os.write(self._terminal, KEYS.get(key, key).encode())

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size; the kernel tells the program."""
        self._screen.resize(lines, columns)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, seconds: float) -> bool:
        """Take in what the program writes, for at most that long; return False once it has ended."""
        if self._rate is not None:
            # What was read last is still on the line.
            rest = self._free_at - time.monotonic()
            time.sleep(max(0.0, min(rest, seconds)))
            if rest > seconds:
                return True
        ready, _, _ = select.select([self._terminal], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self._terminal, 65_536 if self._rate is None else LINE_BYTES)
        except OSError:
            return False
        if self._rate is not None:
            self._free_at = max(self._free_at, time.monotonic()) + len(data) / self._rate
        self.received += len(data)
        self.written += data
        self._arrivals.append((time.monotonic(), len(data)))
        self._stream.feed(data)
        return bool(data)

    def most_bytes(self, seconds: float, since: float) -> int:
        """Return how many bytes came at most within so many seconds, after the monotonic time `since`."""
        arrivals = [arrival for arrival in self._arrivals if arrival[0] >= since]
        windows = (sum(size for at, size in arrivals if 0 <= at - begin < seconds) for begin, _ in arrivals)
        return max(windows, default=0)

    def wait_for(self, seen: str | Callable[[str], bool], seconds: float = 60.0) -> str:
        """Wait until the screen shows a text or fulfils a condition; return the screen."""
        deadline = time.monotonic() + seconds
        fulfilled = (lambda text: seen in text) if isinstance(seen, str) else seen
        while not fulfilled(self.text):
            alive = self.read(0.1)
            if not alive or time.monotonic() > deadline:
                raise AssertionError(f"waited for {seen!r}; alive: {alive}; the screen shows:\n{self.text}")
        return self.text

    def wait_for_end(self, seconds: float = 60.0) -> None:
        """Wait until the program has ended."""
        deadline = time.monotonic() + seconds
        while self.read(0.1):
            assert time.monotonic() < deadline, f"it did not end; the screen shows:\n{self.text}"

    def kill(self) -> None:
        """Kill the program at once, and the terminal with it."""
        os.kill(self.pid, signal.SIGKILL)
        self.close()

    def close(self) -> int:
        """Take the terminal away (the program gets SIGHUP) and wait for the program's end; return its wait status."""
        os.close(self._terminal)
        return os.waitpid(self.pid, 0)[1]
