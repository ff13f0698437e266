"""The command palette begins with what one can do here; a theme is put on while one looks for it."""

import pytest
from textual.command import CommandPalette
from textual.widgets import OptionList

from seqsum_tui.app import Console
from seqsum_tui.dialogs.choose import ChooseScreen
from seqsum_tui.runs.screen import RunsScreen
from support.screens import listed, screen_text


@pytest.fixture
def console(scene, still):
    made = Console(scene.folder, now=still, remote=False)
    made.animation_level = "none"
    return made


async def test_the_palette_opens_with_the_keys_of_the_line_in_their_order(scene, console, until):
    scene.run(name="one")
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        line = [
            binding.binding.description for binding in console.screen.active_bindings.values()
            if binding.binding.show and binding.node is console.screen
        ]  # fmt: skip
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(console.screen, CommandPalette))
        options = console.screen.query_one("CommandList", OptionList)
        await until(pilot, lambda: options.option_count > 30)
        names = [str(options.get_option_at_index(at).prompt).split("  ")[0] for at in range(options.option_count)]
    assert names[:3] == line[:3] == ["New run", "Open", "Filter"] and set(line) <= set(names[: len(line)])
    assert names.index("Up") > len(line) and "Theme" in str(names) and len(set(names)) == len(names)


async def test_themes_are_put_on_as_one_moves_and_kept_when_chosen(scene, console, until):
    scene.run(name="one")
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        before = console.theme
        console.search_themes()
        await until(pilot, lambda: isinstance(console.screen, ChooseScreen))
        listed_themes = console.screen.query_one("#choices", OptionList).options
        assert [str(one.prompt).strip() for one in listed_themes[:2]] == ["seqsum", "seqsum-light"]
        assert console.screen.styles.background.a == 0, "what is tried is not dimmed"
        await pilot.press("down")
        await until(pilot, lambda: console.theme != before)
        tried = console.theme
        assert console.settings.theme == before, "looking keeps nothing"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, RunsScreen))
        assert console.theme == before
        console.search_themes()
        await until(pilot, lambda: isinstance(console.screen, ChooseScreen))
        await pilot.press(*tried)
        await until(pilot, lambda: console.theme == tried)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(console.screen, RunsScreen))
        assert (console.theme, console.settings.theme) == (tried, tried)


@pytest.mark.parametrize("width", [60, 120])
async def test_the_palette_stands_in_a_frame_such_as_dialogs_have(console, until, width):
    async with console.run_test(size=(width, 24)) as pilot:
        await until(pilot, lambda: listed(console))
        await pilot.press("ctrl+p")
        broad = min(width, 84)
        frame = [f"{left}{'─' * (broad - 2)}{right}" for left, right in ("╭╮", "╰╯")]
        await until(pilot, lambda: all(line in screen_text(console) for line in frame))
        inside = screen_text(console).split(frame[0])[1].split(frame[1])[0]
        assert "New run  (n)" in inside and "Search for commands" in inside
