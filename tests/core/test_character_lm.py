"""The character language model: its corpus, its vocabulary, and what becomes of a corpus that changes."""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqsum.config import Config, resolved
from seqsum.errors import ConfigError, UserError
from seqsum.presets import load_preset
from seqsum.registry import make_task
from seqsum.tasks.base import NOT_ASKED
from seqsum.tasks.character_lm import CharacterLm, CharacterLmConfig, encoded, unigram_bits
from seqsum.tasks.corpus import read_corpus
from seqsum.tasks.tokenizer import Characters
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer

SENTENCE = "the quick brown fox jumps over the lazy dog; "


def task_on(path: Path, **fields: Any) -> CharacterLm:
    return CharacterLm(CharacterLmConfig(corpus=str(path), **fields))


def small(corpus: Path) -> Config:
    changes = {
        "task.corpus": str(corpus), "task.bptt": "16", "model.hidden_size": "32", "train.batch_size": "8",
        "train.steps": "60", "optim.lr": "1e-2",
    }  # fmt: skip
    return load_preset("character_lm").config.changed(changes, "test")


def run(trainer: Trainer, until: int) -> Trainer:
    while trainer.step < until:
        trainer.run_chunk([until])
    return trainer


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(SENTENCE * 100, encoding="utf-8")
    return path


