"""The last gate before the terminal: no text of a widget steers it, whichever widget forgot to make it literal."""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

# Controls, overrides of the writing direction, lone surrogates. Joiners pass: they are cleaned, or kept inside emoji,
# where text enters a widget.
STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff\ufeff]")


class NoSteering(LineFilter):
    """Takes out of every drawn line what could steer the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without such characters; nearly always these very segments."""
        for text, _, control in segments:
            if not control and not text.isprintable() and STEERING.search(text):
                break
        else:
            return segments
        return [one if one.control else Segment(STEERING.sub(_blank, one.text), one.style) for one in segments]


def _blank(found: re.Match[str]) -> str:
    return " " * cell_len(found[0])
