"""What a shell offers: asked in a real bash, through the script that `seqsum completion bash` prints."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seqsum.cli.arguments import COMMANDS
from seqsum.config import Config
from seqsum.presets import preset_names
from seqsum.runs import Workspace

ASK = r"""
COMP_WORDBREAKS=$' \t\n"'"'"'><=;|&(:'
while IFS= read -r COMP_LINE; do
    COMP_POINT=${#COMP_LINE} COMP_TYPE=9 COMPREPLY=()
    _python_argcomplete seqsum
    printf '%s\t' "${COMPREPLY[@]}"; printf '\n'
done
"""
ANSWER = r"""
import io, json, os, sys
from seqsum.cli.completion import complete
for line in sys.stdin:
    line = line.rstrip("\n")
    os.environ.update(_ARGCOMPLETE="1", COMP_LINE=line, COMP_POINT=str(len(line)))
    answer = io.StringIO()
    complete(answer, leave=lambda status: None)
    print(json.dumps(answer.getvalue()), flush=True)
# Nothing heavy may have been loaded for any of the answers.
print(json.dumps([name for name in ("torch", "numba", "swanlab", "textual") if name in sys.modules]))
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("runs"))
    for name in ("morning", "more of it", "evening"):
        run = workspace.create("adds", Config(), name)
    for step in (100, 2000):
        (run.folder / "checkpoints" / f"step-{step}").mkdir()
    return workspace


@pytest.fixture(scope="module")
def bash(workspace: Workspace) -> Iterator[subprocess.Popen[str]]:
    """A bash that answers a line typed so far with what it would offer."""
    program = shutil.which("bash")
    if program is None:
        pytest.skip("there is no bash here")
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": places, "SEQSUM_WORKSPACE": str(workspace.folder)}
    script = subprocess.run(
        ["seqsum", "completion", "bash"], env=environment, capture_output=True, text=True, check=True
    ).stdout
    process = subprocess.Popen(
        [program, "--norc", "-c", script + ASK],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    yield process
    assert process.stdin is not None
    process.stdin.close()
    process.wait()


def offered(bash: subprocess.Popen[str], line: str) -> list[str]:
    """What bash offers after this line, without the space behind a word that is whole."""
    assert bash.stdin is not None and bash.stdout is not None
    bash.stdin.write(line + "\n")
    bash.stdin.flush()
    return [word.rstrip() for word in bash.stdout.readline().rstrip("\n").split("\t") if word]


@pytest.fixture(scope="module")
def offer(workspace: Workspace) -> Iterator[Callable[[str], list[str]]]:
    """What is offered after a line, asked in one process for all of them: argcomplete closes descriptor 9."""
    environment = {**os.environ, "SEQSUM_WORKSPACE": str(workspace.folder)}
    process = subprocess.Popen(
        [sys.executable, "-c", ANSWER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdin is not None and process.stdout is not None

    def words(line: str) -> list[str]:
        print(line, file=process.stdin, flush=True)
        offered = json.loads(process.stdout.readline())
        return [word.rstrip() for word in offered.split("\013") if word]

    yield words
    process.stdin.close()
    assert json.loads(process.stdout.read()) == []
    process.wait()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("seqsum comp", {"compare", "completion"}),
        ("seqsum train adds --optim.name=s", {"sgd", "schedule_free"}),
        ("seqsum show mor", {"morning", "more\\ of\\ it"}),
        ("seqsum show 'mor", {"morning", "more of it"}),
    ],
)
def test_bash_offers(bash: subprocess.Popen[str], line: str, words: set[str]) -> None:
    assert set(offered(bash, line)) == words


def test_commands_and_presets(offer: Callable[[str], list[str]]) -> None:
    assert offer("seqsum ") == list(COMMANDS)
    assert offer("seqsum train ") == preset_names()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("seqsum comp", {"compare", "completion"}),
        ("seqsum --js", {"--json"}),
        ("seqsum completion ", {"bash", "zsh", "fish"}),
        ("seqsum train sunspots_", {"sunspots_ar", "sunspots_lstm", "sunspots_gru"}),
        ("seqsum train adds --optim.name ", {"adam", "adamw", "sgd", "rmsprop", "muon", "schedule_free"}),
        ("seqsum train adds --optim.clip_norm ", {"off"}),
        ("seqsum train adds --model.bi", {"--model.bidirectional"}),
        ("seqsum train adds --model.bidirectional ", {"true", "false"}),
        ("seqsum train adds --optim.mom", set()),
        ("seqsum train adds --optim.name sgd --optim.mom", {"--optim.momentum"}),
        ("seqsum train dates --task.mod", set()),
        ("seqsum show mor", {"morning", "more\\ of\\ it"}),
        ("seqsum --json show ev", {"evening"}),
        ("seqsum compare morning ev", {"evening"}),
        ("seqsum fork evening --step ", {"100", "2000"}),
        ("seqsum predict evening 1 --checkpoint 1", {"100"}),
        ("seqsum set evening optim.l", {"optim.lr="}),
        ("seqsum compare a --best ", {"high", "low"}),
        ("seqsum nonsense ", set()),
        ("seqsum train nonsense --optim.l", {"--optim.lr"}),
    ],
)
def test_what_can_follow(offer: Callable[[str], list[str]], line: str, words: set[str]) -> None:
    assert set(offer(line)) == words


def test_ids_once_a_digit_is_typed(offer: Callable[[str], list[str]], workspace: Workspace) -> None:
    ids = [run.id for run in workspace.runs()]
    assert set(offer(f"seqsum show {ids[0][:4]}")) == set(ids)


def test_files_and_folders(offer: Callable[[str], list[str]], tmp_path: Path) -> None:
    (tmp_path / "data.csv").touch()
    (tmp_path / "deep").mkdir()
    here = f"{tmp_path}/d"
    assert set(offer(f"seqsum train sunspots_lstm --task.file {here}")) == {f"{here}ata.csv", f"{here}eep/"}
    assert set(offer(f"seqsum --workspace {here}")) == {f"{here}eep/"}


def test_another_workspace(offer: Callable[[str], list[str]], tmp_path: Path) -> None:
    Workspace(tmp_path).create("adds", Config(), "elsewhere")
    assert offer(f"seqsum --workspace {tmp_path} show ") == ["elsewhere"]


def test_the_tab_key(workspace: Workspace) -> None:
    """Typed in an interactive bash, a preset's name is written to its end."""
    program = shutil.which("bash")
    if program is None:
        pytest.skip("there is no bash here")
    ours, theirs = pty.openpty()
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": places, "TERM": "dumb", "PS1": "$ ", "INPUTRC": "/dev/null"}
    shell = subprocess.Popen(
        [program, "--norc", "--noprofile", "-i"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        os.write(ours, b'eval "$(seqsum completion bash)"; echo rea""dy\n')
        assert b"ready" in _read(ours, b"ready")
        os.write(ours, b"seqsum presets sunspots_l\t")
        assert b"sunspots_lstm " in _read(ours, b"sunspots_lstm ")
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)


def _read(terminal: int, until: bytes, seconds: float = 60.0) -> bytes:
    seen, deadline = b"", time.monotonic() + seconds
    while until not in seen and select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
        seen += os.read(terminal, 4096)
    return seen


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_reads_its_part(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} here")
    script = subprocess.run(
        [sys.executable, "-m", "seqsum.cli", "completion", shell], capture_output=True, text=True, check=True
    ).stdout
    file = tmp_path / "script"
    file.write_text(script)
    told = subprocess.run([program, "-n", str(file)], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
