"""The short form of the campaign; in full it takes hours (`make campaign`)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from campaign import faults
from campaign.__main__ import FULL, PARTS

ROOT = Path(__file__).parents[2]


def campaign(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.campaign", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.timeout(900)
@pytest.mark.skipif(faults.missing() is not None, reason=str(faults.missing()))
@pytest.mark.parametrize("part", [name for name, most in PARTS.items() if most])
def test_nothing_is_lost_and_nothing_lies(part: str) -> None:
    done = campaign(part)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " of " in done.stdout


def test_every_part_has_a_short_form_or_is_the_soak() -> None:
    assert PARTS.keys() == FULL.keys() and [name for name, most in PARTS.items() if not most] == ["soak"]


def test_a_part_that_is_none_is_refused() -> None:
    done = campaign("kill")
    assert done.returncode == 2 and "no part kill; there are kills," in done.stderr


def test_kinds_can_be_tried_by_their_names() -> None:
    done = campaign("errors", "--only", "star", "--most", "2")
    assert done.returncode == 0 and "error: star" in done.stdout and len(done.stdout.splitlines()) == 2
    for arguments, said in (
        (["kills", "--only", "nothing"], "nothing is called 'nothing'; there are new run; fork;"),
        (["--only", "star"], "--only is for kills and errors"),
    ):
        refused = campaign(*arguments)
        assert refused.returncode == 2 and said in refused.stderr
