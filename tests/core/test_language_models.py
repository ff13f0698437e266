"""The baselines beside language models, against counting by hand."""

from __future__ import annotations

import math
import re
from collections import Counter
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest

from seqsum.tasks.character_lm import CharacterLm, CharacterLmConfig
from tests.language_models import TEXT, parts
from tests.ngram import WittenBell

READ = [0, 1, 0, 1, 1, 2]
"""a b a b b c"""


def test_witten_bell_against_a_page_of_arithmetic() -> None:
    """After b stood a, b and c, once each; a stood 2 times of 6, b 3 times, c once."""
    a, b, c = (Fraction(n + 3 * Fraction(1, 3), 6 + 3) for n in (2, 3, 1))
    assert a + b + c == 1
    model = WittenBell(READ, 2, 3)
    for token, unigram in enumerate((a, b, c)):
        assert model.probability([], token) == pytest.approx(float(unigram))
        assert model.probability([1], token) == pytest.approx(float((1 + 3 * unigram) / (3 + 3)))
    # After a there was b alone, twice; c never went on.
    assert model.probability([0], 1) == pytest.approx(float((2 + 1 * b) / (2 + 1)))
    assert model.probability([2], 0) == model.probability([], 0)
    chances = [(2 + 1 * b) / 3, (1 + 3 * c) / 6]
    assert model.loss([0, 1, 2]) == pytest.approx(-math.log(chances[0] * chances[1]) / 2)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_probabilities_of_all_tokens_are_one(order: int) -> None:
    model = WittenBell(READ * 3, order, 4)
    for history in product(range(4), repeat=4):
        assert sum(model.probability(history, token) for token in range(4)) == pytest.approx(1)


def test_longer_histories_know_what_follows() -> None:
    read = [0, 0, 1, 1] * 50
    losses = [WittenBell(read, order, 2).loss(read) for order in (1, 2, 3)]
    assert losses[0] == pytest.approx(math.log(2), rel=0.01) and losses[2] < 0.1 < losses[1]


def words_of(text: str) -> list[str]:
    """Words, marks and white space, but for the space between two words."""
    return [one for one in re.findall(r"\w+|\s+|.", re.sub(r"(?<=\w) (?=\w)", "\0", text)) if one != "\0"]


@pytest.mark.parametrize(("tokenizer", "size"), [("characters", 128), ("words", 2_000)])
def test_the_unigram_line_of_the_novel_against_counting_by_hand(tokenizer: str, size: int) -> None:
    """From the text alone: how often each token stands in what is read, and one more; unknown words are spelt."""
    config = CharacterLmConfig(corpus=str(TEXT), tokenizer=tokenizer, vocabulary_size=size, test_share=0.1)
    read, _, asked = parts(TEXT.read_text(encoding="utf-8"))
    counted, tokens = (list(text) if tokenizer == "characters" else words_of(text) for text in (read, asked))
    ranked = Counter(counted)
    known = {one for one, _ in sorted(ranked.items(), key=lambda item: (-item[1], item[0]))[:size]}
    frequency = Counter(one if one in known else "unknown" for one in counted)
    frequency["unknown"] += 0
    bits = -sum(
        math.log2((frequency[one if one in known else "unknown"] + 1) / (len(counted) + len(frequency)))
        for one in tokens
    )
    letters = Counter(read)
    signs = len(read) + len(letters) + 1
    end = signs / (len(letters) + 1)
    for word in (one for one in tokens if one not in known):
        bits -= sum(math.log2((letters[one] + 1) / (signs + end)) for one in word) + math.log2(end / (signs + end))
    test = CharacterLm(config).of_test()
    assert test.loss_metrics(1.0)["unigram_bits_per_character"] == pytest.approx(bits / len(asked))


def test_no_passage_that_is_asked_was_read() -> None:
    """Long lines come once: no paragraph of 80 characters, and no 100 characters in a row, stand in two parts."""
    read, chooses, asked = parts(TEXT.read_text(encoding="utf-8"))
    for held_out, before in ((chooses, read), (asked, read + chooses)):
        assert not {line for line in held_out.split("\n") if len(line) >= 80} & set(before.split("\n"))
        assert not any(held_out[place : place + 100] in before for place in range(0, len(held_out) - 100, 50))


def test_the_text_says_whose_it_is() -> None:
    told = (Path(TEXT).parent / "README.md").read_text(encoding="utf-8")
    assert TEXT.name in told and "public domain" in told
