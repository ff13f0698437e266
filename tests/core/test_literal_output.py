"""What strangers wrote reaches a terminal as text: on a real pseudo-terminal, for every command."""

from __future__ import annotations

import io
import os
import pty
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.cells import cell_len

from seqsum.cli import main
from seqsum.cli.output import columns, padded, say, say_columns, use_plain_signs
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from tests.support.hostile import STEERING, hostile_preset, hostile_run, steered_by


class Written:
    """Standard output and error on a pseudo-terminal; `ask` returns the status and every byte of a command."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, encoding: str = "utf-8") -> None:
        self._monkeypatch, self._encoding = monkeypatch, encoding

    def ask(self, *arguments: str) -> tuple[int, bytes]:
        master, slave = pty.openpty()
        found: list[bytes] = []

        def drain() -> None:
            try:
                while data := os.read(master, 65_536):
                    found.append(data)
            except OSError:
                return

        reader = threading.Thread(target=drain)
        reader.start()
        with self._monkeypatch.context() as patch, os.fdopen(slave, "w", encoding=self._encoding) as stream:
            patch.setattr(sys, "stdout", stream)
            patch.setattr(sys, "stderr", stream)
            status = main(list(arguments))
            stream.flush()
        reader.join(10)
        os.close(master)
        return status, b"".join(found)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    return Written(monkeypatch)


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    workspace = Workspace(tmp_path / "runs")
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(workspace.folder))
    monkeypatch.chdir(tmp_path)
    hostile_run(workspace, **{"train.seed": "1"})
    yield hostile_run(workspace)


COMMANDS: list[Sequence[str]] = [
    ["runs"], ["runs", "--json"], ["runs", "--filter", f"name = {STEERING!r}"], ["runs", "--sort", STEERING],
    ["show", "RUN"], ["show", STEERING], ["compare", "RUN", "OTHER"], ["compare", "RUN", "OTHER", "--groups"],
    ["compare", "RUN", "OTHER", "--show", "table"], ["compare", "RUN", "OTHER", "--show", "curves"],
    ["compare", "RUN", "OTHER", "--show", "config"],
    ["compare", "RUN", "OTHER", "--show", "scatter", "--field", "train.seed"],
    ["compare", "RUN", "OTHER", "--metric", STEERING], ["compare", "RUN", "OTHER", "--json"],
    ["export", "RUN", "--output", "-", "--format", "csv"], ["export", "RUN", "--output", "-", "--format", "json"],
    ["export", "RUN", "--output", "-", "--format", "svg"], ["export", "RUN", "--output", f"{STEERING}.xyz"],
    ["export", "RUN", "--output", "new.csv"], ["rename", "RUN", STEERING], ["rename", "RUN", "fine"],
    ["tag", "RUN", "better"], ["tag", "RUN", STEERING], ["note", "RUN", STEERING], ["star", "RUN"],
    ["pause", "RUN"], ["stop", "RUN"], ["set", "RUN", f"optim.lr={STEERING}"], ["set", "RUN", STEERING],
    ["predict", "RUN", "1 2"], ["rewind", "RUN", "--step", "3"], ["fork", "RUN", "--detach"],
    ["fork", "RUN", "--help"], ["resume", "RUN", "--help"], ["sync", "RUN"], ["delete", "RUN"], ["bin"],
    ["restore", STEERING], ["train", "PRESET", "--help"], ["train", STEERING], ["train", "baseline", f"--{STEERING}"],
    ["train", "baseline", "--track.group", STEERING], ["train", "baseline", "--track.tags", STEERING],
    ["train", "baseline", "--track.description", STEERING], ["train", "baseline", "--name", STEERING],
    ["replicate", "baseline", "--seeds", STEERING], ["replicate", "baseline", "--seeds", "2", "--group", STEERING],
    ["presets", "PRESET"], ["presets", "PRESET", "--markdown"], ["presets", STEERING], [STEERING],
]  # fmt: skip


@pytest.mark.parametrize(
    "command", COMMANDS, ids=lambda command: " ".join(command).encode("unicode_escape").decode()[:60]
)
def test_no_command_sends_what_a_stranger_wrote(command, stranger, tmp_path, written):
    runs = [run.id for run in Workspace(tmp_path / "runs").runs()]
    names = {"RUN": runs[0], "OTHER": runs[1], "PRESET": str(hostile_preset(tmp_path))}
    if command[0] == "bin":
        written.ask("delete", runs[0])
    status, said = written.ask(*[names.get(word, word) for word in command])
    assert status in (0, 1, 2)
    assert steered_by(said) == []
    assert said.strip() or command[0] == "set"


def test_to_a_file_the_same_words_go_to_the_byte(stranger, tmp_path):
    target = tmp_path / "curves.csv"
    assert main(["compare", *(run.id for run in Workspace(tmp_path / "runs").runs()), "--output", str(target)]) == 0
    assert b"\x1b]52" in target.read_bytes()


SAYING_MUCH = [["runs"], ["show", "RUN"], ["compare", "RUN", "OTHER"], ["presets"], ["--help"], ["presets", "baseline"],
               ["train", "baseline", "--help"], ["no-such"]]  # fmt: skip


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "euc-jp"])
@pytest.mark.parametrize("command", SAYING_MUCH, ids=" ".join)
def test_a_terminal_without_utf_8_shows_plain_signs(command, encoding, tmp_path, monkeypatch):
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path / "runs"))
    workspace = Workspace(tmp_path / "runs")
    runs = [workspace.create("baseline", load_preset("baseline").config, name) for name in ("été ✓ → 日本", "b")]
    for run in runs:
        with run.store() as store:
            store.append([("loss", 100, 0.5), ("accuracy", 100, 0.25)])
            store.set_state(status="finished", step=100, updated=0.0)
    names = {"RUN": runs[0].id, "OTHER": runs[1].id}
    _, said = Written(monkeypatch, encoding).ask(*[names.get(word, word) for word in command])
    text = said.decode(encoding)
    assert text.strip() and r"\u" not in text and r"\x" not in text
    if encoding == "ascii" and command == ["runs"]:
        assert "ete ok -> ????" in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_columns_stand_below_each_other_in_the_signs_that_are_written(encoding, monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    use_plain_signs()
    rows = [["Δ", "|"], ["1.5 → 2", "|"], ["…", "|"], ["plain", "|"]]
    say_columns(rows)
    for sign, _ in rows:
        say(padded(sign, 12) + "|")
    lines = written.getvalue().decode(encoding).splitlines()
    assert len({line.index("|") for line in lines[:4]}) == len({line.index("|") for line in lines[4:]}) == 1


def test_columns_stand_below_each_other_in_cells():
    names = ["日本語の実験", "🚀 rocket", "e\u0301clair", "می\u200cخواهم", "👩\u200d💻 x"]
    names += ["קובץ-7", "plain", "esc\x1b[31m"]
    rows = [[name, "|", "7", "|"] for name in names] + [["longer than any other", "|", "1,234", "|"]]
    lines = list(columns(rows, right={2}))
    assert len({cell_len(line[: line.index("|")]) for line in lines}) == 1
    assert len({cell_len(line) for line in lines}) == 1
