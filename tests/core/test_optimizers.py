"""Each optimizer on the flat parameters against PyTorch's own on the parameters of a plain model."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqsum.config import Config, OptimConfig
from seqsum.errors import ConfigError
from seqsum.models.base import make_model
from seqsum.registry import make_task
from seqsum.tasks import Batches
from seqsum.training import checkpoint
from seqsum.training.backends.fused_support import why_not_fused
from seqsum.training.backends.torch_backend import TorchBackend
from seqsum.training.trainer import Point, Trainer
from support.engine import PlainModel, random_batches, same_bits, small, tensors

STEPS = 50
RATES = [2e-2 / (1 + 0.1 * step) for step in range(STEPS)]
Parameters = list[nn.Parameter]

# The numbers stand twice, as ours and as PyTorch's: a setting that went astray would show.
CASES: list[tuple[dict[str, Any], Callable[[Parameters], torch.optim.Optimizer]]] = [
    ({"name": "adam"}, torch.optim.Adam),
    (
        {"name": "adam", "beta1": 0.8, "beta2": 0.95, "eps": 1e-3, "weight_decay": 0.1},
        lambda p: torch.optim.Adam(p, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1),
    ),
    ({"name": "adamw", "weight_decay": 0.3}, lambda p: torch.optim.AdamW(p, weight_decay=0.3)),
    (
        {"name": "adamw", "beta1": 0.5, "beta2": 0.9, "eps": 1e-2},
        lambda p: torch.optim.AdamW(p, betas=(0.5, 0.9), eps=1e-2, weight_decay=0.0),
    ),
    ({"name": "sgd"}, torch.optim.SGD),
    (
        {"name": "sgd", "momentum": 0.9, "weight_decay": 0.05},
        lambda p: torch.optim.SGD(p, momentum=0.9, weight_decay=0.05),
    ),
    ({"name": "rmsprop"}, torch.optim.RMSprop),
    (
        {"name": "rmsprop", "smoothing": 0.8, "eps": 1e-3, "momentum": 0.5, "weight_decay": 0.05},
        lambda p: torch.optim.RMSprop(p, alpha=0.8, eps=1e-3, momentum=0.5, weight_decay=0.05),
    ),
]
NAMES = ("adam", "adamw", "sgd", "rmsprop")


def train_both(
    config: Config, make: Callable[[Parameters], torch.optim.Optimizer], clip: Callable[[Parameters], None]
) -> tuple[dict[str, Tensor], dict[str, Tensor], TorchBackend, torch.optim.Optimizer, PlainModel]:
    """Weights after the same batches and learning rates, in float64: our backend's, and a plain loop's."""
    task = make_task(config.task)
    model = make_model(task, config.model, 1).double()
    plain = PlainModel(5, config.model).double()
    plain.load_state_dict(model.state_dict())
    tokens, lengths, targets = random_batches(5, 1, 4, STEPS, 8)
    backend = TorchBackend(model, task, config)
    assert backend.run(Batches(tokens, lengths, targets), RATES, config).failure is None
    parameters = list(plain.parameters())
    optimizer = make(parameters)
    for step, rate in enumerate(RATES):
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        logits = plain(torch.from_numpy(tokens[step]), torch.from_numpy(lengths[step]))
        F.cross_entropy(logits, torch.from_numpy(targets[step])).backward()
        clip(parameters)
        optimizer.step()
    return tensors(model), tensors(plain), backend, optimizer, plain


def optim(**changes: Any) -> Config:
    return small(**{f"optim__{name}": value for name, value in changes.items()})


def test_every_optimizer_of_the_schema_is_tried_here() -> None:
    assert {changes["name"] for changes, _ in CASES} == set(NAMES)
    assert OptimConfig.model_fields["name"].annotation.__args__ == (*NAMES, "muon", "schedule_free")  # type: ignore[union-attr]


@pytest.mark.parametrize(("changes", "make"), CASES, ids=lambda case: str(case) if isinstance(case, dict) else "torch")
def test_weights_and_state_are_those_of_pytorchs_optimizer(
    changes: dict[str, Any], make: Callable[[Parameters], torch.optim.Optimizer]
) -> None:
    ours, plain, backend, optimizer, module = train_both(optim(**changes), make, lambda _: None)
    for name, weight in plain.items():
        torch.testing.assert_close(ours[name], weight, rtol=1e-9, atol=1e-11)
    saved = backend.tensors()
    expected = {}
    for name, parameter in module.named_parameters():
        for key, value in optimizer.state[parameter].items():
            if key == "step":
                expected["step"] = value
            elif value is not None:
                expected[f"{key}.{name}"] = value
    assert saved.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(saved[name].double(), value.double(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("group", "places"), [("matrices", (1, 2, 5)), ("recurrent", (2,))])
@pytest.mark.parametrize("name", NAMES)
def test_weight_decay_of_a_group_is_that_of_pytorchs_groups(name: str, group: str, places: tuple[int, ...]) -> None:
    kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "sgd": torch.optim.SGD,
        "rmsprop": torch.optim.RMSprop,
    }

    def make(decay: float, others: float) -> Callable[[Parameters], torch.optim.Optimizer]:
        def made(parameters: Parameters) -> torch.optim.Optimizer:
            # The embedding, the cell's two matrices and two biases, the head's matrix and bias.
            assert [part.ndim for part in parameters] == [2, 2, 2, 1, 1, 2, 1]
            pulled = [parameters[place] for place in places]
            rest = [part for place, part in enumerate(parameters) if place not in places]
            groups = [{"params": pulled, "weight_decay": decay}, {"params": rest, "weight_decay": others}]
            return kinds[name](groups)

        return made

    config = optim(name=name, weight_decay=0.3, weight_decay_on=group)
    ours, plain, *_ = train_both(config, make(0.3, 0.0), lambda _: None)
    everywhere, *_ = train_both(optim(name=name, weight_decay=0.3), make(0.3, 0.3), lambda _: None)
    for key, weight in plain.items():
        torch.testing.assert_close(ours[key], weight, rtol=1e-9, atol=1e-11)
    assert all(not torch.allclose(ours[key], weight) for key, weight in everywhere.items())


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("adam", torch.optim.Adam),
        ("adamw", lambda p: torch.optim.AdamW(p, weight_decay=0.0)),
        ("sgd", torch.optim.SGD),
        ("rmsprop", torch.optim.RMSprop),
    ],
)
@pytest.mark.parametrize("norm", [None, 0.2])
def test_gradients_are_scaled_to_a_norm_and_then_cut_at_a_value(
    norm: float | None, name: str, make: Callable[[Parameters], torch.optim.Optimizer]
) -> None:
    value, scaled, cut = 0.03, 0, 0

    def clip(parameters: Parameters) -> None:
        nonlocal scaled, cut
        if norm is not None:
            scaled += bool(nn.utils.clip_grad_norm_(parameters, norm) > norm)
        cut += any(bool((parameter.grad.abs() > value).any()) for parameter in parameters)
        nn.utils.clip_grad_value_(parameters, value)

    ours, plain, *_ = train_both(optim(name=name, clip_value=value, clip_norm=norm), make, clip)
    for key, weight in plain.items():
        torch.testing.assert_close(ours[key], weight, rtol=1e-8, atol=1e-10)
    assert cut > 10 and (norm is None or scaled > 10), "the limits must be met, or this shows nothing"


def test_the_norm_that_is_told_is_the_one_before_clipping() -> None:
    plain = TorchBackend(*parts(optim()), optim())
    cut = TorchBackend(*parts(optim()), optim(clip_value=1e-3))
    batches = Batches(*random_batches(5, 1, 4, 1, 8))
    one, other = (backend.run(batches, [0.1], optim(clip_value=1e-3)) for backend in (plain, cut))
    without = TorchBackend(*parts(optim()), optim()).run(batches, [0.1], optim())
    assert one.gradient_norms == other.gradient_norms == without.gradient_norms
    assert without.gradient_norms[0] > 1e-2


def parts(config: Config) -> tuple[Any, Any]:
    task = make_task(config.task)
    return make_model(task, config.model, 1).double(), task


def test_clip_value_changes_while_a_run_trains() -> None:
    config = optim(name="sgd", lr=1.0)
    trainer = Trainer(config.changed({"schedule.name": "constant"}, "test"))
    while trainer.step < 20:
        trainer.run_chunk([20])
    trainer.change("optim.clip_value", "1e-5")
    before = tensors(trainer.model)
    while trainer.step < 23:
        trainer.run_chunk([23])
    moved = max(float((value - before[name]).abs().max()) for name, value in tensors(trainer.model).items())
    assert 0.9e-5 < moved <= 3.1e-5, "three steps of plain SGD at a rate of 1, each at most the limit"


def test_weight_decay_alone_shrinks_the_weights_by_its_formula() -> None:
    # Without a gradient the decay is all that moves them.
    for name, factor in (("sgd", 1 - 0.1 * 0.5), ("adamw", 1 - 0.1 * 0.5)):
        config = optim(name=name, weight_decay=0.5)
        model, task = parts(config)
        for parameter in model.parameters():
            parameter.register_hook(torch.zeros_like)
        backend = TorchBackend(model, task, config)
        before = tensors(model)
        assert backend.run(Batches(*random_batches(5, 1, 4, 3, 8)), [0.1] * 3, config).failure is None
        for key, value in tensors(model).items():
            torch.testing.assert_close(value, before[key] * factor**3, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    "changes",
    [
        {"optim__name": "adamw", "optim__weight_decay": 0.1},
        {"optim__name": "sgd", "optim__lr": 0.1},
        {"optim__name": "sgd", "optim__momentum": 0.9},
        {"optim__name": "rmsprop"},
        {"optim__name": "rmsprop", "optim__momentum": 0.9, "optim__clip_value": 0.01},
        {"optim__name": "muon", "optim__weight_decay": 0.1},
        {"optim__name": "muon", "model__cell": "lstm", "model__num_layers": 2, "train__dtype": "float64"},
        {"optim__name": "schedule_free", "optim__weight_decay": 0.1, "schedule__name": "constant"},
        {"train__dtype": "bfloat16"},
        {"train__dtype": "float64", "optim__name": "adamw"},
    ],
    ids=str,
)
def test_resumed_at_any_moment_it_ends_with_the_same_bits(changes: dict[str, Any], tmp_path: Path) -> None:
    config = small(train__evaluate_every=1000, **changes)
    whole = Trainer(config)
    expected: list[Point] = []
    while not whole.done:
        expected += whole.run_chunk()
    draw, trainer, points = random.Random(2), Trainer(config), []
    while not trainer.done:
        points += trainer.run_chunk([trainer.step + draw.randint(5, 45)])
        trainer = Trainer.resume(checkpoint.load(trainer.save(tmp_path)))
    assert points == expected and len(points) > 20
    assert same_bits(tensors(trainer.model), tensors(whole.model))
    assert same_bits(trainer.backend.tensors(), whole.backend.tensors())
    assert np.isfinite([value for _, _, value in points]).all()


def test_muon_moves_matrices_and_adamw_all_else_as_pytorch_does() -> None:
    """PyTorch's two optimizers beside each other, on a plain model's parameters."""
    config = optim(name="muon", matrix_momentum=0.8, beta1=0.7, weight_decay=0.1)
    task = make_task(config.task)
    model = make_model(task, config.model, 1).double()
    plain = PlainModel(5, config.model).double()  # type: ignore[arg-type]
    plain.load_state_dict(model.state_dict())
    tokens, lengths, targets = random_batches(5, 1, 4, STEPS, 8)
    backend = TorchBackend(model, task, config)
    for part in (slice(0, 20), slice(20, STEPS)):
        result = backend.run(Batches(tokens[part], lengths[part], targets[part]), RATES[part], config)
        assert result.failure is None
        # What was gathered goes on from a copy, as it does from a checkpoint.
        saved = {name: value.clone() for name, value in backend.tensors().items()}
        backend.load_tensors(saved)
    matrices = {"rnn.weight_ih_l0", "rnn.weight_hh_l0"}
    named = dict(plain.named_parameters())
    optimizers = [
        torch.optim.Muon(
            [named[name] for name in matrices], momentum=0.8, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(
            [weight for name, weight in named.items() if name not in matrices], betas=(0.7, 0.999), weight_decay=0.1
        ),
    ]
    for step, rate in enumerate(RATES):
        plain.zero_grad()
        logits = plain(torch.from_numpy(tokens[step]), torch.from_numpy(lengths[step]))
        F.cross_entropy(logits, torch.from_numpy(targets[step])).backward()
        for one in optimizers:
            one.param_groups[0]["lr"] = rate
            one.step()
    for name, weight in tensors(plain).items():
        torch.testing.assert_close(tensors(model)[name], weight, rtol=1e-7, atol=1e-9)


def test_schedule_free_answers_with_the_mean_of_its_steps() -> None:
    """The paper's algorithm 1, all three sequences written out: z steps, x averages, gradients are taken at y."""
    config = optim(name="schedule_free", beta1=0.8, beta2=0.95, eps=1e-6, weight_decay=0.1)
    task = make_task(config.task)
    model = make_model(task, config.model, 1).double()
    plain = PlainModel(5, config.model).double()  # type: ignore[arg-type]
    plain.load_state_dict(model.state_dict())
    tokens, lengths, targets = random_batches(5, 1, 4, STEPS, 8)
    rates = [1e-2 * min(1, (step + 1) / 10) for step in range(STEPS)]  # a warm-up
    backend = TorchBackend(model, task, config)
    for part in (slice(0, 7), slice(7, 30), slice(30, STEPS)):
        assert backend.run(Batches(tokens[part], lengths[part], targets[part]), rates[part], config).failure is None
    named = dict(plain.named_parameters())
    z, x = tensors(plain), tensors(plain)
    squares, total = {name: torch.zeros_like(weight) for name, weight in z.items()}, 0.0
    for step, rate in enumerate(rates):
        y = {name: 0.2 * z[name] + 0.8 * x[name] for name in z}
        plain.load_state_dict(y)
        plain.zero_grad()
        logits = plain(torch.from_numpy(tokens[step]), torch.from_numpy(lengths[step]))
        F.cross_entropy(logits, torch.from_numpy(targets[step])).backward()
        total += rate**2
        for name, weight in named.items():
            assert weight.grad is not None
            squares[name] = 0.95 * squares[name] + 0.05 * weight.grad**2
            size = (squares[name] / (1 - 0.95 ** (step + 1))).sqrt() + 1e-6
            z[name] = z[name] - rate * (weight.grad / size + 0.1 * y[name])
            x[name] = (1 - rate**2 / total) * x[name] + rate**2 / total * z[name]
    for name, weight in x.items():
        torch.testing.assert_close(tensors(model)[name], weight, rtol=1e-6, atol=1e-8)


def test_schedule_free_needs_a_first_beta() -> None:
    with pytest.raises(ConfigError, match=r"optim.beta1: must be above 0 with optim.name schedule_free, got 0"):
        optim(name="schedule_free", beta1=0)


@pytest.mark.parametrize("name", ["muon", "schedule_free"])
def test_compiled_code_leaves_the_newer_ones_to_torch(name: str) -> None:
    config = optim(name=name)
    reason = why_not_fused(config, make_task(config.task))
    assert reason == f"optim.name is {name}"
    trainer = Trainer(config)
    assert (trainer.backend.name, trainer.backend.why_not_fused) == ("torch", reason)
