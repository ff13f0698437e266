"""What the shell offers when tab is pressed: commands, options, presets, runs, settings and their values.

The shell calls `seqsum` itself with the line typed so far (argcomplete). Only what an answer needs is loaded, and torch
never.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, TextIO

from argcomplete.completers import DirectoriesCompleter, FilesCompleter, SuppressCompleter
from argcomplete.finders import CompletionFinder
from argcomplete.lexers import split_line
from argcomplete.shell_integration import shellcode

from seqsum.cli.arguments import COMMANDS, command_at, command_parser, root_parser
from seqsum.cli.output import write_out
from seqsum.cli.parser import Parser
from seqsum.errors import ConfigError, UserError

if TYPE_CHECKING:
    from seqsum.runs import Run
    from seqsum.schema import FieldFacts

PLACE = "_ARGCOMPLETE"
"""The variable that is set when a shell asks: which word of its line is the program, counted from one."""

Options = argparse.Namespace


def print_script(options: Options) -> int:
    """Print the shell's part."""
    write_out(shellcode(["seqsum"], use_defaults=False, shell=options.shell) + "\n")
    return 0


def complete(stream: TextIO | None = None, leave: Callable[[int], object] = os._exit) -> None:
    """Answer the shell, at its file descriptor 8 or in a stream, and end the process."""
    *_, words, _ = split_line(os.environ["COMP_LINE"], int(os.environ["COMP_POINT"]))
    program = int(os.environ[PLACE])
    typed = words[program:]
    at = command_at(typed)
    options, unused = Options(workspace=None, command=None), []
    if at == len(typed):
        parser = root_parser()
        parser.add_argument("command", choices=tuple(COMMANDS))
    elif typed[at] in COMMANDS:
        # For argcomplete the command is the program: only its own parser is made.
        os.environ[PLACE] = str(program + at + 1)
        options.command = typed[at]
        parser = command_parser(options.command)
        with contextlib.suppress(UserError):  # the line isn't whole yet
            root_parser().read(typed[:at], options)
            command_parser(options.command, lenient=True).read(typed[at + 1 :], options)
        unused = _prepare_settings(parser, options)
    else:
        parser = root_parser()
    for action in parser.actions:
        words_for = WORDS.get(action.dest) or WORDS.get(str(action.metavar))
        if words_for and not hasattr(action, "completer"):
            action.completer = partial(words_for, options)  # type: ignore[attr-defined]
    CompletionFinder()(
        parser,
        always_complete_options=False,
        default_completer=SuppressCompleter(),
        exclude=unused,
        output_stream=stream,
        exit_method=leave,
    )


def _prepare_settings(parser: Parser, options: Options) -> list[str]:
    """Have the values of settings completed; return the flags of those that don't count with this line."""
    if not parser.field_paths:
        return []
    fields = {facts.path: facts for facts in _settings(parser, options)}
    for action in parser.actions:
        if action.dest in fields:
            action.completer = partial(_values, fields[action.dest])  # type: ignore[attr-defined]
    return [f"--{path}" for path in parser.field_paths if path not in fields]


def _settings(parser: Parser, options: Options) -> list[FieldFacts]:
    """The settings that count with the line's preset or run, and what the line changes; all where there is none."""
    from seqsum.config import all_fields
    from seqsum.presets import load_preset

    with contextlib.suppress(UserError):
        forked = options.command == "fork"
        config = _run(options).config() if forked else load_preset(getattr(options, "preset", None) or "").config
        with contextlib.suppress(ConfigError):
            changes = {path: value for path, value in vars(options).items() if path in parser.field_paths}
            config = config.changed(changes, options.command)
        return list(config.used_fields())
    return all_fields()


def _values(facts: FieldFacts, prefix: str, **_: object) -> Iterable[str]:
    if facts.kind == "text" and facts.section == "task":
        return _files(None, prefix)
    named = (*facts.choices, *facts.words)
    return (*named, *(("true", "false") if facts.kind == "bool" else ()), *(("off",) * facts.optional))


def _presets(options: Options, prefix: str, **_: object) -> dict[str, str]:
    from seqsum.presets import all_presets

    files = dict.fromkeys(FilesCompleter(("toml",))(prefix), "") if prefix else {}
    return {**{preset.name: preset.title for preset in all_presets()}, **files}


def _runs(options: Options, prefix: str, **_: object) -> dict[str, str]:
    """Names, and groups' names where groups can be compared; ids once a digit is typed."""
    from seqsum.runs import Workspace

    workspace = Workspace(options.workspace)
    summaries = (workspace.bin if options.command == "restore" else workspace).summaries()
    groups = {one.group: "group" for one in summaries if one.group and options.command == "compare"}
    ids = {one.id: one.name for one in summaries if prefix[:1].isdigit()}
    return {**ids, **groups, **{one.name: f"{one.status}, step {one.step:,}" for one in summaries}}


def _run(options: Options) -> Run:
    from seqsum.runs import Workspace

    return Workspace(options.workspace).find(getattr(options, "run", None) or "")


def _checkpoints(options: Options, **_: object) -> Iterable[str]:
    from seqsum.runs.checkpoint_files import steps_saved
    from seqsum.runs.run import CHECKPOINTS

    return map(str, steps_saved(_run(options).folder / CHECKPOINTS))


def _live_settings(options: Options, **_: object) -> Iterable[str]:
    from seqsum.config import LIVE_FIELDS

    return [f"{path}=" for path in LIVE_FIELDS]


def _words(options: Options, **_: object) -> Iterable[str]:
    from seqsum.glossary import TERMS

    return [term.word for term in TERMS]


def _files(options: Options | None, prefix: str, **_: object) -> Iterable[str]:
    return FilesCompleter()(prefix)


def _folders(options: Options, prefix: str, **_: object) -> Iterable[str]:
    return DirectoriesCompleter()(prefix)


WORDS: dict[str, Callable[..., Iterable[str]]] = {
    "RUN": _runs,
    "PRESET": _presets,
    "FILE": _files,
    "WORD": _words,
    "DIR": _folders,
    "section.field=VALUE": _live_settings,
    "step": _checkpoints,
    "checkpoint": _checkpoints,
}
"""What an argument or option can be, by its destination or by the name of its value."""
