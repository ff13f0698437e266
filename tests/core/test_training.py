"""The training loop against a plain PyTorch loop written here, and the bits that must not depend on its chunks."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from seqsum.config import Config
from seqsum.models.base import make_model
from seqsum.models.recurrent import RecurrentModel
from seqsum.registry import make_task
from seqsum.tasks import Batches
from seqsum.training import checkpoint
from seqsum.training.backends.torch_backend import ChunkResult, TorchBackend
from seqsum.training.trainer import Point, Trainer
from support.engine import PlainModel, random_batches, same_bits, small, tensors


@dataclass
class Loop:
    """What a plain loop gives, one entry a step."""

    losses: list[float]
    norms: list[float]
    correct: list[int]


def plain_loop(model: PlainModel, batches: Batches, config: Config, rates: list[float] | None) -> Loop:
    """The tutorial's loop. Rates come from PyTorch's schedulers unless they are given."""
    optim, schedule = config.optim, config.schedule
    optimizer = torch.optim.Adam(model.parameters(), lr=optim.lr, betas=(optim.beta1, optim.beta2), eps=optim.eps)
    scheduler: Any = CosineAnnealingLR(optimizer, T_max=config.train.steps, eta_min=schedule.min_lr)
    if schedule.warmup_steps:
        linear = LinearLR(optimizer, schedule.warmup_start, total_iters=schedule.warmup_steps)
        scheduler = SequentialLR(optimizer, [linear, scheduler], [schedule.warmup_steps])
    loop = Loop([], [], [])
    for step in range(len(batches.inputs)):
        if rates is not None:
            optimizer.param_groups[0]["lr"] = rates[step]
        tokens, lengths, targets = (
            torch.from_numpy(part[step]) for part in (batches.inputs, batches.lengths, batches.targets)
        )
        optimizer.zero_grad()
        logits = model(tokens, lengths)
        loss = F.cross_entropy(logits, targets)
        loss.backward()
        clip = math.inf if optim.clip_norm is None else optim.clip_norm
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        if rates is None:
            scheduler.step()
        loop.losses.append(loss.item())
        loop.norms.append(norm.item())
        loop.correct.append(int((logits.argmax(1) == targets).sum()))
    return loop


CASES = [
    {},
    {"optim__clip_norm": 0.3},
    {"model__nonlinearity": "relu", "model__num_layers": 2, "optim__clip_norm": 0.4},
    {"model__num_layers": 3, "optim__beta1": 0.5, "optim__beta2": 0.9, "optim__eps": 1e-4},
    {"model__cell": "lstm", "model__num_layers": 2},
    {"model__cell": "gru", "optim__clip_norm": 0.3},
]


@pytest.mark.parametrize("changes", CASES)
def test_a_chunk_in_float64_is_the_plain_loop(changes: dict[str, Any]) -> None:
    config = small(**changes)
    steps = 60
    task = make_task(config.task)
    model = make_model(task, config.model, 1).double()
    plain = PlainModel(5, config.model).double()
    plain.load_state_dict(model.state_dict())
    batches = Batches(*random_batches(5, 1, 4, steps, 8))
    rates = [1e-2 / (1 + step) for step in range(steps)]
    backend = TorchBackend(model, task, config)
    result = backend.run(batches, rates, config)
    expected = plain_loop(plain, batches, config, rates)
    assert result.failure is None
    assert result.losses == pytest.approx(expected.losses, rel=1e-10)
    assert result.gradient_norms == pytest.approx(expected.norms, rel=1e-9)
    assert result.right.tolist() == expected.correct
    assert result.asked.tolist() == [8] * steps
    for name, weight in plain.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], weight, rtol=1e-9, atol=1e-11)
    clip = config.optim.clip_norm
    if clip is not None:
        assert max(expected.norms) > clip, "the case must clip, or it shows nothing"


@pytest.mark.parametrize(
    "changes",
    [
        {"train__steps": 200, "optim__lr": 5e-3, "schedule__warmup_steps": 30},
        {"train__steps": 150, "model__cell": "lstm", "optim__clip_norm": 0.2},
        {"train__steps": 100, "train__batch_size": 1, "task__max_length": 1},
        {"train__steps": 40, "task__modulus": 100, "train__batch_size": 64},
    ],
)
def test_a_whole_run_is_the_plain_loop_with_pytorchs_schedulers(changes: dict[str, Any]) -> None:
    config = small(**changes)
    trainer = Trainer(config)
    plain = PlainModel(config.value("task.modulus"), config.model)
    plain.load_state_dict(trainer.model.state_dict())
    steps, every = config.train.steps, config.train.log_every
    batches = make_task(config.task).batches(config.train.seed, 0, steps, config.train.batch_size)
    points = finish(trainer)
    expected = plain_loop(plain, batches, config, None)
    borders = [*range(every, steps, every), steps]
    windows = list(zip([0, *borders], borders, strict=False))
    per_window = config.train.batch_size
    assert logged(points, "loss") == pytest.approx({b: np.mean(expected.losses[a:b]) for a, b in windows}, rel=1e-4)
    assert logged(points, "grad_norm") == pytest.approx({b: np.mean(expected.norms[a:b]) for a, b in windows}, rel=1e-3)
    right = {b: sum(expected.correct[a:b]) / ((b - a) * per_window) for a, b in windows}
    assert logged(points, "train_accuracy") == pytest.approx(right, abs=1.01 / (every * per_window))
    for name, weight in plain.state_dict().items():
        torch.testing.assert_close(trainer.model.state_dict()[name], weight, rtol=1e-3, atol=1e-4)


def finish(trainer: Trainer, draw: random.Random | None = None) -> list[Point]:
    """Train to the end, with random borders between chunks if `draw` is given."""
    points: list[Point] = []
    while not trainer.done:
        borders = [trainer.step + draw.randint(1, 9)] if draw else []
        points += trainer.run_chunk(borders)
        assert trainer.failure is None
        if trainer.evaluation_due:
            points += trainer.evaluate()[2]
    return points


def logged(points: list[Point], metric: str) -> dict[int, float]:
    return {step: value for name, step, value in points if name == metric}


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_random_chunks_change_no_bit_of_weights_optimizer_and_points(cell: str) -> None:
    config = small(model__cell=cell, optim__clip_norm=0.5)
    whole = Trainer(config)
    expected = finish(whole)
    for seed in range(3):
        cut = Trainer(config)
        assert finish(cut, random.Random(seed)) == expected
        assert same_bits(tensors(cut.model), tensors(whole.model))
        assert same_bits(cut.backend.tensors(), whole.backend.tensors())


@pytest.mark.parametrize(
    "changes", [{"train__log_every": 1}, {"train__log_every": 100_000, "train__evaluate_every": 9}]
)
def test_how_often_it_writes_changes_no_bit_of_the_weights(changes: dict[str, Any]) -> None:
    one, other = Trainer(small()), Trainer(small(**changes))
    finish(one)
    points = finish(other)
    assert same_bits(tensors(one.model), tensors(other.model))
    every = min(other.config.train.log_every, 120)
    assert list(logged(points, "loss")) == list(range(every, 121, every))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_trainer_resumed_at_any_moment_ends_with_the_same_bits(cell: str, tmp_path: Path) -> None:
    config = small(model__cell=cell, model__num_layers=2, optim__clip_norm=0.5)
    whole = Trainer(config)
    expected = finish(whole)
    draw = random.Random(5)
    trainer, points = Trainer(config), []
    while not trainer.done:
        points += trainer.run_chunk([trainer.step + draw.randint(5, 45)])
        if trainer.evaluation_due:
            points += trainer.evaluate()[2]
        trainer = Trainer.resume(checkpoint.load(trainer.save(tmp_path)))
        torch.rand(7)  # random numbers that something else draws in between
        trainer = Trainer.resume(checkpoint.load(trainer.save(tmp_path)))
    assert points == expected
    assert same_bits(tensors(trainer.model), tensors(whole.model))
    assert same_bits(trainer.backend.tensors(), whole.backend.tensors())


def test_a_checkpoint_before_the_first_step_resumes_too(tmp_path: Path) -> None:
    one, other = Trainer(small()), Trainer.resume(checkpoint.load(Trainer(small()).save(tmp_path)))
    finish(one)
    finish(other)
    assert same_bits(tensors(one.model), tensors(other.model))


def test_the_seed_decides_weights_and_data() -> None:
    same, again, other = (Trainer(small(train__seed=seed)) for seed in (3, 3, 4))
    assert finish(same) == finish(again)
    finish(other)
    assert not same_bits(tensors(same.model), tensors(other.model))


def test_the_paddings_row_stays_zero() -> None:
    trainer = Trainer(small())
    finish(trainer)
    assert not trainer.model.state_dict()["embedding.weight"][5].any()


def test_a_live_change_acts_from_its_step_on() -> None:
    config = small(schedule__name="constant", train__log_every=10)
    trainer, plain = Trainer(config), PlainModel(5, config.model)
    plain.load_state_dict(trainer.model.state_dict())
    batches = make_task(config.task).batches(0, 0, 120, 4)
    while trainer.step < 55:
        trainer.run_chunk([55])
    trainer.change("optim.lr", "0.02")
    finish(trainer)
    plain_loop(plain, batches, config, [1e-3] * 55 + [2e-2] * 65)
    for name, weight in plain.state_dict().items():
        torch.testing.assert_close(trainer.model.state_dict()[name], weight, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "changes",
    [
        {"train__steps": 1},
        {"train__steps": 3, "train__log_every": 100, "train__evaluate_every": 100, "train__checkpoint_every": 100},
        {"train__steps": 10, "train__batch_size": 1, "task__max_length": 1, "train__log_every": 10},
        {"train__steps": 5, "task__modulus": 2, "task__min_length": 3, "task__max_length": 3},
        {"train__steps": 4, "task__modulus": 100, "task__max_length": 2, "train__batch_size": 300},
    ],
)
def test_odd_sizes_end_with_a_point_and_an_evaluation(changes: dict[str, Any]) -> None:
    trainer = Trainer(small(**changes))
    points = finish(trainer)
    steps = changes["train__steps"]
    assert trainer.step == steps
    for metric in ("loss", "train_accuracy", "lr", "grad_norm", "accuracy", "eval_loss"):
        assert steps in logged(points, metric), metric


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_before_the_update(poison: float) -> None:
    trainer = Trainer(small())
    while trainer.step < 20:
        trainer.run_chunk([20])
    with torch.no_grad():
        trainer.model.head.bias[2] = poison
    weights, optimizer = tensors(trainer.model), trainer.backend.tensors()
    optimizer = {name: value.clone() for name, value in optimizer.items()}
    trainer.run_chunk()
    assert trainer.step == 20
    assert trainer.failure is not None and "loss" in trainer.failure and "step 21" in trainer.failure
    for name, value in tensors(trainer.model).items():
        assert torch.equal(value.nan_to_num(0.5), weights[name].nan_to_num(0.5)), name
    assert same_bits(trainer.backend.tensors(), optimizer)


def test_a_gradient_that_is_not_finite_stops_before_the_update() -> None:
    config = small()
    task = make_task(config.task)
    model = make_model(task, config.model, 1)
    assert isinstance(model, RecurrentModel)
    backend = TorchBackend(model, task, config)
    batches = Batches(*random_batches(5, 1, 4, 5, 8))
    # Finite logits and loss, but a gradient of an embedding that overflows float32: 1e30 × 1e30.
    model.rnn.weight_ih_l0.register_hook(lambda gradient: gradient + 1e30)
    with torch.no_grad():
        model.rnn.weight_ih_l0.fill_(1e-30)
    weights = tensors(model)
    model.head.weight.register_hook(lambda gradient: gradient * math.inf)
    result = backend.run(batches, [1e-3] * 5, config)
    assert result.failure is not None and "gradient" in result.failure
    assert len(result.losses) == len(result.right) == len(result.asked) == len(result.gradient_norms) == 0
    assert same_bits(tensors(model), weights)


def test_a_learning_rate_that_throws_the_weights_out_of_range_stops_the_run() -> None:
    trainer = Trainer(small(optim__lr=1e39))
    trainer.run_chunk()
    assert trainer.failure is not None and "1e39" in trainer.failure


def test_the_largest_batch_of_the_longest_sequences_is_made_two_steps_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainer = Trainer(small(train__batch_size=2_000, task__max_length=1_000, train__log_every=100))
    asked: list[int] = []

    def run(batches: Batches, rates: list[float], config: Config) -> ChunkResult:
        asked.append(len(rates))
        assert batches.inputs.shape == (len(rates), 2_000, 1_000)
        nothing = np.zeros(len(rates), dtype=np.int64)
        return ChunkResult(nothing.astype(np.float64), nothing, nothing, nothing.astype(np.float64))

    monkeypatch.setattr(trainer.backend, "run", run)
    # A machine on which a step takes no time: only memory holds the trainer back.
    monkeypatch.setattr("seqsum.training.trainer.time", SimpleNamespace(perf_counter=lambda: 0.0))
    for _ in range(4):
        trainer.run_chunk()
    assert asked == [1, 2, 2, 2], "4,000,000 tokens at once are two such batches"
