"""Words and subwords: what a token is, that nothing is lost when they are joined, and that checkpoints know them."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqsum.config import Config
from seqsum.errors import ConfigError, UserError
from seqsum.presets import load_preset
from seqsum.query.answering import Answerer
from seqsum.query.registry import questions
from seqsum.runs import Workspace
from seqsum.tasks.character_lm import CharacterLm, CharacterLmConfig
from seqsum.tasks.text_classification import TextClassification, TextClassificationConfig
from seqsum.tasks.tokenizer import Kind, Subwords, Words, learned, restored, split
from seqsum.training.trainer import Trainer
from support.command_line import call
from support.trained import preset_run

TEXT = "Don't panic, Ms. Smith: the year is 2026.\n\n  Two  spaces, a tab\tand naïve façades — हिन्दी में — 日本語 🙂.\n"
SENTENCE = "the quick brown fox jumps over the lazy dog; "
TEXTS = st.text() | st.text(alphabet="ab, \n\té\u0301_", max_size=40)


def lm_on(folder: Path, text: str, **fields: Any) -> CharacterLm:
    path = folder / "text.txt"
    path.write_text(text, encoding="utf-8")
    return CharacterLm(CharacterLmConfig(corpus=str(path), **fields))


def texts_on(folder: Path, **fields: Any) -> TextClassification:
    path = folder / "texts.jsonl"
    rows = [
        {"text": f"{name} says {word} {mark}", "label": word}
        for name in (f"person{place}" for place in range(40))
        for word, mark in (("yes", "!"), ("no", "?"))
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return TextClassification(TextClassificationConfig(file=str(path), **fields))


@settings(deadline=None)
@given(TEXTS)
def test_words_that_are_known_join_to_the_very_text(text: str) -> None:
    words = Words(sorted(set(split(text))))
    assert words.text(words.places(text).tolist()) == text


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_subwords_join_to_the_very_text_whatever_they_learned_from(text: str) -> None:
    places = SUBWORDS.places(text)
    assert (places >= 0).all()
    assert SUBWORDS.text(places.tolist()) == text


SUBWORDS = Subwords.learned([TEXT * 3], 300)


def test_words_against_a_plain_reading_of_prose() -> None:
    """In prose of single spaces, the words that are no white space are those of a plain expression."""
    prose = "It was the best of times, it was the worst of times; it was the age of wisdom."
    assert [word for word in split(prose) if word != " "] == re.findall(r"[A-Za-z]+|[^A-Za-z ]", prose)
    assert split("import os") == ["import", "os"]
    assert split("में हिन्दी") == ["में", "हिन्दी"]


def test_the_most_frequent_words_are_told_apart_ties_by_themselves() -> None:
    tokenizer, there = learned("words", ["b a c a b a d"], 3)
    assert list(tokenizer.names) == ["a", "b", "c"]
    assert there == 4
    assert tokenizer.remarks("a x y x b")[0].startswith("3 of 5 words and marks are unknown")
    assert '"x"' in tokenizer.remarks("a x y x b")[0] and '"y"' in tokenizer.remarks("a x y x b")[0]
    assert tokenizer.remarks("a x", 1) == []


def merges_of(text: str, merges: int) -> set[bytes]:
    """Byte-pair encoding as Sennrich et al. have it, over words with the space before them."""
    words = Counter(tuple(bytes([one]) for one in piece.encode()) for piece in re.findall(r" ?[a-z]+", text))
    found = set[bytes]()
    for _ in range(merges):
        pairs = Counter[tuple[bytes, bytes]]()
        for word, count in words.items():
            for pair in pairwise(word):
                pairs[pair] += count
        (left, right), count = pairs.most_common(1)[0]
        assert list(pairs.values()).count(count) == 1, "the test's text leaves no choice"
        found.add(left + right)
        merged = Counter[tuple[bytes, ...]]()
        for word, times in words.items():
            parts, at = list[bytes](), 0
            while at < len(word):
                both = word[at : at + 2] == (left, right)
                parts.append(left + right if both else word[at])
                at += 1 + both
            merged[tuple(parts)] += times
        words = merged
    return found


def test_subwords_against_byte_pair_encoding_by_hand() -> None:
    text = " hug" * 10 + " pug" * 5 + " pun" * 12 + " bun" * 4 + " hugs" * 5
    tokenizer = Subwords.learned([text], 256 + 3)
    assert {name.encode() for name in tokenizer.names[256:]} == merges_of(text, 3)


def test_subwords_are_the_same_in_another_process() -> None:
    program = (
        "import sys, seqsum.tasks.tokenizer as t;"
        "print(t.Subwords.learned([sys.argv[1]] * 3, 400).facts()['subwords'], end='')"
    )
    done = subprocess.run([sys.executable, "-c", program, TEXT], capture_output=True, text=True, check=True)
    assert done.stdout == Subwords.learned([TEXT] * 3, 400).facts()["subwords"]


def test_a_part_of_a_character_is_named_by_its_bytes() -> None:
    tokenizer = Subwords.learned(["abc"], 256)
    assert [tokenizer.names[place] for place in tokenizer.places("🙂")] == [r"\xf0", r"\x9f", r"\x99", r"\x82"]


@pytest.mark.parametrize("kind", ["characters", "words", "subwords"])
def test_facts_bring_the_tokenizer_back(kind: Kind) -> None:
    tokenizer, _ = learned(kind, [TEXT * 3], 300)
    again = restored(json.loads(json.dumps(tokenizer.facts())))
    assert list(again.names) == list(tokenizer.names)
    assert again.places(TEXT).tolist() == tokenizer.places(TEXT).tolist()


def test_bits_per_character_of_a_uniform_model_are_those_of_its_tokens_over_the_text(tmp_path: Path) -> None:
    text = SENTENCE * 40
    held_out = text[-round(len(text) * 0.1) :]
    for kind in ("characters", "words", "subwords"):
        task = lm_on(tmp_path, text, tokenizer=kind, vocabulary_size=None if kind != "subwords" else 300)
        asked = np.concatenate([part.inputs[0] for part in task.held_out()])
        first = task.input_names(asked[:1])[0]
        loss = math.log(task.classes)
        expected = (len(asked) - 1) * math.log2(task.classes) / (len(held_out) - len(first))
        assert task.loss_metrics(loss)["bits_per_character"] == pytest.approx(expected)


def test_fewer_words_do_not_make_a_text_cheaper(tmp_path: Path) -> None:
    """A vocabulary of one word has tokens that cost nothing; what is unknown costs its spelling."""
    few = lm_on(tmp_path, SENTENCE * 100, tokenizer="words", vocabulary_size=1)
    many = lm_on(tmp_path, SENTENCE * 100, tokenizer="words")
    bits = [task.loss_metrics(0.0)["bits_per_character"] for task in (few, many)]
    assert bits[0] > 3 and bits[1] == 0
    unigrams = [task.loss_metrics(0.0)["unigram_bits_per_character"] for task in (few, many)]
    assert unigrams[0] > unigrams[1]


def test_what_is_unknown_costs_what_a_code_by_hand_has_for_it(tmp_path: Path) -> None:
    """A text of 100 characters: 80 are read, 20 asked; e and z come new, and could be any of Unicode's."""
    text = "ab cd " * 13 + "ab" + "ab ez ab cd ab cd ab"
    read = Counter(text[:80])
    signs = sum(read.values()) + len(read) + 1  # one more of each, and one for all that was never read
    end = signs / (len(read) + 1)
    of_words = [1 / (signs + end) / 0x110000] * 2 + [end / (signs + end)]
    words = lm_on(tmp_path, text, tokenizer="words", vocabulary_size=4, held_out_share=0.2)
    paid = -sum(map(math.log2, of_words))
    assert words.loss_metrics(0.0)["bits_per_character"] == pytest.approx(paid / (20 - len("ab")))
    # Told apart are the space, a and b; spelt is what is left: c and d, 13 times each, and what comes new.
    characters = lm_on(tmp_path, text, vocabulary_size=3, held_out_share=0.2)
    others = Counter(one for one in text[:80] if one in "cd")
    signs = sum(others.values()) + len(others) + 1
    assert dict(others) == {"c": 13, "d": 13}
    shares = [others[one] + 1 for one in text[80:] if one in "cd"] + [1 / 0x110000] * 2
    paid = -sum(math.log2(share / signs) for share in shares)
    assert characters.loss_metrics(0.0)["bits_per_character"] == pytest.approx(paid / 19)


