"""What the engine and the tutorial's loop reach over the same seeds, judged alike on the whole input space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from seqsum.formatting import percent

from . import ranks
from .entrants import ENTRANTS, REFERENCE
from .measure import Job, measure
from .table import text_table

CONVERGED = 0.99
SIGNIFICANT = 0.05  # after doubling the smaller p: two tests have two chances to be struck by luck

Say = Callable[[str], None]


def run_accuracy(
    preset: str, seeds: Sequence[int], steps: int | None, entrant: str, processes: int, say: Say
) -> dict[str, Any]:
    """Train `entrant` and the tutorial's loop for every seed, up to `processes` at once; return every result."""
    # The tutorial's first: it takes longest.
    jobs = [Job("accuracy", name, preset, seed, steps) for name in (REFERENCE, entrant) for seed in seeds]

    def act(job: Job) -> dict[str, Any]:
        result = measure(job)
        say(f"{preset}, seed {job.seed}, {job.entrant}: {percent(result['accuracy'])} in {result['seconds']:.0f} s")
        return result

    with ThreadPoolExecutor(processes) as pool:
        try:
            results = list(pool.map(act, jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return {
        "preset": preset,
        "seeds": list(seeds),
        "steps": results[0]["steps"],
        "sequences": results[0]["sequences"],
        "exhaustive": results[0]["exhaustive"],
        "runs": {REFERENCE: results[: len(seeds)], entrant: results[len(seeds) :]},
    }


def accuracy_report(result: dict[str, Any]) -> str:
    """Return the result as text: both sets, sorted; quartiles; the rank tests, and what they say."""
    sets = {name: [run["accuracy"] for run in runs] for name, runs in result["runs"].items()}
    rows = []
    for name, values in sets.items():
        quartiles = [ranks.quantile(values, share) for share in (0, 0.25, 0.5, 0.75, 1)]
        converged = sum(value >= CONVERGED for value in values)
        rows.append([ENTRANTS[name].title, *map(_percent, quartiles), f"{converged} of {len(values)}"])
    header = ["accuracy", "lowest", "quartile", "median", "quartile", "highest", f"≥ {CONVERGED:.0%}"]
    asked = f"{'all ' if result['exhaustive'] else 'a sample of '}{result['sequences']:,} sequences"
    lines = [
        f"Accuracy: {result['preset']}, {result['steps']:,} steps, {len(result['seeds'])} seeds, on {asked}",
        "",
        text_table(header, rows),
        "",
        "Sorted:",
    ]
    width = max(len(ENTRANTS[name].title) for name in sets)
    for name, values in sets.items():
        lines.append(f"  {ENTRANTS[name].title:{width}}  {' '.join(_percent(value) for value in sorted(values))}")
    lines.append("By seed (the same seed begins with the same weights, and sees other data):")
    for name, values in sets.items():
        lines.append(f"  {ENTRANTS[name].title:{width}}  {' '.join(_percent(value) for value in values)}")
    return "\n".join([*lines, "", *_comparison(sets)])


def _comparison(sets: dict[str, list[float]]) -> list[str]:
    theirs, ours = sets.values()
    first = list(sets)[1]
    whole = ranks.mann_whitney(ours, theirs)
    paired = ranks.signed_rank(ours, theirs)
    low, middle, high = (100 * value for value in ranks.shift(ours, theirs))
    verdict = (
        "no sign that the two sets come from different distributions"
        if 2 * min(whole.p, paired.p) >= SIGNIFICANT
        else "a difference that chance alone would seldom make"
    )
    return [
        f"Mann–Whitney U = {whole.statistic:g} of {len(ours) * len(theirs)}, exact two-sided p = {whole.p:.3f}; "
        f"paired by seed (Wilcoxon) W+ = {paired.statistic:g}, exact p = {paired.p:.3f}: {verdict}.",
        f"{ENTRANTS[first].title} less {ENTRANTS[REFERENCE].title}: {middle:+.2f} points "
        f"(Hodges–Lehmann; 95% range {low:+.2f} to {high:+.2f}: a smaller difference than that could hide here).",
    ]


def _percent(value: float) -> str:
    return f"{percent(value):>7}"
