"""Uploading offline SwanLab logs, against a stand-in for the server on loopback."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqsum.cli import main
from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.runs import Run, Workspace
from seqsum.runs.lock import take_lock
from seqsum.trackers.upload import start_upload, upload
from support.fake_swanlab_server import KEY, FakeServer


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with offline logs, twice started: points at steps 10, 20 and, after a stop, at 20 and 30."""
    from seqsum.trackers.swanlab_logs import SwanLabLogs

    changes = {"track.swanlab": "offline", "track.tags": "one, two", "track.group": "g", "track.description": "words"}
    config = Config().changed(changes, "test")
    run = Workspace(tmp_path_factory.mktemp("runs")).create("baseline", config, "named so")
    for steps in ((10, 20), (20, 30)):
        logs = SwanLabLogs(run.folder / "tracker", run.record, config.track)
        logs.start(config.plain(), {"parameters": 123, "step": steps[0]})
        logs.log([(name, step, step / 100) for step in steps for name in ("loss", "lr")])
        logs.finish("finished", None)
    return run


@pytest.fixture
def run(logged: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in [name for name in os.environ if name.upper().startswith("SWANLAB") or "PROXY" in name.upper()]:
        monkeypatch.delenv(name)
    # No key of whoever runs the tests, and no address but loopback.
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SWANLAB_API_HOST", "http://127.0.0.1:9")
    monkeypatch.setenv("SWANLAB_WEB_HOST", "http://127.0.0.1:9")
    monkeypatch.setenv("SWANLAB_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    return Run(Path(shutil.copytree(logged.folder, tmp_path / "runs" / logged.id)))


@pytest.fixture
def server(request: pytest.FixtureRequest, run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    with FakeServer(getattr(request, "param", "well")) as server:
        monkeypatch.setenv("SWANLAB_API_HOST", server.address)
        monkeypatch.setenv("SWANLAB_WEB_HOST", server.address)
        yield server


def last_message(run: Run) -> str:
    with run.store() as store:
        return str(store.events(kind="message")[-1].detail["text"])


def test_everything_arrives_once(run: Run, server: FakeServer) -> None:
    assert upload(run, 60).kind == "done"
    expected = {(name, step): step / 100 for name in ("loss", "lr", "current_lr") for step in (10, 20, 30)}
    sent = server.scalars()
    assert {key: value for key, value in sent.items() if key[0] != "Model Params"} == pytest.approx(expected)
    assert sent[("Model Params", 10)] == 123
    experiments = [body for _, path, body in server.requests if path.endswith("/experiment")]
    assert {body["cuid"] for body in experiments} == {run.id}, "both starts are one experiment"
    assert experiments[0]["name"] == "named so" and experiments[0]["cluster"] == "g"
    assert experiments[0]["description"] == "words"
    assert [label["name"] for label in experiments[0]["labels"]] == ["one", "two"]
    assert last_message(run) == f"swanlab: uploaded to {server.address}"


@pytest.mark.parametrize("server", ["refuses"], indirect=True)
def test_a_refused_key(run: Run, server: FakeServer) -> None:
    outcome = upload(run, 60)
    assert outcome.kind == "refused" and "did not accept the API key" in outcome.message
    assert KEY not in outcome.message


@pytest.mark.parametrize("server", ["hangs", "vanishes"], indirect=True)
def test_a_server_that_goes_silent(run: Run, server: FakeServer) -> None:
    started = time.monotonic()
    outcome = upload(run, 8)
    assert time.monotonic() - started < 30
    assert (outcome.kind, f"seqsum sync {run.id}" in outcome.message) == ("timed_out", True)
    assert last_message(run) == f"swanlab: {outcome.message}"
    reached = "/api/house/metrics" if server.manner == "vanishes" else "/api/login/api_key"
    assert any(path.startswith(reached) for _, path, _ in server.requests)


def test_nobody_listens(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("SWANLAB_API_HOST", f"http://127.0.0.1:{free.getsockname()[1]}")
    outcome = upload(run, 60)
    assert outcome.kind == "refused" and "refused the connection" in outcome.message


def test_no_key(run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("SWANLAB_API_KEY")
    assert main(["sync", run.id, "--workspace", str(run.folder.parent), "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert (answer["run"], answer["ok"], answer["outcome"]) == (run.id, False, "no_key")
    assert "no API key" in answer["message"]


def test_a_run_without_logs(run: Run) -> None:
    shutil.rmtree(run.folder / "tracker")
    with pytest.raises(UserError, match="has no SwanLab logs"):
        upload(run, 1)


def test_a_run_that_trains(run: Run) -> None:
    lock = take_lock(run.folder)
    assert lock is not None
    try:
        with pytest.raises(UserError, match="still trains"):
            upload(run, 1)
    finally:
        os.close(lock)


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "1e9"])
def test_a_wrong_timeout(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sync", "x", f"--timeout={text}"]) == 2
    assert "--timeout" in capsys.readouterr().err


def test_a_detached_upload_tells_the_run(run: Run, server: FakeServer) -> None:
    start_upload(run)
    deadline = time.monotonic() + 90
    with run.store() as store:
        while store.state()["upload"]["kind"] == "under_way":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert store.state()["upload"]["kind"] == "done"
    assert last_message(run).startswith("swanlab: uploaded")
