"""Whether a run is worth a graphics card, and will compute on one where it may choose. No torch here: who queues runs
asks."""

from __future__ import annotations

from seqsum.config import Config, resolved
from seqsum.errors import UserError
from seqsum.models.size import model_size
from seqsum.runs import Run

WORTH_A_GPU = 200_000_000
"""Below this many multiplications a step, a GPU waits for its kernels to start most of the time."""


def is_worth_a_card(config: Config, parameters: int, length: int) -> bool:
    """Tell whether a step is large enough: parameters × batch × sequence length."""
    return parameters * config.train.batch_size * max(1, length) >= WORTH_A_GPU


def will_take_card(run: Run) -> bool:
    """Tell whether a run will compute on a graphics card where there is one: as its settings say, with `auto` if it is
    worth it. A plug-in's model, whose size nobody knows before it is made, counts as small, as does what can't be read.
    """
    try:
        config = run.record.parsed_config()
        if config.train.device != "auto":
            return config.train.device == "cuda"
        config, task = resolved(config, "launch")
        size = model_size(task, config.model)
        if size is None:
            return False
        length = task.batches(config.train.seed, 0, 1, 1).inputs.shape[2]
        return is_worth_a_card(config, size.parameters, length)
    except UserError:
        return False
