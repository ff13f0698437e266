"""Whether a model is right as often as it is sure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqsum.formatting import percent
from seqsum.query.question import Answer, Flag, OverLengths, field

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.examples import Bools
    from seqsum.query.loading import Loaded
    from seqsum.runs.buckets import Floats


class Bin(Answer):
    low: float
    high: float
    count: int
    confidence: float | None
    """Mean probability of the answers in this bin; null when it is empty, as is `accuracy`."""
    accuracy: float | None


class CalibrationAnswer(Answer):
    bins: list[Bin]
    expected_error: float
    """Mean distance between confidence and accuracy, weighted by count (Guo et al. 2017's ECE)."""
    asked: int
    exhaustive: bool

    def told(self) -> Iterator[str]:
        yield f"calibration: expected error {percent(self.expected_error)} over {self.asked:,} answers"
        for one in self.bins:
            if one.count:
                span = f"{percent(one.low)}–{percent(one.high)}"
                yield (
                    f"  {span:>14}  sure {percent(one.confidence):>7}  "
                    f"right {percent(one.accuracy):>7}  of {one.count:,}"
                )


class Calibration(OverLengths):
    name: ClassVar = "calibration"
    answers: ClassVar = CalibrationAnswer
    flag: ClassVar = Flag("evaluate", "--calibration", "also whether it is right as often as it is sure")

    bins: int = field(10, "how many bins", ge=2, le=100)

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        if loaded.task.answer in ("class", "tags"):
            return None
        return f'calibration: the task "{loaded.task.config.name}" is not answered with single classes'

    def answer(self, asked: Asked) -> CalibrationAnswer:
        """Sort every class that was answered by its probability, each counted alike."""
        examples, exhaustive = asked.examples(self.low, self.high)
        parts = [(answered.sure, answered.hits) for answered in asked.walked(examples)]
        sure = np.concatenate([part[0] for part in parts])
        hits = np.concatenate([part[1] for part in parts])
        return binned(sure, hits, self.bins, exhaustive)


def binned(sure: Floats, hits: Bools, bins: int, exhaustive: bool) -> CalibrationAnswer:
    """Bins of equal width over 0…1, each holding its upper border (Guo et al. 2017, arXiv 1706.04599)."""
    place = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    sums = np.bincount(place, weights=sure, minlength=bins)
    correct = np.bincount(place, weights=hits, minlength=bins)
    found = [
        Bin(
            low=at / bins,
            high=(at + 1) / bins,
            count=int(counts[at]),
            confidence=float(sums[at] / counts[at]) if counts[at] else None,
            accuracy=float(correct[at] / counts[at]) if counts[at] else None,
        )
        for at in range(bins)
    ]
    gap = float(np.abs(sums - correct).sum() / max(1, len(sure)))
    return CalibrationAnswer(bins=found, expected_error=gap, asked=len(sure), exhaustive=exhaustive)
