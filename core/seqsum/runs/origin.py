"""Where a run comes from, in words: what was typed, where, with which state of which code, and on what it computed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqsum.runs.kinds import Fields
from seqsum.runs.provenance import SOURCE_FOLDER, code_names, repositories
from seqsum.runs.record import Record
from seqsum.text import one_line

TOLD_VERSIONS = ("seqsum-tui", "python", "torch", "numpy", "numba")


def facts_of(folder: Path, record: Record) -> dict[str, str]:
    """Return what is known of where a run comes from, in the order in which it is told: what → words. folder: its."""
    found = dict[str, str]()
    if record.repeats:
        found["repeats"] = record.repeats
    if record.command:
        found["typed"] = record.command
    if record.directory:
        found["in"] = record.directory
    known = repositories(folder)
    for number, repository in enumerate(known, 1):
        found["commit" if number == 1 else f"commit {number}"] = _repository(repository)
    if not known and record.git_commit:
        found["commit"] = record.git_commit
    for number, source in enumerate(record.plugins, 1):
        kept = code_names(folder, record.plugin_hashes.get(source, ""))
        where = f", its code kept in {SOURCE_FOLDER}/{kept[0]}" if kept else ""
        found["plug-in" if number == 1 else f"plug-in {number}"] = f"{source}{where}"
    if record.machine:
        found["computed on"] = machine_told(record.machine)
    versions = [f"{name} {record.versions[name]}" for name in TOLD_VERSIONS if name in record.versions]
    if versions:
        found["versions"] = ", ".join(versions)
    return {what: one_line(text) for what, text in found.items()}


def machine_told(machine: Mapping[str, Any]) -> str:
    """Say what a run computed on: processor, what torch uses of it, and how many cores there are."""
    given = Fields(machine, "")
    cores = given.whole("cores")
    parts = [given.text("cpu"), given.text("instructions"), f"{cores} cores" if cores else ""]
    return ", ".join(filter(None, parts))


def _repository(repository: Mapping[str, Any]) -> str:
    commit = (repository["commit"] or "no commit yet")[:12]
    if repository["dirty"]:
        hidden = repository["hidden_lines"]
        rest = ", its end left out" * repository["cut"] + f", {hidden} lines of it hidden" * bool(hidden)
        changed = f"changed since: {repository['diff']}{rest}"
    elif repository["dirty"] is None:
        changed = "whether changed since is not known" + (f": {why}" if (why := repository["why"]) else "")
    else:
        changed = "unchanged since"
    return f"{commit} of {repository['folder']}, {changed}"
