"""The query server against what a hostile or hapless world hands it: strangers' files, wrong lines, kills."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from seqsum.launch import WarmLauncher
from seqsum.runs import Run
from support.engine import new_run, small, step_of, wait_for_step
from support.trained import Server, trained_run


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (self._folder,)


def sealed(checkpoint: Path) -> None:
    """Write checksums that fit, as a stranger who means harm would."""
    files = ("model.safetensors", "optimizer.safetensors", "state.json")
    sums = {name: hashlib.sha256((checkpoint / name).read_bytes()).hexdigest() for name in files}
    (checkpoint / "checksums.json").write_text(json.dumps(sums))


def with_state(checkpoint: Path, change: Callable[[dict[str, Any]], None]) -> None:
    state = json.loads((checkpoint / "state.json").read_text())
    change(state)
    (checkpoint / "state.json").write_text(json.dumps(state))


def huge(state: dict[str, Any]) -> None:
    state["config"]["model"] |= {"hidden_size": 8192, "num_layers": 16}


def forget_own_config(run: Run) -> None:
    """Change the record by hand and lose its copy: nothing tells then what the run's own configuration is."""
    with run.store() as store:
        store.database.execute("DELETE FROM copy")
    record = json.loads((run.folder / "run.json").read_text())
    (run.folder / "run.json").write_text(json.dumps({**record, "host": "other"}))


@pytest.mark.parametrize("knows", [True, False], ids=["whose config is known", "whose config is not known"])
def test_a_strangers_checkpoint_runs_no_code(tmp_path: Path, knows: bool) -> None:
    run = trained_run(tmp_path, 5)
    if not knows:
        forget_own_config(run)
    whole, ran = run.checkpoints / "step-5", tmp_path / "ran"
    payload = Payload(ran)

    def spoilt(step: int) -> Path:
        folder = run.checkpoints / f"step-{step}"
        shutil.copytree(whole, folder)
        with_state(folder, lambda state: state.update(step=step))
        return folder

    torch.save({"weights": payload}, spoilt(10) / "model.safetensors")
    (spoilt(11) / "model.safetensors").write_bytes(pickle.dumps(payload))
    (spoilt(12) / "state.json").write_bytes(pickle.dumps(payload))
    with_state(spoilt(13), huge)
    with_state(spoilt(14), lambda state: state.update(config=[1, 2]))
    with_state(spoilt(15), lambda state: state["config"]["task"].update(name="nowhere"))
    for step in range(10, 16):
        sealed(run.checkpoints / f"step-{step}")
    pipe = spoilt(16)
    (pipe / "model.safetensors").unlink()
    os.mkfifo(pipe / "model.safetensors")

    server = Server(run)
    try:
        assert server.read()["checkpoint_step"] == 5, "the newest that can answer"
        told = []
        for step in range(10, 17):
            reply = server.ask(json.dumps({"ask": "predict", "input": "1 2", "checkpoint": step}))
            assert reply["ok"] is False and "\n" not in reply["error"]
            told.append(reply["error"])
        assert server.ask(json.dumps({"ask": "predict", "input": "1 2"}))["checkpoint_step"] == 5
    finally:
        server.process.kill()
        server.process.communicate()
    others = ["is another run's"] * 2 if knows else ["fit", "nowhere"]
    expected = ["safetensors", "safetensors", "JSON", others[0], "config", others[1], "not a file"]
    for said, error in zip(expected, told, strict=True):
        assert said in error, error
    assert not ran.exists(), "nothing was unpickled"


def test_lines_that_no_person_would_write(tmp_path: Path) -> None:
    server = Server(trained_run(tmp_path, 5))
    try:
        assert server.read()["ready"]
        wrong: list[tuple[str, str]] = [
            ('{"ask": "predict"', "JSON"),
            ('{"ask": "predikt"}', 'did you mean "predict"?'),
            ('{"ask": "predict", "imput": "1"}', 'did you mean "input"?'),
            ('{"ask": "predict", "input": 5}', "input must be text"),
            ('{"ask": "predict", "input": "1", "checkpoint": 7}', "its only one is of step 5"),
            ('{"ask": "predict", "input": "1", "temperature": NaN}', "temperature"),
            ('{"ask": "mistakes", "low": 3, "high": 2}', "low must be at most high"),
            ('{"ask": "attention", "input": "1"}', "dates"),
            ('{"ask": "forecast"}', "sunspots_lstm"),
            ('{"ask": "inspect", "input": "1 2", "target": 10}', "0 to 9"),
            ('{"ask": "inspect", "input": "' + "1 " * 501 + '"}', "at most 500"),
            ('{"ask": "predict", "input": "' + "1 " * 600_000 + '"}', "1,000,000 characters"),
            ("[" * 100_000, "JSON"),
            ("\x00\ud7ff", "JSON"),
        ]
        for line, words in wrong:
            reply = server.ask(line)
            assert reply["ok"] is False and words in reply["error"], (line[:60], reply)
        refused = server.ask('{"ask": "predict", "input": "1 2 ten 4"}')
        assert "1 2 ten 4"[refused["place"] : refused["end"]] == "ten"
        assert server.ask('{"ask": "predict", "input": "1 2", "id": "mine"}')["id"] == "mine"
    finally:
        server.process.kill()
        server.process.communicate()


def test_killing_the_server_leaves_the_training_alone(fork_server: WarmLauncher, tmp_path: Path) -> None:
    config = small(train__steps=10**6, train__checkpoint_every=50)
    run = new_run(tmp_path, config, "live")
    fork_server.submit(run)
    wait_for_step(run, 100)
    server = Server(run)
    assert server.read()["ready"]
    assert server.ask('{"ask": "predict", "input": "1 2"}')["answer"]["truth"] == 3
    # In the midst of a walk over many inputs.
    assert server.process.stdin is not None
    server.process.stdin.write('{"ask": "evaluate", "low": 5, "high": 8}\n')
    server.process.stdin.flush()
    server.process.send_signal(signal.SIGKILL)
    server.process.communicate()
    wait_for_step(run, step_of(run) + 100)
    assert Run(run.folder).summary().status == "running"
