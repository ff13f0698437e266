"""Workspaces and run folders: made whole, found again, and robust against damaged neighbours."""

import errno
import fcntl
import json
import math
import os
import re
import shutil
import sqlite3
from contextlib import nullcontext
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from seqsum.cli.follow import finished_plain
from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.files import CHANGE_LOCK, write_atomically, write_json
from seqsum.runs import LIVE_STATUSES, Run, Store, Workspace, default_workspace
from seqsum.runs.annotations import check_name
from seqsum.runs.index import Index
from seqsum.runs.lock import take_lock
from seqsum.runs.record import Record
from seqsum.runs.run import ENDED_STATUSES, HEARING_STATUSES
from seqsum.runs.store import WRITTEN_STATUSES
from support.command_line import call, lines
from support.locks import held


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "runs")


def make(workspace: Workspace, name: str | None = None) -> Run:
    return workspace.create("baseline", Config(), name)


def rename_id(run: Run, id: str) -> Run:
    """Give a run's folder another id, and the record with it."""
    folder = run.folder.rename(run.folder.parent / id)
    Record.read(folder).with_facts(id=id).write(folder)
    return Run(folder)


# Making


def test_a_new_run_is_whole_and_waits(workspace: Workspace) -> None:
    config = Config().changed({"train.seed": 7, "track.tags": "a, b", "track.group": "g"}, "x")
    before = datetime.now().timestamp() - 0.01
    run = workspace.create("baseline", config, "  my run ")
    assert sorted(entry.name for entry in run.folder.iterdir()) == ["checkpoints", "metrics.db", "run.json"]
    assert sorted(entry.name for entry in workspace.folder.iterdir()) == [CHANGE_LOCK, run.id]
    assert run.config() == config
    record = json.loads((run.folder / "run.json").read_text())
    assert (record["id"], record["name"], record["preset"], record["seed"]) == (run.id, "my run", "baseline", 7)
    assert record["config"] == config.plain()
    assert {"python", "torch", "numpy"} <= set(record["versions"])
    summary = run.summary()
    assert (summary.status, summary.step, summary.steps, summary.pid) == ("queued", 0, 20_000, None)
    assert (summary.group, summary.tags, summary.metrics, summary.reason) == ("g", ("a", "b"), {}, None)
    assert before <= summary.created <= datetime.now().timestamp() + 0.01
    assert summary.live and summary.progress == 0.0 and summary.seconds_left is None


def test_a_run_without_a_name_is_called_after_its_preset_with_a_free_number(workspace: Workspace) -> None:
    assert [make(workspace).record.name for _ in range(3)] == ["baseline", "baseline-2", "baseline-3"]
    make(workspace, "sota")
    assert workspace.create("sota", Config()).record.name == "sota-2"


@pytest.mark.parametrize("preset", ["x\x1b[31m\n", "p" * 250, " ", ".", ".."])
def test_a_preset_file_of_any_name_gives_a_name_that_can_be_shown(workspace: Workspace, preset: str) -> None:
    names = [workspace.create(preset, Config()).record.name for _ in range(2)]
    assert len(set(names)) == 2
    assert all(check_name(name) == name for name in names)
    assert {run.record.preset for run in workspace.runs()} == {preset}


@pytest.mark.parametrize("name", ["", "  ", "a\x1b[31m", "two\nlines", "x" * 201, "\u202e"])
def test_a_name_that_can_not_be_shown_is_refused_before_anything_is_made(workspace: Workspace, name: str) -> None:
    with pytest.raises(UserError, match=r"^name: must be 1 to 200 printable characters") as caught:
        make(workspace, name)
    assert str(caught.value).isprintable()
    assert not workspace.folder.exists()


@pytest.mark.parametrize("name", [".", "..", " .. "])
def test_a_folder_of_every_folder_is_no_name(workspace: Workspace, name: str) -> None:
    with pytest.raises(UserError, match=rf'^name: "{name.strip()}" means a folder to every program; choose another$'):
        make(workspace, name)
    assert not workspace.folder.exists()


