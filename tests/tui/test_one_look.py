"""What looks alike on every screen: its first line, its tabs, its line of keys."""

import pytest

from seqsum_tui.app import Console
from seqsum_tui.compare.screen import CompareScreen
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.new_run.screen import NewRunScreen
from seqsum_tui.query.screen import QueryScreen
from seqsum_tui.settings.screen import SettingsScreen
from seqsum_tui.shared.key_line import KeyLine
from support.screens import listed, screen_strips, screen_text

SCREENS = {
    "runs": None,
    "live": lambda console, run: LiveScreen(run),
    "compare": lambda console, run: CompareScreen([run.id]),
    "query": lambda console, run: QueryScreen(run.id),
    "new run": lambda console, run: NewRunScreen(console.workspace, console.launcher, "baseline", run.config()),
    "settings": lambda console, run: SettingsScreen(console.settings),
}
NAMES = {"runs": "seqsum", "compare": "Compare", "new run": "New run", "settings": "Settings"}
TABS = {"live": "Ask", "compare": "1 Curves", "query": "1 Answer", "new run": "2 Settings"}
"""The tab that is chosen at first, where there are any."""


@pytest.fixture
def opened(scene, still, until, query_server):
    """Open a screen of a run; return the console."""

    async def open(pilot, name):
        console = pilot.app
        await until(pilot, lambda: listed(console))
        if SCREENS[name] is not None:
            await console.push_screen(SCREENS[name](console, scene.workspace.runs()[0]))
        await until(pilot, lambda: "? Help" in screen_text(console).splitlines()[-1])
        await until(pilot, lambda: NAMES.get(name, "first") in screen_text(console).splitlines()[0])
        await until(pilot, lambda: name == "new run" or TABS.get(name, "") in screen_text(console))

    return open


@pytest.fixture
def console(scene, still, query_server):
    scene.run("baseline", "first")
    made = Console(scene.folder, now=still, remote=False, query_command=query_server("good"))
    made.animation_level = "none"
    return made


@pytest.mark.parametrize("name", SCREENS)
async def test_every_screen_begins_with_its_name_and_marks_the_chosen_tab_alike(console, opened, name):
    async with console.run_test(size=(80, 24)) as pilot:
        await opened(pilot, name)
        colours = {which: console.theme_variables[which].lower() for which in ("primary", "accent", "background")}
        pieces = [
            (
                row,
                segment.text.strip(),
                segment.style.color.get_truecolor().hex,
                segment.style.bgcolor.get_truecolor().hex,
            )
            for row, strip in enumerate(screen_strips(console))
            for segment in strip
            if segment.style and segment.style.bgcolor and segment.style.color and segment.style.bold
        ]
        ground = [(row, text, behind) for row, text, ink, behind in pieces if ink == colours["background"]]
        names = [text for row, text, behind in ground if row == 0 and behind == colours["primary"]]
        chosen = [text for _, text, behind in ground if behind == colours["accent"]]
        assert names == [NAMES.get(name, "first")]
        assert chosen == ([TABS[name]] if name in TABS else [])


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", SCREENS)
async def test_keys_stand_whole_in_their_line_and_help_is_one_of_them(console, opened, name, width):
    async with console.run_test(size=(width, 24)) as pilot:
        await opened(pilot, name)
        bindings = [active.binding for active in console.screen.active_bindings.values()]
        known = {f"{console.get_key_display(one)} {one.description}" for one in bindings}
        shown = str(console.screen.query_one(KeyLine).render())
        assert len(shown.rstrip()) <= width
        keys = shown.removesuffix(" …").strip().split("  ")
        assert set(keys) <= {*known, "^p All actions"} and "? Help" in keys
        assert "^p All actions" in keys or shown.endswith(" …") or len(shown) + len(" ^p All actions ") > width
        assert "⏎" not in shown and not any(key.startswith("f") and key[1:2].isdigit() for key in keys)
