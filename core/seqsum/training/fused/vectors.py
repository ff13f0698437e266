"""Arithmetic on whole vectors inside compiled loops: elementwise functions over places of one flat float32 array.

Own code, not LLVM's vectoriser: with all activations in one array it can't know that they don't overlap, and gives up.
A function here is written once on `Vector`s with ordinary operators and becomes a loop over LANES numbers at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from seqsum.training.fused.matmul import LANES

NUMBER = ir.FloatType()
VECTOR = ir.VectorType(NUMBER, LANES)
WHOLE = ir.VectorType(ir.IntType(32), LANES)
FUSE = ["contract"]


class Vector:
    """LANES float32 numbers under construction. NaN and infinity go through as in plain arithmetic."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder = builder
        self.value = value

    def _other(self, other: Vector | float) -> Any:
        return other.value if isinstance(other, Vector) else ir.Constant(VECTOR, [float(other)] * LANES)

    def __add__(self, other: Vector | float) -> Vector:
        return Vector(self.builder, self.builder.fadd(self.value, self._other(other), flags=FUSE))

    def __sub__(self, other: Vector | float) -> Vector:
        return Vector(self.builder, self.builder.fsub(self.value, self._other(other), flags=FUSE))

    def __rsub__(self, other: float) -> Vector:
        return Vector(self.builder, self.builder.fsub(self._other(other), self.value, flags=FUSE))

    def __mul__(self, other: Vector | float) -> Vector:
        return Vector(self.builder, self.builder.fmul(self.value, self._other(other), flags=FUSE))

    def __truediv__(self, other: Vector | float) -> Vector:
        return Vector(self.builder, self.builder.fdiv(self.value, self._other(other)))

    __radd__ = __add__
    __rmul__ = __mul__

    def at_most(self, bound: float) -> Vector:
        """Cut at a bound; NaN stays NaN."""
        above = self.builder.fcmp_ordered(">", self.value, self._other(bound))
        return Vector(self.builder, self.builder.select(above, self._other(bound), self.value))

    def at_least(self, bound: float) -> Vector:
        below = self.builder.fcmp_ordered("<", self.value, self._other(bound))
        return Vector(self.builder, self.builder.select(below, self._other(bound), self.value))

    def where_positive(self, other: Vector) -> Vector:
        """Return `other` where this is above zero, and zero elsewhere."""
        above = self.builder.fcmp_ordered(">", self.value, self._other(0.0))
        return Vector(self.builder, self.builder.select(above, other.value, self._other(0.0)))

    def rounded(self) -> Vector:
        """Return the nearest whole number; for numbers that an int32 holds."""
        half = self.builder.fcmp_ordered("<", self.value, self._other(0.0))
        away = self.builder.fadd(self.value, self.builder.select(half, self._other(-0.5), self._other(0.5)))
        return Vector(self.builder, self.builder.sitofp(self.builder.fptosi(away, WHOLE), VECTOR)).at_most(127.0)

    def power_of_two(self) -> Vector:
        """Return 2 to the power of whole numbers from −126 to 127."""
        exponent = self.builder.add(self.builder.fptosi(self.value, WHOLE), ir.Constant(WHOLE, [127] * LANES))
        bits = self.builder.shl(exponent, ir.Constant(WHOLE, [23] * LANES))
        return Vector(self.builder, self.builder.bitcast(bits, VECTOR))


def tanh(x: Vector) -> Vector:
    """Hyperbolic tangent by a rational function (the coefficients of Eigen and XLA), right to about 3·10⁻⁷."""
    x = x.at_most(7.90531110763549805).at_least(-7.90531110763549805)
    square = x * x
    above: Vector | float = -2.76076847742355e-16
    for factor in (
        2.00018790482477e-13,
        -8.60467152213735e-11,
        5.12229709037114e-08,
        1.48572235717979e-05,
        6.37261928875436e-04,
        4.89352455891786e-03,
    ):
        above = square * above + factor
    below: Vector | float = 1.19825839466702e-06
    for factor in (1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03):
        below = square * below + factor
    return x * above / below


def sigmoid(x: Vector) -> Vector:
    return tanh(x * 0.5) * 0.5 + 0.5


