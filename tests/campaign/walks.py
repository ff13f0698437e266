"""Long walks: things done to a workspace one after the other, many of them killed on the way, each compared with a
model of it, and with what a console says that watches all the time. What is done follows from a walk's seed."""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

from campaign.faults import KILLS, child
from campaign.operations import command, run_in, told, whole
from campaign.report import Count, Failure
from seqsum import worker
from seqsum.control import fork_rewind
from seqsum.runs import Run, Workspace
from seqsum.runs.annotations import Annotations
from seqsum.worker.fork_server import load
from support.engine import new_run, small, train_here
from tests.bench.console import environment
from tests.support.terminal import Terminal

STEPS, EVERY = 100, 25
LENGTH = 200
"""Things done in one walk; then another begins in an empty workspace."""
BLOCK = 10
"""Walks that are counted and told together."""
MOST_RUNS = 6
LATEST_CALL = 120
"""Kills come at calls up to this one, at early ones more often: most things take few."""
TRUE_SECONDS = 3.0
"""After that a console shows what there is."""
TOLD = 30
"""Things done before a failure that are told with it."""
WORDS = ("a", "b b", "é", "0")
STAR = "★"
Model = dict[str, "Known"]
Work = Callable[[Path], int]


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


def seen(at: Path) -> tuple[Model, dict[str, str]]:
    """Return what a workspace says of its runs, and the status of each that is not in the bin, by its name."""
    workspace, model, listed = Workspace(at), Model(), dict[str, str]()
    for where, binned in ((workspace, False), (workspace.bin, True)):
        for run in where.runs():
            summary, said = run.summary(), Annotations.read(run.folder)
            done = summary.status == "finished"
            steps = tuple(sorted(int(path.name[5:]) for path in run.checkpoints.glob("step-*"))) if done else ()
            model[run.id] = Known(
                run.record.seed or 0, STEPS if done else 0, done, binned, said.name, tuple(said.tags or ()),
                said.note or "", bool(said.starred), steps, (run.record.parent or {}).get("run"),
            )  # fmt: skip
            if not binned:
                listed[summary.name] = summary.status
    return model, listed


@dataclass
class Done:
    """What was done in a walk, and how it was seen."""

    count: Count
    killed: int = 0
    seen_after: list[float] = field(default_factory=list)


