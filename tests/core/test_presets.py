"""The six presets hold the table of the tutorial; a wrong preset file tells all that is wrong."""

from pathlib import Path

import pytest

from seqsum.config import Config
from seqsum.errors import ConfigError, UserError
from seqsum.presets import DEFAULT_PRESET, all_presets, load_preset, preset_names, read_preset

# The first two, and document 1's table: what each preset changes against the baseline.
CHANGES = {
    "adds": {
        "model.nonlinearity": "relu", "model.embedding_size": 32, "model.hidden_size": 64, "optim.name": "adamw",
        "optim.lr": 4e-3, "optim.weight_decay": 0.3, "schedule.warmup_steps": 200, "train.steps": 2000,
        "train.batch_size": 64, "train.evaluate_every": 200, "train.checkpoint_every": 200,
    },
    "adds_any_length": {
        "model.nonlinearity": "relu", "model.embedding_size": 32, "model.hidden_size": 256, "optim.name": "adamw",
        "optim.lr": 3e-3, "optim.weight_decay": 1.0, "schedule.warmup_steps": 500,
        "schedule.cosine_period": "after_warmup", "schedule.min_lr": 0.0, "train.steps": 10_000,
        "train.batch_size": 64, "train.checkpoint_every": 500,
    },
    "baseline": {},
    "large_batch": {"train.batch_size": 64},
    "large_batch_lr5e-3": {"train.batch_size": 64, "optim.lr": 5e-3},
    "deeper_rnn": {"model.hidden_size": 32, "model.num_layers": 3},
    "sota": {"train.batch_size": 64, "optim.lr": 5e-3, "model.hidden_size": 32, "model.num_layers": 3},
    "sota_warmup": {
        "train.batch_size": 64, "optim.lr": 5e-3, "model.hidden_size": 32, "model.num_layers": 3,
        "schedule.warmup_steps": 2000,
    },
}  # fmt: skip
WORDS = 'title = "T"\ndescription = "D"\nlook_for = "L"\n'


