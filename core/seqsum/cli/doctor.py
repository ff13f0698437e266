"""`seqsum doctor`: what is wrong with the files of runs, and mending it."""

from __future__ import annotations

import argparse
from typing import Any

from seqsum.cli.output import say, say_json, tell
from seqsum.errors import UserError
from seqsum.formatting import count
from seqsum.runs import Run, Workspace
from seqsum.runs.doctor import Finding, examine, examine_workspace
from seqsum.text import one_line


def doctor(options: argparse.Namespace) -> int:
    """Exit status: 0 all is sound, or mended; 1 something is not; 2 there is no such run or workspace."""
    workspace = Workspace(options.workspace)
    if options.run is not None:
        run = workspace.named(options.run)
        found = examine(run, repair=options.repair)
        if options.json:
            return tell(options, run, "", **_plain(run, found)) or _status(found)
        wrong = "is" if len(found) == 1 else "are"
        tell(options, run, f"{count(len(found), 'thing')} {wrong} wrong" if found else "sound")
        for one in found:
            say(f"  ! {_sentence(one)}")
        return _status(found)
    if not workspace.folder.is_dir():
        raise UserError(f"doctor: there is no workspace {workspace.folder}; choose another with --workspace")
    return _all(options, workspace)


def _all(options: argparse.Namespace, workspace: Workspace) -> int:
    around, runs, left = examine_workspace(workspace, repair=options.repair), workspace.runs(), list[str]()
    for one in () if options.json else around:
        say(_sentence(one))
    for run in runs:
        found = examine(run, repair=options.repair)
        if options.json:
            tell(options, run, "", **_plain(run, found))
        elif found:
            tell(options, run, "; ".join(map(_sentence, found)))
        if _status(found):
            left.append(run.id)
    sound = len(runs) - len(left)
    if options.json:
        facts = {"workspace": str(workspace.folder), "runs": len(runs), "sound": sound, "unsound": left}
        say_json({**facts, "findings": [_finding(one) for one in around]})
    elif not left:
        say(f"{count(len(runs), 'run')} in {workspace.folder}: sound" if runs else f"no runs in {workspace.folder}")
    else:
        sound_are = f"{count(sound, 'run')} {'is' if sound == 1 else 'are'} sound"
        say(f"{sound_are}, {len(left):,} {'is' if len(left) == 1 else 'are'} not: {', '.join(left)}")
    return 1 if left else _status(around)


def _status(found: list[Finding]) -> int:
    return 0 if all(one.mended for one in found) else 1


def _sentence(finding: Finding) -> str:
    how = "mended: " if finding.mended else "--repair: " if finding.mend else ""
    return one_line(f"{finding.what} ({how}{finding.remedy})" if finding.remedy else finding.what)


def _plain(run: Run, found: list[Finding]) -> dict[str, Any]:
    return {"name": run.name, "sound": not _status(found), "findings": [_finding(one) for one in found]}


def _finding(one: Finding) -> dict[str, Any]:
    return {"what": one.what, "remedy": one.remedy, "can_be_mended": one.mend is not None, "mended": one.mended}
