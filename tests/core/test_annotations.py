"""What a person says of runs, the bin, and the commands for both."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.runs import Run, Workspace, bin
from seqsum.runs.annotations import ANNOTATIONS_FILE, Annotations, annotate, check_typed_name
from seqsum.runs.doctor import examine_workspace
from seqsum.runs.lock import take_lock
from support.command_line import call, lines, refused


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "runs")


def make(workspace: Workspace, name: str | None = None, **changes: str) -> Run:
    return workspace.create(
        "baseline", Config().changed({k.replace("__", "."): v for k, v in changes.items()}, "t"), name
    )


def test_annotations_lie_over_the_record_and_nothing_else_changes(workspace: Workspace) -> None:
    run = make(workspace, "first", track__tags="old, older")
    record = (run.folder / "run.json").read_bytes()
    before = workspace.summaries()[0]
    assert (before.name, before.tags, before.note, before.starred) == ("first", ("old", "older"), "", False)
    annotate(run.folder, name=" second ", tags=["new", "new", " other "])
    annotate(run.folder, note="a note\nof two lines ", starred=True)
    for summary in (run.summary(), workspace.summaries()[0], Workspace(workspace.folder).summaries()[0]):
        assert (summary.name, summary.tags) == ("second", ("new", "other"))
        assert (summary.note, summary.starred) == ("a note\nof two lines", True)
    assert (run.folder / "run.json").read_bytes() == record
    assert workspace.find("second").id == run.id and run.name == "second"
    with pytest.raises(UserError, match="no run"):
        workspace.find("first")
    annotate(run.folder, tags=[], note="", starred=False)
    assert run.summary().tags == () and json.loads((run.folder / ANNOTATIONS_FILE).read_text()) == {
        "name": "second",
        "tags": [],
    }


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": " "}, "name: must be 1 to 200"),
        ({"name": "x" * 201}, "name: must be 1 to 200"),
        ({"tags": ["a,b"]}, 'without commas, got "a,b"'),
        ({"tags": ["ok", "\x1b[1m"]}, "tags: a tag is 1 to 50 printable"),
        ({"tags": [str(number) for number in range(51)]}, "at most 50 tags, got 51"),
        ({"note": "x" * 10_001}, "at most 10,000 characters"),
        ({"note": "\x1b"}, "holds control characters"),
    ],
)
def test_what_can_not_be_said_is_refused_and_nothing_is_written(
    workspace: Workspace, wrong: dict[str, object], words: str
) -> None:
    run = make(workspace)
    annotate(run.folder, note="before")
    with pytest.raises(UserError) as caught:
        annotate(run.folder, **wrong)  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert Annotations.read(run.folder) == Annotations(note="before")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "\xff", '{"name": 5, "tags": 5, "note": [], "starred": "yes"}', '{"name": "\\u001b"}', "[" * 9999],
)
def test_a_damaged_file_never_stands_in_the_way(workspace: Workspace, text: str) -> None:
    run = make(workspace, "kept")
    (run.folder / ANNOTATIONS_FILE).write_text(text, encoding="latin-1")
    assert run.summary().name == "kept" and workspace.find("kept").id == run.id
    annotate(run.folder, starred=True)
    assert run.summary().starred


def test_of_a_note_longer_than_any_that_can_be_written_as_much_is_read(workspace: Workspace) -> None:
    """Millions of lines would hold up whoever shows them. The file keeps them."""
    run = make(workspace)
    text = json.dumps({"note": "x\n" * 3_000_000})
    (run.folder / ANNOTATIONS_FILE).write_text(text)
    assert run.summary().note == "x\n" * 5_000
    annotate(run.folder, starred=True)
    assert len((run.folder / ANNOTATIONS_FILE).read_text()) > len(text)


def test_many_at_once_lose_nothing(workspace: Workspace) -> None:
    folder = make(workspace).folder
    one = threading.Thread(target=lambda: [annotate(folder, note=str(number)) for number in range(30)])
    two = threading.Thread(target=lambda: [annotate(folder, tags=[str(number)]) for number in range(30)])
    for thread in (one, two):
        thread.start()
    for thread in (one, two):
        thread.join()
    assert Annotations.read(folder) == Annotations(tags=("29",), note="29")


def test_the_bin_and_back(workspace: Workspace) -> None:
    kept, gone = make(workspace, "kept"), make(workspace, "gone")
    files = sorted(path.name for path in gone.folder.iterdir() if path.name != "worker.lock")
    bin.delete(gone)
    assert [summary.name for summary in workspace.summaries()] == ["kept"]
    assert bin.contents(workspace.folder) == [gone.id] == [run.id for run in workspace.bin.runs()]
    # Whoever still knows the run is told where it is.
    binned = rf"^run {gone.id} is in the bin; seqsum restore {gone.id} brings it back$"
    deeds: list[Callable[[], object]] = [
        lambda: workspace.find("gone"), lambda: workspace.find(gone.id), gone.summary, gone.store,
        lambda: Run(gone.folder).record, lambda: bin.delete(gone), lambda: annotate(gone.folder, starred=True),
    ]  # fmt: skip
    for deed in deeds:
        with pytest.raises(UserError, match=binned):
            deed()
    back = bin.restore(workspace.folder, gone.id)
    assert back.summary().name == "gone" and bin.contents(workspace.folder) == []
    assert sorted(path.name for path in back.folder.iterdir() if path.name != "worker.lock") == files
    assert {run.id for run in workspace.runs()} == {kept.id, gone.id}


def test_what_a_killed_emptying_left_is_no_run_and_goes(workspace: Workspace) -> None:
    ways: list[Callable[[], object]] = [
        lambda: bin.empty(workspace.folder), lambda: make(workspace), lambda: examine_workspace(workspace, repair=True),
    ]  # fmt: skip
    for clear in ways:
        gone = make(workspace)
        bin.delete(gone)
        left = workspace.bin.folder / f".{gone.id}.old"
        (workspace.bin.folder / gone.id).rename(left)
        assert bin.contents(workspace.folder) == [] == workspace.bin.runs()
        with pytest.raises(UserError, match=f"^restore: no run {gone.id} in the bin of "):
            bin.restore(workspace.folder, gone.id)
        clear()
        assert not left.exists()


def test_two_empty_the_bin_at_once(workspace: Workspace) -> None:
    with ThreadPoolExecutor(2) as pool:
        for _ in range(60):  # when only one in seven emptyings meets the other, one in ten thousand sees none
            for number in range(20):
                (workspace.bin.folder / f"run-{number}" / "checkpoints" / "step-1").mkdir(parents=True)
            for emptied in [pool.submit(bin.empty, workspace.folder) for _ in range(2)]:
                emptied.result()
            assert list(workspace.bin.folder.iterdir()) == []


def test_a_live_run_is_not_deleted_and_places_are_not_taken_twice(workspace: Workspace) -> None:
    run = make(workspace)
    lock = take_lock(run.folder)
    assert lock is not None
    with pytest.raises(UserError, match=rf"^delete: a worker is at run {run.id}; stop it first"):
        bin.delete(run)
    os.close(lock)
    bin.delete(run)
    run.folder.mkdir()
    with pytest.raises(UserError, match=r"there is a run .* already"):
        bin.restore(workspace.folder, run.id)
    with pytest.raises(UserError, match=r"there is a run .* already"):
        bin.delete(run)
    for id in ("nothing", "../runs", ""):
        with pytest.raises(UserError):
            bin.restore(workspace.folder, id or "none")
    assert bin.empty(workspace.folder) == 1 and bin.empty(workspace.folder) == 0
    assert bin.contents(workspace.folder) == []


def test_last_deleted_first(workspace: Workspace) -> None:
    runs = [make(workspace) for _ in range(3)]
    for run in (runs[1], runs[2], runs[0]):
        bin.delete(run)
        # One tick of the file system's clock between them.
        now = (workspace.folder / ".bin").stat().st_mtime_ns
        while True:
            (workspace.folder / "tick").touch()
            if (workspace.folder / "tick").stat().st_mtime_ns > now + 10_000_000:
                break
    deleted = bin.deleted_at(workspace.folder)
    assert list(deleted) == [runs[0].id, runs[2].id, runs[1].id]
    # Reading what a run measured makes files beside it, and takes them away.
    assert len(workspace.bin.index.read().entries) == 3
    assert bin.deleted_at(workspace.folder) == deleted


def test_the_commands(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(workspace.folder))
    run = make(workspace, "one", track__tags="a")
    other = make(workspace, "two", train__seed="3")
    assert lines("rename", "one", "ein [b]s")[0]["name"] == "ein [b]s"
    assert lines("tag", run.id, "b", "c")[0]["annotations"]["tags"] == ["a", "b", "c"]
    assert lines("tag", run.id, "a", "--remove")[0]["annotations"]["tags"] == ["b", "c"]
    assert refused("tag", run.id, "b", "zz", "--remove").endswith(' has no tag "zz"; it has b, c')
    assert run.outline().tags == ("b", "c"), "all of it or nothing"
    assert lines("note", run.id, "hard [red]case")[0]["annotations"]["note"] == "hard [red]case"
    assert lines("star", run.id)[0]["annotations"]["starred"] is True
    listed = {line["run"]: line for line in lines("runs")}
    assert (listed[run.id]["note"], listed[run.id]["starred"], listed[run.id]["tags"]) == (
        "hard [red]case",
        True,
        ["b", "c"],
    )
    status, out, _ = call("show", "ein [b]s")
    assert status == 0 and "tags: b, c" in out and "| hard [red]case" in out
    assert [line["run"] for line in lines("runs", "--filter", "has:note")] == [run.id]
    assert [line["run"] for line in lines("runs", "--sort", "train.seed")] == [run.id, other.id]
    assert [line["run"] for line in lines("runs", "--sort", "train.seed", "--reverse")] == [other.id, run.id]
    assert call("runs", "--filter", "acuracy > 1") == (
        2, "", 'filter: no field or metric "acuracy"; did you mean "accuracy"? (at character 1 of the filter)\n',
    )  # fmt: skip
    assert call("runs", "--sort", "nme") == (2, "", 'sort: no column "nme"; did you mean "name"?\n')
    assert call("runs", "--filter", "nothing-like-it")[1] == "no run is like that\n"
    assert call("runs", "--filter", 'name = "like-*"')[1] == "no run is like that; in quotes a * is only a *\n"
    assert call("runs", "--filter", 'name ~ "^like-.*"')[1] == "no run is like that\n"

    assert lines("delete", run.id, "two", "two")[1]["run"] == other.id
    assert lines("runs") == []
    assert {line["name"] for line in lines("bin")} == {"ein [b]s", "two"}
    assert call("delete", "two")[0] == 2
    assert lines("restore", "two")[0]["run"] == other.id
    assert call("restore", "two")[2].endswith("; seqsum bin lists the deleted runs\n")
    assert [line["deleted"] for line in lines("bin", "--empty")] == [1]
    assert call("bin")[1].endswith("is empty\n")
    assert [line["name"] for line in lines("runs")] == ["two"]


@pytest.mark.parametrize(
    ("name", "flag"),
    [("optim.lr=0.1", "--optim.lr 0.1"), ("--optim.lr 0.1", "--optim.lr 0.1"), ("train.steps = 5", "--train.steps 5"),
     ("--optim.lr", "--optim.lr VALUE"), ("Optim.LR=", "--Optim.LR VALUE")],
)  # fmt: skip
def test_a_setting_is_no_name(name: str, flag: str, workspace: Workspace) -> None:
    run = make(workspace, "first")
    with pytest.raises(UserError) as caught:
        check_typed_name(name)
    assert str(caught.value) == f'name: "{name}" looks like a setting; train and fork take it as {flag}'
    with pytest.raises(UserError, match=r"looks like a setting; it goes elsewhere$"):
        check_typed_name(name, "it goes elsewhere")
    where = ["--workspace", str(workspace.folder)]
    named = ["fork", run.id, f"--name={name}"], ["train", "adds", f"--name={name}"]
    for command in (*named, *([] if name.startswith("-") else [["rename", run.id, name]])):
        assert refused(*command, *where).endswith(f"looks like a setting; train and fork take it as {flag}")
    assert [one.name for one in workspace.runs()] == ["first"]


@pytest.mark.parametrize(
    "name", ["lr=0.1", "v1.2=best", "big run optim.lr=0.1", "adds.2", "a.b", "-1.5", "e.g. = this"]
)
def test_what_only_holds_a_setting_is_a_name(name: str) -> None:
    assert check_typed_name(name) == name


def test_a_run_that_is_called_like_a_setting_already_keeps_its_name(workspace: Workspace) -> None:
    run = make(workspace)
    annotate(run.folder, name="optim.lr=0.1")
    assert Run(run.folder).name == "optim.lr=0.1"
