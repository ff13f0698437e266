"""A disk that fills: what is told before a run starts, and while it trains. Real disks where they can be made."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seqsum.control.commands import start
from seqsum.launch import LocalLauncher
from seqsum.launch.warm import WarmLauncher
from seqsum.runs import Run, Workspace
from seqsum.runs.disk import free_bytes, no_room
from seqsum.worker.room import LEAST_BYTES, LOOK_SECONDS, RoomWatch
from support.command_line import call, lines
from support.engine import new_run, small, wait_for_end, wait_for_step

GIGABYTE = 10**9


class Nobody(LocalLauncher):
    """Starts no worker."""

    def submit(self, run: Run, queue: bool = False) -> None:
        """Do nothing."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes a disk of so many megabytes, in memory."""
    made: list[Path] = []

    def make(megabytes: int) -> Path:
        folder = tmp_path / f"disk-{len(made)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder]
        if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("only root can make a small disk, and not everywhere")
        made.append(folder)
        return folder

    yield make
    for folder in made:
        subprocess.run(["umount", "--lazy", folder], check=False)


class Disk:
    """A disk that loses some bytes a second, and a clock."""

    def __init__(self, folder: Path, free: int, lost: float = 0.0) -> None:
        self.now, self.first, self.lost = 0.0, free, lost
        self.watch = RoomWatch(folder, 1000, lambda: self.now, lambda _: int(self.first - self.lost * self.now))

    def after(self, seconds: float, left: float | None) -> list[str]:
        """What is told in the seconds that come, with `left` of training at their beginning."""
        end, told = self.now + seconds, list[str]()
        while self.now < end:
            self.now += 1
            if self.watch.look(None if left is None else max(left - self.now, 0.0)):
                told.append(self.watch.short or "room again")
        return told


def test_a_disk_that_will_be_full_before_the_end_is_told_of_once_with_the_way_out(tmp_path: Path) -> None:
    # Ten gigabytes, a megabyte a second: enough for 10,000 seconds.
    disk = Disk(tmp_path, 10 * GIGABYTE, 10**6)
    (told,) = disk.after(3000, 20_000)
    assert "9.7 GB are free" in told and "seqsum prune" in told and "goes on by itself" in told
    assert "enough for 2h40m, and the run needs 5h30m more" in told
    assert not Disk(tmp_path, 10 * GIGABYTE, 10**6).after(3000, 9000), "it ends before that"
    assert not Disk(tmp_path, 10 * GIGABYTE).after(3000, 10**9)
    assert not Disk(tmp_path, 10 * GIGABYTE, -(10**6)).after(3000, 10**9), "it empties"
    assert not Disk(tmp_path, 10 * GIGABYTE, 10**6).after(3000, None), "nobody knows how long it trains"


def test_a_rate_is_that_of_minutes_not_of_a_moment(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 10 * GIGABYTE, 10**8)
    assert not disk.after(50, 10**6), "somebody may copy a file"
    disk.first, disk.lost = 5 * GIGABYTE, 0.0
    assert not disk.after(2000, 5000), "and then no more"


def test_too_little_is_told_whatever_the_rate_and_taken_back_when_there_is_room(tmp_path: Path) -> None:
    disk = Disk(tmp_path, LEAST_BYTES - 1)
    (told,) = disk.after(100, None)
    assert told.startswith("only 100 MB are free on the disk of this run: free some (seqsum prune")
    disk.first = 10 * LEAST_BYTES
    assert disk.after(100, None) == ["room again"]
    disk.first = LEAST_BYTES - 1
    assert disk.after(100, None) == [told]


def test_it_looks_every_few_seconds_only(tmp_path: Path) -> None:
    now, looks = [0.0], list[float]()

    def free(_: Path) -> int:
        looks.append(now[0])
        return 10 * GIGABYTE

    watch = RoomWatch(tmp_path, 1000, lambda: now[0], free)
    for tenth in range(1000):
        now[0] = tenth / 10
        watch.look(None)
    assert len(looks) <= 100 / LOOK_SECONDS


def test_a_run_that_will_not_fit_is_told_of_before_it_starts(disk: Callable[[int], Path]) -> None:
    folder = disk(4)
    assert free_bytes(folder) == 4 * 2**20
    assert no_room("it needs", 4.5e6, folder) is not None and no_room("it needs", 4e6, folder) is None
    wide = small(
        train__steps=4,
        train__checkpoint_every=1,
        train__log_every=1,
        train__evaluate_every=2,
        model__hidden_size=300,
        train__backend="torch",
    )
    told = []
    for config in (wide, small()):
        with start(Workspace(folder), Nobody(), "baseline", config).store() as store:
            told.append([event.detail["text"] for event in store.events(kind="message")])
    assert len(told[0]) == 1 and told[1] == []
    assert told[0][0].startswith("the run needs about ") and "MB are free; free some (seqsum prune" in told[0][0]


def test_a_run_on_a_small_disk_says_so_while_it_trains_in_events_list_and_log(
    disk: Callable[[int], Path], fork_server: WarmLauncher
) -> None:
    folder = disk(8)
    (folder / "somebody's").write_bytes(b"x" * (7 * 2**20 + 2**19))
    run = new_run(folder, small(train__steps=10**8, train__checkpoint_every=10**7, train__backend="torch"))
    fork_server.submit(run)
    wait_for_step(run, 50)
    (problem,) = lines("runs", "--workspace", str(folder))[0]["problems"]
    assert problem.startswith("only ") and "seqsum prune" in problem
    with run.store() as store:
        assert [event.detail["text"] for event in store.events(kind="message")] == [problem]
    assert run.log.read_text().count(problem) == 1
    assert f"! {problem}" in call("runs", "--workspace", str(folder))[1]
    run_again = Run(run.folder)
    with run_again.store() as store:
        store.post_command("stop")
    assert wait_for_end(run).status == "stopped"
    assert Workspace(folder).summaries()[0].problems == (), "it trains no more"
