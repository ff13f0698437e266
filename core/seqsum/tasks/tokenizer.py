"""What one token of a text is: a character, a word, or a subword by byte-level BPE (Sennrich et al. 2016, Radford et
al. 2019)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import ValidationInfo

from seqsum.schema import shown
from seqsum.tasks.alphabet import places_in
from seqsum.tasks.base import Ints
from seqsum.tasks.plain_tokens import (
    BYTES,
    SURROGATE,
    CharacterTokens,
    SubwordTokens,
    WordTokens,
    byte_letters,
    split,
)
from seqsum.tasks.tables import listed
from seqsum.tasks.text_files import REPLACEMENT, unknown_of

Kind = Literal["characters", "words", "subwords"]
KIND_WORDS = (
    "what one token is: characters; words, with white space and marks of their own; or subwords, learned from the "
    "training part by byte-level BPE"
)
PIECE = 1 << 20  # characters that are encoded at once
MOST_TOLD = 5


class Tokenizer(ABC):
    """Tokens are places among those that are told apart; −1 is an unknown one.

    names: each token by itself; unit: what one is called
    """

    unit: ClassVar[str]
    names: Sequence[str]

    @abstractmethod
    def places(self, text: str) -> Ints:
        """Return a text's tokens, int64 [tokens]."""

    def length(self, text: str) -> int:
        """Return how many tokens a text has."""
        return len(self.places(text))

    @abstractmethod
    def text(self, places: Iterable[int]) -> str:
        """Join tokens to the text that they are; an unknown one is U+FFFD."""

    def remarks(self, text: str, most: int | None = None) -> list[str]:
        """Say what of a text's first `most` tokens is unknown."""
        return []

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return what `restored` makes the tokenizer of, JSON-ready."""


class Characters(CharacterTokens, Tokenizer):
    unit = "character"

    def places(self, text: str) -> Ints:
        return places_in(text, str(self.names))

    def length(self, text: str) -> int:
        return len(text)

    def remarks(self, text: str, most: int | None = None) -> list[str]:
        read = text[:most]
        unknown = int((self.places(read) < 0).sum())
        return [unknown_of(unknown, len(read))] if unknown else []

    def facts(self) -> dict[str, Any]:
        return {"characters": self.names}


class Words(WordTokens, Tokenizer):
    unit = "word"

    def places(self, text: str) -> Ints:
        return np.array(self.tokens(text), dtype=np.int64)

    def unknown(self, text: str) -> list[str]:
        """Return the words of a text that are unknown, as often as each stands in it."""
        return [word for word in split(text) if word not in self.known]

    def remarks(self, text: str, most: int | None = None) -> list[str]:
        read = split(text)[:most]
        unknown = [word for word in read if word not in self.known]
        if not unknown:
            return []
        several = list(dict.fromkeys(unknown))
        told = listed([shown(word) for word in several[:MOST_TOLD]]) + ("…" if len(several) > MOST_TOLD else "")
        return [
            f"{len(unknown):,} of {len(read):,} words and marks are unknown to this model and read alike, as "
            f"{REPLACEMENT}: {told}"
        ]

    def facts(self) -> dict[str, Any]:
        return {"words": self.names}


class Subwords(SubwordTokens, Tokenizer):
    """Read by the `tokenizers` library, which is quicker."""

    unit = "subword"

    def __init__(self, model: str) -> None:
        from tokenizers import Tokenizer as Library

        super().__init__(model)
        self._library = Library.from_str(model)
        self._model = model

    @classmethod
    def learned(cls, texts: Iterable[str], most: int) -> Subwords:
        """Merge the most frequent pairs until there are `most` subwords, or no pair occurs twice."""
        from tokenizers import Tokenizer as Library
        from tokenizers.models import BPE
        from tokenizers.pre_tokenizers import ByteLevel
        from tokenizers.trainers import BpeTrainer

        library = Library(BPE())
        library.pre_tokenizer = ByteLevel(add_prefix_space=False)
        trainer = BpeTrainer(
            vocab_size=most, min_frequency=2, initial_alphabet=sorted(byte_letters()), show_progress=False
        )
        library.train_from_iterator((piece for text in texts for piece in _pieces(text)), trainer)
        return cls(library.to_str())

    def places(self, text: str) -> Ints:
        ids = [place for piece in _pieces(text) for place in self._library.encode(piece).ids]
        return np.array(ids, dtype=np.int64)

    def facts(self) -> dict[str, Any]:
        return {"subwords": self._model}


def learned(kind: Kind, texts: Sequence[str], most: int) -> tuple[Tokenizer, int]:
    """Make the tokenizer of training texts with at most `most` tokens; return also how many there are to be had.

    Words, and characters, are the most frequent, in that order; ties by themselves: the same texts give the same
    everywhere.
    """
    if kind == "subwords":
        found = Subwords.learned(texts, most)
        return found, len(found.names)
    counts = Counter[str]()
    for text in texts:
        counts.update(text if kind == "characters" else split(text))
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    chosen = ranked[:most]
    return (Characters("".join(chosen)) if kind == "characters" else Words(chosen)), len(ranked)


def restored(facts: dict[str, Any], otherwise: str = "") -> Tokenizer:
    """Make the tokenizer of a checkpoint's facts; otherwise: the characters of one that keeps none."""
    if "subwords" in facts:
        return Subwords(facts["subwords"])
    return Words(facts["words"]) if "words" in facts else Characters(facts.get("characters", otherwise))


def enough(value: int | None, info: ValidationInfo) -> int | None:
    """A validator for `vocabulary_size`; raises ValueError where there would be fewer subwords than bytes."""
    if value is not None and value < BYTES and info.data.get("tokenizer") == "subwords":
        raise ValueError(f"must be at least {BYTES} with subwords: every byte is one; got {value}")
    return value


def _pieces(text: str) -> Iterator[str]:
    """Cut a long text where a line begins, so that no more than a part of it is held in pieces; a lone surrogate, which
    is no character, is U+FFFD."""
    text = SURROGATE.sub(REPLACEMENT, text)
    start = 0
    while start < len(text):
        end = start + PIECE
        if end < len(text):
            end = text.rfind("\n", start, end) + 1 or end
        yield text[start:end]
        start = end
