"""Arithmetic for networks side by side, one in each lane of a vector: what is written once here is computed for LANES.

Everything lies in one flat float32 array: a number of all networks is LANES numbers in a row, its place a multiple of
LANES. Each network's own sequence of operations, and so its bits, are those of the kernel that trains it alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from seqsum.training.backends.fused.loops import counted
from seqsum.training.backends.fused.matmul import LANES, compiled
from seqsum.training.backends.fused.simd import FUSE, NUMBER, VECTOR, WHOLE, Vector, exp

TOKENS, UNITS = 5, 4
LINE = 4 * LANES
DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
WHOLE_NUMBER = ir.IntType(32)


class Exact:
    """LANES float32 numbers under construction, each operation rounded by itself: as NumPy computes."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder = builder
        self.value = value

    def __add__(self, other: Exact) -> Exact:
        return Exact(self.builder, self.builder.fadd(self.value, other.value))

    def __sub__(self, other: Exact) -> Exact:
        return Exact(self.builder, self.builder.fsub(self.value, other.value))

    def __mul__(self, other: Exact) -> Exact:
        return Exact(self.builder, self.builder.fmul(self.value, other.value))

    def __truediv__(self, other: Exact) -> Exact:
        return Exact(self.builder, self.builder.fdiv(self.value, other.value))

    def sqrt(self) -> Exact:
        name, module = f"llvm.sqrt.v{LANES}f32", self.builder.module
        function = module.globals.get(name) or ir.Function(module, ir.FunctionType(VECTOR, [VECTOR]), name)
        return Exact(self.builder, self.builder.call(function, [self.value]))

    def cut(self, bound: Exact) -> Exact:
        """Cut at ± a bound."""
        least = self.builder.fsub(ir.Constant(VECTOR, [-0.0] * LANES), bound.value)
        low = self.builder.select(self.builder.fcmp_ordered("<", self.value, least), least, self.value)
        high = self.builder.fcmp_ordered(">", low, bound.value)
        return Exact(self.builder, self.builder.select(high, bound.value, low))