def test_vocabulary_and_tokens(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("bbaaacd" * 10 + "zzzzzzz", encoding="utf-8")  # the last tenth is held out: z is unknown
    task = task_on(path, vocabulary_size=3)
    assert task.data_facts()["characters"] == "abc"  # most frequent first, ties by the character
    assert task.vocabulary == task.classes == 4
    assert task.parse("abcdz\n").tolist() == [1, 2, 3, 0, 0, 0]
    assert task.echo(task.parse("abz")) == "ab\ufffd"
    batches = task.batches(0, 0, 4, 2)
    assert batches.inputs.shape == (4, 2, 64)
    training = [{"a": 1, "b": 2, "c": 3}.get(c, 0) for c in ("bbaaacd" * 10 + "zzzzzzz")[:69]]
    assert batches.inputs[0, 0].tolist() == training[:64]
    assert batches.targets[0, 0].tolist() == training[1:65]
    [held_out] = task.held_out()
    asked = held_out.targets != NOT_ASKED
    assert asked.sum() == held_out.targets.size - 1 and not held_out.targets[asked].any()


def test_encoding_against_a_dictionary() -> None:
    characters = "e tz\n√a😀"
    text = "zebra at √2 😀\n\t\x00é" * 3
    assert encoded(text, Characters(characters)).tolist() == [characters.find(c) + 1 for c in text]


def test_unigram_bits_against_the_formula() -> None:
    text = "abracadabra"
    counts = Counter(text)
    characters = "".join(counts)
    expected = -sum(math.log2((counts[c] + 1) / (len(text) + len(counts) + 1)) for c in text) / len(text)
    assert unigram_bits([0, *counts.values()], encoded(text, Characters(characters))) == pytest.approx(expected)
    # With many characters the one that is added to each count plays no part: it is the entropy.
    entropy = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    many = [n * 100_000 for n in counts.values()]
    assert unigram_bits([0, *many], encoded(text, Characters(characters))) == pytest.approx(entropy, abs=1e-3)


def test_loss_falls_well_below_the_unigram_entropy(text: Path) -> None:
    trainer = run(Trainer(small(text)), 60)
    result = trainer.evaluate()[0]
    assert result.metrics["bits_per_character"] == pytest.approx(result.loss / math.log(2))
    assert result.metrics["bits_per_character"] < 0.5 * result.metrics["unigram_bits_per_character"]


def test_the_standard_library_is_the_default_corpus() -> None:
    task = CharacterLm(CharacterLmConfig(characters=50_000))
    again = CharacterLm(CharacterLmConfig(characters=50_000))
    assert task.data_facts() == again.data_facts()
    assert "def " in task.read_answer(task.parse("x"), task.batches(0, 0, 1, 700).inputs[0].reshape(-1))
    assert any("more text" in note for note in task.notes)


def test_epochs_count(text: Path) -> None:
    config, task = resolved(small(text).changed({"train.epochs": "2"}, "test"), "test")
    assert config.train.steps == math.ceil(2 * 0.9 * 4500 / (8 * 16))
    assert task.steps_per_epoch(8) == pytest.approx(0.9 * 4500 / (8 * 16))


def test_folders_are_read_in_order_without_what_is_no_text(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    for name, data in {
        "b.txt": b"second\r\nline\r",
        "a.txt": b"\xef\xbb\xbffirst ",
        "c/d.txt": "oder dr\u00fcben".encode("latin-1"),
        "c/russian.txt": "\u043f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440".encode("cp1251"),
        "c/binary": b"text\0" * 10,
        ".hidden": b"no",
        ".git/x": b"no",
        "empty": b"",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    os.mkfifo(folder / "pipe")
    corpus = read_corpus(str(folder), 1000)
    assert corpus.text == "first second\nline\noder dr\ufffdben"
    assert (corpus.files, corpus.skipped, corpus.undecodable, corpus.cut) == (3, 2, 1, False)
    alone = folder / "c/russian.txt"
    words = r"russian.txt.*: line 1: byte 0xEF \(byte 1 of the file\) is no UTF-8 .*iconv.*Windows-1252"
    with pytest.raises(UserError, match=rf"^task.corpus: can't read .*{words}"):
        read_corpus(str(alone), 1000)
    (folder / "only").mkdir()
    (folder / "only/russian.txt").write_bytes(alone.read_bytes())
    with pytest.raises(UserError, match=rf"^task.corpus: .*only holds no text; .*passed over was {words}"):
        read_corpus(str(folder / "only"), 1000)
    cut = read_corpus(str(folder), 8)
    assert cut.text == "first se" and cut.cut
    notes = task_on(folder).notes
    passed = [note for note in notes if "passed over" in note]
    assert len(passed) == 1 and "3 files" in passed[0] and "the first is binary: it holds zero bytes" in passed[0]
    assert any("can't be decoded" in note for note in notes)
    (folder / "c/binary").unlink()
    (folder / "only/russian.txt").unlink()
    assert re.search(f"1 file that can't be read as text; {words}", "\n".join(task_on(folder).notes))


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("utf-8", None), ("utf-8-sig", None), ("utf-16", "UTF-16"), ("utf-32", "UTF-32"), ("cp1252", "Windows-1252")],
)
def test_each_file_is_read_in_its_own_encoding(encoding: str, named: str | None, tmp_path: Path) -> None:
    text = "Hänsel und Gretel verliefen sich im Wald – und noch größer war die Not. " * 3
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    (tmp_path / "b.txt").write_text("plain text, as there is much of it", encoding="utf-8")
    task = task_on(tmp_path)
    assert read_corpus(str(tmp_path), 10_000).text.startswith(text)
    assert any(f"read as {named}" in note for note in task.notes) == (named is not None)


def test_a_bad_byte_leaves_the_rest_of_the_text_as_it_is_and_is_named(tmp_path: Path) -> None:
    data = ("été " * 20 + "\n").encode()
    path = tmp_path / "corpus.txt"
    path.write_bytes(data + data[:9] + b"\xff" + data[9:])
    assert read_corpus(str(path), 10_000).text.count("é") == 80
    place = f"corpus.txt, line 2: byte 0xFF (byte {len(data) + 10} of the file)"
    assert any(place in note for note in task_on(path).notes)


def test_copies_of_a_file_are_read_once(tmp_path: Path) -> None:
    texts = {"a": "one text of a folder\n", "b": "another text, longer than the first\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        (tmp_path / f"{name} copy").write_bytes(text.replace("\n", "\r\n \r\n").encode())
    corpus = read_corpus(str(tmp_path), 10_000)
    assert corpus.text == "".join(texts.values()) and corpus.copies == 2
    assert any("left out: 2 files with the text of another" in note for note in task_on(tmp_path).notes)
    # Nor is the beginning of a copy read where the limit cuts it off.
    assert read_corpus(str(tmp_path), len(texts["a"]) + 5).text == texts["a"] + texts["b"][:5]


def test_unknown_characters_are_told(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("abc" * 60 + "wxyz" * 5)
    task = task_on(path, held_out_share=0.1)
    assert any("100.00% of the held-out text is unknown" in note for note in task.notes)
    assert task.remarks("abc") == []
    assert task.remarks("ab!z?")[0].startswith("3 of 5 characters are unknown to this model")


def test_a_file_is_cut_at_the_limit_after_its_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\r\n" * 100_000)
    corpus = read_corpus(str(path), 99_999)
    assert corpus.text == "\n" * 99_999 and corpus.cut
    assert not read_corpus(str(path), 100_000).cut


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "there is no"),
        (b"", "is empty"),
        (b"a" * 19, "at least 20"),
        (bytes(range(256)) * 9, "zero bytes"),
        ("text in UTF-16, without its mark".encode("utf-16-le"), "looks like UTF-16 .*iconv -f UTF-16LE"),
        ("süß\nText in UTF-16 ohne Marke".encode("utf-16-be"), "looks like UTF-16 .*iconv -f UTF-16BE"),
    ],
)
def test_a_bad_file_is_refused_in_a_sentence(tmp_path: Path, data: bytes | None, reason: str) -> None:
    path = tmp_path / "file.txt"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UserError, match=reason) as caught:
        task_on(path)
    assert str(path) in str(caught.value)


