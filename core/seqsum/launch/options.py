"""What `--job` says: the options of the jobs that an engine starts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from seqsum.errors import UserError, did_you_mean
from seqsum.formatting import enumerated
from seqsum.text import printable


def read_options(text: str | None) -> dict[str, str]:
    """Read `partition=gpu,time=2:00:00`: what an engine is told of its jobs; a comma before no `name=` is of the value.

    Raises UserError for what is not so.
    """
    found: dict[str, str] = {}
    for part in re.split(r",(?=[A-Za-z][A-Za-z0-9_-]*=)", text.strip()) if text else []:
        name, equals, value = part.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            raise UserError(f'--job is NAME=VALUE, several with commas between them; got "{printable(part)}"')
        if name in found:
            raise UserError(f"--job: {name} is given twice; leave one of them out")
        found[name] = value.strip()
    return found


def check_options(engine: str, options: Mapping[str, str], known: tuple[str, ...]) -> None:
    """Raise UserError for an option that the engine does not have."""
    for name in options:
        if name not in known:
            near = did_you_mean(name, known) or f"; it has {enumerated(known, 'and')}"
            raise UserError(f'--job: {engine} has no "{printable(name)}"{near}')


def whole_option(engine: str, options: Mapping[str, str], name: str, most: int) -> int | None:
    """Return an option that is a whole number from 1; None without it. Raises UserError for anything else."""
    text = options.get(name)
    if text is None:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise UserError(f'--job: {name} of {engine} is a whole number from 1 to {most:,}, got "{printable(text)}"')
    return int(text)
