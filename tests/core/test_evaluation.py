"""The evaluation against brute force over itertools.product with a plain PyTorch model."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from seqsum.evaluation.evaluate import Evaluation, evaluate
from seqsum.models.base import SequenceModel, make_model
from seqsum.presets import load_preset
from seqsum.registry import make_task
from seqsum.tasks import AnyTask, InputSpace
from seqsum.tasks.base import NOT_ASKED, Examples
from seqsum.training.trainer import Trainer
from support.engine import PlainModel, same_bits, small, tensors


def setting(**changes: Any) -> tuple[AnyTask, SequenceModel, PlainModel]:
    """A task, our model for it and the plain one: the same random weights, in float64 so that no tie is decided by
    rounding."""
    config = small(**changes)
    task = make_task(config.task)
    model = make_model(task, config.model, 2).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)  # far from uniform, so that accuracies by length differ
    plain = PlainModel(config.value("task.modulus"), config.model).double()
    plain.load_state_dict(model.state_dict())
    return task, model, plain


def ask(plain: PlainModel, sequences: np.ndarray, modulus: int) -> tuple[np.ndarray, float]:
    """How often class `row` was answered with class `column`, and the summed loss, over sequences [rows, length]."""
    confusion, loss = np.zeros((modulus, modulus), dtype=np.int64), 0.0
    with torch.no_grad():
        for tokens in torch.from_numpy(sequences).split(20_000):
            targets = torch.tensor([sum(row) % modulus for row in tokens.tolist()])
            logits = plain(tokens, torch.full((len(tokens),), tokens.shape[1]))
            np.add.at(confusion, (targets.numpy(), logits.argmax(1).numpy()), 1)
            loss += F.cross_entropy(logits, targets, reduction="sum").item()
    return confusion, loss


def check(result: Evaluation, plain: PlainModel, by_length: dict[int, np.ndarray], modulus: int) -> None:
    """Accuracy and loss are means over lengths, for lengths are drawn uniformly; the whole space is a figure beside."""
    answers = {length: ask(plain, sequences, modulus) for length, sequences in by_length.items()}
    count = sum(len(sequences) for sequences in by_length.values())
    confusion = np.sum([confusion for confusion, _ in answers.values()], axis=0)
    assert result.sequences == count == confusion.sum()
    assert result.confusion is not None and result.confusion.tolist() == confusion.tolist()
    expected = {length: confusion.trace() / len(by_length[length]) for length, (confusion, _) in answers.items()}
    losses = [loss / len(by_length[length]) for length, (_, loss) in answers.items()]
    assert result.accuracy == pytest.approx(sum(expected.values()) / len(expected), abs=1e-12)
    assert result.loss == pytest.approx(sum(losses) / len(losses), rel=1e-9)
    assert result.accuracy_by_length == pytest.approx(expected, abs=1e-12)
    differs = result.exhaustive and len(by_length) > 1
    assert result.metrics == ({"accuracy_all_inputs": confusion.trace() / count} if differs else {})


@pytest.mark.parametrize(
    ("modulus", "low", "high", "changes", "sequences"),
    [
        (10, 2, 5, {}, 111_100),
        (2, 1, 10, {"model__num_layers": 2}, 2_046),
        (100, 1, 2, {}, 10_100),
        (100, 1, 1, {"model__cell": "gru"}, 100),
        (10, 1, 1, {}, 10),
        (7, 3, 3, {"model__cell": "lstm", "model__num_layers": 2}, 343),
        (40, 2, 3, {"model__cell": "lstm"}, 65_600),
    ],
)
def test_exhaustive_is_brute_force(modulus: int, low: int, high: int, changes: dict[str, Any], sequences: int) -> None:
    task, model, plain = setting(task__modulus=modulus, task__min_length=low, task__max_length=high, **changes)
    result = evaluate(model, task)
    everything = {
        length: np.array(list(itertools.product(range(modulus), repeat=length))) for length in range(low, high + 1)
    }
    assert result.exhaustive and result.sequences == sequences
    check(result, plain, everything, modulus)
    # A model that can't share the states of common beginnings is asked sequence by sequence.
    model.reads_stepwise = False
    result = evaluate(model, task)
    assert result.exhaustive
    check(result, plain, everything, modulus)


def test_too_large_a_space_is_sampled_and_says_so() -> None:
    task, model, plain = setting(task__modulus=10)
    assert 10**7 > 2_000_000
    result = evaluate(model, task, 1, 7)
    assert not result.exhaustive
    samples = {length: InputSpace(10, 1, 7).sample(length) for length in range(1, 8)}
    check(result, plain, samples, 10)
    for length, sample in samples.items():
        assert sample.shape[1] == length and sample.min() >= 0 and sample.max() <= 9
        if length <= 2:
            assert len(sample) == 10**length, "a small length is asked in whole"
    again = evaluate(model, task, 1, 7)
    assert (again.loss, again.accuracy_by_length) == (result.loss, result.accuracy_by_length), (
        "the sample is the same every time"
    )


def test_lengths_never_trained_on() -> None:
    task, model, plain = setting()
    result = evaluate(model, task, 60, 61)
    assert not result.exhaustive and sorted(result.accuracy_by_length) == [60, 61]
    check(result, plain, {length: InputSpace(5, 60, 61).sample(length) for length in (60, 61)}, 5)


def mixed(task: AnyTask) -> list[Examples]:
    """Some held-out examples of each length in one batch, whose rows differ in length."""
    parts = [part.rows(slice(12)) for part in task.held_out()]
    width = max(part.inputs.shape[1] for part in parts)
    deep = max(part.targets.shape[1] for part in parts) if task.answer != "class" else 0

    def filled(array: np.ndarray, width: int, filler: int) -> np.ndarray:
        return np.pad(array, ((0, 0), (0, width - array.shape[1])), constant_values=filler)

    targets = [part.targets if not deep else filled(part.targets, deep, NOT_ASKED) for part in parts]
    weights = [np.ones(len(part.lengths)) if part.weights is None else part.weights for part in parts]
    return [
        Examples(
            np.concatenate([filled(part.inputs, width, task.padding) for part in parts]),
            np.concatenate([part.lengths for part in parts]),
            np.concatenate(targets),
            weights=np.concatenate(weights),
        )
    ]


@pytest.mark.parametrize("preset", ["text_classification", "dates", "addition", "tagging_rnn"])
def test_each_length_has_its_own_accuracy_in_a_batch_of_many(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_preset(preset).config
    task = make_task(config.task)
    model = make_model(task, config.model, 3).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)  # far from uniform, so that accuracies by length differ
    batch = mixed(task)
    lengths = np.unique(batch[0].lengths).tolist()
    assert len(lengths) > 4
    alone = {}
    for length in lengths:
        monkeypatch.setattr(task, "held_out", lambda *_, length=length: [batch[0].rows(batch[0].lengths == length)])
        alone[length] = evaluate(model, task).accuracy
    monkeypatch.setattr(task, "held_out", lambda *_: batch)
    assert evaluate(model, task).accuracy_by_length == pytest.approx(alone, abs=1e-12)


def test_it_leaves_the_model_as_it_was() -> None:
    config = small()
    one, other = Trainer(config), Trainer(config)
    while not one.done:
        one.run_chunk()
        one.evaluate()
        assert one.model.training
    while not other.done:
        other.run_chunk()
    assert same_bits(tensors(one.model), tensors(other.model))
