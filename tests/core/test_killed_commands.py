"""Commands that are killed at any moment: opened again, a run is as before or as after, and nothing lies about."""

from __future__ import annotations

import fcntl
import itertools
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from seqsum import worker
from seqsum.control import commands, fork_rewind
from seqsum.files import write_atomically
from seqsum.runs import Run, Workspace
from seqsum.runs.lock import this_boot
from support import power
from support.crash import killed_at
from support.engine import new_run, outcome_of, small, wait_until
from support.said import said_of

REWOUND = re.compile(r"rewound-[0-9-]+")


def all_of(run: Run) -> Any:
    """All that a run's folder says, but for the times of events and the name of a rewind's folder."""
    return {REWOUND.sub("rewound", name): REWOUND.sub("rewound", text) for name, text in said_of(run).items()}


def copy_of(run: Run, folder: Path) -> Run:
    shutil.copytree(run.folder, folder / run.id)
    return Run(folder / run.id)


@dataclass
class Stages:
    """A run as it was, rewound, and with that undone; each with all that is said of it."""

    trained: Run
    rewound: Run
    undone: Run


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    folder = tmp_path_factory.mktemp("stages")
    trained = new_run(folder / "trained", small(train__steps=100))
    assert worker.main([str(trained.folder)]) == 0
    rewound = copy_of(trained, folder / "rewound")
    commands.rewind(rewound, 25)
    undone = copy_of(rewound, folder / "undone")
    commands.undo_rewind(undone)
    return Stages(trained, rewound, undone)


def rewind(run: Run) -> object:
    return commands.rewind(run, 25)


def opened(run: Run) -> Run:
    return Workspace(run.folder.parent).find(run.id)


@pytest.mark.parametrize("work", [rewind, commands.undo_rewind], ids=["rewind", "undo"])
def test_a_rewind_or_its_undoing_is_made_or_not(work: Callable[[Run], object], stages: Stages, tmp_path: Path) -> None:
    ends = [stages.trained, stages.rewound, stages.undone]
    first, last = ends[:2] if work is rewind else ends[1:]
    before, after = all_of(first), all_of(last)
    assert before != after
    seen = []
    for moment in itertools.count(1):
        run = copy_of(first, tmp_path / str(moment))
        killed = killed_at(moment, lambda run=run: work(run))
        found = all_of(opened(run))
        assert found in (before, after), f"killed at {moment}"
        seen.append(found == after)
        if not seen[-1]:
            work(run)
            assert all_of(run) == after, f"killed at {moment}, and done again"
        elif work is rewind:
            commands.undo_rewind(run)
            assert all_of(run) == all_of(stages.undone), f"killed at {moment}, and undone"
        shutil.rmtree(tmp_path / str(moment))
        if not killed:
            break
    assert seen[-1] and seen == sorted(seen) and seen.count(False) > 5 and seen.count(True) > 5


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks up what is forced to the disk")
@pytest.mark.parametrize("work", [rewind, commands.undo_rewind], ids=["rewind", "undo"])
def test_the_power_fails_on_the_way(work: Callable[[Run], object], stages: Stages, tmp_path: Path) -> None:
    ends = [stages.trained, stages.rewound, stages.undone]
    first, last = ends[:2] if work is rewind else ends[1:]
    before, after = all_of(first), all_of(last)
    run, tried, seen = copy_of(first, tmp_path / "runs"), list[power.Tree](), []
    for moment in power.recorded(run.folder, lambda: work(run)):
        for kept, tree in moment.left().items():
            if tree not in tried:
                left = Run(tmp_path / f"left-{len(tried)}" / run.id)
                power.write(tree, left.folder)
                found = all_of(opened(left))
                assert found in (before, after), f"{kept} was kept of what was not forced"
                tried.append(tree)
                seen.append(found == after)
    assert seen[-1] and set(seen) == {True, False} and len(seen) > 9


def half_rewound(stages: Stages, folder: Path) -> Run:
    """A run whose rewind was killed when one checkpoint of three was put aside."""
    for moment in itertools.count(1):
        run = copy_of(stages.trained, folder / str(moment))
        assert killed_at(moment, lambda run=run: rewind(run))
        if len(list(run.checkpoints.iterdir())) == 3:
            return run
    raise AssertionError


