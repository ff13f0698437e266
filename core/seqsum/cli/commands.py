"""The commands of `seqsum`, one function each."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from seqsum.cli.engine import check_detached, engine_of, say_command
from seqsum.cli.follow import POLL_SECONDS, Follower, end_status, finished_plain, finished_words
from seqsum.cli.many import chosen, each
from seqsum.cli.output import complain, say, say_json, tell
from seqsum.control import commands
from seqsum.errors import UserError
from seqsum.launch import Launcher, WarmLauncher
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.annotations import check_typed_name
from seqsum.runs.best import step_named
from seqsum.runs.checkpoint_files import newest_step
from seqsum.text import one_line, printable
from seqsum.trackers.upload import UPLOAD_SECONDS, WORKER_SECONDS, upload

Options = argparse.Namespace


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
        run = commands.start(
            workspace, launcher, preset.name, config, options.name, options.queue, options.changes,
            begins=options.signals.begins,
        )  # fmt: skip
        return _followed(options, run, launcher)


def fork(options: Options) -> int:
    _check_name(options)
    step = checkpoint_step("fork", options.step, lambda: _run(options))
    workspace = Workspace(options.workspace)
    with closing(WarmLauncher(many=False)) as launcher:
        options.signals.begins()
        run = commands.fork(workspace, launcher, _run(options), step, options.changes, options.name)
        return _followed(options, run, launcher)


def _check_name(options: Options) -> None:
    if options.name is not None:
        check_typed_name(options.name)


def _followed(options: Options, run: Run, launcher: Launcher) -> int:
    """Follow a run that was just started to its end, unless it shall go on by itself; return the exit status."""
    follower = Follower(run, options.json, launcher, options.signals)
    options.signals.stops(follower.stop)
    _say_started(options, run)
    if options.detach and not options.signals:
        options.signals.over()
        if not options.json:
            follower.say_messages()
            say(f"watch it with: seqsum show {run.id}, or seqsum-tui")
        return 0
    summary = follower.follow()
    options.signals.over()
    follower.wait_for_upload(UPLOAD_SECONDS + WORKER_SECONDS)
    if options.json:
        say_json(finished_plain(summary))
    else:
        say(finished_words(summary))
    return end_status([summary.status], follower.signals)


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


def _steering(verb: str, ask: Callable[[Run], dict[str, Any]]) -> Callable[[Options], int]:
    """Make the command that asks this of one run or of many."""

    def command(options: Options) -> int:
        return each(chosen(options, verb, options.runs), lambda run: _told(options, run, ask(run)))

    return command


pause = _steering("pause", commands.pause)
stop = _steering("stop", lambda run: commands.stop(run, "seqsum stop"))
snapshot = _steering("snapshot", commands.snapshot)


def resume(options: Options) -> int:
    runs = chosen(options, "resume", options.runs)
    with closing(engine_of(options, Workspace(options.workspace).folder)) as launcher:
        check_detached(options, launcher)
        launcher.warm()
        # Several wait for their turn.
        options.signals.begins()
        status = each(runs, lambda run: _told(options, run, commands.resume(run, launcher, queue=len(runs) > 1)))
        return _stayed(options, runs, launcher, status)


def _stayed(options: Options, runs: Sequence[Run], launcher: Launcher, status: int) -> int:
    """Wait for the end of runs that their engine would end with this program, or that a signal has stopped as they were
    resumed; return the exit status."""
    signals = options.signals

    def stop() -> None:
        for run in runs:
            if run.summary().live:
                launcher.stop(run, signals.cause)

    signals.stops(stop)
    if launcher.outlives and not signals:
        return status
    statuses = list[str]()
    for run in runs:
        while launcher.poll(run).live:
            time.sleep(POLL_SECONDS)
        summary = run.summary(judged=True)
        if options.json:
            say_json(finished_plain(summary))
        else:
            say(finished_words(summary))
        statuses.append(summary.status)
    return status or end_status(statuses, signals)


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


def checkpoint_step(verb: str, text: str | None, run: Callable[[], Run]) -> int | None:
    """Return the step of a run's checkpoint that was named; None: the newest."""
    return None if text is None else step_named(run(), text, verb)


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
