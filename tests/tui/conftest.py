"""A workspace of runs in every state, written through the real store, with nobody training."""

from __future__ import annotations

import asyncio
import difflib
import math
import os
import re
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy import SnapshotAssertion
from syrupy.exceptions import SnapshotDoesNotExist
from textual.pilot import Pilot
from textual.strip import Strip

import seqsum_tui.rooms  # noqa: F401  # with the rooms imported the list is there at once
from seqsum.config import Config
from seqsum.launch import WarmLauncher
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.lock import take_lock
from support.screens import listed, screen_strips, screen_text

NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def _nothing_is_loaded_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening the form would load PyTorch in a process beside every test."""
    monkeypatch.setattr(WarmLauncher, "warm", lambda self: None)


class Scene:
    """Makes runs as a worker would have left them, or is making them (`alive` holds the worker's lock)."""

    def __init__(self, folder: Path) -> None:
        self.workspace = Workspace(folder)
        self.folder = folder
        self._locks: list[int] = []
        self._made = 0

    def run(
        self,
        preset: str = "baseline",
        name: str | None = None,
        *,
        status: str = "finished",
        step: int = 20_000,
        created: float = NOW - 300,
        changes: dict[str, str] | None = None,
        log: str = "",
        alive: bool | None = None,
        **state: object,
    ) -> Run:
        """Make a run with curves up to `step`."""
        config: Config = load_preset(preset).config.changed(changes or {}, "test")
        run = self._backdated(self.workspace.create(preset, config, name), created)
        with run.store() as store:
            store.append(points(step, config))
            store.add_event(0, "started", pid=4711)
            store.set_state(
                status=status, step=step, pid=4711, updated=created + 60, train_seconds=step / 4000,
                steps_per_second=4000.0, **state,
            )  # fmt: skip
        if log:
            run.log.write_text(log, encoding="utf-8")
        if alive if alive is not None else status in ("queued", "starting", "running", "paused"):
            self.hold(run)
        return run

    def hold(self, run: Run) -> int:
        """Take the run's lock, as its worker does; return the descriptor."""
        lock = take_lock(run.folder)
        assert lock is not None
        self._locks.append(lock)
        return lock

    def release(self, lock: int) -> None:
        """Let a lock go, as the kernel does for a worker that ended."""
        self._locks.remove(lock)
        os.close(lock)

    def close(self) -> None:
        for lock in self._locks:
            os.close(lock)

    def _backdated(self, run: Run, created: float) -> Run:
        """Give the run an id, a time and facts that are the same on every machine and every day."""
        self._made += 1
        when = datetime.fromtimestamp(created, UTC)
        id = f"{when:%Y%m%d-%H%M%S}-run{self._made}"
        record = replace(
            run.record, id=id, created=when.isoformat(timespec="milliseconds"), host="box", git_commit=None,
            versions={"python": "3.11"}, parameters=746, command="seqsum-tui", directory="/home/ada",
        )  # fmt: skip
        moved = Run(run.folder.rename(run.folder.with_name(id)))
        with moved.store() as store:
            store.keep_copy("run.json", "")  # that of the id it had
            record.write(moved.folder, store)
        return moved


def points(step: int, config: Config) -> Iterator[tuple[str, int, float]]:
    """A plausible training: chance until step 4,000, then the loss falls and accuracy climbs."""
    for at in range(100, step + 1, 100):
        learned = 1 / (1 + math.exp(-(at - 6000) / 1200))
        wobble = 0.04 * math.sin(at / 130) + 0.03 * math.sin(at / 47)
        yield "loss", at, 2.303 * (1 - 0.85 * learned) * (1 + wobble)
        yield "train_accuracy", at, min(1.0, max(0.0, 0.1 + 0.82 * learned + wobble))
        yield "lr", at, 1e-4 + 9e-4 * (1 + math.cos(math.pi * at / config.train.steps)) / 2
        if at % 500 == 0:
            yield "accuracy", at, 0.1 + 0.85 * learned


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "runs")
    yield made
    made.close()


@pytest.fixture
def still() -> Callable[[], float]:
    """A clock that stands still."""
    return lambda: NOW


