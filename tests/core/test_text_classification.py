"""Text classification: the split, the tokens, people's files, and that something is learned."""

from __future__ import annotations

import csv
import json
import math
import sysconfig
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.query.answering import Answerer
from seqsum.runs import Workspace
from seqsum.tasks.alphabet import encoded
from seqsum.tasks.base import NOT_ASKED
from seqsum.tasks.label_scores import LabelCounts
from seqsum.tasks.labelled_lines import PACKAGES, LinesSource, read_lines, standard_library
from seqsum.tasks.text_classification import TextClassification, TextClassificationConfig
from seqsum.tasks.text_columns import as_read
from seqsum.training.trainer import Trainer
from support.command_line import call, lines


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
    codes, lengths = encoded(["aZ ~", "", "é\x00x"], " Z_a~é")
    assert codes.tolist() == [[3, 1, 0, 4], [0, 7, 7, 7], [5, 6, 6, 7]]
    assert lengths.tolist() == [4, 1, 3]
    assert as_read("  e\N{COMBINING ACUTE ACCENT}\t\N{ZERO WIDTH SPACE}Z ~ ", 5) == "é Z ~"
    task = task_of(None, max_length=12)
    assert task.echo(task.parse("def f(é):  # and more")) == "def f(\N{REPLACEMENT CHARACTER}):  #"
    assert task.remarks("def f(é):  # and more") == [
        "only the first 12 of 21 characters were read",
        "1 of 12 characters are unknown to this model and read alike, as \N{REPLACEMENT CHARACTER}",
    ]
    with pytest.raises(UserError, match="nothing was typed; type a line of code; the labels are asyncio, email"):
        task.parse("  ")


def test_an_epoch_holds_every_training_text_once(tmp_path: Path) -> None:
    rows = [(f"text number {place}", "ab"[place % 2]) for place in range(200)]
    file = csv_file(tmp_path, rows)
    task = task_of(file)
    steps = task.steps_per_epoch(1)
    batches = task.batches(5, 0, 1, int(steps))
    seen = sorted(task.echo(row[:length]) for row, length in zip(batches.inputs[0], batches.lengths[0], strict=True))
    lines = read_lines(LinesSource(file))
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
    lines = read_lines(LinesSource(file))
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
    assert metrics["majority_class_accuracy"] == pytest.approx(float((targets == 0).mean()))
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
        ([("same", "a"), ("same", "b")], "has only 1 different text in column .text., in 2 rows, and none of them"),
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
    assert {"balanced_accuracy", "majority_class_accuracy"} <= {name for name, _, _ in points}
    trainer.save(run.checkpoints)
    Path(file).unlink()
    answerer = Answerer(run)
    for text in ("even 7", "odd 1234"):
        found = answerer.ask("predict", input=text)[1]["answer"]
        assert (found["input"], found["prediction"], found["truth"]) == (text, text.split()[0], None)
        assert sum(found["probabilities"]) == pytest.approx(1.0)
    with pytest.raises(UserError, match="there is no file"):
        answerer.ask("evaluate")


def sentences(count: int, seed: int = 0) -> list[str]:
    draw = np.random.default_rng(seed)
    words = ["good", "bad", "fine", "poor", "nice", "ugly", "warm", "cold", "new", "old"]
    return sorted({" ".join(draw.choice(words, 4)) for _ in range(count)})


VARIANTS = {
    "spaces behind": lambda text, at: text + " " * at,
    "spaces before": lambda text, at: " " * at + text,
    "spaces within": lambda text, at: text.replace(" ", " " * (1 + at)),
    "other white space": lambda text, at: text.replace(" ", " \t\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"[at % 4]),
    "invisible characters": lambda text, at: text + "\N{ZERO WIDTH SPACE}" * at,
    "composed or not": lambda text, at: unicodedata.normalize(("NFC", "NFD")[at % 2], f"é {text}"),
    "behind the cut": lambda text, at: f"{text.ljust(40, '.')} number {at}",
}


