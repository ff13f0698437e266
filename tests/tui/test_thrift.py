"""Fewer bytes, the same picture: judged by an independent terminal."""

from __future__ import annotations

import random

import pyte
import pytest

from seqsum_tui.terminal_io.rate_limit import ANSWER_SECONDS, MOST_BYTES, Pace
from seqsum_tui.terminal_io.screen_diff import Thrift

WIDTH, HEIGHT = 40, 8
# Of even widths and at even places, so that nothing is written over one half of a wide character: Textual does not.
TEXTS = ["loss", "  ", "    ", "a  b", "⣿⡇⠀x", "漢字", "漢", "ab漢z ", "é→", "─" * 8, "2.3026", "🚀", "e\u0301 "]
STYLES = ["0", "1", "38;2;10;20;30", "1;38;2;9;9;9;48;2;1;2;3", "4;31", "2;7", "48;5;20", "9;94;104", "22;39", "3;1"]


def shown(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    """Every cell, apart from what can't be seen of a blank."""
    cells = []
    for y in range(HEIGHT):
        row = []
        for x in range(WIDTH):
            cell = screen.buffer[y][x]
            seen = (cell.underscore, cell.strikethrough, cell.reverse)
            inked = cell.data != " " or any(seen)
            ink = (cell.fg, cell.bold, cell.italics) if inked else ()
            row.append((cell.data, cell.bg, *seen, *ink))
        cells.append(row)
    return cells


def terminal() -> tuple[pyte.Screen, pyte.Stream]:
    screen = pyte.Screen(WIDTH, HEIGHT)
    screen.reset_mode(pyte.modes.DECAWM)  # as Textual sets it: no wrapping
    return screen, pyte.Stream(screen)


def piece(chance: random.Random) -> str:
    """A few strips, as Textual writes them."""
    pieces = []
    for _ in range(chance.randint(1, 6)):
        x, text = chance.randrange(0, WIDTH, 2), ""
        room = WIDTH - x
        for _ in range(chance.randint(1, 5)):
            word = chance.choice(TEXTS)
            size = sum(2 if ord(character) >= 0x4E00 else 1 for character in word)
            if size <= room:
                room -= size
                text += f"\x1b[{chance.choice(STYLES)}m{word}\x1b[0m" if chance.random() < 0.8 else word
        row = chance.randint(1, HEIGHT)
        pieces.append(f"\x1b[{row};{x + 1}H{text}" + ("\n" if row < HEIGHT and chance.random() < 0.5 else ""))
    return "".join(pieces) + f"\x1b[{chance.randint(1, HEIGHT)};{chance.randint(1, WIDTH)}H"


@pytest.mark.parametrize("seed", range(20))
def test_every_update_has_the_same_effect(seed: int) -> None:
    chance, thrift = random.Random(seed), Thrift()
    thrift.forget(WIDTH)
    (whole, whole_stream), (less, less_stream) = terminal(), terminal()
    for number in range(40):
        data = piece(chance)
        if number % 13 == 12:
            data = "\x1b[2J" if number % 2 else data.replace("\x1b[0m", "\x1b[0m\x1b]8;;\x1b\\", 1)
        whole_stream.feed(data)
        less_stream.feed(thrift.lessen(data))
        assert shown(less) == shown(whole), (seed, number, data)
        assert (less.cursor.x, less.cursor.y) == (whole.cursor.x, whole.cursor.y) or data[-1] != "H"


def test_what_is_shown_already_is_not_sent_again() -> None:
    thrift = Thrift()
    thrift.forget(WIDTH)
    line = (
        "\x1b[2;1H\x1b[38;2;1;2;3;48;2;4;5;6mstep 400   loss 0.64\x1b[0m\x1b[38;2;1;2;3;48;2;4;5;6m  \x1b[0m\x1b[1;1H"
    )
    first = thrift.lessen(line)
    assert first == "\x1b[2;1H\x1b[0;38;2;1;2;3;48;2;4;5;6mstep 400   loss 0.64  \x1b[1;1H"
    assert thrift.lessen(line) == ""
    assert thrift.lessen(line.replace("400", "500")) == "\x1b[2;6H5\x1b[1;1H"
    assert thrift.lessen("\x1b]52;c;aGk=\x07") == "\x1b]52;c;aGk=\x07", "what is no picture passes as it is"
    thrift.forget()
    assert thrift.lessen(line) == first


@pytest.mark.parametrize("seed", range(20))
def test_a_picture_sent_in_parts_ends_as_the_whole(seed: int) -> None:
    """Also where it changes while parts are owed, and where something stands between that is no picture."""
    chance, thrift = random.Random(seed), Thrift()
    thrift.forget(WIDTH)
    (whole, whole_stream), (less, less_stream) = terminal(), terminal()
    most, ending = 60, 50
    for number in range(60):
        data = piece(chance)
        if number % 17 == 16:
            data = "\x1b[2J" if number % 2 else data.replace("\x1b[0m", "\x1b[0m\x1b]8;;\x1b\\", 1)
        whole_stream.feed(data)
        part = thrift.lessen(data, most)
        # What only the terminal knows the width of is sent at once.
        odd = number % 17 == 16 or "🚀" in data or "\u0301" in data
        assert odd or len(part.encode()) <= most + ending, part
        less_stream.feed(part)
        for _ in range(chance.randint(0, 3)):
            less_stream.feed(thrift.more(most))
    parts = 0
    while thrift.owing:
        less_stream.feed(thrift.more(most))
        parts += 1
        assert parts < 200
    assert shown(less) == shown(whole)


def test_every_row_has_its_turn_where_more_changes_than_can_be_sent() -> None:
    thrift = Thrift()
    thrift.forget(WIDTH)
    screen, stream = terminal()
    seen = {number: set() for number in range(HEIGHT)}
    for turn in range(4 * HEIGHT):
        data = "".join(f"\x1b[{row + 1};1H{chr(97 + turn % 26) * WIDTH}" for row in range(HEIGHT)) + "\x1b[1;1H"
        stream.feed(thrift.lessen(data, WIDTH))
        for row in range(HEIGHT):
            seen[row].add(screen.display[row])
    assert min(len(shown) for shown in seen.values()) >= 3


def test_the_pace_is_a_persons_or_a_few_bytes_a_second() -> None:
    clock = [0.0]
    pace = Pace(lambda: clock[0])
    pace.sent(50_000)
    assert pace.room() > 1e9, "the first picture is sent at once"
    clock[0] = ANSWER_SECONDS
    assert pace.room() == MOST_BYTES
    pace.sent(MOST_BYTES - 100)
    clock[0] += 0.4
    assert pace.room() == 0 and pace.wait() == pytest.approx(0.6)
    clock[0] += 0.6
    assert pace.room() == MOST_BYTES
    pace.sent(MOST_BYTES)
    pace.asked()
    assert pace.room() > 1e9, "a key is answered at once"


def test_a_name_with_an_emoji_costs_its_own_row_and_only_when_it_changes() -> None:
    thrift = Thrift()
    thrift.forget(WIDTH)
    other = "\x1b[2;1H\x1b[1msome other row\x1b[0m"
    thrift.lessen(f"\x1b[1;1H\x1b[1mrun 🚀 step 100\x1b[0m{other}\x1b[1;1H")
    assert thrift.lessen(f"\x1b[1;1H\x1b[1mrun 🚀 step 100\x1b[0m{other}\x1b[1;1H") == ""
    later = thrift.lessen(f"\x1b[1;1H\x1b[1mrun 🚀 step 200\x1b[0m{other}\x1b[1;1H")
    assert "run 🚀 step 200" in later and "other" not in later


def test_a_link_costs_no_byte():
    screen, stream = terminal()
    thrift = Thrift()
    begin, end = "\x1b]8;id=1;https://example.org/long\x1b\\", "\x1b]8;;\x1b\\"
    first = thrift.lessen(f"\x1b[1;1H\x1b[0mby {begin}\x1b[1mNN{end}\x1b[0m.\n")
    stream.feed(first)
    assert screen.display[0].startswith("by NN.") and "example" not in first
    assert not thrift.lessen(f"\x1b[1;1H\x1b[0mby {begin}\x1b[1mNN{end}\x1b[0m.\n").strip("\x1b[0123456789;mH\n")