class FakeWorker:
    """Holds a run's lock and answers its commands, as a worker between two chunks does, without training."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.done: list[tuple[str, dict[str, object]]] = []
        self.refuse: str | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        lock = take_lock(run.folder)
        assert lock is not None
        self._lock = lock
        self._thread.start()

    def end(self, status: str | None = None) -> None:
        """Write a last status, if there is one, and let the lock go; without one the run has died."""
        if status is not None:
            with self.run.store() as store:
                store.set_state(status=status)
        self._end.set()
        self._thread.join(10)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None  # type: ignore[assignment]

    def _work(self) -> None:
        with self.run.store() as store:
            while not self._end.wait(0.01):
                for command in store.pending_commands():
                    self._do(command.id, command.verb, command.arguments)

    def _do(self, id: int, verb: str, arguments: dict[str, object]) -> None:
        with self.run.store() as store:
            if self.refuse is not None:
                store.finish_command(id, False, self.refuse)
                return
            self.done.append((verb, arguments))
            step = int(store.state()["step"])
            if verb == "snapshot":
                (self.run.checkpoints / f"step-{step}").mkdir(exist_ok=True)
            if verb == "set":
                changes = {**store.state()["changes"], str(arguments["field"]): arguments["value"]}
                store.set_state(changes=changes)
                store.add_event(step, "set", field=arguments["field"], old="0.001", new=arguments["value"])
            status = {"pause": "paused", "resume": "running", "stop": "stopped"}.get(verb)
            if status is not None:
                store.set_state(status=status)
            store.finish_command(id, True, f"{verb} done", step=step)
        if verb == "stop":
            self._end.set()
            os.close(self._lock)
            self._lock = None  # type: ignore[assignment]


@pytest.fixture
def work() -> Iterator[Callable[[Run], FakeWorker]]:
    """Start a fake worker for a run that `scene` made with alive=False."""
    workers: list[FakeWorker] = []

    def start(run: Run) -> FakeWorker:
        workers.append(FakeWorker(run))
        return workers[-1]

    yield start
    for worker in workers:
        worker.end()


Until = Callable[[Pilot[None], Callable[[], object]], Awaitable[None]]


@pytest.fixture
def until() -> Until:
    """Wait until a condition holds while the app goes on; fail after a long while."""

    async def wait(pilot: Pilot[None], condition: Callable[[], object]) -> None:
        deadline = asyncio.get_running_loop().time() + 200
        while asyncio.get_running_loop().time() < deadline:
            await pilot.pause()
            if condition():
                await pilot.pause()
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the condition did not come true")  # an `Exception`: it ends the app, too

    return wait


@pytest.fixture
def still_for(until: Until) -> Callable[[Pilot[None]], Awaitable[str]]:
    """Wait until the screen has stayed as it is for a while; return what it shows."""

    async def wait(pilot: Pilot[None]) -> str:
        shown, since = "", monotonic()

        def stays() -> bool:
            nonlocal shown, since
            before, shown = shown, screen_text(pilot.app)
            since = since if before == shown else monotonic()
            return monotonic() - since > QUIET

        await until(pilot, stays)
        return shown

    return wait


Pictures = Callable[..., Awaitable[None]]
MOMENT, LATE = 0.03, 3.0
"""For how many seconds a picture stays the same before it is taken for the last: the one that is kept, and another."""
QUIET = 0.3
"""For how many seconds a screen stays the same before it is taken for settled."""
SIZES = [(120, 40), (200, 60), (80, 24), (60, 20)]


def told_apart(expected: str, drawn: str) -> list[str]:
    """Return the first pieces of text that one of two pictures has and the other not."""
    one, other = (re.findall(r">([^<>]+)</text>", picture) for picture in (expected, drawn))
    return [line for line in difflib.unified_diff(one, other, lineterm="", n=0) if line[0] != "@"][2:12]


@pytest.fixture
def pictures(snapshot: SnapshotAssertion, until: Until) -> Pictures:
    """Compare what is on the screen with its pictures at four sizes, in one run of the console."""
    kept = snapshot.use_extension(SVGImageExtension)

    def kept_as(name: str) -> str | None:
        try:
            found = kept.extension.read_snapshot(test_location=kept.test_location, index=name, session_id=name)
        except SnapshotDoesNotExist:
            return None
        return str(found)

    async def compare(
        pilot: Pilot[None], settled: Callable[[], object] = lambda: True, sizes: Sequence[tuple[int, int]] = SIZES
    ) -> None:
        """settled: whether everything that is worked out beside the screen is there, at the present size."""
        wrong = []
        for width, height in sizes:
            await pilot.resize_terminal(width, height)
            name = f"{width}x{height}"
            expected, drawn, since = kept_as(name), "", 0.0
            strips: list[Strip] = []

            def still(expected: str | None = expected) -> bool:
                """Whether it stays as it is: for long where it is other than expected, as a thread may be late."""
                nonlocal strips, drawn, since
                now, last, strips = monotonic(), strips, screen_strips(pilot.app)
                changed = last != strips
                if changed:
                    drawn = pilot.app.export_screenshot()
                if changed or not settled():
                    since = now
                return now - since > (MOMENT if drawn == expected else LATE)

            await until(pilot, still)
            if kept(name=name) != drawn:
                wrong.append(f"{name}: {told_apart(expected or '', drawn)}")
        assert not wrong, "other pictures than those kept: --snapshot-update after looking"

    return compare


SERVER = """
import json, os, sys
mode = sys.argv[1]
def say(id, kind, asked, said, truth, shares):
    text = {"input": str(asked) if kind != "class" else " ".join(map(str, asked)), "prediction": str(said),
            "truth": None if truth is None else str(truth)}
    answer = {"input": asked, "prediction": said, "truth": truth, "correct": None if truth is None else said == truth,
              "probabilities": shares, "entropy": None, "remarks": []}
    reply = {"id": id, "ok": True, "checkpoint_step": 3000, "kind": kind, "text": text, "answer": answer}
    print(json.dumps(reply), flush=True)
