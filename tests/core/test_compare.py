"""Comparing runs, against brute force over the very points that were written."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seqsum import cli
from seqsum.compare import ComparisonReader, differing_fields, direction_of, field_axis, looks_of, rows_of, texts_of
from seqsum.compare.files import scatter_fields
from seqsum.compare.history import History
from seqsum.compare.looks import HUES, PAPER_COLOURS, SIGNS, ranks_in
from seqsum.compare.rows import difference, value_at
from seqsum.compare.spread import resampled
from seqsum.config import Config
from seqsum.runs import Run, Workspace

Points = Sequence[tuple[int, float]]
Make = Callable[..., Run]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a run with given points, as its worker would have left it."""
    workspace = Workspace(tmp_path / "runs")

    def made(name: str, points: dict[str, Points], status: str = "finished", **changes: Any) -> Run:
        dotted = {path.replace("__", "."): value for path, value in changes.items()}
        run = workspace.create("baseline", Config().changed(dotted, "test"), name)
        with run.store() as store:
            store.append((metric, step, value) for metric, rows in points.items() for step, value in rows)
            store.set_state(status=status, step=max((rows[-1][0] for rows in points.values()), default=0))
        return run

    return made


def falling(seed: int, steps: int = 40) -> Points:
    generator = np.random.default_rng(seed)
    return [(10 * at, float(2 / at + 0.1 * generator.random())) for at in range(1, steps + 1)]