class Memory:
    """The array and what is read and written in it, whole vectors at places that are multiples of LANES."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any, which: int = 0) -> None:
        self.builder = builder
        self._data = context.make_array(signature.args[which])(context, builder, args[which]).data
        self._kind = NUMBER if signature.args[which].dtype == types.float32 else WHOLE_NUMBER
        self._vector = ir.VectorType(self._kind, LANES)
        # Of the work array alone whole vectors begin where a line of the processor's cache does.
        self._align = LINE if self._kind == NUMBER else 4

    def pointer(self, place: Any) -> Any:
        found = self.builder.gep(self._data, [place], source_etype=self._kind)
        return self.builder.bitcast(found, self._vector.as_pointer())

    def read(self, place: Any) -> Any:
        return self.builder.load(self.pointer(place), align=self._align)

    def write(self, place: Any, value: Any) -> None:
        self.builder.store(value, self.pointer(place), align=self._align)

    def gather(self, place: Any, offsets: Any) -> Any:
        """Read a number for each lane: at `place`, `offsets` (a vector of whole numbers) from there."""
        builder = self.builder
        base = builder.gep(self._data, [place], source_etype=self._kind)
        places = builder.gep(base, [offsets], source_etype=self._kind)
        if not isinstance(places.type, ir.VectorType):
            places.type = ir.VectorType(base.type, LANES)
        mask = ir.Constant(ir.VectorType(ir.IntType(1), LANES), [1] * LANES)
        kind = ir.FunctionType(VECTOR, [places.type, WHOLE_NUMBER, mask.type, VECTOR])
        name = "llvm.masked.gather.v16f32.v16p0"
        module = builder.module
        function = module.globals.get(name) or ir.Function(module, kind, name)
        return builder.call(function, [places, WHOLE_NUMBER(4), mask, ir.Constant(VECTOR, None)])


def _tile(rows: int, columns: int) -> Any:
    """Return an intrinsic: out[rows, columns] = start + Σ a[row, k] b[column, k], k in order, one sum each.

    a, b: place, from row (column) to row, from k to k; out, start: place, from row to row, from column to column.
    """

    @intrinsic
    def tile(typing: Any, work: Any, a: Any, b: Any, out: Any, start: Any, terms: Any) -> Any:
        three = types.UniTuple(types.intp, 3)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            memory = Memory(context, builder, signature, args)
            index = context.get_value_type(types.intp)
            lanes = index(LANES)

            def parts(which: int) -> list[Any]:
                place, *strides = (builder.extract_value(args[which], part) for part in range(3))
                return [place, *(builder.mul(stride, lanes) for stride in strides)]

            (a, a_row, a_k), (b, b_row, b_k), (out, out_row, out_column), (start, start_row, start_column) = (
                parts(which) for which in range(1, 5)
            )

            def cells(place: Any, row: Any, column: Any) -> list[Any]:
                return [
                    builder.add(place, builder.add(builder.mul(row, index(r)), builder.mul(column, index(c))))
                    for r in range(rows)
                    for c in range(columns)
                ]

            a_rows = [builder.add(a, builder.mul(a_row, index(r))) for r in range(rows)]
            b_rows = [builder.add(b, builder.mul(b_row, index(c))) for c in range(columns)]

            def term(k: Any, sums: list[Any]) -> list[Any]:
                a_k_at, b_k_at = builder.mul(k, a_k), builder.mul(k, b_k)
                left = [memory.read(builder.add(place, a_k_at)) for place in a_rows]
                right = [memory.read(builder.add(place, b_k_at)) for place in b_rows]
                products = [builder.fmul(one, other, flags=FUSE) for one in left for other in right]
                return [builder.fadd(sum_, p, flags=FUSE) for sum_, p in zip(sums, products, strict=True)]

            sums = [memory.read(place) for place in cells(start, start_row, start_column)]
            sums = counted(builder, 0, args[5], 1, sums, term)
            for place, sum_ in zip(cells(out, out_row, out_column), sums, strict=True):
                memory.write(place, sum_)
            return context.get_dummy_value()

        return types.void(work, three, three, three, three, types.intp), generate

    return tile


six_by_four, four_by_four, two_by_four, one_by_four = (_tile(rows, 4) for rows in (6, 4, 2, 1))
four_by_one, one_by_one = _tile(4, 1), _tile(1, 1)


@compiled
def products(work, a, b, out, start, sizes):
    """out[n, m] = start[n, m] + a[n, k] b[m, k], for sizes n, m, k; the rest as `_tile` has it.

    Not a `part`: compiled once, and called for every product.
    """
    (ao, ar, ak), (bo, bi, bk), (oo, o_row, o_col), (so, s_row, s_col) = a, b, out, start
    n, m, k = sizes
    whole, r = m - m % 4, 0
    while r < n:
        left = n - r
        rows = 6 if left >= 6 else 4 if left >= 4 else 2 if left >= 2 else 1
        one = (ao + r * ar * LANES, ar, ak)
        for i in range(0, whole, 4):
            other = (bo + i * bi * LANES, bi, bk)
            to = (oo + (r * o_row + i * o_col) * LANES, o_row, o_col)
            by = (so + (r * s_row + i * s_col) * LANES, s_row, s_col)
            if rows == 6:
                six_by_four(work, one, other, to, by, k)
            elif rows == 4:
                four_by_four(work, one, other, to, by, k)
            elif rows == 2:
                two_by_four(work, one, other, to, by, k)
            else:
                one_by_four(work, one, other, to, by, k)
        r += rows
    for i in range(whole, m):
        other, r = (bo + i * bi * LANES, bi, bk), 0
        while r < n:
            one = (ao + r * ar * LANES, ar, ak)
            to = (oo + (r * o_row + i * o_col) * LANES, o_row, o_col)
            by = (so + (r * s_row + i * s_col) * LANES, s_row, s_col)
            if n - r >= 4:
                four_by_one(work, one, other, to, by, k)
                r += 4
            else:
                one_by_one(work, one, other, to, by, k)
                r += 1


@compiled
def products_of_steps(work, a, b, out, zero, sizes, first, counts, steps):
    """out[n, m] = Σ a[n, k] b[m, k] over the rows of steps first, first + 1, …, counts[t] at step t, in order.

    a, b: as `products`, and from step to step; out: place, from row to row, from column to column; zero: place of a
    zero. The rows of one step stay in the processor's second cache until all sums have them.
    """
    (ao, ar, ak, a_step), (bo, bi, bk, b_step), (n, m) = a, b, sizes
    start, t = (zero, 0, 0), first
    if first >= steps:
        products(work, (ao, ar, ak), (bo, bi, bk), out, start, (n, m, 0))
    while t < steps:
        one, other = (ao + t * a_step * LANES, ar, ak), (bo + t * b_step * LANES, bi, bk)
        products(work, one, other, out, start, (n, m, counts[t]))
        start = out
        t += 1


@intrinsic
def gather_inputs(typing: Any, work: Any, table: Any, tokens: Any, token: Any, out: Any, width: Any) -> Any:
    """out[i] = table[token, i] for i < width, each lane with its own token.

    table, out: places in work; tokens: int32 array, token: a place in it; a negative token is read as the first.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        memory, whole = Memory(context, builder, signature, args), Memory(context, builder, signature, args, 2)
        _, table, _, token, out, width = args
        index = context.get_value_type(types.intp)
        row = builder.trunc(builder.mul(width, index(LANES)), WHOLE_NUMBER)
        rows = ir.Constant(WHOLE, [0] * LANES)
        rows = builder.insert_element(rows, row, WHOLE_NUMBER(0))
        rows = builder.shuffle_vector(rows, WHOLE(ir.Undefined), ir.Constant(WHOLE, [0] * LANES))
        known = whole.read(token)
        none = ir.Constant(WHOLE, [0] * LANES)
        known = builder.select(builder.icmp_signed(">", known, none), known, none)
        offsets = builder.add(builder.mul(known, rows), ir.Constant(WHOLE, list(range(LANES))))

        def body(i: Any, _: list[Any]) -> list[Any]:
            step = builder.mul(i, index(LANES))
            memory.write(builder.add(out, step), memory.gather(builder.add(table, step), offsets))
            return []

        counted(builder, 0, width, 1, [], body)
        return context.get_dummy_value()

    whole = types.intp
    return types.void(work, whole, tokens, whole, whole, whole), generate


