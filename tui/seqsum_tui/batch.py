"""Questions from a file, one a line."""

from __future__ import annotations

from pathlib import Path

from seqsum.errors import UserError
from seqsum_tui import words

MOST_QUESTIONS = 5_000
MOST_CHARACTERS = 4_000_000


def questions_of(name: str) -> list[str]:
    """Return the questions of a file; raises UserError when it can't be read or has none."""
    shown = words.literal(name)
    try:
        with Path(name).expanduser().open(encoding="utf-8") as file:
            text = file.read(MOST_CHARACTERS + 1)
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a text"
        raise UserError(f'file: can\'t read "{shown}": {reason}; type the path of a text file') from None
    found = [line for line in text.splitlines() if line.strip()]
    if not found:
        raise UserError(f'file: "{shown}" has no questions; put one on each line')
    if len(found) > MOST_QUESTIONS or len(text) > MOST_CHARACTERS:
        raise UserError(f'file: "{shown}" is too long; give at most {MOST_QUESTIONS:,} lines')
    return found
