"""Textual's driver for terminals, which can be told to save bytes."""

from __future__ import annotations

from typing import Any

from textual.drivers.linux_driver import LinuxDriver

from seqsum_tui.thrift import Thrift


class ThriftyDriver(LinuxDriver):
    """Writes what the app writes; while `thrifty`, only what the terminal does not show yet."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._thrift = Thrift()
        self._thrifty = False

    @property
    def thrifty(self) -> bool:
        """Whether bytes are saved."""
        return self._thrifty

    @thrifty.setter
    def thrifty(self, wanted: bool) -> None:
        if wanted != self._thrifty:
            self._thrifty = wanted
            self._thrift.forget()

    def forget(self, width: int | None = None) -> None:
        """Send everything at the next update: the terminal was resized, or another program wrote to it."""
        self._thrift.forget(width)

    def write(self, data: str) -> None:
        """Write, or write less with the same effect."""
        if self._thrifty:
            data = self._thrift.lessen(data)
        if data:
            super().write(data)
