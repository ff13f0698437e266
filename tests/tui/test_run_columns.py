"""The columns of the list: which fit, in which order they go, what the narrow ones say."""

import math

import numpy as np
import pytest

from seqsum import formatting
from seqsum.compare.spread import standing_of
from seqsum_tui.runs.columns import ACCURACY_CURVE, COLUMNS, LOSS_CURVE, arrange, quartiles, sorted_column
from seqsum_tui.runs.listing import Arranger, View
from support.sweeps import finished_sweep

WIDTHS = range(36, 260)


def test_columns_never_take_more_than_there_is():
    for width in WIDTHS:
        places = arrange(width)
        assert sum(place.gap + place.width for place in places) <= width
        assert all(place.width >= place.column.width for place in places)


def test_what_matters_less_goes_first():
    for width in WIDTHS:
        ranks = {place.column.rank for place in arrange(width)}
        gone = {column.rank for column in COLUMNS} - ranks
        assert not gone or max(ranks) < min(gone)


def test_the_usual_sizes():
    def keys(width):
        return [place.column.key for place in arrange(width - 4)]

    first = ["status", "name", "progress", "loss", "accuracy"]
    assert keys(60) == [*first, "age"]
    assert keys(80) == ["status", "name", "verdict", "progress", "loss", "accuracy", "age"]
    figures = ["loss", "loss curve", "accuracy", "accuracy curve", "left", "age"]
    assert keys(120) == ["status", "name", "verdict", "progress", *figures]
    assert keys(240) == [column.key for column in COLUMNS]


def test_a_sorted_column_keeps_its_title_and_what_it_is_sorted_by_has_one():
    for column in COLUMNS:
        heading = column.heading(column.width, "↓")
        assert len(heading) == column.width and ("↓" in heading)
    extra = sorted_column("optim.lr", lambda line: "0.01")
    for width in (56, 76, 116):
        places = arrange(width, extra)
        assert sum(place.gap + place.width for place in places) <= width
    assert "optim.lr" in [place.column.key for place in places] and extra.title == "lr"


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_sweep_s_groups_are_told_apart_by_their_values(scene, width):
    rates, decays = ("0.001", "0.004", "0.016"), ("0", "0.3")
    fields = {"optim.lr": ",".join(rates), "optim.weight_decay": ",".join(decays)}
    ends = {(rate, decay): [0.5, 0.6, math.nan, 0.7] for rate in rates for decay in decays}
    finished_sweep(scene.workspace, fields, ends, name="a-long-name-of-a-sweep")
    lines = Arranger().arrange(scene.workspace.index.read().entries, View(), 0.0).lines
    (status,), (name,) = (
        [place for place in arrange(width - 4) if place.column.key == key] for key in ("status", "name")
    )
    cells = [name.column.cell(line, 0.0, name.width) for line in lines]
    assert len(set(cells)) == len(lines) == 6
    for rate, decay in ends:
        assert any(rate in cell and decay in cell.split(rate)[1] for cell in cells), cells
    # Of four runs three are finished and one has failed.
    assert {status.column.cell(line, 0.0, status.width).strip() for line in lines} == {"◉3 ✗1"}


def middle_half(metric, values, direction, width):
    spread = standing_of([("finished", value) for value in values], direction)
    return quartiles(metric, spread, width), spread


def ends_of(text):
    """The two numbers of a range; a power of ten behind it is that of both."""
    low, _, high = text.partition("–")
    power = high.partition("e")[2]
    if power and "e" not in low:
        low += f"e{power}"
    return [float(end.replace(",", "")) for end in (low, high or low)]


@pytest.mark.parametrize("seed", range(300))
def test_the_median_of_a_loss_lies_in_its_middle_half_as_both_are_shown(seed):
    random = np.random.default_rng(seed)
    size = 10.0 ** random.uniform(-9, 6)
    values = size * 10.0 ** (random.normal(size=8) * random.choice([0.003, 0.1, 1]))
    text, spread = middle_half("loss", values.tolist(), "lower", LOSS_CURVE)
    median = float(formatting.number(spread.median, 7).replace(",", ""))
    low, high = ends_of(text)
    assert len(text) <= LOSS_CURVE and low <= median <= high
    # Nothing coarser than one digit of the larger end.
    step = 10.0 ** math.floor(math.log10(spread.high))
    assert spread.low - step <= low <= spread.low * (1 + 1e-9) and spread.high * (1 - 1e-9) <= high < spread.high + step


@pytest.mark.parametrize(
    ("metric", "values", "text"),
    [
        ("loss", [0.0087, 0.0102, 0.0135, 0.0087, 0.0135], ".008–.014"),
        ("loss", [0.12, 0.2, 0.3, 0.12, 0.3], "0.12–0.30"),
        ("loss", [0.5] * 5, "0.5000"),
        ("loss", [0.0087, 0.0087, 0.0102, None, None], ".0087–NaN"),
        ("accuracy", [0.8812, 0.8812, 0.9, 0.995, 0.995], "88.12–99.50%"),
        ("accuracy", [0.99, 0.99, 1.0, 1.0, 1.0], "99.00–100%"),
        ("accuracy", [0.99999, 0.99999, 1.0, 1.0, 1.0], ">99.99–100%"),
        ("accuracy", [0.00001, 0.00001, 0.5, 0.99999, 0.99999], "<0.01–>99.99%"),
        ("accuracy", [1.0] * 5, "100%"),
        ("accuracy", [0.999996, 0.999997, 1.0, 0.999998, 0.999999], ">99.99%"),
    ],
)
def test_a_middle_half_is_said_whole(metric, values, text):
    width, direction = (ACCURACY_CURVE, "higher") if metric == "accuracy" else (LOSS_CURVE, "lower")
    assert middle_half(metric, values, direction, width)[0] == text and len(text) <= width
