"""Pictures as PDF: lines stay lines and words stay words, for papers."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from seqsum.plotting.drawing import Area, Line, Picture, Words, pieces
from seqsum.plotting.fonts import PLAIN, STAND_IN, face_of
from seqsum.text import one_line

if TYPE_CHECKING:
    from fpdf import FPDF

LATIN = "Helvetica"
"""Every reader of PDF has it; it knows the letters of Latin-1."""


def pdf(picture: Picture) -> tuple[bytes, list[str]]:
    """Return the picture as a page of its size, a point for each unit, and the characters that no font here has."""
    from fpdf import FPDF

    page = FPDF(unit="pt", format=(picture.width, picture.height))
    # The same bytes every time.
    page.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))
    page.set_auto_page_break(False)
    page.set_title(one_line(picture.title))
    page.add_page()
    missing: dict[str, None] = {}
    fonts: dict[str, str] = {}
    for mark in picture.marks:
        if isinstance(mark, Words):
            _write(page, mark, fonts, missing)
        elif isinstance(mark, Area):
            page.set_fill_color(*_rgb(mark.color))
            with page.local_context(fill_opacity=mark.opacity) if mark.opacity < 1 else nullcontext():
                page.polygon(list(mark.places), style="F")
        elif len(mark.places) > 1:
            _draw(page, mark)
    return bytes(page.output()), list(missing)


def _draw(page: FPDF, line: Line) -> None:
    page.set_draw_color(*_rgb(line.color))
    page.set_line_width(line.width)
    dash = line.dashes if len(line.dashes) == 2 else (0.0, 0.0)
    page.set_dash_pattern(dash=dash[0], gap=dash[1])
    # Ends that stand out, as fpdf has them, would close the gaps between dashes.
    with page.local_context(stroke_cap_style="butt") if line.dashes else nullcontext():
        # A page knows dashes of one length only.
        for piece in pieces(line) if len(line.dashes) > 2 else [list(line.places)]:
            page.polyline(piece)


def _write(page: FPDF, words: Words, fonts: dict[str, str], missing: dict[str, None]) -> None:
    text = one_line(words.text)
    font = LATIN
    if not _latin(text):
        path = face_of(text)
        if path is None:
            said = "".join(PLAIN.get(character, character) for character in text)
            missing.update(dict.fromkeys(character for character in said if not _latin(character)))
            text = "".join(character if _latin(character) else STAND_IN for character in said)
        else:
            font = fonts.setdefault(path, f"own{len(fonts)}")
            if font not in page.fonts:
                page.add_font(font, fname=path)
    page.set_font(font, size=words.size)
    page.set_text_color(*_rgb(words.color))
    width = page.get_string_width(text)
    x, y = words.place
    page.text(x - {"start": 0.0, "middle": 0.5, "end": 1.0}[words.anchor] * width, y, text)


def _latin(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
