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

from seqsum.training.backends.fused.loops import counted, spread
from seqsum.training.backends.fused.matmul import LANES

NUMBER = ir.FloatType()
VECTOR = ir.VectorType(NUMBER, LANES)
WHOLE = ir.VectorType(ir.IntType(32), LANES)
FUSE = ["contract"]
ROUNDING = 1.5 * 2.0**23


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

    def __rtruediv__(self, other: float) -> Vector:
        return Vector(self.builder, self.builder.fdiv(self._other(other), self.value))

    __radd__ = __add__
    __rmul__ = __mul__

    def all(self, number: float) -> Vector:
        """Return the same number in all lanes."""
        return Vector(self.builder, self._other(number))

    def above(self, other: Vector) -> Choice:
        return Choice(self.builder, self.builder.fcmp_ordered(">", self.value, other.value))

    def equal(self, other: Vector) -> Choice:
        return Choice(self.builder, self.builder.fcmp_ordered("==", self.value, other.value))

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
        """Return the nearest whole number; for numbers below 2²² in size."""
        # Where numbers lie 1 apart, the sum has no place for a fraction.
        return (self + ROUNDING) - ROUNDING

    def power_of_two(self) -> Vector:
        """Return 2 to the power of whole numbers from −126 to 127."""
        bits = self.builder.bitcast((self + (ROUNDING + 127.0)).value, WHOLE)
        shifted = self.builder.shl(bits, ir.Constant(WHOLE, [23] * LANES))
        return Vector(self.builder, self.builder.bitcast(shifted, VECTOR))


