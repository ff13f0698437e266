"""How numbers, times and sizes are written."""

import ast
import math
import random
import re
from pathlib import Path

import pytest

import seqsum
import seqsum_tui
from seqsum import formatting


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"), (0, "0s"), (0.004, "<0.01s"), (0.21, "0.21s"), (0.29, "0.29s"), (0.999, "0.99s"), (1.65, "1.6s"),
        (12, "12s"), (59.9, "59s"), (60, "1m"), (200, "3m20s"), (7500, "2h05m"), (7200, "2h"), (108_000, "1d06h"),
        (-90, "-1m30s"), (math.nan, "NaN"), (math.inf, "+∞"),
    ],
)  # fmt: skip
def test_duration(seconds, text):
    assert formatting.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0s"), (12, "12s"), (200, "3m"), (7300, "2h"), (86_400 * 400, "400d")]
)
def test_age(seconds, text):
    assert formatting.age(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"), (0.0, "0.00%"), (1e-9, "<0.01%"), (0.97462, "97.46%"), (0.3139, "31.39%"), (0.9999, "99.99%"),
        (0.99996, ">99.99%"), (1 - 1e-12, ">99.99%"), (1.0, "100.00%"), (math.nan, "NaN"), (-0.2, "-20.00%"),
    ],
)  # fmt: skip
def test_only_what_is_whole_reads_as_whole(share, text):
    assert formatting.percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (0.0, "0"), (2.302585, "2.3026"), (12.3456, "12.346"), (0.04961, "0.0496"), (0.00123, "0.00123"),
        (1.234e-5, "1.23e-5"), (-1.23e-5, "-1.23e-5"), (1234.56, "1,234.6"), (12345.6, "12,346"), (1e9, "1.00e9"),
        (42.0, "42"), (math.nan, "NaN"), (math.inf, "+∞"), (-math.inf, "-∞"),
    ],
)  # fmt: skip
def test_number(value, text):
    assert formatting.number(value) == text


def read(text):
    return float(text.replace(",", ""))


def test_a_number_keeps_its_value_and_its_width():
    chance = random.Random(5)
    for _ in range(20_000):
        value = chance.choice((1, -1)) * 10 ** chance.uniform(-320, 308)
        text = formatting.number(value)
        assert len(text) <= 10
        assert read(text) == pytest.approx(value, rel=6e-3, abs=1e-320)
        if 1e-9 <= abs(value) < 9.9e9:
            assert len(text) <= 7 + (value < 0)
        for width in (6, 7, 8):
            narrow = formatting.number(value, width)
            assert len(narrow) <= max(width, 6 + (value < 0))
            if 1e-9 <= abs(value) < 9.9e9:
                # Fewer digits, rounded from the value itself: half of the last one, at most.
                assert read(narrow) == pytest.approx(value, rel=0.5)


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0.0005, "0.0005"), (5e-5, "5e-5"), (0.0004, "0.0004"), (0.00073312, "0.0007331"), (1.0, "1"), (0.004, "0.004")],
)
def test_a_learning_rate_is_written_as_the_setting_is(rate, text):
    assert formatting.learning_rate(rate) == text
    assert formatting.metric("lr", rate) == formatting.metric("learning rate", rate) == text
    if len(f"{rate:.17g}") <= 6:
        assert formatting.full(rate) == text


def test_a_setting_reads_back_to_the_same_bits():
    chance = random.Random(6)
    for _ in range(2000):
        value = chance.uniform(-1, 1) * 10.0 ** chance.randint(-300, 300)
        assert float(formatting.full(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.7, "0.7"), (0.30000000000000004, "0.30000000000000004"), (0.1, "0.1"), (-2e-7, "-2e-7"),
        (1.5e6, "1.5M"), (1e22, "1e22"), (5, "5"), (0.0005, "0.0005"),
    ],
)  # fmt: skip
def test_the_shortest_form_reads_back_to_the_same_number(value, text):
    assert formatting.shortest(value) == text


def test_the_shortest_form_of_any_number_is_no_longer_than_pythons():
    draw = random.Random(4)
    for value in [draw.uniform(-1, 1) * 10.0 ** draw.randint(-12, 14) for _ in range(500)] + [
        at / 10 for at in range(100)
    ]:
        text = formatting.shortest(value)
        assert len(text) <= len(repr(value))
        if text[-1] not in "kMGT":
            assert float(text) == value


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("accuracy", 0.97462, "97.46%"), ("train_accuracy", 1.0, "100.00%"), ("balanced accuracy", 0.5, "50.00%"),
        ("majority_class_accuracy", 0.25, "25.00%"), ("loss", 0.97462, "0.9746"), ("steps_per_second", 8312.4, "8,312"),
        ("train_seconds", 200.4, "3m20s"), ("accuracy", math.nan, "NaN"), ("lr", None, "–"),
    ],
)  # fmt: skip
def test_a_metrics_name_says_how_it_is_written(name, value, text):
    assert formatting.metric(name, value) == text


