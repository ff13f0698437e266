"""Numbers, times and names as people read them."""

import pytest
from rich.cells import cell_len

from seqsum.runs.run import STATUSES
from seqsum_tui import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0, "0s"), (59.9, "59s"), (60, "1m00s"), (200, "3m20s"), (7500, "2h05m"), (108_000, "1d06h")],
)
def test_duration(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0s"), (12, "12s"), (200, "3m"), (7300, "2h"), (86_400 * 400, "400d")]
)
def test_age(seconds, text):
    assert words.age(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "–"), (0.0, "0.0%"), (0.974, "97.4%"), (0.9999, "99.9%"), (1.0, "100%"), (float("nan"), "NaN")],
)
def test_percent_never_rounds_up_to_whole(share, text):
    assert words.percent(share) == text


@pytest.mark.parametrize(
    "value", [0.0, 2.302585, 12.3456, 123.456, 99999.9, 1e9, 1.2e-5, -0.5, -12345.678, float("nan")]
)
def test_a_metric_takes_at_most_seven_cells_and_keeps_its_value(value):
    text = words.metric(value)
    assert len(text) <= 7 or value < 0
    if value == value:
        assert float(text) == pytest.approx(value, rel=0.05, abs=1e-3)


def test_every_status_of_the_engine_has_a_sign_of_its_own():
    shown = [words.status(status) for status in STATUSES]
    assert len({status.sign for status in shown}) == len(STATUSES)
    assert [status.word for status in shown] == list(STATUSES)
    assert words.status("rewinding").text == "? rewinding"


@pytest.mark.parametrize("text", ["short", "a long name that does not fit", "名前がとても長いです", "e\u0301tude"])
@pytest.mark.parametrize("width", [0, 1, 2, 5, 11, 40])
def test_fit_fills_exactly_its_width(text, width):
    assert cell_len(words.fit(text, width)) == width
    assert cell_len(words.fit_right(text, width)) == width


def test_literal_lets_no_control_character_through():
    text = words.literal("\x1b[31mred\x1b[0m\r\n\ttab \x9b bell\x07 \u202e")
    assert all(character.isprintable() for character in text)
    assert "[31mred" in text


@pytest.mark.parametrize("share", [-1, 0, 0.001, 0.5, 0.999, 1, 7])
@pytest.mark.parametrize("width", [-3, 0, 1, 10, 33])
def test_a_bar_is_full_only_when_all_is_done(share, width):
    done, rest = words.bar(share, width)
    assert len(done) + len(rest) == max(width, 0)
    if width > 0:
        assert (rest == "") == (share >= 1)
        assert (done == "") == (share * width < 1)
