"""Runs with real checkpoints, and a query server inside the test's own process: the real answers without the start."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seqsum.query.answering import Answerer
from seqsum.query.server import reply_to
from seqsum.query.task_facts import what_is_asked
from seqsum.runs import Run
from seqsum.training.trainer import Trainer
from seqsum_tui.query.client import QuestionRefused


def learn(run: Run, *steps: int) -> Run:
    """Train a run here, without a worker, and leave a checkpoint at each of these steps."""
    trainer = Trainer(run.config())
    for step in steps:
        while trainer.step < step:
            trainer.run_chunk([step])
        trainer.save(run.checkpoints)
    return run


class HereClient:
    """Stands for a QueryClient; every line goes through the real server's reading and answering."""

    pid = None
    ended = False

    def __init__(self, folder: Path, command: Callable[[Path], Sequence[str]] | None = None) -> None:
        self._answerer = Answerer(Run(folder))
        self.running = False

    async def start(self) -> dict[str, Any]:
        loaded = self._answerer.shelf.take()
        self.running = True
        return {"ready": True, "checkpoint_step": loaded.step, **what_is_asked(loaded.task)}

    async def request(self, ask: str, *, seconds: float = 0.0, **fields: Any) -> dict[str, Any]:
        errors = io.StringIO()
        reply = reply_to(self._answerer, json.dumps({"ask": ask, **fields}), errors)
        assert not errors.getvalue(), errors.getvalue()
        if not reply["ok"]:
            raise QuestionRefused(reply["error"], reply["place"], reply["end"])
        return json.loads(json.dumps(reply))

    async def close(self) -> None:
        self.running = False
