"""A table's column of times: read, and whether its rows run on evenly from the oldest to the newest."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqsum.formatting import count, full
from seqsum.tasks.number_format import evened, is_missing

DATE_LIKE = re.compile(
    r"\d{4}([-/.])\d{1,2}(\1\d{1,2})?([T ].*)?|\d{1,2}([-/.])\d{1,2}\4(\d{4}|\d{2})([T ].*)?"
    r"|\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
)
NAMED = {
    "year", "date", "datetime", "time", "timestamp", "t", "jahr", "datum", "zeit", "epoch", "month", "quarter", "week",
}  # fmt: skip
WRITTEN = (
    "%b %Y", "%B %Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%b-%Y", "%d-%b-%y", "%b-%y",
    "%b-%Y", "%Y %b", "%Y-%b", "%Y %B",
)  # fmt: skip
"""Forms with an English month."""
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp]\.?[Mm]\.?)?")
PROBED = 20  # cells by which a form of dates is judged
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


Unit = Literal["second", "month", ""]
"""Of times: seconds since 1970, months since the year 0, or a column's own numbers."""


@dataclass(frozen=True)
class Times:
    """column: its place; at: float64 [rows], seconds, months or the column's own numbers, NaN where there is none;
    unit: of those: second, month, or empty; wrong: the rows whose cells hold something else than a time; remark: which
    reading was taken where day and month could be exchanged throughout"""

    column: int
    at: NDArray[np.float64]
    unit: Unit
    wrong: list[int]
    remark: str = ""


def read_times(names: Sequence[str], columns: Sequence[Sequence[str]], chosen: bool = False) -> Times | None:
    """Return the first column of dates, or of numbers in order under a name such as year or time; None without one.

    chosen: whether a person named the columns: then numbers need neither such a name nor an order

    A column of times of day behind that of dates is read with it. A column of which each cell can be read comes before
    one of which more than half can.
    """
    partly: Times | None = None
    for at, (name, column) in enumerate(zip(names, columns, strict=True)):
        cells = [evened(cell) for cell in column]
        after = columns[at + 1] if at + 1 < len(columns) else []
        if after and all(_CLOCK.fullmatch(evened(cell)) for cell in after):
            cells = [f"{cell} {evened(clock)}" for cell, clock in zip(cells, after, strict=True)]
        written = [row for row, cell in enumerate(cells) if not is_missing(cell)]
        named = name.strip().lower() in NAMED
        found = _dates(cells, written) or _numbers(cells, written, named, first=at == 0, chosen=chosen)
        if found is None:
            continue
        read, values, unit, remark = found
        times = Times(at, np.full(len(cells), np.nan), unit, sorted({*written} - {*read}), remark)
        times.at[read] = values
        if not times.wrong:
            return times
        partly = partly or times
    return partly


Found = tuple[list[int], NDArray[np.float64], Unit, str]
"""The rows that could be read, what they hold, its unit, and a remark."""


def _numbers(
    cells: Sequence[str], written: Sequence[int], named: bool, first: bool, chosen: bool = False
) -> Found | None:
    """Read numbers that run on in one direction, in a column named as times are, or first and counting; of a column
    that was `chosen` in any order."""
    read = [row for row in written if re.fullmatch(r"-?\d{1,18}(\.\d+)?", cells[row])]
    if len(read) < 2 or len(read) * 2 <= len(written):
        return None
    numbers = np.array([cells[row] for row in read], dtype=np.float64)
    steps = np.diff(numbers)
    # A first column that counts on, or down, by the same step is an index, whatever it is called.
    counting = first and len(steps) > 1 and len(set(steps / np.diff(read))) == 1
    onward = (steps >= 0).all() or (steps <= 0).all()
    in_order = onward and (counting or named)
    return (read, numbers, "", "") if steps.any() and (chosen or in_order) else None


def _dates(cells: Sequence[str], written: Sequence[int]) -> Found | None:
    """Read dates in one form: in seconds, or in months where each stands on the same day of its month."""
    if len(written) < 2 or len(written) * 2 < len(cells):
        return None
    forms = dict.fromkeys(form for row in written[:PROBED] for form in _forms(cells[row]))
    found = {form: one for form in forms if len(one := _read(cells, written, form)) * 2 > len(written)}
    if not found:
        return None
    # Where day and month can be exchanged throughout, the order of the rows tells, and then how evenly they stand.
    most = max(map(len, found.values()))
    able = {form: one for form, one in found.items() if len(one) == most}
    falls = {form: _falls([*one.values()]) for form, one in able.items()}
    onward = [form for form in able if falls[form] == min(falls.values())]
    form = min(onward, key=lambda form: len(set(np.diff(_timed([*able[form].values()])[0]))))
    two = set(onward) <= set(IN_NUMBERS) and len({tuple(able[one].values()) for one in onward}) > 1
    order = "day before month" if form is IN_NUMBERS[0] else "month before day"
    values, unit = _timed([*able[form].values()])
    return [*able[form]], values, unit, f"read {order}; either way the rows run on" if two else ""


def _timed(dates: Sequence[datetime]) -> tuple[NDArray[np.float64], Unit]:
    """Return dates as months where each stands on the same day of its month, else in seconds; and the unit."""
    seconds = np.array([date.timestamp() for date in dates])
    monthly = len({(date.day, date.hour, date.minute) for date in dates}) == 1 or all(_ends_month(d) for d in dates)
    unit: Unit = "month" if monthly and np.abs(np.diff(seconds)).max() >= 28 * 86_400 else "second"
    return np.array([date.year * 12 + date.month for date in dates], np.float64) if unit == "month" else seconds, unit


