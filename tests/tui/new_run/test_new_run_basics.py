"""The form shows a few settings first; the others are folded away, and never out of reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqsum.presets import load_preset
from seqsum_tui.new_run.rows import Fold
from support.command_line import call
from support.new_run import BASICS, SIZES, NewRunApp, ready, type_into

at_every_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


def shown(app: NewRunApp) -> list[str]:
    return [row.facts.path for row in app.form.rows]


@at_every_size
async def test_the_basic_settings_come_first_and_the_keys_go_in_the_order_shown(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    app = NewRunApp(tmp_path)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        app.new_run.add_class("-settings")
        await pilot.pause()
        assert tuple(shown(app)) == BASICS
        await pilot.press("tab")
        tops: list[int] = []
        while app.form.stop is not None:
            tops.append(app.form.stop.virtual_region.y + app.form.stop.parent.virtual_region.y)
            await pilot.press("down")
        assert tops == sorted(tops) and len(tops) == len(BASICS) + 6, "and a fold in each section"


@pytest.mark.parametrize(
    ("preset", "more"),
    [
        ("text_classification", {"task.file", "task.tokenizer"}),
        ("counting_rnn", {"train.epochs"}),
        ("sunspots_ar", {"task.file", "model.order"}),
    ],
)
async def test_what_is_basic_follows_the_preset(tmp_path: Path, preset: str, more: set[str]) -> None:
    app = NewRunApp(tmp_path, preset)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        used = {facts.path for facts in load_preset(preset).config.used_fields()}
        assert set(shown(app)) == (set(BASICS) & used) | (more & used) and more & used


async def test_a_key_unfolds_a_section_or_all_and_it_is_remembered(tmp_path: Path) -> None:
    app = NewRunApp(tmp_path)
    used = [facts.path for facts in load_preset("baseline").config.used_fields()]
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("tab")
        while not isinstance(app.form.stop, Fold) or app.form.stop.section != "optim":
            await pilot.press("down")
        assert "momentum" not in str(app.form.stop.render()) and "weight_decay" in str(app.form.stop.render())
        await pilot.press("enter")
        assert set(shown(app)) == {*BASICS, *(path for path in used if path.startswith("optim."))}
        await pilot.press("down")
        assert app.form.current is not None and app.form.current.facts.path == "optim.name"
        await pilot.press("f9")
        assert set(shown(app)) == set(used)
        await pilot.press("f9")
        assert set(shown(app)) == {*BASICS, "optim.name"}, "the cursor loses no field"
        await pilot.click(app.form.query(Fold).first())
        assert "task.modulus" in shown(app)
    again = NewRunApp(tmp_path)
    again.kept = app.kept
    async with again.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        assert set(shown(again)) == {*BASICS, *(path for path in used if path.startswith("task."))}


async def test_what_is_changed_or_wrong_stays_in_view(tmp_path: Path) -> None:
    app = NewRunApp(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await type_into(pilot, "optim.weight_decay", "0.1")
        await type_into(pilot, "train.log_every", "x")
        await type_into(pilot, "optim.lr", "")
        assert set(shown(app)) == {*BASICS, "optim.weight_decay", "train.log_every"}
        # Shown in the order of the form, not of the changes.
        assert shown(app).index("optim.lr") < shown(app).index("optim.weight_decay") < shown(app).index("train.seed")
        await pilot.press("f6")
        assert tuple(shown(app)) == BASICS


def test_help_of_a_preset_shows_the_same_settings_first() -> None:
    status, out, _ = call("train", "baseline", "--help")
    basics = out[out.index("Basics") :].split("\n\n")[0]
    assert status == 0 and [word for word in basics.split() if word.startswith("--")] == [f"--{one}" for one in BASICS]


@pytest.mark.parametrize("size", SIZES)
async def test_what_a_field_takes_is_said_in_one_line(tmp_path, size):
    async with NewRunApp(tmp_path).run_test(size=size) as pilot:
        app = await ready(pilot)
        await pilot.press("f2", "f9")
        await pilot.pause()
        for row in app.form.rows:
            said = str(row.render()).splitlines()
            assert len(said) == 1 == row.size.height and len(said[0]) <= row.size.width, row.facts.path
            # The bounds are whole, and the unit goes first.
            behind = said[0][20 + row.editor.cells + 2 :]
            assert row.facts.bounds in behind or "…" in behind or not behind.strip(), row.facts.path
        assert "1 to 65536" in app.line("train.batch_size")
