"""Numbers, names, times, quotation marks and bytes in people's files: read as meant, or refused in a sentence."""

from __future__ import annotations

import csv
import datetime
import io
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqsum.errors import UserError
from seqsum.formatting import distinct
from seqsum.tasks.forecast import Forecast, ForecastConfig
from seqsum.tasks.number_format import NumberFormat, unmistakable
from seqsum.tasks.series import Series, SeriesSource, read_series
from seqsum.tasks.tables import read_csv
from seqsum.tasks.typed_numbers import read_typed

Read = Callable[..., Series]
VALUES = [0.5, 7, 998.25, 1001, 1234.5, 20_000, 1_234_567.125]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    path = tmp_path / "data.csv"

    def series(text: str | bytes, column: str | None = None, **how: Any) -> Series:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_series(SeriesSource(str(path), column, **how))

    return series


def grouped(value: float, decimal: str, grouping: str, unit: str = "") -> str:
    """Write a number in a convention, as Python groups it."""
    text = f"{value:,}".removesuffix(".0")
    return text.translate({ord(","): grouping, ord("."): decimal}) + unit


KEEPING = "\N{NARROW NO-BREAK SPACE}\N{NO-BREAK SPACE}\N{THIN SPACE}"
"""Spaces that stand within numbers."""
CONVENTIONS = [
    (decimal, grouping) for decimal in ".," for grouping in ("", ",", ".", " ", "'") if decimal != grouping
]  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "told"),
    [(["1", "20", "N/A", "3"], "no decimal mark"), (["1,000,000", "20"], "no decimal mark, commas between thousands"),
     (["1.000.000", "-"], "no decimal mark, points between thousands"), (["5 %", "7 %"], "no decimal mark, in %"),
     (["1", "2.5"], "a decimal point"), (["1,25", "2"], "a decimal comma"), (["1e-8", "2"], "no decimal mark")],
)  # fmt: skip
def test_a_decimal_mark_is_told_only_where_the_column_has_one(cells: list[str], told: str, read: Read) -> None:
    text = "t\ty\n" + "".join(f"{at}\t{cell}\n" for at, cell in enumerate(cells * 4))
    assert f'series: the numbers of "y" have {told}' in read(text, missing="forward_fill").notes


@pytest.mark.parametrize("unit", ["", "%", " %", " €"])
@pytest.mark.parametrize(("decimal", "grouping"), CONVENTIONS)
def test_a_columns_convention_is_found_and_kept_for_questions(
    decimal: str, grouping: str, unit: str, read: Read, tmp_path: Path
) -> None:
    cells = [grouped(value, decimal, grouping, unit) for value in VALUES]
    text = "t\ty\n" + "".join(f"{at}\t{cell}\n" for at, cell in enumerate(cells))
    series = read(text)
    assert series.values.tolist() == VALUES
    assert (series.format.decimal, series.format.grouping) == (decimal, grouping)
    assert any(f"decimal {'point' if decimal == '.' else 'comma'}" in note for note in series.notes)

    before = Forecast(ForecastConfig(file=str(tmp_path / "data.csv"), window=3))
    task = Forecast.restored(before.config, before.data_facts())
    asked = "; ".join(cells[2:5])
    assert task.echo(task.parse(asked)) == pytest.approx(VALUES[2:5])
    assert task.echo(task.parse("; ".join(map(unmistakable, VALUES[2:5])))) == pytest.approx(VALUES[2:5])
    # What it writes it reads.
    shown = task.render(task.echo(task.parse(asked)))
    assert task.echo(task.parse(shown)) == pytest.approx(VALUES[2:5])
    assert shown.replace(";", "").split()[0] == f"998{decimal}25"


def test_the_digits_and_signs_of_other_scripts_are_read(read: Read) -> None:
    assert read("y\n1e5\n+3\n−3\n１２\n.5\n5.\n–7\n-1E-2\n").values.tolist() == [1e5, 3, -3, 12, 0.5, 5, -7, -0.01]
    assert read("y\n٣٫٥\n٤٫٢٥\n٥\n").values.tolist() == [3.5, 4.25, 5]
    assert read('y,z\n1,"12,34,567"\n2,"1,00,000"\n').values.tolist() == [1_234_567, 100_000]
    assert read('t,y\n1,"$1,000.50"\n2,-$3\n3,$-4\n').values.tolist() == [1000.5, -3, -4]


