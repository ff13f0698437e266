"""Where the hidden state goes while a network reads: many sequences in the plane of most variance."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from seqsum.errors import UserError
from seqsum.query.examples import Deadline, examples_of, first_of, fixed_part
from seqsum.query.loading import Loaded
from seqsum.query.protocol import LONGEST_INSPECTED, TrajectoryAnswer, TrajectoryStep
from seqsum.query.question import Question, check_length, labels_of
from seqsum.query.states import states_of
from seqsum.query.stepwise import logits_after_steps
from seqsum.tasks.base import AnyTask, Inputs

Floats = NDArray[np.float64]

MOST_SEQUENCES = 2_000
MOST_POINTS = 4_000  # no screen shows more


def plane_of(states: Floats) -> tuple[Floats, Floats, Floats]:
    """Return mean [units], the two axes of most variance [2, units] and each one's share of the variance [2].

    Each axis points to where its largest component (in size) is positive, so that a picture does not flip.
    """
    mean = states.mean(axis=0)
    centred = states - mean
    # Units are far fewer than points: the eigenvectors of their covariances cost less than a decomposition of all.
    variance, vectors = np.linalg.eigh(centred.T @ centred)
    variance, axes = np.maximum(variance[::-1], 0.0), vectors.T[::-1][:2]
    if len(axes) < 2:  # a single unit
        axes = np.vstack([axes, np.zeros((1, states.shape[1]))])
    largest = axes[np.arange(2), np.abs(axes).argmax(axis=1)]
    axes = axes * np.where(largest < 0, -1.0, 1.0)[:, None]
    total = variance.sum()
    shares = np.zeros(2)
    if total > 0:
        shares[: min(2, len(variance))] = variance[:2] / total
    return mean, axes, shares


def trajectory(
    loaded: Loaded, count: int, length: int | None, seed: int, layer: int | None, path: Question | None
) -> TrajectoryAnswer:
    """Trace `count` held-out sequences (or of one length) through a layer, and one more, the path.

    Raises UserError where the network has no states.
    """
    task = loaded.task
    if path is not None:
        check_length(path.inputs, LONGEST_INSPECTED, "trajectory")
    questions = _sequences(loaded, min(count, MOST_SEQUENCES), length, seed)
    layer, states = _states(questions, layer)
    stacked = np.concatenate(states)
    if not np.isfinite(stacked).all():
        raise UserError("trajectory: some hidden states are not finite; this checkpoint has diverged")
    mean, axes, shares = plane_of(stacked)
    placed = (stacked - mean) @ axes.T
    said = [_labels(question) for question in questions]
    known = all(labels is not None for labels in said)
    labels = [label for question, truth in zip(questions, said, strict=True) for label in (
        truth if known and truth is not None else _answers(question)
    )]  # fmt: skip
    steps: list[TrajectoryStep] = []
    if path is not None:
        _, (own,) = _states([path], layer)
        points = (own - mean) @ axes.T
        said_here = _labels(path) if known else _answers(path)
        for name, (x, y), label in zip(
            task.input_names(path.inputs), points.tolist(), said_here or _answers(path), strict=True
        ):
            steps.append({"token": name, "x": x, "y": y, "label": label})
    return {
        "x": placed[:, 0].tolist(),
        "y": placed[:, 1].tolist(),
        "label": labels,
        "label_is": "truth" if known else "prediction",
        "labels": labels_of(task, questions[0].inputs) or sorted(set(labels)),
        "step": [step for one in states for step in range(1, len(one) + 1)],
        "sequence": [place for place, one in enumerate(states) for _ in range(len(one))],
        "explained": shares.tolist(),
        "layer": layer,
        "path": steps,
    }


def _sequences(loaded: Loaded, count: int, length: int | None, seed: int) -> list[Question]:
    examples, _ = examples_of(loaded, *((None, None) if loaded.task.carries_state else (length, length)))
    found: list[Question] = []
    points = 0
    parts = fixed_part(examples, count, seed, Deadline("trajectory"))
    for inputs in (first_of(part, row) for part in parts for row in range(len(part.lengths))):
        one: Inputs = inputs[: length or LONGEST_INSPECTED]
        points += len(one)
        if points > MOST_POINTS and found:
            break
        found.append(Question(loaded, one))
    return found


def _states(questions: list[Question], layer: int | None) -> tuple[int, list[Floats]]:
    """Return which layer, and its hidden states for each sequence: float64 [steps, units]."""
    by_length: dict[int, list[int]] = {}
    for place, question in enumerate(questions):
        by_length.setdefault(len(question.inputs), []).append(place)
    found: dict[int, Floats] = {}
    for places in by_length.values():
        rows = torch.cat([questions[place].row for place in places])
        with torch.inference_mode():
            traces = states_of(questions[0].model, rows)
        if not traces:
            raise UserError("trajectory: this network has no hidden states to follow")
        last = max(trace.layer for trace in traces)
        layer = last if layer is None else layer
        if not 0 <= layer <= last:
            raise UserError(f"trajectory: layer must be 0 to {last}, got {layer}")
        # Both directions of a layer that reads from both ends.
        hidden = torch.cat([trace.hidden for trace in traces if trace.layer == layer], dim=2).double().numpy()
        found.update(zip(places, hidden, strict=True))
    assert layer is not None
    return layer, [found[place] for place in range(len(questions))]


def _labels(question: Question) -> list[str] | None:
    """The right answer had the sequence ended after each step, or None when that is not known everywhere."""
    task, inputs = question.task, question.inputs
    if task.answer != "class":
        return None
    said: list[str] = []
    for step in range(1, len(inputs) + 1):
        truth = _truth(task, inputs[:step])
        if truth is None:
            return None
        said.append(task.render(truth))
    return said


def _truth(task: AnyTask, inputs: Inputs) -> object | None:
    try:
        truth: object | None = task.truth(inputs)
    except (LookupError, ValueError, ArithmeticError):
        # The beginning of an input need not be an input: half an expression has no value.
        return None
    return truth


def _answers(question: Question) -> list[str]:
    """What the model would answer after each step (a sequence's encoder: the whole answer at each)."""
    task = question.task
    names = question.labels
    if task.answer in ("sequence", "values") or names is None:
        return [""] * len(question.inputs)
    with torch.inference_mode():
        logits = logits_after_steps(question)
    assert logits is not None
    return [names[place] for place in logits.argmax(dim=-1).tolist()]
