"""Pairs of texts: what is read and written, people's files, exact match and edit distance, and that it is learned."""

from __future__ import annotations

import json
import random
from functools import cache
from itertools import pairwise
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


def test_the_truth_of_a_number_is_known_wherever_it_stands() -> None:
    task = task_of(None)
    known = {number: task.truth(task.parse(number)) for number in ("0", "7", "4071", "9999", "10000", "007")}
    assert known == {
        "0": None, "7": "seven", "4071": "four thousand seventy-one", "9999": in_words(9999), "10000": None,
        "007": None,
    }  # fmt: skip
    trained, asked = trained_of(task), asked_of(task)
    assert (trained | asked).items() <= {f"{number}": in_words(number) for number in range(1, 10_000)}.items()
    assert not set(trained) & set(asked)
    assert not any("wrong" in note for note in task.notes), "all held-out words are made of letters that are trained on"


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


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, r"task\.test_file: there is no file \"other\.csv\""),
        ("source,goal\na,b\n", r"task\.target_column: other\.csv has no column \"target\""),
        ("source,target\nword 3,x\n", r"task\.test_file: no pair .*: the sources of all 1 pair of other\.csv stand in"),
        ("source,target\na,\n", r'other\.csv, line 2, column "target": the target is empty'),
        (
            f"source,target\n{'a' * 2000},b\n",
            r"task\.test_file: no pair of other\.csv has source and target of at most",
        ),
    ],
)
def test_a_test_file_that_cant_be_asked_is_refused(content: str | None, says: str, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    if content is not None:
        other.write_text(content)
    with pytest.raises(UserError, match=says):
        task_of(pairs_file(tmp_path, [(f"word {place}", "x") for place in range(60)]), test_file=str(other))


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
        ([("a", "b"), ("c", "")], {}, r"line 3, column \"target\": the target is empty; fill in what is missing"),
        ([("a", "b"), ("c", "")] * 2, {}, r"; 2 rows are without source or target \(lines 3, 5\); fill in"),
        ([("", "b")] * 2, {"missing": "drop"}, "task.file: no row of pairs.csv has both a source and a target"),
        ([("a", "b"), ("c", "d")], {"target_column": "source"}, "has source and target in one column"),
        ([("a", "b"), ("c", "d")], {"source_column": "x"}, r"task\.source_column: pairs\.csv has no column \"x\""),
        ([("a", "b")], {}, r"task\.file: pairs\.csv has 1 pair, too few .*held out; give more pairs$"),
        ([("a", "b"), ("a", "c")], {}, "has 2 pairs but 1 different source, too few .* or name another column"),
        ([("a" * 20, "b"), ("c" * 30, "d")], {"longest": 5}, r"task\.longest: .* the shortest pair has 20; make it la"),
        ([("a" * 2000, "b")], {}, r"task\.file: .* has 2,000, more than can be read \(1,000\); give shorter texts"),
        (
            [(f"a{n}", chr(200 + n)) for n in range(99)],
            {"vocabulary_size": 1, "test_share": 0.3},
            "sources read as oth",
        ),
        (
            [("a" * n, chr(200 + n) + chr(300 + n)) for n in range(1, 40)],
            {"vocabulary_size": 1},
            "every training target has a character that",
        ),
    ],
)
def test_files_that_cant_be_learned_are_refused(
    rows: list[tuple[str, str]], settings: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=says):
        task_of(pairs_file(tmp_path, rows), **settings)


def test_what_is_rare_is_unknown_and_never_learned_to_be_written(tmp_path: Path) -> None:
    rows = [(f"{place:b}", "ab" if place % 25 else f"aß{place}") for place in range(300)]
    task = task_of(pairs_file(tmp_path, rows), vocabulary_size=2)
    assert all(set(target) <= {"a", "b"} for target in trained_of(task).values())
    told = " ".join(task.notes)
    assert "; left out: " in told and "have a character that is not told apart, and always count as wrong" in told
    assert task.remarks("10é") == [
        "1 of 3 characters are unknown to this model and read alike, as \N{REPLACEMENT CHARACTER}"
    ]


def test_a_source_that_reads_as_a_training_one_but_for_unknown_characters_is_not_asked(tmp_path: Path) -> None:
    rows = [(f"{'ab'[place % 2] * 9}{chr(0x4E00 + place)}", "x") for place in range(200)]
    rows += [(f"ab{'ab'[place % 2] * place}", "y") for place in range(1, 60)]
    task = task_of(pairs_file(tmp_path, rows), vocabulary_size=2)
    (note,) = (note for note in task.notes if "not asked" in note)
    asked = asked_of(task)
    assert {source[:2] for source in asked} == {"ab"} and set(asked.values()) == {"y"}
    held_out = int(next(note for note in task.notes if "held out, by the source" in note).split()[-6].replace(",", ""))
    assert note.startswith(f"pairs: not asked: {held_out - len(asked)} held-out pairs, whose source is that of another")