@pytest.mark.parametrize("mark", [",", "."])
def test_thousands_that_can_be_decimals_are_refused_until_that_is_set(mark: str, read: Read) -> None:
    text = "t\ty\n" + "".join(f"{at}\t{grouped(at, '', mark)}\n" for at in range(990, 1010))
    with pytest.raises(UserError, match=rf'line 12, column "y": "1\{mark}000" can be 1000 or 1\.000.*task\.decimal'):
        read(text)
    thousands, decimals = ("point", "comma") if mark == "," else ("comma", "point")
    assert read(text, decimal=thousands).values.tolist() == list(range(990, 1010))
    assert read(text, decimal=decimals).values.tolist() == [*range(990, 1000), *(1 + at / 1000 for at in range(10))]
    # One cell that can be read in one way only decides it.
    decided = read(f"{text}1010\t1{mark}010{'.' if mark == ',' else ','}5\n")
    assert decided.values.tolist() == [*range(990, 1010), 1010.5]


def test_three_decimals_everywhere_are_decimals(read: Read) -> None:
    values = [round(20 + 5 * np.sin(at), 3) for at in range(9)]
    assert read("y\n" + "".join(f"{value:.3f}\n" for value in values)).values.tolist() == values


@pytest.mark.parametrize(
    ("cells", "told"),
    [(["18.120", "7.250", "N/A"], '"18.120" is read as 18.12'), (["$1.000", "$2.500"], '"$1.000" is read as 1'),
     (["0.125", "18.120"], ""), (["18.120", "7.25"], ""), (["18.120", "7"], ""), (["1.234.567", "2.345"], ""),
     (["18.1200", "7.2500"], ""), (["18", "7"], ""), (["1118.120", "7.250"], "")],
)  # fmt: skip
def test_points_that_may_part_thousands_are_told(cells: list[str], told: str, read: Read) -> None:
    text = "t\ty\n" + "".join(f"{at}\t{cell}\n" for at, cell in enumerate(cells * 4))
    said = "; if its point parts thousands, set task.decimal to comma"
    try:
        notes = read(text, missing="forward_fill").notes
    except UserError as error:
        assert not told and "can be 18120 or 18.120" in str(error)
    else:
        assert [note for note in notes if said in note] == ([f"series: {told}{said}"] if told else [])
    for set_by_hand in ("point", "comma") if told else ():
        assert not any(said in note for note in read(text, missing="forward_fill", decimal=set_by_hand).notes)


def test_three_decimals_where_commas_are_decimal_marks_may_be_thousands(read: Read) -> None:
    text = "datum;umsatz\n" + "".join(f"{at};{at + 1}.{at:03d}\n" for at in range(9))
    with pytest.raises(UserError, match=r'"1\.000" can be 1000 or 1\.000.*set task\.decimal to point or comma'):
        read(text)
    assert read(text, decimal="comma").values.tolist() == [1001 * at + 1000 for at in range(9)]
    assert read(text, decimal="point").values.tolist() == pytest.approx([1.001 * at + 1 for at in range(9)])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("t;y\n1;1,5\n2;1.5\n", 'line 3, column "y": "1.5" is written otherwise than "1,5" in line 2'),
        ("t;y\n1;1.234,5\n2;7\n3;1,234.5\n", '"1,234.5" is written otherwise than "1.234,5" in line 2'),
        ("t;y\n1;1 000,5\n2;7\n3;1'000,5\n", "is written otherwise than"),
        ("t;y\n1;12%\n2;13\n", '"13" is written otherwise than "12%" in line 2'),
        ("t;y\n1;$5\n2;€5\n", "is written otherwise than"),
        ("t;y\n1;1,23,4\n", "expected a number"),
        ("t;y\n1;12:30\n", "expected a number"),
        ("t;y\n1;1_000\n", "expected a number"),
        ("t;y\n1;0x10\n", "expected a number"),
        ("t;y\n1;--5\n", "expected a number"),
        ("t;y\n1;five\n", 'expected a number, got "five"'),
        ("y\n1 100\n2 101\n3 102\n", "can be one number or two columns"),
        ("t;y\n1;1\n2;-Infinity\n", '"-Infinity" is no finite number'),
        ("t,y\n1,18,7\n2,19,9\n", "line 2: 3 cells where the first line has 2"),
    ],
)
def test_what_has_no_one_reading_is_refused(text: str, says: str, read: Read) -> None:
    with pytest.raises(UserError, match=says):
        read(text)


