"""The language that lists of runs are filtered by: words to look for, comparisons, `and`, `or`, `not`, brackets.

    sota  big-*  'two words'                words in name, preset, group, tags, note; an id from its beginning; * is all
    finished  learned  'at chance'          a status or a verdict, by its whole word
    model.cell = lstm and accuracy > 0.9    settings, metrics, and what the list shows (step, progress, age …)
    status:running  tag:night  has:note     a word in one field; whether a run has something (not has:loss)
    owner:anna  not host:box                who made it, and on which machine
    cell in (lstm, gru)  seed not in (0, 1) one of several values; commas part them
    name ~ ^big-.*[0-9]$                    a regular expression
    age < 1h30m  step > 1,000  loss = nan   times, numbers (a comma parts thousands), what is not finite
    accuracy = 99.83%  loss = 9.05e-4       metrics and times as they are shown: what rounds to the digits given
    is:starred or not (preset:baseline)

`lr` is the metric, the rate of the last step; the setting is optim.lr. `task`, `model` are the names of those.

What stands beside each other must all be so. A run that lacks what is compared is not found; by `!=` it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from seqsum.errors import did_you_mean
from seqsum.runs.entry import ABSENT, CURVES, Entry
from seqsum.runs.filter_tokens import QUOTES, REGEX_SIGNS, FilterError, Token, tokens_of
from seqsum.runs.filter_values import (
    SPANS,
    UNITS,
    Test,
    as_number,
    check_choice,
    file_size,
    in_quotes,
    list_test,
    number,
    number_test,
    rounding,
    seconds,
    setting_test,
    text_test,
    words_of,
)
from seqsum.runs.run import LIVE_STATUSES, Summary
from seqsum.runs.store import STATUSES
from seqsum.runs.verdict import RULES
from seqsum.schema import FieldFacts
from seqsum.text import one_line

DEEPEST = 50
WITH_UNIT = re.compile(rf"\d*\.?\d+({UNITS})+")
SIGNS_AFTER = ("<", ">", "=", "!=", "<=", ">=", "~", "!~", ":")
INSTEAD = {"&&": "and", "&": "and", "||": "or", "|": "or"}

TEXTS: dict[str, Callable[[Summary], str]] = {
    "id": lambda run: run.id,
    "name": lambda run: run.name,
    "preset": lambda run: run.preset,
    "status": lambda run: run.status,
    "verdict": lambda run: run.verdict.word if run.verdict else "",
    "group": lambda run: run.group or "",
    "note": lambda run: run.note,
    "reason": lambda run: run.reason or "",
    "owner": lambda run: run.owner,
    "host": lambda run: run.host,
}
CHOICES = {"status": STATUSES, "verdict": tuple(RULES)}
NUMBERS: dict[str, Callable[[Summary, float], float | None]] = {
    "step": lambda run, now: run.step,
    "steps": lambda run, now: run.steps,
    "progress": lambda run, now: run.progress,
    "speed": lambda run, now: run.steps_per_second,
    "size": lambda run, now: run.size,
}
TIMES: dict[str, Callable[[Summary, float], float | None]] = {
    "age": lambda run, now: now - run.created,
    "left": lambda run, now: run.seconds_left,
    "trained": lambda run, now: run.train_seconds,
}
LISTS: dict[str, Callable[[Summary], tuple[str, ...]]] = {"tags": lambda run: run.tags}
ALIASES = {"tag": "tags", "run": "id", "time": "trained", "started": "age"}
NO_UNITS = {
    "percent": "%",
    "pct": "%",
    "thousand": "k",
    "million": "M",
    "k": "k",
    "steps": "",
    "steps/s": "",
    "/s": "",
}
"""What may stand behind a number by mistake, and what is meant."""
SEARCHED: tuple[Callable[[Summary], str], ...] = (
    *(TEXTS[name] for name in ("name", "preset", "group", "note")),
    lambda run: "\n".join(run.tags),
)
IS: dict[str, Test] = {
    **{status: lambda entry, now, status=status: entry.summary.status == status for status in STATUSES},  # type: ignore[misc]
    **{word: lambda entry, now, word=word: TEXTS["verdict"](entry.summary) == word for word in RULES},  # type: ignore[misc]
    "starred": lambda entry, now: entry.summary.starred,
    "live": lambda entry, now: entry.summary.status in LIVE_STATUSES,
    "ended": lambda entry, now: entry.summary.status not in LIVE_STATUSES,
}
HAS: dict[str, Test] = {
    "note": lambda entry, now: bool(entry.summary.note),
    "tags": lambda entry, now: bool(entry.summary.tags),
    "group": lambda entry, now: bool(entry.summary.group),
    "verdict": lambda entry, now: entry.summary.verdict is not None,
    "reason": lambda entry, now: bool(entry.summary.reason),
    "star": lambda entry, now: entry.summary.starred,
}


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
        from seqsum.config import all_fields

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
        if f"{word}.name" in self.settings:
            return f"{word}.name"
        found = [path for path in self.settings if path.partition(".")[2] == word]
        # What a script calls its settings must not take the short names of ours away.
        ours = [path for path in found if self.settings[path] is not None] if len(found) > 1 else found
        return ours[0] if len(ours) == 1 else None

    def known(self, word: str) -> bool:
        return (
            word in TEXTS or word in NUMBERS or word in TIMES or word in LISTS or word in ALIASES
            or word in self.metrics or self.path(word) is not None
        )  # fmt: skip

    def all(self) -> list[str]:
        return [*TEXTS, *NUMBERS, *TIMES, *LISTS, *ALIASES, "has", "is", *sorted(self.metrics), *self.settings]


def parse(text: str, names: Names) -> Filter | None:
    """Read a filter; None for an empty one. Raises FilterError."""
    tokens = tokens_of(text)
    if not tokens:
        return None
    if tokens[-1].kind == "open":
        begun = text[tokens[-1].place[0]]
        raise FilterError(f"filter: a closing {QUOTES[begun]} is missing", tokens[-1].place)
    reader = _Reader(tokens, names)
    test = reader.either()
    if not reader.done:
        raise FilterError(f'filter: "{reader.here.text}" has no bracket before it that it closes', reader.here.place)
    return Filter(text, test, reader.clock)


def clue(text: str) -> str:
    """Say why a filter may find nothing: an asterisk in quotes; else nothing."""
    tokens = tokens_of(text)
    quoted = any(
        value.kind == "quoted" and "*" in value.text and sign.text not in REGEX_SIGNS
        for sign, value in pairwise(tokens)
    )
    return "in quotes a * is only a *" if quoted else ""


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
            return self._compared(word)
        if word.kind == "word":
            listed = self._listed(word)
            if listed is not None:
                return listed
            try:
                self._refuse_half(word)
            except FilterError as error:
                error.place = word.place
                raise
        return _containing(word)

    def _compared(self, word: Token) -> Test:
        sign = self.here
        self._at += 1
        if self.done or self.here.kind not in ("word", "quoted"):
            if not self.done and self.here.kind == "operator":
                raise FilterError(
                    f'filter: "{sign.text} {self.here.text}" is no sign', (sign.place[0], self.here.place[1])
                )
            raise FilterError(f'filter: after "{word.text} {sign.text}" a value is missing', self.end)
        value = self._value(word.text)
        if not self.done and self.here.kind == "operator" and self.here.text not in (":",):
            name = word.text if as_number(word.text) is None else value.text
            raise FilterError(f"filter: one comparison at a time: {name} > 0.1 and {name} < 0.2", self.here.place)
        self._refuse_unit(word.text, value)
        try:
            return self._comparison(word.text, sign.text, value)
        except FilterError as error:
            error.place = {"name": word, "sign": sign, "value": value}[error.about].place
            raise

    def _refuse_unit(self, name: str, value: Token) -> None:
        """What stands behind a number as its unit would is no word to look for."""
        unit = self.here.text if self._sign("word") and as_number(value.text) is not None else ""
        if unit.lower() in NO_UNITS or unit.lower() in SPANS:
            meant = f"{value.text}{NO_UNITS.get(unit.lower(), '')}"
            raise FilterError(
                f'filter: write {one_line(name)} … {meant} for "{value.text} {unit}"; for the word put it in ""',
                self.here.place,
            )

    def _value(self, name: str) -> Token:
        """The value at hand; a number and its unit may stand apart: 90 %, 1h 30m, 3 min 20 s."""
        value = self.here
        self._at += 1
        timed = ALIASES.get(name.lower(), name.lower()) in TIMES
        while value.kind == "word" and self._sign("word") and self._goes_on(value.text, timed):
            value = Token("word", f"{value.text} {self.here.text}", (value.place[0], self.here.place[1]))
            self._at += 1
        return value

    def _goes_on(self, value: str, timed: bool) -> bool:
        """Whether the word at hand belongs to the value before it."""
        word = self.here.text
        after = self._tokens[self._at + 1].text if self._at + 1 < len(self._tokens) else ""
        if re.fullmatch(r"[\d.,]+", value.split()[-1]):
            # Behind the number of a time stands its unit; what is none is refused with it.
            ends = self._word("and", "or", "not", "!") or after in SIGNS_AFTER or after in ("in", "not")
            return word == "%" or (timed and not ends)
        return timed and (
            word.lower() == "ago" or WITH_UNIT.fullmatch(word.lower()) is not None
            or (word.isdigit() and after.lower() in SPANS)
        )  # fmt: skip

    def _listed(self, word: Token) -> Test | None:
        """Read `in (a, b)` or `not in (a, b)` behind a name; None where there is none."""
        start = self._at
        negated = self._word("not")
        self._at += negated
        if not self._word("in") or not (self._names.known(word.text) or self._opens(1)):
            self._at = start
            return None
        self._at += 1
        if not self._sign("bracket", "("):
            raise FilterError(f'filter: after "in" stand values in brackets: {word.text} in (a, b)', self.end)
        self._at += 1
        tests = []
        for value in self._values(word.text):
            try:
                tests.append(self._comparison(word.text, "=", value))
            except FilterError as error:
                error.place = value.place if error.about == "value" else word.place
                raise
        return lambda entry, now: any(test(entry, now) for test in tests) != negated

    def _opens(self, ahead: int) -> bool:
        coming = self._tokens[self._at + ahead : self._at + ahead + 1]
        return bool(coming) and coming[0].kind == "bracket" and coming[0].text == "("

    def _values(self, name: str) -> list[Token]:
        """The values of a list, to its closing bracket."""
        found: list[Token] = []
        parted = True
        while not self._sign("bracket", ")"):
            if self.done:
                raise FilterError("filter: a closing ) is missing", self.end)
            token = self.here
            if token.kind not in ("word", "quoted") or self._word("and", "or", "not"):
                raise FilterError(
                    f'filter: in a list stand values and commas only: {name} in (a, b); got "{token.text}"', token.place
                )
            self._at += 1
            for piece in [token] if token.kind == "quoted" else _pieces(token):
                if piece.text == ",":
                    parted = True
                    continue
                if not parted:
                    raise FilterError(
                        "filter: commas part the values of a list; one with spaces goes in quotes", piece.place
                    )
                if found and re.fullmatch(r"0\d\d", piece.text) and found[-1].place[1] + 1 == piece.place[0]:
                    raise FilterError("filter: in a list a comma parts values; write 1000 without one", piece.place)
                found.append(piece)
                parted = False
        if not found:
            raise FilterError(f'filter: after "{name} in (" a value is missing', self.end)
        self._at += 1
        return found

    def _refuse_half(self, token: Token) -> None:
        """What looks like the beginning of a comparison is none yet; in quotes it is a word to look for."""
        word = token.text
        if as_number(word) is not None and self._sign("word") and self.here.text.lower() in SPANS:
            raise FilterError(f'filter: no name and sign before {word} {self.here.text}; for the words put them in ""')
        if word in INSTEAD:
            raise FilterError(f'filter: write {INSTEAD[word]} for "{word}"; for the sign itself put it in ""')
        listed = ALIASES.get(word.lower(), word.lower())
        follows = self._sign("quoted") or (self._sign("word") and not self._word("and", "or", "not", "!"))
        if follows and (listed in TEXTS or listed in NUMBERS or listed in TIMES or listed in LISTS):
            sign = ":" if listed in TEXTS or listed in LISTS else " > "
            like = f"{word}{sign}{one_line(self.here.text)[:40]}"
            raise FilterError(f'filter: a sign is missing, e.g. {like}; for the word put it in ""')
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

    def _comparison(self, name: str, sign: str, value: Token) -> Test:
        lower = name.lower()
        if lower in ("is", "has"):
            if sign not in (":", "="):
                raise FilterError(f"filter: write {lower}:{one_line(value.text)}, or not {lower}:…", about="sign")
            return self._is(value.text) if lower == "is" else self._has(value.text)
        lower = ALIASES.get(lower, lower)
        if lower in TEXTS:
            text_of = TEXTS[lower]
            if lower in CHOICES and sign in ("=", "!=", ":", *REGEX_SIGNS):
                check_choice(lower, value, CHOICES[lower], sign)
            return text_test(name, lambda entry, now: text_of(entry.summary), sign, value)
        if lower in LISTS:
            return list_test(name, lambda entry, now: LISTS[lower](entry.summary), sign, value)
        if lower in NUMBERS:
            self.clock = self.clock or lower == "speed"
            number_of = NUMBERS[lower]
            if lower == "size":
                wanted, off = file_size(name, value.text), 0.0
            else:
                wanted, off = number(name, value.text), rounding(name, value.text)
            return number_test(name, lambda entry, now: number_of(entry.summary, now), sign, wanted, off, off)
        if lower in TIMES:
            self.clock = self.clock or lower == "age"
            time_of = TIMES[lower]
            wanted, longer = seconds(name, value.text)
            return number_test(name, lambda entry, now: time_of(entry.summary, now), sign, wanted, above=longer)
        if name in self._names.metrics:
            wanted, off = number(name, value.text), rounding(name, value.text)
            return number_test(name, lambda entry, now: entry.summary.value(name), sign, wanted, off, off)
        path = self._names.path(name)
        if path is None:
            raise FilterError(self._unknown(name))
        return setting_test(name, path, self._names.settings[path], sign, value)

    def _unknown(self, name: str) -> str:
        if as_number(name) is not None:
            return f'filter: the name comes first, e.g. accuracy > 0.9; got "{one_line(name)}"'
        alike = [path for path in self._names.settings if path.partition(".")[2] == name]
        if alike:
            return f'filter: "{name}" is a field of several sections; say which: {", ".join(alike)}'
        near = did_you_mean(name, self._names.all())
        return f'filter: no field or metric "{name}"' + (
            near or "; settings are written section.field, e.g. model.cell"
        )

    def _is(self, value: str) -> Test:
        if value.lower() not in IS:
            near = did_you_mean(value, IS) or f"; it can be {', '.join(map(in_quotes, IS))}"
            raise FilterError(f'filter: no "is:{value}"{near}', about="value")
        return IS[value.lower()]

    def _has(self, value: str) -> Test:
        lower = ALIASES.get(value.lower(), value.lower())
        lower = "star" if lower == "starred" else lower
        if lower in HAS:
            return HAS[lower]
        if value in self._names.metrics:
            return lambda entry, now: entry.summary.named(value) in entry.summary.metrics
        path = self._names.path(value)
        if path is None:
            near = (
                did_you_mean(value, [*HAS, *self._names.all()]) or f"; it can be {', '.join(HAS)}, a metric or a field"
            )
            raise FilterError(f'filter: no "has:{value}"{near}', about="value")
        return lambda entry, now: entry.setting(path) not in (ABSENT, None, "", [])


def _containing(word: Token) -> Test:
    wanted, whole = words_of("", ":", word), word.text.lower()
    begun = whole.rstrip("*")

    def holds(entry: Entry, now: float) -> bool:
        # No list shows an id: in the midst of its letters, which mean nothing, nobody looks for a word.
        id = entry.summary.id.lower()
        if id.startswith(begun) or begun in id.split("-"):
            return True
        shown = any(TEXTS[name](entry.summary) == whole for name in CHOICES)
        return shown or any(wanted(of(entry.summary)) for of in SEARCHED)

    return holds


def _pieces(token: Token) -> list[Token]:
    """A word of a list, taken apart at its commas, which stay as words of their own."""
    start = token.place[0]
    return [
        Token("word", match[0], (start + match.start(), start + match.end()))
        for match in re.finditer(r",|[^,]+", token.text)
    ]
