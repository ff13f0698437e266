"""Trackers: what SwanLab's offline logs hold, and that nothing a tracker does can hurt the run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from seqsum.config import Config
from seqsum.errors import ConfigError
from seqsum.runs import Run, Workspace
from seqsum.trackers.base import Media, Tracker
from seqsum.trackers.guarded import QUEUE_SIZE, Guarded
from support.engine import wait_until

QUICK = {
    "task.modulus": 3,
    "task.max_length": 3,
    "train.steps": 60,
    "train.log_every": 10,
    "train.evaluate_every": 30,
    "track.swanlab": "offline",
    "track.tags": "a, b",
}


class FakeTracker(Tracker):
    """Keeps what it is told; `trouble` maps a method to what it does there."""

    name = "fake"

    def __init__(self, **trouble: Callable[[], Any]) -> None:
        self.told: list[tuple[Any, ...]] = []
        self._trouble = trouble

    def _tell(self, call: str, *arguments: Any) -> None:
        self._trouble.get(call, lambda: None)()
        self.told.append((call, *arguments))

    def start(self, config: Any, facts: Any) -> None:
        self._tell("start")

    def log(self, points: Any) -> None:
        self._tell("log", list(points))

    def media(self, media: Media) -> None:
        self._tell("media", media.step)

    def finish(self, status: str, reason: str | None) -> None:
        self._tell("finish", status, reason)


def raises() -> None:
    raise RuntimeError("broken\nhere")


def exits() -> None:
    sys.exit(3)


def test_calls_arrive_in_order_and_thinned_to_the_newest() -> None:
    fake = FakeTracker()
    guarded = Guarded(fake)
    guarded.start({}, {})
    guarded.log([("loss", 1, 0.5), ("loss", 3, 0.25), ("lr", 2, 1.0)])
    guarded.log([])
    for step in (3, 4, 5):
        guarded.media(Media(step))
    guarded.finish("finished", None)
    logged = ("log", [("lr", 2, 1.0), ("loss", 3, 0.25)])
    # Charts come seldom, but the last ones always.
    assert fake.told == [("start",), logged, ("media", 3), ("media", 5), ("finish", "finished", None)]
    assert guarded.messages() == [] and not guarded.stuck


@pytest.mark.parametrize("call", ["start", "log", "media", "finish"])
@pytest.mark.parametrize("trouble", [raises, exits])
def test_a_failure_is_one_message(call: str, trouble: Callable[[], None]) -> None:
    fake = FakeTracker(**{call: trouble})
    guarded = Guarded(fake)
    guarded.start({}, {})
    for step in range(10):
        guarded.log([("loss", step, 1.0)])
        guarded.media(Media(step))
    guarded.finish("failed", "why")
    messages = guarded.messages()
    assert len(messages) == 1 and messages[0].startswith(f"fake: {call} failed: ") and "\n" not in messages[0]
    assert guarded.messages() == [] and not guarded.stuck
    # What began is still closed; what did not begin is left alone.
    assert (("finish", "failed", "why") in fake.told) == (call in ("log", "media"))


@pytest.mark.parametrize("call", ["start", "log", "finish"])
def test_a_hang_is_given_up(call: str) -> None:
    released = threading.Event()
    guarded = Guarded(FakeTracker(**{call: released.wait}), start_seconds=0.05, call_seconds=0.05)
    guarded.start({}, {})
    guarded.log([("loss", 1, 1.0)])
    if call != "finish":
        messages = wait_until(guarded.messages, "a message")
        assert messages == [f"fake: did not come back from {call} within 0.05s; the run goes on without it"]
    started = time.monotonic()
    guarded.finish("finished", None, seconds=0.2)
    assert time.monotonic() - started < 10
    assert guarded.stuck
    if call == "finish":
        assert guarded.messages() == ["fake: did not finish within 0.2s; the run goes on without it"]
    released.set()
    wait_until(lambda: not guarded.stuck, "the tracker's thread")


def test_a_tracker_that_does_not_keep_up_is_left_behind() -> None:
    released = threading.Event()
    guarded = Guarded(FakeTracker(start=released.wait))
    guarded.start({}, {})
    for step in range(QUEUE_SIZE + 2):
        guarded.log([("loss", step, 1.0)])
    assert "does not keep up" in guarded.messages()[0]
    released.set()


def test_in_the_folder_is_what_was_logged(tmp_path: Path) -> None:
    from seqsum.trackers.swanlab_logs import SwanLabLogs

    config = Config().changed({**QUICK, "track.group": "g"}, "test")
    run = Workspace(tmp_path).create("baseline", config, "x" * 150)
    before = (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), sys.excepthook)
    guarded = Guarded(SwanLabLogs(run.folder / "tracker", run.record, config.track))
    guarded.start(config.plain(), {"parameters": 42, "device": "cpu", "step": 0})
    wait_until(lambda: guarded.started, "the tracker's start")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), sys.excepthook) == before
    guarded.log([("loss", 10, 0.5), ("lr", 10, 0.001), ("accuracy", 10, 0.75), ("eval_loss", 10, float("nan"))])
    confusion = np.array([[3, 1], [0, 4]])
    guarded.media(Media(10, {2: 0.5, 3: 1.0}, confusion))
    guarded.finish("stopped", "by hand", seconds=60)
    assert guarded.messages() == []
    (folder,) = (run.folder / "tracker").glob("run-*")
    records = read_records(folder)
    scalars = {(r.scalar.key, r.scalar.step): r.scalar.value.number for r in records if r.HasField("scalar")}
    expected = {("loss", 10): 0.5, ("lr", 10): 0.001, ("current_lr", 10): 0.001, ("accuracy", 10): 0.75}
    assert {key: scalars[key] for key in expected} == pytest.approx(expected)
    assert scalars[("Model Params", 0)] == 42
    (start,) = [r.start for r in records if r.HasField("start")]
    assert (start.project, start.name, start.group, list(start.tags)) == ("seqsum", "x" * 150, "g", ["a", "b"])
    assert [r.finish.state for r in records if r.HasField("finish")] == [3], "aborted"
    written = yaml.safe_load((folder / "files" / "config.yaml").read_text())
    assert written["seed"]["value"] == 0 and written["task"]["value"]["modulus"] == 3
    assert written["optim"]["value"]["lr"] == config.optim.lr and written["device"]["value"] == "cpu"
    charts = {r.media.key: r.media.value.items[0].filename for r in records if r.HasField("media")}
    assert charts.keys() == {"accuracy by length", "confusion matrix"}
    matrix = json.loads((folder / "media" / "echarts" / charts["confusion matrix"]).read_text())
    cells = {tuple(cell[:2]): cell[2] for cell in matrix["series"][0]["data"]}
    assert cells == {(0, 0): 0.75, (1, 0): 0.25, (0, 1): 0.0, (1, 1): 1.0}, "answer across, truth down"


def read_records(folder: Path) -> list[Any]:
    from swanlab.proto.swanlab.record.v1.record_pb2 import Record
    from swanlab.sdk.internal.core_python.store import DataStoreReader

    reader = DataStoreReader()
    reader.open(next(folder.glob("run-*.swanlab")))
    records = []
    for data in reader:
        record = Record()
        record.ParseFromString(data)
        records.append(record)
    reader.close()
    return records


def train(folder: Path, changes: dict[str, Any], fake: str | None = None) -> tuple[Run, int]:
    """Run a worker to its end; `fake` is the source of a package that stands in for swanlab."""
    environment = {**os.environ, "HOME": str(folder), "SWANLAB_API_HOST": "http://127.0.0.1:9"}
    if fake is not None:
        (folder / "fake").mkdir()
        (folder / "fake" / "swanlab.py").write_text(fake)
        environment["PYTHONPATH"] = f"{folder / 'fake'}{os.pathsep}{environment.get('PYTHONPATH', '')}"
    run = Workspace(folder / "runs").create("test", Config().changed({**QUICK, **changes}, "test"))
    command = [sys.executable, "-P", "-m", "seqsum.worker", str(run.folder)]
    with run.log.open("wb") as log:
        done = subprocess.run(command, check=False, env=environment, stdout=log, stderr=log, timeout=120)
    return run, done.returncode


def messages_of(run: Run) -> list[str]:
    with run.store() as store:
        return [str(event.detail["text"]) for event in store.events(kind="message")]


STAND_IN = """
import time
class Settings:
    def __init__(self, **words): pass
    Terminal = Probe = Run = __init__ = lambda *a, **b: None
