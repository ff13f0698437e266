"""JAX over many seeds: `jax_scan`'s hundred steps under vmap, as people train several small networks at once.

Each seed has its own weights and its own random data; one compiled scan makes the steps of all of them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from seqsum.config import Config

from .jax_scan import STEPS_AT_ONCE, JaxScan

Tree = Any


class JaxVmap:
    """`seeds` training runs of one configuration."""

    def __init__(self, config: Config, folder: Path, seeds: int) -> None:
        self.config = config
        runs = [JaxScan(config.changed({"train.seed": str(seed)}, "bench"), folder) for seed in range(seeds)]
        self._one = runs[0]
        self.carry = jax.tree.map(lambda *parts: jnp.stack(parts), *(run.carry for run in runs))
        self.keys = jnp.stack([run.key for run in runs])
        self.chunk = jax.jit(jax.vmap(self._one.steps, in_axes=(0, None, None, 0)), donate_argnums=0)

    def warm_up(self) -> None:
        """Compile; the time that takes is not counted."""
        self.run(STEPS_AT_ONCE)

    def run(self, steps: int) -> None:
        """Make the first so many updates of every seed; a multiple of STEPS_AT_ONCE."""
        for first in range(0, steps, STEPS_AT_ONCE):
            both = jax.vmap(partial(jax.random.split, num=2))(self.keys)
            self.keys, use = both[:, 0], both[:, 1]
            keys = jax.vmap(partial(jax.random.split, num=STEPS_AT_ONCE))(use)
            self.carry, _ = self.chunk(self.carry, first, self._one.rates[first : first + STEPS_AT_ONCE], keys)
        jax.block_until_ready(self.carry)
