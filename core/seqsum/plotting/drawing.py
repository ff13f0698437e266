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


@dataclass(frozen=True)
class Line:
    """A line through places; `dashes` are lengths drawn and left out in turn."""

    places: tuple[Place, ...]
    color: str
    width: float = 1.0
    dashes: tuple[float, ...] = ()


@dataclass(frozen=True)
class Area:
    """A filled polygon."""

    places: tuple[Place, ...]
    color: str


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
    """Marks on white, back to front; sizes and places in units, the origin at the top left."""

    width: int
    height: int
    title: str
    notes: list[str] = field(default_factory=list)
    """What a person should hear of it beside the picture."""
    marks: list[Line | Area | Words] = field(default_factory=list)


def svg(picture: Picture) -> str:
    """Return the picture as SVG. Every text is escaped, and control characters are made visible."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{picture.width}" height="{picture.height}" '
        f'viewBox="0 0 {picture.width} {picture.height}" font-family="{FONT}">',
        f"<title>{_text(picture.title)}</title>",
        f'<rect width="{picture.width}" height="{picture.height}" fill="#ffffff"/>',
    ]
    for mark in picture.marks:
        if isinstance(mark, Words):
            parts.append(
                f'<text x="{mark.place[0]:.1f}" y="{mark.place[1]:.1f}" font-size="{mark.size:g}" '
                f'text-anchor="{mark.anchor}" fill="{mark.color}">{_text(mark.text)}</text>'
            )
        elif isinstance(mark, Area):
            parts.append(f'<polygon points="{_places(mark.places)}" fill="{mark.color}"/>')
        else:
            dashes = f' stroke-dasharray="{" ".join(f"{length:g}" for length in mark.dashes)}"' if mark.dashes else ""
            parts.append(
                f'<polyline points="{_places(mark.places)}" fill="none" stroke="{mark.color}" '
                f'stroke-width="{mark.width:g}" stroke-linejoin="round"{dashes}/>'
            )
    return "\n".join([*parts, "</svg>\n"])


def png(picture: Picture) -> tuple[bytes, list[str]]:
    """Return the picture as PNG, twice as large as its units, and the characters that no font of this computer has."""
    from PIL import Image, ImageDraw

    from seqsum.plotting.fonts import Typesetter

    scale = SCALE * SMOOTH
    image = Image.new("RGB", (picture.width * scale, picture.height * scale), "#ffffff")
    draw = ImageDraw.Draw(image)
    letters = Typesetter(draw)
    for mark in picture.marks:
        if isinstance(mark, Words):
            place = (mark.place[0] * scale, mark.place[1] * scale)
            letters.write(one_line(mark.text), place, mark.size * scale, mark.color, mark.anchor)
        elif isinstance(mark, Area):
            draw.polygon([(x * scale, y * scale) for x, y in mark.places], fill=mark.color)
        else:
            for piece in _pieces(mark):
                points = [(x * scale, y * scale) for x, y in piece]
                draw.line(points, fill=mark.color, width=max(1, round(mark.width * scale)), joint="curve")
    image = image.resize((picture.width * SCALE, picture.height * SCALE), Image.Resampling.BOX)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue(), list(letters.missing)


def _pieces(line: Line) -> list[list[Place]]:
    """Cut a dashed line into its dashes; a whole line is one piece."""
    if not line.dashes:
        return [list(line.places)]
    pieces: list[list[Place]] = [[line.places[0]]]
    index, left = 0, line.dashes[0]
    for (x, y), (to_x, to_y) in zip(line.places, line.places[1:], strict=False):
        length = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5
        done = 0.0
        while length - done > left:
            done += left
            place = (x + (to_x - x) * done / length, y + (to_y - y) * done / length)
            pieces[-1].append(place)
            pieces.append([place])
            index += 1
            left = line.dashes[index % len(line.dashes)]
        left -= length - done
        pieces[-1].append((to_x, to_y))
    return [piece for number, piece in enumerate(pieces) if number % 2 == 0 and len(piece) > 1]


def _places(places: tuple[Place, ...]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _text(text: str) -> str:
    return escape(one_line(text))