@pytest.mark.parametrize(
    ("decimal", "grouping", "text", "values"),
    [
        (",", "", "18,7 19,9", [18.7, 19.9]),
        (",", "", "18,7, 19,9, -,5", [18.7, 19.9, -0.5]),
        (",", "", "18.7 19.9 20", [18.7, 19.9, 20]),
        (",", ".", "1.234 1.234,5", [1234, 1234.5]),
        (".", ",", "1,234 1,234.5, 7", [1234, 1234.5, 7]),
        (".", "", "18,19,20", [18, 19, 20]),
        (".", "", "18, 19; 20 21", [18, 19, 20, 21]),
        (".", " ", "1 000; 2 000; 12.5", [1000, 2000, 12.5]),
        (".", " ", "12 1000 14", [12, 1000, 14]),
        (".", "'", "1'000 2’000", [1000, 2000]),
        *((",", " ", f"1{space}332,39 1{space}400,50", [1332.39, 1400.5]) for space in KEEPING),
        *((".", " ", f"1{space}332 1{space}400.5 7{space}12", [1332, 1400.5, 7, 12]) for space in KEEPING),
    ],
)
def test_questions_are_read_as_the_column_is(
    decimal: str, grouping: str, text: str, values: list[float], sunspots: Callable[[NumberFormat], Forecast]
) -> None:
    task = sunspots(NumberFormat(decimal, grouping))
    assert task.echo(task.parse(text))[-len(values) :] == pytest.approx(values)


@pytest.mark.parametrize(
    ("decimal", "grouping", "text", "says"),
    [
        (",", "", "1.234 2", "can be read in two ways"),
        (".", "", "18,7 19,9", "can be one number or several"),
        (".", "", "18,7", "can be one number or several.*so type 18\\.7 if it is one, else the last"),
        (".", "'", "18,7", "can be one number or several"),
        (".", " ", "1 000 2 000", "can be one number or two.*put semicolons between"),
        (",", " ", "1 332,39 1 400,50", '"1 332" can be one number or two'),
        (".", " ", "12 -7 332.5", '"-7 332" can be one number or two'),
        (",", " ", "1 332 100,5 8", '"1 332" can be one number or two'),
        (".", ",", "18,7 19", 'value 1 is "18,7", and .* a decimal point, .*; if its comma is .* type 18\\.7$'),
        (",", ".", "1.5,7 19", 'value 1 is "1\\.5,7"; type'),
        (".", "", "12 NA", "value 2 is"),
    ],
)
def test_questions_with_two_readings_are_refused(
    decimal: str, grouping: str, text: str, says: str, sunspots: Callable[[NumberFormat], Forecast]
) -> None:
    task = sunspots(NumberFormat(decimal, grouping))
    with pytest.raises(UserError, match=says):
        task.parse(text)


@pytest.fixture
def sunspots() -> Callable[[NumberFormat], Forecast]:
    config = ForecastConfig(window=4)

    def task(form: NumberFormat) -> Forecast:
        facts = Forecast(config).data_facts()
        return Forecast(config, {**facts, "format": form.plain()})

    return task


def test_a_checkpoint_from_before_conventions_still_answers() -> None:
    config = ForecastConfig(window=4)
    facts = Forecast(config).data_facts()
    del facts["format"]
    task = Forecast(config, facts)
    assert task.echo(task.parse("10 20, 30;40.5")) == [10, 20, 30, 40.5]


