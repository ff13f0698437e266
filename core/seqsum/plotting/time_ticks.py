"""Ticks of axes that count seconds, and of axes that show the time of day or days of the calendar."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, tzinfo

from seqsum import formatting

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SECONDS = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)


_MONTHS = (1, 2, 3, 6, *(12 * years for years in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)))


def _step(span: float, count: int) -> float:
    for step in _SECONDS:
        if span / step <= count:
            return step
    return _DAY * 10.0 ** math.ceil(math.log10(span / count / _DAY))


def duration_ticks(low: float, high: float, count: int) -> list[tuple[float, str]]:
    """Return at most `count` (seconds, label) at round lengths of time in [low, high]."""
    if count < 1 or not high > low:
        return []
    step = _step(high - low, count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    # Parts of a second stand at later ticks, too: they are what tells them apart.
    text = formatting.duration if step >= 1 else (lambda seconds: f"{formatting.shortest(seconds, 9)}s")
    return [(k * step, text(k * step)) for k in range(first, last + 1)][:count]


def clock_ticks(low: float, high: float, count: int, zone: tzinfo | None = None) -> list[tuple[float, str]]:
    """Return at most `count` (Unix time, label) at round times in [low, high]: local ones, or those of a zone."""
    if count < 1 or not high > low:
        return []
    try:
        offset = (datetime.fromtimestamp(low).astimezone(zone).utcoffset() or timedelta()).total_seconds()
        datetime.fromtimestamp(high)
    except (ValueError, OverflowError, OSError):
        return []
    step = max(_step(high - low, count), 1)
    first, last = math.ceil((low + offset) / step - 1e-9), math.floor((high + offset) / step + 1e-9)
    style = "%H:%M:%S" if step < _MINUTE else "%H:%M" if step < _DAY else "%d %b"
    if step < _DAY and high - low > _DAY:
        style = "%d %b %H:%M"
    times = [k * step - offset for k in range(first, last + 1)][:count]
    return [(when, datetime.fromtimestamp(when, zone).strftime(style)) for when in times]


def date_ticks(low: float, high: float, count: int) -> list[tuple[float, str]]:
    """Return at most `count` (Unix time, label) at the first days of round years or months, else at round days or times
    of day; in UTC."""
    try:
        first, last = (datetime.fromtimestamp(end, UTC) for end in (low, high))
    except (ValueError, OverflowError, OSError):
        return []
    start, stop = 12 * first.year + first.month - 1, 12 * last.year + last.month - 1
    for step in _MONTHS:
        months = range(-(-start // step) * step, stop + 1, step)
        days = [datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in months if month >= 12]
        inside = [day for day in days if low <= day.timestamp() <= high]
        if step == 1 and len(inside) < 2:
            break
        if len(inside) <= count:
            return [(day.timestamp(), day.strftime("%Y-%m" if step % 12 else "%Y")) for day in inside]
    return clock_ticks(low, high, count, UTC)
