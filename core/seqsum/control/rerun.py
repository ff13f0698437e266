"""Repeating a run from its own record, and whether the bits agree. No torch here.

A step depends on the configuration, the seed and the step alone, so a run is repeated with the same settings, from step
0 or, a fork, from the checkpoint it began with; what was changed while it trained is changed again at the same steps,
and compiled code takes over where it did. Pauses, stops and resumed workers leave no trace in the bits.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seqsum.config import Config
from seqsum.control.commands import checked
from seqsum.errors import UserError
from seqsum.files import parse_json
from seqsum.formatting import count, enumerated
from seqsum.launch import Launcher
from seqsum.runs import Run, Store, Workspace, checkpoint_files, provenance
from seqsum.runs.origin import machine_told
from seqsum.runs.record import Record, installed_versions
from seqsum.runs.run import said_status
from seqsum.text import one_line
from seqsum.training.backends.fused_support import fused_from, why_not_fused

OF_THE_CLOCK = frozenset(
    {"wall_time", "train_seconds", "steps_per_second", "cpu_percent", "memory_mb", "gpu_percent", "gpu_memory_mb"}
)
"""Metrics that differ each time."""
MOST_TOLD = 3


@dataclass(frozen=True)
class Plan:
    """How a run is repeated.

    until: the step after which it is stopped; None where it comes to its own end; begins: the step it begins with
    compiled_from: the step from which compiled code computes; None where it never did
    changes: what was changed while it trained, (step, field, value) in the order in which it was
    told: what will not be as it was, as far as that is known beforehand, one sentence each
    """

    run: Run
    config: Config
    until: int | None
    begins: int
    compiled_from: int | None
    changes: tuple[tuple[int, str, str], ...]
    told: tuple[str, ...]


def plan_of(run: Run) -> Plan:
    """Return how a run is repeated. Raises UserError for one that can't be: it trains still, made no step, is trained
    by a script of its own, or what it began with is gone."""
    # Anew: a worker has written into it since the run was made.
    record, summary = Record.read(run.folder), run.summary()
    config = record.parsed_config()
    if summary.live:
        raise UserError(f"rerun: run {run.id} is {summary.status}; stop it first, or wait for its end")
    begins = record.parent["step"] if record.parent else 0
    if summary.step <= begins:
        raise UserError(f"rerun: run {run.id} made no step; train it: seqsum resume {run.id}")
    if record.parent and begins not in checkpoint_files.steps_saved(run.checkpoints):
        raise UserError(
            f"rerun: the checkpoint of step {begins:,} that run {run.id} began with is gone; fork anew: "
            f"seqsum fork {record.parent['run']} --step {begins}"
        )
    newest = checkpoint_files.newest_whole(run.checkpoints)
    with run.store() as store:
        diverged = store.state().get("diverged_at") is not None
        changes = tuple(_changes(store))
        compiled = None
        if newest is not None:
            saved = parse_json(newest[1][checkpoint_files.STATE_FILE])
            compiled = fused_from(saved, store, begins)
        elif events := store.events(kind="backend"):
            compiled = events[-1].step
    if compiled is None and record.backend == "fused":
        compiled = begins
    told = _of_versions(record.versions, installed_versions())
    told += provenance.edited(run.folder, record.plugin_hashes, "its last worker began")
    came_to_end = summary.status == "finished" or (summary.status == "failed" and diverged)
    until = None if came_to_end else newest[0] if newest is not None and newest[0] > begins else summary.step
    if until is not None and until < summary.step:
        told.append(
            f"it came to step {summary.step:,}, and its last whole checkpoint is of step {until:,}: up to there"
        )
    return Plan(run, config, until, begins, compiled, changes, tuple(told))


def _changes(store: Store) -> Iterator[tuple[int, str, str]]:
    for event in store.events(kind="set"):
        field, value = event.detail.get("field"), event.detail.get("new")
        if isinstance(field, str) and isinstance(value, str):
            yield event.step, field, value


def _of_versions(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    names = [name for name in then if name in now and then[name] != now[name]]
    return [f"{name} was {then[name]}, is {now[name]}" for name in names]


def start(workspace: Workspace, launcher: Launcher, plan: Plan, name: str | None = None) -> Run:
    """Start a run that repeats another; it is stopped where that one ended. Raises UserError."""
    old = plan.run.record
    # It is compared, not shown: no group gets one more, and nothing is uploaded a second time.
    changes: dict[str, Any] = {"track.group": None, "track.swanlab": "off"}
    config, task = checked(plan.config.changed(changes, "rerun"))
    if plan.compiled_from is None and why_not_fused(config, task) is None:
        config = config.changed({"train.backend": "torch"}, "rerun")

    def record(id: str, name: str) -> Record:
        return replace(Record.new(id, name, old.preset, config, old.parent), repeats=plan.run.id)

    def fill(folder: Path, store: Store) -> None:
        if old.parent:
            _copy_beginning(plan, folder, config)
            store.add_event(plan.begins, "forked", run=old.parent["run"], name=plan.run.name, changes={})
        for step, field, value in plan.changes:
            store.add_event(step, "set", field=field, old="", new=value, by="rerun")
        store.add_event(plan.begins, "message", text=f"repeats {one_line(plan.run.name)} ({plan.run.id})")

    state = {"step": plan.begins, "until": plan.until, "fused_from": plan.compiled_from}
    with plan.run.store() as store:
        began = store.state().get("parent_seconds")
    state |= {"train_seconds": began, "parent_seconds": began} if began is not None else {}
    run = workspace.create_with(record, name, f"{plan.run.name}-rerun", state, fill)
    launcher.submit(run)
    provenance.keep_repositories(run.folder, run.record.plugins)
    return run


def _copy_beginning(plan: Plan, folder: Path, config: Config) -> None:
    source = checkpoint_files.folder_of(plan.run.checkpoints, plan.begins)
    _, data = checkpoint_files.whole(source)
    state = parse_json(data[checkpoint_files.STATE_FILE])
    state |= {"config": config.plain(), "changes": {}, "fused_from": plan.compiled_from}
    target = checkpoint_files.folder_of(folder / "checkpoints", plan.begins)
    checkpoint_files.copy(source, data, target, state, fresh_optimizer=False)


# What came of it


@dataclass(frozen=True)
class Agreement:
    """Whether two runs have the same bits.

    step: of the checkpoint whose weights and optimizer were compared; None where there is none to compare
    tensors: how many those have; unlike: the names of those that differ
    points: how many values of metrics were compared; first: the metric and step of the first that differs, or None
    end: how else it ended, in a sentence; "" where it ended alike
    reasons: what is known to be otherwise, one sentence each
    """

    step: int | None
    tensors: int
    unlike: tuple[str, ...]
    points: int
    first: tuple[str, int] | None
    end: str
    reasons: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not self.unlike and self.first is None and not self.end

    @property
    def told(self) -> str:
        """Say in a sentence whether the bits agree, and of what."""
        weights = ""
        if self.step is not None:
            weights = f"weights and optimizer of step {self.step:,} ({count(self.tensors, 'tensor')})"
        if self.same:
            what = [weights] if weights else []
            what += [f"{self.points:,} values of metrics"] if self.points else []
            return f"the same bits: {enumerated(what or ['the step at which it failed'], 'and')}"
        parts = [self.end] if self.end else []
        if self.unlike and self.step is not None:
            some = ", ".join(map(one_line, self.unlike[:MOST_TOLD])) + (", …" if len(self.unlike) > MOST_TOLD else "")
            parts.append(f"{len(self.unlike)} of {self.tensors} tensors of step {self.step:,} differ ({some})")
        elif weights:
            parts.append(f"{weights} are the same")
        if self.first is not None:
            parts.append(f"the first value that differs is {one_line(self.first[0])} at step {self.first[1]:,}")
        elif self.points:
            parts.append(f"{self.points:,} values of metrics are the same")
        return f"other bits: {'; '.join(parts)}"


def compare(plan: Plan, new: Run) -> Agreement:
    """Compare a run with the one that repeated it. Raises UserError when one can't be read."""
    old = plan.run
    step, tensors, unlike = _weights(old, new, plan.begins)
    points, first = _points(old, new, plan)
    reasons = _reasons(Run(old.folder).record, Run(new.folder).record, plan)
    if step is not None and _facts(old, step) != _facts(new, step):
        reasons.append("the data files are others than they were")
    return Agreement(step, tensors, tuple(unlike), points, first, _end(plan, new), tuple(reasons))


