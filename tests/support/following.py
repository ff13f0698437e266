"""Logs of other programs, followed in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from seqsum.foreign.following import Follower
from seqsum.runs import Run, Workspace


@contextmanager
def following(logs: Path, workspace: Path) -> Iterator[Follower]:
    """A follower whose turn it is."""
    follower = Follower(logs, workspace)
    try:
        assert follower.take_turn()
        yield follower
    finally:
        follower.close()


def followed(follower: Follower) -> dict[str, Run]:
    """Follow until nothing of the logs is new; return the runs by their names."""
    follower.look()
    while follower.work(0.0):
        pass
    return {one.name: one for one in Workspace(follower.workspace.folder).runs()}


@contextmanager
def follows(logs: Path, workspace: Path) -> Iterator[Callable[[], tuple[dict[str, Run], Follower]]]:
    """Have logs followed, each time until nothing of them is new, from when the first is there; each gives the runs by
    their names, and the follower."""
    with ExitStack() as open_ones:
        made: list[Follower] = []

        def follow() -> tuple[dict[str, Run], Follower]:
            if not made:
                made.append(open_ones.enter_context(following(logs, workspace)))
            return followed(made[0]), made[0]

        yield follow


def points(run: Run, metric: str) -> list[tuple[int, float]]:
    """Every point of a curve."""
    with run.store() as store:
        steps, values = store.points(metric)
    return [(int(step), value) for step, value in zip(steps, values.tolist(), strict=True)]
