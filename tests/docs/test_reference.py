"""The reference pages list every setting, command, option, key and preset."""

from __future__ import annotations

from seqsum.cli.arguments import COMMANDS, command_parser
from seqsum.config import all_fields
from seqsum.presets import preset_names
from seqsum.runs.verdict import RULES
from seqsum_tui.settings.keymap import key_groups
from tests.reference import commands_page, keys_page, presets_page, settings_page, verdicts_page


def test_every_setting_stands_there() -> None:
    page = settings_page()
    assert {facts.path for facts in all_fields() if f"| `--{facts.path}` |" not in page} == set()


def test_every_command_and_option_stands_there() -> None:
    page = commands_page()
    for name in COMMANDS:
        assert f"### {name}\n" in page
        parser = command_parser(name)
        flags = {
            flag for action in parser.actions for flag in action.option_strings if action.dest not in parser.field_paths
        }
        assert {flag for flag in flags if flag not in page} == set()


def test_every_key_stands_there() -> None:
    page = keys_page()
    assert {key.id for _, keys in key_groups() for key in keys if f"`{key.id}`" not in page} == set()


def test_every_preset_stands_there() -> None:
    page = presets_page()
    assert {name for name in preset_names() if f"## {name}\n" not in page} == set()


def test_every_verdict_stands_there() -> None:
    page = verdicts_page()
    assert {word for word, rule in RULES.items() if f"| **{word}** | {rule} |" not in page} == set()


def test_a_bar_in_a_cell_is_one() -> None:
    page = commands_page() + keys_page()
    assert "<code>bash&#124;zsh&#124;fish</code>" in page
    assert "<code>&#124;</code>" in page
    assert "\\|" not in page
