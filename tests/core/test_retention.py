"""Which checkpoints stay by themselves: the newest, an even series over the whole run, and whatever is spared."""

from __future__ import annotations

import os
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from seqsum.config import Config
from seqsum.control.commands import pause, resume, snapshot, stop
from seqsum.errors import ConfigError
from seqsum.launch import LocalLauncher
from seqsum.launch.warm import WarmLauncher
from seqsum.runs.checkpoint_files import MODEL_FILE, prune, size_of, steps_saved
from seqsum.runs.filter import Names, parse
from seqsum.runs.index import Index
from seqsum.runs.retention import FEWEST, MOST, MOST_BYTES, NEWEST, kept, most_at_once, most_kept
from seqsum.training.trainer import Trainer
from support.command_line import lines
from support.engine import new_run, small, wait_for_end, wait_for_step

SMALL_ONE = 30_000


def as_it_trains(steps: int, every: int, size: int = SMALL_ONE, first: int = 0) -> list[int]:
    """What is there at the end of a run that saves, and deletes what goes, again and again."""
    there: list[int] = []
    for step in range(first + every, steps + 1, every):
        there = sorted(kept([*there, step], "auto", every, size))
        assert len(there) <= most_kept(size)
    return there


@pytest.mark.parametrize("saved", [1, 2, 39, 40])
def test_few_are_all_kept(saved: int) -> None:
    assert as_it_trains(saved * 1000, 1000) == [1000 * place for place in range(1, saved + 1)]


