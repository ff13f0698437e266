"""Asking a model about many examples at once, each answer with its probability."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqsum.errors import UserError
from seqsum.evaluation.evaluate import every_sequence, parts_of, sequences_right
from seqsum.formatting import duration
from seqsum.models.base import State
from seqsum.models.generation import written
from seqsum.models.loss import loss_of
from seqsum.query.loading import Loaded
from seqsum.query.model_input import as_rows
from seqsum.runs.buckets import Floats
from seqsum.tasks.base import NOT_ASKED, Answer, AnyTask, Examples, Inputs, Ints

Bools = NDArray[np.bool_]


class Deadline:
    """Work that walks over many inputs must end: `check` raises UserError when its seconds are over (None: never).

    heard: called at each check; what it raises ends the work
    """

    def __init__(self, what: str, seconds: float | None, heard: Callable[[], None] | None = None) -> None:
        self._what, self._seconds, self._heard = what, seconds, heard
        self._began = time.monotonic()

    def check(self) -> None:
        if self._heard is not None:
            self._heard()
        if self._seconds is not None and time.monotonic() > self._began + self._seconds:
            raise UserError(
                f"{self._what}: not done after {duration(self._seconds)}; ask about fewer or shorter inputs "
                "(lengths, count), or use the command line: seqsum evaluate"
            )


@dataclass(frozen=True, eq=False)
class Answered:
    """Examples and what the model said.

    answers: classes int64 [rows], tags int64 [rows, length], tokens int64 [rows, ≤ longest], values float [rows, n]
    right: bool [rows], whether all that was asked is right; for values, False
    chance: float64 [rows], the probability of the answer (for tags and sequences the mean over what was asked or
    written); 1 for values
    truth_chance: float64 [rows], the probability of the truth, likewise
    loss: float64 [rows], cross-entropy in nats, the mean over what is asked, or the squared error
    sure, hits: float64 and bool [n]: each single class asked, how sure the answer was and whether it was right
    """

    examples: Examples
    answers: Inputs
    right: Bools
    chance: Floats
    truth_chance: Floats
    loss: Floats
    sure: Floats
    hits: Bools

    def counted(self, answer: Answer) -> tuple[float, float]:
        """Return how much is right and how much was asked, by the rows' weights: single classes, or whole sequences."""
        whole = answer == "sequence"
        asked = np.ones(len(self.right)) if whole else self.asked_of_rows
        right = self.right if whole else _sums(self.hits, self.asked_of_rows)
        weights = self.examples.weights
        if weights is None:
            return float(right.sum()), float(asked.sum())
        return float(right @ weights), float(asked @ weights)

    @property
    def asked_of_rows(self) -> Ints:
        """How many classes were asked in each row: int64 [rows]."""
        targets = self.examples.targets
        asked: Ints = (targets != NOT_ASKED).reshape(len(targets), -1).sum(axis=1)
        return asked


def examples_of(loaded: Loaded, low: int | None, high: int | None) -> tuple[Iterator[Examples], bool]:
    """Return the examples of lengths low…high, and whether they are the whole input space."""
    space = loaded.task.enumerable(low, high)
    if space is None:
        return loaded.task.held_out(low, high), False
    return every_sequence(space, loaded.task), True


def walked(loaded: Loaded, examples: Iterator[Examples], deadline: Deadline) -> Iterator[Answered]:
    """Ask about examples, part by part."""
    state: State | None = None
    for whole in examples:
        for part in parts_of(whole, loaded.model, loaded.task):
            deadline.check()
            with torch.inference_mode():
                answered, state = _ask(loaded, part, state if part.follows else None)
            yield answered


def fixed_part(
    examples: Iterator[Examples], most: int, seed: int = 0, deadline: Deadline | None = None
) -> list[Examples]:
    """Return `most` rows of examples, each as likely as its weight says, always the same ones for the same seed.

    Their weights make up for the choice: sums with them are unbiased (priority sampling, Duffield et al. 2007). One
    walk over them with no more than twice as many in memory: long lengths times many rows would fill it.
    """
    generator = np.random.Generator(np.random.Philox(key=[seed, 3]))
    kept: list[tuple[Examples, Floats]] = []
    limit = math.inf
    for batch in examples:
        if deadline is not None:
            deadline.check()
        keys = generator.random(len(batch.lengths))
        if batch.weights is not None:
            keys = keys / batch.weights
        kept.append(_below(batch, keys, limit))
        if sum(len(keys) for _, keys in kept) > 2 * most:
            limit = _limit(kept, most)
            kept = [_below(part, keys, limit) for part, keys in kept]
    limit = _limit(kept, most)
    chosen = (_below(part, keys, limit)[0] for part, keys in kept)
    return [
        part if part.weights is None else replace(part, weights=np.maximum(part.weights, 1 / limit))
        for part in chosen
        if len(part.lengths)
    ]


