"""The most that one core does: the best of several libraries' products of square matrices, and what arithmetic allows.

A single library may take the wrong path for a processor (or be told to, by OPENBLAS_CORETYPE): the best of independent
ones is the peak. The limit beside it is what multiply-adds reach that touch no memory at all.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from .entrants import ENTRANTS

if TYPE_CHECKING:
    from .measure import Job

SIZES, TRIES = (256, 512, 768, 1024), 20
PRODUCTS = {"numpy": "numpy's OpenBLAS", "torch": "PyTorch", "jax": "JAX", "tiles": "this engine's tiles"}
LIMIT = "limit"
ROUNDS, CHAIN = 100_000, 8
LIMIT_SECONDS = 1.5
"""As products are, the limit is met in short tries: one that nobody interrupts is among them."""


def peak_jobs() -> list[str]:
    """Return what is measured, by name: the products of what is installed, and the limit."""
    return [name for name in (*PRODUCTS, LIMIT) if name != "jax" or not ENTRANTS["jax"].missing]


def measure_peak(job: Job, folder: Path) -> dict[str, float]:
    """Return `job.entrant`'s best floating-point operations per second; of the limit, also clock, lanes and units."""
    from .measure import CLOCKS

    clock = CLOCKS[job.clock]
    if job.entrant == LIMIT:
        return _limit(clock)
    best = 0.0
    for size in SIZES:
        multiply = _product(job.entrant, size)
        multiply()
        best = max(best, *(2 * size**3 / _seconds(clock, multiply) for _ in range(TRIES)))
    return {"flops": best}


def _seconds(clock: Callable[[], float], act: Callable[[], object]) -> float:
    started = clock()
    act()
    return clock() - started


def _product(library: str, size: int) -> Callable[[], object]:
    draw = np.random.default_rng(size)
    one, other = (draw.random((size, size), dtype=np.float32) for _ in range(2))
    result = np.empty_like(one)
    if library == "numpy":
        return lambda: np.dot(one, other, out=result)
    if library == "torch":
        import torch

        first, second, into = (torch.from_numpy(part) for part in (one, other, result))
        return lambda: torch.mm(first, second, out=into)
    if library == "jax":
        import jax

        product = jax.jit(jax.numpy.matmul)
        ours, theirs = jax.numpy.array(one), jax.numpy.array(other)
        return lambda: product(ours, theirs).block_until_ready()
    from seqsum.training.backends.fused.matmul import DEPTH, PANEL, product_if

    work = np.concatenate([one.ravel(), other.ravel(), result.ravel(), np.zeros((size + PANEL) * DEPTH, np.float32)])
    count, sizes = size * size, (size, size, size)
    return lambda: product_if(work, (0, size, 1), (count, size), (2 * count, size), sizes, 3 * count, 0)


def _limit(clock: Callable[[], float]) -> dict[str, float]:
    """Measure multiply-adds that stay in registers, and cycles by a chain of which each link waits for the one before.

    units: multiply-adds of a whole vector that begin in a cycle, as measured
    """
    multiply_add, chain, lanes, sums = _compiled_loops()
    multiply_add(np.float32(0.5), 10)
    chain(1, 10)
    quickest, shortest, end = math.inf, math.inf, time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < end:
        quickest = min(quickest, _seconds(clock, lambda: multiply_add(np.float32(0.5), ROUNDS)))
        shortest = min(shortest, _seconds(clock, lambda: chain(1, ROUNDS)))
    flops, hertz = 2.0 * lanes * sums * ROUNDS / quickest, 2.0 * CHAIN * ROUNDS / shortest
    return {"flops": flops, "hertz": hertz, "lanes": lanes, "units": flops / (2 * lanes * hertz)}


def _compiled_loops() -> tuple[Any, Any, int, int]:
    from llvmlite import ir
    from numba import njit, types
    from numba.core.codegen import get_host_cpu_features
    from numba.extending import intrinsic

    from seqsum.training.backends.fused.loops import counted, spread
    from seqsum.training.backends.fused.matmul import ACROSS, TALL, has_wide_vectors

    lanes = 16 if has_wide_vectors() else 8 if "+avx2" in get_host_cpu_features() else 4
    sums = TALL * ACROSS

    @intrinsic
    def multiply_adds(typing: Any, x: Any, n: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            vector = ir.VectorType(ir.FloatType(), lanes)
            factor = spread(builder, args[0], lanes)
            begin = [builder.fadd(factor, ir.Constant(vector, [float(number)] * lanes)) for number in range(sums)]

            def body(_: Any, totals: list[Any]) -> list[Any]:
                fuse = ["contract"]
                return [builder.fadd(builder.fmul(one, factor, flags=fuse), factor, flags=fuse) for one in totals]

            total, *more = counted(builder, 0, args[1], 1, begin, body)
            for one in more:
                total = builder.fadd(total, one)
            return builder.extract_element(total, ir.IntType(32)(0))

        return types.float32(types.float32, types.intp), generate

    @intrinsic
    def links(typing: Any, x: Any, n: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            def body(_: Any, values: list[Any]) -> list[Any]:
                (value,) = values
                for _link in range(CHAIN):
                    # An addition and an exclusive or in turn: no compiler finds a shorter way.
                    value = builder.xor(builder.add(value, args[0].type(12345)), args[0].type(6789))
                return [value]

            return counted(builder, 0, args[1], 1, [args[0]], body)[0]

        return types.intp(types.intp, types.intp), generate

    @njit(nogil=True)
    def run(x: Any, n: Any) -> Any:
        return multiply_adds(x, n)

    @njit(nogil=True)
    def chain(x: Any, n: Any) -> Any:
        return links(x, n)

    return run, chain, lanes, sums


def best_product(peaks: dict[str, dict[str, float]]) -> float:
    """Return the operations per second of the fastest product of a round."""
    return max(found["flops"] for name, found in peaks.items() if name != LIMIT)


def peak_lines(rounds: Sequence[dict[str, dict[str, float]]]) -> list[str]:
    """Return what was measured as text: medians, and of the best also the range."""
    best = [best_product(peaks) / 1e9 for peaks in rounds]
    each = ", ".join(
        f"{title} {median(peaks[name]['flops'] for peaks in rounds) / 1e9:,.0f}"
        for name, title in PRODUCTS.items()
        if name in rounds[0]
    )
    limit = {part: median(peaks[LIMIT][part] for peaks in rounds) for part in rounds[0][LIMIT]}
    return [
        f"Peak: {median(best):,.0f} GFLOP/s ({min(best):,.0f}–{max(best):,.0f}), the best float32 product of square",
        f"matrices on one thread: {each}.",
        f"Arithmetic alone, with no memory touched: {limit['flops'] / 1e9:,.0f} GFLOP/s, which is {limit['units']:.1f}",
        f"multiply-adds of {limit['lanes']:.0f} numbers each a cycle, at {limit['hertz'] / 1e9:.2f} GHz.",
        "The share of the peak counts the updates' matrix products alone, at the mean length.",
    ]
