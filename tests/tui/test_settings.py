"""The console's settings: the file, what is wrong with it, and what the console makes of it."""

import subprocess
import sys
import tomllib

import pytest
from textual.content import Content
from textual.widgets import Static

from seqsum_tui.app import Console
from seqsum_tui.dialogs.help import HelpLine
from seqsum_tui.new_run.rows import FieldRow
from seqsum_tui.new_run.screen import NewRunScreen
from seqsum_tui.settings import keymap
from seqsum_tui.settings.screen import SettingsScreen
from seqsum_tui.settings.store import BY_NAME, OPTIONS, Settings
from support.screens import listed, toasts

SIZES = [(60, 20), (80, 24), (120, 40)]


def written(tmp_path, text):
    path = tmp_path / "console.toml"
    path.write_text(text, encoding="utf-8")
    return Settings(path)


def test_without_a_file_the_defaults_and_nothing_is_written(tmp_path):
    settings = Settings(tmp_path / "seqsum" / "console.toml")
    assert {option.name: settings.value(option.name) for option in OPTIONS} == {o.name: o.default for o in OPTIONS}
    assert settings.problems == [] and settings.keys == {}
    settings.save()
    assert list(tmp_path.iterdir()) == []


def test_what_is_put_is_read_again_and_remarks_stay(tmp_path):
    settings = written(tmp_path, '# mine\ntheme = "nord"  # dark\n[keys]\n"runs.new" = "N"\n')
    settings.put("bell", False)
    settings.put("refresh", 1)
    settings.keep_layout("live", {"charts": ["loss", "名前"], "smooth": 0.5, "log": True})
    settings.save()
    again = Settings(settings.path)
    assert again.problems == []
    assert (again.theme, again.value("bell"), again.value("refresh")) == ("nord", False, 1)
    assert again.layout("live") == {"charts": ["loss", "名前"], "smooth": 0.5, "log": True} and again.layout("x") == {}
    assert again.keys == {"runs.new": "N"}
    text = settings.path.read_text(encoding="utf-8")
    assert text.startswith("# mine\n") and "# dark" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["console.toml"], "nothing temporary stays"


def test_two_consoles_change_each_what_is_theirs(tmp_path):
    path = tmp_path / "console.toml"
    one, other = Settings(path), Settings(path)
    one.put("bell", False)
    one.save()
    other.keep_layout("runs", {"sort": "loss"})
    other.put("theme", "nord")
    other.save()
    assert tomllib.loads(path.read_text()) == {"bell": False, "theme": "nord", "layout": {"runs": {"sort": "loss"}}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("thme = 'nord'", 'no setting "thme"; did you mean "theme"?'),
        ("theme = 3", "theme must be"),
        ("bell = 'yes'", 'bell must be true or false, got "yes"'),
        ("refresh = 50", "refresh must be 0.2 to 10, got 50"),
        ("refresh = nan", "refresh must be 0.2 to 10, got nan"),
        ("refresh = true", "refresh must be a number, got true"),
        ("low_traffic = 'of'", 'low_traffic must be one of auto, on, off, got "of"; did you mean "off"?'),
        ("low_traffic = 2020-01-01", "low_traffic must be one of"),
        ("keys = 3", "keys must be a section"),
        ("[keys]\n'runs.new' = 3", "keys: runs.new must be a key or a list of keys, got 3"),
        ("layout = 3", "layout must be a section"),
    ],
)
def test_a_wrong_value_is_told_and_its_default_used(tmp_path, text, said):
    settings = written(tmp_path, text)
    assert len(settings.problems) == 1 and said in settings.problems[0]
    assert all(settings.value(option.name) == option.default for option in OPTIONS) and settings.keys == {}


@pytest.mark.parametrize("data", [b"theme = [", b"\xff\xfe\x00", b"a = " + b"[" * 5000])
def test_a_broken_file_is_told_kept_and_replaced_only_when_something_is_changed(tmp_path, data):
    path = tmp_path / "console.toml"
    path.write_bytes(data)
    settings = Settings(path)
    assert len(settings.problems) == 1 and "the defaults are used" in settings.problems[0]
    settings.save()
    assert path.read_bytes() == data
    settings.put("bell", False)
    settings.save()
    assert (tmp_path / "console.toml.broken").read_bytes() == data
    assert tomllib.loads(path.read_text()) == {"bell": False}


