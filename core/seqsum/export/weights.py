"""A run's weights as a plain safetensors file, with what is needed to rebuild the model in its header."""

from __future__ import annotations

import json

from seqsum.errors import UserError
from seqsum.runs import Run
from seqsum.runs.ownership import check_checkpoint


def weights(run: Run) -> tuple[bytes, list[str]]:
    """Return the newest whole checkpoint's weights as safetensors, and what was wrong with newer ones.

    The names are the model's own (embedding.weight, rnn.weight_ih_l0, head.weight …). The header's metadata holds
    run, step and config, as text.
    """
    import safetensors.torch

    from seqsum.training import checkpoint

    saved, messages = checkpoint.newest(run.checkpoints)
    if saved is None:
        raise UserError(f"export: {run.no_checkpoint()}")
    check_checkpoint(run, saved.step, saved.state, "export")
    facts = {
        "format": "pt",
        "run": run.id,
        "name": run.name,
        "step": str(saved.step),
        "config": json.dumps(saved.state["config"]),
    }
    return safetensors.torch.save(saved.model, metadata=facts), messages
