"""Long walks: things done to a workspace one after the other, many of them killed on the way, each compared with a
model of it, and with what a console says that watches all the time. Hypothesis draws and shrinks them."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as draws
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from campaign.faults import KILLS, Fault, child
from campaign.operations import command, run_in, told, whole
from campaign.report import Count, Failure
from seqsum import worker
from seqsum.control import fork_rewind
from seqsum.runs import Run, Workspace
from seqsum.runs.annotations import Annotations
from support.engine import new_run, small, train_here
from tests.bench.console import environment
from tests.support.terminal import Terminal

STEPS, EVERY = 100, 25
LENGTH = 60
"""Things done in one walk; then another begins in an empty workspace."""
MOST_RUNS = 6
TRUE_SECONDS = 3.0
"""After that a console shows what there is."""
Model = dict[str, "Known"]
Kill = tuple[int, Fault] | None
kills = draws.none() | draws.none() | draws.tuples(draws.integers(1, 120), draws.sampled_from(KILLS))
picks = draws.integers(0, 1000)
words = draws.sampled_from(["a", "b b", "é", "0"])


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
class Done:
    """What was done in all walks, and how it was seen."""

    count: Count
    killed: int = 0
    seen_after: list[float] = field(default_factory=list)
    right: dict[int, Any] = field(default_factory=dict)
    """The weights of a seed's run that nobody touched."""


class Walk(RuleBasedStateMachine):
    """A workspace, a console that watches it, and people who do things in it by the command line or that console."""

    folder: Path
    done: Done

    def __init__(self) -> None:
        super().__init__()
        self.own = Path(tempfile.mkdtemp(dir=self.folder))
        self.at = self.own / "runs"
        self.at.mkdir()
        self.open()

    def open(self) -> None:
        console = [sys.executable, "-m", "seqsum_tui", "--workspace", str(self.at)]
        self.console = Terminal(console, environment(self.own), 150, 30)

    def teardown(self) -> None:
        self.console.kill()
        shutil.rmtree(self.own)

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

    def has(self, what: str) -> bool:
        return bool(getattr(self, what))

    # What is done

    def do(self, work: Callable[[Path], int], after: Model, kill: Kill, makes: Known | None = None) -> None:
        """Do one thing in a process of its own that may be killed; `after` is what there is when it is done, `makes` a
        run that it makes."""
        before = self.model
        end = child(lambda: work(self.at), *(kill or (0, None)))
        found = self.model = seen(self.at)
        self.done.killed += end.status is None
        problem = None if end.status in (0, None) else f"it ended with {end.status}: {end.said[-200:]}"
        problem = problem or _problem(found, before, after, makes, killed=end.status is None)
        problem = problem or _damage(self.at, found, self.done.right, self.folder)
        self.done.count.note(True, None)
        assert problem is None, problem

    def change(self, id: str, work: Callable[[Path], int], kill: Kill, **changes: Any) -> None:
        self.do(work, {**self.model, id: replace(self.model[id], **changes)}, kill)

    @initialize(number=draws.integers(0, 2))
    def first(self, number: int) -> None:
        self.model: Model = {}
        self.new(number, None)

    @precondition(lambda self: len(self.model) < MOST_RUNS)
    @rule(number=draws.integers(0, 2), kill=kills)
    def new(self, number: int, kill: Kill) -> None:
        config = small(train__seed=number, train__steps=STEPS, train__checkpoint_every=EVERY)
        self.do(told(lambda where: new_run(where, config)), self.model, kill, Known(number))

    @precondition(lambda self: len(self.finished) < len(self.here))
    @rule(pick=picks, kill=kills)
    def train(self, pick: int, kill: Kill) -> None:
        waiting = [id for id in self.here if not self.model[id].finished]
        id = waiting[pick % len(waiting)]
        at_end = {"finished": True, "step": STEPS, "checkpoints": _all_from(self.at, id)}
        self.change(id, lambda where: _train(where, id), kill, **at_end)

    @precondition(lambda self: self.has("finished"))
    @rule(pick=picks, number=draws.integers(0, 10**6), kill=kills)
    def rename(self, pick: int, number: int, kill: Kill) -> None:
        id, name = self.finished[pick % len(self.finished)], f"n{number}"
        if all(run.name != name for run in Workspace(self.at).summaries()):
            self.change(id, command("rename", id, name), kill, name=name)

    @precondition(lambda self: self.has("here"))
    @rule(pick=picks, word=words, kill=kills)
    def tag(self, pick: int, word: str, kill: Kill) -> None:
        id = self.here[pick % len(self.here)]
        tags = self.model[id].tags
        self.change(id, command("tag", id, word), kill, tags=tags if word in tags else (*tags, word))

    @precondition(lambda self: any(self.model[id].tags for id in self.here))
    @rule(pick=picks, kill=kills)
    def untag(self, pick: int, kill: Kill) -> None:
        tagged = [id for id in self.here if self.model[id].tags]
        id = tagged[pick % len(tagged)]
        first, *left = self.model[id].tags
        self.change(id, command("tag", id, "--remove", first), kill, tags=tuple(left))

    @precondition(lambda self: self.has("here"))
    @rule(pick=picks, word=words, kill=kills)
    def note(self, pick: int, word: str, kill: Kill) -> None:
        id = self.here[pick % len(self.here)]
        self.change(id, command("note", id, word), kill, note=word)

    @precondition(lambda self: self.has("here"))
    @rule(pick=picks, kill=kills)
    def star(self, pick: int, kill: Kill) -> None:
        id = self.here[pick % len(self.here)]
        off = ["--off"] if self.model[id].starred else []
        self.change(id, command("star", id, *off), kill, starred=not off)

    @precondition(lambda self: len(self.here) > 1)
    @rule(pick=picks, kill=kills)
    def delete(self, pick: int, kill: Kill) -> None:
        id = self.here[pick % len(self.here)]
        self.change(id, command("delete", id), kill, in_bin=True)

    @precondition(lambda self: self.has("binned"))
    @rule(pick=picks, kill=kills)
    def restore(self, pick: int, kill: Kill) -> None:
        id = self.binned[pick % len(self.binned)]
        self.change(id, command("restore", id), kill, in_bin=False)

    @precondition(lambda self: self.has("binned"))
    @rule(kill=kills)
    def empty_bin(self, kill: Kill) -> None:
        self.do(command("bin", "--empty"), {id: self.model[id] for id in self.here}, kill)

    @precondition(lambda self: self.has("finished") and len(self.model) < MOST_RUNS)
    @rule(pick=picks, kill=kills)
    def fork(self, pick: int, kill: Kill) -> None:
        id = self.finished[pick % len(self.finished)]
        known = self.model[id]
        steps = [step for step in known.checkpoints if step < STEPS]
        if steps:
            step = steps[pick % len(steps)]
            fork = told(lambda where: fork_rewind.fork(Workspace(where), run_in(where, id), step, {}))
            self.do(fork, self.model, kill, Known(known.seed, parent=id))

    @precondition(lambda self: self.has("finished"))
    @rule(pick=picks, kill=kills)
    def rewind_and_train(self, pick: int, kill: Kill) -> None:
        """Back, and again to the end: the same run."""
        id = self.finished[pick % len(self.finished)]
        steps = [step for step in self.model[id].checkpoints if step < STEPS]
        if steps and not any(other.parent == id for other in self.model.values()):
            self.do(lambda where: _again(where, id, steps[0]), self.model, kill)

    @precondition(lambda self: self.has("here"))
    @rule(pick=picks)
    def star_in_the_console(self, pick: int) -> None:
        id = self.here[pick % len(self.here)]
        self.console.press("/")
        self.console.wait_for(lambda text: any(line.startswith(" / ") for line in text.splitlines()))
        self.console.press(f"id:{id}", "enter")
        others = {_name(run) for run in Workspace(self.at).runs() if run.id != id}
        self.console.wait_for(lambda text: others.isdisjoint(_listed(text)) and len(_listed(text)) == 1)
        self.console.press("*")
        starred = not self.model[id].starred
        self.console.wait_for(lambda _: Annotations.read(self.at / id).starred == starred)
        self.console.press("escape")
        expected = {**self.model, id: replace(self.model[id], starred=starred)}
        self.model = seen(self.at)
        self.done.count.note(True, None)
        assert self.model == expected

    @rule()
    def kill_the_console(self) -> None:
        self.console.kill()
        self.open()
        self.console.wait_for(lambda text: bool(_listed(text)))
        self.done.count.note(True, None)

    @invariant()
    def the_console_tells_the_truth(self) -> None:
        if not self.has("model"):
            return
        runs = {_name(run): run.summary().status for run in Workspace(self.at).runs()}
        began = time.monotonic()
        self.console.wait_for(lambda text: _listed(text) == runs)
        self.done.seen_after.append(time.monotonic() - began)


