"""Whether a model is right as often as it is sure."""

from __future__ import annotations

import numpy as np

from seqsum.errors import UserError
from seqsum.query.examples import Bools, Deadline, Floats, examples_of, walked
from seqsum.query.loading import Loaded
from seqsum.query.protocol import CalibrationAnswer, CalibrationBin


def calibration(loaded: Loaded, low: int | None, high: int | None, bins: int = 10) -> CalibrationAnswer:
    """Sort every class that was answered by its probability, each counted alike; raises UserError where no classes are
    answered."""
    if loaded.task.answer not in ("class", "tags"):
        raise UserError(f'calibration: the task "{loaded.task.config.name}" is not answered with single classes')
    examples, exhaustive = examples_of(loaded, low, high)
    parts = [(answered.sure, answered.hits) for answered in walked(loaded, examples, Deadline("calibration"))]
    sure = np.concatenate([part[0] for part in parts])
    hits = np.concatenate([part[1] for part in parts])
    return binned(sure, hits, bins, exhaustive)


def binned(sure: Floats, hits: Bools, bins: int, exhaustive: bool) -> CalibrationAnswer:
    """Bins of equal width over 0…1, each holding its upper border (Guo et al. 2017, arXiv 1706.04599)."""
    place = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    sums = np.bincount(place, weights=sure, minlength=bins)
    rights = np.bincount(place, weights=hits, minlength=bins)
    found: list[CalibrationBin] = [
        {
            "low": at / bins,
            "high": (at + 1) / bins,
            "count": int(counts[at]),
            "confidence": float(sums[at] / counts[at]) if counts[at] else None,
            "accuracy": float(rights[at] / counts[at]) if counts[at] else None,
        }
        for at in range(bins)
    ]
    gap = float(np.abs(sums - rights).sum() / max(1, len(sure)))
    return {"bins": found, "expected_error": gap, "asked": len(sure), "exhaustive": exhaustive}
