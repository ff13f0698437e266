"""What is done behind the loop: in order, and a run's folder is as if all had been done in the loop."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from seqsum import worker
from seqsum.runs import Workspace
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer
from seqsum.worker.background_jobs import MOST, BackgroundJobs, Job
from support.engine import same_bits, small


def test_results_are_taken_in_order_and_a_late_errand_begins_after_those_before_it() -> None:
    told: list[str] = []
    gate = threading.Event()
    behind = BackgroundJobs(lambda: behind.written())  # noqa: PLW0108

    def begin(name: str, job: Any) -> Any:
        told.append(f"begin {name}")
        return job

    behind.add(Job(lambda: begin("slow", gate.wait), lambda _: told.append("slow"), early=True))
    behind.add(Job(lambda: begin("quick", lambda: None), lambda _: told.append("quick"), early=True))
    behind.add(Job(lambda: begin("late", lambda: None), lambda _: told.append("late")))
    behind.look()
    assert told == ["begin slow", "begin quick"]
    gate.set()
    behind.settle()
    assert told == ["begin slow", "begin quick", "slow", "quick", "begin late", "late"]


def test_it_never_falls_far_behind() -> None:
    ended: list[int] = []
    behind = BackgroundJobs(lambda: behind.written())  # noqa: PLW0108
    for number in range(100):
        behind.add(Job(lambda number=number: lambda: number, ended.append, early=number % 3 > 0))
        assert number + 1 - len(ended) == len(behind) <= MOST
    behind.settle()
    # Evaluations in their order, and checkpoints in theirs.
    assert [number for number in ended if number % 3] == [number for number in range(100) if number % 3]
    assert [number for number in ended if number % 3 == 0] == list(range(0, 100, 3))


def test_a_checkpoint_waits_for_what_was_before_it_to_be_written() -> None:
    told: list[str] = []

    def write() -> None:
        told.append("write")
        behind.written()

    behind = BackgroundJobs(write)
    behind.add(Job(lambda: lambda: told.append("evaluate"), lambda _: told.append("note"), early=True))
    behind.add(Job(lambda: lambda: told.append("save"), lambda _: told.append("saved")))
    behind.settle()
    assert told == ["evaluate", "note", "write", "save", "saved"]


def test_points_written_behind_come_before_the_checkpoints_that_waited_for_them() -> None:
    told: list[str] = []
    gate = threading.Event()
    behind = BackgroundJobs(lambda: told.append("never"))
    behind.add(Job(lambda: lambda: told.append("evaluate"), lambda _: None, early=True))
    behind.add(Job(lambda: lambda: told.append("save"), lambda _: told.append("saved")))
    while len(told) < 1:
        behind.look()
    behind.look()
    behind.write(lambda: (gate.wait(), told.append("write")))  # type: ignore[func-returns-value, arg-type, return-value]
    behind.look()
    assert told == ["evaluate"]
    gate.set()
    behind.settle()
    assert told == ["evaluate", "write", "save", "saved"]


def test_no_checkpoint_is_written_when_its_points_could_not_be() -> None:
    def fail() -> None:
        raise OSError("no space left")

    told: list[str] = []
    behind = BackgroundJobs(lambda: told.append("never"))
    behind.add(Job(lambda: lambda: told.append("save"), lambda _: told.append("saved")))
    behind.write(fail)
    for _ in range(2):
        with pytest.raises(OSError, match="no space left"):
            behind.settle()
    assert told == []


def test_what_a_job_raises_is_raised_in_the_loop() -> None:
    def fail() -> None:
        raise OSError("no space left")

    behind = BackgroundJobs(lambda: behind.written())  # noqa: PLW0108
    with pytest.raises(OSError, match="no space left"):
        behind.add(Job(lambda: fail, lambda _: None))
        behind.settle()


@pytest.mark.parametrize("keep", [None, 2])
def test_a_runs_points_and_checkpoints_are_those_of_a_trainer_that_waits(keep: int | None, tmp_path: Path) -> None:
    config = small(
        train__backend="fused",
        train__steps=3000,
        train__log_every=50,
        train__evaluate_every=30,
        train__checkpoint_every=100,
        train__keep_checkpoints=keep,
    )
    run = Workspace(tmp_path).create("behind", config)
    assert worker.main([str(run.folder)]) == 0
    trainer = Trainer(config)
    points: list[Any] = []
    here = tmp_path / "here"
    while not trainer.done:
        points += trainer.run_chunk()
        if trainer.evaluation_due:
            points += trainer.evaluate()[2]
        if trainer.checkpoint_due:
            trainer.save(here, changes={}, train_seconds=0.0)
    with run.store() as store:
        for metric in ("loss", "accuracy", "eval_loss"):
            found = [(int(step), float(value)) for step, value in zip(*store.points(metric), strict=True)]
            assert found == [(step, value) for name, step, value in points if name == metric]
        saved = [event.step for event in store.events(kind="checkpoint")]
    assert saved == checkpoint.steps_saved(run.checkpoints) == checkpoint.steps_saved(here)
    assert saved == list(range(100, 3001, 100))[-(keep or 30) :]
    for step in checkpoint.steps_saved(here):
        ours, theirs = (checkpoint.load(folder / f"step-{step}") for folder in (run.checkpoints, here))
        assert same_bits(ours.model, theirs.model) and same_bits(ours.optimizer, theirs.optimizer)
        assert {**ours.state, "train_seconds": 0.0} == theirs.state
