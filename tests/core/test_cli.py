"""The command line: what it prints, what it refuses, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from seqsum.cli import follow
from seqsum.cli.arguments import COMMANDS
from seqsum.config import Config
from seqsum.launch import WarmLauncher
from seqsum.presets import load_preset, preset_names
from seqsum.runs import Workspace
from seqsum.runs.checkpoint_files import read_state
from support.command_line import call, lines, refused
from support.engine import (
    PlainModel,
    kill,
    last_bytes,
    new_run,
    outcome_of,
    small,
    step_of,
    train_here,
    wait_for_end,
    wait_for_step,
)

SUMMARY_KEYS = {"run", "name", "preset", "status", "step", "steps", "pid", "config", "metrics"}
# 111,100 sequences at every evaluation are not what most of these tests are about.
SHORT = ["--train.steps", "30", "--train.log_every", "10", "--train.evaluate_every", "30"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The workspace of this module, as SEQSUM_WORKSPACE names it."""
    folder = tmp_path_factory.mktemp("workspace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSUM_WORKSPACE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def trained(home: Path) -> list[dict[str, Any]]:
    """What `train --json` printed for a run of `baseline`, called "trained"."""
    return lines("train", "baseline", "--name", "trained", *SHORT, "--train.seed", "7")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace for one test alone."""
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path))
    return tmp_path


def test_presets() -> None:
    found = lines("presets")
    assert [preset["name"] for preset in found] == preset_names()
    for preset in found:
        assert {"name", "title", "description", "config"} <= set(preset)
        assert preset["config"] == load_preset(preset["name"]).config.plain()
    status, out, _ = call("presets")
    assert status == 0 and all(preset["title"] in out for preset in found)


def test_train(trained: list[dict[str, Any]], home: Path, tmp_path: Path) -> None:
    first, *middle, last = trained
    assert first["event"] == "started" and first["name"] == "trained" and first["run"] == last["run"]
    told = [line["message"] for line in middle if line["event"] == "message"]
    assert told == ["train.checkpoint_every 1,000 is more than a run of 30 steps: it saves at its end only"]
    assert middle[0]["event"] == "message", "it is said before the run is under way"
    middle = middle[1:]
    assert {line["event"] for line in middle} == {"metrics"}
    assert [line["step"] for line in middle if "loss" in line["metrics"]] == [10, 20, 30]
    keys = {"event", "run", "status", "step", "train_seconds", "steps_per_second", "metrics"}
    assert keys <= set(last)
    assert (last["event"], last["status"], last["step"]) == ("finished", "finished", 30)
    assert last["train_seconds"] > 0 and last["steps_per_second"] > 0
    changes = {
        "train.steps": 30, "train.log_every": 10, "train.evaluate_every": 30, "train.seed": 7,
    }  # fmt: skip
    points, files = train_here(load_preset("baseline").config.changed(changes, "test"), tmp_path)
    assert last["metrics"]["loss"] == points["loss"][-1][1]
    assert last["metrics"]["accuracy"] == points["accuracy"][-1][1]
    assert last_bytes(Workspace(home).find("trained")) == files


def test_runs_and_show(trained: list[dict[str, Any]], home: Path) -> None:
    (run,) = (run for run in lines("runs") if run["name"] == "trained")
    assert run["run"] == trained[0]["run"] and run["status"] == "finished"
    (shown,) = lines("show", "trained")
    assert set(shown) >= SUMMARY_KEYS
    assert (shown["status"], shown["step"], shown["steps"], shown["pid"]) == ("finished", 30, 30, None)
    assert shown["config"]["train"]["seed"] == shown["seed"] == 7
    assert shown["metrics"] == trained[-1]["metrics"]
    for text in (run["run"], "trained"):
        status, out, err = call("show", text)
        assert (status, err) == (0, "") and "finished" in out and run["run"] in out
    status, out, _ = call("runs")
    assert status == 0 and "trained" in out and "30/30" in out


def test_options_stand_before_the_command_or_after_it(
    trained: list[dict[str, Any]], home: Path, tmp_path: Path
) -> None:
    status, out, _ = call("--json", "--workspace", str(home), "show", "trained")
    assert status == 0 and json.loads(out)["name"] == "trained"
    assert lines("runs", "--workspace", str(tmp_path)) == []
    assert call("--workspace", str(tmp_path), "runs")[1].startswith("no runs in")


def test_predict(trained: list[dict[str, Any]], home: Path) -> None:
    (answer,) = lines("predict", "trained", "1 2 3 5 1 2 4")
    run = Workspace(home).find("trained")
    plain = PlainModel(10, run.config().model)
    plain.load_state_dict(safetensors.torch.load_file(run.checkpoints / "step-30" / "model.safetensors"))
    expected = torch.softmax(plain(torch.tensor([[1, 2, 3, 5, 1, 2, 4]]), torch.tensor([7])).double(), 1)[0]
    assert (answer.pop("checkpoint_step"), answer.pop("warnings")) == (30, [])
    known = {"input", "prediction", "truth", "correct", "probabilities", "entropy", "interval", "remarks"}
    assert set(answer) == known and answer["interval"] is None
    assert answer["input"] == [1, 2, 3, 5, 1, 2, 4] and answer["truth"] == 18 % 10
    assert answer["probabilities"] == pytest.approx(expected.tolist(), rel=1e-4)
    assert answer["prediction"] == int(expected.argmax())
    assert answer["correct"] is (answer["prediction"] == 8)
    status, out, _ = call("predict", "trained", "1 2 3 5 1 2 4")
    assert status == 0 and f"→ {answer['prediction']}" in out


def test_evaluate(trained: list[dict[str, Any]], home: Path) -> None:
    (answer,) = lines("evaluate", "trained")
    assert {
        "run",
        "checkpoint_step",
        "accuracy",
        "sequences",
        "exhaustive",
        "accuracy_by_length",
        "loss",
        "metrics",
    } <= set(answer)
    assert (answer["sequences"], answer["exhaustive"], answer["checkpoint_step"]) == (111_100, True, 30)
    assert answer["accuracy"] == trained[-1]["metrics"]["accuracy"]
    assert list(answer["accuracy_by_length"]) == ["2", "3", "4", "5"]
    by_length = answer["accuracy_by_length"]
    assert answer["accuracy"] == pytest.approx(sum(by_length.values()) / 4, rel=1e-12)
    weighted = sum(10 ** int(length) * value for length, value in by_length.items()) / 111_100
    assert answer["metrics"]["accuracy_all_inputs"] == pytest.approx(weighted, rel=1e-12)
    (one,) = lines("evaluate", "trained", "--lengths", "1")
    assert (one["sequences"], one["exhaustive"]) == (10, True)
    (many,) = lines("evaluate", "trained", "--lengths", "2-30")
    assert many["exhaustive"] is False and len(many["accuracy_by_length"]) == 29
    status, out, _ = call("evaluate", "trained", "--lengths", "2-30")
    assert status == 0 and f"a fixed set of {many['sequences']:,} sequences" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "basline"], 'did you mean "baseline"?'),
        (["train", "nowhere/mine.toml"], "can't read nowhere/mine.toml"),
        (["train", "baseline", "--optim.Ir", "1"], 'did you mean "--optim.lr"?'),
        (["train", "baseline", "--train.step=5"], 'did you mean "--train.steps"?'),
        (["train", "baseline", "--name", "\x1b[31mred"], "name: must be"),
        (["train"], "PRESET"),
        (["trian"], 'did you mean "train"?'),
        (["show", "tra1ned"], 'did you mean "trained"?'),
        (["show", "\x1b[31m"], "no run"),
        (["show", ""], "no run"),
        (["runs", "--jsn"], 'did you mean "--json"?'),
        (["predict", "trained", "1 2 x"], 'number 3 is "x"'),
        (["predict", "trained", "\x1b[2J"], "number 1"),
        (["predict", "trained", ""], "nothing to add"),
        (["predict", "trained", "1", "2"], "predict"),
        (["evaluate", "trained", "--lengths", "nonsense"], '--lengths is LOW-HIGH'),
        (["evaluate", "trained", "--lengths", "9-2"], '--lengths is LOW-HIGH'),
        (["evaluate", "trained", "--lengths", "0-2"], '--lengths is LOW-HIGH'),
        (["set", "trained", "model.hidden_size=4"], "model.hidden_size"),
        (["set", "trained", "optim.lr"], "is not section.field=VALUE"),
        (["set", "trained", "optim.lr=0.1"], "is finished"),
        (["set", "trained", "optim.lr=0.1", "optim.lr = 0.2"], 'set: optim.lr is given twice, "0.1" and "0.2"; leave'),
        (["pause", "trained"], "is finished"),
        (["resume", "trained"], "is finished"),
        (["stop", "trained"], "is finished"),
        (["snapshot", "trained"], "is finished"),
        (["fork", "trained", "--step", "x"], 'must be best, last or a whole number from 0, got "x"'),
        (["fork", "trained", "--step", "7"], "has no checkpoint of step 7; its only one is of step 30"),
        (["fork", "trained"], "train.steps: must be above 30"),
        (["fork", "trained", "--optim.lrr", "1"], 'did you mean "--optim.lr"?'),
        (["rewind", "trained"], "either --step N or --undo"),
        (["rewind", "trained", "--undo"], "was put aside by a rewind"),
        (["rewind", "trained", "--step", "-1"], "--checkpoint must be best, last or a whole number"),
        (["rewind", "trained", "--step", "30"], "is at step 30 already"),
    ],
)  # fmt: skip
def test_what_is_refused(arguments: list[str], words: str, trained: list[dict[str, Any]], home: Path) -> None:
    sentence = refused(*arguments)
    assert words in sentence
    assert "\n" not in sentence


def test_fork_and_rewind(workspace: Path) -> None:
    every = ["--train.checkpoint_every", "10"]
    (run,) = [line["run"] for line in lines("train", "baseline", *SHORT, *every) if line["event"] == "started"]
    first, *_, last = lines("fork", run, "--step", "20", "--train.steps", "40", "--name", "longer")
    assert (first["event"], first["name"], first["parent"]) == ("started", "longer", {"run": run, "step": 20})
    assert (last["event"], last["status"], last["step"]) == ("finished", "finished", 40)
    (shown,) = lines("show", "longer")
    assert shown["parent"] == {"run": run, "step": 20} and shown["config"]["train"]["steps"] == 40
    began = read_state(Workspace(workspace).find(run).checkpoints / "step-20")["train_seconds"]
    assert shown["steps_per_second"] == last["steps_per_second"] == 20 / (shown["train_seconds"] - began)
    assert f"forked from {run} at step 20" in call("show", "longer")[1]
    assert "was forked from step 20" in refused("rewind", run, "--step", "10")
    assert Workspace(workspace).find(run).summary().step == 30
    (told,) = lines("rewind", "longer", "--step", "30")
    assert (told["ok"], told["step"]) == (True, 30) and Path(told["kept"]).is_dir()
    (shown,) = lines("show", "longer")
    assert (shown["status"], shown["step"]) == ("stopped", 30)
    (told,) = lines("rewind", "longer", "--undo")
    (shown,) = lines("show", "longer")
    assert (told["step"], shown["status"], shown["step"]) == (40, "finished", 40)


def test_every_wrong_field_at_once(workspace: Path) -> None:
    sentence = refused(
        "train", "baseline", "--task.modulus", "1", "--optim.lr", "fast", "--train.steps", "-3", "--model.cell", "lstn"
    )
    for words in ("task.modulus", "at least 2", "optim.lr", '"fast"', "train.steps", "model.cell", '"lstm"'):
        assert words in sentence
    assert len(sentence.splitlines()) == 4
    assert Workspace(workspace).runs() == [], "nothing was begun"


@pytest.mark.parametrize(
    "line",
    ["show ad", "pause ad", "resume ad", "stop ad", "snapshot ad", "set ad optim.lr=1", "fork ad", "rewind ad --undo",
     "predict ad 1", "inspect ad 1", "sample ad 1", "evaluate ad", "export ad --output x.csv", "compare ad", "star ad",
     "rename ad b", "tag ad b", "note ad b", "delete ad", "restore ad", "sync ad"],
)  # fmt: skip
def test_a_refusal_begins_with_the_command_that_was_typed(line: str, workspace: Path) -> None:
    command = line.split()[0]
    assert re.match(rf'{command}: (no|there is no) (run|deleted run).* "ad"', refused(*line.split()))


def test_ambiguous_runs_and_runs_without_a_checkpoint(workspace: Path) -> None:
    config = small()
    runs = [new_run(workspace, config, "twin") for _ in range(2)]
    sentence = refused("show", "twin")
    assert all(run.id in sentence for run in runs) and "2 runs" in sentence
    assert "2 runs" in refused("show", runs[0].id[:8])
    assert lines("show", runs[0].id)[0]["run"] == runs[0].id
    assert "no checkpoint yet" in refused("predict", runs[0].id, "1")
    assert "no checkpoint yet" in refused("evaluate", runs[0].id)
    assert lines("show", runs[0].id)[0]["status"] == "queued"


def test_a_damaged_run_is_told_in_a_sentence(workspace: Path) -> None:
    run = new_run(workspace, small(), "broken")
    (run.folder / "metrics.db").write_bytes(b"not a database, but long enough to be looked at" * 40)
    (shown,) = lines("show", run.id)
    assert shown["status"] == "unreadable" and "can't read" in shown["reason"]
    assert "can't read" in refused("resume", run.id)


def test_a_live_run(fork_server: WarmLauncher, workspace: Path) -> None:
    config = small(train__steps=100_000, train__checkpoint_every=10**9)
    run = new_run(workspace, config, "live")
    pid = fork_server.submit(run)
    (paused,) = lines("pause", "live")
    assert (paused["run"], paused["ok"]) == (run.id, True)
    (shown,) = lines("show", "live")
    assert (shown["status"], shown["pid"], shown["step"]) == ("paused", pid, paused["step"])
    changed = lines("set", "live", "optim.lr=0.002", "optim.clip_norm=0.5")
    assert [line["ok"] for line in changed] == [True, True]
    (shown,) = lines("show", "live")
    assert (shown["config"]["optim"]["lr"], shown["config"]["optim"]["clip_norm"]) == (0.002, 0.5)
    # All or nothing: the good half of a wrong wish does not happen.
    assert "optim.clip_norm" in refused("set", "live", "optim.lr=0.5", "optim.clip_norm=-1")
    assert lines("show", "live")[0]["config"]["optim"]["lr"] == 0.002
    assert lines("resume", "live")[0]["ok"] is True
    wait_for_step(run, paused["step"] + 20)
    before = step_of(run)
    (snapshot,) = lines("snapshot", "live")
    assert snapshot["step"] >= before
    (answer,) = lines("evaluate", "live")
    assert answer["checkpoint_step"] > snapshot["step"], "a live run answers with what it knows now"
    assert lines("predict", "live", "1 2 3")[0]["truth"] == 6 % 5
    (stopped,) = lines("stop", "live")
    assert stopped["ok"] is True
    assert wait_for_end(run).status == "stopped"
    (shown,) = lines("show", "live")
    assert (shown["status"], shown["step"]) == ("stopped", stopped["step"])
    assert lines("set", "live", "optim.lr=0.004")[0]["ok"] is True
    status, out, _ = call("set", "live", "optim.lr=0.005")
    assert status == 0 and "from the moment" in out


def test_a_dead_run_shows_the_end_of_its_log_and_goes_on(fork_server: WarmLauncher, workspace: Path) -> None:
    config = small(train__steps=300)
    run = new_run(workspace, config, "dead")
    pid = fork_server.submit(run)
    call("pause", "dead")
    kill(run, pid)
    with run.log.open("a") as log:
        log.write("[bold]last\x1b[31m words[/bold]\n")
    status, out, _ = call("show", "dead")
    assert status == 0 and "died" in out and "[bold]last\\x1b[31m words[/bold]" in out and "\x1b" not in out
    (resumed,) = lines("resume", "dead", "--detach")
    assert resumed["ok"] is True and resumed["pid"] != pid
    assert wait_for_end(run).status == "finished"


def test_names_are_printed_literally(workspace: Path) -> None:
    name = "[red]x[/red] {y} %s 日本"
    run = new_run(workspace, small(), name)
    for arguments in (["runs"], ["show", run.id]):
        assert name in call(*arguments)[1]
    assert [line["name"] for line in lines("runs")] == [name]


def test_a_terminal_that_lacks_the_letters_gets_no_traceback(trained: list[dict[str, Any]], home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "seqsum.cli", "predict", "trained", "1 2"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"") and b"1 2 -> " in done.stdout


def test_a_locale_without_utf_8_is_told_by_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = os.fsencode("日本").decode("ascii", "surrogateescape")
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: "ascii")
    for command in COMMANDS:
        assert refused(command, typed) == (
            'seqsum: "日本" can\'t be read, as the locale is not UTF-8 but ascii; set LC_ALL=C.UTF-8, or PYTHONUTF8=1'
        )


def test_a_name_in_a_c_locale_is_refused_in_a_sentence(workspace: Path) -> None:
    bare = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "seqsum.cli", "show", "日本"],
        check=False,
        env=bare,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "the locale is not UTF-8 but ascii" in done.stderr and "udc" not in done.stderr


def test_detached(workspace: Path) -> None:
    (started,) = lines("train", "baseline", "--detach", *SHORT)
    assert started["event"] == "started" and started["pid"]
    assert [text.partition(" ")[0] for text in started["messages"]] == ["train.checkpoint_every"]
    (run,) = Workspace(workspace).runs()
    summary = wait_for_end(run)
    assert (summary.status, summary.name, summary.step) == ("finished", "baseline", 30)


LONG = [
    *("--task.modulus", "5", "--task.max_length", "3", "--train.steps", "3000"),
    *("--train.log_every", "10", "--train.checkpoint_every", "1000", "--train.backend", "torch"),
]


def long_config() -> Config:
    return load_preset("baseline").config.changed(
        {option.removeprefix("--"): value for option, value in zip(LONG[::2], LONG[1::2], strict=True)}, "test"
    )


def test_ctrl_c_saves_and_stops_and_resume_goes_on(workspace: Path, fork_server: WarmLauncher, tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "seqsum.cli", "train", "baseline", *LONG, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    seen = [json.loads(child.stdout.readline())]
    while seen[-1]["event"] != "metrics":
        seen.append(json.loads(child.stdout.readline()))
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=250)
    last = json.loads(out.splitlines()[-1])
    assert (child.returncode, err) == (130, "")
    assert (last["event"], last["status"]) == ("stopped", "stopped") and last["step"] < 3000
    (run,) = Workspace(workspace).runs()
    assert (run.checkpoints / f"step-{last['step']}").is_dir()
    fork_server.submit(run)
    assert wait_for_end(run).status == "finished"
    assert outcome_of(run) == train_here(long_config(), tmp_path / "here")


def test_without_a_terminal_it_prints_plain_lines(workspace: Path) -> None:
    name = "[red]x[/red]"
    status, out, err = call("train", "baseline", "--name", name, *SHORT)
    assert (status, err) == (0, "") and "\x1b" not in out and "\r" not in out
    first, *middle, last, verdict = out.splitlines()
    assert first.startswith(name) and last.startswith(name) and "finished at step 30" in last
    assert verdict.startswith("at chance: ")
    assert any(re.search(r"step \d+/30  loss \d\.\d{4}", line) for line in middle)


def test_a_run_that_stands_still_prints_no_line_twice(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LINE_SECONDS", 0.0)
    monkeypatch.setattr(follow, "POLL_SECONDS", 0.001)
    _, out, _ = call("train", "baseline", *SHORT)
    lines = [re.sub(r"  [\d.,]+ steps/s.*", "", line) for line in out.splitlines() if line.startswith("step ")]
    assert lines and len(set(lines)) == len(lines)


def test_a_failed_run_ends_with_status_1(workspace: Path) -> None:
    status, out, _ = call("train", "baseline", *SHORT, "--optim.lr", "1e39", "--json")
    last = json.loads(out.splitlines()[-1])
    assert (status, last["event"], last["status"]) == (1, "failed", "failed")
    assert "1e39" in last["reason"]


@pytest.mark.parametrize("columns", [60, 100])
def test_a_terminal_gets_a_progress_bar_and_ctrl_c_stops(columns: int, workspace: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS=str(columns), LINES="24")
        os.execv(sys.executable, [sys.executable, "-P", "-m", "seqsum.cli", "train", "baseline", *LONG])
    output, typed = b"", False
    with contextlib.suppress(OSError):  # the end of a terminal's output is an error on Linux
        while part := os.read(terminal, 4096):
            output += part
            # Nothing is known of the time left before the run is half a second old.
            if not typed and b"accuracy" in output and re.search(rb" left", output):
                os.write(terminal, b"\x03")
                typed = True
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output.decode())
    assert os.waitstatus_to_exitcode(status) == 130
    assert "Traceback" not in text
    speed = r" +[\d,]+ steps/s" if columns == 100 else ""
    loss, accuracy = r"loss \d\.\d{4}", r"accuracy \d+\.\d\d%"
    figures = (
        rf"{loss} +{accuracy}( at step [\d,]+)?" if columns == 100 else rf"({loss} +{accuracy}|{accuracy} at step .+)"
    )
    assert re.search(rf"running [━╸╺]+ +\d+% {figures}{speed} +.+ left", text)
    assert "…" not in text
    assert "stopped at step" in text and "seqsum resume" in text


@pytest.mark.parametrize(
    "words", [["runs", "--workspace", ""], ["--workspace=", "runs"], ["train", "adds", "--workspace="]]
)
def test_an_empty_folder_is_not_the_one_where_one_stands(words: list[str], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert "--workspace needs a value" in refused(*words)
    assert not list(tmp_path.iterdir())
