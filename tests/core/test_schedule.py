"""The learning rate against PyTorch's own schedulers."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable

import pytest
import torch
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

from seqsum.config import Config
from seqsum.training.early_stopping import EarlyStopping
from seqsum.training.schedule import learning_rate, learning_rates
from seqsum.training.trainer import Trainer
from support.engine import small


def schedule(steps: int, warmup: int, lr: float = 5e-3, min_lr: float = 1e-4, **more: object) -> Config:
    return Config().changed(
        {
            "train.steps": steps,
            "optim.lr": lr,
            "schedule.min_lr": min_lr,
            "schedule.warmup_steps": warmup,
            **{f"schedule.{name}": value for name, value in more.items()},
        },
        "test",
    )


def torch_rates(steps: int, warmup: int, lr: float, min_lr: float, start: float, period: int) -> list[float]:
    """The rate of each update, as the tutorial sets its schedulers up."""
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=lr)
    cosine = CosineAnnealingLR(optimizer, T_max=period, eta_min=min_lr)
    scheduler: torch.optim.lr_scheduler.LRScheduler = cosine
    if warmup:
        linear = LinearLR(optimizer, start_factor=start, total_iters=warmup)
        scheduler = SequentialLR(optimizer, [linear, cosine], milestones=[warmup])
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR steps its schedulers in a way that PyTorch itself warns of
        for _ in range(steps + 1):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("steps", "warmup", "lr", "min_lr", "start"),
    [
        (1, 0, 1e-3, 1e-4, 0.01),
        (500, 0, 1e-3, 1e-4, 0.01),
        (500, 0, 5e-3, 0.0, 0.01),
        (2000, 200, 5e-3, 1e-4, 0.01),
        (300, 299, 5e-3, 1e-4, 0.5),
        (300, 1, 1e-2, 1e-5, 0.2),
        (50, 80, 1e-2, 1e-5, 0.01),
        (100, 40, 1e-3, 1e-3, 1.0),
    ],
)
def test_every_step_is_that_of_pytorch(steps: int, warmup: int, lr: float, min_lr: float, start: float) -> None:
    config = schedule(steps, warmup, lr, min_lr, warmup_start=start)
    ours = [learning_rate(config, step) for step in range(steps + 1)]
    assert ours == pytest.approx(torch_rates(steps, warmup, lr, min_lr, start, steps), rel=1e-9, abs=1e-15)


def test_the_tutorials_period_ends_above_the_floor_and_the_corrected_one_on_it() -> None:
    tutorial, corrected = schedule(20_000, 2_000), schedule(20_000, 2_000, cosine_period="after_warmup")
    assert learning_rate(tutorial, 20_000) > 2e-4
    assert learning_rate(corrected, 20_000) == 1e-4
    assert learning_rate(corrected, 2_000) == learning_rate(tutorial, 2_000) == 5e-3
    expected = torch_rates(20_000, 2_000, 5e-3, 1e-4, 0.01, 18_000)
    for step in range(0, 20_001, 37):
        assert learning_rate(corrected, step) == pytest.approx(expected[step], rel=1e-9)


def test_without_a_warmup_both_periods_are_one() -> None:
    one, other = schedule(777, 0), schedule(777, 0, cosine_period="after_warmup")
    assert [learning_rate(one, step) for step in range(778)] == [learning_rate(other, step) for step in range(778)]


def test_a_warmup_longer_than_the_run_only_rises() -> None:
    config = schedule(10, 100, cosine_period="after_warmup")
    rates = [learning_rate(config, step) for step in range(11)]
    assert rates == sorted(rates) and rates[-1] < 5e-3


def test_a_floor_above_the_peak_counts_as_the_peak() -> None:
    config = schedule(100, 10, lr=1e-4, min_lr=1e-2)
    assert [learning_rate(config, step) for step in range(10, 101)] == pytest.approx([1e-4] * 91)


def test_constant_stays_at_the_peak_after_the_warmup() -> None:
    config = schedule(100, 10, lr=2e-3, name="constant", warmup_start=0.5)
    assert learning_rate(config, 0) == pytest.approx(1e-3)
    assert {learning_rate(config, step) for step in range(10, 101)} == {2e-3}


def after_warmup(
    steps: int, warmup: int, lr: float, start: float, make: Callable[[torch.optim.Optimizer], LRScheduler]
) -> list[float]:
    """The rates of PyTorch's linear warm-up, and then those of the scheduler that `make` makes."""

    def rates(scheduled: Callable[[torch.optim.Optimizer], LRScheduler], count: int) -> list[float]:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
        scheduler, found = scheduled(optimizer), []
        for place in range(count):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if place + 1 < count:  # OneCycleLR refuses to go beyond its end
                scheduler.step()
        return found

    rise = rates(lambda optimizer: LinearLR(optimizer, start, total_iters=warmup), warmup) if warmup else []
    return rise + rates(make, steps - warmup)