class ECharts:
    def __init__(self, chart): pass
class Logs:
    def log(self, values, step): pass
    def finish(self, state, error): pass
def init(**words): return Logs()
"""


@pytest.mark.parametrize(
    ("fake", "said"),
    [
        ("raise OSError('no space')", "start failed: OSError: no space"),
        (STAND_IN + "def finish(self, **words): time.sleep(600)\nLogs.finish = finish\n", "did not finish within"),
    ],
    ids=["import", "finish hangs"],
)
def test_a_run_ends_whatever_its_tracker_does(fake: str, said: str, tmp_path: Path) -> None:
    run, status = train(tmp_path, {}, fake)
    summary = run.summary()
    assert (status, summary.status, summary.step) == (0, "finished", 60), run.log_tail()
    assert len(messages_of(run)) == 1 and said in messages_of(run)[0]


def test_a_worker_logs_trains_the_same_as_without_and_says_that_it_has_no_key(tmp_path: Path) -> None:
    (tmp_path / "off").mkdir()
    logged, status = train(tmp_path, {"track.swanlab": "online", "track.group": "g"})
    plain, _ = train(tmp_path / "off", {"track.swanlab": "off"})
    assert (status, logged.summary().status) == (0, "finished")
    assert not (plain.folder / "tracker").exists()
    with logged.store() as one, plain.store() as other:
        for name in ("loss", "accuracy", "eval_loss"):
            assert one.points(name)[1].tolist() == other.points(name)[1].tolist()
        last = one.latest()
    (folder,) = (logged.folder / "tracker").glob("run-*")
    records = [record.scalar for record in read_records(folder) if record.HasField("scalar")]
    scalars = {(scalar.key, scalar.step): scalar.value.number for scalar in records}
    for name in ("loss", "accuracy", "eval_loss", "lr"):
        assert scalars[(name, 60)] == pytest.approx(last[name][1])
    assert scalars[("Model Params", 0)] == Run(logged.folder).record.parameters
    # The upload is a process of its own, that the run's end does not wait for.
    (message,) = wait_until(lambda: messages_of(logged), "a message")
    assert "no API key" in message and f"seqsum sync {logged.id}" in message


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 101, "ü"])
def test_a_project_that_swanlab_would_refuse(name: str) -> None:
    with pytest.raises(ConfigError, match=r"track\.project"):
        Config().changed({"track.project": name}, "test")
