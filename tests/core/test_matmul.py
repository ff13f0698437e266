"""Large products in compiled code: right against float64, in the machine code that the processor is fastest with."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from itertools import product as all_of

import numpy as np
import pytest
from numpy.typing import NDArray

from seqsum.training.backends.fused import matmul

SCRATCH = 200_000


def through(n: int, m: int, k: int, turned: bool, more: bool) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return a product by compiled code, as the fused backend calls it, and by float64."""
    draw = np.random.default_rng(n * m * k)
    left = draw.standard_normal((k, n) if turned else (n, k)).astype(np.float32)
    right = draw.standard_normal((k, m)).astype(np.float32)
    begun = draw.standard_normal((n, m)).astype(np.float32)
    parts = [part.ravel() for part in (left, right, begun)]
    places = np.cumsum([0, *(part.size for part in parts)]).tolist()
    work = np.concatenate([*parts, np.full(SCRATCH, np.nan, np.float32)])
    steps = (1, n) if turned else (k, 1)
    run = matmul.product_more if more else matmul.product
    run(work, (places[0], *steps), (places[1], m), (places[2], m), (n, m, k), places[3])
    wanted = (left.T if turned else left).astype(float) @ right.astype(float) + (begun if more else 0)
    return work[places[2] : places[3]].reshape(n, m), wanted


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("more", [False, True])
def test_a_product_is_the_formulas_whatever_its_sizes_leave_over(turned: bool, more: bool) -> None:
    for n, m, k in all_of((11, 12, 29, 128), (16, 48, 96), (64, 256, 300)):
        found, wanted = through(n, m, k, turned, more)
        np.testing.assert_allclose(found, wanted, atol=2e-4, err_msg=f"{n} x {m} x {k}")


def inner_loops(code: str) -> list[list[str]]:
    """Return the multiply-adds of each stretch of machine code without a label, those of a whole tile."""
    stretches = (re.findall(r"vfmadd\w+ps\s.*", part) for part in re.split(r"^\.L\w+:", code, flags=re.MULTILINE))
    return [found for found in stretches if len(found) >= matmul.TALL * matmul.ACROSS]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads the code of another processor")
def test_a_tile_stays_in_the_widest_registers() -> None:
    through(128, 96, 300, turned=True, more=True)
    loops = [loop for code in matmul.packed_product.inspect_asm().values() for loop in inner_loops(code)]
    assert loops
    register = "zmm" if matmul.has_wide_vectors() else "ymm"
    for loop in loops:
        assert all(register in line and "(%rsp" not in line for line in loop)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="makes code for another processor")
def test_a_processor_with_256_bits_gets_a_tile_of_its_own() -> None:
    child = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "formulas or widest"],
        env={**os.environ, "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert child.returncode == 0, child.stdout


@pytest.mark.parametrize(("features", "tile"), [("+avx2,+fma", (6, 1)), ("+avx2,+fma,+avx512f", (12, 2))])
def test_the_tile_is_chosen_by_what_code_is_made_for(features: str, tile: tuple[int, int]) -> None:
    script = "from seqsum.training.backends.fused import matmul; print((matmul.TALL, matmul.ACROSS))"
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "NUMBA_CPU_FEATURES": features}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == str(tile)
