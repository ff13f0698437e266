"""A sweep as a TOML file: what its flags say under `[sweep]`, and fields with lists and ranges as a preset has them."""

from __future__ import annotations

import math
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqsum.config import Config
from seqsum.errors import ConfigError, UserError, did_you_mean, told_as
from seqsum.files import read_regular
from seqsum.schema import as_text, shown
from seqsum.sweeps.space import AS_ONE

LARGEST = 2**20
SECTION = "sweep"
WORDS = ("preset", "seeds", "trials", "sampler", "prune", "goal", "name", "on", "job")


@dataclass(frozen=True)
class SweepFile:
    """words: what the flags of the same names say, as text; preset is always there. changes: path → text."""

    words: dict[str, str]
    changes: dict[str, str]


def read_sweep_file(path: Path) -> SweepFile | None:
    """Read a file; None for a TOML file without `[sweep]`, such as a preset.

    Raises UserError for what can't be read or is no TOML, ConfigError with every wrong line at once.
    """
    with told_as(f"sweep: can't read {path}"):
        data = read_regular(path, LARGEST)
    try:
        raw = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a TOML file: {error}") from None
    if SECTION not in raw:
        return None
    said, wrong = raw.pop(SECTION), list[tuple[str, str]]()
    if not isinstance(said, dict):
        raise ConfigError(str(path), [(SECTION, f"must be a section, [sweep], got {shown(said)}")])
    words: dict[str, str] = {}
    for key, value in said.items():
        if key not in WORDS:
            near = did_you_mean(key, WORDS) or f"; there are {', '.join(WORDS)}"
            wrong.append((f"{SECTION}.{key}", f"is none of its words{near}"))
        elif not isinstance(value, str | int) or isinstance(value, bool):
            wrong.append((f"{SECTION}.{key}", f"must be text or a whole number, got {shown(value)}"))
        else:
            words[key] = str(value)
    if "preset" not in said:
        wrong.append((f"{SECTION}.preset", "is missing: which preset it begins from"))
    changes: dict[str, str] = {}
    for section, fields in raw.items():
        if section not in Config.model_fields or not isinstance(fields, dict):
            known = [SECTION, *Config.model_fields]
            near = did_you_mean(section, known) or f"; there are {', '.join(known)}"
            wrong.append((section, f"is no section{near}"))
            continue
        for name, value in fields.items():
            parts = value if isinstance(value, list) else [value]
            if any(isinstance(part, list | dict) for part in parts):
                wrong.append((f"{section}.{name}", f"must be a value or a list of values, got {shown(value)}"))
            else:
                changes[f"{section}.{name}"] = _text(value)
    if wrong:
        raise ConfigError(str(path), wrong)
    return SweepFile(words, changes)


def file_text(content: SweepFile) -> str:
    """Return what `read_sweep_file` reads as this content. Raises UserError for words that are none of a sweep's."""
    import tomlkit

    if unknown := content.words.keys() - set(WORDS):
        raise UserError(f"sweep: {', '.join(sorted(unknown))} can't stand in a sweep's file")
    words = {word: _value(text) if text.isdecimal() else text for word, text in content.words.items()}
    document: dict[str, dict[str, Any]] = {SECTION: words}
    for path, text in content.changes.items():
        section, _, name = path.partition(".")
        listed = text.split(",")
        as_list = len(listed) > 1 and path not in AS_ONE and all(part and part == part.strip() for part in listed)
        document.setdefault(section, {})[name] = [*map(_value, listed)] if as_list else _value(text)
    return tomlkit.dumps(document)


def _value(text: str) -> str | int | float | bool:
    """Return what reads as this text again: a number or a boolean where it can be one."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        with suppress(ValueError):
            value = kind(text)
            if math.isfinite(value) and as_text(value) == text:
                return value
    return text


def _text(value: Any) -> str:
    return ",".join(map(as_text, value)) if isinstance(value, list) else as_text(value)
