"""The commands of `seqsum`, one function each."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from seqsum.cli.engine import check_detached, engine_of, say_command
from seqsum.cli.follow import POLL_SECONDS, Follower, finished_plain, finished_words, stopping
from seqsum.cli.many import chosen, each
from seqsum.cli.output import (
    columns,
    complain,
    measured,
    padded,
    progress,
    run_line,
    say,
    say_json,
    summary_plain,
    tell,
    troubles,
)
from seqsum.config import as_shown, unknown_paths
from seqsum.control import commands
from seqsum.errors import ConfigError, UserError
from seqsum.formatting import ago, duration, metric, size
from seqsum.launch import Launcher, LocalLauncher
from seqsum.presets import DEFAULT_PRESET, load_preset
from seqsum.runs import Run, Summary, Workspace, provenance
from seqsum.runs.access import owner_told, read_only
from seqsum.runs.annotations import Annotations, check_typed_name
from seqsum.runs.best import step_named
from seqsum.runs.checkpoint_files import newest_step
from seqsum.runs.disk import size_on_disk
from seqsum.runs.listed import listed
from seqsum.runs.measure import EARLIER_SIGN
from seqsum.runs.origin import facts_of
from seqsum.runs.parts import part_told
from seqsum.runs.record import OwnLoop
from seqsum.runs.run import RESULTS
from seqsum.runs.store import UNREADABLE
from seqsum.runs.waiting import with_places
from seqsum.schema import as_text
from seqsum.text import one_line, printable
from seqsum.trackers.upload import UPLOAD_SECONDS, WORKER_SECONDS, upload
from seqsum.users import user_name

Options = argparse.Namespace

OF_RECORD = (
    "parameters", "seed", "device", "threads", "backend", "backend_reason", "versions", "git_commit", "owner", "host",
    "parent", "repeats", "command", "directory", "machine", "plugins", "plugin_hashes",
)  # fmt: skip


def train(options: Options) -> int:
    _check_name(options)
    preset = load_preset(options.preset)
    config = preset.config.changed(options.changes, "train")
    workspace = Workspace(options.workspace)
    with closing(engine_of(options, workspace.folder)) as launcher:
        check_detached(options, launcher)
        if options.dry_run:
            commands.checked(config)
        say_command(options, launcher, launcher.command(workspace.folder, 1, config.train, options.queue), 1)
        if options.dry_run:
            return 0
        launcher.warm()
        run = commands.start(workspace, launcher, preset.name, config, options.name, options.queue, options.changes)
        return _followed(options, run, launcher)


def fork(options: Options) -> int:
    _check_name(options)
    step = checkpoint_step("fork", options.step, lambda: _run(options))
    workspace = Workspace(options.workspace)
    launcher = LocalLauncher()
    run = commands.fork(workspace, launcher, _run(options), step, options.changes, options.name)
    return _followed(options, run, launcher)


def _check_name(options: Options) -> None:
    if options.name is not None:
        check_typed_name(options.name)


def _followed(options: Options, run: Run, launcher: Launcher) -> int:
    """Follow a run that was just started to its end, unless it shall go on by itself; return the exit status."""
    if options.detach:
        _say_started(options, run)
        if not options.json:
            Follower(run, False, launcher).say_messages()
            say(f"watch it with: seqsum show {run.id}, or seqsum-tui")
        return 0
    follower = Follower(run, options.json, launcher)
    with stopping(follower.stop) as follower.signals:
        _say_started(options, run)
        summary = follower.follow()
    follower.wait_for_upload(UPLOAD_SECONDS + WORKER_SECONDS)
    if options.json:
        say_json(finished_plain(summary))
    else:
        say(finished_words(summary))
    if summary.status in ("failed", "died"):
        return 1
    return 128 + follower.signals[0] if follower.signals and summary.status == "stopped" else 0


def _say_started(options: Options, run: Run) -> None:
    parent = run.record.parent
    if options.json:
        more: dict[str, Any] = {"parent": parent} if parent else {}
        if options.detach:
            with run.store() as store:
                more["messages"] = [event.detail["text"] for event in store.events(kind="message")]
        say_json({"event": "started", "run": run.id, "name": run.name, "pid": run.summary().pid, **more})
    else:
        began = "queued" if getattr(options, "queue", False) or getattr(options, "on", None) == "slurm" else "started"
        after = f", forked from {parent['run']} at step {parent['step']:,}" if parent else ""
        say(f"{one_line(run.name)} ({run.id}): {began} in {run.folder}{after}")


def runs(options: Options) -> int:
    workspace = Workspace(options.workspace)
    found = listed(workspace, options.filter, options.sort, options.reverse)
    summaries = with_places(workspace.folder, found)
    for message in workspace.index.messages:
        complain(message)
    if options.json:
        for summary in summaries:
            say_json(summary_plain(summary) | {"read_only": bool(read_only(workspace.folder / summary.id))})
        return 0
    if not summaries and options.filter:
        from seqsum.runs.filter import clue

        say("; ".join(filter(None, ("no run is like that", clue(options.filter)))))
        return 0
    if not summaries:
        say(f"no runs in {workspace.folder}; start one: seqsum train {DEFAULT_PRESET}")
        return 0
    results = [name for name in RESULTS if name == "accuracy" or name in {one.result for one in summaries}]
    owners = _owners(workspace, summaries)
    titles = ("RUN", "NAME", "STATUS", "VERDICT", "STEP", "LOSS")
    rows = [(*titles, *map(str.upper, results), *owners[:1], "SIZE", "STARTED")]
    rows += [
        (
            summary.id,
            summary.name,
            summary.status,
            summary.verdict.word if summary.verdict else "–",
            progress(summary),
            metric("loss", summary.metrics.get(summary.named("loss"))),
            *(
                measured(summary, name) + EARLIER_SIGN * (name == "accuracy" and _measured_earlier(summary))
                for name in results
            ),
            *owners[place : place + 1],
            size(summary.size) if summary.size is not None else "–",
            ago(time.time() - summary.created),
        )
        for place, summary in enumerate(summaries, 1)
    ]
    for place, line in enumerate(columns(rows)):
        say(line)
        if place and (waits := summaries[place - 1].place):
            say(f"  waits: {waits.told}")
        for text in troubles(summaries[place - 1]) if place else ():
            say(f"  ! {text}")
    for measure in dict.fromkeys(one.measure for one in summaries if _measured_earlier(one)):
        say(f"{EARLIER_SIGN} {measure}, as an earlier version measured: not to be compared with the others")
    if closed := read_only(workspace.folder):
        say(closed)
    return 0


def _owners(workspace: Workspace, summaries: list[Summary]) -> list[str]:
    """Return the column that tells whose runs these are, its title first; nothing where all are our own."""
    if {summary.owner for summary in summaries} <= {"", user_name()}:
        return []
    # Where all is read-only, a line below says so.
    closed = [not read_only(workspace.folder) and bool(read_only(workspace.folder / one.id)) for one in summaries]
    told = [owner_told(one.owner, one.host) or "–" for one in summaries]
    return ["OWNER", *(f"{who} (read-only)" if shut else who for who, shut in zip(told, closed, strict=True))]


def _measured_earlier(summary: Summary) -> bool:
    return bool(summary.measure) and "accuracy" in summary.metrics


def show(options: Options) -> int:
    run = _run(options)
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
    if summary.status in ("died", "failed"):
        say("end of the worker's log")
        for line in run.log_tail(15):
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


def _steering(verb: str, ask: Callable[[Run], dict[str, Any]]) -> Callable[[Options], int]:
    """Make the command that asks this of one run or of many."""

    def command(options: Options) -> int:
        return each(chosen(options, verb, options.runs), lambda run: _told(options, run, ask(run)))

    return command


pause = _steering("pause", commands.pause)
stop = _steering("stop", commands.stop)
snapshot = _steering("snapshot", commands.snapshot)


def resume(options: Options) -> int:
    runs = chosen(options, "resume", options.runs)
    with closing(engine_of(options, Workspace(options.workspace).folder)) as launcher:
        check_detached(options, launcher)
        launcher.warm()
        # Several wait for their turn.
        status = each(runs, lambda run: _told(options, run, commands.resume(run, launcher, queue=len(runs) > 1)))
        return status if launcher.outlives else _stayed(options, runs, launcher, status)


def _stayed(options: Options, runs: Sequence[Run], launcher: Launcher, status: int) -> int:
    """Wait for the end of runs that their engine would end with this program; return the exit status."""

    def stop() -> None:
        for run in runs:
            if run.summary().live:
                launcher.stop(run)

    with stopping(stop):
        for run in runs:
            while launcher.poll(run).live:
                time.sleep(POLL_SECONDS)
            summary = run.summary(judged=True)
            if options.json:
                say_json(finished_plain(summary))
            else:
                say(finished_words(summary))
            status = status or int(summary.status in ("failed", "died"))
    return status


def rewind(options: Options) -> int:
    run = _run(options)
    if options.undo == (options.step is not None):
        raise UserError("rewind: say either --step N or --undo")
    if options.undo:
        return _told(options, run, commands.undo_rewind(run))
    step = checkpoint_step("rewind", options.step, lambda: run)
    step = newest_step(run.checkpoints) if step is None else step
    if step is None:
        raise UserError(f"rewind: {run.no_checkpoint()}")
    return _told(options, run, commands.rewind(run, step))


def set_values(options: Options) -> int:
    run = _run(options)
    pairs: list[tuple[str, str]] = []
    for assignment in options.assignments:
        field, equals, value = assignment.partition("=")
        if not equals:
            raise UserError(f'set: "{printable(assignment)}" is not section.field=VALUE, e.g. optim.lr=0.002')
        field, value = field.strip(), value.strip()
        if field in dict(pairs):
            raise UserError(
                f'set: {printable(field)} is given twice, "{printable(dict(pairs)[field])}" and "{printable(value)}"; '
                "leave one of them out"
            )
        pairs.append((field, value))
    # All or nothing: a wrong second value must not leave the first one changed.
    commands.check_values(run, dict(pairs))
    for field, value in pairs:
        _told(options, run, commands.set_value(run, field, value))
    return 0


def _run(options: Options) -> Run:
    return Workspace(options.workspace).find(options.run)


def _told(options: Options, run: Run, outcome: dict[str, Any]) -> int:
    return tell(options, run, outcome["message"], **outcome)


def checkpoint_step(verb: str, text: str | None, run: Callable[[], Run], flag: str = "--step") -> int | None:
    """Return the step of a run's checkpoint that was named; None: the newest."""
    return None if text is None else step_named(run(), text, verb, flag)


def sync(options: Options) -> int:
    """Exit status: 0 uploaded, 2 for what the user can mend (no logs, no key), 1 for what the server did or did not."""
    seconds = _seconds(options.timeout)
    run = _run(options)
    outcome = upload(run, seconds)
    if outcome.ok or options.json:
        tell(options, run, outcome.message, ok=outcome.ok, outcome=outcome.kind, message=outcome.message)
    else:
        complain(f"sync: run {run.id}: {outcome.message}")
    return {"done": 0, "no_key": 2}.get(outcome.kind, 1)


def _seconds(text: str | None) -> float:
    try:
        value = UPLOAD_SECONDS if text is None else float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86_400:
        raise UserError(f'sync: --timeout must be seconds, above 0, at most 86400, got "{printable(text or "")}"')
    return value
