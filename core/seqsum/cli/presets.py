"""`seqsum presets`: the presets, one line each, or all that one says."""

from __future__ import annotations

import argparse
import sys

from rich.cells import cell_len

from seqsum.cli.markdown import defaults_of, preset_table
from seqsum.cli.output import complain, padded, say, say_json, write_out
from seqsum.cli.page import TITLE, Page, Rows
from seqsum.glossary import sources_in
from seqsum.presets import Preset, all_presets, load_preset, preset_problems
from seqsum.registry import task_type
from seqsum.text import one_line

# A longer name pushes its own title aside: 80 columns are to show the titles of all others.
NAME_CELLS = 24


def presets(options: argparse.Namespace) -> int:
    """List all presets, or show those that are named."""
    chosen = [load_preset(name) for name in options.names] if options.names else all_presets()
    if not options.names:
        for message in preset_problems():
            complain(message)
    if options.json:
        for preset in chosen:
            say_json(preset.plain())
    elif options.markdown:
        write_out(preset_table(chosen) + "\n")
    elif options.names:
        _show(chosen)
    else:
        _list(chosen)
    return 0


def _list(presets: list[Preset]) -> None:
    names = [one_line(preset.name) for preset in presets]
    width = max((cells for cells in map(cell_len, names) if cells <= NAME_CELLS), default=0)
    for name, preset in zip(names, presets, strict=True):
        say(f"{padded(name, width)}  {preset.title}")
    if sys.stdout.isatty():
        say("\nseqsum presets NAME tells what one is, and what to look for; seqsum train NAME trains it.")


def _show(presets: list[Preset]) -> None:
    page = Page()
    for place, preset in enumerate(presets):
        config = preset.config
        page.line(("\n" if place else "") + f"{preset.name}: {preset.title}", TITLE)
        page.line(f"Task {config.task.name} ({task_type(config.task.name).title}), model {config.model.name}.")
        page.line(f"\n{preset.description}")
        if preset.look_for:
            page.line("\nWhat to look for", TITLE)
            page.line(preset.look_for)
        for named in sources_in(f"{preset.title} {preset.description} {preset.look_for}"):
            page.line(f"\n{named}")
        sets = config.differences(defaults_of(config))
        if sets:
            rows = [(path, mine, f"default {default}") for path, (mine, default) in sets.items()]
            page.sections([Rows("What it sets", rows)])
        else:
            page.line("\nIt sets nothing: these are the defaults.")
        page.line(f"\nseqsum train {preset.name} trains it; with --help it lists every setting that counts.")
