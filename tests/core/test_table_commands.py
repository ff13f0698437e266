"""The commands that make the tables of docs/results.md: what is wrong is told in a sentence, and nothing begins."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import language_models, points, reach, results, spread, state_tracking

FILE, FOLDER = ("--file", "x/rows.jsonl"), ("--workspace", "x")
COMMANDS: dict[str, Callable[[], None]] = {
    module.__name__.rpartition(".")[2]: module.main
    for module in (language_models, points, reach, results, spread, state_tracking)
}


@pytest.mark.parametrize(
    ("command", "arguments", "says"),
    [
        ("state_tracking", (*FILE, "--families", "lstm"), '--families: no "lstm"; did you mean "LSTM"?; there are RNN'),
        ("state_tracking", (*FILE, "--tasks", "parity,nope"), '--tasks: no "nope"; there are parity, even pairs'),
        ("state_tracking", (*FILE, "--seeds", "x"), "--seeds: is a number of seeds from 1 to 1024"),
        ("state_tracking", ("--file", "."), "--file: . is a folder; name a file in it"),
        ("language_models", (*FILE, "--families", "gru"), '--families: no "gru"; did you mean "GRU"?'),
        ("language_models", (*FILE, "--tokens", "letters"), '--tokens: no "letters"'),
        ("spread", (*FOLDER, "--presets", "adds,ads"), '--presets: no "ads"; did you mean "adds"?'),
        ("spread", (*FOLDER, "--lengths", "5,many"), '--lengths: whole numbers between commas, such as 5,100'),
        ("spread", (*FOLDER, "--seeds", "9-5"), "--seeds: is a number of seeds"),
        ("results", (*FILE, "--presets", "dattes"), '--presets: no "dattes"; did you mean "dates"?'),
        ("results", (*FILE, "--seeds", "a"), "--seeds: is a number of seeds"),
        ("points", (*FOLDER, "--groups", "adds-auto"), 'no group "adds-auto" in x; there are none'),
        ("reach", ("--seeds", "-1"), "--seeds"),
    ],
)  # fmt: skip
def test_a_wrong_name_is_told_in_a_sentence(
    command: str,
    arguments: tuple[str, ...],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [f"{command}.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        COMMANDS[command]()
    out, told = capsys.readouterr()
    assert ended.value.code == 2
    assert says in told and "Traceback" not in told and out == ""


def test_a_small_table_of_who_can_track_a_state(tmp_path: Path) -> None:
    """Its file in a folder that is not there yet; asked again, nothing is trained."""
    file = tmp_path / "new" / "rows.jsonl"
    command = [sys.executable, "-m", "tests.state_tracking", "--file", str(file), "--families", "RNN tanh,minGRU"]
    command += ["--tasks", "parity", "--steps", "2", "--seeds", "1", "--processes", "1"]
    said = [
        subprocess.run(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True, check=True).stdout
        for _ in range(2)
    ]
    first, second = (one.splitlines() for one in said)
    assert first[-4:] == second and len(file.read_text().splitlines()) == 2
    assert second[0] == "| network | parameters | parity |"
    assert [line.split(" | ")[0] for line in second[2:]] == ["| RNN, tanh", "| minGRU"]
