"""Pictures made of lines and words, as SVG or PNG: the same picture both times."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from seqsum.text import one_line

Place = tuple[float, float]

SCALE = 2  # pixels of a PNG for one unit
SMOOTH = 2  # a PNG is drawn larger by this, and made smaller: Pillow draws its lines without smoothing
FONT = "DejaVu Sans, Helvetica, Arial, sans-serif"
PAPER_FONT = "Helvetica, Arial, Liberation Sans, sans-serif"
DOTS = 600
"""Pixels for an inch of paper."""


@dataclass(frozen=True)
class Line:
    """A line through places; `dashes` are lengths drawn and left out in turn."""

    places: tuple[Place, ...]
    color: str
    width: float = 1.0
    dashes: tuple[float, ...] = ()


@dataclass(frozen=True)
class Area:
    """A filled polygon; `opacity` is 1 where nothing behind it is seen."""

    places: tuple[Place, ...]
    color: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Words:
    """A text on its baseline, from `place` to the right (start), around it (middle) or up to it (end)."""

    text: str
    place: Place
    size: float = 11.0
    anchor: str = "start"
    color: str = "#333333"


@dataclass
class Picture:
    """Marks on white, back to front; sizes and places in units, the origin at the top left.

    points: whether a unit is a point, 1/72 inch, as on paper; else it is a pixel of a screen.
    """

    width: float
    height: float
    title: str
    notes: list[str] = field(default_factory=list)
    """What a person should hear of it beside the picture."""
    marks: list[Line | Area | Words] = field(default_factory=list)
    points: bool = False


def svg(picture: Picture) -> str:
    """Return the picture as SVG. Every text is escaped, and control characters are made visible."""
    unit = "pt" if picture.points else ""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{picture.width:g}{unit}" height="{picture.height:g}{unit}" '
        f'viewBox="0 0 {picture.width:g} {picture.height:g}" font-family="{PAPER_FONT if unit else FONT}">',
        f"<title>{_text(picture.title)}</title>",
        f'<rect width="{picture.width:g}" height="{picture.height:g}" fill="#ffffff"/>',
    ]
    for mark in picture.marks:
        if isinstance(mark, Words):
            parts.append(
                f'<text x="{mark.place[0]:.1f}" y="{mark.place[1]:.1f}" font-size="{mark.size:g}" '
                f'text-anchor="{mark.anchor}" fill="{mark.color}">{_text(mark.text)}</text>'
            )
        elif isinstance(mark, Area):
            opacity = f' fill-opacity="{mark.opacity:g}"' if mark.opacity < 1 else ""
            parts.append(f'<polygon points="{_places(mark.places, picture)}" fill="{mark.color}"{opacity}/>')
        else:
            dashes = f' stroke-dasharray="{" ".join(f"{length:g}" for length in mark.dashes)}"' if mark.dashes else ""
            parts.append(
                f'<polyline points="{_places(mark.places, picture)}" fill="none" stroke="{mark.color}" '
                f'stroke-width="{mark.width:g}" stroke-linejoin="round"{dashes}/>'
            )
    return "\n".join([*parts, "</svg>\n"])


def png(picture: Picture) -> tuple[bytes, list[str]]:
    """Return the picture as PNG, twice as large as its units, on paper at DOTS, and the characters that no font here
    has."""
    from PIL import Image, ImageDraw

    from seqsum.plotting.fonts import Typesetter

    pixels = DOTS / 72 if picture.points else SCALE
    size, scale = (round(picture.width * pixels), round(picture.height * pixels)), pixels * SMOOTH
    image = Image.new("RGB", (size[0] * SMOOTH, size[1] * SMOOTH), "#ffffff")
    draw = ImageDraw.Draw(image)
    letters = Typesetter(draw)
    for mark in picture.marks:
        if isinstance(mark, Words):
            place = (mark.place[0] * scale, mark.place[1] * scale)
            letters.write(one_line(mark.text), place, mark.size * scale, mark.color, mark.anchor)
        elif isinstance(mark, Area):
            places = [(x * scale, y * scale) for x, y in mark.places]
            if mark.opacity < 1:
                mask = Image.new("L", image.size)
                ImageDraw.Draw(mask).polygon(places, fill=round(255 * mark.opacity))
                image.paste(mark.color, mask=mask)
            else:
                draw.polygon(places, fill=mark.color)
        else:
            for piece in pieces(mark):
                points = [(x * scale, y * scale) for x, y in piece]
                draw.line(points, fill=mark.color, width=max(1, round(mark.width * scale)), joint="curve")
    image = image.resize(size, Image.Resampling.BOX)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True, **({"dpi": (DOTS, DOTS)} if picture.points else {}))
    return file.getvalue(), list(letters.missing)


def pieces(line: Line) -> list[list[Place]]:
    """Cut a dashed line into its dashes; a whole line is one piece."""
    if not line.dashes:
        return [list(line.places)]
    cut: list[list[Place]] = [[line.places[0]]]
    index, left = 0, line.dashes[0]
    for (x, y), (to_x, to_y) in zip(line.places, line.places[1:], strict=False):
        length = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5
        done = 0.0
        while length - done > left:
            done += left
            place = (x + (to_x - x) * done / length, y + (to_y - y) * done / length)
            cut[-1].append(place)
            cut.append([place])
            index += 1
            left = line.dashes[index % len(line.dashes)]
        left -= length - done
        cut[-1].append((to_x, to_y))
    return [piece for number, piece in enumerate(cut) if number % 2 == 0 and len(piece) > 1]


def _places(places: tuple[Place, ...], picture: Picture) -> str:
    digits = 2 if picture.points else 1
    return " ".join(f"{x:.{digits}f},{y:.{digits}f}" for x, y in places)


def _text(text: str) -> str:
    return escape(one_line(text))
