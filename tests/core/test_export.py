"""Exports: read back by other programs' readers, and compared with what the run holds."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from seqsum.cli import main
from seqsum.config import Config
from seqsum.export import run_plot as plotting
from seqsum.export.run_plot import LEFT, RIGHT, WIDTH, plot
from seqsum.plotting import axes
from seqsum.plotting.drawing import Area, Line, Picture, Words
from seqsum.plotting.nonfinite import KEY_COLOUR
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.training.trainer import Trainer
from support.stores import alter

NAME = 'a <b> & "c" é|'
POINTS = {
    "loss": {10: 0.1 + 0.2, 20: float("nan"), 30: 1 / 3, 40: 0.25},
    "lr": {10: 1e-3, 30: 1e-4},
    "accuracy": {20: 0.5, 40: 1.0},
    "=SUM(A1)": {10: math.inf},
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Workspace(tmp_path / "runs").create("baseline", Config(), NAME)
    with run.store() as store:
        store.append((name, step, value) for name, points in POINTS.items() for step, value in points.items())
        store.add_event(10, "message", text="\x1b[31mred")
    return run


def export(run: Run, *arguments: str) -> int:
    return main(["export", run.id, "--workspace", str(run.folder.parent), *arguments])


def test_csv(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "out.csv"
    assert export(run, "--output", str(path)) == 0
    header, *rows = csv.reader(io.StringIO(path.read_text()))
    assert header == ["step", "loss", "lr", "accuracy", "'=SUM(A1)"], "no spreadsheet may take a name for a formula"
    assert [row[0] for row in rows] == ["10", "20", "30", "40"]
    for row in rows:
        for name, cell in zip(POINTS, row[1:], strict=True):
            expected = POINTS[name].get(int(row[0]))
            assert cell == "" if expected is None else np.array_equal(float(cell), expected, equal_nan=True)
    assert capsys.readouterr().out.endswith(f"csv in {path}, {path.stat().st_size} bytes\n")
    assert export(run, "--format", "csv", "--output", "-") == 0
    assert capsys.readouterr().out == path.read_text()


def test_json(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    assert export(run, "--output", str(path)) == 0
    whole = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert whole["metrics"]["loss"] == {"steps": [10, 20, 30, 40], "values": [0.1 + 0.2, None, 1 / 3, 0.25]}
    assert (whole["name"], whole["status"], whole["record"]["id"]) == (NAME, "queued", run.id)
    assert Config.parse(whole["config"], "test") == Config()
    assert whole["events"][0]["detail"] == {"text": "\x1b[31mred"} and "\x1b" not in path.read_text()


def test_svg(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "out.svg"
    assert export(run, "--output", str(path)) == 0
    tree = ElementTree.parse(path).getroot()
    space = "{http://www.w3.org/2000/svg}"
    words = [element.text for element in tree.iter(f"{space}text")]
    assert f"{NAME} ({run.id})" in words and {"loss", "accuracy", "learning rate", "step"} <= set(words)
    width = float(tree.get("width", "0"))
    curves = [
        [tuple(map(float, place.split(","))) for place in line.get("points", "").split()]
        for line in tree.iter(f"{space}polyline")
        if line.get("stroke-width") == "1.6"
    ]
    # Loss is cut in two by its NaN; then accuracy; then the learning rate.
    assert [len(curve) for curve in curves] == [2, 2, 2, 2]
    (_, low), (_, high) = curves[2]
    assert low > high, "0.5 lies below 1.0"
    # Steps 20 and 40 of 0…40: accuracy's second place is twice as far from the axis as its first.
    axis = 74
    assert curves[2][1][0] - axis == pytest.approx(2 * (curves[2][0][0] - axis), abs=0.2)
    assert all(0 <= x <= width for curve in curves for x, _ in curve)


def test_the_measure_of_a_series_and_of_a_text_is_drawn(run: Run, tmp_path: Path) -> None:
    measures = ("mae", "mae_same_as_last", "horizon_mae", "bits_per_character")
    with run.store() as store:
        store.append((name, step, 1 / step) for name in measures for step in (10, 20, 40))
    assert export(run, "--output", str(tmp_path / "out.svg")) == 0
    drawn = (tmp_path / "out.svg").read_text()
    assert all(f">{name.replace('_', ' ')}<" in drawn for name in measures) and "mean absolute error" in drawn


def test_png(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    assert export(run, "--output", str(path)) == 0
    picture = Image.open(path).convert("RGB")
    svg = tmp_path / "out.svg"
    export(run, "--output", str(svg))
    root = ElementTree.parse(svg).getroot()
    assert picture.size == (2 * int(root.get("width", "0")), 2 * int(root.get("height", "0")))
    colors = {color for _, color in picture.getcolors(10**7) or []}
    assert (255, 255, 255) in colors and (0x0B, 0x62, 0xA4) in colors


def test_weights(run: Run, tmp_path: Path) -> None:
    trainer = Trainer(Config())
    trainer.run_chunk()
    trainer.save(run.checkpoints)
    path = tmp_path / "out.safetensors"
    assert export(run, "--output", str(path)) == 0
    with safe_open(path, "pt") as file:
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        facts = file.metadata()
    expected = trainer.model.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert (facts["run"], facts["step"], facts["name"]) == (run.id, "1", NAME)
    assert Config.parse(json.loads(facts["config"]), "test") == Config()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--output", "out.xyz"), 'no format "xyz"; choose one of csv, json, parquet, svg, png, pdf, weights'),
        (("--output", "out.csv", "--format", "xls"), 'no format "xls"'),
        (("--output", "-", "--format", "png"), "png is no text"),
        (("--output", "no/such/folder/out.csv"), "can't write no/such/folder/out.csv: No such file or directory"),
        (("--output", ".", "--format", "csv"), "is a folder"),
        (("--output", "out.safetensors"), "has no checkpoint yet"),
    ],
)
def test_what_can_not_be_exported(
    arguments: tuple[str, ...], said: str, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(run.folder.parent)
    before = sorted(run.folder.parent.iterdir())
    assert export(run, *arguments) == 2
    assert said in capsys.readouterr().err
    assert sorted(run.folder.parent.iterdir()) == before


def test_nothing_is_overwritten_unasked(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, link = tmp_path / "out.csv", tmp_path / "link.csv"
    path.write_text("mine")
    link.symlink_to(tmp_path / "gone")
    assert export(run, "--output", str(path)) == export(run, "--output", str(link)) == 2
    assert path.read_text() == "mine" and "--force" in capsys.readouterr().err
    assert export(run, "--output", str(path), "--force") == 0
    assert path.read_text().startswith("step,")


def test_a_link_is_written_through_and_what_is_no_file_stays(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, link, pipe = tmp_path / "target.csv", tmp_path / "link.csv", tmp_path / "pipe.csv"
    link.symlink_to(target)
    for _ in range(2):  # where the file is not there yet, and where it is
        assert export(run, "--output", str(link), "--force") == 0
        assert link.is_symlink() and target.read_text().startswith("step,")
    os.mkfifo(pipe)
    assert export(run, "--output", str(pipe), "--force") == 2
    assert "is no file" in capsys.readouterr().err and pipe.is_fifo()


@pytest.mark.parametrize("format", ["csv", "svg"])
def test_a_run_without_points(format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Workspace(tmp_path / "runs").create("baseline", Config())
    assert export(run, "--format", format, "--output", str(tmp_path / "out")) == 2
    assert "has no metrics" in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("metrics", [["loss"], ["loss", "accuracy"], ["loss", "accuracy", "eval_loss"]])
@pytest.mark.parametrize("broken", ["x'00'", "'abc'"])
def test_metrics_without_a_number_are_left_out(metrics: list[str], broken: str, tmp_path: Path) -> None:
    run = Workspace(tmp_path / "runs").create("baseline", Config())
    with run.store() as store:
        store.append((name, step, 0.5) for name in [*metrics, "lr"] for step in range(3))
        for name in metrics:
            alter(store, f"UPDATE pt SET value = {broken} WHERE metric = (SELECT id FROM metric WHERE name = ?)", name)
        assert not any(store.points(name)[0].size for name in metrics)
    assert export(run, "--format", "svg", "--output", str(tmp_path / "out.svg")) == 0
    text = (tmp_path / "out.svg").read_text()
    assert "learning rate" in text and not any(f">{name}" in text for name in metrics)


@pytest.mark.parametrize(("value", "points"), [(0.5, 1), (0.0, 3), (float("nan"), 3), (math.inf, 2), (-1e300, 2)])
def test_odd_runs_are_drawn(value: float, points: int, tmp_path: Path) -> None:
    run = Workspace(tmp_path / "runs").create("baseline", Config())
    with run.store() as store:
        store.append(("loss", step, value) for step in range(points))
    for format in ("svg", "png"):
        assert export(run, "--format", format, "--output", str(tmp_path / f"out.{format}")) == 0
    text = (tmp_path / "out.svg").read_text()
    places = " ".join(re.findall(r'(?:points|x|y)="([^"]*)"', text))
    assert "nan" not in places and "inf" not in places
    assert ("+infinity" in text) == (value == math.inf) and ("NaN" in text) == math.isnan(value)


def test_each_kind_of_value_without_a_place_has_its_mark_at_its_step(tmp_path: Path) -> None:
    run = Workspace(tmp_path / "runs").create("baseline", Config())
    bad = {20: math.inf, 50: math.nan, 70: -math.inf}
    with run.store() as store:
        store.append(("loss", step, bad.get(step, 1.0)) for step in range(0, 101, 10))
    picture = plot(run)
    crosses = [
        mark.places
        for mark in picture.marks
        if isinstance(mark, Line) and mark.color != KEY_COLOUR and _slants(mark.places)
    ]
    arrows = [mark.places for mark in picture.marks if isinstance(mark, Area) and mark.color != KEY_COLOUR]
    across = [(LEFT + step / 100 * (WIDTH - RIGHT - LEFT)) for step in bad]
    assert [arrow[0][0] for arrow in arrows] == pytest.approx([across[0], across[2]])
    up, down = (arrow[0][1] - arrow[1][1] for arrow in arrows)
    assert up < 0 < down and arrows[0][0][1] < arrows[1][0][1], "one points up at the top, one down at the bottom"
    assert [(one[0][0] + one[1][0]) / 2 for one in crosses] == pytest.approx([across[1]] * 2)
    assert {mark.text for mark in picture.marks if isinstance(mark, Words)} >= {"NaN", "+infinity", "-infinity"}


def _slants(places: tuple[tuple[float, float], ...]) -> bool:
    (x, y), (to_x, to_y) = places[0], places[-1]
    return len(places) == 2 and x != to_x and y != to_y


# What is not finite, outliers, ends


def curve_run(folder: Path, values: list[float] | np.ndarray) -> Run:
    made = Workspace(folder).create("baseline", load_preset("baseline").config, "made")
    with made.store() as store:
        store.append([("loss", step, float(value)) for step, value in enumerate(values)])
    return made


def lines_of(picture: Picture, color: str) -> list[Line]:
    return [mark for mark in picture.marks if isinstance(mark, Line) and mark.color == color and len(mark.places) > 3]


BLUE = plotting.STYLES[0][0]


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("count", "every"), [(300, 7), (20_000, 50), (20_000, 3), (20_000, 64)])
def test_a_value_that_is_not_finite_hides_no_other(tmp_path: Path, broken: float, count: int, every: int) -> None:
    """The line is that of the same run without those values, but for the gaps between single points."""
    steps = np.arange(count)
    fine = 2 * np.exp(-steps / count) + 0.1
    whole = lines_of(plotting.plot(curve_run(tmp_path / "fine", fine)), BLUE)
    values = np.where(steps % every == 1, broken, fine)
    made = plotting.plot(curve_run(tmp_path / "broken", values))
    drawn = lines_of(made, BLUE)
    assert len(whole) == 1
    if count > 1000:
        assert len(drawn) == 1
        np.testing.assert_allclose(drawn[0].places, whole[0].places, atol=1.0)
    else:
        places = [place for line in drawn for place in line.places]
        assert set(places) <= set(whole[0].places) and len(places) >= 0.8 * (count - count // every - 2)
    key = {math.nan: "NaN", math.inf: "+infinity", -math.inf: "-infinity"}[broken]
    assert any(isinstance(mark, Words) and mark.text == key for mark in made.marks)


def test_an_outlier_is_told_and_left_out_or_the_ends_are_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = curve_run(tmp_path, [1e30 if step == 100 else 0.5 + step / 1000 for step in range(200)])

    def made(*options: str) -> tuple[str, str]:
        file = tmp_path / "made.svg"
        code = export(run, "--output", str(file), "--force", *options)
        return file.read_text() if code == 0 else "", capsys.readouterr().err

    content, said = made()
    assert "a few outliers flatten the rest" in content and "--no-outliers or --ylim" in said
    content, said = made("--no-outliers")
    assert "outliers left out" in content and "above the range" in content and said == ""
    content, said = made("--ylim", "0,0.6")
    assert "above the range" in content and "outliers" not in content and said == ""
    content, said = made("--ylim", ",0.6")
    assert "above the range" in content
    wrong = {
        "2,1": "2 is not below 1",
        "x,1": '"x" is no number',
        "1": '"1" is no range',
        "nan,1": '"nan" is no number',
    }
    for text, words in wrong.items():
        content, said = made("--ylim", text)
        assert content == "" and said.count(words) == 1
    assert export(run, "--output", str(tmp_path / "made.csv"), "--no-outliers") == 2


def test_lines_are_cut_where_they_leave_the_range() -> None:
    scale = axes.Scale(0.0, 1.0, 100.0, 0.0)
    lines = axes.lines_on(scale, [0.0, 1.0, 2.0, 3.0, 4.0], [0.5, 1.5, 0.5, -1.5, 2.5])
    assert lines == [
        ((0.0, 50.0), (0.5, 0.0)),
        ((1.5, 0.0), (2.0, 50.0), (2.25, 100.0)),
        ((3.375, 100.0), (3.625, 0.0)),
    ]
    assert axes.lines_on(scale, [0.0, 1.0], [2.0, 3.0]) == []
    assert axes.lines_on(scale, [0.0], [0.25]) == [((0.0, 75.0),)]
