"""The preset table of the documents, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from seqsum.config import Config
from seqsum.presets import Preset
from seqsum.text import one_line

COLUMNS = ("Preset", "What it is", "Task", "Model", "Differs from the defaults in")


def preset_table(presets: Iterable[Preset]) -> str:
    """Return one row for each preset: name, title, task, model, and every other field that is not the default."""
    rows = [COLUMNS, tuple("---" for _ in COLUMNS)]
    for preset in presets:
        differences = preset.config.differences(defaults_of(preset.config))
        changes = ", ".join(f"`{path}` {_cell(mine)}" for path, (mine, _) in differences.items())
        task, model = preset.config.task.name, preset.config.model.name
        rows.append((f"`{_cell(preset.name)}`", _cell(preset.title), f"`{task}`", f"`{model}`", changes or "nothing"))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def defaults_of(config: Config) -> Config:
    """The defaults of the same task and model: another task's fields say nothing."""
    sections = {"task": {"name": config.task.name}, "model": {"name": config.model.name}}
    return Config.parse(sections, "defaults")


def _cell(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace("|", "\\|")