def _end(plan: Plan, new: Run) -> str:
    """Say how else a run ended than the one it repeats; "" where it ended alike."""
    was, is_now = plan.run.summary(), new.summary()
    step = was.step if plan.until is None else plan.until
    if is_now.step == step and (plan.until is not None or is_now.status == was.status):
        return ""
    return f"it {said_status(was.status)} at step {step:,}, the new one {said_status(is_now.status)} at {is_now.step:,}"


def _weights(old: Run, new: Run, begins: int) -> tuple[int | None, int, list[str]]:
    steps = set(checkpoint_files.steps_saved(old.checkpoints)) & set(checkpoint_files.steps_saved(new.checkpoints))
    for step in sorted(steps, reverse=True):
        if step == begins and step:
            break  # a fork's first checkpoint is a copy
        try:
            files = [checkpoint_files.whole(checkpoint_files.folder_of(run.checkpoints, step))[1] for run in (old, new)]
        except UserError:
            continue
        mine, theirs = map(_tensors, files)
        names = [*mine, *(name for name in theirs if name not in mine)]
        return step, len(names), [name for name in names if mine.get(name) != theirs.get(name)]
    return None, 0, []


def _tensors(files: Mapping[str, bytes]) -> dict[str, tuple[object, ...]]:
    weights = checkpoint_files.tensors_in(files[checkpoint_files.MODEL_FILE])
    optimizer = checkpoint_files.tensors_in(files[checkpoint_files.OPTIMIZER_FILE])
    return {**weights, **{f"optimizer: {name}": tensor for name, tensor in optimizer.items()}}


