"""Workers as jobs of a real Slurm of one node."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from seqsum.config import Config, TrainConfig
from seqsum.control import commands
from seqsum.control.replicate import Replication
from seqsum.errors import UserError
from seqsum.launch import Launcher, WarmLauncher, launcher_on
from seqsum.launch.slurm import minutes
from seqsum.runs import Run, Workspace
from support.command_line import call, lines, refused
from support.engine import SMALL, outcome_of, small, wait_until
from support.one_node_slurm import one_node_slurm, why_none

FLAGS = [f"--{path}={value}" for path, value in {**SMALL, "train.steps": 60}.items()]
CONFIG = small(train__steps=400, train__backend="torch", train__evaluate_every=50)


@pytest.fixture(scope="module")
def slurm() -> Iterator[Path]:
    pytest.importorskip("submitit", reason="the extra slurm is not installed")
    if why := why_none():
        pytest.skip(why)
    with one_node_slurm() as folder:
        yield folder


LOADED = """
import logging, os, sys
from contextlib import suppress
from pathlib import Path
from seqsum.errors import UserError
from seqsum.launch import launcher_on
closed = []
class Handler(logging.Handler):
    def close(self):
        closed.append(self)
handler = Handler()
with suppress(UserError):
    launcher_on("slurm", {}, Path(sys.argv[1]))
assert "submitit" in sys.modules and not closed
assert os.environ.get("SUBMITIT_LOG_LEVEL") == (sys.argv[2] or None)
"""


@pytest.mark.parametrize("level", ["", "DEBUG"])
def test_whoever_loads_it_keeps_the_logging_that_there_is(level: str, tmp_path: Path) -> None:
    pytest.importorskip("submitit", reason="the extra slurm is not installed")
    own = {name: value for name, value in os.environ.items() if name != "SUBMITIT_LOG_LEVEL"}
    environment = own | ({"SUBMITIT_LOG_LEVEL": level} if level else {})
    subprocess.run([sys.executable, "-c", LOADED, str(tmp_path), level], check=True, env=environment)


def on_slurm(folder: Path, **options: str) -> Launcher:
    return launcher_on("slurm", {"time": "10", **options}, folder)


def replication(folder: Path, launcher: Launcher, seeds: int, config: Config = CONFIG) -> Replication:
    return Replication(Workspace(folder), launcher, "baseline", config, range(seeds), "several")


def statuses(group: Replication) -> list[str]:
    return [summary.status for summary in group.summaries().values()]


def follow(group: Replication) -> None:
    wait_until(lambda: not any(one.live for one in group.summaries().values()), "the runs' end")
    assert set(statuses(group)) == {"finished"}


def same_as_here(group: Replication, fork_server: WarmLauncher, folder: Path) -> None:
    """The group's runs have every bit of those that processes of this machine train."""
    here = replication(folder, fork_server, len(group.seeds), group.config)
    here.begin()
    follow(here)
    for seed, run in group.runs.items():
        assert outcome_of(run) == outcome_of(here.runs[seed])


def in_queue(job: str) -> str:
    """What Slurm says of a job that has not ended; of an array for its number."""
    return subprocess.run(["squeue", "-h", "-j", job], capture_output=True, text=True, check=False).stdout.strip()


def release(job: str) -> None:
    """Let a job begin that was handed over on hold."""
    subprocess.run(["scontrol", "release", job], check=True)


def job_of(run: Run) -> str:
    with run.store() as store:
        return str(store.state()["job"]["id"])


def test_seeds_are_one_array_and_train_as_they_do_here(slurm: Path, fork_server: WarmLauncher, tmp_path: Path) -> None:
    launcher = on_slurm(tmp_path / "runs", nice="7")
    assert "--cpus-per-task=6" in launcher.command(tmp_path / "runs", 3, TrainConfig(threads=2, processes=3))
    shown = launcher.command(tmp_path / "runs", 3, TrainConfig())
    group = replication(tmp_path / "runs", launcher, 3)
    group.begin()
    array = job_of(group.runs[0]).partition("_")[0]
    assert [job_of(group.runs[seed]) for seed in range(3)] == [f"{array}_{seed}" for seed in range(3)]
    # What was shown is what sbatch was given.
    given = (tmp_path / "runs" / f".slurm-{os.getuid()}" / f"{array}_submission.sh").read_text()
    assert shown.partition("\n")[2] == given.strip() and "--nice=7" in given and "--array=0-2%3" in given
    # Another program finds them in Slurm again, and has nothing to start.
    assert replication(tmp_path / "runs", on_slurm(tmp_path / "runs"), 3).due() == []
    follow(group)
    same_as_here(group, fork_server, tmp_path / "here")
    assert all("finished at step 400" in run.log.read_text() for run in group.runs.values())


