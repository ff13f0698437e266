"""What runs were set to, and in which of it they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqsum.runs import Run
from seqsum.schema import as_text

# What a run is called and where it is told about changes nothing in how it trains.
TRACKING = "track."
SEED = "train.seed"
FACTS = ("parameters", "device", "backend", "git_commit")
SCRIPT = "run.script"
ABSENT = "–"


def fields_of(run: Run) -> dict[str, Any]:
    """Return path → value of a run's configuration as it stands, and of the facts that come with it.

    A configuration that can't be read here (its plug-in is missing) is taken as it was written.
    """
    sections = run.settings()
    found = {f"{section}.{name}": value for section, values in sections.items() for name, value in values.items()}
    record = run.record_or_blank()
    found.update({f"run.{name}": getattr(record, name) for name in FACTS if getattr(record, name, None) is not None})
    if record.watched is not None:
        found[SCRIPT] = record.preset
    return found


def texts_of(runs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return path → value as text; where the runs of a group differ, every value once: `0, 1, 2`."""
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        for path, value in run.items():
            found.setdefault(path, {})[as_text(value)] = None
    return {path: ", ".join(values) for path, values in found.items()}


def differing_fields(fields: Sequence[Mapping[str, str]], *, seeds: bool = True) -> dict[str, tuple[str, ...]]:
    """Return path → each value, only for what is not the same everywhere, in the schema's order.

    What a run does not have (another task's field) is `–`. How runs are tracked (group, tags, description) is no
    setting that they differ in; nor is the seed, without `seeds`: within a group it differs by intent.
    """
    paths = dict.fromkeys(
        path for run in fields for path in run if not path.startswith(TRACKING) and (seeds or path != SEED)
    )
    order = {section: place for place, section in enumerate(dict.fromkeys(path.partition(".")[0] for path in paths))}
    found = {}
    for path in sorted(paths, key=lambda path: order[path.partition(".")[0]]):
        values = tuple(run.get(path, ABSENT) for run in fields)
        # Of a run whose record can't be read nothing is known, and so no difference.
        if len({value for run, value in zip(fields, values, strict=True) if run}) > 1:
            found[path] = values
    return found
