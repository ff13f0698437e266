"""`seqsum plugin new NAME`: a task or a model of one's own to begin with, with a preset and a test."""

from __future__ import annotations

import argparse
import re
import shlex
from contextlib import ExitStack
from importlib.resources import files

from seqsum import plugins
from seqsum.cli.output import say, say_json
from seqsum.errors import UserError, told_as
from seqsum.files import write_atomically
from seqsum.presets import preset_names
from seqsum.registry import MODELS, TASKS
from seqsum.text import printable

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def plugin(options: argparse.Namespace) -> int:
    """Write what a plug-in begins with into the user's folder, all of it or nothing; what is there stays."""
    name = options.name
    if not NAME.fullmatch(name):
        raise UserError(
            f"plugin: a name is 1 to 40 small letters, digits and _, and begins with a letter; got "
            f'"{printable(name)[:60]}"'
        )
    kind, known = ("model", MODELS) if options.model else ("task", TASKS)
    folder = plugins.user_folder() / "plugins"
    paths = {
        f"{kind}.py": folder / f"{name}.py",
        f"{kind}.toml": plugins.user_folder() / "presets" / f"{name}.toml",
        f"test_{kind}.py": folder / "tests" / f"test_{name}.py",
    }
    there = next((path for path in paths.values() if path.exists()), None)
    if there is not None:
        raise UserError(f"plugin: {there} is there already; choose another name, or delete it first")
    if name in preset_names():
        raise UserError(f'plugin: there is a preset "{name}" already; choose another name')
    # Ours may have the name of a task; a preset's name is what is typed.
    own = name if name not in known else f"own_{name}"
    if own in known:
        raise UserError(f'plugin: there is a {kind} "{own}" already; choose another name')
    words = {
        "NAME": own, "PRESET": name, "FILE": name, "TITLE": f"{name.replace('_', ' ').capitalize()}",
        "CLASS": "".join(part.capitalize() for part in own.split("_") if part), "THIS_FILE": f"test_{name}.py",
    }  # fmt: skip
    with told_as(f"plugin: can't write into {plugins.user_folder()}"), ExitStack() as undone:
        for template, path in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, _filled(template, words).encode())
            undone.callback(path.unlink, missing_ok=True)
        undone.pop_all()
    if options.json:
        say_json({"name": name, kind: own, "files": [str(path) for path in paths.values()]})
        return 0
    say(f"a {kind}, its preset and its test:")
    for path in paths.values():
        say(f"  {path}")
    say(f"train it with: seqsum train {name}")
    say(f"test it with: python -m pytest {shlex.quote(str(paths[f'test_{kind}.py']))}")
    return 0


def _filled(template: str, words: dict[str, str]) -> str:
    text = (files("seqsum.templates") / f"{template}.txt").read_text(encoding="utf-8")
    return re.sub(r"\b(THIS_FILE|NAME|PRESET|FILE|TITLE)\b|CLASS(?=Config\b|\b)", lambda found: words[found[0]], text)
