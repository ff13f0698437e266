"""Text classification: the split, the tokens, people's files, and that something is learned."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.query.predictor import Predictor
from seqsum.runs import Workspace
from seqsum.tasks.labelled_lines import PACKAGES, read_lines, standard_library
from seqsum.tasks.text_classification import TextClassification, TextClassificationConfig, encoded
from seqsum.training.trainer import Trainer


def csv_file(folder: Path, rows: list[tuple[str, str]], header: str = "text,label", name: str = "texts.csv") -> str:
    path = folder / name
    path.write_text("\n".join([header, *(f"{text},{label}" for text, label in rows)]) + "\n")
    return str(path)


def task_of(file: str | None, **settings: Any) -> TextClassification:
    return TextClassification(TextClassificationConfig(file=file, **settings))


def digits(count: int) -> list[tuple[str, str]]:
    return [(f"{word} {place}", word) for place in range(count) for word in ("even", "odd")]


def test_default_lines_are_held_out_by_file() -> None:
    lines = standard_library()
    assert lines.labels == sorted(PACKAGES)
    folder = Path(sysconfig.get_path("stdlib"))
    where: dict[tuple[str, str], set[str]] = {}
    for package in PACKAGES:
        for path in (folder / package).rglob("*.py"):
            for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
                where.setdefault((line.strip(), package), set()).add(str(path))
    training = {path for pair in lines.training for path in where[pair] if len(where[pair]) == 1}
    held_out = {path for pair in lines.held_out for path in where[pair] if len(where[pair]) == 1}
    assert training and held_out
    assert not training & held_out
    assert not {text for text, _ in lines.training} & {text for text, _ in lines.held_out}
    assert {label for _, label in lines.held_out} == set(PACKAGES)
    assert standard_library().fingerprint == lines.fingerprint


def test_texts_become_tokens_and_back() -> None:
    codes, lengths = encoded(["  a\tZ ~", "", "é\x00" + "x" * 100_000], 6)
    assert lengths.tolist() == [5, 1, 6]
    assert codes[0].tolist() == [ord("a") - 32, 0, ord("Z") - 32, 0, ord("~") - 32, 96]
    assert codes[1].tolist() == [0, 96, 96, 96, 96, 96]
    assert codes[2].tolist() == [95, 95] + [ord("x") - 32] * 4
    task = task_of(None, max_length=12)
    assert task.echo(task.parse("def f(é):  # and more")) == "def f(\N{REPLACEMENT CHARACTER}):  #"
    assert task.padding == 96 == codes.max()
    with pytest.raises(UserError, match="nothing was typed; type a line of code; the labels are asyncio, email"):
        task.parse("  ")


def test_an_epoch_holds_every_training_text_once(tmp_path: Path) -> None:
    rows = [(f"text number {place}", "ab"[place % 2]) for place in range(200)]
    file = csv_file(tmp_path, rows)
    task = task_of(file)
    steps = task.steps_per_epoch(1)
    batches = task.batches(5, 0, 1, int(steps))
    seen = sorted(task.echo(row[:length]) for row, length in zip(batches.inputs[0], batches.lengths[0], strict=True))
    lines = read_lines(file, None, None)
    assert seen == sorted(text for text, _ in lines.training)
    for row, length, target in zip(batches.inputs[0], batches.lengths[0], batches.targets[0], strict=True):
        number = int(task.echo(row[:length]).split()[-1])
        assert task.read_answer(row, np.array(target)) == "ab"[number % 2]
        assert (row[length:] == task.padding).all()
    asked = [
        task.echo(row[:length])
        for part in task.held_out()
        for row, length in zip(part.inputs, part.lengths, strict=True)
    ]
    assert sorted(asked + seen) == sorted(text for text, _ in rows)
    assert 0.1 < len(asked) / 200 < 0.3


def test_repeated_texts_stand_on_one_side_only(tmp_path: Path) -> None:
    file = csv_file(tmp_path, [(f"text {place % 40}", "ab"[place % 2]) for place in range(400)])
    lines = read_lines(file, None, None)
    assert not {text for text, _ in lines.training} & {text for text, _ in lines.held_out}
    assert len(lines.training) + len(lines.held_out) == 400


def test_metrics_are_balanced_accuracy_and_the_share_of_the_commonest(tmp_path: Path) -> None:
    rows = [(f"text {place}", "rare" if place % 10 == 0 else "common") for place in range(500)]
    task = task_of(csv_file(tmp_path, rows))
    parts = list(task.held_out())
    targets = np.concatenate([part.targets for part in parts])
    always = [np.zeros(len(part.targets), dtype=np.int64) for part in parts]
    metrics = task.held_out_metrics(always)
    assert task.labels == ["common", "rare"]
    assert metrics["balanced_accuracy"] == pytest.approx(0.5)
    assert metrics["majority_share"] == pytest.approx(float((targets == 0).mean()))
    assert task.held_out_metrics([part.targets for part in parts])["balanced_accuracy"] == 1.0


def test_held_out_lengths_can_be_chosen() -> None:
    task = task_of(None)
    for part in task.held_out(20, 30):
        assert part.lengths.min() >= 20
        assert part.lengths.max() <= 30
    with pytest.raises(UserError, match="no held-out text is 200 to 300 characters long; they have 10 to 80"):
        next(task.held_out(200, 300))


def test_json_lines_and_named_columns(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"id": 1, "kind": word, "body": text}) + "\n" for text, word in digits(30)))
    task = task_of(str(path), text_column="body", label_column="kind")
    assert task.labels == ["even", "odd"]
    with pytest.raises(UserError, match=r'text_column: texts\.jsonl has no column "bdy"; did you mean "body"\?'):
        task_of(str(path), text_column="bdy")
    with pytest.raises(UserError, match='text and label in one column, "body"; the columns are id, kind, body'):
        task_of(str(path), text_column="body")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("one", "a")], 'every row of texts.csv has the label "a"'),
        ([("one", "a"), ("two", "")], 'line 3, column "label": the label is empty'),
        ([("same", "a"), ("same", "b")], "all of them in one part when every fifth text is held out"),
        ([(f"text {place}", f"label {place}") for place in range(1500)], "has 1,500 different labels, more than 1,000"),
    ],
)
def test_files_that_cant_be_learned_are_refused(rows: list[tuple[str, str]], says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=says):
        task_of(csv_file(tmp_path, rows))


def test_long_lines_latin_1_and_odd_characters_are_read(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    rows = [f"{'x' * 100_000}{place};grün" for place in range(20)] + [f"\x1b[31m{place};blau" for place in range(20)]
    path.write_bytes("\n".join(["text;label", *rows]).encode("latin-1"))
    task = task_of(str(path), max_length=30)
    assert task.labels == ["blau", "grün"]
    assert task.batches(0, 0, 1, 40).inputs.shape[2] == 30


def test_a_small_network_learns_and_its_checkpoint_outlives_the_file(tmp_path: Path) -> None:
    file = csv_file(tmp_path, digits(60))
    config = Config.parse(
        {
            "task": {"name": "text_classification", "file": file},
            "model": {"cell": "gru", "hidden_size": 16, "embedding_size": 8, "bidirectional": True},
            "optim": {"lr": 0.02},
            "train": {"steps": 40, "batch_size": 32},
        },
        "test",
    )
    run = Workspace(tmp_path / "runs").create("test", config)
    trainer = Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    result, _, points = trainer.evaluate()
    assert result.accuracy == 1.0
    assert {"balanced_accuracy", "majority_share"} <= {name for name, _, _ in points}
    trainer.save(run.checkpoints)
    Path(file).unlink()
    predictor = Predictor(run)
    for text in ("even 7", "odd 1234"):
        prediction = predictor.predict(text)
        assert prediction.prediction == text.split()[0]
        assert prediction.truth is None
        assert prediction.input == text
        assert sum(prediction.probabilities) == pytest.approx(1.0)
    with pytest.raises(UserError, match="there is no file"):
        predictor.evaluate()