@pytest.mark.parametrize(
    ("steps", "warmup", "lr", "min_lr"),
    [(400, 0, 1e-2, 1e-4), (400, 60, 1e-2, 0.0), (50, 49, 5e-3, 1e-3), (1, 0, 1e-3, 1e-4), (300, 10, 1e-3, 1e-3)],
)
def test_linear_is_pytorchs_and_ends_at_min_lr(steps: int, warmup: int, lr: float, min_lr: float) -> None:
    config = schedule(steps, warmup, lr, min_lr, name="linear", warmup_start=0.1)
    expected = after_warmup(
        steps + 1,
        warmup,
        lr,
        0.1,
        lambda optimizer: LinearLR(optimizer, 1.0, end_factor=min_lr / lr, total_iters=steps - warmup),
    )
    assert [learning_rate(config, step) for step in range(steps + 1)] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert learning_rate(config, steps) == pytest.approx(min_lr, abs=1e-15)


@pytest.mark.parametrize(("step_size", "factor", "warmup"), [(1, 0.99, 0), (30, 0.5, 0), (50, 0.1, 35), (1000, 0.5, 7)])
def test_step_is_pytorchs_down_to_the_floor(step_size: int, factor: float, warmup: int) -> None:
    floor = 2e-5
    config = schedule(400, warmup, 1e-2, floor, name="step", step_size=step_size, factor=factor)
    expected = after_warmup(400, warmup, 1e-2, 0.01, lambda optimizer: StepLR(optimizer, step_size, factor))
    expected = expected[:warmup] + [max(floor, rate) for rate in expected[warmup:]]
    assert [learning_rate(config, step) for step in range(400)] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("steps", "rise", "start", "min_lr"),
    [
        (500, 0.3, 0.01, 1e-5),
        (500, 0.5, 0.04, 0.0),
        (40, 0.9, 0.1, 1e-3),
        (7, 0.999, 1.0, 1e-5),
        (9, 0.05, 0.01, 1e-5),
        (2, 0.3, 0.01, 1e-5),
        (1, 0.3, 0.01, 1e-5),
    ],
)
@pytest.mark.parametrize("warmup", [0, 3, 1000])
def test_one_cycle_is_pytorchs_step_by_step_and_one_ramp(
    steps: int, rise: float, start: float, min_lr: float, warmup: int
) -> None:
    lr = 1e-2
    config = schedule(steps, warmup, lr, min_lr, name="one_cycle", rise=rise, warmup_start=start)
    expected = after_warmup(
        steps,
        0,
        lr,
        start,
        lambda optimizer: OneCycleLR(
            optimizer,
            max_lr=lr,
            total_steps=steps,
            pct_start=rise,
            div_factor=1 / start,
            final_div_factor=lr * start / min_lr if min_lr else math.inf,
            cycle_momentum=False,
        ),
    )
    ours = [learning_rate(config, step) for step in range(steps)]
    assert ours == pytest.approx(expected, rel=1e-9, abs=1e-15)
    top = ours.index(max(ours))
    assert ours[: top + 1] == sorted(ours[: top + 1]) and ours[top:] == sorted(ours[top:], reverse=True)
    assert learning_rate(config, steps) == pytest.approx(min_lr), "it stays there"


CURVES: dict[str, Callable[[torch.optim.Optimizer, int, int], LRScheduler]] = {
    "constant": lambda optimizer, steps, warmup: ConstantLR(optimizer, 1.0),
    "cosine": lambda optimizer, steps, warmup: CosineAnnealingLR(optimizer, steps, 1e-4),
    "cosine after_warmup": lambda optimizer, steps, warmup: CosineAnnealingLR(optimizer, max(1, steps - warmup), 1e-4),
    "linear": lambda optimizer, steps, warmup: LinearLR(optimizer, 1.0, 1e-4 / 5e-3, max(1, steps - warmup)),
    "step": lambda optimizer, steps, warmup: StepLR(optimizer, 4, 0.9),
}


