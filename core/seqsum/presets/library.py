"""Presets: TOML files with a title, a description, what to look for, and the fields that differ from the defaults.

A whole number `order` places a preset in every list, lowest first; ours leave room between them. Those without one
stand last: ours, the user's, then those of plug-ins.
"""

from __future__ import annotations

import contextlib
import functools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from seqsum import plugins
from seqsum.config import Config, near_field
from seqsum.errors import ConfigError, UserError, did_you_mean, told_as
from seqsum.registry import MODELS, PRESET_FOLDERS, task_type
from seqsum.schema import shown
from seqsum.tasks.text_files import decode
from seqsum.text import printable

PACKAGE = "seqsum_presets"
WORDS = ("title", "description", "look_for")
DEFAULT_PRESET = "adds"


@dataclass(frozen=True)
class Preset:
    """A named starting point: words for a person, and a whole configuration."""

    name: str
    title: str
    description: str
    look_for: str
    config: Config
    order: int | None = None

    def plain(self) -> dict[str, Any]:
        """Return the preset as JSON-ready values: name, title, description, look_for, config."""
        return {**{word: getattr(self, word) for word in ("name", *WORDS)}, "config": self.config.plain()}


def read_preset(text: str, name: str, source: str) -> Preset:
    """Read a preset from TOML text; raise UserError for bad TOML, ConfigError with every wrong field at once."""
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # an overlong integer or deep nesting is no TOMLDecodeError
        raise UserError(f"{source}: not a TOML file: {error}") from None
    wrong: list[tuple[str, str]] = []
    words: dict[str, str] = {}
    for word in WORDS:
        value = raw.pop(word, None)
        if not isinstance(value, str) or not value.strip():
            wrong.append((word, "is missing" if value is None else f"must be text, got {shown(value)}"))
        else:
            words[word] = printable(" ".join(value.split()))
    order = raw.pop("order", None)
    if order is not None and type(order) is not int:
        wrong.append(("order", f"must be a whole number, got {shown(order)}"))
    for key in [key for key in raw if key not in Config.model_fields]:
        known = [*WORDS, "order", *Config.model_fields]
        near = near_field(key) or did_you_mean(key, known) or f"; a preset has {', '.join(known)}"
        wrong.append((key, f"is no field or section{near}"))
        del raw[key]
    config: Config | None = None
    try:
        config = Config.parse(raw, source)
    except ConfigError as error:
        wrong.extend(error.problems)
    if wrong or config is None:
        raise ConfigError(source, wrong)
    return Preset(name=name, config=config, order=order, **words)


def preset_names() -> list[str]:
    """Return the names of all presets in their order.

    A preset of the user's that can't be read is left out; `preset_problems` says why.
    """
    others = {name: preset.order for name, preset in _others()[0].items()}
    return _in_order({**_own_orders(), **others})


def preset_problems() -> list[str]:
    """Return one sentence for each preset of the user's or a plug-in's that was left out."""
    return _others()[1]


def load_preset(name: str) -> Preset:
    """Return one preset by name, or from a path that ends in .toml; raise UserError if there is none."""
    if name.endswith(".toml"):
        plugins.load()
        return _read_file(Path(name), name)
    own = _own_files()
    if name in own:
        return read_preset(own[name].read_text(encoding="utf-8"), name, f"{name}.toml")
    others, _ = _others()
    if name in others:
        return others[name]
    for path in _other_files():
        if path.stem == name:
            return _read_file(path, str(path))
    names = preset_names()
    near = did_you_mean(name, names) or "; seqsum presets lists them"
    raise UserError(f'presets: no preset "{name}"{near}')


def all_presets() -> list[Preset]:
    """Return every preset, in the order of `preset_names`."""
    found = {**{name: load_preset(name) for name in _own_files()}, **_others()[0]}
    return [found[name] for name in _in_order({name: preset.order for name, preset in found.items()})]


def _own_files() -> dict[str, Traversable]:
    entries: Iterable[Traversable] = files(PACKAGE).iterdir()
    found = {entry.name.removesuffix(".toml"): entry for entry in entries if entry.name.endswith(".toml")}
    return dict(sorted(found.items()))


@functools.cache
def _own_orders() -> dict[str, int | None]:
    """The places of our presets, without reading what they set."""
    return {name: tomllib.loads(file.read_text(encoding="utf-8")).get("order") for name, file in _own_files().items()}


def _in_order(places: dict[str, int | None]) -> list[str]:
    """The names, lowest place first, those without one last; those of one place as they stand."""
    return sorted(places, key=lambda name: (places[name] is None, places[name] or 0))


def _other_files() -> list[Path]:
    """The user's presets before those of plug-ins."""
    plugins.load()
    found: list[Path] = []
    for folder in (plugins.user_folder() / "presets", *PRESET_FOLDERS):
        with contextlib.suppress(OSError):
            found += sorted(folder.glob("*.toml"))
    return found


def _others() -> tuple[dict[str, Preset], list[str]]:
    """The user's and the plug-ins' presets by name, and what is wrong with those left out."""
    own = _own_files()
    found: dict[str, Preset] = {}
    wrong: list[str] = []
    for path in _other_files():
        try:
            if path.stem in own or path.stem in found:
                raise UserError(f'{path}: there is a preset "{path.stem}" already; give yours another name')
            found[path.stem] = _read_file(path, str(path))
        except UserError as error:
            wrong.append("preset left out: " + str(error).replace("\n", "; "))
    taught = {preset.config.task.name for preset in found.values()}
    for task in plugins.added_tasks():
        if task not in taught and task not in found and task not in own:
            try:
                found[task] = _bare(task)
            except UserError as error:
                wrong.append("preset left out: " + str(error).replace("\n", "; "))
    return found, wrong


def _bare(task: str) -> Preset:
    """A preset for a plug-in's task that brings none: the first model that fits, and defaults."""
    kind = task_type(task)
    able = [name for name, entry in MODELS.items() if kind.answer in entry.answers]
    words = " ".join((kind.__doc__ or "").split()) or f"The task {task}, with the defaults of its settings."
    config = Config.parse({"task": {"name": task}, "model": {"name": able[0]}}, f"task {task}")
    return Preset(task, printable(kind.title), printable(words), "", config)


def _read_file(path: Path, source: str) -> Preset:
    with told_as(f"presets: can't read {source}"):
        found = decode(path.read_bytes())
    if found.encoding != "UTF-8" or found.replaced:
        where = f" ({found.first or found.guessed})" if found.first or found.guessed else ""
        raise UserError(f"presets: can't read {source}: it is not UTF-8 text{where}; save it as UTF-8")
    return read_preset(found.text, path.stem, source)
