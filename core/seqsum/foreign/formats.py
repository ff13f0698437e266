"""All kinds of logs, and what of them lies below a path."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from seqsum.errors import UserError
from seqsum.foreign.csv_log import ENDINGS as CSV_ENDINGS
from seqsum.foreign.csv_log import CsvLog, has_steps
from seqsum.foreign.journals import SwanLabLog, WandbLog
from seqsum.foreign.json_lines import ENDINGS as JSON_ENDINGS
from seqsum.foreign.json_lines import JsonLines, is_object
from seqsum.foreign.lines import first_line
from seqsum.foreign.log_format import Folder, LogFormat, Refused, Source
from seqsum.foreign.mlflow import MlflowLog
from seqsum.foreign.tensorboard import TensorBoardLog
from seqsum.text import one_line

FORMATS: tuple[LogFormat, ...] = (TensorBoardLog(), MlflowLog(), WandbLog(), SwanLabLog(), CsvLog(), JsonLines())
ENDINGS = (*CSV_ENDINGS, *JSON_ENDINGS)
DEEPEST = 12
MOST_FOLDERS = 20_000
MOST_NAMES = 20_000
MOST_SOURCES = 5000
LONGEST_SECONDS = 4.0


@dataclass
class Found:
    """logs: each with its kind; problems: a sentence for each thing that is left out; refused: files that are called
    like logs, and folders, that nothing can be read of."""

    logs: list[tuple[LogFormat, Source]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def find(path: Path, seconds: float = LONGEST_SECONDS) -> Found:
    """Return the logs below a folder, or the one that is a file, the newest first. Links to folders are not followed.

    seconds: how long it may take; then what was found counts. Raises UserError where nothing can be read there.
    """
    found, end = Found(), time.monotonic() + seconds
    try:
        folders = list(_asked(path))
    except OSError as error:
        raise UserError(f"watch: can't read {path}: {error.strerror or error}") from None
    for folder in folders or _below(path, found, end):
        for format in FORMATS:
            sources = format.find(folder)
            found.logs += [(format, source) for source in sources]
        found.refused += folder.refused
        if len(found.logs) > MOST_SOURCES or time.monotonic() > end:
            found.problems.append(f"{one_line(str(path))}: there is too much in it; not all of it is looked at")
            break
    if folders and not found.logs and not found.refused and not folders[0].ends(path.name, ENDINGS):
        _refuse_unlike(path, found)
    found.logs = sorted(found.logs[:MOST_SOURCES], key=lambda one: one[1].created, reverse=True)
    return found


def _asked(path: Path) -> Iterator[Folder]:
    """The folder with the one file that was named; nothing for a folder."""
    if not path.is_dir():
        path.stat()
        read_as = "" if path.name.lower().endswith(ENDINGS) else _ending_of(first_line(path, unended=True)[0])
        yield Folder(path.parent, (path.name,), (), asked=True, read_as=read_as)


def _ending_of(line: str) -> str:
    """Return how a file with that first line is usually called; "" where it tells no kind of log."""
    if is_object(line):
        return JSON_ENDINGS[0]
    return CSV_ENDINGS[0] if has_steps(line) else ""


def _refuse_unlike(path: Path, found: Found) -> None:
    line, refused = first_line(path)
    if line:
        refused = Refused(
            path,
            f"its name ends like that of none ({', '.join(ENDINGS)}), and its first line is no JSON object and names "
            "no column of steps",
        )
    if refused is not None:
        found.refused.append(refused)


def _below(path: Path, found: Found, end: float) -> Iterator[Folder]:
    waiting: list[tuple[Path, int]] = [(path, 0)]
    looked = 0
    while waiting:
        folder, depth = waiting.pop()
        looked += 1
        if looked > MOST_FOLDERS or time.monotonic() > end:
            found.problems.append(f"{one_line(str(path))}: it has too many folders; not all are looked at")
            return
        try:
            names, folders = _listed(folder)
        except OSError as error:
            if not depth:
                raise UserError(f"watch: can't read {path}: {error.strerror or error}") from None
            found.refused.append(Refused(folder, error.strerror or str(error), unreadable=True))
            continue
        if len(names) + len(folders) >= MOST_NAMES:
            found.problems.append(f"{one_line(str(folder))}: it holds too much; {MOST_NAMES:,} of it are looked at")
        yield Folder(folder, names, folders)
        if depth < DEEPEST:
            waiting += [(folder / name, depth + 1) for name in reversed(folders) if not name.startswith(".")]
        elif folders:
            found.problems.append(f"{one_line(str(folder))}: what lies deeper than {DEEPEST} folders is not looked at")


def _listed(folder: Path) -> tuple[Sequence[str], Sequence[str]]:
    names: list[str] = []
    folders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in islice(entries, MOST_NAMES):
            (folders if entry.is_dir(follow_symlinks=False) else names).append(entry.name)
    return sorted(names), sorted(folders)
