"""Textual's driver for terminals, which can be told to save bytes."""

from __future__ import annotations

import asyncio
from typing import Any

from textual import events
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from seqsum_tui.terminal_io.escape_key import KeyParser
from seqsum_tui.terminal_io.rate_limit import Pace
from seqsum_tui.terminal_io.screen_diff import Thrift
from seqsum_tui.terminal_io.typed_ahead import terminal_before

# The driver makes its parser itself, by this name.
linux_driver.XTermParser = KeyParser  # type: ignore[attr-defined]


class ThriftyDriver(LinuxDriver):
    """Writes what the app writes; while `thrifty`, only what the terminal does not show yet, and not all at once."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._thrift, self._pace = Thrift(), Pace()
        self._thrifty = False
        self._later: asyncio.TimerHandle | None = None

    @property
    def thrifty(self) -> bool:
        """Whether bytes are saved."""
        return self._thrifty

    @thrifty.setter
    def thrifty(self, wanted: bool) -> None:
        if wanted != self._thrifty:
            self._send(self._thrift.more())
            self._thrifty = wanted
            self._thrift.forget()

    def forget(self, width: int | None = None) -> None:
        """Send everything at the next update: the terminal was resized, or another program wrote to it."""
        self._thrift.forget(width)
        self._pace.asked()

    def start_application_mode(self) -> None:
        """Take the terminal; what it is given back as is what it was before any key was listened to."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self.attrs_before = terminal_before() or self.attrs_before

    def process_message(self, message: Message) -> None:
        """Note that a person did something. Called in the thread that reads the keys."""
        if isinstance(message, events.InputEvent | events.Paste):
            self._pace.asked()
        super().process_message(message)

    def write(self, data: str) -> None:
        """Write, or write less with the same effect, the rest of it in the next seconds."""
        if not self._thrifty:
            super().write(data)
            return
        self._send(self._thrift.lessen(data, self._pace.room()))
        self._send_rest_later()

    def _send(self, data: str) -> None:
        if data:
            self._pace.sent(len(data.encode()))
            super().write(data)

    def _send_rest_later(self) -> None:
        if self._thrift.owing and self._later is None:
            self._later = self._loop.call_later(self._pace.wait(), self._send_rest)

    def _send_rest(self) -> None:
        self._later = None
        if self._thrifty and self._thrift.owing:
            self._send(self._thrift.more(self._pace.room()))
            self._send_rest_later()
