"""The best checkpoint: by any metric, by a least difference, gone back to at the end, and named where one is named."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch

from seqsum.control import commands
from seqsum.errors import ConfigError, UserError
from seqsum.evaluation.evaluate import evaluate
from seqsum.launch import WarmLauncher
from seqsum.models.base import make_model
from seqsum.presets import load_preset, preset_names
from seqsum.query.answering import Answerer
from seqsum.registry import make_task
from seqsum.runs import Run, Workspace
from seqsum.runs.best import best_step, step_named
from seqsum.training import checkpoint
from seqsum.training.early_stopping import EarlyStopping, Judged
from seqsum.training.trainer import Trainer
from seqsum.training.trainer import points_of as of_evaluation
from support.command_line import call, lines, refused
from support.engine import new_run, points_of, same_bits, small, tensors, wait_for_end

ROUGH: dict[str, Any] = {
    "optim__lr": 0.2,
    "schedule__name": "constant",
    "train__backend": "torch",
    "train__steps": 200,
    "train__evaluate_every": 10,
    "train__log_every": 10,
    "train__checkpoint_every": 35,
}


@pytest.mark.parametrize("higher", [False, True])
@pytest.mark.parametrize("min_delta", [0.0, 0.25])
def test_an_evaluation_counts_when_it_is_better_by_more_than_the_least_difference(
    higher: bool, min_delta: float
) -> None:
    draw, progress = random.Random(3), EarlyStopping()
    best: float | None = None
    since = 0
    for step in range(200):
        value = float("nan") if step == 50 else draw.randint(0, 40) / 8 * (1 + (step if higher else -step) / 400)
        gained = 0.0 if best is None or value != value else (value - best if higher else best - value)
        counts = value == value and (best is None or gained > min_delta)
        best, since = (value, 0) if counts else (best, since + 1)
        assert progress.note(9.0, step, None, Judged(value, higher, min_delta)) is counts
        assert (progress.best_value, progress.since_best) == (best, since)


@pytest.fixture
def run(fork_server: WarmLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run that kept its best checkpoint by accuracy, and went back to it."""
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path))
    run = new_run(tmp_path, small(**ROUGH, train__best_metric="accuracy", train__restore_best=True))
    fork_server.submit(run)
    assert wait_for_end(run).status == "finished"
    return run


def highest(run: Run) -> tuple[int, float]:
    """The first of the highest accuracies."""
    return max(points_of(run)["accuracy"], key=lambda point: (point[1], -point[0]))


def test_a_run_ends_with_the_best_weights_by_its_metric(run: Run) -> None:
    step, accuracy = highest(run)
    assert step < 200, "the best must not be the last, or this shows nothing"
    best, last = (checkpoint.load(run.checkpoints / f"step-{one}") for one in (step, 200))
    assert same_bits(best.model, last.model) and same_bits(best.optimizer, last.optimizer)
    assert last.state["restored_step"] == step and "restored_step" in best.state
    with run.store() as store:
        told = [event.detail.get("text", "") for event in store.events(kind="message")]
    assert any(f"back to the weights of step {step}, the best by accuracy" in text for text in told)
    found = Answerer(run).ask("evaluate")[1]["answer"]
    assert found["accuracy"] == pytest.approx(accuracy)
    # Read again, it is over: nothing is owed, and nothing is gone back to twice.
    again = Trainer.resume(last)
    assert again.done and again.restored_step == step


def test_best_names_that_checkpoint_wherever_one_is_named(run: Run, tmp_path: Path) -> None:
    step, accuracy = highest(run)
    assert best_step(run, "test") == step
    (found,) = lines("evaluate", run.id, "--checkpoint", "best")
    assert (found["checkpoint_step"], found["accuracy"]) == (step, pytest.approx(accuracy))
    (found,) = lines("predict", run.id, "1 2", "--checkpoint", "best")
    assert found["checkpoint_step"] == step
    file = tmp_path / "best.safetensors"
    assert call("export", run.id, "--output", str(file), "--checkpoint", "best")[0] == 0
    saved = checkpoint.load(run.checkpoints / f"step-{step}")
    assert same_bits(safetensors.torch.load_file(file), saved.model)
    assert call("rewind", run.id, "--step", "best")[0] == 0
    assert Run(run.folder).summary().step == step
    assert call("fork", run.id, "--step", "best", "--name", "child", "--train.steps", "201", "--detach")[0] == 0
    (child,) = [one for one in lines("runs") if one["name"] == "child"]
    assert Run(tmp_path / child["run"]).record.parent == {"run": run.id, "step": step}
    wait_for_end(Run(tmp_path / child["run"]))
    assert "--checkpoint must be best, last or a whole number from 0" in refused(
        "predict", run.id, "1 2", "--checkpoint", "worst"
    )
    assert "must be best, last or a whole number from 0" in refused("rewind", run.id, "--step", "worst")
    assert "--checkpoint goes with weights" in refused(
        "export", run.id, "--output", str(tmp_path / "a.csv"), "--checkpoint", "best"
    )


