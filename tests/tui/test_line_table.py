"""The table under the lists: where its cursor and its view stay, what it paints, what keys and mouse do."""

from dataclasses import dataclass

import pytest
from rich.style import Style
from textual.app import App
from textual.geometry import Region

from seqsum_tui.shared import bindings
from seqsum_tui.shared.line_table import LineTable

HEIGHT = 10


@dataclass(frozen=True)
class Word:
    key: str
    text: str = ""


class Words(LineTable[Word]):
    BINDINGS = bindings.RUN_TABLE

    def pieces(self, line):
        return [(f"{line.key} {line.text}", Style())]


class Told(App[None]):
    def __init__(self):
        super().__init__()
        self.highlighted, self.chosen = [], []

    def compose(self):
        yield Words()

    def on_line_table_highlighted(self, message):
        self.highlighted.append(message.key)

    def on_line_table_chosen(self, message):
        self.chosen.append(message.key)


def words(*numbers):
    return [Word(f"{number}") for number in numbers]


@pytest.fixture
async def shown():
    async with Told().run_test(size=(20, HEIGHT)) as pilot:
        table = pilot.app.query_one(Words)
        table.focus()
        table.replace(words(*range(100)))
        await pilot.pause()
        yield pilot, table


@pytest.mark.parametrize(
    ("keys", "lands"),
    [("down", 51), ("k", 49), ("pagedown", 60), ("pageup", 40), ("home", 0), ("G", 99), ("G down", 99), ("g up", 0)],
)
async def test_keys_move_the_cursor_and_it_stays_in_view(shown, keys, lands):
    pilot, table = shown
    table.move_to(50)
    await pilot.press(*keys.split())
    assert table.selected.key == str(lands) == pilot.app.highlighted[-1]
    assert 0 <= table.cursor - table.scroll_offset.y < HEIGHT


@pytest.mark.parametrize(
    ("lines", "selected", "moved"),
    [
        (range(-7, 100), "50", 7),
        (range(20, 100), "50", -20),
        ([*range(50), *range(51, 100)], "51", 0),
        (range(99, -1, -1), "50", -1),
        (range(10), "9", None),
    ],
)
async def test_cursor_and_view_stay_on_the_line_when_others_come_and_go(shown, lines, selected, moved):
    pilot, table = shown
    table.move_to(50)
    top = table.scroll_offset.y
    table.replace(words(*lines))
    await pilot.pause()
    assert table.selected.key == selected == pilot.app.highlighted[-1]
    assert table.scroll_offset.y == (0 if moved is None else top + moved)


async def test_the_view_stays_where_the_wheel_took_it(shown):
    pilot, table = shown
    table.scroll_to(y=40, animate=False, immediate=True)
    table.replace([Word(line.key, "changed") for line in table.lines])
    await pilot.pause()
    assert (table.cursor, table.scroll_offset.y) == (0, 40)


async def test_only_what_changed_is_painted(shown, monkeypatch):
    pilot, table = shown
    painted = []
    monkeypatch.setattr(table, "refresh", lambda *regions, **more: painted.extend(regions))
    table.replace([Word(line.key, "changed" if line.key in ("3", "50") else "") for line in table.lines])
    assert painted == [Region(0, 3, table.size.width, 1)]
    painted.clear()
    await pilot.press("down")
    assert painted == [Region(0, y, table.size.width, 1) for y in (0, 1)]


async def test_a_line_is_waited_for_until_one_goes_elsewhere(shown):
    pilot, table = shown
    table.select("new")
    assert table.selected.key == "0"
    table.replace([*table.lines, Word("new")])
    assert table.selected.key == "new"
    table.select("newer")
    await pilot.press("up")
    table.replace([*table.lines, Word("newer")])
    assert table.selected.key == "99"


async def test_a_click_moves_a_second_one_chooses_and_an_empty_table_does_nothing(shown):
    pilot, table = shown
    await pilot.click(Words, offset=(3, 4))
    assert table.selected.key == "4" and not pilot.app.chosen
    await pilot.click(Words, offset=(3, 6), times=2)
    assert table.selected.key == "6" and pilot.app.chosen == ["6"]
    table.replace([])
    table.action_choose()
    await pilot.press("down", "end")
    await pilot.click(Words, offset=(3, 4), times=2)
    assert table.selected is None and pilot.app.chosen == ["6"] and pilot.app.highlighted[-1] is None
