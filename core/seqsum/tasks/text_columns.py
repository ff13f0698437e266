"""Two columns of text in a file: how a text is read, which rows can be used, and which part each stands in."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

from seqsum.errors import UserError
from seqsum.formatting import count
from seqsum.schema import shown
from seqsum.tasks.number_format import MISSING
from seqsum.tasks.tables import Table, listed, listed_lines
from seqsum.tasks.text_files import REPLACEMENT

Pair = tuple[str, str]
"""A text and its label, or a source and its target; or what the two are called, as in their settings."""
MissingCells = Literal["refuse", "drop"]

HELD_OUT_IN = 5  # one file, or row, in five
WHITE_SPACE = re.compile(r"\s")
INVISIBLE = dict.fromkeys(map(ord, "\N{ZERO WIDTH SPACE}\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}\N{SOFT HYPHEN}"))
NO_VALUE = {word for word in MISSING if any(map(str.isalpha, word))}
"""Words that often stand for no value, and may yet be a text or a label."""


def as_read(text: str, length: int) -> str:
    """A text as a model reads it: composed characters, none that can't be seen, white space as spaces, and cut off."""
    composed = unicodedata.normalize("NFC", text).translate(INVISIBLE)
    return WHITE_SPACE.sub(" ", composed.strip()[:length])


def two_columns(table: Table, columns: Pair, words: Pair) -> tuple[int, int]:
    """Return the places of two columns; raises UserError where one is none, or both are one.

    words: what the two hold; task.WORD_column names each
    """
    first, second = (table.column(column, f"task.{word}_column") for column, word in zip(columns, words, strict=True))
    for place, word in zip((first, second), words, strict=True):
        if first != second and (paths := table.deeper(place)):
            raise UserError(
                f"task.{word}_column: {shown(table.columns[place])} of {table.source} holds no {word} but further "
                f"values; name the one that is the {word}: {listed(paths)}"
            )
    if first == second:
        deeper = table.deeper(first)
        if not table.separator:
            raise UserError(
                f"task.{words[1]}_column: {table.source} has one column only, {shown(table.columns[0])}, and "
                f"{words[0]} and {words[1]} need one each; put both in every row, "
                "separated by a comma, semicolon or tab"
            )
        inside = f", and in it lie {listed(deeper)}" if deeper else ""
        raise UserError(
            f"task.{words[1]}_column: {table.source} has {words[0]} and {words[1]} in one column, {shown(columns[0])}; "
            f"the columns are {listed(table.columns)}{inside}"
        )
    return first, second


def check_whole(table: Table, pairs: Sequence[Pair], places: tuple[int, int], words: Pair) -> None:
    """Raise UserError for a second cell with a character that can't be decoded: it is what a model is to say."""
    torn = next((row for row, (_, said) in enumerate(pairs) if table.wrong and REPLACEMENT in said), None)
    if torn is not None:
        raise UserError(
            f"{table.place(torn, places[1])}: {shown(pairs[torn][1])} is no whole {words[1]}: {table.source}, "
            f"{table.wrong} can't be decoded; put the character right, or save the file as UTF-8"
        )


def without_empty(
    table: Table, pairs: list[Pair], places: tuple[int, int], words: Pair, missing: MissingCells, field: str
) -> tuple[list[Pair], str]:
    """Return the rows in which nothing is empty, and in words which were left out.

    Raises UserError for an empty cell where those are refused, and where no row is left. field: the setting that named
    the file
    """
    empty = [row for row, pair in enumerate(pairs) if not all(cell.strip() for cell in pair)]
    if not empty:
        return pairs, ""
    lines, either = listed_lines([table.places[row] for row in empty]), f"without {words[0]} or {words[1]}"
    if missing == "refuse":
        at = 0 if pairs[empty[0]][1] else 1
        also = f"; {count(len(empty), 'row')} are {either} ({lines})" if len(empty) > 1 else ""
        raise UserError(
            f"{table.place(empty[0], places[at])}: the {words[at]} is empty{also}; fill in what is missing, or set "
            "task.missing to drop"
        )
    absent = set(empty)
    kept = [pair for row, pair in enumerate(pairs) if row not in absent]
    if not kept:
        raise UserError(f"{field}: no row of {table.source} has both a {words[0]} and a {words[1]}")
    return kept, f"{count(len(empty), 'row')} {either} ({lines})"


def like_no_value(pairs: Sequence[Pair], of: str, words: Pair) -> list[str]:
    """Return the note that some cells look as if they stood for no value; none where none does.

    of: what the note begins with
    """
    alike = [[cell.strip() for cell in pair if cell.strip().lower() in NO_VALUE] for pair in pairs]
    rows = sum(map(bool, alike))
    if not rows:
        return []
    names = sorted({shown(cell) for cells in alike for cell in cells})
    return [f"{of}: {count(rows, 'row')} with {listed(names)} as {words[0]} or {words[1]}, read as any other word"]


def fingerprint_of(training: Sequence[Pair], held_out: Sequence[Pair], test: Sequence[Pair]) -> str:
    """Return the SHA-256 of pairs and their split; a test part without pairs counts as none."""
    digest = hashlib.sha256()
    for part in (training, held_out, *([test] if test else [])):
        for pair in part:
            digest.update(repr(pair).encode())
        digest.update(b"\n")
    return digest.hexdigest()


def part_of(text: str, test_share: float) -> str:
    """Return training, validation or test, by the text itself: one that stands in several rows stands in one part."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    if int.from_bytes(digest[8:16]) < test_share * 2**64:
        return "test"
    return "validation" if int.from_bytes(digest[:8]) % HELD_OUT_IN == 0 else "training"
