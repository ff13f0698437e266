"""Runs never vanish: what can't be read is a line with its reason, and one odd field costs itself only."""

from __future__ import annotations

import argparse
import functools
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from seqsum.cli import main
from seqsum.cli.arguments import COMMANDS, parse
from seqsum.cli.signals import Signals
from seqsum.compare import ComparisonReader
from seqsum.config import Config
from seqsum.control import commands
from seqsum.errors import UserError
from seqsum.launch import LocalLauncher
from seqsum.runs import Run, Store, Summary, Workspace
from seqsum.runs.annotations import Annotations, annotate
from seqsum.runs.index import INDEX_FILE, Index
from seqsum.runs.record import Record, checksum
from seqsum.runs.store import READING_SECONDS, TABLES
from support.command_line import unprivileged

POINTS = [("loss", 10, 0.5), ("loss", 20, 0.25), ("accuracy", 20, 0.75)]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "runs")


def ended(workspace: Workspace, name: str, **changes: Any) -> Run:
    run = workspace.create("baseline", Config().changed({"train.steps": 20, **changes}, "test"), name)
    with run.store() as store:
        store.append(POINTS)
        store.add_event(20, "finished")
        store.set_state(status="finished", step=20, updated=time.time())
    run.record_outcome("finished", None, 20)
    return run


@pytest.fixture
def pair(workspace: Workspace) -> tuple[Run, Run]:
    """A run that stays whole, and one that a test does something to."""
    return ended(workspace, "good"), ended(workspace, "bad")


def edit(run: Run, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a run's record as another program would."""
    raw = json.loads((run.folder / "run.json").read_text())
    change(raw)
    (run.folder / "run.json").write_text(json.dumps(raw))


def execute(run: Run, statement: str, *values: Any) -> None:
    database = sqlite3.connect(run.folder / "metrics.db")
    database.execute(statement, values)
    database.commit()
    database.close()


@functools.cache
def parsed(words: tuple[str, ...]) -> argparse.Namespace:
    return parse(list(words))


def command(capsys: pytest.CaptureFixture[str], workspace: Workspace, *words: str) -> tuple[int, str, str]:
    """Run a command here, as `main` does; return its exit status and what it wrote."""
    options = parsed((words[0], "--workspace", str(workspace.folder), *words[1:]))
    options.signals = Signals()
    try:
        status = COMMANDS[options.command].run(options)
    except UserError as error:
        print(error, file=sys.stderr)
        status = 2
    said = capsys.readouterr()
    return status, said.out, said.err


def lines(capsys: pytest.CaptureFixture[str], workspace: Workspace) -> dict[str, dict[str, Any]]:
    """What `seqsum runs --json` says, by id; the plain list must name the same runs."""
    status, out, _ = command(capsys, workspace, "runs", "--json")
    assert status == 0
    found = {line["run"]: line for line in map(json.loads, out.splitlines())}
    status, out, _ = command(capsys, workspace, "runs")
    assert status == 0 and all(id in out for id in found)
    return found


def replaced(run: Run, file: str, make: Callable[[Path], object]) -> None:
    path = run.folder / file
    path.unlink()
    make(path)


FILES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00" * 2000),
    "cut off": lambda path: path.write_bytes(b'{"id": "x", "na'),
    "a list": lambda path: path.write_bytes(b"[]"),
    "foreign": lambda path: path.write_bytes(b'{"dependencies": {}}'),
    "deep": lambda path: path.write_bytes(b"[" * 100_000),
    "deep but whole": lambda path: path.write_bytes(b'{"name": ' + b"[" * 500 + b"]" * 500 + b"}"),
    "huge": lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 2**40),
    "a pipe": os.mkfifo,
    "a folder": lambda path: path.mkdir(),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to nothing": lambda path: path.symlink_to(path.parent / "gone"),
    "a link to itself": lambda path: path.symlink_to(path),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("file", ["run.json", "metrics.db", "annotations.json", "worker.lock", "worker.log"])
