"""What a launcher is: this machine's processes and the engines of clusters stand behind the same calls."""

from __future__ import annotations

import shlex
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from seqsum.errors import UserError
from seqsum.runs import Run, Summary

if TYPE_CHECKING:
    from seqsum.config import TrainConfig

RUN = "RUN"
"""Stands for a run's id in a command that is shown before there is a run."""


class HandOverRefused(UserError):
    """An engine takes no run that is handed over.

    reason: what it says of that; left: what is left of the runs, and what can be done with them.
    """

    def __init__(self, reason: str, left: str) -> None:
        super().__init__(f"{reason}; {left}")
        self.reason = reason


class Launcher(Protocol):
    """Starts workers. A run is found again through its folder, whose files say what it does and how it goes; an engine
    adds what they can't know: that a worker waits for its turn, or will be started again."""

    name: str
    outlives: bool
    """Whether workers go on when the program that submitted them has ended."""

    def capacity(self) -> int:
        """Return how many workers can run side by side here."""
        ...

    def command(self, workspace: Path, runs: int, train: TrainConfig, queue: bool = False) -> str:
        """Return what starts so many new runs of this workspace, as it would be typed: one or several lines.

        train: how each trains. queue: as `submit` has it. Starts nothing.
        """
        ...

    def submit(self, run: Run, queue: bool = False) -> int | None:
        """Start a worker for the run and return its process id, None where an engine starts it later; raise UserError
        if one is at it already, if the run is finished, or if the engine refuses it.

        With `queue` the worker waits for its turn: at most `capacity` queued runs train side by side, first come first.
        """
        ...

    def together(self) -> AbstractContextManager[None]:
        """Hand what is submitted inside over at its end, as one; raise HandOverRefused there if the engine refuses
        it."""
        ...

    def poll(self, run: Run) -> Summary:
        """Return what the run is doing now, as far as its files and the engine know: one that waits in the engine, or
        will be started again by it, is queued; one that was lost has died."""
        ...

    def holds(self, run: Run) -> bool:
        """Tell whether a queued run will be started without being submitted again."""
        ...

    def stop(self, run: Run, cause: str = "") -> None:
        """Ask the run to save and stop, or take it out of the engine's queue; return at once. cause: what asks for it,
        as the run's reason names it."""
        ...

    def warm(self) -> None:
        """Get ready for a worker that will be wanted soon; return soon. Raises UserError where there can't be one."""
        ...

    def cool(self) -> None:
        """Let go of what `warm` holds; workers go on."""
        ...

    def close(self) -> None:
        """Let go of what the launcher holds; workers go on, where the engine lets them."""
        ...


def cores_of(run: Run) -> int:
    """Return how many cores a run keeps busy."""
    train = run.record.setting("train")
    return train.whole("threads", 1) * train.whole("processes", 1)


def worker_command(module: str, folder: Path | str, *arguments: str) -> list[str]:
    """Return the command of a worker's process."""
    # -P: a file called random.py where the user stands is not the library's.
    return [sys.executable, "-P", "-m", module, str(folder), *arguments]


def worker_environment(threads: int) -> dict[str, str]:
    """Return what a worker's process has in its environment beside what is there already."""
    return {"OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}


def typed(environment: dict[str, str], command: list[str]) -> str:
    """Return a command with its environment as it would be typed."""
    return " ".join([*(f"{name}={shlex.quote(value)}" for name, value in environment.items()), shlex.join(command)])
