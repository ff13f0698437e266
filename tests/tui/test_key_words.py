"""Keys in the words of screens are those that do it, also where a person has given them others."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from textual.app import App
from textual.binding import Binding

from seqsum_tui.app import Console
from seqsum_tui.compare.chart import KEYS as CHART_KEYS
from seqsum_tui.compare.screen import TABLE_KEYS, CompareScreen
from seqsum_tui.live.chart_grid import KEYS as LIVE_KEYS
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.query.pane import HOW
from seqsum_tui.query.screen import QueryScreen
from seqsum_tui.runs.preview import KEYS as PREVIEW_KEYS
from seqsum_tui.runs.screen import RunsScreen
from seqsum_tui.settings.store import Settings
from seqsum_tui.shared.key_subjects import SUBJECTS, by_subject
from seqsum_tui.shared.key_words import key_word
from support.screens import screen_text

IDS = sorted(
    {id for keys in (CHART_KEYS, TABLE_KEYS, LIVE_KEYS, *PREVIEW_KEYS) for id, _ in keys}
    | {id for ids, _ in HOW for id in ids}
)
ROOM = Path(__file__).parents[2] / "tui" / "seqsum_tui"
NAMED = re.compile(r"""key_(?:word|ink)\([^,]+, f?["']([^"']+)["']\)""")


@pytest.mark.parametrize("id", IDS)
def test_a_key_is_called_as_in_the_line_of_keys_or_as_a_person_mapped_it(id: str, tmp_path: Path) -> None:
    console = Console(tmp_path)
    as_made = key_word(console, id)
    assert as_made and not re.search(r"escape|slash|asterisk|_|,", as_made)
    console.keymap = {id: "f9,ctrl+j"}
    assert key_word(console, id) == "F9" != as_made


def test_every_key_that_is_named_in_words_is_one() -> None:
    found = {id for path in ROOM.rglob("*.py") for id in NAMED.findall(path.read_text())}
    assert len(found) > 5
    assert all(key_word(App(), id) for id in found if "{" not in id)


async def test_screens_tell_keys_of_ones_own(scene, still, tmp_path, until):
    runs = [scene.run(name="one", status="paused", step=8000, alive=True), scene.run(name="two", created=still() - 600)]
    keys = {"runs.open": "f9", "run.continue": "f8", "live.enlarge": "f7", "compare.metric": "f6"}
    path = tmp_path / "console.toml"
    path.write_text("[keys]\n" + "\n".join(f'"{id}" = "{key}"' for id, key in keys.items()))
    console = Console(scene.folder, now=still, remote=False, settings=Settings(path))
    console.animation_level = "none"
    async with console.run_test(size=(160, 50)) as pilot:

        def shows(*words):
            return lambda: all(word in screen_text(console) for word in words)

        await until(pilot, shows("F9 opens", "a asks", "F8 goes on"))
        console.push_screen(LiveScreen(runs[0]))
        await until(pilot, shows("F7 enlarge", "F8 goes on"))
        console.push_screen(CompareScreen([run.id for run in runs]))
        await until(pilot, shows("F6 metric", "t time"))


def test_no_key_is_spelt_in_words_in_another_way_than_in_the_line_of_keys() -> None:
    """The line of keys says ^f, and another key where a person mapped it: no sentence says ctrl+f."""
    spelt = []
    for path in ROOM.rglob("*.py"):
        tree = ast.parse(path.read_text())
        told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        spelt += [
            f"{path.name}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
            and re.search(r"ctrl\+\w+ \w", node.value)
        ]  # fmt: skip
    assert spelt == []


@pytest.mark.parametrize("screen", [RunsScreen, LiveScreen, CompareScreen, QueryScreen])
def test_help_is_read_in_parts_none_of_which_is_long(screen) -> None:
    for title, keys in screen.HELP_KEYS:
        parts = by_subject(title, keys)
        assert sorted(map(repr, keys)) == sorted(repr(one) for _, part in parts for one in part), "each once"
        for name, part in parts:
            told = {one.tooltip for one in Binding.make_bindings(part)}
            assert len(told) <= 20, (name, len(told))


def test_every_key_with_a_subject_is_one() -> None:
    named = [id for ids in SUBJECTS.values() for id in ids.split()]
    assert len(set(named)) == len(named) and all(key_word(App(), id) for id in named)
