"""Whether a step fits into memory, judged before it is tried: the system kills what takes too much, without a word."""

from __future__ import annotations

import psutil

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.formatting import count, size
from seqsum.models.settings import BilinearConfig
from seqsum.tasks import AnyTask

# States, gates, their gradients and what autograd keeps, in units of one hidden state, roughly.
STATES_KEPT = {
    "rnn": 5, "gru": 12, "lstm": 16, "mingru": 28, "minlstm": 34, "lru": 42, "state_space": 47, "delta_net": 47,
    "slstm": 31, "transformer": 20, "bilinear": 20,
}  # fmt: skip
BYTES = 4


def step_bytes(config: Config, task: AnyTask, length: int) -> int:
    """Estimate the bytes that one optimizer step on inputs of `length` takes; right to a factor of about two."""
    model = config.model
    width = max(getattr(model, "hidden_size", 1), getattr(model, "state_size", 1)) * getattr(model, "num_layers", 1)
    kept = STATES_KEPT.get(getattr(model, "cell", model.name), 5) * (2 if getattr(model, "bidirectional", False) else 1)
    # A bilinear block makes a matrix of each step.
    matrices = 3 * model.num_layers * model.state_size**2 if isinstance(model, BilinearConfig) else 0
    logits = 4 * task.classes if task.answer == "tags" else 0
    entered = 3 * getattr(model, "embedding_size", task.features)
    # Tokens are drawn, masked and kept as 64-bit numbers.
    numbers = kept * width + matrices + logits + entered + 10
    return BYTES * config.train.batch_size * length * numbers


def check_memory(config: Config, task: AnyTask, length: int) -> None:
    """Raise UserError when a step would need more memory than the machine has free."""
    needed, free = step_bytes(config, task, length), psutil.virtual_memory().available
    if needed > free:
        raise UserError(
            f"out of memory: a step needs about {size(needed)} and {size(free)} are free; "
            f"make train.batch_size, the sequences ({count(length, 'step')} long) or model.hidden_size smaller"
        )
