"""Optuna behind a sweep: its journal in the sweep's folder, which settings it asks for, and which it gives up.

Loaded only where a sweep is driven: it takes half a second.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seqsum.errors import UserError
from seqsum.sweeps.definition import JOURNAL, Sweep
from seqsum.sweeps.space import Choices, Range, grid

if TYPE_CHECKING:
    import optuna

FIRST_UNPRUNED = 4
"""Settings that the median is taken over before anything is given up for it."""
LONGEST_LINE = 2**20
SEED = 20
"""Of the samplers; how many settings there are is added, for a driver that goes on begins to draw anew."""


def check_installed() -> None:
    """Raise UserError where Optuna is not installed; nothing is loaded."""
    if importlib.util.find_spec("optuna") is None:
        raise UserError("sweep: needs Optuna, which is not installed: pip install 'seqsum-tui[sweep]'")


def library() -> Any:
    """Return Optuna, quiet. Raises UserError where it is not installed."""
    check_installed()
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def study_of(sweep: Sweep, folder: Path) -> optuna.Study:
    """Open a sweep's study, made when there is none; a grid's settings are all put into its queue then.

    For whoever holds the driver's lock alone.
    """
    import warnings

    library()
    import optuna
    from optuna.storages.journal import JournalFileBackend

    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    _mend(folder / JOURNAL)
    backend = JournalFileBackend(str(folder / JOURNAL))
    storage = optuna.storages.JournalStorage(backend)
    direction: Literal["maximize", "minimize"] = "maximize" if sweep.direction == "higher" else "minimize"
    study: optuna.Study = optuna.create_study(
        storage=storage, study_name=sweep.name, direction=direction, load_if_exists=True, pruner=_pruner(optuna, sweep)
    )
    study.sampler = _sampler(optuna, sweep, len(study.get_trials(deepcopy=False)))
    fill_queue(study, sweep)
    return study


def fill_queue(study: optuna.Study, sweep: Sweep) -> None:
    """Put the settings of a grid that are not there yet into the study's queue, in the grid's order."""
    if sweep.sampler == "grid":
        there = len(study.get_trials(deepcopy=False))
        for setting in itertools.islice(grid(sweep.space), there, sweep.trials):
            study.enqueue_trial(setting)


def _mend(journal: Path) -> None:
    """Take away what a killed driver left: its lock, and half a line."""
    journal.with_name(f"{journal.name}.lock").unlink(missing_ok=True)
    if not journal.exists():
        return
    with journal.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        tail = min(size, LONGEST_LINE)
        file.seek(size - tail)
        if (end := file.read().rfind(b"\n") + 1) < tail:
            file.truncate(size - tail + end)


def _sampler(optuna: Any, sweep: Sweep, trials: int) -> Any:
    samplers, seed = optuna.samplers, SEED + trials
    if sweep.sampler == "tpe":
        # Several settings are tried at once: those under way count as bad, so that they are not tried twice.
        return samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
    if sweep.sampler == "gp":
        return samplers.GPSampler(seed=seed)
    if sweep.sampler == "cmaes":
        return samplers.CmaEsSampler(seed=seed)
    return samplers.RandomSampler(seed=seed)


def _pruner(optuna: Any, sweep: Sweep) -> Any:
    pruners = optuna.pruners
    if sweep.prune == "median":
        return pruners.MedianPruner(n_startup_trials=FIRST_UNPRUNED)
    if sweep.prune == "hyperband":
        steps = int(sweep.config["train"].get("steps") or 0) * len(sweep.seeds)
        return pruners.HyperbandPruner(min_resource=max(steps // 27, 1), max_resource=max(steps, 1))
    if sweep.prune == "wilcoxon":
        return pruners.WilcoxonPruner(p_threshold=0.1)
    return pruners.NopPruner()


def suggested(trial: optuna.Trial, sweep: Sweep) -> dict[str, str]:
    """Draw a setting, or take it from the queue; return path → text."""
    found: dict[str, str] = {}
    for part in sweep.space:
        if isinstance(part, Choices):
            found[part.path] = str(trial.suggest_categorical(part.path, list(part.values)))
        elif part.whole:
            found[part.path] = part.text(trial.suggest_int(part.path, int(part.low), int(part.high), log=part.log))
        else:
            found[part.path] = part.text(trial.suggest_float(part.path, part.low, part.high, log=part.log))
    return found


def text_of(params: dict[str, Any], sweep: Sweep) -> dict[str, str]:
    """Return the setting that a trial of an earlier driver has, as `suggested` returned it."""
    parts = {part.path: part for part in sweep.space}
    return {
        path: parts[path].text(float(value)) if isinstance(parts[path], Range) else str(value)  # type: ignore[union-attr]
        for path, value in params.items()
        if path in parts
    }
