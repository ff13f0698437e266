"""The machine of a network's states: networks whose weights were worked out by hand, so that their machine is known."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from seqsum.cli import main
from seqsum.errors import UserError
from seqsum.presets import load_preset
from seqsum.query.answering import Answerer
from seqsum.runs import Run
from support.by_hand import ANY_ONE, PARITY, SWITCHED, run_of, with_weights
from support.engine import small


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


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"task.modulus": 40}, 'the task "sum_modulo" has 40 classes and 40 different tokens here, and .* 32 of each'),
        ({"task.name": "text_classification"}, r'" has \d+ different tokens here, and .* 32 of each'),
        ({"task.name": "memorise_noise"}, "it needs tokens for an input, and .* reads numbers"),
        (
            {"task.name": "forecast"},
            'it is for tasks that answer with one class, and the task "forecast" answers otherwise',
        ),
    ],
)
def test_what_has_too_many_tokens_or_classes_says_how_many(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    run = run_of(tmp_path, small().changed({**changes, "train.steps": 1}, "test"))
    with pytest.raises(UserError, match=says):
        machine(run)
