"""A network as a graph for other programs: torch.export's .pt2, and ONNX. Sequences and batches may have any length.

inputs int64 [batch, length] tokens, or float [batch, length, features]; lengths int64 [batch] → logits, as the model
has them. What reads step by step is a loop in the graph (torch's `scan`, ONNX's Scan), so that no length is built in.
"""

from __future__ import annotations

import copy
import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch._higher_order_ops.scan import scan

from seqsum.errors import UserError, told_as
from seqsum.export.model import Trained, example, trained
from seqsum.models.base import EmbeddingModel, SequenceModel, State
from seqsum.models.recurrent import RecurrentModel
from seqsum.models.transformer import Attention
from seqsum.output_file import new_file
from seqsum.runs import Run
from seqsum.text import one_line, printable

if TYPE_CHECKING:
    from torch.export import ExportedProgram

OPSET = 23
CLOSE = 1e-5
SHAPES = ((2, 11), (3, 2), (1, 1))
"""Batches and lengths that a graph is tried on, other than that it was made with."""
NEEDED = ("onnx", "onnxscript")
WHOLE = ("feed_forward", "autoregressive", "transformer")
"""What reads all steps at once without counting them in Python."""


class Stepwise(nn.Module):
    """A network that reads step by step, its loop written so that it can stand in a graph."""

    def __init__(self, model: EmbeddingModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        first = self.model.first_state(inputs)
        several = isinstance(first, tuple)

        def step(before: list[Tensor], entering: Tensor) -> tuple[list[Tensor], Tensor]:
            logits, after = self.model.step(entering, tuple(before) if several else before[0])
            return [part.clone() for part in _parts(after)], logits.clone()

        _, logits = scan(step, [part.clone() for part in _parts(first)], inputs.transpose(0, 1))
        return self.model.asked(logits.transpose(0, 1), lengths)


class Whole(nn.Module):
    """A network as it is, without the argument that only training has."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        logits: Tensor = self.model(inputs, lengths)
        return logits


def _parts(state: State) -> list[Tensor]:
    return list(state) if isinstance(state, tuple) else [state]


def write_graph(run: Run, format: str, path: Path, step: int | None = None, force: bool = False) -> Trained:
    """Write a run's network as `torch-export` or `onnx`, whole or not at all; return what it was made of.

    The file is loaded back and compared with the model on other batches and lengths (ONNX where onnxruntime is there).
    Raises UserError where the file is there, can't be written, or the network can't be a graph, with the reason.
    """
    if format == "onnx":
        _check_installed()
    with told_as(f"export: can't write {printable(str(path))}"):
        path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path, force, "export") as file, TemporaryDirectory(prefix=".seqsum-", dir=path.parent) as beside:
        found = trained(run, step)
        made = Path(beside) / "made"
        with _quietly():
            answer = (_save_onnx if format == "onnx" else _save_program)(found, exported_program(found), made)
            if answer is not None:
                _compare(found, answer)
        with made.open("rb") as graph:
            shutil.copyfileobj(graph, file)
    return found


def exported_program(found: Trained) -> ExportedProgram:
    """Return the graph of a network. Raises UserError where it has none that fits every length."""
    model, name = found.model, found.config.model.name
    if found.task.answer == "sequence":
        raise _refused(
            found,
            "it writes an answer token by token until it ends, which is a program and no graph; --format model takes "
            "it along",
        )
    if not model.reads_stepwise and name not in WHOLE:
        raise _refused(
            found,
            "it reads from both ends, each row from its own, which would build one length into the graph; --format "
            "model takes it along",
        )
    network = _network(copy.deepcopy(model), name in WHOLE)
    shapes: dict[int, Any] = {0: torch.export.Dim("batch", min=1), 1: torch.export.Dim("length", min=1)}
    if name == "autoregressive":
        del shapes[1]  # it reads its order's last values, whatever stands before
    inputs = example(found, 3)
    try:
        with torch.no_grad():
            return torch.export.export(
                network,
                (inputs, torch.tensor([inputs.shape[1], inputs.shape[1] - 1, 1])),
                dynamic_shapes=(shapes, {0: shapes[0]}),
            )
    except Exception as error:  # of many kinds, and a plug-in's own
        raise _refused(found, f"torch.export says: {_first_line(error)}") from None


def _network(model: SequenceModel, whole: bool) -> nn.Module:
    """Return the network as it can stand in a graph: without what it keeps for going on, and with its own cells."""
    for part in model.modules():
        if isinstance(part, RecurrentModel):
            part.form = "cells"
        elif isinstance(part, Attention):
            part.remembers = False
    if whole or not isinstance(model, EmbeddingModel):
        return Whole(model).requires_grad_(False)
    return Stepwise(model).requires_grad_(False)


def _refused(found: Trained, why: str) -> UserError:
    return UserError(f'export: the network "{found.config.model.name}" can\'t be a graph: {why}')


def _save_program(found: Trained, program: ExportedProgram, path: Path) -> Any:
    with path.open("wb") as file:
        torch.export.save(program, file)
    with path.open("rb") as file:
        return torch.export.load(file).module()


def _save_onnx(found: Trained, program: ExportedProgram, path: Path) -> Any:
    try:
        graph = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            input_names=["inputs", "lengths"],
            output_names=["logits"],
            verbose=False,
        )
        assert graph is not None
        graph.save(path)
    except Exception as error:  # the exporter wraps what it meets
        raise _refused(found, f"ONNX has no form for it: {_first_line(error)}") from None
    try:
        import onnxruntime
    except ImportError:
        return None
    try:
        session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    except Exception as error:  # of the runtime's own kinds
        raise _refused(found, f"onnxruntime does not run it: {_first_line(error)}") from None
    names = [one.name for one in session.get_inputs()]

    def answer(*given: Tensor) -> Tensor:
        fed = dict(zip(("inputs", "lengths"), (part.numpy() for part in given), strict=True))
        return torch.from_numpy(session.run(None, {name: fed[name] for name in names})[0])

    return answer


def _compare(found: Trained, answer: Any) -> None:
    """Raise UserError where a graph answers otherwise than its model, on other batches and lengths."""
    for rows, length in SHAPES:
        inputs = example(found, rows, length)
        lengths = torch.full((rows,), inputs.shape[1])
        lengths[1:] = (lengths[1:] + 1) // 2
        try:
            with torch.inference_mode():
                ours, theirs = found.model(inputs, lengths), answer(inputs, lengths)
        except Exception as error:  # of the runtime's own kinds
            raise _refused(found, f"the graph does not answer: {_first_line(error)}") from None
        if found.task.answer == "tags":  # what is said of padding means nothing
            ours, theirs = (
                torch.cat([row[:n] for row, n in zip(said, lengths, strict=True)]) for said in (ours, theirs)
            )
        if not torch.allclose(ours.double(), theirs.double(), rtol=CLOSE, atol=CLOSE):
            raise _refused(found, "the graph answers something else than the model")


def _check_installed() -> None:
    from importlib.util import find_spec

    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UserError(f'export: onnx needs {" and ".join(missing)}; install them with pip install "seqsum-tui[onnx]"')


def _first_line(error: Exception) -> str:
    lines = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
    return one_line(lines[0])[:200]


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep exporters' warnings and progress away: what matters is compared."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
