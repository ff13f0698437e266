"""Characters as tokens, and a fixed choice of what is held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqsum.errors import InputError, UserError
from seqsum.tasks.base import Answer, Examples, Inputs, Ints, Task, TaskSettings
from seqsum.tasks.codec import Codec
from seqsum.text import one_line

LONGEST_INPUT = 1_000
ASKED_AT_ONCE = 250
ENDS = "⏎"
"""How the token that ends an answer is written."""

Codes = NDArray[np.unsignedinteger[Any]]


class Alphabet:
    """The characters a task knows, in order: a token is a character's place."""

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = "".join(sorted(set(characters)))
        self._places = {character: place for place, character in enumerate(self.characters)}

    def __len__(self) -> int:
        return len(self.characters)

    def tokens(self, text: str) -> list[int]:
        """Return the tokens of a text of known characters; raises KeyError for others."""
        return [self._places[character] for character in text]

    def read(self, text: str, hint: str, spaces: bool = True) -> list[int]:
        """Read what a person typed; raise InputError with the first character that is not known.

        spaces: whether white space counts; else it is left out
        """
        typed = [(at, character) for at, character in enumerate(text) if spaces or not character.isspace()]
        if not typed:
            raise InputError(f"input: nothing to read; type {hint}")
        if len(typed) > LONGEST_INPUT:
            raise InputError(
                f"input: {len(typed):,} characters are too many; type {hint}", typed[LONGEST_INPUT][0], len(text)
            )
        for place, (at, character) in enumerate(typed, start=1):
            if character not in self._places:
                raise InputError(f'input: character {place} is "{one_line(character)}"; type {hint}', at)
        return self.tokens("".join(character for _, character in typed))

    def text(self, tokens: Sequence[int]) -> str:
        """Write tokens as text; those beyond the alphabet are left out."""
        return "".join(self.characters[token] for token in tokens if 0 <= token < len(self.characters))


@dataclass(frozen=True)
class AlphabetCodec(Codec):
    """Characters of one alphabet are read, and an answer is written in another, which ends with a token above it.

    read, written: the characters of the two; hint: what to type; spaces: whether white space counts
    """

    read: str
    written: str
    hint: str
    spaces: bool = True

    def encode(self, text: str) -> list[int]:
        return Alphabet(self.read).read(text, self.hint, self.spaces)

    def decode(self, inputs: list[int], answer: list[int]) -> str:
        alphabet = Alphabet(self.written)
        end = len(alphabet)
        return alphabet.text(answer[: answer.index(end)] if end in answer else answer)


class TranslationTask(Task[TaskSettings]):
    """A task that reads characters of one alphabet and writes an answer in another."""

    answer: ClassVar[Answer] = "sequence"
    codec: AlphabetCodec
    read: ClassVar[Alphabet]
    written: ClassVar[Alphabet]

    def __init__(self, config: TaskSettings) -> None:
        super().__init__(config)
        self.vocabulary, self.end = len(self.read), len(self.written)
        self.classes = self.begin = self.end + 1
        self.target_vocabulary = self.end + 2

    def parse(self, text: str) -> Ints:
        return np.array(self.codec.encode(text), dtype=np.int64)

    def read_answer(self, inputs: Inputs, answer: Inputs) -> str:
        return self.codec.decode(inputs.tolist(), answer.tolist())

    def input_names(self, inputs: Inputs) -> list[str]:
        return list(self.read.text(inputs.tolist()))

    def class_names(self) -> list[str]:
        return [*self.written.characters, ENDS]

    def echo(self, inputs: Inputs) -> str:
        return self.read.text(inputs.tolist())


def places_in(text: str, characters: str) -> Ints:
    """Return the place of each character of a text among `characters`, −1 for one that is none: int64 [len(text)]."""
    known, order = _ordered(characters)
    codes = _codes(text)
    found = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    return np.where(known[found] == codes, order[found], -1)


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


@lru_cache(maxsize=16)
def _ordered(characters: str) -> tuple[NDArray[np.uint32], Ints]:
    """Return code points, ascending, and the place of each among the characters."""
    codes = _codes(characters)
    order = np.argsort(codes)
    return codes[order], order


