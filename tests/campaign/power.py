"""The power fails: what was not forced to the disk is gone, and a run goes on with the same bits from its durable step
on at least."""

from __future__ import annotations

import io
import random
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from campaign.report import Count, Failure
from seqsum import worker
from seqsum.runs import Run
from support import power
from support.engine import new_run, outcome_of, small, train_here


def run(folder: Path, seed: int, most: int) -> Iterator[Count]:
    """Let the power fail at so many points, in runs of which each is trained in another way."""
    draw, count = random.Random(seed), Count("power failures")
    number = 0
    while count.tried < most:
        number += 1
        changes: dict[str, Any] = {
            "train__backend": draw.choice(["fused", "torch"]),
            "train__steps": draw.choice([50, 75, 100]),
            "train__checkpoint_every": draw.choice([10, 25]),
            "train__keep_checkpoints": draw.choice([None, 1, 2, 3]),
            "train__seed": draw.randrange(1000),
        }
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            for trial in _trials(folder / str(number), changes, draw, most - count.tried):
                count.note(True, trial)
        shutil.rmtree(folder / str(number))
    yield count


def _trials(folder: Path, changes: dict[str, Any], draw: random.Random, most: int) -> Iterator[Failure | None]:
    folder.mkdir()
    config = small(**changes)
    right = train_here(config, folder / "here")
    run = new_run(folder / "runs", config)
    moments = power.recorded(run.folder, lambda: worker.main([str(run.folder)]))
    tried: list[power.Tree] = []
    for number in sorted(draw.sample(range(len(moments)), min(len(moments), 30))):
        moment = moments[number]
        before = Run(folder / f"before-{number}" / run.id)
        power.write({**moment.seen, **moment.store_seen}, before.folder)
        told = before.summary().durable_step or 0
        for kept, tree in moment.left().items():
            if tree in tried or len(tried) == most:
                continue
            tried.append(tree)
            left = Run(folder / f"left-{len(tried)}" / run.id)
            power.write(tree, left.folder)
            status = worker.main([str(left.folder)])
            problem = None
            if status or outcome_of(left) != right:
                problem = f"it ends with {status}, or with other points or weights"
            else:
                with left.store() as store:
                    begun = [event for event in store.events() if event.kind in ("started", "resumed")][-1]
                if begun.step < told:
                    problem = f"it goes on at step {begun.step}, and {told} was told to be durable"
            yield Failure.of(problem, f"{kept} was kept at moment {number} of {len(moments)}, {changes}")
