"""Several networks trained at once, each in a lane of the processor's vectors: the same bits as each alone."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from seqsum.config import Config
from seqsum.models.base import make_model
from seqsum.models.loss import loss_of
from seqsum.registry import make_task
from seqsum.tasks import Batches
from seqsum.training.backends.base import ChunkResult
from seqsum.training.backends.fused import cache, lane_pool
from seqsum.training.backends.fused.backend import FusedBackend
from seqsum.training.backends.fused_support import LANES, lanes_key
from seqsum.training.schedule import learning_rates
from support.engine import same_bits, small

STEPS = 40
CONFIGS: dict[str, dict[str, Any]] = {
    "tanh": {},
    "tanh, three layers": {"model.num_layers": 3, "model.hidden_size": 20},
    "relu": {"model.nonlinearity": "relu", "optim.name": "adamw", "optim.weight_decay": 0.1},
    "lstm": {"model.cell": "lstm", "optim.clip_norm": 0.05, "model.num_layers": 2},
    "gru": {"model.cell": "gru", "optim.clip_value": 0.01, "optim.weight_decay": 0.1, "model.hidden_size": 13},
    "one-hot tokens": {"model.token_input": "one_hot", "model.hidden_size": 16, "task.modulus": 37},
    "one length": {"task.min_length": 3, "train.batch_size": 7},
    "a batch of one": {"task.max_length": 1, "train.batch_size": 1},
}

cache.compile_lanes()


def config_of(**changes: Any) -> Config:
    return small(train__backend="fused", train__steps=STEPS).changed(changes, "test")


class Alone:
    """A network with its own seed, and the batches and rates of all its steps."""

    def __init__(self, config: Config, seed: int) -> None:
        self.config = config.changed({"train.seed": str(seed)}, "test")
        task = make_task(config.task, None)
        self.model = make_model(task, config.model, seed)
        self.backend = FusedBackend(self.model, task, self.config)
        assert self.backend.begin()
        self.batches = task.batches(seed, 0, STEPS, config.train.batch_size)
        self.rates = learning_rates(self.config, 0, STEPS)

    def part(self, first: int, last: int) -> tuple[Batches, list[float], Config]:
        now = slice(first, last)
        batches = Batches(self.batches.inputs[now], self.batches.lengths[now], self.batches.targets[now])
        return batches, self.rates[now], self.config

    def run(self, cuts: list[int]) -> list[ChunkResult]:
        borders = [0, *cuts, STEPS]
        return [self.backend.run(*self.part(*two)) for two in itertools.pairwise(borders)]


def together(networks: list[Alone], cuts: list[list[int]]) -> list[list[ChunkResult]]:
    """Train them at once, each cut into chunks in its own way."""
    found: list[list[ChunkResult]] = [[] for _ in networks]
    with lane_pool.sharing() as pool:

        def train(place: int) -> None:
            found[place] = networks[place].run(cuts[place])
            pool.leave()

        threads = [threading.Thread(target=train, args=(place,)) for place in range(len(networks))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return found


def of_all(results: list[ChunkResult], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(one, name) for one in results])


def same(one: Alone, other: Alone, results: list[ChunkResult], others: list[ChunkResult]) -> None:
    for name in ("losses", "right", "asked", "gradient_norms"):
        assert np.array_equal(of_all(results, name), of_all(others, name)), name
    assert same_bits(dict(one.model.state_dict()), dict(other.model.state_dict()))
    assert same_bits(one.backend.tensors(), other.backend.tensors())


@pytest.mark.parametrize("changes", CONFIGS.values(), ids=CONFIGS.keys())
def test_a_network_among_others_has_the_bits_of_one_alone(changes: dict[str, Any]) -> None:
    config = config_of(**changes)
    assert lanes_key(config) is not None
    networks = [Alone(config, seed) for seed in range(LANES)]
    found = together(networks, [[]] * LANES)
    for seed in (0, 1, 7, LANES - 1):
        alone = Alone(config, seed)
        same(networks[seed], alone, found[seed], alone.run([]))


def test_how_many_there_are_and_where_each_one_is_changes_no_bits() -> None:
    config = config_of()
    settings = [
        config.changed({"optim.lr": str(rate), "optim.weight_decay": str(decay), "train.seed": str(seed)}, "test")
        for rate, decay, seed in ((0.01, 0.1, 3), (0.001, 0.0, 3), (0.1, 0.01, 5), (0.003, 0.0, 9), (0.02, 0.3, 1))
    ]
    networks = [Alone(one, one.train.seed) for one in settings]
    # Chunks that end at different steps: each is made with those that are there.
    found = together(networks, [[], [7], [20, 21], [1, 2, 39], [13]])
    for network, setting, results in zip(networks, settings, found, strict=True):
        alone = Alone(setting, setting.train.seed)
        same(network, alone, results, alone.run([]))


def test_one_whose_loss_is_not_finite_ends_and_leaves_the_others_as_they_are() -> None:
    config = config_of()
    networks = [Alone(config, seed) for seed in range(6)]
    with torch.no_grad():
        networks[2].model.get_parameter("head.weight")[0, 0] = float("nan")
    found = together(networks, [[]] * 6)
    assert found[2][0].failure is not None and len(found[2][0].losses) == 0
    for seed in (0, 1, 3, 5):
        alone = Alone(config, seed)
        same(networks[seed], alone, found[seed], alone.run([]))


@pytest.mark.parametrize("changes", [CONFIGS["tanh"], CONFIGS["lstm"], CONFIGS["gru"]], ids=["tanh", "lstm", "gru"])
def test_each_step_follows_autograd_in_float64(changes: dict[str, Any]) -> None:
    config = config_of(**{**changes, "optim.name": "adam", "optim.clip_norm": "off", "optim.clip_value": "off"})
    networks = [Alone(config, seed) for seed in range(8)]
    models = [make_model(make_task(config.task, None), config.model, seed).double() for seed in range(8)]
    together(networks, [[]] * 8)
    for network, model in zip(networks, models, strict=True):
        optim = config.optim
        optimizer = torch.optim.Adam(
            model.parameters(), betas=(optim.beta1, optim.beta2), eps=optim.eps, weight_decay=optim.weight_decay
        )
        for step, rate in enumerate(network.rates):
            made = network.batches
            inputs, lengths, targets = (
                torch.from_numpy(part[step]) for part in (made.inputs, made.lengths, made.targets)
            )
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
            loss_of(model(inputs, lengths), targets).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        for name, value in model.state_dict().items():
            found = network.model.state_dict()[name].double()
            assert torch.allclose(found, value, rtol=2e-3, atol=2e-4), name


@pytest.mark.parametrize(
    "changes",
    [
        {"model.hidden_size": 65},
        {"train.batch_size": 43},
        {"optim.name": "sgd"},
        {"task.name": "running_sum"},
        {"train.backend": "torch"},
        {"track.swanlab": "offline"},
        {"model.bidirectional": True},
    ],
)
def test_what_is_not_faster_together_is_trained_alone(changes: dict[str, Any]) -> None:
    assert lanes_key(config_of(**changes)) is None


def test_seeds_rates_and_borders_may_differ_and_shapes_may_not() -> None:
    key = lanes_key(config_of())
    assert lanes_key(config_of(**{"train.seed": 7, "optim.lr": 0.5, "train.log_every": 3})) == key
    assert lanes_key(config_of(**{"model.hidden_size": 9})) != key
    assert lanes_key(config_of(**{"train.batch_size": 5})) != key
