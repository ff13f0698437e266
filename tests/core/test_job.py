"""What an engine starts, without an engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from seqsum.launch.job import JobWorker
from seqsum.runs import Workspace
from support.engine import new_run, small, wait_until

WORK = "import sys; from pathlib import Path; from seqsum.launch.job import JobWorker; "
CONFIG = small(train__steps=60, train__backend="torch")


@pytest.mark.parametrize("said", ["paused", "running", "stopped", "queued"])
def test_a_run_that_is_started_again_does_not_say_what_it_did_before(said: str, tmp_path: Path) -> None:
    run = new_run(tmp_path / "runs", CONFIG)
    with run.store() as store:
        store.set_state(status=said, pid=None, job={"on": "ray", "token": "t"})
    words = [sys.executable, "-c", WORK + "JobWorker(Path(sys.argv[1]), 't').work()", str(run.folder)]
    engine = subprocess.Popen(words)
    wait_until(lambda: run.worker_lives, "its worker")
    seen = set()
    while run.worker_lives:
        alive = run.worker_lives
        status = run.summary().status
        if alive and run.worker_lives:
            seen.add(status)
    assert engine.wait(60) == 0
    assert seen <= {"starting", "running", "finished"} and "starting" in seen
    assert run.summary().status == "finished"


@pytest.mark.parametrize("state", [{"status": "queued", "job": {"token": "other"}}, {"status": "finished"}])
def test_what_is_not_to_be_started_any_more_stays_as_it_is(state: dict[str, object], tmp_path: Path) -> None:
    run = new_run(tmp_path / "runs", CONFIG)
    with run.store() as store:
        store.set_state(**{"job": {"token": "t"}, **state})
    JobWorker(run.folder, "t").work()
    with run.store() as store:
        assert store.state()["status"] == state["status"]
    assert not run.log.exists() and len(Workspace(tmp_path / "runs").runs()) == 1
