"""Long walks: things done to a workspace one after the other, many of them killed on the way, each compared with a
model of it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from campaign.faults import KILLS, child
from campaign.operations import command, run_in, told, whole
from campaign.report import Count, Failure
from seqsum import worker
from seqsum.control import fork_rewind
from seqsum.runs import Run, Workspace
from seqsum.runs.annotations import Annotations
from support.engine import new_run, small, train_here

STEPS, EVERY = 100, 25
LENGTH = 60
"""Things done in one walk; then another begins in an empty workspace."""
MOST_RUNS = 6
Model = dict[str, "Known"]


@dataclass(frozen=True)
class Known:
    """What there must be of a run, by its seed: weights and curves follow from that alone, whoever forked it."""

    seed: int
    step: int = 0
    finished: bool = False
    in_bin: bool = False
    name: str | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    starred: bool = False
    checkpoints: tuple[int, ...] = ()
    parent: str | None = None


def seen(at: Path) -> Model:
    """Return what a workspace says of its runs."""
    workspace = Workspace(at)
    return {
        run.id: _known(run, binned)
        for where, binned in ((workspace, False), (workspace.bin, True))
        for run in where.runs()
    }


def _known(run: Run, in_bin: bool) -> Known:
    summary, said = run.summary(), Annotations.read(run.folder)
    steps = tuple(sorted(int(path.name[5:]) for path in run.checkpoints.glob("step-*")))
    done = summary.status == "finished"
    return Known(
        run.record.seed or 0, STEPS if done else 0, done, in_bin, said.name, tuple(said.tags or ()), said.note or "",
        bool(said.starred), steps if done else (), (run.record.parent or {}).get("run"),
    )  # fmt: skip


@dataclass
class Act:
    """One thing to do: in words, the work, and what there is when it is done; a new run's id is not known before."""

    words: str
    work: Callable[[Path], int]
    after: Model
    makes: Known | None = None


def run(folder: Path, seed: int, most: int) -> Iterator[Count]:
    """Do so many things, a third of them killed on the way."""
    draw, count, killed = random.Random(seed), Count("walks: things done to runs"), 0
    right: dict[int, Any] = {}
    at = folder / "runs"
    for number in range(most):
        if number % LENGTH == 0:
            shutil.rmtree(at, ignore_errors=True)
            at.mkdir()
            said: list[str] = []
        before = seen(at)
        act = _drawn(at, before, draw)
        moment = draw.randrange(1, 120) if draw.random() < 1 / 3 else 0
        end = child(_on(act, at), moment, draw.choice(KILLS) if moment else None)
        killed += end.status is None
        said.append(f"{act.words}{', killed' if end.status is None else ''}")
        found = seen(at)
        problem = _problem(found, before, act, killed=end.status is None) or _damage(at, found, right, folder)
        if end.status not in (0, None):
            problem = f"it ended with {end.status}: {end.said[-200:]}"
        count.note(True, Failure.of(problem, " · ".join(said[-6:])))
        if problem:
            shutil.rmtree(at)
            at.mkdir()
    count.name += f", {killed:,} of them killed"
    yield count


def _on(act: Act, at: Path) -> Callable[[], int]:
    return lambda: act.work(at)


