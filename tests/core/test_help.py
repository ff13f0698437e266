"""Help pages, hints and refusals of the command line, over every command, flag and preset."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqsum import cli
from seqsum.cli.arguments import COMMANDS, command_parser, parse, root_parser
from seqsum.cli.parser import Parser
from seqsum.config import all_fields
from seqsum.control.fork_rewind import can_change
from seqsum.errors import UserError
from seqsum.presets import load_preset, preset_names
from seqsum.schema import as_text, setting
from seqsum.tasks.sum_modulo import SumModulo, SumModuloConfig
from support.command_line import call, refused
from support.engine import new_run, small

WITH_SETTINGS = ("train", "replicate", "fork")
STRANGE = [
    "\x1b[31mred",
    "\x1b]52;c;aGk=\x07",
    "a\nb\tc",
    "%(prog)s %d 100%",
    "[bold]x[/bold]",
    "'; rm",
    "日本 é",
    "\udcff",
]


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def page(*arguments: str) -> str:
    """A page of help, which must be whole and plain."""
    status, out, err = call(*arguments)
    assert (status, err) == (0, "") and out
    assert re.search(r"[^\n[:print:]]".replace("[:print:]", " -~\u00a0-\U0010ffff"), out) is None
    return out


def parsers() -> list[Parser]:
    return [root_parser(), *map(command_parser, COMMANDS)]


def expanded(action: argparse.Action, prog: str) -> str:
    """A help text as argparse expands it; since Python 3.14 it does so when the argument is added."""
    return str(action.help) % {**vars(action), "prog": prog}


def test_every_help_text_can_be_expanded() -> None:
    for parser in parsers():
        for action in parser.actions:
            assert expanded(action, parser.prog)
        assert parser.prog in parser.format_help()


class Strange(SumModulo):
    """A plug-in's task whose author knows nothing of argparse."""

    title = "100% strange: %s %(prog)s \x1b[31m"


class StrangeConfig(SumModuloConfig):
    strange: int = setting(7, "50% of %d, %(prog)s and %(nothing)s; [bold]\x1b[2J", ge=2, le=100, unit="%")


def test_texts_of_plugins_are_literal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Strange, "config_type", StrangeConfig)
    monkeypatch.setitem(__import__("seqsum.registry").registry.TASKS, "sum_modulo", Strange)
    (flag,) = (action for action in command_parser("train").actions if action.dest == "task.strange")
    assert expanded(flag, "seqsum").startswith("50% of %d, %(prog)s and %(nothing)s; [bold]")
    words = " ".join(page("train", "--help", "--all").split())
    assert "50% of %d, %(prog)s and %(nothing)s; [bold]\\x1b[2J (whole number, 2 to 100 %)" in words
    assert "100% strange: %s %(prog)s \\x1b[31m" in words


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    parser = command_parser(command)
    for arguments in (["--help"], ["-h"], ["x", "y", "--help"], ["--nonsense", "-h"]):
        status, out, _ = call(command, *arguments)
        assert status == 0 and out.startswith(f"Usage: seqsum {command} ") and "[options]\n" in out
    text = page(command, "--help")
    assert len(text.splitlines()) < 40 and all(len(line) <= 80 for line in text.splitlines())
    for action in parser.actions:
        if action.dest not in parser.field_paths:
            assert all(flag in text for flag in action.option_strings)
            assert expanded(action, parser.prog).split()[0] in text
    assert call("--help", command)[1] == text, "before the command, too"


@pytest.mark.parametrize("preset", preset_names())
def test_a_presets_help_shows_what_counts_with_it(preset: str) -> None:
    config = load_preset(preset).config
    text = page("train", preset, "--help")
    shown = re.findall(r"^  --(\w+\.\w+) +(\S+)", text, re.MULTILINE)
    # A long value goes on in the next line.
    used = sorted(config.used_fields(), key=lambda facts: not config.is_basic(facts))
    expected = [(facts.path, (as_text(config.value(facts.path)) or '""').split()[0]) for facts in used]
    assert [path for path, _ in shown] == [path for path, _ in expected]
    assert all(full.startswith(value) for (_, value), (_, full) in zip(shown, expected, strict=True))
    words = " ".join(text.split())
    for facts in config.used_fields():
        assert not facts.unit or facts.unit in words
    assert all(len(line) <= 80 for line in text.splitlines())
    assert text.startswith(f"Usage: seqsum train {preset} [options]\n")
    titles = re.findall(r"^(task|model|optim|schedule|train|track)  ", text, re.MULTILINE)
    assert titles == list(dict.fromkeys(facts.section for facts in used if not config.is_basic(facts)))


