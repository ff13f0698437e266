"""The list of runs: what it shows, what its keys do, at each size."""

import re

import pytest
from textual.app import App
from textual.geometry import Region
from textual.widgets import Static

from seqsum.presets import load_preset
from seqsum_tui.app import Console
from seqsum_tui.new_run.screen import NewRunScreen
from seqsum_tui.new_run.starter import Started
from seqsum_tui.runs.filter_line import FilterLine
from seqsum_tui.runs.preview import RunPreview
from seqsum_tui.runs.table import RunTable
from seqsum_tui.shared.top_bar import TopBar
from support.screens import listed, screen_text

SIZES = [(60, 20), (80, 24), (120, 40)]
NASTY = "[red]x[/] 名前 [/b]"
EVIL_LOG = "loss [red]9[/]\n\x1b[31mthe device is gone\x1b]0;title\x07\n"


def table(app):
    return app.screen.query_one(RunTable)


def ready(app):
    return lambda: listed(app) and (app.screen.has_class("-empty") or table(app).has_focus)


@pytest.fixture
def console(scene, still):
    return Console(scene.folder, now=still, remote=False)


@pytest.fixture
def told(console, monkeypatch):
    """Every toast, as (title, message, markup)."""
    toasts = []
    monkeypatch.setattr(
        App, "notify", lambda self, message, *, title="", markup=True, **more: toasts.append((title, message, markup))
    )
    return toasts


def every_status(scene):
    for status in ("died", "failed", "stopped", "finished", "paused"):
        scene.run(name=status.upper(), status="running" if status == "died" else status, alive=status == "paused")
    scene.run(name="QUEUED", status="queued", step=0)
    scene.run(name="STARTING", status="starting", step=900)
    return scene.run(name="RUNNING", status="running", step=12_400)


@pytest.mark.parametrize("size", SIZES)
async def test_every_status_has_sign_word_and_progress(scene, console, until, size):
    every_status(scene)
    async with console.run_test(size=size) as pilot:
        await until(pilot, ready(console))
        # Verdicts come as their runs are read.
        await until(pilot, lambda: "8 runs" in screen_text(console) and "runs read" not in screen_text(console))
        shown = screen_text(console)
        for sign_and_word in (
            "● running",
            "○ starting",
            "… queued",
            "‖ paused",
            # Where the verdict has no column, what is over says how it went.
            "↗ learning" if size == (60, 20) else "◉ finished",
            "■ stopped",
            "✗ failed",
            "† died",
        ):
            assert sign_and_word in shown
        line = next(line for line in shown.splitlines() if "RUNNING" in line)
        assert "62%" in line and "94.4" in line and "━" in line and "╌" in line
        if size == (60, 20):
            await until(pilot, lambda: "step 12,400 of 20,000" in screen_text(console))
        assert "8 runs · 1 running · 1 starting · 1 paused · 1 queued" in console.screen.query_one(TopBar).counts
        assert all(len(line) <= size[0] * 2 for line in shown.splitlines())


@pytest.mark.parametrize("size", SIZES)
async def test_an_empty_workspace_says_what_to_do(scene, console, until, size):
    async with console.run_test(size=size) as pilot:
        await until(pilot, ready(console))
        shown = screen_text(console)
        assert "No runs yet" in shown and "Press  n " in shown
        scene.run(name="first")
        await until(pilot, lambda: not console.screen.has_class("-empty"))
        await until(pilot, lambda: "first" in screen_text(console))
        assert table(console).has_focus


@pytest.mark.parametrize("size", SIZES)
async def test_names_and_logs_are_shown_literally(scene, console, until, size):
    scene.run(name=NASTY, status="running", alive=False, log=EVIL_LOG)
    async with console.run_test(size=size) as pilot:
        await until(pilot, ready(console))
        shown = screen_text(console)
        assert "[red]x[" in shown
        assert "\x1b" not in shown and "\x07" not in shown
        if size[1] >= 24:
            assert "\\x1b[31mthe device" in shown.replace("\n", "")
            # It died before its first checkpoint.
            assert "r runs it again" in shown or size[0] < 100


async def test_enter_opens_the_run_under_the_cursor_and_escape_comes_back(scene, console, until):
    scene.run(name="older", created=1000.0)
    scene.run(name="newer", created=2000.0)
    async with console.run_test() as pilot:
        await until(pilot, ready(console))
        await pilot.press("down", "enter")
        await until(pilot, lambda: type(console.screen).__name__ == "LiveScreen" and console.screen.view)
        assert console.screen.view.summary.name == "older"
        await pilot.press("escape")
        await until(pilot, lambda: type(console.screen).__name__ == "RunsScreen")
        assert table(console).selected.summary.name == "older"


