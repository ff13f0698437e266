"""Statuses, names and bars as people read them."""

import pytest
from rich.cells import cell_len

from seqsum.runs.store import STATUSES
from seqsum_tui.shared import display


def test_every_status_of_the_engine_has_a_sign_of_its_own():
    shown = [display.status(status) for status in STATUSES]
    assert len({status.sign for status in shown}) == len(STATUSES)
    assert [status.word for status in shown] == list(STATUSES)
    assert display.status("rewinding").text == "? rewinding"


@pytest.mark.parametrize("text", ["short", "a long name that does not fit", "名前がとても長いです", "e\u0301tude"])
@pytest.mark.parametrize("width", [0, 1, 2, 5, 11, 40])
def test_fit_fills_exactly_its_width(text, width):
    assert cell_len(display.fit(text, width)) == width
    assert cell_len(display.fit_right(text, width)) == width


def test_literal_lets_no_control_character_through():
    text = display.literal("\x1b[31mred\x1b[0m\r\n\ttab \x9b bell\x07 \u202e")
    assert all(character.isprintable() for character in text)
    assert "[31mred" in text


@pytest.mark.parametrize("share", [-1, 0, 0.001, 0.5, 0.999, 1, 7])
@pytest.mark.parametrize("width", [-3, 0, 1, 10, 33])
def test_a_bar_is_full_only_when_all_is_done(share, width):
    done, rest = display.bar(share, width)
    assert len(done) + len(rest) == max(width, 0)
    if width > 0:
        assert (rest == "") == (share >= 1)
        assert (done == "") == (share * width < 1)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("runs: can't read run a: it is damaged", "Can't read run a: it is damaged"),
        ("the disk is full", "the disk is full"),
        ("runs that train", "runs that train"),
    ],
)
def test_the_console_says_errors_in_plain_words(error, said):
    assert display.sentence(error) == said and display.wrong(error).plain == f"✗ {said}"