if mode == "not ready":
    print(json.dumps({"ready": False, "error": "query: run x has no checkpoint"}), flush=True)
    raise SystemExit(1)
ready = {"ready": True, "checkpoint_step": 3000, "input_hint": "numbers from 0 to 9"}
print(json.dumps({**ready, **({"samples": True, "empty": True} if mode == "writes" else {})}), flush=True)
for line in sys.stdin:
    ask = json.loads(line)
    if mode == "dies":
        os._exit(9)
    if mode == "babbles":
        print("this is not JSON", flush=True)
        continue
    if mode == "writes":
        say(ask["id"], "continuation", ask["input"], "|" + str(ask.get("temperature")), None, [])
        continue
    words = ask["input"].split()
    if not all(word.isdigit() for word in words):
        error = f"input: [red]{words[0]}[/] is not a number"
        print(json.dumps({"id": ask["id"], "ok": False, "error": error}), flush=True)
        continue
    numbers = [int(word) for word in words]
    prediction = sum(numbers) % 10
    spread = [0.01] * 10
    spread[prediction] = 0.91
    print(json.dumps({"id": ask["id"] - 1, "ok": True, "answer": {}}), flush=True) if mode == "echoes" else None
    say(ask["id"], "class", numbers, prediction, prediction, spread)
"""


@pytest.fixture
def query_server(tmp_path: Path) -> Callable[[str], Callable[[Path], list[str]]]:
    """Return the command of a query server that needs no torch: `mode` says how well it behaves."""
    script = tmp_path / "server.py"
    script.write_text(SERVER, encoding="utf-8")
    return lambda mode: lambda folder: [sys.executable, str(script), mode]


@pytest.fixture
def watch(console, until):
    """Open the live view of a run, with the test's own `console`."""
    from seqsum_tui.live.screen import LiveScreen

    async def open_it(pilot, run):
        await until(pilot, lambda: listed(console))
        console.screen.open_run(run.id)
        await until(pilot, lambda: isinstance(console.screen, LiveScreen) and console.screen.view is not None)

    return open_it
