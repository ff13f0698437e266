"""Runs of a stranger: every text in record, store, log and notes tries to steer the terminal."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.annotations import ANNOTATIONS_FILE

# Title, clipboard (OSC 52), colours, clearing, C1 controls, writing direction, a lone surrogate, no width, markup.
STEERING = (
    "\x1b]0;PWNED\x07\x1b]52;c;UFdORUQ=\x07\x1b[38;5;211m\x1b[2J\x9b31m\x9d\u202e\u2066\ud800\u200b\r\x08[bold red]x[/]"
)
MARKS = ["\x1b]0;PWNED", "\x1b]52", "\x1b[38;5;211m", "\x9b", "\x9d", "\u202e", "\u2066", "\u200b", "\x08"]


def steered_by(written: bytes) -> list[str]:
    """Return what of a stranger's text reached the terminal as it was."""
    return [mark for mark in MARKS if mark.encode() in written]


def hostile_run(workspace: Workspace, status: str = "finished", **config: str) -> Run:
    """Make a run with such words everywhere that a stranger's folder can have them."""
    made = workspace.create("baseline", load_preset("baseline").config.changed(config, "test"), "fine")
    with made.store() as store:
        points = [(name, step, 1 / step) for name in ("loss", "accuracy", f"m{STEERING}") for step in (100, 200)]
        store.append([(name.replace("\ud800", ""), step, value) for name, step, value in points])
        store.add_event(100, "message", text=STEERING)
        store.add_event(100, f"kind{STEERING}".replace("\ud800", ""), detail=STEERING)
        store.set_state(status=status, step=200, updated=time.time(), reason=f"reason{STEERING}", train_seconds=1.0)
    made.log.write_text(f"log {STEERING}\n".replace("\ud800", ""), encoding="utf-8")
    record: dict[str, Any] = json.loads((made.folder / "run.json").read_text())
    record |= {
        "name": f"name{STEERING}", "preset": f"preset{STEERING}", "host": f"host{STEERING}", "device": STEERING,
        "backend": STEERING, "git_commit": STEERING, "versions": {f"v{STEERING}": STEERING}, "plugins": [STEERING],
        "parent": {"run": f"parent{STEERING}", "step": 3}, "command": f"seqsum {STEERING}", "directory": STEERING,
        "machine": {"cpu": STEERING, "cores": 2, "instructions": STEERING}, "plugin_hashes": {STEERING: STEERING},
    }  # fmt: skip
    record["config"]["track"] |= {"group": f"group{STEERING}", "tags": [f"tag{STEERING}"], "description": STEERING}
    (made.folder / "run.json").write_text(json.dumps(record))
    repository = {"of": STEERING, "folder": STEERING, "commit": STEERING, "dirty": True, "diff": STEERING}
    (made.folder / "repository.json").write_text(json.dumps({"repositories": [repository, {"why": STEERING}]}))
    (made.folder / ANNOTATIONS_FILE).write_text(json.dumps({"note": f"note{STEERING}\nsecond line"}))
    return made


def hostile_preset(folder: Path) -> Path:
    """Write a preset whose words, and whose file's name, steer too."""
    words = json.dumps(f"words{STEERING}".replace("\ud800", ""))
    path = folder / f"pre{STEERING}set.toml".replace("\ud800", "").replace("/", "")
    path.write_text(f"title = {words}\ndescription = {words}\nlook_for = {words}\n[optim]\nlr = 0.01\n", "utf-8")
    return path
