"""A loaded process that waits for this user's next run: who finds it, what it takes over, when it ends. Real
processes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from seqsum.cli import main
from seqsum.launch import WarmLauncher, standby
from seqsum.runs import Run, Workspace
from support.engine import new_run, outcome_of, small, wait_for_end, wait_for_step, wait_until
from support.standing_by import ended_after, ours
from support.strangers import as_stranger_meanwhile, needs_users

LONG = {"train__steps": 10_000_000, "train__backend": "torch"}
SOON = 15.0
"""Seconds; a process that doesn't answer is waited for twice as long."""


def end_of(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of sockets; what stands by there is ended after the test."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv(standby.VARIABLE, "5")
    folder = runtime / "seqsum"
    with ended_after(folder):
        yield folder


def forked_by(process: psutil.Process, pid: int) -> bool:
    """Whether a process has the command of the one that stands by: a worker that was started has its own."""
    return psutil.Process(pid).cmdline() == process.cmdline()


def test_the_next_commands_run_is_forked_and_has_the_same_bits(place: Path, tmp_path: Path) -> None:
    words = ["--train.steps", "60", "--train.backend", "torch", "--workspace", str(tmp_path / "runs")]
    assert main(["train", "baseline", *words]) == 0
    [process] = ours(place)
    began = process.create_time()
    run = new_run(tmp_path / "other", small(**LONG))
    launcher = WarmLauncher(many=False)
    pid = launcher.submit(run)
    assert pid is not None and forked_by(process, pid)
    launcher.close()
    wait_for_step(run, 20)
    assert main(["stop", run.id, "--workspace", str(tmp_path / "other")]) == 0
    assert wait_for_end(run).status == "stopped", "it outlives its launcher"
    assert main(["train", "baseline", *words]) == 0
    assert [one.create_time() for one in ours(place)] == [began], "one for all"
    # An independent truth: a worker that is started as it always was.
    environment = {**os.environ, standby.VARIABLE: standby.OFF}
    command = [sys.executable, "-m", "seqsum.cli", "train", "baseline", *words]
    assert subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL).returncode == 0
    outcomes = [outcome_of(one) for one in Workspace(tmp_path / "runs").runs()]
    assert len(outcomes) == 3 and outcomes[0] == outcomes[1] == outcomes[2]


PLUGIN = """
import json, os
mask = os.umask(0)
os.umask(mask)
with open(os.environ["TOLD_AT"], "w") as file:
    json.dump([os.environ.get("COLOUR"), os.getcwd(), mask, os.getpriority(os.PRIO_PROCESS, 0)], file)
"""


def test_folder_environment_mask_and_niceness_are_the_commands_own(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = tmp_path / "config" / "seqsum" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "telling.py").write_text(PLUGIN)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    base = os.getpriority(os.PRIO_PROCESS, 0)
    processes = []
    for colour, mask, nicer in (("red", 0o022, 0), ("green", 0o077, 0), ("blue", 0o027, 3)):
        here = tmp_path / colour
        here.mkdir()
        told = here / "told"
        environment = {**os.environ, "COLOUR": colour, "TOLD_AT": str(told)}
        program = f"import os; os.umask({mask}); os.nice({nicer}); from seqsum.cli import main; "
        program += "main(['train', 'baseline', '--train.steps', '3', '--workspace', 'runs'])"
        subprocess.run([sys.executable, "-c", program], cwd=here, env=environment, check=True, capture_output=True)
        assert json.loads(told.read_text()) == [colour, str(here), mask, base + nicer]
        assert [run.summary().status for run in Workspace(here / "runs").runs()] == ["finished"]
        processes.append({process.pid for process in ours(place)})
    assert processes[0] == processes[1] < processes[2], "the nice one has its own"


def started(run: Run) -> float:
    """Start a run; return how many seconds that took, and end it."""
    launcher = WarmLauncher(many=False)
    began = time.monotonic()
    launcher.submit(run)
    seconds = time.monotonic() - began
    wait_for_step(run, 1)
    launcher.close()
    assert main(["stop", run.id, "--workspace", str(run.folder.parent)]) == 0
    assert wait_for_end(run).status == "stopped"
    return seconds


def test_stopped_or_killed_it_holds_nobody_up(place: Path, tmp_path: Path) -> None:
    assert started(new_run(tmp_path / "runs", small(**LONG))) < standby.ANSWER_SECONDS
    [process] = ours(place)
    process.suspend()
    assert started(new_run(tmp_path / "runs", small(**LONG))) < SOON
    process.kill()
    wait_until(lambda: end_of(process), "its end")
    assert started(new_run(tmp_path / "runs", small(**LONG))) < standby.ANSWER_SECONDS
    [another] = ours(place)
    assert another.pid != process.pid


def test_it_ends_when_nobody_has_come_for_a_while(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.mkdir(mode=0o700)
    path = place / "standby-one"
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(place)
        listener.bind(path.name)
        listener.listen()
        words = [sys.executable, "-P", "-m", standby.MODULE, str(listener.fileno()), str(path), "0.01"]
        process = subprocess.Popen(words, pass_fds=[listener.fileno()])
    with socket.socket(socket.AF_UNIX) as link:
        standby.connect(link, path)
        wait_until(lambda: psutil.Process(process.pid).children(), "somebody who serves")
        time_up = time.monotonic() + 2
        wait_until(lambda: time.monotonic() > time_up, "more than its time")
        assert process.poll() is None, "somebody is served yet"
    assert process.wait(60) == 0
    assert not path.exists()


def test_none_is_started_where_none_shall_be(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(standby.VARIABLE, standby.OFF)
    assert started(new_run(tmp_path / "runs", small(**LONG))) < standby.ANSWER_SECONDS
    assert not ours(place) and not place.exists()
    for wrong in ("0", "soon", "-1", "1e3", "100000"):
        monkeypatch.setenv(standby.VARIABLE, wrong)
        assert main(["train", "baseline", "--workspace", str(tmp_path / "none")]) == 2
        said = capsys.readouterr().err
        assert standby.VARIABLE in said and wrong in said and "minutes" in said
    assert not (tmp_path / "none").exists()


def test_a_folder_that_others_can_write_is_not_trusted(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir(mode=0o700)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    own = temporary / f"seqsum-{os.geteuid()}"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    place.symlink_to(elsewhere)
    link = standby.linked()
    assert link is not None and not list(elsewhere.iterdir()) and len(list(own.glob("standby-*"))) == 1
    [process] = ours(own)
    link.close()
    process.kill()
    own.chmod(0o777)
    assert standby.linked() is None


@needs_users
def test_who_listens_there_as_another_user_is_told_nothing(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = standby.linked()
    assert link is not None
    link.close()
    [process] = ours(place)
    process.kill()
    [path] = place.glob("standby-*")
    listener = socket.socket(socket.AF_UNIX)

    def listen() -> list[str]:
        listener.listen()
        return ["listens"]

    with listener:
        monkeypatch.chdir(tmp_path)
        listener.bind("theirs")
        with as_stranger_meanwhile(listen) as said:
            assert said == ["listens"]
            (tmp_path / "theirs").rename(path)
            link = standby.linked()
            assert link is not None and standby.peer(link)[1] == os.geteuid(), "another takes its place"
            link.close()
            listener.settimeout(0)
            connected, _ = listener.accept()
            with connected:
                assert connected.recv(1) == b"", "nothing was sent"
