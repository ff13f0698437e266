"""The picture of the tutorial's third lesson: eight seeds without a warm-up, and eight with one."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from textual.pilot import Pilot

from seqsum.control import commands
from seqsum.launch import WarmLauncher
from seqsum.presets import load_preset
from seqsum.runs import Workspace
from seqsum_tui.app import Console
from seqsum_tui.compare.screen import CompareScreen

SIZE = (110, 26)
GROUPS = {"cold": 0, "warm": 500}
"""Group → its steps of warm-up."""
SEEDS = 8
RATE = 0.02

Shown = Callable[[Pilot[None], Callable[[str], bool]], Awaitable[None]]


def train_groups(workspace: Workspace) -> None:
    """Train what the lesson trains."""
    launcher = WarmLauncher()
    for group, steps in GROUPS.items():
        for seed in range(SEEDS):
            changes = {"train.seed": seed, "track.group": group, "optim.lr": RATE, "schedule.warmup_steps": steps}
            config = load_preset("adds").config.changed(changes, "pictures")
            run = commands.start(workspace, launcher, "adds", config, f"{group}-seed-{seed}")
            while run.summary().live:
                time.sleep(0.1)
    launcher.close()


async def take_lessons(workspace: Workspace, shown: Shown, keep: Callable[[str, str], None]) -> None:
    """Compare the two groups."""
    console = Console(workspace.folder)
    async with console.run_test(size=SIZE) as pilot:
        console.push_screen(CompareScreen([run.id for run in reversed(workspace.summaries())]))
        await shown(pilot, lambda text: f"{len(GROUPS) * SEEDS} runs" in text and "quartiles" in text)
        await pilot.pause(1.0)
        keep("warm_up", console.export_screenshot())