# Missing values

GAPS = ["", "NA", "n/a", "nan", "NaN", "null", "None", "-", "–", "?", "#N/A", " "]


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("columns", [1, 2, 3])
def test_missing_values_have_one_rule_in_every_shape_of_file(columns: int, gap: str, read: Read) -> None:
    values: list[float | None] = [1, 2, None, 4.5, None, None, 7]

    def row(at: int, value: float | None) -> str:
        cell = gap if value is None else str(value)
        return ",".join([cell, f"{at}", "x"][:columns][::-1])

    text = "\n".join([",".join("yab"[:columns][::-1]), *(row(at, value) for at, value in enumerate(values))]) + "\n"
    with pytest.raises(
        UserError, match=r'line 4, column "y": .*; 3 values are missing \(lines 4, 6, 7\).*forward_fill'
    ):
        read(text, "y")
    series = read(text, "y", missing="forward_fill")
    assert series.values.tolist() == [1, 2, 2, 4.5, 4.5, 4.5, 7]
    assert any(note == "series: 3 missing values (lines 4, 6, 7) read as the value before" for note in series.notes)


def test_values_missing_at_the_beginning_are_left_out_and_empty_rows_at_the_end_told(read: Read) -> None:
    series = read("t,y\n1,\n2,NA\n3,3\n\n4,4\n,\n,\n", missing="forward_fill")
    assert series.values.tolist() == [3, 4]
    told = [note for note in series.notes if "missing" in note]
    assert told == ["series: 2 missing values (lines 2, 3) before the first value left out"]
    assert any("3 empty rows (lines 5, 7, 8)" in note for note in series.notes)
    # From the newest to the oldest: what is missing in the last line is the first.
    series = read("year,y\n2004,4\n2003,\n2002,2\n2001,NA\n", missing="forward_fill", column="y")
    assert series.values.tolist() == [2, 2, 4]
    assert [note for note in series.notes if "missing" in note] == [
        "series: 1 missing value (line 5) before the first value left out",
        "series: 1 missing value (line 3) read as the value before",
    ]


# The first line


@pytest.mark.parametrize(
    ("head", "named"),
    [
        ("year,value", True),
        (",2019,2020", True),
        ("2019,2020", True),
        ("2021,2020,2019", True),
        ("city,2019,2020", True),
        ("2020-01-01,2020-01-02", True),
        ("101,102,103", True),
        ("5.25,6.5", False),
        ("5,6", False),
        ("5,NA", False),
        ("2020-01-01,6.5", False),
        ("01.02.2020,6.5", False),
        ("2020-01-01 12:30,6.5", False),
    ],
)
def test_names_are_told_from_data(head: str, named: bool, read: Read) -> None:
    first = head.split(",")
    dated = not named and first[0].startswith(("20", "01"))
    rows = []
    for at in range(30):
        cells = [f"{5 + np.sin(at / 4 + place):.4f}" for place in range(len(first))]
        if first[0] in ("", "city"):
            cells[0] = "Bonn"
        if dated:
            day = datetime.datetime(2020, 1, 2) + datetime.timedelta(days=at)
            cells[0] = day.strftime("%d.%m.%Y" if "." in first[0] else "%Y-%m-%d %H:%M" if ":" in head else "%Y-%m-%d")
        rows.append(",".join(cells))
    table = read_csv("\n".join([head, *rows]).encode(), "data.csv")
    assert table.columns == (tuple(first) if named else tuple(str(1 + place) for place in range(len(first))))
    assert len(table.rows) == 30 + (not named)
    assert any(("names the column" if named else "no line of names") in note for note in table.notes)


def test_the_first_line_can_be_decided_and_doubt_is_refused(read: Read) -> None:
    text = "2019\n" + "".join(f"{5 + np.sin(at)}\n" for at in range(30))
    with pytest.raises(UserError, match=r'line 1: "2019" may name the columns.*task\.header'):
        read(text)
    assert len(read(text, header="yes").values) == 30
    assert len(read(text, header="no").values) == 31
    assert read("5,6\n7,8\n9,10\n", header="yes").name == "6"


