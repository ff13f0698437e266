"""Asking a run that trains costs it little: one checkpoint for all who ask within a moment, whatever they ask from."""

import asyncio
import os

import pytest

from seqsum.errors import UserError
from seqsum.runs import Run
from seqsum.runs.checkpoint_files import age_of_newest, folder_of, steps_saved
from seqsum_tui.query.session import FRESH_SECONDS, Session


def source_of(run: Run, step: int | None = None) -> Session:
    session = Session(run, lambda folder: [], step)
    session.summary = run.summary()
    return session


def age(run: Run, seconds: float) -> None:
    """Have the newest checkpoint be so old."""
    path = folder_of(run.checkpoints, steps_saved(run.checkpoints)[-1])
    written = path.stat().st_mtime - seconds
    os.utime(path, (written, written))
    assert age_of_newest(run.checkpoints) > seconds - 1


@pytest.mark.parametrize("sources", [1, 2], ids=["one asks", "panel and screen ask"])
async def test_all_who_ask_within_a_moment_cost_one_checkpoint(scene, work, sources):
    run = scene.run(status="running", step=700, alive=False)
    worker = work(run)
    asking = [source_of(run) for _ in range(sources)]
    told: list[str] = []
    for session in asking:
        await asyncio.gather(*(session.save_now(told.append) for _ in range(5)))
    assert worker.done == [("snapshot", {"kept": False})] and told == ["saving a checkpoint of now…"]
    with run.store() as store:
        store.set_state(step=800)
    age(run, FRESH_SECONDS + 1)
    for session in asking:
        await session.save_now(told.append)
    assert worker.done == [("snapshot", {"kept": False})] * 2 == [("snapshot", {"kept": False})] * len(told)


async def test_a_checkpoint_that_the_run_wrote_itself_is_fresh_enough(scene, work):
    run = scene.run(status="running", step=700, alive=False)
    worker = work(run)
    (run.checkpoints / "step-600").mkdir(parents=True)
    await source_of(run).save_now(pytest.fail)
    assert worker.done == []


async def test_what_is_asked_as_it_was_and_a_run_that_has_ended_save_nothing(scene, work):
    run = scene.run(status="running", step=700, alive=False)
    worker = work(run)
    (run.checkpoints / "step-600").mkdir(parents=True)
    age(run, 3600)
    await source_of(run, 600).save_now(pytest.fail)
    worker.end("finished")
    await source_of(run).save_now(pytest.fail)
    assert worker.done == []
    with pytest.raises(UserError, match="nothing to ask: run"):
        await source_of(scene.run(status="stopped", step=700)).save_now(pytest.fail)
