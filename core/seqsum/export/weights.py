"""A run's weights as a plain safetensors file, with what is needed to rebuild the model in its header."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from seqsum.errors import UserError
from seqsum.runs import Run
from seqsum.runs.best import no_such_step
from seqsum.runs.checkpoint_files import folder_of, steps_saved
from seqsum.runs.ownership import check_checkpoint

if TYPE_CHECKING:
    from seqsum.training.checkpoint import Checkpoint


def weights(run: Run, step: int | None = None) -> tuple[bytes, list[str]]:
    """Return the weights of a step's checkpoint, or of the newest whole one, as safetensors, and what was wrong with
    newer ones.

    The names are the model's own (embedding.weight, rnn.weight_ih_l0, head.weight …). The header's metadata holds
    run, step and config, as text.
    """
    import safetensors.torch

    saved, messages = chosen(run, step)
    facts = {
        "format": "pt",
        "run": run.id,
        "name": run.name,
        "step": str(saved.step),
        "config": json.dumps(saved.state["config"]),
    }
    return safetensors.torch.save(saved.model, metadata=facts), messages


def chosen(run: Run, step: int | None) -> tuple[Checkpoint, list[str]]:
    """Return a step's checkpoint, or the newest whole one, and what was wrong with newer ones. Raises UserError."""
    from seqsum.training import checkpoint

    saved, messages = checkpoint.newest(run.checkpoints) if step is None else (_of_step(run, step), [])
    if saved is None:
        raise UserError(f"export: {run.no_checkpoint()}")
    check_checkpoint(run, saved.step, saved.state, "export")
    return saved, messages


def _of_step(run: Run, step: int) -> Checkpoint:
    from seqsum.training import checkpoint

    if step not in steps_saved(run.checkpoints):
        raise no_such_step(run, step, "export")
    return checkpoint.load(folder_of(run.checkpoints, step))
