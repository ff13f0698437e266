"""Errors that a user can cause: each is one sentence that names the thing and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from seqsum.text import one_line


class UserError(Exception):
    """Something the user asked for can't be done; the message is for them, as it stands (exit code 2).

    It may quote files and typed text, so control characters in it, line breaks among them, are made visible. Only what
    says several things has several lines.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(map(one_line, lines)))


class InputError(UserError):
    """What a person typed can't be read.

    place, end: where the wrong part begins, and the first character after it, counted in characters of the typed text
    from 0; None where no single place is to blame.
    """

    def __init__(self, message: str, place: int | None = None, end: int | None = None) -> None:
        super().__init__(message)
        self.place = place
        self.end = place + 1 if place is not None and end is None else end


class ProcessLost(UserError):
    """Another process of the same run is gone; started again, all go on from the newest checkpoint."""


class ConfigError(UserError):
    """One or more fields of a configuration are wrong.

    `problems` holds every one of them as (path, reason), e.g. ("task.modulus", "must be at most 100, got 200").
    """

    def __init__(self, source: str, problems: list[tuple[str, str]]) -> None:
        self.source = one_line(source)
        self.problems = [(one_line(path), one_line(reason)) for path, reason in problems]
        super().__init__(*(f"{self.source}: {path}: {reason}" for path, reason in self.problems))


@contextmanager
def told_as(words: str, *kinds: type[Exception]) -> Iterator[None]:
    """Turn an OSError inside, or one of these kinds, into a UserError: the words, and the reason."""
    caught: tuple[type[Exception], ...] = (OSError, *kinds)
    try:
        yield
    except caught as error:
        raise UserError(f"{words}: {getattr(error, 'strerror', None) or error}") from None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return `; did you mean "x"?` for the candidate nearest to `word` (in any case), or an empty string."""
    by_lower: dict[str, str] = {}
    for candidate in candidates:
        by_lower.setdefault(candidate.lower(), candidate)
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f'; did you mean "{by_lower[close[0]]}"?' if close else ""
