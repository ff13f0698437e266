"""How good a model is: exactly, over the whole input space when it is small enough, else on what is held out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqsum.models.base import SequenceModel, State, mapped
from seqsum.models.generation import forecast
from seqsum.models.loss import loss_of
from seqsum.tasks import AnyTask, Examples, InputSpace
from seqsum.tasks.base import ALL_INPUTS, NOT_ASKED, Inputs, Ints, all_sequences

ROWS = 8192  # more rows at once spill out of the processor's cache
NUMBERS = 20_000_000  # of a batch's logits, or its steps: memory stays small
PRODUCTS = 2e9
"""Multiplications of a batch, about a tenth of a second: whoever waits for an evaluation is heard between batches."""

Check = Callable[[], None]
"""Called between the batches of an evaluation, in its thread; what it raises ends the evaluation."""
CONFUSION_CLASSES = 100  # beyond this nobody can read a confusion matrix


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What an evaluation found.

    Accuracy and loss are those of the distribution that training draws from: what is asked counts as often as it is
    drawn (`Examples.weights`).

    accuracy: share of right answers (for `sequence`, of answers right to the last token), None for real values
    loss: mean cross-entropy in nats over what was asked, or mean squared error
    sequences: how many were asked; `exhaustive` when those are the whole input space
    asked: how many answers those have: of `tags` one for each step that is asked
    metrics: what the task itself makes of the answers; `accuracy_all_inputs` where the whole of an input space with
    several lengths was asked
    confusion: int64 [classes, classes], how often class `row` was answered with class `column`; None where the answer
    is no class, or one of very many
    """

    accuracy: float | None
    loss: float
    sequences: int
    exhaustive: bool
    asked: int = 0
    accuracy_by_length: dict[int, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    confusion: Ints | None = None


class _Tally:
    """Sums up right answers and losses, each row's times its weight."""

    def __init__(self, task: AnyTask, check: Check | None = None) -> None:
        self._check, self._quantiles = check, task.quantiles
        known = task.answer in ("class", "tags") and task.classes <= CONFUSION_CLASSES
        self.confusion: Ints | None = np.zeros((task.classes, task.classes), dtype=np.int64) if known else None
        self.right: dict[int, float] = {}
        self.asked: dict[int, float] = {}
        self.loss = 0.0
        self.losses = 0.0
        self.sequences = 0
        self.plain_right = self.plain_asked = 0
        self.in_a_row = task.carries_state  # what is read are pieces of one sequence, whose lengths mean nothing

    def count(self, lengths: Ints, right: Ints, asked: Ints, weights: NDArray[np.float64] | None) -> None:
        """lengths, right, asked: int64 [rows], how long each row is, how many of its answers are right, and how many
        were asked."""
        for length in np.unique(lengths).tolist():
            rows = lengths == length
            counted = None if weights is None else weights[rows]
            self.right[length] = self.right.get(length, 0.0) + _weighted(right[rows], counted)
            self.asked[length] = self.asked.get(length, 0.0) + _weighted(asked[rows], counted)
        self.plain_right += int(right.sum())
        self.plain_asked += int(asked.sum())
        self.sequences += len(right)
        _checked(self._check)

    def confuse(self, answers: Tensor, targets: Tensor) -> None:
        """Count which class was answered for which, both int64 [n]."""
        if self.confusion is not None:
            classes = len(self.confusion)
            counts = torch.bincount(targets * classes + answers, minlength=classes * classes)
            self.confusion += counts.cpu().numpy().reshape(classes, classes)

    def add_loss(self, logits: Tensor, targets: Tensor, weights: NDArray[np.float64] | None) -> None:
        rows = len(targets)
        losses = loss_of(logits, targets, "none", self._quantiles).double().reshape(rows, -1).sum(dim=1).cpu().numpy()
        # A real value may be equal to the mark of a class that is not asked.
        counted = torch.ones_like(targets) if targets.is_floating_point() else targets != NOT_ASKED
        self.loss += _weighted(losses, weights)
        self.losses += _weighted(counted.reshape(rows, -1).sum(dim=1).cpu().numpy(), weights)

    def result(self, exhaustive: bool, metrics: dict[str, float]) -> Evaluation:
        asked = sum(self.asked.values())
        if exhaustive and len(self.asked) > 1:
            metrics = {ALL_INPUTS: self.plain_right / self.plain_asked, **metrics}
        return Evaluation(
            accuracy=sum(self.right.values()) / asked if asked else None,
            loss=self.loss / self.losses if self.losses else 0.0,
            sequences=self.sequences,
            exhaustive=exhaustive,
            asked=self.plain_asked,
            accuracy_by_length={
                length: self.right[length] / self.asked[length] for length in sorted(self.asked) if self.asked[length]
            }
            if not self.in_a_row
            else {},
            metrics=metrics,
            confusion=self.confusion,
        )


def _checked(check: Check | None) -> None:
    if check is not None:
        # Who is called may save a checkpoint, which training goes on from.
        with torch.inference_mode(False):
            check()


def _weighted(numbers: NDArray[Any], weights: NDArray[np.float64] | None) -> float:
    return float(numbers.sum() if weights is None else numbers @ weights)


def evaluate(
    model: SequenceModel,
    task: AnyTask,
    low: int | None = None,
    high: int | None = None,
    check: Check | None = None,
) -> Evaluation:
    """Evaluate a model on lengths low…high, where a task knows lengths; default: the task's own held-out examples.

    check: called between batches; what it raises ends the evaluation
    """
    with answering(model):
        tally = _Tally(task, check)
        space = task.enumerable(low, high)
        if space is not None and model.reads_stepwise:
            _extend(model, task, space, tally, None, 0, 1, 0)
            return tally.result(True, {})
        answers: list[Inputs] = []
        state: State | None = None
        for examples in task.held_out(low, high) if space is None else every_sequence(space, task):
            for part in parts_of(examples, model, task):
                answer, state = _ask(model, task, part, state if part.follows else None, tally)
                if space is None and not task.sums_up(part.targets, answer):
                    answers.append(answer)
        result = tally.result(space is not None, {} if space else task.held_out_metrics(answers))
        result.metrics.update(task.loss_metrics(result.loss))
        result.metrics.update(_forecast_metrics(model, task, check))
        return result


@contextmanager
def answering(model: SequenceModel) -> Iterator[None]:
    """No dropout and no gradients inside; the model trains on afterwards as before."""
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)


