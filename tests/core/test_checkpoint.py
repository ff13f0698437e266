"""Checkpoints: readable by plain PyTorch, whole or not there, damage noticed, nothing in them that could run."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from seqsum.runs.checkpoint_files import prune
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer
from support.crash import killed_at
from support.engine import PlainModel, random_batches, small, train_here
from support.trained import trained_run

FILES = ("model.safetensors", "optimizer.safetensors", "state.json", "checksums.json")


def trained(steps: int = 30, **changes: Any) -> Trainer:
    trainer = Trainer(small(**changes))
    go_on(trainer, steps)
    return trainer


def go_on(trainer: Trainer, step: int) -> None:
    while trainer.step < step:
        trainer.run_chunk([step])


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoints of steps 10, 20 and 30."""
    folder = tmp_path_factory.mktemp("saved") / "checkpoints"
    trainer = Trainer(small())
    for step in (10, 20, 30):
        go_on(trainer, step)
        trainer.save(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "checkpoints"))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_plain_modules_load_the_file_by_name_and_give_the_same_logits(cell: str, tmp_path: Path) -> None:
    trainer = trained(model__cell=cell, model__num_layers=2)
    weights = safetensors.torch.load_file(trainer.save(tmp_path) / "model.safetensors")
    plain = PlainModel(5, trainer.config.model)
    plain.load_state_dict(weights, strict=True)
    tokens, lengths, _ = (torch.from_numpy(part[0]) for part in random_batches(5, 1, 8, 1, 40))
    torch.testing.assert_close(plain(tokens, lengths), trainer.model(tokens, lengths), rtol=1e-5, atol=1e-6)


def test_it_holds_adams_two_means_for_every_parameter(tmp_path: Path) -> None:
    trainer = trained()
    optimizer = checkpoint.load(trainer.save(tmp_path)).optimizer
    names = [name for name, _ in trainer.model.named_parameters()]
    assert set(optimizer) == {"step"} | {f"{mean}.{name}" for mean in ("exp_avg", "exp_avg_sq") for name in names}
    assert optimizer["step"] == 30
    for name, parameter in trainer.model.named_parameters():
        assert optimizer[f"exp_avg.{name}"].shape == optimizer[f"exp_avg_sq.{name}"].shape == parameter.shape


