"""SwanLab's and W&B's offline runs: what both really write, and W&B's records in the frames that they share."""

from __future__ import annotations

import json
import math
import os
import random
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from swanlab.sdk.internal.core_python.store import DataStoreWriter

from seqsum.foreign.left_out import RECORD, RECORD_STEP
from support.following import follows, points

SWANLAB = """
import swanlab, sys
swanlab.init(project="p", experiment_name="mine", mode="offline", logdir=sys.argv[1], tags=["a"], group="g",
             config={"lr": 0.5, "cell": "lstm", "model": {"hidden": 8}})
for step in range(300):
    swanlab.log({"loss": 1 / (step + 1), "val/ppl": step}, step=step * 2)
swanlab.finish()
"""


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def follow(tmp_path: Path, logs: Path) -> Iterator[Any]:
    """Follow the logs until nothing of them is new; return the runs by their names, and the follower."""
    with follows(logs, tmp_path / "runs") as follow:
        yield follow


def test_what_swanlab_writes(logs: Path, follow: Any) -> None:
    subprocess.run([sys.executable, "-c", SWANLAB, str(logs)], check=True, stdout=subprocess.DEVNULL)
    runs, follower = follow()
    assert list(runs) == ["mine"] and follower.problems == []
    run = runs["mine"]
    assert points(run, "loss") == [(step * 2, 1 / (step + 1)) for step in range(300)]
    assert points(run, "val/ppl") == [(step * 2, float(step)) for step in range(300)]
    settings, summary = run.settings(), run.summary()
    assert settings["config"] == {"lr": 0.5, "cell": "lstm"} and settings["model"] == {"hidden": 8}
    assert (summary.status, summary.preset, summary.group, summary.tags) == ("finished", "SwanLab", "g", ("a",))


# W&B

WANDB = """
import wandb, sys
run = wandb.init(project="p", name="mine é", mode="offline", dir=sys.argv[1], tags=["a", "b c"], group="g", notes="n",
                 config={"lr": 0.5, "cell": "lstm", "model": {"hidden": 8, "inner": {"deep": [1, 2]}}})
for step in range(300):
    run.log({"loss": 1 / (step + 1), "val/ppl": step, "nested": {"a": 0.1 * step}, "text": "x" * 300}, step=step * 2)
run.log({"loss": float("nan"), "high": float("inf"), "histogram": wandb.Histogram([1, 2, 3])}, step=700)
run.config["late"] = 3
run.finish(int(sys.argv[2]))
"""


@pytest.mark.parametrize("code", [0, 3])
def test_what_the_real_wandb_writes(code: int, logs: Path, follow: Any) -> None:
    own = {"HOME": str(logs.parent), "WANDB_SILENT": "true"}
    subprocess.run([sys.executable, "-c", WANDB, str(logs), str(code)], check=True, env={**os.environ, **own})
    runs, follower = follow()
    assert list(runs) == ["mine é"] and follower.problems == []
    run = runs["mine é"]
    loss = points(run, "loss")
    assert loss[:-1] == [(step * 2, 1 / (step + 1)) for step in range(300)]
    assert loss[-1][0] == 700 and math.isnan(loss[-1][1]) and points(run, "high") == [(700, math.inf)]
    assert points(run, "val/ppl") == [(step * 2, float(step)) for step in range(300)]
    assert points(run, "nested.a") == [(step * 2, 0.1 * step) for step in range(300)]
    settings, summary = run.settings(), run.summary()
    assert settings["config"]["lr"] == 0.5 and settings["config"]["cell"] == "lstm"
    assert settings["model"] == {"hidden": 8, "inner.deep": [1, 2]}
    assert (summary.preset, summary.group, summary.tags) == ("W&B", "g", ("a", "b c"))
    assert summary.status == ("failed" if code else "finished") and abs(summary.created - time.time()) < 300


def whole(number: int) -> bytes:
    """As protobuf writes a whole number."""
    found = b""
    while number >= 0x80:
        found, number = found + bytes([number & 0x7F | 0x80]), number >> 7
    return found + bytes([number])