@pytest.mark.parametrize("name", ["a/b", "...", ".x", "x" * 200, "[bold]", "ü 数 🙂", "../up", "-x"])
def test_any_other_name_is_kept_as_it_is(workspace: Workspace, name: str) -> None:
    run = make(workspace, name)
    assert workspace.find(name).id == run.id
    assert run.folder.parent == workspace.folder


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("seqsum.runs.record.write_atomically", OSError(errno.ENOSPC, "No space left on device")),
        ("seqsum.runs.store.Store.set_state", sqlite3.OperationalError("database or disk is full")),
        ("pathlib.Path.rename", PermissionError(errno.EACCES, "Permission denied")),
    ],
)
def test_a_run_that_can_not_be_made_leaves_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, target: str, error: Exception
) -> None:
    make(workspace, "before")

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(target, fails)
    with pytest.raises(UserError) as caught:
        make(workspace, "after")
    assert str(workspace.folder) in str(caught.value) and "--workspace" in str(caught.value)
    assert len(list(workspace.folder.iterdir())) == 2, "the run before, and the lock"
    assert [summary.name for summary in workspace.summaries()] == ["before"]


def test_an_interrupt_while_making_leaves_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Record, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make(workspace)
    assert [entry.name for entry in workspace.folder.iterdir()] == [CHANGE_LOCK]


def test_a_folder_half_made_by_a_killed_process_is_no_run(workspace: Workspace) -> None:
    run = make(workspace)
    shutil.copytree(run.folder, workspace.folder / ".20250101-000000-abcd.new")
    assert [found.id for found in workspace.runs()] == [run.id]


def test_a_workspace_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"is not a folder; choose another with --workspace$"):
        Workspace(tmp_path / "file")


def test_a_workspace_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    workspace = Workspace(folder := tmp_path / "file" / "deeper")
    assert workspace.runs() == [] and workspace.summaries() == []
    with pytest.raises(UserError) as caught:
        make(workspace)
    message = str(caught.value)
    assert message.startswith(f"workspace: can't write {folder}: ")
    assert message.endswith("; choose another with --workspace")


def test_a_workspace_that_can_not_be_read_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    make(workspace)

    def refuse(_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UserError, match=r"^workspace: can't read .*: Permission denied$"):
        workspace.runs()


def test_an_unknown_home_is_told() -> None:
    with pytest.raises(UserError, match=r"^workspace: can't find ~no-such-user-here"):
        Workspace(Path("~no-such-user-here/runs"))


