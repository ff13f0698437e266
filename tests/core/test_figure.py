"""Figures for papers: as wide as asked for, nothing over anything else, bands where the quantiles are."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from fpdf.fonts import CORE_FONTS_CHARWIDTHS
from PIL import Image

from seqsum.cli import main
from seqsum.compare.figure import FigureOptions, figure
from seqsum.config import Config
from seqsum.plotting.axes import ValueAxis
from seqsum.plotting.drawing import Area, Line, Picture, Words
from seqsum.runs import Run, Workspace

STEPS = np.arange(50, 2001, 50)
GROUPS = ("lstm", "a transformer with four heads", "gru")


def curve(group: int, seed: int) -> np.ndarray:
    return np.exp(-STEPS / (200.0 * (1 + group + seed / 3))) * 0.9 + 0.01 * (group + 1)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(tmp_path_factory.mktemp("runs"))
    for group, name in enumerate(GROUPS):
        for seed in range(5):
            config = Config().changed({"track.group": name, "train.seed": seed}, "test")
            run = made.create("baseline", config, f"{name}-{seed}")
            with run.store() as store:
                loss = curve(group, seed)
                store.append_rows({"loss": list(zip(STEPS.tolist(), loss.tolist(), strict=True))})
                store.append_rows({"accuracy": list(zip(STEPS.tolist(), (1 - loss).tolist(), strict=True))})
                store.set_state(status="finished", step=2000)
    for number in range(7):
        run = made.create("baseline", Config(), f"a run with a name that is as long as can be {number} " + "x" * 120)
        with run.store() as store:
            store.append([("loss", 1, 1e-9), ("loss", 10**6, 123_456.789), ("loss", 2 * 10**6, float("nan"))])
            store.set_state(status="finished", step=2 * 10**6)
    return made


def ids(workspace: Workspace, *groups: str) -> list[str]:
    return [run.id for group in groups for run in reversed(workspace.members(group))]


def box(words: Words) -> tuple[float, float, float, float]:
    """Where a text stands in Helvetica: left, top, right, bottom; no letter of ours goes below its line by more."""
    letters = CORE_FONTS_CHARWIDTHS["helvetica"]
    width = words.size * sum(letters.get(letter, 600) for letter in words.text) / 1000
    left = words.place[0] - {"start": 0.0, "middle": 0.5, "end": 1.0}[words.anchor] * width
    return left, words.place[1] - 0.73 * words.size, left + width, words.place[1] + 0.2 * words.size


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def axes_of(picture: Picture) -> list[Line]:
    """The corners of each plot: left top, left bottom, right bottom."""
    lines = [mark for mark in picture.marks if isinstance(mark, Line)]
    return [line for line in lines if line.color == "#666666" and len(line.places) == 3]


@pytest.mark.parametrize("width", [100.0, 3.3 * 72, 6.75 * 72])
@pytest.mark.parametrize("metrics", [["loss"], ["loss", "accuracy"]])
@pytest.mark.parametrize("log", [False, True])
def test_no_words_lie_over_others_or_over_the_curves(
    width: float, metrics: list[str], log: bool, workspace: Workspace
) -> None:
    singles = [run.id for run in workspace.runs() if "long" in run.name]
    for chosen in (ids(workspace, *GROUPS), ids(workspace, "gru"), singles if metrics == ["loss"] else []):
        if not chosen:
            continue
        options = FigureOptions(width, metrics, ValueAxis(log=log), log_x=log)
        picture = figure(workspace.folder, chosen, options)
        words = [mark for mark in picture.marks if isinstance(mark, Words)]
        boxes = [box(mark) for mark in words]
        for (one, said), (other, told) in combinations(zip(boxes, words, strict=True), 2):
            assert not overlap(one, other), (said.text, told.text)
        for (left, top, right, bottom), said in zip(boxes, words, strict=True):
            assert left >= 0 and top >= 0 and right <= width and bottom <= picture.height, said.text
            assert said.size >= 7, "smaller letters can't be read in print"
        plots = [(*line.places[0], *line.places[2]) for line in axes_of(picture)]
        assert len(plots) == len(metrics)
        for plot in plots:
            assert not [said.text for said, one in zip(words, boxes, strict=True) if overlap(one, plot)]


@pytest.mark.parametrize(("bands", "shares"), [("quartiles", (0.25, 0.75)), ("range", (0.0, 1.0))])
def test_bands_and_medians_are_those_over_the_seeds(
    bands: str, shares: tuple[float, float], workspace: Workspace
) -> None:
    options = FigureOptions(400.0, ["loss"], ValueAxis(limits=(0.0, 1.0)), bands=bands)  # type: ignore[arg-type]
    picture = figure(workspace.folder, ids(workspace, *GROUPS), options)
    ((left, top), (_, bottom), (right, _)) = axes_of(picture)[0].places
    areas = [mark for mark in picture.marks if isinstance(mark, Area) and len(mark.places) > 10]
    lines = [mark for mark in picture.marks if isinstance(mark, Line) and len(mark.places) > 10]
    assert len(areas) == len(lines) == 3 and all(0 < area.opacity < 1 for area in areas)
    for group, area in enumerate(areas):
        values = np.stack([curve(group, seed) for seed in range(5)])
        line = next(line for line in lines if line.color == area.color)
        for places, share in ((area.places[: len(STEPS)], shares[1]), (area.places[: -len(STEPS) - 1 : -1], shares[0])):
            x, y = np.array(places).T
            assert np.allclose((x - left) / (right - left) * 2000, STEPS)
            assert np.allclose((y - bottom) / (top - bottom), np.quantile(values, share, axis=0))
        assert np.allclose((np.array(line.places)[:, 1] - bottom) / (top - bottom), np.median(values, axis=0))
    assert len({line.color for line in lines}) == 3 and len({line.dashes for line in lines}) == 3
    none = figure(workspace.folder, ids(workspace, *GROUPS), FigureOptions(400.0, ["loss"], bands="none"))
    assert not [mark for mark in none.marks if isinstance(mark, Area)]


def test_it_shows_the_steps_that_are_asked_for(workspace: Workspace) -> None:
    options = FigureOptions(400.0, ["loss"], x=(500.0, 1000.0))
    picture = figure(workspace.folder, ids(workspace, "lstm"), options)
    ((left, _), _, (right, _)) = axes_of(picture)[0].places
    (line,) = [mark for mark in picture.marks if isinstance(mark, Line) and len(mark.places) > 5]
    across = np.array(line.places)[:, 0]
    assert np.allclose(500 + (across - left) / (right - left) * 500, STEPS[(STEPS >= 500) & (STEPS <= 1000)])


def export(workspace: Workspace, *arguments: str) -> int:
    return main(["export", *arguments, "--workspace", str(workspace.folder)])


@pytest.mark.parametrize(("text", "inches"), [("3.3in", 3.3), ("8.4cm", 8.4 / 2.54), ("174mm", 17.4 / 2.54)])
def test_every_format_is_as_wide_as_said(text: str, inches: float, workspace: Workspace, tmp_path: Path) -> None:
    for format in ("svg", "pdf", "png"):
        path = str(tmp_path / f"out.{format}")
        assert export(workspace, "group:lstm", "group:gru", "--width", text, "--output", path) == 0
    root = ElementTree.parse(tmp_path / "out.svg").getroot()
    assert float(root.get("width", "").removesuffix("pt")) == pytest.approx(72 * inches, abs=0.01)
    page = re.search(rb"/MediaBox \[0 0 ([\d.]+)", (tmp_path / "out.pdf").read_bytes())
    assert page is not None and float(page[1]) == pytest.approx(72 * inches, abs=0.01)
    picture = Image.open(io.BytesIO((tmp_path / "out.png").read_bytes()))
    assert picture.width == round(600 * inches) and picture.info["dpi"][0] == pytest.approx(600, abs=0.1)
    assert b"fill-opacity" in (tmp_path / "out.svg").read_bytes()


def test_what_is_not_finite_is_marked_and_told(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd: Run = next(run for run in workspace.runs() if "long" in run.name)
    assert export(workspace, odd.id, "--width", "3.3in", "--output", str(tmp_path / "out.svg")) == 0
    assert "NaN is marked at the plot's edge" in capsys.readouterr().err
    assert export(workspace, "group:gru", "--output", str(tmp_path / "group.svg")) == 0
    told = capsys.readouterr().err
    assert "for the caption: lines are medians and bands quartiles" in told
    of_group = [run for run in workspace.runs() if run.record.config.get("track", {}).get("group") == "gru"]
    assert f"for the caption: gru has {len(of_group)} runs" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--width", "3.3"], 'export: --width must be like 3.3in, 8.4cm or 84mm, from 1.4in to 20in, got "3.3"'),
        (["--width", "90in"], "from 1.4in to 20in"),
        (["--metric", "los"], 'export: no run has a metric "los"; did you mean "loss"?'),
        (["--log", "--ylim", "0,1"], "--log has no place for 0 and less"),
        (["--log-x", "--xlim=-5,10"], "--log-x has no place for 0 and less"),
        (["--xlim", "7"], "is no range"),
    ],
)
def test_what_no_figure_can_be_is_said(
    arguments: list[str], said: str, workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(workspace, "group:gru", "--output", str(tmp_path / "out.svg"), *arguments) == 2
    assert said in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_table_is_no_figure(workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(workspace, "group:gru", "--output", str(tmp_path / "out.csv"), "--width", "3in") == 2
    assert "export: --width is for svg, png, pdf; csv is no picture" in capsys.readouterr().err
