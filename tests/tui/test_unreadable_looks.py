"""A run that can't be read stays in the list, in its preview, in the live view and in compare, with its reason."""

import json
import os
import random
import sqlite3
from dataclasses import replace

import pytest
from textual.app import App

from seqsum.cli import main
from seqsum.errors import UserError
from seqsum.runs import LIVE_STATUSES, Run, Workspace
from seqsum.runs.record import checksum
from seqsum.runs.store import STATUSES
from seqsum_tui.app import Console
from seqsum_tui.compare.screen import CompareScreen
from seqsum_tui.compare.table import CompareTable
from seqsum_tui.live.config import describe as describe_config
from seqsum_tui.live.curves import why_empty
from seqsum_tui.live.events import line_of
from seqsum_tui.live.header import RunHeader
from seqsum_tui.live.reader import RunReader
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.runs.columns import COLUMNS
from seqsum_tui.runs.listing import View
from seqsum_tui.runs.preview import describe, describe_briefly
from seqsum_tui.runs.reader import WorkspaceReader
from seqsum_tui.runs.screen import RunsScreen
from support.screens import screen_text

NOW = 1_800_000_000.0


@pytest.fixture
def console(scene, still):
    made = Console(scene.folder, now=still, remote=False)
    made.animation_level = "none"
    return made


def edit(run, change):
    """Have a record be as another version may write it."""
    raw = json.loads((run.folder / "run.json").read_text())
    del raw["checksum"]
    change(raw)
    (run.folder / "run.json").write_text(json.dumps({**raw, "checksum": checksum(raw)}))


def execute(run, statement, *values):
    database = sqlite3.connect(run.folder / "metrics.db")
    database.execute(statement, values)
    database.commit()
    database.close()


def cut_off(run):
    os.truncate(run.folder / "metrics.db", 4096)


def no_store(run):
    (run.folder / "metrics.db").unlink()


def no_record(run):
    (run.folder / "run.json").write_text("{")


def unknown_setting(run):
    edit(run, lambda raw: raw["config"]["optim"].update(new_knob=1))


def no_config(run):
    edit(run, lambda raw: raw.update(config=None))


def steps_as_text(run):
    edit(run, lambda raw: raw["config"]["train"].update(steps="many"))


def no_status(run):
    execute(run, "UPDATE state SET value = 'null' WHERE key = 'status'")


def accuracy_beyond(run):
    execute(run, "UPDATE pt SET value = 1.7e308 WHERE metric = (SELECT id FROM metric WHERE name = 'accuracy')")


KINDS = {
    cut_off: "malformed",
    no_store: "No such file",
    no_record: "run.json",
    unknown_setting: "new_knob",
    no_config: "config",
    steps_as_text: "steps",
    no_status: "status",
    accuracy_beyond: "accuracy",
}


@pytest.mark.parametrize("harm", KINDS, ids=lambda harm: harm.__name__)
async def test_it_is_told_on_every_screen(console, scene, until, harm):
    whole = scene.run(name="whole", created=NOW - 600)
    bad = scene.run(name="bad")
    console.workspace.summaries()
    harm(bad)
    told = KINDS[harm]
    async with console.run_test(size=(200, 50)) as pilot:

        def shows(*words):
            return lambda: all(word in screen_text(console) for word in words)

        # The newest comes first, and the preview is its own.
        await until(pilot, shows("whole", "bad", told))
        console.screen.open_run(bad.id)
        await until(pilot, lambda: isinstance(console.screen, LiveScreen) and told in screen_text(console))
        if harm in (cut_off, no_store):
            await until(pilot, shows("Can't be read: "))
        for key in ("g", "v", "l", "escape"):
            await pilot.press(key)
        await until(pilot, lambda: isinstance(console.screen, RunsScreen))
        console.push_screen(CompareScreen([whole.id, bad.id]))
        await until(pilot, lambda: isinstance(console.screen, CompareScreen) and "whole" in screen_text(console))
        await until(pilot, lambda: len(console.screen.query_one(CompareTable).lines) == 2)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, RunsScreen))


ODD = [
    None, True, -1, 1.5, 1e308, 10**400, "", "500", "\x1b]52;c;aGk=\x07", "\ud800", "x" * 5000, [], [1, [2]], {},
    {"a": {"b": 1}}, float("nan"), "..", "0001-01-01T00:00:00",
]  # fmt: skip


def looked_at(reader, run):
    """Everything that list, preview and live view draw of a run, without a screen."""
    reader.workspace.index.read()
    view = reader.read()
    view = reader.read() if view.preview is None else view
    line = next(line for line in view.listing.lines if line.key == run.id)
    cells = [column.cell(line, NOW, column.width) for column in COLUMNS]
    preview = view.preview
    seen = RunReader(Run(run.folder)).read()
    header = RunHeader()
    header.show(seen.summary)
    drawn = [describe(preview, App()), describe_briefly(preview, App()), describe_config(seen)]
    drawn += [line_of(event, event, 1) for event in seen.events]
    return cells, [content.plain for content in drawn]


