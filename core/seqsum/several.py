"""Several runs of one configuration that differ in their seed alone: one group, to be judged together."""

from __future__ import annotations

from collections.abc import Callable

from seqsum.config import Config, resolved
from seqsum.errors import ConfigError
from seqsum.launch import Launcher
from seqsum.runs import Run, Workspace
from seqsum.training.fits import check_backend

LARGEST_SEED = 2**32 - 1


def seeds_from(config: Config, count: int) -> range:
    """Return the seeds of `count` runs: the configuration's own and those after it; raise ConfigError beyond bounds."""
    first = config.train.seed
    if first + count - 1 > LARGEST_SEED:
        raise ConfigError("seeds", [("train.seed", f"must leave room for {count} seeds below {LARGEST_SEED + 1}")])
    return range(first, first + count)


def group_of(config: Config, stem: str, count: int, taken: Callable[[], set[str]]) -> str:
    """Return the group that the runs stand in: the configuration's own, else a new one."""
    if config.track.group:
        return config.track.group
    base = f"{stem} ×{count}"
    groups, number, group = taken(), 2, base
    while group in groups:
        group, number = f"{base} ({number})", number + 1
    return group


def start_seeds(
    workspace: Workspace, launcher: Launcher, preset: str, config: Config, count: int, name: str | None = None
) -> list[Run]:
    """Queue `count` runs with consecutive seeds, in one group; as many train at once as there are workers.

    All are made before the first begins. Raises UserError when that can't be; what was made by then stays, queued.
    """
    config, task = resolved(config, "train")
    check_backend(config, task, "train")
    stem = name or preset
    seeds = seeds_from(config, count)
    group = group_of(config, stem, count, lambda: {summary.group for summary in workspace.summaries() if summary.group})
    runs = [
        workspace.create(
            preset,
            config.changed({"train.seed": seed, "track.group": group}, "train"),
            stem=f"{stem} seed {seed}",
        )
        for seed in seeds
    ]
    for run in runs:
        launcher.submit(run, queue=True)
    return runs
