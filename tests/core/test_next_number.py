"""Document 2: windows of rising numbers, with and without memory."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from seqsum.config import Config, resolved
from seqsum.errors import UserError
from seqsum.presets import load_preset
from seqsum.tasks.base import NOT_ASKED
from seqsum.tasks.next_number import NextNumber, NextNumberConfig
from seqsum.training.trainer import Trainer


def trained(preset: str, **changes: object) -> float:
    named = {path.replace("__", "."): str(value) for path, value in changes.items()}
    config, _ = resolved(load_preset(preset).config.changed(named, "test"), "test")
    trainer = Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    accuracy = trainer.evaluate()[0].accuracy
    assert accuracy is not None
    return accuracy


def test_as_published_the_data_are_a_thousand_windows_split_in_800_and_200() -> None:
    task = NextNumber(NextNumberConfig())
    assert task.training.shape == (800, 5) and task.validation.shape == (200, 5)
    for window in np.concatenate([task.training, task.validation]):
        assert all((window[place] + 1) % 10 == window[place + 1] for place in range(4))
    assert task.steps_per_epoch(32) == 25
    batches = task.batches(0, 0, 25, 32)
    assert batches.inputs.shape == (25, 32, 4)
    assert (batches.targets == (batches.inputs + 1) % 10).all()
    # One epoch shows each training window once.
    shown = sorted(map(tuple, batches.inputs.reshape(-1, 4).tolist()))
    assert shown == sorted(map(tuple, task.training[:, :4].tolist()))


def test_strides_are_those_of_the_window_and_the_first_number_is_not_asked() -> None:
    task = NextNumber(NextNumberConfig(stride="per_sequence", modulus=7, window=6))
    [examples] = task.held_out()
    strides = set()
    for row, targets in zip(examples.inputs, examples.targets, strict=True):
        stride = (row[1] - row[0]) % 7
        strides.add(int(stride))
        assert targets.tolist() == [NOT_ASKED, *[(number + stride) % 7 for number in row[1:]]]
    assert strides == {1, 2, 3, 4, 5, 6}


def test_unseen_windows_are_in_no_training_batch() -> None:
    task = NextNumber(NextNumberConfig(stride="per_sequence", unseen_windows=True))
    trained_on = {tuple(window) for window in task.training.tolist()}
    asked = {tuple(window) for window in task.validation.tolist()}
    assert trained_on and asked and not trained_on & asked


@pytest.mark.parametrize("stride", ["one", "per_sequence"])
def test_windows_that_stand_in_both_parts_are_told(stride: Literal["one", "per_sequence"]) -> None:
    task = NextNumber(NextNumberConfig(stride=stride))
    trained = {tuple(window) for window in task.training.tolist()}
    met = sum(tuple(window) in trained for window in task.validation.tolist())
    assert met and any(f"{met} of 200 held-out windows stand in the training part" in note for note in task.notes)
    assert not NextNumber(NextNumberConfig(stride=stride, unseen_windows=True)).notes


def test_the_split_does_not_depend_on_the_training_seed_but_on_its_own() -> None:
    one, same, other = (NextNumber(NextNumberConfig(data_seed=seed)) for seed in (0, 0, 1))
    assert (one.validation == same.validation).all()
    assert (one.validation != other.validation).any()
    assert (one.batches(0, 0, 3, 32).inputs != one.batches(1, 0, 3, 32).inputs).any()


@pytest.mark.parametrize("sequences", [2, 3])
def test_the_smallest_data_sets_keep_one_window_for_validation(sequences: int) -> None:
    task = NextNumber(NextNumberConfig(sequences=sequences))
    assert len(task.validation) == 1 and len(task.training) == sequences - 1
    assert task.batches(0, 0, 5, 8).inputs.shape == (5, 8, 4)


def test_what_a_person_types() -> None:
    task = NextNumber(NextNumberConfig())
    assert task.truth(task.parse("8, 9 0")) == [9, 0, 1]
    assert task.truth(task.parse("1 3")) is None
    strides = NextNumber(NextNumberConfig(stride="per_sequence"))
    assert strides.truth(strides.parse("3 7 1 5")) == ["?", 1, 5, 9]
    assert strides.read_answer(strides.parse("3 7"), np.array([4, 1])) == ["?", 1]
    assert strides.truth(strides.parse("3 7 2")) is None
    assert strides.truth(strides.parse("3 3")) is None
    for text, named in (("1 x 3", 'number 2 is "x"'), ("10", 'number 1 is "10"'), ("", "nothing was typed")):
        with pytest.raises(UserError, match=named):
            task.parse(text)
    with pytest.raises(UserError, match="one number"):
        strides.parse("3")


@pytest.mark.parametrize("model", ["feed_forward", "rnn", "lstm"])
def test_as_published_no_memory_is_needed(model: str) -> None:
    assert trained(f"next_number_{model}", train__epochs=5) == 1.0


def test_with_strides_memory_makes_the_difference() -> None:
    assert trained("next_number_strides_feed_forward") < 0.2
    assert trained("next_number_strides_rnn") > 0.7
    assert trained("next_number_strides_lstm") > 0.9


def test_epochs_become_steps_and_a_metric() -> None:
    config, _ = resolved(load_preset("next_number_rnn").config, "test")
    assert config.train.steps == 250
    trainer = Trainer(config.changed({"train.log_every": "10"}, "test"))
    points = []
    while trainer.step < 20:
        points += trainer.run_chunk()
    assert [(step, value) for name, step, value in points if name == "epoch"] == [(10, 0.4), (20, 0.8)]
    assert Config().train.epochs is None
