"""`seqsum prune`: what it deletes, what stays whatever is asked for, and that a kill leaves whole checkpoints only."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

import seqsum
from seqsum.control import fork_rewind
from seqsum.control.prune import plan, prune
from seqsum.runs import Run, Workspace, bin
from seqsum.runs.checkpoint_files import ASKED, newest_whole, steps_saved
from seqsum.runs.disk import size_on_disk
from seqsum.runs.lock import take_lock
from seqsum.training import checkpoint
from support.command_line import call, lines, refused
from support.crash import killed_at
from support.engine import new_run, small
from support.trained import trained_run

STEPS = range(10, 120, 10)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with an ended run of many checkpoints, the best of them that of step 50."""
    folder = tmp_path_factory.mktemp("made")
    ended(trained_run(folder, *STEPS, train__checkpoint_every=10))
    return folder


def ended(run: Run, ago: float = 0.0) -> None:
    with run.store() as store:
        store.append([("eval_loss", step, abs(step - 50) / 100 + 0.1) for step in STEPS])
        for step in STEPS:
            store.add_event(step, "checkpoint", reason="interval", path=f"step-{step}")
        store.set_state(status="finished", step=STEPS[-1], updated=time.time() - ago)


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Run:
    shutil.copytree(made, tmp_path / "workspace")
    (run,) = Workspace(tmp_path / "workspace").runs()
    return run


def here(run: Run) -> tuple[str, str]:
    return "--workspace", str(run.folder.parent)


@pytest.mark.parametrize(
    ("keep", "stay"),
    [("auto", [*STEPS]), ("3", [50, 90, 100, 110]), ("best", [50, 110]), ("last", [110]), ("100", [*STEPS])],
)
def test_what_stays_is_what_was_asked_for_the_last_and_the_best(keep: str, stay: list[int], run: Run) -> None:
    gone = [step for step in STEPS if step not in stay]
    freed = sum(size_on_disk(run.checkpoints / f"step-{step}") for step in gone)
    told = lines("prune", run.id, "--keep", keep, "--dry-run", *here(run))
    assert steps_saved(run.checkpoints) == [*STEPS], "so far it is only told"
    facts = {"run": run.id, "name": run.name, "steps": gone, "stay": len(stay), "size": freed}
    assert told == ([{**facts, "deleted": False}] if gone else [])
    before = size_on_disk(run.folder)
    assert lines("prune", run.id, "--keep", keep, *here(run)) == ([{**facts, "deleted": True}] if gone else [])
    assert steps_saved(run.checkpoints) == stay
    assert before - size_on_disk(run.folder) == pytest.approx(freed, abs=200_000)
    with run.store() as store:
        assert [event.step for event in store.events(kind="checkpoint")] == stay
    for step in stay:
        checkpoint.load(run.checkpoints / f"step-{step}")


def test_of_thousands_an_even_series_stays(run: Run) -> None:
    for step in range(120, 2000, 10):
        shutil.copytree(run.checkpoints / "step-110", run.checkpoints / f"step-{step}")
    found = prune(run, "auto")
    there = steps_saved(run.checkpoints)
    assert len(there) == found.stay <= 41 and {10, 50, 1970, 1980, 1990} <= {*there}
    assert not prune(run, "auto").steps, "once more there is nothing to do"


def test_one_that_was_asked_for_and_one_that_a_fork_shares_stay(run: Run) -> None:
    with run.store() as store:
        store.add_event(20, "checkpoint", reason=ASKED, path="step-20")
    child = fork_rewind.fork(Workspace(run.folder.parent), run, 30, {"train.steps": 500})
    assert prune(run, 1).stay == 4 and steps_saved(run.checkpoints) == [20, 30, 50, 110]
    bin.delete(child)
    bin.empty(run.folder.parent)
    prune(run, 1)
    assert steps_saved(run.checkpoints) == [20, 50, 110]


def test_with_a_damaged_last_one_the_last_whole_one_stays_too(run: Run) -> None:
    (run.checkpoints / "step-110" / "model.safetensors").write_bytes(b"no weights")
    prune(run, 1, best=False)
    assert steps_saved(run.checkpoints) == [100, 110]
    found = newest_whole(run.checkpoints)
    assert found is not None and found[0] == 100


def test_killed_at_any_moment_it_leaves_whole_checkpoints_and_is_ended_by_the_next(run: Run, tmp_path: Path) -> None:
    for moment in itertools.count(1):
        workspace = Path(shutil.copytree(run.folder.parent, tmp_path / str(moment)))
        (copied,) = Workspace(workspace).runs()
        killed = killed_at(moment, lambda copied=copied: prune(copied, 8))
        steps = steps_saved(copied.checkpoints)
        assert {*STEPS} >= {*steps} >= {50, 110}
        for step in steps:
            checkpoint.load(copied.checkpoints / f"step-{step}")
        prune(Run(copied.folder), 8)
        assert steps_saved(copied.checkpoints) == [40, 50, 60, 70, 80, 90, 100, 110]
        assert not list(copied.checkpoints.glob(".*")), "nothing half deleted is left lying about"
        shutil.rmtree(workspace)
        if not killed:
            break
    assert moment > 8