def message(number: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return whole(number << 3 | 2) + whole(len(body)) + body


def item(key: str, value: Any) -> bytes:
    return message(1, message(1, key.encode()), message(16, json.dumps(value).encode()))


def history(step: int, **values: Any) -> bytes:
    return message(2, *(item(key, value) for key, value in values.items()), message(2, whole(1 << 3) + whole(step)))


def run_record() -> bytes:
    config = message(4, item("lr", 0.5), item("model", {"hidden": 8}), item("_wandb", {}))
    return message(17, message(1, b"abc"), config, message(6, b"g"), message(8, b"dandy-owl-1"), message(10, b"t"))


class WandbWriter(DataStoreWriter):
    def open(self, filename: Path | str) -> None:
        super().open(filename)
        self._fp.seek(0)
        self._fp.write(struct.pack("<4sHB", b":W&B", 0xBEE1, 0))
        self.ensure_flushed()


@pytest.fixture
def wandb(logs: Path) -> tuple[Path, WandbWriter]:
    folder = logs / "offline-run-20240102_030405-abc"
    folder.mkdir()
    writer = WandbWriter()
    writer.open(folder / "run-abc.wandb")
    return folder / "run-abc.wandb", writer


def test_what_wandb_writes(wandb: Any, follow: Any) -> None:
    _, writer = wandb
    writer.write(run_record())
    for step in range(2000):
        writer.write(history(step, loss=1 / (step + 1), note="x" * 20, _timestamp=1.7e9 + step, _runtime=1.0))
    writer.write(message(13, b"x" * 100_000))
    writer.write(history(2000, loss=7))
    writer.ensure_flushed()
    runs, follower = follow()
    assert list(runs) == ["dandy-owl-1"] and follower.problems == []
    run = runs["dandy-owl-1"]
    assert points(run, "loss") == [*((step, 1 / (step + 1)) for step in range(2000)), (2000, 7.0)]
    summary = run.summary()
    assert (summary.status, summary.preset, summary.group, summary.tags) == ("running", "W&B", "g", ("t",))
    assert summary.train_seconds == 1999.0 and set(summary.metrics) == {"loss"}
    assert run.settings()["config"] == {"lr": 0.5} and run.settings()["model"] == {"hidden": 8}
    writer.write(message(18, whole(1 << 3) + whole(3)))
    writer.ensure_flushed()
    follow()
    assert run.summary().status == "failed" and "exit code 3" in str(run.summary().reason)


def test_records_that_can_not_be_read_are_counted_and_told(wandb: Any, follow: Any) -> None:
    _, writer = wandb
    writer.write(run_record())
    for record in (history(1, loss=1), history(2**60, loss=2), message(2, b"\xff" * 20), history(2, loss=3)):
        writer.write(record)
    writer.ensure_flushed()
    runs, _ = follow()
    run = runs["dandy-owl-1"]
    told = f"1 {RECORD_STEP}; 1 {RECORD}"
    assert points(run, "loss") == [(1, 1.0), (2, 3.0)] and run.summary().problems == (f"log: left out: {told}",)


def test_a_journal_torn_anywhere_is_read_as_if_it_had_come_at_once(wandb: Any, follow: Any) -> None:
    path, writer = wandb
    writer.write(run_record())
    for step in range(40):
        writer.write(history(step, loss=float(step), pad="x" * 1500))
    writer.close()
    data = path.read_bytes()
    path.write_bytes(data[:500])
    for place in range(500, len(data), 1777):
        with path.open("ab") as file:
            file.write(data[place : place + 1777])
        runs, follower = follow()
        seen = points(runs["dandy-owl-1"], "loss")
        assert seen == [(step, float(step)) for step in range(len(seen))] and follower.problems == []
    assert len(seen) == 40


@pytest.mark.parametrize("seed", range(3))
def test_bytes_that_are_no_journal_end_soon_and_in_a_sentence(seed: int, wandb: Any, follow: Any) -> None:
    path, writer = wandb
    writer.write(run_record())
    writer.write(history(1, loss=1.0))
    writer.close()
    with path.open("ab") as file:
        file.write(random.Random(seed).randbytes(3_000_000))
    began = time.process_time()
    runs, follower = follow()
    assert time.process_time() - began < 5 and points(runs["dandy-owl-1"], "loss") == [(1, 1.0)]
    assert any("damaged at byte" in problem for problem in follower.problems)
