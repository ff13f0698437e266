"""Matrix products: small ones, where calling a BLAS costs more than the arithmetic, and packed ones for large matrices.

Own code because it is measurably better: 16×16×16 takes 0.1 µs here and 0.6 µs through OpenBLAS, and a step of the
tutorial's baseline consists of a dozen such products. The largest reach nine tenths of OpenBLAS's speed, in one
compiled chunk without a call out of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from seqsum.training.backends.fused.loops import counted, spread

LANES = 16
"""Numbers in a vector; LLVM cuts a vector into what the processor has."""

LARGE = 1 << 22
"""Multiplications from which packing the factors pays."""

# Never `nnan` or `ninf`: a loss or gradient that is not finite must be seen.
FLAGS = {"reassoc", "contract", "nsz"}

compiled = njit(fastmath=FLAGS, error_model="numpy", nogil=True)
part = njit(fastmath=FLAGS, error_model="numpy", nogil=True, inline="always")
"""For what is called in one place: handing over dozens of sizes and places would cost a small step a tenth."""


def _tile(rows: int, accumulate: bool) -> Any:
    """Return an intrinsic: out[rows, LANES] (+)= a[rows, k] @ w[k, LANES] on flat float32 arrays.

    a is read at ao + row·sr + j·sj, w at wo + j·ldw, out at oo + row·ldo.
    """

    @intrinsic
    def tile(
        typing: Any, a: Any, ao: Any, sr: Any, sj: Any, w: Any, wo: Any, ldw: Any, out: Any, oo: Any, ldo: Any, k: Any
    ) -> Any:
        signature = types.void(
            a, types.intp, types.intp, types.intp, w, types.intp, types.intp, out, types.intp, types.intp, types.intp
        )

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            number = ir.FloatType()
            vector = ir.VectorType(number, LANES)
            index = context.get_value_type(types.intp)

            def pointer(which: int) -> Any:
                return context.make_array(signature.args[which])(context, builder, args[which]).data

            def at(base: Any, place: Any) -> Any:
                return builder.gep(base, [place], source_etype=number)

            _, ao, sr, sj, _, wo, ldw, _, oo, ldo, k = args
            a, w, out = at(pointer(0), ao), at(pointer(4), wo), at(pointer(7), oo)
            froms = [at(a, builder.mul(sr, index(row))) for row in range(rows)]
            tos = [builder.bitcast(at(out, builder.mul(ldo, index(row))), vector.as_pointer()) for row in range(rows)]
            start = [builder.load(to, align=4) if accumulate else vector(None) for to in tos]

            def add_product(j: Any, sums: list[Any]) -> list[Any]:
                column = builder.load(builder.bitcast(at(w, builder.mul(j, ldw)), vector.as_pointer()), align=4)
                place = builder.mul(j, sj)
                more = []
                for row, total in enumerate(sums):
                    one = builder.load(at(froms[row], place), align=4)
                    product = builder.fmul(spread(builder, one, LANES), column, flags=["contract"])
                    more.append(builder.fadd(total, product, flags=["contract"]))
                return more

            sums = counted(builder, 0, k, 1, start, add_product)
            for total, to in zip(sums, tos, strict=True):
                builder.store(total, to, align=4)
            return context.get_dummy_value()

        return signature, generate

    return tile


def _tiles(four: Any, two: Any, one: Any) -> Any:
    @compiled
    def run(a, left, w, right, out, to, sizes):
        (ao, sr, sj), (wo, ldw), (oo, ldo), (n, m, k) = left, right, to, sizes
        whole = n - n % 4
        pairs = n - n % 2
        for i in range(0, m, LANES):
            for r in range(0, whole, 4):
                four(a, ao + r * sr, sr, sj, w, wo + i, ldw, out, oo + r * ldo + i, ldo, k)
            for r in range(whole, pairs, 2):
                two(a, ao + r * sr, sr, sj, w, wo + i, ldw, out, oo + r * ldo + i, ldo, k)
            for r in range(pairs, n):
                one(a, ao + r * sr, sr, sj, w, wo + i, ldw, out, oo + r * ldo + i, ldo, k)

    return run


tile4_more, tile1_more = _tile(4, True), _tile(1, True)
tiles = _tiles(_tile(4, False), _tile(2, False), _tile(1, False))
"""f(a, left, w, right, out, to, sizes): out[n, m] = a[n, k] @ w[k, m] by tiles; m a multiple of LANES.

left: place in a, from row to row, from column to column; right, to: place in w and in out, from row to row; sizes:
n, m, k.
"""
tiles_more = _tiles(tile4_more, _tile(2, True), tile1_more)
"""As `tiles`, but out[n, m] += …"""

DEPTH = 256
"""Terms of a sum that are packed at once: a panel of DEPTH × LANES stays in the processor's first cache."""


@compiled
def packed_more(work, left, right, to, sizes, scratch):
    """As `tiles_more`, with both factors copied into the order in which they are read; for large products.

    scratch: float32 [at least (n + LANES) · DEPTH].
    """
    (ao, sr, sj), (wo, ldw), (oo, ldo), (n, m, k) = left, right, to, sizes
    whole = n - n % 4
    panel = n * DEPTH
    for j0 in range(0, k, DEPTH):
        depth = min(DEPTH, k - j0)
        for r in range(0, whole, 4):
            place = r * depth
            source = ao + r * sr + j0 * sj
            for j in range(depth):
                for q in range(4):
                    scratch[place + 4 * j + q] = work[source + j * sj + q * sr]
        for i in range(0, m, LANES):
            for j in range(depth):
                for q in range(LANES):
                    scratch[panel + j * LANES + q] = work[wo + (j0 + j) * ldw + i + q]
            for r in range(0, whole, 4):
                tile4_more(scratch, r * depth, 1, 4, scratch, panel, LANES, work, oo + r * ldo + i, ldo, depth)
            for r in range(whole, n):
                place = ao + r * sr + j0 * sj
                tile1_more(work, place, sr, sj, scratch, panel, LANES, work, oo + r * ldo + i, ldo, depth)


def _product(by_tiles: Any, accumulate: bool) -> Any:
    @compiled
    def run(work, left, right, to, sizes, scratch):
        n, m, k = sizes
        if n >= 16 and n * m * k >= LARGE:
            if not accumulate:
                for r in range(n):
                    for i in range(m):
                        work[to[0] + r * to[1] + i] = np.float32(0)
            packed_more(work, left, right, to, sizes, work[scratch:])
        else:
            by_tiles(work, left, work, right, work, to, sizes)

    return run


product = _product(tiles, accumulate=False)
"""f(work, left, right, to, sizes, scratch): as `tiles`, all in one array; scratch: place of room for `packed_more`."""
product_more = _product(tiles_more, accumulate=True)
