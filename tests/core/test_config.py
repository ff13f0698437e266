"""The schema of a run: defaults of the tutorial, every error at once, changes and differences."""

import json
import math
from typing import Any

import pytest

from seqsum.config import LIVE_FIELDS, Config, resolved
from seqsum.control.replicate import group_name
from seqsum.errors import ConfigError
from seqsum.presets import Preset, all_presets, load_preset
from seqsum.registry import TASKS
from seqsum.schema import as_text

SECTIONS = ("task", "model", "optim", "schedule", "train", "track")


def parse_problems(raw: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        Config.parse(raw, "p.toml")
    for (path, reason), line in zip(caught.value.problems, str(caught.value).splitlines(), strict=True):
        assert line == f"p.toml: {path}: {reason}"
    return dict(caught.value.problems)


def change_problems(changes: dict[str, Any], config: Config | None = None) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        (config or Config()).changed(changes, "set")
    return dict(caught.value.problems)


def test_the_sections_are_the_six_of_the_house_plan() -> None:
    assert tuple(Config.model_fields) == SECTIONS
    assert tuple(dict.fromkeys(field.section for field in Config().fields())) == SECTIONS


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("task.name", "sum_modulo"), ("task.modulus", 10), ("task.min_length", 2), ("task.max_length", 5),
        ("model.cell", "rnn"), ("model.nonlinearity", "tanh"), ("model.embedding_size", 10),
        ("model.hidden_size", 16), ("model.num_layers", 1),
        ("optim.name", "adam"), ("optim.lr", 1e-3), ("optim.clip_norm", None),
        ("schedule.name", "cosine"), ("schedule.min_lr", 1e-4), ("schedule.warmup_steps", 0),
        ("schedule.warmup_start", 0.01), ("schedule.cosine_period", "total_steps"),
        ("train.steps", 20_000), ("train.batch_size", 16), ("train.log_every", 100), ("train.evaluate_every", 500),
        ("train.checkpoint_every", 1000), ("train.threads", 1),
    ],
)  # fmt: skip
def test_defaults_are_the_tutorials(path: str, value: Any) -> None:
    assert Config().value(path) == value


def test_every_field_has_a_description_and_its_default_satisfies_its_bounds() -> None:
    config = Config()
    for field in config.fields():
        assert len(field.description) > 5, field.path
        assert config.value(field.path) == field.default, field.path
        assert field.kind in ("int", "float", "bool", "choice", "text", "list")
        if field.kind == "choice":
            assert field.default in field.choices
        if field.kind == "int":
            # Without a ceiling a typed number can be too large for SQLite, and end a run hours later.
            assert field.high is not None and field.high < 2**40, field.path
            assert field.unit or field.name == "seed", field.path


def test_live_fields_are_learning_rate_clipping_and_intervals() -> None:
    assert set(LIVE_FIELDS) == {
        "optim.lr", "optim.clip_norm", "optim.clip_value", "schedule.min_lr", "train.log_every", "train.evaluate_every",
        "train.checkpoint_every", "train.keep_checkpoints",
    }  # fmt: skip


def test_all_errors_of_all_sections_come_at_once() -> None:
    raw = {
        "task": {"modulus": 1, "max_length": 10_001},
        "model": {"cell": "lsmt", "hiden_size": 32},
        "optim": {"lr": 0, "beta1": 1},
        "schedule": {"warmup_start": 0},
        "train": {"batch_size": 65_537, "seed": -1, "steps": True},
        "track": 7,
        "optimm": {},
    }
    assert parse_problems(raw) == {
        "optimm": 'is no section; did you mean "optim"?',
        "task.modulus": "must be at least 2, got 1",
        "task.max_length": "must be at most 10000, got 10001",
        "model.cell": 'must be one of rnn, lstm, gru, got "lsmt"; did you mean "lstm"?',
        "model.hiden_size": 'is no field; did you mean "hidden_size"?',
        "optim.lr": "must be above 0, got 0",
        "optim.beta1": "must be at most 0.999999, got 1",
        "schedule.warmup_start": "must be above 0, got 0",
        "train.batch_size": "must be at most 65536, got 65537",
        "train.seed": "must be at least 0, got -1",
        "train.steps": 'must be a whole number, got "true"',
        "track": "must be a section with fields, got 7",
    }