def test_data_without_names_is_known_by_what_comes_again() -> None:
    rows = "".join(f"text {at},{'pos' if at % 3 else 'neg'}\n" for at in range(30))
    assert read_csv(rows.encode(), "x.csv").columns == ("1", "2")
    assert read_csv(f"sentence,mood\n{rows}".encode(), "x.csv").columns == ("sentence", "mood")


@pytest.mark.parametrize(
    ("head", "names"),
    [("2019,2020", True), ("2020,2019", True), ("5,neg", False), ("2019,2024", None), ("7,who", None)],
)
def test_numbers_above_texts_are_names_where_they_run_on_and_else_in_doubt(head: str, names: bool | None) -> None:
    rows = "".join(f"text {at},{'pos' if at % 3 else 'neg'}\n" for at in range(30))
    data = f"{head}\n{rows}".encode()
    if names is None:
        with pytest.raises(UserError, match=r"may name the columns or be the first row of data; set task\.header"):
            read_csv(data, "x.csv")
    else:
        assert read_csv(data, "x.csv").columns == (tuple(head.split(",")) if names else ("1", "2"))


# Times


def days(count: int, step: int = 1) -> list[str]:
    first = datetime.date(2020, 1, 1)
    return [(first + datetime.timedelta(days=step * at)).isoformat() for at in range(count)]


def dated(times: Sequence[str]) -> str:
    return "date,y\n" + "".join(f"{time},{at}\n" for at, time in enumerate(times))


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y%m%d", "%Y-%m-%dT%H:%M"]
)
def test_newest_first_is_put_into_order_and_told(form: str, read: Read) -> None:
    times = [datetime.date.fromisoformat(day).strftime(form) for day in days(60)]
    assert read(dated(times)).values.tolist() == list(range(60))
    series = read(dated(times[::-1]))
    assert series.values.tolist() == list(range(59, -1, -1))
    assert any("from the newest to the oldest" in note for note in series.notes)
    assert not any("gap" in note or "time of the row before" in note for note in series.notes)


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("quarter", [f"{2000 + at // 4}Q{1 + at % 4}" for at in range(20)]),
        ("week", [f"2020-W{1 + at:02d}" for at in range(20)]),
        ("timestamp", [f"{1.6e9 + at * 0.5:.1f}" for at in range(20)]),
        ("x", [str(at) for at in range(100, 120)]),
        ("when", [f"{datetime.date(2020, 1 + at, 1):%b %Y}" for at in range(12)]),
        ("when", [f"{datetime.date(2020, 1, 1 + at):%B %d, %Y}" for at in range(20)]),
    ],
)
def test_times_of_other_kinds_are_put_into_order_too(name: str, times: list[str], read: Read) -> None:
    def text(times: Sequence[str]) -> str:
        return f"{name};y\n" + "".join(f"{time};{at}\n" for at, time in enumerate(times))

    for order, values in ((times, [*range(len(times))]), (times[::-1], [*range(len(times))][::-1])):
        series = read(text(order))
        assert series.values.tolist() == values
        assert not any("gap" in note or "time of the row before" in note for note in series.notes)
    assert any("from the newest to the oldest" in note for note in series.notes)


def test_a_column_of_numbers_in_no_order_is_no_time(read: Read) -> None:
    text = "month,date,y\n" + "".join(f"{1 + at % 12},{day},{at}\n" for at, day in enumerate(days(30)))
    assert read(text).values.tolist() == list(range(30))
    assert any(
        "from the newest" in note for note in read("\n".join(text.splitlines()[:1] + text.splitlines()[:0:-1])).notes
    )


def test_years_and_months_run_evenly(read: Read) -> None:
    months = [f"{2000 + at // 12}-{1 + at % 12:02d}" for at in range(40)]
    ends = [
        f"{2000 + at // 12}-{1 + at % 12:02d}-{[31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][at % 12]}"
        for at in range(40)
    ]
    years = [str(1990 + at) for at in range(20)]
    for times in (months, ends, years):
        series = read(dated(times).replace("date", "year"))
        assert not any("gap" in note or "uneven" in note for note in series.notes)
        backwards = read(dated(times[::-1]).replace("date", "year"))
        assert backwards.values.tolist() == [*range(len(times))][::-1]


