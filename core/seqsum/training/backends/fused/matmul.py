"""Matrix products: small ones, where calling a BLAS costs more than the arithmetic, and packed ones for large matrices.

Own code because it is measurably better: 16×16×16 takes 0.1 µs here and 0.6 µs through OpenBLAS, and a step of the
tutorial's baseline consists of a dozen such products. The largest are as fast as OpenBLAS's, in one compiled chunk
without a call out of it.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import config
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic

from seqsum.training.backends.fused.loops import counted, spread

LANES = 16
"""Numbers in a vector; LLVM cuts a vector into what the processor has."""

LARGE = 1 << 15
"""Multiplications from which packing the factors pays."""

# No `fastmath`: numba would write it on every operation. What may be fused into one rounding says so itself (`simd`,
# the tiles below), and sums have their order, so that a network's bits do not hang on what it is compiled with.
compiled = njit(error_model="numpy", nogil=True)
part = njit(error_model="numpy", nogil=True, inline="always")
"""For what is called in one place: handing over dozens of sizes and places would cost a small step a tenth."""


def has_wide_vectors() -> bool:
    """Whether machine code is made for a processor with 32 registers of 512 bits."""
    # As numba chooses: NUMBA_CPU_FEATURES, or what the processor has.
    named: str | None = config.CPU_FEATURES
    if named is None and config.CPU_NAME:
        return False
    return "+avx512f" in (get_host_cpu_features() if named is None else named).split(",")


TALL, ACROSS = (12, 2) if has_wide_vectors() else (6, 1)
"""Rows and vectors of a large product's tile: its sums, a row of the right factor and one number fill the registers.

Each of two units begins a multiply-add per cycle and ends it four cycles later, so that eight sums are the least.
"""
HIGH = 12
"""Rows that tall tiles take: what is left of a batch in fours is fours."""


def _tile(rows: int, vectors: int = 1, accumulate: bool | None = None, packed: bool | None = None) -> Any:
    """Return an intrinsic: out[rows, m] (+)= a[rows, k] @ w[k, m] on flat float32 arrays, m = vectors · LANES.

    a is read at ao + row·sr + j·sj, w at wo + j·ldw, out at oo + row·ldo. accumulate: None leaves it to a last
    argument, 0 or 1. packed: steps that are known, for a large product: a packed factor has sr = 1 and sj = rows, the
    other sj = 1.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = ir.FloatType()
        vector = ir.VectorType(number, LANES)
        index = context.get_value_type(types.intp)

        def pointer(which: int) -> Any:
            return context.make_array(signature.args[which])(context, builder, args[which]).data

        def at(base: Any, place: Any) -> Any:
            return builder.gep(base, [place], source_etype=number)

        def vectors_at(base: Any) -> list[Any]:
            places = [at(base, index(which * LANES)) if which else base for which in range(vectors)]
            return [builder.bitcast(place, vector.as_pointer()) for place in places]

        _, ao, sr, sj, _, wo, ldw, _, oo, ldo, k = args[:11]
        if packed is not None:
            # Known steps stand in the instructions; others cost one for each row, and each waits for the one before.
            sr, sj, ldw = index(1) if packed else sr, index(rows if packed else 1), index(vectors * LANES)
        a, w, out = at(pointer(0), ao), at(pointer(4), wo), at(pointer(7), oo)
        froms = [at(a, builder.mul(sr, index(row))) for row in range(rows)]
        tos = [to for row in range(rows) for to in vectors_at(at(out, builder.mul(ldo, index(row))))]
        start = [vector(None) if accumulate is False else builder.load(to, align=4) for to in tos]
        if accumulate is None:
            more = builder.icmp_signed("!=", args[11], index(0))
            start = [builder.select(more, total, vector(None)) for total in start]

        def add_product(j: Any, sums: list[Any]) -> list[Any]:
            columns = [builder.load(place, align=4) for place in vectors_at(at(w, builder.mul(j, ldw)))]
            place = builder.mul(j, sj)
            more = []
            for row in range(rows):
                one = spread(builder, builder.load(at(froms[row], place), align=4), LANES)
                for column, total in zip(columns, sums[row * vectors : (row + 1) * vectors], strict=True):
                    product = builder.fmul(one, column, flags=["contract"])
                    more.append(builder.fadd(total, product, flags=["contract"]))
            return more

        sums = counted(builder, 0, k, 1, start, add_product)
        for total, to in zip(sums, tos, strict=True):
            builder.store(total, to, align=4)
        return context.get_dummy_value()

    whole = types.intp

    @intrinsic
    def tile(
        typing: Any, a: Any, ao: Any, sr: Any, sj: Any, w: Any, wo: Any, ldw: Any, out: Any, oo: Any, ldo: Any, k: Any
    ) -> Any:
        return types.void(a, whole, whole, whole, w, whole, whole, out, whole, whole, whole), generate

    @intrinsic
    def tile_if(
        typing: Any, a: Any, ao: Any, sr: Any, sj: Any, w: Any, wo: Any, ldw: Any, out: Any, oo: Any, ldo: Any, k: Any,
        more: Any,
    ) -> Any:  # fmt: skip
        return types.void(a, whole, whole, whole, w, whole, whole, out, whole, whole, whole, whole), generate

    return tile_if if accumulate is None else tile


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


