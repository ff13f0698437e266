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

from seqsum.cli.follow import end_status, stopping
from seqsum.control import commands
from seqsum.runs import Workspace
from seqsum.sweeps import steering
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
    assert (asked, let_go.value.args) == ([1], (number,))
    with pytest.raises(KeyboardInterrupt) as let_go, stopping():
        os.kill(os.getpid(), number)
    assert let_go.value.args == (number,)
