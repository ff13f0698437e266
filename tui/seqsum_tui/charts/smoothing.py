"""The time constants that the smoothing keys go through, in steps."""

from __future__ import annotations

LEVELS = tuple(float(f"{part}e{power}") for power in range(9) for part in (1, 2, 5))
_FINEST, _COARSEST = 1 / 200, 1.0
"""Shares of the stretch that is shown: less can't be seen, more makes all one."""


def next_level(now: float, direction: int, span: float) -> float:
    """Return the next round number of steps, upward (1) or downward (-1), that tells on a stretch of `span` steps; 0 is
    below the first."""
    levels = [level for level in LEVELS if span * _FINEST <= level <= max(span * _COARSEST, 1.0)]
    if direction > 0:
        return next((level for level in levels if level > now), now)
    return next((level for level in reversed(levels) if level < now), 0.0)
