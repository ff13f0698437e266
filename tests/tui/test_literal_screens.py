"""A stranger's runs on every screen and in every dialog: what they wrote is shown as text."""

import pytest
from rich.cells import cell_len
from textual.app import App
from textual.widgets import Static

from seqsum_tui.app import Console
from support.hostile import MARKS, STEERING, hostile_preset, hostile_run
from support.screens import screen_text

# From the list: keys that open a screen or a dialog, and what is pressed there. Each begins anew.
WAYS = [
    [], ["space"], ["slash", "n"], ["s"], ["R"], ["t"], ["N"], ["e"], ["d"], ["d", "B"], ["question_mark"], ["comma"],
    ["n"], ["n", "p", "r", "e"], ["n", "F4"], ["ctrl+p"], ["ctrl+p", "n", "a", "m"], ["F"], ["f"],
    ["enter"], ["enter", "o"], ["enter", "g"], ["enter", "e"], ["enter", "M"], ["enter", "1"], ["enter", "A"],
    ["enter", "F"], ["enter", "R"], ["enter", "v"], ["enter", "ctrl+p"], ["a"],
    ["M", "c"], ["M", "c", "2"], ["M", "c", "3"], ["M", "c", "M"], ["M", "c", "H"], ["M", "c", "E"], ["M", "c", "a"],
    ["M", "c", "m"], ["M", "c", "u"],
]  # fmt: skip


@pytest.fixture
def console(scene, still):
    made = Console(scene.folder, now=still, remote=False)
    made.animation_level = "none"
    return made


async def seen(console, until, ways, size):
    """Follow the keys; return every picture on the way."""
    found = []
    async with console.run_test(size=size) as pilot:
        await until(pilot, lambda: "finished" in screen_text(console))
        found.append(screen_text(console))
        for key in ways:
            await pilot.press(key)
            await pilot.pause()
            await pilot.pause(0.1)
            found.append(screen_text(console))
    return found


@pytest.mark.parametrize("ways", WAYS, ids=" ".join)
async def test_no_screen_shows_what_steers(ways, scene, console, until, monkeypatch, tmp_path):
    """The last gate is open here: text is made literal where it enters a widget."""
    monkeypatch.setattr(Console, "get_line_filters", App.get_line_filters)
    for _ in range(2):
        hostile_run(scene.workspace)
    monkeypatch.setattr("seqsum.plugins.user_folder", lambda: tmp_path)
    (tmp_path / "presets").mkdir()
    hostile_preset(tmp_path / "presets")
    for picture in await seen(console, until, ways, (120, 40)):
        assert [mark for mark in MARKS if mark in picture] == []
        assert all(character == "\n" or character >= " " for character in picture)


async def test_a_widget_that_forgets_it_is_stopped_at_the_last_gate(console, until):
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "New run" in screen_text(console))
        await console.screen.mount(Static(f"before {STEERING} after", markup=False))
        await until(pilot, lambda: "after" in screen_text(console))
        picture = screen_text(console)
        assert [mark for mark in MARKS if mark in picture and mark != "\u200b"] == []
        assert {cell_len(line) for line in picture.splitlines()} == {80}
