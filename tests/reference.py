"""The site's reference pages, made from the schema, the parser, the key table and the presets: `make docs`.

`python -m tests.reference` writes them into `docs/reference`, which is not committed.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

from textual.binding import Binding
from textual.keys import format_key

from seqsum.cli.arguments import GROUPS, command_parser, root_parser
from seqsum.cli.help import rows, usage
from seqsum.cli.markdown import preset_table
from seqsum.cli.settings_help import condition, kind_of
from seqsum.config import Config, section_type
from seqsum.glossary import TERMS
from seqsum.presets import all_presets
from seqsum.registry import MODELS, TASKS
from seqsum.runs.verdict import RULES
from seqsum.schema import FieldFacts, as_text, fields_of
from seqsum_tui.charts.chart import keys_beside
from seqsum_tui.dialogs.help import EVERYWHERE
from seqsum_tui.new_run.keys import IN_PRESETS, IN_SETTINGS
from seqsum_tui.settings.keymap import key_groups

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
TITLES = {
    "app": "Everywhere",
    "runs": "The list of runs",
    "run_table": "The list of runs: moving",
    "live": "The live view",
    "ask": "The live view: asking below the charts",
    "query": "Ask",
    "query_box": "Ask: the box",
    "heat_map": "Ask: heat maps",
    "answer_list": "Ask: lists of answers",
    "differences": "Compare: settings that differ",
    "compare_table": "Compare: moving",
    "chart": "A chart",
    "form": "New run: the form",
    "new_run_presets": "New run: presets",
    "new_run_settings": "New run: settings",
    "set_value": "Dialog: set a value",
    "choose": "Dialog: choose from a list",
    "confirm": "Dialog: yes or no",
    "line": "Dialog: one line",
    "note": "Dialog: a note",
    "export": "Dialog: export",
    "changes": "Dialog: changes of New run",
    "save_preset": "Dialog: save a preset",
    "help_page": "Dialog: help",
    "settings_screen": "Settings",
    "fork": "Dialog: fork",
    "rewind": "Dialog: rewind",
}


def table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    body = [columns, ["---"] * len(columns), *lines]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in body)


def _cell(text: str) -> str:
    """A bar would end the cell, and in code it can't be escaped: there it is HTML."""
    coded = re.sub(r"`([^`]*\|[^`]*)`", lambda found: f"<code>{escape(found[1])}</code>", text)
    return coded.replace("|", "&#124;")


def settings_page() -> str:
    """Every setting there is, with default, kind, bounds and unit."""
    parts = [
        "# Settings",
        "Every setting is a flag of `train`, a line of a preset's TOML, and a field of New run; all read this table.",
        "*live*: it can be changed while a run trains, with `seqsum set` or a key of the live view.",
    ]
    for section in Config.model_fields:
        if section not in ("task", "model"):
            kind = section_type(section, {})
            parts += [f"## {section}", _sentence(kind.__doc__), _settings(fields_of(section, kind))]
            continue
        for name in TASKS if section == "task" else MODELS:
            kind = section_type(section, {"name": name})
            words = TASKS[name].title if section == "task" else _sentence(kind.__doc__)
            parts += [f"## {section} {name}", words, _settings(fields_of(section, kind))]
    return "\n\n".join(parts)


def _settings(fields: Iterator[FieldFacts]) -> str:
    return table(
        ("Setting", "Default", "Values", "What it is"),
        [
            (
                f"`--{facts.path}`",
                f"`{as_text(facts.default)}`" if as_text(facts.default) else "",
                kind_of(facts),
                "; ".join(filter(None, (facts.description, condition(facts), "*live*" * facts.live))),
            )
            for facts in fields
        ],
    )


