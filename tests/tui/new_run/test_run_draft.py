"""A draft against the schema it edits: changes, errors, presets under changes, the equal command line."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from seqsum import registry
from seqsum.config import Config, resolved
from seqsum.presets import load_preset
from seqsum.runs import Workspace
from seqsum.schema import setting
from seqsum.tasks.base import Batches, Examples, Inputs, Task, TaskConfig
from seqsum_tui.live.reader import against_preset
from seqsum_tui.new_run.draft import RunDraft
from seqsum_tui.new_run.preset_list import detail


class OtherConfig(TaskConfig):
    """Another task."""

    name: Literal["other"] = setting("other", "the task")
    max_length: int = setting(7, "longest", ge=1, le=9)
    window: int = setting(4, "numbers seen at once", ge=2)
    shuffled: bool = setting(False, "in another order each time")


class OtherTask(Task[OtherConfig]):
    config_type: ClassVar[type[TaskConfig]] = OtherConfig
    title = "[u]Other[/u]"
    answer = "class"

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        raise NotImplementedError

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        raise NotImplementedError

    def parse(self, text: str) -> Inputs:
        raise NotImplementedError


@pytest.fixture
def other_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.TASKS, "other", OtherTask)


@pytest.fixture
def draft() -> RunDraft:
    return RunDraft(load_preset("baseline"))


def test_an_untouched_draft_is_the_preset(draft: RunDraft) -> None:
    assert draft.config == load_preset("baseline").config
    assert not draft.changes and not draft.problems and draft.wrong == 0


def test_a_change_gives_that_configuration_and_no_other(draft: RunDraft) -> None:
    draft.set("train.steps", "3000")
    draft.set("optim.clip_norm", "0.5")
    draft.set("track.tags", "a, b")
    expected = load_preset("baseline").config.plain()
    expected["train"]["steps"] = 3000
    expected["optim"]["clip_norm"] = 0.5
    expected["track"]["tags"] = ["a", "b"]
    assert draft.config is not None and draft.config.plain() == expected
    assert draft.changes == ("optim.clip_norm", "train.steps", "track.tags")


def test_every_wrong_field_is_named_and_there_is_no_configuration(draft: RunDraft) -> None:
    draft.set("train.steps", "abc")
    draft.set("model.hidden_size", "0")
    assert draft.config is None and draft.wrong == 2
    assert list(draft.problems) == ["model.hidden_size", "train.steps"]
    assert "whole number" in draft.problems["train.steps"]
    assert "at least 1" in draft.problems["model.hidden_size"]


def test_an_error_can_stand_at_a_field_that_was_not_touched(draft: RunDraft) -> None:
    draft.set("task.min_length", "9")
    assert list(draft.problems) == ["task.max_length"]
    draft.set("task.max_length", "9")
    assert not draft.problems


def test_another_way_to_write_the_same_value_is_no_change(draft: RunDraft) -> None:
    draft.set("optim.lr", "1e-3")
    draft.set("train.steps", "20000.0")
    assert draft.changes == () and draft.text("optim.lr") == "1e-3"
    draft.choose(load_preset("sota"))
    assert draft.text("optim.lr") == "0.005", "what was no change must not count against another preset"


def test_own_changes_stay_on_top_of_another_preset(draft: RunDraft) -> None:
    draft.set("train.steps", "3000")
    draft.set("model.hidden_size", "32")
    draft.choose(load_preset("sota"))
    expected = load_preset("sota").config.changed({"train.steps": "3000"}, "test")
    assert draft.config == expected
    assert draft.changes == ("train.steps",), "sota has 32 units already"


def test_a_wrong_value_is_not_lost_with_the_preset(draft: RunDraft) -> None:
    draft.set("train.steps", "abc")
    draft.choose(load_preset("sota"))
    assert draft.text("train.steps") == "abc" and draft.config is None


def test_reset_and_bring_back(draft: RunDraft) -> None:
    draft.set("train.steps", "3000")
    draft.set("train.seed", "5")
    draft.reset("train.seed")
    assert draft.changes == ("train.steps",)
    dropped = draft.reset_all()
    assert draft.config == load_preset("baseline").config
    draft.restore(dropped)
    assert draft.changes == ("train.steps",) and draft.text("train.steps") == "3000"


def test_a_configuration_of_an_earlier_run_shows_as_changes() -> None:
    config = load_preset("baseline").config.changed({"train.seed": "7", "optim.clip_norm": "1"}, "test")
    draft = RunDraft(load_preset("baseline"), config)
    assert draft.config == config and set(draft.changes) == {"train.seed", "optim.clip_norm"}


@pytest.mark.usefixtures("other_task")
def test_another_task_brings_its_own_fields_and_keeps_the_first_one_s_changes(draft: RunDraft) -> None:
    draft.set("task.modulus", "7")
    draft.set("train.steps", "3000")
    draft.set("task.name", "other")
    names = [facts.name for facts in draft.fields if facts.section == "task"]
    assert names == ["name", "max_length", "window", "shuffled"]
    assert draft.text("task.max_length") == "7", "the other task's own default, not the preset's 5"
    assert draft.changes == ("task.name", "train.steps") and draft.kept_aside == 1
    draft.set("task.window", "6")
    assert draft.config == Config.parse({"task": {"name": "other", "window": 6}, "train": {"steps": 3000}}, "test")
    assert draft.command(Path("/w")).startswith("seqsum train baseline --task.name other --task.window 6 --train.steps")
    draft.set("task.name", "sum_modulo")
    assert draft.config == Config.parse({"task": {"modulus": 7}, "train": {"steps": 3000}}, "test")


@pytest.mark.usefixtures("other_task")
def test_errors_beside_a_changed_task_name_only_what_is_wrong(draft: RunDraft) -> None:
    draft.set("task.name", "other")
    draft.set("task.window", "1")
    assert list(draft.problems) == ["task.window"] and draft.changes == ("task.name", "task.window")


@pytest.mark.parametrize("task", ["dates", "forecast"])
def test_a_model_that_can_t_answer_the_task_is_told_at_its_name_and_both_keep_their_fields(
    draft: RunDraft, task: str
) -> None:
    """`forecast` can be answered by the preset's model, `dates` only by one that writes."""
    draft.set("task.name", task)
    paths = [facts.path for facts in draft.fields]
    assert ("task.window" in paths) == (task == "forecast") and "model.cell" in paths
    assert list(draft.problems) == ([] if task == "forecast" else ["model.name"])
    if task == "dates":
        assert "encoder_decoder" in draft.problems["model.name"]
    draft.set("model.name", "encoder_decoder")
    paths = [facts.path for facts in draft.fields]
    assert "model.attention" in paths and "model.form" not in paths
    assert list(draft.problems) == ([] if task == "dates" else ["model.name"])
    if task == "dates":
        assert draft.config is not None and draft.config == load_preset("baseline").config.changed(
            {"task.name": "dates", "model.name": "encoder_decoder"}, "test"
        )
        assert draft.text("model.hidden_size") == "64", "that model's own default"