def test_where_nobody_knows_the_best_nothing_is_deleted(run: Run) -> None:
    with closing(sqlite3.connect(run.folder / "metrics.db")) as database:
        database.execute("DROP TABLE pt")
    assert run.id in refused("prune", run.id, "--keep", "3", *here(run))
    assert steps_saved(run.checkpoints) == [*STEPS]


def test_a_run_whose_plug_in_is_gone_is_pruned_as_others(run: Run) -> None:
    record = json.loads((run.folder / "run.json").read_text())
    record["config"]["task"]["name"] = "of_a_plug_in"
    (run.folder / "run.json").write_text(json.dumps(record))
    assert prune(run, 3).steps and steps_saved(run.checkpoints) == [50, 90, 100, 110]


def test_a_run_with_a_worker_is_left_alone(run: Run) -> None:
    lock = take_lock(run.folder)
    assert lock is not None
    try:
        with run.store() as store:
            store.set_state(status="running", pid=os.getpid())
        words = refused("prune", run.id, "--keep", "1", *here(run))
        assert words == f"prune: run {run.id} is running; it keeps to train.keep_checkpoints itself"
        other = new_run(run.folder.parent, small())
        assert call("prune", run.id, other.id, "--keep", "1", *here(run))[2] == "\n".join(
            [words, f"prune: run {other.id} is queued; it keeps to train.keep_checkpoints itself", ""]
        )
        assert lines("prune", "--yes", "--keep", "1", *here(run)) == []
    finally:
        os.close(lock)
    assert steps_saved(run.checkpoints) == [*STEPS]


def test_a_run_that_a_script_of_its_own_trains_has_none_of_ours(tmp_path: Path) -> None:
    with seqsum.watch("theirs", {"lr": 0.1}, workspace=tmp_path) as watched:
        watched.log(1, loss=2.0)
    (run,) = Workspace(tmp_path).runs()
    (run.checkpoints / "step-1").mkdir(parents=True)
    words = refused("prune", run.id, "--keep", "1", *here(run))
    assert words.startswith(f"prune: run {run.id} has no checkpoints of ours: it is trained by ")
    assert lines("prune", "--yes", "--keep", "1", *here(run)) == [] and steps_saved(run.checkpoints) == [1]


def test_nothing_named_means_every_run_that_has_ended_which_a_script_must_say(run: Run) -> None:
    assert "RUN is missing" in refused("prune", "--keep", "1", *here(run))
    assert steps_saved(run.checkpoints) == [*STEPS]
    (told,) = lines("prune", "--keep", "1", "--yes", *here(run))
    assert told["run"] == run.id and steps_saved(run.checkpoints) == [50, 110]
    status, text, _ = call("prune", "--keep", "1", "--yes", *here(run))
    assert (status, text) == (0, "nothing to free: every run has only the checkpoints that stay\n")


def test_by_age_of_runs_and_of_what_lies_in_the_bin(run: Run) -> None:
    workspace = run.folder.parent
    old, young = trained_run(workspace, 10), trained_run(workspace, 10)
    for one in (old, young):
        bin.delete(one)
    os.utime(workspace / ".bin" / old.id / bin.STAMP, (0, 0))
    assert lines("prune", run.id, "--keep", "1", "--older-than", "1h", *here(run)) == []
    with run.store() as store:
        store.set_state(updated=time.time() - 3 * 86_400)
    told = lines("prune", run.id, "--keep", "1", "--older-than", "2d", "--bin", *here(run))
    assert [one["deleted"] for one in told] == [True, 1] and bin.contents(workspace) == [young.id]
    assert steps_saved(run.checkpoints) == [50, 110]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--keep", "0"), 'prune: --keep must be auto, best, last or a whole number from 1, got "0"'),
        (("--keep", "most"), 'prune: --keep must be auto, best, last or a whole number from 1, got "most"'),
        (("--older-than", "long"), 'prune: --older-than is a time, e.g. 30d, 12h or 2w; got "long"'),
    ],
)
def test_what_can_not_be_meant_is_refused_in_a_sentence(words: tuple[str, ...], said: str, run: Run) -> None:
    assert refused("prune", run.id, *words, *here(run)) == said


def test_people_are_told_how_many_go_and_what_that_frees(run: Run) -> None:
    status, text, _ = call("prune", run.id, "--keep", "best", "--dry-run", *here(run))
    head, row, stays = text.splitlines()
    assert status == 0 and head.split() == ["RUN", "NAME", "CHECKPOINTS", "STAY", "FREES"]
    assert row.split()[2:4] == ["11", "2"] and row.endswith("kB") and "a fork shares stay" in stays
    text = call("prune", run.id, "--keep", "best", *here(run))[1]
    assert f"{run.name} ({run.id}): 9 checkpoints deleted, " in text
    assert plan(run, 1).steps == ()