def most_frequent(counts: Counter[str], most: int) -> str:
    """Return the most frequent characters, in the order of their code points."""
    # Ties by the character itself: the same texts give the same vocabulary everywhere.
    ranked = sorted(counts, key=lambda character: (-counts[character], character))
    return "".join(sorted(ranked[:most]))


def unknown_alike(text: str, known: set[str]) -> str:
    """Return a text with all unknown characters made one: those that a network can't tell apart are then equal."""
    return text if known.issuperset(text) else "".join(one if one in known else "\0" for one in text)


def encoded(texts: Sequence[str], characters: str) -> tuple[Codes, Ints]:
    """Turn texts into tokens [texts, longest] filled up with the padding token, and lengths int64 [texts].

    characters: those that are told apart, in the order of their code points: a token is a character's place among them,
    their number is that of all others, and one more is the padding. An empty text is read as a single space.
    """
    unknown = len(characters)
    full = [text or " " for text in texts]
    places = places_in("".join(full), characters)
    tokens = np.where(places < 0, unknown, places)
    lengths = np.array([len(text) for text in full], dtype=np.int64)
    filled = np.full((len(full), int(lengths.max(initial=1))), unknown + 1, dtype=np.min_scalar_type(unknown + 1))
    filled[np.arange(filled.shape[1]) < lengths[:, None]] = tokens
    return filled, lengths


def padded(rows: Sequence[Sequence[int]], width: int, padding: int) -> Ints:
    """Return rows of several lengths as one array, filled up: int64 [rows, width]."""
    array = np.full((len(rows), width), padding, dtype=np.int64)
    for place, row in enumerate(rows):
        array[place, : len(row)] = row
    return array


def by_length(
    inputs: Sequence[list[int]],
    targets: Ints,
    low: int | None,
    high: int | None,
    weights: NDArray[np.float64] | None = None,
) -> Iterator[Examples]:
    """Yield examples whose input lengths lie in low…high, one length at a time; raise UserError when there are none."""
    lengths = np.array([len(row) for row in inputs])
    low = int(lengths.min()) if low is None else low
    high = int(lengths.max()) if high is None else high
    asked = [length for length in np.unique(lengths).tolist() if low <= length <= high]
    if not asked:
        raise UserError(
            f"lengths: no held-out input is {low} to {high} characters long; they have {lengths.min()} to "
            f"{lengths.max()}"
        )
    for length in asked:
        rows: list[int] = np.flatnonzero(lengths == length).tolist()
        yield Examples(
            np.array([inputs[row] for row in rows], dtype=np.int64),
            np.full(len(rows), length),
            targets[rows],
            weights=None if weights is None else weights[rows],
        )


def near_lengths(codes: Codes, lengths: Ints, targets: Ints) -> list[Examples]:
    """Return `encoded` texts with their targets [texts, …] as examples, the shortest first, those of nearly one length
    together."""
    order = np.argsort(lengths, kind="stable")
    found: list[Examples] = []
    for start in range(0, len(order), ASKED_AT_ONCE):
        rows = order[start : start + ASKED_AT_ONCE]
        width = int(lengths[rows].max())
        found.append(Examples(codes[rows, :width].astype(np.int64), lengths[rows], targets[rows]))
    return found


def within(
    asked: Sequence[Examples], low: int | None, high: int | None, what: str, unit: str = "characters"
) -> Iterator[Examples]:
    """Yield those of `near_lengths` that are low…high long; raise UserError when there are none.

    what, unit: what they are called, and what their length is counted in, for the message
    """
    lengths = np.concatenate([examples.lengths for examples in asked])
    low, high = int(lengths.min()) if low is None else low, int(lengths.max()) if high is None else high
    if not ((lengths >= low) & (lengths <= high)).any():
        raise UserError(
            f"lengths: no {what} is {low} to {high} {unit} long; they have {lengths.min()} to {lengths.max()}"
        )
    for examples in asked:
        fit = (examples.lengths >= low) & (examples.lengths <= high)
        if fit.any():
            yield examples if fit.all() else examples.rows(fit)