def test_gaps_repeats_and_uneven_times_are_told(read: Read) -> None:
    def notes(times: Sequence[str]) -> str:
        return "\n".join(read(dated(times)).notes)

    assert "2 gaps: the usual step is 1 day, but that between lines 5 and 6 is 3 days" in notes(
        [day for at, day in enumerate(days(30)) if at not in (4, 5, 9)]
    )
    assert "15 rows with the time of the row before (first lines 2 and 3)" in notes(sorted(days(15) * 2))
    assert "unevenly spaced" in notes([days(400)[at * at] for at in range(20)])
    assert "1 row without a time (the first in line 4)" in notes([*days(2), "", *days(9)[3:]])
    assert "gives no order that can be read" in notes([f"2020-01-{at}" for at in range(32, 60)])


@pytest.mark.parametrize(
    "times",
    [
        [
            f"{day:02d}.{month:02d}.{year}"
            for year, month in (("99", 11), ("99", 12), ("00", 1))
            for day in range(1, 29)
        ],
        [f"{day}-{month}-{year}" for year, month in (("99", "Dec"), ("00", "Jan")) for day in range(1, 29)],
        [
            f"2020-01-{day:02d} {hour:02d}:30 {half}"
            for day in (1, 2)
            for half in ("AM", "PM")
            for hour in (12, 1, 2, 11)
        ],
    ],
)
def test_two_digit_years_cross_a_century_and_clocks_may_have_halves(times: list[str], read: Read) -> None:
    assert read(dated(times)).values.tolist() == [*range(len(times))]


@pytest.mark.parametrize("month_first", [True, False])
def test_dates_with_two_readings_are_taken_as_they_run_evenly_and_that_is_told(month_first: bool, read: Read) -> None:
    form = "{month:02d}/01/{year}" if month_first else "01/{month:02d}/{year}"
    times = [form.format(year=year, month=month) for year in (2015, 2016) for month in range(1, 13)]
    notes = " ".join(read(dated(times)).notes)
    assert f"are read {'month before day' if month_first else 'day before month'}" in notes and "gap" not in notes
    told = " ".join(read(dated([f"{day:02d}/05/2020" for day in range(1, 29)])).notes)
    assert "before" not in told, "only one reading has 28 of them"


def test_whole_numbers_that_would_lose_digits_are_refused_in_data_and_question(read: Read) -> None:
    exact = "".join(f"{2**53 + 2 * at}\n" for at in range(30))
    assert read(f"y\n{exact}").values[1] == 2**53 + 2
    with pytest.raises(UserError, match=r'line 3, column "y": "9007199254740993" has more digits'):
        read(f"y\n{2**53}\n{2**53 + 1}\n")
    with pytest.raises(UserError, match=r'value 2, "9007199254740993", has more digits'):
        read_typed(f"1 {2**53 + 1}", NumberFormat(), "numbers")


def test_rows_in_no_order_are_refused(read: Read) -> None:
    with pytest.raises(UserError, match=r'line 5: the rows are not in the order of "date"; sort the file'):
        read(dated([*days(3), days(2)[1], *days(9)[4:]]))


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("date", days(30)),
        ("when", days(30)[::-1]),
        ("when", [f"{datetime.date(2020, 1, 1 + at):%d %b %Y}" for at in range(30)]),
        ("year", [str(2220 - at) for at in range(30)]),
        ("x", [str(at) for at in range(30)]),
        ("week", [f"2020-W{1 + at:02d}" for at in range(30)]),
    ],
)
@pytest.mark.parametrize("at", [0, 5, 29])
def test_a_cell_that_is_no_time_is_named_and_nothing_is_read_unchecked(
    name: str, times: list[str], at: int, read: Read
) -> None:
    torn = [*times[:at], "Total", *times[at + 1 :]]
    with pytest.raises(UserError, match=rf'line {at + 2}, column "{name}": "Total" is no time like the others'):
        read(dated(torn).replace("date", name))
    # An empty one is none either, and the order of the others is checked all the same.
    series = read(dated([*times[:at], "", *times[at + 1 :]]).replace("date", name))
    assert any(f"1 row without a time (the first in line {at + 2})" in note for note in series.notes)
    assert series.values.tolist() == [*range(30)][:: -1 if times[1] < times[0] else 1]


