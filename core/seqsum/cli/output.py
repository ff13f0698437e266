"""How the command line writes: JSON Lines, or plain text that is safe to print."""

from __future__ import annotations

import json
import math
import time
from typing import Any

from seqsum.errors import printable
from seqsum.runs import Summary


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
        "metrics": summary.metrics,
    }


def duration(seconds: float) -> str:
    """A duration in the two units that matter: 42 s, 3 min 5 s, 2 h 10 min, 3 d 4 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    for size, large, unit, small in ((60, 3600, "min", "s"), (3600, 86_400, "h", "min"), (86_400, 0, "d", "h")):
        if whole < large or not large:
            rest = (whole % size) // {"s": 1, "min": 60, "h": 3600}[small]
            return f"{whole // size} {unit} {rest} {small}" if rest else f"{whole // size} {unit}"
    raise AssertionError(seconds)


def metric(name: str, value: float | None) -> str:
    """A metric as people read it: accuracy in percent, loss with four decimals."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+∞" if value > 0 else "-∞"
    if "accuracy" in name:
        return f"{100 * value:.2f}%"
    return f"{value:.4f}" if "loss" in name and 1e-4 <= abs(value) < 1e6 else f"{value:.4g}"


def run_line(summary: Summary) -> str:
    """One line about where a run stands."""
    parts = [f"step {summary.step:,}/{summary.steps:,}"]
    parts += [
        f"{name} {metric(name, summary.metrics[name])}" for name in ("loss", "accuracy") if name in summary.metrics
    ]
    if summary.steps_per_second:
        parts.append(f"{summary.steps_per_second:,.0f} steps/s")
    if summary.seconds_left is not None:
        parts.append(f"{duration(summary.seconds_left)} left")
    return "  ".join(parts)


def age(created: float) -> str:
    return f"{duration(max(0.0, time.time() - created))} ago"
