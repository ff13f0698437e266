"""A series of real numbers: the yearly sunspot numbers, or a column of a CSV file."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqsum.errors import one_line
from seqsum.tasks.tables import read_bytes, read_csv

SUNSPOTS = "sunspots"
KEPT = 4  # files that are kept read; a form makes the task anew at every change
_read: OrderedDict[tuple[str, str | None, int, int], Series] = OrderedDict()


@dataclass(frozen=True)
class Series:
    """name: of the column; values: float64 [n], oldest first"""

    name: str
    values: NDArray[np.float64]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the values."""
        return hashlib.sha256(self.values.tobytes()).hexdigest()


def read_series(file: str | None, column: str | None) -> Series:
    """Read a column of a CSV file (the last one for None); without a file, the sunspot numbers of 1700–2008.

    Raises UserError naming what is wrong and where: the file, the column, or the first cell that is no finite number.
    """
    if file is None:
        data = (files("seqsum.tasks") / "data" / "sunspots.csv").read_bytes()
        return _series(data, "sunspots.csv", column)
    path = Path(file)
    try:
        facts = path.stat()
        key = (file, column, facts.st_mtime_ns, facts.st_size)
    except (OSError, ValueError):
        return _series(read_bytes(file, "task.file"), path.name, column)  # says what is wrong with it
    if key not in _read:
        _read[key] = _series(read_bytes(file, "task.file"), one_line(path.name), column)
        if len(_read) > KEPT:
            _read.popitem(last=False)
    _read.move_to_end(key)
    return _read[key]


def _series(data: bytes, source: str, column: str | None) -> Series:
    table = read_csv(data, source)
    place = table.column(column, "task.column")
    values = np.array(table.numbers(place), dtype=np.float64)
    values.setflags(write=False)
    return Series(table.columns[place], values)