def test_a_file_that_can_not_be_read_costs_only_what_it_says(
    pair: tuple[Run, Run], workspace: Workspace, capsys: pytest.CaptureFixture[str], file: str, kind: str
) -> None:
    good, bad = pair
    annotate(bad.folder, note="mine")
    (bad.folder / "worker.log").write_text("said\n")
    (bad.folder / "worker.lock").touch()
    replaced(bad, file, FILES[kind])
    found = lines(capsys, workspace)
    assert found.keys() == {good.id, bad.id}
    assert found[good.id]["problems"] == [] and found[good.id]["metrics"]["loss"] == 0.25
    line = found[bad.id]
    if file == "metrics.db":
        assert line["status"] == "unreadable" and "metrics.db" in line["reason"] and line["step"] == 20
        assert line["name"] == "bad" and line["steps"] == 20 and line["train_seconds"] is None
    else:
        assert line["status"] == "finished" and line["metrics"]["loss"] == 0.25
        assert line["note"] == ("" if file == "annotations.json" else "mine")
    if file == "run.json":
        assert any("run.json" in problem for problem in line["problems"])
    status, out, _ = command(capsys, workspace, "show", bad.id)
    assert status == 0 and bad.id in out and ("trained for" in out) == (file != "metrics.db")
    status, out, _ = command(capsys, workspace, "show", bad.id, "--json")
    assert status == 0 and json.loads(out)["run"] == bad.id
    assert json.loads(out)["train_seconds"] == (None if file == "metrics.db" else 0)
    if file != "metrics.db":
        status, out, _ = command(capsys, workspace, "export", bad.id, "--format", "csv", "--output", "-")
        assert status == 0 and out.splitlines()[0] == "step,loss,accuracy"
        assert command(capsys, workspace, "export", bad.id, "--format", "json", "--output", "-")[0] == 0
    if file != "worker.lock" or kind in ("missing", "empty", "no text", "cut off", "a list", "foreign", "huge"):
        assert command(capsys, workspace, "delete", bad.id)[0] == 0
        assert bad.id in command(capsys, workspace, "bin")[1]
        assert command(capsys, workspace, "restore", bad.id)[0] == 0
        assert lines(capsys, workspace).keys() == {good.id, bad.id}


