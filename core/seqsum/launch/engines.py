"""The engines that a worker can be started by: chosen by name, never detected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from seqsum.errors import UserError, did_you_mean
from seqsum.formatting import enumerated
from seqsum.launch.base import Launcher
from seqsum.launch.local import LocalLauncher
from seqsum.launch.warm import WarmLauncher
from seqsum.slots import MOST_WORKERS
from seqsum.text import printable

ENGINES = ("local",)
LOCAL_OPTIONS = ("workers",)


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


def launcher_on(engine: str, options: Mapping[str, str], workspace: Path, *, warm: bool = False) -> Launcher:
    """Return what starts workers by an engine. warm: it will be many, here.

    Raises UserError where there is no such engine here, or for options that it does not have.
    """
    if engine == "local":
        check_options(engine, options, LOCAL_OPTIONS)
        workers = whole_option(engine, options, "workers", None, MOST_WORKERS)
        return WarmLauncher(workers) if warm else LocalLauncher(workers)
    raise UserError(f'launch: no engine "{printable(engine)}"; there are {", ".join(ENGINES)}')


def check_options(engine: str, options: Mapping[str, str], known: tuple[str, ...]) -> None:
    """Raise UserError for an option that the engine does not have."""
    for name in options:
        if name not in known:
            near = did_you_mean(name, known) or f"; it has {enumerated(known, 'and')}"
            raise UserError(f'--job: {engine} has no "{printable(name)}"{near}')


def whole_option(engine: str, options: Mapping[str, str], name: str, default: int | None, most: int) -> int | None:
    """Return an option that is a whole number from 1. Raises UserError for anything else."""
    text = options.get(name)
    if text is None:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise UserError(f'--job: {name} of {engine} is a whole number from 1 to {most:,}, got "{printable(text)}"')
    return int(text)
