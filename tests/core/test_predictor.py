"""Predictions against plain PyTorch and the formula, and the query server's lines."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from seqsum.errors import UserError
from seqsum.query.answering import Answerer
from seqsum.runs import Run
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer
from support.engine import PlainModel
from support.trained import Server, save_at, trained_run


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_probabilities_are_plain_pytorchs_and_the_truth_is_the_sum(cell: str, tmp_path: Path) -> None:
    run = trained_run(tmp_path, 20, model__cell=cell)
    plain = PlainModel(10, run.config().model)
    plain.load_state_dict(safetensors.torch.load_file(run.checkpoints / "step-20" / "model.safetensors"), strict=True)
    answerer, draw = Answerer(run), random.Random(1)
    for length in (1, 2, 7, 40, 300):
        numbers = [draw.randrange(10) for _ in range(length)]
        answer = answerer.ask("predict", input=" ".join(map(str, numbers)))[1]["answer"]
        expected = torch.softmax(plain(torch.tensor([numbers]), torch.tensor([length])).double(), 1)[0]
        assert answer["probabilities"] == pytest.approx(expected.tolist(), rel=1e-4)
        assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-12)
        assert answer["prediction"] == int(expected.argmax())
        assert answer["truth"] == sum(numbers) % 10
        assert answer["correct"] is (answer["prediction"] == answer["truth"])
        assert answer["input"] == numbers
        shares = expected.detach().numpy()
        assert answer["entropy"] == pytest.approx(-(shares * np.log2(shares)).sum(), rel=1e-4)
    assert list(answer) == [
        "input",
        "prediction",
        "truth",
        "correct",
        "probabilities",
        "entropy",
        "interval",
        "remarks",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "nothing"), ("1 2 ten", "number 3"), ("10", "number 1"), ("1 -2", "number 2"), ("1.5", "number 1")],
)
def test_what_it_cant_read_it_says(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        Answerer(trained_run(tmp_path, 0)).ask("predict", input=text)


def test_the_newest_whole_checkpoint_answers_with_a_message_about_the_damaged_one(tmp_path: Path) -> None:
    run = trained_run(tmp_path, 5, 10)
    assert Answerer(run).shelf.take().step == 10
    (run.checkpoints / "step-10" / "model.safetensors").write_bytes(b"gone")
    loaded = Answerer(run).shelf.take()
    assert loaded.step == 5
    assert ["step-10" in message for message in loaded.messages] == [True]


def test_without_a_checkpoint_it_says_how_to_get_one(tmp_path: Path) -> None:
    run = trained_run(tmp_path)
    with pytest.raises(UserError, match=f"run {run.id} has no checkpoint yet"):
        Answerer(run).shelf.take()


@pytest.fixture
def server_of(tmp_path: Path) -> Iterator[tuple[Server, Run]]:
    run = trained_run(tmp_path, 5)
    server = Server(run)
    yield server, run
    server.process.kill()
    server.process.communicate()


def test_the_query_server(server_of: tuple[Server, Run]) -> None:
    server, run = server_of
    assert server.read() == {
        "ready": True,
        "checkpoint_step": 5,
        "input_hint": "numbers from 0 to 9, separated by spaces",
        "empty": False,
        "samples": False,
        "series": False,
    }
    expected = Answerer(run).ask("predict", input="1 2 3 5 1 2 4")[1]["answer"]
    question = json.dumps({"id": 1, "ask": "predict", "input": "1 2 3 5 1 2 4"})
    reply = server.ask(question)
    assert {key: reply[key] for key in ("id", "ok", "checkpoint_step", "kind")} == {
        "id": 1, "ok": True, "checkpoint_step": 5, "kind": "class",
    }  # fmt: skip
    assert reply["answer"] == expected and reply["labels"] == list("0123456789")
    assert reply["text"] == {"input": "1 2 3 5 1 2 4", "prediction": str(expected["prediction"]), "truth": "8"}
    assert expected["truth"] == 8
    for line in ("nonsense", "[]", '{"id": 3, "ask": "the time"}', '{"id": 2, "ask": "predict", "input": "1 x"}'):
        answer = server.ask(line)
        assert answer["ok"] is False and answer["error"]
    assert answer["id"] == 2 and "number 2" in answer["error"]
    save_at(Trainer.resume(checkpoint.load(run.checkpoints / "step-5")), run, 9)
    assert server.ask(question)["checkpoint_step"] == 9, "each answer comes from the newest checkpoint"
    rest, _ = server.process.communicate(timeout=60)
    assert rest == "" and server.process.returncode == 0, "a closed input ends it"


def test_the_query_server_without_a_checkpoint(tmp_path: Path) -> None:
    server = Server(trained_run(tmp_path))
    answer = server.read()
    assert answer["ready"] is False and "no checkpoint yet" in answer["error"]
    assert server.process.communicate(timeout=60)[0] == "" and server.process.returncode == 2
