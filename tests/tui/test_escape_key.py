"""Escape and a key right behind it, in one piece or in two."""

import pytest
from textual import events

from seqsum_tui.terminal_io.escape_key import KeyParser


def keys(*pieces):
    parser = KeyParser()
    return [event.key for piece in pieces for event in parser.feed(piece) if isinstance(event, events.Key)]


@pytest.mark.parametrize("typed", ["2", "q", "/", "?", "Z", "0", "-", " ", "é", "\t", "\r"])
def test_escape_and_a_key_are_two_keys(typed):
    plain = keys(typed)
    assert keys(f"\x1b{typed}") == ["escape", *plain] == keys("\x1b", typed)
    assert keys(f"a\x1b{typed}b") == ["a", "escape", *plain, "b"]


@pytest.mark.parametrize(
    ("sent", "key"), [("\x1b[A", "up"), ("\x1bOP", "f1"), ("\x1b[27u", "escape"), ("\x1b[3~", "delete")]
)
def test_sequences_are_read_as_before_however_they_are_cut(sent, key):
    assert [keys(sent[:cut], sent[cut:]) for cut in range(1, len(sent))] == [[key]] * (len(sent) - 1)
    assert keys(f"{sent}2") == [key, "2"]


def test_enter_that_was_typed_while_the_terminal_still_read_lines():
    assert keys("n\n\r") == ["n", "enter", "enter"]
    (paste,) = [event for event in KeyParser().feed("\x1b[200~a\nb\x1b[201~") if isinstance(event, events.Paste)]
    assert paste.text == "a\nb"


def test_escape_twice():
    assert keys("\x1b\x1b2")[-2:] == ["escape", "2"]
