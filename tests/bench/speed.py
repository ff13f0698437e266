"""Steps per second of every entrant, interleaved; medians, spread, and ratios to the tutorial round by round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from .entrants import ENTRANTS, REFERENCE
from .measure import Job, measure
from .table import text_table

PRESETS = ("baseline", "sota_warmup")
PARTS = {
    "whole": "A whole run: logging, evaluation and checkpoints as often as the preset says",
    "bare": "The bare loop: updates alone",
}

BUSY = (
    "Seconds are of time on the processor, not of the clock: waiting for the disk and for other processes is left out."
)

Say = Callable[[str], None]


def run_speed(
    presets: Sequence[str],
    entrants: Sequence[str],
    rounds: int,
    seconds: float,
    steps: int | None,
    clock: str,
    say: Say,
) -> dict[str, Any]:
    """Measure every entrant once a round on every preset; return steps per second by preset, entrant and part."""
    found: dict[str, dict[str, dict[str, list[float]]]] = {
        preset: {entrant: {part: [] for part in PARTS} for entrant in entrants} for preset in presets
    }
    for number in range(rounds):
        for preset in presets:
            # A B C, then C B A: a machine that slowly gets warmer or busier favours nobody.
            for entrant in entrants if number % 2 == 0 else reversed(entrants):
                result = measure(Job("speed", entrant, preset, seed=number, steps=steps, seconds=seconds, clock=clock))
                for part in PARTS:
                    found[preset][entrant][part].append(result[part])
                say(f"round {number + 1} of {rounds}: {preset}, {entrant}: {result['whole']:,.0f} steps/s")
    return {"rounds": rounds, "seconds": seconds, "steps": steps, "clock": clock, "steps_per_second": found}


def ratios(speeds: dict[str, dict[str, list[float]]], entrant: str, part: str) -> list[float]:
    """Return an entrant's speed over the tutorial's, each within its own round."""
    return [mine / theirs for mine, theirs in zip(speeds[entrant][part], speeds[REFERENCE][part], strict=True)]


def speed_report(result: dict[str, Any]) -> str:
    """Return the result as text."""
    found = result["steps_per_second"]
    entrants = list(next(iter(found.values())))
    rows: list[list[str]] = []
    for part, title in PARTS.items():
        rows.append([title])
        for preset, speeds in found.items():
            for entrant in entrants:
                row = [f"  {preset}", ENTRANTS[entrant].title, *_spread(speeds[entrant][part], "{:,.0f}")]
                if REFERENCE in speeds:
                    row += _spread(ratios(speeds, entrant, part), "{:.2f}")
                rows.append(row)
    header = ["", "", "steps/s", "lowest–highest", "× tutorial", "lowest–highest"]
    rounds = f"{result['rounds']} round{'s' * (result['rounds'] != 1)}"
    lines = [
        f"Speed: medians of {rounds}, interleaved, each timing in a fresh process; a ratio is taken within its round",
        "",
        text_table(header, rows, left=2),
        *(["", BUSY] if result["clock"] == "cpu" else []),
        "",
        *(f"{ENTRANTS[entrant].title}: {ENTRANTS[entrant].about}" for entrant in entrants),
    ]
    return "\n".join(lines)


def _spread(values: Sequence[float], form: str) -> tuple[str, str]:
    middle, low, high = (form.format(value) for value in (median(values), min(values), max(values)))
    return middle, f"{low}–{high}"