def _chosen(builder: Any, numbers: Any, number: Any) -> Any:
    """Whether each lane's whole number is this one."""
    wide = builder.insert_element(WHOLE(ir.Undefined), builder.trunc(number, WHOLE_NUMBER), WHOLE_NUMBER(0))
    wide = builder.shuffle_vector(wide, WHOLE(ir.Undefined), ir.Constant(WHOLE, [0] * LANES))
    return builder.icmp_signed("==", numbers, wide)


def _choosing(otherwise_there: bool) -> Any:
    @intrinsic
    def choose(typing: Any, work: Any, numbers: Any, place: Any, number: Any, source: Any, out: Any, width: Any) -> Any:
        """out[i] = source[i] in the lanes where numbers[place] is `number`, for i < width; in the others out[i] stays,
        or is zero."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            memory, whole = Memory(context, builder, signature, args), Memory(context, builder, signature, args, 1)
            _, _, place, number, source, out, width = args
            index = context.get_value_type(types.intp)
            mask = _chosen(builder, whole.read(place), number)

            def body(i: Any, _: list[Any]) -> list[Any]:
                step = builder.mul(i, index(LANES))
                to = builder.add(out, step)
                other = memory.read(to) if otherwise_there else ir.Constant(VECTOR, [0.0] * LANES)
                memory.write(to, builder.select(mask, memory.read(builder.add(source, step)), other))
                return []

            counted(builder, 0, width, 1, [], body)
            return context.get_dummy_value()

        whole = types.intp
        return types.void(work, numbers, whole, whole, whole, whole, whole), generate

    return choose


keep_where = _choosing(otherwise_there=True)
only_where = _choosing(otherwise_there=False)


def _token_sums(tokens: int, units: int) -> Any:
    @intrinsic
    def sums(
        typing: Any,
        work: Any,
        rows: Any,
        numbers: Any,
        places: Any,
        first: Any,
        out: Any,
        width: Any,
        counts: Any,
        steps: Any,
        batch: Any,
    ) -> Any:
        """out[v, i] = Σ rows[r, i] over the rows whose token is v, the last step's first, for some tokens from `first`
        on and some units; r runs over counts[t] of a batch for each step t.

        rows, out: places of the first unit; width: units of a row; places: of the first row's tokens in `numbers`
        """

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            memory, whole = Memory(context, builder, signature, args), Memory(context, builder, signature, args, 2)
            _, rows, _, places, first, out, width, counts_, steps, batch = args
            index = context.get_value_type(types.intp)
            counts = context.make_array(signature.args[7])(context, builder, counts_).data
            wide = builder.mul(width, index(LANES))

            def step(t: Any, sums: list[Any]) -> list[Any]:
                # The last step first, as the way back goes.
                t = builder.sub(builder.sub(steps, index(1)), t)
                count = builder.load(builder.gep(counts, [t], source_etype=index))
                row = builder.mul(t, batch)

                def one(r: Any, sums: list[Any]) -> list[Any]:
                    here = builder.add(row, r)
                    known = whole.read(builder.add(places, builder.mul(here, index(LANES))))
                    at = builder.add(rows, builder.mul(here, wide))
                    values = [memory.read(builder.add(at, index(u * LANES))) for u in range(units)]
                    made = []
                    for v in range(tokens):
                        mask = _chosen(builder, known, builder.add(first, index(v)))
                        for u in range(units):
                            before = sums[v * units + u]
                            made.append(builder.select(mask, builder.fadd(before, values[u]), before))
                    return made

                return counted(builder, 0, count, 1, sums, one)

            zeros = [ir.Constant(VECTOR, [0.0] * LANES)] * (tokens * units)
            for place, total in enumerate(counted(builder, 0, steps, 1, zeros, step)):
                v, u = divmod(place, units)
                to = builder.add(out, builder.mul(builder.add(first, index(v)), wide))
                memory.write(builder.add(to, index(u * LANES)), total)
            return context.get_dummy_value()

        whole = types.intp
        return types.void(work, whole, numbers, whole, whole, whole, whole, counts, whole, whole), generate

    return sums


many_sums, few_sums = _token_sums(TOKENS, UNITS), _token_sums(1, 1)


@compiled
def sum_by_token(work, rows, numbers, places, tokens, out, width, counts, steps, batch):
    """out[tokens, width] = Σ of the rows with each token; see `_token_sums`."""
    whole, units = tokens - tokens % TOKENS, width - width % UNITS
    for i in range(0, units, UNITS):
        for v in range(0, whole, TOKENS):
            many_sums(work, rows + i * LANES, numbers, places, v, out + i * LANES, width, counts, steps, batch)
    for i in range(width):
        for v in range(whole if i < units else 0, tokens):
            few_sums(work, rows + i * LANES, numbers, places, v, out + i * LANES, width, counts, steps, batch)


@intrinsic
def softmax_gradient(
    typing: Any, work: Any, logits: Any, classes: Any, numbers: Any, place: Any, share: Any, found: Any
) -> Any:
    """The logits [classes] become dL/dlogits, as in `loss.cross_entropy`: found [3]: Σ exp(logits − best), best −
    logits[target], and 1 where the best class is the target, else 0.

    numbers: int32 array, place: of the targets in it; share: place of 1/asked. Behind the logits is room for LANES.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        memory, whole = Memory(context, builder, signature, args), Memory(context, builder, signature, args, 3)
        _, logits, classes, _, place, share, found = args
        index = context.get_value_type(types.intp)
        targets = whole.read(place)

        def at(c: Any) -> Any:
            return builder.add(logits, builder.mul(c, index(LANES)))

        def look(c: Any, known: list[Any]) -> list[Any]:
            best, answer, said = known
            this = memory.read(at(c))
            higher = builder.fcmp_ordered(">", this, best)
            wide = builder.insert_element(WHOLE(ir.Undefined), builder.trunc(c, WHOLE_NUMBER), WHOLE_NUMBER(0))
            wide = builder.shuffle_vector(wide, WHOLE(ir.Undefined), ir.Constant(WHOLE, [0] * LANES))
            here = builder.icmp_signed("==", targets, wide)
            return [
                builder.select(higher, this, best),
                builder.select(higher, wide, answer),
                builder.select(here, this, said),
            ]

        first = memory.read(logits)
        best, answer, said = counted(builder, 1, classes, 1, [first, ir.Constant(WHOLE, [0] * LANES), first], look)
        zero = ir.Constant(VECTOR, [0.0] * LANES)

        def power(c: Any, sums: list[Any]) -> list[Any]:
            made = exp(Vector(builder, builder.fsub(memory.read(at(c)), best))).value
            memory.write(at(c), made)
            return []

        counted(builder, 0, classes, 1, [], power)

        # LANES sums, and those added up in halves: as `loss.total` of one network.
        def several(block: Any, sums: list[Any]) -> list[Any]:
            made = []
            for c, before in enumerate(sums):
                place = builder.add(builder.mul(block, index(LANES)), index(c))
                there = builder.icmp_signed("<", place, classes)
                safe = builder.select(there, place, index(0))
                value = memory.read(at(safe))
                here = builder.select(there, value, zero)
                made.append(builder.fadd(before, here))
            return made

        blocks = builder.udiv(builder.add(classes, index(LANES - 1)), index(LANES))
        sums = counted(builder, 0, blocks, 1, [zero] * LANES, several)
        while len(sums) > 1:
            half = len(sums) // 2
            sums = [builder.fadd(sums[c], sums[c + half]) for c in range(half)]
        total, part = sums[0], memory.read(share)
        scale = builder.fdiv(part, total)

        def back(c: Any, _: list[Any]) -> list[Any]:
            grown = builder.fmul(memory.read(at(c)), scale)
            here = _chosen(builder, targets, c)
            memory.write(at(c), builder.select(here, builder.fsub(grown, part), grown))
            return []

        counted(builder, 0, classes, 1, [], back)
        one = ir.Constant(VECTOR, [1.0] * LANES)
        memory.write(found, total)
        memory.write(builder.add(found, index(LANES)), builder.fsub(best, said))
        right = builder.select(builder.icmp_signed("==", answer, targets), one, zero)
        memory.write(builder.add(found, index(2 * LANES)), right)
        return context.get_dummy_value()

    whole = types.intp
    return types.void(work, whole, whole, numbers, whole, whole, whole), generate


