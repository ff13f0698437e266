"""`seqsum man`: the manual page, in roff, made from the parser and the schema."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

from seqsum import __version__
from seqsum.cli.arguments import GROUPS, command_parser, root_parser
from seqsum.cli.help import rows, usage
from seqsum.cli.output import write_out
from seqsum.cli.settings_help import condition, kind_of
from seqsum.config import all_fields
from seqsum.schema import as_text

VARIABLES = (
    ("SEQSUM_WORKSPACE", "the folder of runs"),
    ("SEQSUM_WORKERS", "how many queued runs train at once; default: one for each core"),
    ("SEQSUM_QUEUE_DIR", "where the queue of the machine is kept; off: each workspace has its own"),
    ("SEQSUM_PLUGINS", "files and folders of tasks and models of one's own, separated as in PATH"),
    ("SEQSUM_CACHE", "where compiled code is kept"),
    ("SEQSUM_STANDBY", "minutes that a loaded process waits for the next run; default: 10; off: none does"),
)
STATUSES = (
    ("0", "all went well"),
    ("1", "a run failed or died, or was stopped from elsewhere before its end"),
    ("2", "something that the user can mend; one sentence says what"),
    ("130", "ctrl-C: what ran is saved and stopped (143: SIGTERM)"),
)


def print_page(options: argparse.Namespace) -> int:
    """Print the page."""
    write_out("\n".join(page()) + "\n")
    return 0


def page() -> Iterator[str]:
    """Yield the lines of the page."""
    root = root_parser()
    everywhere = rows(root, flags=True)
    yield f'.TH SEQSUM 1 "" "seqsum {__version__}" "User commands"'
    yield from _section("NAME", f"seqsum - {root.words[:1].lower()}{root.words[1:].rstrip('.')}")
    yield from _section("SYNOPSIS", "seqsum COMMAND [options]")
    yield from _section(
        "DESCRIPTION", "Trains presets, and changed ones; every run is a folder. seqsum-tui shows them."
    )
    yield from _section("OPTIONS", "Before the command, or after it.")
    yield from _listed(everywhere)
    for title, commands in GROUPS.items():
        yield from _section(title.upper())
        for name, command in commands.items():
            parser = command_parser(name)
            settings = "And --section.field for each of the SETTINGS." if parser.field_paths else ""
            yield from (".SS " + _literal(usage(parser)), _literal(f"{command.words}. {settings}".strip()))
            yield from _listed(rows(parser, flags=False))
            yield from _listed(row for row in rows(parser, flags=True) if row not in everywhere)
    yield from _section(
        "SETTINGS", "Each counts with some tasks, models and choices; seqsum train PRESET --help says which."
    )
    yield from _listed(
        (
            f"--{facts.path} ({as_text(facts.default)})",
            "; ".join(filter(None, (facts.description, kind_of(facts), condition(facts)))),
        )
        for facts in all_fields()
    )
    yield from _section("ENVIRONMENT")
    yield from _listed(VARIABLES)
    yield from _section("EXIT STATUS")
    yield from _listed(STATUSES)


def _section(title: str, text: str = "") -> Iterator[str]:
    yield f".SH {title}"
    if text:
        yield _literal(text)


def _listed(lines: Iterable[tuple[str, str]]) -> Iterator[str]:
    for typed, words in lines:
        yield from (".TP", f"\\fB{_literal(typed)}\\fR", _literal(words))


def _literal(text: str) -> str:
    """A line as it stands: no escape, and no request at its beginning."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + "".join(sign if sign.isascii() else f"\\[u{ord(sign):04X}]" for sign in plain)