def test_bad_places_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no text"):
        task_on(tmp_path / "empty")
    with pytest.raises(UserError, match="there is no"):
        task_on(tmp_path / ("x" * 5000))
    with pytest.raises(UserError, match="there is no"):
        CharacterLm(CharacterLmConfig(corpus="~nobody-of-this-name/x"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="neither"):
        task_on(tmp_path / "pipe")
    for value in ("", " ", "a\0b"):
        with pytest.raises(ConfigError, match="path of a text file"):
            Config.parse({"task": {"name": "character_lm", "corpus": value}}, "test")


def test_a_relative_path_means_the_same_to_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = CharacterLmConfig(corpus="notes.txt")
    assert config.corpus == str(tmp_path / "notes.txt")
    monkeypatch.chdir("/")
    assert CharacterLmConfig(corpus=config.corpus) == config
    assert CharacterLmConfig().corpus == "stdlib"


@pytest.mark.parametrize("data", ["x" * 100_000, "é" * 25, "ab" * 10, "".join(map(chr, range(33, 9000)))])
def test_strange_texts_train(tmp_path: Path, data: str) -> None:
    path = tmp_path / "x"
    path.write_text(data, encoding="utf-8")
    trainer = run(Trainer(small(path).changed({"train.steps": "2"}, "test")), 2)
    result = trainer.evaluate()[0]
    assert trainer.failure is None and math.isfinite(result.metrics["bits_per_character"])


def test_a_resumed_run_has_the_same_bits(text: Path, tmp_path: Path) -> None:
    config = small(text).changed({"model.num_layers": "2", "model.dropout": "0.3"}, "test")
    straight = run(Trainer(config), 30)
    run(Trainer(config), 17).save(tmp_path / "saved")
    saved, _ = checkpoint.newest(tmp_path / "saved")
    assert saved is not None
    second = run(Trainer.resume(saved), 30)
    for one, two in zip(straight.model.state_dict().values(), second.model.state_dict().values(), strict=True):
        assert torch.equal(one, two)
    assert all(torch.equal(part, second.backend.tensors()[key]) for key, part in straight.backend.tensors().items())


def test_a_checkpoint_answers_without_its_corpus_and_does_not_go_on_with_another(text: Path, tmp_path: Path) -> None:
    first = run(Trainer(small(text)), 2)
    facts = json.loads(json.dumps(first.task.data_facts()))
    first.save(tmp_path / "saved")
    saved, _ = checkpoint.newest(tmp_path / "saved")
    assert saved is not None and saved.state["data_facts"] == facts
    prompt = first.task.parse("the fox")
    text.write_text("Something else altogether. " * 100, encoding="utf-8")
    for _ in range(2):
        task = make_task(first.config.task, facts)
        assert task.vocabulary == first.task.vocabulary
        assert np.array_equal(task.parse("the fox"), prompt)
        assert task.echo(prompt) == "the fox"
        with pytest.raises(UserError, match="not what it was" if text.exists() else "there is no"):
            next(task.held_out())
        with pytest.raises(UserError, match=str(text)):
            Trainer.resume(saved)
        text.unlink(missing_ok=True)
