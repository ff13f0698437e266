"""Dates: read a date in one of many forms, write it as year-month-day (document 3, sequences of unequal lengths)."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
from pydantic import ValidationInfo, field_validator

from seqsum.errors import InputError
from seqsum.schema import setting
from seqsum.tasks.alphabet import Alphabet, AlphabetCodec, TranslationTask, by_length, padded
from seqsum.tasks.base import Batches, Examples, Inputs, Ints, TaskConfig
from seqsum.tasks.registry import register_task
from seqsum.tasks.stream import StepStream, below

Date = datetime.date

MONTHS = [name.lower() for name in (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)]  # fmt: skip
ANSWER = Alphabet("0123456789-")
END = len(ANSWER)
ANSWER_LENGTH = len("2021-03-03") + 1
HELD_OUT_SHARE = 16  # one date in so many is never trained on


class DatesConfig(TaskConfig):
    """Settings of the dates task."""

    name: Literal["dates"] = setting("dates", "the task: write a date as year-month-day")
    first_year: int = setting(1950, "first year of the dates; two-digit years begin here", ge=1000, le=9999)
    last_year: int = setting(2049, "last year of the dates, at most 99 after the first", ge=1000, le=9999)

    @field_validator("last_year")
    @classmethod
    def _within_a_century(cls, value: int, info: ValidationInfo) -> int:
        first = info.data.get("first_year")
        if first is not None and not first <= value <= first + 99:
            raise ValueError(
                f"must be {first} to {first + 99}: from task.first_year on, and so that two digits name one year; "
                f"got {value}"
            )
        return value


@dataclass(frozen=True)
class Form:
    """One way to write a date. `pattern` reads it back: groups day, month (number or name) and year."""

    write: Callable[[Date], str]
    pattern: re.Pattern[str]
    swapped: bool = False
    """Whether day and month can be taken for each other, so that only some dates may be written so."""


GROUPS = {
    "DAY": r"(?P<day>\d{1,2})",
    "NTH": r"(?P<day>\d{1,2})(?P<nth>st|nd|rd|th)",
    "NAME": r"(?P<month>[a-z]+)",
    "MONTH": r"(?P<month>\d{1,2})",
    "YEAR": r"(?P<year>\d{4})",
    "YY": r"(?P<year>\d{2})",
}


def _form(write: Callable[[Date], str], pattern: str, swapped: bool = False) -> Form:
    return Form(write, re.compile(re.sub("[A-Z]+", lambda word: GROUPS[word[0]], pattern), re.ASCII), swapped)


def nth(day: int) -> str:
    """1st, 2nd, 3rd, 4th … 11th, 12th, 13th … 21st."""
    ending = "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def _month(date: Date) -> str:
    return MONTHS[date.month - 1]


def _two_digits(date: Date) -> str:
    return f"{date.year % 100:02d}"


FORMS = (
    _form(lambda d: f"{d.day} {_month(d)} {d.year}", r"DAY NAME YEAR"),
    _form(lambda d: f"{d.day} {_month(d)[:3]} {d.year}", r"DAY NAME YEAR"),
    _form(lambda d: f"{_month(d)} {d.day}, {d.year}", r"NAME DAY,? YEAR"),
    _form(lambda d: f"{_month(d)[:3]} {d.day}, {d.year}", r"NAME DAY,? YEAR"),
    _form(lambda d: f"{_month(d)[:3]} {d.day} {d.year}", r"NAME DAY,? YEAR"),
    _form(lambda d: f"{nth(d.day)} {_month(d)} {d.year}", r"NTH NAME YEAR"),
    _form(lambda d: f"{_month(d)} {nth(d.day)}, {d.year}", r"NAME NTH,? YEAR"),
    _form(lambda d: f"{d.day}-{_month(d)[:3]}-{_two_digits(d)}", r"DAY-NAME-YY"),
    _form(lambda d: f"{d.day}.{d.month}.{d.year}", r"DAY\.MONTH\.YEAR"),
    _form(lambda d: f"{d.day:02d}.{d.month:02d}.{d.year}", r"DAY\.MONTH\.YEAR"),
    _form(lambda d: f"{d.day}.{d.month}.{_two_digits(d)}", r"DAY\.MONTH\.YY"),
    _form(lambda d: f"{d.year}/{d.month:02d}/{d.day:02d}", r"YEAR/MONTH/DAY"),
    _form(lambda d: f"{d.year}-{d.month:02d}-{d.day:02d}", r"YEAR-MONTH-DAY"),
    _form(lambda d: f"{d.day:02d}/{d.month:02d}/{d.year}", r"DAY/MONTH/YEAR", swapped=True),
    _form(lambda d: f"{d.month:02d}/{d.day:02d}/{d.year}", r"MONTH/DAY/YEAR", swapped=True),
    _form(lambda d: f"{d.day:02d}/{d.month:02d}/{_two_digits(d)}", r"DAY/MONTH/YY", swapped=True),
    _form(lambda d: f"{d.month:02d}/{d.day:02d}/{_two_digits(d)}", r"MONTH/DAY/YY", swapped=True),
)
CLEAR_FORMS = tuple(form for form in FORMS if not form.swapped)
LONGEST_INPUT = len("september 30th, 2021")
CHARACTERS = Alphabet("".join(MONTHS) + "stndrdth0123456789 ,./-")


def forms_of(date: Date) -> tuple[Form, ...]:
    """The forms a date can be written in and be read only one way: 03/04/21 could be in March or in April."""
    return FORMS if date.day > 12 or date.day == date.month else CLEAR_FORMS


class DateCodec(AlphabetCodec):
    """Capital letters don't matter, nor how much white space there is."""

    def encode(self, text: str) -> list[int]:
        try:
            return super().encode(" ".join(text.lower().split()))
        except InputError as error:
            # Case and white space are evened out above: the place is looked for in what was typed.
            unknown = (at for at, one in enumerate(text) if set(one.lower()) - {*self.read} and not one.isspace())
            raise InputError(str(error), next(unknown, None)) from None