def test_fewer_characters_do_not_make_a_text_cheaper(tmp_path: Path) -> None:
    few, many = lm_on(tmp_path, SENTENCE * 100, vocabulary_size=1), lm_on(tmp_path, SENTENCE * 100)
    bits = [task.loss_metrics(0.0)["bits_per_character"] for task in (few, many)]
    assert bits[0] > 3 and bits[1] == 0


def test_what_is_written_goes_on_behind_the_prompt(tmp_path: Path) -> None:
    task = lm_on(tmp_path, SENTENCE * 40, tokenizer="words")
    for prompt in ("the quick", "the quick "):
        inputs = task.parse(prompt)
        written = task.read_answer(inputs, task.parse("brown fox; the"))
        assert task.echo(inputs) + written == "the quick brown fox; the"
    assert task.read_answer(task.parse("dog"), task.parse("; the")) == "; the"


def test_the_training_part_alone_teaches(tmp_path: Path) -> None:
    text = SENTENCE * 90 + "zebras zigzag " * 32  # a tenth of it, at the end
    words = lm_on(tmp_path, text, tokenizer="words")
    assert words.remarks("zebras") and not words.remarks("quick")
    assert any("of the held-out words are unknown" in note for note in words.notes)
    subwords = lm_on(tmp_path, text, tokenizer="subwords")
    assert "zebras" not in "".join(subwords.class_names())
    assert any(
        "gives no more than" in note for note in lm_on(tmp_path, text, tokenizer="words", vocabulary_size=900).notes
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"task.tokenizer": "subwords", "task.vocabulary_size": "255"}, "at least 256 with subwords"),
        ({"task.tokenizer": "syllables"}, "must be one of"),
    ],
)
@pytest.mark.parametrize("preset", ["character_lm", "text_classification"])
def test_what_cannot_be_is_refused(preset: str, fields: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_preset(preset).config.changed(fields, "test")


def test_parts_without_anything_to_learn_or_to_ask_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="too little text is left to train on"):
        lm_on(tmp_path, "a" * 20, held_out_share=0.5, test_share=0.45)
    task = lm_on(tmp_path, "a b " * 10 + "c" * 30, tokenizer="words", held_out_share=0.2)
    with pytest.raises(UserError, match="a single word"):
        list(task.held_out())


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (3, "so accuracy is high for little; a larger task.vocabulary_size, or task.tokenizer subwords, to which"),
        (None, ""),
    ],
)
def test_where_much_is_unknown_the_way_out_is_told(size: int | None, told: str, tmp_path: Path) -> None:
    notes = lm_on(tmp_path, SENTENCE * 40, tokenizer="words", vocabulary_size=size).notes
    assert [told in note for note in notes if "counts as right" in note] == ([True] if told else [])
    strange = lm_on(tmp_path, SENTENCE * 40 + "zebras quagga " * 8, tokenizer="words", held_out_share=0.1).notes
    assert any("for little; task.tokenizer subwords" in note for note in strange)


