"""Tasks and models by name: ours, and those that a user's file or an installed package registers. No torch here.

A plug-in calls `register_task`, `register_model` and `register_presets`; `plugins` finds and loads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqsum.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from torch import nn

    from seqsum.models.settings import ModelConfig
    from seqsum.tasks.base import AnyTask, TaskConfig

BuildModel = Callable[["AnyTask", "Any"], "nn.Module"]


@dataclass(frozen=True)
class ModelEntry:
    """A model: its settings, what it can answer, and how it is built.

    `build` is a function (task, settings) → nn.Module, or "module:function" so that naming a model does not import
    torch.
    """

    config_type: type[ModelConfig]
    answers: frozenset[str]
    build: BuildModel | str

    def make(self, task: AnyTask, config: ModelConfig) -> nn.Module:
        build = self.build
        if isinstance(build, str):
            module, _, function = build.partition(":")
            build = getattr(import_module(module), function)
        assert callable(build)
        return build(task, config)


TASKS: dict[str, type[AnyTask]] = {}
MODELS: dict[str, ModelEntry] = {}
PRESET_FOLDERS: list[Path] = []


def register_task(task: type[AnyTask]) -> type[AnyTask]:
    """Make a task known under the name its settings give; usable as a decorator. Raises UserError when it is taken."""
    name = _name_of(task.config_type)
    if TASKS.get(name, task) is not task:
        raise UserError(f'plug-in: there is a task "{name}" already; give yours another name')
    TASKS[name] = task
    return task


def register_model(config_type: type[ModelConfig], build: BuildModel | str, answers: set[str]) -> None:
    """Make a model known under the name its settings give. `answers` is a subset of class, tags, sequence, values."""
    name = _name_of(config_type)
    entry = ModelEntry(config_type, frozenset(answers), build)
    if MODELS.get(name, entry) != entry:
        raise UserError(f'plug-in: there is a model "{name}" already; give yours another name')
    MODELS[name] = entry


def register_presets(folder: Path) -> None:
    """Make every `*.toml` file of a folder a preset, as our own are."""
    if folder not in PRESET_FOLDERS:
        PRESET_FOLDERS.append(folder)


def task_type(name: str) -> type[AnyTask]:
    """Return the task class of that name; raise UserError if there is none."""
    if name not in TASKS:
        raise UserError(f'no task "{name}"{did_you_mean(name, TASKS) or "; the tasks are " + ", ".join(TASKS)}')
    return TASKS[name]


def model_entry(name: str) -> ModelEntry:
    """Return the model of that name; raise UserError if there is none."""
    if name not in MODELS:
        raise UserError(f'no model "{name}"{did_you_mean(name, MODELS) or "; the models are " + ", ".join(MODELS)}')
    return MODELS[name]


def make_task(config: TaskConfig, facts: dict[str, Any] | None = None) -> AnyTask:
    """Make the task that a section describes; raises UserError when its data can't be read.

    `facts` are a checkpoint's: what the task found in its data when the run began.
    """
    kind = task_type(config.name)
    return kind.restored(config, facts) if facts else kind(config)


def _name_of(config_type: type[Any]) -> str:
    name = config_type.model_fields["name"].default
    assert isinstance(name, str), f"{config_type.__name__}.name needs a default: the name it is known by"
    return name
