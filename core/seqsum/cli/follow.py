"""Following a run from the command line: a progress bar in a terminal, plain lines or JSON Lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from seqsum import formatting
from seqsum.cli.output import reached, run_line, say, say_json, verdict_plain
from seqsum.cli.signals import Signals
from seqsum.formatting import duration
from seqsum.launch import Launcher
from seqsum.runs import Run, Summary
from seqsum.text import one_line

POLL_SECONDS = 0.1
LINE_SECONDS = 2.0
NARROW = 80


class Follower:
    """Shows a run until its worker is done with it."""

    def __init__(self, run: Run, as_json: bool, launcher: Launcher, signals: Signals | None = None) -> None:
        """signals: those that ask to stop."""
        self.run, self.launcher = run, launcher
        self.as_json = as_json
        self.signals = Signals() if signals is None else signals
        self._after: dict[str, float] = {}
        self._heard = 0

    def follow(self) -> Summary:
        """Return the run's last summary."""
        self.say_messages()
        bar = not self.as_json and sys.stdout.isatty()
        self._with_bar() if bar else self._with_lines()
        self.say_messages()
        return self.run.summary(judged=True)

    def wait_for_upload(self, seconds: float) -> None:
        """Wait for the upload that a worker began at its end, and say how it went."""
        deadline = time.monotonic() + seconds
        with self.run.store() as store:
            if store.state().get("upload", {}).get("kind") != "under_way":
                return
            if not self.as_json:
                say("uploading to SwanLab …")
            while store.state()["upload"]["kind"] == "under_way" and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
        self.say_messages()

    def say_messages(self) -> None:
        """Say what the worker had to say, each once."""
        with self.run.store() as store:
            events = store.events(self._heard, "message")
        for event in events:
            self._heard = event.id
            if self.as_json:
                say_json({"event": "message", "run": self.run.id, "step": event.step, "message": event.detail["text"]})
            else:
                say(str(event.detail["text"]))

    def stop(self) -> None:
        """Ask the worker to save and stop."""
        self.launcher.stop(self.run, self.signals.cause)

    def _summaries(self) -> Iterator[Summary]:
        asked = 0.0
        while True:
            summary = self.launcher.poll(self.run)
            if summary.step and time.monotonic() - asked > LINE_SECONDS:
                # How the data was read is to be known before the run has come to its end.
                asked = time.monotonic()
                self.say_messages()
            yield summary
            if not summary.live:
                return
            time.sleep(POLL_SECONDS)

    def _with_bar(self) -> None:
        console = Console(highlight=False)
        narrow = console.width < NARROW
        columns = (
            TextColumn("{task.fields[status]}", markup=False),
            BarColumn(bar_width=3 if narrow else None),
            TextColumn("{task.fields[done]:>4}", markup=False),
            TextColumn("{task.fields[numbers]}", markup=False),
        )
        with Progress(*columns, console=console, transient=False) as progress:
            bar = progress.add_task("", total=1.0, status="starting", done="0%", numbers="")
            for summary in self._summaries():
                status = "stopping" if self.signals and summary.live else summary.status
                parts = run_line(summary).split("  ")[1:]
                if narrow:
                    # Speed is what one misses least: it is in the time left; then the loss beside an earlier result.
                    least = ("loss ",) if any(" at step " in part for part in parts) else ()
                    parts = [part for part in parts if not part.endswith("steps/s") and not part.startswith(least)]
                numbers = "  ".join(parts)
                done = formatting.progress(summary.progress)
                share = summary.progress or 0.0
                progress.update(bar, completed=share, total=1.0, status=status, done=done, numbers=numbers)

    def _with_lines(self) -> None:
        last_line, seen = 0.0, (0, "None")
        for summary in self._summaries():
            if self.as_json:
                self._say_points()
                continue
            now, result = time.monotonic(), summary.value(summary.result) if summary.result else None
            standing = summary.step, str(result)  # as text: NaN is like itself
            # A run that has not gone on has nothing to say; one that is slow says so by its next line.
            due = now - last_line > LINE_SECONDS or standing[1] != seen[1] or not summary.live
            if due and summary.step and standing != seen:
                last_line, seen = now, standing
                say(run_line(summary))

    def _say_points(self) -> None:
        """One JSON line for each step that has points, each once."""
        rows: dict[int, dict[str, float]] = {}
        with self.run.store() as store:
            for name in store.metrics():
                steps, values = store.points(name, int(self._after.get(name, -1)))
                for step, value in zip(steps, values, strict=True):
                    rows.setdefault(int(step), {})[name] = float(value)
                if len(steps):
                    self._after[name] = float(steps[-1])
        for step in sorted(rows):
            say_json({"event": "metrics", "run": self.run.id, "step": step, "metrics": rows[step]})


@contextlib.contextmanager
def overall_bar(name: str, *, shown: bool, beside: bool = False) -> Iterator[Callable[[float, str], None]]:
    """Show how far something is; yields what sets the share that is done, 0 to 1, and words beside it.

    beside: on standard error, so that what is written on standard output stays whole; it goes when all is done
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[numbers]}", markup=False),
        TimeElapsedColumn(),
    )
    console = Console(highlight=False, stderr=beside)
    with Progress(*columns, console=console, disable=not shown, transient=beside) as progress:
        line = progress.add_task(one_line(name), total=1.0, numbers="")
        yield lambda share, words: progress.update(line, completed=share, numbers=words)


def end_status(statuses: Collection[str], signals: Sequence[int]) -> int:
    """Return the exit status of a command that has followed something to its end: 128 + N where the signal N has
    stopped it, 1 where it failed, died or was stopped by somebody else, 0 where it is finished."""
    if signals and "stopped" in statuses:
        return 128 + signals[0]
    return int(any(status != "finished" for status in statuses))


def finished_plain(summary: Summary) -> dict[str, Any]:
    """The last JSON line of `train`."""
    return {
        "event": summary.status,
        "run": summary.id,
        **{
            name: getattr(summary, name)
            for name in ("name", "status", "reason", "step", "train_seconds", "steps_per_second")
        },
        "verdict": verdict_plain(summary),
        "metrics": summary.metrics,
    }


def finished_words(summary: Summary) -> str:
    """The last line of `train` for a person."""
    numbers = ", ".join(reached(summary))
    after = duration(summary.train_seconds)
    text = f"{one_line(summary.name)} ({summary.id}): {summary.status} at step {summary.step:,} after {after}"
    if numbers:
        text += f"; {numbers}"
    if summary.reason:
        text += f"; {summary.reason}"
    if summary.verdict:
        text += f"\n{summary.verdict.word}: {summary.verdict.sentence}"
    if summary.status in ("stopped", "died", "failed"):
        text += f"\ngo on with: seqsum resume {summary.id}"
    return text
