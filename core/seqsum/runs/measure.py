"""What the accuracy and eval_loss of a run are means over.

They are expectations under what training draws. Those of runs of earlier versions stand as they were written: every
example that an evaluation asked counted alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from seqsum.runs.record import Record

MEASURE = "as drawn"
"""Stands in every checkpoint whose evaluations were measured so."""

EARLIER_SIGN = "*"
"""Beside an accuracy that was measured as an earlier version did."""

WALKED = 2_000_000
"""Up to so many inputs all were asked; of more there was a sample with as many of each length."""

EARLIER = {
    "addition": "over distinct questions",
    "reverse_string": "over all symbols",
    "duplicate_string": "over all symbols",
    "odds_first": "over all symbols",
    "stack_manipulation": "over all symbols",
    "character_lm": "of 32 readers that begin in the middle",
    "counting": "of ten readers that begin in the middle",
}


def earlier_measure(config: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what an earlier version's accuracy and eval_loss were means over; "" where they are the same now.

    config: section → field → value, as a record has it
    """
    task = config.get("task", {})
    if task.get("name") != "sum_modulo":
        return EARLIER.get(str(task.get("name")), "")
    low, high, modulus = (task.get(name) for name in ("min_length", "max_length", "modulus"))
    if not (isinstance(low, int) and isinstance(high, int) and isinstance(modulus, int)) or low == high:
        return ""
    walked = high * math.log(max(modulus, 2)) < math.log(WALKED)
    return "over all inputs" if walked else ""


def measure_of(record: Record) -> str:
    """Return what a run's accuracy and eval_loss are means over, where that is not what training draws; else "".

    What a script or another program measures is its own: of that nothing is known here.
    """
    if record.watched is not None:
        return ""
    earlier = earlier_measure(record.config)
    if not earlier or record.measured_since == 0:
        return ""
    return earlier if record.measured_since is None else f"{earlier} up to step {record.measured_since:,}"
