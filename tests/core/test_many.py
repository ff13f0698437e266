"""Commands for many runs: by name, by group, by a filter; asked at a terminal; what can't be is told, the rest done."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from seqsum.config import Config
from seqsum.runs import Run, Workspace, bin
from support.command_line import call, lines, refused
from support.terminal import Terminal


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path / "runs"))
    made = Workspace(tmp_path / "runs")
    for number in range(5):
        group = {"track.group": "a, b" if number < 3 else "other"}
        run = made.create("baseline", Config().changed(group, "test"), f"run{number}")
        with run.store() as store:
            store.set_state(status="finished" if number != 2 else "stopped", step=number)
    return made


def tags(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    return {one.name: one.tags for one in workspace.summaries()}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["run1"], {"run1"}),
        (["group:a, b"], {"run0", "run1", "run2"}),
        (["--filter", "status = finished and step > 0"], {"run1", "run3", "run4"}),
    ],
)
def test_each_run_that_is_meant_is_tagged_and_no_other(words: list[str], names: set[str], workspace: Workspace) -> None:
    told = lines("tag", *words, "x", "y z")
    assert {line["name"] for line in told} == names
    assert {name for name, has in tags(workspace).items() if has == ("x", "y z")} == names
    assert all(not has for name, has in tags(workspace).items() if name not in names)
    lines("tag", *words, "x", "--remove")
    assert {name for name, has in tags(workspace).items() if has} == names


def test_many_go_into_the_bin_and_come_back(workspace: Workspace) -> None:
    assert {line["name"] for line in lines("delete", "run0", "group:other", "run3")} == {"run0", "run3", "run4"}
    assert len(bin.contents(workspace.folder)) == 3
    assert {line["name"] for line in lines("restore", "--filter", "step > 0")} == {"run3", "run4"}
    assert {one.name for one in workspace.summaries()} == {"run1", "run2", "run3", "run4"}
    nothing = 'restore: no run "nothing" is in the bin; seqsum bin lists the deleted runs'
    assert refused("restore", "nothing") == nothing


def test_of_several_those_that_can_t_be_are_told_and_the_others_done(workspace: Workspace) -> None:
    (run,) = (Run(workspace.folder / one.id) for one in workspace.summaries() if one.name == "run4")
    run.store().close()
    (run.folder / "annotations.json").mkdir()
    status, out, err = call("tag", "group:other", "x")
    assert status == 2 and "run3" in out and "annotations.json" in err and "Traceback" not in err
    assert tags(workspace)["run3"] == ("x",)
    # Where it can't be done to any, that is the answer, as for one.
    assert "all 2 runs are finished: run" in refused("pause", "group:other")


@pytest.mark.parametrize("verb", ["stop", "pause", "snapshot", "resume"])
def test_those_of_one_reason_are_told_with_their_number(verb: str, workspace: Workspace) -> None:
    finished = [one.name for one in workspace.summaries() if one.status == "finished"]
    every = refused(verb, "--filter", "status = finished")
    assert every.startswith(f"{verb}: all 4 runs are finished: ") and all(name in every for name in finished)
    assert "\n" not in every and not any(one.id in every for one in workspace.summaries())
    if verb == "resume":
        return
    (last,) = (Run(workspace.folder / one.id) for one in workspace.summaries() if one.name == "run4")
    with last.store() as store:
        store.set_state(status="failed")
    several = refused(verb, "--filter", "step >= 0").splitlines()
    (stopped,) = (one.id for one in workspace.summaries() if one.name == "run2")
    assert sum(line.startswith(f"{verb}: 3 of 5 runs are finished: ") for line in several) == 1
    assert sum(f"run {stopped} is stopped" in line for line in several) == 1
    assert sum("has failed" in line for line in several) == 1 and len(several) == 3


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["stop"], "RUN is missing; name runs, group:NAME, or --filter EXPR"),
        (["delete", "group:none"], "no run of a group"),
        (["pause", "--filter", "step > 99"], "no run is like that"), (["resume", "--filter", "step >"], "step >"),
        (["tag", "run1"], "TAG is missing"), (["delete", "run1", "nothing"], "nothing"),
    ],
)  # fmt: skip
def test_what_finds_nothing_is_said_and_nothing_is_done(words: list[str], why: str, workspace: Workspace) -> None:
    assert why in refused(*words)
    assert len(workspace.runs()) == 5


@pytest.mark.parametrize(("answer", "left"), [("y", 2), ("n", 5), ("", 5)])
def test_at_a_terminal_several_are_asked_for(answer: str, left: int, workspace: Workspace) -> None:
    command = [sys.executable, "-m", "seqsum.cli", "delete", "group:a, b"]
    terminal = Terminal(command, os.environ, 100, 20)
    terminal.wait_for("delete 3 runs: ")
    assert all(f"run{number}" in terminal.text for number in range(3)) and len(workspace.runs()) == 5
    terminal.press(answer, "enter")
    terminal.wait_for_end()
    assert len(workspace.runs()) == left and ("nothing was done" in terminal.text) is (left == 5)
    terminal.close()


def test_one_run_or_yes_is_not_asked_for(workspace: Workspace) -> None:
    for words, left in ((["run4"], 4), (["--filter", "step >= 0", "--yes"], 0)):
        terminal = Terminal([sys.executable, "-m", "seqsum.cli", "delete", *words], os.environ, 100, 20)
        terminal.wait_for_end()
        terminal.close()
        assert len(workspace.runs()) == left


@pytest.mark.parametrize(("words", "answer", "left"), [([], "n", 3), ([], "y", 0), (["--yes"], None, 0)])
def test_at_a_terminal_the_bin_is_emptied_when_that_is_agreed(
    words: list[str], answer: str | None, left: int, workspace: Workspace
) -> None:
    assert call("delete", "group:a, b")[0] == 0
    terminal = Terminal([sys.executable, "-m", "seqsum.cli", "bin", "--empty", *words], os.environ, 100, 20)
    if answer is not None:
        terminal.wait_for("delete 3 runs for good, and free ")
        assert len(workspace.bin.runs()) == 3
        terminal.press(answer, "enter")
    terminal.wait_for_end()
    terminal.close()
    assert len(workspace.bin.runs()) == left and len(workspace.runs()) == 2
