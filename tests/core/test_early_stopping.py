"""Early stopping, the plateau schedule and the best checkpoint, judged by the curve of eval_loss alone."""

from __future__ import annotations

import itertools
import operator
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqsum.control import commands, fork_rewind
from seqsum.errors import ConfigError
from seqsum.estimate import estimate
from seqsum.formatting import metric
from seqsum.launch import WarmLauncher
from seqsum.runs import Run, Workspace
from seqsum.training import checkpoint
from seqsum.training.early_stopping import EarlyStopping
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
    "optim__lr": 0.2,
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
    assert trainer.early_stopping.best_step == lowest(losses)
    assert trainer.early_stopping.best_value == min(value for _, value in losses)


@pytest.mark.parametrize(("metric_name", "better"), [("eval_loss", operator.le), ("accuracy", operator.ge)])
def test_a_run_ends_as_soon_as_it_is_as_good_as_asked_for(
    metric_name: str, better: Callable[[float, float], bool]
) -> None:
    free = curve(finish(Trainer(small(**ROUGH))), metric_name)
    best = list(itertools.accumulate((value for _, value in free), min if better is operator.le else max))
    threshold = best[len(best) // 3]
    end = next(step for step, value in free if better(value, threshold))
    assert end < free[-1][0], "it must stop on its way, or this shows nothing"
    trainer = Trainer(small(**ROUGH, train__best_metric=metric_name, train__stopping_threshold=threshold))
    values = curve(finish(trainer), metric_name)
    assert trainer.step == end and trainer.stopped_early and values == free[: len(values)]


def test_why_a_run_that_is_good_enough_ended_is_told_and_more_can_be_asked_of_it(
    fork_server: WarmLauncher, tmp_path: Path
) -> None:
    config = small(train__best_metric="accuracy", train__stopping_threshold=0.05, train__steps=400)
    run = new_run(tmp_path, config)
    fork_server.submit(run)
    summary = wait_for_end(run)
    (step, value), *others = points_of(run)["accuracy"]
    assert not others and (summary.status, summary.step) == ("finished", step)
    told = f"accuracy is {metric('accuracy', value)} at step {step}, and train.stopping_threshold asks for 5.00%"
    assert summary.reason == f"stopped early: {told}"
    fork = commands.fork(Workspace(tmp_path), fork_server, run, None, {"train.stopping_threshold": "off"})
    assert (wait_for_end(fork).status, wait_for_end(fork).step) == ("finished", 400)


UNREACHABLE = [
    ("accuracy", 50.0, "accuracy is from 0 to 1, got 50"),
    ("accuracy", 1.01, "accuracy is from 0 to 1, got 1.01"),
    ("eval_loss", -0.1, "eval_loss is 0 or more, got -0.1"),
]


@pytest.mark.parametrize(("name", "threshold", "words"), UNREACHABLE)
def test_a_threshold_that_nothing_can_reach_is_refused(
    name: str, threshold: float, words: str, fork_server: WarmLauncher, tmp_path: Path
) -> None:
    config = small(train__best_metric=name, train__stopping_threshold=threshold)
    said = re.escape(f"train.stopping_threshold: must be one that train.best_metric {name} can reach: {words}")
    with pytest.raises(ConfigError, match=said):
        commands.start(Workspace(tmp_path), fork_server, "baseline", config)
    with pytest.raises(ConfigError, match=said):
        estimate(config)
    assert Workspace(tmp_path).runs() == []


def test_a_metric_that_the_task_has_not_is_told_before_the_start() -> None:
    with pytest.raises(ConfigError, match=r'must be a metric of the task "sum_modulo", got "mae"'):
        estimate(small(train__best_metric="mae"))


def test_off_it_goes_on_to_the_end() -> None:
    trainer = Trainer(small(**{**ROUGH, "train__steps": 400}))
    finish(trainer)
    assert trainer.step == 400 and not trainer.stopped_early


def test_the_learning_rate_falls_after_each_plateau() -> None:
    points = finish(Trainer(small(**{**ROUGH, "train__steps": 600})))
    rates = dict(curve(points, "lr"))
    best, since, rate, falls = float("inf"), 0, 0.2, 0
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
        resumed_on_a_plateau += trainer.early_stopping.plateau_since > 0
        trainer = Trainer.resume(checkpoint.load(trainer.save(tmp_path)))
    assert resumed_on_a_plateau > 3 and trainer.early_stopping.plateau_falls > 0
    assert points == expected
    assert (trainer.step, trainer.early_stopping) == (whole.step, whole.early_stopping)
    assert same_bits(tensors(trainer.model), tensors(whole.model))
    assert same_bits(trainer.backend.tensors(), whole.backend.tensors())


def test_a_killed_run_stops_early_where_it_would_have(fork_server: WarmLauncher, tmp_path: Path) -> None:
    # In compiled code it would be over before it can be paused.
    rough = {**ROUGH, "train__backend": "torch"}
    # The last bits of its curve are the processor's, and so is where patience ends.
    free = curve(finish(Trainer(small(**rough))), "eval_loss")
    patience = next(most for most in range(6, 0, -1) if 100 < (end_of(free, most) or 1500) < 1500)
    config = small(**rough, train__early_stop=patience, train__keep_best=True)
    run = new_run(tmp_path / "runs", config)
    pid = fork_server.submit(run)
    for step in (10, 40):
        wait_for_step(run, step)
        commands.pause(run)
        kill(run, pid)
        pid = commands.resume(run, fork_server)["pid"]
    summary = wait_for_end(run)
    expected = train_here(config, tmp_path / "here")
    assert outcome_of(run) == expected
    losses = points_of(run)["eval_loss"]
    assert (summary.status, summary.step) == ("finished", end_of(losses, patience))
    best = lowest(losses)
    lowest_loss = metric("eval_loss", dict(losses)[best])
    assert summary.reason == f"stopped early: eval_loss was lowest ({lowest_loss}) at step {best}"
    assert checkpoint.steps_saved(run.checkpoints)[-1] == summary.step


@pytest.mark.parametrize("keep", [1, 2])
def test_the_best_checkpoint_is_kept_beside_the_newest(keep: int, fork_server: WarmLauncher, tmp_path: Path) -> None:
    changes = {**ROUGH, "schedule__name": "constant", "train__steps": 400}
    config = small(**changes, train__keep_best=True, train__keep_checkpoints=keep)
    run = new_run(tmp_path, config)
    fork_server.submit(run)
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


def test_without_keep_best_only_the_newest_stay(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run = new_run(tmp_path, small(**{**ROUGH, "train__steps": 400}, train__keep_checkpoints=2))
    fork_server.submit(run)
    assert wait_for_end(run).status == "finished"
    assert checkpoint.steps_saved(run.checkpoints) == [385, 400]


# What counts when, and what a fork begins with


@pytest.mark.parametrize("name", ["constant", "cosine", "linear", "step", "one_cycle"])
def test_no_plateau_is_counted_under_another_schedule(name: str) -> None:
    trainer = Trainer(small(**{**ROUGH, "train__steps": 300, "schedule__name": name}))
    losses, progress = curve(finish(trainer), "eval_loss"), trainer.early_stopping
    assert end_of(losses, 2) is not None, "it must lie on a plateau, or this shows nothing"
    assert progress == EarlyStopping(progress.best_value, progress.best_step, progress.since_best)


def test_in_a_warmup_no_plateau_is_counted() -> None:
    changes = {**ROUGH, "schedule__warmup_steps": 400, "schedule__warmup_start": 1.0, "schedule__factor": 0.25}
    trainer = Trainer(small(**{**changes, "train__steps": 700}))
    points = finish(trainer)
    rates, losses = dict(curve(points, "lr")), curve(points, "eval_loss")
    assert {rate for step, rate in rates.items() if step <= 420} == {0.2}
    assert trainer.early_stopping.plateau_falls > 0 and rates[700] < 0.2
    assert end_of(losses[:40], 2) is not None, "it must lie on a plateau in the warm-up, or this shows nothing"


def parent_of_forks(folder: Path, **changes: Any) -> tuple[Run, Trainer]:
    """A run that was trained to its end here, with its last checkpoint."""
    config = small(**{**ROUGH, "train__steps": 300, "train__backend": "torch", **changes})
    run = Workspace(folder).create("test", config, "parent")
    trainer = Trainer(config)
    finish(trainer)
    trainer.save(run.checkpoints, changes={}, train_seconds=1.0)
    return run, trainer


def forked(run: Run, **changes: Any) -> Trainer:
    """The trainer that a fork from the last checkpoint begins with."""
    plain = {name.replace("__", "."): value for name, value in changes.items()}
    child = fork_rewind.fork(Workspace(run.folder.parent), run, None, plain)
    (step,) = checkpoint.steps_saved(child.checkpoints)
    return Trainer.resume(checkpoint.load(child.checkpoints / f"step-{step}"))


def first_rate(trainer: Trainer) -> float:
    """The learning rate of the next update."""
    trainer.change("train.log_every", "1")
    trainer.step, before = trainer.step - 1, trainer.step
    return next(value for name, step, value in trainer.run_chunk([before]) if name == "lr")


def test_a_plateau_that_is_switched_on_by_a_fork_begins_at_the_peak(tmp_path: Path) -> None:
    run, _ = parent_of_forks(tmp_path, schedule__name="constant")
    fork = forked(run, schedule__name="plateau", schedule__factor=0.5, schedule__patience=2, train__steps=400)
    assert first_rate(fork) == 0.2 and fork.early_stopping == EarlyStopping()


def test_a_checkpoint_that_counted_plateaus_under_every_schedule_is_read_right(tmp_path: Path) -> None:
    old = {"best_loss": 1.5, "best_step": 40, "since_best": 9, "plateau_since": 3, "plateau_falls": 2}
    progress = EarlyStopping.read(old)
    assert progress.plateau_best == 1.5 and progress.plateau_scale(0.5) == 0.25
    constant, plateau = (small(**{**ROUGH, "schedule__name": name}) for name in ("constant", "plateau"))
    assert progress.of_fork(constant, plateau) == EarlyStopping()
    assert progress.of_fork(plateau, plateau).plateau_scale(0.5) == 0.25


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({}, None),
        ({"schedule__patience": 4}, None),
        ({"schedule__factor": 0.9}, None),
        ({"optim__clip_norm": 1.0}, None),
        ({"optim__lr": 0.02}, 0.02),
        ({"schedule__name": "constant"}, 0.2),
    ],
    ids=str,
)
def test_a_fork_of_a_plateau_goes_on_where_it_was_unless_it_has_a_peak_of_its_own(
    changes: dict[str, Any], left: float | None, tmp_path: Path
) -> None:
    run, trainer = parent_of_forks(tmp_path)
    falls = trainer.early_stopping.plateau_falls
    assert falls > 1
    fork = forked(run, train__steps=400, **changes)
    assert first_rate(fork) == pytest.approx(left or max(1e-3, 0.2 * 0.5**falls), rel=1e-12)
    assert (fork.early_stopping.best_value, fork.early_stopping.since_best) == (None, 0)


