"""The formats in which a file's answers are written. No torch here: the console reads it."""

from __future__ import annotations

from typing import Literal

Format = Literal["csv", "tsv", "jsonl"]
ENDINGS: dict[str, Format] = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
}  # fmt: skip


def format_of(suffix: str) -> Format | None:
    """Return the format that a file's ending stands for, if any."""
    return ENDINGS.get(suffix.lower())
