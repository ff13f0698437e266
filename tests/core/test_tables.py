"""Reading tables that people name: dialects, encodings, and every way they can be wrong."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqsum.errors import UserError
from seqsum.tasks.series import SeriesSource, read_series
from seqsum.tasks.tables import read_csv, read_json_lines
from seqsum.tasks.text_files import read_bytes


@pytest.fixture
def numbers(tmp_path: Path) -> Callable[..., list[float]]:
    """The values of a column, as a series reads it."""

    def read(text: str | bytes, column: str | None = None, **how: Any) -> list[float]:
        path = tmp_path / "data.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        values: list[float] = read_series(SeriesSource(str(path), column, **how)).values.tolist()
        return values

    return read


Numbers = Callable[..., list[float]]


@pytest.mark.parametrize(
    "text",
    [
        "year,value\n1,10\n2,20.5\n3,-3e2\n",
        "year;value\n1;10\n2;20,5\n3;-3e2\n",
        "year\tvalue\r\n1\t10\r\n2\t20.5\r\n3\t−300\r\n",
        "year|value\n1|10\n2|20.5\n3|-300",
        '"year","value"\n"1","10"\n"2","20.5"\n"3","-300"\n',
        "\n# measured, by hand; twice\nyear, value\n1, 10\n\n2, 20.5\n  \n3, -300\n\n",
        "\ufeffyear,value\n1,10\n2,20.5\n3,-300\n",
        'year,note,value\n1,"a, b\nc",10\n2,"say ""hi""",20.5\n3,,-300\n',
    ],
)
def test_the_common_dialects_are_read_alike(text: str, numbers: Numbers) -> None:
    assert numbers(text, "value") == [10, 20.5, -300]
    assert numbers(text) == [10, 20.5, -300]


def test_without_names_columns_are_numbered(numbers: Numbers) -> None:
    assert numbers("1,10\n2,20\n", "1") == [1, 2]
    assert numbers("10\n20\n30\n") == [10, 20, 30]


def test_other_encodings_are_read(numbers: Numbers) -> None:
    assert numbers("année,activité\n1,5\n".encode("latin-1"), "activité") == [5]
    assert numbers("année,activité\n1,5\n".encode(), "activité") == [5]
    assert numbers("année,activité\n1,5\n".encode("utf-16"), "activité") == [5]


def test_what_pythons_own_writer_writes_is_read_back() -> None:
    rows = [["a", "b,c"], ["x\ny", 'say "q"'], ["", "ü;|"], ["'", "1,5"]]
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    table = read_csv(stream.getvalue().encode(), "data.csv")
    assert [list(table.columns), *table.rows] == rows


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "data.csv is empty; it needs a line of column names"),
        ("\n \n# nothing\n", "data.csv is empty"),
        ("year,value\n", "data.csv has column names but no rows"),
        ("PK\x03\x04\0\0,1\n", "data.csv can't be read as text: it holds zero bytes"),
        ("year,value\n1,2\n2,three\n", 'line 3, column "value": expected a number, got "three"'),
        ("year,value\n1,2\n\n2,1_000\n", 'line 4, column "value": expected a number, got "1_000"'),
        ("year,value\n1,2\n2,\n", 'line 3, column "value": the cell is empty'),
        ("year,value\n1,2\n2\n", 'line 3, column "value": the cell is empty'),
        ("year,value\n1,2\n2,NaN\n", 'line 3, column "value": "NaN" is a missing value'),
        ("year,value\n1,inf\n", 'line 2, column "value": "inf" is no finite number'),
        ("year,value\n1," + "9" * 100_000, "is no finite number"),
        ("year,value\n1," + "x" * 100_000, "expected a number"),
        ('note,value\n"a\nb\nc",1\nd,x\n', 'line 5, column "value": expected a number, got "x"'),
        ("year,value\n1,\x1b[31mred\n", r"\\x1b\[31mred"),
    ],
)
def test_a_bad_cell_is_named_with_its_line(text: str, says: str, numbers: Numbers) -> None:
    with pytest.raises(UserError, match=says) as caught:
        numbers(text)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_a_missing_column_is_answered_with_the_nearest_or_with_all(numbers: Numbers) -> None:
    with pytest.raises(UserError, match=r'task\.column: data\.csv has no column "vale"; did you mean "value"\?'):
        numbers("year,value\n1,2\n", "vale")
    with pytest.raises(UserError, match='no column "q"; the columns are "year", "value"'):
        numbers("year,value\n1,2\n", "q")
    with pytest.raises(UserError, match='"c11" and 88 more'):
        numbers(",".join(f"c{place}" for place in range(100)) + "\n1\n", "zzz")


