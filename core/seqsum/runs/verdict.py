"""How a run went, in a word and a sentence: computed from its curves, while it trains and after."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seqsum.formatting import metric as spelled
from seqsum.formatting import number, percent, progress
from seqsum.runs.usual_names import usual_of

if TYPE_CHECKING:
    from seqsum.runs.buckets import Buckets
    from seqsum.runs.store import Store

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LEARNED, FEWEST_LEARNED = 0.99, 0.5
HALF_LOST = 0.5
MOST_AT_CHANCE = 0.05
FEWEST_GAINED = 0.2
DIVERGED = 2.0
RISEN, FEWEST_RISEN = 0.1, 0.01
FLAT, LEVEL = 0.05, 0.1
QUARTERS = (0.25, 0.5, 0.75)
LOOKS = 12
"""Beginnings that are tried at most: a verdict is given at each look at a run that trains."""
LAST_PART = 0.25
FEWEST_POINTS = 8
SMOOTHED = 5

RULES: Mapping[str, str] = {
    "diverged": f"the loss is NaN or infinite, or more than {number(DIVERGED)} times what it began with (a fork begins "
    "with the first run of its line)",
    "collapsed": "more than half of what the accuracy had gained over guessing is lost again (it had gained at least "
    f"{progress(FEWEST_GAINED)}; a fork begins with its parent's)",
    "learned": f"the accuracy is {progress(LEARNED)} or more, and at least {progress(FEWEST_LEARNED)} of the way from "
    "guessing to all right (of always the same answer, too, where that is known)",
    "overfits": f"the held-out loss has risen by more than {progress(RISEN)} of its whole fall, while the training "
    "loss went on falling",
    "at chance": f"the accuracy is less than {progress(MOST_AT_CHANCE)} of the way from guessing to all right",
    "plateau": f"the held-out loss (or, without one, the loss) has kept within {progress(FLAT)} of its whole fall for "
    f"the last quarter of the steps or longer, and the medians of that time's halves are within {progress(LEVEL)} of "
    "each other, or their middle halves overlap",
    "too short": f"it ended with fewer than {FEWEST_POINTS} points of its loss, and none of these holds",
    "unstable": "none of these, and the loss is higher than a quarter of the steps before",
    "learning": "none of these: the loss still falls",
}
"""What each word means; the first that holds is given. Losses are medians of five neighbouring points."""

WORDS = ("learned", "learning", "plateau", "too short", "unstable", "overfits", "at chance", "collapsed", "diverged")
"""From the best to the worst."""
POINTS = 100
"""Into how many a curve is thinned at the least."""
LOSSES = {"loss": "Loss", "eval_loss": "Held-out loss"}


@dataclass(frozen=True)
class Verdict:
    """word: one of RULES. sentence: what it rests on, with its figures. step: since when; None where it says none.

    Raises ValueError for what is no verdict: it may come from a file.
    """

    word: str
    sentence: str
    step: int | None = None

    def __post_init__(self) -> None:
        whole = self.step is None or type(self.step) is int
        if self.word not in RULES or not isinstance(self.sentence, str) or not whole:
            raise ValueError(f"no verdict: {self.word}")


@dataclass(frozen=True)
class Past:
    """What the runs had that a fork goes on from.

    accuracy: step and value of the last one before the fork. began: the first value of each loss, in the first run.
    """

    accuracy: tuple[int, float] | None
    began: Mapping[str, float]


@dataclass(frozen=True)
class Curve:
    """Steps and finite values of a metric, float64 [n] each, oldest first; each the median of five neighbours.

    began: what it began with, in the runs before a fork, too; NaN without values
    """

    steps: Floats
    values: Floats
    began: float

    @classmethod
    def of(cls, buckets: Buckets, began: float | None = None) -> Curve:
        """Smooth the means of buckets, each at its last step. began: in the runs before."""
        finite = buckets.finite > 0
        steps, values = buckets.last[finite], buckets.mean[finite]
        if len(values) >= 2 * SMOOTHED:
            padded = np.pad(values, SMOOTHED // 2, mode="edge")
            values = np.median(np.lib.stride_tricks.sliding_window_view(padded, SMOOTHED), axis=1)
        first = float(values[0]) if len(values) else math.nan
        return cls(steps, values, first if began is None else began)

    def __len__(self) -> int:
        return len(self.values)

    def at(self, step: float) -> float:
        """Return the value at a step, or at the next one that has one."""
        return float(self.values[min(int(np.searchsorted(self.steps, step)), len(self) - 1)])


def verdict_of(
    store: Store,
    metrics: Mapping[str, float],
    chance: float | None,
    *,
    live: bool,
    diverged: tuple[int, str] | None,
    past: Past | None = None,
) -> Verdict | None:
    """Say how a run went; None while there is too little to tell.

    metrics: each metric's last value. chance: the accuracy of guessing; None where nobody knows it, or the task has no
    accuracy. live: whether it still trains. diverged: at which step it failed for a number that was not finite, and
    what was said of it. past: of a fork.
    Raises UserError when the store can't be read.
    """
    if chance is not None:
        # What saying always the most frequent answer gets, where a task measures it.
        chance = max(chance, metrics.get("majority_class_accuracy", 0.0))
    names = {name: usual_of(name, metrics) for name in (*LOSSES, "accuracy")}
    accuracy = metrics.get(names["accuracy"], math.nan)
    buckets = store.buckets(names["loss"], count=POINTS)
    past = Past(None, {}) if past is None else past
    loss, held_out = (
        Curve.of(found, past.began.get(name))
        for name, found in (("loss", buckets), ("eval_loss", store.buckets(names["eval_loss"], count=POINTS)))
    )
    found = (
        _diverged(store, names["loss"], metrics.get(names["loss"], 0.0), buckets, loss, diverged)
        or _by_accuracy(store, names["accuracy"], accuracy, chance or 0.0, past.accuracy)
        or _overfits(held_out, loss)
        or _at_chance(accuracy, chance, live)
    )
    if found is not None:
        return found
    name, curve = ("eval_loss", held_out) if len(held_out) >= FEWEST_POINTS else ("loss", loss)
    if len(curve) >= FEWEST_POINTS:
        return _plateau(name, curve, accuracy) or _learning(name, curve, live)
    if live or not len(curve):
        return None
    return Verdict("too short", f"It ended after too few points of its {LOSSES[name].lower()} to say how it went.")


def _since(store: Store, metric: str, buckets: Buckets, whole: Flags, holds: Callable[[Floats], Flags]) -> int:
    """Return the first step from which on something holds of a metric, whose last value has it.

    whole: bool [n], the buckets in which it holds of every point. The points of the last one where it does not are
    looked at one by one.
    """
    others = np.flatnonzero(~whole)
    if not len(others):
        return int(buckets.first[0])
    at = int(others[-1])
    steps, values = store.points(metric, int(buckets.first[at]) - 1, int(buckets.last[at]))
    following = int(np.flatnonzero(~holds(values))[-1]) + 1
    return int(steps[following] if following < len(steps) else buckets.first[at + 1])


def _diverged(
    store: Store, name: str, last: float, buckets: Buckets, curve: Curve, failed: tuple[int, str] | None
) -> Verdict | None:
    if failed is not None:
        step, said = failed
        return Verdict("diverged", f"{said[:1].upper()}{said[1:]}.", step)
    if not math.isfinite(last):
        since = _since(store, name, buckets, buckets.finite == 0, lambda values: ~np.isfinite(values))
        return Verdict("diverged", f"Loss is not finite since step {since:,}.", since)
    if len(curve) < FEWEST_POINTS or curve.began <= 0 or curve.values[-1] <= DIVERGED * curve.began:
        return None
    below = np.flatnonzero(curve.values <= DIVERGED * curve.began)
    since = int(curve.steps[below[-1] + 1 if len(below) else 0])
    began, ended = (spelled("loss", value) for value in (curve.began, float(curve.values[-1])))
    return Verdict("diverged", f"Loss rose from {began} to {ended}, and is that high since step {since:,}.", since)


def _by_accuracy(
    store: Store, name: str, last: float, guessing: float, forked: tuple[int, float] | None
) -> Verdict | None:
    """Whether it collapsed, or learned."""
    if not math.isfinite(last):
        return None
    buckets = store.buckets(name, count=POINTS)
    at = int(np.nanargmax(buckets.high))
    best, peak = None, float(buckets.high[at])
    if forked is not None and forked[1] >= peak:
        best, peak = forked
    gained = peak - guessing
    if gained >= FEWEST_GAINED and last - guessing < HALF_LOST * gained:
        limit = guessing + HALF_LOST * gained
        since = _since(store, name, buckets, buckets.high < limit, lambda values: values < limit)
        if best is None:
            steps, values = store.points(name, int(buckets.first[at]) - 1, int(buckets.last[at]))
            best = int(steps[np.nanargmax(values)])
        sentence = f"Accuracy {percent(peak)} (step {best:,}) fell at step {since:,}; it is now {percent(last)}."
        return Verdict("collapsed", sentence, since)
    if last < LEARNED or _is_near(last, guessing, FEWEST_LEARNED):
        return None
    since = _since(store, name, buckets, buckets.low >= LEARNED, lambda values: values >= LEARNED)
    return Verdict("learned", f"Accuracy is {progress(LEARNED)} or more since step {since:,}.", since)


def _overfits(asked: Curve, trained: Curve) -> Verdict | None:
    if len(asked) < FEWEST_POINTS or len(trained) < FEWEST_POINTS:
        return None
    lowest = int(asked.values.argmin())
    fallen = max(float(asked.values[: lowest + 1].max()), asked.began) - float(asked.values[lowest])
    now, since = float(asked.values[-1]), int(asked.steps[lowest])
    risen = now - float(asked.values[lowest])
    if risen <= max(RISEN * fallen, FEWEST_RISEN * abs(now)) or trained.values[-1] >= trained.at(since):
        return None
    first, last = (spelled("eval_loss", value) for value in (float(asked.values[lowest]), now))
    return Verdict(
        "overfits",
        f"Held-out loss rises since step {since:,} ({first} → {last}), training loss falls.",
        since,
    )


def _at_chance(last: float, chance: float | None, live: bool) -> Verdict | None:
    if chance is None or not _is_near(last, chance, MOST_AT_CHANCE):
        return None
    so_far = "So far it" if live else "It"
    guessing = f"guessing gets {percent(chance)}" if chance else "guessing gets next to none"
    return Verdict("at chance", f"{so_far} answers {percent(last)} right; {guessing}.")


def _is_near(accuracy: float, guessing: float, share: float) -> bool:
    """Whether an accuracy is less than a share of the way from guessing to all right; of no way there is no share."""
    return math.isfinite(accuracy) and (guessing >= 1 or accuracy - guessing < share * (1 - guessing))


def _plateau(name: str, curve: Curve, accuracy: float) -> Verdict | None:
    last = float(curve.values[-1])
    fallen = max(curve.began, float(curve.values[0])) - float(curve.values.min())
    outside = np.flatnonzero(np.abs(curve.values - last) > FLAT * fallen)
    # What is near the end beside a fall from 2.3 may still halve: from there on it must be level, too.
    begin = outside[-1] + 1 if len(outside) else 0
    latest = int(np.searchsorted(curve.steps, _last_part(curve), side="right"))
    looks = np.unique(np.linspace(begin, latest - 1, LOOKS).astype(int)).tolist() if begin < latest else []
    level = next((at for at in looks if _is_level(curve.values[at:])), None)
    if level is None:
        return None
    since = int(curve.steps[level])
    reached = f", accuracy {percent(accuracy)}" if math.isfinite(accuracy) else ""
    figures = f"{spelled(name, last)}{reached}"
    return Verdict("plateau", f"{LOSSES[name]} hardly changes since step {since:,}: {figures}.", since)


def _is_level(values: Floats) -> bool:
    """Whether its halves have one median, or differ by less than each is spread."""
    (low, first, high), (lower, second, higher) = (np.quantile(half, QUARTERS) for half in np.array_split(values, 2))
    return bool(abs(second - first) <= LEVEL * abs(first) or (lower <= high and higher >= low))


def _learning(name: str, curve: Curve, live: bool) -> Verdict:
    last, before = float(curve.values[-1]), curve.at(_last_part(curve))
    figures = f"({spelled(name, before)} → {spelled(name, last)})"
    if last > before:
        return Verdict("unstable", f"{LOSSES[name]} rose in the last quarter of the steps {figures}.")
    more = "" if live else "; more steps may help"
    return Verdict("learning", f"{LOSSES[name]} fell in the last quarter of the steps {figures}{more}.")


def _last_part(curve: Curve) -> float:
    """The step at which the last quarter of a curve begins."""
    return float(curve.steps[-1] - LAST_PART * (curve.steps[-1] - curve.steps[0]))
