"""The pages of `--help`: the commands by group; or a command's arguments, and the settings that count with a preset."""

from __future__ import annotations

import argparse
import shlex
import sys

from seqsum import __version__
from seqsum.cli.arguments import GROUPS, Subcommand, command_parser, root_parser
from seqsum.cli.output import complain
from seqsum.cli.page import TITLE, Page, Rows
from seqsum.cli.parser import Parser
from seqsum.errors import UserError
from seqsum.text import one_line


def show_commands(with_options: bool) -> None:
    """Print the list of commands, and the options that all of them have."""
    parser = root_parser()
    page = Page()
    page.line(f"seqsum {__version__}: {parser.words}", TITLE)
    page.line("Usage: seqsum COMMAND [options]")
    page.line("seqsum COMMAND --help tells more of one; seqsum-tui opens the console.")
    sections = [Rows(title, command_rows(group)) for title, group in GROUPS.items()]
    if with_options:
        sections.append(Rows("Options", rows(parser, flags=True), "before the command or after it"))
    page.sections(sections)


def command_rows(group: dict[str, Subcommand]) -> list[tuple[str, str]]:
    """The rows of a group of commands: those that belong together, such as push and pull, share one."""
    rows: list[tuple[str, str]] = []
    for name, command in group.items():
        if command.row == "":
            names, words = rows.pop()
            rows.append((f"{names}, {name}", words))
        else:
            rows.append((name, command.row or command.words))
    return rows


def show_command(options: argparse.Namespace) -> None:
    """Print what can be typed after a command. Of a preset or run that is named, the settings that count follow.

    What is wrong with the name is said on standard error: help is given all the same.
    """
    parser, page = command_parser(options.command), Page()
    settings: list[Rows] = []
    heading, problem, named = "", "", ""
    if parser.field_paths:
        from seqsum.cli import settings_help

        try:
            heading, settings, problem = settings_help.settings(options)
            named = getattr(options, "preset", None) or getattr(options, "run", None) or ""
        except UserError as error:
            problem = str(error)
    page.line(f"Usage: {usage(parser, named)}", TITLE)
    page.line(f"{parser.words[:1].upper()}{parser.words[1:]}.")
    page.sections([Rows("Arguments", rows(parser, flags=False)), Rows("Options", rows(parser, flags=True))])
    if options.command in ("runs", "show"):
        from seqsum.runs.verdict import RULES

        page.sections([Rows("Verdicts", list(RULES.items()), "the first that holds")])
    if settings:
        page.line(f"\n{heading}", TITLE)
        page.sections(settings)
    if parser.field_paths and not (settings and options.all):
        name = shlex.quote(one_line(named)) if settings else _metavar(parser.actions[0]).strip("[]")
        more = "--all lists every setting there is" if settings else "lists its settings, with values and bounds"
        page.line(f"\nseqsum {options.command} {name} --help {more}.")
    if problem:
        sys.stdout.flush()
        complain(problem)


def usage(parser: Parser, named: str = "") -> str:
    """One line: what must be typed; the rest is [options]."""
    words = [parser.prog]
    for action in parser.actions:
        if not action.option_strings:
            first = named and action is parser.actions[0]
            words.append(shlex.quote(one_line(named)) if first else _metavar(action))
        elif action.required:
            words.append(f"{action.option_strings[0]} {_metavar(action)}")
    return " ".join([*words, "[options]"])


def _metavar(action: argparse.Action) -> str:
    name = "|".join(action.choices) if action.choices else str(action.metavar or "")
    return {"+": f"{name} [{name} …]", "*": f"[{name} …]", "?": f"[{name}]"}.get(str(action.nargs), name)


def rows(parser: Parser, flags: bool) -> list[tuple[str, str]]:
    """The flags of a command, or its other arguments, with their help; settings are not among them."""
    return [
        (f"{', '.join(action.option_strings)} {_metavar(action)}".strip(), (action.help or "").replace("%%", "%"))
        for action in parser.actions
        if bool(action.option_strings) is flags and action.dest not in parser.field_paths
    ]
