"""The words of the field: each explains itself, wherever it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from seqsum.compare.reader import FIRST_CHOICES, LAST_CHOICES, MEASURED
from seqsum.config import all_fields
from seqsum.glossary import SOURCES, TERMS, sources_in, term_of, terms_in
from seqsum.presets import all_presets
from seqsum.runs.verdict import RULES
from seqsum_tui.runs.columns import COLUMNS
from support.command_line import call, lines, refused
from tests.reference import words_page

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    "word",
    ["entropy", "eval", "saliency", "calibration", "eps", "logits", "bptt", "warmup", "warm-up", "perplexity",
     "teacher forcing", "teacher_forcing", "Learning Rate", "lr", "tutorial", "document 3", "gates"],
)  # fmt: skip
def test_a_word_explains_itself(word: str) -> None:
    status, out, err = call("explain", *word.split())
    said = " ".join(out.split())
    assert (status, err) == (0, "") and term_of(word).meaning in said
    assert lines("explain", *word.split())[0]["meaning"] == term_of(word).meaning


@pytest.mark.parametrize("word", [
    *RULES, *FIRST_CHOICES, *LAST_CHOICES, *MEASURED, "mae_same_as_last", "rmse", "horizon_mae", "balanced_accuracy",
    "edit_distance", "character_error_rate", "test_edit_distance",
    "horizon_mae_same_as_last", "majority_class_accuracy", "unigram_bits_per_character",
    *(column.key for column in COLUMNS), "aha", "chunk", "exploding", "explode", "queue", "checkpoint", "seed",
])  # fmt: skip
def test_what_stands_on_screens_is_explained(word: str) -> None:
    assert term_of(word).meaning


def test_the_verdict_names_all_there_are() -> None:
    assert [word for word in RULES if word not in term_of("verdict").meaning] == []


def test_everyday_words_are_not_explained_in_texts() -> None:
    assert terms_in("its name, the learned status of what is left") == []


def test_without_a_word_all_are_listed() -> None:
    assert {line["word"] for line in lines("explain")} == {term.word for term in TERMS}
    status, out, _ = call("explain")
    assert status == 0 and all(term.word in out for term in TERMS)


@pytest.mark.parametrize(
    ("typed", "near"), [("entrpy", "entropy"), ("lerning rate", "learning rate"), ("sofmax", "softmax")]
)
def test_a_word_that_is_none_names_the_nearest(typed: str, near: str) -> None:
    assert refused("explain", *typed.split()).startswith(f'explain: no word "{typed}"; did you mean "{near}"')


@pytest.mark.parametrize(
    ("typed", "found"),
    [("logits warm-up", ["logits", "warm-up"]), ("learning rate", ["learning rate"]), ("gates gates", ["gates"]),
     ("eps 'learning rate' lr", ["eps", "learning rate"])],
)  # fmt: skip
def test_several_words_are_explained_as_a_phrase_or_else_each_once(typed: str, found: list[str]) -> None:
    meanings = [term_of(word).meaning for word in found]
    assert [line["meaning"] for line in lines("explain", *shlex.split(typed))] == meanings
    status, out, _ = call("explain", *shlex.split(typed))
    assert status == 0 and len(out.splitlines()) >= len(meanings)
    assert all(meaning in " ".join(out.split()) for meaning in meanings)


def test_of_several_words_the_one_that_is_none_is_named() -> None:
    assert refused("explain", "logits", "entrpy").startswith('explain: no word "entrpy"; did you mean "entropy"')


def test_nothing_near_tells_of_the_list() -> None:
    assert refused("explain", "zzzz") == 'explain: no word "zzzz"; without a word, seqsum explain lists all it knows'


def test_each_meaning_is_one_or_two_sentences_and_each_word_its_own() -> None:
    for term in TERMS:
        ends = re.findall(r"[.:](?= [A-Z0-9]|$)", term.meaning)
        assert len(ends) <= 4 and len(term.meaning) <= 260, term.word
    spelled = [name.lower() for term in TERMS for name in (term.word, *term.others)]
    assert len(set(spelled)) == len(spelled)


def test_words_are_found_in_a_text_in_their_order_and_whole() -> None:
    found = [
        term.word for term in terms_in("eval_loss, then Logits; documents 1 to 5; no tokenizer, but gradient norms")
    ]
    assert found == ["eval", "loss", "logits", "documents", "gradient norm"]


def test_the_settings_with_a_word_of_the_field_for_a_name_are_explained() -> None:
    names = {facts.name for facts in all_fields()}
    explained = {"lr", "eps", "beta1", "beta2", "momentum", "dropout", "bptt", "teacher_forcing", "beam_width", "seed",
                 "weight_decay", "clip_norm", "hidden_size", "batch_size", "warmup_steps", "bidirectional"}  # fmt: skip
    assert explained <= names
    for name in explained:
        assert terms_in(name), name


def test_the_sources_are_those_of_the_site_and_named_wherever_a_preset_names_one() -> None:
    page = (DOCS / "sources.md").read_text(encoding="utf-8")
    for source in SOURCES:
        line = next(line for line in page.splitlines() if line.startswith(f"| {source.number} |"))
        assert source.title in line and source.link in line
    naming = [
        preset
        for preset in all_presets()
        if re.search("the tutorial|[Dd]ocument \\d", preset.description + preset.look_for)
    ]
    assert len(naming) > 3
    for preset in naming:
        assert sources_in(preset.description + preset.look_for)
        said = " ".join(call("presets", preset.name)[1].split())
        assert any(source.title in said for source in SOURCES)


def test_all_documents_together_are_one_word_that_names_each() -> None:
    (term,) = terms_in("Stacked recurrent layers (documents 1 to 5)")[2:]
    assert term is term_of("documents 1 to 5") is term_of("documents")
    assert all(source.author in term.meaning for source in SOURCES)


def test_the_site_has_every_word() -> None:
    page = words_page()
    assert all(f"**{term.title}**" in page for term in TERMS)