def test_bounds_units_and_choices_are_told() -> None:
    words = " ".join(page("train", "baseline", "--help").split())
    for said in (
        "(whole number, 2 to 100 classes)",
        "--optim.lr 0.001 peak learning rate",
        "(number, above 0)",
        "(one of rnn, lstm, gru)",
        "(number, above 0, at most 1e6 epochs, or off)",
        "(true or false)",
    ):
        assert said in words


def test_other_choices_have_other_settings() -> None:
    assert "--optim.momentum" not in page("train", "baseline", "--help")
    text = page("train", "baseline", "--optim.name", "sgd", "--help")
    assert "--optim.momentum" in text and "--optim.beta1" not in text
    status, text, err = call("train", "baseline", "--optim.name", "sgd", "--optim.lr", "fast", "--help")
    assert status == 0 and "--optim.momentum" in text and "optim.lr: must be a number" in err


@pytest.mark.parametrize("arguments", [["train", "baseline"], ["train"], ["replicate", "dates"]])
def test_all_shows_every_setting(arguments: list[str]) -> None:
    text = page(*arguments, "--help", "--all")
    assert set(re.findall(r"^  --(\w+\.\w+) ", text, re.MULTILINE)) == {facts.path for facts in all_fields()}
    assert "with --task.name countdown" in text and "counts when optim.name is rmsprop" in " ".join(text.split())
    assert "--all goes with --help" in refused("train", "baseline", "--all")


def test_the_help_of_a_fork_is_about_its_run(workspace: Path) -> None:
    run = new_run(workspace, small(optim__lr=0.125), "parent")
    text = page("fork", "parent", "--help")
    assert re.search(r"--optim.lr +0.125", text) and text.startswith("Usage: seqsum fork parent [options]")
    shown = set(re.findall(r"^  --(\w+\.\w+) ", text, re.MULTILINE))
    assert shown == {facts.path for facts in run.config().used_fields() if can_change(facts.path)}
    assert "--model.cell" not in shown


@pytest.mark.parametrize("name", [*STRANGE, "x" * 300, "x" * 300 + ".toml", "basline", "/", ""])
@pytest.mark.parametrize("command", WITH_SETTINGS)
def test_help_about_what_is_not_there(command: str, name: str) -> None:
    for named in (name, f"{name}.toml"):
        status, out, err = call(command, named, "--help")
        assert status == 0 and out.startswith(f"Usage: seqsum {command} ") and err.count("\n") == 1
        assert (out + err).replace("\n", "").isprintable() and "Traceback" not in err


@pytest.mark.parametrize("name", [name for name in STRANGE if "/" not in name])
def test_help_about_a_strange_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.toml"
    file.write_text('title = "100% %s"\ndescription = "D"\nlook_for = "L"\n[train]\nsteps = 77\n')
    assert re.search(r"--train.steps +77 ", page("train", str(file), "--help"))
    assert "100% %s" in page("presets", str(file))


def test_alone_it_lists_its_commands() -> None:
    text = page()
    rows = re.findall(r"^  (\w+(?:, \w+)*)  +\S.*$", text, re.MULTILINE)
    listed = [name for row in rows for name in row.split(", ")]
    assert listed == list(COMMANDS) and len(text.splitlines()) < 47
    assert all(len(line) <= 80 for line in text.splitlines())
    for flag in ("--help", "-h"):
        assert all(line in page(flag).splitlines()[1:] or line.startswith("  ") for line in text.splitlines()[1:])
        assert "--workspace DIR" in page(flag) and "--version" in page(flag)
    status, out, _ = call("--version")
    assert status == 0 and out == f"seqsum {cli.arguments.__version__}\n"


