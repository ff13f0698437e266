"""What can be typed after `seqsum`: every command, in one table.

The flags of `train` are made from the schema, but hold plain text: the schema alone reads and judges values, so that
a flag, a preset file and the console's form give the same errors, all at once. (A parser that converts by itself
would report its own, one at a time; hence argparse here.)

Only the parser of the command that was typed is made, and only that command's code is loaded.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from seqsum import __version__
from seqsum.cli.parser import Parser, nearest
from seqsum.errors import UserError
from seqsum.text import one_line

if TYPE_CHECKING:
    from seqsum.query.question import Question

HELP = ("-h", "--help")
NEWEST = "default: the newest"
FILTER_HELP = (
    'e.g. "model.cell = lstm and accuracy > 0.9", "has:note", "name = big-*", "seed in (0, 1)", "age < 1h30m", '
    '"step > 1,000", "loss = nan or not has:loss", "name ~ ^big.*[0-9]$" (a regular expression); '
    '"accuracy = 99.83%" finds what rounds to it; lr is the last step\'s rate, optim.lr the setting'
)


@dataclass(frozen=True)
class Subcommand:
    """A command: what it does in one line, its code as "module:function", and what can be typed after it.

    `row` is what the list of commands says in place of `words`; one with an empty `row` shares the row above.
    """

    words: str
    code: str
    describe: Callable[[Parser], None]
    row: str | None = None

    def run(self, options: argparse.Namespace) -> int:
        """Do what the command does; return the exit status."""
        module, _, function = self.code.partition(":")
        status: int = getattr(import_module(f"seqsum.cli.{module}"), function)(options)
        return status


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a whole command line; raise UserError for what can't be read. `changes` holds train's fields as text."""
    return parse_command(parse_name(arguments))


def parse_name(arguments: list[str]) -> argparse.Namespace:
    """Read up to the command's name: `command` is None where there is none, `rest` is what stands after it."""
    place = command_at(arguments)
    name, rest = (*arguments[place : place + 1], None)[0], arguments[place + 1 :]
    before = argparse.Namespace(workspace=None, json=False, help=False, command=name, rest=rest)
    options = root_parser().read(arguments[:place], before)
    if name is not None and name not in COMMANDS:
        way_out = nearest(name, COMMANDS) or f"; the commands are {', '.join(COMMANDS)}"
        raise UserError(f'seqsum: no command "{one_line(name)}"{way_out}')
    if name is None and options.json and not options.help:
        raise UserError("seqsum: --json needs a COMMAND; seqsum --help lists them")
    return options


def command_at(arguments: Sequence[str]) -> int:
    """Return the place of the command's name; the number of arguments where there is none."""
    place = 0
    while place < len(arguments) and arguments[place].startswith("-"):
        place += 2 if arguments[place] == "--workspace" else 1
    return min(place, len(arguments))


def parse_command(options: argparse.Namespace) -> argparse.Namespace:
    """Read what stands after the command's name. Where help is asked for, nothing need be there, nor be right."""
    asks = options.help or any(argument in HELP for argument in takewhile(lambda one: one != "--", options.rest))
    parser = command_parser(options.command, lenient=asks)
    try:
        options = parser.read(options.rest, options)
    except UserError:
        if not asks:
            raise
        options = parser.read([], options)
    options.help = asks
    options.changes = {path: value for path, value in vars(options).items() if path in parser.field_paths}
    if getattr(options, "all", False) and not asks:
        raise UserError(f"{parser.speaker}: --all goes with --help: it shows every setting")
    return options


def root_parser() -> Parser:
    """Make the parser of what stands before the command."""
    parser = Parser("seqsum", "Train small sequence models and ask them questions.")
    _add_shared(parser)
    parser.add_argument("--version", action="version", version=f"seqsum {__version__}", help="which version this is")
    return parser


def command_parser(name: str, *, lenient: bool = False) -> Parser:
    """Make the parser of a command."""
    command = COMMANDS[name]
    parser = Parser(f"seqsum {name}", command.words, lenient=lenient)
    command.describe(parser)
    _add_shared(parser)
    return parser


