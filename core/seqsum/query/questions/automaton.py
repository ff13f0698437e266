"""The machine that a network's states form: states that answer alike whatever follows are one (Nerode 1958)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqsum.errors import UserError
from seqsum.formatting import count, percent
from seqsum.query.question import MOST, Answer, Flag, OverLengths, field

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.examples import Bools
    from seqsum.query.loading import Loaded
    from seqsum.runs.buckets import Floats
    from seqsum.tasks.base import AnyTask, Ints

MOST_INPUTS = 2_000
WORDS = 24
"""Words of two to four tokens that are read from every state, beside each token alone."""
LONGEST_WORD = 4
FEWEST = 0.005
"""Share of the inputs that a state holds at least; those of rarer ones stray."""
MEMBERS = 8
"""Of each state so many inputs are gone on with by every token, fewer where that makes too many."""
MOST_SUCCESSORS = 2_000
TOGETHER = 200
LISTED = 20
TOLD = 5


class MachineState(Answer):
    answer: str
    """What the network says in it."""
    right: str
    """The right answer to most of the inputs that end in it."""
    share: float
    """Of the inputs asked."""
    example: str
    """One of the shortest of them."""


class WrongArrow(Answer):
    state: int
    token: str
    to: int
    right: str
    """The right answer after that token."""


class AutomatonAnswer(Answer):
    states: list[MachineState]
    """By what they answer, in the order of the classes."""
    tokens: list[str]
    arrows: list[list[int]]
    """[states][tokens]: where a token leads."""
    certain: list[list[float]]
    """[states][tokens]: the share of the inputs gone on with that went there."""
    start: int
    """The state before anything is read."""
    strays: float
    """Share of the inputs whose state is too rare to be one of these."""
    needed: int
    """States of the smallest right machine, as far as the inputs reach."""
    right: bool
    """Whether it is that machine, arrow for arrow and answer for answer, without strays."""
    wrong: int
    """Arrows that lead elsewhere than in the right machine."""
    wrong_arrows: list[WrongArrow]
    """The first 20 of them."""
    asked: int
    shortest: int
    longest: int
    dot: str
    """The machine as Graphviz reads it."""

    def verdict(self) -> str:
        """Say in a sentence whether it is the right machine."""
        states, every = count(len(self.states), "state"), f"all {sum(map(len, self.arrows)):,} arrows"
        if self.right:
            far = f"as far as inputs of up to {count(self.longest, 'step')} show"
            return f"the right machine, {far}: {states}, {every} lead where they should"
        said = [f"not the right machine: {states}" + ("" if len(self.states) == self.needed else (
            f", where {self.needed:,} {'suffice' if len(self.states) > self.needed else 'are needed'}"
        ))]  # fmt: skip
        said.append(f"{self.wrong:,} of {every} lead elsewhere" if self.wrong else f"{every} lead where they should")
        if amiss := sum(state.answer != state.right for state in self.states):
            said.append(f"{count(amiss, 'state')} of them answer{'s' if amiss == 1 else ''} wrongly")
        if self.strays:
            said.append(f"{percent(self.strays)} of the inputs end in none of them")
        return "; ".join(said)

    def rows(self) -> list[list[str]]:
        """Return the machine as a table: a line for each state, a column for each token."""
        head = ["STATE", "SAYS", *self.tokens]
        return [
            head,
            *([f"{'→' if at == self.start else ''}{at}", state.answer, *map(str, self.arrows[at])]
              for at, state in enumerate(self.states)),
        ]  # fmt: skip

    def told(self) -> Iterator[str]:
        lengths = f"{self.shortest:,}" if self.shortest == self.longest else f"{self.shortest:,} to {self.longest:,}"
        yield f"automaton, of {count(self.asked, 'input')} of {lengths} steps: {self.verdict()}"
        rows = self.rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            yield "  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        for arrow in self.wrong_arrows[:TOLD]:
            yield f"  state {arrow.state} —{arrow.token}→ {arrow.to}, where the answer should be {arrow.right}"


class Automaton(OverLengths):
    name: ClassVar = "automaton"
    answers: ClassVar = AutomatonAnswer
    flag: ClassVar = Flag("evaluate", "--automaton", "also the machine that the network's states form")

    count: int = field(500, "how many inputs are read", ge=1, le=MOST_INPUTS)
    seed: int = field(0, "which inputs and words", ge=0, le=MOST)

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        from seqsum.query.free_inputs import unfree

        return unfree(loaded, cls.name)

    def answer(self, asked: Asked) -> AutomatonAnswer:
        """Merge the states that inputs end in by what the network says then, and after every token and many words;
        compare them with those of the right answers.

        The right machine is judged by the same words: two of its states that only a longer one tells apart are one.
        Raises UserError where not every sequence of tokens is an input, and where no state comes back.
        """
        from seqsum.query.examples import fixed_part

        parts = fixed_part(asked.examples(self.low, self.high)[0], self.count, self.seed, asked.deadline)
        inputs = [
            part.inputs[row, :length].astype(np.int64) for part in parts for row, length in enumerate(part.lengths)
        ]
        if not inputs:
            raise UserError("automaton: there is no input to read")
        return _machine(asked, inputs, _words(asked.task.vocabulary, self.seed))


def _words(vocabulary: int, seed: int) -> list[Ints]:
    """Every token alone, and some words of several."""
    draw = np.random.Generator(np.random.Philox(key=[seed, 7]))
    single = [np.array([token]) for token in range(vocabulary)]
    return single + [draw.integers(vocabulary, size=draw.integers(2, LONGEST_WORD + 1)) for _ in range(WORDS)]


@dataclass(frozen=True, eq=False)
class _Kinds:
    """States told apart by what is said in them, int64 [kinds, 1 + words]: now, and after each word.

    size: int64 [kinds], how many inputs end in each
    """

    said: Ints
    size: Ints

    @classmethod
    def among(cls, said: Ints, fewest: float = 0.0) -> _Kinds:
        """Merge the states of inputs [rows, 1 + words]. fewest: the share of the rows that a kind must have."""
        kinds, sizes = np.unique(said, axis=0, return_counts=True)
        kept = sizes >= fewest * len(said)
        kinds, sizes = kinds[kept], sizes[kept]
        # By the class that they answer; of those that answer alike the largest first.
        order = np.lexsort((-sizes, kinds[:, 0]))
        return cls(kinds[order], sizes[order])

    def of(self, said: Ints) -> tuple[Ints, Bools]:
        """Return the kind of each row, or the one that says most the same, and whether it says the same in all."""
        alike = np.stack([(said == kind).sum(axis=1) for kind in self.said], axis=1)
        return alike.argmax(axis=1), alike.max(axis=1) == said.shape[1]


def _machine(asked: Asked, inputs: list[Ints], words: list[Ints]) -> AutomatonAnswer:
    from seqsum.query.task_facts import labels_of

    task = asked.task
    names = labels_of(task) or []
    tokens = task.input_names(np.arange(task.vocabulary))
    said, truths = _said_after(asked, inputs, words), _right_after(task, inputs, words)
    kinds, right_kinds = _Kinds.among(said, FEWEST), _Kinds.among(truths)
    if not len(kinds.said):
        raise UserError(
            f"automaton: no state is come back to: {count(len(inputs), 'input')} end in states that all answer "
            "differently afterwards; train longer, or ask shorter inputs"
        )
    place, settled = kinds.of(said)
    right_place, _ = right_kinds.of(truths)
    members = [np.flatnonzero((place == kind) & settled) for kind in range(len(kinds.said))]
    right_of = np.array([np.bincount(right_place[one]).argmax() for one in members])
    pure = all((right_place[one] == right).all() for one, right in zip(members, right_of, strict=True))

    arrows, certain, right_arrows, says = _arrows(
        asked, [[inputs[row] for row in one] for one in members], words, kinds, right_kinds
    )
    wrong = [
        WrongArrow(state=state, token=tokens[token], to=int(arrows[state, token]), right=names[says[state, token]])
        for state, token in np.argwhere(right_of[arrows] != right_arrows).tolist()
    ]
    start, _ = kinds.of(_said_after(asked, [np.zeros(0, dtype=np.int64)], words))
    strays = 1.0 - kinds.size.sum() / len(inputs)
    states = [
        MachineState(
            answer=names[said[0]],
            right=names[right_kinds.said[right, 0]],
            share=float(size / len(inputs)),
            example=task.render(task.echo(inputs[min(one, key=lambda row: len(inputs[row]))])),
        )
        for said, size, right, one in zip(kinds.said, kinds.size, right_of, members, strict=True)
    ]
    right = pure and not wrong and not strays and bool((certain == 1.0).all()) and len(states) == len(right_kinds.said)
    return AutomatonAnswer(
        states=states,
        tokens=tokens,
        arrows=arrows.tolist(),
        certain=certain.tolist(),
        start=int(start[0]),
        strays=float(strays),
        needed=len(right_kinds.said),
        right=right and all(state.answer == state.right for state in states),
        wrong=len(wrong),
        wrong_arrows=wrong[:LISTED],
        asked=len(inputs),
        shortest=min(map(len, inputs)),
        longest=max(map(len, inputs)),
        dot=_dot([state.answer for state in states], tokens, arrows.tolist(), int(start[0])),
    )


def _arrows(
    asked: Asked, members: list[list[Ints]], words: Sequence[Ints], kinds: _Kinds, right_kinds: _Kinds
) -> tuple[Ints, Floats, Ints, Ints]:
    """Go on from some members of each kind by every token: return, each [kinds, tokens], where most of them go, which
    share went there, where they should go in the right machine, and the right answer there."""
    tokens = asked.task.vocabulary
    most = max(1, min(MEMBERS, MOST_SUCCESSORS // (len(members) * tokens)))
    gone_on = [[np.append(one, token) for one in some[:most]] for some in members for token in range(tokens)]
    successors = [one for several in gone_on for one in several]
    ends = np.cumsum([len(several) for several in gone_on])[:-1]
    to, exact = kinds.of(_said_after(asked, successors, words))
    truths = _right_after(asked.task, successors, words)
    found = []
    parts = (np.split(each, ends) for each in (to, exact, right_kinds.of(truths)[0], truths[:, 0]))
    for leads, sure, should, says in zip(*parts, strict=True):
        end, right = np.bincount(leads).argmax(), np.bincount(should).argmax()
        found.append((end, ((leads == end) & sure).mean(), right, says[should == right][0]))
    shape = len(members), tokens
    leads_to, certain, right_to, answers = (np.array(each).reshape(shape) for each in zip(*found, strict=True))
    return leads_to, certain, right_to, answers


def _said_after(asked: Asked, inputs: Sequence[Ints], words: Sequence[Ints]) -> Ints:
    """Return the classes that the network answers, int64 [inputs, 1 + words]: to each input, and with each word behind
    it. To nothing at all it answers nothing: -1."""
    import torch

    from seqsum.models.base import mapped

    model = asked.loaded.model
    found = np.full((len(inputs), 1 + len(words)), -1, dtype=np.int64)
    for places in _alike(inputs, TOGETHER):
        asked.deadline.check()
        state, rows = None, np.stack([inputs[place] for place in places])
        with torch.inference_mode():
            if rows.shape[1]:
                logits, state = model.read(torch.from_numpy(rows), None)
                found[places, 0] = logits[:, -1].argmax(dim=-1).numpy()
            for behind in _alike(words, len(words)):
                read = torch.from_numpy(np.stack([words[word] for word in behind])).repeat(len(places), 1)
                repeat = partial(torch.repeat_interleave, repeats=len(behind), dim=1)
                before = None if state is None else mapped(state, repeat)
                logits, _ = model.read(read, before)
                last = logits[:, -1].argmax(dim=-1).reshape(len(places), len(behind)).numpy()
                found[np.ix_(places, [1 + word for word in behind])] = last
    return found


def _alike(rows: Sequence[Ints], most: int) -> Iterator[list[int]]:
    """Yield the places of rows of one length, at most so many together."""
    by_length: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        by_length.setdefault(len(row), []).append(place)
    for places in by_length.values():
        yield from (places[at : at + most] for at in range(0, len(places), most))


def _right_after(task: AnyTask, inputs: Sequence[Ints], words: Sequence[Ints]) -> Ints:
    """Return the right classes, as `_said_after` returns the network's."""
    from seqsum.query.free_inputs import right_classes

    rows = [np.concatenate([read, word]) for read in inputs for word in (read[:0], *words)]
    return right_classes(task, rows, Automaton.name).reshape(len(inputs), -1)


def _dot(says: list[str], tokens: list[str], arrows: list[list[int]], start: int) -> str:
    """Write a machine in Graphviz's language; arrows between the same two states are one."""
    lines = ["digraph automaton {", "  rankdir=LR;", "  node [shape=circle];", "  start [shape=point];"]
    lines += [f"  {at} [label={json.dumps(name)}];" for at, name in enumerate(says)]
    lines.append(f"  start -> {start};")
    for at, row in enumerate(arrows):
        for end in sorted(set(row)):
            read = ", ".join(token for token, to in zip(tokens, row, strict=True) if to == end)
            lines.append(f"  {at} -> {end} [label={json.dumps(read)}];")
    return "\n".join([*lines, "}", ""])