def test_the_default_workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path / "chosen"))
    assert default_workspace() == Workspace().folder == tmp_path / "chosen"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SEQSUM_WORKSPACE", "~/mine")
    assert Workspace().folder == tmp_path / "mine"
    monkeypatch.setenv("SEQSUM_WORKSPACE", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert tmp_path / "data" in default_workspace().parents


# Finding


def test_a_run_is_found_by_id_by_name_and_by_the_beginning_of_its_id(workspace: Workspace) -> None:
    one = rename_id(make(workspace, "first"), "20250101-000000-aaaa")
    two = rename_id(make(workspace, "second"), "20250102-000000-bbbb")
    for text in (one.id, "first", "20250101", "20250101-000000-aaa"):
        assert workspace.find(text).id == one.id
    for text in (two.id, "second", "20250102-"):
        assert workspace.find(text).id == two.id


def test_an_id_goes_before_a_name_and_a_name_before_a_prefix(workspace: Workspace) -> None:
    one = rename_id(make(workspace, "first"), "20250101-000000-aaaa")
    named_as_id = rename_id(make(workspace, "20250101-000000-aaaa"), "20250102-000000-bbbb")
    assert workspace.find("20250101-000000-aaaa").id == one.id
    named_as_prefix = rename_id(make(workspace, "2025"), "20250103-000000-cccc")
    assert workspace.find("2025").id == named_as_prefix.id
    assert workspace.find(named_as_id.id).id == named_as_id.id


def test_what_names_several_runs_is_told_with_their_ids(workspace: Workspace) -> None:
    ids = [rename_id(make(workspace, "twin"), f"2025010{day}-000000-aaaa").id for day in range(1, 8)]
    for text in ("twin", "20250"):
        with pytest.raises(UserError) as caught:
            workspace.find(text)
        message = str(caught.value)
        assert message.startswith(f'runs: "{text}" names 7 runs; say which by id: ') and message.endswith(", …")
        told = re.findall(r"(\S+) \(queued at step 0, \d+[smhd] ago\)", message)
        assert told == list(reversed(ids))[:5]
    with pytest.raises(UserError, match="no run"):
        workspace.find("0250101")


@pytest.mark.parametrize("text", ["", "nothing", "\x1b[31m", "..", "x" * 1000])
def test_what_names_no_run_is_told(workspace: Workspace, text: str) -> None:
    make(workspace, "first")
    with pytest.raises(UserError, match=r"^runs: no run ") as caught:
        workspace.find(text)
    assert str(caught.value).isprintable()
    assert str(workspace.folder) in str(caught.value)


def test_a_near_name_is_offered(workspace: Workspace) -> None:
    make(workspace, "My Baseline")
    with pytest.raises(UserError, match='did you mean "My Baseline"'):
        workspace.find("my basline")


# Damage


def test_a_run_that_is_mended_is_listed_again(workspace: Workspace) -> None:
    run = make(workspace, "mended")
    text = (run.folder / "run.json").read_text()
    (run.folder / "run.json").write_text("{")
    (broken,) = workspace.summaries()
    assert broken.id == run.id and "run.json" in broken.problems[0]
    (run.folder / "run.json").write_text(text)
    (mended,) = workspace.summaries()
    assert (mended.name, mended.problems) == ("mended", ())


def test_a_deleted_run_leaves_the_list(workspace: Workspace) -> None:
    run = make(workspace)
    assert len(workspace.summaries()) == 1
    shutil.rmtree(run.folder)
    assert workspace.summaries() == []


# Summaries


def test_the_newest_run_comes_first_even_within_a_second(workspace: Workspace) -> None:
    names = [f"run {number}" for number in range(12)]
    for name in names:
        make(workspace, name)
    assert [summary.name for summary in workspace.summaries()] == names[::-1]


def test_a_run_is_what_its_worker_says_while_that_lives_and_died_when_it_is_gone(workspace: Workspace) -> None:
    run = make(workspace)
    for status in set(LIVE_STATUSES).intersection(WRITTEN_STATUSES):
        with run.store() as store:
            store.set_state(status=status, pid=123, step=500, steps_per_second=250.0, train_seconds=2.0)
        with held(run):
            for summary in (run.summary(), workspace.summaries()[0]):
                assert (summary.status, summary.pid, summary.live) == (status, 123, True)
                assert summary.progress == 500 / 20_000
                assert summary.seconds_left == (19_500 / 250 if status == "running" else None)
        for summary in (run.summary(), workspace.summaries()[0]):
            assert (summary.status, summary.pid, summary.live) == ("died", None, False)
            assert summary.reason == "the worker was ended from outside (killed, or out of memory)"
            assert summary.seconds_left is None


@pytest.mark.parametrize("status", [*HEARING_STATUSES, *ENDED_STATUSES])
def test_speed_is_that_of_now_while_a_run_trains_and_the_mean_once_it_has_ended(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(workspace.folder))
    run = make(workspace)
    with run.store() as store:
        written = "running" if status == "died" else status
        store.set_state(status=written, pid=123, step=2000, steps_per_second=15.0, train_seconds=4.5)
    speed = 15.0 if status == "running" else 0.0 if status in LIVE_STATUSES else 2000 / 4.5
    with held(run) if status in LIVE_STATUSES else nullcontext():
        found = [run.summary(), workspace.summaries()[0], *Index(workspace.folder).read().entries]
        told = [*lines("runs"), *lines("show", run.id), finished_plain(run.summary())]
        _, text, _ = call("show", run.id)
    speeds = [getattr(one, "summary", one).steps_per_second for one in found]
    assert [*speeds, *(one["steps_per_second"] for one in told)] == pytest.approx([speed] * 6)
    assert re.findall(r"(\S+) steps/s", text) == ([f"{speed:,.0f}"] if speed else [])


@pytest.mark.parametrize("status", ["stopped", "finished", "failed"])
def test_an_ended_run_keeps_its_status_and_reason(workspace: Workspace, status: str) -> None:
    run = make(workspace)
    with run.store() as store:
        store.set_state(status=status, pid=123, reason="because")
    summary = run.summary()
    assert (summary.status, summary.pid, summary.reason, summary.live) == (status, None, "because", False)


def test_the_last_words_of_a_dead_worker_are_literal(workspace: Workspace) -> None:
    run = make(workspace)
    run.log.write_bytes(b"started\nMemoryError: \x1b[31mno \xff memory\n\n  \n")
    with run.store() as store:
        store.set_state(status="running", pid=1)
    assert run.summary().reason == "the worker ended; its log's last line: MemoryError: \\x1b[31mno \ufffd memory"


@pytest.mark.parametrize("saved", [None, 71_000])
@pytest.mark.parametrize("line", ["", "optim.lr: 0.001 -> 0.01 at step 71,000", "began at step 0 of 90,000"])
def test_an_ordinary_line_of_the_log_is_no_reason(workspace: Workspace, line: str, saved: int | None) -> None:
    run = make(workspace)
    run.log.write_text(f"{line}\n")
    with run.store() as store:
        store.set_state(status="running", pid=1, durable_step=saved)
    kept = "; step 71,000 is saved" if saved else ""
    assert run.summary().reason == f"the worker was ended from outside (killed, or out of memory){kept}"


def test_a_summary_is_read_again_when_the_run_changed(workspace: Workspace) -> None:
    run = make(workspace)
    with run.store() as store:
        store.set_state(status="stopped", step=10)
        assert workspace.summaries()[0].step == 10
        store.set_state(step=20)
        assert workspace.summaries()[0].step == 20
    assert workspace.summaries()[0].step == 20
    with run.store() as store:
        store.append([("loss", 20, 0.5)])
    assert workspace.summaries()[0].metrics == {"loss": 0.5}


def test_a_summary_of_an_ended_run_is_not_read_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make(workspace)
    with run.store() as store:
        store.set_state(status="finished")
    # The first look may tidy SQLite's files up, which counts as a change.
    workspace.summaries()
    before = workspace.summaries()
    monkeypatch.setattr("seqsum.runs.index.read_entry", lambda *_: pytest.fail("read again"))
    assert workspace.summaries() == before


def test_last_values_that_are_not_finite_are_told(workspace: Workspace) -> None:
    run = make(workspace)
    with run.store() as store:
        store.append([("loss", 1, float("nan")), ("grad_norm", 1, float("inf")), ("accuracy", 1, 0.5)])
    found = run.summary().metrics
    assert math.isnan(found["loss"]) and found["grad_norm"] == math.inf and found["accuracy"] == 0.5


def test_the_configuration_holds_what_was_changed_while_the_run_trained(workspace: Workspace) -> None:
    run = make(workspace)
    with run.store() as store:
        store.set_state(changes={"optim.lr": "0.5", "optim.clip_norm": "off"})
    assert run.config() == Config().changed({"optim.lr": 0.5}, "x")
    assert run.record.config == Config().plain()


@pytest.mark.parametrize(
    ("text", "lines", "tail"),
    [
        (b"", 5, []),
        (b"a\nb\nc\n", 2, ["b", "c"]),
        (b"a\nb", 9, ["a", "b"]),
        (b"a\nb\n", 0, []),
        (b"10%\r20%\r30%\n", 1, ["30%"]),
        (b"\xff\n", 1, ["\ufffd"]),
    ],
)
def test_the_end_of_the_log(workspace: Workspace, text: bytes, lines: int, tail: list[str]) -> None:
    run = make(workspace)
    assert run.log_tail() == []
    run.log.write_bytes(text)
    assert run.log_tail(lines) == tail


def test_only_the_end_of_a_long_log_is_read(workspace: Workspace) -> None:
    run = make(workspace)
    run.log.write_bytes(b"x" * 99 + b"\n" + b"".join(b"%099d\n" % number for number in range(10_000)))
    tail = run.log_tail(100_000)
    assert tail[-1] == f"{9_999:099d}"
    assert sum(len(line) + 1 for line in tail) <= 65_536


# Files


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": [1, 2]})
    assert json.loads(path.read_text()) == {"a": [1, 2]}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"half")
    assert json.loads(path.read_text()) == {"a": [1, 2]}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_a_group_s_runs_are_found_without_reading_again_what_is_known(workspace: Workspace) -> None:
    config = Config().changed({"track.group": "g"}, "test")
    first = workspace.create("baseline", config)
    workspace.create("baseline", Config())
    assert [run.id for run in workspace.members("g")] == [first.id]
    (first.folder / "metrics.db").write_bytes(b"no store any more")
    # Made by another program.
    second = Workspace(workspace.folder).create("baseline", config)
    assert {run.id for run in workspace.members("g")} == {first.id, second.id}
    # Nobody has lost sight of what else there was to be seen.
    assert {one.id: one.status for one in workspace.summaries()}[first.id] == "unreadable"
    shutil.rmtree(second.folder)
    assert [run.id for run in workspace.members("g")] == [first.id]


