"""`python -m support.two_node_ray FOLDER`: a real Ray of two nodes with token authentication, where nothing but a
loopback of its own is there; what becomes of runs in it is printed as JSON."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import secrets
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from seqsum.control.replicate import Replication
from seqsum.launch import launcher_on
from seqsum.launch.ray_cluster import ENVIRONMENT
from seqsum.runs import Run, Workspace
from support.engine import small, wait_until

CONFIG = small(train__steps=1500, train__backend="torch", train__evaluate_every=50)
LONG = CONFIG.changed({"train.steps": 10_000_000}, "test")
SEEDS = 4
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, UP = 0x8914, 0x1
QUICK = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 1000, "health_check_failure_threshold": 3}
"""How soon a lost node is found to be lost."""
NODE = {"node_ip_address": "127.0.0.1", "object_store_memory": 80 * 2**20}


def leave_network() -> None:
    """Go where there is no network but a loopback of our own: elsewhere Ray listens to all. Raises OSError where that
    is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWUSER | CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", UP))


def lives_below(process: int, ancestor: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return ancestor in {one.pid for one in psutil.Process(process).parents()}
    return False


def connections(process: psutil.Process) -> list[Any]:
    with contextlib.suppress(psutil.Error):
        return process.net_connections("tcp")
    return []


def asked(address: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    """The command line, asked to train on the cluster of an address."""
    words = ["train", "baseline", "--on", "ray", "--job", f"address={address}", "--workspace", str(folder)]
    command = [sys.executable, "-m", "seqsum.cli", *words]
    here = {**os.environ, **environment}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=here)


def answer(process: subprocess.Popen[str]) -> list[Any]:
    """Its exit status, and what it said."""
    said = process.communicate(timeout=200)[1]
    return [process.returncode, said]


def scene(folder: Path, cluster: Any, nodes: list[Any]) -> dict[str, Any]:
    launcher = launcher_on("ray", {"address": cluster.address}, folder / "runs")
    group = Replication(Workspace(folder / "runs"), launcher, "baseline", CONFIG, range(SEEDS), "several")
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    group.begin()
    kept = handlers == (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))

    asked_to_pause: set[str] = set()

    def paused() -> list[Run]:
        """Two runs, each on a node of its own, which could end too soon; the others go on meanwhile."""
        summaries = {run: run.summary() for run in group.runs.values()}
        for run, summary in summaries.items():
            if summary.status == "running" and run.id not in asked_to_pause:
                asked_to_pause.add(run.id)
                with run.store() as store:
                    store.post_command("pause")
        found = [run for run, summary in summaries.items() if summary.status == "paused"]
        return found if len(found) == 2 else []

    one, other = wait_until(paused, "a run on each node")
    pids = [run.summary().pid or 0 for run in (one, other)]
    assert all(pids)
    # A worker is killed.
    os.kill(pids[0], signal.SIGKILL)
    # A node is lost, with all that runs on it.
    raylets = {node.all_processes["raylet"][0].process.pid: node for node in nodes}
    (lost,) = (node for raylet, node in raylets.items() if lives_below(pids[1], raylet))
    apart = not lives_below(pids[0], lost.all_processes["raylet"][0].process.pid)
    cluster.remove_node(lost, allow_graceful=False)
    wait_until(lambda: not other.worker_lives, "the end of its worker")
    # What was killed keeps its lock, and is paused, until its memory is given back.
    wait_until(lambda: launcher.poll(one).status != "paused", "the end of the killed one")
    meanwhile = [launcher.poll(other).status, group.due()]
    cluster.add_node(num_cpus=1, **NODE)
    # Each begins in a process of its own, some of them twice; beside others that takes its time.
    wait_until(lambda: not any(summary.live for summary in group.summaries().values()), "all runs' end", 500)
    listening = {
        (connection.laddr.ip.removeprefix("::ffff:"), connection.laddr.port)
        for process in (psutil.Process(), *psutil.Process().children(recursive=True))
        for connection in connections(process)
        if connection.status == psutil.CONN_LISTEN
    }
    # What waits is taken out, and what runs is saved.
    more = Replication(Workspace(folder / "more"), launcher, "baseline", LONG, range(3), "more")
    more.begin()
    wait_until(lambda: any(one.status == "running" and one.step for one in more.summaries().values()), "a first one")
    more.stop()
    wait_until(lambda: not any(summary.live for summary in more.summaries().values()), "all runs' end")
    stopped = [[summary.status, summary.reason] for summary in more.summaries().values()]
    launcher.close()
    return {
        "stopped": stopped,
        "statuses": [summary.status for summary in group.summaries().values()],
        "lost": [one.id, other.id],
        "apart": apart,
        "handlers_kept": kept,
        "meanwhile": meanwhile,
        "listening": sorted({ip for ip, _ in listening}),
        "ports": len(listening),
        "dashboard": 8265 in {port for _, port in listening},
    }


def main(folder: Path) -> None:
    try:
        leave_network()
    except OSError as error:
        print(json.dumps({"skipped": f"no network of its own can be had here: {error.strerror}"}))
        return
    os.environ |= {**ENVIRONMENT, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    # A socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as place:
        os.environ["RAY_TMPDIR"] = place
        in_a_cluster(folder)


def in_a_cluster(folder: Path) -> None:
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": QUICK, **NODE}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        nodes = [cluster.add_node(num_cpus=1, **NODE) for _ in range(2)]
        # Ray tries for a while.
        stranger = asked(cluster.address, folder / "stranger", RAY_AUTH_TOKEN=secrets.token_hex(32))
        nobody = asked("127.0.0.1:9", folder / "nobody")
        found = scene(folder, cluster, nodes)
        print(json.dumps({"nobody": answer(nobody), "stranger": answer(stranger), **found}))
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