def test_every_answer_to_an_input_says_what_of_it_is_unknown(tmp_path: Path) -> None:
    typed = [name for name, question in questions().items() if "input" in question.model_fields]
    assert all("remarks" in questions()[name].answers.model_fields for name in typed)
    path = tmp_path / "texts.csv"
    rows = (f"person{n % 7} says {'good' if n % 2 else 'bad'} {n},{'yes' if n % 2 else 'no'}" for n in range(60))
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    run = preset_run(tmp_path, "text_classification", **{"task.file": str(path), "task.tokenizer": "words"})
    answerer, text = Answerer(run), "person1 says maybe"
    told = ['1 of 3 words and marks are unknown to this model and read alike, as �: "maybe"']
    offered = answerer.ask("facts")[1]["answer"]["asks"]
    for name in set(typed) & set(offered):
        assert answerer.ask(name, input=text)[1]["answer"]["remarks"] == told, name
    assert {"predict", "inspect", "history"} <= set(offered)
    assert told[0] in call("inspect", run.id, text, "--workspace", str(tmp_path))[1].splitlines()
    assert answerer.ask("inspect", input="person1 says good")[1]["answer"]["remarks"] == []


def test_texts_are_cut_and_named_by_words(tmp_path: Path) -> None:
    task = texts_on(tmp_path, tokenizer="words", max_length=3)
    asked = task.parse("person1 says maybe !")
    assert task.input_names(asked) == ["person1", "says", "�"]
    assert task.echo(asked) == "person1 says �"
    assert task.remarks("person1 says maybe !") == [
        "only the first 3 of 5 words were read",
        '1 of 3 words and marks are unknown to this model and read alike, as �: "maybe"',
    ]
    for examples in task.held_out():
        assert examples.inputs.max() <= task.padding and examples.lengths.max() <= 3


def test_no_held_out_text_reads_as_a_training_text(tmp_path: Path) -> None:
    for fields in ({"tokenizer": "words", "vocabulary_size": 40}, {"tokenizer": "subwords", "max_length": 9}):
        task = texts_on(tmp_path, **fields)
        batches = task.batches(0, 0, 1, int(task.steps_per_epoch(1)))
        trained = {tuple(row[:n]) for row, n in zip(batches.inputs[0], batches.lengths[0], strict=True)}
        asked = {tuple(row[:n]) for part in task.held_out() for row, n in zip(part.inputs, part.lengths, strict=True)}
        assert asked and not trained & asked


@pytest.mark.parametrize("kind", ["words", "subwords"])
def test_a_checkpoint_answers_without_the_data(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / "text.txt"
    path.write_text(SENTENCE * 60, encoding="utf-8")
    changes = {
        "task.corpus": str(path), "task.tokenizer": kind, "task.vocabulary_size": "300", "task.bptt": "8",
        "model.hidden_size": "24", "train.batch_size": "8", "train.steps": "120", "optim.lr": "2e-2",
    }  # fmt: skip
    config: Config = load_preset("character_lm").config.changed(changes, "test")
    run = Workspace(tmp_path / "runs").create("test", config)
    trainer = Trainer(config)
    while trainer.step < 120:
        trainer.run_chunk([120])
    trainer.save(run.checkpoints)
    path.unlink()
    answerer = Answerer(run)
    answer = answerer.ask("sample", input="the quick brown ", length=4, temperature=0.0)[1]["answer"]
    assert (answer["prompt"] + answer["written"]).startswith("the quick brown fox")
    assert answerer.ask("loss_per_character", input="the quick")[1]["answer"]["unit"] == kind[:-1]