@pytest.mark.parametrize("every", [1, 7, 1000])
@pytest.mark.parametrize("saved", [41, 100, 1000, 3_456])
def test_of_many_the_newest_stay_and_an_even_series_over_the_whole_run(saved: int, every: int) -> None:
    there = as_it_trains(saved * every, every)
    assert MOST // 2 <= len(there) <= MOST and there[0] == every
    assert there[-NEWEST:] == [every * place for place in range(saved - NEWEST + 1, saved + 1)]
    gaps = [later - earlier for earlier, later in pairwise(there)]
    assert max(gaps) <= 2 * saved * every / (MOST / 2 - NEWEST), "nowhere is a part of the run without one"
    # Where nothing is denser than it has to be, all but the first are at multiples of one width.
    widest = max(gaps)
    assert all(step % widest == 0 for step in there[1 : MOST // 2 - NEWEST])


@pytest.mark.parametrize("saved", [100, 777, 5000])
def test_thinned_at_once_or_on_the_way_the_same_series_stays(saved: int) -> None:
    at_once = kept([10 * place for place in range(1, saved + 1)], "auto", 10, SMALL_ONE)
    assert at_once <= {*as_it_trains(saved * 10, 10)}


def test_a_fork_far_into_its_parent_has_a_series_of_its_own_steps() -> None:
    there = as_it_trains(1_200_000, 1000, first=1_000_000)
    assert len(there) >= MOST // 2 and there[0] == 1_001_000


def test_of_large_ones_fewer_stay_but_never_fewer_than_a_few() -> None:
    assert most_kept(186_000_000) == MOST_BYTES // 186_000_000 == 21
    assert 10 <= len(as_it_trains(10**6, 1000, 186_000_000)) <= 21
    assert len(as_it_trains(10**6, 1000, 12 * 10**9)) in (FEWEST - 1, FEWEST)


def test_steps_off_the_grid_count_as_any_other() -> None:
    there = [*range(100, 5000, 100), 4950, 4975, 4999]
    stay = kept(there, "auto", 100, SMALL_ONE)
    assert {4950, 4975, 4999} <= stay and 100 in stay and len(stay) <= MOST


@pytest.mark.parametrize(("keep", "stay"), [(None, [5, 6, 9, 12]), (1, [12]), (3, [6, 9, 12]), (100, [5, 6, 9, 12])])
def test_what_a_person_says_is_done(keep: int | None, stay: list[int]) -> None:
    assert sorted(kept([5, 6, 9, 12], keep, 1, 10**12)) == stay


@pytest.mark.parametrize("keep", ["auto", 2, None])
@pytest.mark.parametrize("steps", [1, 999, 40_000, 41_500, 1_000_000])
def test_how_many_there_are_at_once_is_known_before(keep: int | None, steps: int) -> None:
    there, most = list[int](), 0
    for step in [*range(1000, steps + 1, 1000), *([steps] if steps % 1000 else [])]:
        most = max(most, len(there) + 1)
        there = sorted(kept([*there, step], keep, 1000, SMALL_ONE))
    assert most == most_at_once(steps, keep, 1000, SMALL_ONE)


def test_it_is_the_default_and_read_from_text_and_off_keeps_all() -> None:
    assert Config().train.keep_checkpoints == "auto"
    for text, value in {"AUTO": "auto", "off": None, "7": 7, "1,000": 1000}.items():
        assert small(train__keep_checkpoints=text).train.keep_checkpoints == value
    # What an earlier version wrote down, all, stays so.
    earlier = {**Config().plain(), "train": {**Config().plain()["train"], "keep_checkpoints": None}}
    assert Config.parse(earlier, "record").train.keep_checkpoints is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("atuo", 'must be a whole number or auto, got "atuo"'),
        ("0", 'must be at least 1, got "0"'),
        ("1.5", 'must be a whole number or auto, got "1.5"'),
        ("true", 'must be a whole number or auto, got "true"'),
    ],
)
def test_what_is_neither_number_nor_word_is_told_in_one_sentence(text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        small(train__keep_checkpoints=text)
    assert caught.value.problems == [("train.keep_checkpoints", reason)]


def test_a_filter_finds_it(tmp_path: Path) -> None:
    one, two = new_run(tmp_path, small()), new_run(tmp_path, small(train__keep_checkpoints=2))
    entries = Index(tmp_path).read().entries
    for text, found in {"train.keep_checkpoints = auto": one, "train.keep_checkpoints = 2": two}.items():
        chosen = parse(text, Names.of(entries))
        assert chosen is not None
        assert [entry.summary.id for entry in entries if chosen.matches(entry, 0.0)] == [found.id]


def test_a_run_keeps_an_even_series_the_newest_the_best_and_its_list_of_events_says_no_other(
    fork_server: WarmLauncher, tmp_path: Path
) -> None:
    config = small(train__steps=600, train__checkpoint_every=2, train__evaluate_every=10, train__keep_best=True)
    run = new_run(tmp_path, config)
    fork_server.submit(run)
    assert wait_for_end(run).status == "finished"
    there = steps_saved(run.checkpoints)
    assert len(there) <= MOST + 1 and there[:1] == [2] and {596, 598, 600} <= {*there}
    with run.store() as store:
        steps, losses = store.points("eval_loss")
        told = {event.step for event in store.events(kind="checkpoint")}
    assert int(steps[losses.argmin()]) in there and told == {*there}


def test_a_snapshot_stays_though_its_step_was_saved_already(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run = new_run(tmp_path, small(train__steps=10**7, train__checkpoint_every=5, train__backend="torch"))
    fork_server.submit(run)
    wait_for_step(run, 10)
    launcher = LocalLauncher()
    pause(run)
    asked = int(snapshot(run)["step"])
    assert asked == run.summary().step, "paused, it was saved already"
    resume(run, launcher)
    wait_for_step(run, asked + 5 * 2 * MOST)
    stop(run)
    assert wait_for_end(run).status == "stopped"
    there = steps_saved(run.checkpoints)
    assert asked in there and len(there) <= MOST + 2


def test_what_was_saved_to_answer_a_question_goes_as_others_do(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run = new_run(tmp_path, small(train__steps=10**7, train__keep_checkpoints=2, train__backend="torch"))
    fork_server.submit(run)
    wait_for_step(run, 1)
    here = "--workspace", str(tmp_path)
    answered = [lines("predict", run.id, "1 2 3", *here)[0]["checkpoint_step"] for _ in range(4)]
    stop(run)
    assert wait_for_end(run).status == "stopped"
    assert len({*answered}) == 4 and not {*answered[:2]} & {*steps_saved(run.checkpoints)}


def test_one_that_a_fork_shares_and_one_that_was_asked_for_stay(tmp_path: Path) -> None:
    trainer = Trainer(small(train__checkpoint_every=1))
    folder = tmp_path / "checkpoints"
    trainer.asked.add(7)
    fork = tmp_path / "fork"
    fork.mkdir()

    def go_on(step: int) -> None:
        while trainer.step < step:
            trainer.run_chunk([trainer.step + 1])
            trainer.save(folder)
            if trainer.step == 5:
                os.link(folder / "step-5" / MODEL_FILE, fork / MODEL_FILE)

    go_on(60)
    there = {*steps_saved(folder)}
    assert {5, 7} <= there and not {3, 9, 11} & there
    # Without the fork it is one like any other; a number asks for no more than so many.
    shutil.rmtree(fork)
    go_on(100)
    assert 5 not in steps_saved(folder) and 7 in steps_saved(folder)
    prune(folder, 1, 1, {90})
    assert steps_saved(folder) == [100]


def test_the_size_of_one_is_that_of_its_files(tmp_path: Path) -> None:
    trainer = Trainer(small())
    path = trainer.save(tmp_path)
    assert size_of(path) == sum(file.stat().st_size for file in path.iterdir())
