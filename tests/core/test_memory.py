"""The estimate of a step's memory against what a real step takes, and what is said when there is too little."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.registry import make_task
from seqsum.training.memory import step_bytes
from seqsum.training.trainer import Trainer

MEASURE = """
import sys
from seqsum.config import Config
from seqsum.training.trainer import Trainer
def peak():
    # Not ru_maxrss: a child inherits the parent's.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
changes = dict(pair.split("=") for pair in sys.argv[1:])
trainer = Trainer(Config().changed({**changes, "train.batch_size": 1}, "x"))
trainer.run_chunk()
before = peak()
trainer = Trainer(Config().changed(changes, "x"))
trainer.run_chunk()
print(peak() - before)
"""


@pytest.mark.parametrize(
    "changes",
    [
        {"model.cell": "rnn", "model.hidden_size": "64", "train.batch_size": "2000", "task.max_length": "60"},
        {"model.cell": "lstm", "model.hidden_size": "64", "train.batch_size": "1000", "task.max_length": "60"},
        {"model.name": "lru", "model.state_size": "128", "train.batch_size": "500", "task.max_length": "60"},
        {"model.name": "minimal", "train.batch_size": "500", "task.max_length": "60"},
        {"model.cell": "gru", "model.num_layers": "2", "train.batch_size": "2000", "task.max_length": "60"},
    ],
)
def test_the_estimate_is_right_to_a_factor_of_three(changes: dict[str, str]) -> None:
    pairs = [f"{field}={value}" for field, value in changes.items()]
    taken = int(
        subprocess.run([sys.executable, "-c", MEASURE, *pairs], capture_output=True, text=True, check=True).stdout
    )
    config = Config().changed(changes, "test")
    estimate = step_bytes(config, make_task(config.task), config.value("task.max_length"))
    assert taken / 3 < estimate < taken * 3


def test_too_large_a_step_is_refused_before_it_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config().changed({"train.batch_size": "65536", "task.max_length": "10000"}, "test")
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=20e9))
    with pytest.raises(UserError, match=r"out of memory: a step needs about \d+ GB and 20 GB are free"):
        Trainer(config)
