"""Presets of one's own: written, read again, refused; and runs of several seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqsum import presets
from seqsum.errors import UserError
from seqsum.own_presets import PresetExistsError, save_preset
from seqsum.presets import all_presets, load_preset
from seqsum.runs import Run, Workspace
from seqsum.several import start_seeds


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("seqsum.plugins.user_folder", lambda: tmp_path)
    return tmp_path


def test_every_configuration_comes_back_as_it_was_written(home: Path) -> None:
    words = {"title": 'T "quoted" \\ é 日本', "description": "d\nmore", "look_for": "l"}
    for preset in all_presets():
        changes = {"optim.clip_norm": "0.5", "track.tags": "a, b c", "train.keep_checkpoints": "3"}
        config = preset.config.changed(changes, "test")
        path = save_preset("mine", config, **words, overwrite=True)
        found = load_preset("mine")
        assert found.config == config and path == home / "presets" / "mine.toml"
        assert (found.title, found.description) == ('T "quoted" \\ é 日本', "d more")
    assert "mine" in presets.preset_names() and [entry.name for entry in path.parent.iterdir()] == ["mine.toml"]


def test_names_that_can_not_be_used_are_refused_and_nothing_is_overwritten_unasked(home: Path) -> None:
    config = load_preset("baseline").config
    for name in ("", "../x", "a/b", ".x", "a b", "x" * 61, "baseline", "BaseLine", "a.toml", "-x"):
        with pytest.raises(UserError, match=r"^name: "):
            save_preset(name, config, "t", "d", "l")
    path = save_preset("mine", config, "t", "d", "l")
    with pytest.raises(PresetExistsError, match='a preset "mine" already'):
        save_preset("mine", config.changed({"train.steps": 5}, "test"), "t", "d", "l")
    assert load_preset("mine").config == config
    save_preset("mine", config.changed({"train.steps": 5}, "test"), "t", "d", "l", overwrite=True)
    assert load_preset("mine").config.train.steps == 5
    path.parent.joinpath("mine.toml").unlink()
    path.parent.rmdir()
    path.parent.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(UserError, match="can't write"):
        save_preset("mine", config, "t", "d", "l")


class Queue:
    def __init__(self) -> None:
        self.queued: list[Run] = []

    def submit(self, run: Run, queue: bool = False) -> int:
        assert queue
        self.queued.append(run)
        return 1


def test_several_seeds_are_one_group_and_wait_for_their_turn(tmp_path: Path) -> None:
    workspace, launcher = Workspace(tmp_path), Queue()
    config = load_preset("sota").config.changed({"train.seed": 7, "train.steps": 50}, "test")
    runs = start_seeds(workspace, launcher, "sota", config, 3)  # type: ignore[arg-type]
    assert [run.id for run in launcher.queued] == [run.id for run in runs]
    assert [run.record.name for run in runs] == ["sota seed 7", "sota seed 8", "sota seed 9"]
    for seed, run in zip((7, 8, 9), runs, strict=True):
        assert run.config() == config.changed({"train.seed": seed, "track.group": "sota ×3"}, "test")
    again = start_seeds(workspace, launcher, "sota", config, 2, "x")  # type: ignore[arg-type]
    assert {run.config().track.group for run in again} == {"x ×2"}
    more = start_seeds(workspace, launcher, "sota", config, 3)  # type: ignore[arg-type]
    assert {run.config().track.group for run in more} == {"sota ×3 (2)"}, "not into the first one's"
    with pytest.raises(UserError, match=r"train\.seed: must leave room for 3 seeds"):
        last = config.changed({"train.seed": 2**32 - 2}, "test")
        start_seeds(workspace, launcher, "sota", last, 3)  # type: ignore[arg-type]