@pytest.mark.parametrize("columns", ["20", "40", "63", "64", "100", "200"])
def test_pages_fit_the_terminal(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for arguments in ([], ["train", "dates", "--help"], ["presets", "dates", "tagging_rnn"]):
        lines = page(*arguments).splitlines()
        assert all(len(line) <= min(120, max(26, int(columns))) for line in lines)
        assert all(line == line.rstrip() for line in lines)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("variables", "colour"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colour_is_for_terminals_that_want_it(
    variables: dict[str, str], colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", **variables}.items():
        monkeypatch.setenv(name, value)
    for arguments in (["--help"], ["train", "baseline", "--help"], ["presets", "baseline"]):
        terminal = Terminal()
        with contextlib.redirect_stdout(terminal):
            assert cli.main(list(arguments)) == 0
        assert ("\x1b[" in terminal.getvalue()) is colour
        assert re.sub(r"\x1b\[[\d;]*m", "", terminal.getvalue()) == page(*arguments)


def test_help_loads_little() -> None:
    code = (
        "import sys; from seqsum.cli import main; main(sys.argv[1:])\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    for arguments, light in (
        ([], {"numpy", "pydantic", "torch"}),
        (["train", "baseline", "--help"], {"torch", "numba"}),
    ):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert not light & set(json.loads(done.stderr.splitlines()[-1].replace("'", '"')))


@pytest.mark.parametrize("arguments", [[], ["train", "--help"], ["presets", "dates"]])
def test_a_reader_that_goes_away_is_no_fault(arguments: list[str]) -> None:
    command = [sys.executable, "-P", "-m", "seqsum.cli", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.close()
        assert (child.stderr.read(), child.wait(timeout=60)) == (b"", 0)


def misspelt(flag: str) -> Iterator[str]:
    """A flag with a letter too few, too many, in another case, or two changed places; and its beginning."""
    first = flag.rfind(".") + 1 or 2
    # The hundred settings at one place each, in the middle; our own flags everywhere.
    places = range(first + 1, len(flag)) if first == 2 else [first + max(1, (len(flag) - first) // 2)]
    for place in places:
        yield flag[:place] + flag[place + 1 :]
        yield flag[:place] + flag[place] + flag[place:]
        yield flag[: place - 1] + flag[place] + flag[place - 1] + flag[place + 1 :]
        if place - first > 2:
            yield flag[:place]
    yield flag.upper()
    yield flag.replace("_", "-").replace(".", "-")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_misspelt_flag_is_hinted_at(command: str) -> None:
    """With nothing else on the line, since a flag that is none may have swallowed what seems to be missing."""
    parser = command_parser(command)
    flags = [flag for flag in parser.flags if flag.startswith("--")]
    for flag in flags:
        if "." in flag and command != "train":  # the settings are the same everywhere
            continue
        for typed in set(misspelt(flag)).difference(flags):
            with pytest.raises(UserError) as caught:
                parser.read([typed], argparse.Namespace())
            assert f'no option "{typed}"' in str(caught.value) and f'"{flag}"' in str(caught.value)


def test_hints_of_the_everyday_kind() -> None:
    for arguments, hint in {
        ("star", "x", "--of"): '"--off"',
        ("fork", "x", "--stp", "5"): '"--step"',
        ("train", "baseline", "--lr", "1"): '"--optim.lr"',
        ("train", "baseline", "--scheduler", "cosine"): '"--schedule.name"',
        ("train", "baseline", "--optim.schedule", "cosine"): '"--schedule.name"',
        ("train", "baseline", "--hiden_size=1"): '"--model.hidden_size"',
        ("train", "baseline", "--optim.beta", "1"): '"--optim.beta1" or "--optim.beta2"',
        ("train", "baseline", "--checkpoint.every", "100"): '"--train.checkpoint_every"',
        ("train", "baseline", "--evaluate.every=100"): '"--train.evaluate_every"',
        ("train", "baseline", "--best.keep", "on"): '"--train.keep_best"',
        ("train", "baseline", "--early.stop", "3"): '"--train.early_stop"',
        ("train", "baseline", "--model.size", "3"): (
            '"--model.embedding_size" or "--model.hidden_size" or "--model.state_size"'
        ),
        ("train", "baseline", "--train.lr", "1"): '"--optim.lr"',
        ("train", "baseline", "--model.dropout_rate", "0.1"): '"--model.dropout"',
        ("train", "baseline", "--optim.batch_size", "4"): '"--train.batch_size"',
        ("--jsn", "runs"): '"--json"',
        ("predict", "x", "1", "--top_k", "3"): '"--top-k"',
        ("tag", "x", "--remov=a b"): '"--remove"',
        ("star", "x", "-off"): '"--off"',
        ("trian",): '"train"',
        ("Show", "x"): '"show"',
        ("eval", "x"): '"evaluate"',
    }.items():
        assert refused(*arguments).endswith(f"; did you mean {hint}?")
    assert "did you mean" not in refused("train", "baseline", "--optim.foo", "1")
    assert "the commands are presets, plugin, train" in refused("zzz")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_flag_may_stand_between_any_two_words(command: str) -> None:
    """What is read is what is read with all flags at the end."""
    taken = [one for one in command_parser(command).actions if not one.option_strings]
    words = [(one.metavar or one.dest).lower() if one.choices is None else next(iter(one.choices)) for one in taken]
    words += ["more"] if taken and taken[-1].nargs in ("*", "+") else []
    needed = [one.option_strings[0] for one in command_parser(command).actions if one.option_strings and one.required]
    flags = ["--json", "--workspace", "here", *(word for flag in needed for word in (flag, "2"))]
    at_end = parse([command, *words, *flags])
    for place in range(len(words) + 1):
        found = parse([command, *words[:place], *flags, *words[place:]])
        assert {**vars(found), "rest": None} == {**vars(at_end), "rest": None}


def test_a_step_that_is_typed_bare_is_hinted_at() -> None:
    for command, flag in {"rewind": "--step", "fork": "--step", "evaluate": "--checkpoint"}.items():
        said = f'{command}: no further argument "400"; did you mean {flag} 400?'
        assert refused(command, "x", "400") == said
    assert "did you mean" not in refused("rewind", "x", "later")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "adds", "--optim.lr", "1", "--optim.lr", "2"], 'train: --optim.lr is given twice, "1" and "2"'),
        (["train", "adds", "--optim.lr=1", "--optim.lr", "-2"], 'train: --optim.lr is given twice, "1" and "-2"'),
        (["train", "adds", "--name", "a", "--json", "--name=a"], 'train: --name is given twice, "a" and "a"'),
        (["sample", "x", "a", "--seed", "1", "--seed", "2"], 'sample: --seed is given twice, "1" and "2"'),
        (["fork", "x", "--name", "--a b", "--name=c"], 'fork: --name is given twice, "--a b" and "c"'),
        (["--workspace", "a", "--workspace", "b", "runs"], 'seqsum: --workspace is given twice, "a" and "b"'),
        (["--workspace", "a", "runs", "--workspace=b"], 'runs: --workspace is given twice, "a" and "b"'),
    ],
)  # fmt: skip
def test_a_flag_with_two_values_is_refused(arguments: list[str], said: str) -> None:
    sentence = refused(*arguments)
    assert said in sentence and sentence.endswith("; leave one of them out") and "\n" not in sentence


def test_what_stands_behind_two_dashes_is_no_second_flag() -> None:
    read = command_parser("predict").read(["--seed", "1", "--", "x", "--seed"], argparse.Namespace())
    assert (read.seed, read.input) == ("1", "--seed")


@pytest.mark.parametrize("command", COMMANDS)
def test_misuse_is_one_sentence(command: str) -> None:
    parser = command_parser(command)
    needs = [action for action in parser.actions if not action.option_strings and action.nargs not in ("*", "?")]
    given = ["x"] * len(needs)
    wrong = [given[:-1], ["--nonsense"], *([*given[:-1], name] for name in [*STRANGE, "x" * 300, "--"] if given)]
    if not given:
        wrong = [["--nonsense"], ["--", "--nonsense", "\x1b[31m"]]
    for action in parser.actions:
        for flag in action.option_strings:
            if flag.startswith("--") and action.nargs != 0 and action.dest not in parser.field_paths:
                wrong += [[*given, flag], [*given, f"{flag}=--"], [*given, flag, "--"], [*given, flag, "--json"]]
            elif flag.startswith("--") and action.nargs == 0 and flag != "--help":
                wrong += [[*given, f"{flag}=x"], [*given, f"{flag}=\x1b[31m"]]
    for arguments in wrong:
        status, out, err = call(command, *arguments)
        assert (status, out) == (2, ""), arguments
        assert err.count("\n") == 1 and err.rstrip("\n").isprintable() and "Traceback" not in err, arguments


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train"], "train: PRESET is missing; see seqsum train --help"),
        (["predict"], "RUN is missing"),
        (["replicate", "baseline"], "--seeds is missing"),
        (["rename"], "RUN and NAME are missing"),
        (["show", "x", "--workspace"], "show: --workspace needs a value"),
        (["train", "adds", "--optim.lr", "-x"], "train: --optim.lr needs a value; one that begins with - is written "),
        (["compare", "x", "--ylim", "-x,2"], "--ylim needs a value; one that begins with - is written --ylim=-x,2"),
        (["predict", "x", "1", "--top-k=--"], "--top-k can't be \"--\""),
        (["compare", "x", "--best", "up"], '--best must be one of high, low, got "up"'),
        (["compare", "x", "--best", "it's"], '--best must be one of high, low, got "it\'s"'),
        (["star", "x", "--off=1"], "--off takes no value, got '1'"),
        (["show", "a", "b"], 'no further argument "b"; see seqsum show --help'),
        (["predict", "x", "7", "8", "--json"], 'no further argument "8"; put all of it between quotation marks: "7 8"'),
        (["note", "x", "as", "good"], 'argument "good"; put all of it between quotation marks: "as good"'),
        (["rename", "x", "as", "good"], '"as good"'),
        (["sample", "x", "To", "be"], '"To be"'),
        (["rewind", "x"], "either --step N or --undo"),
        (["rewind", "x", "--step", "1", "--undo"], "either --step N or --undo"),
        (["--json"], "needs a COMMAND"),
        (["--workspace"], "--workspace needs a value"),
        (["-5"], '"-5"'),
    ],
)  # fmt: skip
def test_what_is_missing_or_too_much(arguments: list[str], words: str, workspace: Path) -> None:
    new_run(workspace, small(), "x")
    status, out, err = call(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1) and words in err