def test_the_command_line_reads_back_as_the_same_run(draft: RunDraft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSUM_WORKSPACE", "/runs")
    draft.set("train.steps", "3000")
    draft.set("track.tags", "it's, $HOME `x`")
    draft.set("track.group", "-dash")
    draft.name = 'a "name" & more'
    words = shlex.split(draft.command(Path("/runs")))
    assert words[:3] == ["seqsum", "train", "baseline"]
    assert words[3:] == [
        "--train.steps", "3000", "--track.group=-dash", "--track.tags", "it's, $HOME `x`", "--name", 'a "name" & more',
    ]  # fmt: skip
    assert shlex.split(draft.command(Path("/else where")))[-2:] == ["--workspace", "/else where"]


def test_off_is_written_out_in_the_command_line(draft: RunDraft) -> None:
    draft = RunDraft(load_preset("baseline"), None)
    own = load_preset("baseline")
    with_clip = type(own)(
        own.name, own.title, own.description, own.look_for, own.config.changed({"optim.clip_norm": 1}, "t")
    )
    draft.choose(with_clip)
    draft.set("optim.clip_norm", "off")
    assert "--optim.clip_norm off" in draft.command(Path("/w"))


def test_a_name_that_can_not_be_used_says_why(draft: RunDraft) -> None:
    draft.name = "x" * 201
    assert draft.name_problem is not None and draft.wrong == 1
    draft.name = "optim.lr=0.1"
    assert draft.name_problem == '"optim.lr=0.1" looks like a setting; it has a line of its own in the form'
    draft.name = "  "
    assert draft.name_problem is None


def test_fields_that_do_not_count_are_not_shown_and_a_change_to_them_waits(draft: RunDraft) -> None:
    def shown() -> set[str]:
        return {facts.path for facts in draft.fields}

    assert "optim.beta1" in shown() and not shown() & {"optim.momentum", "schedule.step_size", "track.project"}
    draft.set("optim.name", "sgd")
    assert "optim.momentum" in shown() and "optim.beta1" not in shown()
    draft.set("optim.momentum", "0.9")
    assert draft.changes == ("optim.name", "optim.momentum")
    draft.set("optim.name", "adam")
    assert draft.changes == () and draft.kept_aside == 1
    assert draft.config == load_preset("baseline").config
    draft.set("optim.name", "rmsprop")
    assert draft.config is not None and draft.config.optim.momentum == 0.9
    draft.set("model.cell", "lstm")
    assert "model.nonlinearity" not in shown()
    draft.choose(load_preset("sunspots_ar"))
    draft.reset_all()
    assert not [path for path in shown() if path.startswith(("optim.", "schedule."))] and "model.order" in shown()


def test_a_run_of_epochs_started_and_run_again_has_no_changes(tmp_path: Path) -> None:
    started, _ = resolved(load_preset("counting_rnn").config, "test")
    run = Workspace(tmp_path).create("counting_rnn", started)
    assert against_preset(run)[1] == {}
    again = RunDraft(load_preset("counting_rnn"), run.config())
    assert again.changes == () and again.config == load_preset("counting_rnn").config
    assert "train.steps" not in {facts.path for facts in again.fields}
    again.set("train.epochs", "off")
    again.set("train.steps", "50")
    assert again.config is not None and again.config.train.steps == 50 and again.problems == {}


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [("baseline", {}, 3), ("baseline", {"train.steps": 99, "optim.lr": 0.5}, 3),
     ("baseline", {"task.max_length": 9}, 2),
     ("baseline", {"task.name": "tagging"}, 0), ("sunspots_gru", {"task.file": "own.csv"}, 0),
     ("sunspots_gru", {"task.horizon": 2}, 2)],
)  # fmt: skip
def test_what_a_preset_says_is_said_of_its_own_data_and_task_only(
    name: str, changes: dict[str, Any], told: int, tmp_path: Path
) -> None:
    preset = load_preset(name)
    run = Workspace(tmp_path / "runs").create(name, preset.config.changed(changes, "test"))
    words = (preset.title, preset.description, preset.look_for)
    assert against_preset(run)[0] == (*words[:told], *[""] * (3 - told))


def test_what_a_preset_sets_leaves_out_what_it_leaves_empty() -> None:
    told = detail(load_preset("sunspots_gru")).plain.partition("What it sets")[2]
    assert "task.window 24" in told and "task.input_columns" not in told and "task.known_columns" not in told
