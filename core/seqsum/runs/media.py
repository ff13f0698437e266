"""What a run keeps beside its numbers: texts, pictures as shades, histograms. Each is a detail of an event, whose own
text says it in a line."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seqsum.formatting import count
from seqsum.runs.buckets import Floats
from seqsum.runs.kinds import LARGEST_WHOLE
from seqsum.runs.store import ANSWERS, MEDIA, Event, Store

BINS = 64
LONGEST_TEXT = 20_000
"""Characters of a text that an event holds: events are read again and again. The log has all of it."""
MOST_BINS = 10_000
LARGEST = 2.0**1000
"""Numbers beyond are divided by it: else what lies between two of them is infinite."""
MOST = sys.float_info.max
SAME, SMALLEST = 1e-12, 1e-290
"""Numbers that lie no further apart are the same: by the first for each unit of the largest, or by the
second."""
RELATIVE = 1e-6
"""How wide the buckets of such numbers reach to either side, at least: for each unit of the largest."""

Kind = Literal["text", "picture", "message", "answers"]
SIGNS = {True: "✓", False: "✗"}


@dataclass(frozen=True)
class Histogram:
    """How numbers were spread at a step, and when that was, in seconds since 1970.

    low, high: the ends of the buckets, which are of one width; counts: how many numbers are in each, whose lower end
    counts as inside, and of the last also its upper; mean, std: of those that are finite; not_finite: how many others
    there were
    """

    step: int
    time: float
    tag: str
    low: float
    high: float
    counts: tuple[int, ...]
    mean: float
    std: float
    not_finite: int

    @property
    def edges(self) -> Floats:
        """Return where buckets begin and end: float64 [buckets + 1]."""
        # The difference of the ends may be infinite.
        return np.asarray(np.linspace(self.low / 2, self.high / 2, len(self.counts) + 1) * 2, dtype=np.float64)

    @property
    def numbers(self) -> int:
        """How many numbers are in the buckets."""
        return sum(self.counts)


@dataclass(frozen=True)
class Text:
    """A text of a step: one that a script keeps, a picture as shades, a message, or what the model answered then."""

    step: int
    time: float
    kind: Kind
    tag: str
    text: str


@dataclass(frozen=True)
class Media:
    """Histograms and texts, oldest first; damaged: how many there are that can't be read."""

    histograms: tuple[Histogram, ...] = ()
    texts: tuple[Text, ...] = ()
    damaged: int = 0


def buckets(values: NDArray[np.float64], bins: int) -> tuple[NDArray[np.int64], float, float]:
    """Return how many of finite numbers, of any shape, are in each of some buckets of one width, int64 [bins], and
    where the first begins and the last ends."""
    low, high = float(values.min()), float(values.max())
    largest = max(abs(low), abs(high))
    if high - low <= max(SAME * largest, SMALLEST):
        # They are the same, but for rounding: buckets need a width.
        wide = max(0.5, RELATIVE * largest)
        low, high = max(low - wide, -MOST), min(high + wide, MOST)
    scale = LARGEST if largest > LARGEST else 1.0
    counts, _ = np.histogram(values / scale, bins=bins, range=(low / scale, high / scale))
    return counts.astype(np.int64), low, high


def moments(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and standard deviation of finite numbers, which may be of any size."""
    largest = float(np.abs(values).max()) or 1.0
    shares = values / largest
    return float(shares.mean()) * largest, float(shares.std()) * largest


def histogram_detail(tag: str, values: NDArray[np.float64]) -> dict[str, Any]:
    """Return numbers of any shape, one of them finite, as an event holds how they are spread."""
    known = values[np.isfinite(values)]
    counts, low, high = buckets(known, BINS)
    mean, std = moments(known)
    ends = {"low": low, "high": high, "mean": mean, "std": std}
    told = {"kind": "histogram", "tag": tag, **ends, "counts": counts.tolist()}
    return {MEDIA: {**told, "not_finite": values.size - known.size}}


def text_detail(tag: str, text: str, kind: Kind = "text") -> dict[str, Any]:
    """Return a text as an event holds it."""
    more = len(text) - LONGEST_TEXT
    kept = f"{text[:LONGEST_TEXT]}\n… ({count(more, 'more character')} in the run's log)" if more > 0 else text
    return {MEDIA: {"kind": kind, "tag": tag, "text": kept}}


def media_of(store: Store) -> Media:
    """Read what a run keeps beside its numbers: what a script keeps, messages, what a model answers to fixed
    questions."""
    histograms, texts, damaged = list[Histogram](), list[Text](), 0
    for event in store.events():
        for found in _of_event(event):
            if isinstance(found, Histogram):
                histograms.append(found)
            elif found is not None:
                texts.append(found)
            else:
                damaged += 1
    return Media(tuple(histograms), tuple(texts), damaged)


def _of_event(event: Event) -> Iterator[Histogram | Text | None]:
    if event.kind == ANSWERS:
        answers = event.detail.get("answers")
        told = [_answer(one) for one in answers if isinstance(one, Mapping)] if isinstance(answers, list) else []
        yield Text(event.step, event.time, "answers", "answers", "\n".join(told)) if told else None
    elif event.kind == "message":
        held = event.detail.get(MEDIA)
        if held is None:
            yield Text(event.step, event.time, "message", "messages", str(event.detail.get("text", "")))
        else:
            yield _kept(event, held) if isinstance(held, dict) else None


def _answer(answer: Mapping[str, Any]) -> str:
    right = answer.get("right")
    sign = f" {SIGNS[right]}" if isinstance(right, bool) else ""
    return f"{answer.get('asked', '?')} → {answer.get('said', '?')}{sign}"


def _kept(event: Event, held: Mapping[str, Any]) -> Histogram | Text | None:
    kind, tag, text = held.get("kind"), held.get("tag"), held.get("text")
    if not isinstance(tag, str):
        return None
    if kind in ("text", "picture"):
        return Text(event.step, event.time, kind, tag, text) if isinstance(text, str) else None
    counts, others = held.get("counts"), held.get("not_finite")
    numbers = [held.get(name) for name in ("low", "high", "mean", "std")]
    real = [float(one) for one in numbers if type(one) in (int, float) and math.isfinite(one)]  # type: ignore[arg-type]
    if kind != "histogram" or len(real) < len(numbers) or not real[0] < real[1] or type(others) is not int:
        return None
    if not isinstance(counts, list) or not 0 < len(counts) <= MOST_BINS:
        return None
    if not all(type(one) is int and 0 <= one <= LARGEST_WHOLE for one in counts):
        return None
    low, high, mean, std = real
    return Histogram(event.step, event.time, tag, low, high, tuple(counts), mean, std, others)
