"""Presets of one's own: written, read again, refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqsum.errors import UserError
from seqsum.presets import all_presets, library, load_preset
from seqsum.presets.own import PresetExistsError, save_preset


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
    assert "mine" in library.preset_names() and [entry.name for entry in path.parent.iterdir()] == ["mine.toml"]


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
