"""A table's column of times: read, and whether its rows run on evenly from the oldest to the newest."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seqsum.formatting import full
from seqsum.tasks.number_format import evened, is_missing

DATE_LIKE = re.compile(
    r"\d{4}([-/.])\d{1,2}(\1\d{1,2})?([T ].*)?|\d{1,2}([-/.])\d{1,2}\4(\d{4}|\d{2})([T ].*)?"
    r"|\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
)
NAMED = {
    "year",
    "date",
    "datetime",
    "time",
    "timestamp",
    "t",
    "jahr",
    "datum",
    "zeit",
    "epoch",
    "month",
    "quarter",
    "week",
}
WRITTEN = (
    "%b %Y", "%B %Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%b-%Y", "%d-%b-%y", "%b-%y",
    "%b-%Y", "%Y %b", "%Y-%b", "%Y %B",
)  # fmt: skip
"""Forms with an English month."""
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?")
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True)
class Times:
    """name: of the column; at: float64 [rows], seconds, months or the column's own numbers, NaN where a cell is empty;
    unit: of those: second, month, or empty"""

    name: str
    at: NDArray[np.float64]
    unit: str


def read_times(names: Sequence[str], columns: Sequence[Sequence[str]]) -> Times | None:
    """Return the first column of dates, or of numbers in order under a name such as year or time; None without one.

    A column of times of day behind that of dates is read with it.
    """
    for at, (name, column) in enumerate(zip(names, columns, strict=True)):
        cells = [evened(cell) for cell in column]
        after = columns[at + 1] if at + 1 < len(columns) else []
        if after and all(_CLOCK.fullmatch(evened(cell)) for cell in after):
            cells = [f"{cell} {evened(clock)}" for cell, clock in zip(cells, after, strict=True)]
        found = _dates(cells)
        if found is not None:
            return Times(name, *found)
        if all(re.fullmatch(r"-?\d{1,18}(\.\d+)?", cell) for cell in cells):
            numbers = np.array(cells, dtype=np.float64)
            steps = np.diff(numbers)
            # A first column that counts on, or down, by the same step is an index, whatever it is called.
            counting = at == 0 and len(steps) > 1 and len(set(steps)) == 1
            onward = (steps >= 0).all() or (steps <= 0).all()
            if steps.any() and onward and (counting or name.strip().lower() in NAMED):
                return Times(name, numbers, "")
    return None


def _dates(cells: Sequence[str]) -> tuple[NDArray[np.float64], str] | None:
    """Read dates in one form: in seconds, or in months where each stands on the same day of its month."""
    written = [cell for cell in cells if not is_missing(cell)]
    if len(written) < 2 or len(written) * 2 < len(cells):
        return None
    found = [dates for form in _forms(written[0]) if (dates := _read(written, form)) is not None]
    if not found:
        return None
    # Where day and month can be exchanged throughout, the order of the rows tells.
    dates = min(found, key=lambda dates: min(_falls(dates), _falls(dates[::-1])))
    seconds = np.array([date.timestamp() for date in dates])
    monthly = len({(date.day, date.hour, date.minute) for date in dates}) == 1 or all(_ends_month(d) for d in dates)
    unit = "month" if monthly and np.abs(np.diff(seconds)).max() >= 28 * 86_400 else "second"
    values = np.array([date.year * 12 + date.month for date in dates], np.float64) if unit == "month" else seconds
    at = np.full(len(cells), np.nan)
    at[[place for place, cell in enumerate(cells) if not is_missing(cell)]] = values
    return at, unit


def _forms(text: str) -> Sequence[Callable[[str], datetime]]:
    """Return what may read a column that begins with this cell."""
    if DATE_LIKE.fullmatch(text) or re.fullmatch(r"(?:19|20)\d{6}", text):
        return [partial(_date, day_first=True), partial(_date, day_first=False)]
    if re.fullmatch(r"\d{4}[- ]?[QqWw]\d{1,2}", text):
        return [_part_of_year]
    return [partial(_in_words, form=form) for form in WRITTEN] if re.search("[A-Za-z]{3}", text) else []


def _read(cells: Sequence[str], form: Callable[[str], datetime]) -> list[datetime] | None:
    try:
        return [form(cell) for cell in cells]
    except ValueError:
        return None


def _part_of_year(text: str) -> datetime:
    """Read a quarter, 2020Q3, or a week, 2020-W31, by its first day."""
    match = re.fullmatch(r"(\d{4})[- ]?([QqWw])(\d{1,2})", text)
    if match is None:
        raise ValueError(text)
    year, kind, number = int(match[1]), match[2].upper(), int(match[3])
    return (
        datetime(year, 3 * number - 2, 1, tzinfo=UTC)
        if kind == "Q"
        else _aware(datetime.fromisocalendar(year, number, 1))
    )


def _in_words(text: str, form: str) -> datetime:
    return _aware(datetime.strptime(text, form))


def _date(text: str, day_first: bool) -> datetime:
    """Read a date with or without a time of day; raises ValueError when it is none."""
    match = re.fullmatch(r"(\d{1,4})([-/.])(\d{1,2})(?:\2(\d{1,4}))?(?:[T ](.*))?", text)
    if match is None:
        return _aware(datetime.fromisoformat(text))
    first, _, second, third, clock = match.groups()
    if len(first) == 4:
        year, month, day = first, second, third or "1"
    elif third is not None:
        year = third if len(third) == 4 else f"20{third:>02}"
        day, month = (first, second) if day_first else (second, first)
    else:
        raise ValueError(text)
    clock = clock.strip() if clock else "00:00"
    clock = f"0{clock}" if re.match(r"\d:", clock) else clock
    return _aware(datetime.fromisoformat(f"{int(year):04d}-{int(month):02d}-{int(day):02d}T{clock}"))


def _aware(date: datetime) -> datetime:
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


def _falls(dates: Sequence[datetime]) -> int:
    return sum(later < earlier for earlier, later in pairwise(dates))


def _ends_month(date: datetime) -> bool:
    return date.day >= 28 and datetime.fromtimestamp(date.timestamp() + 86_400, date.tzinfo).month != date.month


@dataclass(frozen=True)
class Order:
    """backwards: whether the rows run from the newest to the oldest; broken: the first row that is neither, or None;
    notes: what is to be said of repeated, missing and unevenly spaced times; `places` are the rows' lines"""

    backwards: bool
    broken: int | None
    notes: list[str]


