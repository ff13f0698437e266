"""The index of runs says what the folders say, whatever happened to them or to its file."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqsum.config import Config
from seqsum.launch.local import LocalLauncher
from seqsum.runs import Run, Workspace
from seqsum.runs.annotations import annotate
from seqsum.runs.changes import CHANGED_FILE, MOST_BYTES
from seqsum.runs.disk import size_on_disk
from seqsum.runs.entry import read_entry
from seqsum.runs.index import INDEX_FILE, Index


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "runs")


def ended(workspace: Workspace, name: str, **metrics: float) -> Run:
    run = workspace.create("baseline", Config(), name)
    with run.store() as store:
        store.append((metric, step, value * step) for metric, value in metrics.items() for step in range(1, 101))
        store.set_state(status="finished", step=100)
    return run


def told(index: Index, *, quick: bool = False) -> list[object]:
    return [entry.summary for entry in index.read(quick=quick).entries]


def truth(workspace: Workspace) -> list[object]:
    runs = workspace.runs()
    found = [replace(run.summary(judged=True), size=size_on_disk(run.folder)) for run in runs]
    return sorted(found, key=lambda run: (run.created, run.id), reverse=True)


def test_it_says_what_the_folders_say_after_every_change(workspace: Workspace) -> None:
    runs = [ended(workspace, f"run-{number}", loss=0.01, accuracy=0.001) for number in range(4)]
    index = Index(workspace.folder)
    assert told(index) == truth(workspace) and len(truth(workspace)) == 4
    before = index.read().entries
    assert index.read().entries is before
    annotate(runs[0].folder, name="renamed", tags=["x"], starred=True)
    assert told(index, quick=True) == truth(workspace)
    with runs[1].store() as store:
        store.set_state(status="stopped", step=50)
    shutil.rmtree(runs[2].folder)
    ended(workspace, "new")
    assert told(index) == truth(workspace) == told(Index(workspace.folder))
    curve = next(entry for entry in index.read().entries if entry.summary.id == runs[0].id).curves["loss"]
    assert len(curve) == 24 and list(curve) == sorted(curve) and 0 < curve[0] < 0.1 and 0.95 < curve[-1] < 1.0


def test_what_was_read_is_kept_in_a_file_that_can_be_lost(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        ended(workspace, f"run-{number}", loss=0.5)
    expected = truth(workspace)
    told(Index(workspace.folder))
    told(Index(workspace.folder))
    with monkeypatch.context() as still:
        still.setattr("seqsum.runs.index.read_entry", lambda *_: pytest.fail("read again"))
        assert told(Index(workspace.folder)) == expected
    (workspace.folder / INDEX_FILE).write_bytes(b"\x00junk" * 999)
    index = Index(workspace.folder)
    assert told(index) == expected and "made anew" in index.messages[0]
    assert told(Index(workspace.folder)) == expected


def test_what_a_log_has_amiss_is_kept_and_what_can_not_be_read_is_read_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_log, odd = ended(workspace, "log", loss=0.5), ended(workspace, "odd", loss=0.5)
    with of_log.store() as store:
        store.set_state(unread=["log: left out: 1 line with no step"])
    with odd.store() as store:
        store.set_state(train_seconds="long")
    expected = truth(workspace)
    assert all(run.summary().problems for run in (of_log, odd))
    told(Index(workspace.folder))
    read: list[str] = []

    def counted(run: Run, *given: Any) -> Any:
        read.append(run.name)
        return read_entry(run, *given)

    monkeypatch.setattr("seqsum.runs.index.read_entry", counted)
    assert told(Index(workspace.folder)) == expected and read == ["odd"]
    with of_log.store() as store:
        store.set_state(unread=[])
    assert told(Index(workspace.folder)) == truth(workspace) and sorted(read) == ["log", "odd", "odd"]


def test_reading_in_parts_ends_with_everything_newest_first(workspace: Workspace) -> None:
    for number in range(5):
        ended(workspace, f"run-{number}")
    index = Index(workspace.folder)
    counts = []
    while True:
        reading = index.read(0.0)
        counts.append((len(reading.entries), reading.unread))
        if not reading.unread:
            break
    assert counts == [(1, 4), (2, 3), (3, 2), (4, 1), (5, 0)]
    assert told(index) == truth(workspace)


def test_a_damaged_run_and_an_unwritable_folder_do_not_matter(workspace: Workspace) -> None:
    good, bad = ended(workspace, "good"), ended(workspace, "bad")
    (bad.folder / "run.json").write_text("{", encoding="utf-8")
    mode = workspace.folder.stat().st_mode
    os.chmod(workspace.folder, 0o555)  # noqa: PTH101
    try:
        found = {entry.summary.id: entry.summary for entry in Index(workspace.folder).read().entries}
        assert found.keys() == {good.id, bad.id} and not found[good.id].problems
        assert "run.json" in found[bad.id].problems[0] and found[bad.id].status == "finished"
    finally:
        os.chmod(workspace.folder, mode)  # noqa: PTH101


def test_a_quick_reading_finds_at_once_what_was_done_to_a_run_whose_turn_it_is_not(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqsum.runs.index.QUICK_FOLDERS", 0)
    monkeypatch.setattr("seqsum.runs.index.QUICK_FILES", 0)
    monkeypatch.setattr(LocalLauncher, "_spawn", lambda self, run, task: 4711)
    runs = [ended(workspace, f"run-{number}", loss=0.5) for number in range(3)]
    index = Index(workspace.folder)
    assert told(index, quick=True) == truth(workspace)

    annotate(runs[0].folder, name="renamed")
    assert told(index, quick=True) == truth(workspace)
    with runs[1].store() as store:
        store.set_state(status="stopped", step=50)
    assert told(index, quick=True) != truth(workspace)  # nobody told of it
    LocalLauncher(1).submit(runs[1])
    assert told(index, quick=True) == truth(workspace)

    # The file stays small, and a console that comes later, or finds another file in its place, goes on.
    (workspace.folder / CHANGED_FILE).write_bytes(b"x\n" * MOST_BYTES)
    told(index, quick=True)
    annotate(runs[2].folder, note="it is odd")
    assert (workspace.folder / CHANGED_FILE).stat().st_size < 100
    assert told(index, quick=True) == truth(workspace) == told(Index(workspace.folder), quick=True)
    (workspace.folder / CHANGED_FILE).unlink()
    (workspace.folder / CHANGED_FILE).mkdir()
    annotate(runs[2].folder, starred=True)
    assert told(index) == truth(workspace)
