"""The argparse parser of a command: its errors are one sentence, and its hints come from what it knows itself."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn

from seqsum.errors import UserError
from seqsum.text import one_line

NEAR = 0.54
MOST_HINTS = 3
TEXTS = ("INPUT", "PROMPT", "NAME", "TEXT")
"""Arguments that have spaces in them."""
STEPS = ("--step", "--checkpoint")
"""Flags that name the step of a checkpoint."""


class Parser(argparse.ArgumentParser):
    """A parser whose texts are literal: `%` in a help text needs no escape.

    A `lenient` one misses no argument that was left out: it reads a line that asks for help.
    """

    def __init__(self, prog: str, words: str, *, lenient: bool = False) -> None:
        super().__init__(prog=prog, add_help=False, allow_abbrev=False)
        self.words = words
        self.lenient = lenient
        self._given: Sequence[str] = ()
        self.field_paths: tuple[str, ...] = ()
        """The settings that are flags here, as section.field."""

    def add_argument(self, *names: str, **facts: Any) -> argparse.Action:
        # argparse expands help texts with %; those here come from schemas, presets and plug-ins, too.
        if isinstance(facts.get("help"), str):
            facts["help"] = facts["help"].replace("%", "%%")
        if self.lenient:
            if facts.get("nargs", "?") != "?":
                facts["nargs"] = "*"
            elif not names[0].startswith("-"):
                facts["nargs"] = "?"
            facts.pop("required", None)
        return super().add_argument(*names, **facts)

    @property
    def actions(self) -> tuple[argparse.Action, ...]:
        """Everything that can be typed, in the order in which it was added."""
        return tuple(self._actions)

    @property
    def flags(self) -> list[str]:
        """Every flag that this command knows."""
        return [flag for action in self.actions for flag in action.option_strings]

    def read(self, arguments: Sequence[str], namespace: argparse.Namespace) -> argparse.Namespace:
        """Read the arguments into the namespace; raise UserError for what can't be read."""
        given = self._given = _with_negative_numbers(arguments)
        unknown = None if self.lenient else self._unknown_flag(given)
        rest: list[str] = []
        if unknown is None:
            if not self.lenient:
                self._check_once(given, namespace)
            before = argparse.Namespace(**vars(namespace))
            namespace, rest = self.parse_known_args(given, namespace)
            if rest and (in_order := self._flags_first(given)) != given:
                # argparse gives an argument that may be left out none of the words behind a flag.
                namespace, rest = self.parse_known_args(in_order, before)
        if self.lenient or not (unknown or rest):
            return namespace
        unknown = unknown or rest[0]
        what = "option" if unknown.startswith("-") else "further argument"
        way_out = nearest(unknown, self.flags) if what == "option" else self._as_meant(namespace, rest)
        raise UserError(f'{self.speaker}: no {what} "{one_line(unknown)}"{way_out or f"; see {self.prog} --help"}')

    def _flags_first(self, arguments: list[str]) -> list[str]:
        """The same line with its flags before its other words; as it is, where a flag has not one value or none."""
        kinds = {flag: one.nargs for one in self.actions for flag in one.option_strings}
        flags, words, left = [], [], iter(arguments)
        for argument in left:
            flag, equals, _ = argument.partition("=")
            if argument == "--":
                words += [argument, *left]
            elif flag not in kinds:
                words.append(argument)
            elif kinds[flag] in (None, 0):
                value = [next(left, "-")] if kinds[flag] is None and not equals else []
                if value and value[0].startswith("-"):
                    return arguments
                flags += [argument, *value]
            else:
                return arguments
        return flags + words

    def _as_meant(self, namespace: argparse.Namespace, rest: Sequence[str]) -> str:
        """How a text of several words is written, where the command takes one; else how a step is named."""
        steps = [flag for flag in STEPS if flag in self.flags]
        texts = [one.dest for one in self.actions if one.metavar in TEXTS and not one.option_strings]
        if not texts:
            return f"; did you mean {steps[0]} {rest[0]}?" if steps and rest[0].isdecimal() else ""
        words = [str(getattr(namespace, texts[0])), *(word for word in rest if not word.startswith("-"))]
        return f'; put all of it between quotation marks: "{one_line(" ".join(words))}"'

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{self.speaker}: {self._in_a_sentence(message)}")

    @property
    def speaker(self) -> str:
        """What messages begin with: the command, as in those of the engine."""
        return self.prog.removeprefix("seqsum ")

    def _check_once(self, arguments: Sequence[str], before: argparse.Namespace) -> None:
        """Raise UserError for a flag with two values: the last would silently take the place of the first."""
        with_value = {flag: one for one in self.actions if one.nargs is None for flag in one.option_strings}
        given = {flag: getattr(before, one.dest, None) for flag, one in with_value.items()}
        words = iter([*takewhile(lambda argument: argument != "--", arguments)])
        for argument in words:
            flag, equals, value = argument.partition("=")
            if flag not in with_value:
                continue
            value = value if equals else next(words, "")
            if not value and with_value[flag].type is Path:
                # Of a variable that is not set, for one: it would be the folder where one stands.
                self.error(f"{flag} needs a value")
            if given[flag] is not None:
                self.error(f'{flag} is given twice, "{given[flag]}" and "{value}"; leave one of them out')
            given[flag] = value

    def _unknown_flag(self, arguments: Sequence[str]) -> str | None:
        """The first flag that is none. Told before anything else: what it swallowed seems to be missing."""
        for argument in takewhile(lambda argument: argument != "--", arguments):
            flag, equals, value = argument.partition("=")
            if not flag.startswith("--") or any(sign.isspace() for sign in flag):
                continue
            if flag not in self.flags:
                return flag
            if equals and value == "--":
                # Some versions of argparse take this for the end of the options, and stumble over it.
                self.error(f'{flag} can\'t be "--"')
        return None

    def _in_a_sentence(self, message: str) -> str:
        """What argparse says, in the words of our other errors."""
        name, _, reason = message.removeprefix("argument ").partition(": ")
        # Newer versions of argparse add a guess of theirs, and leave out the quotation marks.
        choice = re.fullmatch(r"invalid choice: (['\"])(.*)\1(, maybe you meant .*)? \(choose from (.*)\)", reason)
        if choice:
            names = [one.strip(" '") for one in choice[4].split(",")]
            return f'{name} must be one of {", ".join(names)}, got "{one_line(choice[2])}"'
        if reason == "expected one argument":
            words = iter(self._given)
            behind = next((next(words, "") for word in words if word == name), "")
            if behind in ("", "-", "--", *self.flags):
                return f"{name} needs a value"
            return f"{name} needs a value; one that begins with - is written {name}={one_line(behind)}"
        if reason.startswith("ignored explicit argument "):
            return f"{name} takes no value, got {one_line(reason.removeprefix('ignored explicit argument '))}"
        if missing := re.fullmatch(r"the following arguments are required: (.*)", message, re.DOTALL):
            names = missing[1].split(", ")
            return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} missing; see {self.prog} --help"
        return one_line(message)