def commands_page() -> str:
    """Every command, its arguments and its options."""
    everywhere = rows(root_parser(), flags=True)
    parts = [
        "# Commands",
        table(("Before the command, or after it", ""), _code(everywhere)),
    ]
    for title, commands in GROUPS.items():
        parts.append(f"## {title}")
        for name, command in commands.items():
            parser = command_parser(name)
            parts += [f"### {name}", f"{_sentence(command.words)}", f"```\n{usage(parser)}\n```"]
            lines = [row for flags in (False, True) for row in rows(parser, flags=flags) if row not in everywhere]
            if lines:
                parts.append(table(("", ""), _code(lines)))
            if parser.field_paths:
                parts.append("And `--section.field` for each of the [settings](settings.md).")
    return "\n\n".join(parts)


def _code(lines: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(f"`{typed}`", words) for typed, words in lines]


def keys_of_parts() -> dict[str, list[Binding]]:
    """Every part of the console that has keys, and its keys as they are on the screens."""
    # Those of a run that trains stand in the list's and the live view's, too.
    groups = {name.lower(): list(keys) for name, keys in key_groups() if name != "CONTROL"}
    groups["app"] += [key for key in Binding.make_bindings(EVERYWHERE) if not key.id]
    groups["chart"] = list(Binding.make_bindings(keys_beside()))
    groups["new_run_presets"] = list(Binding.make_bindings(IN_PRESETS))
    groups["new_run_settings"] = list(Binding.make_bindings(IN_SETTINGS))
    return groups


def keys_page() -> str:
    """Every key of every screen, with the id by which it can be remapped."""
    parts = [
        "# Keys",
        "`?` shows those of the screen one is on. In the section `keys` of `console.toml` an id is given other keys: "
        '`"runs.new" = ["n", "ctrl+n"]`.',
    ]
    for name, keys in keys_of_parts().items():
        parts += [f"## {TITLES.get(name, name.replace('_', ' ').capitalize())}", _keys(keys)]
    return "\n\n".join(parts)


def _keys(bindings: Iterable[Binding]) -> str:
    merged: dict[str, tuple[list[str], str]] = {}
    for binding in bindings:
        names, _ = merged.setdefault(binding.id or binding.key, ([], binding.tooltip or binding.description))
        names += [f"`{format_key(key)}`" for key in binding.key.split(",")]
    lines = [(" ".join(names), words, f"`{id}`" if "." in id else "") for id, (names, words) in merged.items()]
    return table(("Key", "What it does", "Id"), lines)


def presets_page() -> str:
    """Every preset: a table of what they set, and each one's words."""
    presets = all_presets()
    parts = ["# Presets", preset_table(presets)]
    for preset in presets:
        parts += [f"## {preset.name}", f"**{preset.title}**", preset.description]
        if preset.look_for:
            parts.append(f"*What to look for:* {preset.look_for}")
    return "\n\n".join(parts)


def verdicts_page() -> str:
    """What each verdict on a run means: the rules, in the order in which they are tried."""
    parts = [
        "# Verdicts",
        "How a run went, in a word and a sentence: in the list, the live view, `seqsum runs`, `seqsum show`, `--json`. "
        "The first rule that holds gives the word; the sentence has the figures.",
        table(("Verdict", "When"), [(f"**{word}**", rule) for word, rule in RULES.items()]),
    ]
    return "\n\n".join(parts)


def words_page() -> str:
    """What the words of the field mean."""
    parts = [
        "# Words",
        "In the console `?` finds them, those on the screen first; `seqsum explain WORD` says one.",
        table(("Word", "What it means"), [(f"**{term.title}**", term.meaning) for term in TERMS]),
    ]
    return "\n\n".join(parts)


def _sentence(words: str | None) -> str:
    text = " ".join((words or "").split()).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}." if text else ""


PAGES = {
    "settings": settings_page,
    "commands": commands_page,
    "keys": keys_page,
    "presets": presets_page,
    "verdicts": verdicts_page,
    "words": words_page,
}


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for name, page in PAGES.items():
        text = re.sub(r"\b[Dd]ocuments? \d|\bthe tutorial\b", r"[\g<0>](../sources.md)", page())
        (FOLDER / f"{name}.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