def test_without_a_kept_best_it_is_the_best_of_those_that_are_saved(tmp_path: Path) -> None:
    config = small(**{**ROUGH, "train__evaluate_every": 5, "train__checkpoint_every": 25})
    run, trainer = new_run(tmp_path, config), Trainer(config)
    with pytest.raises(UserError, match="has no checkpoint"):
        best_step(run, "predict")
    losses: dict[int, float] = {}
    while not trainer.done:
        trainer.run_chunk()
        if trainer.evaluation_due:
            points = trainer.evaluate()[2]
            losses |= {step: value for name, step, value in points if name == "eval_loss"}
            with run.store() as store:
                store.append(points)
        if trainer.checkpoint_due:
            trainer.save(run.checkpoints)
    kept = {step: losses[step] for step in checkpoint.steps_saved(run.checkpoints)}
    assert min(losses, key=lambda step: losses[step]) not in kept, "else this shows nothing"
    assert best_step(run, "predict") == min(kept, key=lambda step: kept[step])


def test_a_metric_that_nothing_is_judged_by_is_refused(fork_server: WarmLauncher, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"train\.best_metric: must be a metric whose name tells which way it is better"
    ):
        Trainer(small(train__best_metric="grad_norm"))
    problem = r'train\.best_metric: must be a metric of the task "sum_modulo", got "bleu"; there are eval_loss'
    with pytest.raises(ConfigError, match=problem):
        commands.start(Workspace(tmp_path), fork_server, "adds", small(train__best_metric="bleu"))
    assert not Workspace(tmp_path).runs()
    # In the worker, for a task that does not say what it measures.
    run = new_run(tmp_path, small(train__best_metric="bleu"))
    fork_server.submit(run)
    summary = wait_for_end(run)
    assert summary.status == "failed"
    assert 'train.best_metric: an evaluation of this run has no "bleu"; there are accuracy, eval_loss' in str(
        summary.reason
    )
    log = run.log.read_text(encoding="utf-8")
    assert "bleu" in log and "Traceback" not in log


FIRST_OF_TASK = {load_preset(name).config.task.name: name for name in reversed(preset_names())}


@pytest.mark.parametrize("preset", FIRST_OF_TASK.values())
def test_a_task_says_by_what_it_can_be_judged(preset: str) -> None:
    """Against what an evaluation has, less what it says of others: naive answers, coverage, width."""
    config = load_preset(preset).config
    task = make_task(config.task)
    found = {name for name, _, _ in of_evaluation(1, evaluate(make_model(task, config.model, 0), task))}
    of_others = ("_same_as_last", "_seasonal_naive", "_share", "_width", "majority_class_accuracy")
    others = {name for name in found if name.endswith(of_others) or name.startswith("unigram_")}
    lengths = {name for name in found if name.startswith("accuracy_length")}
    assert set(task.measured_by() or ()) == found - others - lengths


def test_a_fork_of_a_restored_run_ends_with_its_own_best(run: Run, fork_server: WarmLauncher, tmp_path: Path) -> None:
    child = commands.fork(Workspace(tmp_path), fork_server, run, None, {"train.steps": "300"})
    assert wait_for_end(child).status == "finished"
    step, _ = highest(child)
    last = checkpoint.load(child.checkpoints / "step-300")
    first = checkpoint.load(child.checkpoints / "step-200")
    assert step > 200 and last.state["restored_step"] == (None if step == 300 else step)
    assert same_bits(first.model, checkpoint.load(run.checkpoints / "step-200").model)
    assert same_bits(tensors(Trainer.resume(last).model), checkpoint.load(child.checkpoints / f"step-{step}").model)


def test_a_step_is_taken_as_it_is_shown(run: Run) -> None:
    for step in (0, 7, 999, 1000, 20_000, 1_234_567, 999_999_999_999):
        assert step_named(run, f"{step:,}", "test") == step_named(run, str(step), "test") == step
    for wrong in ("1,00", "1000,000", ",000", "1,0000", "1.000", "1, 000", "-1,000", "1,000,000,000,000,000"):
        with pytest.raises(UserError, match="must be best, last or a whole number from 0"):
            step_named(run, wrong, "test")
