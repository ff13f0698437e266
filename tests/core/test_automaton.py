"""The machine of a network's states: networks whose weights were worked out by hand, so that their machine is known."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from seqsum.cli import main
from seqsum.config import Config
from seqsum.presets import load_preset
from seqsum.query.answering import Answerer
from seqsum.runs import Run
from seqsum.training.trainer import Trainer
from support.engine import new_run, small

TWO_UNITS = {
    "task__modulus": 2,
    "task__max_length": 5,
    "model__nonlinearity": "relu",
    "model__embedding_size": 1,
    "model__hidden_size": 2,
}
X_ITSELF = torch.tensor([[0.0], [1.0], [0.0]])  # the last row is the padding's
PARITY = {
    # s' = |s - x|, in two units relu(s - x) and relu(x - s), of which s is the sum: s is 1 after an odd number of ones.
    "embedding.weight": X_ITSELF,
    "rnn.weight_ih_l0": torch.tensor([[-1.0], [1.0]]),
    "rnn.weight_hh_l0": torch.tensor([[1.0, 1.0], [-1.0, -1.0]]),
    "head.weight": torch.tensor([[-1.0, -1.0], [1.0, 1.0]]),
    "head.bias": torch.tensor([0.5, -0.5]),
}
ANY_ONE = {
    # s' = min(1, s + x) = relu(s + x) - relu(s + x - 1): s stays 1 after the first one.
    "embedding.weight": X_ITSELF,
    "rnn.weight_ih_l0": torch.tensor([[1.0], [1.0]]),
    "rnn.weight_hh_l0": torch.tensor([[1.0, -1.0], [1.0, -1.0]]),
    "rnn.bias_hh_l0": torch.tensor([0.0, -1.0]),
    "head.weight": torch.tensor([[-1.0, 1.0], [1.0, -1.0]]),
    "head.bias": torch.tensor([0.5, -0.5]),
}
SWITCHED = {**PARITY, "head.weight": -PARITY["head.weight"], "head.bias": -PARITY["head.bias"]}


def run_of(folder: Path, config: Config) -> Run:
    """A run with a checkpoint at its end."""
    run, trainer = new_run(folder, config), Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    trainer.save(run.checkpoints)
    return run


def with_weights(folder: Path, weights: dict[str, Tensor]) -> Run:
    """A run whose checkpoint has these weights, and zeros in place of all others."""
    run = run_of(folder, small(train__steps=1, **TWO_UNITS))
    checkpoint = run.checkpoints / "step-1"
    model = checkpoint / "model.safetensors"
    zeros = {name: torch.zeros_like(value) for name, value in safetensors.torch.load_file(model).items()}
    assert all(zeros[name].shape == value.shape for name, value in weights.items())
    safetensors.torch.save_file(zeros | weights, model)
    sums = json.loads((checkpoint / "checksums.json").read_text())
    sums[model.name] = hashlib.sha256(model.read_bytes()).hexdigest()
    (checkpoint / "checksums.json").write_text(json.dumps(sums))
    return run


def machine(run: Run, **fields: Any) -> dict[str, Any]:
    return Answerer(run).ask("automaton", **fields)[1]["answer"]


@pytest.mark.parametrize("length", [None, 60])
def test_a_network_that_counts_is_the_right_machine(length: int | None, tmp_path: Path) -> None:
    found = machine(with_weights(tmp_path, PARITY), low=length, high=length)
    assert found["arrows"] == [[0, 1], [1, 0]] and found["start"] == 0
    assert [state["answer"] for state in found["states"]] == [state["right"] for state in found["states"]] == ["0", "1"]
    assert found["right"] and found["needed"] == 2 and not found["wrong"] and not found["strays"]
    assert sum(state["share"] for state in found["states"]) == pytest.approx(1)
    for place, state in enumerate(found["states"]):
        assert sum(map(int, state["example"].split())) % 2 == place


def test_a_network_that_only_sees_whether_there_was_a_one_is_another_machine(tmp_path: Path) -> None:
    found = machine(with_weights(tmp_path, ANY_ONE))
    assert found["arrows"] == [[0, 1], [1, 1]] and found["start"] == 0
    assert len(found["states"]) == found["needed"] == 2
    assert not found["right"] and found["wrong"]
    assert {(one["state"], one["token"]) for one in found["wrong_arrows"]} <= {(1, "0"), (1, "1")}


def test_the_right_machine_with_its_answers_switched_is_not_the_right_one(tmp_path: Path) -> None:
    found = machine(with_weights(tmp_path, SWITCHED))
    # State 0 answers 0, and stands for the odd sums.
    assert found["arrows"] == [[0, 1], [1, 0]] and found["start"] == 1
    assert [(state["answer"], state["right"]) for state in found["states"]] == [("0", "1"), ("1", "0")]
    assert not found["right"]


def test_states_that_are_told_apart_by_what_follows_are_two_and_a_trained_network_has_all(tmp_path: Path) -> None:
    run = run_of(tmp_path, load_preset("adds").config)
    found = machine(run)
    assert [state["answer"] for state in found["states"]] == [str(digit) for digit in range(10)]
    assert found["arrows"] == [[(state + token) % 10 for token in range(10)] for state in range(10)]
    assert found["right"] and found["start"] == 0


def test_graphviz_reads_the_same_arrows(tmp_path: Path) -> None:
    found = machine(with_weights(tmp_path, ANY_ONE))
    edges = re.findall(r'^  (\d+) -> (\d+) \[label="(.*)"\];$', found["dot"], flags=re.M)
    told = {(int(state), token): int(end) for state, end, tokens in edges for token in tokens.split(", ")}
    assert told == {
        (state, token): end
        for state, row in enumerate(found["arrows"])
        for token, end in zip(found["tokens"], row, strict=True)
    }
    assert re.search(rf"^  start -> {found['start']};$", found["dot"], flags=re.M)


def test_the_command_line_writes_the_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = with_weights(tmp_path, ANY_ONE)
    words = ["evaluate", run.id, "--automaton", "--workspace", str(run.folder.parent)]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "not the right machine: 2 states" in said
    assert re.search(r"^ +→0 +0 +0 +1$", said, flags=re.M) and re.search(r"^ +1 +1 +1 +1$", said, flags=re.M)
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["automaton"]["dot"].startswith("digraph")


def test_a_task_whose_inputs_have_a_form_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = small().changed({"task.name": "modular_arithmetic", "train.steps": 1}, "test")
    run = run_of(tmp_path, config)
    assert main(["evaluate", run.id, "--automaton", "--workspace", str(run.folder.parent)]) == 2
    assert "not every sequence of tokens has a right answer" in capsys.readouterr().err
