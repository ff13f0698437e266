"""`seqsum doctor`: real damage to real runs is found, what can be mended is mended, and nothing else is touched."""

from __future__ import annotations

import errno
import itertools
import json
import math
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from seqsum import worker
from seqsum.cli.arguments import parse
from seqsum.cli.doctor import doctor
from seqsum.config import LIVE_FIELDS
from seqsum.control import commands, fork_rewind
from seqsum.errors import UserError
from seqsum.launch import LocalLauncher
from seqsum.query import loading
from seqsum.runs import Run, Store, Workspace, checkpoint_files
from seqsum.runs.annotations import annotate
from seqsum.runs.checkpoint_files import FILES, checksum
from seqsum.runs.doctor import Finding, examine, examine_workspace
from seqsum.runs.lock import take_lock
from seqsum.runs.ownership import check_own
from seqsum.runs.record import is_as_written
from seqsum.slots import Slots
from support.command_line import call, lines, refused
from support.engine import new_run, outcome_of, points_of, small

Tree = dict[str, bytes | str]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = new_run(tmp_path_factory.mktemp("trained"), small(train__steps=60), "mine")
    assert worker.main([str(run.folder)]) == 0
    annotate(run.folder, note="keep it")
    return run


@pytest.fixture
def run(trained: Run, tmp_path: Path) -> Run:
    shutil.copytree(trained.folder, tmp_path / "runs" / trained.id)
    return Run(tmp_path / "runs" / trained.id)


def tree(folder: Path) -> Tree:
    """All that lies in a folder, but for what SQLite and the kernel keep beside."""
    passing = ("metrics.db-wal", "metrics.db-shm", ".index.db", "worker.lock")
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else str(path.lstat().st_mode)
        for path in sorted(folder.rglob("*"))
        if not path.name.startswith(passing) and path.name != ".changed"
    }


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def execute(run: Run, *statements: str) -> None:
    with closing(sqlite3.connect(run.folder / "metrics.db")) as database, database:
        for statement in statements:
            database.execute(statement)


def mended(run: Run) -> list[Finding]:
    """Have a run looked at, which changes nothing, then repaired, which leaves nothing wrong; return what was."""
    before = tree(run.folder)
    seen = examine(run)
    assert seen and all(one.mend and one.remedy for one in seen)
    assert tree(run.folder) == before
    found = examine(run, repair=True)
    assert found and all(one.mended for one in found), found
    assert examine(run) == []
    return found


def test_a_run_as_it_was_trained_is_sound(run: Run) -> None:
    before = tree(run.folder)
    assert examine(run, repair=True) == [] and tree(run.folder) == before
    commands.rewind(run, 25)
    assert examine(run) == []
    commands.undo_rewind(run)
    assert examine(run) == []


# The record

RECORDS: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: os.truncate(path, 100),
    "no text": lambda path: path.write_bytes(b"\xff" * 500),
    "foreign": lambda path: path.write_text('{"dependencies": {}}'),
    "another number": lambda path: path.write_text(path.read_text().replace('"seed": 0', '"seed": 1')),
    "without its checksum": lambda path: path.write_text(path.read_text().replace('"checksum"', '"x"')),
    "a link": lambda path: (path.rename(path.with_name("away")), path.symlink_to("/dev/zero")),
}


@pytest.mark.parametrize("damage", RECORDS)
def test_a_record_is_given_back_to_the_byte(damage: str, run: Run) -> None:
    path = run.folder / "run.json"
    before = path.read_bytes()
    RECORDS[damage](path)
    after = path.read_bytes() if path.is_file() else None
    (found,) = mended(run)
    assert "run.json" in found.what and path.read_bytes() == before
    aside = run.folder / "run.json.damaged"
    assert os.path.lexists(aside) == (damage != "missing") and (after is None or aside.read_bytes() == after)


def test_no_changed_byte_of_a_record_goes_unseen(run: Run) -> None:
    before = (run.folder / "run.json").read_bytes()
    assert is_as_written(before)
    for at in range(0, len(before) - 1, 5):
        damaged = before[:at] + bytes([before[at] ^ 1]) + before[at + 1 :]
        assert not is_as_written(damaged), before[at - 20 : at + 20]


def test_what_differs_is_named(run: Run) -> None:
    path = run.folder / "run.json"
    path.write_text(path.read_text().replace('"hidden_size": 8', '"hidden_size": 9'))
    assert "run.json was changed after seqsum wrote it: config.model.hidden_size" in examine(run)[0].what