def test_a_job_whose_time_is_over_saves_is_queued_again_and_ends_with_the_same_bits(
    slurm: Path, fork_server: WarmLauncher, tmp_path: Path
) -> None:
    # A minute is the shortest limit; the signal comes 58 seconds before.
    launcher = on_slurm(tmp_path / "runs", time="1", signal_delay_s="58")
    group = replication(tmp_path / "runs", launcher, 1, CONFIG.changed({"train.steps": 4000}, "test"))
    group.begin()
    (run,) = group.runs.values()
    wait_until(lambda: run.summary().status == "running", "its beginning")
    with suppress(UserError):  # its time may be over already
        commands.pause(run)  # else it might end before its time does
    left = run.summary().step
    wait_until(lambda: run.summary().status == "queued", "its time's end")
    assert left < 4000 and not run.worker_lives
    assert launcher.poll(run).status == "queued" and launcher.holds(run)
    # What is left shall take one job, however busy the machine is.
    subprocess.run(["scontrol", "update", f"jobid={job_of(run)}", "timelimit=30"], check=True)
    follow(group)
    with run.store() as store:
        resumed = store.events(kind="resumed")
    assert [event.detail["from_checkpoint"] for event in resumed] == [left]
    same_as_here(group, fork_server, tmp_path / "here")


def test_a_killed_worker_is_told_and_goes_on_when_it_is_handed_over_again(
    slurm: Path, fork_server: WarmLauncher, tmp_path: Path
) -> None:
    group = replication(tmp_path / "runs", on_slurm(tmp_path / "runs"), 1)
    group.begin()
    (run,) = group.runs.values()
    wait_until(lambda: run.summary().status == "running", "its beginning")
    commands.pause(run)
    pid = run.summary().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: statuses(group) == ["died"], "its death")
    reason = group.summaries()[0].reason
    assert reason is not None and reason.endswith(f"its Slurm job {job_of(run)} is gone: failed")
    first = job_of(run)
    group.begin()
    assert statuses(group) == ["queued"] and job_of(run) != first
    follow(group)
    same_as_here(group, fork_server, tmp_path / "here")


def test_a_stop_saves_what_runs_and_takes_the_rest_out_of_the_queue(slurm: Path, tmp_path: Path) -> None:
    config = CONFIG.changed({"train.steps": 10_000_000}, "test")
    group = replication(tmp_path, on_slurm(tmp_path, at_once="1"), 4, config)
    group.begin()
    runs = group.runs
    wait_until(lambda: runs[0].summary().status == "running", "the first one")
    # By another program, by Slurm's own command, and by whoever follows them.
    assert lines("stop", runs[3].id, "--workspace", str(tmp_path))[0]["message"] == "stopped before it began"
    cancelled = job_of(runs[2])
    subprocess.run(["scancel", cancelled], check=True)
    wait_until(lambda: statuses(group)[2] == "stopped", "that it is seen")
    assert (group.summaries()[2].reason or "").startswith(f"its Slurm job {cancelled} was ended before it began")
    group.stop()
    wait_until(lambda: set(statuses(group)) == {"stopped"}, "all stopped")
    assert runs[0].summary().reason == "stopped by command" and runs[1].summary().step == 0
    wait_until(lambda: not in_queue(cancelled.partition("_")[0]), "an empty queue")
    assert group.due() == [0, 1, 2, 3]


def test_a_run_that_was_taken_up_here_is_none_of_slurms_any_more(
    slurm: Path, fork_server: WarmLauncher, tmp_path: Path
) -> None:
    launcher = on_slurm(tmp_path, hold="")
    group = replication(tmp_path, launcher, 1)
    group.begin()
    (run,) = group.runs.values()
    job = job_of(run)
    assert commands.resume(run, fork_server)["ok"]
    wait_until(lambda: run.summary().status == "finished", "its end")
    release(job)
    wait_until(lambda: not in_queue(job), "the end of the job")
    assert run.log.read_text().count("started at step") == 1


def test_a_sweep_whose_driver_is_killed_finds_its_jobs_again(slurm: Path, tmp_path: Path) -> None:
    there = ["--workspace", str(tmp_path)]
    begun = ["sweep", "baseline", *FLAGS, "--optim.lr", "0.001,0.01", "--seeds", "2", "--on", "slurm"]
    driver = subprocess.Popen(
        [sys.executable, "-m", "seqsum.cli", *begun, "--job", "time=10,hold=", "--json", *there],
        stdout=subprocess.DEVNULL,
    )
    workspace = Workspace(tmp_path)
    wait_until(lambda: [run for run in workspace.runs() if handed(run)][3:], "that all are handed over")
    driver.kill()
    driver.wait()
    release(job_of(workspace.runs()[0]).partition("_")[0])
    told = lines("sweep", "--resume", "baseline-sweep", *there)[-1]
    assert told["status"] == "finished" and [len(one["runs"]) for one in told["settings"]] == [2, 2]
    runs = workspace.runs()
    assert len(runs) == 4 and all(run.summary().status == "finished" for run in runs)
    # None was handed over twice: they are all of one array.
    assert len({job_of(run).partition("_")[0] for run in runs}) == 1


def handed(run: Run) -> bool:
    with run.store() as store:
        return bool(store.state().get("job", {}).get("id"))


# What is refused


