"""The command line, run in this process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from typing import Any

import pytest

from seqsum import cli


def call(*arguments: str) -> tuple[int, str, str]:
    """Run the command line in this process; return its exit status, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = cli.main(list(arguments))
        except SystemExit as end:
            status = int(end.code or 0)
    return status, out.getvalue(), err.getvalue()


def lines(*arguments: str) -> list[dict[str, Any]]:
    """Run a command with --json, which must succeed; return its lines, each of which must be JSON."""
    status, out, err = call(*arguments, "--json")
    assert (status, err) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def refused(*arguments: str) -> str:
    """Run a command that must be refused with a sentence and nothing else; return the sentence."""
    for more in ([], ["--json"]):
        status, out, err = call(*arguments, *more)
        assert (status, out) == (2, "")
        assert err.strip() and "Traceback" not in err
        assert "\x1b" not in err
    return err.strip()


def unprivileged(words: list[str]) -> list[str]:
    """The command as someone for whom rights count: nobody, where the tests run as root."""
    if os.getuid() != 0:
        return words
    if shutil.which("setpriv") is None:
        pytest.skip("rights don't count for root, and there is no setpriv")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", *words]