def call(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.main(list(arguments))
    return status, out.getvalue(), err.getvalue()


def test_what_is_compared_first_is_what_most_runs_have(make: Make) -> None:
    loss, accuracy = falling(0), [(step, 0.5) for step, _ in falling(0)]
    with_both = [make(f"both-{at}", {"loss": loss, "accuracy": accuracy, "lr": accuracy}) for at in range(2)]
    alone = make("alone", {"loss": loss, "lr": accuracy})
    blank = make("blank", {}, status="queued")
    folder = alone.folder.parent

    def first(*runs: Run) -> tuple[str, ...]:
        compared = ComparisonReader(folder, [run.id for run in runs]).read()
        assert compared is not None and compared.metric == compared.metrics[0]
        return compared.metrics

    assert first(with_both[0], alone) == ("loss", "accuracy", "lr")
    assert first(*with_both, alone) == ("accuracy", "loss", "lr")
    assert first(with_both[0], blank) == ("accuracy", "loss", "lr")
    assert first(alone, alone) == ("loss", "lr")


@pytest.mark.parametrize(
    ("metric", "way"),
    [
        ("accuracy", "higher"), ("balanced_accuracy", "higher"), ("eval_loss", "lower"), ("mae_same_as_last", "lower"),
        ("bits_per_character", "lower"), ("steps_per_second", "higher"), ("lr", None), ("grad_norm", None),
    ],
)  # fmt: skip
def test_which_way_is_better(metric: str, way: str | None) -> None:
    assert direction_of(metric) == way


@pytest.mark.parametrize("count", [1, 7, 900, 30_000])
@pytest.mark.parametrize("direction", ["lower", "higher"])
def test_final_best_and_nearest_are_those_of_all_points(make: Make, count: int, direction: Any) -> None:
    generator = np.random.default_rng(count)
    steps = np.cumsum(generator.integers(1, 5, size=count))
    # Rounded: best values come several times, and the first of them counts.
    values = np.round(generator.normal(size=count), 2)
    if count > 7:
        values[generator.integers(0, count, size=count // 10)] = np.nan
        values[generator.integers(0, count, size=5)] = np.inf
    run = make("one", {"loss": list(zip(steps.tolist(), values.tolist(), strict=True))})
    finite = np.where(np.isfinite(values), values, np.inf if direction == "lower" else -np.inf)
    place = int(finite.argmin() if direction == "lower" else finite.argmax())
    with History(run) as history:
        assert history.best("loss", direction) == (steps[place], values[place])
        step, value = history.final("loss") or (None, None)
        assert step == steps[-1] and np.array_equal(value, values[-1], equal_nan=True)
        for at in generator.integers(steps[0], steps[-1] + 1, size=20).tolist():
            near = history.near("loss", at)
            assert near is not None and abs(near[0] - at) == np.abs(steps - at).min()
            assert np.array_equal(near[1], values[np.searchsorted(steps, near[0])], equal_nan=True)
        assert history.near("loss", int(steps[-1]) + 1) is None and history.near("loss", int(steps[0]) - 1) is None
        assert history.best("mae", direction) is None and history.final("mae") is None


@pytest.mark.parametrize("count", [50, 20_000])
def test_a_fork_goes_on_from_its_parents_curve(make: Make, count: int) -> None:
    old, new = falling(1, count), [(step, value + 5) for step, value in falling(2, count)]
    fork = old[count // 2][0]
    parent = make("parent", {"loss": old})
    child = make("child", {"loss": [point for point in new if point[0] > fork]})
    record = replace(child.record, parent={"run": parent.id, "step": fork})
    record.write(child.folder)
    whole = [point for point in old if point[0] <= fork] + [point for point in new if point[0] > fork]
    with History(Run(child.folder)) as history:
        # What its parent reached before the fork is not its own.
        own = [point for point in whole if point[0] > fork]
        assert history.best("loss", "lower") == min(own, key=lambda point: point[1])
        assert history.best("loss", "higher") == max(own, key=lambda point: point[1])
        assert history.final("loss") == whole[-1]
        assert history.near("loss", fork) == (fork, dict(whole)[fork])
        curve = history.curve("loss")
        assert np.all(np.diff(curve.x) > 0)
        inner = curve.low == curve.high
        assert [(int(x), y) for x, y in zip(curve.x[inner], curve.mean[inner], strict=True)] == [
            point for point in whole if point[0] in set(curve.x[inner])
        ]
    empty = make("unborn", {})
    replace(record, id=empty.id, parent={"run": parent.id, "step": fork}).write(empty.folder)
    with History(Run(empty.folder)) as history:
        assert history.final("loss") is None and history.best("loss", "lower") is None
        assert history.curve("loss").x[-1] <= fork
    # A parent that is gone, or one that names itself, leaves the child's own points.
    replace(record, parent={"run": child.id, "step": fork}).write(child.folder)
    with History(Run(child.folder)) as history:
        assert history.final("loss") == whole[-1]


def test_curves_come_to_common_steps_as_numpy_interpolates() -> None:
    x, places = np.array([0.0, 1.0, 4.0, 9.0]), np.linspace(-1, 10, 45)
    y = np.array([3.0, -1.0, 8.0, 2.0])
    expected = np.interp(places, x, y)
    expected[(places < 0) | (places > 9)] = np.nan
    assert np.allclose(resampled(x, y, places), expected, equal_nan=True)
    gap = resampled(x, np.array([3.0, np.nan, 8.0, 2.0]), np.array([0.0, 0.5, 1.0, 2.0, 4.0, 5.0]))
    assert np.isnan(gap[1:4]).all() and gap[0] == 3.0 and gap[4] == 8.0


def test_differences_in_percent_and_values_at_a_cursor() -> None:
    assert difference(1.1, 1.0, None) == pytest.approx(10)
    assert difference(-1.1, -1.0, None) == pytest.approx(-10)
    assert difference(1.0, 0.0, None) is difference(None, 1.0, None) is difference(1.0, np.nan, None) is None
    x, y = np.array([100.0, 200.0, 300.0]), np.array([1.0, 2.0, 3.0])
    assert [value_at(x, y, at) for at in (100, 149, 150, 260, 340, 360, 40)] == [1, 1, 2, 3, 3, None, None]


def test_only_fields_that_differ() -> None:
    one = {"task.name": "a", "optim.lr": 0.1, "optim.clip_norm": None, "train.seed": 0}
    other = {"task.name": "a", "task.extra": 3, "optim.lr": 0.2, "optim.clip_norm": 1.0, "train.seed": 0}
    assert differing_fields([texts_of([one]), texts_of([other])]) == {
        "task.extra": ("–", "3"), "optim.lr": ("0.1", "0.2"), "optim.clip_norm": ("off", "1"),
    }  # fmt: skip
    assert differing_fields([texts_of([one])]) == {}
    # A group has each of its members' values; what varies in the same way everywhere says nothing.
    seeds = [{**one, "train.seed": seed} for seed in (1, 0, 1)]
    assert texts_of(seeds)["train.seed"] == "1, 0"
    assert set(differing_fields([texts_of(seeds), texts_of([{**run, "optim.lr": 1} for run in seeds])])) == {"optim.lr"}


def test_the_axis_of_a_setting() -> None:
    rates = field_axis([0.01, 0.001, 0.1])
    assert rates.kind == "log" and rates.places == pytest.approx((-2, -3, -1))
    assert field_axis([16, 32]).kind == "number"
    assert field_axis(["lstm", "rnn", "lstm"]).names == ("lstm", "rnn")
    clipped = field_axis([None, 10.0, 2.0])
    assert clipped.names == ("2", "10", "off") and clipped.places == (2.0, 1.0, 0.0)


def test_a_run_looks_the_same_whatever_it_is_compared_with() -> None:
    ids = [f"run{number:02}" for number in range(60)]
    ranks = {id: rank for rank, id in enumerate(ids)}
    everything = looks_of(ids, ranks)
    assert len({look.sign for look in everything.values()}) == 60
    for start in range(40):
        sweep = looks_of(ids[start : start + HUES], ranks)
        assert len({look.hue for look in sweep.values()}) == HUES
        for id, look in sweep.items():
            assert look == looks_of([id], ranks)[id]
    # Two that would look alike: the older keeps its look.
    both = looks_of([ids[24], ids[0]], ranks)
    assert both[ids[0]] == looks_of([ids[0]], ranks)[ids[0]] and both[ids[24]].sign != both[ids[0]].sign
    assert both[ids[24]].hue != both[ids[0]].hue and len(SIGNS) == 12


def test_rows_groups_baseline_and_hidden(make: Make, tmp_path: Path) -> None:
    lone = make("lone", {"loss": [(10, 4.0), (20, 2.0)]})
    group = [
        make(f"seed{seed}", {"loss": [(10, 3.0 + seed), (20, 1.0 + seed)]}, track__group="seeds", train__seed=seed)
        for seed in range(4)
    ]
    reader = ComparisonReader(tmp_path / "runs", [lone.id, *(group[seed].id for seed in (2, 0, 3, 1))])
    comparison = reader.read()
    assert comparison is not None and comparison.metric == "loss" and reader.read() is None
    rows = rows_of(comparison, at=11)
    assert [(row.kind, row.name) for row in rows] == [("run", "lone"), ("group", "seeds")]
    seeds = rows[1]
    assert (seeds.final, seeds.final_quartiles) == (2.5, (1.75, 3.25)) and seeds.best_step == 20 and seeds.at == 4.5
    assert seeds.final_difference == pytest.approx(25) and rows[0].baseline and rows[0].final_difference is None
    assert np.array_equal(seeds.y, [4.5, 2.5]) and np.array_equal(seeds.low, [3.75, 1.75])
    opened = rows_of(comparison, unfolded=[seeds.key], baseline=group[1].id, hidden=[group[0].id])
    assert [row.kind for row in opened] == ["run", "group", "member", "member", "member", "member"]
    assert [row.name for row in opened[2:]] == [f"seed{seed}" for seed in range(4)]
    assert [row.drawn for row in opened] == [True, False, False, True, True, True]
    assert opened[3].baseline and opened[0].final_difference == 0 and opened[5].final_difference == 100
    assert [row.name for row in rows_of(comparison, folded=False, best_first=True)][:2] == ["seed0", "lone"]
    # Only what changed is read again.
    before = {run.id: run for run in comparison.runs}
    with group[2].store() as store:
        store.append([("loss", 30, 0.5)])
    again = reader.read()
    assert again is not None
    assert [run.id for run in again.runs if run is not before[run.id]] == [group[2].id]
    assert rows_of(again, folded=False)[1].final == 0.5


def test_time_stands_for_steps(make: Make, tmp_path: Path) -> None:
    loss = falling(3)
    run = make("one", {"loss": loss, "train_seconds": [(step, step / 50) for step, _ in loss]})
    bare = make("bare", {"loss": loss})
    comparison = ComparisonReader(tmp_path / "runs", [run.id, bare.id]).read()
    assert comparison is not None and comparison.has_seconds
    rows = rows_of(comparison, x="time", at=4.0)
    assert np.allclose(rows[0].x, [step / 50 for step, _ in loss]) and rows[0].at == dict(loss)[200]
    assert rows[1].x.size == 0 and rows[1].final == loss[-1][1]


def test_a_run_that_can_not_be_read_is_told(make: Make, tmp_path: Path) -> None:
    run = make("one", {"loss": falling(0)})
    comparison = ComparisonReader(tmp_path / "runs", [run.id, "20200101-000000-gone"]).read()
    assert comparison is not None and [one.id for one in comparison.runs] == [run.id]
    assert "20200101-000000-gone" in comparison.problems[0]
    assert run.id in ranks_in(tmp_path / "runs")


@pytest.fixture
def sweep(make: Make, tmp_path: Path) -> tuple[str, list[Run]]:
    """Three learning rates, two seeds each, and points of loss and accuracy."""
    runs = []
    for rate in ("0.001", "0.01", "0.1"):
        for seed in (0, 1):
            loss = falling(len(runs))
            accuracy = [(step, round(0.5 + step / 1000 + 0.01 * seed, 6)) for step, _ in loss[::5]]
            settings = {"optim__lr": rate, "train__seed": seed, "track__group": f"lr {rate}"}
            runs.append(make(f"lr{rate}-{seed}", {"loss": loss, "accuracy": accuracy}, **settings))
    return str(tmp_path / "runs"), runs


def test_the_most_telling_setting_comes_first(make: Make, tmp_path: Path) -> None:
    settings = [(0.1, 16, "lstm", 0), (0.1, 16, "rnn", 1), (0.2, 16, "lstm", 2), (0.2, 32, "rnn", 3)]
    runs = [
        make(f"{place}", {"loss": falling(place)}, optim__lr=rate, model__hidden_size=size, model__cell=cell,
             train__seed=seed)
        for place, (rate, size, cell, seed) in enumerate(settings)
    ]  # fmt: skip
    comparison = ComparisonReader(tmp_path / "runs", [run.id for run in runs]).read()
    assert comparison is not None
    fields = scatter_fields(comparison.runs)
    assert fields == ["optim.lr", "model.hidden_size", "model.cell", "train.seed"]


def test_the_command_prints_and_tells_json(sweep: tuple[str, list[Run]], make: Make) -> None:
    folder, runs = sweep
    blank = make("blank", {})
    assert "\nmetrics  none yet\n" in call("show", blank.id, "--workspace", folder)[1]
    names = [run.record.name for run in runs]
    status, out, err = call("compare", *names[:3], "--workspace", folder, "--baseline", names[1], "--at", "160")
    assert (status, err) == (0, "")
    assert "accuracy, higher is better; Δ from lr0.001-1" in out and "86.00%" in out and "-1.00 pp" in out
    assert "fields that differ" in out and "optim.lr" in out and "optim.beta1" not in out
    status, out, err = call("compare", *names[:2], blank.record.name, "--workspace", folder, "--baseline", blank.id)
    assert (status, err) == (0, "") and f"higher is better; no Δ, as {blank.record.name} has no value\n" in out
    status, out, err = call("compare", *names, "--workspace", folder, "--metric", "loss", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (status, err, len(lines)) == (0, "", 6)
    for seed, line in enumerate(lines):
        loss = falling(seed)
        assert (line["final"], line["best"]) == (loss[-1][1], min(value for _, value in loss))
        expected = None if seed == 0 else pytest.approx(100 * (loss[-1][1] / falling(0)[-1][1] - 1))
        assert line["final_difference_percent"] == expected
        assert line["config"]["optim.lr"] == ("0.001", "0.01", "0.1")[seed // 2]
    # A group's name stands for its runs, and as a group it is one line.
    status, out, _ = call("compare", "lr 0.01", "lr 0.1", "--groups", "--workspace", folder, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["name"], len(line["runs"])) for line in lines] == [("lr 0.01", 2), ("lr 0.1", 2)]
    assert lines[0]["final_quartiles"] == pytest.approx([0.8625, 0.8675])


def test_the_command_writes_files(sweep: tuple[str, list[Run]], tmp_path: Path) -> None:
    folder, runs = sweep
    ids = [run.id for run in runs]

    def made(name: str, *more: str) -> Path:
        path = tmp_path / name
        status, _, err = call("compare", *ids, "--workspace", folder, "--output", str(path), *more)
        assert (status, err) == (0, "")
        return path

    def table(name: str, *more: str) -> list[list[str]]:
        with made(name, *more).open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))

    summary = table("table.csv")
    assert len(summary) == 7 and float(summary[1][summary[0].index("final")]) == 0.86
    curves = table("curves.csv", "--show", "curves", "--metric", "loss", "--groups")
    assert curves[0][:4] == ["step", "lr 0.001", "lr 0.001 lower quartile", "lr 0.001 upper quartile"]
    ends = sorted((falling(0)[-1][1], falling(1)[-1][1]))
    assert float(curves[-1][1]) == pytest.approx(np.median(ends)) and curves[-1][0] == "400"
    assert table("config.csv", "--show", "config")[1][0] == "optim.lr"
    scatter = table("scatter.csv", "--show", "scatter", "--final")
    assert scatter[0] == ["name", "run", "optim.lr", "final accuracy"]
    assert [float(line[2]) for line in scatter[1:]] == [0.001, 0.001, 0.01, 0.01, 0.1, 0.1]
    for name, more in (("c.svg", []), ("s.svg", ["--show", "scatter"]), ("l.svg", ["--metric", "loss", "--log"])):
        picture = ElementTree.fromstring(made(name, *more).read_text(encoding="utf-8"))
        texts = "".join(picture.itertext())
        assert all(run.record.name in texts for run in runs)
        assert len(picture.findall("{*}polygon")) >= 6
    assert len(ElementTree.fromstring((tmp_path / "c.svg").read_text()).findall("{*}polyline")) >= 6
    with Image.open(made("curves.png", "--groups")) as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(1_000_000) or []}
        inks = {tuple(bytes.fromhex(colour[1:])) for colour in PAPER_COLOURS}
        assert image.size[0] == 1800 and len(colours & inks) >= 3
    status, _, err = call("compare", *ids, "--workspace", folder, "--output", str(tmp_path / "curves.png"))
    assert status == 2 and "--force" in err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--metric", "acuracy"], 'did you mean "accuracy"?'),
        (["--metric", "mae"], "there are accuracy, loss"),
        (["--baseline", "nobody"], 'no run "nobody"'),
        (["--baseline", "lr0.1-1"], "is not among the runs compared"),
        (["--at", "soon"], "--at must be a step"),
        (["--time"], "leave out --time"),
        (["--best", "sideways"], "--best must be one of high, low"),
        (["--output", "curves.gif"], "ends in .csv, .svg, .png"),
        (["--output", "table.svg", "--show", "table"], "table is no picture"),
        (["--show", "scatter", "--field", "optim.learning"], 'no run has a field "optim.learning"'),
        (["--smooth"], 'no option "--smooth"'),
    ],
)
def test_what_is_refused(sweep: tuple[str, list[Run]], more: list[str], words: str) -> None:
    folder, runs = sweep
    status, out, err = call("compare", runs[0].id, runs[2].id, "--workspace", folder, *more)
    assert (status, out) == (2, "") and words in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("other", "size", "told"),
    [
        ("words", None, "characters and words"),
        ("characters", None, ""),
        ("characters", 128, ""),
        ("characters", 20, "characters (128 and 20 told apart)"),
    ],
)
def test_means_over_words_are_not_compared_with_means_over_characters(
    other: str, size: int | None, told: str, tmp_path: Path, make: Make
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("any words will do here\n" * 100)
    runs = [
        make(
            name,
            {"accuracy": [(9, right)], "loss": [(9, 1.5 * right)], "bits_per_character": [(9, 2.0)]},
            task__name="character_lm", task__corpus=str(text), task__tokenizer=kind, task__vocabulary_size=most,
        )
        for name, kind, most, right in (("one", "characters", None, 0.5), ("other", other, size, 0.25))
    ]  # fmt: skip
    ids = [run.id for run in runs]
    here = ["compare", *ids, "--workspace", str(tmp_path / "runs")]
    for metric in ("accuracy", "loss"):
        said = f"not one measure: {metric} counts {told}; compare bits_per_character"
        table = call(*here, "--metric", metric)[1]
        assert (said in table) is bool(told)
        # What can't be compared has no difference, and no best.
        assert ("-25.00 pp" in table or "-50.0%" in table) is not bool(told)
    assert "not one measure" not in call(*here, "--metric", "bits_per_character")[1]
    assert call(*here)[1].startswith("bits_per_character" if told else "accuracy")


@pytest.mark.parametrize("kinds", [("characters", "words"), ("words", "words")])
def test_a_group_over_several_kinds_of_tokens_has_no_median(kinds: tuple[str, str], tmp_path: Path, make: Make) -> None:
    text = tmp_path / "text.txt"
    text.write_text("any words will do here\n" * 100)
    points: dict[str, Points] = {"accuracy": [(9, 0.5)], "bits_per_character": [(9, 2.0)]}
    ids = [
        make(
            f"run-{place}", points, track__group="several", task__name="character_lm", task__corpus=str(text),
            task__tokenizer=kind,
        ).id
        for place, kind in enumerate(kinds)
    ]  # fmt: skip
    comparison = ComparisonReader(tmp_path / "runs", ids, "accuracy").read()
    assert comparison is not None
    mixed = len(set(kinds)) > 1
    rows = rows_of(comparison, best_first=True)
    assert [row.kind for row in rows] == (["group", "member", "member"] if mixed else ["group"])
    assert rows[0].final == (None if mixed else 0.5)