def test_what_ends_a_killed_rewind_can_be_killed_too(stages: Stages, tmp_path: Path) -> None:
    half, after = half_rewound(stages, tmp_path / "half"), all_of(stages.rewound)
    for moment in itertools.count(1):
        run = copy_of(half, tmp_path / str(moment))
        killed = killed_at(moment, lambda run=run: opened(run))
        assert all_of(opened(run)) == after
        if not killed:
            break
    assert moment > 5


def test_a_worker_ends_a_killed_rewind_before_it_goes_on(stages: Stages, tmp_path: Path) -> None:
    run = half_rewound(stages, tmp_path)
    assert worker.main([str(run.folder)]) == 0
    assert outcome_of(run) == outcome_of(stages.trained)
    with run.store() as store:
        assert store.events(kind="resumed")[-1].detail["from_checkpoint"] == 25
    (kept,) = run.folder.glob("rewound-*")
    assert sorted(path.name for path in (kept / "checkpoints").iterdir()) == ["step-100", "step-50", "step-75"]


def test_what_was_left_of_making_a_run_goes_when_the_next_is_made(tmp_path: Path) -> None:
    config, left = small(), 0
    for moment in itertools.count(1):
        folder = tmp_path / str(moment)
        killed = killed_at(moment, lambda folder=folder: new_run(folder, config))
        left += bool(list(folder.glob(".*.new")))
        made = new_run(folder, config)
        assert not list(folder.glob(".*.new"))
        # Who was to start the killed one's run is gone, and it says so.
        others = [run.summary().status for run in Workspace(folder).runs() if run.id != made.id]
        assert made.summary().status == "queued" and set(others) <= {"died"}
        if not killed:
            break
    assert left > 5


def test_a_fork_says_whose_it_is_or_is_not_there(stages: Stages, tmp_path: Path) -> None:
    there = []
    for moment in itertools.count(1):
        run = copy_of(stages.trained, tmp_path / str(moment))
        workspace = Workspace(run.folder.parent)
        killed = killed_at(moment, lambda run=run, to=workspace: fork_rewind.fork(to, run, 50, {"optim.lr": 0.01}))
        children = [one for one in workspace.runs() if one.id != run.id]
        there.append(len(children))
        for child in children:
            with child.store() as store:
                assert [event.detail["run"] for event in store.events(kind="forked")] == [run.id]
        shutil.rmtree(tmp_path / str(moment))
        if not killed:
            break
    assert there == sorted(there) and set(there) == {0, 1}


def test_what_was_left_of_writing_a_file_goes_when_it_is_written_again(tmp_path: Path) -> None:
    left = 0
    for moment in itertools.count(1):
        path = tmp_path / str(moment) / "run.json"
        path.parent.mkdir()
        path.with_name(".run.json.4711.tmp").touch()  # as earlier versions called them
        path.with_name(".other.json.4711.tmp").touch()
        killed = killed_at(moment, lambda path=path: write_atomically(path, b"first"))
        left += bool(list(path.parent.glob(".run.json.*-*.tmp")))
        write_atomically(path, b"second")
        assert sorted(left.name for left in path.parent.iterdir()) == [".other.json.4711.tmp", "run.json"]
        assert path.read_bytes() == b"second"
        if not killed:
            break
    assert left


def test_a_file_that_another_program_writes_is_left_to_it(tmp_path: Path) -> None:
    temporary = tmp_path / ".run.json.4711-0123abcd.tmp"
    with temporary.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        write_atomically(tmp_path / "run.json", b"{}")
        assert temporary.exists()
    write_atomically(tmp_path / "run.json", b"{}")
    assert not temporary.exists()


def test_who_was_to_start_a_run_is_known_by_more_than_a_number(tmp_path: Path) -> None:
    run = new_run(tmp_path, small())
    assert run.summary().status == "queued"
    with run.store() as store:
        store.set_state(boot="of another start of this machine")
    assert run.summary().status == "died" and "seqsum resume" in (run.summary().reason or "")
    # Ended, and not waited for: its number is still taken.
    process = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE, "its end")
    with run.store() as store:
        store.set_state(boot=this_boot(), launcher=process.pid)
    assert run.summary().status == "died"
    process.wait()
