"""What a person says of a file: how its characters are written, and where in a JSON object a value lies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from seqsum.errors import UserError
from seqsum.tasks.character_lm import CharacterLm, CharacterLmConfig
from seqsum.tasks.forecast import Forecast, ForecastConfig
from seqsum.tasks.labelled_lines import LinesSource, read_lines
from seqsum.tasks.series import SeriesSource, read_series
from seqsum.tasks.text_classification import TextClassification, TextClassificationConfig
from seqsum.tasks.text_files import Encoding, decode

SAMPLES = {
    "windows-1251": "привет, мир",
    "koi8-r": "привет, мир",
    "windows-1250": "příliš žluťoučký",
    "iso-8859-2": "příliš žluťoučký",
    "gb18030": "你好,世界",
    "big5": "你好,世界",
    "shift_jis": "こんにちは",
    "euc_jp": "こんにちは",
    "euc_kr": "안녕하세요",
    "iso-8859-15": "grün € été",
}


@pytest.mark.parametrize("encoding", [one for one in get_args(Encoding) if one != "auto"])
def test_a_text_is_read_in_the_encoding_that_is_named(encoding: Encoding, tmp_path: Path) -> None:
    text = SAMPLES.get(encoding, "grün, été")
    data = f"{text}\r\nzwei\n".encode(encoding)
    found = decode(data, encoding=encoding)
    assert (found.text, found.replaced) == (f"{text}\nzwei\n", 0)
    path = tmp_path / "text.txt"
    path.write_bytes(data * 8)
    task = CharacterLm(CharacterLmConfig(corpus=str(path), encoding=encoding, held_out_share=0.1))
    assert set(text) <= {*task.class_names(), "\n"}
    rows = "".join(f"{text} {place};{'ab'[place % 2]}\n" for place in range(40))
    (tmp_path / "texts.csv").write_bytes(f"text;label\n{rows}".encode(encoding))
    lines = read_lines(LinesSource(str(tmp_path / "texts.csv"), encoding=encoding))
    assert all(read.startswith(text) for read, _ in lines.training)


def test_a_byte_that_the_named_encoding_lacks_is_told_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_bytes("text,label\nпривет,a\nмир,b\n".encode("windows-1251"))
    with pytest.raises(
        UserError, match=r"texts\.csv, line 2: byte 0xEF .* is no UTF-8 .*set task\.encoding to what it is"
    ):
        read_lines(LinesSource(str(path)))
    with pytest.raises(UserError, match=r"texts\.csv, line 3: byte 0xF0 .* is no EUC_KR"):
        read_series(SeriesSource(str(path), encoding="euc_kr"))
    (tmp_path / "marked.txt").write_bytes(b"\xff\xfe" + "Text mit Marke".encode("utf-16-le"))
    assert decode((tmp_path / "marked.txt").read_bytes(), encoding="utf-16-le").text == "Text mit Marke"


def objects(count: int) -> list[dict[str, Any]]:
    return [
        {
            "id": place,
            "messages": [{"role": "user", "content": f"{word} {place}"}, {"role": "x"}],
            "meta": {"label": {"name": word}, "a.b": place},
            "dotted.key": f"own {place}",
        }
        for place in range(count)
        for word in ("even", "odd")
    ]


def write(path: Path, rows: list[Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_texts_and_labels_are_read_where_a_path_leads(tmp_path: Path) -> None:
    file = write(tmp_path / "deep.jsonl", objects(60))
    config = TextClassificationConfig(file=file, text_column="messages.0.content", label_column="meta.label.name")
    task = TextClassification(config)
    assert task.labels == ["even", "odd"]
    lines = read_lines(LinesSource(file, "messages.0.content", "meta.label.name"))
    pairs = {(row["messages"][0]["content"], row["meta"]["label"]["name"]) for row in objects(60)}
    assert {*lines.training, *lines.held_out} == pairs
    # A key that is written with a point is that key.
    assert {text for text, _ in read_lines(LinesSource(file, "dotted.key", "meta.label.name")).training} <= {
        f"own {place}" for place in range(60)
    }
    test = write(tmp_path / "test.jsonl", [{"messages": [{"content": "odd 7777"}], "meta": {"label": {"name": "odd"}}}])
    tested = TextClassification(config.model_copy(update={"test_file": test}))
    (part,) = tested.of_test().held_out()
    assert tested.echo(part.inputs[0]) == "odd 7777"


def test_a_series_is_read_where_a_path_leads(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=60).round(5)
    file = write(
        tmp_path / "deep.jsonl", [{"when": n, "out": {"v": [0, value]}} for n, value in enumerate(values.tolist())]
    )
    assert np.array_equal(read_series(SeriesSource(file, "out.v.1")).values, values)
    assert Forecast(ForecastConfig(file=file, column="out.v.1", window=4)).data_facts()["column"] == "out.v.1"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("messages.2.content", r'task\.text_column: deep\.jsonl has no column "messages\.2\.content"'),
        ("messages.-1.content", r'has no column "messages\.-1\.content"'),
        ("messages.99999999999999999999.content", "has no column"),
        ("meta.labels.name", r'has no column "meta\.labels\.name"'),
        ("." * 40, "has no column"),
    ],
)
def test_a_path_that_leads_nowhere_is_no_column(path: str, says: str, tmp_path: Path) -> None:
    file = write(tmp_path / "deep.jsonl", objects(20))
    with pytest.raises(UserError, match=says):
        read_lines(LinesSource(file, path, "meta.label.name"))


def test_a_row_without_what_others_have_is_empty_there(tmp_path: Path) -> None:
    rows = objects(30)
    rows[3]["messages"] = []
    rows[4]["messages"] = "none"
    file = write(tmp_path / "deep.jsonl", rows)
    with pytest.raises(
        UserError, match=r"line 4, column .messages\.0\.content.: the text is empty; 2 rows are without"
    ):
        read_lines(LinesSource(file, "messages.0.content", "meta.label.name"))
    lines = read_lines(LinesSource(file, "messages.0.content", "meta.label.name", missing="drop"))
    assert len(lines.training) + len(lines.held_out) == 58
