"""The Chomsky-hierarchy tasks against plain Python that solves them from the paper's words."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.evaluation.evaluate import evaluate
from seqsum.registry import make_task
from seqsum.tasks.base import NOT_ASKED
from seqsum.training.trainer import Trainer

NAMES = [
    "even_pairs",
    "parity_check",
    "cycle_navigation",
    "modular_arithmetic",
    "reverse_string",
    "duplicate_string",
    "odds_first",
    "stack_manipulation",
    "permutation_product",
]


def solved_by_hand(name: str, symbols: list[str]) -> str | list[str]:
    if name == "even_pairs":
        unequal = sum(left != right for left, right in pairwise(symbols))
        return "even" if unequal % 2 == 0 else "odd"
    if name == "parity_check":
        return "even" if symbols.count("1") % 2 == 0 else "odd"
    if name == "cycle_navigation":
        place = 0
        for symbol in symbols:
            place = (place + {"-": 4, "0": 0, "+": 1}[symbol]) % 5
        return str(place)
    if name == "modular_arithmetic":
        return str(eval("".join(symbols)) % 5)  # digits and + - * only
    if name == "reverse_string":
        return list(reversed(symbols))
    if name == "duplicate_string":
        return symbols + symbols
    if name == "odds_first":
        odd = [symbol for place, symbol in enumerate(symbols, start=1) if place % 2 == 1]
        return odd + [symbol for place, symbol in enumerate(symbols, start=1) if place % 2 == 0]
    if name == "permutation_product":
        row = list("123")
        for symbol in symbols:
            row = [row[int(place) - 1] for place in symbol]
        return "".join(row)
    stack: list[str] = []
    for symbol in symbols:
        if symbol == "pop":
            stack = stack[:-1]
        else:
            stack.append(symbol.removeprefix("push"))
    return [*reversed(stack), "end"]


@pytest.mark.parametrize("name", NAMES)
def test_batches_hold_the_right_answers(name: str) -> None:
    task = make_task(Config.parse({"task": {"name": name, "max_length": 17}}, "test").task)
    batches = task.batches(3, 5, 150, 2)
    seen = set()
    for inputs, lengths, targets in zip(batches.inputs, batches.lengths, batches.targets, strict=True):
        assert len(set(lengths.tolist())) == 1, "one length a batch"
        for row, length, target in zip(inputs, lengths, targets, strict=True):
            assert (row[length:] == task.padding).all()
            row = row[:length]
            symbols = [task.alphabet[token] for token in row if token < len(task.alphabet)]
            seen.add(len(symbols))
            expected = solved_by_hand(name, symbols)
            if task.answer == "class":
                assert task.answers[target] == expected
            else:
                asked = target != NOT_ASKED
                assert [task.answers[answer] for answer in target[asked]] == expected
                assert (row[len(symbols) :] == len(task.alphabet)).all(), "blanks after the input"
                assert np.flatnonzero(asked)[0] == len(symbols)
    assert min(seen) == 1 and max(seen) == 17


@pytest.mark.parametrize("name", NAMES)
def test_a_step_has_the_same_data_however_chunks_are_cut(name: str) -> None:
    task = make_task(Config.parse({"task": {"name": name}}, "test").task)
    whole = task.batches(1, 0, 12, 3)
    for step in range(12):
        part = task.batches(1, step, 1, 3)
        length = int(part.lengths.max())
        assert np.array_equal(part.inputs[0, :, :length], whole.inputs[step, :, :length])
        assert np.array_equal(part.lengths[0], whole.lengths[step])


@pytest.mark.parametrize("name", NAMES)
def test_held_out_lengths_were_never_trained_on(name: str) -> None:
    task = make_task(Config.parse({"task": {"name": name, "max_length": 6, "longest_asked": 30}}, "test").task)
    for examples in task.held_out():
        for row in examples.inputs:
            symbols = [task.alphabet[token] for token in row if token < len(task.alphabet)]
            assert 7 - (name == "modular_arithmetic") <= len(symbols) <= 30
            assert task.truth(row) == solved_by_hand(name, symbols)


@pytest.mark.parametrize(
    ("name", "text", "answer"),
    [
        ("even_pairs", "0 1 1", "odd"),
        ("parity_check", "0110", "even"),
        ("cycle_navigation", "+ + - 0", "1"),
        ("modular_arithmetic", "1+2*3", "2"),
        ("modular_arithmetic", "1-1-1", "4"),
        ("modular_arithmetic", "0*1+4*3-2", "0"),
        ("reverse_string", "001", ["1", "0", "0"]),
        ("odds_first", "110", ["1", "0", "1"]),
        ("odds_first", "00110101", list("01000111")),
        ("stack_manipulation", "0 1 1 0 push1 pop pop", ["1", "1", "0", "end"]),
        ("stack_manipulation", "1 1 0 pop pop pop", ["end"]),
        ("permutation_product", "231 213", "321"),
        ("permutation_product", "213 231", "132"),
    ],
)
def test_what_a_person_types_is_judged(name: str, text: str, answer: str | list[str]) -> None:
    task = make_task(Config.parse({"task": {"name": name}}, "test").task)
    assert task.truth(task.parse(text)) == answer


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("parity_check", "0 2 1", "symbol 2"),
        ("parity_check", "", "nothing"),
        ("modular_arithmetic", "1+", "take turns"),
        ("modular_arithmetic", "+1+", "take turns"),
        ("stack_manipulation", "pop 0", "first the stack"),
        ("stack_manipulation", "0 pop 1", "first the stack"),
        ("permutation_product", "123 124", "symbol 2"),
    ],
)
def test_wrong_input_is_named(name: str, text: str, named: str) -> None:
    task = make_task(Config.parse({"task": {"name": name}}, "test").task)
    with pytest.raises(UserError, match=named):
        task.parse(text)


@pytest.mark.parametrize("things", [2, 3, 4, 5])
def test_permutations_of_so_many_things_are_a_group(things: int) -> None:
    """Every order once; and moving back what a permutation moved leaves all as before, which is not so of others."""
    task = make_task(Config.parse({"task": {"name": "permutation_product", "things": things}}, "test").task)
    assert task.vocabulary == task.classes == math.factorial(things) == len(set(task.class_names()))
    as_before = "".join(str(place + 1) for place in range(things))
    for one in task.class_names():
        back = "".join(str(one.index(str(place + 1)) + 1) for place in range(things))
        assert task.truth(task.parse(f"{one} {back}")) == task.truth(task.parse(f"{back} {one}")) == as_before
        assert task.truth(task.parse(one)) == one
    if things > 2:
        swap, turn = "213" + as_before[3:], "231" + as_before[3:]
        assert task.truth(task.parse(f"{swap} {turn}")) != task.truth(task.parse(f"{turn} {swap}"))


def test_short_ones_first() -> None:
    settings = {"name": "parity_check", "min_length": 3, "max_length": 6}
    rising = make_task(Config.parse({"task": {**settings, "curriculum_steps": 400}}, "test").task)
    whole = make_task(Config.parse({"task": settings}, "test").task)
    lengths = rising.batches(0, 0, 500, 2).lengths[:, 0].tolist()
    for stage, longest in enumerate([3, 3, 4, 4, 4, 5, 5, 5]):  # by 3 over 400 steps: from steps 134 and 267 on
        assert set(lengths[50 * stage : 50 * stage + 30]) <= set(range(3, longest + 1))
    assert max(lengths[:134]) == 3 and max(lengths[:267]) == 4 and max(lengths[:400]) == 5 and max(lengths) == 6
    assert np.array_equal(rising.batches(0, 400, 50, 2).inputs, whole.batches(0, 400, 50, 2).inputs)


def test_a_small_gru_learns_parity_beyond_its_training_lengths() -> None:
    config = Config.parse(
        {
            "task": {"name": "parity_check", "max_length": 8, "longest_asked": 40},
            "model": {"cell": "gru", "token_input": "one_hot", "hidden_size": 24},
            "optim": {"lr": 0.01},
            "schedule": {"name": "constant"},
            "train": {"steps": 700, "batch_size": 32},
        },
        "test",
    )
    torch.manual_seed(0)
    trainer = Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    assert (evaluate(trainer.model, trainer.task).accuracy or 0) > 0.95
