"""What a plug-in registers: tasks, models, presets; and where they are found by name. No torch here.

`plugins` finds and loads plug-ins.
"""

from __future__ import annotations

from pathlib import Path

from seqsum.models.registry import MODELS, ModelEntry, model_entry, register_model
from seqsum.tasks.registry import TASKS, make_task, register_task, task_type

PRESET_FOLDERS: list[Path] = []

__all__ = [
    "MODELS",
    "PRESET_FOLDERS",
    "TASKS",
    "ModelEntry",
    "make_task",
    "model_entry",
    "register_model",
    "register_presets",
    "register_task",
    "task_type",
]


def register_presets(folder: Path) -> None:
    """Make every `*.toml` file of a folder a preset, as our own are."""
    if folder not in PRESET_FOLDERS:
        PRESET_FOLDERS.append(folder)
