"""Memorising noise: the published loss, and that nothing follows from it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from seqsum.errors import UserError
from seqsum.presets import load_preset
from seqsum.tasks.memorise_noise import MemoriseNoise, MemoriseNoiseConfig
from seqsum.training.trainer import Trainer


def test_ten_steps_fit_the_noise_as_published_and_teach_nothing() -> None:
    trainer = Trainer(load_preset("memorise_noise").config)
    losses: list[float] = []
    shares: list[float] = []
    while not trainer.done:
        points = trainer.run_chunk()
        losses += [value for name, _, value in points if name == "loss"]
        shares += [value for name, _, value in points if name == "train_accuracy"]
    assert len(losses) == 10
    assert 0.6 < losses[0] < 0.8  # ln 2 = 0.69: published 0.68
    assert losses[-1] < 0.0228 * 2  # published 0.0228
    assert shares[-1] == 1.0
    result, _, _ = trainer.evaluate()
    assert result.accuracy is not None
    # 256 fair coins: beyond 4 standard deviations (0.125) something was learned that can't be.
    assert abs(result.accuracy - 0.5) < 0.125
    assert result.loss > np.log(2)


def test_every_batch_of_all_samples_holds_each_of_them_once() -> None:
    task = MemoriseNoise(MemoriseNoiseConfig(samples=8, length=3, features=2, classes=3))
    batches = task.batches(1, 0, 3, 8)
    assert batches.inputs.shape == (3, 8, 3, 2)
    everything = sorted(row.tobytes() for row in batches.inputs[0])
    assert len(set(everything)) == 8
    for step in (1, 2):
        assert sorted(row.tobytes() for row in batches.inputs[step]) == everything
    labels = {row.tobytes(): label for row, label in zip(batches.inputs[0], batches.targets[0], strict=True)}
    for step in (1, 2):
        for row, label in zip(batches.inputs[step], batches.targets[step], strict=True):
            assert labels[row.tobytes()] == label


def test_noise_is_standard_normal_and_depends_on_the_data_seed_alone() -> None:
    noise = MemoriseNoise(MemoriseNoiseConfig(data_seed=4)).batches(0, 0, 1, 32).inputs
    assert abs(float(noise.mean())) < 0.02
    assert abs(float(noise.std()) - 1) < 0.02
    same = MemoriseNoise(MemoriseNoiseConfig(data_seed=4)).batches(0, 0, 1, 32).inputs
    other = MemoriseNoise(MemoriseNoiseConfig(data_seed=5)).batches(0, 0, 1, 32).inputs
    assert np.array_equal(noise, same)
    assert not np.array_equal(noise, other)


def test_a_person_asks_by_number() -> None:
    task = MemoriseNoise(MemoriseNoiseConfig())
    batches = task.batches(0, 0, 1, 32)
    labels = {row.tobytes(): int(label) for row, label in zip(batches.inputs[0], batches.targets[0], strict=True)}
    for number in (0, 3, 31):
        inputs = task.parse(f" {number} ")
        assert task.echo(inputs) == number
        assert task.truth(inputs) == labels[inputs.tobytes()]
    fresh = next(task.held_out())
    assert np.array_equal(task.parse("32"), fresh.inputs[0])
    assert task.truth(task.parse("287")) == fresh.targets[255]
    assert task.echo(task.parse("287")) == 287
    assert not {row.tobytes() for row in fresh.inputs} & labels.keys()


@pytest.mark.parametrize("text", ["", "288", "-1", "3.5", "three", "1 2", "\x1b[31m", "9" * 5000])
def test_what_is_no_number_of_a_sample_is_refused_in_one_sentence(text: str) -> None:
    task = MemoriseNoise(MemoriseNoiseConfig())
    with pytest.raises(UserError, match="is no sample; type the number of a sample: 0 to 31") as caught:
        task.parse(text)
    assert not re.search(r"[\x00-\x1f]", str(caught.value))
    assert len(str(caught.value)) < 300


def test_too_much_noise_is_refused_before_memory_runs_out() -> None:
    with pytest.raises(UserError, match="make one of them smaller"):
        MemoriseNoise(MemoriseNoiseConfig(samples=100_000, length=10_000))
