"""Many seeds of one small network at once: `python -m tests.bench.population`.

Network-steps per second of processor time on one thread, interleaved: ours with LANES networks in the lanes of the
processor's vectors, ours one network after another, both also with batches that were made before, and JAX's vmap over
32 and 256 seeds (where it is installed; XLA on one thread). Only updates: nothing is evaluated or written.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from . import machine
from .measure import ONE_XLA_THREAD, THREAD_VARIABLES

os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"), XLA_FLAGS=ONE_XLA_THREAD)

from seqsum.config import Config
from seqsum.presets import load_preset
from seqsum.training.backends.fused_support import LANES

SEEDS = (32, 256)
STEPS = {"baseline": 2000}

Timing = Callable[[], float]
"""Trains for a while and returns network-steps per second of processor time."""


def ours(config: Config, steps: int, networks: int, *, data: bool = True) -> Timing:
    """networks: how many at once; data: whether making batches counts."""
    import threading

    from seqsum.training.backends.fused import cache, lane_pool
    from seqsum.training.schedule import learning_rates
    from seqsum.training.trainer import Trainer

    cache.compile_lanes()
    trainers = [Trainer(config.changed({"train.seed": str(seed)}, "bench")) for seed in range(networks)]

    size = config.train.batch_size
    batches = [trainer.task.batches(trainer.config.train.seed, 0, steps, size) for trainer in trainers]
    rates = learning_rates(config, 0, steps)
    for trainer in trainers:
        trainer.run_chunk()

    def train(number: int, trainer: Trainer, pool: lane_pool.LanePool) -> None:
        last = trainer.step + steps
        if not data:
            trainer.backend.run(batches[number], rates, trainer.config)
        while data and trainer.step < last:
            trainer.run_chunk((last,))
        pool.leave()

    def timing() -> float:
        began = time.process_time()
        with lane_pool.sharing() as pool:
            threads = [threading.Thread(target=train, args=(*one, pool)) for one in enumerate(trainers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return networks * steps / (time.process_time() - began)

    return timing


def jax(config: Config, steps: int, seeds: int) -> Timing:
    """As `ours`, by JAX."""
    from .peers.jax_vmap import JaxVmap

    with tempfile.TemporaryDirectory() as folder:
        peer = JaxVmap(config, Path(folder), seeds)
    peer.warm_up()
    steps = max(100, steps * LANES // seeds // 100 * 100)

    def timing() -> float:
        began = time.process_time()
        peer.run(steps)
        return seeds * steps / (time.process_time() - began)

    return timing


def main(arguments: list[str]) -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench.population", description=__doc__)
    asked.add_argument("--presets", default="baseline", help="default: %(default)s")
    asked.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    options = asked.parse_args(arguments)
    print(machine.line(), flush=True)
    for preset in options.presets.split(","):
        config = load_preset(preset).config.changed({"train.backend": "fused", "train.steps": 100_000}, "bench")
        entrants = {f"seqsum, {LANES} at once": ours(config, STEPS[preset], LANES)}
        entrants["seqsum, one by one"] = ours(config, STEPS[preset], 1)
        entrants["the same, without data"] = ours(config, STEPS[preset], LANES, data=False)
        entrants["one by one, without data"] = ours(config, STEPS[preset], 1, data=False)
        if find_spec("jax"):
            entrants |= {f"JAX, vmap over {seeds}": jax(config, STEPS[preset], seeds) for seeds in SEEDS}
        for timing in entrants.values():
            timing()
        found: dict[str, list[float]] = {name: [] for name in entrants}
        for _ in range(options.rounds):
            for name, timing in entrants.items():
                found[name].append(timing())
        alone = found["seqsum, one by one"]
        for name, speeds in found.items():
            times = median(one / other for one, other in zip(speeds, alone, strict=True))
            print(f"{preset:<12} {name:<24} {median(speeds):>12,.0f} network-steps/s   {times:5.2f} times one by one")


if __name__ == "__main__":
    main(sys.argv[1:])
