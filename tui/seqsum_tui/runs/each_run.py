"""The runs of a group as small multiples: a tiny curve each, those that learned light. Knows no screen."""

from __future__ import annotations

from dataclasses import dataclass

from seqsum import formatting
from seqsum.runs.entry import Entry
from seqsum_tui.charts.multiples import Small
from seqsum_tui.runs.listing import Line
from seqsum_tui.shared import display

LEARNED = "learned"


@dataclass(frozen=True)
class EachRun:
    """`title` counts those that learned; `ends` are those of the shared y axis, None for the curves' own."""

    title: str
    note: str
    curves: tuple[Small, ...]
    ends: tuple[float, float] | None


def each_run(line: Line) -> EachRun:
    """Return a group's runs, by seed where each has its own, else by name; the curve is of accuracy, else of loss."""
    runs = len(line.entries)
    title = f"{line.verdicts[LEARNED]} of {runs} learned"
    training = sum(entry.summary.live for entry in line.entries)
    metric = "accuracy" if any("accuracy" in entry.curves for entry in line.entries) else "loss"
    seeds = [entry.setting("train.seed") for entry in line.entries]
    seeded = all(type(seed) is int for seed in seeds) and len(set(seeds)) == runs
    order = sorted(line.entries, key=lambda entry: (entry.setting("train.seed") if seeded else 0, entry.summary.name))
    note = f"{metric}{', by seed' if seeded else ''}{f' · {training} still train' if training else ''}"
    curves = tuple(_small(entry, metric, str(entry.setting("train.seed")) if seeded else "") for entry in order)
    return EachRun(title, note, curves, (0.0, 1.0) if formatting.is_share(metric) else None)


def _small(entry: Entry, metric: str, name: str) -> Small:
    run = entry.summary
    shown = display.verdict(run) or display.status(run.status)
    return Small(
        run.id, name or display.literal(run.name), entry.curves.get(metric, ()), shown.sign,
        light=run.verdict is not None and run.verdict.word == LEARNED,
        text=formatting.metric(metric, run.value(metric)), end=run.progress if run.live and run.progress else 1.0,
    )  # fmt: skip