@intrinsic
def square_sums(typing: Any, work: Any, place: Any, n: Any, part: Any, sums: Any) -> Any:
    """sums[part + p] = Σ work[i]² in float64 over the i = p + part modulo LANES, for p < LANES / 2.

    sums: float64 [LANES · LANES]; see `sums`.
    """
    half = LANES // 2

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        memory = Memory(context, builder, signature, args)
        _, place, n, part, sums = args
        index = context.get_value_type(types.intp)
        out = context.make_array(signature.args[4])(context, builder, sums).data
        zero = ir.Constant(VECTOR, [0.0] * LANES)

        def block(b: Any, sums: list[Any]) -> list[Any]:
            first, made = builder.add(builder.mul(b, index(LANES)), part), []
            for p, before in enumerate(sums):
                i = builder.add(first, index(p))
                there = builder.icmp_signed("<", i, n)
                safe = builder.select(there, i, index(0))
                value = memory.read(builder.add(place, builder.mul(safe, index(LANES))))
                wide = builder.fpext(builder.select(there, value, zero), DOUBLES)
                made.append(builder.fadd(before, builder.fmul(wide, wide, flags=FUSE), flags=FUSE))
            return made

        blocks = builder.sdiv(builder.add(n, index(LANES - 1)), index(LANES))
        zeros = [ir.Constant(DOUBLES, [0.0] * LANES)] * half
        for p, total in enumerate(counted(builder, 0, blocks, 1, zeros, block)):
            to = builder.mul(builder.add(part, index(p)), index(LANES))
            pointer = builder.gep(out, [to], source_etype=ir.DoubleType())
            builder.store(total, builder.bitcast(pointer, DOUBLES.as_pointer()), align=8)
        return context.get_dummy_value()

    whole = types.intp
    return types.void(work, whole, whole, whole, sums), generate