def _with_negative_numbers(arguments: Sequence[str]) -> list[str]:
    """Write `--optim.lr -1e-3` as `--optim.lr=-1e-3`, lists and ranges of numbers too: argparse would take the value
    for a flag."""
    joined: list[str] = []
    for argument in arguments:
        number = re.match(r"-(\.?\d|inf\b)", argument, re.IGNORECASE)
        if number and joined and joined[-1].startswith("--") and joined[-1] != "--" and "=" not in joined[-1]:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def nearest(typed: str, known: Iterable[str]) -> str:
    """Return `; did you mean "--x"?` for what is nearest to a mistyped flag or command; several where they tie."""
    scores = {name: _likeness(_bare(typed), _bare(name)) for name in known}
    best = max(scores.values(), default=0.0)
    names = [f'"{name}"' for name, score in scores.items() if score == best]
    return f"; did you mean {' or '.join(names)}?" if best >= NEAR and len(names) <= MOST_HINTS else ""


def _bare(name: str) -> str:
    return name.lstrip("-").lower().replace("_", "-")


def _likeness(typed: str, name: str) -> float:
    """How alike two flags are, 0 to 1. Of `--section.field` the field counts most, and may be typed alone; so may the
    section in place of `--section.name`. Words of the field that are parted otherwise count as the whole of it."""
    if typed.replace(".", "-") == name.replace(".", "-"):
        return 1.0
    words = typed.replace(".", "-").split("-")
    if len(words) > 1 and "." in name and set(words) <= set(name.replace(".", "-").split("-")):
        return 0.95
    typed_section, dot, typed_field = typed.rpartition(".")
    section, has_section, field = name.rpartition(".")
    whole = 0.9 * _words_alike(typed_field, section) if has_section and field == "name" else 0.0
    if dot and has_section:
        return max(whole, 0.9 * _words_alike(typed_field, field) + 0.1 * _words_alike(typed_section, section))
    return max(whole, (0.9 if has_section else 1.0) * _words_alike(typed, field))


def _words_alike(typed: str, word: str) -> float:
    """How alike two words are, 0 to 1; the beginning of a word, or its letters in disorder, are very much so."""
    if typed == word:
        return 1.0
    if len(typed) > 1 and (word.startswith(typed) or sorted(typed) == sorted(word)):
        return 0.9
    return SequenceMatcher(None, typed, word, autojunk=False).ratio()
