"""How a run went, in a word and a sentence: computed from its curves, while it trains and after."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seqsum.formatting import metric as spelled
from seqsum.formatting import number, percent, progress

if TYPE_CHECKING:
    from seqsum.runs.buckets import Buckets

Floats = NDArray[np.float64]

LEARNED = 0.99
HALF_LOST = 0.5
MOST_AT_CHANCE = 0.05
FEWEST_GAINED = 0.2
DIVERGED = 2.0
RISEN, FEWEST_RISEN = 0.1, 0.01
FLAT = 0.05
LAST_PART = 0.25
FEWEST_POINTS = 8
SMOOTHED = 5

RULES: Mapping[str, str] = {
    "diverged": f"the loss is NaN or infinite, or more than {number(DIVERGED)} times what it began with",
    "collapsed": "more than half of what the accuracy had gained over guessing is lost again (it had gained at least "
    f"{progress(FEWEST_GAINED)})",
    "learned": f"the accuracy is {progress(LEARNED)} or more",
    "overfits": f"the held-out loss has risen by more than {progress(RISEN)} of its whole fall, while the training "
    "loss went on falling",
    "at chance": f"the accuracy is less than {progress(MOST_AT_CHANCE)} of the way from guessing to all right",
    "plateau": f"the held-out loss (or, without one, the loss) has kept within {progress(FLAT)} of its whole fall for "
    "the last quarter of the steps",
    "too short": f"it ended with fewer than {FEWEST_POINTS} points of its loss, and none of these holds",
    "unstable": "none of these, and the loss is higher than a quarter of the steps before",
    "learning": "none of these: the loss still falls",
}
"""What each word means; the first that holds is given. Losses are medians of five neighbouring points."""

CURVES = {"accuracy": 2000, "loss": 100, "eval_loss": 100}
"""What a verdict is made from, and into how many points each is thinned at the least: since when an accuracy holds is
told to the evaluation."""
LOSSES = {"loss": "Loss", "eval_loss": "Held-out loss"}


@dataclass(frozen=True)
class Verdict:
    """word: one of RULES. sentence: what it rests on, with its figures. step: since when; None where it says none."""

    word: str
    sentence: str
    step: int | None = None


@dataclass(frozen=True)
class Curve:
    """Steps and values of a metric, float64 [n] each, oldest first; values may be NaN or infinite."""

    steps: Floats
    values: Floats

    @classmethod
    def of(cls, buckets: Buckets) -> Curve:
        """Take the last step of each bucket, and its mean; a bucket with something infinite or NaN is that."""
        return cls(buckets.last, np.where(buckets.nonfinite > 0, np.nan, buckets.values))

    def __len__(self) -> int:
        return len(self.values)

    def smoothed(self) -> Curve:
        """Return the finite values, each the median of itself and its neighbours."""
        finite = np.isfinite(self.values)
        steps, values = self.steps[finite], self.values[finite]
        if len(values) < 2 * SMOOTHED:
            return Curve(steps, values)
        padded = np.pad(values, SMOOTHED // 2, mode="edge")
        return Curve(steps, np.median(np.lib.stride_tricks.sliding_window_view(padded, SMOOTHED), axis=1))

    def at(self, step: float) -> float:
        """Return the value at a step, or at the next one that has one."""
        return float(self.values[min(int(np.searchsorted(self.steps, step)), len(self) - 1)])


def verdict_of(
    curves: Mapping[str, Curve], chance: float | None, *, live: bool, failed_for: str | None = None
) -> Verdict | None:
    """Say how a run went; None while there is too little to tell.

    curves: those of CURVES that it has. chance: the accuracy of guessing; None where nobody knows it, or the task has
    no accuracy. live: whether it still trains. failed_for: why it failed, if it did.
    """
    empty = Curve(np.zeros(0), np.zeros(0))
    accuracy, loss, held_out = (curves.get(name, empty) for name in CURVES)
    found = (
        _diverged(loss, failed_for)
        or _by_accuracy(accuracy, chance)
        or _overfits(held_out, loss)
        or _at_chance(accuracy, chance, live)
    )
    if found is not None:
        return found
    name, curve = ("eval_loss", held_out) if len(held_out) >= FEWEST_POINTS else ("loss", loss)
    if not live and 0 < np.isfinite(curve.values).sum() < FEWEST_POINTS:
        return Verdict("too short", f"It ended after too few points of its {LOSSES[name].lower()} to say how it went.")
    return _plateau(name, curve, accuracy) or _learning(name, curve, live)


def _diverged(loss: Curve, failed_for: str | None) -> Verdict | None:
    broken = np.flatnonzero(~np.isfinite(loss.values))
    if len(broken) and broken[-1] == len(loss) - 1:
        whole = np.flatnonzero(np.isfinite(loss.values))
        since = int(loss.steps[whole[-1] + 1 if len(whole) else 0])
        return Verdict("diverged", f"Loss is not finite since step {since:,}.", since)
    broke = re.search(r"(.*) became (nan|-?inf) at step (\d+)", failed_for or "")
    if broke:
        step = int(broke[3])
        return Verdict("diverged", f"{broke[1].capitalize()} became {broke[2]} at step {step:,}.", step)
    curve = loss.smoothed()
    if len(curve) < FEWEST_POINTS or curve.values[0] <= 0 or curve.values[-1] <= DIVERGED * curve.values[0]:
        return None
    below = np.flatnonzero(curve.values <= DIVERGED * curve.values[0])
    since = int(curve.steps[below[-1] + 1])
    first, last = (spelled("loss", float(curve.values[end])) for end in (0, -1))
    return Verdict("diverged", f"Loss rose from {first} to {last}, and is that high since step {since:,}.", since)


def _by_accuracy(accuracy: Curve, chance: float | None) -> Verdict | None:
    """Whether it collapsed, or learned."""
    finite = np.isfinite(accuracy.values)
    steps, values = accuracy.steps[finite], accuracy.values[finite]
    if not len(values):
        return None
    base, last = chance or 0.0, float(values[-1])
    best = int(values.argmax())
    gained = float(values[best]) - base
    if gained >= FEWEST_GAINED and last - base < HALF_LOST * gained:
        since = int(steps[np.flatnonzero(values - base >= HALF_LOST * gained)[-1] + 1])
        sentence = (
            f"Accuracy {percent(float(values[best]))} (step {int(steps[best]):,}) fell at step {since:,}; it is now "
            f"{percent(last)}."
        )
        return Verdict("collapsed", sentence, since)
    if last < LEARNED:
        return None
    less = np.flatnonzero(values < LEARNED)
    since = int(steps[less[-1] + 1 if len(less) else 0])
    return Verdict("learned", f"Accuracy is {progress(LEARNED)} or more since step {since:,}.", since)


def _overfits(held_out: Curve, loss: Curve) -> Verdict | None:
    asked, trained = held_out.smoothed(), loss.smoothed()
    if len(asked) < FEWEST_POINTS or len(trained) < FEWEST_POINTS:
        return None
    lowest = int(asked.values.argmin())
    fallen = float(asked.values[: lowest + 1].max() - asked.values[lowest])
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


def _at_chance(accuracy: Curve, chance: float | None, live: bool) -> Verdict | None:
    last = float(accuracy.values[-1]) if len(accuracy) else np.nan
    if chance is None or not last - chance < MOST_AT_CHANCE * (1 - chance):
        return None
    so_far = "So far it" if live else "It"
    guessing = f"guessing gets {percent(chance)}" if chance else "guessing gets next to none"
    return Verdict("at chance", f"{so_far} answers {percent(last)} right; {guessing}.")


def _plateau(name: str, curve: Curve, accuracy: Curve) -> Verdict | None:
    smooth = curve.smoothed()
    if len(smooth) < FEWEST_POINTS:
        return None
    last = float(smooth.values[-1])
    fallen = float(smooth.values[0] - smooth.values.min())
    outside = np.flatnonzero(np.abs(smooth.values - last) > FLAT * fallen)
    since = int(smooth.steps[outside[-1] + 1 if len(outside) else 0])
    if since > smooth.steps[-1] - LAST_PART * (smooth.steps[-1] - smooth.steps[0]):
        return None
    reached = f", accuracy {percent(float(accuracy.values[-1]))}" if len(accuracy) else ""
    figures = f"{spelled(name, last)}{reached}"
    return Verdict("plateau", f"{LOSSES[name]} hardly changes since step {since:,}: {figures}.", since)


def _learning(name: str, curve: Curve, live: bool) -> Verdict | None:
    smooth = curve.smoothed()
    if len(smooth) < FEWEST_POINTS:
        return None
    last, words = float(smooth.values[-1]), LOSSES[name]
    before = smooth.at(float(smooth.steps[-1] - LAST_PART * (smooth.steps[-1] - smooth.steps[0])))
    figures = f"({spelled(name, before)} → {spelled(name, last)})"
    if last > before:
        return Verdict("unstable", f"{words} rose in the last quarter of the steps {figures}.")
    more = "" if live else "; more steps may help"
    return Verdict("learning", f"{words} fell in the last quarter of the steps {figures}{more}.")
