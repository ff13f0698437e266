"""To what length a network will hold: how its classes run into each other, step by step, told from short inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqsum.errors import UserError
from seqsum.formatting import percent
from seqsum.query.question import MOST, Answer, Flag, Question, field

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded
    from seqsum.runs.buckets import Floats
    from seqsum.tasks.base import Ints

LEVEL = 0.99
"""A network holds as long as so many of its answers are right."""
CROSSING = 0.215
"""Spread over distance at which it no longer does: half the way to the next class is 2.33 standard deviations then,
beyond which lies 1% of a normal distribution."""
TIMES = 4
"""So many times the longest training input are the longest from which is foretold."""
FARTHEST = 500
"""So far it is measured, and the farthest that is foretold is so many times that:"""
BEYOND = 20


class ReachAnswer(Answer):
    lengths: list[int]
    ratio: list[float | None]
    """At each length, how far inputs with the same answer lie apart, as a share of the distance to the next answer:
    root mean square distance of the logits from their class's mean, over that mean's distance to the nearest other
    one, the mean over the classes."""
    accuracy: list[float]
    fitted_to: int
    """The prediction rests on the lengths up to this one."""
    learned: bool
    """Whether at least `level` are right at each length of the training; else nothing is foretold."""
    foretold: int | None
    """The length at which the ratio crosses `crossing` if its square goes on growing as it does on short inputs, as
    that of errors that add up at random; null beyond `farthest`."""
    farthest: int
    fitted: list[float]
    """The ratio at each length, if so."""
    crossing: float
    measured: int | None
    """The first length at which fewer than `level` are right; null where that is beyond the last."""
    level: float
    asked: int
    """Inputs of each length."""

    def verdict(self) -> str:
        """Say in a sentence how far it will hold, and how far it did."""
        if not self.learned:
            return f"nothing is foretold: fewer than {percent(self.level)} are right at length {self.measured}"
        will = f"to about {self.foretold:,} steps" if self.foretold else f"beyond {self.farthest:,} steps"
        did = f"to {self.measured - 1:,}" if self.measured else f"to {self.lengths[-1]:,}, as far as it was asked"
        on = f"measured on {self.asked:,} of each length"
        return f"will hold {will} of random inputs, told from those of up to {self.fitted_to:,}; {on}, it holds {did}"

    def told(self) -> Iterator[str]:
        yield f"reach ({percent(self.level)} right): {self.verdict()}"


class Reach(Question):
    name: ClassVar = "reach"
    answers: ClassVar = ReachAnswer
    slow: ClassVar = True
    flag: ClassVar = Flag("evaluate", "--reach", "also to what length it will hold, told from short inputs")

    count: int = field(500, "how many inputs of each length", ge=50, le=2_000)
    seed: int = field(0, "which inputs", ge=0, le=MOST)

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        from seqsum.query.free_inputs import unfree
        from seqsum.query.questions.accuracy_by_length import trained_lengths

        if trained_lengths(loaded) is None:
            return f'reach: the task "{loaded.config.task.name}" does not say how long its inputs are'
        return unfree(loaded, cls.name)

    def answer(self, asked: Asked) -> ReachAnswer:
        """Read random inputs and look at the classes at every length up to 20, and at ever sparser ones up to 500.

        The spread is looked at of inputs that all end with the same token, for a state depends on the last one, too.
        Nothing is foretold of a network that has not learned the lengths of its training. Raises UserError where not
        every sequence of tokens is an input.
        """
        from seqsum.query.questions.accuracy_by_length import spread_lengths, trained_lengths

        trained = trained_lengths(asked.loaded)
        assert trained is not None
        lengths = spread_lengths(max(2, trained[0]), max(FARTHEST, trained[1]))
        ratios, shares = self._looked(asked, lengths)
        near = [at for at, length in enumerate(lengths) if length <= TIMES * trained[1] and np.isfinite(ratios[at])]
        if len(near) < 2:
            raise UserError("reach: inputs of too few lengths are told apart to foretell anything; train longer")
        x, squares = np.array([lengths[at] for at in near]), np.array([ratios[at] for at in near]) ** 2
        slope, start = (float(one) for one in np.polyfit(x, squares, 1))
        farthest = BEYOND * lengths[-1]
        crosses = max(1.0, (CROSSING**2 - start) / slope) if slope > 0 else np.inf
        if start >= CROSSING**2 and slope <= 0:
            crosses = 1.0
        fitted = np.sqrt(np.maximum(start + slope * np.array(lengths), 0.0))
        learned = all(share >= LEVEL for length, share in zip(lengths, shares, strict=True) if length <= trained[1])
        low = next((length for length, share in zip(lengths, shares, strict=True) if share < LEVEL), None)
        return ReachAnswer(
            lengths=lengths,
            ratio=[float(ratio) if np.isfinite(ratio) else None for ratio in ratios],
            accuracy=shares,
            fitted_to=int(x[-1]),
            learned=learned,
            foretold=round(crosses) if learned and crosses <= farthest else None,
            farthest=farthest,
            fitted=fitted.tolist(),
            crossing=CROSSING,
            measured=low,
            level=LEVEL,
            asked=self.count,
        )

    def _looked(self, asked: Asked, lengths: list[int]) -> tuple[list[float], list[float]]:
        """Return spread over distance, and the share that is right, at each length."""
        import torch

        from seqsum.query.free_inputs import right_classes

        task, model = asked.task, asked.loaded.model
        draw = np.random.Generator(np.random.Philox(key=[self.seed, 11]))
        tokens = draw.integers(task.vocabulary, size=(self.count, lengths[-1]))
        last = torch.zeros(self.count, dtype=torch.int64)
        ratios, shares, state = list[float](), list[float](), None
        with torch.inference_mode():
            for read in range(lengths[-1]):
                before = state
                logits, state = model.step(torch.from_numpy(tokens[:, read]), before)
                if read + 1 in lengths:
                    asked.deadline.check()
                    right = right_classes(task, list(tokens[:, : read + 1]), self.name)
                    shares.append(float((logits.argmax(dim=1).numpy() == right).mean()))
                    ends = np.concatenate([tokens[:, :read], np.zeros((self.count, 1), dtype=np.int64)], axis=1)
                    alike = model.step(last, before)[0].double().numpy()
                    alike -= alike.mean(axis=1, keepdims=True)
                    ratios.append(spread_over_distance(alike, right_classes(task, list(ends), self.name)))
        return ratios, shares


def spread_over_distance(points: Floats, classes: Ints) -> float:
    """Return the root mean square distance of points [rows, n] from their class's mean over the distance of that mean
    to the nearest other one, the mean over classes; infinite where two means fall on each other, NaN for one class."""
    present, sizes = np.unique(classes, return_counts=True)
    present = present[sizes > 1]
    if len(present) < 2:
        return float("nan")
    groups = [points[classes == one] for one in present]
    means = np.stack([group.mean(axis=0) for group in groups])
    spread = [np.sqrt(((group - mean) ** 2).sum(axis=1).mean()) for group, mean in zip(groups, means, strict=True)]
    apart = np.sqrt(((means[:, None] - means[None]) ** 2).sum(axis=2))
    np.fill_diagonal(apart, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float((np.array(spread) / apart.min(axis=1)).mean())
