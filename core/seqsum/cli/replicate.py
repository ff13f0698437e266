"""`seqsum replicate`: the same run with many seeds, followed to the end, and the distribution that came of it."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing

from seqsum.cli.engine import check_detached, engine_of, say_command
from seqsum.cli.follow import end_status, overall_bar
from seqsum.cli.many import agree_to_start
from seqsum.cli.output import padded, reached, say, say_json, summary_plain
from seqsum.compare.significance import CONVERGED
from seqsum.compare.spread import share_text
from seqsum.config import resolved
from seqsum.control.replicate import Replication, SeedDistribution, group_name, parse_seeds
from seqsum.formatting import count, metric, percent
from seqsum.formatting import progress as whole_percent
from seqsum.presets import load_preset
from seqsum.runs import Summary, Workspace
from seqsum.setting_notes import notes
from seqsum.text import one_line
from seqsum.training.backends.fused_support import FEWEST, LANES, lanes_key, why_not_fused

POLL_SECONDS = 0.2
TOGETHER = f"up to {LANES} seeds are trained together in one process, each to the same bits as alone"
ALL_BEGUN = "nothing is started: every seed has begun already"


def replicate(options: argparse.Namespace) -> int:
    """Exit status: 0 when every seed is finished, else as `follow.end_status` says."""
    seeds = parse_seeds(options.seeds)
    preset = load_preset(options.preset)
    wanted = preset.config.changed(options.changes, "replicate")
    config, task = resolved(wanted, "replicate")
    group = options.group or config.track.group or group_name(preset.name, config, preset.config)
    workspace = Workspace(options.workspace)
    with closing(engine_of(options, workspace.folder, warm=True)) as launcher:
        check_detached(options, launcher)
        replication = Replication(workspace, launcher, preset.name, config, seeds, group)
        due = len(replication.due())
        if due:
            command = launcher.command(workspace.folder, due, config.train, queue=True)
            say_command(options, launcher, command, due)
        if options.dry_run:
            if not due:
                say_json({"event": "message", "message": ALL_BEGUN}) if options.json else say(ALL_BEGUN)
            return 0
        agree_to_start(options, "replicate", due, "")
        said = [note.text for note in notes(wanted, task, typed=options.changes)] if due else []
        if due >= FEWEST and launcher.name == "local" and lanes_key(config) is not None:
            said.append(TOGETHER)
        compiled = config.train.backend != "torch" and why_not_fused(config, task) is None
        return _begun(options, replication, said, compiled=bool(due) and compiled)


def _begun(options: argparse.Namespace, replication: Replication, said: Sequence[str], *, compiled: bool) -> int:
    """Begin what is due, and follow it. said: notes on its settings; compiled: the code it runs must be compiled."""
    launcher, signals = replication.launcher, options.signals
    try:
        if replication.due():
            if compiled:
                compile_first(options.json, lanes=TOGETHER in said)
            for text in said:
                say_json({"event": "message", "message": text}) if options.json else say(text)
            launcher.warm()
            signals.begins()
            replication.begin()
        signals.stops(lambda: replication.stop(signals.cause))
    finally:
        # What is launched waits for its turn by itself.
        launcher.cool()
    if options.detach and not signals:
        signals.over()
        _say_begun(options, replication)
        return 0
    summaries = _follow(replication, options.json, signals)
    signals.over()
    outcome = replication.outcome()
    if options.json:
        group, seeds = replication.group, len(replication.seeds)
        say_json({"event": "replicated", "group": group, "seeds": seeds, **outcome.plain()})
    else:
        _say(replication, summaries, outcome)
    return end_status([summary.status for summary in summaries.values()], signals)


def compile_first(as_json: bool, *, lanes: bool = False) -> None:
    """Compile for this machine if that was not done yet, once for all runs and not once in each.

    lanes: also what trains several runs at once
    """
    from seqsum.training.backends.fused import cache

    if cache.is_warm() and (not lanes or cache.lanes_are_warm()):
        return
    if not as_json:
        say(f"compiling for this machine, once; this takes about {30 if lanes else 15} seconds")
    command = [sys.executable, "-P", "-m", "seqsum.training.backends.fused", *(["--lanes"] if lanes else [])]
    # A terminal's ctrl-C is for us alone, who end it then: it would tell where it was.
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, start_new_session=True)


def _say_begun(options: argparse.Namespace, replication: Replication) -> None:
    if options.json:
        runs = {str(seed): summary.id for seed, summary in replication.summaries().items()}
        say_json({"event": "started", "group": replication.group, "runs": runs})
    else:
        queued = f"{count(len(replication.seeds), 'seed')} queued"
        say(f"{replication.group}: {queued}; the same command without --detach follows them")


def _follow(replication: Replication, as_json: bool, signals: Sequence[int]) -> dict[int, Summary]:
    """Show how far the runs are until all have ended; return their last summaries."""
    told: set[int] = set()
    bar = not as_json and sys.stdout.isatty()
    with overall_bar(replication.group, shown=bar) as show:
        while True:
            summaries = replication.summaries()
            stranded = [seed for seed, one in summaries.items() if replication.is_stranded(seed, one.status)]
            if stranded and not signals:
                replication.begin(stranded)
            for seed, summary in summaries.items():
                if not summary.live and seed not in told:
                    told.add(seed)
                    if as_json:
                        say_json({"event": summary.status, "seed": seed, **summary_plain(summary)})
                    elif not bar:
                        say(_line(seed, summary))
            done = sum(not summary.live for summary in summaries.values())
            share = sum(summary.progress or 0.0 if summary.live else 1.0 for summary in summaries.values())
            words = "stopping" if signals else f"{done} of {len(summaries)} ended"
            show(share / len(summaries), words)
            if done == len(summaries):
                return summaries
            time.sleep(POLL_SECONDS)


def _line(seed: int, summary: Summary) -> str:
    return f"  seed {seed}: {', '.join([f'{summary.status} at step {summary.step:,}', *reached(summary)])}"


def _say(replication: Replication, summaries: dict[int, Summary], outcome: SeedDistribution) -> None:
    statuses = [summary.status for summary in summaries.values()]
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
    say(f"{replication.group}: {count(len(statuses), 'seed')}, {counts}")
    name = outcome.metric
    if outcome.quartiles is not None:
        shown = [metric(name, value) for value in outcome.quartiles]
        ends = [metric(name, value) for value in (outcome.values[:1] + outcome.values[-1:])]
        values = f", values from {' to '.join(ends)}" if ends else ""
        say(f"  {padded(one_line(name), 17)} median {shown[1]}, quartiles {shown[0]} to {shown[2]}{values}")
    counted = share_text(outcome.with_value, outcome.runs, outcome.waiting)
    if counted:
        say(f"  with a value      {counted}; a seed that diverged, failed, died or has none ranks as worst")
    if outcome.converged is not None and outcome.runs:
        share, least = percent(outcome.converged / outcome.runs), whole_percent(CONVERGED)
        say(f"  converged         {outcome.converged} of {outcome.runs} ({share}): accuracy of {least} or more")
    if outcome.steps_to_converge is not None:
        early, median, late = outcome.steps_to_converge
        say(f"  steps to converge median {round(median):,}, quartiles {round(early):,} to {round(late):,}")
    if outcome.best is not None:
        seed = next(seed for seed, summary in summaries.items() if summary.id == outcome.best)
        say(f"  best              seed {seed}: {one_line(summaries[seed].name)} ({outcome.best})")
    if any(status in ("stopped", "died") for status in statuses):
        say("go on with the same command")