def problems(text: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        read_preset(text, "mine", "mine.toml")
    assert caught.value.source == "mine.toml"
    return dict(caught.value.problems)


@pytest.mark.parametrize("name", CHANGES)
def test_a_preset_changes_what_the_table_says_and_nothing_else(name: str) -> None:
    config = load_preset(name).config
    assert {path: config.value(path) for path in config.differences(Config())} == CHANGES[name]


def test_the_two_that_learn_come_first_and_then_the_six_in_the_tables_order() -> None:
    assert preset_names()[: len(CHANGES)] == list(CHANGES)
    assert [preset.name for preset in all_presets()] == preset_names()
    assert preset_names()[0] == DEFAULT_PRESET


def test_a_preset_says_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One's own can stand before, between and after ours; no other file is touched."""
    ours = preset_names()
    places = {preset.name: preset.order for preset in all_presets()}
    assert None not in places.values() and len(set(places.values())) == len(places), "each of ours has its own"
    monkeypatch.setattr("seqsum.plugins.user_folder", lambda: tmp_path)
    (tmp_path / "presets").mkdir()
    for name, line in {"a": "order = -1\n", "b": f"order = {places[ours[1]]}\n", "c": "", "d": ""}.items():
        (tmp_path / "presets" / f"{name}.toml").write_text(WORDS + line)
    assert preset_names() == ["a", *ours[:2], "b", *ours[2:], "c", "d"]
    assert [preset.name for preset in all_presets()] == preset_names()


@pytest.mark.parametrize(("value", "shown"), [("1.5", "1.5"), ('"first"', '"first"'), ("true", "True"), ("[1]", "[1]")])
def test_a_place_that_is_no_whole_number_is_told(value: str, shown: str) -> None:
    assert problems(f"{WORDS}order = {value}") == {"order": f"must be a whole number, got {shown}"}


@pytest.mark.parametrize("name", CHANGES)
def test_each_has_words_for_a_student(name: str) -> None:
    preset = load_preset(name)
    assert 5 < len(preset.title) <= 60
    assert len(preset.description) > 60
    assert len(preset.look_for) > 60
    for text in (preset.title, preset.description, preset.look_for):
        assert text.isprintable()
        assert "  " not in text
    assert set(preset.plain()) == {"name", "title", "description", "look_for", "config"}
    assert Config.parse(preset.plain()["config"], "p") == preset.config


def test_everything_wrong_in_a_file_is_told_at_once() -> None:
    text = """
        titel = "T"
        description = ""
        lr = 1
        qqqq = 2
        [optim]
        lr = -1
        learning = 2
        [modle]
        cell = "rnn"
        [model]
        cell = "lstn"
        [train]
        steps = 0
        batch_size = "x"
    """
    assert problems(text) == {
        "title": "is missing",
        "description": 'must be text, got ""',
        "look_for": "is missing",
        "titel": 'is no field or section; did you mean "title"?',
        "lr": 'is no field or section; did you mean "optim.lr"?',
        "qqqq": "is no field or section; a preset has title, description, look_for, order, "
        "task, model, optim, schedule, train, track",
        "modle": 'is no field or section; did you mean "model"?',
        "model.cell": 'must be one of rnn, lstm, gru, got "lstn"; did you mean "lstm"?',
        "optim.lr": "must be above 0, got -1",
        "optim.learning": "is no field; the fields are name, lr, beta1, beta2, eps, momentum, matrix_momentum, "
        "smoothing, weight_decay, weight_decay_on, clip_norm, clip_value",
        "train.steps": "must be at least 1, got 0",
        "train.batch_size": 'must be a whole number, got "x"',
    }


def test_words_of_another_kind_and_a_section_that_is_none() -> None:
    assert problems('title = 5\ndescription = "D"\nlook_for = "L"\noptim = 3') == {
        "title": "must be text, got 5",
        "optim": "must be a section with fields, got 3",
    }


@pytest.mark.parametrize(
    "text",
    [
        "title = ",
        "[optim\nlr = 1",
        "a = 1\na = 2",
        "\x00",
        "steps = " + "9" * 5000,
        "a = " + "[" * 5000,
        "just words",
    ],
)
def test_what_is_no_toml_is_told_in_one_sentence(text: str) -> None:
    with pytest.raises(UserError) as caught:
        read_preset(text, "mine", "mine.toml")
    assert not isinstance(caught.value, ConfigError)
    message = str(caught.value)
    assert message.startswith("mine.toml: not a TOML file: ")
    assert "Traceback" not in message
    assert message.isprintable()


def test_bad_toml_tells_the_line() -> None:
    with pytest.raises(UserError, match="line 3"):
        read_preset('title = "T"\n[optim]\nlr = = 1\n', "mine", "mine.toml")


def test_words_of_a_preset_are_literal_and_on_one_line() -> None:
    preset = read_preset(
        'title = "\\u001b[31mred [bold]"\ndescription = """\n  two\n  lines\n"""\nlook_for = "L"', "mine", "mine.toml"
    )
    assert preset.title == "\\x1b[31mred [bold]"
    assert preset.description == "two lines"


def test_a_preset_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("\ufeff" + WORDS + "[train]\nsteps = 7\n", encoding="utf-8")
    preset = load_preset(str(path))
    assert (preset.name, preset.title) == ("mine", "T")
    assert preset.config == Config().changed({"train.steps": 7}, "x")


def test_a_file_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    missing, folder, binary = tmp_path / "a.toml", tmp_path / "b.toml", tmp_path / "c.toml"
    folder.mkdir()
    binary.write_bytes(b"\xff\xfe\x00")
    unread = "not UTF-8 text .line 1: byte 0x00 .byte 3 of the file"
    for path, reason in ((missing, "No such file"), (folder, "Is a directory"), (binary, unread)):
        with pytest.raises(UserError, match=reason) as caught:
            load_preset(str(path))
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("baselin", 'did you mean "baseline"?'),
        ("Sota-Warmup", 'did you mean "sota_warmup"?'),
        ("zzz", "; seqsum presets lists them"),
        ("", "; seqsum presets lists them"),
        ("../seqsum_presets/baseline", "presets"),
    ],
)
def test_an_unknown_preset_shows_the_way_out(name: str, way_out: str) -> None:
    with pytest.raises(UserError) as caught:
        load_preset(name)
    assert way_out in str(caught.value)
