"""Loading a checkpoint that may come from a stranger: it is read, measured against its configuration, and never run.

Weights are safetensors, the rest is JSON; nothing is unpickled. A file that is no file (a pipe, a device), that is too
large, damaged or does not fit is told in one sentence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from seqsum import plugins
from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.files import file_stamp
from seqsum.models.base import SequenceModel, make_model
from seqsum.registry import make_task
from seqsum.runs import Run, provenance
from seqsum.runs.best import no_such_step
from seqsum.runs.checkpoint_files import (
    MODEL_FILE,
    STATE_FILE,
    DamagedCheckpoint,
    folder_of,
    json_object,
    newest_read,
    steps_saved,
    whole_files,
)
from seqsum.runs.ownership import check_checkpoint
from seqsum.tasks.base import AnyTask
from seqsum.tasks.file_rows import AskedFile
from seqsum.text import one_line

# What wrong values in well-formed JSON can lead to where a task or a model is made of them.
MISFITS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, RuntimeError)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A checkpoint ready to answer. messages: what a person should know of how it was found."""

    step: int
    config: Config
    task: AnyTask
    model: SequenceModel
    messages: tuple[str, ...] = ()

    @property
    def chance(self) -> float | None:
        """Accuracy of guessing among the classes; None for sequences and values."""
        return self.task.chance or None

    def of_test(self) -> Loaded:
        """Return this one with the task's test part held out, the same one each time; needs a task that has it."""
        return self._of_test

    @cached_property
    def _of_test(self) -> Loaded:
        return replace(self, task=self.task.of_test())

    def of_file(self, file: AskedFile) -> Loaded:
        """Return this one with the rows of a file held out; raises UserError where it can't be read, or the task makes
        its questions itself."""
        key = file, file_stamp(file.path)
        if key not in self._of_files:
            self._of_files.clear()
            self._of_files[key] = replace(self, task=self.task.of_file(file))
        return self._of_files[key]

    @cached_property
    def _of_files(self) -> dict[tuple[AskedFile, tuple[int, int]], Loaded]:
        return {}

    @property
    def bytes(self) -> int:
        return sum(weight.numel() * weight.element_size() for weight in self.model.parameters())


def load(run: Run, step: int | None = None, like: Loaded | None = None) -> Loaded:
    """Load the checkpoint of a step, or the newest whole one.

    like: a checkpoint loaded before; its task is taken again where it is the same, as reading data may take long.
    Raises UserError: no checkpoint there (yet), that it is another run's, or what is wrong with the one that was asked
    for.
    """
    torch.set_num_threads(1)
    run.record.parsed_config()  # says which plug-in is missing, if one is
    if step is not None:
        if step not in steps_saved(run.checkpoints):
            raise no_such_step(run, step, "query")
        return _read(run, folder_of(run.checkpoints, step), like)
    found, damages = newest_read(run.checkpoints, lambda path: _read(run, path, like))
    if found is None:
        which = f" that can answer ({damages[0]})" if damages else ""
        raise UserError(f"predict: {run.no_checkpoint(which)}")
    passed_over = (f"{damage}; using the one before it" for damage in damages)
    return replace(found, messages=(*passed_over, *found.messages))


def _read(run: Run, path: Path, like: Loaded | None) -> Loaded:
    """Load a checkpoint; raise DamagedCheckpoint when it is incomplete or altered, UserError when it is another run's
    or does not fit."""
    data = whole_files(path, (STATE_FILE, MODEL_FILE))
    state = json_object(path, STATE_FILE, data[STATE_FILE])
    step = state.get("step")
    if type(step) is not int or path.name != f"step-{step}" or not isinstance(state.get("config"), dict):
        raise DamagedCheckpoint(path, f"{STATE_FILE} holds another step than its folder's name, or no config")
    check_checkpoint(run, step, state, "query")
    try:
        tensors = safetensors.torch.load(data[MODEL_FILE])
    except (safetensors.SafetensorError, *MISFITS) as error:
        raise DamagedCheckpoint(path, f"{MODEL_FILE} is no safetensors file: {one_line(str(error))}") from None
    return _made(run, step, tensors, state, like)


def _made(run: Run, step: int, tensors: dict[str, Tensor], state: dict[str, Any], like: Loaded | None) -> Loaded:
    """Make task and model of a checkpoint; raise UserError when its parts do not fit each other."""
    source = f"checkpoint of step {step:,} of run {run.id}"
    try:
        config = run.record.parsed(state["config"], source)
        facts = state.get("data_facts")
        same = (
            like is not None and like.config.task == config.task and (like.task.data_facts() or None) == (facts or None)
        )
        task = like.task if like is not None and same else make_task(config.task, facts)
    except UserError:
        raise
    except MISFITS as error:
        if blamed := plugins.blamed(error):
            raise UserError(blamed) from None
        raise UserError(f"query: the {source} is damaged: {type(error).__name__} in its state") from None
    try:
        model = _fitted(task, config, tensors)
    except MISFITS as error:
        if blamed := plugins.blamed(error):
            raise UserError(blamed) from None
        raise UserError(
            f"predict: the weights of run {run.id} at step {step:,} do not fit the model of its configuration"
        ) from None
    model.eval()
    model.requires_grad_(False)
    made_by = provenance.known_hashes(state.get("plugins"))
    return Loaded(step, config, task, model, tuple(provenance.edited(run.folder, made_by, f"the {source} was made")))


class _NoDrawing(TorchFunctionMode):
    """Leaves out the drawing of first weights: without memory they have no values, and PyTorch would load its compiler
    to draw none."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.__name__ in ("normal_", "uniform_") or getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def _fitted(task: AnyTask, config: Config, tensors: dict[str, Tensor]) -> SequenceModel:
    """Make the model that holds these weights; raises RuntimeError or ValueError when names or shapes differ.

    It is made without memory first, so that a configuration that asks for terabytes is refused before they are taken.
    """
    dtype = getattr(torch, config.train.dtype)
    with torch.device("meta"), _NoDrawing():
        model = make_model(task, config.model, 0).to(dtype)
    expected = {name: weight.shape for name, weight in model.state_dict().items()}
    if expected != {name: weight.shape for name, weight in tensors.items()}:
        raise ValueError("other names or shapes")
    for name, weight in tensors.items():
        if not weight.is_floating_point():
            raise ValueError(f"{name} holds no real numbers")
    model.load_state_dict({name: weight.to(dtype) for name, weight in tensors.items()}, assign=True)
    if any(part.is_meta for part in (*model.parameters(), *model.buffers())):
        # A plug-in's model keeps something that no checkpoint holds: only making it in earnest gives that.
        model = make_model(task, config.model, 0).to(dtype)
        model.load_state_dict(tensors)
    return model