State = list[Exact]


def _updating(function: Callable[[State, State], State]) -> Any:
    """Return an intrinsic f(work, n, (value, gradient, first, second), constants): an update of n parameters.

    function: from those four and the constants of `CONSTANTS` to value, first and second as they are afterwards.
    """

    @intrinsic
    def update(typing: Any, work: Any, n: Any, places: Any, constants: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            memory = Memory(context, builder, signature, args)
            index = context.get_value_type(types.intp)
            known = [Exact(builder, memory.read(builder.add(args[3], index(c * LANES)))) for c in range(len(CONSTANTS))]
            zero = ir.Constant(VECTOR, [0.0] * LANES)
            live = builder.fcmp_ordered("!=", known[CONSTANTS.index("live")].value, zero)
            places = [builder.extract_value(args[2], part) for part in range(4)]

            def body(i: Any, _: list[Any]) -> list[Any]:
                at = [builder.add(place, builder.mul(i, index(LANES))) for place in places]
                before = [Exact(builder, memory.read(one)) for one in at]
                after = function(before, known)
                for place, old, new in zip((at[0], at[2], at[3]), (before[0], *before[2:]), after, strict=True):
                    if new is not old:
                        memory.write(place, builder.select(live, new.value, old.value))
                return []

            counted(builder, 0, args[1], 1, [], body)
            return context.get_dummy_value()

        return types.void(work, types.intp, types.UniTuple(types.intp, 4), types.intp), generate

    return update


CONSTANTS = (
    "live", "scale", "bound", "decay", "keep1", "take1", "keep2", "take2", "tiny", "size", "root", "shrink",
)  # fmt: skip
"""What an update reads, one of each lane: whether its network is trained; its gradient's scale and the bound of its
components; the rest as in `optimizers.update`."""


def _cut(gradient: Exact, constants: dict[str, Exact]) -> Exact:
    return (gradient * constants["scale"]).cut(constants["bound"])


def _decayed(gradient: Exact, value: Exact, decay: Exact) -> Exact:
    builder, zero = gradient.builder, ir.Constant(VECTOR, [0.0] * LANES)
    there = builder.fcmp_ordered("!=", decay.value, zero)
    return Exact(builder, builder.select(there, (gradient + decay * value).value, gradient.value))


def _by_moments(g: Exact, value: Exact, first: Exact, second: Exact, k: dict[str, Exact]) -> State:
    m = k["keep1"] * first + k["take1"] * g
    v = k["keep2"] * second + k["take2"] * g * g
    return [value - k["size"] * m / (v.sqrt() * k["root"] + k["tiny"]), m, v]


def _adam(state: State, constants: State) -> State:
    value, gradient, first, second = state
    k = dict(zip(CONSTANTS, constants, strict=True))
    return _by_moments(_decayed(_cut(gradient, k), value, k["decay"]), value, first, second, k)


def _adamw(state: State, constants: State) -> State:
    value, gradient, first, second = state
    k = dict(zip(CONSTANTS, constants, strict=True))
    return _by_moments(_cut(gradient, k), value * k["shrink"], first, second, k)


update_adam, update_adamw = _updating(_adam), _updating(_adamw)


@intrinsic
def zero_past_end(typing: Any, work: Any, tokens: Any, token: Any, out: Any, width: Any) -> Any:
    """out[i] = 0 for i < width in the lanes whose token is negative: their row has ended."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        memory, whole = Memory(context, builder, signature, args), Memory(context, builder, signature, args, 1)
        _, _, token, out, width = args
        index = context.get_value_type(types.intp)
        ended = builder.icmp_signed("<", whole.read(token), ir.Constant(WHOLE, [0] * LANES))
        zero = ir.Constant(VECTOR, [0.0] * LANES)

        def body(i: Any, _: list[Any]) -> list[Any]:
            to = builder.add(out, builder.mul(i, index(LANES)))
            memory.write(to, builder.select(ended, zero, memory.read(to)))
            return []

        counted(builder, 0, width, 1, [], body)
        return context.get_dummy_value()

    whole = types.intp
    return types.void(work, tokens, whole, whole, whole), generate
