"""The escape key and a key right behind it are two keys, however fast they come.

A terminal sends alt with a key as escape and that key, so Textual takes the two for one (`esc` `2` for alt+2, which it
writes as ™). No key here goes with alt, and over a slow line keys come in one piece: so escape is told apart from what
follows it, in the form of its own that Textual knows (CSI 27 u).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message

# What goes on as a sequence: CSI, SS3, DCS, OSC, SOS, PM, APC, and the end of such a string.
_KEY = r"[^\x1b\[OP\]X^_\\]"
_ESCAPE_AND_KEY = re.compile(rf"\x1b(?={_KEY})")
_ITSELF = "[27u"


class KeyParser(XTermParser):
    """Reads what a terminal sends."""

    _after_escape = False

    def feed(self, data: str) -> Iterable[Message]:
        """Yield the events of a piece of input."""
        # Textual waits a moment for what goes on behind escape; after that it has told the key already.
        if self._after_escape and self._timeout_time is not None and re.match(_KEY, data):
            data = _ITSELF + data
        self._after_escape = data.endswith("\x1b")
        for event in super().feed(_ESCAPE_AND_KEY.sub(f"\x1b{_ITSELF}", data)):
            # Enter, typed before the terminal was asked for keys: it was still reading lines.
            line_feed = isinstance(event, events.Key) and event.key == "ctrl+j"
            yield events.Key("enter", "\r") if line_feed else event
