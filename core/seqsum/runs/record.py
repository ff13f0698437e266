"""The record of a run: who made it, from what, with which versions. `run.json` in its folder."""

from __future__ import annotations

import json
import platform
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from seqsum import plugins
from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.runs.files import write_json
from seqsum.runs.gone import RunGone
from seqsum.text import one_line

RECORD_FILE = "run.json"
FORMAT = 1
PACKAGES = ("seqsum-tui", "torch", "numpy", "pydantic", "safetensors", "swanlab")


@dataclass(frozen=True)
class Record:
    """What is known of a run when it begins; the worker adds device, threads and backend."""

    id: str
    name: str
    preset: str
    created: str
    config: dict[str, dict[str, Any]]
    seed: int
    versions: dict[str, str] = field(default_factory=dict)
    git_commit: str | None = None
    host: str = ""
    device: str | None = None
    threads: int | None = None
    backend: str | None = None
    parameters: int | None = None
    parent: dict[str, Any] | None = None
    """Of a forked run: {"run": the id, "step": of the checkpoint it began with}."""
    outcome: dict[str, Any] | None = None
    """How the last worker ended: {"status", "reason", "step"}; None while one is at it, or when it died."""
    plugins: list[str] = field(default_factory=list)
    """The plug-ins that task and model come from. Only told, never run from here: a run folder may be a stranger's."""
    measured_since: int | None = None
    """The step from which accuracy and eval_loss are means over what training draws; None in an earlier version."""
    format: int = FORMAT

    @classmethod
    def new(cls, id: str, name: str, preset: str, config: Config, parent: dict[str, Any] | None = None) -> Record:
        return cls(
            id=id,
            name=name,
            preset=preset,
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            config=config.plain(),
            seed=config.train.seed,
            versions=installed_versions(),
            git_commit=git_commit(),
            host=socket.gethostname(),
            parent=parent,
            plugins=plugins.sources_of(config.task.name, config.model.name),
            measured_since=0,
        )

    def parsed_config(self) -> Config:
        """Return the configuration; raise UserError when it, or a plug-in it needs, is not there."""
        plugins.load()
        try:
            return Config.parse(_as_shown(self.config), f"run {self.id}")
        except UserError as error:
            raise UserError(f"{error}{plugins.hint(self.plugins)}") from None

    def with_facts(self, **facts: Any) -> Record:
        return replace(self, **facts)

    def write(self, folder: Path) -> None:
        write_json(folder / RECORD_FILE, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Record:
        """Read a run's record; raise UserError when it can't be read."""
        path = folder / RECORD_FILE
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            RunGone.check(folder)
            raise UserError(f"runs: can't read {path}: {error}") from None
        if not isinstance(raw, Mapping) or raw.get("format") != FORMAT:
            raise UserError(f"runs: {path} is not a run record of format {FORMAT}")
        try:
            record = cls(**raw)
        except TypeError:
            raise UserError(f"runs: {path} lacks fields or has unknown ones") from None
        words = (record.id, record.name, record.preset, record.created)
        sections = record.config.values() if isinstance(record.config, dict) else [None]
        if not all(isinstance(word, str) for word in words) or not all(isinstance(part, dict) for part in sections):
            raise UserError(f"runs: {path} is damaged: a field holds something of another kind")
        return record


def _as_shown(config: Mapping[str, Any]) -> dict[str, Any]:
    """A stranger's record may name its group as none of ours is named: the words about the run as they are shown."""
    track = config.get("track")
    if not isinstance(track, Mapping):
        return dict(config)
    made = {key: one_line(value) if isinstance(value, str) else value for key, value in track.items()}
    if isinstance(track.get("tags"), list):
        made["tags"] = [one_line(tag) if isinstance(tag, str) else tag for tag in track["tags"]]
    return {**config, "track": made}


def installed_versions() -> dict[str, str]:
    """Return the versions that matter for repeating a run, without importing anything heavy."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """Return the commit of the git checkout the user stands in, if any."""
    try:
        # --verify: a repository without a commit answers with nothing, not with the word HEAD.
        answer = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", "HEAD"], capture_output=True, text=True, timeout=2, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
