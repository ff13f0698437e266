"""Early stopping, the plateau schedule and the best checkpoint, judged by the curve of eval_loss alone."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from seqsum import control
from seqsum.launch import WarmLauncher
from seqsum.training import checkpoint
from seqsum.training.trainer import Point, Trainer
from support.engine import (
    kill,
    new_run,
    outcome_of,
    points_of,
    same_bits,
    small,
    tensors,
    train_here,
    wait_for_end,
    wait_for_step,
)

# So high a learning rate that eval_loss goes up and down.
ROUGH: dict[str, Any] = {
    "optim__lr": 0.05,
    "schedule__name": "plateau",
    "schedule__patience": 1,
    "schedule__factor": 0.5,
    "schedule__min_lr": 1e-3,
    "train__steps": 1500,
    "train__evaluate_every": 10,
    "train__log_every": 10,
    "train__checkpoint_every": 35,
}


def finish(trainer: Trainer) -> list[Point]:
    points: list[Point] = []
    while not trainer.done:
        points += trainer.run_chunk()
        if trainer.evaluation_due:
            points += trainer.evaluate()[2]
    return points


def curve(points: list[Point], metric: str) -> list[tuple[int, float]]:
    return [(step, value) for name, step, value in points if name == metric]


def lowest(losses: list[tuple[int, float]]) -> int:
    """The first step of the lowest loss."""
    return min(losses, key=lambda point: (point[1], point[0]))[0]


def end_of(losses: list[tuple[int, float]], patience: int) -> int | None:
    """The step after which `patience` evaluations in a row were no lower than the lowest before them."""
    values = [value for _, value in losses]
    for place in range(patience, len(values)):
        if min(values[place - patience + 1 : place + 1]) >= min(values[: place - patience + 1]):
            return losses[place][0]
    return None


@pytest.mark.parametrize("patience", [1, 3, 6])
def test_a_run_ends_after_so_many_evaluations_without_a_lower_loss(patience: int) -> None:
    free = curve(finish(Trainer(small(**ROUGH))), "eval_loss")
    trainer = Trainer(small(**ROUGH, train__early_stop=patience))
    losses = curve(finish(trainer), "eval_loss")
    end = end_of(free, patience)
    assert end is not None and 10 * patience < end < 1500, "it must stop on its way, or this shows nothing"
    assert trainer.step == end and trainer.stopped_early
    assert losses == free[: len(losses)] and losses[-1][0] == end
    assert trainer.progress.best_step == lowest(losses)
    assert trainer.progress.best_loss == min(value for _, value in losses)


def test_off_it_goes_on_to_the_end() -> None:
    trainer = Trainer(small(**{**ROUGH, "train__steps": 400}))
    finish(trainer)
    assert trainer.step == 400 and not trainer.stopped_early


def test_the_learning_rate_falls_after_each_plateau() -> None:
    points = finish(Trainer(small(**{**ROUGH, "train__steps": 600})))
    rates = dict(curve(points, "lr"))
    best, since, rate, falls = float("inf"), 0, 0.05, 0
    for step, loss in curve(points, "eval_loss"):
        # The rate is logged before the evaluation of the same step is known.
        assert rates[step] == pytest.approx(max(rate, 1e-3), rel=1e-12), step
        best, since = (loss, 0) if loss < best else (best, since + 1)
        if since > 1:
            rate, since, falls = rate * 0.5, 0, falls + 1
    assert falls >= 5


def test_resumed_at_any_moment_plateau_and_patience_go_on(tmp_path: Path) -> None:
    config = small(**ROUGH, train__early_stop=6)
    whole = Trainer(config)
    expected = finish(whole)
    draw, trainer, points = random.Random(7), Trainer(config), []
    resumed_on_a_plateau = 0
    while not trainer.done:
        points += trainer.run_chunk([trainer.step + draw.randint(3, 25)])
        if trainer.evaluation_due:
            points += trainer.evaluate()[2]
        resumed_on_a_plateau += trainer.progress.plateau_since > 0
        trainer = Trainer.resume(checkpoint.load(trainer.save(tmp_path)))
    assert resumed_on_a_plateau > 3 and trainer.progress.plateau_falls > 0
    assert points == expected
    assert (trainer.step, trainer.progress) == (whole.step, whole.progress)
    assert same_bits(tensors(trainer.model), tensors(whole.model))
    assert same_bits(trainer.backend.tensors(), whole.backend.tensors())


def test_a_killed_run_stops_early_where_it_would_have(nursery: WarmLauncher, tmp_path: Path) -> None:
    # In compiled code it would be over before it can be paused.
    config = small(**ROUGH, train__early_stop=6, train__keep_best=True, train__backend="torch")
    run = new_run(tmp_path / "runs", config)
    pid = nursery.submit(run)
    for step in (10, 40):
        wait_for_step(run, step)
        control.pause(run)
        kill(run, pid)
        pid = control.resume(run, nursery)["pid"]
    summary = wait_for_end(run)
    expected = train_here(config, tmp_path / "here")
    assert outcome_of(run) == expected
    losses = points_of(run)["eval_loss"]
    assert (summary.status, summary.step) == ("finished", end_of(losses, 6))
    best = lowest(losses)
    assert summary.reason == f"stopped early: eval_loss was lowest ({dict(losses)[best]:.6g}) at step {best}"
    assert checkpoint.steps_saved(run.checkpoints)[-1] == summary.step


@pytest.mark.parametrize("keep", [1, 2])
def test_the_best_checkpoint_is_kept_beside_the_newest(keep: int, nursery: WarmLauncher, tmp_path: Path) -> None:
    config = small(**{**ROUGH, "train__steps": 400}, train__keep_best=True, train__keep_checkpoints=keep)
    run = new_run(tmp_path, config)
    nursery.submit(run)
    assert wait_for_end(run).status == "finished"
    losses = points_of(run)["eval_loss"]
    best = lowest(losses)
    # Saved: at every interval, at every new lowest loss, and at the end.
    lows = [step for place, (step, loss) in enumerate(losses) if all(loss < other for _, other in losses[:place])]
    saved = sorted({*range(35, 401, 35), *lows, 400})
    assert len(lows) > 2 and best not in saved[-2:], "the best must be an old one, or this shows nothing"
    assert checkpoint.steps_saved(run.checkpoints) == [best, *saved[-keep:]]
    kept = checkpoint.load(run.checkpoints / f"step-{best}")
    assert Trainer.resume(kept).evaluate()[0].loss == dict(losses)[best]


def test_without_keep_best_only_the_newest_stay(nursery: WarmLauncher, tmp_path: Path) -> None:
    run = new_run(tmp_path, small(**{**ROUGH, "train__steps": 400}, train__keep_checkpoints=2))
    nursery.submit(run)
    assert wait_for_end(run).status == "finished"
    assert checkpoint.steps_saved(run.checkpoints) == [385, 400]
