"""Our engine as an entrant: the trainer alone, and a whole run by the worker."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from seqsum import worker
from seqsum.config import Config
from seqsum.models.base import SequenceModel
from seqsum.runs import Workspace
from seqsum.training.trainer import Trainer


class Ours:
    """One training run by `seqsum`."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.trainer = Trainer(config)
        self.run = Workspace(folder).create("bench", config)

    def bare(self) -> None:
        """Make every update, in the trainer's own chunks, with no evaluation and no checkpoint."""
        while not self.trainer.done:
            self.trainer.run_chunk()
            if self.trainer.failure:
                raise RuntimeError(self.trainer.failure)

    def whole(self) -> None:
        """Do what the worker's process does: updates, metrics, commands, exact evaluation, checkpoints on the disk."""
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            worker.main([str(self.run.folder)])
        summary = self.run.summary()
        if summary.status != "finished":
            raise RuntimeError(f"the run did not finish: {summary.status}, {summary.reason}")

    def classifier(self) -> SequenceModel:
        """Return the model that `bare` trained."""
        return self.trainer.model
