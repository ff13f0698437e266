"""How the command line writes: JSON Lines, or plain text that is safe to print."""

from __future__ import annotations

import json
import math
from typing import Any

from seqsum.errors import printable
from seqsum.formatting import duration, metric, speed
from seqsum.runs import Summary
from seqsum.runs.measure import MEASURE


def say(text: str) -> None:
    """Print text literally: escape sequences in names or logs are made visible."""
    print(printable(text), flush=True)


def say_json(value: dict[str, Any]) -> None:
    """Print one JSON line; NaN and infinity, which JSON lacks, become null."""
    print(json.dumps(_finite(value), allow_nan=False), flush=True)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def summary_plain(summary: Summary) -> dict[str, Any]:
    """A run's summary as JSON-ready values."""
    return {
        "run": summary.id,
        "name": summary.name,
        "preset": summary.preset,
        "status": summary.status,
        "step": summary.step,
        "steps": summary.steps,
        "pid": summary.pid,
        "created": summary.created,
        "reason": summary.reason,
        "train_seconds": summary.train_seconds,
        "steps_per_second": summary.steps_per_second,
        "group": summary.group,
        "tags": list(summary.tags),
        "note": summary.note,
        "starred": summary.starred,
        "measure": summary.measure or MEASURE,
        "metrics": summary.metrics,
    }


def run_line(summary: Summary) -> str:
    """One line about where a run stands."""
    parts = [f"step {summary.step:,}/{summary.steps:,}"]
    parts += [
        f"{name} {metric(name, summary.metrics[name])}" for name in ("loss", "accuracy") if name in summary.metrics
    ]
    if summary.steps_per_second:
        parts.append(speed(summary.steps_per_second, "steps"))
    if summary.seconds_left is not None:
        parts.append(f"{duration(summary.seconds_left)} left")
    return "  ".join(parts)