async def test_a_double_click_opens_a_click_selects(scene, console, until):
    scene.run(name="older", created=1000.0)
    scene.run(name="newer", created=2000.0)
    async with console.run_test() as pilot:
        await until(pilot, ready(console))
        await pilot.click(RunTable, offset=(5, 2))
        assert table(console).selected.summary.name == "older"
        await pilot.click(RunTable, offset=(5, 2), times=2)
        await until(pilot, lambda: type(console.screen).__name__ == "LiveScreen")


async def test_the_cursor_stays_on_its_run_when_others_come(scene, console, until):
    for index in range(40):
        scene.run(name=f"run-{index:02}", created=1000.0 + index, step=100)
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(console))
        await pilot.press("end", "up")
        await until(pilot, lambda: table(console).selected.summary.name == "run-01")
        top = table(console).scroll_offset.y
        assert top > 0
        line = next(i for i, text in enumerate(screen_text(console).splitlines()) if "run-01" in text)
        scene.run(name="new", created=5000.0, step=100)
        await until(pilot, lambda: len(table(console).lines) == 41)
        assert table(console).selected.summary.name == "run-01"
        assert table(console).scroll_offset.y == top + 1
        assert "run-01" in screen_text(console).splitlines()[line]
        await pilot.press("home")
        assert table(console).selected.summary.name == "new"
        assert table(console).scroll_offset.y == 0


async def test_only_lines_that_changed_are_painted(scene, console, until, monkeypatch):
    runs = [scene.run(name=f"run-{index}", created=1000.0 + index, step=100) for index in range(5)]
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(console))
        painted = []
        refresh = RunTable.refresh

        def watch(self, *regions, **more):
            painted.append(regions)
            return refresh(self, *regions, **more)

        monkeypatch.setattr(RunTable, "refresh", watch)
        with runs[2].store() as store:
            store.set_state(step=7777, updated=5.0)
        await until(pilot, lambda: any(line.summary.step == 7777 for line in table(console).lines))
        assert painted == [(Region(0, 3, table(console).size.width, 1),)]


async def test_pause_continue_and_stop_go_to_the_worker_and_are_told(scene, console, until, work, told):
    run = scene.run(name=NASTY, status="running", step=900, alive=False)
    worker = work(run)
    async with console.run_test() as pilot:
        await until(pilot, ready(console))
        for key, verb, status in (("p", "pause", "paused"), ("p", "resume", "running"), ("x", "stop", "stopped")):
            await pilot.press(key)
            await until(pilot, lambda verb=verb: worker.done and worker.done[-1][0] == verb)
            await until(pilot, lambda status=status: table(console).selected.summary.status == status)
        await until(pilot, lambda: len(told) == 3)
    assert [verb for verb, _ in worker.done] == ["pause", "resume", "stop"]
    assert [title for title, _, _ in told] == [f"{NASTY}: paused", f"{NASTY}: goes on", f"{NASTY}: stopped"]
    assert "r goes on from there" in told[2][1]
    assert not any(markup for _, _, markup in told)


async def test_a_refusal_is_told_in_its_own_words(scene, console, until, work, told):
    worker = work(scene.run(name="one", status="running", alive=False))
    worker.refuse = "[b]the disk is full[/b]"
    async with console.run_test() as pilot:
        await until(pilot, ready(console))
        await pilot.press("p")
        await until(pilot, lambda: told)
    assert told == [("pause: one", "[b]the disk is full[/b]", False)]


@pytest.mark.parametrize(
    ("status", "alive", "offered"),
    [
        ("running", True, {"pause", "stop"}),
        ("paused", True, {"continue", "stop"}),
        ("stopped", False, {"resume"}),
        ("failed", False, {"resume"}),
        ("running", False, {"resume"}),
        ("finished", False, set()),
    ],
)
async def test_only_what_the_status_allows_is_offered(scene, console, until, status, alive, offered):
    scene.run(status=status, alive=alive)
    async with console.run_test() as pilot:
        await until(pilot, ready(console))
        actions = {active.binding.action for active in console.screen.active_bindings.values()}
        assert actions & {"pause", "continue", "resume", "stop"} == offered


async def test_a_run_that_ends_is_told_once_with_a_bell(scene, console, until, work, told, monkeypatch):
    bells = []
    monkeypatch.setattr(console, "bell", lambda: bells.append(1))
    worker = work(scene.run(name="one", status="running", alive=False, log="out of memory\n"))
    async with console.run_test() as pilot:
        await until(pilot, ready(console))
        worker.end()
        await until(pilot, lambda: told)
        assert told[0][0] == "† one died" and "out of memory" in told[0][1]
        await until(pilot, lambda: table(console).selected.summary.status == "died")
    assert len(told) == len(bells) == 1


