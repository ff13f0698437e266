"""`seqsum show`: all that is known of one run."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

from seqsum.cli.output import measured, padded, run_line, say, say_json, summary_plain, troubles
from seqsum.config import as_shown, unknown_paths
from seqsum.errors import ConfigError, UserError
from seqsum.formatting import ago, duration, size
from seqsum.runs import Run, Workspace, provenance
from seqsum.runs.access import read_only
from seqsum.runs.annotations import Annotations
from seqsum.runs.disk import size_on_disk
from seqsum.runs.origin import facts_of
from seqsum.runs.parts import part_told
from seqsum.runs.record import OwnLoop
from seqsum.runs.store import UNREADABLE
from seqsum.runs.waiting import with_places
from seqsum.schema import as_text
from seqsum.text import one_line, printable

OF_RECORD = (
    "parameters", "seed", "device", "threads", "backend", "backend_reason", "versions", "git_commit", "owner", "host",
    "parent", "repeats", "command", "directory", "machine", "plugins", "plugin_hashes",
)  # fmt: skip


def show(options: argparse.Namespace) -> int:
    run = Workspace(options.workspace).find(options.run)
    (summary,), record = with_places(run.folder.parent, [run.outline(judged=True)]), run.record_or_blank()
    summary = replace(summary, size=size_on_disk(run.folder))
    settings = run.settings()
    try:
        record.parsed_config()
    except ConfigError as error:
        known = unknown_paths(record.config)
        # In whole: the list tells the first half of each.
        told = [f"{error.source}: {path}: {why}" for path, why in error.problems if path not in known]
        halves = tuple(f": {path}: " for path, _ in error.problems if path not in known)
        kept = [text for text in summary.problems if not any(half in text for half in halves)]
        summary = replace(summary, problems=(*kept, *told))
    except OwnLoop:
        pass
    except UserError as error:
        if not any(str(error) in text for text in summary.problems):
            summary = replace(summary, problems=(*summary.problems, str(error)))
    if options.json:
        facts = {name: getattr(record, name) for name in OF_RECORD}
        facts["read_only"] = bool(read_only(run.folder))
        facts["follows"] = summary.follows or None
        facts["repositories"] = provenance.repositories(run.folder)
        say_json({**summary_plain(summary), **facts, "folder": str(run.folder), "config": settings})
        return 0
    say(f"{one_line(summary.name)} ({summary.id})  {summary.status}  {run_line(summary)}")
    if summary.place:
        say(f"  waits: {summary.place.told}")
    if summary.reason and summary.status != UNREADABLE:
        say(f"  {summary.reason}")
    if summary.verdict:
        say(f"  {summary.verdict.word}: {summary.verdict.sentence}")
    for text in troubles(summary):
        say(f"  ! {text}")
    if closed := read_only(run.folder):
        say(f"  {closed}")
    by = {name: f" (by {who})" for name, who in Annotations.read(run.folder).by.items()}
    if "name" in by:
        say(f"  called {one_line(record.name)} at first{by['name']}")
    if summary.tags:
        say(f"  tags: {one_line(', '.join(summary.tags))}{by.get('tags', '')}")
    for line in summary.note.splitlines():
        say(f"  | {line}")
    if summary.note and "note" in by:
        say(f"  |{by['note']}")
    said = [f"{record.source} {one_line(summary.preset)}"] if summary.preset else []
    said += [f"{record.parameters:,} parameters"] if record.parameters else []
    seeded = record.watched is None or any("seed" in values for values in record.config.values())
    said += [f"seed {record.seed}"] if record.config and seeded else []
    started = f"started {ago(time.time() - summary.created)}"
    whose = f" by {one_line(record.owner)}" if record.owner else ""
    say(f"  {', '.join([*said, started])}{whose}{f' on {record.host}' if record.host else ''}")
    trained = "" if summary.train_seconds is None else f"trained for {duration(summary.train_seconds)}; "
    say(f"  {trained}{size(summary.size or 0)} in {run.folder}")
    if summary.follows:
        say(f"  read from {one_line(summary.follows)}")
    if summary.durable_step is not None:
        say(f"  durable_step {summary.durable_step:,}: a power failure takes it back no further")
    if record.parent:
        say(f"  forked from {printable(str(record.parent.get('run')))} at step {record.parent.get('step')}")
    if record.backend:
        say(f"  computed by {_backend_words(run)}")
    for what, text in facts_of(run.folder, record).items():
        say(f"  {what} {text}")
    # The head tells the last two of now, not of the last log point.
    told = [name for name in summary.metrics if name not in ("wall_time", "steps_per_second", "train_seconds")]
    widest = max((len(name) for name in told), default=0)
    say("metrics" if told else "metrics  none yet")
    for name in told:
        part = part_told(name, summary.task)
        say(f"  {padded(one_line(name), max(18, widest))} {measured(summary, name)}{part and f' {part}'}")
    if summary.measure:
        say(f"  accuracy and eval_loss are {summary.measure}, as an earlier version measured")
    for section, values in settings.items():
        say(one_line(section))
        for name, value in values.items():
            if (section, name) == ("track", "tags"):
                if as_text(value) in ("", as_text(list(summary.tags))):
                    continue  # the head has them
                name = "tags at the start"
            say(f"  {padded(one_line(name), 18)} {one_line(as_shown(f'{section}.{name}', as_text(value)))}")
    if summary.status in ("died", "failed") and (tail := run.log_tail(15)):
        say(f"end of the {'worker' if record.watched is None else 'script'}'s log")
        for line in tail:
            say(f"  {line}")
    return 0


def _backend_words(run: Run) -> str:
    """What computes a run's steps, since when, and why not compiled code."""
    name, why = str(run.record.backend), run.record.backend_reason
    words = {"fused": "fused, compiled code", "graph": "torch, as a CUDA graph", "least_squares": "least squares"}
    with run.store() as store:
        changes = store.events(kind="backend")
    if changes and changes[-1].detail.get("new") == name:
        return f"{words.get(name, name)}, from step {changes[-1].step:,} on; by {changes[-1].detail.get('old')} before"
    return printable(f"{words.get(name, name)}{f': {why}' if why else ''}")
