"""Every preset, and every model on each kind of task, trains, answers, repeats itself and goes on bit for bit."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from seqsum import cli
from seqsum.config import Config, resolved
from seqsum.launch import WarmLauncher
from seqsum.presets import load_preset, preset_names
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer
from support.blocks import FAMILIES, Changes, named

STEPS = 4
QUESTIONS = {
    "sum_modulo": "1 2 3 5 1 2 4",
    "next_number": "3 4 5 6",
    "counting": "3",
    "tagging": "(()",
    "countdown": "5",
    "character_lm": "def main(",
    "dates": "3 March 2021",
    "addition": "12+7",
    "forecast": "10 20 30 40 50",
    "memorise_noise": "3",
    "text_classification": "import asyncio",
    "pairs": "4071",
    "modular_arithmetic": "1+2*3",
    "cycle_navigation": "+ + -",
    "stack_manipulation": "0 1 pop",
    "permutation_product": "231 213",
}

# One class, one at each step, a state carried on, values.
KINDS = "parity_check_rnn", "tagging_rnn", "counting_rnn", "sunspots_gru"
CASES: list[tuple[str, Changes]] = [(name, {}) for name in preset_names()]
CASES += [(name, {**changes, "model.hidden_size": 8}) for name in KINDS for changes in FAMILIES]
CASES += [(name, {"model.hidden_noise": 0.1, "model.noise_schedule": "learning_rate"}) for name in KINDS]


def called(part: object) -> str:
    return named(part) if isinstance(part, dict) else str(part)


def few_steps(name: str, more: Changes) -> Config:
    steps = "1" if load_preset(name).config.model.name == "autoregressive" else str(STEPS)
    changes = {"train.epochs": "off", "train.steps": steps, "train.evaluate_every": steps, **more}
    return resolved(load_preset(name).config.changed(changes, "test"), "test")[0]


def call(*arguments: str) -> list[dict[str, Any]]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.main([*arguments, "--json"])
    assert (status, err.getvalue()) == (0, "")
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(("name", "more"), CASES, ids=called)
def test_it_trains_and_answers(
    name: str, more: Changes, fork_server: WarmLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqsum.launch.engines.WarmLauncher", lambda *_, **__: fork_server)
    monkeypatch.setattr(fork_server, "close", lambda: None)
    config = few_steps(name, more)
    flags = [f"--train.{field}={getattr(config.train, field)}" for field in ("steps", "evaluate_every")]
    off = ["--train.epochs=off"] if load_preset(name).config.train.epochs is not None else []
    flags += [f"--{path}={value}" for path, value in more.items()]
    last = call("train", name, *flags, *off, "--train.log_every=1", f"--workspace={tmp_path}")[-1]
    assert (last["event"], last["status"], last["step"]) == ("finished", "finished", config.train.steps)
    assert last["metrics"]["loss"] > 0 and last["metrics"]["eval_loss"] > 0
    question = QUESTIONS.get(config.task.name, "0 1 1")
    (answer,) = call("predict", last["run"], question, f"--workspace={tmp_path}")
    assert set(answer) >= {"input", "prediction", "truth", "correct", "probabilities"}
    # A network that writes may end at once after so few steps: "" is an answer, None is not.
    assert answer["prediction"] is not None
    assert all(0 <= chance <= 1 + 1e-9 for chance in answer["probabilities"])
    if config.task.name == "sum_modulo":
        assert (answer["truth"], len(answer["probabilities"])) == (8, 10)


def bits(trainer: Trainer) -> str:
    tensors = [*trainer.model.state_dict().values(), *(part for _, part in sorted(trainer.backend.tensors().items()))]
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


@pytest.mark.parametrize(("name", "more"), CASES, ids=called)
def test_the_same_seed_gives_the_same_bits_also_after_a_stop(name: str, more: Changes, tmp_path: Path) -> None:
    config = few_steps(name, more)
    half = config.train.steps // 2
    # One after another, as in processes of their own: dropout draws from torch's one generator.
    whole = Trainer(config)
    while not whole.done:
        whole.run_chunk()
    # Cut otherwise: a step stands with no others in its chunk.
    again = Trainer(config)
    while again.step < half:
        again.run_chunk([again.step + 1])
    again.save(tmp_path)
    saved, messages = checkpoint.newest(tmp_path)
    assert saved is not None and messages == []
    resumed = Trainer.resume(saved)
    while not resumed.done:
        resumed.run_chunk([resumed.step + 1])
    assert resumed.step == whole.step == config.train.steps
    assert bits(resumed) == bits(whole)
