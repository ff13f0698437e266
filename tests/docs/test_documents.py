"""README and documentation name commands, settings, presets, keys, files and places that there are."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
from textual.keys import _character_to_key

from seqsum.cli.arguments import COMMANDS, parse
from seqsum.presets import load_preset, preset_names
from seqsum.runs import Workspace
from seqsum.sweeps.file import read_sweep_file
from seqsum.sweeps.space import split
from tests.reference import keys_of_parts

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md") if "reference" not in path.parts)]
SIGNS = {"↑": "up", "↓": "down", "←": "left", "→": "right", "esc": "escape"}
SCREENS = {
    "everywhere": {"app", "runs"},
    "compare": {"compare", "compare_table"},
    "runs": {"runs", "run_table", "filter"},
    "new run": {"new_run", "form", "new_run_presets", "new_run_settings"},
    "live": {"live", "ask"},
    "ask": {"query", "query_box"},
    "a chart": {"chart"},
}
"""The rows of the console page's table of keys, and the parts of the key table that each may name."""


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def typed(page: Path) -> Iterator[list[str]]:
    """The words after `seqsum` of every command line of a page, in its blocks and in its sentences."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    for line in [line.strip() for block in blocks for line in block.splitlines()] + spans:
        if line.startswith("seqsum ") and "COMMAND" not in line:
            reader = shlex.shlex(line.replace("$lr", "0.1"), posix=True, punctuation_chars="<>|;")
            reader.whitespace_split, reader.commenters = True, "#"
            yield list(takewhile(lambda word: not set(word) <= set("<>|;"), reader))[1:]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_can_be_typed(page: Path) -> None:
    begun = {words[2] for words in typed(page) if words[:2] == ["plugin", "new"]}
    for words in typed(page):
        if words == ["--version"] or (words[0] in COMMANDS and len(words) == 1):
            continue
        options = parse(words)
        if words[0] == "sweep":
            # The file of a sweep stands on its page, and is read below.
            if options.preset and not options.preset.endswith(".toml"):
                split(options.changes, load_preset(options.preset).config)
        elif hasattr(options, "preset") and not options.preset.isupper() and options.preset not in begun:
            load_preset(options.preset).config.changed(options.changes, str(words))
        assert {name for name in getattr(options, "names", []) if not name.isupper()} <= set(preset_names())


def test_the_sweep_of_a_file_can_be_made(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "sweeps.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "lr.toml").write_text(text, encoding="utf-8")
    said = read_sweep_file(tmp_path / "lr.toml")
    assert said is not None
    _, space = split(said.changes, load_preset(said.words["preset"]).config)
    assert [part.path for part in space] == ["optim.lr", "optim.weight_decay"]


def test_the_script_of_the_page_on_python_does_what_it_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "python.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    environment = {**os.environ, "SEQSUM_WORKSPACE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", text], env=environment, check=True, stdout=subprocess.PIPE, text=True)
    said = done.stdout.splitlines()
    assert said[0].startswith("<run adds (") and said[0].endswith(" 0.003") and said[3].startswith("(3, ")
    assert len(Workspace(tmp_path).members("try")) == 4


def test_the_script_that_watches_its_own_loop_does_what_the_page_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "own-loop.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    environment = {**os.environ, "SEQSUM_WORKSPACE": str(tmp_path / "runs")}
    subprocess.run([sys.executable, tmp_path / "train.py"], env=environment, check=True)
    (run,) = Workspace(tmp_path / "runs").runs()
    summary = run.summary()
    assert (summary.name, summary.status, summary.step, summary.steps) == ("sine", "finished", 2000, 2000)
    assert run.settings() == {"config": {"lr": 0.05, "hidden": 16, "seed": 0}}
    with run.store() as store:
        steps, losses = store.points("loss")
    assert steps.tolist() == list(range(1, 2001)) and losses[-1] < losses[0] / 5 and "val/max error" in summary.metrics


def test_the_pages_do_name_commands() -> None:
    assert sum(len(list(typed(page))) for page in PAGES) > 60


def keys_of(parts: set[str] | None = None) -> set[str]:
    groups = keys_of_parts()
    return {key for name in parts or groups for binding in groups[name] for key in binding.key.split(",")}


def as_key(shown: str) -> str:
    """A key as a page shows it, by the name that the key table has for it."""
    text = shown.replace("\\|", "|").replace("&lt;", "<").replace("&gt;", ">")
    *modifiers, last = text.split("+") if len(text) > 1 else [text]
    name = SIGNS.get(last) or (_character_to_key(last) if len(last) == 1 else last.lower())
    return "+".join([*modifiers, name])


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_key_is_one(page: Path) -> None:
    shown = re.findall(r"<kbd>(.*?)</kbd>", page.read_text(encoding="utf-8"))
    assert {key for key in shown if as_key(key) not in keys_of()} == set()


@pytest.mark.parametrize("screen", SCREENS)
def test_the_table_of_keys_names_those_of_the_screen(screen: str) -> None:
    page = (ROOT / "docs" / "how-to" / "console.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| {screen} \|(.*)$", page, re.MULTILINE)
    shown = re.findall(r"<kbd>(.*?)</kbd>", row)
    assert len(shown) >= 8
    assert {key for key in shown if as_key(key) not in keys_of(SCREENS[screen])} == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_that_is_linked_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [
        target.partition("#")[0]
        for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text)
        for target in target
    ]
    inside = {target for target in targets if target and "://" not in target}
    # The reference pages are made when the site is built.
    missing = {target for target in inside if not (page.parent / target).exists() and "reference/" not in target}
    assert missing == set()


def test_the_example_task_is_the_one_that_is_tested() -> None:
    page = (ROOT / "docs" / "how-to" / "own-task.md").read_text(encoding="utf-8")
    assert (ROOT / "tests" / "core" / "example_plugin.py").read_text(encoding="utf-8") in page


def test_every_picture_is_shown_somewhere() -> None:
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    kept = {path.name for path in (ROOT / "docs" / "pictures").iterdir()}
    assert {name for name in kept if name not in shown} == set()
