"""The README's six commands, as they stand there, one after another in an empty workspace."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from support.command_line import call, lines

README = Path(__file__).parents[2] / "README.md"
FEWER = {r"--seeds \d+": "--seeds 2", r"--train\.steps \d+": "--train.steps 40"}
SHORT = ["--train.steps", "20", "--train.backend", "torch"]


def six() -> list[list[str]]:
    """Their words after `seqsum`, with fewer steps and seeds."""
    (block,) = re.findall(r"^## Six commands\n+```\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for many, few in FEWER.items():
        block = re.sub(many, few, block)
    found = [shlex.split(line, comments=True)[1:] for line in block.splitlines()]
    # The group is named as it is without what makes it shorter.
    more = {"train": SHORT, "replicate": [*SHORT, "--group", found[1][1]]}
    return [[*words, *more.get(words[0], [])] for words in found]


def test_the_six_commands_work_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    commands = six()
    assert len(commands) == 6
    for words in commands:
        status, _, err = call(*words)
        assert status == 0, (words, err)
    assert (tmp_path / "c.svg").read_text().startswith("<svg")
    # The name is a run's and a group's: everywhere the run is meant, and the group is named by `group:`.
    name = commands[1][1]
    (run,) = lines("show", name)
    status, out, err = call("compare", name, "--json")
    assert status == 0 and f'"runs": ["{run["run"]}"]' in out and f"the group of 2 is group:{name}" in err
    assert len(lines("compare", f"group:{name}")) == 2
