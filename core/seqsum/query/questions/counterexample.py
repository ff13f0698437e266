"""An input that a network gets wrong, looked for: one refutes that it is right for every length.

Random inputs are no test of that: a direction of the state that nothing pulls back is pushed on by few inputs only.
Here are those in which a few tokens come again and again, and those that a search goes on with because the network is
least sure of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from seqsum.formatting import count, number
from seqsum.query.question import Answer, Flag, Number, Question, field

if TYPE_CHECKING:
    from seqsum.models.base import State
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded
    from seqsum.runs.buckets import Floats
    from seqsum.tasks.base import Ints

MOST_PATTERNS = 1_200
"""Patterns of one token, two, three … are asked as long as there are no more of them together."""
REPEATED, SEARCHED = 500, 200
"""Up to so many steps."""
DENSE, SPARSE = 64, 40
"""Of repeated patterns every length up to the first is looked at, and so many beyond, ever sparser."""
KEPT = 400
"""Inputs that the search goes on with, as many of each right answer."""
FEWEST = 4
SAME = 5
"""Decimals in which logits agree that come of the same state."""
LISTED, TOLD, SHOWN = 12, 3, 24


class WrongInput(Answer):
    by: Literal["repeating", "searching"]
    pattern: list[str] | None
    """The tokens that come again and again; null for what the search found."""
    input: str
    """As it is typed."""
    tokens: list[str]
    length: int
    said: str
    right: str


class CounterexampleAnswer(Answer):
    patterns: list[int]
    """How many patterns of one token, of two, of three …; none that repeats a shorter one."""
    wrong: list[int]
    """How many of each are answered wrongly at a length that was looked at."""
    earliest: list[int | None]
    """The shortest length of a wrong answer to each."""
    found: list[WrongInput]
    """Each once, the shortest first: what the search found, and of the patterns the 12 that are wrong first; of those
    that are the same but turned round only one."""
    lead: list[Number]
    """By how much the right answer's logit is above the next, at the least among the inputs that the search goes on
    with; one for each step, to the first wrong answer."""
    kept: int
    shortest: int
    repeated: int
    """So many steps the patterns were repeated to."""
    searched: int

    def verdict(self) -> str:
        """Say in a sentence whether an input was found that refutes that the network is right for every length."""
        again = f"{count(sum(self.patterns), 'input')} in which {_few(len(self.patterns))} come again and again"
        if not self.found:
            least = min(one for one in self.lead if one is not None)
            return (
                f"no wrong input was found: all {again} are right, up to {self.repeated:,} steps, and of the most "
                f"doubtful up to {self.searched:,} steps the right answer leads by at least {number(least)} logits; "
                "that is no proof"
            )
        first = self.found[0]
        wrong = sum(self.wrong)
        also = f"; of {again} {wrong:,} {'is' if wrong == 1 else 'are'} wrong at some length up to {self.repeated:,}"
        return (
            f"not right for every input: one of {count(first.length, 'step')} is answered {first.said} instead of "
            f"{first.right}{also if any(self.wrong) else ''}"
        )

    def told(self) -> Iterator[str]:
        yield f"counterexample: {self.verdict()}"
        for one in self.found[:TOLD]:
            yield f"  {shown_input(one)} ({count(one.length, 'step')}): {one.said} instead of {one.right}"


def shown_input(one: WrongInput) -> str:
    """Write an input, or how it begins."""
    if one.length <= SHOWN:
        return " ".join(one.tokens)
    tokens = one.tokens if one.pattern is None else one.pattern * max(2, 4 // len(one.pattern))
    return f"{' '.join(tokens[:SHOWN])} …"


def _few(longest: int) -> str:
    return f"up to {longest} tokens" if longest > 1 else "a token"


class Counterexample(Question):
    name: ClassVar = "counterexample"
    answers: ClassVar = CounterexampleAnswer
    slow: ClassVar = True
    flag: ClassVar = Flag("evaluate", "--counterexample", "also look for an input that is answered wrongly")

    repeated: int = field(REPEATED, "up to how many steps patterns are repeated", ge=10, le=5_000)
    searched: int = field(SEARCHED, "up to how many steps the search goes on", ge=2, le=2_000)

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        from seqsum.query.free_inputs import unfree

        return unfree(loaded, cls.name)

    def answer(self, asked: Asked) -> CounterexampleAnswer:
        """Repeat every pattern of a few tokens, and go on, token by token, with inputs in which the right answer leads
        least, and some others; compare what is said with the right answers from the shortest length of the training on.

        Raises UserError where not every sequence of tokens is an input.
        """
        from seqsum.query.questions.accuracy_by_length import trained_lengths

        low = (trained_lengths(asked.loaded) or [1])[0]
        patterns = patterns_of(asked.task.vocabulary)
        wrong_at, wrong = self._repeat(asked, patterns, low)
        lead, doubtful = self._search(asked, low)
        sizes = np.array([len(pattern) for pattern in patterns])
        groups = [wrong_at[sizes == size] for size in range(1, sizes.max() + 1)]
        return CounterexampleAnswer(
            patterns=[len(group) for group in groups],
            wrong=[int((group > 0).sum()) for group in groups],
            earliest=[int(group[group > 0].min()) if group.any() else None for group in groups],
            found=sorted({one.input: one for one in [*wrong, *doubtful]}.values(), key=lambda one: one.length),
            lead=lead,
            kept=KEPT,
            shortest=low,
            repeated=self.repeated,
            searched=self.searched,
        )

    def _repeat(self, asked: Asked, patterns: list[Ints], low: int) -> tuple[Ints, list[WrongInput]]:
        """Return at which length each pattern is answered wrongly, int64 [patterns], 0 where it never is; and the first
        of them."""
        import torch

        from seqsum.query.questions.accuracy_by_length import spread_lengths

        tokens = np.stack([np.resize(pattern, self.repeated) for pattern in patterns])
        wrong_at, said, right = (np.zeros(len(patterns), dtype=np.int64) for _ in range(3))
        looked, state = set(spread_lengths(low, self.repeated, DENSE, SPARSE)), None
        with torch.inference_mode():
            for at in range(self.repeated):
                logits, state = asked.loaded.model.step(torch.from_numpy(tokens[:, at]), state)
                if at + 1 in looked:
                    truths = _truths(asked, tokens[:, : at + 1])
                    answers = logits.argmax(dim=1).numpy()
                    new = (answers != truths) & (wrong_at == 0)
                    wrong_at[new], said[new], right[new] = at + 1, answers[new], truths[new]
        return wrong_at, [
            _wrong(asked, tokens[place, : wrong_at[place]], said[place], right[place], patterns[place])
            for place in _first_wrong(patterns, wrong_at)
        ]

    def _search(self, asked: Asked, low: int) -> tuple[list[float], list[WrongInput]]:
        """Return the least lead of the right answer at each step, and the first wrong answer that came of it."""
        import torch

        from seqsum.models.base import mapped

        task, model = asked.task, asked.loaded.model
        each = max(FEWEST, KEPT // task.classes)
        inputs = np.zeros((1, 0), dtype=np.int64)
        state: State | None = None
        leads = list[float]()
        with torch.inference_mode():
            for length in range(1, self.searched + 1):
                tokens = np.tile(np.arange(task.vocabulary), len(inputs))
                repeat = partial(torch.repeat_interleave, repeats=task.vocabulary, dim=1)
                before = None if state is None else mapped(state, repeat)
                logits, after = model.step(torch.from_numpy(tokens), before)
                inputs = np.column_stack([np.repeat(inputs, task.vocabulary, axis=0), tokens])
                truths = _truths(asked, inputs)
                values, rows = logits.double().numpy().copy(), np.arange(len(inputs))
                of_right = values[rows, truths]
                values[rows, truths] = -np.inf
                lead = of_right - values.max(axis=1)
                if length >= low:
                    least = int(lead.argmin())
                    leads.append(float(lead[least]))
                    if lead[least] < 0:
                        said = int(values[least].argmax())
                        return leads, [_wrong(asked, inputs[least], said, int(truths[least]), None)]
                # Inputs that came to the same state are one.
                _, different = np.unique(values.round(SAME), axis=0, return_index=True)
                kept = np.concatenate(
                    [_doubtful(lead, different[truths[different] == one], each) for one in np.unique(truths)]
                )
                inputs, places = inputs[kept], torch.from_numpy(kept)
                state = mapped(after, partial(torch.index_select, dim=1, index=places))
        return leads, []


def _doubtful(lead: Floats, places: Ints, most: int) -> Ints:
    """Return most of the places: half are those where the lead is least, the rest go evenly up to where it is largest,
    since what pushes one answer ahead lets another fall behind a step later."""
    ordered = places[np.argsort(lead[places], kind="stable")]
    if len(ordered) <= most:
        return ordered
    half = most // 2
    return np.concatenate([ordered[:half], ordered[np.linspace(half, len(ordered) - 1, most - half).astype(np.int64)]])


def _truths(asked: Asked, inputs: Ints) -> Ints:
    """Return the right classes of inputs of one length, int64 [inputs]."""
    from seqsum.query.free_inputs import right_classes

    asked.deadline.check()
    return right_classes(asked.task, list(inputs), Counterexample.name)


def _wrong(asked: Asked, tokens: Ints, said: int, right: int, pattern: Ints | None) -> WrongInput:
    from seqsum.query.task_facts import labels_of

    task = asked.task
    names, labels = task.input_names(np.arange(task.vocabulary)), labels_of(task) or []
    return WrongInput(
        by="searching" if pattern is None else "repeating",
        pattern=None if pattern is None else [names[token] for token in pattern],
        input=task.render(task.echo(tokens)),
        tokens=[names[token] for token in tokens],
        length=len(tokens),
        said=labels[said],
        right=labels[right],
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


def _first_wrong(patterns: list[Ints], wrong_at: Ints) -> list[int]:
    """Return the places of those that are wrong first; of those that are the same but turned round, the first."""
    found: dict[tuple[int, ...], int] = {}
    for place in np.argsort(wrong_at, kind="stable").tolist():
        if wrong_at[place]:
            pattern = patterns[place].tolist()
            turned = min(tuple(pattern[at:] + pattern[:at]) for at in range(len(pattern)))
            found.setdefault(turned, place)
    return list(found.values())[:LISTED]
