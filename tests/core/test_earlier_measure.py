"""Runs of earlier versions keep their numbers and say what they are means over."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from seqsum.cli import main
from seqsum.compare import ComparisonReader
from seqsum.control import commands
from seqsum.launch import WarmLauncher
from seqsum.runs import Run, Workspace
from seqsum.runs.checkpoint_files import checksum
from seqsum.runs.measure import earlier_measure
from support.engine import small, wait_for_end

CHANGES: dict[str, Any] = {"train__steps": 300, "train__backend": "torch", "task__max_length": 3}


def trained(fork_server: WarmLauncher, folder: Path, name: str) -> Run:
    run = Workspace(folder).create("test", small(**CHANGES), name)
    fork_server.submit(run)
    assert wait_for_end(run).status == "finished"
    return run


def as_earlier(run: Run) -> Run:
    """Make a run what an earlier version left: neither its record nor its checkpoints name a measure."""
    record = json.loads((run.folder / "run.json").read_text())
    del record["measured_since"]
    (run.folder / "run.json").write_text(json.dumps(record))
    for path in run.checkpoints.iterdir():
        state = json.loads((path / "state.json").read_text())
        del state["measure"]
        # Losses that no evaluation of now can reach.
        state["progress"] |= {"best_loss": 1e-9, "best_step": 1, "since_best": 3}
        text = json.dumps(state)
        (path / "state.json").write_text(text)
        sums = json.loads((path / "checksums.json").read_text())
        (path / "checksums.json").write_text(json.dumps({**sums, "state.json": checksum(text.encode())}))
    return Run(run.folder)


@pytest.fixture(scope="module")
def parents(fork_server: WarmLauncher, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a run of now and one of an earlier version."""
    folder = tmp_path_factory.mktemp("measures")
    trained(fork_server, folder, "now")
    as_earlier(trained(fork_server, folder, "old"))
    return folder


@pytest.fixture
def workspace(parents: Path, tmp_path: Path) -> Workspace:
    """The same in a workspace of the test's own."""
    shutil.copytree(parents, tmp_path / "runs")
    return Workspace(tmp_path / "runs")


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(list(words)) == 0
    return capsys.readouterr().out


def test_what_a_person_reads_says_which_measure_it_is(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    here = ("--workspace", str(workspace.folder))
    old, now = workspace.find("old"), workspace.find("now")
    assert (old.summary().measure, now.summary().measure) == ("over all inputs", "")
    listing = said(capsys, "runs", *here).splitlines()
    assert [line.count("*") for line in listing if " old " in line or " now " in line] in ([1, 0], [0, 1])
    assert "*" in next(line for line in listing if " old " in line)
    assert listing[-1] == "* over all inputs, as an earlier version measured: not to be compared with the others"
    assert "accuracy and eval_loss are over all inputs" in said(capsys, "show", "old", *here)
    assert "all inputs, as" not in said(capsys, "show", "now", *here)
    plain = json.loads(said(capsys, "show", "old", "--json", *here))
    assert plain["measure"] == "over all inputs"
    assert json.loads(said(capsys, "show", "now", "--json", *here))["measure"] == "as drawn"


def test_a_comparison_of_two_measures_says_so(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    here = ("--workspace", str(workspace.folder))
    sentence = "not one measure: accuracy of old over all inputs, the others over what training draws"
    assert sentence in said(capsys, "compare", "old", "now", *here)
    assert "measure" not in said(capsys, "compare", "old", "now", "--metric", "loss", *here)
    ids = [workspace.find("old").id]
    alone = ComparisonReader(workspace.folder, ids, "eval_loss").read()
    assert alone is not None and alone.measures == "eval_loss is over all inputs, as an earlier version measured"
    new = ComparisonReader(workspace.folder, [workspace.find("now").id], "accuracy").read()
    assert new is not None and new.measures == ""


def messages(run: Run) -> list[str]:
    with run.store() as store:
        return [event.detail["text"] for event in store.events(kind="message")]


def test_a_fork_is_measured_as_now_and_says_so(workspace: Workspace, fork_server: WarmLauncher) -> None:
    changes = {"train.early_stop": "2", "train.evaluate_every": "10"}
    child = commands.fork(workspace, fork_server, workspace.find("old"), 200, changes)
    assert wait_for_end(child).status == "finished"
    summary = child.summary()
    assert summary.measure == ""
    [text] = [text for text in messages(child) if "measure" in text or "means over" in text]
    assert text == (
        "from here on accuracy and eval_loss are means over what training draws; up to step 200 they are over all "
        "inputs"
    )
    # A loss that was measured otherwise would have stopped it after two evaluations.
    assert summary.step > 220
    grandchild = commands.fork(workspace, fork_server, child, None, {"train.steps": "400", "train.early_stop": "off"})
    assert wait_for_end(grandchild).status == "finished"
    assert not [text for text in messages(grandchild) if "measure" in text or "means over" in text]


def test_a_run_that_goes_on_says_from_which_step_it_is_measured_as_now(
    workspace: Workspace, fork_server: WarmLauncher
) -> None:
    old = workspace.find("old")
    commands.rewind(old, 200)
    commands.resume(old, fork_server)
    assert wait_for_end(old).status == "finished"
    again = Run(old.folder)
    assert again.summary().measure == "over all inputs up to step 200"
    assert len([text for text in messages(again) if "from here on" in text]) == 1
    assert json.loads((old.folder / "run.json").read_text())["measured_since"] == 200
    # What was measured before stands there, too, under a name that says so.
    assert again.summary().metrics.keys() >= {"accuracy", "accuracy_all_inputs"}


@pytest.mark.parametrize(
    ("task", "measure"),
    [
        ({"name": "sum_modulo", "modulus": 10, "min_length": 2, "max_length": 5}, "over all inputs"),
        ({"name": "sum_modulo", "modulus": 10, "min_length": 3, "max_length": 3}, ""),
        ({"name": "sum_modulo", "modulus": 10, "min_length": 2, "max_length": 50}, ""),
        ({"name": "sum_modulo", "modulus": 100, "min_length": 1, "max_length": 10_000}, ""),
        ({"name": "reverse_string"}, "over all symbols"),
        ({"name": "parity_check"}, ""),
        ({"name": "forecast"}, ""),
        ({"name": "of_a_plug_in", "min_length": 1}, ""),
        ({}, ""),
        ({"name": "sum_modulo", "modulus": "ten", "min_length": None}, ""),
    ],
)
def test_which_tasks_were_measured_otherwise(task: dict[str, Any], measure: str) -> None:
    assert earlier_measure({"task": task}) == measure