@pytest.mark.parametrize("path", ["x" * 300, "a/" * 3000, "\udcff" * 300, "/dev/null/x", "\x1b[31m" * 60], ids=range(5))
def test_paths_that_can_not_be(path: str, workspace: Path) -> None:
    new_run(workspace, small(), "x")
    for arguments in (
        ["export", "x", "--output", f"{path}.csv"],
        ["compare", "x", "--output", f"{path}.csv"],
        ["train", f"{path}.toml"],
        ["train", "baseline", "--workspace", path],
        ["bin", "--workspace", path],
        ["predict", "x", "1", "--workspace", path],
    ):
        status, _, err = call(*arguments)
        assert status == 2 or (status == 0 and "bin" in arguments and path == "/dev/null/x")
        assert err.count("\n") <= 1 and err.rstrip("\n").isprintable()


def test_text_may_begin_with_dashes() -> None:
    assert parse(["note", "x", "--", "--not a flag"]).text == "--not a flag"
    assert parse(["note", "x", "--- a line ---"]).text == "--- a line ---"
    assert parse(["train", "baseline", "--optim.lr", "-1e-3"]).changes == {"optim.lr": "-1e-3"}
    assert parse(["--workspace", "train", "show", "x"]).workspace == Path("train")


def test_presets_are_listed_one_a_line() -> None:
    lines = page("presets").splitlines()
    assert len(lines) == len(preset_names()) and all(len(line) <= 80 for line in lines)
    names, titles = zip(*(re.split(" {2,}", line, maxsplit=1) for line in lines), strict=True)
    assert list(names) == preset_names()
    assert list(titles) == [load_preset(name).title for name in names]
    places = {line.index(title) for line, title, name in zip(lines, titles, names, strict=True) if len(name) <= 24}
    assert len(places) == 1, "titles stand below each other"


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_shown_whole(name: str) -> None:
    text = page("presets", name)
    preset, words = load_preset(name), " ".join(text.split())
    for said in (f"{name}: {preset.title}", preset.description, preset.look_for):
        assert said in words
    assert f"Task {preset.config.task.name} " in words and f"model {preset.config.model.name}." in words
    (plain,) = map(json.loads, call("presets", name, "--json")[1].splitlines())
    assert plain == preset.plain()
    assert call("presets", name, "--markdown")[1].count("\n") == 3


def test_several_presets_and_a_wrong_name() -> None:
    text = page("presets", "dates", "baseline")
    assert text.index("dates: ") < text.index("baseline: ")
    assert 'did you mean "baseline"?' in refused("presets", "basline")
    assert 'did you mean "baseline"?' in refused("presets", "dates", "basline"), "all or nothing"
