"""JAX: data, forward, backward and Adam of a hundred steps in one compiled scan, as people who want speed write it.

The same model, schedule and kind of data as the other peers; the weights begin with ours. Needs the extra `bench`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax import lax

from seqsum.config import Config
from seqsum.models.base import SequenceModel, make_model
from seqsum.registry import make_task

from .plain_pytorch import learning_rates
from .tutorial import EVALUATION_SAMPLES, check_supported

STEPS_AT_ONCE = 100
LONGEST_UNROLLED = 8

Tree = Any


def cell_step(cell: str, weights: dict[str, Any], layer: int, state: Tree, read: Any) -> Tree:
    """One step of one layer; `read` is the input's share of the gates, [batch, gates × hidden]."""
    hidden = state[0] if cell == "lstm" else state
    told = hidden @ weights[f"rnn.weight_hh_l{layer}"].T
    if cell == "rnn":
        return jnp.tanh(read + told + weights[f"rnn.bias_hh_l{layer}"])
    if cell == "gru":
        told = told + weights[f"rnn.bias_hh_l{layer}"]
        (read_r, read_z, read_n), (told_r, told_z, told_n) = jnp.split(read, 3, 1), jnp.split(told, 3, 1)
        keep = jax.nn.sigmoid(read_z + told_z)
        new = jnp.tanh(read_n + jax.nn.sigmoid(read_r + told_r) * told_n)
        return (1 - keep) * new + keep * hidden
    enter, forget, new, leave = jnp.split(read + told + weights[f"rnn.bias_hh_l{layer}"], 4, 1)
    memory = jax.nn.sigmoid(forget) * state[1] + jax.nn.sigmoid(enter) * jnp.tanh(new)
    return jax.nn.sigmoid(leave) * jnp.tanh(memory), memory


def logits_of(cell: str, layers: int, weights: dict[str, Any], tokens: Any, lengths: Any) -> Any:
    """tokens [batch, longest], lengths [batch] → logits [batch, classes]."""
    outputs = weights["embedding.weight"][tokens].swapaxes(0, 1)
    for layer in range(layers):
        read = outputs @ weights[f"rnn.weight_ih_l{layer}"].T + weights[f"rnn.bias_ih_l{layer}"]
        zeros = jnp.zeros((tokens.shape[0], weights[f"rnn.weight_hh_l{layer}"].shape[1]))

        def step(state: Tree, part: Any, layer: int = layer) -> tuple[Tree, Any]:
            state = cell_step(cell, weights, layer, state, part)
            return state, state[0] if cell == "lstm" else state

        begin = (zeros, zeros) if cell == "lstm" else zeros
        # Unrolled, short sequences are half as fast again, and long ones half as fast.
        _, outputs = lax.scan(step, begin, read, unroll=len(read) if len(read) <= LONGEST_UNROLLED else 1)
    last = outputs[lengths - 1, jnp.arange(tokens.shape[0])]
    return last @ weights["head.weight"].T + weights["head.bias"]