def test_what_lies_beside_already_is_never_overwritten(run: Run) -> None:
    path = run.folder / "run.json"
    for number in range(3):
        path.write_text(str(number))
        mended(run)
    kept = ("run.json.damaged", "run.json.damaged-2", "run.json.damaged-3")
    assert [(run.folder / name).read_text() for name in kept] == ["0", "1", "2"]


def test_whoever_writes_a_record_keeps_a_copy(run: Run) -> None:
    workspace = Workspace(run.folder.parent)

    def is_kept(one: Run) -> bool:
        with one.store() as store:
            return store.copy_of("run.json") == (one.folder / "run.json").read_text()

    assert is_kept(run), "the worker, at its end"
    commands.rewind(run, 25)
    assert is_kept(run)
    commands.undo_rewind(run)
    assert is_kept(run)
    child = fork_rewind.fork(workspace, run, 25, {"train.steps": 30})
    assert is_kept(child) and examine(child) == []
    commands.stop(child)
    assert is_kept(child) and Run(child.folder).record.outcome
    assert worker.main([str(child.folder)]) == 0 and is_kept(child)


def edit(run: Run, old: str, new: str) -> str:
    """Change a record as a person does with an editor; return what it was."""
    path = run.folder / "run.json"
    before = path.read_text()
    assert before.count(old) == 1
    path.write_text(before.replace(old, new))
    return before


def messages_of(run: Run) -> list[str]:
    with run.store() as store:
        return [event.detail["text"] for event in store.events(kind="message")]


WRITERS: dict[str, Callable[[Run], object]] = {
    "a worker": lambda run: (commands.rewind(run, 25), edit(run, '"hidden_size": 8', '"hidden_size": 9'),
                             worker.main([str(run.folder)])),
    "an outcome": lambda run: (edit(run, '"hidden_size": 8', '"hidden_size": 9'),
                               run.record_outcome("stopped", "x", 60)),
    "a rewind": lambda run: (edit(run, '"hidden_size": 8', '"hidden_size": 9'), commands.rewind(run, 25)),
}  # fmt: skip


@pytest.mark.parametrize("writer", WRITERS)
def test_no_writer_makes_an_altered_record_look_genuine(writer: str, run: Run) -> None:
    WRITERS[writer](run)
    again = Run(run.folder)
    assert again.record.config["model"]["hidden_size"] == 8 and examine(again) == []
    (said,) = messages_of(again)
    assert said == (
        "run.json was changed after seqsum wrote it: config.model.hidden_size; given back from its copy in metrics.db, "
        "and what was there is kept as run.json.damaged"
    )
    assert '"hidden_size": 9' in (run.folder / "run.json.damaged").read_text()
    assert again.summary().problems == ()


def test_without_a_copy_an_altered_record_stays_told(run: Run) -> None:
    execute(run, "DROP TABLE copy")
    edit(run, '"hidden_size": 8', '"hidden_size": 9')
    for _ in range(2):
        run.record_outcome("stopped", "x", 60)
        assert [one.what for one in examine(run)] == ["run.json was changed after seqsum wrote it"]
    problem = f"run.json: changed after seqsum wrote it; see seqsum doctor {run.id}"
    assert Run(run.folder).summary().problems == (problem,)


def test_the_record_of_another_run_is_not_taken_for_ones_own(run: Run) -> None:
    other = new_run(run.folder.parent, small(), "other")
    before = (run.folder / "run.json").read_bytes()
    shutil.copy(other.folder / "run.json", run.folder)
    problem = f"run.json: that of run {other.id}; see seqsum doctor {run.id}"
    assert Run(run.folder).summary().problems == (problem,)
    (found,) = mended(run)
    assert found.what == f"run.json is that of run {other.id}" and Run(run.folder).summary().problems == ()
    assert (run.folder / "run.json").read_bytes() == before


@pytest.mark.parametrize("damage", ["DROP TABLE copy", "DELETE FROM copy", "UPDATE copy SET text = '{}'"])
def test_a_copy_that_is_gone_is_made_again(damage: str, run: Run) -> None:
    execute(run, damage)
    (found,) = mended(run)
    assert found.what == "metrics.db lacks its copy of run.json"
    edit(run, '"hidden_size": 8', '"hidden_size": 9')
    mended(run)


def of_an_earlier_version(run: Run) -> None:
    """Without checksum and copy."""
    execute(run, "DROP TABLE copy")
    raw = json.loads((run.folder / "run.json").read_text())
    del raw["checksum"]
    (run.folder / "run.json").write_text(json.dumps(raw, indent=2))


