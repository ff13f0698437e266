"""Workers as tasks of a real Ray cluster of two nodes, with token authentication and without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seqsum.control.replicate import Replication
from seqsum.launch import WarmLauncher
from seqsum.runs import Workspace
from support.command_line import call, lines, refused
from support.engine import outcome_of, wait_until
from support.two_node_ray import CONFIG, SEEDS

FLAGS = ["baseline", "--on", "ray"]


def told(folder: Path) -> dict[str, Any]:
    """What became of runs in a cluster."""
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-m", "support.two_node_ray", str(folder)],
        stdout=subprocess.PIPE, text=True, check=False, env=here,
    )  # fmt: skip
    assert done.returncode == 0
    # What Ray has to say of tasks that were lost is not among what we say.
    (line,) = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    if "skipped" in found:
        pytest.skip(found["skipped"])
    return found


# One test, and a long one: a cluster takes its time to start, beside others many times as long.
@pytest.mark.timeout(900)
def test_a_lost_worker_and_a_lost_node_are_made_good_for_and_nobody_else_comes_in(
    fork_server: WarmLauncher, tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    found = told(tmp_path)
    assert found["statuses"] == ["finished"] * SEEDS and found["apart"]
    # While a node is lost, its run waits, and nobody need start it.
    assert found["meanwhile"] == ["queued", []]
    there = Workspace(tmp_path / "runs")
    for id in found["lost"]:
        with there.find(id).store() as store:
            assert len(store.events(kind="resumed")) + len(store.events(kind="started")) >= 2
    # Every bit is as without Ray.
    here = Replication(Workspace(tmp_path / "here"), fork_server, "baseline", CONFIG, range(SEEDS), "several")
    here.begin()
    wait_until(lambda: not any(one.live for one in here.summaries().values()), "the runs' end")
    mine = {run.record.seed: outcome_of(run) for run in there.runs()}
    assert {run.record.seed: outcome_of(run) for run in here.runs.values()} == mine
    # A stop saves what runs and takes out what waits; signals stay ours.
    assert {status for status, _ in found["stopped"]} == {"stopped"}
    assert {reason for _, reason in found["stopped"]} == {"stopped by command", "stopped before it began"}
    assert found["handlers_kept"]
    # Nothing listens to other machines, and who has no token is told so.
    assert found["listening"] == ["127.0.0.1"] and found["ports"] > 5 and not found["dashboard"]
    for case, why in {"nobody": "Connection refused", "stranger": "authentication token is missing or wrong"}.items():
        status, said = found[case]
        assert status == 2 and said.startswith("train: can't reach Ray at 127.0.0.1:") and why in said
        assert said.endswith("ray start --head --include-dashboard=false\n") and len(said.splitlines()) == 1
        assert not Workspace(tmp_path / case).runs()


def test_a_dry_run_tells_what_ray_is_given(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    words = [*FLAGS, "--dry-run", "--workspace", str(tmp_path)]
    (told,) = lines("replicate", *words, "--seeds", "3", "--job", "num_gpus=0.5,memory=1e9,max_retries=7")
    assert (told["runs"], told["on"]) == (3, "ray")
    for part in ("num_gpus=0.5", "memory=1000000000", "max_retries=7", "num_cpus=1", "seqsum.worker.bound"):
        assert part in told["command"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("partition=x", "ray has no"),
        ("num_cpus=two", "is a number"),
        ("max_retries=0", "from 1 to"),
        ("address=auto", "is HOST:PORT"),
        ("address=ray://here:10001", "is HOST:PORT"),
    ],
)
def test_options_that_ray_has_not_are_refused(option: str, why: str, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    assert why in refused("train", *FLAGS, "--job", option, "--workspace", str(tmp_path))


def test_what_ends_with_its_program_can_t_be_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    there = ["--workspace", str(tmp_path)]
    assert "leave --detach out" in refused("train", *FLAGS, "--detach", *there)
    monkeypatch.setitem(sys.modules, "ray", None)
    assert "pip install 'seqsum-tui[ray]'" in refused("train", *FLAGS, *there)
    assert call("runs", *there)[1].startswith("no runs")
