"""MLflow's file stores: EXPERIMENT/RUN/ with meta.yaml, and a file for each metric, parameter and tag."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from seqsum.files import parse_json, read_regular
from seqsum.foreign.lines import new_lines
from seqsum.foreign.log_format import Folder, LogFormat, Part, Source, is_file, plain_value, step_of
from seqsum.foreign.own_export import Told, words_of
from seqsum.runs.kinds import LATEST
from seqsum.text import one_line

META = "meta.yaml"
METRICS, PARAMS, TAGS = "metrics", "params", "tags"
NAME_TAG = "mlflow.runName"
OURS = "seqsum."
"""How the tags of our own export begin."""
LARGEST_META = 2**16
LARGEST_VALUE = 2**13
MOST_FILES = 1000
DEEPEST = 4
NO_VALUE = "line with no time, value and step"
ENDED = {
    "3": ("finished", None),
    "4": ("failed", "MLflow says that it failed"),
    "5": ("stopped", "MLflow says that it was killed"),
}
"""MLflow's numbers of how a run ended."""


class MlflowLog(LogFormat):
    name = "MLflow"

    def find(self, folder: Folder) -> list[Source]:
        """A folder with meta.yaml and metrics is a run; one that was deleted in MLflow is none."""
        if META not in folder.files or METRICS not in folder.folders:
            return []
        meta = _meta(folder.path)
        if meta.get("lifecycle_stage", "active") != "active":
            return []
        name = _value(folder.path / TAGS / NAME_TAG) or meta.get("run_name") or folder.path.name
        metrics = tuple(path for _, path in _files(folder.path / METRICS))
        began = _time(meta.get("start_time")) or 0.0
        return [
            Source(
                folder.path,
                name,
                (folder.path / META, *metrics),
                began,
                group=_value(folder.path / TAGS / "group"),
                tags=words_of(_value(folder.path / TAGS / "tags")),
                facts=_facts(folder.path / TAGS),
            )
        ]

    def config(self, source: Source) -> dict[str, Any]:
        return {name: plain_value(_value(path)) for name, path in _files(source.path / PARAMS)}

    def read(self, source: Source, position: Any, *, rests: bool = False) -> Part:
        known = dict(position) if isinstance(position, dict) else {}
        part = Part({}, known)
        for name, path in _files(source.path / METRICS):
            new = new_lines(path, known.get(name), rests=rests)
            if new.anew:
                return Part({}, {}, more=True, anew=True)
            known[name] = new.position
            if new.step is not None and new.lines and ((line := _line(new.lines[0])) is None or line[1] != new.step):
                return Part({}, {}, more=True, anew=True)
            new.note(part.left_out, f" of {name}")
            part.more = part.more or new.more
            rows = []
            for place, text in enumerate(new.lines):
                line = _line(text)
                if new.unended and place == len(new.lines) - 1:
                    new.took(None if line is None else line[1])
                elif line is None and text.strip():
                    part.left_out.note(NO_VALUE, f"line {new.row + place + 1:,} of {one_line(name)}")
                if line is None:
                    continue
                when, step, value = line
                rows.append((step, value))
                part.began = when if part.began is None else min(part.began, when)
                part.last = when if part.last is None else max(part.last, when)
            if rows:
                part.rows[name] = rows
            if part.more:
                break
        return part

    def ended(self, source: Source) -> tuple[str, str | None] | None:
        return ENDED.get(_meta(source.path).get("status", ""))


def named_experiment(root: Path, name: str) -> str | None:
    """Return which folder of a store is the experiment of a name; None where there is none."""
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir())
    except OSError:
        return None
    return next((folder.name for folder in folders if _meta(folder).get("name") == name), None)


def _files(folder: Path, before: str = "", depth: int = 0) -> Iterator[tuple[str, Path]]:
    """Yield the files of a folder with their names; a name with a slash is a folder's."""
    try:
        paths = sorted(folder.iterdir())[:MOST_FILES]
    except OSError:
        return
    for path in paths:
        name = f"{before}{path.name}"
        if is_file(path):
            yield name, path
        elif depth < DEEPEST and path.is_dir() and not path.is_symlink():
            yield from _files(path, f"{name}/", depth + 1)


def _facts(tags: Path) -> dict[str, Any]:
    """Return what our own export says in its tags."""
    if not is_file(tags / f"{OURS}id"):
        return {}
    names = ["status", "reason", *(part.name for part in fields(Told))]
    return {name: plain_value(text) for name in names if (text := _value(tags / f"{OURS}{name}"))}


def _line(text: str) -> tuple[float, int, float] | None:
    """Return the time, step and value of a line, which holds time in milliseconds, value, step; None for another."""
    words = text.split(" ")
    step = step_of(words[2]) if len(words) > 2 else None
    when = _time(words[0])
    try:
        return None if step is None or when is None else (when, step, float(words[1]))
    except ValueError:
        return None


def _value(path: Path) -> str:
    try:
        return read_regular(path, LARGEST_VALUE).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _meta(folder: Path) -> dict[str, str]:
    """Return what stands in meta.yaml, a flat list of names and values."""
    try:
        text = read_regular(folder / META, LARGEST_META).decode("utf-8", "replace")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): _scalar(value.strip()) for name, colon, value in pairs if colon}


def _scalar(text: str) -> str:
    """Return a word of YAML, which has two kinds of quotation marks: in one \\ begins what JSON knows, too."""
    if text.startswith('"'):
        with suppress(ValueError):
            return str(parse_json(text))
    return text[1:-1].replace("''", "'") if len(text) > 1 and text[0] == text[-1] == "'" else text


def _time(text: str | None) -> float | None:
    try:
        seconds = int(text or "") / 1000
    except ValueError:
        return None
    return seconds if 0 < seconds < LATEST else None