def judge(times: Times, places: Sequence[int]) -> Order:
    """Look at how the times follow each other."""
    known = np.flatnonzero(~np.isnan(times.at))
    steps = np.diff(times.at[known])
    backwards = bool((steps < 0).sum() > (steps > 0).sum())
    steps = -steps if backwards else steps
    if (steps < 0).any():
        return Order(backwards, int(known[np.flatnonzero(steps < 0)[0] + 1]), [])

    def line(step: int) -> str:
        return f"{places[known[step]]} and {places[known[step + 1]]}"

    notes: list[str] = []
    absent = len(times.at) - len(known)
    if absent:
        first = places[int(np.flatnonzero(np.isnan(times.at))[0])]
        notes.append(f"{absent:,} rows have no time (the first in line {first})")
    same = np.flatnonzero(steps == 0)
    if len(same):
        notes.append(
            f"{len(same):,} rows repeat the time of the row before (the first in lines {line(int(same[0]))}); each is "
            "read as a step of its own"
        )
    onward = steps[steps > 0]
    if len(onward):
        sizes, counts = np.unique(onward, return_counts=True)
        usual = float(sizes[counts.argmax()])
        long = np.flatnonzero(steps > 1.5 * usual)
        if len(long) and counts.max() * 2 > len(onward):
            notes.append(
                f"gaps in {len(long):,} places: the usual step is {_span(usual, times.unit)}, but that between lines "
                f"{line(int(long[0]))} is {_span(float(steps[long[0]]), times.unit)}; the values are read as if they "
                "were evenly spaced"
            )
        elif len(sizes) > 1 and counts.max() * 2 <= len(onward):
            notes.append("the times are unevenly spaced; the values are read as if they were evenly spaced")
    return Order(backwards, None, notes)


def _span(size: float, unit: str) -> str:
    if unit == "second":
        for seconds, name in _UNITS:
            if size >= seconds and size % seconds == 0:
                size, unit = size / seconds, name
                break
    text = f"{int(size):,}" if size == int(size) else full(size)
    return f"{text} {unit}{'' if size == 1 else 's'}" if unit else text