def test_a_record_goes_to_disk_and_back(workspace: Workspace) -> None:
    run = make(workspace, "ü [bold]")
    changed = run.record.with_facts(device="cpu", threads=1, parameters=5, parent={"run": "x", "step": 3})
    changed.write(run.folder)
    assert Record.read(run.folder) == changed


# Waiting for an answer


def test_waiting_ends_with_the_outcome_or_with_the_worker(workspace: Workspace) -> None:
    run = make(workspace)
    with run.store() as store:
        answered, unanswered = store.post_command("pause"), store.post_command("stop")
        store.finish_command(answered, True, "paused", step=3)
    # No worker holds the lock: an outcome is told, and the lack of one at once.
    assert run.wait_for_command(answered, 60) == {"ok": True, "message": "paused", "step": 3}
    assert run.wait_for_command(unanswered, 60) is None
    with held(run):
        assert run.wait_for_command(unanswered, 0.05) is None


def test_a_store_is_opened_for_each_thread(workspace: Workspace) -> None:
    run = make(workspace)
    with run.store() as one, run.store() as two:
        assert isinstance(one, Store) and one is not two
        one.set_state(step=5)
        assert two.state()["step"] == 5
    lock = take_lock(run.folder)
    assert lock is not None
    fcntl.flock(lock, fcntl.LOCK_UN)
    os.close(lock)
    assert not run.worker_lives


def test_every_fact_of_a_record_is_read_back(workspace: Workspace) -> None:
    run = make(workspace)
    given: dict[str, Any] = {"str | None": "said", "int | None": 7, "dict[str, Any] | None": {"status": "stopped"}}
    empty = {field.name: given[str(field.type)] for field in fields(Record) if str(field.type) in given}
    record = run.record.with_facts(**{**empty, "parent": {"run": "other", "step": 3}})
    assert {"device", "threads", "backend", "backend_reason", "parameters", "outcome"} <= empty.keys()
    record.write(run.folder)
    assert Record.read(run.folder) == record
