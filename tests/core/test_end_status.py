"""How commands that follow something end: by a signal, by somebody else's hand, and by themselves. Real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seqsum.cli.follow import end_status
from seqsum.cli.signals import stopping
from seqsum.control import commands
from seqsum.runs import Workspace
from seqsum.sweeps import definition, steering
from support.engine import SMALL, wait_until

LONG = [f"--{path}={value}" for path, value in {**SMALL, "train.steps": 200_000, "train.backend": "torch"}.items()]
COMMANDS = {
    "train": ["train", "baseline"],
    "replicate": ["replicate", "baseline", "--seeds", "2", "--group", "several"],
    "sweep": ["sweep", "baseline", "--optim.lr", "0.001,0.01", "--seeds", "1", "--name", "s"],
}
SIGNALS = [signal.SIGINT, signal.SIGTERM]


@contextmanager
def following(workspace: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A command whose runs train. It hears ctrl-C as at a terminal: what runs behind a shell's & has it ignored."""
    heard = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); from seqsum.cli import entry"
    command = [sys.executable, "-P", "-c", f"{heard}; entry()", "--json", "--workspace", str(workspace)]
    environment = {**os.environ, "SEQSUM_WORKERS": "2"}
    process = subprocess.Popen(
        [*command, *words, *LONG], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        running(workspace)
        yield process
    finally:
        process.kill()
        process.communicate()


def running(workspace: Path) -> None:
    def train() -> bool:
        return any(one.status == "running" and one.step for one in Workspace(workspace).summaries())

    wait_until(train, "a run that trains")


def all_saved(workspace: Path) -> None:
    def ended() -> bool:
        return {one.status for one in Workspace(workspace).summaries()} == {"stopped"}

    wait_until(ended, "every run saved and stopped")


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_saves_stops_and_is_the_exit_status(name: str, number: signal.Signals, tmp_path: Path) -> None:
    with following(tmp_path, *COMMANDS[name]) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (128 + number, "")
    by = "ctrl-C" if number == signal.SIGINT else "a SIGTERM to what followed it"
    assert {one.reason for one in Workspace(tmp_path).summaries()} <= {f"stopped by {by}", "stopped while it waited"}
    assert json.loads(out.splitlines()[-1])["event"] in ("stopped", "replicated", "swept")
    all_saved(tmp_path)


def stop_run(workspace: Path) -> None:
    for run in Workspace(workspace).runs():
        if run.summary().live:
            commands.stop(run)


@pytest.mark.parametrize(
    ("name", "stop"),
    [("train", stop_run), ("replicate", stop_run), ("sweep", lambda place: steering.stop(Workspace(place), "s"))],
)
def test_what_is_stopped_from_elsewhere_ends_with_1(name: str, stop: Callable[[Path], object], tmp_path: Path) -> None:
    with following(tmp_path, *COMMANDS[name]) as process:
        stop(tmp_path)
        _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (1, "")
    all_saved(tmp_path)


def test_the_signal_counts_only_where_it_has_stopped_something() -> None:
    assert end_status(["finished", "stopped", "failed"], [signal.SIGINT, signal.SIGINT]) == 130
    assert end_status(["finished", "stopped"], [signal.SIGTERM, signal.SIGINT]) == 143
    assert end_status(["finished"], [signal.SIGINT]) == 0, "it came too late"
    assert [end_status(["finished", other], []) for other in ("stopped", "failed", "died")] == [1, 1, 1]
    assert end_status(["failed"], [signal.SIGINT]) == 1


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_lets_go_and_without_a_way_to_stop_the_first(number: signal.Signals) -> None:
    asked = []
    with pytest.raises(KeyboardInterrupt) as let_go, stopping(lambda: asked.append(1)):
        os.kill(os.getpid(), number)
        assert asked == [1]
        os.kill(os.getpid(), signal.SIGINT)
    assert asked == [1] and let_go.value.args[0] == number and "stops by itself" in let_go.value.args[1]
    with pytest.raises(KeyboardInterrupt) as let_go, stopping():
        os.kill(os.getpid(), number)
    assert let_go.value.args == (number,)


# At every moment of a start, and of going on

AT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
module, name, number = sys.argv.pop(1), sys.argv.pop(1), int(sys.argv.pop(1))

def look(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_qualname == name and frame.f_globals.get("__name__") == module:
        sys.setprofile(None)
        os.kill(os.getpid(), number)

from seqsum.cli import entry
sys.setprofile(look)
entry()
"""
LOADING = [("seqsum.cli", "_obey"), ("seqsum.cli.arguments", "parse_command")]
BEGINNING = [
    ("seqsum.launch.local", "LocalLauncher._ready"), ("seqsum.launch.local", "LocalLauncher._begin"),
    ("seqsum.runs.store", "Store.set_state"),
]  # fmt: skip
MAKING = [("seqsum.runs.workspace", "Workspace.create")]
OF_A_SWEEP = [
    ("seqsum.cli.sweep", "_drive"), ("seqsum.sweeps.driver", "Driver.__init__"),
    ("seqsum.sweeps.definition", "want"), ("seqsum.sweeps.driver", "Driver._take_up"),
    ("seqsum.control.replicate", "Replication.begin"), ("seqsum.sweeps.driver", "Driver.look"),
    ("seqsum.cli.sweep", "_follow"),
]  # fmt: skip
MOMENTS = [
    *(("sweep", *at) for at in [*LOADING, ("seqsum.sweeps.definition", "create"), *OF_A_SWEEP, *MAKING, *BEGINNING]),
    *(("replicate", *at) for at in [*LOADING, ("seqsum.control.replicate", "Replication.begin"), *MAKING, *BEGINNING]),
    *(("train", *at) for at in [*LOADING, ("seqsum.control.commands", "start"), *MAKING, *BEGINNING]),
]


def signalled(workspace: Path, moment: tuple[str, str], number: int, *words: str) -> tuple[int, str, str]:
    """Run a command that is sent a signal as it calls a function for the first time; return status, output, errors."""
    command = [sys.executable, "-P", "-c", AT, *moment, str(number), "--workspace", str(workspace), *words]
    environment = {**os.environ, "SEQSUM_WORKERS": "2"}
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, timeout=240, check=False
    )
    return done.returncode, done.stdout, done.stderr


def check_stopped(workspace: Path, status: int, out: str, err: str, number: int) -> None:
    assert status == 128 + number, (status, out, err)
    assert "Traceback" not in err and (out + err).strip()
    place = Workspace(workspace)

    def ended() -> bool:
        return not any(one.live for one in place.summaries())

    wait_until(ended, "every run saved and stopped")
    assert {one.status for one in place.summaries()} <= {"stopped"}, [one.reason for one in place.summaries()]
    for name in definition.names(place):
        assert definition.status_of(place, definition.read(place, name)) == "stopped"
    assert "stopped" in out or "begun" in err or not place.summaries(), (out, err)


@pytest.mark.parametrize(("name", "module", "function"), MOMENTS)
def test_whenever_a_signal_comes_nothing_has_died(name: str, module: str, function: str, tmp_path: Path) -> None:
    number = SIGNALS[len(function) % 2]
    status, out, err = signalled(tmp_path, (module, function), number, *COMMANDS[name], *LONG)
    check_stopped(tmp_path, status, out, err, number)


@pytest.mark.parametrize("moment", [LOADING[0], ("seqsum.sweeps.steering", "go_on"), *OF_A_SWEEP, *BEGINNING])
def test_a_sweep_that_goes_on_is_stopped_whenever_the_signal_comes(moment: tuple[str, str], tmp_path: Path) -> None:
    signalled(tmp_path, ("seqsum.launch.local", "LocalLauncher._begin"), signal.SIGINT, *COMMANDS["sweep"], *LONG)
    all_saved(tmp_path)
    number = SIGNALS[len(moment[1]) % 2]
    status, out, err = signalled(tmp_path, moment, number, "sweep", "--resume", "s")
    check_stopped(tmp_path, status, out, err, number)


@pytest.mark.parametrize("moment", [*LOADING, ("seqsum.control.commands", "resume"), *BEGINNING])
def test_a_run_that_is_resumed_is_stopped_whenever_the_signal_comes(moment: tuple[str, str], tmp_path: Path) -> None:
    with following(tmp_path, *COMMANDS["train"]) as process:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    (run,) = Workspace(tmp_path).runs()
    status, out, err = signalled(tmp_path, moment, signal.SIGINT, "resume", run.id)
    check_stopped(tmp_path, status, out, err, signal.SIGINT)


def test_a_killed_driver_that_had_not_begun_leaves_its_sweep_as_it_was(tmp_path: Path) -> None:
    for moment in (("seqsum.cli.sweep", "_drive"), ("seqsum.sweeps.driver", "Driver.__init__")):
        name = moment[1].split(".")[0].strip("_")
        words = [*COMMANDS["sweep"][:-1], name, *LONG]
        assert signalled(tmp_path, moment, signal.SIGKILL, *words)[0] == -signal.SIGKILL
        place = Workspace(tmp_path)
        assert definition.status_of(place, definition.read(place, name)) == "stopped"
