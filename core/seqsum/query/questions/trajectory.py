"""Where the hidden state goes while a network reads: many sequences in the plane of most variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from seqsum.errors import UserError
from seqsum.query.question import LONGEST_INSPECTED, LONGEST_WRITTEN, MOST, Answer, Question, TypedAnswer, field
from seqsum.runs.buckets import Floats
from seqsum.tasks.base import AnyTask, Inputs

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded
    from seqsum.query.model_input import ModelInput


MOST_SEQUENCES = 2_000
MOST_POINTS = 4_000  # no screen shows more


class TrajectoryStep(Answer):
    token: str
    x: float
    y: float
    label: str


class TrajectoryAnswer(TypedAnswer):
    x: list[float]
    y: list[float]
    """[points]: first and second principal component of the hidden state after each step of each sequence."""
    label: list[str]
    """[points]: the right answer had the sequence ended there (the running sum), or what the model says there."""
    label_is: Literal["truth", "prediction"]
    labels: list[str]
    """All labels, in the order of the classes."""
    step: list[int]
    """[points], from 1."""
    sequence: list[int]
    """[points]: which of the sequences."""
    explained: list[float]
    """Share of the variance along x and along y."""
    layer: int
    path: list[TrajectoryStep]
    """Of `input`; [] without one."""


class Trajectory(Question):
    name: ClassVar = "trajectory"
    answers: ClassVar = TrajectoryAnswer
    slow: ClassVar = True

    input: str | None = field(None, "a sequence whose path is to be drawn in the plane")
    count: int = field(200, "how many held-out sequences make the plane", ge=1, le=MOST_SEQUENCES)
    length: int | None = field(None, "how long those are", ge=1, le=LONGEST_WRITTEN)
    # The same picture again, unless another is asked for.
    seed: int = field(0, "which sequences", ge=0, le=MOST)
    layer: int | None = field(None, "layer whose states are followed, counted from 0; default: the last", ge=0, le=1000)

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        from seqsum.query.states import stateless

        return stateless(loaded)

    def answer(self, asked: Asked) -> TrajectoryAnswer:
        """Trace held-out sequences through a layer, and one more, the path."""
        from seqsum.query.states import hidden_of

        task, path = asked.task, None if self.input is None else asked.read(self.input)
        if path is not None:
            path.check_length(LONGEST_INSPECTED, "trajectory")
        sequences = self._sequences(asked)
        layer, states = hidden_of(sequences, self.layer)
        stacked = np.concatenate(states)
        if not np.isfinite(stacked).all():
            raise UserError("trajectory: some hidden states are not finite; this checkpoint has diverged")
        mean, axes, shares = plane_of(stacked)
        placed = (stacked - mean) @ axes.T
        truths = [_labels(read) for read in sequences]
        known = all(labels is not None for labels in truths)
        labels = [label for read, truth in zip(sequences, truths, strict=True) for label in (
            truth if known and truth is not None else _answers(read)
        )]  # fmt: skip
        steps: list[TrajectoryStep] = []
        if path is not None:
            _, (own,) = hidden_of([path], layer)
            points = (own - mean) @ axes.T
            said = (_labels(path) if known else None) or _answers(path)
            for name, (x, y), label in zip(task.input_names(path.inputs), points.tolist(), said, strict=True):
                steps.append(TrajectoryStep(token=name, x=x, y=y, label=label))
        return TrajectoryAnswer(
            x=placed[:, 0].tolist(),
            y=placed[:, 1].tolist(),
            label=labels,
            label_is="truth" if known else "prediction",
            labels=sequences[0].labels or sorted(set(labels)),
            step=[step for one in states for step in range(1, len(one) + 1)],
            sequence=[place for place, one in enumerate(states) for _ in range(len(one))],
            explained=shares.tolist(),
            layer=layer,
            path=steps,
        )

    def _sequences(self, asked: Asked) -> list[ModelInput]:
        from seqsum.query.examples import first_of, fixed_part
        from seqsum.query.model_input import ModelInput

        length = None if asked.task.carries_state else self.length
        examples, _ = asked.examples(length, length)
        found: list[ModelInput] = []
        points = 0
        parts = fixed_part(examples, self.count, self.seed, asked.deadline)
        for inputs in (first_of(part, row) for part in parts for row in range(len(part.lengths))):
            one: Inputs = inputs[: self.length or LONGEST_INSPECTED]
            points += len(one)
            if points > MOST_POINTS and found:
                break
            found.append(ModelInput(asked.loaded, one))
        return found


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


def _labels(read: ModelInput) -> list[str] | None:
    """The right answer had the sequence ended after each step, or None when that is not known everywhere."""
    task, inputs = read.task, read.inputs
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


def _answers(read: ModelInput) -> list[str]:
    """What the model would answer after each step (a sequence's encoder: the whole answer at each)."""
    from seqsum.query.stepwise import logits_after_steps

    task = read.task
    names = read.labels
    if task.answer in ("sequence", "values") or names is None:
        return [""] * len(read.inputs)
    logits = logits_after_steps(read)
    assert logits is not None
    return [names[place] for place in logits.argmax(dim=-1).tolist()]
