"""What `--on`, `--job` and `--dry-run` say: which engine starts the workers, and what it will run."""

from __future__ import annotations

import argparse
from pathlib import Path

from seqsum.cli.output import say, say_json
from seqsum.errors import UserError
from seqsum.formatting import count
from seqsum.launch import Launcher, launcher_on, read_options


def engine_of(options: argparse.Namespace, workspace: Path, *, warm: bool = False) -> Launcher:
    """Return the launcher that was asked for. Raises UserError where it can't be had."""
    return launcher_on(options.on or "local", read_options(options.job), workspace, warm=warm)


def say_command(options: argparse.Namespace, launcher: Launcher, command: str, runs: int) -> None:
    """Say what will be run, where an engine was named; with --dry-run that it is not run."""
    if options.json:
        if options.on or options.dry_run:
            dry = {"dry_run": True} if options.dry_run else {}
            say_json({"event": "command", "on": launcher.name, "runs": runs, "command": command, **dry})
        return
    if options.dry_run:
        say(f"nothing is started; {count(runs, 'run')} on {launcher.name} would be started by")
    elif options.on:
        say(f"{count(runs, 'run')} on {launcher.name}, started by")
    if options.on or options.dry_run:
        say(command)


def check_detached(options: argparse.Namespace, launcher: Launcher) -> None:
    """Raise UserError where runs would end with the program that started them."""
    if options.detach and not launcher.outlives:
        raise UserError(
            f"{options.command}: {launcher.name} ends what a program started together with it; leave --detach out"
        )
