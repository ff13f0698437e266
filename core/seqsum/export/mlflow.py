"""A run as one of MLflow's file store: EXPERIMENT/RUN with a file for each metric, parameter and tag."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from seqsum.export.folder import Folder, Inner
from seqsum.export.media_tables import HISTOGRAM_COLUMNS, TEXT_COLUMNS, histogram_rows, text_rows
from seqsum.export.whole import Whole
from seqsum.foreign.mlflow import META, METRICS, NAME_TAG, PARAMS, TAGS, named_experiment

EXPERIMENT, ARTIFACTS = "seqsum", "artifacts"
STATUSES = {"queued": 2, "finished": 3, "failed": 4, "died": 4, "stopped": 5}
"""MLflow's numbers: scheduled, finished, failed, killed; 1 is one that runs."""
LONGEST_NAME, LONGEST_PARAM, LONGEST_TAG = 200, 6000, 8000


def folder(whole: Whole, root: Path) -> Folder:
    """Return a run's folder in a store, whose experiment is made where it is not there."""
    known = named_experiment(root, EXPERIMENT)
    experiment = known or str(int(hashlib.sha256(EXPERIMENT.encode()).hexdigest()[:14], 16))
    place, here = root.absolute() / experiment, (experiment, whole.id)
    files: dict[Inner, bytes] = {(META,): _meta(whole, experiment, (place / whole.id / ARTIFACTS).as_uri())}
    for name, (steps, values) in whole.points.items():
        rows = zip(whole.times(steps).tolist(), values.tolist(), steps.tolist(), strict=True)
        lines = "".join(f"{round(when * 1000)} {value!r} {int(step)}\n" for when, value, step in rows)
        files[_place(METRICS, name, files)] = lines.encode()
    for name, value in whole.settings().items():
        files[_place(PARAMS, name, files)] = str(value)[:LONGEST_PARAM].encode("utf-8", "replace")
    tables = _tables(whole)
    files |= {(ARTIFACTS, name): json.dumps(table).encode() for name, table in tables.items()}
    for name, text in _tags(whole, tables).items():
        files[_place(TAGS, name, files)] = text[:LONGEST_TAG].encode("utf-8", "replace")
    now = round(time.time() * 1000)
    told = {
        "artifact_location": place.as_uri(), "creation_time": now, "experiment_id": experiment,
        "last_update_time": now, "lifecycle_stage": "active", "name": EXPERIMENT,
    }  # fmt: skip
    beside: dict[Inner, bytes] = {} if known else {(experiment, META): _yaml(told)}
    ours = rf"{META}|metrics|params|tags|artifacts|inputs|outputs|traces"
    # Without all four MLflow takes it for no run.
    return Folder(here, files, beside, (METRICS, PARAMS, TAGS, ARTIFACTS), ours)


def _meta(whole: Whole, experiment: str, artifacts: str) -> bytes:
    return _yaml(
        {
            "artifact_uri": artifacts,
            "end_time": None if whole.ended is None else round(whole.ended * 1000),
            "entry_point_name": "",
            "experiment_id": experiment,
            "lifecycle_stage": "active",
            "run_id": whole.id,
            "run_name": whole.name,
            "source_name": "",
            "source_type": 4,
            "source_version": "",
            "start_time": round(whole.created * 1000),
            "status": STATUSES.get(whole.status, 1),
            "tags": [],
            "user_id": str(whole.facts.get("owner", "")),
        }
    )


def _tables(whole: Whole) -> dict[str, dict[str, Any]]:
    """Return the tables of histograms and texts, which MLflow has no place for, by the names of their files."""
    found = {
        "histograms": (HISTOGRAM_COLUMNS, histogram_rows(whole.media.histograms)),
        "texts": (TEXT_COLUMNS, text_rows(whole.media.texts)),
    }
    return {f"{name}.json": {"columns": columns, "data": rows} for name, (columns, rows) in found.items() if rows}


def _tags(whole: Whole, tables: Collection[str]) -> dict[str, str]:
    """MLflow has no groups, and its tags have values; tables: the names of files that it is to show as such."""
    found = {
        NAME_TAG: whole.name, "mlflow.note.content": whole.note, "mlflow.user": str(whole.facts.get("owner", "")),
        "mlflow.source.name": whole.preset, "mlflow.source.git.commit": str(whole.facts.get("git_commit", "")),
        "group": whole.group, "tags": ", ".join(whole.tags),
        "mlflow.loggedArtifacts": json.dumps([{"path": name, "type": "table"} for name in tables]) if tables else "",
    }  # fmt: skip
    facts = {f"seqsum.{name}": str(value) for name, value in whole.facts.items()}
    return {name: text for name, text in {**found, **facts}.items() if text}


def _place(kind: str, name: str, taken: dict[Inner, bytes]) -> Inner:
    """Return where a value lies: MLflow's names are letters, digits, and _-. :/, and those with a slash are folders."""
    clean = re.sub(r"[^\w. :/-]", "_", name, flags=re.ASCII)[:LONGEST_NAME]
    parts = [part for part in clean.split("/") if part.strip(". ")] or ["_"]
    place: Inner = (kind, *parts)
    # A folder can't stand where a file does.
    while (
        place in taken
        or any(place[:end] in taken for end in range(2, len(place)))
        or any(other[: len(place)] == place for other in taken)
    ):
        place = (kind, "_".join(place[1:]) + "_")
    return place


def _yaml(values: dict[str, Any]) -> bytes:
    """A flat list of names and values: JSON's words are YAML's, too."""
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in values.items()).encode()
