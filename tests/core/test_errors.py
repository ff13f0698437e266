"""Messages show text literally, and near names are found."""

import pytest

from seqsum.cli import ROOMS
from seqsum.cli.arguments import COMMANDS
from seqsum.errors import TELLERS, ConfigError, UserError, did_you_mean
from seqsum.text import one_line, printable

HOSTILE = "a\x1b[31mred\x9b2J\x00\x07\r\u202eb\udc80"


@pytest.mark.parametrize(
    "text", ["plain text", "naïve 数字 ✓", "[bold]not markup[/bold]", "back\\slash", "two\nlines\tand a tab"]
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_control_characters_become_visible() -> None:
    assert printable(HOSTILE) == r"a\x1b[31mred\x9b2J\x00\x07\r\u202eb\udc80"
    assert printable(HOSTILE).encode("utf-8")


@pytest.mark.parametrize("code", [*range(0x20), 0x7F, *range(0x80, 0xA0), 0x200B, 0x202E, 0x2028, 0xD800, 0xFEFF])
def test_no_character_that_moves_a_cursor_gets_through(code: int) -> None:
    shown = one_line(f"<{chr(code)}>")
    assert shown.isprintable()
    assert len(shown) > 3


def test_made_visible_twice_is_made_visible_once() -> None:
    assert printable(printable(HOSTILE)) == printable(HOSTILE)


def test_an_error_prints_literally_whatever_it_quotes() -> None:
    assert str(UserError(f"no run {HOSTILE}")) == f"no run {printable(HOSTILE)}"


def test_a_config_error_has_one_printable_line_a_problem() -> None:
    error = ConfigError("a\nb.toml", [("x\ty", "bad\n\x1b[2J"), ("optim.lr", "worse")])
    assert error.problems == [("x\\ty", "bad\\n\\x1b[2J"), ("optim.lr", "worse")]
    assert str(error).splitlines() == ["a\\nb.toml: x\\ty: bad\\n\\x1b[2J", "a\\nb.toml: optim.lr: worse"]
    assert isinstance(error, UserError)


@pytest.mark.parametrize(
    ("word", "near"),
    [("modulos", "modulus"), ("MODULUS", "modulus"), ("hiden_size", "hidden_size"), ("optim.lr2", "optim.lr")],
)
def test_did_you_mean_names_the_nearest(word: str, near: str) -> None:
    assert did_you_mean(word, ["hidden_size", "modulus", "optim.lr"]) == f'; did you mean "{near}"?'


def test_did_you_mean_gives_the_name_in_its_own_case() -> None:
    assert did_you_mean("my run", iter(["My Run"])) == '; did you mean "My Run"?'


@pytest.mark.parametrize("word", ["", "zzz", "\x1b"])
def test_did_you_mean_is_silent_when_nothing_is_near(word: str) -> None:
    assert did_you_mean(word, ["hidden_size", "modulus"]) == ""
    assert did_you_mean(word, []) == ""


def test_a_form_says_an_error_without_the_word_of_a_command() -> None:
    assert set(TELLERS) == {*COMMANDS, *ROOMS, "filter", "name"}
    assert UserError("sweep: there is none").in_form == "there is none"
    assert UserError("task.file: no such file").in_form == "task.file: no such file"
    assert UserError("sweep").in_form == "sweep" and UserError("sweep: ").in_form == "sweep: "
    assert UserError("predict: give --force", in_form="choose another\nname").in_form == "choose another\\nname"
    wrong = ConfigError("replicate", [("optim.lr", "too high"), ("train.steps", "too many")])
    assert wrong.in_form == "optim.lr: too high\ntrain.steps: too many"
