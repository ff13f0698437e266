"""Every theme that is offered: the screens open in it, and what stands on them can be read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rich.segment import Segment
from textual.theme import BUILTIN_THEMES

from seqsum_tui.app import Console
from seqsum_tui.charts.palette import DARK_COLOURS, LIGHT_COLOURS
from seqsum_tui.compare.screen import CompareScreen
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.new_run.screen import NewRunScreen
from seqsum_tui.query.screen import QueryScreen
from seqsum_tui.runs.bin_screen import BinScreen
from seqsum_tui.settings.screen import SettingsScreen
from seqsum_tui.settings.themes import DARK, LIGHT
from support.screens import listed, screen_strips, screen_text

WORDS, SIGNS, KEYS = 3, 2.5, 4.4
"""Least contrasts: of any word, also a quiet one under the cursor; of a sign beside its name; of the keys."""
OWN = {DARK.name: 4.5, LIGHT.name: 4.5}
"""Least contrast of any word in our own themes."""
TERMINAL = [name for name, theme in BUILTIN_THEMES.items() if theme.ansi]
OURS = [name for name in BUILTIN_THEMES if name not in TERMINAL]
SCREENS = ["runs", "live", "compare", "query", "new run", "settings", "bin"]


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """The contrast ratio of WCAG 2."""

    def luminance(colour: tuple[int, int, int]) -> float:
        parts = [part / 255 for part in colour]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def written(console: Console) -> Iterator[tuple[int, Segment]]:
    """Every piece of the picture, with its row."""
    for row, strip in enumerate(screen_strips(console)):
        for segment in strip:
            yield row, segment


@pytest.mark.parametrize("turn", range(len(SCREENS)), ids=SCREENS)
async def test_a_screen_in_themes(scene, still, until, query_server, turn):
    """All screens in the terminal's own colours, and each of the other themes on one of them."""
    runs = [scene.run("baseline", "first"), scene.run("sota", "second", status="failed", reason="the loss became NaN")]
    console = Console(scene.folder, now=still, remote=False, query_command=query_server("good"))
    console.animation_level = "none"
    opened = {
        "live": lambda: LiveScreen(runs[0]),
        "compare": lambda: CompareScreen([run.id for run in runs]),
        "query": lambda: QueryScreen(runs[0].id),
        "new run": lambda: NewRunScreen(console.workspace, console.launcher, "baseline", runs[0].config()),
        "settings": lambda: SettingsScreen(console.settings),
        "bin": BinScreen,
    }
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        if SCREENS[turn] in opened:
            await console.push_screen(opened[SCREENS[turn]]())
        await until(pilot, lambda: screen_text(console).splitlines()[-1].strip() != "")
        for name in [*OWN, *OURS[turn :: len(SCREENS)], *TERMINAL]:
            console.theme = name
            await pilot.pause()
            picture = list(written(console))
            assert any(segment.text.strip() for _, segment in picture)
            if name in TERMINAL:
                continue
            series = {colour.upper() for colour in (DARK_COLOURS if console.current_theme.dark else LIGHT_COLOURS)}
            grounds = {console.theme_variables[name].upper() for name in ("background", "surface")}
            for row, segment in picture:
                style = segment.style
                if style is None or style.color is None or style.bgcolor is None or not segment.text.strip():
                    continue
                fore, back = style.color.get_truecolor(), style.bgcolor.get_truecolor()
                ratio = contrast(fore, back)
                if any(character.isalnum() for character in segment.text):
                    assert ratio >= OWN.get(name, KEYS if row == 39 else WORDS), (name, segment.text, fore, back)
                if fore.hex.upper() in series:
                    # Under the cursor of a table a sign stands beside its name.
                    assert ratio >= (3 if back.hex.upper() in grounds else SIGNS), (name, segment.text, fore, back)
