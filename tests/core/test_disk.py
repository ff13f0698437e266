"""What runs take of a disk, as `du` counts it: in the list, of one, in the bin, in a filter and in an order."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from seqsum.runs import Workspace, bin, index
from seqsum.runs.disk import checkpoint_bytes, free_bytes, run_bytes, size_on_disk
from seqsum.training.trainer import Trainer
from support.command_line import call, lines, refused
from support.engine import new_run, small
from support.trained import trained_run


def du(folder: Path) -> int:
    """As the tool has it."""
    if shutil.which("du") is None:
        pytest.skip("there is no du here")
    out = subprocess.run(["du", "-s", "-B1", folder], capture_output=True, text=True, check=True).stdout
    return int(out.split()[0])


def test_a_folder_takes_what_du_says(tmp_path: Path) -> None:
    folder = trained_run(tmp_path, 10, 20, 30).folder
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "file").write_bytes(b"x" * 100_000)
    os.link(folder / "deep" / "er" / "file", folder / "the same again")
    (folder / "a link").symlink_to(tmp_path)
    with (folder / "a hole").open("wb") as file:
        file.truncate(10**9)
    assert size_on_disk(folder) == du(folder)
    assert size_on_disk(tmp_path / "nowhere") == 0


def test_what_is_free_is_told_of_a_folder_that_is_not_there_yet_too(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert free_bytes(tmp_path / "not" / "there") == pytest.approx(free, rel=0.2)


def test_the_list_one_run_and_the_bin_tell_sizes(tmp_path: Path) -> None:
    here = ("--workspace", str(tmp_path))
    small_one, large = trained_run(tmp_path, 10), trained_run(tmp_path, 10, 20, 30, 40)
    listed = {one["run"]: one["size"] for one in lines("runs", *here)}
    assert listed == {small_one.id: du(small_one.folder), large.id: du(large.folder)}
    assert lines("show", large.id, *here)[0]["size"] == du(large.folder)
    assert [one["run"] for one in lines("runs", "--sort", "size", *here)] == [large.id, small_one.id]
    between = (listed[large.id] + listed[small_one.id]) / 2000
    assert [one["run"] for one in lines("runs", "--filter", f"size > {between:.1f}kB", *here)] == [large.id]
    assert [one["run"] for one in lines("runs", "--filter", "size < 0.001GB", *here)] == [large.id, small_one.id]
    assert "e.g. 200MB or 1.5GB" in refused("runs", "--filter", "size > much", *here)
    bin.delete(large)
    binned = lines("bin", *here)
    assert [(one["run"], one["size"]) for one in binned] == [(large.id, du(tmp_path / ".bin" / large.id))]
    text = call("bin", *here)[1]
    assert "in all; seqsum bin --empty" in text and "kB" in text
    assert lines("bin", "--empty", *here) == [{"deleted": 1, "size": binned[0]["size"]}]


def test_the_files_of_a_run_that_trains_are_looked_at_every_few_seconds_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, looks = new_run(tmp_path, small()), list[str]()
    monkeypatch.setattr(index, "size_on_disk", lambda folder: looks.append(str(folder)) or len(looks))
    runs = index.Index(tmp_path)
    for step in range(5):
        with run.store() as store:
            store.set_state(step=step)
        (entry,) = runs.read(quick=True).entries
        assert (entry.summary.status, entry.summary.step) == ("queued", step)
    assert len(looks) == 1 and entry.summary.size == 1
    monkeypatch.setattr(index, "SIZE_SECONDS", 0.0)
    with run.store() as store:
        store.set_state(status="finished")
    assert runs.read().entries[0].summary.size == 2
    # Kept with the rest of what is known of it.
    assert Workspace(tmp_path).index.read().entries[0].summary.size == 2 and len(looks) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optim__name": "sgd"},
        {"optim__name": "sgd", "optim__momentum": 0.9},
        {"optim__name": "rmsprop"},
        {"optim__name": "rmsprop", "optim__momentum": 0.9},
        {"optim__name": "muon"},
        {"optim__name": "schedule_free", "schedule__name": "constant"},
        {"train__dtype": "float64"},
        {"train__dtype": "bfloat16"},
    ],
    ids=str,
)
def test_a_checkpoint_takes_what_was_told_before(changes: dict[str, object], tmp_path: Path) -> None:
    config = small(model__hidden_size=256, train__backend="torch", **changes)
    trainer = Trainer(config)
    trainer.run_chunk([2])
    trainer.save(tmp_path / "checkpoints")
    taken = size_on_disk(tmp_path / "checkpoints" / f"step-{trainer.step}")
    assert checkpoint_bytes(config, trainer.parameters) == pytest.approx(taken, rel=0.05)


def test_more_steps_take_more_of_the_disk_until_old_checkpoints_go() -> None:
    def taken(**changes: object) -> float:
        return run_bytes(small(train__checkpoint_every=10, **changes), 10**6)

    one = checkpoint_bytes(small(), 10**6)
    assert taken(train__steps=1000) == pytest.approx(41 * one, rel=0.01)
    assert taken(train__steps=10_000, train__keep_checkpoints="off") == pytest.approx(1000 * one, rel=0.01)
    few = taken(train__steps=10_000, train__keep_checkpoints=2)
    assert taken(train__steps=10_000, train__keep_checkpoints=3) - few == pytest.approx(one, rel=0.01)
    assert taken(train__steps=10_000, train__keep_checkpoints=2, train__keep_best=True) - few == pytest.approx(
        one, rel=0.01
    )
    assert few == pytest.approx(3 * one, rel=0.1)  # and the points
