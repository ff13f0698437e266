"""What `seqsum plugin new` writes trains as printed, passes the test that comes with it, and overwrites nothing."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "XDG_CONFIG_HOME": str(folder / "config"),
        "SEQSUM_WORKSPACE": str(folder / "runs"),
        "SEQSUM_PLUGINS": "",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=250, check=False)


def seqsum(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(folder, sys.executable, "-P", "-m", "seqsum.cli", *words)


@pytest.mark.parametrize(("name", "more"), [("counting", ()), ("tallest", ()), ("my_gru", ("--model",))])
def test_it_works_as_printed(name: str, more: tuple[str, ...], tmp_path: Path) -> None:
    made = seqsum(tmp_path, "plugin", "new", name, *more)
    assert made.returncode == 0 and made.stderr == ""
    printed = dict(re.findall(r"^(train|test) it with: (.*)$", made.stdout, re.MULTILINE))
    program, *words = shlex.split(printed["train"])
    trained = seqsum(tmp_path, *words, "--train.steps", "400", "--name", "a")
    assert program == "seqsum" and trained.returncode == 0, trained.stderr
    accuracy = re.findall(r"accuracy ([\d.]+)%", trained.stdout)
    assert float(accuracy[-1]) > 90, trained.stdout
    inspected = seqsum(tmp_path, "inspect", "a", "1 2 0 3" if not more else "1 2")
    assert inspected.returncode == 0 and "GRADIENT" in inspected.stdout and "NaN" not in inspected.stdout
    python, *words = shlex.split(printed["test"])
    tested = run(tmp_path, sys.executable, *words, "-q", "-p", "no:cacheprovider")
    assert python == "python" and tested.returncode == 0, tested.stdout
    # A file that is there stays, whatever is in it.
    plugin = tmp_path / "config" / "seqsum" / "plugins" / f"{name}.py"
    plugin.write_text("# mine\n")
    again = seqsum(tmp_path, "plugin", "new", name)
    assert again.returncode == 2 and again.stderr.startswith(f"plugin: {plugin} is there already; ")
    assert plugin.read_text() == "# mine\n"


@pytest.mark.parametrize("name", ["adds", "Big", "../up", "1st", "", "a" * 41, "with space"])
def test_names_that_cant_be(name: str, tmp_path: Path) -> None:
    refused = seqsum(tmp_path, "plugin", "new", name)
    assert refused.returncode == 2 and len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "config").exists() and not (tmp_path / "up.py").exists()


@pytest.mark.parametrize("blocked", ["presets", "plugins/tests"])
def test_nothing_of_it_is_left_where_a_part_can_t_be_written(blocked: str, tmp_path: Path) -> None:
    own = tmp_path / "config" / "seqsum"
    (own / blocked).parent.mkdir(parents=True)
    (own / blocked).write_text("no folder")
    refused = seqsum(tmp_path, "plugin", "new", "tallest")
    assert refused.returncode == 2 and refused.stderr.startswith("plugin: can't write into ")
    assert len(refused.stderr.splitlines()) == 1
    assert [path for path in own.rglob("*") if path.is_file()] == [own / blocked]
