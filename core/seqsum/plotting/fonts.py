"""Words in a picture of dots: each character in a font that has it, from left to right or from right to left.

Pillow brings one font, of ASCII. Others are looked for on this computer; what none of them has is
told, never drawn as an empty box.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seqsum.cells import clusters

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/System/Library/Fonts",
    "/Library/Fonts", "~/Library/Fonts", "C:/Windows/Fonts",
)  # fmt: skip
SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
MOST_FILES = 2000
STAND_IN = "?"
PLAIN = {"–": "-", "−": "-", "×": "x", "∞": "inf", "≤": "<=", "’": "'"}
"""What says the same in ASCII."""
NOWHERE = "\U0010ffff"
"""A character that no font has."""


class Face(NamedTuple):
    """One font of a file; an empty path is Pillow's own."""

    path: str
    number: int = 0


OWN = Face("")


class FontRun(NamedTuple):
    """A part of a text in one font, from right to left or not."""

    text: str
    face: Face
    backwards: bool


class Typesetter:
    """Writes texts on a picture; `missing` collects the characters that no font has."""

    def __init__(self, draw: ImageDraw) -> None:
        from PIL import features

        self._draw = draw
        self._shapes = bool(features.check("raqm"))
        self._found: list[Face] = [OWN]
        self.missing: dict[str, None] = {}

    def write(self, text: str, place: tuple[float, float], size: float, colour: str, anchor: str) -> None:
        """Write a text on its baseline, from `place` to the right (start), around it (middle) or up to it (end)."""
        runs = [run for stretch in self._stretches(text) for run in self._runs(*stretch)]
        lengths = [_font(run.face, size).getlength(run.text, direction=self._way(run)) for run in runs]
        x = place[0] - {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * sum(lengths)
        for run, length in zip(runs, lengths, strict=True):
            font = _font(run.face, size)
            self._draw.text((x, place[1]), run.text, fill=colour, font=font, anchor="ls", direction=self._way(run))
            x += length

    def _way(self, run: FontRun) -> str | None:
        # Pillow loads its own font without shaping.
        return ("rtl" if run.backwards else "ltr") if self._shapes and run.face != OWN else None

    def _stretches(self, text: str) -> Iterator[tuple[list[str], bool]]:
        """Yield the parts of a text that are read in one direction, and whether that is from right to left.

        Spaces, digits and signs belong to a stretch from right to left where it goes on behind them.
        """
        parts = clusters(text)
        backwards = [at for at, part in enumerate(parts) if _direction(part) == "R"]
        at = 0
        while at < len(parts):
            first = next((place for place in backwards if place >= at), len(parts))
            if first > at:
                yield parts[at:first], False
            last = first
            for place in range(first, len(parts)):
                if _direction(parts[place]) == "L":
                    break
                # Digits behind letters from right to left are read with them.
                last = place if _direction(parts[place]) in ("R", "N") else last
            if first < len(parts):
                yield parts[first : last + 1], True
            at = last + 1

    def _runs(self, parts: list[str], backwards: bool) -> list[FontRun]:
        if backwards and not self._shapes:
            # Without shaping letters would stand apart and in the wrong order: worse than none.
            self.missing.update(dict.fromkeys(character for part in parts for character in part if part.strip()))
            return [FontRun(STAND_IN, OWN, False)]
        if backwards:
            # One font for all of it, if there is one: letters are joined, and turned round together with digits.
            self._face_for(parts[0])
            whole = next((face for face in self._found if all(_has(face, part) for part in parts)), None)
            if whole is not None:
                return [FontRun("".join(parts), whole, backwards)]
        runs: list[FontRun] = []
        for part in parts:
            face = self._face_for(part)
            if face is None and part in PLAIN:
                part, face = PLAIN[part], OWN
            elif face is None:
                self.missing.update(dict.fromkeys(filter(_visible, part)))
                part, face = STAND_IN, OWN
            if runs and runs[-1].face == face:
                runs[-1] = runs[-1]._replace(text=runs[-1].text + part)
            else:
                runs.append(FontRun(part, face, backwards))
        return runs[::-1] if backwards else runs

    def _face_for(self, part: str) -> Face | None:
        for face in self._found:
            if _has(face, part):
                return face
        for face in faces_with(next(filter(_visible, part), part[0])):
            if _has(face, part):
                self._found.append(face)
                return face
        return None


def _direction(part: str) -> str:
    """Return R for a letter written from right to left, L for one the other way, N for a digit, else nothing."""
    kind = unicodedata.bidirectional(part[0])
    return "R" if kind in ("R", "AL") else "L" if kind == "L" else "N" if kind in ("EN", "AN") else ""


def _visible(character: str) -> bool:
    """Whether a character has a glyph of its own; joiners and variation selectors only change that of others."""
    return unicodedata.category(character) not in ("Cf", "Zs") and not 0xFE00 <= ord(character) <= 0xFE0F


@lru_cache(maxsize=4096)
def _has(face: Face, part: str) -> bool:
    """Tell whether a font has a glyph for every character of a part: another than for a character that no font has."""
    from PIL import ImageFont

    try:
        font = _loaded(face, 24.0, ImageFont.Layout.BASIC)
        nothing = _picture(font, NOWHERE)
        return all(_picture(font, character) != nothing for character in part if _visible(character))
    except (OSError, ValueError):
        # Broken, or made of pictures in other sizes.
        return False


def _picture(font: FreeTypeFont, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)


@lru_cache(maxsize=64)
def _font(face: Face, size: float) -> FreeTypeFont:
    return _loaded(face, size, None)


def _loaded(face: Face, size: float, layout: object) -> FreeTypeFont:
    from PIL import ImageFont

    if face is OWN or not face.path:
        own = ImageFont.load_default(size)
        assert isinstance(own, ImageFont.FreeTypeFont)
        return own if layout is None else own.font_variant(layout_engine=layout)  # type: ignore[arg-type]
    return ImageFont.truetype(face.path, size, index=face.number, layout_engine=layout)  # type: ignore[arg-type]


def face_of(text: str) -> str | None:
    """Return the file of one font of this computer that has every character of a text, if there is one."""
    first = next((part for part in clusters(text) if not part.isascii() and _visible(part[0])), None)
    faces = () if first is None else faces_with(first[0])
    plain = (face for face in faces if face.number == 0 and face.path.lower().endswith((".ttf", ".otf")))
    return next((face.path for face in plain if all(_has(face, part) for part in clusters(text))), None)


def faces_with(character: str) -> Iterator[Face]:
    """Yield the fonts of this computer that say they have a character, or, where nobody can say, all that there are."""
    command = shutil.which("fc-list")
    if command is None:
        yield from all_faces()
        return
    asked = [command, "--format", "%{file}\t%{index}\t%{style}\t%{family}\n", f":charset={ord(character):x}"]
    try:
        said = subprocess.run(asked, capture_output=True, timeout=10, check=True).stdout.decode(errors="replace")
    except (OSError, subprocess.SubprocessError):
        yield from all_faces()
        return
    lines = [line.split("\t") for line in said.splitlines() if line.count("\t") == 3]
    for path, index, _, _ in sorted(lines, key=lambda line: (_worth(f"{line[3]} {line[2]}"), *line)):
        if path.lower().endswith(SUFFIXES):
            # The upper half of the number tells a named instance of a variable font.
            yield Face(path, int(index) & 0xFFFF if index.isdigit() else 0)


@lru_cache(maxsize=1)
def all_faces() -> tuple[Face, ...]:
    """Return the fonts in the usual folders, those for running text first."""
    files: list[Path] = []
    for folder in (*FOLDERS, *(str(Path(entry) / "share/fonts") for entry in (sys.prefix,))):
        for path in Path(folder).expanduser().rglob("*"):
            if path.suffix.lower() in SUFFIXES:
                files.append(path)
            if len(files) >= MOST_FILES:
                break
    return tuple(Face(str(path)) for path in sorted(files, key=lambda path: (_worth(path.stem), str(path))))


def _worth(name: str) -> tuple[bool, bool]:
    """Upright text of usual weight without serifs comes first."""
    name = name.lower()
    # Of fonts for several scripts those made for one come last: their Latin is a makeshift.
    special = any(
        word in name
        for word in ("mono", "bold", "italic", "oblique", "light", "black", "thin", "narrow", "condensed", "math")
    )
    return special or "cjk" in name, "sans" not in name