def _add_shared(parser: Parser) -> None:
    # Before the command or after it; without SUPPRESS the command's default would undo what stood before it.
    absent = argparse.SUPPRESS
    parser.add_argument(
        "--workspace", type=Path, metavar="DIR", default=absent, help="the folder of runs (also SEQSUM_WORKSPACE)"
    )
    parser.add_argument(
        "--json", action="store_true", default=absent, help="JSON Lines on standard output, nothing else there"
    )
    parser.add_argument(*HELP, action="store_true", default=absent, help="this page")


def _nothing(parser: Parser) -> None:
    """A command that takes no arguments."""


def _run(parser: Parser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run's id, the beginning of one, or its name")


def _presets(parser: Parser) -> None:
    parser.add_argument("names", metavar="PRESET", nargs="*", help="show all of these; default: list every preset")
    parser.add_argument("--markdown", action="store_true", help="a table for documents")


def _plugin(parser: Parser) -> None:
    parser.add_argument("verb", choices=("new",), help="write the files to begin with")
    parser.add_argument("name", metavar="NAME", help="what it and its preset are called: small letters, digits, _")
    parser.add_argument("--model", action="store_true", help="a model; default: a task")


def _preset(parser: Parser) -> None:
    parser.add_argument(
        "preset", metavar="PRESET", help="a preset (seqsum presets lists them), or a path to a .toml file"
    )


def _train(parser: Parser) -> None:
    _preset(parser)
    parser.add_argument("--name", metavar="TEXT", help="the run's name; default: the preset's, with a number if taken")
    _detach(parser)
    parser.add_argument("--queue", action="store_true", help="wait for a free worker, behind what was queued before")
    _engine(parser)
    _settings(parser)


def _replicate(parser: Parser) -> None:
    _preset(parser)
    parser.add_argument("--seeds", metavar="N", required=True, help="how many seeds, from 0 on, or a range like 5-9")
    parser.add_argument(
        "--group", metavar="TEXT", help="the group's name; default: the preset's, with a mark if changed"
    )
    _detach(parser)
    _engine(parser)
    _yes(parser)
    _settings(parser)


def _sweep(parser: Parser) -> None:
    from seqsum.sweeps.space import PRUNERS, SAMPLERS

    parser.add_argument("preset", metavar="PRESET", nargs="?", help="a preset, or a .toml file of one or of a sweep")
    parser.add_argument("--seeds", metavar="N", help="how many each, or like 0-7; default: 4")
    parser.add_argument("--trials", metavar="N", help="how many settings; default: a grid's")
    parser.add_argument(
        "--sampler",
        choices=SAMPLERS,
        help="how settings are chosen; default: grid for lists, tpe with a range",
    )
    parser.add_argument(
        "--prune",
        choices=PRUNERS,
        help="give up bad settings early; default: off",
    )
    parser.add_argument("--goal", metavar="METRIC", help="default: accuracy, or train.best_metric")
    parser.add_argument("--name", metavar="NAME", help="default: the preset's, with -sweep")
    _detach(parser)
    _engine(parser)
    parser.add_argument("--resume", metavar="NAME", help="go on with one that was stopped or died")
    parser.add_argument("--show", metavar="NAME", help="what came of a sweep so far")
    parser.add_argument("--output", metavar="FILE", help="with --show: a .csv, .svg, .png, .pdf")
    _force(parser)
    parser.add_argument("--importance", metavar="NAME", help="which field of a sweep decides how much")
    parser.add_argument("--pause", metavar="NAME", help="start nothing new; what runs goes on")
    parser.add_argument("--stop", metavar="NAME", help="save a sweep's runs and stop it")
    parser.add_argument("--list", action="store_true", help="the sweeps there are")
    _yes(parser)
    _settings(parser)


def _yes(parser: Parser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask where it is very many runs")


def _fork(parser: Parser) -> None:
    _run(parser)
    parser.add_argument(
        "--checkpoint", "--step", dest="step", metavar="STEP", help=f"from which: best, last or a step; {NEWEST}"
    )
    parser.add_argument("--name", metavar="TEXT", help="the new run's name; default: the parent's, with -fork")
    _detach(parser)
    _settings(parser)


def _rerun(parser: Parser) -> None:
    _run(parser)
    parser.add_argument("--name", metavar="TEXT", help="the new run's name; default: the old one's, with -rerun")
    parser.add_argument("--check", action="store_true", help="only compare: the new run goes into the bin afterwards")


def _detach(parser: Parser) -> None:
    parser.add_argument("--detach", action="store_true", help="return at once; training goes on by itself")


def _engine(parser: Parser) -> None:
    from seqsum.launch.engines import ENGINES

    _on(parser, ENGINES)
    parser.add_argument("--dry-run", action="store_true", help="print what it will run, start nothing")


def _on(parser: Parser, engines: Sequence[str]) -> None:
    parser.add_argument("--on", choices=engines, help="what starts runs; default: local")
    parser.add_argument("--job", metavar="NAME=VALUE", help="of its jobs, e.g. partition=gpu,time=60")


def _many(parser: Parser) -> None:
    parser.add_argument(
        "runs", metavar="RUN", nargs="*", help="ids, beginnings of ids, or names; group:NAME is all of a group"
    )
    _chosen(parser)


def _chosen(parser: Parser) -> None:
    parser.add_argument("--filter", metavar="EXPR", help='every run that it finds, e.g. "status = running"; see runs')
    parser.add_argument("--yes", action="store_true", help="do not ask where it is several")


def _resume(parser: Parser) -> None:
    from seqsum.launch.engines import ENGINES

    _many(parser)
    _on(parser, ENGINES)
    parser.add_argument("--detach", action="store_true", help="resume returns at once with it or without; not from ray")


def _settings(parser: Parser) -> None:
    """Add a flag for every field of the schema."""
    from seqsum.config import all_fields

    fields = all_fields()
    for facts in fields:
        parser.add_argument(f"--{facts.path}", dest=facts.path, default=argparse.SUPPRESS, help=facts.description)
    parser.field_paths = tuple(facts.path for facts in fields)
    parser.add_argument("--all", action="store_true", help="with --help: also the settings that do not count here")


def _runs(parser: Parser) -> None:
    parser.add_argument("--filter", metavar="EXPR", help=FILTER_HELP)
    parser.add_argument("--sort", metavar="COLUMN", help="name, accuracy, age, optim.lr …: a column, metric or setting")
    parser.add_argument("--reverse", action="store_true", help="the other way round")


def _set(parser: Parser) -> None:
    from seqsum.config import LIVE_FIELDS

    _run(parser)
    parser.add_argument(
        "assignments", metavar="section.field=VALUE", nargs="+", help=f"one or several of {', '.join(LIVE_FIELDS)}"
    )


def _rewind(parser: Parser) -> None:
    _run(parser)
    parser.add_argument("--checkpoint", "--step", dest="step", metavar="STEP", help="to which: best, last or a step")
    parser.add_argument("--undo", action="store_true", help="instead: bring back what the last rewind put aside")


def _input(parser: Parser) -> None:
    parser.add_argument(
        "input",
        metavar="INPUT",
        nargs="?",
        help='what to ask, e.g. "1 2 3 5 1 2 4"; - reads standard input, one a line; a series: default: the end of the '
        "data",
    )


def _fields(parser: Parser, name: str) -> None:
    """Add the flags of a question's fields, and of the questions that can be asked beside it."""
    from seqsum.query.registry import flags_of, questions

    for other, flag in flags_of(name).items():
        metavars = questions()[other].metavars()
        how = {"metavar": metavars[flag.field]} if flag.field else {"action": "store_true"}
        parser.add_argument(flag.name, help=flag.help, **how)
        _metavars(parser, questions()[other], leave_out=flag.field)
    _metavars(parser, questions()[name])
    parser.add_argument("--checkpoint", metavar="STEP", help=f"which to ask: best, last or a step; {NEWEST}")


def _metavars(parser: Parser, question: type[Question], leave_out: str | None = None) -> None:
    for field, metavar in question.metavars().items():
        if field != leave_out:
            words = question.model_fields[field].description
            parser.add_argument(f"--{field.replace('_', '-')}", metavar=metavar, help=words)


def _predict(parser: Parser) -> None:
    _run(parser)
    _input(parser)
    _fields(parser, "predict")
    parser.add_argument("--file", metavar="FILE", help="ask every row of a .csv, .tsv, .jsonl, or each line of a .txt")
    parser.add_argument("--output", metavar="FILE", help="its rows with their answers, a .csv, .tsv, .jsonl")
    parser.add_argument("--column", metavar="NAME", help="the file's column of questions; default: as in training")
    _force(parser)


def _inspect(parser: Parser) -> None:
    _run(parser)
    _input(parser)
    _fields(parser, "inspect")


def _sample(parser: Parser) -> None:
    _run(parser)
    parser.add_argument("prompt", metavar="PROMPT", help="the beginning; - reads it from standard input")
    _fields(parser, "sample")


def _evaluate(parser: Parser) -> None:
    _run(parser)
    parser.add_argument("--lengths", metavar="LOW-HIGH", help="sequence lengths, e.g. 2-100; default: those trained on")
    parser.add_argument(
        "--part",
        choices=("validation", "test"),
        help="the part of the data to ask; default: validation, which chooses checkpoints, and then the test, if any",
    )
    parser.add_argument("--confusion", action="store_true", help="also how often each class was answered for which")
    parser.add_argument("--file", metavar="FILE", help="ask every row of this file instead, read as the run's own is")
    parser.add_argument("--column", metavar="NAME", help="the file's column of questions; default: as in training")
    parser.add_argument("--truth-column", metavar="NAME", help="the file's column of right answers; default: likewise")
    _fields(parser, "evaluate")


def _compare(parser: Parser) -> None:
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", help="runs, or groups by their name; group:NAME where a run is called so, too"
    )
    parser.add_argument("--metric", metavar="NAME", help="default: accuracy, or else what the task measures")
    parser.add_argument("--baseline", metavar="RUN", help="differences are from this run; default: the first")
    parser.add_argument("--at", metavar="STEP", help="also the values at this step (with --time: seconds)")
    parser.add_argument("--best", choices=("high", "low"), help="which way is better; default: by the metric's name")
    parser.add_argument("--groups", action="store_true", help="runs of a group as their median, with quartiles")
    parser.add_argument("--test", action="store_true", help="also how sure the differences of groups are, over seeds")
    parser.add_argument("--time", action="store_true", help="curves over training time instead of steps")
    parser.add_argument(
        "--show",
        choices=("table", "curves", "config", "scatter"),
        help="what to write or print; default: table, or curves",
    )
    parser.add_argument("--field", metavar="section.field", help="the setting of a scatter, e.g. optim.lr")
    parser.add_argument("--final", action="store_true", help="a scatter of last values instead of best ones")
    parser.add_argument("--log", action="store_true", help="logarithmic y axis in a picture")
    _y_range(parser, "of a picture")
    parser.add_argument("--output", metavar="FILE", help="write a .csv, .svg, .png or .pdf instead of printing")
    _force(parser)


def _export(parser: Parser) -> None:
    from seqsum.export import FORMATS, MODELS, ROOTS

    parser.add_argument(
        "runs", metavar="RUN", nargs="*", help="ids, beginnings of ids, or names; group:NAME is all of a group"
    )
    parser.add_argument(
        "--to",
        "--format",
        metavar="NAME",
        help=f"a file: {', '.join(FORMATS)}; what answers elsewhere: {', '.join(MODELS)}; or another tool's folder: "
        f"{', '.join(ROOTS)}; default: what the file's ending says",
    )
    parser.add_argument(
        "--output",
        metavar="PATH",
        help="the file, - for standard output; or the folder of all runs of the tool; default: here, by the run's "
        f"name, or {', '.join(ROOTS.values())}",
    )
    parser.add_argument("--filter", metavar="EXPR", help='every run that it finds, e.g. "accuracy > 0.9"; see runs')
    parser.add_argument("--checkpoint", metavar="STEP", help=f"whose weights: best, last or a step; {NEWEST}")
    parser.add_argument("--width", metavar="LENGTH", help="of a figure for a paper: 3.3in, 8.4cm, 84mm; default: 3.3in")
    parser.add_argument("--metric", metavar="NAMES", help="what the figure shows: accuracy, or several: loss,accuracy")
    parser.add_argument(
        "--band",
        choices=("quartiles", "range", "none"),
        help="around a group's median: quartiles, the range, none; default: quartiles",
    )
    parser.add_argument("--xlim", metavar="LOW,HIGH", help="ends of the steps in a figure; ,2000 sets the last alone")
    parser.add_argument("--log", action="store_true", help="logarithmic y axis in a figure")
    parser.add_argument("--log-x", action="store_true", help="logarithmic x axis in a figure")
    _y_range(parser, "of a figure, or of the loss in a picture")
    _force(parser)


def _y_range(parser: Parser, where: str) -> None:
    words = f"ends of the y axis {where}: 0,2; ,2 sets the top alone; --ylim=-1,1 below zero"
    parser.add_argument("--ylim", metavar="LOW,HIGH", help=words)
    parser.add_argument("--no-outliers", action="store_true", help="leave outliers out of it where they flatten it")


def _force(parser: Parser) -> None:
    parser.add_argument("--force", action="store_true", help="overwrite what is there already")


def _sync(parser: Parser) -> None:
    _run(parser)
    parser.add_argument("--timeout", metavar="SECONDS", help="give up after this long; default 60")


def _push(parser: Parser) -> None:
    _many(parser)
    parser.add_argument(
        "--to", metavar="URL", required=True, help="a PostgreSQL server, e.g. postgresql://me@db.example.org/runs"
    )
    parser.add_argument("--force", action="store_true", help="put a run in the place of one there that differs")


def _pull(parser: Parser) -> None:
    parser.add_argument(
        "runs", metavar="RUN", nargs="*", help="ids, beginnings of ids, or names; group:NAME is all of a group"
    )
    parser.add_argument(
        "--from", dest="server", metavar="URL", required=True, help="the server that they were pushed to"
    )
    parser.add_argument("--list", action="store_true", help="the runs there; default where none is named")
    parser.add_argument("--force", action="store_true", help="put a run here that differs into the bin first")


def _pack(parser: Parser) -> None:
    from seqsum.runs.packed import ENDING

    _run(parser)
    parser.add_argument("--output", metavar="FILE", help=f"default: the run's name{ENDING}, here")
    _force(parser)


def _unpack(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="what seqsum pack wrote")
    parser.add_argument("--name", metavar="TEXT", help="what the run is called here; default: as it was")
    parser.add_argument("--force", action="store_true", help="put a run here that differs into the bin first")


def _rename(parser: Parser) -> None:
    _run(parser)
    parser.add_argument("name", metavar="NAME", help="1 to 200 characters")


def _tag(parser: Parser) -> None:
    parser.add_argument(
        "run", metavar="RUN", help="a run's id, the beginning of one, or its name; group:NAME is all of a group"
    )
    parser.add_argument("tags", metavar="TAG", nargs="*", help="a word or several, without commas")
    parser.add_argument("--remove", action="store_true", help="take these tags away")
    parser.add_argument("--filter", metavar="EXPR", help='in place of RUN: every run that it finds, "accuracy > 0.9"')
    parser.add_argument("--yes", action="store_true", help="do not ask where it is several")


def _note(parser: Parser) -> None:
    _run(parser)
    parser.add_argument("text", metavar="TEXT", help="the note; '' removes it")


def _star(parser: Parser) -> None:
    _run(parser)
    parser.add_argument("--off", action="store_true", help="take it away")


def _bin(parser: Parser) -> None:
    parser.add_argument("--empty", action="store_true", help="delete them for good")
    parser.add_argument("--yes", action="store_true", help="do not ask before they are deleted")


def _prune(parser: Parser) -> None:
    parser.add_argument(
        "runs", metavar="RUN", nargs="*",
        help="ids, beginnings of ids, or names; group:NAME is all of a group; default: every run that has ended",
    )  # fmt: skip
    parser.add_argument(
        "--keep", metavar="WHICH", default="auto",
        help="auto: the newest 3 and up to 37 spread over the run; last; best (and the last); or so many of the newest",
    )  # fmt: skip
    parser.add_argument("--older-than", metavar="TIME", help="only runs that ended so long ago, e.g. 30d, 12h")
    parser.add_argument("--bin", action="store_true", help="also delete for good what lies in the bin (so long)")
    parser.add_argument("--dry-run", action="store_true", help="tell what would be freed, delete nothing")
    _chosen(parser)


def _doctor(parser: Parser) -> None:
    parser.add_argument(
        "run", metavar="RUN", nargs="?", help="a run's id, the beginning of one, or its name; default: all"
    )
    parser.add_argument(
        "--repair", action="store_true", help="mend what can be mended; what is replaced is kept beside"
    )


def _explain(parser: Parser) -> None:
    parser.add_argument(
        "word", metavar="WORD", nargs="*", help="a word or phrase, or several words; default: list every word"
    )


def _completion(parser: Parser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell to print it for")


GROUPS: dict[str, dict[str, Subcommand]] = {
    "Train": {
        "presets": Subcommand(
            "list the presets, or show one",
            "presets:presets",
            _presets,
            "list the presets, or show one; begin a plug-in of your own",
        ),
        "plugin": Subcommand("begin a task or a model of your own: plugin new NAME", "plugin:plugin", _plugin, ""),
        "train": Subcommand("train a preset and follow it; Ctrl-C saves and stops", "commands:train", _train),
        "replicate": Subcommand(
            "train a preset with many seeds; repeated, it goes on", "replicate:replicate", _replicate
        ),
        "sweep": Subcommand("try many settings of a preset, each with several seeds", "sweep:sweep", _sweep),
        "fork": Subcommand(
            "start a run from a checkpoint of another, with changes",
            "commands:fork",
            _fork,
            "start a run from a checkpoint of another; repeat a run",
        ),
        "rerun": Subcommand("repeat a run, and say whether the bits agree", "rerun:rerun", _rerun, ""),
    },
    "Runs": {
        "runs": Subcommand("list the runs, newest first", "listing:runs", _runs),
        "show": Subcommand("show one run: status, metrics, configuration", "show:show", _run),
        "compare": Subcommand("compare runs: final and best values, curves, settings", "compare:compare", _compare),
        "export": Subcommand("write runs as files, figures, models, or other tools' logs", "export:export", _export),
        "push": Subcommand(
            "copy whole runs to a PostgreSQL server",
            "server:push",
            _push,
            "copy whole runs to a PostgreSQL server, or from there",
        ),
        "pull": Subcommand("bring runs back from a server, or list those there", "server:pull", _pull, ""),
        "pack": Subcommand(
            "write a whole run into one file", "packing:pack", _pack, "write a whole run into one file, or read it"
        ),
        "unpack": Subcommand("make the run of a packed file", "packing:unpack", _unpack, ""),
        "sync": Subcommand("upload a run's offline SwanLab logs", "commands:sync", _sync),
    },
    "While it trains": {
        "pause": Subcommand("pause running runs at their next chunk", "commands:pause", _many),
        "resume": Subcommand("go on after a pause, a stop or a death", "commands:resume", _resume),
        "stop": Subcommand("save and stop runs; resume goes on from there", "commands:stop", _many),
        "snapshot": Subcommand("have live runs save a checkpoint now", "commands:snapshot", _many),
        "rewind": Subcommand("go back to a checkpoint; what came after is kept aside", "commands:rewind", _rewind),
        "set": Subcommand("change a value while a run trains, e.g. optim.lr=0.001", "commands:set_values", _set),
    },
    "Ask a model": {
        "predict": Subcommand("ask a run's newest checkpoint, or any other", "asking:predict", _predict),
        "inspect": Subcommand("look inside while it reads: states, gates, gradients", "asking:inspect", _inspect),
        "sample": Subcommand("have a language model write on from a prompt", "asking:sample", _sample),
        "evaluate": Subcommand("measure accuracy, exactly where possible", "asking:evaluate", _evaluate),
    },
    "Keep order, look up": {
        "rename": Subcommand("give a run another name", "annotate:rename", _rename),
        "tag": Subcommand(
            "add tags to runs, or take them away", "annotate:tag", _tag, "add tags or a star to runs, or take them away"
        ),
        "star": Subcommand("mark a run with a star", "annotate:star", _star, ""),
        "note": Subcommand("write a note about a run", "annotate:note", _note),
        "delete": Subcommand(
            "put runs into the bin", "annotate:delete", _many, "put runs into the bin, bring them back"
        ),
        "restore": Subcommand("bring runs back from the bin", "annotate:restore", _many, ""),
        "bin": Subcommand(
            "list the deleted runs", "annotate:empty_bin", _bin, "list the deleted runs; free disk of what nobody needs"
        ),
        "prune": Subcommand("delete old checkpoints of runs that have ended, to free disk", "prune:prune", _prune, ""),
        "doctor": Subcommand("check the files of all runs, or of one, and mend them", "doctor:doctor", _doctor),
        "explain": Subcommand("say what a word means: entropy, logits, warm-up …", "explain:explain", _explain),
        "completion": Subcommand(
            "print what makes a shell complete commands, runs and settings",
            "completion:print_script",
            _completion,
            "have a shell complete what is typed; print the manual page",
        ),
        "man": Subcommand("print the manual page", "manual:print_page", _nothing, ""),
    },
}
COMMANDS = {name: command for commands in GROUPS.values() for name, command in commands.items()}