def test_a_column_in_which_every_cell_is_a_time_comes_before_one_with_others(read: Read) -> None:
    rows = "".join(f"{'never' if at == 3 else day},{day},{at}\n" for at, day in enumerate(days(30)))
    assert read(f"called,date,y\n{rows}").values.tolist() == [*range(30)]


# Quotation marks


def labelled(count: int, separator: str, stray: dict[int, str]) -> str:
    def text(at: int) -> str:
        place, words = stray.get(at), f"message number {at}"
        return f'"{words}' if place == "first" else f'{words}"' if place == "last" else words

    rows = (f"{'spam' if at % 2 else 'ham'}{separator}{text(at)}\n" for at in range(count))
    return f"label{separator}text\n{''.join(rows)}"


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
@pytest.mark.parametrize(
    "stray",
    [
        {60: "first"},
        {60: "last"},
        {60: "first", 500: "first"},
        {60: "first", 500: "last"},
        {0: "first"},
        {1999: "first"},
        dict.fromkeys(range(0, 2000, 3), "first"),
    ],
)
def test_a_stray_quotation_mark_swallows_nothing(separator: str, stray: dict[int, str]) -> None:
    table = read_csv(labelled(2000, separator, stray).encode(), "x.tsv")
    assert len(table.rows) == 2000
    for at, row in enumerate(table.rows):
        expected = {"first": f'"message number {at}', "last": f'message number {at}"'}
        assert row[1] == expected.get(stray.get(at, ""), f"message number {at}")
    opened = [at for at, place in stray.items() if place == "first"]
    first = min(opened, default=None)
    assert any("quotation mark" in note for note in table.notes) == (first is not None)
    if first is not None:
        assert any(f"line{'s' if len(opened) > 1 else ''} {first + 2}" in note for note in table.notes)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_quoted_cells_of_many_lines_are_read(separator: str) -> None:
    draw = random.Random(1)
    cells = ["", "plain", "two\nlines", 'say "so"', "a, b; c", "\n\n", '"', "x" * 500, "many\n" * 40, "tab\there", '""']
    rows = [[str(at), draw.choice(cells), draw.choice(["pos", "neg"])] for at in range(300)]
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator, lineterminator="\n").writerows([["id", "text", "label"], *rows])
    table = read_csv(stream.getvalue().encode(), "x.csv")
    assert table.rows == rows
    assert not any("quotation" in note for note in table.notes)


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    "text",
    ['say "red"{0} please\nnow', "red{0} please\nnow", 'a{0} "b"\nc{0} d\ne', '"{0}"\n"', "{0}x\n" * 9 + "end"],
)
def test_a_quoted_cell_whose_lines_look_like_rows_is_one_where_the_file_is_seen_to_quote(
    text: str, separator: str, quoting: int
) -> None:
    rows = [[text.format(separator), "1 r"], ["plain", "2 b"], ["two\nlines", "3 y"], [text.format(separator), "4"]]
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator, lineterminator="\n", quoting=quoting).writerows([["source", "to"], *rows])
    table = read_csv(stream.getvalue().encode(), "x.csv")
    assert table.rows == rows
    assert not any("quotation" in note for note in table.notes)


