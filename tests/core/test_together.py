"""Several programs at once in one workspace: what each was told is done, and nothing is done twice."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from seqsum.config import Config
from seqsum.control.replicate import Replication
from seqsum.errors import UserError
from seqsum.files import alone
from seqsum.launch import LocalLauncher
from seqsum.runs import Run, Workspace
from seqsum.runs.annotations import annotate

MANY = 8


def at_once(work: Callable[[int], object], count: int = MANY) -> None:
    gate, failures = threading.Barrier(count), []

    def one(number: int) -> None:
        gate.wait()
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_every_tag_stays(tmp_path: Path) -> None:
    run = Workspace(tmp_path).create("baseline", Config(), "one")
    told = [
        subprocess.Popen([sys.executable, "-m", "seqsum.cli", "tag", "one", f"t{n}", "--workspace", str(tmp_path)])
        for n in range(MANY)
    ]
    assert [process.wait() for process in told] == [0] * MANY
    assert sorted(run.summary().tags) == [f"t{n}" for n in range(MANY)]


def test_tags_are_made_of_those_that_the_run_has_by_then(tmp_path: Path) -> None:
    run = Workspace(tmp_path).create("baseline", Config(), "one")
    at_once(lambda number: annotate(run.folder, tags=lambda: [*run.summary().tags, f"t{number}"]))
    assert sorted(run.summary().tags) == [f"t{n}" for n in range(MANY)]


def test_each_run_without_a_name_gets_one_of_its_own(tmp_path: Path) -> None:
    at_once(lambda number: Workspace(tmp_path).create("baseline", Config()))
    names = Counter(summary.name for summary in Workspace(tmp_path).summaries())
    assert names == Counter(["baseline", *(f"baseline-{number}" for number in range(2, MANY + 1))])


class Started(LocalLauncher):
    """Starts nothing, and says that it did."""

    def submit(self, run: Run, queue: bool = False) -> int:
        with run.store() as store:
            store.set_state(status="finished")
        return 0


def test_a_group_that_two_begin_has_each_seed_once(tmp_path: Path) -> None:
    def begin(number: int) -> None:
        Replication(Workspace(tmp_path), Started(), "baseline", Config(), range(5), "group").begin()

    at_once(begin, 4)
    seeds = Counter(run.record.parsed_config().train.seed for run in Workspace(tmp_path).runs())
    assert seeds == Counter(range(5))


def test_who_waits_for_a_folder_that_is_never_let_go_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqsum.files.alone.__wrapped__.__defaults__", (0.05,))
    run = Workspace(tmp_path).create("baseline", Config())
    with alone(tmp_path), alone(run.folder):
        with pytest.raises(UserError, match="another program holds it"):
            Workspace(tmp_path).create("baseline", Config())
        with pytest.raises(UserError, match="another program holds it"):
            annotate(run.folder, note="x")
    assert len(Workspace(tmp_path).runs()) == 1 and not run.summary().note
