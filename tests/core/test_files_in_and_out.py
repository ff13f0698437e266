"""Files in, files out: each row's answer is that of the question asked by itself, and an evaluation that of the same
file as the run's own test part."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqsum.formatting import percent
from seqsum.query.answering import Answerer
from seqsum.query.questions.by_label import of_confusion
from seqsum.runs import Run
from seqsum.tasks.csv_cells import Cells
from seqsum.tasks.file_lines import AT_ONCE, open_lines
from support.command_line import call, lines, refused
from support.trained import preset_run, trained

LONG = "é\n".encode() * (2 * AT_ONCE + 1)
SMALL = {"model__hidden_size": "8", "model__num_layers": "1"}
FILLED = [["id", "review", "label"], *([str(n), f"a film of {n} {'good' if n % 3 else 'bad'} days", f"{n % 3 > 0}"]
          for n in range(60))]  # fmt: skip
NEW = [["id", "review", "label"], *([str(n), f"no film, {'bad' if n % 2 else 'good'} {n} ways", f"{n % 2 == 0}"]
       for n in range(900, 930))]  # fmt: skip


def write(path: Path, rows: list[list[str]], separator: str = ",") -> str:
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=separator, lineterminator="\n").writerows(rows)
    return str(path)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path / "runs"))
    return tmp_path


def classifier(place: Path, **changes: Any) -> Run:
    file = write(place / "films.csv", FILLED)
    more = {"task__text_column": "review", **SMALL, **changes}
    return preset_run(place / "runs", "text_classification", task__file=file, **more)


def test_each_row_is_answered_as_by_itself_in_every_format(place: Path) -> None:
    run = classifier(place)
    answerer = Answerer(run)
    new = write(place / "new.csv", [[*row[:2], f'x "{at}"\ny'] for at, row in enumerate(NEW)])
    jsonl = place / "new.jsonl"
    jsonl.write_text("".join(json.dumps({"deep": [{"id": row[0]}], "review": row[1]}) + "\n" for row in NEW[1:]))
    write(place / "new.tsv", NEW, "\t")
    for source, ending in ((new, "csv"), (new, "tsv"), (new, "jsonl"), (str(jsonl), "jsonl"), (str(jsonl), "csv"),
                           (str(place / "new.tsv"), "csv")):  # fmt: skip
        out = place / f"{Path(source).suffix[1:]}.{ending}"
        status, said, err = call("predict", run.id, "--file", source, "--output", str(out))
        assert status == 0 and "no answer" not in err and "30 rows, all answered" in said
        rows: list[dict[str, Any]] = list(map(json.loads, out.open())) if ending == "jsonl" else read(out)
        assert len(rows) == 30
        for row, (name, review, _) in zip(rows, NEW[1:], strict=True):
            alone = answerer.ask("predict", input=review)[1]["answer"]
            assert row["review"] == review and row["reason"] == "" and row["prediction"] == alone["prediction"]
            shares = [float(row[f"probability.{label}"]) for label in ("False", "True")]
            assert np.allclose(shares, alone["probabilities"], atol=1e-5)
            assert float(row["probability"]) == max(shares)
            if source == str(jsonl):
                assert row["deep"] == ([{"id": name}] if ending == "jsonl" else json.dumps([{"id": name}]))
            else:
                assert row["id"] == name
    status, said, err = call("predict", run.id, "--file", new)
    assert (status, said) == (0, (place / "csv.csv").read_text()) and "30 rows, all answered" in err
    found = lines_of(call("predict", run.id, "--file", new, "--json")[1])
    assert found == lines_of((place / "csv.jsonl").read_text())


def lines_of(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_rows_that_cannot_be_read_have_a_reason_and_spoil_no_other(place: Path) -> None:
    run = classifier(place)
    write(place / "new.csv", [["id", "review"], ["1", "good"], ["2", ""], ["3", "bad", "x", "y"], ["4", "good"]])
    out = place / "out.csv"
    status, said, err = call("predict", run.id, "--file", str(place / "new.csv"), "--output", str(out))
    assert status == 2 and "4 rows, 2 answered" in said
    assert "1 row (line 3): review is empty" in err and "1 row (line 4): 4 cells where the first line has 2" in err
    rows = read(out)
    assert [row["id"] for row in rows] == ["1", "2", "3", "4"]
    assert (
        [bool(row["prediction"]) for row in rows] == [not row["reason"] for row in rows] == [True, False, False, True]
    )
    (place / "new.jsonl").write_text(
        '{"review": "good"}\nno object\n\n{"other": 1}\n{"review": "bad", "review": "x"}\n'
    )
    status, _, err = call("predict", run.id, "--file", str(place / "new.jsonl"), "--output", str(place / "out.jsonl"))
    assert status == 2 and "line 2" in err and "line 4" in err and "line 5" in err
    assert [bool(row["prediction"]) for row in lines_of((place / "out.jsonl").read_text())] == [
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".txt"])
def test_what_of_a_file_was_not_read_as_it_stands_is_told(ending: str, place: Path) -> None:
    run = classifier(place)
    lines_before = {".csv": b"id,review\n", ".jsonl": b"", ".txt": b""}[ending]
    row = {".csv": b"1,%s\n", ".jsonl": b'{"review": "%s"}\n', ".txt": b"%s\n"}[ending]
    french = "un café déjà vu, une idée très naïve à côté"
    for words, said in (
        (french.encode("cp1252"), "is no UTF-8: read as Windows-1252"),
        (french.encode() + b" \xe9", "1 place can't be decoded (the first in line"),
        (french.encode(), ""),
    ):
        (place / f"new{ending}").write_bytes(lines_before + row % words)
        asked = ("predict", run.id, "--file", str(place / f"new{ending}"), "--output", str(place / "out.csv"))
        _, _, err = call(*asked, "--force")
        assert said in err and ("UTF-8" in err or "decoded" in err) == bool(said)
    # Where too much is wrong, the way out is one that there is.
    (place / f"new{ending}").write_bytes(lines_before + row % "é".encode() + row % (b"\xe9 " * 9))
    said = refused(*asked, "--force")
    assert "save the file as UTF-8" in said and "task.encoding" not in said


def test_an_answer_writes_over_nothing_that_only_a_later_row_has(place: Path) -> None:
    run = classifier(place)
    rows = [{"review": "good"}] * 2000 + [{"review": "bad", "prediction": "mine", "reason": "my own"}]
    (place / "new.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    out = place / "out.jsonl"
    assert call("predict", run.id, "--file", str(place / "new.jsonl"), "--output", str(out))[0] == 0
    last = lines_of(out.read_text())[-1]
    assert (last["prediction"], last["reason"]) == ("mine", "my own") and last[
        f"{run.name}.prediction"
    ] in "01FalseTrue"


def test_what_cannot_be_is_refused_before_anything_is_written(place: Path) -> None:
    run = classifier(place)
    new, out = write(place / "new.csv", NEW), place / "out.csv"
    out.write_text("mine")
    asked = ("predict", run.id, "--file", new)
    assert "is there already" in refused(*asked, "--output", str(out)) and out.read_text() == "mine"
    assert "one of .csv, .tsv" in refused(*asked, "--output", str(place / "out.xlsx"))
    (place / "link.csv").symlink_to(new)
    for itself in (new, str(place / "link.csv")):
        assert "is the file that is read" in refused(*asked, "--output", itself, "--force")
    (place / "link.csv").unlink()
    assert "both" in refused("predict", run.id, "good", "--file", new)
    assert "--output goes with --file" in refused("predict", run.id, "--output", str(place / "x.csv"))
    assert 'no column "revew"; did you mean "review"?' in refused(*asked, "--column", "revew")
    other = write(place / "other.csv", [["id", "words"], ["1", "good"]])
    assert 'no column "review"' in refused("predict", run.id, "--file", other)
    assert call("predict", run.id, "--file", other, "--column", "words")[0] == 0
    assert "leave --length out" in refused(*asked, "--length", "3")
    assert "there is no file" in refused("predict", run.id, "--file", str(place / "none.csv"))
    assert sorted(path.name for path in place.iterdir()) == ["films.csv", "new.csv", "other.csv", "out.csv", "runs"]
    assert call(*asked, "--output", str(out), "--force")[0] == 0 and len(read(out)) == 30
    # What was answered is answered once more by another run, under its name.
    assert call("predict", run.id, "--file", str(out), "--output", str(place / "twice.csv"))[0] == 0
    assert f"{run.name}.prediction" in read(place / "twice.csv")[0]


@pytest.mark.parametrize("lengths", [None, "2-6", "90-99"])
def test_each_row_of_a_measured_file_is_asked_or_said_to_be_left_out(lengths: str | None, place: Path) -> None:
    run = classifier(place, task__max_length="20")
    texts = ["good", "bad film", "x" * 20, "y" * 21, "z" * 500, "", "good"]
    rows = [[str(n), text, "True" if n else "perhaps"] for n, text in enumerate(texts)]
    file = write(place / "test.csv", [["id", "review", "label"], *rows])
    low, high = map(int, lengths.split("-")) if lengths else (0, 10**9)
    asked = [text for text in texts[1:] if text and low <= min(20, len(text)) <= high]
    status, out, err = call("evaluate", run.id, "--file", file, *(["--lengths", lengths] if lengths else []))
    told = out + err
    assert status == (0 if asked else 2)
    others = len(texts) - 2 - len(asked)
    assert ("of a length that is not asked for" in told) == bool(others)
    left = re.findall(r"(\d+) rows? (?:of a length|with)", told)
    assert sum(map(int, left)) == len(texts) - len(asked)
    cut = sum(len(text) > 20 for text in asked)
    assert (f"only the beginning was read: {cut} rows" in told) == bool(cut)


def test_an_answer_broken_off_leaves_nothing_half_written(place: Path) -> None:
    run = classifier(place)
    big = write(place / "big.csv", [NEW[0], *NEW[1:] * 20_000])
    out = place / "out.csv"
    asked = [sys.executable, "-P", "-m", "seqsum.cli", "--json", "predict", run.id, "--file", big, "--output", str(out)]
    process = subprocess.Popen(asked, stdout=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["event"] == "progress" and 0 < first["share"] < 1
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert sorted(path.name for path in place.iterdir()) == ["big.csv", "films.csv", "runs"]


@pytest.mark.parametrize("tokenizer", ["characters", "words"])
def test_a_file_is_evaluated_as_the_test_part_is(place: Path, tokenizer: str) -> None:
    test = write(place / "test.csv", NEW)
    run = classifier(place, task__test_file=test, task__tokenizer=tokenizer)
    answerer = Answerer(run)
    own, found = (lines("evaluate", run.id, *flags, "--labels", "--confusion")[-1]
                  for flags in (("--part", "test"), ("--file", test)))  # fmt: skip
    for name in ("accuracy", "loss"):
        assert found[name] == pytest.approx(own[name], rel=1e-6)
    assert found["metrics"] == pytest.approx(own["metrics"], rel=1e-6)
    assert (found["confusion"], found["by_label"]["rows"]) == (own["confusion"], own["by_label"]["rows"])
    assert (found["part"], found["file"]["rows"], found["file"]["asked"]) == ("file", 30, 30)
    shares = {f"{row['label']}": (row["precision"], row["recall"], row["f1"]) for row in found["by_label"]["rows"]}
    for label, numbers in shares.items():
        (line,) = [line for line in found["told"] if line.strip().startswith(f"{label} ")]
        assert [percent(number) in line for number in numbers] == [True] * 3
    more = [*NEW, ["1", "good", "neither"], ["2", "bad", ""]]
    renamed = [["id", "words", "truth"], *more[1:]]
    flags = ("--column", "words", "--truth-column", "truth")
    again = lines("evaluate", run.id, "--file", write(place / "more.csv", renamed), *flags)[-1]
    assert again["accuracy"] == found["accuracy"]
    assert again["file"]["rows"] == 32 and again["file"]["unknown_labels"] == {"neither": 1}
    assert sum(again["file"]["not_asked"].values()) == 2
    unread = sum(share is None for share in answerer.ask("predict", input="film")[1]["answer"]["probabilities"])
    assert unread == 0 and found["file"]["unknown_tokens"] > 0
    (place / "films.csv").unlink()  # a run answers also where what it learned from is gone
    assert lines("evaluate", run.id, "--file", test)[-1]["accuracy"] == found["accuracy"]


def test_pairs_of_a_file_are_written_and_measured_as_the_test_part(place: Path) -> None:
    pairs = [["de", "en"], *([f"wort {n}", f"word {n % 7}"] for n in range(80))]
    test = write(place / "test.csv", [["de", "en"], *([f"satz {n}", f"set {n % 5}"] for n in range(20))])
    run = preset_run(
        place / "runs", "pairs", task__file=write(place / "pairs.csv", pairs), task__test_file=test,
        task__source_column="de", task__target_column="en", model__hidden_size="8",
    )  # fmt: skip
    own, found = (lines("evaluate", run.id, *flags)[-1] for flags in (("--part", "test"), ("--file", test)))
    assert found["metrics"] == pytest.approx(own["metrics"], rel=1e-6)
    assert found["loss"] == pytest.approx(own["loss"], rel=1e-5)
    assert {"edit_distance", "character_error_rate"} <= found["metrics"].keys()
    assert call("predict", run.id, "--file", test, "--output", str(place / "out.csv"))[0] == 0
    answerer = Answerer(run)
    for row in read(place / "out.csv"):
        alone = answerer.ask("predict", input=row["de"])[1]["answer"]
        assert row["prediction"] == alone["prediction"] and row["en"]
        assert float(row["lowest_probability"]) == pytest.approx(min(alone["probabilities"]), rel=1e-3)


def test_a_language_model_reads_a_text_and_writes_on_from_prompts(place: Path) -> None:
    (place / "text.txt").write_text("the cat sat on the mat. " * 80)
    (place / "other.txt").write_text("the hat sat on a cat. " * 20)
    run = preset_run(
        place / "runs", "character_lm", task__corpus=str(place / "text.txt"), **SMALL,
        task__test_corpus=str(place / "other.txt"), model__embedding_size="4",
    )  # fmt: skip
    own, found = (lines("evaluate", run.id, *flags)[-1]
                  for flags in (("--part", "test"), ("--file", str(place / "other.txt"))))  # fmt: skip
    assert found["metrics"] == own["metrics"] and found["loss"] == own["loss"]
    (place / "prompts.txt").write_text("the c\n\na mat\n")
    out = place / "out.jsonl"
    status, _, err = call(
        "predict", run.id, "--file", str(place / "prompts.txt"), "--output", str(out), "--length", "9"
    )
    assert (status, err) == (0, "")
    answerer = Answerer(run)
    for row, prompt in zip(lines_of(out.read_text()), ("the c", "a mat"), strict=True):
        assert row["input"] == prompt
        assert row["prediction"] == answerer.ask("predict", input=prompt, length=9, seed=0)[1]["answer"]["prediction"]


def test_sums_are_asked_from_plain_lines(place: Path) -> None:
    run = trained(place / "runs", 20, task__min_length=1, task__max_length=4)
    (place / "sums.txt").write_text("1 2 3\n4\nnine\n5 5\n")
    status, _, err = call("predict", run.id, "--file", str(place / "sums.txt"), "--output", str(place / "out.csv"))
    assert status == 2 and "line 3" in err
    rows, answerer = read(place / "out.csv"), Answerer(run)
    assert [row["truth"] for row in rows] == ["6", "4", "", "0"]
    for row in (rows[0], rows[1], rows[3]):
        assert row["prediction"] == str(answerer.ask("predict", input=row["input"])[1]["answer"]["prediction"])
    assert "makes its questions itself" in refused("evaluate", run.id, "--file", str(place / "sums.txt"))
    # What the command line itself writes can be asked.
    said = [call("predict", run.id, question, "--json")[1] for question in ("1 2 3", "5 5")]
    assert [json.loads(line)["input"] for line in said] == [[1, 2, 3], [5, 5]]
    (place / "said.jsonl").write_text("".join(said))
    assert call("predict", run.id, "--file", str(place / "said.jsonl"), "--output", str(place / "again.csv"))[0] == 0
    again = [(row["truth"], row["prediction"]) for row in read(place / "again.csv")]
    assert again == [("6", rows[0]["prediction"]), ("0", rows[3]["prediction"])]


def series(count: int, ahead: int = 0, seed: int = 0) -> list[list[str]]:
    draw = np.random.default_rng(seed)
    rows = [[f"2024-{1 + n // 28:02}-{1 + n % 28:02}", f"{draw.normal(50, 9):.3f}", str(int(draw.integers(0, 2)))]
            for n in range(count)]  # fmt: skip
    return [["day", "sales", "promo"], *rows, *([f"2025-01-{n + 1:02}", "", str(n % 2)] for n in range(ahead))]


@pytest.fixture
def forecaster(place: Path) -> Callable[..., Run]:
    def forecaster(**changes: Any) -> Run:
        file = write(place / "past.csv", series(120))
        few = {"task__window": "6", "task__horizon": "3", "model__hidden_size": "8"}
        return preset_run(place / "runs", "sunspots_gru", task__file=file, task__column="sales", **{**few, **changes})

    return forecaster


@pytest.mark.parametrize("known", [False, True])
def test_each_value_of_a_series_is_forecast_from_the_window_before_it(
    forecaster: Callable[..., Run], place: Path, known: bool
) -> None:
    run = forecaster(**({"task__known_columns": "promo"} if known else {}), task__interval="0.8")
    rows = series(30, ahead=3, seed=5)
    new = write(place / "new.csv", rows)
    assert call("predict", run.id, "--file", new, "--output", str(place / "out.csv"))[0] == 2
    found, answerer = read(place / "out.csv"), Answerer(run)
    assert len(found) == 33 and [row["day"] for row in found] == [row[0] for row in rows[1:]]
    assert all(row["reason"] == "fewer than 6 values before it" and not row["prediction"] for row in found[:6])
    for place_of in (6, 20, 29, 30, 32):
        row, end = found[place_of], min(place_of, 30)
        past = [r[1] + (f";{r[2]}" if known else "") for r in rows[1 + end - 6 : 1 + end]]
        ahead = [f"?;{r[2]}" for r in rows[1 + end : 2 + place_of]] if known else []
        steps = place_of - end + 1
        asked = answerer.ask("predict", input=" ".join([*past, *ahead]), length=steps)[1]["answer"]
        assert float(row["prediction"]) == pytest.approx(asked["prediction"][-1], abs=1e-3)
        assert int(row["steps_ahead"]) == steps
        assert float(row["low"]) <= float(row["high"])
        if steps == 1:
            assert float(row["low"]) == pytest.approx(asked["interval"]["low"][0], abs=1e-3)
    if known:
        assert "is not known (promo)" in refused("predict", run.id, "--file", new, "--length", "4")
    else:
        call("predict", run.id, "--file", new, "--output", str(place / "more.csv"), "--length", "4")
        more = read(place / "more.csv")
        assert len(more) == 37 and [row["steps_ahead"] for row in more[-7:]] == list("1234567")


def test_rows_in_any_order_have_the_forecasts_of_their_times(
    forecaster: Callable[..., Run], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = forecaster(task__order="sort", task__time_column="day")
    head, *rows = series(300, seed=5)
    mixed = [rows[at] for at in np.random.default_rng(1).permutation(len(rows))]
    # So that a part of the file holds rows of all times.
    monkeypatch.setattr("seqsum.query.file_predictions.rows_at_once", lambda *_: 7)
    for name, some in (("sorted", rows), ("mixed", mixed)):
        new = write(place / f"{name}.csv", [head, *some])
        call("predict", run.id, "--file", new, "--output", str(place / f"{name}-out.csv"))
    found, again = ({row["day"]: row for row in read(place / f"{name}-out.csv")} for name in ("sorted", "mixed"))
    assert [row["day"] for row in read(place / "mixed-out.csv")] == [row[0] for row in mixed]
    for day, row in found.items():
        assert again[day]["reason"] == row["reason"]
        if not row["reason"]:
            assert float(again[day]["prediction"]) == pytest.approx(float(row["prediction"]), abs=2e-3)


def test_a_series_of_a_file_is_measured_as_the_test_part(forecaster: Callable[..., Run], place: Path) -> None:
    test = write(place / "test.csv", series(60, seed=9))
    run = forecaster(task__test_file=test, task__season="4", task__interval="0.8")
    own, found = (lines("evaluate", run.id, *flags)[-1] for flags in (("--part", "test"), ("--file", test)))
    assert found["metrics"] == own["metrics"] and found["loss"] == own["loss"]
    assert {"mae", "mae_seasonal_naive", "coverage_share", "horizon_mae"} <= found["metrics"].keys()
    holed = series(60, seed=9)
    holed[30][1] = ""
    again = lines("evaluate", run.id, "--file", write(place / "holed.csv", holed))[-1]
    assert again["sequences"] == own["sequences"] - 7  # the windows and the target with the hole
    assert call("predict", run.id, "--file", str(place / "holed.csv"), "--output", str(place / "out.csv"))[0] == 2
    reasons = [row["reason"] for row in read(place / "out.csv")]
    assert reasons.count("a value is missing in the window before it") == 6
    short = write(place / "short.csv", series(6))
    assert "a window of 6 needs at least 7" in refused("evaluate", run.id, "--file", short)


@pytest.mark.parametrize("data", [b"", b"a", b"a\n", b"\n\n", b"\xef\xbb\xbfa,b\r\nc,d\r\n", LONG,
                                  b"a\nb\n" * AT_ONCE, b"caf\xe9 \xe0\nx\n"])  # fmt: skip
def test_lines_on_the_disk_are_those_of_the_whole_text(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes(data)
    found, _ = open_lines(str(path), "file")
    text = (data.decode("cp1252") if b"caf" in data else data.decode("utf-8-sig")).replace("\r\n", "\n")
    expected = text.removesuffix("\n").split("\n") if text else []
    assert list(found) == expected and len(found) == len(expected)
    for at in (0, len(expected) // 2, len(expected) - 1):
        assert not expected or found[at] == expected[at]
    if expected:
        assert list(Cells(found, ",", 0).rows()) == list(Cells(expected, ",", 0).rows())


def test_plain_lines_need_no_column_and_a_file_without_rows_is_refused(place: Path) -> None:
    run = classifier(place)
    (place / "lines.txt").write_text("a good day\n\nbad luck\n")
    assert call("predict", run.id, "--file", str(place / "lines.txt"), "--output", str(place / "lines.csv"))[0] == 0
    assert len((place / "lines.csv").read_text().splitlines()) == 3
    (place / "header.csv").write_text("id,review,label\n")
    for command in (("predict", "--output", str(place / "none.csv")), ("evaluate",)):
        said = refused(command[0], run.id, "--file", str(place / "header.csv"), *command[1:])
        assert said.endswith("header.csv has no rows under its column names")
    assert not (place / "none.csv").exists()


def test_labels_that_never_come_up_are_counted_and_not_listed() -> None:
    told = list(of_confusion([[3, 1, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], ["a", "b", "c", "d"]).told())
    assert [line.split()[0] for line in told] == ["labels:", "b", "a", "2"]
    assert told[-1] == "  2 other labels: neither the truth nor an answer of any"
    # One that is only answered, or only the truth, does come up.
    told = list(of_confusion([[0, 1], [0, 0]], ["a", "b"]).told())
    assert [line.split()[0] for line in told] == ["labels:", "a", "b"]