class Walk:
    """A workspace, a console that watches it, and people who do things in it by the command line or that console.

    What can be done is in `THINGS`: a method each, which returns False where there is nothing to do it with.
    """

    def __init__(self, own: Path, draw: random.Random) -> None:
        self.own, self.draw, self.done = own, draw, Done(Count("walks"))
        self.at = own / "runs"
        self.at.mkdir()
        self.model: Model = {}
        self.listed: dict[str, str] = {}
        self.said: list[str] = []
        self.named = 0
        self.whole: dict[str, object] = {}
        self.open()

    def open(self) -> None:
        console = [sys.executable, "-m", "seqsum_tui", "--workspace", str(self.at)]
        self.console = Terminal(console, environment(self.own), 110, 24)

    def go(self, steps: int) -> None:
        """Do so many things; raise AssertionError at the first that is not as it should be."""
        self.new()
        self.look()
        things, often = zip(*THINGS.items(), strict=True)
        while self.done.count.tried < steps:
            if self.draw.choices(things, often)[0](self) is not False:
                self.look()

    def look(self) -> None:
        """The console tells the truth."""
        began = time.monotonic()
        self.console.wait_for(lambda text: _listed(text) == self.listed)
        self.done.seen_after.append(time.monotonic() - began)
        self.console.written.clear()

    # What there is

    @property
    def here(self) -> list[str]:
        return sorted(id for id, known in self.model.items() if not known.in_bin)

    @property
    def finished(self) -> list[str]:
        return [id for id in self.here if self.model[id].finished]

    @property
    def binned(self) -> list[str]:
        return sorted(self.model.keys() - set(self.here))

    def one_of(self, ids: list[str]) -> str | None:
        return self.draw.choice(ids) if ids else None

    def new_name(self) -> str:
        """A name that no other run has, so short that the list shows all of it."""
        self.named += 1
        return f"n{self.named}"

    # How it is done

    def do(self, name: str, work: Work, after: Model, makes: Known | None = None, *, here: bool = False) -> None:
        """Do one thing, a third of the time in a process that is killed if it comes so far; `after` is what there is
        when it is done, `makes` a run that it makes. here: what is not to be killed can be done in this process."""
        moment, how = round(LATEST_CALL ** self.draw.random()), self.draw.choice(KILLS)
        kills = self.draw.random() < 1 / 3
        self.said.append(f"{name}, killed {how.name} call {moment}" if kills else name)
        if kills or not here:
            end = child(lambda: work(self.at), *((moment, how) if kills else (0, None)))
            status, said = end.status, end.said
        else:
            status, said = _here(lambda: work(self.at))
        before, (self.model, self.listed) = self.model, seen(self.at)
        self.done.killed += status is None
        self.done.count.note(True, None)
        problem = None if status in (0, None) else f"it ended with {status}: {said[-500:]}"
        problem = problem or _problem(self.model, before, after, makes, killed=status is None) or self.damage()
        assert problem is None, problem

    def change(self, id: str, *words: str, **changes: Any) -> None:
        after = {**self.model, id: replace(self.model[id], **changes)}
        self.do(" ".join(words), command(*words), after, here=True)

    def damage(self) -> str | None:
        """Return what is wrong with a run's files; those that nobody wrote to since the last look are as they were."""
        for id in self.here:
            run = Workspace(self.at).find(id)
            if self.whole.get(id) == _stamp(run) and not run.worker_lives:
                continue
            if problem := whole(run):
                return f"{id}: {problem}"
            known = self.model[id]
            if known.finished:
                weights = (run.checkpoints / f"step-{STEPS}" / "model.safetensors").read_bytes()
                if weights != _right(known.seed):
                    return f"{id}: other weights than a run that nobody touched"
            self.whole[id] = _stamp(run)
        return None

    # What is done

    def new(self) -> bool | None:
        if len(self.model) >= MOST_RUNS:
            return False
        seed = self.draw.randrange(3)
        make = told(lambda where: new_run(where, _config(seed)))
        return self.do(f"new run, seed {seed}", make, self.model, Known(seed))

    def train(self) -> bool | None:
        id = self.one_of([id for id in self.here if not self.model[id].finished])
        if id is None:
            return False
        parent = Workspace(self.at).find(id).record.parent or {}
        kept = tuple(step for step in range(EVERY, STEPS + 1, EVERY) if step >= int(parent.get("step", 0)))
        after = {**self.model, id: replace(self.model[id], finished=True, step=STEPS, checkpoints=kept)}
        return self.do(f"train {id}", lambda where: _train(where, id), after)

    def rename(self) -> bool | None:
        id, name = self.one_of(self.finished), self.new_name()
        return False if id is None else self.change(id, "rename", id, name, name=name)

    def tag(self) -> bool | None:
        id, word = self.one_of(self.here), self.draw.choice(WORDS)
        if id is None:
            return False
        tags = self.model[id].tags
        return self.change(id, "tag", id, word, tags=tags if word in tags else (*tags, word))

    def untag(self) -> bool | None:
        id = self.one_of([id for id in self.here if self.model[id].tags])
        if id is None:
            return False
        first, *left = self.model[id].tags
        return self.change(id, "tag", id, "--remove", first, tags=tuple(left))

    def note(self) -> bool | None:
        id, word = self.one_of(self.here), self.draw.choice(WORDS)
        return False if id is None else self.change(id, "note", id, word, note=word)

    def star(self) -> bool | None:
        id = self.one_of(self.here)
        if id is None:
            return False
        off = ["--off"] if self.model[id].starred else []
        return self.change(id, "star", id, *off, starred=not off)

    def delete(self) -> bool | None:
        id = self.one_of(self.here) if len(self.here) > 1 else None
        return False if id is None else self.change(id, "delete", id, in_bin=True)

    def restore(self) -> bool | None:
        id = self.one_of(self.binned)
        return False if id is None else self.change(id, "restore", id, in_bin=False)

    def empty_bin(self) -> bool | None:
        if not self.binned:
            return False
        after = {id: self.model[id] for id in self.here}
        return self.do("bin --empty", command("bin", "--empty"), after, here=True)

    def fork(self) -> bool | None:
        id = self.one_of(self.finished) if len(self.model) < MOST_RUNS else None
        steps = [step for step in self.model[id].checkpoints if step < STEPS] if id is not None else []
        if not steps:
            return False
        step, name = self.draw.choice(steps), self.new_name()
        make = told(lambda where: fork_rewind.fork(Workspace(where), run_in(where, str(id)), step, {}, name))
        return self.do(f"fork {id} at {step}", make, self.model, Known(self.model[str(id)].seed, parent=id))

    def rewind_and_train(self) -> bool | None:
        """Back, and again to the end: the same run."""
        parents = {known.parent for known in self.model.values()}
        id = self.one_of([id for id in self.finished if id not in parents])
        steps = [step for step in self.model[id].checkpoints if step < STEPS] if id is not None else []
        if not steps:
            return False
        return self.do(f"rewind {id} and train", lambda where: _again(where, str(id), steps[0]), self.model)

    def tell(self) -> None:
        """The command line tells the truth."""
        self.said.append("runs and bin")
        self.done.count.note(True, None)
        rows = {what: _rows(command(what, "--json"), self.at) for what in ("runs", "bin")}
        told = {row["run"]: (tuple(row["tags"]), row["note"] or "", row["starred"]) for row in rows["runs"]}
        assert told == {id: (one.tags, one.note, one.starred) for id, one in self.model.items() if not one.in_bin}
        assert {row["name"]: row["status"] for row in rows["runs"]} == self.listed
        assert sorted(row["run"] for row in rows["bin"]) == self.binned

    def star_in_the_console(self) -> bool | None:
        id = self.one_of(self.here)
        if id is None:
            return False
        self.said.append(f"star {id} in the console")
        self.done.count.note(True, None)
        self.console.press("/")
        self.console.wait_for(lambda text: any(line.startswith(" / ") for line in text.splitlines()))
        self.console.press(f"id:{id}", "enter")
        name = Workspace(self.at).find(id).summary().name
        # The key takes away what is seen: it is pressed once that is what there is.
        starred = not self.model[id].starred
        self.console.wait_for(lambda text: _listed(text).keys() == {name} and (STAR in _list(text)[0]) != starred)
        self.console.press("*")
        self.console.wait_for(lambda _: Annotations.read(self.at / id).starred == starred)
        self.console.press("escape")
        expected = {**self.model, id: replace(self.model[id], starred=starred)}
        self.model, self.listed = seen(self.at)
        assert self.model == expected, f"there is {self.model}, and should be {expected}"
        return None

    def kill_the_console(self) -> None:
        self.said.append("kill the console")
        self.done.count.note(True, None)
        self.console.kill()
        self.open()