@pytest.mark.parametrize(
    "rows",
    [
        ['say "so",1', '"red, please', 'now",1', '"a, b",2'],  # a mark in a cell that is not quoted
        ['"red, please', 'now",1', '"a, b",2', "x"],  # not all rows are as long
        ['"red, please', 'now",1', '"a, b",2', '"x,1'],  # one is never closed
        ['"red, please', 'now",1', '"a",2', "b,3"],  # nothing else needs its marks
    ],
)
def test_marks_that_may_be_stray_ones_swallow_no_row(rows: list[str]) -> None:
    table = read_csv("\n".join(["source,target", *rows]).encode(), "x.csv", "yes")
    assert len(table.rows) == 4
    assert table.rows[rows.index('now",1')] == ['now"', "1"]


# Bytes


def test_a_bad_byte_is_named_and_does_not_change_how_the_rest_is_read(read: Read) -> None:
    text = "t,saison,y\n" + "".join(f"{at},{'été' if at % 2 else 'hiver'},{at}\n" for at in range(100))
    data = text.encode()
    for bad in (b"\xff", b"\xe9", b"\xc3", b"\x80"):
        with pytest.raises(
            UserError,
            match=rf"line \d+: byte 0x{bad.hex().upper()} \(byte 501 of the file\) is no UTF-8; put the character",
        ):
            read(data[:500] + bad + data[500:])
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "latin-1"):
        assert read(text.encode(encoding), "y").values.tolist() == list(range(100))
    # By hand a few places are put right, never thousands.
    wrong = (
        r"data.csv, line 1: byte 0xC8 \(byte 1 of the file\) is no UTF-8 \(and [\d,]+ more places\); "
        r"set task\.encoding to what it is in, or save the file"
    )
    with pytest.raises(UserError, match=wrong):
        read("日期,销售额\n1,2\n2,3\n".encode("gbk") * 100)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["year,value\n1,2\n", "jährlich,größer\r\n1,2\r\n"])
def test_utf_16_without_a_mark_is_named(read: Read, encoding: str, text: str) -> None:
    named = encoding.upper().replace("16-", "16")
    with pytest.raises(UserError, match=f"can't be read as text: it looks like UTF-16 without a mark.*-f {named} "):
        read(text.encode(encoding))


# Forecasts in as many digits as they need


@pytest.mark.parametrize(
    "values",
    [
        [999998.943, 999997.2, 1000000.9, 1000001.0],
        [1e6, 1e6 + 1e-4, 1e6 + 2e-4],
        [0.1, 0.2, 0.1],
        [1e-9, 2e-9],
        [3.0, 3.0],
        [123456789.0, 123456790.0],
        [-0.5, float("nan")],
    ],
)
def test_different_numbers_look_different(values: list[float]) -> None:
    texts = distinct(values)
    assert len(set(texts)) == len({repr(value) for value in values})
    for text, value in zip(texts, values, strict=True):
        assert float(text) == pytest.approx(value, rel=1e-5, nan_ok=True)
    assert all("e" not in text or abs(value) < 1e-6 for text, value in zip(texts, values, strict=True))


def test_tiny_numbers_have_one_spelling() -> None:
    assert distinct([1e-9, 2.5e-12, 3e20]) == ["1e-9", "2.5e-12", "3e20"]


def test_answers_keep_all_that_a_float32_holds(tmp_path: Path) -> None:
    values = [round(1_000_000 + 3 * np.sin(at / 3), 3) for at in range(200)]
    path = tmp_path / "big.csv"
    path.write_text("y\n" + "".join(f"{value:.3f}\n" for value in values))
    task = Forecast(ForecastConfig(file=str(path), window=8))
    assert task.echo(task.parse("")) == values[-8:]
    assert task.window_before_end(5)[1] == values[-5:]
    answer = np.random.default_rng(0).normal(size=6).astype(np.float32)
    facts = task.data_facts()
    exact = answer.astype(np.float64) * facts["deviation"] + facts["mean"]
    assert task.read_answer(answer, answer) == pytest.approx(exact, rel=1e-12)


def test_remarks_say_what_was_not_read() -> None:
    task = Forecast(ForecastConfig(window=4))
    assert task.remarks("") == task.remarks("1 2 3 4") == []
    assert task.remarks("1 2 3 4 5 6") == ["only the last 4 of 6 values were read"]
    assert task.remarks("7") == ["the mean of the training values stands for the 3 before those typed"]