def test_runs_of_earlier_versions_are_sound(run: Run) -> None:
    of_an_earlier_version(run)
    assert examine(run) == []
    commands.rewind(run, 25)  # writes the record
    assert examine(run) == []
    (run.folder / "run.json").unlink()
    mended(run)


def test_without_a_copy_a_record_is_made_anew(run: Run) -> None:
    workspace = Workspace(run.folder.parent)
    workspace.summaries()  # the list knows its name from then on
    right = run.record
    of_an_earlier_version(run)
    (run.folder / "run.json").write_text("nonsense")
    (found,) = mended(run)
    assert "made anew from the checkpoint of step 60" in found.remedy
    record = Run(run.folder).record
    for name in ("id", "name", "preset", "seed", "outcome", "created", "measured_since", "config"):
        assert getattr(record, name) == getattr(right, name), name
    assert record.versions == {} and record.host == ""
    assert loading.load(Run(run.folder)).step == 60


def test_a_record_that_nothing_knows_is_told(run: Run) -> None:
    of_an_earlier_version(run)
    (run.folder / "run.json").write_text("nonsense")
    shutil.rmtree(run.checkpoints)
    run.checkpoints.mkdir()
    before = tree(run.folder)
    found = examine(run, repair=True)
    assert [one.remedy for one in found if "run.json" in one.what] == ["there is no copy of it to give back"]
    assert tree(run.folder) == before


# The store


