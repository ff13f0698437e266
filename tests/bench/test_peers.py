"""The peers are what they say they are: the same model, schedule and data as ours, by another way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bench.ours import Ours
from bench.peers import plain_pytorch, tutorial
from bench.peers.plain_pytorch import PlainPyTorch
from bench.peers.tutorial import Tutorial
from seqsum.config import Config
from seqsum.models.base import make_model
from seqsum.presets import load_preset
from seqsum.registry import make_task
from seqsum.tasks.sum_modulo import SumModuloConfig
from seqsum.training.schedule import learning_rate
from seqsum.training.trainer import Trainer

PEERS = [Tutorial, PlainPyTorch]


def config_of(preset: str, **changes: Any) -> Config:
    """A preset with fields changed, `section__field=value`."""
    named = {path.replace("__", "."): value for path, value in changes.items()}
    return load_preset(preset).config.changed(named, "test")


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_same_weights_give_the_same_logits_and_gradients(peer: Any, cell: str, tmp_path: Path) -> None:
    config = config_of("sota_warmup", train__seed=3, model__cell=cell)
    theirs = peer(config, tmp_path).model
    task = make_task(config.task)
    ours = make_model(task, config.model, seed=8)
    theirs.load_state_dict(ours.state_dict())
    batch = task.batches(0, 0, 1, 40)
    tokens, lengths, targets = (torch.from_numpy(part[0]) for part in (batch.inputs, batch.lengths, batch.targets))
    for model in (theirs, ours):
        nn.functional.cross_entropy(model(tokens, lengths), targets).backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(theirs(tokens, lengths), ours(tokens, lengths), rtol=1e-5, atol=1e-6)
    expected = dict(ours.named_parameters())
    for name, parameter in theirs.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name].grad, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_jax_makes_our_updates(cell: str, tmp_path: Path) -> None:
    """On the same batches its compiled scan ends with the weights that our engine ends with."""
    jax = pytest.importorskip("jax")
    from bench.peers.jax_scan import JaxScan

    config = config_of("sota_warmup", train__seed=3, train__steps=20, model__cell=cell, train__backend="torch")
    ours, theirs = Trainer(config), JaxScan(config, tmp_path)
    batches = ours.task.batches(3, 0, 20, config.train.batch_size)
    parts = [jax.numpy.array(part) for part in (batches.inputs, batches.lengths, batches.targets)]
    theirs.samples = lambda key, count: tuple(part[key] for part in parts)  # type: ignore[method-assign,assignment]
    theirs.carry, losses = theirs.chunk(theirs.carry, 0, theirs.rates, jax.numpy.arange(20))
    result = ours.backend.run(batches, [learning_rate(config, step) for step in range(20)], config)
    np.testing.assert_allclose(losses, result.losses, rtol=1e-4)
    expected = ours.model.state_dict()
    for name, tensor in theirs.classifier().state_dict().items():
        torch.testing.assert_close(tensor, expected[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("peer", PEERS)
def test_the_same_seed_begins_with_our_weights(peer: Any, tmp_path: Path) -> None:
    config = config_of("sota_warmup", train__seed=5)
    ours = make_model(make_task(config.task), config.model, seed=5).state_dict()
    theirs = peer(config, tmp_path).classifier().state_dict()
    assert all(torch.equal(theirs[name], ours[name]) for name in ours)
    other = peer(config_of("sota_warmup", train__seed=6), tmp_path).classifier().state_dict()
    assert not torch.equal(other["head.weight"], ours["head.weight"])


@pytest.mark.parametrize("preset", ["baseline", "sota_warmup"])
def test_learning_rates_are_ours_at_every_step(preset: str) -> None:
    config = config_of(preset)
    expected = np.array([learning_rate(config, step) for step in range(config.train.steps)])
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=config.optim.lr)
    scheduler = tutorial.make_scheduler(optimizer, config)
    seen = []
    for _ in range(config.train.steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    # PyTorch's cosine multiplies step by step; over 20,000 steps its rounding adds up to about 1e-11.
    np.testing.assert_allclose(seen, expected, rtol=1e-8)
    np.testing.assert_allclose(plain_pytorch.learning_rates(config), expected, rtol=1e-12)


@pytest.mark.parametrize("preset", ["baseline", "sota_warmup"])
def test_on_the_same_batches_our_engine_ends_where_the_tutorial_does(preset: str, tmp_path: Path) -> None:
    """Loop, update and schedule are the same; so only the data tells two runs of one seed apart."""
    config = config_of(preset, train__steps=150, schedule__warmup_steps=0 if preset == "baseline" else 40)
    ours, theirs = Ours(config, tmp_path).trainer, Tutorial(config, tmp_path)
    batches = ours.task.batches(config.train.seed, 0, 150, config.train.batch_size)
    rates = [learning_rate(config, step) for step in range(150)]
    ours.backend.run(batches, rates, config)
    parts = (torch.from_numpy(part) for part in (batches.inputs, batches.lengths, batches.targets))
    theirs.training_data = list(zip(*parts, strict=True))  # type: ignore[assignment]
    theirs.bare()
    expected = theirs.classifier().state_dict()
    for name, tensor in ours.model.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], rtol=1e-3, atol=1e-4)


def tutorial_rows(config: Config, folder: Path) -> Iterator[tuple[list[int], int, int]]:
    for tokens, lengths, targets in islice(Tutorial(config, folder).training_data, 500):
        assert tokens.shape == (config.train.batch_size, int(lengths.max()))
        yield from zip(tokens.tolist(), lengths.tolist(), targets.tolist(), strict=True)


def plain_rows(config: Config, folder: Path) -> Iterator[tuple[list[int], int, int]]:
    parts = PlainPyTorch(config, folder).samples(500 * config.train.batch_size)
    yield from zip(*(part.tolist() for part in parts), strict=True)


@pytest.mark.parametrize("rows", [tutorial_rows, plain_rows])
def test_data_is_uniform_and_its_answers_right(rows: Any, tmp_path: Path) -> None:
    config = config_of("baseline", train__seed=1)
    lengths: Counter[int] = Counter()
    numbers: Counter[int] = Counter()
    for tokens, length, target in rows(config, tmp_path):
        assert target == sum(tokens[:length]) % 10
        assert set(tokens[length:]) <= {10}
        lengths[length] += 1
        numbers.update(tokens[:length])
    assert sum(lengths.values()) == 8000
    assert sorted(lengths) == [2, 3, 4, 5]
    assert sorted(numbers) == list(range(10))
    for counts in (lengths, numbers):
        mean = sum(counts.values()) / len(counts)
        # Chi-squared, in units of its standard deviation above its mean; the seed is fixed.
        excess = sum((count - mean) ** 2 / mean for count in counts.values()) - (len(counts) - 1)
        assert excess < 3 * (2 * (len(counts) - 1)) ** 0.5


@pytest.mark.parametrize("peer", PEERS)
def test_a_whole_run_keeps_the_house(peer: Any, tmp_path: Path) -> None:
    config = config_of(
        "baseline", train__steps=30, train__log_every=10, train__evaluate_every=15, train__checkpoint_every=20
    )
    training = peer(config, tmp_path)
    before = training.classifier().state_dict()
    training.whole()
    assert [(name, step) for name, step, _ in training.log] == [
        ("loss", 10),
        ("lr", 10),
        ("accuracy", 15),
        ("loss", 20),
        ("lr", 20),
        ("accuracy", 30),
        ("loss", 30),
        ("lr", 30),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-20.pt", "step-30.pt"]
    saved = torch.load(tmp_path / "step-30.pt", weights_only=True)
    after = training.classifier().state_dict()
    for name, tensor in after.items():
        assert torch.equal(tensor, saved[name])
        assert not torch.equal(tensor, before[name])
    assert torch.equal(after["embedding.weight"][-1], torch.zeros(10))


@pytest.mark.parametrize("peer", PEERS)
def test_peers_learn(peer: Any, tmp_path: Path) -> None:
    config = config_of("baseline", task__modulus=2, train__steps=250, optim__lr="0.01")
    training = peer(config, tmp_path)
    assert isinstance(config.task, SumModuloConfig)
    training.bare()
    model, task = training.classifier(), make_task(config.task)
    tokens = torch.randint(0, 2, (500, 2))
    right = model(tokens, torch.full((500,), 2)).argmax(dim=1) == tokens.sum(dim=1) % 2
    assert task.classes == 2
    assert float(right.double().mean()) > 0.95


@pytest.mark.parametrize("peer", PEERS)
def test_what_the_tutorial_cannot_do_is_refused(peer: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"model\.nonlinearity is relu.*optim\.clip_norm is 1\.0"):
        peer(config_of("baseline", model__nonlinearity="relu", optim__clip_norm=1.0), tmp_path)


def test_our_evaluation_changes_nothing_so_the_bare_loop_stands_for_the_run(tmp_path: Path) -> None:
    config = config_of("baseline", train__steps=30, train__evaluate_every=10)
    bare = Ours(config, tmp_path)
    bare.bare()
    whole = Trainer(config)
    while not whole.done:
        whole.run_chunk()
        if whole.evaluation_due:
            whole.evaluate()
    expected = whole.model.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in bare.classifier().state_dict().items())
