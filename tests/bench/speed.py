"""Steps per second of every entrant, interleaved; medians, spread, and ratios to the tutorial round by round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from .cases import LARGER, config_of, flops_per_step
from .entrants import ENTRANTS, REFERENCE
from .measure import Job, measure
from .peak import best_product, peak_jobs, peak_lines
from .table import text_table

PARTS = {
    "whole": "A whole run: logging, evaluation and checkpoints as often as the preset says",
    "bare": "The bare loop: updates alone",
}

JAX = "jax"
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
    entrants = [entrant for entrant in entrants if not ENTRANTS[entrant].missing]
    found: dict[str, dict[str, dict[str, list[float]]]] = {
        preset: {entrant: {part: [] for part in parts_of(preset)} for entrant in entrants} for preset in presets
    }
    peaks: list[dict[str, dict[str, float]]] = []
    for number in range(rounds):
        peaks.append({name: measure(Job("peak", name, "", clock=clock)) for name in peak_jobs()})
        for preset in presets:
            # A B C, then C B A: a machine that slowly gets warmer or busier favours nobody.
            for entrant in entrants if number % 2 == 0 else reversed(entrants):
                result = measure(Job("speed", entrant, preset, seed=number, steps=steps, seconds=seconds, clock=clock))
                for part in parts_of(preset):
                    found[preset][entrant][part].append(result[part])
                say(f"round {number + 1} of {rounds}: {preset}, {entrant}: {result['bare']:,.0f} steps/s")
    figures = {"peaks": peaks, "steps_per_second": found}
    return {"rounds": rounds, "seconds": seconds, "steps": steps, "clock": clock, **figures}


def parts_of(case: str) -> list[str]:
    """Return what is timed: of the larger networks the updates alone, a whole run would take minutes."""
    return ["bare"] if case in LARGER else list(PARTS)


def ratios(speeds: dict[str, dict[str, list[float]]], entrant: str, part: str, over: str = REFERENCE) -> list[float]:
    """Return an entrant's speed over another's, by default the tutorial's, each within its own round."""
    return [mine / theirs for mine, theirs in zip(speeds[entrant][part], speeds[over][part], strict=True)]


def shares_of_peak(
    speeds: dict[str, dict[str, list[float]]], entrant: str, case: str, peaks: Sequence[dict[str, dict[str, float]]]
) -> list[float]:
    """Return the share of the machine's matrix-product peak that the updates' products reach, each in its round."""
    flops = flops_per_step(config_of(case))
    return [flops * speed / best_product(peak) for speed, peak in zip(speeds[entrant]["bare"], peaks, strict=True)]


def speed_report(result: dict[str, Any]) -> str:
    """Return the result as text."""
    found = result["steps_per_second"]
    entrants = list(next(iter(found.values())))
    rows: list[list[str]] = []
    for part, title in PARTS.items():
        rows.append([title])
        for preset, speeds in found.items():
            for entrant in entrants if part in parts_of(preset) else ():
                row = [f"  {preset}", ENTRANTS[entrant].title, *_spread(speeds[entrant][part], _steps)]
                row += _spread(ratios(speeds, entrant, part), "{:.2f}".format) if REFERENCE in speeds else ("", "")
                row += [f"{median(ratios(speeds, entrant, part, JAX)):.2f}"] if JAX in speeds else [""]
                if part == "bare" and result.get("peaks"):
                    row += [f"{median(shares_of_peak(speeds, entrant, preset, result['peaks'])):.1%}"]
                rows.append(row)
    header = ["", "", "steps/s", "lowest–highest", "× tutorial", "lowest–highest", "× JAX", "of peak"]
    rounds = f"{result['rounds']} round{'s' * (result['rounds'] != 1)}"
    lines = [
        f"Speed: medians of {rounds}, interleaved, each timing in a fresh process; a ratio is taken within its round",
        "",
        text_table(header, rows, left=2),
        *(["", BUSY] if result["clock"] == "cpu" else []),
        *(["", *peak_lines(result["peaks"])] if result.get("peaks") else []),
        "",
        *(f"{ENTRANTS[entrant].title}: {ENTRANTS[entrant].about}" for entrant in entrants),
        *([] if JAX in entrants else ["JAX is not installed here: pip install --editable '.[bench]' adds it"]),
    ]
    return "\n".join(lines)


def _steps(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _spread(values: Sequence[float], text: Callable[[float], str]) -> tuple[str, str]:
    middle, low, high = (text(value) for value in (median(values), min(values), max(values)))
    return middle, f"{low}–{high}"
