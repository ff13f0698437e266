"""Whether a network stays right where a few tokens come again and again: the inputs that refute "for every length"."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqsum.formatting import count, percent
from seqsum.query.question import Answer, Flag, Question, field

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded
    from seqsum.tasks.base import Ints

MOST_PATTERNS = 1_200
"""Patterns of one token, two, three … are asked as long as there are no more of them together."""
FARTHEST = 500
DENSE, SPARSE = 64, 40
"""Every length up to the first is looked at, and so many beyond, ever sparser."""
LISTED = 12
TOLD = 3


class WrongRepeat(Answer):
    pattern: list[str]
    """The tokens that come again and again."""
    input: str
    """As it is typed: the pattern as often as it fits into `length` steps."""
    length: int
    """The shortest of the lengths looked at where the answer is wrong."""
    said: str
    right: str


class RepeatsAnswer(Answer):
    patterns: list[int]
    """How many patterns of one token, of two, of three …; none that repeats a shorter one."""
    wrong: list[int]
    """How many of each are answered wrongly at a length that was looked at."""
    earliest: list[int | None]
    """The shortest length of a wrong answer to each."""
    examples: list[WrongRepeat]
    """The 12 that are wrong first; of patterns that are the same but turned round only one."""
    shortest: int
    longest: int

    @property
    def right(self) -> bool:
        """Whether all of them were answered rightly, at every length looked at."""
        return not any(self.wrong)

    def verdict(self) -> str:
        """Say in a sentence whether an input was found that refutes that the network is right for every length."""
        asked = f"{count(sum(self.patterns), 'input')} in which {_few(len(self.patterns))} come again and again"
        if self.right:
            return (
                f"not refuted: {asked} are all right, from {self.shortest:,} to {self.longest:,} steps; that is no "
                "proof for every input and every length"
            )
        first, wrong = self.examples[0], sum(self.wrong)
        where = f"{repeated(first.pattern)} is wrong at {first.length:,} steps"
        return (
            f"it is not right for every length: {where}; of {asked} {wrong:,} "
            f"({percent(wrong / sum(self.patterns))}) are wrong at some length up to {self.longest:,}"
        )

    def told(self) -> Iterator[str]:
        yield f"repeats: {self.verdict()}"
        for one in self.examples[:TOLD]:
            yield f"  {repeated(one.pattern)} ({one.length:,} steps): {one.said}, right is {one.right}"


def repeated(pattern: list[str]) -> str:
    """Write a pattern as what comes again and again: 7 7 6 7 7 6 …."""
    return f"{' '.join(pattern * max(2, 4 // len(pattern)))} …"


def _few(longest: int) -> str:
    return f"up to {longest} tokens" if longest > 1 else "a token"


class Repeats(Question):
    name: ClassVar = "repeats"
    answers: ClassVar = RepeatsAnswer
    slow: ClassVar = True
    flag: ClassVar = Flag(
        "evaluate", "--repeats", "also whether inputs in which a few tokens come again and again stay right"
    )

    longest: int = field(FARTHEST, "up to how many steps", ge=10, le=5_000)

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        from seqsum.query.free_inputs import unfree

        return unfree(loaded, cls.name)

    def answer(self, asked: Asked) -> RepeatsAnswer:
        """Read every pattern of a few tokens again and again, and compare what is said with the right answers.

        Random inputs hardly ever hold such a stretch, so that a network may be right on all of them and wrong here:
        one direction of the state that nothing pulls back is pushed on and on. Raises UserError where not every
        sequence of tokens is an input.
        """
        import torch

        from seqsum.query.free_inputs import right_classes
        from seqsum.query.questions.accuracy_by_length import trained_lengths
        from seqsum.query.task_facts import labels_of

        task, model = asked.task, asked.loaded.model
        patterns = patterns_of(task.vocabulary)
        low = (trained_lengths(asked.loaded) or [1])[0]
        tokens = np.stack([np.resize(pattern, self.longest) for pattern in patterns])
        wrong_at = np.zeros(len(patterns), dtype=np.int64)
        said, right = np.zeros(len(patterns), dtype=np.int64), np.zeros(len(patterns), dtype=np.int64)
        looked, state = set(lengths_looked_at(low, self.longest)), None
        with torch.inference_mode():
            for at in range(self.longest):
                logits, state = model.step(torch.from_numpy(tokens[:, at]), state)
                if at + 1 in looked:
                    asked.deadline.check()
                    truths = right_classes(task, list(tokens[:, : at + 1]), self.name)
                    answers = logits.argmax(dim=1).numpy()
                    new = (answers != truths) & (wrong_at == 0)
                    wrong_at[new], said[new], right[new] = at + 1, answers[new], truths[new]
        names, labels = task.input_names(np.arange(task.vocabulary)), labels_of(task) or []
        sizes = np.array([len(pattern) for pattern in patterns])
        groups = [wrong_at[sizes == size] for size in range(1, sizes.max() + 1)]
        return RepeatsAnswer(
            patterns=[len(group) for group in groups],
            wrong=[int((group > 0).sum()) for group in groups],
            earliest=[int(group[group > 0].min()) if group.any() else None for group in groups],
            examples=[
                WrongRepeat(
                    pattern=[names[token] for token in patterns[place]],
                    input=task.render(task.echo(tokens[place, : wrong_at[place]])),
                    length=int(wrong_at[place]),
                    said=labels[said[place]],
                    right=labels[right[place]],
                )
                for place in _first_wrong(patterns, wrong_at)
            ],
            shortest=low,
            longest=self.longest,
        )


def patterns_of(vocabulary: int) -> list[Ints]:
    """Return patterns of one token, of two … that do not repeat a shorter one, of as many lengths as there is room for,
    one at least."""
    found: list[Ints] = []
    for size in itertools.count(1):
        all_of_size = itertools.product(range(vocabulary), repeat=size)
        new = [np.array(pattern, dtype=np.int64) for pattern in all_of_size if not _repeats_shorter(pattern)]
        if found and (not new or len(found) + len(new) > MOST_PATTERNS):
            return found
        found += new
    raise AssertionError


def _repeats_shorter(pattern: tuple[int, ...]) -> bool:
    size = len(pattern)
    return any(size % part == 0 and pattern == pattern[:part] * (size // part) for part in range(1, size))


def lengths_looked_at(low: int, high: int) -> list[int]:
    """Return every length from low up to 64, and 40 more up to high, ever sparser."""
    dense = range(low, min(high, DENSE) + 1)
    beyond = np.geomspace(min(DENSE + 1, high), high, SPARSE).round().astype(int)
    return sorted({*dense, *(length for length in beyond.tolist() if length >= low)})


def _first_wrong(patterns: list[Ints], wrong_at: Ints) -> list[int]:
    """Return the places of those that are wrong first; of those that are the same but turned round, the first."""
    found: dict[tuple[int, ...], int] = {}
    for place in np.argsort(wrong_at, kind="stable").tolist():
        if wrong_at[place]:
            pattern = patterns[place].tolist()
            turned = min(tuple(pattern[at:] + pattern[:at]) for at in range(len(pattern)))
            found.setdefault(turned, place)
    return list(found.values())[:LISTED]
