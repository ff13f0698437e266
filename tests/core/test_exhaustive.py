"""The exhaustive evaluation by compiled code: its order by brute force, its answers against PyTorch's."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from seqsum.evaluation.evaluate import evaluate
from seqsum.presets import load_preset
from seqsum.training.backends.fused.exhaustive_order import exhaustive_order
from seqsum.training.backends.fused.layout import COLUMNS
from seqsum.training.trainer import Trainer


def begun(**changes: Any) -> Trainer:
    """A trainer with compiled code, untrained."""
    named = {"train.backend": "fused", **{path.replace("__", "."): value for path, value in changes.items()}}
    trainer = Trainer(load_preset("baseline").config.changed(named, "test"))
    trainer.backend.change_over(0, trainer.config)
    return trainer


def check_answers(trainer: Trainer) -> None:
    mine, _, _ = trainer.evaluate()
    wanted = evaluate(trainer.model, trainer.task)
    assert mine.exhaustive
    assert mine.sequences == wanted.sequences
    assert mine.accuracy_by_length.keys() == wanted.accuracy_by_length.keys()
    assert mine.confusion is not None
    assert wanted.confusion is not None
    # Two classes can be as good as equal: one in ten thousand may fall the other way.
    assert np.abs(mine.confusion - wanted.confusion).sum() <= 2 + wanted.sequences // 10_000
    assert mine.accuracy == pytest.approx(wanted.accuracy, abs=1e-4)
    assert mine.metrics == pytest.approx(wanted.metrics, abs=1e-4)
    assert mine.loss == pytest.approx(wanted.loss, rel=1e-5)


@pytest.mark.parametrize(("vocabulary", "low", "high"), [(10, 2, 4), (2, 1, 12), (3, 4, 4), (100, 1, 2), (1000, 2, 2)])
def test_it_meets_every_sequence_once_and_knows_which_it_is(vocabulary: int, low: int, high: int) -> None:
    order = exhaustive_order(vocabulary, low, high)
    # What the compiled code does with the blocks: a beginning's column, extended token by token.
    kept: dict[int, list[tuple[int, ...]]] = {0: [()]}
    asked: list[tuple[int, ...]] = []
    for length, first, count in order.blocks.tolist():
        beginnings = kept[length][first : first + count]
        assert len(beginnings) == count <= COLUMNS
        kept[length + 1] = [(*beginning, token) for token in range(vocabulary) for beginning in beginnings]
        assert length + 1 == high or len(kept[length + 1]) <= COLUMNS
        if length + 1 >= low:
            asked += kept[length + 1]
    everything = [
        sequence for length in range(low, high + 1) for sequence in itertools.product(range(vocabulary), repeat=length)
    ]
    assert [everything[place] for place in order.sequences.tolist()] == asked
    assert sorted(order.sequences.tolist()) == list(range(len(everything)))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model__num_layers": 2, "model__hidden_size": 7},
        {"model__cell": "lstm", "model__num_layers": 2, "model__hidden_size": 5},
        {"model__cell": "gru", "model__num_layers": 3, "task__modulus": 7},
        {"model__nonlinearity": "relu", "model__token_input": "one_hot", "task__modulus": 2, "task__max_length": 12},
        {"task__modulus": 100, "task__min_length": 1, "task__max_length": 2},
        {"task__modulus": 3, "task__min_length": 4, "task__max_length": 4},
    ],
)
def test_its_answers_are_pytorchs(changes: dict[str, Any]) -> None:
    trainer = begun(train__steps=300, **changes)
    while not trainer.done:
        trainer.run_chunk()
    check_answers(trainer)


@pytest.mark.parametrize("times", [3.0, 30.0, 1000.0])
def test_its_answers_are_pytorchs_with_weights_whose_powers_of_e_are_infinite(times: float) -> None:
    trainer = begun()
    with torch.no_grad():
        trainer.model.rnn.weight_hh_l0.mul_(times)  # type: ignore[union-attr, operator]
        trainer.model.rnn.bias_hh_l0.mul_(times)  # type: ignore[union-attr, operator]
    check_answers(trainer)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("parameter", ["rnn.weight_hh_l0", "rnn.weight_ih_l0", "head.bias"])
def test_what_is_not_finite_shows_in_the_loss(parameter: str, bad: float) -> None:
    trainer = begun()
    with torch.no_grad():
        trainer.model.get_parameter(parameter).view(-1)[3] = bad
    mine, _, _ = trainer.evaluate()
    wanted = evaluate(trainer.model, trainer.task).loss
    assert math.isfinite(mine.loss) == math.isfinite(wanted)
    assert math.isnan(wanted) or mine.loss == pytest.approx(wanted, rel=1e-5)