def test_of_a_damaged_store_every_other_page_is_taken_over(run: Run) -> None:
    path, right = run.folder / "metrics.db", points_of(run)
    execute(run, "PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    everything = sum(map(len, right.values()))
    pages, whole = len(before) // 4096, 0
    assert pages > 8
    for page in range(0, pages, 3):
        damaged = before[: page * 4096] + b"\xa5" * 4096 + before[(page + 1) * 4096 :]
        path.write_bytes(damaged)
        found = examine(run, repair=True)
        assert found and all(one.mended for one in found) and "metrics.db" in found[0].what
        assert examine(run) == []
        has = {metric: points for metric, points in points_of(run).items() if not metric.startswith("metric ")}
        assert all(set(points) <= set(right[metric]) for metric, points in has.items())
        whole += sum(map(len, has.values())) == everything
        (aside,) = run.folder.glob("metrics.db.damaged")
        assert aside.read_bytes() == damaged
        aside.unlink()
        for name in ("metrics.db-wal", "metrics.db-shm"):
            (run.folder / name).unlink(missing_ok=True)
    assert whole >= 2


STORES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "no database": lambda path: path.write_bytes(b"\xa5" * 20_000),
    "cut off": lambda path: os.truncate(path, 4096),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("damage", STORES)
def test_without_any_point_a_run_goes_on_from_its_checkpoint(damage: str, run: Run) -> None:
    right, weights = outcome_of(run)
    execute(run, "PRAGMA wal_checkpoint(TRUNCATE)")
    STORES[damage](run.folder / "metrics.db")
    mended(run)
    assert os.path.lexists(run.folder / "metrics.db.damaged") == (damage != "missing")
    again = Run(run.folder)
    assert (again.summary().status, again.summary().step) == ("finished", 60)
    commands.rewind(again, 25) if damage == "missing" else None
    if damage == "missing":
        assert worker.main([str(run.folder)]) == 0
        points, bits = outcome_of(again)
        assert bits == weights
        assert all([one for one in right[name] if one[0] > 25] == points[name] for name in right)


@pytest.mark.parametrize(
    ("statements", "what"),
    [
        (["DELETE FROM rollup WHERE level = 1"], "roll-up"),
        (["DROP TABLE rollup"], "roll-up"),
        (["UPDATE rollup SET finite = finite + 1 WHERE level = 2"], "roll-up"),
        (["DELETE FROM state WHERE key = 'status'"], "status is missing"),
        (["UPDATE state SET value = '7' WHERE key = 'status'"], "status is 7"),
        (
            ["CREATE TABLE more(metric, step, value)", "INSERT INTO more SELECT * FROM pt",
             "INSERT INTO more SELECT * FROM pt",
             "DROP TABLE pt", "ALTER TABLE more RENAME TO pt"],
            "its table pt has no metric or key step as ours has",
        ),
        (["CREATE TRIGGER more AFTER INSERT ON event BEGIN DELETE FROM pt; END"], "no store of a run"),
    ],
)  # fmt: skip
def test_tables_that_are_not_as_they_have_to_be(statements: list[str], what: str, run: Run) -> None:
    right = points_of(run)
    execute(run, *statements)
    (found,) = mended(run)
    assert what in found.what
    assert points_of(run) == right and run.summary().status == "finished"


LOSSES: dict[str, tuple[str, Callable[[str, float], bool]]] = {
    "some": ("DELETE FROM pt WHERE step BETWEEN 20 AND 40", lambda _, step: 20 <= step <= 40),
    "of one metric": (
        "DELETE FROM pt WHERE metric = (SELECT id FROM metric WHERE name = 'loss')",
        lambda name, _: name == "loss",
    ),
    "all": ("DELETE FROM pt", lambda *_: True),
    "their table": ("DROP TABLE pt", lambda *_: True),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_points_that_are_gone_are_named_and_brought_back_where_the_roll_up_knows_them(loss: str, run: Run) -> None:
    with run.store() as store:
        store.append(("dense", step, step / 7) for step in range(20, 40))
        store.append(("dense", step, math.inf) for step in (41, 50))
    statement, gone = LOSSES[loss]
    right: dict[str, list[Any]] = {}
    for name, points in points_of(run).items():
        buckets = [step // 8 for step, _ in points]
        known = [one for one in points if buckets.count(one[0] // 8) == 1 and math.isfinite(one[1])]
        right[name] = [one for one in points if not gone(name, one[0]) or one in known]
    execute(run, statement)
    (found,) = mended(run)
    said = "its table pt is gone" if loss == "their table" else " of loss (steps "
    assert said in found.what and "metrics.db" in found.what
    assert points_of(run) == {name: points for name, points in right.items() if points}
    if loss == "some":
        assert "20 points of dense (steps 20 to 39) stay lost" in found.remedy
    assert (run.folder / "metrics.db.damaged").exists()


# Checkpoints


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json", "checksums.json"])
@pytest.mark.parametrize(
    "damage",
    [lambda path: flip(path, 40), lambda path: os.truncate(path, 30), Path.unlink],
    ids=["flip", "cut", "gone"],
)
def test_a_damaged_checkpoint_is_set_aside(name: str, damage: Callable[[Path], object], run: Run) -> None:
    _, right = outcome_of(run)
    damage(run.checkpoints / "step-60" / name)
    with pytest.raises(UserError):  # what answers can't read it either, or need not read that part
        loading.load(run, 60)
        assert name != "model.safetensors"
        raise UserError
    before = tree(run.checkpoints / "step-60")
    (found,) = mended(run)
    assert "checkpoint of step 60 is damaged" in found.what and (name in found.what or name == "checksums.json")
    assert tree(run.checkpoints / "damaged-step-60") == before
    assert loading.load(run).step == 50
    anew = f"seqsum rewind {run.id} --step 50"
    assert found.remedy.endswith(f"to make the rest again: {anew}, and resume it")
    with pytest.raises(UserError) as asked:
        commands.resume(run, NoLauncher())
    gone = f"resume: run {run.id} is finished, and its checkpoint of step 60 is gone"
    assert str(asked.value) == f"{gone}; go on from the last: {anew}"
    if name == "state.json":
        commands.rewind(run, 50)
        assert worker.main([str(run.folder)]) == 0
        assert outcome_of(run)[1] == right


def test_a_checkpoint_of_another_step_is_told(run: Run) -> None:
    shutil.rmtree(run.checkpoints / "step-50")
    shutil.copytree(run.checkpoints / "step-25", run.checkpoints / "step-50")
    (found,) = mended(run)
    assert "step 50 is damaged: state.json holds another step" in found.what


def test_no_checkpoint_at_all_is_told(run: Run) -> None:
    shutil.rmtree(run.checkpoints)
    (found,) = examine(run, repair=True)
    assert found.what == "the checkpoint of step 60 is gone, and there is no other" and not found.mended
    assert found.remedy == "it has ended, so only a new run with its settings makes its model again"
    assert_begins_again(run)


def test_that_no_checkpoint_is_left_whole_is_told(run: Run) -> None:
    for step in (25, 50, 60):
        flip(run.checkpoints / f"step-{step}" / "model.safetensors", 40)
    *_, last = examine(run, repair=True)
    assert examine(run) == [last] and last.what == "there is no checkpoint but what was set aside"
    assert_begins_again(run)


def assert_begins_again(run: Run) -> None:
    stopped(run)
    said = "there is no whole checkpoint: it begins at step 0 again, and makes 60 steps again"
    assert commands.resume(run, NoLauncher(1))["message"] == f"worker started (process 1); {said}"
    assert worker.main([str(run.folder)]) == 0
    assert said in messages_of(run) and examine(run) == []


def test_a_newest_checkpoint_that_is_gone_is_told(run: Run) -> None:
    shutil.rmtree(run.checkpoints / "step-60")
    said = "the checkpoint of step 60 is gone"
    stopped(run)
    assert commands.resume(run, NoLauncher(1))["message"].endswith(f"; {said}: it goes on from step 50")
    (found,) = examine(run)
    assert found.what == said and found.remedy.endswith("step 50, from which the run goes on")
    assert worker.main([str(run.folder)]) == 0
    assert f"{said}: it goes on from step 50" in messages_of(run)
    shutil.rmtree(run.checkpoints / "step-60")
    (found,) = mended(run)
    assert found.what == said and run.summary().durable_step == 50
    way = "and the run ended later; rewind it to step 50 and resume it to make the rest again"
    assert found.remedy.endswith(f"that of step 50, {way}")
    commands.rewind(run, 50)
    assert commands.resume(run, NoLauncher(1))["ok"] and worker.main([str(run.folder)]) == 0
    assert checkpoint_files.newest_step(run.checkpoints) == run.summary().step == 60


# What is another run's


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = new_run(tmp_path_factory.mktemp("stranger"), small(train__steps=30, model__hidden_size=9), "theirs")
    assert worker.main([str(run.folder)]) == 0
    return run


def configured(path: Path, field: str, value: object) -> None:
    """Have a checkpoint be one of a run with another configuration."""
    section, name = field.split(".")
    state = json.loads((path / "state.json").read_text())
    assert state["config"][section][name] != value
    state["config"][section][name] = value
    (path / "state.json").write_text(json.dumps(state))
    sums = {name: checksum((path / name).read_bytes()) for name in FILES}
    (path / "checksums.json").write_text(json.dumps(sums))


def stopped(run: Run) -> None:
    with run.store() as store:
        store.set_state(status="stopped")


def refusals(run: Run) -> set[str]:
    """What resuming, and a worker, say instead of going on; nothing of the run's changes."""
    stopped(run)
    right, before = points_of(run), tree(run.checkpoints)
    with pytest.raises(UserError) as asked:
        commands.resume(run, NoLauncher())
    assert worker.main([str(run.folder)]) == 1
    assert points_of(run) == right and tree(run.checkpoints) == before
    return {str(asked.value), Run(run.folder).summary().reason or ""}


class NoLauncher(LocalLauncher):
    """Launches nothing; `pid` is what it says it launched, where it may."""

    def __init__(self, pid: int | None = None) -> None:
        self.pid = pid

    def submit(self, run: Run, queue: bool = False) -> int:
        assert self.pid is not None, "a worker was launched"
        return self.pid


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task.max_length", 4),
        ("model.hidden_size", 9),
        ("model.name", "feed_forward"),
        ("train.seed", 7),
        ("optim.name", "sgd"),
    ],
)
def test_a_checkpoint_of_another_run_is_not_gone_on_from(field: str, value: object, run: Run) -> None:
    configured(run.checkpoints / "step-50", field, value)
    before = tree(run.checkpoints / "step-50")
    what = f"the checkpoint of step 50 is another run's: it has another {field}"
    assert refusals(run) == {f"resume: {what}; see seqsum doctor {run.id}"}
    for verb, ask in {"rewind": commands.rewind, "fork": lambda *given: fork_rewind.check_fork(*given, {})}.items():
        with pytest.raises(UserError, match=f"{verb}: {what}"):
            ask(run, 50)
    (found,) = mended(run)
    assert found.what == what and tree(run.checkpoints / "foreign-step-50") == before
    commands.rewind(run, 25)
    assert worker.main([str(run.folder)]) == 0 and examine(run) == []


@pytest.mark.parametrize("field", ["model.hidden_size", "train.seed"])
def test_a_checkpoint_of_another_run_is_neither_asked_nor_exported(field: str, run: Run) -> None:
    configured(run.checkpoints / "step-60", field, 9)
    before = tree(run.folder)
    what = f"the checkpoint of step 60 is another run's: it has another {field}; see seqsum doctor {run.id}"
    workspace = str(run.folder.parent)
    asked = ["predict", run.id, "1 2 3", "--workspace", workspace]
    output = str(run.folder.parent / "out.safetensors")
    assert refused(*asked, "--checkpoint", "60") == f"predict: {what}"
    assert refused("export", run.id, "--output", output, "--workspace", workspace) == f"export: {what}"
    (answer,) = lines(*asked)
    assert (answer["checkpoint_step"], answer["warnings"]) == (50, [f"query: {what}; using the one before it"])
    assert tree(run.folder) == before
    mended(run)
    (answer,) = lines(*asked)
    assert (answer["checkpoint_step"], answer["warnings"]) == (50, [])


@pytest.mark.parametrize("field", LIVE_FIELDS)
def test_what_was_changed_while_a_run_trained_makes_no_checkpoint_foreign(field: str, run: Run) -> None:
    configured(run.checkpoints / "step-50", field, -1)
    with run.store() as store:
        check_own(run, store, "resume")


def test_a_folder_that_another_was_copied_over_is_told(run: Run, stranger: Run) -> None:
    shutil.copytree(stranger.folder, run.folder, dirs_exist_ok=True)
    whose = f"is that of run {stranger.id}"
    assert refusals(run) == {f"resume: metrics.db in {run.id} {whose}; see seqsum doctor {run.id}"}
    found = examine(run, repair=True)
    way_out = f"call the folder {stranger.id} to go on with that run"
    told = {one.what: one.remedy for one in found}
    assert told == told | {f"metrics.db {whose}": way_out, f"run.json {whose}": way_out}
    assert not any(one.mended for one in found)
    own = Run(run.folder.rename(run.folder.with_name(stranger.id)))
    assert [one.what.partition(":")[0] for one in mended(own)] == [
        f"the checkpoint of step {step} is another run's" for step in (50, 60)
    ]


def test_a_store_of_another_run_makes_room_for_a_new_one(run: Run, stranger: Run) -> None:
    execute(stranger, "PRAGMA wal_checkpoint(TRUNCATE)")
    for name in ("metrics.db-wal", "metrics.db-shm"):
        (run.folder / name).unlink(missing_ok=True)
    shutil.copy(stranger.folder / "metrics.db", run.folder)
    assert refusals(run) == {f"resume: metrics.db in {run.id} is that of run {stranger.id}; see seqsum doctor {run.id}"}
    with run.store() as store:
        before = {name: store.extent(name) for name in store.metrics()}
    (found,) = mended(run)
    assert found.what == f"metrics.db is that of run {stranger.id}"
    with Store(run.folder / "metrics.db.damaged") as aside:
        assert {name: aside.extent(name) for name in before} == before
    assert (Run(run.folder).summary().status, Run(run.folder).summary().step) == ("finished", 60)


# Whatever stands in a file's place

PLACES = (
    "run.json", "metrics.db", "metrics.db-wal", "annotations.json", "worker.lock", "worker.log", "checkpoints",
    "checkpoints/step-60", "checkpoints/step-60/state.json", "checkpoints/step-60/model.safetensors",
    "checkpoints/.step-60.new", ".run.json.5-01234567.tmp",
)  # fmt: skip
THINGS: dict[str, Callable[[Path], object]] = {
    "deep": lambda path: path.write_bytes(b"[" * 100_000),
    "huge": lambda path: (path.touch(), os.truncate(path, 2**40)),
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a link to itself": lambda path: path.symlink_to(path),
}


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("place", PLACES)
def test_anything_in_the_place_of_a_file_is_mended_or_told(place: str, thing: str, run: Run) -> None:
    path = run.folder / place
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    THINGS[thing](path)
    assert not any(one.mended for one in examine(run))
    repaired = examine(run, repair=True)
    assert all(one.mended or (place == "checkpoints" and "checkpoint" in one.what) for one in repaired), repaired
    assert len(examine(run)) == sum(not one.mended for one in repaired)


DAMAGES: dict[str, Callable[[Run, Run], object]] = {
    "the record unreadable": lambda run, _: (run.folder / "run.json").write_bytes(b"\xff{"),
    "the record another run's": lambda run, other: shutil.copy(other.folder / "run.json", run.folder),
    "the store another run's": lambda run, other: shutil.copy(other.folder / "metrics.db", run.folder),
    "the store unreadable": lambda run, _: (run.folder / "metrics.db").write_bytes(b"no database" * 500),
    "no roll-up": lambda run, _: execute(run, "DELETE FROM rollup"),
    "points gone": lambda run, _: execute(run, "DELETE FROM pt WHERE step > 30"),
    "the annotations unreadable": lambda run, _: (run.folder / "annotations.json").write_bytes(b"["),
    "the newest checkpoint damaged": lambda run, _: flip(run.checkpoints / "step-60" / "model.safetensors", 100),
}


@pytest.mark.parametrize("one, other", itertools.permutations(DAMAGES, 2))
def test_after_a_repair_nothing_is_left_to_be_mended(one: str, other: str, run: Run, stranger: Run) -> None:
    for damage in (one, other):
        with suppress(sqlite3.Error):  # no table is left to be damaged
            DAMAGES[damage](run, stranger)
    examine(run, repair=True)
    assert not [finding for finding in examine(run) if finding.mend is not None]


# What killed commands left, and the rest


def test_leftovers_are_cleared_away(run: Run) -> None:
    before = tree(run.folder)
    (run.folder / ".run.json.77-0123abcd.tmp").write_text("{")
    (run.folder / ".annotations.json.8.tmp").write_text("{")
    shutil.copytree(run.checkpoints / "step-60", run.checkpoints / ".step-60.new")
    (run.checkpoints / "step-25").rename(run.checkpoints / ".step-25.old")
    (found,) = mended(run)
    assert all(name in found.what for name in (".run.json.77", ".annotations.json.8.tmp", ".step-25.old"))
    assert tree(run.folder) == before


def test_a_rewind_that_was_killed_is_ended(run: Run) -> None:
    before = tree(run.folder)
    shutil.copytree(run.checkpoints, run.folder / ".rewound-20260101-101010-000001.new")
    mended(run)
    assert tree(run.folder) == before


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/null")])
def test_a_lock_that_is_no_file_is_set_aside(make: Callable[[Path], object], run: Run) -> None:
    (run.folder / "worker.lock").unlink()
    make(run.folder / "worker.lock")
    (found,) = examine(run)
    assert found.mend
    assert all(one.mended for one in examine(run, repair=True)) and examine(run) == []
    commands.rewind(run, 25)


def test_annotations_that_cant_be_read_are_kept_beside(run: Run) -> None:
    (run.folder / "annotations.json").write_text('{"note": "keep')
    mended(run)
    assert (run.folder / "annotations.json.damaged").read_text() == '{"note": "keep'


def test_a_run_with_a_worker_is_only_read(run: Run) -> None:
    flip(run.folder / "run.json", 40)
    flip(run.checkpoints / "step-60" / "model.safetensors", 40)
    (run.folder / ".annotations.json.7.tmp").write_text("{")
    before, lock = tree(run.folder), take_lock(run.folder)
    assert lock is not None
    try:
        found = examine(run, repair=True)
        assert len(found) == 2 and not any(one.mended or one.mend for one in found)
        assert all("stop it first: seqsum stop" in one.remedy for one in found)
        assert tree(run.folder) == before
    finally:
        os.close(lock)
    assert len(examine(run, repair=True)) == 3 and examine(run) == []


@pytest.mark.parametrize("name", ["run.json", "metrics.db", "annotations.json", "checkpoints/step-60/state.json"])
def test_what_another_may_not_read_is_no_damage(name: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(run.folder / name)
    before, may, opened, connect = tree(run.folder), os.access, os.open, sqlite3.connect

    def denied(place: Any, *given: Any, **named: Any) -> int:
        if str(place) == path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return opened(place, *given, **named)

    def no_database(place: str, *given: Any, **named: Any) -> sqlite3.Connection:
        if name in place:
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        return connect(place, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda place, *given: str(place) != path and may(place, *given))
        patch.setattr(os, "open", denied)
        patch.setattr(sqlite3, "connect", no_database)
        found = examine(run, repair=True)
    assert any(path.rpartition("/")[2] in one.what for one in found)
    assert not any(one.mended for one in found) and tree(run.folder) == before


def test_what_a_worker_is_just_pruning_is_not_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    half, lock = run.checkpoints / "step-25", take_lock(run.folder)
    assert lock is not None
    (half / "state.json").unlink()
    with monkeypatch.context() as patch:
        real, reads = os.open, []

        def opened(path: Any, *given: Any, **named: Any) -> int:
            if str(path) == str(half / "state.json"):
                reads.append(path)
                if len(reads) == 2:
                    shutil.rmtree(half)
            return real(path, *given, **named)

        patch.setattr(os, "open", opened)
        assert examine(run) == [] and not half.exists()
    os.close(lock)


def test_a_workspace_is_looked_at_too(run: Run) -> None:
    workspace = Workspace(run.folder.parent)
    (workspace.folder / ".20260101-000000-abcd.new").mkdir()
    (workspace.folder / ".bin").symlink_to("/nowhere")
    slots = Slots(workspace.folder, 1)
    slots.draw_ticket(run.id)
    assert len(examine_workspace(workspace)) == 3
    assert all(one.mended for one in examine_workspace(workspace, repair=True))
    assert examine_workspace(workspace) == [] and slots.tickets() == []
    assert (workspace.folder / ".bin.damaged").is_symlink()


ODD: dict[str, Callable[[Path, Path], object]] = {
    "a folder": lambda path, _: path.mkdir(),
    "a pipe": lambda path, _: os.mkfifo(path),
    "a link to nothing": lambda path, away: path.symlink_to(away / "nothing"),
    "a link to a folder": lambda path, away: path.symlink_to(away),
}
PLACES = (".bin", ".slots", ".slots/queue", ".slots/slot-0", ".changed", ".index.db", ".change.lock")


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("place", [*PLACES, "RUN/worker.lock", "RUN/.change.lock"])
def test_what_stands_in_the_place_of_a_file_of_ours_is_put_aside(
    run: Run, place: str, odd: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    workspace, away = Workspace(run.folder.parent), tmp_path_factory.mktemp("away")
    Slots(workspace.folder, 1).drop(Slots(workspace.folder, 1).draw_ticket(run.id))
    (away / "queue").touch()
    path = workspace.folder / place.replace("RUN", run.id)
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    ODD[odd](path, away)
    is_right = odd == "a folder" and place in PLACES[:3]
    found = [*examine_workspace(workspace), *examine(run)]
    assert [path.name in one.what for one in found] == [True] * (not is_right), found
    assert all(one.mended for one in [*examine_workspace(workspace, repair=True), *examine(run, repair=True)])
    assert [*examine_workspace(workspace), *examine(run)] == []
    assert os.path.lexists(path.with_name(f"{path.name}.damaged")) != is_right
    slot = Slots(workspace.folder, 1).take()
    assert slot is not None
    os.close(slot)
    Slots(workspace.folder, 1).drop(Slots(workspace.folder, 1).draw_ticket(run.id))
    new_run(workspace.folder, small(), "another")
    annotate(run.folder, starred=True)
    assert [one.name for one in away.iterdir()] == ["queue"]


def test_what_only_looks_like_a_place_in_the_queue_is_none(run: Run) -> None:
    slots = Slots(run.folder.parent, 1)
    slots.drop(ticket := slots.draw_ticket(run.id))
    (slots.folder / "queue" / ticket).mkdir()
    assert slots.tickets() == [] and examine_workspace(Workspace(run.folder.parent)) == []


# The command


def test_the_command(run: Run) -> None:
    workspace = str(run.folder.parent)
    good = new_run(run.folder.parent, small(), "good")
    all_of, one_of = ("doctor", "--workspace", workspace), ("doctor", run.id, "--workspace", workspace)
    assert call(*all_of) == (0, f"2 runs in {workspace}: sound\n", "")
    assert call(*one_of) == (0, f"mine ({run.id}): sound\n", "")
    flip(run.checkpoints / "step-60" / "model.safetensors", 40)
    status, out, _ = call(*all_of)
    first, last = out.splitlines()
    assert status == 1 and first.startswith(f"mine ({run.id}): the checkpoint of step 60 is damaged: ")
    assert last == f"1 run is sound, 1 is not: {run.id}"
    status, out, _ = call(*all_of, "--json")
    said = [json.loads(line) for line in out.splitlines()]
    assert status == 1 and {one["run"]: one["sound"] for one in said[:-1]} == {run.id: False, good.id: True}
    assert (said[-1]["runs"], said[-1]["sound"], said[-1]["unsound"]) == (2, 1, [run.id])
    status, out, _ = call(*one_of)
    assert status == 1 and out.splitlines()[0] == f"mine ({run.id}): 1 thing is wrong" and "(--repair: kept as " in out
    (said_of,) = lines(*one_of, "--repair")
    assert said_of["findings"][0]["mended"] and said_of["sound"]
    assert call(*one_of)[0] == 0
    assert "no run" in refused("doctor", "nobody", "--workspace", workspace)
    assert "there is no workspace" in refused("doctor", "--workspace", f"{workspace}/nowhere")
    assert doctor(parse(list(all_of))) == 0
