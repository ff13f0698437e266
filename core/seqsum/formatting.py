"""How numbers, times and sizes are written, once for the command line, the console, charts, files and documents.

What a reader compares has the same digits wherever it stands: numbers are rounded to nearest, times and progress down,
and nothing is ever cut off. Where there are too few cells, `number` has fewer digits, rounded in the same way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

NONE = "–"
CLOCKS_DIFFER = 60.0
"""By so many seconds, at most, a time of another machine may lie ahead and still be now."""
MOST_OF_A_SHARE = 1.5
"""In another program's log a share is above 1 by a little at most, by rounding or smoothing; what is well above is in
percent."""
PERCENTS = frozenset({"%", "percent", "percentage", "pct"})
_PLAIN_FROM, _PLAIN_BELOW = 1e-3, 1e6
_SUFFIXES = {3: "k", 6: "M", 9: "G", 12: "T"}


def metric(name: str, value: float | None) -> str:
    """Return a metric's value as people read it; its name, or a chart's title, says what kind of number it is."""
    name = name.lower().replace(" ", "_")
    if value is None or not math.isfinite(value):
        return number(value)
    if is_share(name, value):
        return percent(value)
    if name in ("lr", "learning_rate"):
        return learning_rate(value)
    if name == "steps_per_second":
        return _per_second(value)
    if name in ("train_seconds", "training_time"):
        return duration(value)
    return moment(value) if name == "wall_time" else number(value)


def is_share(name: str, highest: float | None = None) -> bool:
    """Say whether a metric of this name runs from 0 to 1 and is read in percent.

    highest: of its values; of what is called so and has one well above 1 it is not true: scripts log an `acc` in
    percent, too. Without it that name alone does not tell.
    """
    if in_percent(name) or (highest is not None and highest > MOST_OF_A_SHARE):
        return False
    name = name.lower()
    if highest is not None and "acc" in re.findall(r"[a-z0-9]+", name.replace("_", " ")):
        return True
    return "accuracy" in name or name.endswith(("_share", "f1")) or name.startswith("probability")


def in_percent(name: str) -> bool:
    """Say whether a metric's name tells that it is in percent already: acc (%), accuracy_percent."""
    return not PERCENTS.isdisjoint(re.findall(r"[a-z0-9]+|%", name.lower()))


def percent(share: float | None) -> str:
    """Return a share in percent, 97.46%; only what is whole reads 100.00%, and only nothing 0.00%.

    At most 7 cells for a share from 0 to 1; `–` for None.
    """
    if share is None or not math.isfinite(share) or abs(share) >= 100:
        return number(share)
    text = f"{share:.2%}"
    if text == "100.00%" and share < 1:
        return ">99.99%"
    if text in ("0.00%", "-0.00%"):
        return "0.00%" if share == 0 else "<0.01%" if share > 0 else ">-0.01%"
    return text


def progress(share: float | None) -> str:
    """Return how much is done in whole percent, rounded down: only what is done says 100%. `?` where nobody knows."""
    if share is None:
        return "?"
    # The small addend undoes what binary fractions lose: 0.29 * 100 is 28.999….
    return f"{int(min(max(share, 0.0), 1.0) * 100 + 1e-9)}%"


def whole_percent(share: float) -> str:
    """Return a share in whole percent, 83%, where its hundredths say nothing: a weight of attention, a step of a
    scale."""
    return f"{share:.0%}"