@pytest.mark.parametrize(
    ("speed", "text"), [(None, "–"), (0, "–"), (3.21, "3.2/s"), (84.4, "84/s"), (8312.4, "8,312/s")]
)
def test_speed(speed, text):
    assert formatting.speed(speed) == text
    assert formatting.speed(speed, "steps") == text.replace("/s", " steps/s")


@pytest.mark.parametrize(
    ("size", "text"), [(1, "1 byte"), (999, "999 bytes"), (1234, "1.2 kB"), (34_567, "35 kB"), (1.26e9, "1.3 GB")]
)
def test_size(size, text):
    assert formatting.size(size) == text


@pytest.mark.parametrize(
    ("percent", "text"),
    [
        (3.14, "+3.1%"),
        (-12, "-12.0%"),
        (999.97, "+1,000%"),
        (3.21e7, "+3.2e7%"),
        (-0.049, "-0.049%"),
        (-1e-14, "+0.0%"),
    ],
)
def test_change(percent, text):
    assert formatting.change(percent) == text


@pytest.mark.parametrize("width", [7, 11, 15])
@pytest.mark.parametrize(
    ("low", "high"),
    [
        (0.1, math.inf), (-math.inf, 0.1), (-math.inf, math.inf), (math.inf, math.inf), (0.1, math.nan),
        (1e-300, 1e300), (-1.5e7, 2.0), (0.0, 1.0), (0.00947, 0.0119), (1.0, 1.0),
    ],
)  # fmt: skip
def test_an_interval_holds_what_lies_between_its_ends(low, high, width):
    said = formatting.interval(low, high, width)
    ends = [end.replace("∞", "inf").replace("NaN", "nan") for end in said.split("–")]
    if len(ends) == 1:
        assert low == high
        return
    first, last = map(float, ends)
    assert math.isnan(first) or first <= low or math.isclose(first, low, rel_tol=0.1)
    assert math.isnan(last) or last >= high or math.isclose(last, high, rel_tol=0.1)
    assert not math.isfinite(low) or not math.isfinite(high) or (first <= low and last >= high)


@pytest.mark.parametrize("seconds", [0.01, 0.4, 3.3, 9.9, 47, 95, 599, 3599, 40_000, 86_400, 1e6])
def test_a_guess_is_near_and_has_few_digits(seconds):
    text = formatting.roughly(seconds)
    assert text == formatting.duration(formatting_seconds(text))
    assert formatting_seconds(text) == pytest.approx(max(seconds, 1), rel=0.5)


def formatting_seconds(text):
    sizes = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    total, digits = 0, ""
    for character in text:
        if character in sizes:
            total, digits = total + int(digits) * sizes[character], ""
        else:
            digits += character
    return total


# What is no number for a reader: places in a picture, values to be typed or passed on, values rounded to compare them.
OWN_DIGITS = {"drawing.py", "run_plot.py", "plot.py", "upload.py", "batch.py", "entry.py", "forecast.py", "asking.py"}
PACKAGES = [Path(package.__file__).parent for package in (seqsum, seqsum_tui)]


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: folder.name)
def test_no_other_module_decides_how_many_digits_a_number_has(folder):
    found = []
    for file in folder.rglob("*.py"):
        if file.name in OWN_DIGITS or file == PACKAGES[0] / "formatting.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.FormattedValue) or not isinstance(node.format_spec, ast.JoinedStr):
                continue
            spec = node.format_spec.values[-1] if node.format_spec.values else None
            if isinstance(spec, ast.Constant) and re.fullmatch("[^%]*[eEfFgG%]", str(spec.value)):
                found.append(f"{file.relative_to(folder)}:{node.lineno} {ast.unparse(node.value)}")
    assert found == []


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (3.1201, "+3.12 pp"),
        (-0.5, "-0.50 pp"),
        (1204.4, "+1,204 pp"),
        (1e9, "+1.0e9 pp"),
        (-3.4e-4, "-3e-4 pp"),
        (-1e-14, "+0.00 pp"),
    ],
)
def test_points(difference, text):
    assert formatting.points(difference) == text
