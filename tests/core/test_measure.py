"""Accuracy and loss are expectations under what a task trains on: against brute force and plain loops."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqsum.config import Config
from seqsum.evaluation.evaluate import evaluate
from seqsum.models.base import SequenceModel, make_model
from seqsum.presets import load_preset
from seqsum.query.examples import Deadline, fixed_part
from seqsum.registry import make_task
from seqsum.tasks import AnyTask, Examples
from seqsum.tasks.base import NOT_ASKED
from seqsum.training.trainer import LogWindow, Trainer


def made(preset: str, seed: int = 1, **changes: Any) -> tuple[Config, AnyTask, SequenceModel]:
    """A preset's task and an untrained model in float64, its weights far from uniform answers."""
    named = {path.replace("__", "."): value for path, value in changes.items()}
    config = load_preset(preset).config.changed(named, "test")
    task = make_task(config.task)
    model = make_model(task, config.model, seed).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    return config, task, model


def plain_rows(model: SequenceModel, examples: Examples) -> tuple[np.ndarray, np.ndarray]:
    """How many answers of each row are right, and how many are asked."""
    with torch.inference_mode():
        answers = model(torch.from_numpy(examples.inputs), torch.from_numpy(examples.lengths)).argmax(dim=-1).numpy()
    rows = len(examples.targets)
    known = (examples.targets != NOT_ASKED).reshape(rows, -1)
    return ((answers == examples.targets).reshape(rows, -1) & known).sum(axis=1), known.sum(axis=1)


@pytest.mark.parametrize("preset", ["reverse_string_rnn", "stack_manipulation_rnn", "modular_arithmetic_rnn"])
def test_of_the_chomsky_tasks_every_length_counts_alike(preset: str) -> None:
    """As in the paper: A = mean over lengths of (right symbols / symbols asked), whatever their answers' lengths."""
    _, task, model = made(preset, task__max_length=4, task__longest_asked=60, model__hidden_size=8)
    shares = []
    for examples in task.held_out():
        right, asked = plain_rows(model, examples)
        shares.append(right.sum() / asked.sum())
    assert len(shares) == 12
    assert len({round(share, 6) for share in shares}) > 3
    assert evaluate(model, task).accuracy == pytest.approx(np.mean(shares), abs=1e-12)


@pytest.mark.parametrize(("digits", "decimals"), [(1, 0), (2, 0), (4, 0), (2, 1)])
def test_of_the_sums_all_numbers_of_digits_count_alike(digits: int, decimals: int) -> None:
    """How many digits a number has is drawn first: 1+1 counts as much as many of 1234+5678."""
    _, task, model = made("addition", task__digits=digits, task__decimals=decimals, model__hidden_size=8)
    weights: Counter[tuple[int, ...]] = Counter()
    texts: list[str] = []
    for examples in task.held_out():
        assert examples.weights is not None
        for row, weight in zip(examples.inputs.tolist(), examples.weights.tolist(), strict=True):
            text = task.echo(np.array(row))
            texts.append(text)
            parts = [part for number in text.split("+") for part in number.partition(".")[::2]]
            weights[tuple(map(len, parts))] += weight
    assert len(set(texts)) == len(texts) <= 2_000
    total = sum(weights.values())
    assert len(weights) == (digits * (decimals + 1)) ** 2
    assert all(weight / total == pytest.approx(1 / len(weights)) for weight in weights.values())
    asked = [(examples, examples.weights) for examples in task.held_out()]
    right = sum(float(_whole(task, model, examples) @ each) for examples, each in asked if each is not None)
    assert evaluate(model, task).accuracy == pytest.approx(right / total, abs=1e-12)


def _whole(task: AnyTask, model: SequenceModel, examples: Examples) -> np.ndarray:
    """Which answers are right to their end, told the right beginning each time: bool [rows]."""
    targets = torch.from_numpy(examples.targets)
    with torch.inference_mode():
        answers = model(torch.from_numpy(examples.inputs), torch.from_numpy(examples.lengths), targets).argmax(dim=-1)
    found: np.ndarray = ((answers == targets) | (targets == NOT_ASKED)).all(dim=1).numpy()
    return found


