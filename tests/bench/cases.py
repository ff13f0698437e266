"""What is timed: presets, and two larger networks made from one."""

from __future__ import annotations

from seqsum.config import Config
from seqsum.models.settings import RecurrentConfig
from seqsum.presets import load_preset
from seqsum.tasks.sum_modulo import SumModuloConfig

LENGTH_40 = {"task.min_length": 40, "task.max_length": 40, "train.batch_size": 128}
LARGER: dict[str, dict[str, object]] = {
    "lstm_64": {**LENGTH_40, "model.cell": "lstm", "model.hidden_size": 64},
    "gru_256": {**LENGTH_40, "model.cell": "gru", "model.hidden_size": 256},
}
CASES = ("baseline", "sota_warmup", *LARGER)
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def config_of(case: str) -> Config:
    """Return a case's configuration: a preset, or `lstm_64` and `gru_256` (length 40, batch 128).

    Raises UserError for another name.
    """
    if case in LARGER:
        return load_preset("baseline").config.changed(LARGER[case], "bench")
    return load_preset(case).config


def flops_per_step(config: Config) -> float:
    """Return the floating-point operations of one update's matrix products, at the mean sequence length.

    Forward is two operations for each weight, sequence and position; backward takes twice as many. Padding, the
    elementwise functions and the optimizer are not counted: this is the work that cannot be avoided.
    """
    assert isinstance(config.task, SumModuloConfig) and isinstance(config.model, RecurrentConfig)
    hidden, gates = config.model.hidden_size, GATES[config.model.cell]
    inputs = [config.model.embedding_size, *[hidden] * (config.model.num_layers - 1)]
    length = (config.task.min_length + config.task.max_length) / 2
    products = length * sum(gates * hidden * (size + hidden) for size in inputs) + hidden * config.task.modulus
    return 6.0 * config.train.batch_size * products