def _drawn(at: Path, model: Model, draw: random.Random) -> Act:
    here = sorted(id for id, known in model.items() if not known.in_bin)
    binned = sorted(id for id, known in model.items() if known.in_bin)
    if len(here) < 2 or (len(model) < MOST_RUNS and draw.random() < 0.1):
        seed = draw.randrange(3)
        config = small(train__seed=seed, train__steps=STEPS, train__checkpoint_every=EVERY)
        return Act(f"new run {seed}", told(lambda where: new_run(where, config)), model, Known(seed))
    id = draw.choice(here)
    known = model[id]
    if not known.finished:
        done = replace(known, finished=True, step=STEPS, checkpoints=_all_from(at, id))
        return Act("train", lambda where: _train(where, id), {**model, id: done})
    kind = draw.choice(["rename", "tag", "untag", "note", "star", "delete", "restore", "empty", "fork", "rewind"])
    if kind in ("restore", "empty") and not binned:
        kind = "note"
    if kind == "fork" and len(model) >= MOST_RUNS:
        kind = "empty" if binned else "delete"
    word = draw.choice(["a", "b b", "é", "0"])
    others = {other.name for other in Workspace(at).summaries()}
    if kind == "rename":
        name = f"n{draw.randrange(10**6)}"
        assert name not in others
        return Act(kind, command("rename", id, name), {**model, id: replace(known, name=name)})
    if kind == "tag":
        tags = known.tags if word in known.tags else (*known.tags, word)
        return Act(kind, command("tag", id, word), {**model, id: replace(known, tags=tags)})
    if kind == "untag":
        if not known.tags:
            return Act("note", command("note", id, word), {**model, id: replace(known, note=word)})
        left = known.tags[1:]
        return Act(kind, command("tag", id, "--remove", known.tags[0]), {**model, id: replace(known, tags=left)})
    if kind == "note":
        return Act(kind, command("note", id, word), {**model, id: replace(known, note=word)})
    if kind == "star":
        off = [] if not known.starred else ["--off"]
        return Act(kind, command("star", id, *off), {**model, id: replace(known, starred=not known.starred)})
    if kind == "delete":
        return Act(kind, command("delete", id), {**model, id: replace(known, in_bin=True)})
    if kind == "restore":
        back = draw.choice(binned)
        return Act(kind, command("restore", back), {**model, back: replace(model[back], in_bin=False)})
    if kind == "empty":
        return Act(kind, command("bin", "--empty"), {one: model[one] for one in here})
    steps = [step for step in known.checkpoints if step < STEPS]
    if kind == "fork" and steps:
        step = draw.choice(steps)
        fork = told(lambda where: fork_rewind.fork(Workspace(where), run_in(where, id), step, {}))
        return Act(f"fork at {step}", fork, model, Known(known.seed, parent=id))
    if steps and not any(other.parent == id for other in model.values()):
        # Back, and again to the end: the same run.
        return Act("rewind, train", lambda where: _again(where, id, steps[0]), model)
    return Act("note", command("note", id, word), {**model, id: replace(known, note=word)})


def _train(at: Path, id: str) -> int:
    return worker.main([str(Workspace(at).find(id).folder)])


def _again(at: Path, id: str, step: int) -> int:
    made = command("rewind", id, "--step", str(step))(at)
    return made or _train(at, id)


def _all_from(at: Path, id: str) -> tuple[int, ...]:
    parent = Workspace(at).find(id).record.parent or {}
    first = int(parent.get("step", 0))
    return tuple(step for step in range(EVERY, STEPS + 1, EVERY) if step >= first)


def _problem(found: Model, before: Model, act: Act, *, killed: bool) -> str | None:
    made = [id for id in found if id not in before]
    expected = dict(act.after)
    if act.makes is not None and made:
        expected[made[0]] = act.makes
    if found == expected and (killed or act.makes is None or made):
        return None
    if killed:
        # What takes more than one (emptying the bin, a rewind and its training) may be done for a part.
        parts = all(
            known in (before.get(id), expected.get(id)) or _on_its_way(known, before.get(id))
            for id, known in found.items()
        )
        kept = all(id in found for id in expected)
        if parts and kept:
            return None
    return f"there is {found}, and should be {expected}"


def _on_its_way(known: Known, was: Known | None) -> bool:
    return was is not None and replace(known, finished=True, step=was.step, checkpoints=was.checkpoints) == was


def _damage(at: Path, found: Model, right: dict[int, Any], folder: Path) -> str | None:
    for id, known in found.items():
        if known.in_bin:
            continue
        run = Workspace(at).find(id)
        if problem := whole(run):
            return f"{id}: {problem}"
        if known.finished:
            if known.seed not in right:
                config = small(train__seed=known.seed, train__steps=STEPS, train__checkpoint_every=EVERY)
                right[known.seed] = train_here(config, folder / f"here-{known.seed}")[1][1]
            weights = (run.checkpoints / f"step-{STEPS}" / "model.safetensors").read_bytes()
            if weights != right[known.seed]:
                return f"{id}: other weights than a run that nobody touched"
    return None
