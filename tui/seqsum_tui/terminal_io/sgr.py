"""Styles as a terminal knows them: what a sequence makes of one, and the shortest that makes another of it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "6": "25", "7": "27", "8": "28", "9": "29",
       "21": "24", "53": "55"}  # fmt: skip
SEEN_ON_BLANKS = frozenset({"4", "7", "9", "21", "53"})


class Ink(NamedTuple):
    """A style as the terminal knows it: attributes by their SGR numbers, colours by their SGR parameters."""

    attributes: frozenset[str] = frozenset()
    fore: str = ""
    back: str = ""


PLAIN = Ink()


@lru_cache(1024)
def of_blank(ink: Ink) -> Ink:
    """Return what can be seen of a style on a blank."""
    attributes = ink.attributes & SEEN_ON_BLANKS
    return Ink(attributes, ink.fore if attributes else "", ink.back)


@lru_cache(4096)
def styled(ink: Ink, parameters: str) -> Ink:
    """Return the style after `ESC [ parameters m`."""
    attributes, fore, back = set(ink.attributes), ink.fore, ink.back
    codes = parameters.split(";") if parameters else ["0"]
    place = 0
    while place < len(codes):
        code = codes[place] or "0"
        taken = 1
        if code == "0":
            attributes, fore, back = set(), "", ""
        elif code in ("38", "48"):
            taken = 5 if codes[place + 1 : place + 2] == ["2"] else 3
            colour = ";".join(codes[place : place + taken])
            fore, back = (colour, back) if code == "38" else (fore, colour)
        elif code in ("39", "49"):
            fore, back = ("", back) if code == "39" else (fore, "")
        elif code.isdecimal() and (30 <= int(code) <= 37 or 90 <= int(code) <= 97):
            fore = code
        elif code.isdecimal() and (40 <= int(code) <= 47 or 100 <= int(code) <= 107):
            back = code
        elif code in OFF.values():
            attributes = {known for known in attributes if OFF.get(known) != code}
        else:
            attributes.add(code)
        place += taken
    return Ink(frozenset(attributes), fore, back)


@lru_cache(4096)
def change(before: Ink | None, after: Ink) -> str:
    """Return the shortest sequence that makes one style of another."""
    whole = ["0", *sorted(after.attributes), *filter(None, (after.fore, after.back))]
    if before is None:
        return f"\x1b[{';'.join(whole)}m"
    off = {OFF.get(code, "0") for code in before.attributes - after.attributes}
    kept = {code for code in after.attributes & before.attributes if OFF.get(code) not in off}
    codes = [*sorted(off), *sorted(after.attributes - kept)]
    if after.fore != before.fore:
        codes.append(after.fore or "39")
    if after.back != before.back:
        codes.append(after.back or "49")
    if "0" in off or len(";".join(whole)) < len(";".join(codes)):
        codes = whole
    text = ";".join(codes)
    return f"\x1b[{'' if text == '0' else text}m"