class JaxScan:
    """One training run."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.task, self.settings = check_supported(config)
        self.config = config
        self.folder = folder
        self.log: list[tuple[str, int, float]] = []
        model = make_model(make_task(config.task), config.model, config.train.seed)
        self.weights = {name: jnp.array(value.numpy()) for name, value in model.state_dict().items()}
        self.key = jax.random.key(config.train.seed)
        self.logits = partial(logits_of, self.settings.cell, self.settings.num_layers)
        self.rates = np.array(learning_rates(config), dtype=np.float32)
        # Two sets of zeros: what is donated to the compiled code must not be given twice.
        self.carry = (self.weights, *(jax.tree.map(jnp.zeros_like, self.weights) for _ in range(2)))
        self.chunk = jax.jit(self.steps, donate_argnums=0)
        self._accuracy = jax.jit(self._share_right)

    def samples(self, key: Any, count: int) -> tuple[Any, Any, Any]:
        """Return random tokens [count, max_length], lengths [count] and targets [count]."""
        task = self.task
        for_tokens, for_lengths = jax.random.split(key)
        tokens = jax.random.randint(for_tokens, (count, task.max_length), 0, task.modulus)
        lengths = jax.random.randint(for_lengths, (count,), task.min_length, task.max_length + 1)
        valid = jnp.arange(task.max_length) < lengths[:, None]
        targets = (tokens * valid).sum(axis=1) % task.modulus
        return jnp.where(valid, tokens, task.modulus), lengths, targets

    def _loss(self, weights: Tree, tokens: Any, lengths: Any, targets: Any) -> Any:
        logits = self.logits(weights, tokens, lengths)
        right = jnp.take_along_axis(logits, targets[:, None], axis=1)[:, 0]
        return (jax.nn.logsumexp(logits, axis=1) - right).mean()

    def _share_right(self, weights: Tree, key: Any) -> Any:
        tokens, lengths, targets = self.samples(key, EVALUATION_SAMPLES)
        return (self.logits(weights, tokens, lengths).argmax(axis=1) == targets).mean()

    def steps(self, carry: Tree, first: Any, rates: Any, keys: Any) -> tuple[Tree, Any]:
        optim = self.config.optim

        def step(carry: Tree, part: Any) -> tuple[Tree, Any]:
            (weights, first_moment, second_moment), (number, rate, key) = carry, part
            loss, gradients = jax.value_and_grad(self._loss)(weights, *self.samples(key, self.config.train.batch_size))
            # The row of the padding token gets no gradient, as in PyTorch.
            padding = gradients["embedding.weight"].at[self.task.modulus].set(0)
            gradients = {**gradients, "embedding.weight": padding}
            first_moment = jax.tree.map(lambda m, g: optim.beta1 * m + (1 - optim.beta1) * g, first_moment, gradients)
            second_moment = jax.tree.map(
                lambda v, g: optim.beta2 * v + (1 - optim.beta2) * g * g, second_moment, gradients
            )
            size = rate / (1 - optim.beta1**number)
            correction = 1 / jnp.sqrt(1 - optim.beta2**number)
            weights = jax.tree.map(
                lambda w, m, v: w - size * m / (jnp.sqrt(v) * correction + optim.eps),
                weights,
                first_moment,
                second_moment,
            )
            return (weights, first_moment, second_moment), loss

        return lax.scan(step, carry, (first + jnp.arange(1, len(rates) + 1, dtype=jnp.float32), rates, keys))

    def warm_up(self) -> None:
        """Compile; the time that takes is not counted."""
        steps = min(STEPS_AT_ONCE, self.config.train.steps)
        carry = jax.tree.map(jnp.copy, self.carry)
        jax.block_until_ready(self.chunk(carry, 0, self.rates[:steps], jax.random.split(self.key, steps)))
        jax.block_until_ready(self._accuracy(self.weights, self.key))

    def bare(self) -> None:
        """Make every update, and nothing else."""
        self._train(housekeeping=False)

    def whole(self) -> None:
        """Make every update, with logging, evaluation on 100 fresh samples, and saving, at the ends of chunks."""
        self._train(housekeeping=True)

    def _train(self, housekeeping: bool) -> None:
        train = self.config.train
        step = 0
        while step < train.steps:
            self.key, use, other = jax.random.split(self.key, 3)
            count = min(STEPS_AT_ONCE, train.steps - step)
            keys = jax.random.split(use, count)
            self.carry, losses = self.chunk(self.carry, step, self.rates[step : step + count], keys)
            step += count
            if not housekeeping:
                continue
            self.log += [("loss", step, float(losses[-1])), ("lr", step, float(self.rates[step - 1]))]
            if step % train.evaluate_every < count:
                self.log.append(("accuracy", step, float(self._accuracy(self.carry[0], other))))
            if step % train.checkpoint_every < count or step == train.steps:
                np.savez(self.folder / f"step-{step}.npz", **{name: np.asarray(w) for name, w in self.carry[0].items()})
        jax.block_until_ready(self.carry)

    def classifier(self) -> SequenceModel:
        """Return our model with this run's weights, so that every entrant is judged by the same evaluation."""
        model = make_model(make_task(self.config.task), self.config.model, 0)
        model.load_state_dict({name: torch.from_numpy(np.array(w)) for name, w in self.carry[0].items()})
        return model
