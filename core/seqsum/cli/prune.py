"""`seqsum prune`: frees disk by deleting checkpoints that nobody needs any more."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable

from seqsum.cli.many import agree, each, meant
from seqsum.cli.output import complain, say, say_columns, say_json
from seqsum.control import prune as control
from seqsum.control.prune import Pruned
from seqsum.errors import UserError
from seqsum.formatting import count, size
from seqsum.runs import Run, Workspace, bin
from seqsum.runs.best import BEST, LAST
from seqsum.runs.disk import size_on_disk
from seqsum.runs.retention import Keep
from seqsum.text import one_line, printable

Options = argparse.Namespace
MOST_LISTED = 20


def prune(options: Options) -> int:
    workspace, (keep, best) = Workspace(options.workspace), _keep(options.keep)
    before = time.time() - (0.0 if options.older_than is None else _seconds(options.older_than))
    named = bool(options.runs) or options.filter is not None
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not options.json
    if not (named or asks or options.yes or options.dry_run):
        raise UserError(
            "prune: RUN is missing; name runs, group:NAME, or --filter EXPR; --yes takes every run that has ended"
            + ("; seqsum bin --empty is for the bin alone" if options.bin else "")
        )
    found, refused = _planned(_runs(options, workspace, named), lambda run: control.plan(run, keep, best=best), before)
    if len(refused) == 1 and not found and len(options.runs) == 1:
        raise refused[0]
    binned = [id for id, when in bin.deleted_at(workspace.folder).items() if when < before] if options.bin else []
    in_bin = sum(size_on_disk(workspace.bin.folder / id) for id in binned)
    if not options.json:
        _say_plan(found, refused if named else [], len(binned), in_bin)
    freed = sum(one.size for one in found) + in_bin
    if not freed or options.dry_run:
        for one in found if options.json else ():
            _say(options, one, deleted=False)
        return 0
    agree(options, "prune", f"delete them for good, and free {size(freed)}")
    runs = [one.run for one in found]
    status = each(runs, lambda run: _say(options, control.prune(run, keep, best=best))) if runs else 0
    if binned:
        bin.empty(workspace.folder, before)
        if options.json:
            say_json({"deleted": len(binned), "size": in_bin})
        else:
            say(f"{count(len(binned), 'run')} of the bin deleted for good, {size(in_bin)}")
    return status


def _runs(options: Options, workspace: Workspace, named: bool) -> list[Run]:
    if not named:
        return [Run(workspace.folder / one.id) for one in workspace.summaries() if not one.live]
    return meant(options, "prune", options.runs, workspace)


def _planned(runs: list[Run], plan: Callable[[Run], Pruned], before: float) -> tuple[list[Pruned], list[UserError]]:
    """Return what goes of runs that ended before a time, and why of others nothing can."""
    found, refused = list[Pruned](), list[UserError]()
    for run in runs:
        try:
            if run.summary().updated < before and (one := plan(run)).steps:
                found.append(one)
        except UserError as error:
            refused.append(error)
    return found, refused


def _say_plan(found: list[Pruned], refused: list[UserError], binned: int, in_bin: int) -> None:
    listed = sorted(found, key=lambda one: one.size, reverse=True)[:MOST_LISTED]
    if listed:
        say_columns(
            [
                ("RUN", "NAME", "CHECKPOINTS", "STAY", "FREES"),
                *((one.run.id, one.run.name, f"{len(one.steps) + one.stay:,}", f"{one.stay:,}", size(one.size))
                  for one in listed),
            ]
        )  # fmt: skip
    if len(found) > len(listed):
        rest = sum(one.size for one in found) - sum(one.size for one in listed)
        say(f"and {count(len(found) - len(listed), 'more run')}, {size(rest)}")
    if binned:
        say(f"{count(binned, 'run')} of the bin, {size(in_bin)}")
    if not found and not binned:
        say("nothing to free: every run has only the checkpoints that stay")
    elif found:
        say("the last checkpoint, those you asked for and those that a fork shares stay")
    for error in refused:
        complain(error)


def _say(options: Options, one: Pruned, *, deleted: bool = True) -> int:
    if options.json:
        say_json(
            {"run": one.run.id, "name": one.run.name, "steps": list(one.steps), "stay": one.stay, "size": one.size,
             "deleted": deleted}
        )  # fmt: skip
    else:
        say(f"{one_line(one.run.name)} ({one.run.id}): {count(len(one.steps), 'checkpoint')} deleted, {size(one.size)}")
    return 0


def _keep(text: str) -> tuple[Keep, bool]:
    """Return what is to stay, and whether the best one is among that."""
    if text == "auto":
        return "auto", True
    if text in (BEST, LAST):
        return 1, text == BEST
    if re.fullmatch(r"[1-9]\d{0,8}", text):
        return int(text), True
    raise UserError(f'prune: --keep must be auto, best, last or a whole number from 1, got "{printable(text)}"')


def _seconds(text: str) -> float:
    from seqsum.runs.filter_tokens import FilterError
    from seqsum.runs.filter_values import seconds

    try:
        return seconds("--older-than", text)[0]
    except FilterError:
        raise UserError(f'prune: --older-than is a time, e.g. 30d, 12h or 2w; got "{printable(text)}"') from None