def _forecast_metrics(model: SequenceModel, task: AnyTask, check: Check | None) -> dict[str, float]:
    """Have held-out windows forecast step after step, where the task asks for it."""
    examples = task.forecasts()
    if examples is None:
        return {}
    weight = next(model.parameters())
    windows, beside = (
        None if part is None else torch.from_numpy(part).to(weight.device, weight.dtype)
        for part in (examples.inputs, examples.beside)
    )
    assert windows is not None
    rows, steps = examples.targets.shape
    at_once = rows_at_once(model, task, windows.shape[1])
    return task.forecast_metrics(
        np.concatenate(
            [
                forecast(
                    model,
                    windows[first : first + at_once],
                    steps,
                    partial(_checked, check),
                    None if beside is None else beside[first : first + at_once],
                ).numpy()
                for first in range(0, rows, at_once)
            ]
        )
    )


def every_sequence(space: InputSpace, task: AnyTask) -> Iterator[Examples]:
    """Yield every sequence of an input space, in blocks of one length."""
    for length in range(space.low, space.high + 1):
        total = space.vocabulary**length
        for first in range(0, total, ROWS):
            tokens = all_sequences(space.vocabulary, length, first, min(total, first + ROWS))
            weights = np.full(len(tokens), space.weight(length))
            yield Examples(tokens, np.full(len(tokens), length), task.truths(tokens), weights=weights)


def rows_at_once(model: SequenceModel, task: AnyTask, length: int) -> int:
    """Return how many sequences of a length to ask in one batch, at least one; it takes a while to count weights."""
    weights = sum(parameter.numel() for parameter in model.parameters())
    numbers = NUMBERS // (length * (task.classes if task.answer in ("tags", "sequence") else 1))
    return max(1, min(ROWS, numbers, int(PRODUCTS / (length * max(weights, 1)))))