@pytest.mark.parametrize("preset", ["dates", "addition"])
def test_training_judges_whole_answers_as_evaluation_does(preset: str) -> None:
    """Of a batch: how many of its questions a model answers by itself, to the end."""
    config = load_preset(preset).config.changed(
        {"train.steps": 200, "train.log_every": 1, "train.batch_size": 64, "optim.lr": 0.01, "model.hidden_size": 32},
        "test",
    )
    if preset == "addition":
        config = config.changed({"task.digits": 1}, "test")
    trainer = Trainer(config)
    shares = []
    while not trainer.done:
        batch = trainer.task.batches(config.train.seed, trainer.step, 1, 64)
        inputs, lengths, targets = (torch.from_numpy(part[0]) for part in (batch.inputs, batch.lengths, batch.targets))
        trainer.model.eval()
        with torch.no_grad():
            written = trainer.model.decode(inputs, lengths, targets.shape[1])
        trainer.model.train()
        expected = 0
        for answer, target in zip(written.tolist(), targets.tolist(), strict=True):
            end = target.index(trainer.task.end)
            expected += answer[: end + 1] == target[: end + 1]
        points = {name: value for name, _, value in trainer.run_chunk([trainer.step + 1])}
        if "train_accuracy" in points:
            shares.append((points["train_accuracy"], expected / 64))
        if trainer.step > 60 and shares[-1][0] > 0:
            break
    assert len(shares) > 5
    # Two tokens can be as good as equal.
    assert all(mine == pytest.approx(plain, abs=1.1 / 64) for mine, plain in shares)


def test_every_step_counts_alike_in_the_accuracy_of_training() -> None:
    """A batch of long strings is no more of the distribution than one of short ones."""
    config, _, _ = made(
        "reverse_string_rnn", train__log_every=20, train__steps=20, train__evaluate_every=20, model__hidden_size=8
    )
    trainer = Trainer(config.changed({"optim.lr": 1e-12}, "test"))
    shares = []
    for step in range(20):
        batch = trainer.task.batches(config.train.seed, step, 1, config.train.batch_size)
        width = int(batch.lengths.max())
        inputs, targets = torch.from_numpy(batch.inputs[0, :, :width]), torch.from_numpy(batch.targets[0, :, :width])
        with torch.no_grad():
            answers = trainer.model(inputs, torch.from_numpy(batch.lengths[0])).argmax(dim=-1)
        known = targets != NOT_ASKED
        shares.append(float((answers == targets)[known].float().mean()))
    points: list[tuple[str, int, float]] = []
    while not trainer.done:
        points += trainer.run_chunk()
    [found] = [value for name, _, value in points if name == "train_accuracy"]
    assert found == pytest.approx(np.mean(shares), abs=1e-3)


def test_a_checkpoint_with_sums_over_answers_goes_on() -> None:
    window = LogWindow.of({"steps": 4, "loss": 8.0, "right": 30, "asked": 40, "gradient_norm": 2.0})
    assert window == LogWindow(steps=4, loss=8.0, accuracy=3.0, answered=4, gradient_norm=2.0)
    assert LogWindow.of(dict(vars(window))) == window
    assert LogWindow.of({"steps": 4, "loss": 8.0, "right": 0, "asked": 0, "gradient_norm": 2.0}).answered == 0


@pytest.mark.parametrize("weighted", [False, True])
def test_a_part_stands_for_the_whole(weighted: bool) -> None:
    """Means over many parts come to the mean over all, by the weights; none of them is far from it."""
    generator = np.random.default_rng(0)
    lengths = np.repeat([1, 2, 3, 4], [10, 100, 1000, 5000])
    values = (generator.random(len(lengths)) < np.array([0, 0.9, 0.6, 0.4, 0.1])[lengths]).astype(np.int64)
    weights = 1 / np.bincount(lengths)[lengths] if weighted else None
    whole = Examples(values[:, None], lengths, values, weights=weights)
    truth = np.average(values, weights=weights)
    found = []
    for seed in range(200):
        parts = fixed_part((whole.rows(slice(at, at + 700)) for at in range(0, 6110, 700)), 400, seed)
        assert sum(len(part.targets) for part in parts) == 400
        hits = np.concatenate([part.targets for part in parts])
        counts = None if not weighted else np.concatenate([part.weights for part in parts if part.weights is not None])
        found.append(np.average(hits, weights=counts))
    assert np.mean(found) == pytest.approx(truth, abs=4 * np.std(found) / np.sqrt(200))
    assert np.std(found) < 0.03
    assert sum(len(part.targets) for part in fixed_part(iter([whole]), 10_000, deadline=Deadline("test", None))) == 6110