THINGS: dict[Callable[[Walk], bool | None], float] = {
    Walk.new: 2, Walk.train: 3, Walk.fork: 2, Walk.rewind_and_train: 1, Walk.rename: 3, Walk.tag: 3, Walk.untag: 2,
    Walk.note: 3, Walk.star: 3, Walk.delete: 2, Walk.restore: 2, Walk.empty_bin: 1, Walk.tell: 3,
    Walk.star_in_the_console: 1, Walk.kill_the_console: 0.5,
}  # fmt: skip
"""What can be done, and how often. A console's start takes as long as ten other things."""


def run(folder: Path, seed: int, most: int) -> Iterator[Count]:
    """Do about so many things in walks, on every processor. Each walk has a seed, with which it can be done alone."""
    draw, steps = random.Random(seed), min(LENGTH, most)
    seeds = [seed, *(draw.getrandbits(31) for _ in range(round(most / steps) - 1))]
    # Two for each processor: half of the time they wait for a screen.
    lanes = min(2 * (os.cpu_count() or 1), len(seeds))
    # Each in a process of its own: the faults of a process and its children are counted together.
    with ProcessPoolExecutor(lanes, multiprocessing.get_context("spawn")) as pool:
        begun = [pool.submit(_walk, folder, one, steps) for one in seeds]
        for at in range(0, len(begun), BLOCK):
            yield _together([walked.result() for walked in begun[at : at + BLOCK]])


