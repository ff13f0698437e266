"""Random words for every command: flags, TOML, filters, questions, protocol lines."""

from __future__ import annotations

import contextlib
import io
import json
import random
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from campaign.faults import child
from campaign.hostile import VALUES, Canary, problem_of, word
from campaign.operations import TRAINED, Bases, run_in, told
from campaign.report import Count, Failure
from seqsum import cli
from seqsum.cli.arguments import COMMANDS, parse
from seqsum.presets import load_preset, preset_names, read_preset
from seqsum.query.server import serve

STARTS = {"train", "replicate", "sweep", "fork", "resume"}
"""They may begin to train: their words are only read."""
SENDS = {"sync", "push", "pull"}
WIDE_APART = 40
"""Trials after which the workspace is made anew: what they did piles up."""


def run(folder: Path, seed: int, most: int) -> Iterator[Count]:
    """Give words to commands, so many times for each kind."""
    base = Bases(folder / "bases").trained()
    canary = Canary(folder / "canary")
    kinds: dict[str, Callable[[random.Random], Callable[[Path], object]]] = {
        "flags": _flags, "filters": _filters, "TOML": _toml, "questions": _questions, "protocol lines": _lines,
    }  # fmt: skip
    for name, kind in kinds.items():
        draw = random.Random(f"{seed} {name}")
        count = Count(f"fuzz: {name}")
        at = folder / "work"
        for trial in range(most):
            if trial % WIDE_APART == 0:
                shutil.rmtree(at, ignore_errors=True)
                shutil.copytree(base, at)
            began = draw.getstate()
            work = kind(draw)
            end = child(lambda work=work, at=at: work(at))
            problem = problem_of(end) or canary.problem()
            draw.setstate(began)
            count.note(True, Failure.of(problem, f"{kind(draw).__doc__}"))
        yield count


def _told(words: list[str]) -> Callable[[Path], object]:
    def work(at: Path) -> int:
        return cli.main([*words, "--workspace", str(at)])

    work.__doc__ = f"seqsum {words!r}"
    return work


def _options(name: str) -> list[str]:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        cli.main([name, "--help"])
    return sorted(set(re.findall(r"--[a-z][a-z_.-]*", out.getvalue())) - {"--workspace"})


def _flags(draw: random.Random) -> Callable[[Path], object]:
    name = draw.choice(sorted(set(COMMANDS) - SENDS))
    options = _options(name)
    words = [draw.choice([TRAINED, word(draw)]) for _ in range(draw.randrange(3))]
    for _ in range(draw.randrange(3)):
        words.append(draw.choice(options) if draw.random() < 0.8 else f"--{word(draw)}")
        if draw.random() < 0.7:
            words.append(word(draw))
    # A file that is written lies in the workspace.
    words = [one for one in words if name != "export" or "/" not in one]
    if name not in STARTS:
        return _told([name, *words])
    work = told(lambda _: parse([name, *words]) and None)

    def read(at: Path) -> int:
        return work(at)

    read.__doc__ = f"the words of seqsum {[name, *words]!r}"
    return read


def _filters(draw: random.Random) -> Callable[[Path], object]:
    parts = ["accuracy", "loss", "name", "seed", "step", "age", "has:note", ">", "<", "=", "!=", "~", "in", "(", ")",
             "and", "or", "not", "1", "0.5", "99%", "1h30m", "first", "^f", "nan", "'", '"', ","]  # fmt: skip
    text = " ".join(draw.choice(parts) if draw.random() < 0.9 else word(draw) for _ in range(draw.randrange(1, 9)))
    return _told(["runs", f"--filter={text}", *(["--json"] if draw.random() < 0.5 else [])])


def _questions(draw: random.Random) -> Callable[[Path], object]:
    text = " ".join(
        draw.choice(["1", "2", "4", "5", "-1", "1.5", "x", ",", word(draw)]) for _ in range(draw.randrange(8))
    )
    return _told([draw.choice(["predict", "inspect", "sample"]), TRAINED, "--json", "--", text])


def _toml(draw: random.Random) -> Callable[[Path], object]:
    name = draw.choice(sorted(preset_names()))
    plain = load_preset(name).config.plain()
    section = draw.choice([one for one in plain if isinstance(plain[one], dict)])
    text = "\n".join(
        f"[{one}]\n" + "\n".join(f"{key} = {_spelled(value)}" for key, value in fields.items() if value is not None)
        for one, fields in plain.items()
        if isinstance(fields, dict)
    )
    for _ in range(draw.randrange(1, 4)):
        kind = draw.randrange(4)
        where = draw.randrange(len(text) + 1)
        if kind == 0:
            text = text[:where] + word(draw)[:50] + text[where:]
        elif kind == 1:
            text = text[:where] + text[where + draw.randrange(20) :]
        elif kind == 2:
            text = re.sub(
                r"= .*", lambda found: f"= {_spelled(draw.choice(VALUES))}" if draw.random() < 0.1 else found[0], text
            )
        else:
            text += (
                f"\n[{section}]\n{draw.choice(['lr', 'steps', 'x', 'hidden_size'])} = {_spelled(draw.choice(VALUES))}"
            )
    work = told(lambda _: read_preset(text, "fuzzed", "fuzzed.toml") and None)

    def read(at: Path) -> int:
        return work(at)

    read.__doc__ = f"a preset that says {text!r}"
    return read


def _spelled(value: object) -> str:
    return json.dumps(value, default=str)


def _lines(draw: random.Random) -> Callable[[Path], object]:
    lines = []
    for _ in range(draw.randrange(1, 6)):
        ask = {
            "id": draw.choice(VALUES),
            "ask": draw.choice(["answer", "predict", "states", word(draw)]),
            "input": word(draw),
        }
        ask |= {draw.choice(["checkpoint", "length", "seed", "x"]): draw.choice(VALUES)}
        text = json.dumps(ask) if draw.random() < 0.7 else word(draw)
        lines.append(text.replace("\n", " ") + "\n")

    def work(at: Path) -> int:
        replies = io.StringIO()
        serve(run_in(at), io.StringIO("".join(lines)), replies, sys.stderr)
        for reply in replies.getvalue().splitlines():
            json.loads(reply)
        return 0

    work.__doc__ = f"the query server, asked {lines!r}"
    return work
