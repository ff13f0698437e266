"""Texts as tokens in plain Python: what a tokenizer is once it has been learned."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

from seqsum.tasks.text_files import REPLACEMENT

SURROGATE = re.compile("[\ud800-\udfff]")
BYTES = 256  # the fewest subwords: any text is bytes
SPACES = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""Unicode's White_Space: Python's own has four control characters more."""


class CharacterTokens:
    """Every character is a token: its place among `names`."""

    names: Sequence[str]

    def __init__(self, characters: str) -> None:
        self.names = characters

    @cached_property
    def known(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    def tokens(self, text: str) -> list[int]:
        """Return a text's tokens, −1 for an unknown one."""
        return [self.known.get(character, -1) for character in text]

    def text(self, places: Iterable[int]) -> str:
        """Join tokens to the text that they are; an unknown one is U+FFFD."""
        return "".join(self.names[place] if place >= 0 else REPLACEMENT for place in places)


class WordTokens:
    """A word, a mark, or white space in one piece is a token; a single space between two words is none.

    It is implied by two words that follow each other, so that nothing is lost when tokens are joined.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.names = words
        self.known = {word: place for place, word in enumerate(words)}

    def tokens(self, text: str) -> list[int]:
        """Return a text's tokens, −1 for an unknown one."""
        return [self.known.get(word, -1) for word in split(text)]

    def text(self, places: Iterable[int]) -> str:
        """Join tokens to the text that they are; an unknown one is U+FFFD."""
        written, after_word = list[str](), False
        for place in places:
            word = place < 0 or _is_word(self.names[place])
            if word and after_word:
                written.append(" ")
            written.append(self.names[place] if place >= 0 else REPLACEMENT)
            after_word = word
        return "".join(written)


class SubwordTokens:
    """Byte-level BPE (Sennrich et al. 2016, Radford et al. 2019): pieces of words with the space before them, down to
    single bytes, so that nothing is unknown.

    model: the `tokenizers` library's own JSON
    """

    def __init__(self, model: str) -> None:
        found = json.loads(model)["model"]
        self._vocabulary: dict[str, int] = found["vocab"]
        pairs = [pair if isinstance(pair, list) else pair.split(" ") for pair in found["merges"]]
        self._ranks = {(first, second): rank for rank, (first, second) in enumerate(pairs)}
        letters = byte_letters()
        pieces = sorted(self._vocabulary, key=lambda piece: self._vocabulary[piece])
        self._bytes = [bytes(letters[letter] for letter in piece) for piece in pieces]
        self.names: Sequence[str] = [one.decode("utf-8", "backslashreplace") for one in self._bytes]

    def tokens(self, text: str) -> list[int]:
        """Return a text's tokens; a lone surrogate, which is no character, is U+FFFD."""
        letter_of = {byte: letter for letter, byte in byte_letters().items()}
        words = _subword_pattern().findall(SURROGATE.sub(REPLACEMENT, text))
        spelled = ([letter_of[byte] for byte in word.encode()] for word in words)
        return [self._vocabulary[piece] for letters in spelled for piece in self._merged(letters)]

    def _merged(self, pieces: list[str]) -> list[str]:
        """Merge neighbours, those first that were merged first when the subwords were learned."""
        while len(pieces) > 1:
            ranks = [self._ranks.get(pair, len(self._ranks)) for pair in pairwise(pieces)]
            place = min(range(len(ranks)), key=ranks.__getitem__)
            if ranks[place] == len(self._ranks):
                break
            pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]
        return pieces

    def text(self, places: Iterable[int]) -> str:
        """Join tokens to the text that they are."""
        unknown = REPLACEMENT.encode()
        joined = b"".join(self._bytes[place] if place >= 0 else unknown for place in places)
        return joined.decode("utf-8", "replace")


def tokens_of(facts: dict[str, Any]) -> CharacterTokens | WordTokens | SubwordTokens:
    """Make what a tokenizer's `facts` describe."""
    if "subwords" in facts:
        return SubwordTokens(facts["subwords"])
    return WordTokens(facts["words"]) if "words" in facts else CharacterTokens(facts["characters"])


def split(text: str) -> list[str]:
    """Cut a text into words, marks and white space, without the single spaces between two words."""
    pieces: list[str] = _word_pattern().findall(text)
    last = len(pieces) - 1
    return [
        piece
        for at, piece in enumerate(pieces)
        if piece != " " or not (0 < at < last and _is_word(pieces[at - 1]) and _is_word(pieces[at + 1]))
    ]


@lru_cache(maxsize=1)
def _word_pattern() -> re.Pattern[str]:
    # What Python calls \w leaves out the marks that belong to the letter before them, as in Hindi and pointed Arabic.
    marks = "".join(chr(code) for code in range(sys.maxunicode) if unicodedata.category(chr(code))[0] == "M")
    return re.compile(rf"[\w{marks}]+|\s+|.", re.DOTALL)


def _is_word(piece: str) -> bool:
    first = piece[0]
    return first.isalnum() or first == "_" or unicodedata.category(first)[0] == "M"


@lru_cache(maxsize=1)
def _subword_pattern() -> re.Pattern[str]:
    """What BPE merges within: GPT-2's pattern, with Unicode's letters L and numbers N, which Python has no name for."""
    letters, numbers = ("".join(_ranges(kind)) for kind in "LN")
    return re.compile(
        rf"'(?:[sdmt]|ll|ve|re)| ?[{letters}]+| ?[{numbers}]+| ?[^{SPACES}{letters}{numbers}]+"
        rf"|[{SPACES}]+(?![^{SPACES}])|[{SPACES}]+"
    )


def _ranges(kind: str) -> Iterator[str]:
    """Yield the characters of a kind, those in a row as what a pattern has for them: `a-z`."""
    start: int | None = None
    for code in range(sys.maxunicode + 2):
        inside = code <= sys.maxunicode and unicodedata.category(chr(code))[0] == kind
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            yield f"{chr(start)}-{chr(code - 1)}"
            start = None


@lru_cache(maxsize=1)
def byte_letters() -> dict[str, int]:
    """The letter that stands for each byte in byte-level BPE: its own where it can be seen, else one from 256 on."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(BYTES) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {chr(BYTES + place): byte for place, byte in enumerate(others)}
