"""What can be typed after `seqsum`.

The flags of `train` are made from the schema, but hold plain text: the schema alone reads and judges values, so that
a flag, a preset file and the console's form give the same errors, all at once. (A parser that converts by itself
would report its own, one at a time; hence argparse here.)
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from seqsum import __version__
from seqsum.cli import annotate
from seqsum.config import LIVE_FIELDS, all_fields
from seqsum.errors import UserError, did_you_mean
from seqsum.export import FORMATS
from seqsum.presets import preset_names
from seqsum.schema import FieldFacts, as_text

COMPARE_OPTIONS = (
    "metric",
    "baseline",
    "at",
    "best",
    "groups",
    "time",
    "show",
    "field",
    "final",
    "log",
    "output",
    "force",
)
WITH_FIELDS = ("train", "fork", "replicate")
COMPARE_PARTS = ("table", "curves", "config", "scatter")


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        choice = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        if choice and message.startswith("argument --"):
            flag = message.removeprefix("argument ").partition(":")[0]
            names = [name.strip(" '") for name in choice[2].split(",")]
            message = f'{flag} must be one of {", ".join(names)}, got "{choice[1]}"'
        elif choice:
            names = [name.strip(" '") for name in choice[2].split(",")]
            message = f'no command "{choice[1]}"' + (
                did_you_mean(choice[1], names) or f"; the commands are {', '.join(names)}"
            )
        raise UserError(f"{self.prog}: {message}")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; raise UserError for what can't be read. `changes` holds train's fields as text."""
    arguments = _with_negative_numbers(arguments)
    parser = build()
    options, rest = parser.parse_known_args(arguments, argparse.Namespace(workspace=None, json=False))
    if rest:
        more = {"sync": ["--timeout"], "export": ["--format", "--output", "--force"], "presets": ["--markdown"]}
        more["runs"] = ["--filter", "--sort", "--reverse"]
        more["predict"] = more["sample"] = ["--length", "--temperature", "--top-k", "--seed", "--checkpoint"]
        more["inspect"] = ["--target", "--checkpoint"]
        more["evaluate"] = ["--lengths", "--confusion", "--calibration", "--mistakes", "--checkpoint"]
        more["compare"] = [*(f"--{name}" for name in COMPARE_OPTIONS), "--output", "--force"]
        known = more.get(options.command, [])
        known = [f"--{facts.path}" for facts in all_fields()] if options.command in WITH_FIELDS else known
        unknown = rest[0].partition("=")[0]
        near = did_you_mean(
            unknown, [*known, "--workspace", "--json", "--name", "--detach", "--queue", "--seeds", "--group"]
        )
        way_out = near or f"; see seqsum {options.command} --help"
        raise UserError(f'seqsum {options.command}: no option or argument "{unknown}"{way_out}')
    if options.command in WITH_FIELDS:
        paths = {facts.path for facts in all_fields()}
        options.changes = {path: value for path, value in vars(options).items() if path in paths}
    return options


