"""Errors that a user can cause: each is one sentence that names the thing and the way out."""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import CodeType

from seqsum.text import one_line

IN_FORM = "SEQSUM_IN_FORM"
"""The variable of a program with a form of its own: a command that it starts says on standard output what is wrong, in
the form's words, too."""
TELLERS = frozenset({
    "bin", "compare", "completion", "delete", "doctor", "evaluate", "explain", "export", "filter", "fork", "inspect",
    "launch", "man", "name", "note", "pack", "pause", "plugin", "predict", "presets", "prune", "pull", "push", "query",
    "rename", "replicate", "rerun", "restore", "resume", "rewind", "runs", "sample", "set", "show", "snapshot", "star",
    "stop", "sweep", "sync", "tag", "train", "unpack",
})  # fmt: skip
"""Words that messages begin with, which tell a shell's user where one comes from: commands, rooms of the engine, and
what a line of the console is for. There a form stands around the message, and says it."""
OURS = ("seqsum.", "torch.", "builtins")
"""How the modules of classes begin that no plug-in has written."""


class UserError(Exception):
    """Something the user asked for can't be done; the message is for them, as it stands (exit code 2).

    It may quote files and typed text, so control characters in it, line breaks among them, are made visible. Only what
    says several things has several lines.

    in_form: what a form shows of it, where nobody has typed a command: without the word of TELLERS at its beginning, or
    another sentence, where the way out is a flag
    """

    def __init__(self, *lines: str, in_form: str = "") -> None:
        super().__init__("\n".join(map(one_line, lines)))
        self.in_form = one_line(in_form) if in_form else untold(str(self))


def untold(text: str) -> str:
    """Return a message without the words of TELLERS at the beginning of its lines."""
    found = []
    for line in text.split("\n"):
        word, _, rest = line.partition(": ")
        found.append(rest if word in TELLERS and rest else line)
    return "\n".join(found)


class PluginError(UserError):
    """A plug-in does not do what a task or a model has to; `place_of` begins the sentence."""


def place_of(kind: type, name: str = "") -> str:
    """Say where a function of a plug-in's class stands, or the class itself where that has none of its own: `plug-in
    FILE, line N (name)`."""
    whose = next((one for one in kind.__mro__ if name in vars(one)), None)
    if whose is not None and not whose.__module__.startswith(OURS):
        function = inspect.unwrap(getattr(vars(whose)[name], "fget", None) or vars(whose)[name])
        code = getattr(function, "__code__", None)
        if code is not None:
            return f"plug-in {code.co_filename}, line {code.co_firstlineno} ({_named(code)})"
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or kind.__module__
    try:
        line = f", line {inspect.getsourcelines(kind)[1]}"
    except (OSError, TypeError):
        line = ""
    return f"plug-in {file}{line} ({kind.__name__})"


def place_in(code: CodeType, line: int) -> str:
    """Say where in a plug-in's code a line stands."""
    return f"plug-in {code.co_filename}, line {line} ({_named(code)})"


def _named(code: CodeType) -> str:
    return code.co_qualname.rpartition("<locals>.")[2]


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
