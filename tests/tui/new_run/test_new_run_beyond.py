"""Beyond one start now: the list of changes, presets of one's own, the queue, several seeds, size and time."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from textual.events import Key
from textual.widgets import Input, OptionList

from seqsum.cli.arguments import parse
from seqsum.control.replicate import parse_seeds
from seqsum.estimate import Estimate
from seqsum.formatting import roughly
from seqsum.glossary import SOURCES
from seqsum.presets import load_preset
from seqsum.runs import Workspace
from seqsum_tui.new_run.changes_dialog import ChangesScreen
from seqsum_tui.new_run.draft import RunDraft
from seqsum_tui.new_run.estimate_line import said
from seqsum_tui.new_run.save_preset_dialog import SavePresetScreen
from support.new_run import NOT_YET, SIZES, NewRunApp, ready, type_into, until

at_every_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


@at_every_size
async def test_changes_are_a_list_from_which_one_goes_to_a_field_or_takes_back(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    config = load_preset("sota").config.changed(
        {"train.seed": 9, "train.steps": 50, "track.description": "長い説明 [b]x[/b] " * 20}, "test"
    )
    app = NewRunApp(tmp_path, preset="sota", config=config)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.screen, ChangesScreen))
        listed = app.screen.query_one(OptionList)
        await until(pilot, lambda: listed.option_count == 3)
        lines = [str(listed.get_option_at_index(at).prompt) for at in range(3)]
        assert [line.split()[1] for line in lines] == ["train.seed", "train.steps", "track.description"]
        assert lines[1].split()[2:] == ["20000", "→", "50"] and "[b]x[/b]" in lines[2]
        await pilot.press("delete")
        await until(pilot, lambda: listed.option_count == 2)
        await pilot.press("enter")
        await until(pilot, lambda: app.form.current is not None and app.form.current.facts.path == "train.steps")
        assert app.new_run.draft.changes == ("train.steps", "track.description")
        assert not app.line("train.seed").startswith("●")


@at_every_size
async def test_settings_are_kept_as_a_preset_and_the_form_goes_on_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr("seqsum.plugins.user_folder", lambda: tmp_path)
    app = NewRunApp(tmp_path / "runs")
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await type_into(pilot, "train.steps", "3000")
        for name, time in (("baseline", 1), ("mine", 1), ("mine", 2)):
            await pilot.press("f4")
            await until(pilot, lambda: isinstance(app.screen, SavePresetScreen))
            box, said = app.screen.query_one("#name", Input), app.screen.query_one("#said")
            box.value = name
            await pilot.press("enter")
            if name == "baseline":
                await until(pilot, lambda said=said: "not yours" in str(said.render()))
                assert all(app.screen.region.contains_region(part.region) for part in app.screen.query("#dialog *"))
                await pilot.press("escape")
            elif time == 2:
                await until(pilot, lambda said=said: "enter again writes over it" in str(said.render()))
                await pilot.press("enter")
            await until(pilot, lambda: app.screen is app.new_run)
            if name == "mine":
                assert app.new_run.draft.changes == () and "mine" in app.presets.shown
                await type_into(pilot, "train.seed", "4")
        assert app.new_run.draft.changes == (), "the preset has that seed now"
    saved = load_preset("mine")
    assert saved.config == load_preset("baseline").config.changed({"train.steps": 3000, "train.seed": 4}, "test")


async def test_one_is_queued_several_seeds_are_too(tmp_path: Path) -> None:
    app = NewRunApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        seeds = app.new_run.query_one("#seeds", Input)
        seeds.focus()
        await pilot.press("end", "0", "2", "5")
        await until(pilot, lambda: "1 error" in app.text("#state"))
        await pilot.press("f5", *("backspace",) * 4)
        assert app.focused is seeds and "a whole number" not in app.text("#state")
        await pilot.press("3")
        await until(pilot, lambda: "seqsum replicate baseline --seeds 0-2" in app.text("#command"))
        await pilot.press("f5")
        await until(pilot, lambda: app.result is not NOT_YET)
    assert app.result is None and len(app.launcher.queued) == 3 and app.launcher.submitted == []
    assert sorted(run.config().train.seed for run in Workspace(tmp_path).runs()) == [0, 1, 2]
    alone = NewRunApp(tmp_path)
    async with alone.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("f7")
        await until(pilot, lambda: alone.result is not NOT_YET)
    assert [run.config() for run in alone.launcher.queued] == [load_preset("baseline").config]


async def test_a_refusal_is_said_without_the_word_of_a_command(tmp_path: Path) -> None:
    theirs = load_preset("baseline").config.changed({"track.group": "baseline", "optim.lr": 0.5}, "test")
    Workspace(tmp_path).create("baseline", theirs, "of another")
    app = NewRunApp(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        app.new_run.query_one("#seeds", Input).value = "3"
        await until(pilot, lambda: app.new_run.draft.seeds == 3)
        await pilot.press("f5")
        await until(pilot, lambda: "choose another group" in app.text("#message"))
        said = app.text("#message")
        assert 'the group "baseline" has runs with optim.lr 0.5, not 0.001' in said and "replicate" not in said
    assert app.result is NOT_YET or app.result is None


def test_the_command_of_several_seeds_starts_the_same_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path))
    draft = RunDraft(load_preset("sota"))
    draft.seeds_typed = "3"
    draft.set("train.seed", "7")
    draft.set("track.description", "a `b` 'c'")
    arguments = shlex.split(draft.command(tmp_path))
    asked = parse(arguments[1:])
    assert list(parse_seeds(asked.seeds)) == list(draft.seed_range) == [7, 8, 9]
    assert asked.changes == {"track.description": "a `b` 'c'"} and asked.group == draft.group
    draft.name = "it's $HOME"
    assert parse(shlex.split(draft.command(tmp_path))[1:]).group == "it's $HOME"


async def test_keys_that_arrive_together_edit_in_their_order(tmp_path: Path) -> None:
    app = NewRunApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        seeds = app.new_run.query_one("#seeds", Input)
        seeds.focus()
        await pilot.pause()
        for key, character in (("ctrl+a", "\x01"), ("ctrl+k", "\x0b"), ("7", "7"), ("left", None), ("1", "1")):
            app.post_message(Key(key, character))
        await until(pilot, lambda: app.new_run.draft.seeds == 17)


async def test_size_and_time_are_told_of_what_is_on_the_screen(tmp_path: Path) -> None:
    app = NewRunApp(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await until(pilot, lambda: "728 parameters" in app.text("#estimate") and "a guess" in app.text("#estimate"))
        await type_into(pilot, "model.hidden_size", "32")
        embedding, layer, head = 11 * 10, 32 * (10 + 32 + 2), 10 * 33
        await until(pilot, lambda: f"{embedding + layer + head:,} parameters" in app.text("#estimate"))
        await type_into(pilot, "model.hidden_size", "x")
        await until(pilot, lambda: app.text("#estimate").strip() == "")


def test_a_guess_says_no_more_than_it_knows() -> None:
    times = {0.2: "1s", 7.7: "8s", 43.0: "45s", 80: "1m20s", 700: "12m", 5000: "1h20m", 200_000: "2d08h"}
    assert {seconds: roughly(seconds) for seconds in times} == times
    one = Estimate(parameters=728, steps=100, seconds=4.0, runs=3, bytes=864_320.0)
    assert said(one) == "728 parameters · about 4s, a guess from 3 earlier runs here · 864 kB of disk"
    # Seven on two cores: four after each other.
    assert "about 4s each, 15s for 7 seeds, 2 at a time, a guess" in said(one, 7, 2)
    assert said(replace(one, seconds=None), 7, 2) == "728 parameters · 7 runs, 2 at a time · 6.1 MB of disk"
    assert said(replace(one, parameters=None, bytes=None)).endswith("here")


async def test_the_documents_a_section_names_are_explained_and_linked(tmp_path: Path) -> None:
    app = NewRunApp(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        assert "(documents 1 to 5)" in str(app.form.row("model.name").parent.heading.render())
        app.form.focus_field("model.name")
        await until(pilot, lambda: "documents  5 public texts" in app.text("#help"))
        sources = {source.author: source.link for source in SOURCES if source.link}
        await until(pilot, lambda: links_in(app, "#help") == sources)
        app.form.focus_field("model.hidden_size")
        await until(pilot, lambda: "hidden_size" in app.text("#help"))
        assert "documents" not in app.text("#help"), "its own words have the room"


def links_in(app: NewRunApp, selector: str) -> dict[str, str]:
    """Return the words that lead somewhere, as drawn, and where to."""
    widget = app.new_run.query_one(selector)
    drawn = [segment for row in range(widget.size.height) for segment in widget.render_line(row)]
    return {one.text: one.style.link for one in drawn if one.style and one.style.link}


async def test_what_will_have_no_effect_is_said_below_and_at_its_field(tmp_path: Path) -> None:
    app = NewRunApp(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await until(pilot, lambda: "728 parameters" in app.text("#estimate"))
        assert app.text("#notes") == ""
        await type_into(pilot, "model.dropout", "0.5")
        await until(pilot, lambda: "! model.dropout 0.5 has no effect" in app.text("#notes"))
        assert "! model.dropout 0.5 has no effect" in app.text("#help")
        await type_into(pilot, "train.threads", "2")
        words = "! computed by torch, not by compiled code: train.threads is 2"
        await until(pilot, lambda: words in app.text("#notes"))
        await type_into(pilot, "optim.name", "")
        await pilot.press("enter", "home", "down", "enter")
        # There is room for two.
        await until(pilot, lambda: "! and 2 more: " in app.text("#notes"))
        assert "! optim.name adamw is the same as adam" in app.text("#help")
