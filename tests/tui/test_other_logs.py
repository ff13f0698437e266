"""Other programs' logs in the console."""

import subprocess
import sys

import pytest

from seqsum.runs.store import Store
from seqsum_tui.app import Console
from seqsum_tui.command_line import run as main
from support.command_line import unprivileged
from support.screens import screen_text, screen_words


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "mine.csv").write_text("step,loss,val [red]ppl\n" + "".join(f"{s},{1 / (s + 1)},3\n" for s in range(50)))
    return folder


@pytest.fixture
def console(scene, still, logs):
    return Console(scene.folder, now=still, remote=False, logs=logs)


async def test_a_log_is_a_run_and_grows(scene, console, watch, until, logs):
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "mine" in screen_text(console) and "running" in screen_text(console))
        (run,) = scene.workspace.runs()
        await watch(pilot, run)
        await until(pilot, lambda: [panel.title for panel in console.screen.view.panels] == ["loss", "val [red]ppl"])
        assert "log CSV" in screen_text(console) and "ask ›" not in screen_text(console)
        head = "\n".join(screen_text(console).splitlines()[:2])
        assert "49 steps" in head and "?" not in head and " left" not in head, "nobody says how many it is to make"
        with (logs / "mine.csv").open("a") as file:
            file.write("50,0.5,2\n")
        await until(pilot, lambda: console.screen.view.summary.step == 50)
        for key in ("p", "x", "l", "a", "c", "F"):
            await pilot.press(key)
            await until(pilot, lambda: "another program's log" in screen_text(console))
            console.clear_notifications()
            await until(pilot, lambda: "another program's log" not in screen_text(console))


async def test_whatever_needs_the_program_or_its_weights_says_that_a_log_has_none(scene, console, until, logs):
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "mine" in screen_text(console) and "running" in screen_text(console))
        for key in ("p", "x", "r", "a", "e"):
            await pilot.press(key)
            await until(pilot, lambda: "another program's log" in screen_text(console))
            assert "A script of its own" not in screen_text(console)
            console.clear_notifications()
            await until(pilot, lambda: "another program's log" not in screen_text(console))


async def test_the_log_tab_says_that_it_has_no_worker(scene, console, watch, until, logs):
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "running" in screen_text(console))
        (run,) = scene.workspace.runs()
        await watch(pilot, run)
        console.screen.action_tab("log")
        await until(pilot, lambda: "another program trains it" in screen_text(console))
        assert "The worker has not written" not in screen_text(console)


async def test_it_ends_with_the_console(scene, console, until):
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "running" in screen_text(console))
    (run,) = scene.workspace.runs()
    run.wait_for_worker(60)
    with Store(run.folder / "metrics.db") as store:
        assert store.state()["status"] == "running"
    assert run.summary().status == "stopped"


async def test_logs_of_one_name_are_told_apart_by_where_they_lie(scene, console, until, logs):
    for folder in ("a", "b"):
        (logs / folder).mkdir()
        (logs / folder / "train.csv").write_text("step,loss,val_acc\n1,0.5,0.95\n2,0.25,0.975\n")
    async with console.run_test(size=(150, 40)) as pilot:
        await until(pilot, lambda: all(name in screen_text(console) for name in ("a/train", "b/train", "97.50%")))
        await until(pilot, lambda: "read from" in screen_text(console) and "train.csv" in screen_text(console))


async def test_an_empty_folder_is_told(scene, still, tmp_path, until):
    (tmp_path / "none").mkdir()
    console = Console(scene.folder, now=still, remote=False, logs=tmp_path / "none")
    async with console.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: "there is no log" in screen_text(console))
        shown = screen_words(console)
        assert "No runs yet What others log is shown here as soon as it stands in" in shown and "none" in shown


async def test_of_a_named_file_that_is_no_log_is_said_what_can_be_read(scene, still, tmp_path, until):
    (tmp_path / "out.txt").write_text("Epoch 1 loss=0.5\nEpoch 2 loss=0.4\n")
    console = Console(scene.folder, now=still, remote=False, logs=tmp_path / "out.txt")
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "can be read as a log so far" in screen_words(console))
        shown = screen_words(console)
        assert "names a column of steps" in shown and "as soon as it stands" not in shown


def test_what_is_not_there_is_refused(tmp_path, capsys):
    assert main(["--watch", str(tmp_path / "gone")]) == 2
    assert "there is nothing at" in capsys.readouterr().err
    for words in (["--watch", ""], ["--watch="], ["--watch", str(tmp_path), "--workspace", ""]):
        assert main(words) == 2
        assert "needs a value" in capsys.readouterr().err


def test_what_lies_where_nobody_may_look_is_refused_as_that(logs):
    logs.chmod(0)
    try:
        command = unprivileged([sys.executable, "-m", "seqsum_tui", "--watch", str(logs / "mine.csv")])
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    finally:
        logs.chmod(0o700)
    assert done.returncode == 2 and done.stderr == f"seqsum-tui: can't read {logs / 'mine.csv'}: Permission denied\n"


async def test_what_is_left_out_stands_in_the_preview_and_among_the_events(scene, console, watch, until, logs):
    (logs / "mine.csv").write_text("step,loss\n1,1\n-5,1\n2,1\n2.5,1\n3,1\n")
    async with console.run_test(size=(150, 40)) as pilot:
        await until(pilot, lambda: "! log: left out: 2 lines with a step" in screen_text(console))
        (run,) = scene.workspace.runs()
        await watch(pilot, run)
        await until(pilot, lambda: "left out: 2 lines with a step" in screen_text(console))


async def test_what_is_no_log_is_told(scene, still, tmp_path, until):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "try.csv").write_bytes("step,loss\n1,2\n".encode("utf-16"))
    console = Console(scene.folder, now=still, remote=False, logs=tmp_path / "data")
    async with console.run_test(size=(150, 40), notifications=True) as pilot:
        await until(pilot, lambda: "UTF-16" in screen_text(console))