@pytest.mark.parametrize("warmup", [0, 1, 7, 29, 30, 31, 45])
@pytest.mark.parametrize("curve", CURVES)
def test_every_curve_behind_every_warmup_is_pytorchs_sequence_of_both(curve: str, warmup: int) -> None:
    steps, lr, start = 30, 5e-3, 0.2
    name, _, period = curve.partition(" ")
    more = {"cosine_period": period or "total_steps", "step_size": 4, "factor": 0.9, "warmup_start": start}
    config = schedule(steps, warmup, lr, 1e-4, name=name, **more)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = after = CURVES[curve](optimizer, steps, warmup)
    if warmup:
        scheduler = SequentialLR(optimizer, [LinearLR(optimizer, start, total_iters=warmup), after], [warmup])
    for step in range(steps + 1):
        # The last one is that of the step after the run, which is logged.
        assert learning_rate(config, step) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9), step
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer.step()
            scheduler.step()


@pytest.mark.parametrize("warmup", [0, 1, 12, 60])
@pytest.mark.parametrize("name", ["constant", "cosine", "linear", "step", "one_cycle", "plateau"])
def test_many_rates_are_those_of_each_step_to_the_bit(name: str, warmup: int) -> None:
    config = schedule(40, warmup, name=name, step_size=7)
    one_by_one = [learning_rate(config, step, 0.3) for step in range(42)]
    for first, count in ((0, 42), (0, 1), (11, 2), (12, 20), (39, 3)):
        assert learning_rates(config, first, count, 0.3) == one_by_one[first : first + count]


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_plateau_falls_when_pytorchs_does(patience: int) -> None:
    lr, factor, floor = 1e-2, 0.3, 1e-4
    config = schedule(1000, 10, lr, floor, name="plateau", patience=patience, factor=factor)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = ReduceLROnPlateau(optimizer, factor=factor, patience=patience, threshold=0, min_lr=floor, eps=0)
    draw, progress = random.Random(patience), EarlyStopping()
    rates, best = [], math.inf
    for place in range(60):
        # A loss that falls more and more seldom, stays exactly the same now and then, and once is not finite.
        loss = round(2 / (1 + place / 10) + draw.random() * place / 20, 1)
        loss = {20: math.nan, 25: math.inf}.get(place, loss)
        scheduler.step(loss)
        assert progress.note(loss, place, patience) is (loss < best)
        best = min(best, loss) if math.isfinite(loss) else best
        assert progress.best_value == best
        rates.append(learning_rate(config, 500, progress.plateau_scale(factor)))
        assert rates[-1] == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
    assert len(set(rates)) >= 4 and rates[-1] == floor, "it must fall, down to the floor, or this shows nothing"
    assert learning_rate(config, 0, factor**3) == pytest.approx(0.01 * lr), "the warm-up is its own"


@pytest.mark.parametrize("name", ["linear", "step", "plateau", "cosine"])
def test_every_curve_begins_with_the_warmup_and_a_floor_above_the_peak_is_the_peak(name: str) -> None:
    config = schedule(100, 20, lr=1e-3, min_lr=1e-1, name=name, warmup_start=0.2, step_size=5)
    for step in range(20):
        assert learning_rate(config, step, 0.01) == pytest.approx(1e-3 * (0.2 + 0.8 * step / 20), rel=1e-12)
    assert learning_rate(config, 100, 0.01) == pytest.approx(1e-3)


def test_the_trainer_logs_the_rate_of_its_schedule() -> None:
    config = small(train__steps=60, schedule__warmup_steps=20, optim__lr=5e-3)
    expected = torch_rates(60, 20, 5e-3, 1e-4, 0.01, 60)
    trainer = Trainer(config)
    points = []
    while not trainer.done:
        points += trainer.run_chunk()
    logged = [(step, value) for name, step, value in points if name == "lr"]
    assert [step for step, _ in logged] == [*range(7, 60, 7), 60]
    for step, value in logged:
        assert value == pytest.approx(expected[step], rel=1e-9)