class Choice:
    """A yes or no in each lane."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder = builder
        self.value = value

    def choose(self, yes: Vector, no: Vector) -> Vector:
        return Vector(self.builder, self.builder.select(self.value, yes.value, no.value))


def tanh(x: Vector) -> Vector:
    """Hyperbolic tangent by a rational function (the coefficients of Eigen and XLA), right to about 3·10⁻⁷."""
    numerator, denominator = _tanh_as_quotient(x)
    return numerator / denominator


def _tanh_as_quotient(x: Vector) -> tuple[Vector, Vector]:
    x = x.at_most(7.90531110763549805).at_least(-7.90531110763549805)
    square = x * x
    numerator: Vector | float = -2.76076847742355e-16
    for factor in (
        2.00018790482477e-13,
        -8.60467152213735e-11,
        5.12229709037114e-08,
        1.48572235717979e-05,
        6.37261928875436e-04,
        4.89352455891786e-03,
    ):
        numerator = square * numerator + factor
    denominator: Vector | float = 1.19825839466702e-06
    for factor in (1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03):
        denominator = square * denominator + factor
    assert isinstance(denominator, Vector)
    return x * numerator, denominator


def tanh_of_two(x: Vector, y: Vector) -> tuple[Vector, Vector]:
    """As `tanh` of each, with one division, which costs as much as all else: 1 / a = b · (1 / a b)."""
    (x_over, x_under), (y_over, y_under) = _tanh_as_quotient(x), _tanh_as_quotient(y)
    both = 1.0 / (x_under * y_under)
    return x_over * (both * y_under), y_over * (both * x_under)


def tanh_of_four(*x: Vector) -> list[Vector]:
    """As `tanh` of each, with one division, right to about 4·10⁻⁷.

    A denominator lies between 0.004 and 1: their product is far from zero.
    """
    (a, b, c, d) = [_tanh_as_quotient(one) for one in x]
    first, second = a[1] * b[1], c[1] * d[1]
    all_four = 1.0 / (first * second)
    of_first, of_second = all_four * second, all_four * first
    return [a[0] * (of_first * b[1]), b[0] * (of_first * a[1]), c[0] * (of_second * d[1]), d[0] * (of_second * c[1])]


def sigmoid(x: Vector) -> Vector:
    return tanh(x * 0.5) * 0.5 + 0.5


def exp(x: Vector) -> Vector:
    """The exponential of numbers up to 88, right to about 2·10⁻⁷; below −87 as good as zero. (Cephes' polynomial.)"""
    x = x.at_least(-87.0)
    whole = (x * 1.44269504088896341).rounded()
    rest = x - whole * 0.693359375 - whole * -2.12194440e-4
    sum_: Vector | float = 1.9875691500e-4
    for factor in (1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1):
        sum_ = rest * sum_ + factor
    return (rest * rest * sum_ + rest + 1.0) * whole.power_of_two()


class _Columns:
    """What the functions below have in common: an array, and places in it, LANES numbers at a time."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        self.builder = builder
        self.index = context.get_value_type(types.intp)
        self._data = context.make_array(signature.args[0])(context, builder, args[0]).data
        self.places = [builder.extract_value(args[-1], which) for which in range(signature.args[-1].count)]

    def _pointer(self, place: Any) -> Any:
        return self.builder.gep(self._data, [place], source_etype=NUMBER)

    def read(self, place: Any) -> Vector:
        pointer = self.builder.bitcast(self._pointer(place), VECTOR.as_pointer())
        return Vector(self.builder, self.builder.load(pointer, align=4))

    def read_all(self, places: Sequence[Any], x: Any) -> list[Vector]:
        return [self.read(self.builder.add(place, x)) for place in places]

    def spread(self, place: Any) -> Vector:
        """Return one number in all lanes."""
        one = self.builder.load(self._pointer(place), align=4)
        return Vector(self.builder, spread(self.builder, one, LANES))

    def write_all(self, places: Sequence[Any], x: Any, results: Sequence[Vector]) -> None:
        for place, result in zip(places, results, strict=True):
            pointer = self.builder.bitcast(self._pointer(self.builder.add(place, x)), VECTOR.as_pointer())
            self.builder.store(result.value, pointer, align=4)


def elementwise(inputs: int, outputs: int, function: Callable[..., Sequence[Vector] | Vector], scalars: int = 0) -> Any:
    """Make `f(array, n, (place of each input …, scalar …, output …))`: n numbers, a multiple of LANES.

    `function` gets `inputs` Vectors and `scalars` Vectors of one number each, and returns `outputs` of them. An output
    may lie where an input lies.
    """
    given = inputs + scalars
    count = given + outputs

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        columns = _Columns(context, builder, signature, args)
        numbers = [columns.spread(place) for place in columns.places[inputs:given]]

        def body(x: Any, _: list[Any]) -> list[Any]:
            made = function(*columns.read_all(columns.places[:inputs], x), *numbers)
            columns.write_all(columns.places[given:], x, [made] if isinstance(made, Vector) else made)
            return []

        counted(builder, 0, args[1], LANES, [], body)
        return context.get_dummy_value()

    @intrinsic
    def loop(typing: Any, array: Any, n: Any, places: Any) -> Any:
        return types.void(array, types.intp, types.UniTuple(types.intp, count)), generate

    return loop


Carried = list[Vector]


def folded(
    fixed: int,
    carried: int,
    begin: Callable[[list[Vector], Vector], Carried],
    step: Callable[[list[Vector], Carried, Vector, Vector], Carried],
) -> Any:
    """Make `f(array, n, rows, matrix, row, (place of each fixed …, of each carried …))`: each column's rows in turn.

    The matrix lies at place `matrix`, its rows `row` apart, n columns wide, a multiple of LANES. `begin` gets the
    `fixed` Vectors of a column and its first row; `step` those, what is carried, a further row and its number.
    """
    count = fixed + carried

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        columns = _Columns(context, builder, signature, args)
        _, n, rows, matrix, row, _ = args

        def body(x: Any, _: list[Any]) -> list[Any]:
            known = columns.read_all(columns.places[:fixed], x)
            top = builder.add(matrix, x)

            def next_row(i: Any, values: list[Any]) -> list[Any]:
                number = spread(builder, builder.sitofp(i, NUMBER), LANES)
                so_far = [Vector(builder, value) for value in values]
                this = columns.read(builder.add(top, builder.mul(i, row)))
                return [made.value for made in step(known, so_far, this, Vector(builder, number))]

            first = [made.value for made in begin(known, columns.read(top))]
            last = counted(builder, 1, rows, 1, first, next_row)
            columns.write_all(columns.places[fixed:], x, [Vector(builder, value) for value in last])
            return []

        counted(builder, 0, n, LANES, [], body)
        return context.get_dummy_value()

    @intrinsic
    def loop(typing: Any, array: Any, n: Any, rows: Any, matrix: Any, row: Any, places: Any) -> Any:
        whole = types.intp
        return types.void(array, whole, whole, whole, whole, types.UniTuple(whole, count)), generate

    return loop


def _lstm(*x: Vector) -> list[Vector]:
    in_i, in_f, in_g, in_o, rec_i, rec_f, rec_g, rec_o, c_prev = x
    halves = [(inputs + recurrent) * 0.5 for inputs, recurrent in ((in_i, rec_i), (in_f, rec_f), (in_o, rec_o))]
    *gates, g = tanh_of_four(*halves, in_g + rec_g)
    i, f, o = (gate * 0.5 + 0.5 for gate in gates)
    c = f * c_prev + i * g
    tanh_c = tanh(c)
    return [i, f, g, o, c, tanh_c, o * tanh_c]


def _lstm_back(*x: Vector) -> list[Vector]:
    d_out, d_h_next, d_c_next, i, f, g, o, c_prev, tanh_c = x
    d_h = d_out + d_h_next
    d_c = d_c_next + d_h * o * (1.0 - tanh_c * tanh_c)
    return [
        d_c * g * i * (1.0 - i),
        d_c * c_prev * f * (1.0 - f),
        d_c * i * (1.0 - g * g),
        d_h * tanh_c * o * (1.0 - o),
        d_c * f,
    ]


def _gru(*x: Vector) -> list[Vector]:
    in_r, in_z, in_n, rec_r, rec_z, rec_n, b_hn, h_prev = x
    r, z = (gate * 0.5 + 0.5 for gate in tanh_of_two((in_r + rec_r) * 0.5, (in_z + rec_z) * 0.5))
    recurrent = rec_n + b_hn
    n = tanh(in_n + r * recurrent)
    return [r, z, n, recurrent, n + z * (h_prev - n)]


def _gru_back(*x: Vector) -> list[Vector]:
    d_out, d_h_next, d_h_past_weights, r, z, n, recurrent, h_prev = x
    d_h = d_out + d_h_next + d_h_past_weights
    d_n = d_h * (1.0 - z) * (1.0 - n * n)
    d_z = d_h * (h_prev - n) * z * (1.0 - z)
    d_r = d_n * recurrent * r * (1.0 - r)
    return [d_r, d_z, d_n, d_r, d_z, d_n * r, d_h * z]


add = elementwise(2, 1, lambda a, b: a + b)
multiply = elementwise(2, 1, lambda a, b: a * b)
copy = elementwise(1, 1, lambda a: a)
subtract = elementwise(1, 1, lambda a, number: a - number, scalars=1)
scale = elementwise(1, 1, lambda a, number: a * number, scalars=1)
exponential = elementwise(1, 1, exp)
tanh_step = elementwise(2, 1, lambda inputs, recurrent: tanh(inputs + recurrent))
relu_step = elementwise(2, 1, lambda inputs, recurrent: (inputs + recurrent).at_least(0.0))
tanh_back = elementwise(3, 1, lambda d_out, d_h_next, h: (d_out + d_h_next) * (1.0 - h * h))
relu_back = elementwise(3, 1, lambda d_out, d_h_next, h: h.where_positive(d_out + d_h_next))
lstm_step = elementwise(9, 7, _lstm)
lstm_back = elementwise(9, 5, _lstm_back)
gru_step = elementwise(8, 5, _gru)
gru_back = elementwise(8, 7, _gru_back)
