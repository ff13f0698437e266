"""How the numbers of a column are written: one convention, found in the column and kept for what is typed later."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

from seqsum.formatting import distinct, full

DecimalMark = Literal["auto", "point", "comma"]
"""auto: found in the column."""

MISSING = {
    "", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "+nan", "null", "none", "nil", "missing", "-", "--", "?", ".", "..",
    "...", "\\n",
}  # fmt: skip
_SIGNS = dict(zip("−－﹣–—＋’，．٫٬％٪", "-----+',..,%%", strict=True))
_DIGITS = str.maketrans("023456789", "111111111")
_UNIT = "[%‰$¢£¥\u20a0-\u20c0]"
_NUMBER = re.compile(rf"(?P<sign>[-+]?)(?P<before>{_UNIT}?) ?(?P<body>[0-9.,' eE+-]*[0-9.,]) ?(?P<after>{_UNIT}?)")
_WORDS = {"": "", ",": "commas", ".": "points", " ": "spaces", "'": "apostrophes"}


@dataclass(frozen=True)
class NumberFormat:
    """decimal: the decimal mark, . or ,; grouping: what stands between thousands, or empty; unit: a sign such as % or €
    that stands at the numbers and does not change them, or empty."""

    decimal: str = "."
    grouping: str = ""
    unit: str = ""

    @classmethod
    def restored(cls, plain: Mapping[str, str] | None) -> NumberFormat:
        """From what `plain` gave; None is the plain convention, which all had once."""
        return cls(**(plain or {}))

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    def read(self, text: str) -> float | None:
        """Read a number written so, with or without its unit; None when it is written otherwise."""
        text = evened(text)
        own = {(one.decimal, one.grouping) for one in formats_of(shape_of(text)) if one.unit in ("", self.unit)}
        return self.value(text) if (self.decimal, self.grouping) in own else None

    def value(self, text: str) -> float:
        """The value of an evened text that is known to be written so."""
        if self.unit:
            text = text.replace(self.unit, "")
        if self.grouping:
            text = text.replace(self.grouping, "")
        if self.decimal == ",":
            text = text.replace(",", ".")
        return float(text.replace(" ", ""))

    def words(self, marked: bool = True) -> str:
        """Say the convention: `a decimal comma, points between thousands, in %`.

        marked: whether there is a decimal mark in any number.
        """
        parts = [f"a decimal {'comma' if self.decimal == ',' else 'point'}" if marked else "no decimal mark"]
        parts += [f"{_WORDS[self.grouping]} between thousands"] if self.grouping else []
        parts += [f"in {self.unit}"] if self.unit else []
        return ", ".join(parts)

    def texts(self, values: Sequence[float]) -> list[str]:
        """Write numbers so, without grouping and unit, with as many digits as they need to differ from each other."""
        return [text.replace(".", self.decimal) for text in distinct(values)]


def rounded(text: str, value: float) -> bool:
    """Tell whether a whole number of more than 2^53 lost digits when it was read."""
    if abs(value) < 2**53 or not value.is_integer() or "e" in text.lower():
        return False
    digits, held = "".join(filter(str.isdigit, text)), abs(int(value))
    return len(digits) == len(str(held)) and int(digits) != held


def evened(text: str) -> str:
    """Write a cell with ASCII digits and signs and without white space around it."""
    text = text.strip()
    if text.isascii():
        return text
    return "".join(map(_plain, text))


@lru_cache(maxsize=1024)
def _plain(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return " " if character.isspace() else _SIGNS.get(character, character)


def is_missing(text: str) -> bool:
    """Whether an evened cell says that there is no value."""
    return len(text) <= 7 and text.lower() in MISSING


def shape_of(text: str) -> str:
    """Write every digit of an evened cell as 1, but a zero that it begins with: what tells how it is written."""
    shape = text.translate(_DIGITS)
    first = next((place for place, one in enumerate(text) if one in "0123456789"), -1)
    return f"{shape[:first]}0{shape[first + 1 :]}" if first >= 0 and text[first] == "0" else shape


@lru_cache(maxsize=4096)
def formats_of(shape: str) -> frozenset[NumberFormat]:
    """Return every convention in which a cell of this shape is a number; of those without grouping too."""
    match = _NUMBER.fullmatch(shape)
    if match is None or (match["before"] and match["after"]):
        return frozenset()
    if match["sign"] and match["body"][0] in "+-":
        return frozenset()
    unit = match["before"] or match["after"]
    return frozenset(NumberFormat(*marks, unit) for marks, form in _PATTERNS.items() if form.fullmatch(match["body"]))


def _pattern(decimal: str, grouping: str) -> re.Pattern[str]:
    point, mark = re.escape(decimal), re.escape(grouping)
    # Indian numbers have groups of two before the last: 12,34,567.
    inner = rf"(?:{mark}[01]{{2,3}})*" if grouping == "," else rf"(?:{mark}[01]{{3}})*"
    whole = rf"(?:[01]+|1[01]{{0,2}}{inner}{mark}[01]{{3}})" if grouping else "[01]+"
    return re.compile(rf"[-+]?(?:{whole}(?:{point}[01]*)?|{point}[01]+)(?:[eE][-+]?[01]+)?")


_PATTERNS = {
    (decimal, grouping): _pattern(decimal, grouping)
    for decimal in ".,"
    for grouping in ("", ",", ".", " ", "'")
    if grouping != decimal
}


class Conflict(ValueError):
    """A column's cells can't be read in one convention; `place` is that of a cell that shows it.

    kind: `none` no number; `mixed` written otherwise than the cell at `other`, or than was asked for (-1); `either`
    can be read in two ways; `spaced` can be one number or two
    """

    def __init__(self, kind: Literal["none", "mixed", "either", "spaced"], place: int, other: int = -1) -> None:
        super().__init__(kind)
        self.kind, self.place, self.other = kind, place, other


def decide(shapes: Mapping[str, int], decimal: DecimalMark, separator: str) -> NumberFormat:
    """Return the one convention of a column.

    shapes: each shape that occurs among its cells, with a place where it does; separator: what stands between the
    file's columns, empty when it has one only, so that a space in a cell may well separate two
    Raises Conflict when there is none, or when the cells can be read in two conventions with different values.
    """
    mark = {"point": ".", "comma": ","}.get(decimal)
    possible: frozenset[NumberFormat] | None = None
    for shape, place in shapes.items():
        own = formats_of(shape)
        if not own:
            raise Conflict("none", place)
        own = frozenset(one for one in own if mark in (None, one.decimal))
        narrowed = own if possible is None else possible & own
        if not narrowed:
            against = next(
                (at for text, at in shapes.items() if at < place and not formats_of(text) & own), min(shapes.values())
            )
            raise Conflict("mixed", place, -1 if possible is None else against)
        possible = narrowed
    if not possible:
        return NumberFormat("," if mark == "," else ".")
    marked = {shape: place for shape, place in shapes.items() if re.search("[.,]", shape)}
    if marked and len({one.decimal for one in possible}) == 2:
        # Thousands come with smaller numbers beside them; three decimals everywhere are what printf("%.3f") writes,
        # but semicolons separate columns where the comma is the decimal mark.
        if separator == ";" or len(marked) < len(shapes) or any("," in shape for shape in marked):
            raise Conflict("either", min(marked.values()))
        possible = frozenset(one for one in possible if one.decimal == ".")
    spaced = {shape: place for shape, place in shapes.items() if re.search("[01] [01]", shape)}
    if not separator and spaced and len(spaced) == len(shapes):
        raise Conflict("spaced", min(spaced.values()))
    return min(possible, key=lambda one: (bool(one.grouping), one.decimal == ","))


def unmistakable(value: float) -> str:
    """Write a number with all its digits so that it means the same in every convention."""
    text = full(value)
    # Three decimals might be thousands.
    return f"{text}0" if re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", text) else text
