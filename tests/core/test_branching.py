"""Fork and rewind: the same bits where nothing was changed, curves that belong together, and nothing lost."""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from seqsum.compare.history import History
from seqsum.config import Config
from seqsum.control import commands, fork_rewind
from seqsum.errors import ConfigError, UserError
from seqsum.launch import WarmLauncher
from seqsum.runs import Run, Store, Workspace, checkpoint_files
from seqsum.training import checkpoint
from support.engine import (
    CLOCK_METRICS,
    kill,
    last_bytes,
    outcome_of,
    points_of,
    small,
    train_here,
    wait_for_end,
    wait_for_step,
)

# log_every is prime: a log point's mean reaches over the fork. PyTorch, so that a run can be met on its way.
CHANGES: dict[str, Any] = {"train__steps": 300, "train__backend": "torch", "task__max_length": 3}


def finished(fork_server: WarmLauncher, folder: Path, config: Config) -> Run:
    run = Workspace(folder).create("test", config, "parent")
    fork_server.submit(run)
    assert wait_for_end(run).status == "finished"
    return run


@pytest.fixture(scope="module")
def parent(fork_server: WarmLauncher, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run; tests only read it or fork from it."""
    return finished(fork_server, tmp_path_factory.mktemp("parents"), small(**CHANGES))


@pytest.fixture
def copied(parent: Run, tmp_path: Path) -> Run:
    """The same run in a workspace of its own."""
    shutil.copytree(parent.folder, tmp_path / "runs" / parent.id)
    return Run(tmp_path / "runs" / parent.id)


def forked(fork_server: WarmLauncher, run: Run, step: int | None = None, **changes: Any) -> Run:
    plain = {name.replace("__", "."): value for name, value in changes.items()}
    return commands.fork(Workspace(run.folder.parent), fork_server, run, step, plain)


def events(run: Run) -> list[tuple[str, int]]:
    with run.store() as store:
        return [(event.kind, event.step) for event in store.events()]


# Fork


@pytest.mark.parametrize("backend", ["torch", "fused"])
def test_a_fork_without_changes_ends_with_the_parents_bits(
    backend: str, fork_server: WarmLauncher, tmp_path: Path
) -> None:
    run = finished(fork_server, tmp_path, small(**{**CHANGES, "train__backend": backend}))
    child = forked(fork_server, run, 125)
    summary = wait_for_end(child)
    assert (summary.status, summary.name) == ("finished", "parent-fork")
    assert Run(child.folder).record.parent == {"run": run.id, "step": 125}
    assert last_bytes(child) == last_bytes(run)
    assert points_of(child) == {
        name: [point for point in points if point[0] > 125] for name, points in points_of(run).items()
    }
    assert events(child)[:2] == [("forked", 125), ("started", 125)]


def test_its_curve_is_the_parents_up_to_the_fork_and_its_own_after(fork_server: WarmLauncher, parent: Run) -> None:
    child = forked(fork_server, parent, 150, optim__lr="0.02")
    grandchild = forked(fork_server, child_that_ended(child), 200, optim__lr="0.0001")
    wait_for_end(grandchild)
    of = [points_of(run) for run in (parent, child, grandchild)]
    for metric in ("loss", "accuracy", "lr"):
        expected = [point for point in of[0][metric] if point[0] <= 150]
        expected += [point for point in of[1][metric] if 150 < point[0] <= 200]
        expected += of[2][metric]
        with History(grandchild) as history:
            curve = history.curve(metric)
        assert list(zip(curve.x.tolist(), curve.mean.tolist(), strict=True)) == expected
        assert of[2][metric][0][0] > 200 and of[2][metric] != [point for point in of[0][metric] if point[0] > 200]


def child_that_ended(run: Run) -> Run:
    assert wait_for_end(run).status == "finished"
    return run


def test_changed_settings_act_from_the_fork_on(fork_server: WarmLauncher, parent: Run, tmp_path: Path) -> None:
    child = child_that_ended(forked(fork_server, parent, 100, optim__lr="0.01", optim__clip_norm="0.2"))
    # The schedule reads optim.lr live, so that a change at step 100 in one run is the same training.
    changes = {100: [("optim.lr", "0.01"), ("optim.clip_norm", "0.2")]}
    points, files = train_here(small(**CHANGES), tmp_path, changes)
    assert last_bytes(child) == files
    own = {name: [p for p in of if p[0] > 100] for name, of in points.items()}
    assert points_of(child) == own
    assert child.record.config["optim"]["lr"] == 0.01 and child.config().optim.clip_norm == 0.2
    with child.store() as store:
        (event,) = store.events(kind="forked")
    assert event.detail["run"] == parent.id and event.detail["changes"]["optim.clip_norm"] == ["off", "0.2"]


def test_more_steps_than_the_finished_parent_had(fork_server: WarmLauncher, parent: Run) -> None:
    child = child_that_ended(forked(fork_server, parent, train__steps="330"))
    assert child.record.parent == {"run": parent.id, "step": 300}
    assert child.summary().step == 330 and points_of(child)["loss"][-1][0] == 330
    assert child.summary().train_seconds > parent.summary().train_seconds


def test_a_child_that_is_killed_goes_on_with_the_same_bits(fork_server: WarmLauncher, tmp_path: Path) -> None:
    long = small(**{**CHANGES, "train__steps": 1200})
    run = finished(fork_server, tmp_path, long)
    child = forked(fork_server, run, 25)
    wait_for_step(child, 100)
    kill(child, child.summary().pid or 0)
    commands.resume(child, fork_server)
    assert wait_for_end(child).status == "finished"
    assert last_bytes(child) == last_bytes(run)
    assert [kind for kind, _ in events(child)].count("resumed") == 1


def test_values_changed_live_before_the_fork_are_the_childs(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run = Workspace(tmp_path).create("test", small(**{**CHANGES, "train__steps": 3000}))
    fork_server.submit(run)
    wait_for_step(run, 30)
    commands.set_value(run, "optim.lr", "0.004")
    step = commands.snapshot(run)["step"]
    # From a run that trains on meanwhile.
    child = forked(fork_server, run, step, train__steps=str(step + 50))
    assert child.record.config["optim"]["lr"] == 0.004
    assert wait_for_end(child).status == "finished"
    commands.stop(run)


@pytest.mark.parametrize(
    ("before", "change", "kept"),
    [
        ({"optim__name": "adam"}, {"optim.name": "sgd"}, False),
        ({"optim__name": "adam"}, {"optim.lr": "0.5"}, True),
        ({"optim__name": "rmsprop"}, {"optim.momentum": "0.9"}, False),
    ],
)
def test_another_optimizer_begins_afresh(
    before: dict[str, Any], change: dict[str, str], kept: bool, fork_server: WarmLauncher, tmp_path: Path
) -> None:
    run = finished(fork_server, tmp_path, small(**{**CHANGES, **before, "train__steps": 50}))
    child = fork_rewind.fork(Workspace(tmp_path), run, 25, change)
    old, new = (checkpoint.load(one.checkpoints / "step-25") for one in (run, child))
    assert new.model.keys() == old.model.keys() and torch.equal(new.rng, old.rng)
    assert (new.optimizer.keys() == old.optimizer.keys()) is kept
    assert kept or new.optimizer == {}
    fork_server.submit(child)
    assert wait_for_end(child).status == "finished"


def test_tensors_are_left_out_of_a_file_as_they_stand() -> None:
    tensors = {
        "a": torch.arange(5, dtype=torch.bfloat16),
        "b.step": torch.tensor(3.0),
        "rng.torch": torch.arange(7, dtype=torch.uint8),
        "z": torch.randn(2, 3, dtype=torch.float64),
    }
    data = checkpoint_files.without_tensors(safetensors.torch.save(tensors, {"format": "pt"}), lambda name: name == "a")
    found = safetensors.torch.load(data)
    assert found.keys() == {"b.step", "rng.torch", "z"}
    assert all(torch.equal(found[name], tensors[name]) for name in found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model.hidden_size": "9"}, "fork: model.hidden_size: can't change in a fork: the weights are made"),
        ({"model.cell": "lstm"}, "model.cell: can't change in a fork"),
        ({"task.modulus": "6"}, "task.modulus: can't change in a fork: the task's vocabulary"),
        ({"task.name": "parity_check"}, "task.name: can't change in a fork"),
        ({"train.dtype": "float64"}, "train.dtype: can't change in a fork"),
        ({"train.steps": "100"}, "train.steps: must be above 100"),
        ({"optim.lr": "-1"}, "optim.lr: must be above 0"),
        ({"optim.lrr": "1"}, 'is no field; did you mean "lr"?'),
    ],
)
def test_what_does_not_fit_the_weights_is_refused(changes: dict[str, str], words: str, copied: Run) -> None:
    workspace = Workspace(copied.folder.parent)
    with pytest.raises(ConfigError) as caught:
        fork_rewind.fork(workspace, copied, 100, changes)
    assert words in str(caught.value)
    assert [run.id for run in workspace.runs()] == [copied.id], "nothing is left behind"


def test_steps_without_a_whole_checkpoint_are_refused(copied: Run, tmp_path: Path) -> None:
    workspace = Workspace(copied.folder.parent)
    for verb in (
        lambda step: fork_rewind.fork(workspace, copied, step, {}),
        lambda step: fork_rewind.rewind(copied, step),
    ):
        with pytest.raises(UserError, match=r"has no checkpoint of step 130; the nearest are of step 50, 75, .*225"):
            verb(130)
        weights = copied.checkpoints / "step-50" / "model.safetensors"
        whole = weights.read_bytes()
        weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(UserError, match="the checkpoint of step 50 is damaged"):
            verb(50)
        weights.write_bytes(whole)
    fresh = Workspace(tmp_path).create("test", small())
    with pytest.raises(UserError, match="has no checkpoint yet"):
        fork_rewind.fork(Workspace(tmp_path), fresh, None, {})


def test_a_fork_whose_checkpoint_is_damaged_fails_and_does_not_begin_at_0(
    copied: Run, fork_server: WarmLauncher
) -> None:
    child = fork_rewind.fork(Workspace(copied.folder.parent), copied, 100, {})
    (child.checkpoints / "step-100" / "state.json").write_text("{}")
    fork_server.submit(child)
    summary = wait_for_end(child)
    assert summary.status == "failed" and "the checkpoint of step 100 that it began with is damaged" in summary.reason
    assert points_of(child) == {}


# Rewind


def test_rewound_and_resumed_it_ends_with_the_same_bits(copied: Run, fork_server: WarmLauncher) -> None:
    before = outcome_of(copied)
    told = commands.rewind(copied, 125)
    assert told["step"] == 125 and str(copied.folder / "rewound-") in told["message"]
    summary = copied.summary()
    assert (summary.status, summary.step) == ("stopped", 125)
    assert checkpoint.steps_saved(copied.checkpoints) == [25, 50, 75, 100, 125]
    assert max(step for points in points_of(copied).values() for step, _ in points) <= 125
    with copied.store() as store:
        for metric in CLOCK_METRICS:
            assert store.points(metric)[0].max(initial=0) <= 125
        assert np.nanmax(store.buckets("loss", count=2).x) <= 125, "the roll-up, too"
    assert [kind for kind, step in events(copied) if step > 125] == []
    assert commands.resume(copied, fork_server)["ok"]
    assert wait_for_end(copied).status == "finished"
    assert outcome_of(copied) == before


def test_what_came_after_is_kept_whole(copied: Run) -> None:
    before = points_of(copied)
    weights = {step: (copied.checkpoints / f"step-{step}" / "model.safetensors").read_bytes() for step in (275, 300)}
    kept = Path(commands.rewind(copied, 250)["kept"])
    for step, content in weights.items():
        assert (kept / "checkpoints" / f"step-{step}" / "model.safetensors").read_bytes() == content
        assert checkpoint_files.whole(kept / "checkpoints" / f"step-{step}")[0] == step
    with Store(kept / "metrics.db") as store:
        steps, values = store.points("loss")
    assert list(zip(steps.tolist(), values.tolist(), strict=True)) == before["loss"]


def test_values_changed_after_it_are_forgotten_and_those_before_stay(fork_server: WarmLauncher, tmp_path: Path) -> None:
    config = small(**{**CHANGES, "train__steps": 2000, "train__checkpoint_every": 10**9})
    run = Workspace(tmp_path / "runs").create("test", config)
    fork_server.submit(run)
    wait_for_step(run, 50)
    early = commands.set_value(run, "optim.lr", "0.004")["step"]
    saved = commands.pause(run)["step"]
    # At the very step of the checkpoint, and after it.
    commands.set_value(run, "optim.lr", "0.05")
    commands.resume(run, fork_server)
    wait_for_step(run, saved + 50)
    commands.set_value(run, "optim.clip_norm", "0.1")
    commands.pause(run)
    commands.rewind(run, saved)
    assert run.summary().status == "stopped" and run.config().optim.lr == 0.004
    assert run.config().optim.clip_norm is None
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"
    assert outcome_of(run) == train_here(config, tmp_path / "here", {early: [("optim.lr", "0.004")]})


def test_a_run_that_trains_is_refused(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run = Workspace(tmp_path).create("test", small(**{**CHANGES, "train__steps": 100_000}))
    fork_server.submit(run)
    wait_for_step(run, 30)
    with pytest.raises(UserError, match="is running; stop it first"):
        commands.rewind(run, 25)
    with pytest.raises(UserError, match=r"a worker is at run .*; stop it first"):
        fork_rewind.rewind(run, 25)
    commands.pause(run)
    with pytest.raises(UserError, match="has no checkpoint of step 26"):
        commands.rewind(run, 26)
    assert run.summary().status == "paused", "a wrong step stops nothing"
    commands.stop(run)
    wait_for_end(run)


def test_points_that_a_fork_begins_with_are_not_taken_away(copied: Run) -> None:
    workspace = Workspace(copied.folder.parent)
    child = fork_rewind.fork(workspace, copied, 200, {})
    with pytest.raises(UserError, match=f"run {child.id} was forked from step 200.*seqsum fork {copied.id} --step 100"):
        commands.rewind(copied, 100)
    assert checkpoint.steps_saved(copied.checkpoints)[-1] == 300
    assert commands.rewind(copied, 200)["ok"]
    with pytest.raises(UserError, match="is at step 200 already"):
        commands.rewind(copied, 200)


def test_killed_on_the_way_it_can_be_rewound_again(
    copied: Run, fork_server: WarmLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = outcome_of(copied)

    def killed(self: Store, step: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "rewind", killed)
        with pytest.raises(KeyboardInterrupt):
            commands.rewind(copied, 125)
    assert points_of(copied) == before[0], "no point is gone before the copy is whole"
    assert commands.rewind(copied, 125)["ok"]
    commands.resume(copied, fork_server)
    wait_for_end(copied)
    assert outcome_of(copied) == before


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "no room"), sqlite3.OperationalError("database is locked")])
@pytest.mark.parametrize("what", [(Store, "copy_to"), (checkpoint_files, "force")])
def test_a_rewind_that_fails_before_it_is_decided_leaves_no_file(
    copied: Run, monkeypatch: pytest.MonkeyPatch, what: tuple[Any, str], error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    before, there = outcome_of(copied), sorted(path.name for path in copied.folder.iterdir())
    with monkeypatch.context() as patch, pytest.raises(UserError, match=r"no room|locked"):
        patch.setattr(*what, fails)
        commands.rewind(copied, 125)
    assert sorted(path.name for path in copied.folder.iterdir()) == there and outcome_of(copied) == before


def test_a_rewind_that_is_undone_leaves_everything_as_it_was(copied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before, saved = outcome_of(copied), checkpoint.steps_saved(copied.checkpoints)
    record = json.loads((copied.folder / "run.json").read_text())["outcome"]
    with pytest.raises(UserError, match=r"nothing of run .* was put aside by a rewind"):
        commands.undo_rewind(copied)
    with copied.store() as reader:  # a console that looks on
        assert reader.points("loss")[0][-1] == 300
        commands.rewind(copied, 125)
        commands.rewind(copied, 50)
        assert commands.undo_rewind(copied)["step"] == 125

        def killed(self: Store, path: Path) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Store, "restore_from", killed)
            commands.undo_rewind(copied)
        assert commands.undo_rewind(copied)["step"] == 300
        assert reader.points("loss")[0][-1] == 300
    assert (outcome_of(copied), checkpoint.steps_saved(copied.checkpoints)) == (before, saved)
    assert json.loads((copied.folder / "run.json").read_text())["outcome"] == record
    assert list(copied.folder.glob("rewound-*")) == [] and copied.summary().status == "finished"
    assert events(copied)[-1] == ("restored", 300)


def test_what_a_run_that_went_on_left_behind_is_not_mixed_into_it(copied: Run) -> None:
    kept = commands.rewind(copied, 125)["kept"]
    with copied.store() as store:
        store.set_state(step=130)
    with pytest.raises(UserError, match=f"went on since it was rewound to step 125; .* is in {kept}"):
        commands.undo_rewind(copied)
    assert checkpoint.steps_saved(copied.checkpoints)[-1] == 125 and Path(kept).is_dir()


def test_the_folder_of_a_rewind_has_the_state_it_names(copied: Run) -> None:
    commands.rewind(copied, 50)
    record = json.loads((copied.folder / "run.json").read_text())
    assert record["outcome"] == {"status": "stopped", "reason": "rewound to step 50", "step": 50}


# A parent that trains and keeps few checkpoints


@pytest.mark.parametrize("step", [None, 300])
def test_a_checkpoint_that_is_pruned_while_it_is_forked_from_is_forked_from(
    copied: Run, monkeypatch: pytest.MonkeyPatch, step: int | None
) -> None:
    create, weights = Workspace.create, last_bytes(copied)[1:]

    def prune_first(*given: Any, **named: Any) -> Run:
        shutil.rmtree(copied.checkpoints / "step-300")
        return create(*given, **named)

    monkeypatch.setattr(Workspace, "create", prune_first)
    child = fork_rewind.fork(Workspace(copied.folder.parent), copied, step, {"train.steps": 400})
    assert last_bytes(child) == ("step-300", *weights)


def test_a_fork_begins_with_the_checkpoint_that_took_the_place_of_the_one_it_saw(
    copied: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, listed = copied.checkpoints / "step-300", checkpoint_files.steps_saved
    kept.rename(copied.folder / "later")
    left = iter([True])

    def list_and_prune(folder: Path) -> list[int]:
        found = listed(folder)
        if next(left, False):
            for step in found:
                shutil.rmtree(folder / f"step-{step}")
            (copied.folder / "later").rename(kept)
        return found

    monkeypatch.setattr(checkpoint_files, "steps_saved", list_and_prune)
    child = fork_rewind.fork(Workspace(copied.folder.parent), copied, None, {"train.steps": 400})
    assert listed(child.checkpoints) == [300]