def test_nothing_in_it_is_a_pickle_and_reading_it_needs_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("unpickled")

    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(module, name, refuse)
    assert Trainer.resume(checkpoint.load(folder / "step-30")).step == 30
    assert sorted(entry.name for entry in (folder / "step-30").iterdir()) == sorted(FILES)
    for name in FILES:
        data = (folder / "step-30" / name).read_bytes()
        if name.endswith(".json"):
            json.loads(data)
        else:  # safetensors: the header's length, a JSON header, bare numbers
            (length,) = struct.unpack("<Q", data[:8])
            header = json.loads(data[8 : 8 + length])
            assert max(entry["data_offsets"][1] for name, entry in header.items() if name[0] != "_") == (
                len(data) - 8 - length
            )


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "damage", ["first byte", "middle byte", "last byte", "truncated", "empty", "missing", "longer"]
)
def test_a_damaged_file_is_noticed_and_the_checkpoint_before_is_used(folder: Path, name: str, damage: str) -> None:
    path = folder / "step-30" / name
    data = bytearray(path.read_bytes())
    place = {"first byte": 0, "middle byte": len(data) // 2, "last byte": len(data) - 1}.get(damage)
    if place is not None:
        data[place] ^= 0x01
    content = {"truncated": data[: len(data) // 2], "empty": b"", "longer": data + b"x"}.get(damage, data)
    path.write_bytes(bytes(content))
    if damage == "missing":
        path.unlink()
    found, messages = checkpoint.newest(folder)
    assert found is not None and found.step == 20
    assert len(messages) == 1 and "step-30" in messages[0]


def test_of_several_damaged_ones_each_is_named(folder: Path) -> None:
    for step in (20, 30):
        (folder / f"step-{step}" / "state.json").write_text("{}")
    found, messages = checkpoint.newest(folder)
    assert found is not None and found.step == 10
    assert ["step-30" in messages[0], "step-20" in messages[1]] == [True, True]
    (folder / "step-10" / "model.safetensors").unlink()
    found, messages = checkpoint.newest(folder)
    assert found is None and len(messages) == 3


def test_what_is_not_a_checkpoint_is_passed_over(folder: Path) -> None:
    (folder / "step-x").mkdir()
    (folder / "step-²").mkdir()
    (folder / "step-40").mkdir()
    (folder / "step-50").write_text("a file")
    found, messages = checkpoint.newest(folder)
    assert found is not None and found.step == 30
    assert len(messages) == 2
    assert checkpoint.newest(folder / "nowhere") == (None, [])


def test_keep_checkpoints_keeps_the_newest(tmp_path: Path) -> None:
    trainer = Trainer(small(train__keep_checkpoints=2))
    for step in (9, 11, 100):
        go_on(trainer, step)
        trainer.save(tmp_path)
    assert checkpoint.steps_saved(tmp_path) == [11, 100]
    assert checkpoint.load(tmp_path / "step-11").step == 11


def test_saving_the_same_step_again_replaces_it(folder: Path) -> None:
    trainer = Trainer.resume(checkpoint.load(folder / "step-30"))
    trainer.change("optim.lr", "0.5")
    trainer.save(folder)
    assert checkpoint.steps_saved(folder) == [10, 20, 30]
    assert checkpoint.load(folder / "step-30").state["config"]["optim"]["lr"] == 0.5
    assert sorted(entry.name for entry in folder.iterdir()) == ["step-10", "step-20", "step-30"]


@pytest.mark.parametrize("what", ["a new step", "the same step again", "a new step, pruning"])
def test_a_save_killed_at_any_moment_leaves_the_old_checkpoint_or_the_new_one(
    saved: Path, tmp_path: Path, what: str
) -> None:
    trainer = Trainer.resume(checkpoint.load(saved / "step-30"))
    trainer.change("optim.lr", "0.25")
    if what != "the same step again":
        go_on(trainer, 31)
    if "pruning" in what:
        trainer.change("train.keep_checkpoints", "1")
    moment, seen = 0, set()
    while True:
        moment += 1
        folder = Path(shutil.copytree(saved, tmp_path / str(moment)))
        killed = killed_at(moment, lambda folder=folder: trainer.save(folder))
        checkpoint.tidy(folder)  # as the worker does that goes on
        for step in checkpoint.steps_saved(folder)[-1:]:
            checkpoint.load(folder / f"step-{step}")
        found, messages = checkpoint.newest(folder)
        assert found is not None and messages == [], f"killed at {moment}: {messages}"
        is_new = found.state["config"]["optim"]["lr"] == 0.25
        assert found.step == (trainer.step if is_new else 30)
        assert not list(folder.glob(".*")), "nothing half-made is left lying about"
        seen.add(is_new)
        trainer.save(folder)
        assert checkpoint.newest(folder)[0] is not None
        if not killed:
            break
    assert is_new and seen == {True, False} and moment > 8


def test_a_full_disk_leaves_the_checkpoint_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer.resume(checkpoint.load(folder / "step-30"))
    go_on(trainer, 35)
    calls = 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        trainer.save(folder)
    assert sorted(entry.name for entry in folder.iterdir()) == ["step-10", "step-20", "step-30"]


def test_pruning_that_is_killed_leaves_no_half_checkpoint(tmp_path: Path) -> None:
    run = trained_run(tmp_path, 10, 20)
    for moment in itertools.count(1):
        folder = Path(shutil.copytree(run.checkpoints, tmp_path / str(moment)))
        killed = killed_at(moment, lambda folder=folder: prune(folder, 1, 10, ()))
        steps = checkpoint.steps_saved(folder)
        assert steps in ([10, 20], [20])
        for step in steps:
            checkpoint.load(folder / f"step-{step}")
        checkpoint.tidy(folder)
        assert not list(folder.glob(".*"))
        if not killed:
            break
    assert moment > 5 and steps == [20]


def test_a_reader_finds_one_while_a_worker_saves_and_prunes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer.resume(checkpoint.load(folder / "step-30"))
    trainer.change("train.keep_checkpoints", "1")
    real = checkpoint.load

    def load(path: Path) -> checkpoint.Checkpoint:
        if trainer.step == 30:
            go_on(trainer, 31)
            trainer.save(folder)
        return real(path)

    monkeypatch.setattr(checkpoint, "load", load)
    found, messages = checkpoint.newest(folder)
    assert found is not None and found.step == 31 and messages == []


def test_damaged_ones_set_aside_no_longer_count(folder: Path) -> None:
    (folder / "step-30" / "state.json").write_text("{}")
    checkpoint.set_aside(folder, 20)
    checkpoint.set_aside(folder, 20)
    assert checkpoint.steps_saved(folder) == [10, 20]
    prune(folder, 1, 10, ())
    found, messages = checkpoint.newest(folder)
    assert found is not None and found.step == 20 and messages == []


def test_an_unchanged_checkpoint_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    config = small(train__steps=20)
    assert train_here(config, tmp_path / "a") == train_here(config, tmp_path / "b")