def test_another_factor_counts_for_the_falls_to_come() -> None:
    one, other = (small(**{**ROUGH, "schedule__factor": factor}) for factor in (0.5, 0.1))
    fork = EarlyStopping(plateau_best=1.0, plateau_since=1, plateau_falls=2, plateau_before=0.5).of_fork(one, other)
    assert fork.plateau_scale(0.1) == 0.125
    fork.note(2.0, 10, 1)
    assert fork.plateau_scale(0.1) == pytest.approx(0.0125)
    assert fork.of_fork(other, other).plateau_scale(0.1) == pytest.approx(0.0125)


def test_losses_of_other_data_are_not_compared() -> None:
    config = small(**ROUGH)
    other = config.changed({"task.max_length": 4}, "test")
    fork = EarlyStopping(0.1, 10, 3, plateau_best=0.1, plateau_since=1, plateau_falls=2).of_fork(config, other)
    assert fork == EarlyStopping(plateau_falls=2)


def test_a_fork_without_changes_under_a_plateau_has_its_parents_bits(tmp_path: Path) -> None:
    changes = {**ROUGH, "train__steps": 600, "train__backend": "torch"}
    whole = Trainer(small(**changes))
    finish(whole)
    config = small(**changes)
    run = Workspace(tmp_path).create("test", config, "parent")
    trainer = Trainer(config)
    while trainer.step < 290:
        trainer.run_chunk([290])
        if trainer.evaluation_due:
            trainer.evaluate()
    trainer.save(run.checkpoints, changes={}, train_seconds=1.0)
    assert trainer.early_stopping.plateau_falls > 0
    fork = forked(run)
    finish(fork)
    assert same_bits(tensors(fork.model), tensors(whole.model))
    assert (
        fork.early_stopping.plateau_falls == whole.early_stopping.plateau_falls > trainer.early_stopping.plateau_falls
    )