def _points(old: Run, new: Run, plan: Plan) -> tuple[int, tuple[str, int] | None]:
    """Return how many values of metrics were compared, and the first that differs: its metric and step."""
    compared, first = 0, None
    last = plan.until
    with old.store() as mine, new.store() as theirs:
        unevaluated = {*_unevaluated(old, mine), *_unevaluated(new, theirs)}
        for name in dict.fromkeys((*mine.metrics(), *theirs.metrics())):
            if name in OF_THE_CLOCK:
                continue
            values = [dict(zip(*(part.tolist() for part in store.points(name, plan.begins, last)), strict=True))
                      for store in (mine, theirs)]  # fmt: skip
            one_only = values[0].keys() ^ values[1].keys()
            steps = sorted({*values[0], *values[1]} - (one_only & unevaluated))
            compared += len(steps)
            unlike = next((step for step in steps if _bits(values[0].get(step)) != _bits(values[1].get(step))), None)
            if unlike is not None and (first is None or unlike < first[1]):
                first = name, int(unlike)
    return compared, first


def _unevaluated(run: Run, store: Store) -> Iterator[int]:
    """Yield the steps at which a stop ended the evaluation, so that nothing measured there is known."""
    for event in store.events(kind="message"):
        steps = event.detail.get("unevaluated")
        yield from (step for step in (steps if isinstance(steps, list) else []) if isinstance(step, int))
    newest = checkpoint_files.newest_whole(run.checkpoints)
    if newest is not None and parse_json(newest[1][checkpoint_files.STATE_FILE]).get("owes_evaluation"):
        yield newest[0]


def _bits(value: float | None) -> bytes:
    return b"" if value is None else struct.pack("<d", value)


def _facts(run: Run, step: int) -> Any:
    return checkpoint_files.read_state(checkpoint_files.folder_of(run.checkpoints, step)).get("data_facts")


def _reasons(then: Record, now: Record, plan: Plan) -> list[str]:
    """Say what is otherwise than it was, of what the bits may depend on."""
    found = _of_versions(then.versions, now.versions)
    cpus = [machine_told({name: one.machine.get(name) for name in ("cpu", "instructions")}) for one in (then, now)]
    if all(cpus) and cpus[0] != cpus[1]:
        found.append(f"it was computed on {cpus[0]}, now on {cpus[1]}")
    for what in ("device", "threads", "backend"):
        was, is_now = getattr(then, what), getattr(now, what)
        if was is not None and is_now is not None and was != is_now:
            found.append(f"{what} was {one_line(str(was))}, is {one_line(str(is_now))}")
    for source, hash in then.plugin_hashes.items():
        if now.plugin_hashes.get(source, hash) != hash:
            found.append(f"plug-in {one_line(source)} was edited since")
    if not then.machine:
        found.append("on what processor it was computed is not known: an earlier version wrote its record")
    return found