@pytest.mark.parametrize("what", ["no file at all", "a dangling link"])
def test_a_folder_with_the_name_of_a_run_is_one(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    good, id = ended(workspace, "good"), "20260101-120000-abcd"
    if what == "no file at all":
        (workspace.folder / id).mkdir()
    else:
        (workspace.folder / id).symlink_to("gone")
    (workspace.folder / "photos").mkdir()
    (workspace.folder / "20260101-120000-file").touch()
    found = lines(capsys, workspace)
    assert found.keys() == {good.id, id} and found[id]["status"] == "unreadable" and found[id]["reason"]


def values_of(run: Run) -> list[tuple[str, ...]]:
    """The path of every field of a run's record, and of each of its configuration."""
    raw = json.loads((run.folder / "run.json").read_text())
    paths: list[tuple[str, ...]] = [(name,) for name in raw]
    paths += [("config", section) for section in raw["config"]]
    paths += [("config", section, name) for section, values in raw["config"].items() for name in values]
    return [*paths, ("parent", "run"), ("parent", "step"), ("outcome", "step"), ("outcome", "status")]


ODD = [
    None, True, -1, 1.5, 1e308, 10**400, "", "500", "text", "\x1b]52;c;aGk=\x07", "\ud800", "x" * 100_000, [], [1, [2]],
    {}, {"a": {"b": 1}}, float("nan"), float("inf"), "..", [None], "2026-01-01T00:00:00", "0001-01-01",
]  # fmt: skip


def test_every_field_of_a_record_may_be_of_any_kind(
    pair: tuple[Run, Run], workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = pair
    draw = random.Random(11)
    text = (bad.folder / "run.json").read_text()
    paths = values_of(bad)
    for path in paths:
        for value in (draw.choice(ODD), draw.choice([[], {}, None, "text"])):
            (bad.folder / "run.json").write_text(text)

            def put(raw: dict[str, Any], path: tuple[str, ...] = path, value: Any = value) -> None:
                for part in path[:-1]:
                    if not isinstance(raw.get(part), dict):
                        raw[part] = {"run": good.id, "step": 5}
                    raw = raw[part]
                raw[path[-1]] = value

            edit(bad, put)
            found = lines(capsys, workspace)
            assert found.keys() == {good.id, bad.id}, (path, value)
            assert found[bad.id]["metrics"]["loss"] == 0.25 and found[bad.id]["status"] == "finished", (path, value)
            words = draw.choice([("show", bad.id), ("show", bad.id, "--json"), ("compare", good.id, bad.id)])
            assert command(capsys, workspace, *words)[0] == 0, (words, path, value)


FILTERS = ("optim.lr > 0.0001", "train.steps = 20", "tag:x", "bad", "accuracy > 0.5", "has:group")
COLUMNS = ("optim.lr", "steps", "group", "tags", "progress")


def test_lists_are_filtered_and_sorted_whatever_fields_hold(
    pair: tuple[Run, Run], workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in ODD:

        def put(raw: dict[str, Any], value: Any = value) -> None:
            raw["config"]["optim"]["lr"] = raw["config"]["train"]["steps"] = raw["config"]["track"]["group"] = value
            raw["config"]["track"]["tags"] = value

        edit(pair[1], put)
        for filter in FILTERS:
            assert command(capsys, workspace, "runs", "--filter", filter)[0] == 0, (filter, value)
        for column in COLUMNS:
            assert command(capsys, workspace, "runs", "--sort", column)[0] == 0, (column, value)


@pytest.mark.parametrize(
    "key", ["status", "step", "pid", "reason", "updated", "train_seconds", "steps_per_second", "changes", "rollup_base"]
)
def test_every_part_of_a_state_may_be_of_any_kind(
    pair: tuple[Run, Run], workspace: Workspace, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    good, bad = pair
    for value in [*(json.dumps(one) for one in ODD), "{", "", b"\xff", 5, None]:
        execute(bad, "DELETE FROM state WHERE key = ?", key)
        if value is not None:
            execute(bad, "INSERT INTO state VALUES (?, ?)", key, value)
        found = lines(capsys, workspace)
        assert found.keys() == {good.id, bad.id}, value
        assert found[bad.id]["name"] == "bad"
        if key != "rollup_base":
            assert found[bad.id]["metrics"]["loss"] == 0.25, value
        assert command(capsys, workspace, "show", bad.id)[0] == 0, value
        for words in (("pause", bad.id), ("rewind", bad.id, "--undo")):
            assert command(capsys, workspace, *words)[0] == 2, (words, value)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE pt SET value = 1.7e308 WHERE metric = 2", "accuracy"),
        ("UPDATE pt SET value = 2 WHERE metric = 2", "accuracy"),
        ("UPDATE pt SET value = 'much' WHERE metric = 1 AND step = 20", "loss"),
        ("UPDATE pt SET value = x'00ff' WHERE metric = 1 AND step = 20", "loss"),
        ("UPDATE metric SET name = x'00ff' WHERE id = 2", "metric"),
        ("INSERT INTO pt VALUES (1, 'late', 1.0)", None),
        ("UPDATE event SET detail = '[]', time = 1e300", None),
        ("UPDATE event SET kind = x'00', step = 'x', time = 'y'", None),
        ("UPDATE rollup SET low = 'x', total = x'00'", None),
        ("DELETE FROM state", "status"),
        ("CREATE TRIGGER more AFTER INSERT ON command BEGIN DELETE FROM pt; END", "no store"),
        ("ALTER TABLE pt RENAME TO points", "its table pt is gone"),
        ("DROP TABLE event", "its table event is gone"),
    ],
)
def test_what_a_store_holds_may_be_of_any_kind(
    pair: tuple[Run, Run], workspace: Workspace, capsys: pytest.CaptureFixture[str], statement: str, told: str | None
) -> None:
    good, bad = pair
    execute(bad, statement)
    found = lines(capsys, workspace)
    assert found.keys() == {good.id, bad.id} and found[good.id]["problems"] == []
    line = found[bad.id]
    if told is not None:
        assert told in " ".join([*line["problems"], line["reason"] or ""])
    for words in (
        ("show", bad.id),
        ("compare", good.id, bad.id),
        ("export", bad.id, "--format", "json", "--output", "-"),
    ):
        assert command(capsys, workspace, *words)[0] in (0, 2), words


@pytest.mark.parametrize("left", [b"", b"{}", b'{"config": {"optim": {"lr": 5', b'{"config": null}'])
def test_settings_that_are_not_known_are_not_made_up(
    pair: tuple[Run, Run], workspace: Workspace, left: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not shown as the defaults, and no worker is started with them, which would write its own end over the run's."""
    _, bad = pair
    with bad.store() as store:
        store.set_state(status="failed", reason="loss is not finite at step 20", diverged_at=20)
    bad.record_outcome("failed", "loss is not finite at step 20", 20)
    (bad.folder / "run.json").write_bytes(left)
    before = bad.outline(judged=True)
    assert main(["show", bad.id, "--workspace", str(workspace.folder)]) == 0
    shown = capsys.readouterr().out
    assert "hidden_size" not in shown and "seed" not in shown and " on \n" not in shown
    assert main(["show", bad.id, "--json", "--workspace", str(workspace.folder)]) == 0
    assert json.loads(capsys.readouterr().out)["config"] == {}
    with pytest.raises(UserError, match=r"run\.json"):
        commands.resume(bad, LocalLauncher())
    assert bad.outline(judged=True) == before and before.status == "failed"


def make_endless(file: Path, table: str) -> None:
    """Put a view that never ends in a table's place."""
    with closing(sqlite3.connect(file)) as database:
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        database.execute(f"DROP TABLE {table}")
        database.execute(
            f"CREATE VIEW {table} AS {numbers} SELECT {', '.join(f'i AS {name}' for name in columns)} FROM n"
        )
        database.commit()


@pytest.mark.parametrize("table", TABLES)
def test_a_view_without_an_end_does_not_hang(
    table: str, pair: tuple[Run, Run], workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    make_endless(pair[1].folder / "metrics.db", table)
    began = time.monotonic()
    assert "no store" in lines(capsys, workspace)[pair[1].id]["reason"]
    assert command(capsys, workspace, "doctor", pair[1].id, "--repair")[0] in (0, 1)
    assert not lines(capsys, workspace)[pair[1].id]["reason"]
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("table", ["format", "entry"])
def test_a_view_without_an_end_in_the_index_does_not_hang(
    table: str, pair: tuple[Run, Run], workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    before = lines(capsys, workspace)
    make_endless(workspace.folder / INDEX_FILE, table)
    began = time.monotonic()
    assert lines(capsys, workspace) == lines(capsys, workspace) == before
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("table, column", [("rollup", "level"), ("rollup", "bucket"), ("pt", "step")])
@pytest.mark.parametrize("value", ["inf", b"\xff", 2**62])
def test_what_is_written_beside_damaged_values_is_written_or_refused_in_a_sentence(
    table: str, column: str, value: Any, pair: tuple[Run, Run]
) -> None:
    execute(pair[1], f"UPDATE OR REPLACE {table} SET {column} = ?", value)
    with pair[1].store() as store:
        for change in (lambda: store.truncate(10), lambda: store.append([("loss", 15, 0.5)])):
            try:
                change()
            except UserError as error:
                assert "damaged" in str(error) and str(store.path) in str(error)


# Records of other versions


def test_what_a_newer_version_wrote_is_kept_when_a_record_is_written_again(workspace: Workspace) -> None:
    run = ended(workspace, "run")
    more = {"owner": "lee", "format": 7, "device": ["gpu", 0], "measures": {"accuracy": "exact"}}

    def newer(raw: dict[str, Any]) -> None:
        raw.update(more)
        raw["config"]["optim"]["new_knob"] = 1
        raw["config"]["extra"] = {"a": 1}
        raw["checksum"] = checksum({name: value for name, value in raw.items() if name != "checksum"})

    edit(run, newer)
    before = json.loads((run.folder / "run.json").read_text())
    record = Record.read(run.folder)
    assert record.device is None and any("newer version" in problem for problem in record.problems)
    run.record_outcome("stopped", "x", 7)
    after = json.loads((run.folder / "run.json").read_text())
    assert after.pop("checksum") != before.pop("checksum")
    assert after == {**before, "outcome": {"status": "stopped", "reason": "x", "step": 7}}


def test_what_an_older_version_did_not_write_has_its_default(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ended(workspace, "run")

    def older(raw: dict[str, Any]) -> None:
        for name in (
            "plugins",
            "outcome",
            "parent",
            "parameters",
            "backend",
            "host",
            "versions",
            "git_commit",
            "repeats",
            "command",
            "directory",
            "machine",
            "plugin_hashes",
            "format",
            "checksum",
        ):
            raw.pop(name, None)
        for name in ("form", "initialisation"):
            raw["config"]["model"].pop(name)
        raw["config"].pop("track")

    edit(run, older)
    line = lines(capsys, workspace)[run.id]
    assert (line["name"], line["group"], line["tags"], line["problems"]) == ("run", None, [], [])
    assert run.config() == Config().changed({"train.steps": 20}, "test")
    assert command(capsys, workspace, "show", run.id)[0] == 0


def test_annotations_of_a_newer_version_are_kept(workspace: Workspace) -> None:
    run = ended(workspace, "run")
    path = run.folder / "annotations.json"
    path.write_text(json.dumps({"colour": "red", "tags": "not a list", "name": "mine", "note": "old"}))
    annotate(run.folder, note="", starred=True)
    assert json.loads(path.read_text()) == {"colour": "red", "tags": "not a list", "name": "mine", "starred": True}
    path.write_text("{half")
    annotate(run.folder, name="other")
    assert Annotations.read(run.folder).name == "other"
    assert (run.folder / "annotations.json.broken").read_text() == "{half"


def test_a_setting_that_is_not_known_is_shown_told_and_exported(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ended(workspace, "run")
    edit(run, lambda raw: raw["config"]["optim"].update(new_knob=1))
    status, out, _ = command(capsys, workspace, "show", run.id)
    assert status == 0 and "does not know optim.new_knob" in out and "loss" in out
    assert json.loads(command(capsys, workspace, "show", run.id, "--json")[1])["config"]["optim"]["new_knob"] == 1
    exported = json.loads(command(capsys, workspace, "export", run.id, "--format", "json", "--output", "-")[1])
    assert exported["config"]["optim"]["new_knob"] == exported["record"]["config"]["optim"]["new_knob"] == 1
    assert command(capsys, workspace, "resume", run.id)[0] == 2


def test_a_run_that_can_not_be_read_has_its_row_in_a_comparison(
    pair: tuple[Run, Run], workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = pair
    os.truncate(bad.folder / "metrics.db", 4096)
    status, out, told = command(capsys, workspace, "compare", good.id, bad.id, "--json")
    rows = {row["runs"][0]: row for row in map(json.loads, out.splitlines())}
    assert status == 0 and "metrics.db" in told and len(told.splitlines()) == 1
    assert rows[good.id]["final"] == 0.75 and rows[bad.id]["final"] is None
    assert rows[bad.id]["status"] == "unreadable"
    assert command(capsys, workspace, "compare", bad.id)[0] == 2
    reader = ComparisonReader(workspace.folder, [good.id, bad.id])
    comparison = reader.read()
    assert comparison is not None and [run.summary.status for run in comparison.runs] == ["finished", "unreadable"]
    assert reader.read() is None, "nothing changed"


def test_a_run_whose_record_can_not_be_read_differs_in_nothing_that_is_known(
    pair: tuple[Run, Run], workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = pair
    os.truncate(bad.folder / "run.json", 40)
    status, out, _ = command(capsys, workspace, "compare", good.id, bad.id)
    assert status == 0 and "different tasks" not in out and "fields that differ" not in out
    assert out.count("can't be read") == 1


def test_what_can_not_be_read_of_a_group_is_counted_and_not_taken_for_diverged(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [ended(workspace, f"seed {seed}", **{"track.group": "seeds", "train.seed": str(seed)}) for seed in range(5)]
    for run in runs[:3]:
        os.truncate(run.folder / "metrics.db", 4096)
    status, out, _ = command(capsys, workspace, "compare", "group:seeds", "--groups")
    assert status == 0 and "NaN" not in out and "2 of 5" in out and "3 can't be read" in out


# Stores that are busy


HOLD = """
import sqlite3, sys, time
held = []
for path in sys.argv[1:]:
    one = sqlite3.connect(path, isolation_level=None)
    one.execute("PRAGMA locking_mode=EXCLUSIVE")
    one.execute("BEGIN EXCLUSIVE")
    one.execute("INSERT OR REPLACE INTO state VALUES ('x', '1')")
    held.append(one)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hold() -> Iterator[Callable[[list[Path]], None]]:
    """Have another program hold stores until the test ends."""
    children = []

    def begin(paths: list[Path]) -> None:
        child = subprocess.Popen(
            [sys.executable, "-c", HOLD, *map(str, paths)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        children.append(child)
        assert child.stdout is not None and child.stdout.readline() == "held\n"

    yield begin
    for child in children:
        child.communicate("")


def test_busy_stores_cost_half_a_second_together_and_their_last_lines_stay(
    workspace: Workspace, hold: Callable[[list[Path]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [ended(workspace, f"run-{number}") for number in range(12)]
    before = {summary.id: summary for summary in workspace.summaries()}
    for run in runs:
        os.utime(run.folder / "metrics.db")
    asked: list[float] = []
    connect = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda *a, **k: (asked.append(k.get("timeout", 5.0)), connect(*a, **k))[1])
    hold([run.folder / "metrics.db" for run in runs[:10]])
    index = Index(workspace.folder)
    found = {entry.summary.id: entry.summary for entry in index.read().entries}
    assert found.keys() == before.keys()
    for run in runs[:10]:
        summary = found[run.id]
        assert (summary.status, summary.step, summary.metrics) == ("finished", 20, before[run.id].metrics)
        assert "another program holds" in summary.problems[0] and "known of it last" in summary.problems[0]
    for run in runs[10:]:
        assert found[run.id] == before[run.id]
    # SQLite waits no longer than it is asked to: the first for all, and nobody a second time.
    assert sum(sorted(asked)[:-3]) <= 0.5 + 0.25 * 4
    asked.clear()
    index.read()
    assert sum(asked) == 0


def test_a_busy_store_is_told_by_those_who_look_into_it(
    pair: tuple[Run, Run], workspace: Workspace, hold: Callable[[list[Path]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    bad = pair[1]
    hold([bad.folder / "metrics.db"])
    (workspace.folder / INDEX_FILE).unlink(missing_ok=True)
    # Without an index its record still says how it ended.
    line = lines(capsys, workspace)[bad.id]
    assert line["status"] == "finished" and line["step"] == 20 and "another program holds" in line["problems"][0]
    with pytest.raises(UserError, match="another program holds"):
        bad.summary()
    assert READING_SECONDS <= 0.5
    status, out, _ = command(capsys, workspace, "show", bad.id)
    assert status == 0 and "another program holds" in out


def test_an_index_that_is_no_file_or_held_by_another_does_not_matter(
    pair: tuple[Run, Run], workspace: Workspace, hold: Callable[[list[Path]], None], tmp_path: Path
) -> None:
    path = workspace.folder / INDEX_FILE
    ids = {run.id for run in pair}

    def listed() -> set[str]:
        return {entry.summary.id for entry in Index(workspace.folder).read().entries}

    assert listed() == ids and path.is_file()
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    assert listed() == ids
    database.close()
    stranger = tmp_path / "stranger.db"
    shutil.copy(pair[0].folder / "metrics.db", stranger)
    content = stranger.read_bytes()
    for make in (
        os.mkfifo,
        Path.mkdir,
        lambda path: path.symlink_to(stranger),
        lambda path: path.write_bytes(b"no" * 999),
    ):
        path.unlink() if not path.is_dir() else path.rmdir()
        make(path)
        assert listed() == ids
    assert stranger.read_bytes() == content


@pytest.mark.parametrize("field", ["status", "step", "created", "metrics", "name", "tags", "reason"])
def test_an_index_that_holds_another_kind_is_made_anew(pair: tuple[Run, Run], workspace: Workspace, field: str) -> None:
    truth = workspace.summaries()
    database = sqlite3.connect(workspace.folder / INDEX_FILE, isolation_level=None)
    for id, rest in database.execute("SELECT run, rest FROM entry").fetchall():
        values, curves = json.loads(rest)
        values[field] = {"loss": "x"} if field == "metrics" else [{}] if field != "tags" else 5
        database.execute("UPDATE entry SET rest = ? WHERE run = ?", (json.dumps([values, curves]), id))
    database.close()
    assert Workspace(workspace.folder).summaries() == truth


def test_a_run_whose_record_is_gone_is_found_by_the_name_it_was_listed_with(
    pair: tuple[Run, Run], workspace: Workspace
) -> None:
    workspace.summaries()
    (pair[1].folder / "run.json").write_text("{")
    again = Workspace(workspace.folder)
    assert {summary.name for summary in again.summaries()} >= {"good"}
    assert again.find(pair[1].id).id == pair[1].id


# Places that can only be read


def told(workspace: Workspace, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seqsum.cli", *words, "--workspace", str(workspace.folder)]
    return subprocess.run(unprivileged(command), capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def sealed(workspace: Workspace) -> Iterator[tuple[Workspace, Run, Run]]:
    """A workspace that can only be read: a run that ended, and one whose last points are beside its store still."""
    run, killed = ended(workspace, "ended"), ended(workspace, "killed")
    script = (
        "import os, sys; from pathlib import Path; from seqsum.runs import Store; store = Store(Path(sys.argv[1]));"
        "store.append([('loss', 30, 0.125)]); store.set_state(step=30); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(killed.folder / "metrics.db")], check=False)
    assert (killed.folder / "metrics.db-wal").stat().st_size > 0
    (killed.folder / "metrics.db-shm").unlink()
    shutil.rmtree(workspace.folder / INDEX_FILE, ignore_errors=True)
    paths = [workspace.folder, *workspace.folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    for path in reversed(paths):
        path.chmod(modes[path] & ~0o222)
    yield workspace, run, killed
    for path in paths:
        path.chmod(modes[path])


def test_where_writing_is_impossible_everything_can_be_read(sealed: tuple[Workspace, Run, Run]) -> None:
    workspace, run, killed = sealed
    listed = told(workspace, "runs", "--json")
    found = {line["run"]: line for line in map(json.loads, listed.stdout.splitlines())}
    assert found[run.id]["metrics"]["loss"] == 0.25 and found[run.id]["status"] == "finished"
    assert found[killed.id]["metrics"]["loss"] == 0.125 and found[killed.id]["step"] == 30
    assert all(line["problems"] == [] for line in found.values())
    for words in (
        ("show", killed.id),
        ("compare", run.id, killed.id),
        ("export", run.id, "--format", "csv", "--output", "-"),
    ):
        done = told(workspace, *words)
        assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in killed.folder.iterdir()) == [
        "checkpoints",
        "metrics.db",
        "metrics.db-wal",
        "run.json",
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("rename", "ended", "x"), ("tag", "ended", "x"), ("note", "ended", "x"), ("star", "ended"), ("delete", "ended"),
        ("resume", "killed"), ("rewind", "ended", "--step", "10"), ("rewind", "ended", "--undo"), ("fork", "ended"),
        ("train", "baseline"), ("set", "killed", "optim.lr=0.01"), ("stop", "killed"), ("sync", "ended"),
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_what_has_to_write_says_that_it_can_not(sealed: tuple[Workspace, Run, Run], words: tuple[str, ...]) -> None:
    done = told(sealed[0], *words)
    assert done.returncode == 2, done.stdout
    assert len(done.stderr.splitlines()) == 1 and "Traceback" not in done.stderr


def test_a_store_that_can_only_be_read_is_read_and_refuses_to_be_written(
    sealed: tuple[Workspace, Run, Run],
) -> None:
    script = (
        "import sys; from pathlib import Path; from seqsum.runs import Store; from seqsum.errors import UserError\n"
        "store = Store(Path(sys.argv[1]) / 'metrics.db'); print(store.read_only, store.latest()['loss'][1])\n"
        "try: store.set_state(step=1)\nexcept UserError as error: print(error)"
    )
    for run, loss in ((sealed[1], 0.25), (sealed[2], 0.125)):
        command = unprivileged([sys.executable, "-c", script, str(run.folder)])
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        first, second = done.stdout.splitlines()
        assert first == f"True {loss}" and "can't write" in second


def test_a_summary_of_what_can_not_be_read_keeps_what_was_known(pair: tuple[Run, Run], workspace: Workspace) -> None:
    before = {summary.id: summary for summary in workspace.summaries()}
    bad = pair[1]
    (bad.folder / "run.json").unlink()
    (bad.folder / "metrics.db").write_bytes(b"\0" * 4096)
    (found,) = [summary for summary in workspace.summaries() if summary.id == bad.id]
    known: Summary = before[bad.id]
    assert (found.status, found.name, found.preset, found.step, found.steps) == (
        "unreadable", known.name, known.preset, 20, 20,
    )  # fmt: skip
    with pytest.raises(UserError), Store(bad.folder / "metrics.db"):
        pass
