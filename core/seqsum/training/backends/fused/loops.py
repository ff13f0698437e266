"""What the functions written in LLVM's language share: a counted loop, and one number in all lanes of a vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir


def counted(
    builder: Any,
    start: int,
    stop: Any,
    step: int,
    carried: Sequence[Any],
    body: Callable[[Any, list[Any]], Sequence[Any]],
) -> list[Any]:
    """Build `for i in range(start, stop, step)`; `body(i, values)` returns the values that the next round begins with.

    stop: an LLVM integer; carried: LLVM values before the first round. Returns those after the last.
    """
    before, index = builder.block, stop.type
    head, inside, after = (builder.append_basic_block(name) for name in ("head", "inside", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    i = builder.phi(index)
    i.add_incoming(index(start), before)
    values = [builder.phi(value.type) for value in carried]
    for value, first in zip(values, carried, strict=True):
        value.add_incoming(first, before)
    builder.cbranch(builder.icmp_signed("<", i, stop), inside, after)
    builder.position_at_end(inside)
    results = body(i, values)
    i.add_incoming(builder.add(i, index(step)), builder.block)
    for value, result in zip(values, results, strict=True):
        value.add_incoming(result, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return values


def spread(builder: Any, number: Any, lanes: int) -> Any:
    """Return a vector with an LLVM number in each of its lanes."""
    kind = ir.VectorType(number.type, lanes)
    first = builder.insert_element(kind(ir.Undefined), number, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(first, kind(ir.Undefined), zeros)
