"""Data made ahead is the data asked for, whatever was guessed."""

from __future__ import annotations

import numpy as np
import pytest

from seqsum.errors import UserError
from seqsum.tasks import Batches
from seqsum.training.ordered_worker import OrderedWorker
from seqsum.training.prefetch import Prefetch
from seqsum.training.trainer import Trainer
from support.engine import small


@pytest.mark.parametrize("guess", [None, (40, 20), (40, 10), (0, 20)])
def test_batches_are_the_tasks_own_with_a_right_guess_a_wrong_one_and_none(guess: tuple[int, int] | None) -> None:
    trainer = Trainer(small())
    prefetch = Prefetch(trainer.task, trainer.config)
    for _ in range(2):
        if guess is not None:
            prefetch.prepare(*guess)
        made = prefetch.batches(40, 20)
        train = trainer.config.train
        wanted = trainer.task.batches(train.seed, 40, 20, train.batch_size)
        for part in ("inputs", "lengths", "targets"):
            np.testing.assert_array_equal(getattr(made, part), getattr(wanted, part))


def test_what_goes_wrong_while_data_is_made_ahead_is_told_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(small())
    prefetch = Prefetch(trainer.task, trainer.config)

    def fail(*_: int) -> Batches:
        raise UserError("data: the file is gone")

    monkeypatch.setattr(trainer.task, "batches", fail)
    prefetch.prepare(0, 10)
    with pytest.raises(UserError, match="the file is gone"):
        prefetch.batches(0, 10)


def test_jobs_are_done_in_turn_and_none_after_one_that_fails() -> None:
    done: list[int] = []
    thread = OrderedWorker("test")
    for number in (2, 1, 0, 3):
        thread.add(lambda number=number: done.append(number) or 6 // number)
    assert [thread.result(), thread.result()] == [3, 6]
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            thread.result()
    assert done == [2, 1, 0]
    assert not thread.done
