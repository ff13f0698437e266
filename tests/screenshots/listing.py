"""The picture of the list of runs: groups of seeds, one unfolded, runs of their own, marks and stars."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from textual.pilot import Pilot

from seqsum.control import commands
from seqsum.launch import LocalLauncher
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.annotations import annotate
from seqsum_tui.app import Console

SIZE = (120, 34)
GROUPS = {"strides, RNN": ("next_number_strides_rnn", 5), "strides, LSTM": ("next_number_strides_lstm", 3),
          "counting": ("counting_rnn", 4)}  # fmt: skip
"""Group → its preset, and how many seeds of it."""
FILTERED = "accuracy > 0.5 or is:starred"

Shown = Callable[[Pilot[None], Callable[[str], bool]], Awaitable[None]]


def train_listed(workspace: Workspace) -> Run:
    """Train what is listed, and return a run that still trains."""
    launcher = LocalLauncher()
    for group, (preset, seeds) in GROUPS.items():
        for seed in range(seeds):
            _wait(_start(workspace, launcher, preset, f"{group} {seed}", seed, group))
    sunspots = _start(workspace, launcher, "sunspots_lstm", None, 0, None)
    _wait(sunspots)
    annotate(sunspots.folder, note="beats AR(9) by little", tags=["real data"])
    best = _start(workspace, launcher, "baseline", None, 3, None)
    _wait(best)
    annotate(best.folder, starred=True)
    last = _start(workspace, launcher, "deeper_rnn", None, 1, None)
    while last.summary().step < 3000:
        time.sleep(0.1)
    commands.pause(last)
    return last


def _start(
    workspace: Workspace, launcher: LocalLauncher, preset: str, name: str | None, seed: int, group: str | None
) -> Run:
    changes = {"train.seed": str(seed), **({"track.group": group} if group else {})}
    return commands.start(workspace, launcher, preset, load_preset(preset).config.changed(changes, "pictures"), name)


def _wait(run: Run) -> None:
    while run.summary().live:
        time.sleep(0.1)


async def take_listing(workspace: Workspace, shown: Shown, save: Callable[[str, str], None]) -> None:
    """Unfold a group, mark two of its runs, type a filter."""
    console = Console(workspace.folder)
    async with console.run_test(size=SIZE) as pilot:
        await shown(pilot, lambda text: "paused" in text and "sunspots" in text)
        await pilot.press("end", "enter")
        await shown(pilot, lambda text: "└ strides, RNN 0" in text)
        await pilot.press("down", "space", "space", "up", "up", "up")
        await pilot.press("slash", *({" ": "space"}.get(letter, letter) for letter in FILTERED))
        await shown(pilot, lambda text: " of 15 runs" in text)
        await pilot.press("enter")
        await pilot.pause(1.5)
        save("runs", console.export_screenshot())
