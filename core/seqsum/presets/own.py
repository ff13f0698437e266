"""Presets of a person's own: TOML files in `seqsum/presets` of the user's folder for configurations."""

from __future__ import annotations

import re
from pathlib import Path

from seqsum import plugins
from seqsum.config import Config, section_type
from seqsum.errors import UserError, told_as
from seqsum.files import write_atomically
from seqsum.presets import preset_names, read_preset

LONGEST_NAME = 60


class PresetExistsError(UserError):
    """A preset of the person's own has that name already; `overwrite` replaces it."""


def own_preset_path(name: str) -> Path:
    """Return where a preset of one's own lies; raise UserError for a name that can't be used."""
    name = name.strip()
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.\-]*", name) or len(name) > LONGEST_NAME or name.endswith(".toml"):
        raise UserError(
            f"name: must be 1 to {LONGEST_NAME} letters, digits, _ - or ., begin with a letter or digit, and not end "
            f'in .toml, got "{name[:LONGEST_NAME]}"'
        )
    folder = plugins.user_folder() / "presets"
    path = folder / f"{name}.toml"
    # Case does not tell two files apart everywhere.
    mine = {entry.stem.lower() for entry in folder.glob("*.toml")} if folder.is_dir() else set()
    if name.lower() not in mine and name.lower() in {known.lower() for known in preset_names()}:
        raise UserError(f'name: there is a preset "{name}" already, and it is not yours; choose another name')
    return path


def is_own_preset(name: str) -> bool:
    """Tell whether a preset of that name lies in the person's own folder."""
    return (plugins.user_folder() / "presets" / f"{name}.toml").is_file()


def save_preset(
    name: str, config: Config, title: str, description: str, look_for: str, *, overwrite: bool = False
) -> Path:
    """Write a preset, whole or not at all; it holds what differs from the defaults. Returns its path.

    Raises UserError when the name can't be used or the file can't be written, PresetExistsError when there is one.
    """
    path = own_preset_path(name)
    if path.exists() and not overwrite:
        raise PresetExistsError(f'name: you have a preset "{name.strip()}" already')
    words = {"title": title, "description": description, "look_for": look_for}
    text = preset_text(config, {key: " ".join(value.split()) for key, value in words.items()})
    if read_preset(text, path.stem, str(path)).config != config:
        raise UserError(f"presets: {path}: these settings can't be written as a preset")
    with told_as(f"presets: can't write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path.resolve(), text.encode())
    return path


def preset_text(config: Config, words: dict[str, str]) -> str:
    """Return a preset as TOML: the words, and what differs from the defaults of the same task and model."""
    import tomlkit

    document = tomlkit.document()
    for key, value in words.items():
        document[key] = value
    for name in Config.model_fields:
        values = getattr(config, name)
        plain = values.model_dump(mode="json")
        defaults = section_type(name, plain)()
        chosen = {
            field: "off" if value is None else value  # TOML has no null
            for field, value in plain.items()
            if getattr(values, field) != getattr(defaults, field) or (name in ("task", "model") and field == "name")
        }
        if chosen:
            table = tomlkit.table()
            table.update(chosen)
            document[name] = table
    return tomlkit.dumps(document)
