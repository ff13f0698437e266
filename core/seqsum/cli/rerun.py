"""`seqsum rerun`: a run repeated from its own record, and whether the bits agree."""

from __future__ import annotations

import argparse

from seqsum.cli.follow import Follower, end_status
from seqsum.cli.output import complain, say, say_json
from seqsum.control import rerun as repeating
from seqsum.launch import WarmLauncher
from seqsum.runs import Workspace, bin
from seqsum.runs.annotations import check_typed_name
from seqsum.text import one_line

END_SECONDS = 60.0


def rerun(options: argparse.Namespace) -> int:
    """Exit status: 0 for the same bits, 1 where they differ, 2 for what can't be repeated."""
    if options.name is not None:
        check_typed_name(options.name)
    workspace = Workspace(options.workspace)
    plan = repeating.plan_of(workspace.find(options.run))
    for text in plan.told:
        complain(f"rerun: not as it was: {text}")
    launcher = WarmLauncher(many=False)
    signals = options.signals
    signals.begins()
    run = repeating.start(workspace, launcher, plan, options.name)
    follower = Follower(run, options.json, launcher, signals)
    signals.stops(follower.stop)
    if options.json:
        say_json({"event": "started", "run": run.id, "name": run.name, "repeats": plan.run.id})
    else:
        say(f"{one_line(run.name)} ({run.id}): started in {run.folder}, repeats {plan.run.id}")
    summary = follower.follow()
    signals.over()
    if follower.signals and summary.status == "stopped":
        complain(f"rerun: run {run.id} was stopped before its end; nothing is compared")
        return end_status([summary.status], follower.signals)
    run.wait_for_worker(END_SECONDS)
    found = repeating.compare(plan, run)
    reasons = [] if found.same else list(found.reasons)
    if options.check:
        bin.delete(run)
    if options.json:
        say_json(
            {
                "event": "compared", "run": run.id, "repeats": plan.run.id, "same": found.same, "step": found.step,
                "tensors": found.tensors, "tensors_unlike": list(found.unlike), "points": found.points,
                "first_unlike": None if found.first is None else {"metric": found.first[0], "step": found.first[1]},
                "otherwise": list(found.reasons), "binned": options.check,
            }
        )  # fmt: skip
        return 0 if found.same else 1
    say(found.told)
    for text in reasons:
        say(f"  {text}")
    if not found.same and not reasons:
        say("  nothing is known to be otherwise: versions, processor, threads, backend and plug-ins are the same")
    if options.check:
        say(f"{run.id} is in the bin")
    return 0 if found.same else 1