@pytest.mark.parametrize("kind", VARIANTS)
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_texts_that_are_read_alike_stand_in_one_part(kind: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"texts.{suffix}"
    rows = [(VARIANTS[kind](text, at), "ab"[len(text) % 2]) for text in sentences(100) for at in range(5)]
    if suffix == "csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *rows])
    else:
        path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    task = task_of(str(path), max_length=40)
    batches = task.batches(0, 0, 1, int(task.steps_per_epoch(1)))
    trained = {
        " ".join(task.echo(row[:n]).split()) for row, n in zip(batches.inputs[0], batches.lengths[0], strict=True)
    }
    asked = [
        " ".join(task.echo(row[:n]).split())
        for part in task.held_out()
        for row, n in zip(part.inputs, part.lengths, strict=True)
    ]
    assert len(set(asked)) * 5 == len(asked) > 0
    assert not trained & set(asked)
    assert len(trained) + len(set(asked)) == len(sentences(100))


def test_what_reads_alike_but_for_unknown_characters_is_not_asked(tmp_path: Path) -> None:
    rows = [(f"{text} {chr(0x4E00 + at)}", "ab"[at % 2]) for at, text in enumerate(sentences(60) * 2)]
    task = task_of(csv_file(tmp_path, rows), vocabulary_size=20)
    batches = task.batches(0, 0, 1, int(task.steps_per_epoch(1)))
    trained = {task.echo(row[:n]) for row, n in zip(batches.inputs[0], batches.lengths[0], strict=True)}
    asked = {task.echo(row[:n]) for part in task.held_out() for row, n in zip(part.inputs, part.lengths, strict=True)}
    assert not trained & asked
    assert any("a training text but for unknown characters" in note for note in task.notes)


def test_the_vocabulary_is_that_of_the_training_texts_and_unknown_characters_are_told(tmp_path: Path) -> None:
    digits = "一二三四五六七八九十"
    rows = [
        (f"{a}{b}{c}{'好坏'[at]}", ["pos", "neg"][at])
        for a in digits
        for b in digits
        for c in digits[:4]
        for at in (0, 1)
    ]
    task = task_of(csv_file(tmp_path, rows))
    assert task.vocabulary == 12 + 1
    assert task.echo(task.parse("一二三好")) == "一二三好"
    assert task.remarks("一二三好") == []
    assert task.remarks("一二X☃好")[0].startswith("2 of 5 characters are unknown to this model")
    assert any("12 characters of the training texts are told apart; 0.00%" in note for note in task.notes)
    few = task_of(csv_file(tmp_path, rows), vocabulary_size=4)
    assert few.vocabulary == 5
    share = next(note for note in few.notes if "of 12 (task.vocabulary_size)" in note)
    assert 30 < float(share.split("; ")[1].split("%")[0]) < 90


def test_a_label_only_held_out_is_told(tmp_path: Path) -> None:
    rows = [(f"text {at}", "ab"[at % 2]) for at in range(100)]
    held_out = {text for text, _ in read_lines(LinesSource(csv_file(tmp_path, rows))).held_out}
    rows = [(text, "rare" if text == min(held_out) else label) for text, label in rows]
    task = task_of(csv_file(tmp_path, rows))
    assert "rare" in task.labels
    assert any('label "rare" occurs only in the held-out part (1 text)' in note for note in task.notes)


def test_a_label_that_is_never_asked_is_told(tmp_path: Path) -> None:
    rows = [(f"text {at}", "ab"[at % 2]) for at in range(100)]
    trained = {text for text, _ in read_lines(LinesSource(csv_file(tmp_path, rows))).training}
    told = "no text held out has the label"
    assert not any(told in note for note in task_of(csv_file(tmp_path, rows)).notes)
    rare = sorted(trained)[:3]
    rows = [(text, "rare" if text in rare else "odd" if text == max(trained) else label) for text, label in rows]
    (note,) = (note for note in task_of(csv_file(tmp_path, rows)).notes if told in note)
    assert '"odd" (1 text to train on), "rare" (3 texts to train on): nothing says whether they are learned' in note


def test_a_column_of_json_that_holds_further_values_is_refused_with_their_paths(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    rows = [{"talk": [{"said": text}], "meta": {"kind": word, "n": 1}} for text, word in digits(30)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = task_of(str(path), text_column="talk.0.said", label_column="meta.kind")
    assert task.labels == ["even", "odd"]
    says = r'task\.text_column: "talk" of texts\.jsonl holds no text but further values; .* the text: talk\.0\.said$'
    for columns in ({}, {"text_column": "talk"}, {"label_column": "meta.kind"}):
        with pytest.raises(UserError, match=says):
            task_of(str(path), **columns)
    with pytest.raises(UserError, match=r'task\.label_column: "meta" .* that is the label: meta\.kind, meta\.n$'):
        task_of(str(path), text_column="talk.0.said")
    # A text that could be read as JSON is one all the same.
    path.write_text(
        "".join(json.dumps({"text": json.dumps([text]), "label": word}) + "\n" for text, word in digits(30))
    )
    assert task_of(str(path)).labels == ["even", "odd"]


def test_a_path_that_leads_nowhere_is_told_with_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"talk": [{"said": "a"}], "meta": {"kind": "b"}}\n')
    with pytest.raises(UserError, match=r'no column "talk\.5\.said"; in "talk" lie talk\.0\.said$'):
        task_of(str(path), text_column="talk.5.said", label_column="meta.kind")


@pytest.mark.parametrize("empty", ["", "  "])
def test_rows_that_lack_text_or_label_are_refused_or_dropped(empty: str, tmp_path: Path) -> None:
    rows = [*digits(30), (empty, "odd"), ("odd 7", empty), ("even 8", "even")]
    file = csv_file(tmp_path, rows)
    with pytest.raises(UserError, match=r'line 62, column "text": the text is empty; 2 rows .*\(lines 62, 63\)'):
        task_of(file)
    task = task_of(file, missing="drop")
    assert any("left out: 2 rows without text or label (lines 62, 63)" in note for note in task.notes)
    assert len(read_lines(LinesSource(file, missing="drop")).training) < 61


@pytest.mark.parametrize("word", ["NA", "null", "None", "#N/A"])
def test_words_that_may_say_that_there_is_no_value_are_counted(word: str, tmp_path: Path) -> None:
    rows = [*digits(30), (word, "odd"), ("odd 7", word), ("?", "even")]
    notes = task_of(csv_file(tmp_path, rows)).notes
    assert any(f'2 rows with "{word}" as text or label, read as any other word' in note for note in notes)
    assert not any("as any other word" in note for note in task_of(csv_file(tmp_path, digits(30))).notes)


def test_a_checkpoint_from_before_vocabularies_still_answers(tmp_path: Path) -> None:
    file = csv_file(tmp_path, digits(60))
    config = TextClassificationConfig(file=file, max_length=20)
    lines = read_lines(LinesSource(file))  # split as it was then
    facts = {"labels": lines.labels, "fingerprint": lines.fingerprint, "notes": []}
    task = TextClassification.restored(config, facts)
    assert task.vocabulary == 96 and task.padding == 96
    assert task.parse("aé ~").tolist() == [ord("a") - 32, 95, 0, 94]
    assert sum(len(part.lengths) for part in task.held_out()) == len(lines.held_out)


def test_a_text_bears_a_wrong_byte_and_a_label_does_not(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    rows = [f"côté {at},{'été' if at % 2 else 'hiver'}".encode() for at in range(100)]
    whole = b"text,label\n" + b"\n".join(rows)
    path.write_bytes(whole[:12] + b"\xff" + whole[12:])
    task = task_of(str(path))
    assert task.labels == ["hiver", "été"]
    assert any(
        "1 place can't be decoded (the first in line 2: byte 0xFF (byte 13 of the file))" in n for n in task.notes
    )
    path.write_bytes(whole[:-1] + b"\xff")
    with pytest.raises(UserError, match=r'line 101, column "label".*is no whole label.*byte 0xC3'):
        task_of(str(path))
    path.write_bytes("文字,类\n好的,正\n坏的,负\n".encode("gbk"))
    with pytest.raises(UserError, match="is no UTF-8"):
        task_of(str(path))


def test_precision_recall_and_f1_are_those_that_counting_gives() -> None:
    draw = np.random.default_rng(4)
    answers, targets = (
        draw.integers(0, 5, 400),
        draw.integers(0, 4, 400),
    )  # label 4 is never true, label 5 never comes up
    targets[:20] = NOT_ASKED
    halves = [LabelCounts.of(answers[part], targets[part], 6) for part in (slice(150), slice(150, None))]
    counts = halves[0] + halves[1]
    pairs = list(zip(answers.tolist(), targets.tolist(), strict=True))[20:]
    scores = []
    for label in range(6):
        hit = sum(said == truth == label for said, truth in pairs)
        said, true = (sum(pair[at] == label for pair in pairs) for at in (0, 1))
        precision, recall = hit / said if said else math.nan, hit / true if true else math.nan
        f1 = 2 * hit / (said + true) if said + true else math.nan
        assert (counts.precision[label], counts.recall[label], counts.f1[label]) == pytest.approx(
            (precision, recall, f1), nan_ok=True
        )
        if hit:
            assert f1 == pytest.approx(2 * precision * recall / (precision + recall))
        scores.append(f1)
    assert counts.macro_f1 == pytest.approx(sum(scores[:5]) / 5)


def test_balanced_sampling_shows_every_label_as_often_and_every_text_of_it(tmp_path: Path) -> None:
    rows = [(f"text {place}", "rare" if place % 20 == 0 else "common") for place in range(600)]
    task = task_of(csv_file(tmp_path, rows), sampling="balanced")
    batches = task.batches(7, 0, 50, 64)
    rare = task.labels.index("rare")
    assert (batches.targets == rare).mean() == pytest.approx(0.5, abs=0.02)
    trained = read_lines(LinesSource(task.config.file)).training
    seen: Counter[str] = Counter()
    for inputs, lengths, targets in zip(batches.inputs, batches.lengths, batches.targets, strict=True):
        for row, length, target in zip(inputs, lengths, targets, strict=True):
            text = task.echo(row[:length])
            assert (text, task.labels[int(target)]) in trained
            seen[text] += 1
    assert {text for text, label in trained if label == "rare"} <= set(seen)
    # However they are cut: a step's texts depend on the step alone.
    again = np.concatenate([task.batches(7, first, 10, 64).targets for first in range(0, 50, 10)])
    assert np.array_equal(again, batches.targets)
    assert not np.array_equal(task.batches(8, 0, 50, 64).targets, batches.targets)


def test_a_run_tells_each_labels_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path / "runs"))
    draw = np.random.default_rng(1)
    rows = [(f"{word} {place}", draw.choice([word, "other"], p=[0.8, 0.2])) for place in range(80) for word in "abc"]
    config = Config.parse(
        {
            "task": {"name": "text_classification", "file": csv_file(tmp_path, rows)},
            "model": {"cell": "gru", "hidden_size": 8, "embedding_size": 4},
            "optim": {"lr": 0.02},
            "train": {"steps": 30, "batch_size": 32},
        },
        "test",
    )
    run, trainer = Workspace(tmp_path / "runs").create("test", config), Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    trainer.save(run.checkpoints)
    (found,) = lines("evaluate", run.id, "--confusion", "--labels")
    confusion, scored = np.array(found["confusion"]), found["by_label"]
    assert found["metrics"]["macro_f1"] == pytest.approx(scored["macro_f1"])
    assert [row["f1"] for row in scored["rows"]] == sorted(row["f1"] for row in scored["rows"])
    for row in scored["rows"]:
        at = found["labels"].index(row["label"])
        hit, said, true = confusion[at, at], confusion[:, at].sum(), confusion[at].sum()
        assert (row["asked"], row["answered"]) == (true, said)
        assert row["precision"] == (pytest.approx(hit / said) if said else None)
        assert row["recall"] == pytest.approx(hit / true)
    _, out, _ = call("evaluate", run.id, "--labels")
    assert "labels: macro F1" in out and "precision" in out and "recall" in out
