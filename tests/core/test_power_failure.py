"""The power fails at any point of a run: it goes on with the same bits and whole curves, from `durable_step` on at
least."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from seqsum import worker
from seqsum.control import fork_rewind
from seqsum.runs import Run, Workspace
from seqsum.runs.checkpoint_files import steps_saved
from seqsum.worker import writing
from support import power
from support.command_line import call, lines
from support.engine import new_run, outcome_of, small, train_here

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks up what is forced to the disk")

BEHIND = {"train__backend": "fused", "train__keep_checkpoints": 2}
RUNS = 5
WAITING = {"train__backend": "torch", "train__steps": 50, "train__keep_checkpoints": 1, "train__early_stop": 100}


@pytest.mark.parametrize("how", [BEHIND, WAITING], ids=["saved behind the loop", "saved in the loop"])
def test_it_goes_on_with_the_same_bits_and_no_hole(
    how: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "WRITE_SECONDS", 0.0)  # the whole run would be one writing
    config = small(**how)
    right = train_here(config, tmp_path / "here")
    tried: list[power.Tree] = []
    fell_back: set[str] = set()

    def fail_at_each_moment(number: int) -> None:
        run = new_run(tmp_path / f"runs-{number}", config)
        for moment in power.recorded(run.folder, lambda: worker.main([str(run.folder)])):
            before = Run(Path(tempfile.mkdtemp(dir=tmp_path)) / run.id)
            power.write({**moment.seen, **moment.store_seen}, before.folder)
            told, newest = before.summary().durable_step or 0, steps_saved(before.checkpoints)[-1:]
            for kept, tree in moment.left().items():
                if tree in tried:
                    continue
                tried.append(tree)
                left = Run(tmp_path / f"left-{len(tried)}" / run.id)
                power.write(tree, left.folder)
                assert worker.main([str(left.folder)]) == 0
                assert outcome_of(left) == right, f"{kept} was kept of what was not forced"
                with left.store() as store:
                    begun = [event for event in store.events() if event.kind in ("started", "resumed")][-1]
                    assert begun.step >= told, f"{kept} was kept of what was not forced"
                    assert store.state()["durable_step"] == config.train.steps
                if newest and 0 < begun.step < newest[0]:
                    fell_back.add(kept)

    wanted = {"all but the store"} if how is BEHIND else set()
    for number in range(RUNS):
        # A checkpoint without its points: which moments there are behind the loop is the scheduler's choice.
        if not number or not wanted <= fell_back:
            fail_at_each_moment(number)
    assert len(tried) > 20
    assert wanted <= fell_back


def test_show_tells_the_durable_step(tmp_path: Path) -> None:
    run = new_run(tmp_path, small(train__steps=50))
    show = "show", run.id, "--workspace", str(tmp_path)
    assert lines(*show)[0]["durable_step"] is None and "durable_step" not in call(*show)[1]
    assert worker.main([str(run.folder)]) == 0
    assert lines(*show)[0]["durable_step"] == 50
    assert "  durable_step 50: a power failure takes it back no further\n" in call(*show)[1]


def test_a_checkpoint_that_a_fork_copies_is_forced_to_the_disk(tmp_path: Path) -> None:
    run = new_run(tmp_path / "runs", small(train__steps=50))
    assert worker.main([str(run.folder)]) == 0
    forced: set[int] = set()
    with pytest.MonkeyPatch.context() as patch:
        real = os.fsync
        patch.setattr(os, "fsync", lambda file: (forced.add(os.fstat(file).st_ino), real(file)))
        child = fork_rewind.fork(Workspace(tmp_path / "runs"), run, 25, {})
    copied = child.checkpoints / "step-25"
    for path in (copied, copied.parent, *copied.iterdir()):
        assert path.stat().st_ino in forced, path
