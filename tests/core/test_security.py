"""What nobody else can reach, and what is written down nowhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

from seqsum.control import commands
from seqsum.launch import WarmLauncher
from support.engine import new_run, small, wait_for_step
from support.fake_swanlab_server import KEY
from support.trained import Server


def listening(process: psutil.Process) -> list[object]:
    return [one.laddr for one in process.net_connections(kind="inet") if one.status in ("LISTEN", "NONE")]


def test_no_process_of_ours_listens_on_a_network(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run = new_run(tmp_path, small(train__steps=10_000_000))
    worker = psutil.Process(fork_server.submit(run))
    wait_for_step(run, 200)
    commands.snapshot(run)
    server = Server(run)
    try:
        server.ask('{"id": 1, "ask": "answer", "input": "1 2"}')
        ours = [worker, psutil.Process(server.process.pid), *psutil.Process().children()]
        assert len({process.pid for process in ours}) >= 3
        assert {process.pid: listening(process) for process in ours} == {process.pid: [] for process in ours}
    finally:
        server.process.kill()
        server.process.wait()
        commands.stop(run)
        run.wait_for_worker(60)


def test_a_key_stands_in_nothing_that_a_run_writes(tmp_path: Path) -> None:
    run = new_run(tmp_path / "runs", small(train__steps=50, track__swanlab="offline"))
    nowhere = {f"SWANLAB_{kind}_HOST": "http://127.0.0.1:9" for kind in ("API", "WEB")}
    environment = {**os.environ, **nowhere, "SWANLAB_API_KEY": KEY, "HOME": str(tmp_path / "home")}
    worker = [sys.executable, "-P", "-m", "seqsum.worker", str(run.folder)]
    done = subprocess.run(worker, env=environment, capture_output=True, check=True)
    assert run.summary().status == "finished" and list(run.folder.glob("tracker/*")), "it was logged"
    written = {path.name: path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file()}
    assert len(written) > 5 and json.dumps(run.record.id).encode() in written["run.json"]
    assert not [name for name, data in written.items() if KEY.encode() in data]
    assert KEY.encode() not in done.stdout + done.stderr