@pytest.mark.parametrize(
    ("path", "inside", "outside"),
    [
        ("task.modulus", (2, 100), (1, 101)),
        ("task.max_length", (2, 10_000), (1, 0, 10_001)),
        ("task.min_length", (1, 5), (0, 6)),
        ("model.num_layers", (1, 32), (0, 33)),
        ("optim.lr", (1e-12, 100), (0, -1e-3, "nan", "inf")),
        ("optim.beta1", (0, 0.999999), (-0.1, 1)),
        ("optim.clip_norm", ("off", 1e-6), (0, -1)),
        ("optim.clip_value", ("off", 1e-6), (0, -1)),
        ("schedule.min_lr", (0, 1), (-1e-9,)),
        ("schedule.warmup_start", (1e-9, 1), (0, 1.01)),
        ("train.seed", (0, 2**32 - 1), (-1, 2**32)),
        ("train.steps", (1, 10**9), (0, 10**9 + 1)),
        ("train.log_every", (1, 10**9), (0, 10**9 + 1, 10**30)),
    ],
)
def test_bounds(path: str, inside: tuple[Any, ...], outside: tuple[Any, ...]) -> None:
    for value in inside:
        assert Config().changed({path: value}, "set").value(path) == (None if value == "off" else value)
    for value in outside:
        (wrong,) = change_problems({path: value})
        assert wrong in (path, "task.max_length")


def test_a_shortest_length_above_the_longest_is_told_wherever_it_comes_from() -> None:
    assert parse_problems({"task": {"min_length": 4, "max_length": 3}}) == {
        "task.max_length": "must be at least task.min_length (4), got 3"
    }
    # The longest was left at its default.
    assert parse_problems({"task": {"min_length": 7}}) == {
        "task.max_length": "must be at least task.min_length (7), got 5"
    }
    assert Config.parse({"task": {"min_length": 4, "max_length": 4}}, "p").value("task.max_length") == 4


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("lr", 'is no field; did you mean "optim.lr"?'),
        ("LR", 'is no field; did you mean "optim.lr"?'),
        ("optim", 'is no field; did you mean "optim.lr"?'),
        ("optm.lr", 'is no field; did you mean "optim.lr"?'),
        ("train.bach_size", 'is no field; did you mean "batch_size"?'),
        ("train.lr", 'is no field; did you mean "optim.lr"?'),
        ("optim.batch_size", 'is no field; did you mean "train.batch_size"?'),
        ("checkpoint.every", 'is no field; did you mean "train.checkpoint_every"?'),
        ('""', "is no field; fields are written section.field, e.g. optim.lr"),
        ("qqqqq", "is no field; fields are written section.field, e.g. optim.lr"),
    ],
)
def test_a_wrong_path_is_told_with_a_near_one(path: str, reason: str) -> None:
    assert change_problems({path.strip('"'): "1"}) == {path: reason}


def test_wrong_paths_and_wrong_values_are_told_together() -> None:
    problems = change_problems({"lr": "1", "optim.lr": "-1", "train.steps": "many", "model.x.y": "1"})
    assert set(problems) == {"lr", "optim.lr", "train.steps", "model.x.y"}


def test_a_field_in_the_wrong_section_is_sent_to_its_own() -> None:
    assert parse_problems({"train": {"hidden_size": 4}}) == {
        "train.hidden_size": 'is no field; did you mean "model.hidden_size"?'
    }


def test_a_field_of_another_task_or_model_is_told_with_whose_it_is() -> None:
    wrong = parse_problems({"task": {"bptt": 4}, "model": {"beam_width": 4}})
    assert wrong["model.beam_width"].startswith(
        'is no field of the model "recurrent", but of encoder_decoder; its own are cell, nonlinearity, '
    )
    assert wrong["task.bptt"].startswith('is no field of the task "sum_modulo", but of character_lm and counting; its')
    # It is near to hidden_size, which means something else.
    (said,) = parse_problems({"model": {"name": "minimal", "embedding_size": 8}}).values()
    assert said.startswith('is no field of the model "minimal", but of recurrent, ') and "did you mean" not in said


def test_a_field_at_top_level_is_sent_to_its_section() -> None:
    assert parse_problems({"lr": 0.1}) == {"lr": 'is no section; did you mean "optim.lr"?'}


@pytest.mark.parametrize("name", ["sum_modul", "SUM_MODULO"])
def test_an_unknown_task_is_told_with_a_near_one(name: str) -> None:
    assert parse_problems({"task": {"name": name}, "optim": {"lr": -1}}) == {
        "task.name": f'no task "{name}"; did you mean "sum_modulo"?',
        "optim.lr": "must be above 0, got -1",
    }


def test_an_unknown_task_without_a_near_name_lists_the_tasks() -> None:
    assert parse_problems({"task": {"name": 5}}) == {"task.name": f'no task "5"; the tasks are {", ".join(TASKS)}'}
    assert "sum_modulo" in TASKS


def test_no_escape_sequence_gets_out_of_an_error() -> None:
    hostile = "x\x1b]0;title\x07\n"
    raw = {
        hostile: 1,
        "task": {"name": hostile},
        "model": {hostile: 1, "cell": hostile},
        "track": {"tags": [hostile, ""]},
    }
    with pytest.raises(ConfigError) as caught:
        Config.parse(raw, hostile)
    assert len(caught.value.problems) == 5
    assert all(line.isprintable() for line in str(caught.value).splitlines())
    assert len(str(caught.value).splitlines()) == 5


