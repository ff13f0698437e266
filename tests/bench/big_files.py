"""`python -m tests.bench.big_files [ROWS [CASE …]]`: what `predict --file` and `evaluate --file` take for so many rows,
and for a tenth of them: seconds, rows a second, and the most memory that the process held.

Cases: `sums` (a question of the preset baseline on each line), `text` (a classifier's CSV), `jsonl` (the same as JSON
Lines), `series` (a forecaster's CSV), `pairs` (a spelling that is written token by token).
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))
from seqsum.runs import Run
from support.trained import preset_run
from tests.bench.machine import line

WORDS = tuple(
    "good bad fine poor great dull rich thin warm cold film plot cast tale the a was is very quite".split()  # noqa: SIM905
)
CHUNK = 10_000
HELD = re.compile(r"VmHWM:\s+([0-9]+) kB")


@dataclass(frozen=True)
class Case:
    """train: makes the run, with its data in a folder; rows: cells of each, without end; columns: their names, none of
    plain lines; ending: of the file; commands: what it is asked by"""

    train: Callable[[Path], Run]
    rows: Callable[[], Iterator[list[str]]]
    columns: tuple[str, ...]
    ending: str
    commands: tuple[str, ...] = ("predict", "evaluate")


def sums() -> Iterator[list[str]]:
    draw = np.random.default_rng(0)
    while True:
        for row in draw.integers(0, 10, size=(CHUNK, 7)):
            yield [" ".join(map(str, row.tolist()))]


def texts() -> Iterator[list[str]]:
    draw, at = np.random.default_rng(0), 0
    while True:
        for row in draw.integers(0, len(WORDS), size=(CHUNK, 8)):
            at += 1
            yield [str(at), " ".join(WORDS[word] for word in row), "new" if row[0] % 2 else "old"]


def values() -> Iterator[list[str]]:
    draw, at = np.random.default_rng(0), 0
    while True:
        for value in draw.normal(50, 9, size=CHUNK):
            at += 1
            yield [str(at), f"{value:.3f}"]


def spellings() -> Iterator[list[str]]:
    for _, text, _ in texts():
        word = text.replace(" ", "")[:8]
        yield [word, word[::-1]]


def table(path: Path, columns: tuple[str, ...], rows: Iterator[list[str]]) -> str:
    """Write rows as the file's ending says; return its path."""
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".jsonl":
            file.writelines(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows)
        else:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([columns] if columns else [])
            writer.writerows(rows)
    return str(path)


def classifier(folder: Path) -> Run:
    file = table(folder / "learned.csv", CASES["text"].columns, islice(texts(), 1000))
    return preset_run(folder / "runs", "text_classification", task__file=file, task__text_column="review",
                      task__label_column="label")  # fmt: skip


def forecaster(folder: Path) -> Run:
    file = table(folder / "past.csv", CASES["series"].columns, islice(values(), 1000))
    return preset_run(folder / "runs", "sunspots_gru", task__file=file, task__column="sales")


def speller(folder: Path) -> Run:
    file = table(folder / "spelled.csv", CASES["pairs"].columns, islice(spellings(), 1000))
    return preset_run(folder / "runs", "pairs", task__file=file)


CASES = {
    "sums": Case(lambda folder: preset_run(folder / "runs", "baseline"), sums, (), ".txt", ("predict",)),
    "text": Case(classifier, texts, ("id", "review", "label"), ".csv"),
    "jsonl": Case(classifier, texts, ("id", "review", "label"), ".jsonl"),
    "series": Case(forecaster, values, ("day", "sales"), ".csv"),
    "pairs": Case(speller, spellings, ("source", "target"), ".csv"),
}


def asked(command: str, run: Run, file: str, output: Path | None) -> tuple[float, float]:
    """Return the seconds and the most MB that a process took."""
    named = [] if output is None else ["--output", str(output)]
    words = [sys.executable, "-P", "-m", "seqsum.cli", command, run.id, "--file", file, *named]
    words += ["--workspace", str(run.folder.parent)]
    began, most = time.perf_counter(), 0
    quiet = subprocess.DEVNULL
    # The system's own count of a child begins with its parent's memory.
    with subprocess.Popen(words, stdout=quiet, stderr=quiet) as process:
        while process.poll() is None:
            found = HELD.search(Path(f"/proc/{process.pid}/status").read_text(encoding="ascii"))
            most = max(most, int(found[1]) if found else 0)
            time.sleep(0.05)
    # Of a series the first rows have no answer, which is 2.
    if process.returncode not in (0, 2 if output is not None and output.exists() else 0):
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
    return time.perf_counter() - began, most / 1024


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print(line())
    print(f"{'':18}{'rows':>12}{'seconds':>10}{'rows/s':>10}{'MB':>8}")
    for name in sys.argv[2:] or CASES:
        case = CASES[name]
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            run = case.train(folder)
            for many in (rows // 10, rows):
                file = table(folder / f"asked{case.ending}", case.columns, islice(case.rows(), many))
                for command in case.commands:
                    output = folder / f"out-{many}.csv" if command == "predict" else None
                    seconds, memory = asked(command, run, file, output)
                    print(
                        f"{name + ' ' + command:18}{many:12,}{seconds:10.1f}{many / seconds:10,.0f}{memory:8,.0f}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
