"""All that a run's folder says."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from seqsum.runs import Run, Store


def said_of(run: Run, untold: Collection[str] = ()) -> dict[str, str]:
    """Return path → what is in it, but for the times of events and, in JSON, the keys `untold`."""
    said = {}
    for path in sorted(run.folder.rglob("*")):
        name = str(path.relative_to(run.folder))
        if path.name == "metrics.db":
            with Store(path) as store:
                points = {metric: [part.tolist() for part in store.points(metric)] for metric in store.metrics()}
                events = [(event.kind, event.step, event.detail) for event in store.events()]
                asked = [(command.verb, command.arguments) for command in store.pending_commands()]
                said[name] = json.dumps(_without([points, events, asked, store.state()], untold))
        elif path.is_file() and path.name != "worker.lock":
            text = path.read_text("latin-1")
            told = untold and path.suffix == ".json"
            said[name] = json.dumps(_without(json.loads(text), untold), sort_keys=True) if told else text
        elif path.is_dir():
            said[name] = "a folder"
    return said


def _without(value: Any, untold: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(one, untold) for key, one in value.items() if key not in untold}
    return [_without(one, untold) for one in value] if isinstance(value, list | tuple) else value
