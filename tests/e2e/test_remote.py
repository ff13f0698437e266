"""`seqsum-tui --remote` in a real terminal: a stand-in for ssh runs the command here, and breaks the line when told."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seqsum.errors import UserError
from seqsum_tui.terminal_io.remote import Remote
from support.terminal import Terminal

STAND_IN = """#!{python}
import os, subprocess, sys
with open({log!r}, "a") as log:
    print(*sys.argv[1:], sep="\\t", file=log)
if os.path.exists({dead!r}):
    sys.exit(255)
subprocess.run(next(word for word in sys.argv if word.startswith("LocalCommand="))[13:], shell=True, check=True)
child = subprocess.Popen(["sh", "-c", "exec " + sys.argv[-1]])
with open({pid!r}, "w") as file:
    file.write(str(child.pid))
status = child.wait()
sys.exit(255 if status < 0 else status)
"""
TUI = shlex.join([sys.executable, "-m", "seqsum_tui"])


NO_HOSTS = ["", "-oProxyCommand=touch x", "box:", "a b", "box;ls", "@box", "u@-x", "box/x", "a@b@c"]


class Box:
    """Another machine, which is this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log, self.dead, self.pid = (folder / name for name in ("log", "dead", "pid"))
        bin = folder / "bin"
        bin.mkdir()
        paths = {"log": str(self.log), "dead": str(self.dead), "pid": str(self.pid)}
        (bin / "ssh").write_text(STAND_IN.format(python=sys.executable, **paths))
        (bin / "ssh").chmod(0o755)
        more = {"PATH": f"{bin}:{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8"}
        self.environment = {**os.environ, **more}

    def terminal(self, *words: str) -> Terminal:
        return Terminal([*shlex.split(TUI), "--remote", *words], self.environment)

    def break_line(self) -> None:
        os.kill(int(self.pid.read_text()), signal.SIGKILL)

    @property
    def calls(self) -> list[list[str]]:
        return [line.split("\t") for line in self.log.read_text().splitlines()] if self.log.exists() else []


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_a_broken_line_is_asked_for_again_until_the_person_leaves(box: Box) -> None:
    runs = box.folder / "its runs"
    terminal = box.terminal(f"anna@box:{runs}", "--remote-command", TUI)
    terminal.wait_for("No runs yet")
    box.break_line()
    terminal.wait_for("The line to anna@box is lost")
    terminal.wait_for("No runs yet")
    terminal.press("q")
    terminal.wait_for_end()
    assert os.waitstatus_to_exitcode(terminal.close()) == 0
    assert len(box.calls) == 2
    for call in box.calls:
        assert call[0] == "-t" and call[-2] == "anna@box" and call[-1] == f"{TUI} --workspace '{runs}'"
    # What the lost console had set in the terminal is taken back before anything is said.
    lost = terminal.written.index(b"The line to")
    for mode in (b"\x1b[?1049l", b"\x1b[?1003l", b"\x1b[?25h"):
        assert mode in terminal.written[:lost]


@pytest.mark.parametrize("ignored", [False, True])
def test_ctrl_c_ends_the_waiting_with_the_terminal_as_it_was(box: Box, ignored: bool) -> None:
    """Also where the shell that started it had ctrl+c ignored, as it does for what runs in the background."""
    kept = signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        terminal = box.terminal("box", "--remote-command", TUI)
    finally:
        signal.signal(signal.SIGINT, kept)
    terminal.wait_for("No runs yet")
    box.dead.touch()
    box.break_line()
    terminal.wait_for("end it with ctrl+c")
    assert terminal.reads_lines
    terminal.press("\x03")
    terminal.wait_for_end()
    assert os.waitstatus_to_exitcode(terminal.close()) == 130


@pytest.mark.parametrize(
    ("command", "dead", "why"),
    [("no-such-command-here", False, "there is no no-such-command-here on box"), (TUI, True, "no line to box")],
)
def test_what_never_stood_is_said_and_not_tried_again(box: Box, command: str, dead: bool, why: str) -> None:
    if dead:
        box.dead.touch()
    began = time.monotonic()
    terminal = box.terminal("box", "--remote-command", command)
    terminal.wait_for(why)
    terminal.wait_for_end()
    assert os.waitstatus_to_exitcode(terminal.close()) == 2 and len(box.calls) == 1
    assert time.monotonic() - began < 120


@pytest.mark.parametrize(
    "text", ["", "-oProxyCommand=touch x", "box:", "a b", "box;ls", "@box", "u@-x", "box/x", "a@b@c"]
)
def test_what_is_no_host_is_refused_and_nothing_runs(box: Box, text: str) -> None:
    with pytest.raises(UserError, match="--remote takes host"):
        Remote.parse(text)


@pytest.mark.parametrize(
    ("text", "host", "there"),
    [
        ("box", "box", ""), ("a@10.0.0.7", "a@10.0.0.7", ""), ("[::1]:x", "[::1]", " --workspace x"),
        ("box:~/my runs", "box", " --workspace ~/'my runs'"), ("box:~", "box", " --workspace ~"),
        ("box:$(touch x)", "box", " --workspace '$(touch x)'"), ("box:~ana/r", "box", " --workspace ~ana/r"),
    ],
)  # fmt: skip
def test_a_folder_reaches_the_other_shell_as_it_was_typed(text: str, host: str, there: str) -> None:
    assert Remote.parse(text).words(Path("x"))[-2:] == [host, f"seqsum-tui{there}"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--remote", "box"], "needs a terminal; without one: ssh box seqsum runs"),
        (["--remote-command", "x"], "goes with --remote"), (["--remote", ""], "takes host, user@host"),
        (["--remote", "box", "--workspace", "x"], "--remote HOST:DIR"),
    ],
)  # fmt: skip
def test_without_a_terminal_it_is_refused_in_a_sentence(box: Box, words: list[str], why: str) -> None:
    done = subprocess.run(
        [*shlex.split(TUI), *words], env=box.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2 and why in done.stderr and len(done.stderr.splitlines()) == 1 and box.calls == []