def p_value(p: float) -> str:
    """Return a p-value as papers write it: p = 0.002, p < 0.001."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def p_number(p: float) -> str:
    """Return a p-value for a column that is called p: 0.002, < 0.001."""
    return p_value(p).removeprefix("p ").removeprefix("= ")


def interval(low: float, high: float, width: int) -> str:
    """Return two ends in `width` cells: 0.12–0.30, .0087–.014 where there is no room for the zeros, 2e-7–9e-7. Each end
    is a number by itself; rounded outward, so that what lies between the ends lies between them as shown."""
    if low == high or math.isinf(low) or math.isinf(high):
        return number(low, width) if low == high else f"{number(low, width // 2)}–{number(high, width // 2)}"
    largest = max(abs(end) for end in (low, high) if not math.isnan(end))
    magnitude = int(f"{largest:e}".partition("e")[2])
    plain = [
        "–".join(f"{_outward(end, exponent, up=up).scaleb(exponent):f}" for end, up in ((low, False), (high, True)))
        for exponent in (magnitude - 2, magnitude - 1)
    ]
    bare = [re.sub(r"(?<!\d)0\.", ".", text) for text in plain]
    first, last = _one_digit(low, up=False), _one_digit(high, up=True)
    brief = f"{first}–{last}", f"0–{last}" if low > 0 else f"{first}–{last}"
    return next((text for text in (*plain, *bare, *brief) if len(text) <= width), brief[-1])


def _outward(value: float, exponent: int, *, up: bool) -> Decimal:
    """Return how many times ten to the power of `exponent` there is in a value, rounded up or down."""
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    return Decimal(str(value)).scaleb(-exponent).to_integral_value(rounding) + 0


def _one_digit(value: float, *, up: bool) -> str:
    if value == 0 or math.isnan(value):
        return number(value)
    exponent = int(f"{value:e}".partition("e")[2])
    digits = _outward(value, exponent, up=up)
    return f"{digits}e{exponent}" if abs(digits) < 10 else f"{digits / 10:f}e{exponent + 1}"


def number(value: float | None, width: int = 10, *, signed: bool = False) -> str:
    """Return a measured number: 2.3026, 12.346, 1,234.6, 0.0496, 0.00123, 1.23e-5, NaN, +∞; `–` for None.

    Four decimals, or five digits where there are more before the point; whole numbers without a point; below 0.001 and
    from a million on three digits and a power of ten. At most 7 cells from 1e-9 to 1e10, 8 with a sign, 10 at most;
    in fewer than it needs (`width`) it has fewer digits. `signed` writes a plus, too.
    """
    if value is None:
        return NONE
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "+∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    plus = "+" if signed else ""
    size = abs(value)
    magnitude = int(f"{size:.4e}".partition("e")[2])
    if value == int(value) and size < _PLAIN_BELOW:
        tries = [f"{int(value):{plus},}"]
    elif size >= _PLAIN_FROM and magnitude < 6:
        most = min(4 - magnitude, 4 if magnitude > -3 else 5)
        # Down to one digit that counts; with less room a power of ten takes its place.
        tries = [f"{value:{plus},.{decimals}f}" for decimals in range(max(most, 0), max(-magnitude, 0) - 1, -1)]
    else:
        tries = []
    tries += [_scientific(f"{value:{plus}.{decimals}e}") for decimals in (2, 1, 0)]
    return next((text for text in tries if len(text) <= width), min(tries, key=len))


def _scientific(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}"


def learning_rate(value: float | None) -> str:
    """Return a learning rate with at most four digits: 0.0005, 0.0007331, 5e-5; at most 9 cells."""
    if value is None or not math.isfinite(value):
        return number(value)
    return shortest(value, 4)


def shortest(value: float, digits: int | None = None) -> str:
    """Return a finite number in as few characters as it takes: 0.5, 0.0005, 5e-5, 1.5M, -2e-7.

    digits: to how many it is rounded; None for as many as it takes to read back the same number
    """
    if value == 0:
        return "0"
    # Seventeen digits of a number are not the fewest: those of 0.7 are 0.69999999999999996.
    mantissa, _, exponent = (f"{value:.{digits - 1}e}" if digits else repr(float(value))).partition("e")
    whole, _, behind = mantissa.partition(".")
    return exact(int(whole + behind), int(exponent or 0) - len(behind))


def full(value: float) -> str:
    """Return a setting with all its digits, as it reads back to the same bits: 0.0005, 5e-5, 100."""
    text = repr(value).removesuffix(".0")
    return _scientific(text) if "e" in text else text


def distinct(values: Sequence[float]) -> list[str]:
    """Return numbers that belong together, as forecasts do: six digits each, or as many more as different ones need to
    look different; without an exponent from 1e-6 to 1e16."""
    finite = {value for value in values if math.isfinite(value)}
    digits = 6
    while digits < 17 and len({f"{value:.{digits}g}" for value in finite}) < len(finite):
        digits += 1
    return [_in_digits(value, digits) for value in values]


def six_digits(value: float) -> str:
    """Return a number as `distinct` writes it by itself."""
    return _in_digits(value, 6)


def _in_digits(value: float, digits: int) -> str:
    text = f"{value:.{digits}g}"
    if "e" not in text:
        return text
    return format(Decimal(text), "f") if 1e-6 <= abs(value) < 1e16 else _scientific(text)


def exact(mantissa: int, exponent: int) -> str:
    """Return mantissa × 10^exponent without rounding, as the shortest of plain, suffixed (20k) and scientific forms."""
    if mantissa == 0:
        return "0"
    sign, digits = ("-" if mantissa < 0 else ""), str(abs(mantissa))
    stripped = digits.rstrip("0")
    exponent += len(digits) - len(stripped)
    magnitude = exponent + len(stripped) - 1
    if magnitude < -4 or magnitude > 14:
        return f"{sign}{stripped[0]}{'.' + stripped[1:] if len(stripped) > 1 else ''}e{magnitude}"
    plain = sign + point(stripped, exponent)
    if magnitude < 3:
        return plain
    unit = min(magnitude // 3 * 3, 12)
    suffixed = sign + point(stripped, exponent - unit) + _SUFFIXES[unit]
    return suffixed if len(suffixed) < len(plain) else plain


def point(digits: str, exponent: int) -> str:
    """Return the decimal digits of a whole number × 10^exponent, with the point where it belongs."""
    if exponent >= 0:
        return digits + "0" * exponent
    if len(digits) > -exponent:
        return f"{digits[:exponent]}.{digits[exponent:]}"
    return "0." + "0" * (-exponent - len(digits)) + digits


def duration(seconds: float | None) -> str:
    """Return a length of time in at most two units, rounded down as a clock does: 0.21s, 1.6s, 12s, 3m20s, 2h05m.

    From a day on 1d06h. At most 7 cells below 1,000 days; `–` for None.
    """
    if seconds is None or not math.isfinite(seconds):
        return number(seconds)
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    if seconds < 10:
        # The small addend undoes what binary fractions lose: 0.29 * 100 is 28.999….
        parts = 100 if seconds < 1 else 10
        shown = math.floor(seconds * parts + 1e-9) / parts
        return f"{sign}{shown:g}s" if shown or not seconds else "<0.01s"
    rest = int(seconds)
    for size, unit, small, letter in ((86_400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if rest >= size:
            minor = rest % size // small
            return f"{sign}{rest // size}{unit}" + (f"{minor:02}{letter}" if minor else "")
    return f"{sign}{rest}s"


def roughly(seconds: float) -> str:
    """Return a guessed length of time: no finer than a guess is."""
    steps = ((10, 1), (60, 5), (600, 10), (3600, 60), (36_000, 600), (864_000, 3600))
    step = next((step for below, step in steps if seconds < below), 86_400)
    return duration(max(1, math.floor(seconds / step + 0.5) * step))


def ago(seconds: float) -> str:
    """Return how long ago something was, in words: 3m ago."""
    return f"{age(seconds)} ago" if seconds >= -CLOCKS_DIFFER else "in the future"


def age(seconds: float) -> str:
    """Return how long ago something was, in one unit, rounded down: 12s, 3m, 2h, 5d; `?` for what is yet to come."""
    if seconds < -CLOCKS_DIFFER:
        return "?"
    rest = max(0, int(seconds))
    for size, letter in ((86_400, "d"), (3600, "h"), (60, "m")):
        if rest >= size:
            return f"{rest // size}{letter}"
    return f"{rest}s"


def moment(when: float) -> str:
    """Return a time (seconds since 1970) as local date and time of day: 05 Jun 14:03:09."""
    try:
        return datetime.fromtimestamp(when).strftime("%d %b %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return number(when)


def day(when: float, step: float = 0.0) -> str:
    """Return a time (seconds since 1970) as a day in UTC, 2021-03-05, with the time of day where it has one and what
    stands beside it is less than a day (`step`, in seconds) away."""
    try:
        moment = datetime.fromtimestamp(when, UTC)
    except (ValueError, OverflowError, OSError):
        return number(when)
    return f"{moment:%Y-%m-%d}" if step >= 86_400 or when % 86_400 == 0 else f"{moment:%Y-%m-%d %H:%M}"


def speed(steps_per_second: float | None, unit: str = "") -> str:
    """Return a speed, 8,312/s, or with a unit 8,312 steps/s; `–` when none is known."""
    if steps_per_second is None or not steps_per_second > 0:
        return NONE
    return _per_second(steps_per_second) + (f" {unit}/s" if unit else "/s")


def _per_second(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 9.95 else f"{value:.1f}"


def count(many: int, thing: str) -> str:
    """Return `1 run`, `3,000 runs`."""
    return f"{many:,} {thing}{'' if many == 1 else 's'}"


def grouped(text: str) -> str:
    """Return whole numbers in a list with a mark between thousands: `20,000`, `100, 20,000`; all else as it stands."""
    parts = text.split(", ")
    return ", ".join(f"{int(part):,}" if part.isascii() and part.isdecimal() else part for part in parts)


def enumerated(words: Sequence[str], last: str) -> str:
    """Return `a`, `a or b`, `a, b or c`; last: the word before the last one, e.g. or."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def size(number_of_bytes: float) -> str:
    """Return a size of memory or of a file: 512 bytes, 34 kB, 1.2 GB."""
    if number_of_bytes < 1000:
        return count(int(number_of_bytes), "byte")
    unit = min(int(f"{number_of_bytes:.1e}".partition("e")[2]) // 3, 4)
    scaled = number_of_bytes / 1000**unit
    return f"{scaled:,.0f} {'kMGT'[unit - 1]}B" if scaled >= 9.95 else f"{scaled:.1f} {'kMGT'[unit - 1]}B"


def change(percent: float) -> str:
    """Return a relative difference in percent, with its sign: +3.1%, -12.0%, +1,204%, +3e7%, -0.003%."""
    percent = _told(percent)
    if 0 < abs(percent) < 0.05 or not abs(percent) < 99_999.5:
        return number(percent, 6, signed=True) + "%"
    return f"{percent:+.1f}%" if abs(percent) < 999.95 else f"{percent:+,.0f}%"


def points(difference: float) -> str:
    """Return a difference of two percentages in points, with its sign: +3.12 pp, -3e-4 pp."""
    difference = _told(difference)
    if 0 < abs(difference) < 0.005 or not abs(difference) < 99_999.5:
        return number(difference, 6, signed=True) + " pp"
    return f"{difference:+.2f} pp" if abs(difference) < 99.995 else f"{difference:+,.0f} pp"


def _told(difference: float) -> float:
    """Return a difference without the noise of its last bits, so that none has a sign where there is none."""
    return round(difference, 9) + 0.0


def scope(asked: int, exhaustive: bool, thing: str, part: str = "") -> str:
    """Say how many things were asked, and whether those are all there are, or which part of the data."""
    if part in ("validation", "test"):
        return f"{count(asked, thing)} of the {part} part"
    if part == "file":
        return f"{count(asked, thing)} of the file"
    return f"{'all' if exhaustive else 'a fixed set of'} {count(asked, thing)}"


def finite(value: Any) -> Any:
    """Return JSON-ready values with NaN and infinity, which JSON lacks, as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return value


def rounded_within(value: float, reach: float) -> float:
    """Return the number with the fewest digits that lies no further than `reach` from a value."""
    if abs(value) <= reach:
        return 0.0
    for digits in range(1, 17):
        short = float(f"{value:.{digits}g}")
        if abs(short - value) <= reach:
            return short
    return value
