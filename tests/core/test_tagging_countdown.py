"""One answer for each step, and a sequence from a single number (document 3)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seqsum.errors import UserError
from seqsum.presets import load_preset
from seqsum.tasks.base import NOT_ASKED
from seqsum.tasks.countdown import Countdown, CountdownConfig
from seqsum.tasks.tagging import Tagging, TaggingConfig, matched
from seqsum.training.trainer import Trainer


def trained(preset: str, **changes: object) -> Trainer:
    named = {path.replace("__", "."): str(value) for path, value in changes.items()}
    trainer = Trainer(load_preset(preset).config.changed(named, "test"))
    while not trainer.done:
        trainer.run_chunk()
    return trainer


def by_stack(brackets: list[int]) -> list[int]:
    """1 for brackets with a partner, found with a stack."""
    tags, waiting = [0] * len(brackets), []
    for place, bracket in enumerate(brackets):
        if bracket == 0:
            waiting.append(place)
        elif waiting:
            tags[waiting.pop()] = tags[place] = 1
    return tags


def test_tags_are_those_of_a_stack() -> None:
    for length in range(1, 11):
        tokens = (np.arange(2**length)[:, None] >> np.arange(length)) & 1
        assert matched(tokens).tolist() == [by_stack(row) for row in tokens.tolist()]


def test_training_rows_are_padded_and_asked_up_to_their_length() -> None:
    task = Tagging(TaggingConfig(min_length=3, max_length=9))
    batches = task.batches(5, 2, 30, 16)
    assert set(batches.lengths.reshape(-1).tolist()) == set(range(3, 10))
    for row, length, tags in zip(
        batches.inputs.reshape(-1, 9), batches.lengths.reshape(-1), batches.targets.reshape(-1, 9), strict=True
    ):
        assert row[length:].tolist() == [task.padding] * (9 - length)
        assert tags.tolist() == by_stack(row[:length].tolist()) + [NOT_ASKED] * (9 - length)
    assert (task.batches(5, 12, 3, 16).inputs == batches.inputs[10:13]).all()


def test_that_training_meets_short_held_out_sequences_is_told() -> None:
    assert any("of 10 brackets there are 1,024 sequences" in note for note in Tagging(TaggingConfig()).notes)
    assert not Tagging(TaggingConfig(min_length=40, max_length=50)).notes


def test_what_a_person_types_in_brackets() -> None:
    task = Tagging(TaggingConfig())
    inputs = task.parse(" ())(() ")
    assert task.echo(inputs) == "())(()" and task.truth(inputs) == "..!!.."
    assert task.read_answer(inputs, np.array([1, 1, 0, 0, 1, 1])) == task.truth(inputs)
    with pytest.raises(UserError, match='character 2 is "x"'):
        task.parse("(x")
    with pytest.raises(UserError, match="nothing"):
        task.parse("  ")


def test_only_a_look_in_both_directions_tags_all_brackets() -> None:
    quick = {"train__steps": 200, "model__hidden_size": 16, "train__evaluate_every": 200}
    one_way, both_ways = trained("tagging_rnn", **quick), trained("tagging_bidirectional", **quick)
    [short] = list(one_way.task.held_out(12, 12))
    opening = short.inputs == 0
    rows = torch.from_numpy(short.inputs), torch.from_numpy(short.lengths)
    with torch.inference_mode():
        right = one_way.model(*rows).argmax(-1).numpy() == short.targets
    assert right[~opening].mean() > 0.97 and right[opening].mean() < 0.85
    assert (both_ways.evaluate()[0].accuracy or 0) > 0.97


def test_countdown_examples() -> None:
    task = Countdown(CountdownConfig(largest=4))
    [examples] = task.held_out()
    go_on, end = 5, 4
    assert examples.inputs.tolist() == [[n, go_on, go_on, go_on, go_on] for n in (1, 2, 3, 4)]
    assert examples.targets.tolist() == [
        [0, end, end, end, end],
        [1, 0, end, end, end],
        [2, 1, 0, end, end],
        [3, 2, 1, 0, end],
    ]
    batches = task.batches(0, 0, 50, 8)
    assert set(batches.inputs[..., 0].reshape(-1).tolist()) == {1, 2, 3, 4}
    answers = {row[0]: row.tolist() for row in examples.inputs}
    targets = dict(zip(answers, examples.targets.tolist(), strict=True))
    for row, asked in zip(batches.inputs.reshape(-1, 5), batches.targets.reshape(-1, 5), strict=True):
        assert row.tolist() == answers[row[0]] and asked.tolist() == targets[row[0]]


def test_what_a_person_types_to_count_down_from() -> None:
    task = Countdown(CountdownConfig(largest=5))
    inputs = task.parse("3")
    assert task.echo(inputs) == [3] and task.truth(inputs) == [2, 1, 0]
    assert task.read_answer(inputs, np.array([2, 1, 0, 5, 5, 5])) == [2, 1, 0]
    assert task.read_answer(inputs, np.array([2, 1, 0, 0, 0, 0])) == [2, 1, 0, 0, 0, 0]
    for text in ("0", "6", "1 2", "", "x"):
        with pytest.raises(UserError, match="from 1 to 5"):
            task.parse(text)


def test_the_state_alone_counts_down() -> None:
    trainer = trained("countdown", task__largest=8, train__steps=400, train__batch_size=8)
    assert trainer.evaluate()[0].accuracy == 1.0
