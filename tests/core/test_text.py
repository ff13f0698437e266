"""What is shown of text from outside."""

import pytest

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.query.question import right_or_wrong
from seqsum.query.questions.mistakes import Mistake, MistakesAnswer
from seqsum.runs.annotations import check_name, check_note, check_tags
from seqsum.text import is_plain, one_line, printable, seen, shown, written_on

PEOPLE_WRITE = [
    "日本語の実験", "日本\u3000実験", "葛\U000e0100城", "🚀 rocket", "مرحبا", "קובץ-7", "e\u0301clair",
    "[bold]x[/bold]", "=1+1",
    "می\u200cخواهم", "क्\u200dष", "👩\u200d💻", "👨\u200d👩\u200d👧", "🧑🏽\u200d🚀", "🏳\ufe0f\u200d🌈",
    "🙂\u200d↔\ufe0f", "❤\ufe0f", "1\ufe0f⃣", "🇩🇪",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "\U0001fae8\U0001fae9",
]  # fmt: skip
STEER_OR_HIDE = [
    *(chr(code) for code in range(32) if chr(code) not in "\n\t"), *(chr(code) for code in range(0x7F, 0xA0)),
    "\x1b]52;c;aGk=\x07", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069",
    "\u200b", "\u200e", "\u200f", "\u061c", "\u2028", "\u2029", "\u2060", "\ufeff", "\u00ad", "\u3164", "\u115f",
    "\u034f", "\ud800", "\udfff", "\ue000", "\U000e0041", "\ufffe",
]  # fmt: skip


@pytest.mark.parametrize("text", PEOPLE_WRITE)
def test_what_people_write_is_taken_and_shown_as_it_stands(text):
    assert printable(text) == text and is_plain(text)
    assert check_name(text) == text and check_tags([text]) == (text,) and check_note(f"{text}\n{text}")
    config = Config().changed({"track.group": text, "track.tags": text, "track.description": text}, "test")
    assert config.track.group == text and config.track.tags == (text,)


@pytest.mark.parametrize("text", STEER_OR_HIDE, ids=ascii)
def test_what_steers_or_hides_is_made_visible_and_refused(text):
    made = one_line(f"base{text}line")
    assert made.isascii() and made.isprintable() and made.startswith("base\\") and made.endswith("line")
    assert one_line(made) == made and shown(f"base{text}line").isprintable()
    for check in (check_name, lambda tag: check_tags([tag]), lambda note: check_note(f"a\n{note}b")):
        with pytest.raises(UserError, match="printable"):
            check(f"base{text}line")
    for field in ("track.group", "track.tags", "track.description"):
        with pytest.raises(UserError, match=f"{field}: must be"):
            Config().changed({field: f"base{text}line"}, "test")


@pytest.mark.parametrize(
    "text", ["ba\u200cse", "ba\u200dse", "a\u200d", "\u200da", "日\u200d本", "a\ufe0f", "🚀\u200cx"]
)
def test_a_joiner_that_joins_nothing_hides(text):
    """Else two names would look the same."""
    assert not is_plain(text)


def test_other_spaces_in_a_name_are_spaces():
    assert check_name(" a\u00a0b\u2009c\u202f") == "a b c"
    assert Config().changed({"track.group": "a\u00a0b"}, "test").track.group == "a b"


@pytest.mark.parametrize(
    ("answer", "visible"), [("8", "8"), (" 8 ", " 8 "), ("   ", '"   "'), ("", '""'), ("\n", '"\\n"')]
)
def test_an_answer_that_nobody_would_see_stands_in_quotation_marks(answer, visible):
    assert seen(answer) == visible


@pytest.mark.parametrize(
    ("between", "written", "whole"), [("", "x", "def fx"), (" ", "4", "def f 4"), ("", "\n ", 'def f "\\n "')]
)
def test_what_is_written_on_is_set_off_where_it_would_not_be_seen(between, written, whole):
    assert written_on("def f", between, written) == whole


def test_commands_quote_an_answer_of_spaces_and_json_does_not():
    row = Mistake(input="1", prediction="  ", truth="", length=1, probability=0.5, truth_probability=None)
    answer = MistakesAnswer(rows=[row], total=1, wrong=1, asked=1, exhaustive=True, truncated=False)
    assert [*answer.told()][1] == '  1 → "  " (50.00%), the truth is ""'
    assert answer.model_dump()["rows"][0]["prediction"] == "  "
    assert right_or_wrong(False, " ") == '  ✗ wrong, the truth is " "'
