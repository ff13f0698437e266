"""Properties of ticks on random ranges, and the labels people read."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from seqsum.formatting import duration, shortest
from seqsum.plotting.ticks import axis_ticks, format_x, limits, linear_ticks, log_limits, log_ticks, widened
from seqsum.plotting.time_ticks import clock_ticks, duration_ticks
from seqsum_tui.charts.axes import x_labels, y_ticks
from seqsum_tui.charts.raster import View

SUFFIXES = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def meaning(label: str) -> Decimal:
    """Read a label as a person would."""
    if label[-1] in SUFFIXES:
        return Decimal(label[:-1]) * Decimal(int(SUFFIXES[label[-1]]))
    return Decimal(label)


def random_range(seed: int) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    centre = random.normal() * 10.0 ** random.integers(-12, 30) * random.choice([0, 1])
    span = 10.0 ** random.uniform(-12, 30)
    return centre - span * random.random(), centre + span * random.random()


@pytest.mark.parametrize("seed", range(400))
def test_linear_ticks_are_round_inside_ascending_and_told_apart(seed: int) -> None:
    low, high = random_range(seed)
    count = 1 + seed % 12
    if high - low <= max(abs(low), abs(high)) * 1e-12:
        return
    ticks = linear_ticks(low, high, count)
    assert len(ticks.values) <= count
    slack = (high - low) * 1e-6
    assert all(low - slack <= value <= high + slack for value in ticks.values)
    assert list(ticks.values) == sorted(set(ticks.values))
    assert len(set(ticks.labels)) == len(ticks.labels)
    base = meaning(ticks.base) if ticks.base else Decimal(0)
    for value, label in zip(ticks.values, ticks.labels, strict=True):
        assert math.isclose(float(base + meaning(label)), value, rel_tol=1e-12, abs_tol=slack * 1e-3)
    if len(ticks.values) > 2:
        exact = [base + meaning(label) for label in ticks.labels]
        steps = {b - a for a, b in itertools.pairwise(exact)}
        assert len(steps) == 1
        digits = str(int(steps.pop().normalize().scaleb(0).as_tuple().digits[0]))
        assert digits in "125"
    if count >= 4:
        assert len(ticks.values) >= 2


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 1, ("0.0", "0.2", "0.4", "0.6", "0.8", "1.0")),
        (0, 20_000, ("0", "5k", "10k", "15k", "20k")),
        (0, 1.5e6, ("0", "500k", "1M", "1.5M")),
        (0, 1e-3, ("0.0000", "0.0002", "0.0004", "0.0006", "0.0008", "0.0010")),
        (1e-5, 5e-4, ("0.0001", "0.0002", "0.0003", "0.0004", "0.0005")),
        (-3, 7, ("-2", "0", "2", "4", "6")),
        (0, 1e30, ("0", "2e29", "4e29", "6e29", "8e29", "1e30")),
        (12_000, 12_010, ("12000", "12002", "12004", "12006", "12008", "12010")),
        (0, 1200, ("0", "250", "500", "750", "1k")),
    ],
)
def test_labels_read_well(low: float, high: float, labels: tuple[str, ...]) -> None:
    assert linear_ticks(low, high, 6).labels == labels


@pytest.mark.parametrize("log_y", [False, True])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.96, 0.99), (0.4, 0.6), (1e-4, 0.5)])
def test_the_ticks_of_a_share_are_in_percent(low: float, high: float, log_y: bool) -> None:
    ticks = y_ticks(low or 1e-3, high, 12, log_y, share=True)
    assert len(ticks.values) >= 2 and not ticks.base
    for value, label in zip(ticks.values, ticks.labels, strict=True):
        assert float(label.removesuffix("%")) / 100 == pytest.approx(value) and label.endswith("%")


def test_ticks_closer_than_their_common_digits_are_told_from_a_base() -> None:
    ticks = linear_ticks(1.0, 1.0 + 4e-12, 5)
    assert ticks.base == "1"
    assert ticks.labels == ("+0", "+1e-12", "+2e-12", "+3e-12", "+4e-12")


@pytest.mark.parametrize("seed", range(200))
def test_log_ticks_are_round_inside_and_ascending(seed: int) -> None:
    random = np.random.default_rng(seed)
    low = 10.0 ** random.uniform(-30, 20)
    high = low * 10.0 ** random.uniform(0.05, 15)
    count = int(random.integers(2, 10))
    ticks = log_ticks(low, high, count)
    assert len(ticks.values) <= count
    assert all(low * (1 - 1e-6) <= value <= high * (1 + 1e-6) for value in ticks.values)
    assert list(ticks.values) == sorted(set(ticks.values))
    assert len(set(ticks.labels)) == len(ticks.labels)
    if not ticks.base:
        for value, label in zip(ticks.values, ticks.labels, strict=True):
            assert math.isclose(float(meaning(label)), value, rel_tol=1e-12)
    if high / low > 1000:
        assert len(ticks.values) >= 2


def test_log_ticks_stand_at_decades_or_at_two_and_five_between() -> None:
    assert log_ticks(1e-3, 12, 6).labels == ("0.001", "0.01", "0.1", "1", "10")
    assert log_ticks(2, 30, 6).labels == ("2", "5", "10", "20")
    assert log_ticks(1e-4, 1e-3, 6).labels == ("0.0001", "0.0002", "0.0005", "0.001")
    assert log_ticks(1e-20, 1e20, 5).labels == ("1e-20", "1e-10", "1e0", "1e10", "1e20")


@pytest.mark.parametrize("seed", range(200))
def test_limits_hold_the_data_closely(seed: int) -> None:
    low, high = random_range(seed)
    bottom, top = limits(low, high)
    assert bottom <= low and high <= top and bottom < top
    if high - low > max(abs(low), abs(high)) * 1e-6:
        assert top - bottom <= (high - low) * 1.3
    if low > 0:
        bottom, top = log_limits(low, high)
        assert 0 < bottom <= low and high <= top and bottom < top


@pytest.mark.parametrize("value", [0.0, 3.0, -2.5, 1e-12, 1e30, -1e300, 1e308, 5e-324])
def test_a_constant_gets_a_range_and_ticks(value: float) -> None:
    low, high = widened(value, value)
    assert low < high
    bottom, top = limits(value, value)
    assert bottom < top and math.isfinite(top - bottom)
    ticks = linear_ticks(bottom, top, 5)
    assert len(ticks.values) >= 2 and len(set(ticks.labels)) == len(ticks.labels)


def test_limits_do_not_move_with_every_new_value() -> None:
    ends = {limits(0.1 + 0.0001 * k, 2.3) for k in range(100)}
    assert len(ends) <= 2


@pytest.mark.parametrize("seed", range(150))
def test_x_labels_do_not_touch_and_stand_under_their_ticks(seed: int) -> None:
    random = np.random.default_rng(seed)
    low, high = random_range(seed)
    if high - low <= max(abs(low), abs(high)) * 1e-9:
        return
    view = View(low, high, 0, 1, int(random.integers(4, 120)), 5)
    left = -int(random.integers(0, 9))
    places = x_labels(view, "number", left, view.width)
    for (_, start, label), (_, after, _) in itertools.pairwise(places):
        assert start + len(label) + 2 <= after
    for column, start, label in places:
        assert left <= start and start + len(label) <= view.width
        assert start <= column < start + len(label) or start + len(label) == view.width
        value = float(meaning(label))
        assert abs(view.across(np.array([value]))[0] / 2 - column) <= 1.01


@pytest.mark.parametrize("rows", range(1, 40))
def test_y_ticks_have_rows_of_their_own(rows: int) -> None:
    for log_y in (False, True):
        for low, high in ((0.013, 2.9), (1e-6, 1e-3), (4.0, 4.5)):
            view = View(0, 1, low, high, 5, rows, log_y)
            ticks = y_ticks(low, high, rows, log_y)
            taken = [view.cell_row(value) for value in ticks.values]
            assert rows < 4 or len(set(taken)) == len(taken)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.012345678, "0.01235"),
        (1234567.0, "1.235M"),
        (2.5e-7, "2.5e-7"),
        (0.75, "0.75"),
        (-123.456, "-123.5"),
        (99999.0, "100k"),
        (0.0, "0"),
        (1e300, "1e300"),
    ],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert shortest(value, 4) == text


@pytest.mark.parametrize("seed", range(100))
def test_short_numbers_are_right_to_four_digits(seed: int) -> None:
    random = np.random.default_rng(seed)
    value = float(random.normal() * 10.0 ** random.integers(-20, 20))
    text = shortest(value, 4)
    assert math.isclose(float(meaning(text)), value, rel_tol=6e-4)
    assert len(text) <= 10


@pytest.mark.parametrize("seed", range(100))
def test_ticks_of_dates_are_round_months_or_years_in_utc(seed: int) -> None:
    random = np.random.default_rng(seed)
    low, count = random.uniform(-5e9, 4e9), 3 + seed % 9
    high = low + 86_400 * 10 ** random.uniform(1.9, 5)
    ticks = axis_ticks(low, high, count, "date")
    days = [datetime.fromtimestamp(when, UTC) for when in ticks.values]
    assert 1 <= len(days) <= count and all(low <= when <= high for when in ticks.values)
    assert all((day.day, day.hour, day.minute, day.second) == (1, 0, 0, 0) for day in days)
    assert [*ticks.labels] in ([f"{day:%Y-%m}" for day in days], [f"{day:%Y}" for day in days])
    months = [12 * day.year + day.month for day in days]
    assert len(set(np.diff(months))) <= 1
    for when, label in zip(ticks.values, ticks.labels, strict=True):
        assert format_x(when, "date").startswith(label)


@pytest.mark.parametrize(("low", "high"), [(1, 500), (2, 16), (1, 100_000), (3, 40)])
@pytest.mark.parametrize("width", [48, 70, 110])
def test_ticks_of_a_logarithmic_x_are_powers_with_2_and_5_between(low: int, high: int, width: int) -> None:
    view = View(math.log10(low), math.log10(high), 0, 1, width, 5)
    places = x_labels(view, "log", -6, width)
    told = [round(float(meaning(label))) for _, _, label in places]
    every = [digit * 10**power for power in range(6) for digit in (1, 2, 5) if low <= digit * 10**power <= high]
    # Where the first stands far from the end, the end has one more. Of five decades there is no room for all.
    assert told in (every, [low, *every]) or (high > 500 and {1, 10, 100, 1000, 10_000, 100_000} <= set(told))
    for (column, _, _), length in zip(places, told, strict=True):
        assert abs(column - math.log(length / low) / math.log(high / low) * (width - 1)) <= 1
        assert format_x(math.log10(length), "log") == f"{length:,}"


def test_a_month_has_no_day_and_a_number_of_its_own_all_its_digits() -> None:
    end_of_march = datetime(2021, 3, 31, tzinfo=UTC).timestamp()
    assert format_x(end_of_march, "month") == "2021-03" and format_x(end_of_march, "date") == "2021-03-31"
    assert format_x(1_577_836_800_001.0, "plain") == "1577836800001" and format_x(0.1, "plain") == "0.1"


def test_years_have_no_thousands_marks() -> None:
    ticks = axis_ticks(1974, 2008, 6, "plain")
    assert len(ticks.labels) > 2 and [*ticks.labels] == [str(int(year)) for year in ticks.values]
    assert format_x(1974.0, "plain") == "1974"


def test_x_is_written_for_reading() -> None:
    assert format_x(12345.0) == "12,345"
    assert format_x(0.123456, step=0.001) == "0.1235"
    assert format_x(125.0, "duration") == "2m05s"
    assert format_x(datetime(2024, 3, 1, 14, 5, 9).timestamp(), "clock") == "01 Mar 14:05:09"


def test_time_axes_have_round_times() -> None:
    assert [label for _, label in duration_ticks(0, 7200, 5)] == ["0s", "30m", "1h", "1h30m", "2h"]
    assert [value for value, _ in duration_ticks(30, 95, 4)] == [30, 60, 90]
    assert duration(90061) == "1d01h" and duration(0.25) == "0.25s" and duration(-75) == "-1m15s"
    start = datetime(2024, 3, 1, 14, 7, 0).timestamp()
    assert [label for _, label in clock_ticks(start, start + 3600, 4)] == ["14:15", "14:30", "14:45", "15:00"]
    for when, label in clock_ticks(start, start + 86400 * 3, 5):
        assert datetime.fromtimestamp(when).strftime("%M") == "00" and label
    assert clock_ticks(1e300, 2e300, 4) == []


@pytest.mark.parametrize("kind", ["number", "duration", "clock"])
@pytest.mark.parametrize("span", [0.01, 0.7, 3.0, 47.0, 900.0, 4e4, 3e6, 8e8])
def test_every_kind_of_axis_has_few_and_different_labels(kind: str, span: float) -> None:
    start = datetime(2024, 3, 1, 14, 7, 0).timestamp() if kind == "clock" else 0.0
    ticks = axis_ticks(start, start + span, 6, kind)  # type: ignore[arg-type]
    assert len(ticks.values) <= 6
    assert len(set(ticks.labels)) == len(ticks.labels)
    assert all(start - 1e-6 <= value <= start + span + 1e-6 for value in ticks.values)


@pytest.mark.parametrize("width", [30, 60, 140])
@pytest.mark.parametrize(("low", "high"), [(1.0, 20_000.0), (100.0, 2e6), (3.0, 8.0), (0.2, 90.0)])
@pytest.mark.parametrize("kind", ["log", "log duration"])
def test_ticks_of_a_logarithmic_x_stand_where_the_formula_says(kind, low, high, width) -> None:
    view = View(math.log10(low), math.log10(high), 0.0, 1.0, width, 10)
    places = x_labels(view, kind, 0, width)
    assert places
    for column, start, label in places:
        number = label.removesuffix("s") if kind == "log duration" else label
        value = float(number[:-1]) * {"k": 1e3, "M": 1e6}[number[-1]] if number[-1] in "kM" else float(number)
        share = (math.log10(value) - view.x0) / (view.x1 - view.x0)
        assert column == math.floor(share * (2 * width - 1) + 0.5) // 2
        assert 0 <= start <= column <= start + len(label)
    ends = [(start, start + len(label)) for _, start, label in places]
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(ends))


@pytest.mark.parametrize("value", [1.0, 37.0, 20_000.0])
def test_a_place_on_a_logarithmic_x_is_told_as_its_value(value) -> None:
    step = 0.02
    assert float(format_x(math.log10(value), "log", step).replace(",", "")) == pytest.approx(value, rel=10**step - 1)
    assert format_x(math.log10(value), "log duration", step) == duration(value)


@pytest.mark.parametrize("width", [40, 60, 110])
@pytest.mark.parametrize(
    ("low", "high"), [(200, 2000), (300, 3000), (700, 6000), (320, 9000), (40, 2500), (600, 40_000), (0.03, 7)]
)
def test_a_label_stands_near_the_left_end_of_a_log_axis(low: float, high: float, width: int) -> None:
    view = View(math.log10(low), math.log10(high), 0, 1, width, 5)
    places = x_labels(view, "log", -6, width)
    assert places[0][0] <= width / 5 and len(places) >= 3
    values = [float(meaning(label)) for _, _, label in places]
    assert low * (1 - 1e-9) <= values[0] and values == sorted(set(values))
    for value, (column, _, _) in zip(values, places, strict=True):
        assert abs(view.across(np.array([math.log10(value)]))[0] / 2 - column) <= 1.01


@pytest.mark.parametrize("width", [12, 30, 45, 100])
@pytest.mark.parametrize("end", [7.0, 3412.0, 9_999.0, 10_001.0, 20_000.0, 123_457.0])
def test_an_axis_of_whole_numbers_has_a_number_at_its_end(end: float, width: int) -> None:
    places = x_labels(View(0.0, end, 0.0, 1.0, width, 4), "number", -6, width, whole=True)
    column, start, label = places[-1]
    assert column == width - 1 and start + len(label) <= width
    assert abs(float(meaning(label.replace(",", ""))) - end) <= end / width
    assert all(before + len(text) + 2 <= after for (_, before, text), (_, after, _) in itertools.pairwise(places))