def _limit(kept: list[tuple[Examples, Floats]], most: int) -> float:
    """The key that `most` of all keys lie below."""
    keys = np.concatenate([keys for _, keys in kept]) if kept else np.zeros(0)
    return float(np.partition(keys, most)[most]) if len(keys) > most else math.inf


def _below(part: Examples, keys: Floats, limit: float) -> tuple[Examples, Floats]:
    chosen = keys < limit
    return part.rows(chosen), keys[chosen]


def _ask(loaded: Loaded, part: Examples, state: State | None) -> tuple[Answered, State | None]:
    task, model = loaded.task, loaded.model
    inputs, lengths = as_rows(model, part.inputs), torch.from_numpy(np.ascontiguousarray(part.lengths))
    targets = as_rows(model, part.targets)
    if task.carries_state:
        logits, state = model.read(inputs, state)
    else:
        logits = model(inputs, lengths, targets)
    if task.answer == "values":
        errors = loss_of(logits, targets, "none", task.quantiles).double().mean(dim=1).numpy()
        ones, no = np.ones(len(errors)), np.zeros(len(errors), dtype=np.bool_)
        return Answered(part, task.point(logits.float().numpy()), no, ones, ones, errors, ones[:0], no[:0]), state
    if task.answer == "class":
        logits, targets = logits.unsqueeze(1), targets.unsqueeze(1)
    asked = targets != NOT_ASKED  # [rows, places]
    chances = torch.log_softmax(logits.double(), dim=-1)
    of_truth = chances.gather(2, targets.clamp(min=0).unsqueeze(2)).squeeze(2)
    loss = -_mean(of_truth, asked)
    truth_chance = _mean(of_truth.exp(), asked)
    if task.answer == "sequence":
        answers = model.decode(inputs, lengths, task.longest_answer)
        right = sequences_right(answers.numpy(), part.targets, task.end)
        own = torch.log_softmax(model(inputs, lengths, answers).double(), dim=-1)
        ends = answers == task.end
        counted = ends.cumsum(dim=1) - ends.long() == 0  # up to the first end, that one included
        chance = _mean(own.gather(2, answers.unsqueeze(2)).squeeze(2).exp(), counted).numpy()
        none = np.zeros(0)
        return Answered(
            part, answers.numpy(), right, chance, truth_chance.numpy(), loss.numpy(), none, none.astype(np.bool_)
        ), state
    likeliest = chances.max(dim=-1)
    sure, answers = likeliest.values.exp(), likeliest.indices
    hits = answers == targets
    right_rows = (hits | ~asked).all(dim=1).numpy()
    return Answered(
        part,
        (answers[:, 0] if task.answer == "class" else answers).numpy(),
        right_rows,
        _mean(sure, asked).numpy(),
        truth_chance.numpy(),
        loss.numpy(),
        sure[asked].numpy(),
        hits[asked].numpy(),
    ), state


def _sums(values: NDArray[Any], counts: Ints) -> Ints:
    """Sum up consecutive values, `counts` of them for each row: int64 [rows]."""
    sums = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    ends = np.cumsum(counts)
    return np.asarray(sums[ends] - sums[ends - counts], dtype=np.int64)


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    """The mean of what counts in each row: [rows, places] → [rows]; 0 where nothing does."""
    kept = torch.where(counted, values, torch.zeros_like(values))
    mean: Tensor = kept.sum(dim=1) / counted.sum(dim=1).clamp(min=1)
    return mean


def first_of(examples: Examples, row: int) -> Inputs:
    """One example's input without its padding."""
    inputs: Inputs = examples.inputs[row, : int(examples.lengths[row])]
    return inputs


def texts_of(task: AnyTask, part: Answered, row: int) -> dict[str, str]:
    """The input, the truth and the prediction of one example as the task writes them."""
    inputs = first_of(part.examples, row)
    target, answer = np.asarray(part.examples.targets[row]), part.answers[row]
    if task.answer == "sequence":
        target = target[target != NOT_ASKED]
        answer = np.array(written(answer.tolist(), task.end), dtype=np.int64)
    elif task.answer == "tags":
        answer = answer[: len(inputs)]
    truth = task.truth(inputs) if task.answer != "class" else None
    right = task.read_answer(inputs, target) if truth is None else truth
    return {
        "input": task.render(task.echo(inputs)),
        "truth": task.render(right),
        "prediction": task.render(task.read_answer(inputs, np.asarray(answer))),
    }
