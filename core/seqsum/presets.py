"""Presets: TOML files with a title, a description, what to look for, and the fields that differ from the defaults."""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from seqsum import plugins
from seqsum.config import Config, near_field
from seqsum.errors import ConfigError, UserError, did_you_mean, printable
from seqsum.registry import MODELS, PRESET_FOLDERS, task_type
from seqsum.schema import shown

PACKAGE = "seqsum_presets"
WORDS = ("title", "description", "look_for")
DEFAULT_PRESET = "baseline"
ORDER = (
    "baseline",
    "large_batch",
    "large_batch_lr5e-3",
    "deeper_rnn",
    "sota",
    "sota_warmup",
    "next_number_feed_forward",
    "next_number_rnn",
    "next_number_lstm",
    "next_number_strides_feed_forward",
    "next_number_strides_rnn",
    "next_number_strides_lstm",
    "tagging_rnn",
    "tagging_bidirectional",
    "countdown",
    "dates",
    "dates_dot",
    "dates_no_attention",
    "addition",
    "sunspots_ar",
    "sunspots_lstm",
    "sunspots_gru",
    "character_lm",
    "counting_rnn",
    "counting_rnn_spread",
    "counting_rnn2",
    "counting_rnn3",
    "counting_lstm",
    "memorise_noise",
    "text_classification",
    "even_pairs_rnn",
    "even_pairs_lstm",
    "modular_arithmetic_rnn",
    "modular_arithmetic_lstm",
    "parity_check_rnn",
    "parity_check_lstm",
    "cycle_navigation_rnn",
    "cycle_navigation_lstm",
    "reverse_string_rnn",
    "reverse_string_lstm",
    "duplicate_string_rnn",
    "duplicate_string_lstm",
    "odds_first_rnn",
    "odds_first_lstm",
    "stack_manipulation_rnn",
    "stack_manipulation_lstm",
)


@dataclass(frozen=True)
class Preset:
    """A named starting point: words for a person, and a whole configuration."""

    name: str
    title: str
    description: str
    look_for: str
    config: Config

    def plain(self) -> dict[str, Any]:
        """Return the preset as JSON-ready values: name, title, description, look_for, config."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "look_for": self.look_for,
            "config": self.config.plain(),
        }


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
    for key in [key for key in raw if key not in Config.model_fields]:
        known = [*WORDS, *Config.model_fields]
        near = near_field(key) or did_you_mean(key, known) or f"; a preset has {', '.join(known)}"
        wrong.append((key, f'no field or section "{key}"{near}'))
        del raw[key]
    config: Config | None = None
    try:
        config = Config.parse(raw, source)
    except ConfigError as error:
        wrong.extend(error.problems)
    if wrong or config is None:
        raise ConfigError(source, wrong)
    return Preset(name=name, config=config, **words)


def preset_names() -> list[str]:
    """Return the names of all presets: ours, simplest first, then the user's own and those of plug-ins.

    A preset of the user's that can't be read is left out; `preset_problems` says why.
    """
    return [*_own_names(), *_others()[0]]


def preset_problems() -> list[str]:
    """Return one sentence for each preset of the user's or a plug-in's that was left out."""
    return _others()[1]


def load_preset(name: str) -> Preset:
    """Return one preset by name, or from a path that ends in .toml; raise UserError if there is none."""
    if name.endswith(".toml"):
        plugins.load()
        return _read_file(Path(name), name)
    if name in _own_names():
        entry = files(PACKAGE) / f"{name}.toml"
        return read_preset(entry.read_text(encoding="utf-8"), name, f"{name}.toml")
    others, _ = _others()
    if name in others:
        return others[name]
    for path in _other_files():
        if path.stem == name:
            return _read_file(path, str(path))
    names = [*_own_names(), *others]
    near = did_you_mean(name, names) or f"; the presets are {', '.join(names)}"
    raise UserError(f'presets: no preset "{name}"{near}')


def all_presets() -> list[Preset]:
    """Return every preset, in the order of `preset_names`."""
    return [*(load_preset(name) for name in _own_names()), *_others()[0].values()]


def _own_names() -> list[str]:
    entries: Iterable[Traversable] = files(PACKAGE).iterdir()
    found = {entry.name.removesuffix(".toml") for entry in entries if entry.name.endswith(".toml")}
    return [name for name in ORDER if name in found] + sorted(found.difference(ORDER))


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
    own = _own_names()
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
    return Preset(task, printable(kind.title), printable(words), "What its author says of it.", config)


def _read_file(path: Path, source: str) -> Preset:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"presets: can't read {source}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"presets: can't read {source}: it is not UTF-8 text") from None
    return read_preset(text, path.stem, source)