async def test_the_preview_tells_preset_changes_and_what_to_look_for(scene, console, until):
    scene.run("sota_warmup", name="one", changes={"optim.lr": "0.002"})
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, ready(console))
        shown = str(console.screen.query_one(RunPreview).query_one(Static).render())
        preset = load_preset("sota_warmup")
        assert preset.title in shown and preset.look_for in shown
        assert "optim.lr 0.005→0.002" in shown
        curves = console.screen.query_one("#preview-loss").series
        assert curves[0].x[-1] == 20_000


async def test_resizing_never_breaks(scene, console, until):
    every_status(scene)
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, ready(console))
        for size in [(60, 20), (200, 50), (30, 8), (80, 24), (10, 3), (120, 40)]:
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert "● running" in screen_text(console)


async def test_help_says_how_to_fork_and_rewind(scene, console, until):
    scene.run(name="one")
    async with console.run_test(size=(120, 90)) as pilot:
        await until(pilot, ready(console))
        await pilot.press("question_mark")
        await until(pilot, lambda: "Fork and rewind, once the run is open" in screen_text(console))
        below = " ".join(screen_text(console).partition("once the run is open")[2].replace("│", " ").split())
        assert re.match(r"F Go on from a checkpoint as a run of its own.{,40} R Take the run back to a check", below)


async def test_help_says_every_key_and_closes(scene, console, until):
    every_status(scene)
    async with console.run_test(size=(80, 70)) as pilot:
        await until(pilot, ready(console))
        await pilot.press("question_mark")
        await pilot.pause()
        shown = screen_text(console)
        for active in console.screen_stack[-2].active_bindings.values():
            if active.binding.id and active.binding.id.startswith(("runs.", "run.", "table.")):
                assert active.binding.tooltip in shown
        await pilot.press("escape")
        assert type(console.screen).__name__ == "RunsScreen"


async def test_the_palette_finds_an_action_by_its_name(scene, console, until):
    scene.run(name="one")
    async with console.run_test() as pilot:
        await until(pilot, ready(console))
        await pilot.press("ctrl+p")
        await pilot.press(*"open")
        await until(pilot, lambda: "Open" in screen_text(console))
        await pilot.press("enter")
        await until(pilot, lambda: type(console.screen).__name__ == "LiveScreen")


async def test_new_run_starts_and_is_watched(scene, console, until, monkeypatch):
    made = scene.run(name="started", status="running", step=100)
    async with console.run_test() as pilot:
        await until(pilot, ready(console))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(console.screen, NewRunScreen))
        console.screen.dismiss(made)
        await until(pilot, lambda: type(console.screen).__name__ == "LiveScreen" and console.screen.view)
        assert console.screen.view.summary.name == "started"


async def test_the_cursor_goes_to_what_was_queued(scene, console, until):
    made = scene.run(name="queued", created=1000.0)
    scene.run(name="newer", created=2000.0)
    async with console.run_test() as pilot:
        await until(pilot, ready(console))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(console.screen, NewRunScreen))
        console.screen.post_message(Started(made, ("queued", "it waits")))
        await until(pilot, lambda: not isinstance(console.screen, NewRunScreen))
        await until(pilot, lambda: table(console).selected.summary.name == "queued")


async def test_a_filter_typed_before_the_list_is_there_is_no_row_of_commands(scene, console, until):
    runs = [scene.run(name=name, status="stopped", step=10) for name in ("r_ta", "other")]
    async with console.run_test(size=(120, 40)) as pilot:
        await pilot.press("slash", *"r_ta")
        await until(pilot, lambda: "r_ta" in screen_text(console) and "1 of 2 runs" in screen_text(console))
        assert console.screen.query_one(FilterLine).text == "r_ta"
    assert all(run.summary().status == "stopped" for run in runs)


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("status", ["running", "finished"])
async def test_both_charts_of_the_preview_count_steps_alike_from_0(status, runs, scene, console, until):
    """Accuracy has its first value long after loss, and of a run that begins a single one; of a group, too."""
    for seed in range(runs):
        group = {"track.group": "G", "train.seed": str(seed)} if runs > 1 else {}
        scene.run("sota", name=f"begins {seed}", status=status, step=800 + 100 * seed, changes=group)
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: console.screen.query("#preview-accuracy"))
        charts = [console.screen.query_one(f"#preview-{name}") for name in ("loss", "accuracy")]
        await until(pilot, lambda: all(chart.series for chart in charts))
        ticks = [chart.render_lines(Region(0, 0, *chart.size))[-1].text.split() for chart in charts]
        assert ticks[0] == ticks[1] and ticks[0][:2] == ["step", "0"]


async def test_the_words_of_the_preview_do_not_touch_its_bar(scene, console, until):
    scene.run(name="told at length")
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, ready(console))
        words = console.screen.query_one("#preview-words")
        await until(pilot, lambda: words.parent.show_vertical_scrollbar)
        assert words.content_region.right < words.parent.scrollable_content_region.right