def _with_negative_numbers(arguments: list[str]) -> list[str]:
    """Write `--optim.lr -1e-3` as `--optim.lr=-1e-3`: argparse would take the value for a flag."""
    joined: list[str] = []
    for argument in arguments:
        number = re.fullmatch(r"-(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|-inf", argument, re.IGNORECASE)
        if number and joined and joined[-1].startswith("--") and "=" not in joined[-1]:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def build() -> Parser:
    """Make the parser of all commands."""
    # Before the command or after it; without SUPPRESS the command's default would undo what stood before it.
    shared = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    shared.add_argument("--workspace", type=Path, metavar="DIR", help="the folder of runs (also SEQSUM_WORKSPACE)")
    shared.add_argument("--json", action="store_true", help="JSON Lines on standard output, nothing else there")
    parser = Parser(
        prog="seqsum",
        description="Train small sequence models and ask them questions.",
        parents=[shared],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"seqsum {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    def add(name: str, words: str) -> Parser:
        return commands.add_parser(name, help=words, description=words, parents=[shared], allow_abbrev=False)

    def add_for_run(name: str, words: str) -> Parser:
        command = add(name, words)
        command.add_argument("run", metavar="RUN", help="a run's id, the beginning of one, or its name")
        return command

    listing = add("presets", "list the presets, ours and your own")
    listing.add_argument("--markdown", action="store_true", help="a table for documents")
    train = add("train", "start a run from a preset and follow it; Ctrl-C saves and stops it")
    train.add_argument("preset", metavar="PRESET", help=f"{', '.join(preset_names())}, or a path to a .toml file")
    train.add_argument("--name", metavar="TEXT", help="the run's name; default: the preset's, with a number if taken")
    train.add_argument("--detach", action="store_true", help="return at once; the run goes on by itself")
    train.add_argument("--queue", action="store_true", help="wait for a free worker, behind what was queued before")
    _add_fields(train)
    many = add("replicate", "train a preset with many seeds side by side; the same command goes on where it was")
    many.add_argument("preset", metavar="PRESET", help="a preset, or a path to a .toml file")
    many.add_argument("--seeds", metavar="N", required=True, help="how many seeds, from 0 on, or a range like 5-9")
    many.add_argument("--group", metavar="TEXT", help="the group's name; default: the preset's, with a mark if changed")
    many.add_argument("--detach", action="store_true", help="return at once; the runs go on by themselves")
    _add_fields(many)
    listed = add("runs", "list the runs, newest first")
    listed.add_argument("--filter", metavar="EXPR", help='e.g. "model.cell = lstm and accuracy > 0.9", "has:note"')
    listed.add_argument("--sort", metavar="COLUMN", help="name, accuracy, age, optim.lr …: a column, metric or setting")
    listed.add_argument("--reverse", action="store_true", help="the other way round")
    add_for_run("show", "show one run: status, metrics, configuration")
    add_for_run("pause", "pause a running run at its next chunk")
    add_for_run("resume", "go on after a pause, a stop or a death")
    add_for_run("stop", "save and stop a run; resume goes on from there")
    add_for_run("snapshot", "have a live run save a checkpoint now")
    rewind = add_for_run("rewind", "go back to a checkpoint; what came after is kept aside, resume goes on from there")
    where = rewind.add_mutually_exclusive_group(required=True)
    where.add_argument("--step", metavar="N", help="the step of the checkpoint")
    where.add_argument("--undo", action="store_true", help="bring back what the last rewind put aside")
    fork = add_for_run("fork", "start a run that goes on from a checkpoint of another, with changed settings")
    fork.add_argument("--step", metavar="N", default=None, help="the step of the checkpoint; default: the newest")
    fork.add_argument("--name", metavar="TEXT", help="the new run's name; default: the parent's, with -fork")
    fork.add_argument("--detach", action="store_true", help="return at once; the run goes on by itself")
    _add_fields(fork)
    change = add_for_run("set", f"change a value while a run trains: {', '.join(LIVE_FIELDS)}")
    change.add_argument("assignments", metavar="section.field=VALUE", nargs="+")
    _add_asking(add_for_run)
    sync = add_for_run("sync", "upload a run's offline SwanLab logs")
    sync.add_argument("--timeout", metavar="SECONDS", default=None, help="give up after this long; default 60")
    export = add_for_run("export", "write a run's metrics, plot or weights to a file")
    export.add_argument(
        "--format", metavar="{" + ",".join(FORMATS) + "}", default=None, help="default: what the file's ending says"
    )
    export.add_argument("--output", metavar="PATH", required=True, help="the file; - for standard output")
    export.add_argument("--force", action="store_true", help="overwrite a file that is there already")
    annotate.add_commands(add, add_for_run)
    _add_compare(add("compare", "compare runs: final and best values, differences in %, settings, files"))
    return parser


def _add_fields(command: Parser) -> None:
    """Add a flag for every field of the schema."""
    groups: dict[str, argparse._ArgumentGroup] = {}
    for facts in all_fields():
        group = groups.setdefault(facts.section, command.add_argument_group(facts.section))
        group.add_argument(
            f"--{facts.path}", dest=facts.path, metavar=_metavar(facts), default=argparse.SUPPRESS, help=_help(facts)
        )


def _add_asking(add: Callable[[str, str], Parser]) -> None:
    """Add the commands that ask a model."""
    many = "- reads standard input, one a line"
    predict = add("predict", "ask the model of a run's newest checkpoint, or of any other")
    predict.add_argument("input", metavar="INPUT", help=f'what to ask, e.g. "1 2 3 5 1 2 4"; {many}')
    inspect = add("inspect", "look inside while the model reads: states, gates, probabilities, saliency, gradients")
    inspect.add_argument("input", metavar="INPUT", help=f'what to ask, e.g. "1 2 3 5 1 2 4"; {many}')
    inspect.add_argument("--target", metavar="LABEL", help="the class that saliency explains; default: the answer")
    sample = add("sample", "have a language model (or a counting one) write on from a prompt")
    sample.add_argument("prompt", metavar="PROMPT", help="the beginning; - reads it from standard input")
    for command in (predict, sample):
        _add_options(
            command,
            ("--length", "N", "for tasks that continue a prompt: how many steps to go on"),
            ("--temperature", "T", "draw tokens freely: 1 as the model says; default: likeliest"),
            ("--top-k", "K", "draw among the K likeliest tokens only"),
            ("--seed", "N", "seed of the drawing; default 0"),
        )
    evaluate = add("evaluate", "measure accuracy: exactly when the input space is small enough, else on a fixed sample")
    _add_options(
        evaluate,
        ("--lengths", "LOW-HIGH", "sequence lengths, e.g. 2-100; default: those trained on"),
        ("--mistakes", "N", "also list wrong answers, at most N, the surest first"),
    )
    evaluate.add_argument("--confusion", action="store_true", help="also how often each class was answered for which")
    evaluate.add_argument("--calibration", action="store_true", help="also whether it is right as often as it is sure")
    for command in (predict, inspect, sample, evaluate):
        _add_options(command, ("--checkpoint", "STEP", "ask the checkpoint of this step; default: the newest"))


def _add_options(command: Parser, *options: tuple[str, str, str]) -> None:
    for flag, metavar, words in options:
        command.add_argument(flag, metavar=metavar, default=None, help=words)


def _add_compare(command: Parser) -> None:
    command.add_argument("runs", metavar="RUN", nargs="+", help="runs, or groups of runs by their name")
    command.add_argument("--metric", metavar="NAME", help="default: accuracy, or else what the task measures")
    command.add_argument("--baseline", metavar="RUN", help="differences are from this run; default: the first")
    command.add_argument("--at", metavar="STEP", help="also the values at this step (with --time: seconds)")
    command.add_argument("--best", choices=("high", "low"), help="which way is better; default: by the metric's name")
    command.add_argument("--groups", action="store_true", help="runs of a group as their median, with quartiles")
    command.add_argument("--time", action="store_true", help="curves over training time instead of steps")
    command.add_argument("--show", choices=COMPARE_PARTS, help="what to write or print; default: table, or curves")
    command.add_argument("--field", metavar="section.field", help="the setting of a scatter, e.g. optim.lr")
    command.add_argument("--final", action="store_true", help="a scatter of last values instead of best ones")
    command.add_argument("--log", action="store_true", help="logarithmic y axis in a picture")
    command.add_argument("--output", metavar="FILE", help="write a .csv, .svg or .png instead of printing")
    command.add_argument("--force", action="store_true", help="overwrite a file that is there already")


def _metavar(facts: FieldFacts) -> str:
    return "{" + ",".join(facts.choices) + "}" if facts.choices else facts.kind.upper()


def _help(facts: FieldFacts) -> str:
    notes = [facts.bounds, facts.unit or "", f"schema default {as_text(facts.default)}"]
    text = f"{facts.description} ({', '.join(note for note in notes if note)})"
    return text.replace("%", "%%")