def test_changed_leaves_the_original_and_all_else_alone() -> None:
    before = Config()
    after = before.changed({"optim.lr": "0.005", "track.tags": "a, b", "optim.clip_norm": "1"}, "set")
    assert before == Config()
    assert before.differences(after) == {
        "optim.lr": ("0.001", "0.005"),
        "optim.clip_norm": ("off", "1"),
        "track.tags": ("", "a, b"),
    }
    assert after.differences(before)["optim.lr"] == ("0.005", "0.001")
    assert after.changed({"optim.lr": "1e-3", "track.tags": "", "optim.clip_norm": "off"}, "set") == before
    assert before.differences(Config()) == {}


def test_naming_the_task_keeps_the_fields_changed_beside_it_in_either_order() -> None:
    for changes in (
        {"task.modulus": "7", "task.name": "sum_modulo"},
        {"task.name": "sum_modulo", "task.modulus": "7"},
    ):
        assert Config().changed(changes, "set").value("task.modulus") == 7


FULL = {
    "task": {"modulus": 97, "min_length": 1, "max_length": 9},
    "model": {"cell": "gru", "nonlinearity": "relu", "embedding_size": 3, "hidden_size": 7, "num_layers": 2},
    "optim": {"lr": 1 / 3, "beta1": 0.0, "beta2": 0.1 + 0.2, "eps": 5e-324, "clip_norm": 0.7},
    "schedule": {"name": "constant", "min_lr": 0.0, "warmup_steps": 5, "warmup_start": 1.0},
    "train": {"seed": 2**32 - 1, "steps": 10**9, "keep_checkpoints": 1, "threads": 3},
    "track": {"group": "g é", "tags": ["a b", "c"]},
}


@pytest.mark.parametrize("raw", [{}, FULL])
def test_plain_values_go_through_json_and_back_unchanged(raw: dict[str, Any]) -> None:
    config = Config.parse(raw, "p")
    assert Config.parse(json.loads(json.dumps(config.plain())), "p") == config


@pytest.mark.parametrize("raw", [{}, FULL])
def test_what_the_form_shows_is_read_back_to_the_same_configuration(raw: dict[str, Any]) -> None:
    config = Config.parse(raw, "p")
    typed = {field.path: as_text(config.value(field.path)) for field in config.fields()}
    assert Config().changed(typed, "form") == config


@pytest.mark.parametrize("tags", [["a,b"], [""], ["ok", " "]])
def test_a_tag_that_could_not_be_typed_is_refused(tags: list[str]) -> None:
    assert list(parse_problems({"track": {"tags": tags}})) == ["track.tags"]


def test_equal_values_of_other_types_are_no_difference() -> None:
    assert (
        Config()
        .changed({"optim.lr": 1, "train.steps": 20_000.0}, "set")
        .differences(Config().changed({"optim.lr": "1.0"}, "set"))
        == {}
    )


OF_EPOCHS = [preset for preset in all_presets() if preset.config.train.epochs is not None]


@pytest.mark.parametrize("preset", OF_EPOCHS, ids=lambda preset: preset.name)
def test_what_follows_from_the_epochs_is_no_change_of_the_preset(preset: Preset) -> None:
    started, task = resolved(preset.config, "test")
    epochs, per_epoch = started.train.epochs, task.steps_per_epoch(started.train.batch_size)
    assert epochs is not None and per_epoch is not None and started.train.steps == math.ceil(epochs * per_epoch)
    assert started.train.steps != preset.config.train.steps
    assert started.differences(preset.config) == {} == preset.config.differences(started)
    assert group_name(preset.name, started, preset.config) == preset.name
    other, _ = resolved(preset.config.changed({"train.epochs": "3"}, "test"), "test")
    assert list(other.differences(preset.config)) == ["train.epochs"]


def test_steps_that_are_asked_for_take_the_place_of_epochs_and_are_refused_beside_them() -> None:
    config = load_preset("counting_rnn").config
    paths = {facts.path for facts in config.used_fields()}
    assert "train.epochs" in paths and "train.steps" not in paths
    steps = config.changed({"train.steps": "40"}, "train")
    assert resolved(steps, "train")[0].train.steps == 40 and steps.train.epochs is None
    assert set(steps.differences(config)) == {"train.epochs", "train.steps"}
    assert "train.steps" in {facts.path for facts in steps.used_fields()}
    both = {"train.steps": "40", "train.epochs": "3"}
    for changes in (both, dict(reversed(both.items()))):
        with pytest.raises(ConfigError, match=r"train\.steps: must not stand beside train\.epochs"):
            config.changed(changes, "train")
    for off in ("off", None, " None "):
        assert config.changed({"train.steps": "40", "train.epochs": off}, "train") == steps
