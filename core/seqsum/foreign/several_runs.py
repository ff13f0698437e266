"""Files of rows that hold several runs, each row with the id of its own: as our export of several runs writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from seqsum.foreign.lines import new_lines
from seqsum.foreign.log_format import Source
from seqsum.text import one_line

RUN_COLUMNS = ("run", "run_id")
NAME_COLUMN = "name"
MOST_RUNS = 1000
"""A column with more than these tells of something else."""

Read = Callable[[Path, Sequence[str], bool], Iterator[tuple[str, str]]]
"""Yields the id and name of each row's run; given the file, lines of it, and whether its first is among them."""


def run_column(names: Sequence[str]) -> str | None:
    """Return which of a row's names says whose it is; None where none does."""
    known = {name.strip().lower(): name for name in reversed(names)}
    return next((known[name] for name in RUN_COLUMNS if name in known), None)


class SeveralRuns:
    """Knows which runs files hold: each line is read once, what a file has grown by the next time."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: dict[Path, tuple[object, dict[str, str]]] = {}

    def sources(self, whole: Source) -> list[Source]:
        """Return a source for each run of a file, or the file's own where it has too many, or no row yet.

        Raises OSError where it can't be read.
        """
        (path,) = whole.files
        position, names = self._known.get(path, (None, {}))
        more = True
        while more and len(names) <= MOST_RUNS:
            new = new_lines(path, position)
            if new.anew:
                names = {}
            for id, name in self._read(path, new.lines, new.row == 0):
                names.setdefault(id, name)
            position, more = new.position, new.more
        self._known[path] = position, names
        if not names or len(names) > MOST_RUNS:
            return [whole] if names else []
        return [
            replace(
                whole,
                path=Path(f"{path}#{one_line(id)}"),
                name=one_line(name),
                place=path.with_suffix("") / one_line(id).replace("/", "-"),
                part=id,
            )
            for id, name in names.items()
        ]
