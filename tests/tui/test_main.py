"""The command line of the console, and what it does without a terminal."""

import gc
import os
import pty
import signal
import subprocess
import sys

import pytest

from seqsum import __version__
from seqsum.presets import DEFAULT_PRESET
from seqsum_tui import command_line as console
from seqsum_tui.app import Console
from seqsum_tui.terminal_io import hangup

COMMAND = [sys.executable, "-m", "seqsum_tui"]


def run(*arguments, **more):
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **more
    )


def test_version_and_help():
    assert run("--version").stdout == f"seqsum-tui {__version__}\n"
    shown = run("--help").stdout
    assert "--workspace DIR" in shown and "SEQSUM_WORKSPACE" in shown


@pytest.mark.parametrize("arguments", [["--wrokspace", "x"], ["baseline"], ["--workspace"]])
def test_a_wrong_command_line_is_one_sentence(arguments):
    done = run(*arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("seqsum-tui: ") and done.stderr.count("\n") == 1


def test_a_workspace_that_is_a_file(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    done = run("--workspace", str(file))
    assert done.returncode == 2 and "is not a folder" in done.stderr


def test_where_the_workspace_is(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path / "env"))
    assert console.workspace_folder(None) == tmp_path / "env"
    assert console.workspace_folder(tmp_path / "flag") == tmp_path / "flag"
    from seqsum.runs import default_workspace

    monkeypatch.delenv("SEQSUM_WORKSPACE")
    assert console.workspace_folder(None) == default_workspace()


def test_without_a_terminal_the_default_preset_trains_headless(tmp_path, monkeypatch, capsys):
    called = []
    monkeypatch.setattr(os, "execv", lambda path, command: called.append(command))
    console.train_without_screen(tmp_path)
    assert capsys.readouterr().out.count("\n") == 1
    assert called == [[sys.executable, "-m", "seqsum.cli", "train", DEFAULT_PRESET, "--workspace", str(tmp_path)]]


@pytest.mark.parametrize("ignored", [False, True])
def test_a_lost_terminal_ends_the_process_quietly(ignored):
    """Also where SIGHUP is ignored, as under nohup."""
    script = (
        "import signal, time\n"
        f"signal.signal(signal.SIGHUP, signal.{'SIG_IGN' if ignored else 'SIG_DFL'})\n"
        "from seqsum_tui.terminal_io.hangup import end_when_terminal_goes\n"
        "end_when_terminal_goes(0)\nprint('up', flush=True)\ntime.sleep(120)\n"
    )
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    os.close(slave)
    assert process.stdout is not None and process.stdout.readline() == b"up\n"
    os.close(master)
    out, err = process.communicate(timeout=30)
    assert process.returncode in (128 + signal.SIGHUP, -signal.SIGHUP)
    assert (out, err) == (b"", b"")


def test_an_open_console_seldom_looks_for_garbage_and_not_in_what_was_imported(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", os.fdopen(os.dup(0)))
    monkeypatch.setattr(Console, "run", lambda self: seen.append((gc.get_threshold(), gc.get_freeze_count())))
    monkeypatch.setattr(hangup, "end_when_terminal_goes", lambda descriptor: None)
    before = gc.get_threshold()
    gc.unfreeze()
    gc.set_threshold(700, 10, 10)
    try:
        assert console.open_console(tmp_path / "runs") == 0
    finally:
        gc.set_threshold(*before)
    ((threshold, kept),) = seen
    assert threshold[0] >= 7 * 700 and kept > 50_000
