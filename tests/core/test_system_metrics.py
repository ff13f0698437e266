"""What a run takes of its machine: read rarely, and true."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest
import torch

from seqsum.launch import WarmLauncher
from seqsum.worker.system_metrics import SystemMetrics
from support.engine import new_run, small, wait_for_end


def test_they_are_read_once_a_second_at_most_and_at_once_after_a_pause() -> None:
    now = 100.0
    metrics = SystemMetrics(torch.device("cpu"), clock=lambda: now)
    found = dict(metrics.read())
    assert found["memory_mb"] == pytest.approx(psutil.Process().memory_info().rss / 1e6, rel=0.2)
    assert found["wall_time"] == pytest.approx(time.time(), abs=5)
    assert "cpu_percent" not in found  # nothing has passed
    now = 100.9
    assert metrics.read() == []
    now = 101.0
    assert "cpu_percent" in dict(metrics.read()) and metrics.read() == []
    metrics.restart()
    assert "wall_time" in dict(metrics.read())


def test_the_load_is_processor_time_over_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, used = 0.0, 5.0
    monkeypatch.setattr(time, "process_time", lambda: used)
    metrics = SystemMetrics(torch.device("cpu"), clock=lambda: now)
    now, used = 4.0, 7.0
    assert dict(metrics.read())["cpu_percent"] == 50.0
    now, used = 6.0, 11.0
    assert dict(metrics.read())["cpu_percent"] == 200.0
    # A pause counts for nothing.
    now = 1000.0
    metrics.restart()
    now, used = 1001.0, 11.25
    assert dict(metrics.read())["cpu_percent"] == 25.0


def test_a_run_writes_them_beside_its_log_points(fork_server: WarmLauncher, tmp_path: Path) -> None:
    began = time.time()
    run = new_run(tmp_path / "runs", small(train__steps=300, train__backend="torch"))
    fork_server.submit(run)
    assert wait_for_end(run).status == "finished"
    with run.store() as store:
        logged = set(store.points("loss")[0].tolist())
        steps, times = store.points("wall_time")
        assert set(steps.tolist()) <= logged and steps.size >= 1
        assert all(began <= when <= time.time() for when in times.tolist())
        assert (store.points("memory_mb")[1] > 20).all()