def parts_of(examples: Examples, model: SequenceModel, task: AnyTask) -> Iterator[Examples]:
    """Cut examples into batches that are quick and small: between rows, or in time where a state is carried on."""
    rows, length = examples.inputs.shape[:2]
    if task.carries_state:
        steps = max(1, rows_at_once(model, task, 1) // max(1, rows))
        for start in range(0, length, steps):
            inputs, targets = (part[:, start : start + steps] for part in (examples.inputs, examples.targets))
            lengths = np.full(rows, inputs.shape[1])
            yield Examples(inputs, lengths, targets, examples.follows or start > 0, examples.weights)
        return
    at_once = rows_at_once(model, task, max(1, length, examples.targets.shape[-1]))
    for start in range(0, rows, at_once):
        yield examples.rows(slice(start, start + at_once))


def _ask(
    model: SequenceModel, task: AnyTask, examples: Examples, state: State | None, tally: _Tally
) -> tuple[Inputs, State | None]:
    """Ask about examples; return the answers (classes, tokens or values) and the state carried on."""
    weight = next(model.parameters())
    inputs, lengths, targets = (
        torch.from_numpy(np.ascontiguousarray(part)).to(
            weight.device, weight.dtype if part.dtype == np.float32 else None
        )
        for part in (examples.inputs, examples.lengths, examples.targets)
    )
    weights = examples.weights
    if task.carries_state:
        logits, state = model.read(inputs, state)
    else:
        logits = model(inputs, lengths, targets)
    tally.add_loss(logits, targets, weights)
    if task.answer == "values":
        nothing = np.zeros(len(targets), dtype=np.int64)
        tally.count(examples.lengths, nothing, nothing, weights)
        values: Inputs = logits.float().cpu().numpy()
        return values, state
    if task.answer == "sequence":
        written = model.decode(inputs, lengths, targets.shape[1]).cpu()
        right = sequences_right(written.numpy(), examples.targets, task.end)
        tally.count(examples.lengths, right.astype(np.int64), np.ones(len(right), dtype=np.int64), weights)
        return written.numpy(), state
    answer = logits.argmax(dim=-1)
    asked = targets != NOT_ASKED
    tally.confuse(answer[asked], targets[asked])
    hits, counts = (
        each.reshape(len(targets), -1).sum(dim=1).cpu().numpy() for each in ((answer == targets) & asked, asked)
    )
    tally.count(examples.lengths, hits, counts, weights)
    return answer.cpu().numpy(), state


def sequences_right(written: Inputs, targets: Inputs, end: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell for each row whether what was written up to its end token is the target up to its own: bool [rows]."""
    width = max(written.shape[1], targets.shape[1])

    def until_end(tokens: Inputs) -> Ints:
        padded = np.full((len(tokens), width), end, dtype=np.int64)
        padded[:, : tokens.shape[1]] = np.where(tokens == NOT_ASKED, end, tokens)
        ended = np.cumsum(padded == end, axis=1) > 0
        return np.where(ended, end, padded)

    right: np.ndarray[tuple[int], np.dtype[np.bool_]] = (until_end(written) == until_end(targets)).all(axis=1)
    return right


def _extend(
    model: SequenceModel,
    task: AnyTask,
    space: InputSpace,
    tally: _Tally,
    state: State | None,
    length: int,
    rows: int,
    first: int,
) -> None:
    """Ask about every sequence that extends `rows` consecutive prefixes of one length.

    Sequences share their prefixes' states, so each costs one cell step: 111,110 for lengths 2–5 in place of 543,200.
    `first` is the first prefix's place in counting order.
    """
    vocabulary = space.vocabulary
    device = next(model.parameters()).device
    at_once = max(1, rows_at_once(model, task, 1) // vocabulary)
    for start in range(0, rows, at_once):
        count = min(at_once, rows - start)
        tokens = torch.arange(vocabulary, device=device).repeat(count)
        logits, longer = model.step(tokens, _repeated(state, start, count, vocabulary))
        place = (first + start) * vocabulary
        if length + 1 >= space.low:
            sequences = all_sequences(vocabulary, length + 1, place, place + count * vocabulary)
            targets = torch.from_numpy(task.truths(sequences)).to(device)
            answers = logits.argmax(dim=1)
            right: Ints = (answers == targets).long().cpu().numpy()
            weights = np.full(len(targets), space.weight(length + 1))
            tally.confuse(answers, targets)
            ones = np.ones_like(right)
            tally.count((length + 1) * ones, right, ones, weights)
            tally.add_loss(logits, targets, weights)
        if length + 1 < space.high:
            _extend(model, task, space, tally, longer, length + 1, count * vocabulary, place)


def _repeated(state: State | None, start: int, count: int, times: int) -> State | None:
    """Each prefix's state once for every token that can follow it."""
    rows = slice(start, start + count)
    return None if state is None else mapped(state, lambda part: part[:, rows].repeat_interleave(times, dim=1))
