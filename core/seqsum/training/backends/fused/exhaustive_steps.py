"""Elementwise functions of an exhaustive evaluation: a cell's step without what only the way back needs, and the
judgement of answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seqsum.training.backends.fused import simd
from seqsum.training.backends.fused.simd import Carried, Vector, elementwise, folded, sigmoid, tanh

LOG2_E = 1.44269504088896341
LARGEST = 2.0**29
"""As good as infinite as a power of e: 1 − 2 / (1 + LARGEST) is 1 in float32. Four of them can be multiplied."""


def _step(gates: int, states: int, outputs: int, function: Callable[..., Any]) -> tuple[Any, Any]:
    """Make a step of the first layer, to which a token brings one number for all columns, and one of those above.

    Both: f(x, n, places); places: first layer: recurrent part of each gate, states before, inputs of each gate,
    outputs; above: inputs of each gate, recurrent part of each gate, states before, outputs.
    """

    def with_scalars(*x: Vector) -> Any:
        return function(*x[gates + states :], *x[: gates + states])

    first = elementwise(gates + states, outputs, with_scalars, scalars=gates)
    return first, elementwise(2 * gates + states, outputs, function)


def _lstm(*x: Vector) -> list[Vector]:
    in_i, in_f, in_g, in_o, rec_i, rec_f, rec_g, rec_o, prev = x
    cell = sigmoid(in_f + rec_f) * prev + sigmoid(in_i + rec_i) * tanh(in_g + rec_g)
    return [cell, sigmoid(in_o + rec_o) * tanh(cell)]


def _gru(*x: Vector) -> Vector:
    in_r, in_z, in_n, rec_r, rec_z, rec_n, prev = x
    n = tanh(in_n + sigmoid(in_r + rec_r) * rec_n)
    return n + sigmoid(in_z + rec_z) * (prev - n)


tanh_first, tanh_above = _step(1, 0, 1, lambda inputs, recurrent: tanh(inputs + recurrent))
relu_first, relu_above = _step(1, 0, 1, lambda inputs, recurrent: (inputs + recurrent).at_least(0.0))
lstm_first, lstm_above = _step(4, 1, 2, _lstm)
gru_first, gru_above = _step(3, 1, 1, _gru)

spread = elementwise(0, 1, lambda number: number, scalars=1)
double_exponential = elementwise(1, 1, lambda x: simd.exp(x * 2.0))


def _power(recurrent: Vector, inputs: Vector) -> Vector:
    return (recurrent * inputs).at_most(LARGEST) + 1.0


def _tanh_of_product(recurrent: Vector, inputs: Vector) -> Vector:
    return 1.0 - (2.0 / _power(recurrent, inputs))


def _tanh_of_products(recurrent: Vector, other_recurrent: Vector, inputs: Vector, other_inputs: Vector) -> list[Vector]:
    this, other = _power(recurrent, inputs), _power(other_recurrent, other_inputs)
    # One division for two: it costs more than all else here.
    both = 2.0 / (this * other)
    return [1.0 - both * other, 1.0 - both * this]


tanh_of_product = elementwise(1, 1, _tanh_of_product, scalars=1)
"""tanh(a + b) from e²ᵇ and e²ᵃ, which a token's columns and a beginning's tokens share."""
tanh_of_products = elementwise(2, 2, _tanh_of_products, scalars=2)


def _first_answer(known: list[Vector], logits: Vector) -> Carried:
    # Always a class, also where no logit is a number.
    return [logits, logits.all(0.0), logits]


def _next_answer(known: list[Vector], carried: Carried, logits: Vector, number: Vector) -> Carried:
    (truth,), (highest, answer, truths) = known, carried
    above = logits.above(highest)
    return [
        above.choose(logits, highest),
        above.choose(number, answer),
        number.equal(truth).choose(logits, truths),
    ]


answers = folded(1, 3, _first_answer, _next_answer)
"""From the classes' logits and the right class: the highest logit, whose it is, the right class's logit."""


def _power_of_e(known: list[Vector], logits: Vector) -> Vector:
    """exp(logits − highest), right to about 10⁻⁷ of 1, which is the largest term of the sum it goes into."""
    x = ((logits - known[0]) * LOG2_E).at_least(-126.0)
    whole = x.rounded()
    rest = x - whole
    # The minimax polynomial of 2ˣ between −½ and ½.
    sum_: Vector | float = 1.329139667e-03
    for factor in (9.675705288e-03, 5.550655474e-02, 2.402211792e-01, 6.931470213e-01, 1.000000070):
        sum_ = rest * sum_ + factor
    assert isinstance(sum_, Vector)
    return sum_ * whole.power_of_two()


def _next_power(known: list[Vector], carried: Carried, logits: Vector, _: Vector) -> Carried:
    return [_power_of_e(known, logits) + carried[0]]


sum_of_powers = folded(1, 1, lambda known, logits: [_power_of_e(known, logits)], _next_power)
"""From the classes' logits and the highest of them: the sum of e^(logits − highest)."""
