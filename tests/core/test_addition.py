"""The addition task against Python's decimal numbers, and its preset trained for a few steps."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqsum.errors import UserError
from seqsum.presets import load_preset
from seqsum.tasks.addition import Addition, AdditionConfig
from seqsum.tasks.base import Batches
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer

torch.set_num_threads(1)

SETTINGS: list[dict[str, Any]] = [
    {},
    {"write": "forward"},
    {"digits": 1},
    {"digits": 2, "decimals": 2},
    {"digits": 6, "decimals": 3, "write": "forward"},
]


def addition(**changes: Any) -> Addition:
    return Addition(AdditionConfig(**changes))


def decimal_sum(question: str) -> str:
    first, second = question.split("+")
    return str(Decimal(first) + Decimal(second))


def questions(task: Addition, batches: Batches) -> list[str]:
    rows = batches.inputs.reshape(-1, batches.inputs.shape[2])
    return [task.echo(rows[row, :length]) for row, length in enumerate(batches.lengths.ravel().tolist())]


def unordered(question: str) -> frozenset[Decimal]:
    return frozenset(map(Decimal, question.split("+")))


@pytest.mark.parametrize("settings", SETTINGS)
def test_training_data_are_true_sums(settings: dict[str, Any]) -> None:
    task = addition(**settings)
    batches = task.batches(2, 7, 10, 40)
    for step in range(10):
        for row in range(40):
            length = batches.lengths[step, row]
            inputs, target = batches.inputs[step, row], batches.targets[step, row]
            assert (inputs[length:] == task.padding).all()
            question = task.echo(inputs[:length])
            assert task.read_answer(inputs, target) == decimal_sum(question) == task.truth(inputs[:length])
            written = int((target == task.end).argmax())
            assert (target[written + 1 :] == -1).all() and (target[: written + 1] >= 0).all()


def test_all_shapes_of_numbers_come_equally_often() -> None:
    task = addition(digits=3, decimals=2)
    batches = task.batches(0, 0, 100, 100)
    counts: dict[tuple[int, int], int] = {}
    for question in questions(task, batches):
        whole, _, fraction = question.split("+")[1].partition(".")
        assert whole == str(int(whole))
        counts[len(whole), len(fraction)] = counts.get((len(whole), len(fraction)), 0) + 1
    assert len(counts) == 9
    assert all(abs(count / 10_000 - 1 / 9) < 0.015 for count in counts.values())


@pytest.mark.parametrize("settings", [{"digits": 1}, {"digits": 2}, {"digits": 1, "decimals": 1}])
def test_held_out_pairs_are_never_trained_on_in_either_order(settings: dict[str, Any]) -> None:
    task = addition(**settings)
    batches = task.batches(0, 0, 100, 300)
    trained = {unordered(question) for question in questions(task, batches)}
    held: list[str] = []
    for examples in task.held_out():
        for inputs, target in zip(examples.inputs, examples.targets, strict=True):
            held.append(task.echo(inputs))
            assert task.read_answer(inputs, target) == decimal_sum(held[-1])
    assert held and len(set(held)) == len(held)
    assert not {unordered(question) for question in held} & trained
    if settings == {"digits": 1}:
        every = {frozenset(map(Decimal, pair)) for pair in np.ndindex(10, 10)}
        assert {unordered(question) for question in held} | trained == every


def test_held_out_is_fixed_and_large() -> None:
    first, second = list(addition().held_out()), list(addition().held_out())
    assert sum(len(examples.inputs) for examples in first) == 2000
    assert all(np.array_equal(one.inputs, other.inputs) for one, other in zip(first, second, strict=True))
    assert [examples.inputs.shape[1] for examples in addition().held_out(9, 9)] == [9]
    with pytest.raises(UserError, match="no held-out input is 20 to 30 characters"):
        list(addition().held_out(20, 30))


def test_data_depends_on_seed_and_step_alone() -> None:
    whole = addition(decimals=2).batches(1, 0, 12, 16)
    parts = [addition(decimals=2).batches(1, first, steps, 16) for first, steps in ((0, 5), (5, 1), (6, 6))]
    for name in ("inputs", "lengths", "targets"):
        assert np.array_equal(getattr(whole, name), np.concatenate([getattr(part, name) for part in parts]))
    assert not np.array_equal(whole.inputs, addition(decimals=2).batches(2, 0, 12, 16).inputs)


@pytest.mark.parametrize(
    ("typed", "truth"),
    [
        ("1234+87", "1321"),
        (" 12.5 + 7.25 ", "19.75"),
        ("12.5+7.5", "20.0"),
        ("0.05+0.95", "1.00"),
        ("007+5", "12"),
        ("99999999999999999999+1", "100000000000000000000"),
        ("1+2+3", None),
        ("12", None),
        ("1.+2", None),
        (".5+1", None),
        ("+", None),
    ],
)
def test_truth(typed: str, truth: str | None) -> None:
    assert addition().truth(addition().parse(typed)) == truth


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "nothing to read"),
        ("12-3", 'character 3 is "-"'),
        ("1,5+2", 'character 2 is ","'),
        ("one+two", 'character 1 is "o"'),
        ("１+2", 'character 1 is "１"'),
        ("1" * 5000 + "+1", "5,002 characters are too many"),
    ],
)
def test_wrong_input(typed: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        addition().parse(typed)
    assert "1234+7" in str(caught.value)


def test_preset_learns_something_in_a_few_steps_and_resumes_with_the_same_bits(tmp_path: Path) -> None:
    config = load_preset("addition").config.changed(
        {"train.steps": 12, "train.batch_size": 32, "train.log_every": 3, "model.hidden_size": 64}, "test"
    )
    whole = Trainer(config)
    losses: list[float] = []
    while not whole.done:
        losses += [value for name, _, value in whole.run_chunk() if name == "loss"]
    assert losses[-1] < 0.95 * losses[0]
    first = Trainer(config)
    while first.step < 7:
        first.run_chunk([7])
    resumed = Trainer.resume(checkpoint.load(first.save(tmp_path)))
    while not resumed.done:
        resumed.run_chunk()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value), name