def _walk(folder: Path, seed: int, steps: int) -> Done:
    # What is killed is a child of this process: what it loads is loaded once.
    load()
    own = Path(tempfile.mkdtemp(dir=folder))
    walk = Walk(own, random.Random(seed))
    try:
        walk.go(steps)
    except Exception:
        told = "\n".join([traceback.format_exc(), "What was done:", *walk.said[-TOLD:]])
        walk.done.count.failures.append(Failure(told, f"walks --seed {seed} --most {steps}"))
    finally:
        walk.console.kill()
        shutil.rmtree(own)
    return walk.done


def _together(walked: list[Done]) -> Count:
    looks = [seconds for done in walked for seconds in done.seen_after]
    killed, slowest = sum(done.killed for done in walked), max(looks, default=0.0)
    count = Count(f"walks: {killed:,} killed, seen within {slowest:.1f} s")
    for done in walked:
        count.tried += done.count.tried
        count.met += done.count.met
        count.failures += done.count.failures
    late = sum(seconds > TRUE_SECONDS for seconds in looks)
    if late > len(looks) / 20:
        count.failures.append(Failure(f"{late} of {len(looks)} looks", f"not true in {TRUE_SECONDS} s"))
    return count


def _here(work: Callable[[], int]) -> tuple[int | None, str]:
    """Work in this process; return the exit status, and what was written."""
    written = io.StringIO()
    with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written):
        status = work()
    return status, written.getvalue()


def _rows(work: Work, at: Path) -> list[dict[str, Any]]:
    status, said = _here(lambda: work(at))
    assert status == 0, said
    return [json.loads(line) for line in said.splitlines()]


def _listed(screen: str) -> dict[str, str]:
    """Return the status of each run in a console's list, by its name."""
    return {words[2]: words[1] for words in map(_words, _list(screen))}


def _list(screen: str) -> list[str]:
    """Return the lines of a console's list, below its titles."""
    lines = screen.splitlines()
    top = next((number for number, line in enumerate(lines) if " status " in line and " name " in line), len(lines))
    return [*takewhile(lambda line: len(_words(line)) > 2 and _words(line)[0] not in "╭│╰", lines[top + 1 :])]


def _words(line: str) -> list[str]:
    # A star and a note's sign stand before the status.
    return line.replace(STAR, " ").replace("¶", " ").split()


def _config(seed: int) -> Any:
    return small(train__seed=seed, train__steps=STEPS, train__checkpoint_every=EVERY)


@cache
def _right(seed: int) -> bytes:
    """The weights of a seed's run that nobody touched."""
    with tempfile.TemporaryDirectory() as folder:
        weights: bytes = train_here(_config(seed), Path(folder) / "runs")[1][1]
    return weights


def _train(at: Path, id: str) -> int:
    return worker.main([str(Workspace(at).find(id).folder)])


def _again(at: Path, id: str, step: int) -> int:
    made = command("rewind", id, "--step", str(step))(at)
    return made or _train(at, id)


def _stamp(run: Run) -> object:
    """What differs once somebody wrote to a run; what is said about it is not among it."""
    found = []
    for file in run.folder.rglob("*"):
        # A store that a console has open has files beside it, which may go meanwhile.
        if not file.name.startswith("annotations.") and not file.name.endswith("-shm"):
            with contextlib.suppress(FileNotFoundError):
                facts = file.stat()
                found.append((str(file), facts.st_ino, facts.st_size, facts.st_mtime_ns))
    return sorted(found)


def _problem(found: Model, before: Model, after: Model, makes: Known | None, *, killed: bool) -> str | None:
    made = [id for id in found if id not in before]
    expected = dict(after)
    if makes is not None and made:
        expected[made[0]] = makes
    if found == expected and (killed or makes is None or made):
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
