"""`seqsum predict`, `inspect`, `sample` and `evaluate`: the query server's own numbers, one input or many."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqsum.formatting import percent
from seqsum.query.answering import Answerer
from seqsum.runs import Run
from support.command_line import call, lines, refused
from support.trained import preset_run, trained


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path))
    return trained(tmp_path, 10, 300, task__min_length=1, task__max_length=2)


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_the_numbers_are_the_query_servers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    answerer = Answerer(run)
    for step, flags in ((300, []), (10, ["--checkpoint", "10"])):
        expected = answerer.ask("predict", input="3 4", checkpoint=step)[1]["answer"]
        head = {"checkpoint_step": step, "warnings": []}
        assert lines("predict", run.id, "3 4", *flags) == [{**head, **expected}]
        expected = answerer.ask("inspect", input="3 4", checkpoint=step)[1]["answer"]
        assert lines("inspect", run.id, "3 4", *flags) == [{**head, "input": "3 4", **expected}]
        (found,) = lines("evaluate", run.id, "--confusion", "--calibration", "--mistakes", "7", *flags)
        whole = answerer.ask("evaluate", checkpoint=step)[1]["answer"]
        for name in ("accuracy", "confusion", "labels", "accuracy_by_length"):
            assert found[name] == whole[name]
        assert found["calibration"] == answerer.ask("calibration", checkpoint=step)[1]["answer"]
        assert found["mistakes"] == answerer.ask("mistakes", checkpoint=step, limit=7)[1]["answer"]
        assert (found["checkpoint_step"], len(found["mistakes"]["rows"])) == (step, 7)
    expected = answerer.ask("nearest_neighbours", input="3 4", count=3, distance="cosine")[1]["answer"]
    (found,) = lines("inspect", run.id, "3 4", "--nearest", "3", "--distance", "cosine")
    assert found["nearest_neighbours"] == expected and len(expected["rows"]) == 3
    status, out, err = call("inspect", run.id, "3 4", "--nearest", "3")
    assert (status, err) == (0, "") and "nearest of all 110 inputs, by Euclidean distance" in out
    expected = answerer.ask("inspect", input="3 4", target=9)[1]["answer"]["saliency"]
    assert lines("inspect", run.id, "3 4", "--target", "9")[0]["saliency"] == expected


@pytest.mark.parametrize("command", [("predict", "3 4"), ("inspect", "3 4"), ("evaluate",)])
def test_an_answer_from_an_older_checkpoint_says_so(command: tuple[str, ...], run: Run) -> None:
    (run.checkpoints / "step-300" / "model.safetensors").write_bytes(b"gone")
    name, *asked = command
    (found,) = lines(name, run.id, *asked)
    assert found["checkpoint_step"] == 10 and ["step-300" in text for text in found["warnings"]] == [True]
    status, out, _ = call(name, run.id, *asked)
    assert status == 0 and found["warnings"][0] in out


def test_many_inputs_from_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "1 2\nthree 4\n\n9\n")
    status, out, err = call("predict", run.id, "-", "--json")
    found = [json.loads(line) for line in out.splitlines()]
    assert (status, err, len(found)) == (2, "", 4), "line n answers line n"
    assert [line.get("truth") for line in found] == [3, None, None, 9]
    assert (found[1]["input"], found[1]["place"], found[1]["end"]) == ("three 4", 0, 5)
    assert "nothing to add" in found[2]["error"]
    typed(monkeypatch, "1 2\nx\n9")
    status, out, err = call("predict", run.id, "-")
    assert status == 2 and [line[0] for line in out.splitlines()] == ["1", "9"] and 'number 1 is "x"' in err
    typed(monkeypatch, "5 5\n0")
    assert [line["truth"] for line in lines("inspect", run.id, "-")] == ["0", "0"]


def test_what_a_person_reads(run: Run) -> None:
    status, out, err = call("inspect", run.id, "3 4")
    found = Answerer(run).ask("inspect", input="3 4")[1]["answer"]
    assert (status, err) == (0, "") and f"answer {found['prediction']}" in out
    (row,) = [line.split() for line in out.splitlines() if line.split()[:2] == ["2", "4"]]
    assert row[2] == found["prediction"] and row[3] == percent(max(found["probabilities"][1]))
    assert float(row[4]) == pytest.approx(found["saliency"]["leave_one_out"][1], abs=1e-4)
    assert float(row[6]) == pytest.approx(found["gradient_norms"][1], rel=1e-2)
    status, out, err = call("evaluate", run.id, "--confusion", "--calibration", "--mistakes", "3")
    assert (status, err) == (0, "") and "confusion: " in out and "calibration: " in out and "mistakes: " in out


def test_a_series_is_told_as_its_column_is_written_and_its_figures_before_what_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s.csv").write_text("t;v\n" + "".join(f"{at};{at % 7},{at % 9}5\n" for at in range(99)))
    run = preset_run(tmp_path / "runs", "sunspots_lstm", task__file=str(tmp_path / "s.csv"), task__window=3)
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path / "runs"))
    status, out, err = call("inspect", run.id, "1,5 2,25 3,5")
    found = Answerer(run).ask("inspect", input="1,5 2,25 3,5")[1]["answer"]["values"]
    says = [line.split()[2] for line in out.splitlines() if line.split()[1:2] in (["1,5"], ["2,25"], ["3,5"])]
    assert (status, err) == (0, "") and [float(text.replace(",", ".")) for text in says] == pytest.approx(
        found, rel=1e-5
    )
    assert all("," in text and "." not in text for text in says)
    for command in ("predict", "inspect"):
        # Nothing means the end of the data: then nothing need be typed.
        assert call(command, run.id) == call(command, run.id, "")
        assert call(command, run.id)[0] == 0
    for flag in ("--temperature", "--top-k"):
        assert f"leave {flag} out" in refused("predict", run.id, "--length", "2", flag, "1")
    assert "answers are not classes" in refused("inspect", run.id, "--target", "1")
    status, out, err = call("evaluate", run.id, "--calibration")
    assert status == 2 and "mae " in out and "calibration: " in err


def test_a_question_beside_that_has_no_answer_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = preset_run(tmp_path, "modular_arithmetic_rnn")
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path))
    flags = ("evaluate", run.id, "--automaton", "--calibration", "--reach", "--mistakes", "3")
    status, out, err = call(*flags)
    assert status == 2 and "calibration: " in out and "mistakes: " in out
    assert [line.split(":")[0] for line in err.splitlines()] == ["automaton", "reach"]
    status, out, err = call(*flags, "--json")
    (found,) = (json.loads(line) for line in out.splitlines())
    assert status == 2 and found["calibration"]["bins"] and found["mistakes"]["rows"]
    assert {name for name, value in found.items() if isinstance(value, dict) and "error" in value} == {
        "automaton",
        "reach",
    }


def test_what_is_refused(run: Run) -> None:
    for arguments, words in (
        (
            ["predict", run.id, "1", "--checkpoint", "7"],
            f"predict: run {run.id} has no checkpoint of step 7; it has those of step 10, 300",
        ),
        (
            ["predict", run.id, "1", "--checkpoint", "newest"],
            "--checkpoint must be best, last or a whole number",
        ),
        (["predict", run.id, "1", "--length", "3"], "does not continue a prompt"),
        (["predict", run.id, "1", "--top-k", "0"], "--top-k must be a whole number from 1"),
        (
            ["predict", run.id, "1", "--temperature", "3", "--seed", "4"],
            "draw tokens; leave --temperature out",
        ),
        (["predict", run.id, "1", "--top-k", "2"], "does not draw tokens; leave --top-k out"),
        (["predict", run.id, "1", "--seed", "4"], "predict: --seed goes with --temperature"),
        (["inspect", run.id, "1", "--target", "ten"], 'no class "ten"; the classes are 0, 1'),
        (["inspect", run.id, "1 " * 501], "at most 500"),
        (["inspect", run.id], "inspect: INPUT is missing; see seqsum inspect --help"),
        (["predict", run.id], "predict: INPUT is missing; see seqsum predict --help"),
        (["inspect", run.id, "1", "--distance", "cosine"], "--distance goes with --nearest"),
        (["inspect", run.id, "1", "--nearest", "3", "--distance", "far"], "--distance must be euclidean or cosine"),
        (["inspect", run.id, "1", "--lenght", "3"], "no option"),
        (["sample", run.id, "1 2"], "does not write on from a prompt"),
        (["evaluate", run.id, "--mistakes", "many"], "--mistakes must be a whole number from 1 to 500"),
        (["evaluate", run.id, "--callibration"], 'did you mean "--calibration"?'),
    ):
        sentence = refused(*arguments)
        assert words in sentence and "\n" not in sentence


def test_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text.txt").write_text("the cat sat on the mat. " * 400)
    run = preset_run(tmp_path / "runs", "character_lm", task__corpus=str(tmp_path / "text.txt"), model__hidden_size=8)
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path / "runs"))
    flags = ["--length", "12", "--temperature", "0.7", "--top-k", "5", "--seed", "3"]
    (found,) = lines("sample", run.id, "the ", *flags)
    expected = Answerer(run).ask("sample", input="the ", length=12, temperature=0.7, top_k=5, seed=3)[1]["answer"]
    assert found == {"checkpoint_step": 1, "warnings": [], **expected} and len(found["written"]) == 12
    typed(monkeypatch, "the ")
    status, out, err = call("sample", run.id, "-", *flags)
    assert (status, err, out.rstrip("\n")) == (0, "", f"the {found['written']}".rstrip("\n"))
    assert "--seed goes with --temperature" in refused("sample", run.id, "the ", "--seed", "3")
    assert "lengths: the held-out text" in refused("evaluate", run.id, "--lengths", "2-5")
    assert "--temperature must be" in refused("sample", run.id, "the ", "--temperature", "hot")


def test_a_prompt_of_numbers_is_set_off_from_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = preset_run(tmp_path / "runs", "counting_rnn", model__hidden_size=8)
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path / "runs"))
    (found,) = lines("sample", run.id, "1 2 2", "--length", "5")
    assert len(found["written"].split()) == 5
    status, out, err = call("sample", run.id, "1 2 2", "--length", "5")
    assert (status, err, out) == (0, "", f"1 2 2 {found['written']}\n")