def test_files_that_cant_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("a\n1\n")
    with pytest.raises(UserError, match=r'there is no file "sale\.csv" in .*; did you mean "sales\.csv"\?'):
        read_bytes(str(tmp_path / "sale.csv"), "task.file")
    with pytest.raises(UserError, match="is a folder; name a file in it"):
        read_bytes(str(tmp_path), "task.file")
    with pytest.raises(UserError, match="there is no file"):
        read_bytes(str(tmp_path / "nowhere" / "x.csv"), "task.file")
    with pytest.raises(UserError, match=r"task\.file: "):
        read_bytes(str(tmp_path / "a\0b"), "task.file")
    with pytest.raises(UserError, match=r"task\.file: "):
        read_bytes(str(tmp_path / ("x" * 5000)), "task.file")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="is not a plain file"):
        read_bytes(str(tmp_path / "pipe"), "task.file")
    with (tmp_path / "huge.csv").open("wb") as file:
        file.truncate(600_000_000)
    with pytest.raises(UserError, match="is larger than 500 MB"):
        read_bytes(str(tmp_path / "huge.csv"), "task.file")


@pytest.mark.parametrize(
    ("text", "column"),
    [("v,w,v\n1,2,3\n", None), ("v,w,v\n1,2,3\n", "v"), ("v,v\n1,2\n", None), ("a, ,\n1,2,3\n", None)],
)
def test_of_two_columns_with_one_name_none_is_taken(text: str, column: str | None, numbers: Numbers) -> None:
    with pytest.raises(UserError, match=r'task\.column: data\.csv has 2 columns ".?"; give them names of their own'):
        numbers(text, column)


@pytest.mark.parametrize("ending", ["jsonl", "ndjson", "json"])
def test_a_series_is_read_from_json_lines_as_from_csv(ending: str, tmp_path: Path) -> None:
    values = [1.5, -2e-7, 3.125, 4, 12.001]
    for at, order in ((0, values), (1, values[::-1])):
        file = tmp_path / f"{at}.{ending}"
        times = [2000, 2001, 2002, 2003, 2004][:: -1 if at else 1]
        file.write_text(
            "".join(json.dumps({"year": t, "v": v, "note": None}) + "\n" for t, v in zip(times, order, strict=True))
        )
        assert read_series(SeriesSource(str(file), "v")).values.tolist() == values
    (tmp_path / f"2.{ending}").write_text(json.dumps([{"v": value} for value in values], indent=1))
    with pytest.raises(UserError, match=rf"2\.{ending} holds a JSON array; save it as JSON Lines"):
        read_series(SeriesSource(str(tmp_path / f"2.{ending}")))


def test_json_lines_are_a_table_of_text() -> None:
    table = read_json_lines(b'{"text": "a", "label": 1}\n\n{"label": true, "text": null, "more": [1]}\n', "d.jsonl")
    assert table.columns == ("text", "label", "more")
    assert table.rows == [["a", "1", ""], ["", "true", "[1]"]]
    assert table.places == [1, 3]
    for bad in (b'{"text": "a"}\n{"text": \n', b'{"text": "a"}\n[1]\n', b'{"a": 1}\n' + b"[" * 100_000):
        with pytest.raises(UserError, match=r"d\.jsonl, line 2: expected a JSON object") as caught:
            read_json_lines(bad, "d.jsonl")
        assert len(str(caught.value)) < 200
    with pytest.raises(UserError, match=r'd\.jsonl, line 1: the key "a" stands twice'):
        read_json_lines(b'{"a": 1, "a": 2}\n', "d.jsonl")
    with pytest.raises(UserError, match=r"d\.jsonl is empty"):
        read_json_lines(b"\n \n", "d.jsonl")
