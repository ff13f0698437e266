"""Nothing of a dialog lies outside its frame, and no notice hides a dialog, the line of keys, or where one types."""

import pytest
from textual.widgets import Input, OptionList, TextArea

from seqsum_tui.app import Console
from seqsum_tui.dialogs.choose import MOST_SHOWN, Choice, ChooseScreen
from seqsum_tui.dialogs.confirm import ConfirmScreen
from seqsum_tui.dialogs.help import HelpScreen
from seqsum_tui.dialogs.text_input import LineScreen, NoteScreen
from seqsum_tui.live.header import RunHeader
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.settings.screen import SettingsScreen
from seqsum_tui.shared.key_line import KeyLine
from support.screens import listed, screen_text

CHOICES = [Choice(f"k{place}", f"choice {place}.", f"detail {place}") for place in range(MOST_SHOWN + 7)]
SCREENS = {
    "list": lambda console: None,
    "choose": lambda console: ChooseScreen("Which", CHOICES),
    "line": lambda console: LineScreen("Name", str, "A hint"),
    "note": lambda console: NoteScreen("Note", str),
    "confirm": lambda console: ConfirmScreen("Shall it?", "detail", "Do it"),
    "help": lambda console: HelpScreen.of(console.screen),
    "settings": lambda console: SettingsScreen(console.settings),
    "live": lambda console: LiveScreen(console.workspace.runs()[0]),
}


@pytest.fixture
def console(scene):
    scene.run(name="one")
    return Console(scene.folder, remote=False)


def shown_at(screen, kind):
    return [widget.region for widget in screen.query(kind) if widget.region.area]


@pytest.mark.parametrize(
    ("name", "size"),
    [*((name, (80, 24)) for name in SCREENS), *((name, (120, 40)) for name in ("list", "help", "live"))],
)
async def test_a_notice_hides_no_dialog_no_key_and_no_input(console, until, name, size):
    async with console.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: listed(console))
        if (screen := SCREENS[name](console)) is not None:
            await console.push_screen(screen)
        screen = console.screen
        if name == "list":
            await pilot.press("slash")
            await until(pilot, lambda: shown_at(screen, Input))
        # So long that it takes several lines, and is as wide as one can be.
        console.notify("It goes on from step 12,000: a sentence " * 3, title="mine: forked", timeout=60)
        await until(pilot, lambda: shown_at(screen, "Toast"))
        await until(pilot, lambda: "mine: forked" in screen_text(console) and screen_text(console).count("12,000") == 3)
        (notice,) = shown_at(screen, "Toast")
        kept = [
            region for kind in (KeyLine, RunHeader, "#dialog", Input, TextArea) for region in shown_at(screen, kind)
        ]
        assert kept and not [region for region in kept if region.overlaps(notice)]
        assert screen.region.contains_region(notice)
        if name == "list":
            row = next(row for row, line in enumerate(screen_text(console).splitlines()) if "◉ finished  one" in line)
            assert not notice.y <= row < notice.bottom


@pytest.mark.parametrize(("many", "size"), [(16, (80, 24)), (40, (60, 20))])
async def test_the_last_of_many_choices_can_be_seen(console, until, many, size):
    async with console.run_test(size=size) as pilot:
        await until(pilot, lambda: listed(console))
        await console.push_screen(ChooseScreen("Which", CHOICES[:many]))
        await pilot.press("down")
        console.screen.query_one(OptionList).highlighted = many - 1
        await until(pilot, lambda: f"choice {many - 1}." in screen_text(console))
        assert "search" in screen_text(console)
        console.screen.dismiss(None)
        await console.push_screen(ChooseScreen("Which", CHOICES))
        await until(pilot, lambda: "7 more: type to narrow" in screen_text(console))
        await pilot.press(*"zzz")
        await until(pilot, lambda: "nothing matches" in screen_text(console))


async def test_the_last_line_of_help_is_seen_while_one_searches(console, until):
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(console))
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(console.screen, HelpScreen))
        await pilot.press("slash", "e")
        dialog = console.screen.query_one("#dialog").region.shrink((1, 1, 1, 1))
        await until(pilot, lambda: dialog.contains_region(console.screen.query_one("HelpScreen VerticalScroll").region))
