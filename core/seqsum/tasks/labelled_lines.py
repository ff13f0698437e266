"""Texts with labels: a CSV or JSON Lines file that the user names, or lines of the standard library's packages."""

from __future__ import annotations

import hashlib
import sysconfig
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from seqsum.errors import UserError, one_line
from seqsum.schema import shown
from seqsum.tasks.tables import Table, decoded, listed, read_bytes, read_csv, read_json_lines

PACKAGES = ("asyncio", "email", "importlib", "multiprocessing", "unittest", "xml")
SHORTEST_LINE = 10  # characters; what is shorter stands in every package
HELD_OUT_IN = 5  # one file, or row, in five
MOST_LABELS = 1_000
KEPT = 2
_read: OrderedDict[tuple[str, str | None, str | None, int, int], LabelledLines] = OrderedDict()


@dataclass(frozen=True)
class LabelledLines:
    """(text, label) pairs, for training and held out; no text stands in both.

    notes: what a person should know of them, one sentence each
    """

    training: list[tuple[str, str]]
    held_out: list[tuple[str, str]]
    notes: list[str]

    @property
    def labels(self) -> list[str]:
        """Every label, sorted."""
        return sorted({label for part in (self.training, self.held_out) for _, label in part})

    @property
    def fingerprint(self) -> str:
        """SHA-256 of texts, labels and split."""
        digest = hashlib.sha256()
        for part in (self.training, self.held_out):
            for pair in part:
                digest.update(repr(pair).encode())
            digest.update(b"\n")
        return digest.hexdigest()


def read_lines(file: str | None, text_column: str | None, label_column: str | None) -> LabelledLines:
    """Read a file, or the standard library without one; raises UserError saying what is wrong and where.

    text_column: None means the column called text, else the first; label_column: None means that called label, else
    the last. Names that end in .jsonl, .ndjson or .json hold one JSON object a line, all others CSV.
    """
    try:
        facts = Path(file).stat() if file is not None else None
    except (OSError, ValueError):
        facts = None  # reading it says what is wrong
    key = (file or "", text_column, label_column, facts.st_mtime_ns if facts else 0, facts.st_size if facts else 0)
    if key not in _read:
        _read[key] = standard_library() if file is None else _from_file(file, text_column, label_column)
        if len(_read) > KEPT:
            _read.popitem(last=False)
    _read.move_to_end(key)
    return _read[key]


def standard_library() -> LabelledLines:
    """Lines of code and the package each comes from, held out by file.

    The files of a package are ordered by their size, and the second of every five is held out. Indentation, blank
    lines, comments and lines under ten characters are left out, and so is from the held-out part every line that stands
    in the training part.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    training: list[tuple[str, str]] = []
    held_out: list[tuple[str, str]] = []
    for package in PACKAGES:
        found = (path.relative_to(folder) for path in (folder / package).rglob("*.py"))
        names = [path.as_posix() for path in found if not {"test", "tests"} & set(path.parts)]
        sources = {name: decoded((folder / name).read_bytes()) for name in names}
        # By size: so the held-out files are small and large in the same measure.
        for place, name in enumerate(sorted(sources, key=lambda name: (len(sources[name]), name))):
            part = held_out if place % HELD_OUT_IN == 1 else training
            lines = (line.strip() for line in sources[name].splitlines())
            part += [(line, package) for line in lines if len(line) >= SHORTEST_LINE and not line.startswith("#")]
    if not training or not held_out:
        raise UserError("task.file: the standard library's sources are not installed here; name a CSV or JSONL file")
    return _made(training, held_out, f"lines of the standard library's packages {listed(PACKAGES)}", "files")


def _from_file(file: str, text_column: str | None, label_column: str | None) -> LabelledLines:
    name = one_line(Path(file).name)
    data = read_bytes(file, "task.file")
    json_lines = Path(file).suffix.lower() in (".jsonl", ".ndjson", ".json")
    table = read_json_lines(data, name) if json_lines else read_csv(data, name)
    text_column = text_column or ("text" if "text" in table.columns else table.columns[0])
    label_column = label_column or ("label" if "label" in table.columns else table.columns[-1])
    pairs = _pairs(table, text_column, label_column)
    training = [pair for pair in pairs if not _is_held_out(pair[0])]
    held_out = [pair for pair in pairs if _is_held_out(pair[0])]
    lines = _made(training, held_out, name, "texts")
    count = len(lines.labels)
    if count < 2:
        raise UserError(
            f"task.label_column: every row of {name} has the label {shown(lines.labels[0])}; classification needs two "
            "different labels"
        )
    if count > MOST_LABELS:
        raise UserError(
            f"task.label_column: column {shown(label_column)} of {name} has {count:,} different labels, more than "
            f"{MOST_LABELS:,}; name the column that holds the class"
        )
    if not training or not held_out:
        raise UserError(
            f"task.file: {name} has {len(pairs):,} rows, all of them in one part when every fifth text is held out; "
            "give more rows"
        )
    return lines


def _pairs(table: Table, text_column: str, label_column: str) -> list[tuple[str, str]]:
    texts = table.column(text_column, "task.text_column")
    labels = table.column(label_column, "task.label_column")
    if texts == labels:
        raise UserError(
            f"task.label_column: {table.source} has text and label in one column, {shown(text_column)}; the columns "
            f"are {listed(table.columns)}"
        )
    pairs: list[tuple[str, str]] = []
    for (text, _), (label, place) in zip(table.cells(texts), table.cells(labels), strict=True):
        if not label.strip():
            raise UserError(f"{place}: the label is empty; fill it in, or take the row out")
        pairs.append((text, label.strip()))
    return pairs


def _is_held_out(text: str) -> bool:
    """By the text itself: a text that stands in several rows stands in one part only."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8]) % HELD_OUT_IN == 0


def _made(training: list[tuple[str, str]], held_out: list[tuple[str, str]], source: str, by: str) -> LabelledLines:
    seen = {text for text, _ in training}
    fresh = [pair for pair in held_out if pair[0] not in seen]
    notes = [f"texts: {source}; {len(training):,} for training and {len(fresh):,} held out, by {by}"]
    return LabelledLines(training, fresh, notes)