tiles = _tiles(*(_tile(rows, accumulate=False) for rows in (4, 2, 1)))
"""f(a, left, w, right, out, to, sizes): out[n, m] = a[n, k] @ w[k, m] by tiles; m a multiple of LANES.

left: place in a, from row to row, from column to column; right, to: place in w and in out, from row to row; sizes:
n, m, k.
"""
tiles_more = _tiles(*(_tile(rows, accumulate=True) for rows in (4, 2, 1)))
"""As `tiles`, but out[n, m] += …"""

DEPTH = 256
"""Terms of a sum that are packed at once: a panel of DEPTH × PANEL stays in the processor's first cache."""

PANEL = ACROSS * LANES
LINE = 16
"""Numbers in a line of the processor's caches."""


def _copied(lanes: int) -> Any:
    """Return an intrinsic: to[j·lanes : (j + 1)·lanes] = x[source + j·step : … + lanes] for j up to n, of one array."""

    @intrinsic
    def copied(typing: Any, x: Any, source: Any, step: Any, to: Any, place: Any, n: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            number = ir.FloatType()
            vector = ir.VectorType(number, lanes).as_pointer()
            index = context.get_value_type(types.intp)
            _, source, step, _, place, n = args
            data, end = (context.make_array(signature.args[i])(context, builder, args[i]).data for i in (0, 3))

            def at(base: Any, where: Any) -> Any:
                return builder.bitcast(builder.gep(base, [where], source_etype=number), vector)

            def copy(j: Any, _: list[Any]) -> list[Any]:
                some = builder.load(at(data, builder.add(source, builder.mul(j, step))), align=4)
                builder.store(some, at(end, builder.add(place, builder.mul(j, index(lanes)))), align=4)
                return []

            counted(builder, 0, n, 1, [], copy)
            return context.get_dummy_value()

        return types.void(x, types.intp, types.intp, to, types.intp, types.intp), generate

    return copied


_copied_panel, _copied_vectors = _copied(PANEL), _copied(LANES)


@intrinsic
def _fetch(typing: Any, x: Any, place: Any, lines: Any) -> Any:
    """Have the processor bring so many lines of its second cache, from x[place] on, while it goes on computing."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x, place, lines = args
        index, flag = context.get_value_type(types.intp), ir.IntType(32)
        data = context.make_array(signature.args[0])(context, builder, x).data
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)

        def body(j: Any, _: list[Any]) -> list[Any]:
            where = builder.gep(data, [builder.add(place, builder.mul(j, index(LINE)))], source_etype=ir.FloatType())
            # To read, into the second cache, data.
            builder.call(prefetch, [builder.bitcast(where, byte), flag(0), flag(2), flag(1)])
            return []

        counted(builder, 0, lines, 1, [], body)
        return context.get_dummy_value()

    return types.void(x, types.intp, types.intp), generate


def _rows(vectors: int) -> Any:
    """Return f(a, left, w, wo, out, oo, ldo, n, k, more, ahead): a panel's columns of every row, by tall tiles, fours
    and ones.

    left: place in a and from row to row. ahead: place in `out` of what is needed next, and how many lines of it are
    brought during each tall tile
    """
    tall, four, one = (_tile(rows, vectors, packed=False) for rows in (TALL, 4, 1))

    @compiled
    def run(a, left, w, wo, out, oo, ldo, n, k, more, ahead):
        (ao, sr), (next_place, lines) = left, ahead
        high, fours = n - n % HIGH, n - n % 4
        for r in range(0, high, TALL):
            _fetch(out, next_place + r // TALL * lines * LINE, lines)
            tall(a, ao + r * sr, sr, 1, w, wo, PANEL, out, oo + r * ldo, ldo, k, more)
        for r in range(high, fours, 4):
            four(a, ao + r * sr, sr, 1, w, wo, PANEL, out, oo + r * ldo, ldo, k, more)
        for r in range(fours, n):
            one(a, ao + r * sr, sr, 1, w, wo, PANEL, out, oo + r * ldo, ldo, k, more)

    return run


_rows_of_panel, _rows_of_vector = _rows(ACROSS), _rows(1)


@compiled
def _panels_packed(work, right, packed, to, m, depth):
    """Copy the panels of a right factor's rows, `depth` of them, one panel after the other."""
    wo, ldw = right
    whole = m - m % PANEL
    for i in range(0, whole, PANEL):
        _copied_panel(work, wo + i, ldw, packed, to + i * depth, depth)
    for i in range(whole, m, LANES):
        _copied_vectors(work, wo + i, ldw, packed, to + i * depth, depth)


def _columns(rows: int) -> Any:
    """Return f(work, source, step, scratch, panels, out, oo, ldo, m, k, more): so many rows, which lie as columns.

    They are copied, small enough for the first cache, and then meet one packed panel after the other.
    """
    copied = _copied(rows)
    panel, vector = _tile(rows, ACROSS, packed=True), _tile(rows, 1, packed=True)

    @compiled
    def run(work, source, step, scratch, out, oo, ldo, m, k, more):
        place, whole = m * k, m - m % PANEL
        copied(work, source, step, scratch, place, k)
        for i in range(0, whole, PANEL):
            panel(scratch, place, 1, rows, scratch, i * k, PANEL, out, oo + i, ldo, k, more)
        for i in range(whole, m, LANES):
            vector(scratch, place, 1, rows, scratch, i * k, LANES, out, oo + i, ldo, k, more)

    return run


_tall_columns, _four_columns, _one_column = (_columns(rows) for rows in (TALL, 4, 1))


@compiled
def packed_product(work, left, right, to, sizes, scratch, more):
    """As `tiles`, with the factors copied into the order in which they are read; for large products.

    A left factor whose rows lie whole is read where it is. scratch: float32 [at least (m + PANEL) · DEPTH]; more: 1 to
    add to `out`, 0 to begin it
    """
    (ao, sr, sj), (wo, ldw), (oo, ldo), (n, m, k) = left, right, to, sizes
    high, fours, whole = n - n % HIGH, n - n % 4, m - m % PANEL
    for j0 in range(0, k, DEPTH):
        depth, source, rows = min(DEPTH, k - j0), ao + j0 * sj, wo + j0 * ldw
        begun = 1 if j0 > 0 else more
        if sj != 1:
            _panels_packed(work, (rows, ldw), scratch, 0, m, depth)
            for r in range(0, high, TALL):
                _tall_columns(work, source + r, sj, scratch, work, oo + r * ldo, ldo, m, depth, begun)
            for r in range(high, fours, 4):
                _four_columns(work, source + r, sj, scratch, work, oo + r * ldo, ldo, m, depth, begun)
            for r in range(fours, n):
                _one_column(work, source + r, sj, scratch, work, oo + r * ldo, ldo, m, depth, begun)
        else:
            for i in range(0, whole, PANEL):
                _copied_panel(work, rows + i, ldw, scratch, 0, depth)
                _rows_of_panel(work, (source, sr), scratch, 0, work, oo + i, ldo, n, depth, begun, (0, 0))
            for i in range(whole, m, LANES):
                _copied_vectors(work, rows + i, ldw, scratch, 0, depth)
                _rows_of_vector(work, (source, sr), scratch, 0, work, oo + i, ldo, n, depth, begun, (0, 0))


@compiled
def is_large(n, m, k):
    """Whether packing the factors of a product pays."""
    return n >= TALL and n * m * k >= LARGE


@compiled
def pack_right(work, right, to, m, k):
    """Copy a right factor [k, m] once for many products `with_packed`: to `to`, m · k numbers."""
    wo, ldw = right
    for j0 in range(0, k, DEPTH):
        _panels_packed(work, (wo + j0 * ldw, ldw), work, to + j0 * m, m, min(DEPTH, k - j0))


@compiled
def with_packed(work, left, packed, to, sizes, ahead):
    """out[n, m] = a[n, k] @ w[k, m], w as `pack_right` leaves it at place `packed`; left: place in a, from row to row.

    The same bits as without: each sum's terms are added in the same order. ahead: place of what is needed next, and
    how many numbers: they come from memory meanwhile
    """
    (ao, sr), (oo, ldo), (n, m, k) = left, to, sizes
    whole = m - m % PANEL
    next_place, tiles_a_panel = ahead[0], max(1, (n - n % HIGH) // TALL)
    panels = ((m + PANEL - 1) // PANEL) * ((k + DEPTH - 1) // DEPTH)
    lines = (ahead[1] // LINE + tiles_a_panel * panels - 1) // (tiles_a_panel * panels)
    for j0 in range(0, k, DEPTH):
        depth, more = min(DEPTH, k - j0), 1 if j0 > 0 else 0
        for i in range(0, m, PANEL):
            w = packed + j0 * m + i * depth
            if i < whole:
                _rows_of_panel(work, (ao + j0, sr), work, w, work, oo + i, ldo, n, depth, more, (next_place, lines))
            else:
                _rows_of_vector(work, (ao + j0, sr), work, w, work, oo + i, ldo, n, depth, more, (next_place, lines))
            next_place += tiles_a_panel * lines * LINE


@compiled
def product_if(work, left, right, to, sizes, scratch, more):
    """As `tiles` (more 0) or `tiles_more` (more 1), all in one array; scratch: place of room for the packed."""
    n, m, k = sizes
    # Packed are rows of a left factor that lie beside each other, in whichever direction.
    if is_large(n, m, k) and (left[1] == 1 or left[2] == 1):
        packed_product(work, left, right, to, sizes, work[scratch:], more)
    elif more == 1:
        tiles_more(work, left, work, right, work, to, sizes)
    else:
        tiles(work, left, work, right, work, to, sizes)


@part
def product(work, left, right, to, sizes, scratch):
    product_if(work, left, right, to, sizes, scratch, 0)


@part
def product_more(work, left, right, to, sizes, scratch):
    product_if(work, left, right, to, sizes, scratch, 1)