def test_low_traffic_follows_the_line_unless_told_otherwise():
    settings = Settings()
    assert settings.low_traffic(True) and not settings.low_traffic(False)
    assert settings.seconds(True) == 1.0 and settings.seconds(False) == 0.4
    settings.put("low_traffic", "off")
    assert not settings.low_traffic(True)
    settings.put("low_traffic", "on")
    settings.put("refresh", 0.5)
    assert settings.low_traffic(False) and settings.seconds(True) == 2.0
    with pytest.raises(ValueError, match="must be one of"):
        settings.put("low_traffic", "sometimes")


def test_every_key_has_an_id_of_its_own_part_and_a_meaning():
    for part, keys in keymap.key_groups():
        assert keys, part
        assert all(key.id and (key.tooltip or key.description) for key in keys), part


@pytest.mark.parametrize(
    ("keys", "good", "said"),
    [
        ({"runs.new": "W"}, {"runs.new": "W"}, []),
        ({"runs.new": "?"}, {"runs.new": "question_mark"}, ['"question_mark" is runs.new and app.help at once']),
        ({"runs.new": "n,ctrl+n,f9"}, {"runs.new": "n,ctrl+n,f9"}, []),
        ({"runs.nwe": "N"}, {}, ['no key "runs.nwe"; did you mean "runs.new"?']),
        ({"runs.new": "ctlr+n"}, {}, ['no key "ctlr+n"; did you mean "ctrl"?']),
        ({"runs.new": "ctrl+j"}, {}, ['"ctrl+j" is enter to a terminal']),
        ({"runs.new": "entre"}, {}, ['no key "entre"; did you mean "enter"?']),
        ({"runs.new": "x"}, {"runs.new": "x"}, ['"x" is runs.new and run.stop at once']),
        ({"runs.new": "x", "run.stop": "n"}, {"runs.new": "x", "run.stop": "n"}, []),
    ],
)
def test_remaps_are_checked(keys, good, said):
    found, problems = keymap.checked(keys)
    assert found == good
    assert len(problems) == len(said) and all(part in whole for part, whole in zip(said, problems, strict=True))


def test_reading_settings_loads_nothing_that_the_first_paint_does_without():
    script = (
        "import sys, seqsum_tui.settings.store as s; s.Settings(s.settings_path())\n"
        "print([m for m in ('numpy', 'pydantic', 'tomlkit', 'textual') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def settings_screen(pilot, until, console):
    await until(pilot, lambda: listed(console))
    await pilot.press("comma")
    await until(pilot, lambda: isinstance(console.screen, SettingsScreen) and console.screen.row is not None)
    return console.screen


def row(screen, name):
    return next(row for row in screen.query(FieldRow) if row.facts.name == name)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_screen_changes_and_saves_at_once(scene, still, until, tmp_path, size):
    settings = Settings(tmp_path / "config" / "console.toml")
    console = Console(scene.folder, now=still, remote=False, settings=settings)
    async with console.run_test(size=size) as pilot:
        screen = await settings_screen(pilot, until, console)
        seen = []
        while screen.row is not None and screen.row.facts.name not in seen:
            seen.append(screen.row.facts.name)
            await until(pilot, lambda: screen.row.editor.region.overlaps(screen.query_one("#rows").region))
            assert BY_NAME[seen[-1]].help[:20] in str(screen.query_one("#help").render())
            await pilot.press("down")
        assert seen == [option.name for option in OPTIONS]

        row(screen, "bell").editor.focus()
        await pilot.press("space")
        await until(
            pilot, lambda: settings.path.exists() and tomllib.loads(settings.path.read_text()) == {"bell": False}
        )
        row(screen, "low_traffic").editor.focus()
        await until(pilot, lambda: screen.row is row(screen, "low_traffic"))
        await pilot.press("right")
        await until(pilot, lambda: console.remote and console.animation_level == "none")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: not console.remote and settings.value("low_traffic") == "auto")

        row(screen, "refresh").editor.focus()
        await until(pilot, lambda: screen.row is row(screen, "refresh"))
        await pilot.press("home", "ctrl+k", "9", "9")
        await until(pilot, lambda: "0.2 to 10" in " ".join(str(row(screen, "refresh").render()).split()))
        assert settings.value("refresh") == 2.5, "9 was on the way to what can't be used"
        await pilot.press("backspace")
        await until(pilot, lambda: not screen.draft.problems)
        assert settings.value("refresh") == 9

        console.theme = "textual-light"
        await until(pilot, lambda: "textual-light" in settings.path.read_text())
        await until(pilot, lambda: row(screen, "theme").editor.value == "textual-light")
        await pilot.press("escape")
        await until(pilot, lambda: console.screen.__class__.__name__ == "RunsScreen")
    again = Settings(settings.path)
    assert again.theme == "textual-light" and not again.value("bell") and again.value("refresh") == 9