def test_sources_that_differ_by_white_space_alone_stand_in_one_part(tmp_path: Path) -> None:
    rows = [(f"word{space}{place}", "said") for place in range(100) for space in (" ", "  ", " \N{NO-BREAK SPACE}")]
    task = task_of(pairs_file(tmp_path, rows), test_share=0.3)
    parts = [
        {" ".join(one.split()) for one in found}
        for found in (trained_of(task), asked_of(task), asked_of(task.of_test()))
    ]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 100 and all(parts)


def test_a_source_with_several_targets_is_told_and_has_no_one_truth(tmp_path: Path) -> None:
    rows = [(f"word {place}", target) for place in range(60) for target in ("one", "other")]
    task = task_of(pairs_file(tmp_path, [*rows, ("single", "one")]))
    assert any(
        note.startswith("pairs: 60 sources with more than one target: an answer is right for") for note in task.notes
    )
    source = next(iter(asked_of(task)))
    assert task.truth(task.parse(source)) is None


def test_sources_of_nearly_one_length_are_asked_together(tmp_path: Path) -> None:
    draw = random.Random(3)
    rows = [("".join(draw.choices("abcdefgh", k=place % 90 + 5)), f"{place}") for place in range(2000)]
    task = task_of(pairs_file(tmp_path, rows))
    parts = list(task.held_out())
    asked = sum(len(part.lengths) for part in parts)
    assert len(parts) == -(-asked // 250), "a batch for each length would be many small ones"
    assert all(before.lengths.max() <= after.lengths.min() for before, after in pairwise(parts))
    some = [length for part in task.held_out(20, 30) for length in part.lengths.tolist()]
    assert some and min(some) >= 20 and max(some) <= 30
    with pytest.raises(
        UserError, match=r"lengths: no held-out source is 200 to 300 characters long; they have 5 to 94"
    ):
        list(task.held_out(200, 300))
    with pytest.raises(UserError, match="no test source is 200 to 300"):
        list(task_of(task.config.file, test_share=0.2).of_test().held_out(200, 300))


def test_long_answers_are_asked_less_often(tmp_path: Path) -> None:
    rows = [(f"{place}", "x" * 999) for place in range(2000)]
    task = task_of(pairs_file(tmp_path, rows), longest=1000)
    assert len(asked_of(task)) == 100
    assert any(note.startswith("evaluation: asks 100 of ") for note in task.notes)


def test_a_list_without_names_says_how_its_first_line_was_read(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"wort {'x' * place}\tword {'y' * place}\n" for place in range(50)))
    assert any(note.endswith("if line 1 is a pair as well, set task.header to no") for note in task_of(str(path)).notes)
    whole = task_of(str(path), header="no")
    assert len(trained_of(whole)) + len(asked_of(whole)) == 50
    named = task_of(pairs_file(tmp_path, [(f"wort {place}", f"word {place}") for place in range(50)]))
    assert not any("task.header" in note for note in named.notes)


def test_a_file_of_one_column_says_so(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("source\n" + "".join(f"word {n}\n" for n in range(30)))
    says = r'^task\.target_column: pairs\.csv has one column only, "source", and source and target need one each'
    with pytest.raises(UserError, match=says):
        task_of(str(path))


def test_what_a_column_of_json_lines_holds_is_told_by_its_paths(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps({"t": {"de": f"eins {n}", "en": ["one", f"{n}"]}}) + "\n" for n in range(30)))
    with pytest.raises(
        UserError, match=r'in one column, "t"; the columns are t, and in it lie t\.de, t\.en\.0, t\.en\.1$'
    ):
        task_of(str(path))
    path.write_text("".join(json.dumps({"t": "{no object"}) + "\n" for n in range(30)))
    with pytest.raises(UserError, match=r'in one column, "t"; the columns are t$'):
        task_of(str(path))


def test_a_byte_that_is_wrong_is_borne_in_a_source_and_refused_in_a_target(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    rows = "source,target\n" + "".join(f"größe {place},tamaño {place}\n" for place in range(60))
    path.write_bytes(rows.encode() + b"gr\xfc\xdfe,tama\n")
    assert any("can't be decoded (the first in line 62" in note for note in task_of(str(path)).notes)
    path.write_bytes(rows.encode() + b"gr,tama\xf1o\n")
    with pytest.raises(
        UserError, match=r'pairs\.csv, line 62, column "target": .* is no whole target: .*save the file as'
    ):
        task_of(str(path))
    path.write_bytes(rows.encode("iso-8859-15"))
    assert any("größe" in source for source in trained_of(task_of(str(path), encoding="iso-8859-15")))


def test_a_small_network_learns_pairs_and_answers_when_the_file_is_gone(tmp_path: Path) -> None:
    draw = random.Random(2)
    words = sorted({"".join(draw.choices("abcd", k=draw.randint(1, 3))) for _ in range(400)})
    file = pairs_file(tmp_path, [(word, word.upper()) for word in words])
    config = Config.parse(
        {
            "task": {"name": "pairs", "file": file},
            "model": {"name": "encoder_decoder", "cell": "gru", "hidden_size": 32, "embedding_size": 8},
            "optim": {"lr": 0.01},
            "train": {"steps": 250, "batch_size": 32, "best_metric": "edit_distance"},
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
