"""What is read from files, and from one line: questions, a series, a filter of wrong answers; and what asks for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from seqsum.errors import UserError
from seqsum.formatting import enumerated
from seqsum.tasks.number_format import unmistakable
from seqsum.tasks.series import SeriesSource, read_series
from seqsum.tasks.series_codec import MISSING
from seqsum.tasks.text_files import decode
from seqsum_tui.dialogs.text_input import LineScreen
from seqsum_tui.shared import display

MOST_QUESTIONS = 5_000
MOST_CHARACTERS = 4_000_000
MOST_BYTES = 4 * (MOST_CHARACTERS + 1)  # none takes more than four
MOST_VALUES = 1_000
BESIDE = ("input_columns", "known_columns")
"""The settings of a task that name further columns."""


@dataclass(frozen=True)
class Questions:
    """file: its name without its folder"""

    file: str
    lines: tuple[str, ...]


def questions_of(name: str) -> Questions:
    """Return the questions of a file, one a line; raises UserError when it can't be read or has none."""
    shown = display.literal(name)
    try:
        path = Path(name).expanduser()
        if path.exists() and not path.is_file():
            raise UserError(f'file: "{shown}" is not a file; type the path of a text file')
        with path.open("rb") as file:
            data = file.read(MOST_BYTES)
        decoded = decode(data, len(data) < MOST_BYTES)
        if wrong := decoded.zeros or (decoded.replaced and decoded.wrong(setting="")):
            raise UserError(f'file: can\'t read "{shown}" as text: {wrong}')
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a text"
        raise UserError(f'file: can\'t read "{shown}": {reason}; type the path of a text file') from None
    found = tuple(line for line in decoded.text.split("\n") if line.strip())
    if not found:
        raise UserError(f'file: "{shown}" has no questions; put one on each line')
    if len(found) > MOST_QUESTIONS or len(decoded.text) > MOST_CHARACTERS:
        raise UserError(f'file: "{shown}" is too long; give at most {MOST_QUESTIONS:,} lines')
    return Questions(path.name, found)


def series_of(line: str, task: Mapping[str, Any]) -> str:
    """Return a series as one would type it, from `FILE.csv` (its last column) or `FILE.csv COLUMN`: the newest values.

    task: the run's settings. Where it reads further columns they are read of the file, too, and its own column is the
    one where none is named. Raises UserError when there is no such file or column, or a cell is no number.
    """
    if not line:
        raise UserError("file: type the path of a CSV file, and behind it the name of a column if it has several")
    path, column = Path(line).expanduser(), None
    if not path.exists() and " " in line:
        first, _, column = line.rpartition(" ")
        path = Path(first).expanduser()
    inputs, known = (tuple(task.get(name) or ()) for name in BESIDE)
    if inputs or known:
        column = column or task.get("column")
    try:
        found = read_series(SeriesSource(str(path.absolute()), column, inputs=inputs, known=known))
    except UserError as error:
        # The setting of a task is what usually names the file.
        raise UserError(str(error).replace("task.file", "file").replace("task.column", "column")) from None
    values = [unmistakable(value) for value in found.values[-MOST_VALUES:].tolist()]
    if not (inputs or known):
        return "; ".join(values)
    begin, end = max(len(found.values) - MOST_VALUES, 0), len(found.values)
    columns = [values, *([unmistakable(value) for value in one.values[begin:end].tolist()] for one in found.inputs)]
    columns = [[*column, *[MISSING] * found.ahead] for column in columns]
    columns += [
        [unmistakable(value) for value in one.values[begin : end + found.ahead].tolist()] for one in found.known
    ]
    return " ".join(";".join(cells) for cells in zip(*columns, strict=True))


FILTER = re.compile(r"(truth|answer|length)\s*=\s*(.*?)\s*(?=\b(?:truth|answer|length)\s*=|$)")


def filter_of(line: str) -> dict[str, Any]:
    """Return the fields of a request for mistakes from e.g. `truth=8 answer=3 length=5`; nothing typed keeps all."""
    rest = FILTER.sub("", line).strip()
    if rest:
        raise UserError(f'filter: "{display.literal(rest)}" is not understood; type e.g. truth=8 answer=3 length=5')
    found: dict[str, Any] = {}
    for name, value in FILTER.findall(line):
        if not value:
            raise UserError(f"filter: {name}= needs a value, e.g. {name}=5")
        if name == "length" and not re.fullmatch(r"[1-9]\d{0,8}", value):
            raise UserError(f'filter: length must be a number of steps, got "{display.literal(value)}"')
        found["prediction" if name == "answer" else name] = int(value) if name == "length" else value
    return found


def filter_words(fields: dict[str, Any]) -> str:
    """Write a filter as one would type it."""
    names = {"truth": "truth", "prediction": "answer", "length": "length"}
    return " ".join(f"{name}={fields[field]}" for field, name in names.items() if field in fields)


def questions_dialog(example: str) -> LineScreen[Questions]:
    """Ask for a file with questions. example: what one looks like."""
    hint = f"A text file with a question on each line: {example}"
    return LineScreen("Ask every line of a file", questions_of, hint, placeholder="questions.txt")


def series_dialog(task: Mapping[str, Any]) -> LineScreen[str]:
    """Ask for a series in a file. task: the run's settings."""
    beside = [display.literal(str(name)) for names in BESIDE for name in task.get(names) or ()]
    hint = "A CSV file, and behind it the name of a column: the last one, where none is named."
    if beside:
        hint = (
            "A CSV file, and behind it the name of a column: "
            f"{display.literal(str(task.get('column') or 'the last one'))}, where none is named. "
            f"{enumerated(beside, 'and')} {'is' if len(beside) == 1 else 'are'} read beside it."
        )
    return LineScreen("A series from a file", partial(series_of, task=task), hint, placeholder="series.csv sales")


def mistakes_dialog(only: dict[str, Any]) -> LineScreen[dict[str, Any]]:
    """Ask which of the wrong answers are to be listed. only: which are."""
    hint = "Only wrong answers of this truth, this answer, this length; nothing lists all."
    example = "truth=8 answer=3 length=5"
    return LineScreen("Which mistakes", filter_of, hint, value=filter_words(only), placeholder=example, done="lists")
