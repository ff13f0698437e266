"""The language that lists of runs are filtered by: words to look for, comparisons, `and`, `or`, `not`, brackets.

    sota                                    a word in name, preset, id, group, tags or note
    model.cell = lstm and accuracy > 0.9    settings, metrics, and what the list shows (step, progress, age …)
    status:running  tag:night  has:note     a word in one field; whether a run has something
    is:starred or not (preset:baseline)

What stands beside each other must all be so. A run that lacks what is compared is not found; by `!=` it is.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from seqsum.config import all_fields
from seqsum.errors import UserError, did_you_mean, one_line
from seqsum.runs.entry import ABSENT, CURVES, Entry
from seqsum.runs.run import LIVE_STATUSES, STATUSES, Summary
from seqsum.schema import OFF, FieldFacts

Test = Callable[[Entry, float], bool]
Value = Callable[[Entry, float], Any]
About = Literal["name", "sign", "value"]

TOKEN = re.compile(
    r"""\s*(?:(?P<bracket>[()])|(?P<operator>[<>!=]=|[<>=~:])|"(?P<quoted>[^"]*)"|(?P<open>")"""
    r"""|(?P<word>[^\s()<>=!~:"]+|!))"""
)
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip
SPANS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
LARGE = {"k": 1e3, "M": 1e6}
DEEPEST = 50

TEXTS: dict[str, Callable[[Summary], str]] = {
    "id": lambda run: run.id,
    "name": lambda run: run.name,
    "preset": lambda run: run.preset,
    "status": lambda run: run.status,
    "group": lambda run: run.group or "",
    "note": lambda run: run.note,
    "reason": lambda run: run.reason or "",
}
NUMBERS: dict[str, Callable[[Summary, float], float | None]] = {
    "step": lambda run, now: run.step,
    "steps": lambda run, now: run.steps,
    "progress": lambda run, now: run.progress,
    "speed": lambda run, now: run.steps_per_second,
}
TIMES: dict[str, Callable[[Summary, float], float | None]] = {
    "age": lambda run, now: now - run.created,
    "left": lambda run, now: run.seconds_left,
    "trained": lambda run, now: run.train_seconds,
}
LISTS: dict[str, Callable[[Summary], tuple[str, ...]]] = {"tags": lambda run: run.tags}
ALIASES = {"tag": "tags", "run": "id", "time": "trained"}
SEARCHED: tuple[Callable[[Summary], str], ...] = (
    *(TEXTS[name] for name in ("name", "preset", "id", "group", "note")),
    lambda run: "\n".join(run.tags),
)
IS: dict[str, Test] = {
    **{status: lambda entry, now, status=status: entry.summary.status == status for status in STATUSES},  # type: ignore[misc]
    "starred": lambda entry, now: entry.summary.starred,
    "live": lambda entry, now: entry.summary.status in LIVE_STATUSES,
    "ended": lambda entry, now: entry.summary.status not in LIVE_STATUSES,
}
HAS: dict[str, Test] = {
    "note": lambda entry, now: bool(entry.summary.note),
    "tags": lambda entry, now: bool(entry.summary.tags),
    "group": lambda entry, now: bool(entry.summary.group),
    "reason": lambda entry, now: bool(entry.summary.reason),
    "star": lambda entry, now: entry.summary.starred,
}


class FilterError(UserError):
    """A filter that can't be read; the message says what to write instead.

    place: (start, end) of what is wrong in the text; start = end where something is missing.
    about: of a comparison, the part that is wrong.
    """

    def __init__(self, message: str, place: tuple[int, int] = (0, 0), about: About = "name") -> None:
        super().__init__(message)
        self.place, self.about = place, about


@dataclass(frozen=True)
class Filter:
    """clock: whether what it says of a run changes by itself as time goes by."""

    text: str
    test: Test = field(repr=False)
    clock: bool = False

    def matches(self, entry: Entry, now: float) -> bool:
        """Tell whether a run is one of those looked for; `now` in seconds since 1970."""
        return self.test(entry, now)


@dataclass(frozen=True)
class Names:
    """What can be compared: the runs' metrics, and their settings by path. present: the settings that any run has."""

    metrics: frozenset[str]
    settings: dict[str, FieldFacts | None]
    present: frozenset[str] = frozenset()

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Names:
        """Return the names that these runs have, and those of every task and model known here."""
        return cls(frozenset(CURVES), {facts.path: facts for facts in all_fields()}).and_of(entries)

    def and_of(self, entries: Iterable[Entry]) -> Names:
        """Return these names and those of more runs; the same object when there is no other among them."""
        metrics: set[str] = set()
        sections: dict[int, tuple[str, Any]] = {}
        for entry in entries:
            metrics.update(entry.summary.metrics)
            for name, values in entry.config.items():
                sections[id(values)] = name, values
        paths = {f"{section}.{name}" for section, values in sections.values() for name in values}
        new = paths - self.settings.keys()
        if metrics <= self.metrics and paths <= self.present:
            return self
        settings = {**self.settings, **dict.fromkeys(sorted(new))} if new else self.settings
        return Names(self.metrics | metrics, settings, self.present | paths)

    def path(self, word: str) -> str | None:
        """Return the setting that `word` names: by its path, or without the section where that is enough."""
        if word in self.settings:
            return word
        found = [path for path in self.settings if path.partition(".")[2] == word]
        return found[0] if len(found) == 1 else None

    def known(self, word: str) -> bool:
        return (
            word in TEXTS or word in NUMBERS or word in TIMES or word in LISTS or word in ALIASES
            or word in self.metrics or self.path(word) is not None
        )  # fmt: skip

    def all(self) -> list[str]:
        return [*TEXTS, *NUMBERS, *TIMES, *LISTS, *ALIASES, "has", "is", *sorted(self.metrics), *self.settings]


@dataclass(frozen=True)
class Token:
    """kind: bracket, operator, word, quoted, or open for a quotation that does not end. place: where it stands in the
    text, (start, end), its quotes included."""

    kind: str
    text: str
    place: tuple[int, int]


def parse(text: str, names: Names) -> Filter | None:
    """Read a filter; None for an empty one. Raises FilterError."""
    tokens = tokens_of(text)
    if not tokens:
        return None
    if tokens[-1].kind == "open":
        raise FilterError('filter: a closing " is missing', tokens[-1].place)
    reader = _Reader(tokens, names)
    test = reader.either()
    if not reader.done:
        raise FilterError(f'filter: "{reader.here.text}" has no bracket before it that it closes', reader.here.place)
    return Filter(text, test, reader.clock)


def tokens_of(text: str) -> list[Token]:
    """Return what a filter is made of, whether or not it makes sense."""
    found: list[Token] = []
    place, text = 0, text.rstrip()
    while place < len(text):
        match = TOKEN.match(text, place)
        assert match is not None and match.lastgroup is not None, text[place:]
        start, end = match.span(match.lastgroup)
        if match.lastgroup == "open":
            found.append(Token("open", text[end:], (start, len(text))))
            break
        quotes = match.lastgroup == "quoted"
        found.append(Token(match.lastgroup, match[match.lastgroup], (start - quotes, end + quotes)))
        place = match.end()
    return found


class _Reader:
    """Recursive descent: either → both (or both)*; both → one (and? one)*; one → not one | ( either ) | term."""

    def __init__(self, tokens: list[Token], names: Names) -> None:
        self._tokens, self._names = tokens, names
        self._at = self._depth = 0
        self.clock = False

    @property
    def done(self) -> bool:
        return self._at >= len(self._tokens)

    @property
    def here(self) -> Token:
        return self._tokens[self._at]

    @property
    def end(self) -> tuple[int, int]:
        """Where something is missing: behind the last token read."""
        end = self._tokens[self._at - 1].place[1]
        return end, end

    def _word(self, *words: str) -> bool:
        return not self.done and self.here.kind == "word" and self.here.text.lower() in words

    def _sign(self, kind: str, text: str | None = None) -> bool:
        return not self.done and self.here.kind == kind and text in (None, self.here.text)

    def either(self) -> Test:
        tests = [self.both()]
        while self._word("or"):
            self._at += 1
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda entry, now: any(test(entry, now) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while not self.done and not self._word("or") and not self._sign("bracket", ")"):
            if self._word("and"):
                self._at += 1
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda entry, now: all(test(entry, now) for test in tests)

    def one(self) -> Test:
        self._depth += 1
        if self._depth > DEEPEST:
            raise FilterError(f"filter: more than {DEEPEST} brackets within each other", self.here.place)
        test = self._one()
        self._depth -= 1
        return test

    def _one(self) -> Test:
        if self.done:
            before = self._tokens[self._at - 1].text
            raise FilterError(f'filter: after "{before}" something is missing', self.end)
        if self._word("not", "!"):
            self._at += 1
            test = self.one()
            return lambda entry, now: not test(entry, now)
        if self._sign("bracket", "("):
            self._at += 1
            test = self.either()
            if not self._sign("bracket", ")"):
                raise FilterError("filter: a closing ) is missing", self.end)
            self._at += 1
            return test
        if self.here.kind not in ("word", "quoted") or self._word("and", "or"):
            raise FilterError(f'filter: before "{self.here.text}" something is missing', self.here.place)
        return self.term()

    def term(self) -> Test:
        word = self.here
        self._at += 1
        if word.kind == "word" and self._sign("operator"):
            sign = self.here
            self._at += 1
            if self.done or self.here.kind not in ("word", "quoted"):
                raise FilterError(f'filter: after "{word.text} {sign.text}" a value is missing', self.end)
            value = self.here
            self._at += 1
            try:
                return self._comparison(word.text, "=" if sign.text == "==" else sign.text, value.text)
            except FilterError as error:
                error.place = {"name": word, "sign": sign, "value": value}[error.about].place
                raise
        if word.kind == "word":
            try:
                self._refuse_half(word.text)
            except FilterError as error:
                error.place = word.place
                raise
        return _containing(word.text)

    def _refuse_half(self, word: str) -> None:
        """What looks like the beginning of a comparison is none yet; in quotes it is a word to look for."""
        section, dot, _ = word.partition(".")
        sections = {path.partition(".")[0] for path in self._names.settings}
        if dot and section in sections:
            path = self._names.path(word)
            near = "" if path else did_you_mean(word, self._names.settings)
            raise FilterError(
                f'filter: compare it with a value, e.g. {path or word} = 1; for the word put it in ""{near}'
            )
        if word in self._names.metrics:
            raise FilterError(f'filter: compare it with a value, e.g. {word} > 0.9; for the word put it in ""')

    def _comparison(self, name: str, sign: str, value: str) -> Test:
        lower = name.lower()
        if lower in ("is", "has") and sign in (":", "="):
            return self._is(value) if lower == "is" else self._has(value)
        lower = ALIASES.get(lower, lower)
        if lower in TEXTS:
            text_of = TEXTS[lower]
            if lower == "status":
                _check_choice("status", value, STATUSES, sign)
            return _text_test(name, lambda entry, now: text_of(entry.summary), sign, value)
        if lower in LISTS:
            return _list_test(name, lambda entry, now: LISTS[lower](entry.summary), sign, value)
        if lower in NUMBERS:
            self.clock = self.clock or lower == "speed"
            number_of = NUMBERS[lower]
            return _number_test(name, lambda entry, now: number_of(entry.summary, now), sign, _number(name, value))
        if lower in TIMES:
            self.clock = self.clock or lower == "age"
            time_of = TIMES[lower]
            return _number_test(name, lambda entry, now: time_of(entry.summary, now), sign, _seconds(name, value))
        if name in self._names.metrics:
            wanted = _number(name, value)
            return _number_test(name, lambda entry, now: entry.summary.metrics.get(name), sign, wanted)
        path = self._names.path(name)
        if path is None:
            raise FilterError(self._unknown(name))
        return _setting_test(name, path, self._names.settings[path], sign, value)

    def _unknown(self, name: str) -> str:
        alike = [path for path in self._names.settings if path.partition(".")[2] == name]
        near = f"; say which: {', '.join(alike)}" if alike else did_you_mean(name, self._names.all())
        return f'filter: no field or metric "{name}"' + (
            near or "; settings are written section.field, e.g. model.cell"
        )

    def _is(self, value: str) -> Test:
        if value.lower() not in IS:
            near = did_you_mean(value, IS) or f"; it can be {', '.join(IS)}"
            raise FilterError(f'filter: no "is:{value}"{near}', about="value")
        return IS[value.lower()]

    def _has(self, value: str) -> Test:
        lower = ALIASES.get(value.lower(), value.lower())
        lower = "star" if lower == "starred" else lower
        if lower in HAS:
            return HAS[lower]
        if value in self._names.metrics:
            return lambda entry, now: value in entry.summary.metrics
        path = self._names.path(value)
        if path is None:
            near = (
                did_you_mean(value, [*HAS, *self._names.all()]) or f"; it can be {', '.join(HAS)}, a metric or a field"
            )
            raise FilterError(f'filter: no "has:{value}"{near}', about="value")
        return lambda entry, now: entry.setting(path) not in (ABSENT, None, "", [])


def _containing(text: str) -> Test:
    wanted = text.lower()
    return lambda entry, now: any(wanted in text_of(entry.summary).lower() for text_of in SEARCHED)


def _text_test(name: str, text_of: Value, sign: str, value: str) -> Test:
    wanted = value.lower()
    if sign in (":", "~"):
        return lambda entry, now: wanted in str(text_of(entry, now)).lower()
    if sign == "=":
        return lambda entry, now: str(text_of(entry, now)).lower() == wanted
    if sign == "!=":
        return lambda entry, now: str(text_of(entry, now)).lower() != wanted
    raise FilterError(f'filter: {name} is text: compare it with =, != or : (contains), not with "{sign}"', about="sign")


def _list_test(name: str, list_of: Value, sign: str, value: str) -> Test:
    wanted = value.lower()
    if sign in (":", "~"):
        return lambda entry, now: any(wanted in part.lower() for part in list_of(entry, now))
    if sign in ("=", "!="):
        return lambda entry, now: (sign == "=") == any(wanted == part.lower() for part in list_of(entry, now))
    raise FilterError(
        f'filter: {name} are words: compare them with =, != or : (contains), not with "{sign}"', about="sign"
    )


def _number_test(name: str, number_of: Value, sign: str, wanted: float | None) -> Test:
    compare = COMPARE.get("=" if sign == ":" else sign)
    if compare is None:
        raise FilterError(
            f'filter: {name} is a number: compare it with =, !=, <, <=, > or >=, not with "{sign}"', about="sign"
        )
    if wanted is None and sign not in (":", "=", "!="):
        raise FilterError(f'filter: {name} can be compared with "off" by = and != only', about="sign")
    missing = sign == "!="

    def test(entry: Entry, now: float) -> bool:
        found = number_of(entry, now)
        if found is ABSENT or (found is None and wanted is not None):
            return missing
        # What is printed as 0.1 is meant as 0.1, whatever the last bit says.
        if found is not None and wanted is not None and math.isclose(found, wanted, rel_tol=1e-9):
            return sign in (":", "=", "<=", ">=")
        return compare(found, wanted)

    return test


def _setting_test(name: str, path: str, facts: FieldFacts | None, sign: str, value: str) -> Test:
    def setting(entry: Entry, now: float) -> Any:
        return entry.setting(path)

    kind = facts.kind if facts is not None else ""
    if facts is not None and facts.optional and value.lower() in OFF:
        return _number_test(name, setting, sign, None)
    if kind in ("int", "float"):
        return _number_test(name, setting, sign, _number(name, value))
    if kind == "bool":
        _check_choice(name, value, ("true", "false"), sign)
    elif kind == "choice" and facts is not None and sign in ("=", "!="):
        _check_choice(name, value, facts.choices, sign)
    elif kind == "" and _as_number(value) is not None:
        return _either_kind(name, setting, sign, value)
    if kind == "list":
        return _list_test(name, lambda entry, now: _present(setting(entry, now), ()), sign, value)
    test = _text_test(name, lambda entry, now: _as_word(setting(entry, now)), sign, value)
    missing = sign == "!="
    return lambda entry, now: missing if setting(entry, now) is ABSENT else test(entry, now)


def _either_kind(name: str, value_of: Value, sign: str, value: str) -> Test:
    """A plug-in's setting that is not loaded here: a number is compared as one, anything else as text."""
    number = _number_test(name, value_of, sign, _as_number(value))

    def test(entry: Entry, now: float) -> bool:
        found = value_of(entry, now)
        if found is ABSENT or isinstance(found, int | float):
            return number(entry, now)
        return (sign == "!=") != (str(found).lower() == value.lower())

    return test


def _present(value: Any, otherwise: Any) -> Any:
    return otherwise if value is ABSENT or value is None else value


def _as_word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "off" if value is None else str(value)


def _check_choice(name: str, value: str, choices: Iterable[str], sign: str) -> None:
    choices = tuple(choices)
    if sign in (":", "~") and any(value.lower() in choice for choice in choices):
        return
    if value.lower() not in choices:
        near = did_you_mean(value, choices) or f"; it is one of {', '.join(choices)}"
        raise FilterError(f'filter: {name} is never "{one_line(value)}"{near}', about="value")


def _as_number(text: str) -> float | None:
    """Read 0.9, 90%, 1e-3, 20_000, 20k."""
    scale = 1.0
    if text.endswith("%"):
        text, scale = text[:-1], 0.01
    elif text[-1:] in LARGE:
        text, scale = text[:-1], LARGE[text[-1]]
    try:
        value = float(text) * scale
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _number(name: str, text: str) -> float:
    value = _as_number(text)
    if value is None:
        raise FilterError(f'filter: {name} is a number, e.g. 0.9, 90% or 20k; got "{one_line(text)}"', about="value")
    return value


def _seconds(name: str, text: str) -> float:
    """Read 30s, 10m, 2h, 1d, 1w; a lone number is seconds."""
    span = SPANS.get(text[-1:])
    value = _as_number(text[:-1] if span else text)
    if value is None:
        raise FilterError(f'filter: {name} is a time, e.g. 30s, 10m, 2h or 1d; got "{one_line(text)}"', about="value")
    return value * (span or 1.0)
