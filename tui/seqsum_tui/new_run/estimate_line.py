"""How large the run will be, about how long it takes, and what will have no effect, said while one still chooses."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.message import Message
from textual.worker import get_current_worker

from seqsum import formatting
from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.estimate import estimate, read_speeds
from seqsum.runs.disk import no_room
from seqsum.setting_notes import Note
from seqsum.sweeps.making import cost_of
from seqsum.sweeps.results import doubt_words
from seqsum.text import printable
from seqsum_tui.shared.fitted_text import FittedText
from seqsum_tui.shared.polling import in_thread

if TYPE_CHECKING:
    from seqsum.estimate import Estimate, Speed
    from seqsum.runs import Workspace
    from seqsum.sweeps.space import Space

PATIENCE = 0.3
"""Seconds without a change before the numbers are worked out: the task's data is read for it."""


class EstimateLine(FittedText):
    """Asks beside the screen, for the newest configuration only."""

    @dataclass
    class Noted(Message):
        """What a person should know of the configuration, a sentence each."""

        sentences: list[str]

    workspace: Workspace | None = None
    side_by_side = 1
    """How many runs train at once."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, wraps=True)
        self._asked: tuple[Config | None, int, Space, int] | None = None
        self._speeds: list[Speed] | None = None

    def ask(self, config: Config | None, seeds: int, space: Space = (), trials: int = 1) -> None:
        """Say it of another configuration; None, while a field is wrong, says nothing.

        With a space it is said of a sweep of so many trials.
        """
        if (config, seeds, space, trials) == self._asked:
            return
        self._asked = (config, seeds, space, trials)
        if config is None:
            self.workers.cancel_group(self, "estimate")
            self.put("")
            self.post_message(self.Noted([]))
        else:
            self._work_out(config, seeds, space, trials)

    @work(group="estimate", exclusive=True)
    async def _work_out(self, config: Config, seeds: int, space: Space, trials: int) -> None:
        worker = get_current_worker()
        told: tuple[Note, ...] = ()
        await asyncio.sleep(PATIENCE)
        try:
            found = await in_thread(lambda: self._estimate(config))
        except UserError as error:
            text = printable(error.in_form).split("\n")[0]
        except Exception:
            # A plug-in's task may fail in any way: it is told when the run starts, and must not end the console now.
            text = ""
        else:
            text, told = said(found, seeds, self.side_by_side), found.notes
            needed = (found.bytes or 0.0) * seeds
            if space:
                text, needed = await in_thread(lambda: self._of_sweep(config, space, trials, seeds))
                doubt = doubt_words(seeds, trials)
                told += (Note("train.seed", doubt),) * bool(doubt)
            told += await in_thread(lambda: self._room(needed, seeds > 1 or bool(space)))
        if not worker.is_cancelled and self.is_attached:
            self.put(Content.styled(text, "$foreground-muted"))
            self.post_message(self.Noted([note.text for note in told]))

    def _room(self, needed: float, several: bool) -> tuple[Note, ...]:
        what = "all of them need" if several else "the run needs"
        short = no_room(what, needed, self.workspace.folder) if self.workspace is not None else None
        return () if short is None else (Note("train.keep_checkpoints", short),)

    def _of_sweep(self, config: Config, space: Space, trials: int, seeds: int) -> tuple[str, float]:
        try:
            cost = cost_of(config, space, trials, seeds, self.side_by_side, self._speeds or ())
        except UserError as error:
            return printable(error.in_form).split("\n")[0], 0.0
        parts = [f"{formatting.count(cost.settings, 'setting')} × {formatting.count(seeds, 'seed')}"]
        parts[0] += f" = {formatting.count(cost.runs, 'run')}"
        time = "" if cost.seconds is None else f"about {formatting.roughly(cost.seconds)} on an idle machine, "
        parts.append(f"{time}{formatting.size(cost.bytes)} of disk")
        return " · ".join([*parts, f"{self.side_by_side} at a time"]), cost.bytes

    def _estimate(self, config: Config) -> Estimate:
        if self._speeds is None:
            self._speeds = read_speeds(self.workspace) if self.workspace is not None else []
        return estimate(config, self._speeds)


def said(found: Estimate, seeds: int = 1, side_by_side: int = 1) -> str:
    """`728 parameters · about 12 s, a guess from 3 earlier runs here`; of several seeds each, and all."""
    parts = [f"{found.parameters:,} parameters" if found.parameters is not None else "parameters: the plug-in's own"]
    if found.seconds is not None:
        basis = f"from {formatting.count(found.runs, 'earlier run')} here" if found.runs else "from a laptop's speed"
        each = ""
        if seeds > 1:
            together = formatting.roughly(found.seconds * math.ceil(seeds / side_by_side))
            each = f" each, {together} for {seeds} seeds, {side_by_side} at a time"
        parts.append(f"about {formatting.roughly(found.seconds)}{each}, a guess {basis}")
    elif seeds > 1:
        parts.append(f"{seeds} runs, {side_by_side} at a time")
    if found.bytes is not None:
        parts.append(f"{formatting.size(found.bytes * seeds)} of disk")
    return " · ".join(parts)