async def test_the_next_console_has_the_theme_and_the_keys(scene, still, until, tmp_path):
    settings = written(
        tmp_path, 'theme = "textual-light"\n[keys]\n"runs.new" = "N"\n"runs.nwe" = "x"\nrun.stop = "K"\n'
    )
    console = Console(scene.folder, now=still, remote=False, settings=settings)
    async with console.run_test(size=(120, 40), notifications=True) as pilot:
        assert console.theme == "textual-light"
        await until(pilot, lambda: listed(console))
        await until(pilot, lambda: any("did you mean" in text for text in toasts(console)))
        await pilot.press("n")
        await pilot.pause()
        assert not isinstance(console.screen, NewRunScreen)
        await pilot.press("question_mark")
        await until(pilot, lambda: console.screen.query(HelpLine))
        assert "N" in [line.names for line in console.screen.query(HelpLine)]
        await pilot.press("escape")
        await until(pilot, lambda: console.screen.__class__.__name__ == "RunsScreen")
        await pilot.press("N")
        await until(pilot, lambda: isinstance(console.screen, NewRunScreen))


async def test_many_faults_are_told_in_one_note_and_all_on_the_screen(scene, still, until, tmp_path):
    text = 'bell = 3\nrefresh = 99\ntheme = "nrod"\n[keys]\n"runs.nwe" = "x"\n"runs.new" = "entre"\n'
    console = Console(scene.folder, now=still, remote=False, settings=written(tmp_path, text))
    async with console.run_test(size=(60, 20), notifications=True) as pilot:
        await until(pilot, lambda: toasts(console))
        (note,) = toasts(console)
        assert note.count("•") == 3 and "2 more" in note
        screen = await settings_screen(pilot, until, console)
        told = str(screen.query_one(".problems", Static).render())
        faults = ("bell must be", "refresh must be", '"nord"', '"runs.new"', '"enter"')
        assert told.count("✗") == len(faults) and all(fault in told for fault in faults)


async def test_a_theme_that_is_not_there_is_told(scene, still, until, tmp_path):
    console = Console(scene.folder, now=still, remote=False, settings=written(tmp_path, 'theme = "nrod"'))
    async with console.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: any('did you mean "nord"' in text for text in toasts(console)))
        assert console.theme == "seqsum"


async def test_settings_that_can_not_be_saved_are_told(scene, still, until, tmp_path):
    (tmp_path / "file").write_text("")
    settings = Settings()
    settings.path = tmp_path / "file" / "console.toml"
    console = Console(scene.folder, now=still, remote=False, settings=settings)
    async with console.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: listed(console))
        console.theme = "nord"
        await until(pilot, lambda: any("can't be saved" in text for text in toasts(console)))
        assert console.theme == "nord"


async def test_a_theme_is_put_on_as_one_moves_in_its_list_and_kept_when_chosen(scene, still, until):
    console = Console(scene.folder, now=still, remote=False, settings=Settings())
    async with console.run_test(size=(80, 24)) as pilot:
        await settings_screen(pilot, until, console)
        before = console.theme
        await pilot.press("enter", "down")
        await until(pilot, lambda: console.theme != before)
        tried = console.theme
        assert console.settings.theme == before, "looking keeps nothing"
        await pilot.press("escape")
        await until(pilot, lambda: console.theme == before)
        await pilot.press("enter", "down", "enter")
        await until(pilot, lambda: console.settings.theme == tried)
        assert console.theme == tried


async def test_looks(pictures, scene, still, until):
    settings = Settings()
    settings.put("bell", False)
    console = Console(scene.folder, now=still, remote=False, settings=settings)
    async with console.run_test(size=(120, 40)) as pilot:
        screen = await settings_screen(pilot, until, console)
        # The list of keys grows with every screen; a few of them are picture enough.
        keys = screen.query_one("#keys", Static)
        keys.update(Content("\n").join(screen.key_list().split("\n")[:6]))
        row(screen, "refresh").editor.focus()
        await pictures(pilot, lambda: "how often screens" in str(screen.query_one("#help").render()))