def _name(run: Run) -> str:
    return run.summary().name


def _listed(screen: str) -> dict[str, str]:
    """Return the status of each run in a console's list, by its name."""
    lines = screen.splitlines()
    top = next((number for number, line in enumerate(lines) if " status " in line and " name " in line), len(lines))
    found = {}
    for line in lines[top + 1 :]:
        # A star and a note's sign stand before the status.
        words = line.replace("★", " ").replace("¶", " ").split()
        if len(words) < 3 or words[0] in "╭│╰":
            break
        found[words[2]] = words[1]
    return found


def run(folder: Path, seed_: int, most: int) -> Iterator[Count]:
    """Do about so many things in walks; a third of them may be killed on the way."""
    done = Done(Count("walks"))
    walk = seed(seed_)(type("Walk", (Walk,), {"folder": folder, "done": done}))
    length = max(min(LENGTH, most // 2), 1)
    how = settings(
        # The first walk is the dullest there is.
        max_examples=most // length + 1,
        stateful_step_count=length,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    try:
        run_state_machine_as_test(walk, settings=how)
    except Exception as error:
        steps = "\n".join(getattr(error, "__notes__", ()))
        done.count.failures.append(Failure(f"{type(error).__name__}: {error}\n{steps}", "a walk"))
    late = sum(seconds > TRUE_SECONDS for seconds in done.seen_after)
    if late > len(done.seen_after) / 20:
        done.count.failures.append(Failure(f"{late} of {len(done.seen_after)} looks", f"not true in {TRUE_SECONDS} s"))
    slowest = max(done.seen_after, default=0.0)
    done.count.name = f"walks: {done.killed:,} killed, seen within {slowest:.1f} s"
    yield done.count


def _train(at: Path, id: str) -> int:
    return worker.main([str(Workspace(at).find(id).folder)])


def _again(at: Path, id: str, step: int) -> int:
    made = command("rewind", id, "--step", str(step))(at)
    return made or _train(at, id)


def _all_from(at: Path, id: str) -> tuple[int, ...]:
    parent = Workspace(at).find(id).record.parent or {}
    first = int(parent.get("step", 0))
    return tuple(step for step in range(EVERY, STEPS + 1, EVERY) if step >= first)


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