def test_what_slurm_refuses_is_told_in_its_words(slurm: Path, tmp_path: Path) -> None:
    there = ["train", "baseline", "--on", "slurm", "--workspace", str(tmp_path)]
    for option, words in {"partition=none": "Invalid partition", "nonsense=1": "nonsense"}.items():
        done = subprocess.run(
            [sys.executable, "-m", "seqsum.cli", *there, "--job", option], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2 and done.stderr.startswith("train: Slurm refused it: ")
        assert words in done.stderr and len(done.stderr.splitlines()) == 1
        # What is left is said, and what to do with it.
        left = Workspace(tmp_path).runs()[0]
        assert f"run {left.id} is left, stopped: seqsum resume {left.id} --on slurm tries again" in done.stderr
    assert {run.summary().status for run in Workspace(tmp_path).runs()} == {"stopped"}
    group = replication(tmp_path, on_slurm(tmp_path, partition="none"), 3)
    with pytest.raises(UserError, match="its 3 runs are left, stopped: the same command hands them over again"):
        group.begin()
    assert group.due() == [0, 1, 2]


def test_a_refused_sweep_goes_on_by_the_command_that_it_names(slurm: Path, tmp_path: Path) -> None:
    there = ["--workspace", str(tmp_path)]
    words = ["sweep", "baseline", *FLAGS, "--optim.lr", "0.1,0.2", "--seeds", "1", *there, "--on", "slurm"]
    said = call(*words, "--job", "partition=none")[2]
    assert said.startswith("sweep: Slurm refused it: ") and "Invalid partition" in said and len(said.splitlines()) == 1
    # No word of Slurm's runs into the next.
    assert "sbatch: " not in said and "error: " not in said
    assert "seqsum sweep --resume baseline-sweep hands its runs over again" in said
    begun = {run.id for run in Workspace(tmp_path).runs()}
    (listed,) = lines("sweep", "--list", *there)
    assert listed["status"] == "stopped" and {run.summary().status for run in Workspace(tmp_path).runs()} == {"stopped"}
    told = lines("sweep", "--resume", "baseline-sweep", "--on", "slurm", "--job", "time=10", *there)[-1]
    assert told["status"] == "finished" and {run.id for run in Workspace(tmp_path).runs()} == begun


def test_without_a_cluster_no_sweep_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit", reason="the extra slurm is not installed")
    if why := why_none():
        pytest.skip(why)
    (tmp_path / "slurm.conf").write_text("ClusterName=none\nSlurmctldHost=localhost\nSlurmctldPort=1\n")
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    said = refused("sweep", "baseline", "--optim.lr", "0.1,0.2", "--on", "slurm", "--workspace", str(tmp_path / "runs"))
    assert said.startswith("sweep: no Slurm answers on this machine: ") and not (tmp_path / "runs").exists()


def test_what_was_refused_or_stopped_goes_on_on_slurm(slurm: Path, tmp_path: Path) -> None:
    there = ["--workspace", str(tmp_path), "--on", "slurm", "--job"]
    assert call("train", "baseline", *FLAGS, *there, "partition=none")[0] == 2
    (left,) = Workspace(tmp_path).runs()
    assert "Invalid partition" in refused("resume", left.id, *there, "partition=none")
    assert lines("resume", left.id, *there, "time=10")[-1]["message"] == "handed to slurm"
    job = job_of(left)
    wait_until(lambda: left.summary().status == "finished", "its end")
    wait_until(lambda: not in_queue(job), "the end of the job")
    assert refused("resume", left.id, *there, "time=10").startswith(f"resume: run {left.id} is finished")


def test_what_jobs_run_is_nothing_that_others_can_write(slurm: Path, tmp_path: Path) -> None:
    group = replication(tmp_path, on_slurm(tmp_path), 1)
    (tmp_path / f".slurm-{os.getuid()}").mkdir()
    (tmp_path / f".slurm-{os.getuid()}").chmod(0o777)
    with pytest.raises(UserError, match="can be written by others"):
        group.begin()
    assert statuses(group) == ["stopped"]


def test_where_there_is_no_slurm_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit", reason="the extra slurm is not installed")
    there = ["train", "baseline", "--on", "slurm", "--workspace", str(tmp_path)]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused(*there) == "train: there is no sbatch on this machine; start it where Slurm's commands are"
    monkeypatch.setitem(sys.modules, "submitit", None)
    monkeypatch.delitem(sys.modules, "seqsum.launch.sbatch", raising=False)
    assert "pip install 'seqsum-tui[slurm]'" in refused(*there)
    partition = SimpleNamespace(mountpoint=str(tmp_path), fstype="nfs4")
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [partition])
    assert "lies on a network file system" in refused(*there)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "limit"),
    [("90", 90), ("1:30", 2), ("2:00:00", 120), ("1-0", 1440), ("1-12", 2160), ("1-0:30", 1470), ("1-00:00:30", 1441)],
)
def test_a_time_limit_is_read_as_sbatch_reads_it(text: str, limit: int) -> None:
    assert minutes(text) == limit


@pytest.mark.parametrize("text", ["", "an hour", "1:2:3:4", "-1", "1.5"])
def test_another_time_limit_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="time of slurm is minutes"):
        minutes(text)