def test_list_preview_and_live_view_live_with_any_field_of_a_record(scene, still):
    whole, run = scene.run(name="whole", created=NOW - 600), scene.run(name="odd")
    text, draw = (run.folder / "run.json").read_text(), random.Random(5)
    raw = json.loads(text)
    paths = [(name,) for name in raw]
    paths += [("config", section, name) for section, values in raw["config"].items() for name in values]
    reader = WorkspaceReader(Workspace(scene.folder), still, View(), run.id)
    for path in paths:
        (run.folder / "run.json").write_text(text)
        value = draw.choice(ODD)

        def put(raw, path=path, value=value):
            for part in path[:-1]:
                raw = raw[part]
            raw[path[-1]] = value

        edit(run, put)
        reader.closely = frozenset([run.id])
        cells, drawn = looked_at(reader, run)
        assert all(one.isprintable() for one in cells), (path, value)
        assert len(drawn) >= 3 and whole.id


@pytest.mark.parametrize("key", ["status", "step", "pid", "reason", "updated", "train_seconds", "steps_per_second"])
def test_list_preview_and_live_view_live_with_any_part_of_a_state(scene, still, key):
    run = scene.run(name="odd")
    reader = WorkspaceReader(Workspace(scene.folder), still, View(), run.id)
    for value in [*(json.dumps(one) for one in ODD), "{", b"\xff"]:
        execute(run, "INSERT OR REPLACE INTO state VALUES (?, ?)", key, value)
        execute(run, "UPDATE event SET detail = ?, time = ? WHERE id = 1", value, draw_time(value))
        cells, drawn = looked_at(reader, run)
        assert all(one.isprintable() for one in cells) and drawn, value


def draw_time(value):
    return 1e300 if len(value) % 2 else "never"


def test_a_busy_store_keeps_what_the_live_view_read_last(scene):
    run = scene.run(status="stopped", step=1000)
    reader = RunReader(run)
    assert reader.read().summary.step == 1000
    holder = sqlite3.connect(run.folder / "metrics.db", isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("INSERT OR REPLACE INTO state VALUES ('x', '1')")
    os.utime(run.folder / "run.json")
    with pytest.raises(UserError, match="another program holds"):
        reader.read()
    holder.close()
    with run.store() as store:
        store.set_state(step=1100)
    assert reader.read().summary.step == 1100


async def test_what_can_not_be_resumed_offers_no_key_for_it(console, scene, until):
    bad = scene.run(name="bad", status="stopped")
    cut_off(bad)
    async with console.run_test(size=(150, 40)) as pilot:
        await until(pilot, lambda: "unreadable" in screen_text(console))
        assert not console.screen.check_action("resume", ()) and not console.screen.check_action("pause", ())
        assert console.screen.check_action("delete", ())
        await pilot.press("d")
        await until(pilot, lambda: not bad.folder.exists() or "No runs yet" in screen_text(console))


@pytest.mark.parametrize(
    ("harm", "steps"),
    [(no_record, "20,000/?"), (no_store, "?/20,000"), (cut_off, "?/20,000")],
)
async def test_what_nobody_knows_has_no_bar_and_no_percentage(harm, steps, scene, console, until, capsys):
    run = scene.run(name="odd")
    harm(run)
    assert main(["runs", "--workspace", str(scene.folder)]) == 0
    assert steps in capsys.readouterr().out
    async with console.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: steps in screen_text(console))
        (line,) = [line for line in screen_text(console).split("\n") if steps in line]
        assert " ? " in line and "%" not in line.split(steps)[0] and "━" not in line and "╌" not in line
        console.push_screen(LiveScreen(run))
        await until(pilot, lambda: "steps" in screen_text(console).split("\n")[1])
        head = screen_text(console).split("\n")[1]
        assert steps in head and "%" not in head and "━" not in head and "╌" not in head
        assert "trained" not in head or harm is no_record


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("config.task.name", "martian"), ("config.optim.lr", -1), ("config.optim.lr", float("nan")),
        ("config.model.cell", "transistor"), ("outcome.status", "exploded"),
    ],
)  # fmt: skip
async def test_a_setting_that_can_not_be_is_told_in_every_list(path, value, scene, console, until, capsys):
    run, good = scene.run(name="odd"), scene.run(name="good")
    sections = path.split(".")

    def put(raw):
        raw["outcome"] = {"status": "finished", "reason": None, "step": 20_000}
        for name in sections[:-1]:
            raw = raw[name]
        raw[sections[-1]] = value

    edit(run, put)
    assert not good.summary().problems
    (problem,) = run.summary().problems
    assert sections[-2] in problem and sections[-1] in problem and len(problem) < 120
    assert main(["runs", "--workspace", str(scene.folder)]) == 0
    assert f"! {problem}" in capsys.readouterr().out
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "! odd" in screen_text(console) and "! good" not in screen_text(console))
        console.push_screen(LiveScreen(run))
        await until(pilot, lambda: f"! {problem}" in screen_text(console))


async def test_a_run_from_the_future_has_no_age(scene, console, until, capsys):
    run = scene.run(name="odd")
    edit(run, lambda raw: raw.update(created="2099-01-01T00:00:00+00:00"))
    assert main(["runs", "--workspace", str(scene.folder)]) == 0
    assert "in the future" in capsys.readouterr().out
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "odd" in screen_text(console))
        (line,) = [line for line in screen_text(console).split("\n") if "◉ finished  odd" in line]
        assert line.rstrip().endswith(" ?")


@pytest.mark.parametrize("status", STATUSES)
def test_only_of_a_run_that_can_still_write_values_are_awaited(scene, status):
    run = replace(scene.run().summary(), status=status, reason="can't read metrics.db: it is damaged")
    words = {"unreadable": "Can't be read: it is damaged"} | dict.fromkeys(LIVE_STATUSES, "The first values come soon")
    assert why_empty(run) == words.get(status, "No values")
