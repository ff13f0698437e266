"""A series that a person types, read as the data's column is."""

from __future__ import annotations

import math
import re

from seqsum.errors import InputError
from seqsum.schema import shown
from seqsum.tasks.number_format import NumberFormat, evened, formats_of, rounded, shape_of


def read_typed(text: str, form: NumberFormat, hint: str) -> list[float]:
    """Read numbers in a column's convention, separated by white space or semicolons, and by commas where these are no
    mark of the convention; a comma before a space always separates.

    A number with a decimal point is read in every convention unless it can be another number in this one. Raises
    InputError with the place of what is no number, or can be read in two ways.
    """
    places = enumerate(_places(text, form, hint), start=1)
    return [read_number(text[start:end], form, f"value {number}", hint, start) for number, (start, end) in places]


def read_number(word: str, form: NumberFormat, what: str, hint: str, start: int) -> float:
    """Read one number as `read_typed` does. what: what it is, for messages; start: where it stands in what was typed"""
    end, value = start + len(word), form.read(word)
    if value is None:
        readings = {one.value(evened(word)) for one in formats_of(shape_of(evened(word))) if not one.unit}
        if len(readings) == 1 and "," not in word:
            (value,) = readings
        elif len(readings) > 1:
            raise InputError(
                f"input: {what}, {shown(word)}, can be read in two ways; the numbers have {form.words()}: type {hint}",
                start,
                end,
            )
    if value is None and (pointed := _pointed(word, form)):
        raise InputError(
            f"input: {what} is {shown(word)}, and the numbers have {form.words()}; if its comma is a decimal one, type "
            f"{pointed}",
            start,
            end,
        )
    if value is None or not math.isfinite(value):
        raise InputError(f"input: {what} is {shown(word)}; type {hint}", start, end)
    if rounded(evened(word), value):
        raise InputError(
            f"input: {what}, {shown(word)}, has more digits than are computed with: it would be {int(value)}",
            start,
            end,
        )
    return value


def _pointed(word: str, form: NumberFormat) -> str:
    """Write a number that has a decimal comma with a point; empty where it has none, or the convention has one, too."""
    even = evened(word)
    commas = form.decimal == "." and any(one.decimal == "," and not one.grouping for one in formats_of(shape_of(even)))
    return even.replace(",", ".") if commas and "," in even else ""


def _places(text: str, form: NumberFormat, hint: str) -> list[tuple[int, int]]:
    """Where each number begins and ends."""
    text = text.replace(form.unit, " ") if form.unit else text
    if form.grouping == " ":
        if re.search("[;\n\t]", text):
            return _spans(r"[^;\s](?:[^;\n\t]*[^;\s])?", text)
        text = re.sub(
            r"(?<=\d)[^\S \n\t](?=\d{3}(?!\d))", "_", text
        )  # a space that keeps lines whole separates nothing
        doubt = re.search(r"(?<!\S)[-+−]?\d{1,3} \d{3}(?!\d)", text)
        if doubt:
            raise InputError(
                f"input: {shown(doubt[0])} can be one number or two, as the numbers have {form.words()}; put "
                "semicolons between numbers",
                *doubt.span(),
            )
    if "," in (form.decimal, form.grouping):
        return _spans(r"[^\s;]*[^\s;,]", text)
    tight = re.search(r"(?<=[^\s,;]),(?=[^\s,;])", text)
    if tight and (text.count(",") == 1 or re.search(r"[^\s,;][\s;]+[^\s,;]", text)):
        start, end = next(span for span in _spans(r"[^\s;]+", text) if span[0] < tight.start() < span[1])
        pointed = _pointed(text[start:end], form)
        one = f" {pointed} if it is one, else" if pointed else ""
        raise InputError(
            f"input: {shown(text[start:end])} can be one number or several; the numbers have {form.words()}, so type"
            f"{one} {hint}",
            start,
            end,
        )
    return _spans(r"[^\s,;]+", text)


def _spans(pattern: str, text: str) -> list[tuple[int, int]]:
    return [found.span() for found in re.finditer(pattern, text)]
