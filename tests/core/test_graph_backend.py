"""The recorded step against PyTorch's ordinary one: on the CPU its arithmetic, on a GPU the recording as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqsum.config import Config
from seqsum.models.base import make_model
from seqsum.presets import load_preset
from seqsum.registry import make_task
from seqsum.tasks import AnyTask
from seqsum.training import checkpoint
from seqsum.training.backends.choose import make_backend
from seqsum.training.backends.cuda_graph import GraphBackend
from seqsum.training.backends.torch_backend import TorchBackend
from seqsum.training.trainer import Trainer
from support.engine import same_bits

on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
DEVICES = ["cpu", pytest.param("cuda", marks=on_a_gpu)]


def config_of(preset: str = "baseline", **changes: Any) -> Config:
    named = {path.replace("__", "."): value for path, value in changes.items()}
    return load_preset(preset).config.changed(named, "test")


def pair(config: Config, device: str) -> tuple[AnyTask, TorchBackend, GraphBackend]:
    task = make_task(config.task)
    models = [make_model(task, config.model, config.train.seed).to(device) for _ in range(2)]
    return task, TorchBackend(models[0], task, config), GraphBackend(models[1], task, config)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("preset", "changes"),
    [
        ("baseline", {}),
        ("baseline", {"model__cell": "gru", "optim__name": "rmsprop", "optim__clip_norm": 0.05}),
        ("baseline", {"model__cell": "lstm", "optim__name": "adamw", "optim__clip_value": 0.001}),
        ("baseline", {"optim__name": "sgd", "optim__momentum": 0.9}),
        ("tagging_rnn", {}),
        ("counting_lstm", {"model__dropout": 0.0}),
        ("counting_rnn", {"train__batch_size": 10}),
    ],
)
def test_its_updates_are_the_torch_backends(preset: str, changes: dict[str, Any], device: str) -> None:
    config = config_of(preset, **changes)
    task, plain, graph = pair(config, device)
    for first in (0, 4):
        batches = task.batches(0, first, 4, config.train.batch_size)
        one, other = (backend.run(batches, [1e-3, 2e-3, 3e-3, 1e-3], config) for backend in (plain, graph))
        np.testing.assert_allclose(other.losses, one.losses, rtol=1e-5)
        np.testing.assert_allclose(other.gradient_norms, one.gradient_norms, rtol=1e-3)
        assert (one.asked == other.asked).all() and (one.right == other.right).all()
    assert plain.tensors().keys() == graph.tensors().keys()
    torch.testing.assert_close(graph.flat.values.data, plain.flat.values.data, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_never_taken_into_the_weights(value: float, device: str) -> None:
    config = config_of()
    task, _, graph = pair(config, device)
    graph.run(task.batches(0, 0, 3, 16), [1e-3] * 3, config)
    with torch.no_grad():
        graph.model.get_parameter("head.bias")[1] = value
    weights, states = graph.flat.values.detach().clone(), graph.frozen()()
    result = graph.run(task.batches(0, 3, 3, 16), [1e-3] * 3, config)
    assert result.failure is not None and "became" in result.failure and len(result.losses) == 0
    assert torch.equal(graph.flat.values.detach().nan_to_num(), weights.nan_to_num())
    assert same_bits(graph.tensors(), states)


@pytest.mark.parametrize("device", DEVICES)
def test_a_checkpoint_goes_on_with_either_backend(device: str) -> None:
    config = config_of(optim__name="adam")
    task, plain, graph = pair(config, device)
    batches = task.batches(0, 0, 8, 16)
    first, second = (type(batches)(*(part[half] for part in (batches.inputs, batches.lengths, batches.targets)))
                     for half in (slice(0, 4), slice(4, 8)))  # fmt: skip
    plain.run(first, [1e-3] * 4, config)
    graph.flat.values.data.copy_(plain.flat.values.data)
    graph.load_tensors({name: part.cpu() for name, part in plain.frozen()().items()})
    for backend in (plain, graph):
        assert backend.run(second, [1e-3] * 4, config).failure is None
    torch.testing.assert_close(graph.flat.values.data, plain.flat.values.data, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("preset", "changes", "kind"),
    [
        ("baseline", {}, GraphBackend),
        ("baseline", {"train.backend": "torch"}, TorchBackend),
        ("tagging_bidirectional", {}, TorchBackend),
        ("dates", {}, TorchBackend),
    ],
)
def test_on_a_gpu_the_recorded_step_is_chosen_where_it_can_be(preset: str, changes: Any, kind: type) -> None:
    config = load_preset(preset).config.changed(changes, "test")
    task = make_task(config.task)
    backend = make_backend(make_model(task, config.model, 0), task, config, torch.device("cuda"))
    assert type(backend) is kind


@on_a_gpu
def test_a_run_on_a_gpu_is_resumed_with_the_same_bits(tmp_path: Path) -> None:
    config = config_of(train__steps=60, train__device="cuda", train__log_every=7, train__evaluate_every=1000)
    whole, cut = Trainer(config), Trainer(config)
    assert whole.backend.name == "graph"
    while not whole.done:
        whole.run_chunk()
    while not cut.done:
        cut.run_chunk([cut.step + 13])
        cut.save(tmp_path)
        saved, _ = checkpoint.newest(tmp_path)
        assert saved is not None
        cut = Trainer.resume(saved)
    assert same_bits(cut.backend.tensors(), whole.backend.tensors())