@register_task
class Dates(TranslationTask[DatesConfig]):
    """A date in one of many forms, character by character → the same date as 2021-03-03.

    One date in 16, chosen by a hash of the date, is held out: the network never sees it in any form. Capital letters
    don't matter. The calendar is the Gregorian one for all years.
    """

    config_type: ClassVar[type[TaskConfig]] = DatesConfig
    title: ClassVar[str] = "Write dates in another form"
    read: ClassVar[Alphabet] = CHARACTERS
    written: ClassVar[Alphabet] = ANSWER

    def __init__(self, config: DatesConfig) -> None:
        super().__init__(config)
        self.longest_answer = ANSWER_LENGTH
        self.input_hint = 'a date such as "3 March 2021", "Mar 3, 2021", "3rd March 2021", "3.3.21" or "2021/03/03"'
        self.codec = DateCodec(CHARACTERS.characters, ANSWER.characters, self.input_hint)
        self._trained, self._held_out = _split(config.first_year, config.last_year)

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        words = StepStream(seed, "dates/train", 2 * batch_size).words(first_step, steps)
        places = below(words[:, :batch_size], len(self._trained)).ravel().tolist()
        dates = [self._trained[place] for place in places]
        texts = []
        for date, word in zip(dates, words[:, batch_size:].ravel().tolist(), strict=True):
            forms = forms_of(date)
            texts.append(forms[word * len(forms) >> 32].write(date))
        lengths = np.array([len(text) for text in texts]).reshape(steps, batch_size)
        inputs = padded([CHARACTERS.tokens(text) for text in texts], LONGEST_INPUT, self.padding)
        return Batches(
            inputs.reshape(steps, batch_size, LONGEST_INPUT),
            lengths,
            _targets(dates).reshape(steps, batch_size, ANSWER_LENGTH),
        )

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        texts = []
        for date in self._held_out:
            forms = forms_of(date)
            texts.append(CHARACTERS.tokens(forms[_digest(date)[1] % len(forms)].write(date)))
        return by_length(texts, _targets(self._held_out), low, high)

    def truth(self, inputs: Inputs) -> str | None:
        """The date as year-month-day; None when the text is in no known form, can be read two ways, or no such day."""
        text = CHARACTERS.text(inputs.tolist())
        found = {date for form in FORMS if (date := self._read(form, text)) is not None}
        return found.pop().isoformat() if len(found) == 1 else None

    def echo(self, inputs: Inputs) -> str:
        return re.sub("[a-z]{3,}", _month_capitalised, super().echo(inputs))

    def _read(self, form: Form, text: str) -> Date | None:
        match = form.pattern.fullmatch(text)
        if match is None:
            return None
        parts = match.groupdict()
        day, year, month = int(parts["day"]), int(parts["year"]), _month_number(parts["month"])
        if month is None or parts.get("nth") not in (None, nth(day)[-2:]):
            return None
        if len(parts["year"]) == 2:
            year += (self.config.first_year - year + 99) // 100 * 100
        try:
            return Date(year, month, day)
        except ValueError:
            return None


def _month_capitalised(word: re.Match[str]) -> str:
    return word[0].capitalize() if _month_number(word[0]) else word[0]


def _month_number(text: str) -> int | None:
    if text.isdecimal():
        return int(text)
    names = [month for month, name in enumerate(MONTHS, start=1) if text in (name, name[:3])]
    return names[0] if names else None


def _digest(date: Date) -> bytes:
    return hashlib.sha256(f"dates/{date.isoformat()}".encode()).digest()


@lru_cache(maxsize=8)
def _split(first_year: int, last_year: int) -> tuple[list[Date], list[Date]]:
    """Return the dates to train on and those held out, in order."""
    first, last = Date(first_year, 1, 1).toordinal(), Date(last_year, 12, 31).toordinal()
    trained: list[Date] = []
    held_out: list[Date] = []
    for place in range(first, last + 1):
        date = Date.fromordinal(place)
        (trained if _digest(date)[0] % HELD_OUT_SHARE else held_out).append(date)
    return trained, held_out


def _targets(dates: Sequence[Date]) -> Ints:
    """The answers, int64 [dates, 11], the end token included."""
    text = "".join(date.isoformat() for date in dates)
    places = np.frombuffer(text.encode(), dtype=np.uint8)
    lookup = np.zeros(128, dtype=np.int64)
    lookup[[ord(character) for character in ANSWER.characters]] = np.arange(len(ANSWER))
    answers = lookup[places].reshape(len(dates), ANSWER_LENGTH - 1)
    return np.concatenate([answers, np.full((len(dates), 1), END)], axis=1)