def _forms(text: str) -> Sequence[Callable[[str], datetime]]:
    """Return what may read a column in which such a cell stands."""
    if DATE_LIKE.fullmatch(text) or re.fullmatch(r"(?:19|20)\d{6}", text):
        return IN_NUMBERS
    if re.fullmatch(r"\d{4}[- ]?[QqWw]\d{1,2}", text):
        return [_part_of_year]
    return IN_WORDS if re.search("[A-Za-z]{3}", text) else []


def _read(cells: Sequence[str], rows: Sequence[int], form: Callable[[str], datetime]) -> dict[int, datetime]:
    """Return the date of each of the rows that has one in this form; nothing when the first rows have none."""
    dates: dict[int, datetime] = {}
    for at, row in enumerate(rows):
        if at == PROBED and len(dates) * 2 <= at:
            return {}
        with suppress(ValueError):
            dates[row] = form(cells[row])
    return dates


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
        # Two digits as POSIX has them: 69 to 99 are of the last century.
        year = third if len(third) == 4 else f"{'19' if int(third) >= 69 else '20'}{third:>02}"
        day, month = (first, second) if day_first else (second, first)
    else:
        raise ValueError(text)
    clock = _of_24_hours(clock.strip() if clock else "00:00")
    return _aware(datetime.fromisoformat(f"{int(year):04d}-{int(month):02d}-{int(day):02d}T{clock}"))


def _of_24_hours(clock: str) -> str:
    """Write a time of day as ISO 8601 does: 9:30 and 12:05 AM as 09:30 and 00:05."""
    clock = f"0{clock}" if re.match(r"\d:", clock) else clock
    half = re.fullmatch(r"(0\d|1[0-2])(:.*?) ?([AaPp])\.?[Mm]\.?", clock)
    return clock if half is None else f"{int(half[1]) % 12 + 12 * (half[3] in 'Pp'):02d}{half[2]}"


def _aware(date: datetime) -> datetime:
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


IN_NUMBERS = (partial(_date, day_first=True), partial(_date, day_first=False))
IN_WORDS = tuple(partial(_in_words, form=form) for form in WRITTEN)


def _falls(dates: Sequence[datetime]) -> int:
    """How many dates stand on the wrong side of the one before, whichever way most run."""
    return min(sum(b < a for a, b in pairwise(dates)), sum(b > a for a, b in pairwise(dates)))


def _ends_month(date: datetime) -> bool:
    return date.day >= 28 and datetime.fromtimestamp(date.timestamp() + 86_400, date.tzinfo).month != date.month


@dataclass(frozen=True)
class RowOrder:
    """backwards: whether the rows run from the newest to the oldest; broken: the first row that is neither, or None;
    notes: what is to be said of repeated, missing and unevenly spaced times; `places` are the rows' lines"""

    backwards: bool
    broken: int | None
    notes: list[str]


def moment_of(text: str, unit: Unit) -> float | None:
    """Read a time as a person types it, in the unit of a column's; None where it is none, or can be two."""
    if unit == "":
        return float(text) if re.fullmatch(r"-?\d{1,18}(\.\d+)?", text) else None
    found: set[float] = set()
    for form in _forms(text):
        with suppress(ValueError):
            date = form(text)
            found.add(date.year * 12 + date.month if unit == "month" else date.timestamp())
    return found.pop() if len(found) == 1 else None


def usual_step(at: NDArray[np.float64]) -> float | None:
    """Return the step that more than half of the times have that go on, oldest first; None without one."""
    onward = np.diff(at)
    onward = onward[onward > 0]
    if not len(onward):
        return None
    sizes, counts = np.unique(onward, return_counts=True)
    return float(sizes[counts.argmax()]) if counts.max() * 2 > len(onward) else None


def judge(times: Times, places: Sequence[int], repeated: bool = True, gaps: bool = True) -> RowOrder:
    """Look at how the times follow each other. repeated, gaps: whether such are to be told as they stand."""
    known = np.flatnonzero(~np.isnan(times.at))
    steps = np.diff(times.at[known])
    backwards = bool((steps < 0).sum() > (steps > 0).sum())
    steps = -steps if backwards else steps
    if (steps < 0).any():
        return RowOrder(backwards, int(known[np.flatnonzero(steps < 0)[0] + 1]), [])

    def line(step: int) -> str:
        return f"{places[known[step]]} and {places[known[step + 1]]}"

    notes: list[str] = []
    absent = len(times.at) - len(known)
    if absent:
        first = places[int(np.flatnonzero(np.isnan(times.at))[0])]
        notes.append(f"{count(absent, 'row')} without a time (the first in line {first})")
    same = np.flatnonzero(steps == 0)
    if len(same) and repeated:
        notes.append(
            f"{count(len(same), 'row')} with the time of the row before (first lines {line(int(same[0]))}); each "
            "is read as a step of its own"
        )
    usual = usual_step(-times.at[known] if backwards else times.at[known])
    if usual is not None:
        long = np.flatnonzero(steps > 1.5 * usual)
        if len(long) and gaps:
            notes.append(
                f"{count(len(long), 'gap')}: the usual step is {_span(usual, times.unit)}, but that between lines "
                f"{line(int(long[0]))} is {_span(float(steps[long[0]]), times.unit)}; the values are read as if they "
                "were evenly spaced"
            )
    elif (steps > 0).any():
        notes.append("the times are unevenly spaced; the values are read as if they were evenly spaced")
    return RowOrder(backwards, None, notes)


def _span(size: float, unit: str) -> str:
    if unit == "second":
        for seconds, name in _UNITS:
            if size >= seconds and size % seconds == 0:
                size, unit = size / seconds, name
                break
    text = f"{int(size):,}" if size == int(size) else full(size)
    return f"{text} {unit}{'' if size == 1 else 's'}" if unit else text
