"""Pairs of texts: what is read and written, people's files, exact match and edit distance, and that it is learned."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.query.answering import Answerer
from seqsum.runs import Workspace
from seqsum.tasks.base import NOT_ASKED, AnyTask
from seqsum.tasks.edit_distance import edit_distances
from seqsum.tasks.number_words import in_words
from seqsum.tasks.pairs import Pairs, PairsConfig
from seqsum.training.trainer import Trainer


def distance(one: str, other: str) -> int:
    """The edit distance by its recursion."""

    @cache
    def of(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        return min(of(i - 1, j) + 1, of(i, j - 1) + 1, of(i - 1, j - 1) + (one[i - 1] != other[j - 1]))

    return of(len(one), len(other))


def test_the_edit_distance_is_that_of_its_recursion() -> None:
    draw = random.Random(0)
    texts = ["".join(draw.choices("abc", k=draw.randint(0, 8))) for _ in range(300)]
    others = ["".join(draw.choices("abc", k=draw.randint(0, 6))) for _ in range(300)]

    def rows(words: list[str], width: int) -> np.ndarray:
        return np.array([[ord(c) for c in word.ljust(width, "#")] for word in words])

    lengths, other_lengths = (np.array([len(word) for word in words]) for words in (texts, others))
    found = edit_distances(rows(texts, 8), lengths, rows(others, 7), other_lengths)
    assert found.tolist() == [distance(one, other) for one, other in zip(texts, others, strict=True)]


def test_numbers_are_written_as_english_does() -> None:
    for number, words in {
        0: "zero", 13: "thirteen", 20: "twenty", 42: "forty-two", 100: "one hundred", 115: "one hundred fifteen",
        4071: "four thousand seventy-one", 9999: "nine thousand nine hundred ninety-nine", 3000: "three thousand",
    }.items():  # fmt: skip
        assert in_words(number) == words
    assert len({in_words(number) for number in range(10_000)}) == 10_000


def pairs_file(
    folder: Path, rows: list[tuple[str, str]], name: str = "pairs.csv", header: str = "source,target"
) -> str:
    path = folder / name
    path.write_text("\n".join([header, *(f"{source},{target}" for source, target in rows)]) + "\n")
    return str(path)


def task_of(file: str | None, **settings: Any) -> Pairs:
    return Pairs(PairsConfig(file=file, **settings))


def asked_of(task: AnyTask) -> dict[str, str]:
    return {
        task.echo(row[:length]): task.read_answer(row, target[target != NOT_ASKED])
        for part in task.held_out()
        for row, length, target in zip(part.inputs, part.lengths, part.targets, strict=True)
    }


def trained_of(task: Pairs) -> dict[str, str]:
    batches = task.batches(3, 0, 1, round(task.steps_per_epoch(1)))
    return {
        task.echo(row[:length]): task.read_answer(row, target[target != NOT_ASKED])
        for row, length, target in zip(batches.inputs[0], batches.lengths[0], batches.targets[0], strict=True)
    }


def test_an_epoch_and_what_is_held_out_are_all_pairs_once(tmp_path: Path) -> None:
    rows = [(f"word {place}", f"{place:b} drow") for place in range(300)]
    task = task_of(pairs_file(tmp_path, rows))
    trained, asked = trained_of(task), asked_of(task)
    assert trained | asked == dict(rows) and not set(trained) & set(asked)
    assert 0.1 < len(asked) / 300 < 0.3
    parted = task_of(task.config.file, test_share=0.3)
    tested = asked_of(parted.of_test())
    assert trained_of(parted) | asked_of(parted) | tested == dict(rows)
    assert len(trained_of(parted)) + len(asked_of(parted)) + len(tested) == 300 and len(tested) > 50


def test_a_test_file_and_paths_in_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps({"t": [{"de": f"eins {n}"}, {"en": f"one {n}"}]}) + "\n" for n in range(60)))
    columns = {"source_column": "t.0.de", "target_column": "t.1.en"}
    other = tmp_path / "test.jsonl"
    rows = [{"t": [{"de": de}, {"en": en}]} for de, en in (("eins 3", "one 3"), ("eins 777", "one 777"))]
    other.write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = task_of(str(path), test_file=str(other), **columns)
    assert asked_of(task.of_test()) == {"eins 777": "one 777"}
    restored = Pairs.restored(task.config, task.data_facts())
    assert asked_of(restored) == asked_of(task)  # type: ignore[arg-type]
    path.write_text(path.read_text().replace("eins 3", "zwei 3"))
    with pytest.raises(UserError, match=r"task\.file: the pairs of .*pairs\.jsonl, or of .*test\.jsonl, are not what"):
        asked_of(Pairs.restored(task.config, task.data_facts()))  # type: ignore[arg-type]


def test_metrics_are_exact_match_and_edit_distance(tmp_path: Path) -> None:
    draw = random.Random(1)
    rows = [(f"{place}", "".join(draw.choices("xyz", k=draw.randint(1, 9)))) for place in range(200)]
    task = task_of(pairs_file(tmp_path, rows))
    parts = list(task.held_out())
    said = []
    for part in parts:
        answer = np.where(part.targets == NOT_ASKED, task.end, part.targets)
        said.append(np.roll(answer, draw.randint(0, 2), axis=1))
    expected, characters, known = 0, 0, dict(rows)
    for part, answers in zip(parts, said, strict=True):
        for row, length, answer in zip(part.inputs, part.lengths, answers, strict=True):
            truth = known[task.echo(row[:length])]
            expected += distance(task.read_answer(row, answer), truth)
            characters += len(truth)
    metrics = task.held_out_metrics(said)
    count = sum(len(part.targets) for part in parts)
    assert expected and metrics["edit_distance"] == pytest.approx(expected / count)
    assert metrics["character_error_rate"] == pytest.approx(expected / characters)


@pytest.mark.parametrize(
    ("rows", "settings", "says"),
    [
        ([("a", "b"), ("c", "")], {}, r"line 3, column \"target\": the target is empty, 1 row in all"),
        ([("a", "b"), ("c", "d")], {"target_column": "source"}, "has source and target in one column"),
        ([("a", "b"), ("c", "d")], {"source_column": "x"}, r"task\.source_column: pairs\.csv has no column \"x\""),
        ([("a", "b"), ("a", "c")], {}, "1 different source, all of them in one part"),
        ([("a" * 20, "b"), ("c" * 20, "d")], {"longest": 5}, r"task\.longest: no pair of pairs\.csv is at most 5"),
    ],
)
def test_files_that_cant_be_learned_are_refused(
    rows: list[tuple[str, str]], settings: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=says):
        task_of(pairs_file(tmp_path, rows), **settings)


def test_what_is_rare_is_unknown_and_never_learned_to_be_written(tmp_path: Path) -> None:
    rows = [(f"s{place}", "ab" if place % 25 else f"aß{place}") for place in range(300)]
    task = task_of(pairs_file(tmp_path, rows), vocabulary_size=2)
    assert all(set(target) <= {"a", "b"} for target in trained_of(task).values())
    assert any("can't be answered right" in note for note in task.notes)
    assert task.remarks("s1é") == [
        "1 of 3 characters are unknown to this model and read alike, as \N{REPLACEMENT CHARACTER}"
    ]


def test_a_small_network_learns_pairs_and_answers_when_the_file_is_gone(tmp_path: Path) -> None:
    draw = random.Random(2)
    words = sorted({"".join(draw.choices("abcd", k=draw.randint(1, 3))) for _ in range(400)})
    file = pairs_file(tmp_path, [(word, word.upper()) for word in words])
    config = Config.parse(
        {
            "task": {"name": "pairs", "file": file},
            "model": {"name": "encoder_decoder", "cell": "gru", "hidden_size": 32, "embedding_size": 8},
            "optim": {"lr": 0.01},
            "train": {"steps": 250, "batch_size": 32},
        },
        "test",
    )
    run, trainer = Workspace(tmp_path / "runs").create("test", config), Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    metrics = {name: value for name, _, value in trainer.evaluate()[2]}
    assert metrics["accuracy"] > 0.8 and metrics["edit_distance"] < 0.5
    trainer.save(run.checkpoints)
    Path(file).unlink()
    found = Answerer(run).ask("predict", input="abc")[1]["answer"]
    assert (found["prediction"], found["truth"]) == ("ABC", None)
