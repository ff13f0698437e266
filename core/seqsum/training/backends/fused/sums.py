"""Sums of many numbers whose order is fixed, and so their last bits, whatever a compiler makes of the code around them:
LANES partial sums, number i added to the one of i modulo LANES, then those added up in halves.

A network that is trained alone and one among others in lanes (`lanes`) add up in this order.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from seqsum.training.backends.fused.loops import counted
from seqsum.training.backends.fused.matmul import LANES

NUMBER, DOUBLE, PLACE = ir.FloatType(), ir.DoubleType(), ir.IntType(32)
VECTOR, DOUBLES = ir.VectorType(NUMBER, LANES), ir.VectorType(DOUBLE, LANES)


def halved(builder: Any, sums: Any) -> Any:
    """Add up the lanes of a vector: the first half and the second, and so on."""
    kind, size = sums.type, LANES
    while size > 1:
        size //= 2
        places = ir.Constant(ir.VectorType(PLACE, LANES), [c % size + size for c in range(LANES)])
        sums = builder.fadd(sums, builder.shuffle_vector(sums, kind(ir.Undefined), places))
    return builder.extract_element(sums, PLACE(0))


def _summing(squares: bool) -> Any:
    """Return an intrinsic f(array, place, n): the sum of n float32 numbers, or in float64 of their squares."""

    @intrinsic
    def sum_(typing: Any, array: Any, place: Any, n: Any) -> Any:
        result = types.float64 if squares else types.float32

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            index = context.get_value_type(types.intp)
            data = context.make_array(signature.args[0])(context, builder, args[0]).data
            _, place, n = args
            kind = DOUBLES if squares else VECTOR
            whole = builder.mul(builder.sdiv(n, index(LANES)), index(LANES))
            ones = ir.VectorType(ir.IntType(1), LANES)
            signature_ = ir.FunctionType(VECTOR, [ir.PointerType(), PLACE, ones, VECTOR])
            name = f"llvm.masked.load.v{LANES}f32.p0"
            load = builder.module.globals.get(name) or ir.Function(builder.module, signature_, name)

            def added(sums: Any, numbers: Any) -> Any:
                if squares:
                    numbers = builder.fpext(numbers, DOUBLES)
                    numbers = builder.fmul(numbers, numbers)
                return builder.fadd(sums, numbers)

            def pointer(i: Any) -> Any:
                found = builder.gep(data, [builder.add(place, i)], source_etype=NUMBER)
                return builder.bitcast(found, VECTOR.as_pointer())

            def body(i: Any, sums: list[Any]) -> list[Any]:
                return [added(sums[0], builder.load(pointer(i), align=4))]

            zeros = ir.Constant(kind, [0.0] * LANES)
            sums = counted(builder, 0, whole, LANES, [zeros], body)[0]
            left = builder.insert_element(
                ir.Constant(ir.VectorType(PLACE, LANES), [0] * LANES),
                builder.trunc(builder.sub(n, whole), PLACE),
                PLACE(0),
            )
            zero_places = ir.Constant(ir.VectorType(PLACE, LANES), [0] * LANES)
            left = builder.shuffle_vector(left, left.type(ir.Undefined), zero_places)
            places = ir.Constant(ir.VectorType(PLACE, LANES), list(range(LANES)))
            mask = builder.icmp_signed("<", places, left)
            rest = builder.call(load, [pointer(whole), PLACE(4), mask, ir.Constant(VECTOR, [0.0] * LANES)])
            return halved(builder, added(sums, rest))

        return result(array, types.intp, types.intp), generate

    return sum_


total, total_of_squares = _summing(False), _summing(True)