def exp(x: Vector) -> Vector:
    """The exponential, right to about 2·10⁻⁷ relative; below −87 it is as good as zero. (Cephes' polynomial.)"""
    x = x.at_least(-87.0)
    whole = (x * 1.44269504088896341).rounded()
    rest = x - whole * 0.693359375 - whole * -2.12194440e-4
    sum_: Vector | float = 1.9875691500e-4
    for factor in (1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1):
        sum_ = rest * sum_ + factor
    return (rest * rest * sum_ + rest + 1.0) * whole.power_of_two()


def elementwise(inputs: int, outputs: int, function: Callable[..., Sequence[Vector] | Vector]) -> Any:
    """Make `f(array, n, place of each input …, place of each output …)`: n numbers, a multiple of LANES.

    `function` gets `inputs` Vectors and returns `outputs` of them. An output may lie where an input lies.
    """
    count = inputs + outputs

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        index = context.get_value_type(types.intp)
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        length, places = args[1], args[2:]
        places = [builder.extract_value(args[2], which) for which in range(count)]
        before = builder.block
        head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        x = builder.phi(index)
        x.add_incoming(index(0), before)
        builder.cbranch(builder.icmp_signed("<", x, length), body, after)
        builder.position_at_end(body)

        def pointer(place: Any) -> Any:
            return builder.bitcast(builder.gep(data, [builder.add(place, x)], source_etype=NUMBER), VECTOR.as_pointer())

        read = [Vector(builder, builder.load(pointer(place), align=4)) for place in places[:inputs]]
        made = function(*read)
        results = [made] if isinstance(made, Vector) else list(made)
        for result, place in zip(results, places[inputs:], strict=True):
            builder.store(result.value, pointer(place), align=4)
        x.add_incoming(builder.add(x, index(LANES)), builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return context.get_dummy_value()

    @intrinsic
    def loop(typing: Any, array: Any, n: Any, places: Any) -> Any:
        return types.void(array, types.intp, types.UniTuple(types.intp, count)), generate

    return loop


def _lstm(*x: Vector) -> list[Vector]:
    in_i, in_f, in_g, in_o, back_i, back_f, back_g, back_o, before = x
    i, f, o = sigmoid(in_i + back_i), sigmoid(in_f + back_f), sigmoid(in_o + back_o)
    g = tanh(in_g + back_g)
    cell = f * before + i * g
    squashed = tanh(cell)
    return [i, f, g, o, cell, squashed, o * squashed]


def _lstm_back(*x: Vector) -> list[Vector]:
    hidden, hidden_later, cell_later, i, f, g, o, before, squashed = x
    hidden = hidden + hidden_later
    cell = cell_later + hidden * o * (1.0 - squashed * squashed)
    return [
        cell * g * i * (1.0 - i),
        cell * before * f * (1.0 - f),
        cell * i * (1.0 - g * g),
        hidden * squashed * o * (1.0 - o),
        cell * f,
    ]


def _gru(*x: Vector) -> list[Vector]:
    in_r, in_z, in_n, back_r, back_z, back_n, bias_n, before = x
    r, z = sigmoid(in_r + back_r), sigmoid(in_z + back_z)
    back = back_n + bias_n
    n = tanh(in_n + r * back)
    return [r, z, n, back, n + z * (before - n)]


def _gru_back(*x: Vector) -> list[Vector]:
    hidden, through_weights, kept_later, r, z, n, back, before = x
    hidden = hidden + through_weights + kept_later
    d_n = hidden * (1.0 - z) * (1.0 - n * n)
    d_z = hidden * (before - n) * z * (1.0 - z)
    d_r = d_n * back * r * (1.0 - r)
    return [d_r, d_z, d_n, d_r, d_z, d_n * r, hidden * z]


add = elementwise(2, 1, lambda a, b: a + b)
copy = elementwise(1, 1, lambda a: a)
exponential = elementwise(1, 1, exp)
tanh_step = elementwise(2, 1, lambda entered, back: tanh(entered + back))
relu_step = elementwise(2, 1, lambda entered, back: (entered + back).at_least(0.0))
tanh_back = elementwise(3, 1, lambda d, later, h: (d + later) * (1.0 - h * h))
relu_back = elementwise(3, 1, lambda d, later, h: h.where_positive(d + later))
lstm_step = elementwise(9, 7, _lstm)
lstm_back = elementwise(9, 5, _lstm_back)
gru_step = elementwise(8, 5, _gru)
gru_back = elementwise(8, 7, _gru_back)
