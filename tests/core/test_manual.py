"""The manual page: every command, option and setting, and nothing that roff would take for its own."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from seqsum.cli.arguments import COMMANDS
from seqsum.config import all_fields
from support.command_line import call


@pytest.fixture(scope="module")
def read() -> str:
    """The page as man shows it, without its markup."""
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("there is no groff here")
    _, page, _ = call("man")
    shown = subprocess.run(
        [groff, "-man", "-ww", "-Tutf8", "-P-c", "-P-b", "-P-u", "-rLL=400n"],
        input=page,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr == ""
    return shown.stdout.replace("\N{HYPHEN}", "-").replace("\N{MINUS SIGN}", "-")


def test_it_names_every_command_and_setting(read: str) -> None:
    assert {name for name in COMMANDS if f"seqsum {name} " not in read} == set()
    assert {facts.path for facts in all_fields() if f"--{facts.path} (" not in read} == set()


def test_what_is_no_ascii_is_shown(read: str) -> None:
    assert "RUN [RUN …]" in read


def test_no_line_is_a_request_by_accident() -> None:
    _, page, _ = call("man")
    requests = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".SS", ".TP"}
