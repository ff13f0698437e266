"""A command for one run or for many: named one by one, as a group, or by a filter; with a question where it is several
and a person sits at a terminal."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from seqsum.cli.output import complain
from seqsum.errors import UserError
from seqsum.formatting import count
from seqsum.runs import Run, Workspace
from seqsum.runs.listed import listed
from seqsum.runs.workspace import GROUP
from seqsum.text import one_line, printable

MOST_NAMED = 6
MOST_UNASKED = 100
"""Runs that one command starts without a question."""
RUN = "RUN"
"""Stands for a run's id in what is said of several."""
STANDING = re.compile(rf"(\S+): run {RUN} (is|has) ([^;:,]+)(.*)")
"""What is said of a run that does not stand as it would have to."""
Options = argparse.Namespace


class Named(Protocol):
    """A run, here or on a server."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


One = TypeVar("One", bound=Named)


def chosen(
    options: Options, verb: str, texts: Sequence[str], workspace: Workspace | None = None, hint: str = ""
) -> list[Run]:
    """Return the runs that `meant` finds; where they are several, a person at a terminal has agreed."""
    runs = meant(options, verb, texts, workspace, hint)
    return runs if len(runs) == 1 else _agreed(options, verb, runs)


def meant(
    options: Options, verb: str, texts: Sequence[str], workspace: Workspace | None = None, hint: str = ""
) -> list[Run]:
    """Return the runs that are meant, each once, all found before anything is done to the first.

    workspace: where they lie; default: the workspace itself, not its bin. hint: what is said where a name finds none.
    Raises UserError where nothing is named, or a name, a group or a filter finds nothing.
    """
    workspace = workspace or Workspace(options.workspace)
    found: dict[str, Run] = {}
    for text in texts:
        try:
            named = _members(workspace, text) if text.startswith(GROUP) else [workspace.find(text)]
        except UserError as error:
            raise UserError(f"{error}{hint}") from None
        found |= {run.id: run for run in named}
    if options.filter is not None:
        matching = listed(workspace, options.filter, None, False)
        if not matching:
            raise UserError(f'{verb}: no run is like that: "{printable(options.filter)}"')
        for summary in matching:
            found[summary.id] = Run(workspace.folder / summary.id)
    if not found:
        raise UserError(f"{verb}: RUN is missing; name runs, group:NAME, or --filter EXPR")
    return list(found.values())


def each(runs: Sequence[One], work: Callable[[One], int]) -> int:
    """Do something to every run, here or on a server. Of several, those that can't be are told, and the others done;
    exit status 2 then.

    Raises UserError when it can't be done to any.
    """
    if len(runs) == 1:
        return work(runs[0])
    refused: list[tuple[One, UserError]] = []
    for run in runs:
        try:
            work(run)
        except UserError as error:
            refused.append((run, error))
    told = _refusals(refused, len(runs))
    if len(refused) == len(runs):
        raise UserError(*told)
    for text in told:
        complain(text)
    return 2 if refused else 0


def _refusals(refused: Sequence[tuple[One, UserError]], whole: int) -> list[str]:
    """Say why it can't be done to some of so many runs; of those with the same reason once, with their number."""
    alike: dict[str, list[tuple[One, str]]] = {}
    for run, error in refused:
        alike.setdefault(str(error).replace(run.id, RUN), []).append((run, str(error)))
    told = []
    for text, several in alike.items():
        if len(several) == 1:
            told += several[0][1].split("\n")
            continue
        many = f"all {whole:,} runs" if len(several) == whole else f"{len(several):,} of {count(whole, 'run')}"
        named = _named([run for run, _ in several])
        standing = STANDING.fullmatch(text)
        if standing is None:
            told.append(f"{text} ({many}: {named})")
        else:
            verb, has, state, rest = standing.groups()
            told.append(f"{verb}: {many} {'have' if has == 'has' else 'are'} {state}: {named}{rest}")
    return told


def _named(runs: Sequence[Named]) -> str:
    names = ", ".join(one_line(run.name) for run in runs[:MOST_NAMED])
    return f"{names} and {len(runs) - MOST_NAMED:,} more" if len(runs) > MOST_NAMED else names


def _members(workspace: Workspace, text: str) -> list[Run]:
    name = text.removeprefix(GROUP)
    found = workspace.members(name)
    if not found:
        raise UserError(f'runs: no run of a group "{printable(name)}" in {workspace.folder}')
    return found


def agree_to_start(options: Options, verb: str, runs: int, cost: str) -> None:
    """Ask before more runs are started than a person may have meant. cost: what they take, in words; "" if unknown."""
    if runs > MOST_UNASKED:
        agree(options, verb, f"start {count(runs, 'run')}{f', {cost}' if cost else ''}")


def _agreed(options: Options, verb: str, runs: list[Run]) -> list[Run]:
    """Ask before several are changed; a script is not asked."""
    agree(options, verb, f"{verb} {count(len(runs), 'run')}: {printable(_named(runs))}")
    return runs


def agree(options: Options, verb: str, question: str) -> None:
    """Ask a person at a terminal, who has not said --yes. Raises UserError where that is not agreed."""
    if options.yes or options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    sys.stdout.write(f"{question}? [y/N] ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UserError(f"{verb}: nothing was done")
