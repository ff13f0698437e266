"""How the command line writes: JSON Lines, or plain text that is safe to print."""

from __future__ import annotations

import codecs
import io
import json
import sys
import unicodedata
from argparse import Namespace
from collections.abc import Container, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from seqsum.formatting import duration, finite, metric, speed
from seqsum.text import one_line, printable

if TYPE_CHECKING:
    from seqsum.runs import Run, Summary


# What a terminal without UTF-8 shows in place of our own signs; any other character it lacks is a question mark.
PLAIN_SIGNS = {
    "–": "-", "—": "-", "−": "-", "…": "...", "→": "->", "←": "<-", "×": "x", "·": ".", "✓": "ok", "✗": "x", "∞": "inf",
    "≥": ">=", "≤": "<=", "≠": "!=", "±": "+-", "Δ": "diff", "∂": "d", "‖": "|", "█": "#", "━": "=", "╸": "=", "╺": "-",
    "╌": "-", "●": "o", "○": "o", "■": "#", "□": "#", "▲": "^", "△": "^", "▼": "v", "▽": "v", "◆": "*", "◇": "*",
    "★": "*", "✚": "+", "†": "+", "’": "'", "‘": "'", "“": '"', "”": '"', "µ": "u", "²": "2", "³": "3",
}  # fmt: skip


SUMMARY = (
    "name", "preset", "status", "step", "durable_step", "steps", "pid", "created", "reason", "train_seconds",
    "steps_per_second", "group", "tags", "note", "starred", "owner", "host", "size", "measure", "metrics", "problems",
)  # fmt: skip
WIDE, LONGEST_CELL = 48, 250
"""Cells of the widest column of a table; characters of what stands in one: no name that we give is cut."""


def use_plain_signs() -> None:
    """Let standard output and error write plain signs where their encoding lacks ours, never an escape."""
    codecs.register_error("plain_signs", _in_plain_signs)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain_signs")


def _in_plain_signs(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_plain_sign(character) for character in lacking), error.end


def _plain_sign(character: str) -> str:
    found = PLAIN_SIGNS.get(character)
    if found is None:
        # Letters lose their marks: é is e.
        found = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    # As many as it takes cells, so that columns stand.
    return found or "?" * cell_len(character)


def _written(text: str) -> str:
    """Return a text in the signs that standard output has for it: some are wider than ours."""
    out = sys.stdout
    if not isinstance(out, io.TextIOWrapper) or out.errors != "plain_signs":
        return text
    return text.encode(out.encoding, out.errors).decode(out.encoding)


def say(text: str) -> None:
    """Print text literally: escape sequences in names or logs are made visible."""
    print(printable(text), flush=True)


def complain(text: object) -> None:
    """Print on standard error, as literally."""
    print(printable(str(text)), file=sys.stderr, flush=True)


def write_out(content: str) -> None:
    """Write what is made for programs (CSV, JSON, Markdown): to a terminal literally, to anything else to the byte."""
    if sys.stdout.isatty() or not isinstance(sys.stdout, io.TextIOWrapper):
        print(printable(content), end="", flush=True)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def columns(
    rows: Sequence[Sequence[str]], right: Container[int] = (), gap: str = "  ", indent: str = ""
) -> Iterator[str]:
    """Return a line for each row, with columns below each other by the cells that a terminal gives them.

    right: the places of columns that end, rather than begin, at the same cell.
    """
    table = [[_written(_cut(one_line(cell))) for cell in row] for row in rows]
    # What is longer pushes its own line aside, not all others.
    widths = [
        max((cells for cells in map(cell_len, column) if cells <= WIDE), default=0)
        for column in zip(*table, strict=True)
    ]
    for row in table:
        cells = [
            padded(cell, width, right=at in right) for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield indent + gap.join(cells).rstrip()


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"


def say_columns(rows: Sequence[Sequence[str]]) -> None:
    """Print rows with their columns below each other."""
    for line in columns(rows):
        say(line)


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` with spaces to at least `width` cells of a terminal: wide characters take two, marks none."""
    text = _written(text)
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def say_json(value: dict[str, Any]) -> None:
    """Print one JSON line; NaN and infinity, which JSON lacks, become null."""
    print(json.dumps(finite(value), allow_nan=False), flush=True)


def tell(options: Namespace, run: Run, said: str, /, **facts: Any) -> int:
    """Say what came of a command on a run, `said` to people and the facts to programs; return the exit status.

    A `name` among the facts is what the run is called, where it can't be asked.
    """
    if options.json:
        say_json({"run": run.id, **facts})
    else:
        say(f"{one_line(facts.get('name') or run.name)} ({run.id}): {said}")
    return 0


def summary_plain(summary: Summary) -> dict[str, Any]:
    """A run's summary as JSON-ready values."""
    # The console writes with this module before it has loaded the engine.
    from seqsum.runs.measure import MEASURE

    facts = {name: getattr(summary, name) for name in SUMMARY}
    place = asdict(summary.place) if summary.place else None
    return {
        "run": summary.id,
        **facts,
        "verdict": verdict_plain(summary),
        "measure": summary.measure or ("" if summary.script else MEASURE),
        "place": place,
    }


def verdict_plain(summary: Summary) -> dict[str, Any] | None:
    """How a run went, as JSON-ready values: word, sentence and step."""
    return asdict(summary.verdict) if summary.verdict else None


def progress(summary: Summary) -> str:
    """Steps made of those there are to be, `?` where nobody knows how many."""
    step = f"{summary.step:,}" if summary.step_known else "?"
    return f"{step}/{f'{summary.steps:,}' if summary.steps else '?'}"


def troubles(summary: Summary) -> list[str]:
    """What can't be read of a run, a line each."""
    reason = (summary.reason,) if summary.status == "unreadable" and summary.reason else ()
    return list(dict.fromkeys(one_line(text) for text in (*reason, *summary.problems)))


def reached(summary: Summary) -> list[str]:
    """The last loss and the last result of a run, each with its name, and the result with its step if that is past."""
    name = summary.named("loss")
    loss = [f"{one_line(name)} {metric('loss', summary.metrics[name])}"] if name in summary.metrics else []
    result = summary.result
    return loss + ([f"{one_line(summary.named(result))} {measured(summary, summary.named(result))}"] if result else [])


def measured(summary: Summary, name: str) -> str:
    """The last value of a metric, with its step where the run is further."""
    step = summary.behind.get(name)
    return metric(name, summary.metrics.get(name)) + (f" at step {step:,}" if step is not None else "")


def run_line(summary: Summary) -> str:
    """One line about where a run stands."""
    parts = [f"step {progress(summary)}", *reached(summary)]
    if summary.steps_per_second:
        parts.append(speed(summary.steps_per_second, "steps"))
    if summary.seconds_left is not None:
        parts.append(f"{duration(summary.seconds_left)} left")
    return "  ".join(parts)
