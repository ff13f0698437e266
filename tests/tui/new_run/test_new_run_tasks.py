"""The form over a schema with more in it than today's: another task, a switch, a long choice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Select

from seqsum import registry
from seqsum.config import OptimConfig
from seqsum.presets import DEFAULT_PRESET
from seqsum.runs import Run
from seqsum.schema import setting
from seqsum.tasks.base import Batches, Examples, Inputs, Task, TaskConfig
from seqsum_tui.shared.field_editors import ChoiceBar, ChoiceMenu
from support.new_run import NOT_YET, NewRunApp, ready, type_into, until

LONG = ("first_of_many", "second_of_many", "third_of_many", "fourth_of_many")


class OtherConfig(TaskConfig):
    """[i]Another[/i] task."""

    name: Literal["other"] = setting("other", "the task")
    window: int = setting(4, "numbers seen at once", ge=2)
    shuffled: bool = setting(False, "in another order each time")
    kind: Literal["first_of_many", "second_of_many", "third_of_many", "fourth_of_many"] = setting(
        "first_of_many", "which of many"
    )


class OtherTask(Task[OtherConfig]):
    config_type: ClassVar[type[TaskConfig]] = OtherConfig
    title = "[u]Other[/u]"
    answer = "class"
    vocabulary = classes = 7

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        raise NotImplementedError

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        raise NotImplementedError

    def parse(self, text: str) -> Inputs:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def other_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.TASKS, "other", OtherTask)


async def take_task(pilot: Pilot[None], name: str) -> None:
    """Choose a task from the list, which is too long to stand in one line."""
    await type_into(pilot, "task.name", "")
    await pilot.press("enter", "home", *["down"] * list(registry.TASKS).index(name), "enter")
    await pilot.pause()


async def test_another_task_brings_its_fields_and_takes_the_others_away(tmp_path: Path) -> None:
    app = NewRunApp(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        app.form.action_unfold_all()
        await type_into(pilot, "train.steps", "3000")
        await type_into(pilot, "task.modulus", "7")
        await take_task(pilot, "other")
        await until(pilot, lambda: app.form.row("task.window") is not None)
        await pilot.pause()
        assert app.form.row("task.modulus") is None
        assert app.form.current is not None and app.form.current.facts.path == "task.name", "the cursor stays"
        assert [row.facts.section for row in app.form.rows][:5] == ["task"] * 4 + ["model"]
        assert "1 kept for other choices" in str(app.new_run.query_one("#settings").border_subtitle)

        shuffled, kind = app.row("task.shuffled").editor, app.row("task.kind").editor
        assert isinstance(shuffled, ChoiceBar) and isinstance(kind, ChoiceMenu)
        await type_into(pilot, "task.shuffled", "")
        await pilot.press("space")
        await type_into(pilot, "task.kind", "")
        await pilot.press("enter", "down", "down", "enter")
        await type_into(pilot, "task.window", "1")
        assert "at least 2" in app.line("task.window")
        await type_into(pilot, "task.window", "6")
        await pilot.press("f5")
        await until(pilot, lambda: app.result is not NOT_YET)
    assert isinstance(app.result, Run)
    assert app.result.record.config["task"] == {
        "name": "other", "window": 6, "shuffled": True, "kind": "third_of_many",
    }  # fmt: skip
    assert app.result.record.config["train"]["steps"] == 3000


async def test_back_to_the_first_task_brings_the_change_back(tmp_path: Path) -> None:
    app = NewRunApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await type_into(pilot, "task.modulus", "7")
        await take_task(pilot, "other")
        await until(pilot, lambda: app.form.row("task.modulus") is None)
        await take_task(pilot, "sum_modulo")
        await until(pilot, lambda: app.form.row("task.modulus") is not None)
        await pilot.pause()
        editor = app.row("task.modulus").editor
        assert isinstance(editor, Input) and editor.value == "7" and app.line("task.modulus").startswith("●")
        assert app.new_run.draft.changes == ("task.modulus",)


async def test_up_and_down_pass_a_long_choice_without_opening_it(tmp_path: Path) -> None:
    app = NewRunApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await take_task(pilot, "other")
        await until(pilot, lambda: app.form.row("task.kind") is not None)
        await type_into(pilot, "task.kind", "")
        await pilot.press("down")
        assert app.form.current is not None and app.form.current.facts.path == "model.name"
        assert app.new_run.draft.text("task.kind") == LONG[0]


async def test_a_long_choice_shows_what_is_chosen(tmp_path: Path) -> None:
    app = NewRunApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        for path in ("task.name", "model.name"):
            menu = app.row(path).editor
            assert isinstance(menu, Select)
            assert menu.value == app.new_run.draft.text(path)
            assert str(menu.query_one("#label").render()) == app.new_run.draft.text(path)  # type: ignore[operator]
        assert app.new_run.draft.changes == ()


async def test_a_model_that_can_t_answer_stands_as_an_error_at_its_name(tmp_path: Path) -> None:
    app = NewRunApp(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await take_task(pilot, "dates")
        await until(pilot, lambda: app.form.row("task.first_year") is not None)
        line = " ".join(app.line("model.name").split())
        assert line.startswith("✗ name") and "encoder_decoder" in line
        await pilot.press("f5")
        await until(pilot, lambda: "1 error to put right" in app.said)
        assert app.form.current is not None and app.form.current.facts.path == "model.name"


async def test_a_data_file_that_is_missing_is_said_and_the_cursor_goes_to_it(tmp_path: Path) -> None:
    app = NewRunApp(tmp_path / "runs", preset="sunspots_lstm")
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await type_into(pilot, "task.file", str(tmp_path / "no such.csv"))
        await type_into(pilot, "train.seed", "3")
        await pilot.press("f5")
        await until(pilot, lambda: "no such.csv" in app.said)
        assert app.result is NOT_YET and app.workspace.runs() == []
        assert app.new_run.draft.changes == ("task.file", "train.seed")


async def test_presets_stand_under_their_task_plug_ins_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    (config / "seqsum" / "presets").mkdir(parents=True)
    (config / "seqsum" / "presets" / "mine.toml").write_text(
        'title = "Mine"\ndescription = "d"\nlook_for = "l"\n[task]\nname = "other"\n', encoding="utf-8"
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    app = NewRunApp(tmp_path / "runs")
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        lines = [(option.id, str(option.prompt)) for option in app.presets.options]
        assert lines[0] == (None, "Sum modulo N") and lines[1][0] == DEFAULT_PRESET
        heads = [place for place, (name, _) in enumerate(lines) if name is None]
        assert len({lines[place][1] for place in heads}) == len(heads), "each task has one heading"
        assert lines[heads[-1]][1] == "[u]Other[/u]" and lines[heads[-1] + 1][0] == "mine"

        def in_sight() -> bool:
            """Whether the line with the cursor is there, and its heading too when it is the first below it."""
            place = app.presets.highlighted
            assert place is not None
            shown = range(int(app.presets.scroll_y), int(app.presets.scroll_y) + app.presets.size.height)
            return place in shown and (place - 1 in shown or place - 1 not in heads)

        for _ in range(len(lines) - len(heads)):
            await until(pilot, in_sight)
            await pilot.press("down")
        await pilot.press("end")
        await pilot.pause()
        assert app.new_run.draft.preset.name == "mine"
        await pilot.press("home", "up")
        await pilot.pause()
        assert app.new_run.draft.preset.name == "mine", "a heading is passed over, and the list goes round"


async def test_another_optimizer_brings_its_fields_and_a_section_without_any_is_gone(tmp_path: Path) -> None:
    app = NewRunApp(tmp_path, preset="sunspots_ar")
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        app.form.action_unfold_all()
        assert {row.facts.section for row in app.form.rows} == {"task", "model", "train", "track"}
        await type_into(pilot, "model.name", "")
        await pilot.press("enter", "home", *["down"] * list(registry.MODELS).index("recurrent"), "enter")
        await until(pilot, lambda: app.form.row("optim.beta1") is not None)
        assert app.form.row("optim.momentum") is None and app.form.row("model.embedding_size") is None
        sections = list(dict.fromkeys(row.facts.section for row in app.form.rows))
        assert sections == ["task", "model", "optim", "schedule", "train", "track"]
        app.form.focus_field("optim.name")
        await until(pilot, lambda: app.row("optim.name").editor.has_focus)
        names = OptimConfig.model_fields["name"].annotation.__args__
        for name in ("adamw", "sgd"):
            # The form is made anew for each; the next key waits for it.
            await pilot.press("enter", "home", *["down"] * names.index(name), "enter")
            await until(pilot, lambda name=name: app.row("optim.name").editor.value == name)
            await until(pilot, lambda: app.row("optim.name").editor.has_focus)
        await until(pilot, lambda: app.form.row("optim.momentum") is not None)
        assert app.form.row("optim.beta1") is None
        await until(pilot, lambda: app.form.current is not None and app.form.current.facts.path == "optim.name")