def one_reader(model: nn.Module, tokens: list[int], follows: int | None) -> tuple[float, float]:
    """Mean loss in nats and accuracy of one reader through a text, token by token, in plain PyTorch."""
    embedding, rnn, head = model.embedding, model.rnn, model.head
    assert isinstance(embedding, nn.Embedding) and isinstance(rnn, nn.RNNBase) and isinstance(head, nn.Linear)
    state: Any = None
    loss, right = 0.0, 0
    targets = tokens[1:] + ([] if follows is None else [follows])
    with torch.inference_mode():
        for token, target in zip(tokens, targets, strict=False):
            out, state = rnn(embedding(torch.tensor([[token]])), state)
            logits: Tensor = head(out[0, 0])
            loss += float(F.cross_entropy(logits, torch.tensor(target)))
            right += int(logits.argmax()) == target
    return loss / len(targets), right / len(targets)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("length", [20, 700, 12_000])
def test_a_held_out_text_is_read_by_one_reader(length: int, cell: str, tmp_path: Path) -> None:
    text = ("the quick brown fox jumps over the lazy dog " * 300)[:length]
    (tmp_path / "text.txt").write_text(text)
    _, task, model = made(
        "character_lm", task__corpus=str(tmp_path / "text.txt"), model__cell=cell, model__hidden_size=6
    )
    held_out = text[len(text) - max(2, round(len(text) * 0.1)) :]
    tokens = task.parse(held_out).tolist()
    loss, accuracy = one_reader(model, tokens, None)
    found = evaluate(model, task)
    assert found.loss == pytest.approx(loss, rel=1e-9)
    assert found.accuracy == pytest.approx(accuracy, abs=1e-12)
    assert found.metrics["bits_per_character"] == pytest.approx(loss / np.log(2), rel=1e-9)
    assert found.asked == len(tokens) - 1
    assert found.accuracy_by_length == {}


def test_the_counting_sequence_is_read_by_one_reader() -> None:
    _, task, model = made("counting_rnn", task__largest=5, task__repeats=40, model__hidden_size=6)
    tokens = [number for _ in range(40) for number in range(1, 6) for _ in range(number)]
    loss, accuracy = one_reader(model, tokens, 1)
    found = evaluate(model, task)
    assert (found.loss, found.accuracy) == (pytest.approx(loss, rel=1e-9), pytest.approx(accuracy, abs=1e-12))


@pytest.mark.parametrize(
    ("preset", "changes"),
    [
        ("baseline", {"task__max_length": 5000}),
        ("baseline", {"task__max_length": 10_000, "task__modulus": 100}),
        ("tagging_rnn", {"task__max_length": 1000, "task__min_length": 1}),
        ("reverse_string_rnn", {"task__longest_asked": 2000}),
        ("counting_rnn", {"task__largest": 100, "task__repeats": 2000}),
        ("next_number_rnn", {"task__window": 1000, "task__sequences": 20_000, "task__held_out_share": 0.9}),
        ("memorise_noise", {"task__samples": 1, "task__length": 10_000, "task__features": 1000}),
        ("countdown", {"task__largest": 500}),
    ],
)
def test_what_an_evaluation_asks_is_capped(preset: str, changes: dict[str, Any]) -> None:
    config = load_preset(preset).config.changed({path.replace("__", "."): v for path, v in changes.items()}, "test")
    task = make_task(config.task)
    read = sum(examples.inputs.size for examples in task.held_out())
    one = next(iter(task.held_out())).inputs[0].size
    assert read <= max(12_000_000, one)


def test_lengths_that_are_left_out_are_told() -> None:
    _, task, _ = made("baseline", task__max_length=5000)
    asked = [int(examples.lengths[0]) for examples in task.held_out()]
    assert asked[0] == 2 and asked[-1] == 5000
    rows = {len(examples.lengths) for examples in task.held_out()}
    [note] = task.notes
    assert note == (
        f"evaluation: asks {len(asked)} of 4,999 lengths, evenly spread, {max(rows)} sequences of each: all would take "
        "too long"
    )
    assert made("baseline")[1].notes == []
