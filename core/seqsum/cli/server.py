"""`seqsum push | pull`: whole runs to a PostgreSQL server, and back."""

from __future__ import annotations

import argparse
import time

from seqsum.cli.many import chosen, each
from seqsum.cli.output import say, say_columns, say_json, tell
from seqsum.formatting import ago
from seqsum.runs import Run, Workspace, pushed
from seqsum.runs.pushed import Pushed
from seqsum.runs.server import checked, reached
from seqsum.text import one_line

Options = argparse.Namespace


def push(options: Options) -> int:
    checked(options.to, "push")
    runs = chosen(options, "push", options.runs)
    with reached(options.to, "push") as server:

        def work(run: Run) -> int:
            there, sent = pushed.push(server, run, replace=options.force)
            message = f"pushed: {pushed.told(there)}" if sent else "is there already, the same"
            return tell(options, run, message, ok=True, message=message, sent=sent, **there.told())

        return each(runs, work)


def pull(options: Options) -> int:
    with reached(options.server, "pull") as server:
        there = pushed.listed(server)
        if options.list or not options.runs:
            return _listed(options, pushed.meant(there, options.runs) if options.runs else there)
        workspace = Workspace(options.workspace)

        def work(one: Pushed) -> int:
            run, fetched = pushed.pull(server, one, workspace, replace=options.force)
            message = f"pulled: {pushed.told(one)}" if fetched else "is here already, the same"
            return tell(options, run, message, ok=True, message=message, fetched=fetched, **one.told())

        return each(pushed.meant(there, options.runs), work)


def _listed(options: Options, there: list[Pushed]) -> int:
    if options.json:
        for one in there:
            say_json({"run": one.id, **one.told()})
    elif there:
        say_columns([_row(one) for one in there])
    else:
        say(f"no run is on {options.server}; seqsum push RUN --to {options.server} puts one there")
    return 0


def _row(one: Pushed) -> tuple[str, ...]:
    facts = one.told()
    step, owner = f"{facts['status']} at step {facts['step']:,}", one_line(facts["owner"])
    return one.id, one.name, step, pushed.told(one), f"pushed {ago(time.time() - one.written)}", owner