@pytest.mark.parametrize("patience", [2, 5])
def test_a_fork_of_a_run_that_stopped_early_has_all_its_patience(patience: int, tmp_path: Path) -> None:
    run, trainer = parent_of_forks(tmp_path, train__steps=1500, train__early_stop=patience)
    assert trainer.stopped_early
    fork = forked(run)
    assert not fork.done
    losses = curve(finish(fork), "eval_loss")
    assert len(losses) > patience and fork.early_stopping.best_value == min(loss for _, loss in losses)
    assert fork.step == (end_of(losses, patience) or 1500)


def test_the_first_evaluation_of_a_fork_is_its_best_so_far(tmp_path: Path) -> None:
    run, trainer = parent_of_forks(tmp_path, train__keep_best=True)
    fork = forked(run, optim__lr=10.0, train__steps=400)
    while not fork.evaluation_due:
        fork.run_chunk()
    result, best, _ = fork.evaluate()
    assert trainer.early_stopping.best_value is not None and result.loss > trainer.early_stopping.best_value
    assert best and fork.early_stopping.best_step == fork.step


@pytest.mark.parametrize(("name", "schedule"), [("sgd", "constant"), ("rmsprop", "constant")])
def test_a_momentum_that_was_off_for_a_while_begins_anew(name: str, schedule: str, tmp_path: Path) -> None:
    run, _ = parent_of_forks(tmp_path, optim__name=name, optim__momentum=0.9, schedule__name=schedule)
    without = fork_rewind.fork(Workspace(tmp_path), run, None, {"optim.momentum": "0", "train.steps": "310"})
    trainer = Trainer.resume(checkpoint.load(without.checkpoints / "step-300"))
    finish(trainer)
    trainer.save(without.checkpoints, changes={}, train_seconds=1.0)
    again = forked(without, optim__momentum=0.9, train__steps=320)
    momentum = [value for key, value in again.backend.tensors().items() if key.startswith("momentum_buffer")]
    assert not any(value.any() for value in momentum)


def test_a_run_that_is_stopped_after_its_last_step_is_finished(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run, _ = parent_of_forks(tmp_path)
    with run.store() as store:
        store.set_state(status="stopped", step=300)
    fork_server.submit(run)
    with run.store() as store:
        store.post_command("stop")
    assert wait_for_end(run).status == "finished"
