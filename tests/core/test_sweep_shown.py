"""What a sweep shows: axes, grids, what decides, pictures and tables, against sums worked out by hand."""

from __future__ import annotations

import csv
import itertools
import math
import random
import re
import statistics
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from seqsum.cli.sweep_told import setting_line
from seqsum.config import Config
from seqsum.plotting.drawing import Line, Picture, Words
from seqsum.plotting.picture_file import written
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.sweeps.axes import axes_of, grid_of
from seqsum.sweeps.definition import Setting, State, read_settings
from seqsum.sweeps.files import PICTURES, content, offered
from seqsum.sweeps.importance import importances
from seqsum.sweeps.making import cost_of, samples
from seqsum.sweeps.results import Result, doubt_words, results
from seqsum.sweeps.space import Choices, Range, size
from support.command_line import call, lines, refused
from support.sweeps import finished_sweep

RATES, SIZES = ("0.001", "0.01", "0.1"), ("8", "16")
LR, HIDDEN = "optim.lr", "model.hidden_size"
FIELDS = {LR: ",".join(RATES), HIDDEN: ",".join(SIZES)}
VALUES = {
    ("0.001", "8"): [0.2, 0.3, 0.4], ("0.001", "16"): [0.3, 0.5, 0.4], ("0.01", "8"): [0.9, 0.8, 0.7],
    ("0.01", "16"): [0.95, 0.99, 0.9], ("0.1", "8"): [math.nan, math.nan, 0.1], ("0.1", "16"): [0.15, math.nan, 0.2],
}  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "runs")


def told(workspace: Workspace, **more: object) -> tuple[object, list[Result]]:
    sweep = finished_sweep(workspace, FIELDS, VALUES, **more)  # type: ignore[arg-type]
    return sweep, results(workspace, sweep, read_settings(workspace, sweep.name).settings)


def by_values(found: list[Result]) -> dict[tuple[str, ...], Result]:
    return {tuple(one.setting.values.values()): one for one in found}


def test_every_seed_of_every_setting_is_there_and_a_broken_one_is_the_worst(workspace: Workspace) -> None:
    _, found = told(workspace)
    for values, one in by_values(found).items():
        ends = [end if math.isfinite(end) else -math.inf for end in VALUES[values]]
        assert one.values == tuple(sorted(ends)) and one.broken == sum(map(math.isinf, ends))
        middle = statistics.median(ends)
        assert one.median == (None if math.isinf(middle) else pytest.approx(middle))
    assert found[0].setting.values == {LR: "0.01", HIDDEN: "16"}


def test_places_on_axes_are_shares_of_their_span(workspace: Workspace) -> None:
    sweep, found = told(workspace)
    rate, hidden, goal = axes_of(sweep, found)  # type: ignore[arg-type]
    assert (rate.title, rate.log, hidden.title, hidden.log) == ("lr", True, "hidden_size", False)
    medians = [one.median for one in found if one.median is not None]
    for at, one in enumerate(found):
        assert rate.places[at] == pytest.approx(RATES.index(one.setting.values[LR]) / 2)
        assert hidden.places[at] == SIZES.index(one.setting.values[HIDDEN])
        if one.median is None:
            assert goal.places[at] is None
        else:
            span = max(medians) - min(medians)
            assert goal.places[at] == pytest.approx((one.median - min(medians)) / span)
    assert [label for _, label in rate.ticks] == ["0.001", "0.01", "0.1"]


def test_a_grid_holds_the_median_of_what_meets_there(workspace: Workspace) -> None:
    sweep, found = told(workspace)
    grid = grid_of(sweep, found, LR, HIDDEN)  # type: ignore[arg-type]
    assert (grid.columns, grid.rows) == (RATES, SIZES)
    for (row, up), (column, across) in itertools.product(enumerate(SIZES), enumerate(RATES)):
        value = statistics.median(end if math.isfinite(end) else -math.inf for end in VALUES[across, up])
        cell = grid.cells[row][column]
        assert [one.setting.values for one in cell.settings] == [{LR: across, HIDDEN: up}]
        assert cell.value is not None and (math.isnan(cell.value) if math.isinf(value) else cell.value == value)
    alone = grid_of(sweep, found, LR, LR)  # type: ignore[arg-type]
    assert [len(alone.cells[at][at].settings) for at in range(3)] == [2, 2, 2]


def test_what_decides_is_what_an_analysis_of_variance_says(workspace: Workspace) -> None:
    """On a whole grid without an interaction the shares are those of the sums of squares of the marginal means."""
    first, second = ("0.001", "0.002", "0.004", "0.008"), ("8", "16", "32")
    effect = {**{rate: 0.2 * place for place, rate in enumerate(first)}, "8": 0.0, "16": 0.05, "32": 0.1}
    ends = {(rate, units): [0.1 + effect[rate] + effect[units]] for rate in first for units in second}
    sweep = finished_sweep(workspace, {LR: ",".join(first), HIDDEN: ",".join(second)}, ends)
    found = importances(sweep, results(workspace, sweep, read_settings(workspace, sweep.name).settings))
    # Ranks: 0 to 11, the rate in steps of three and the size in steps of one.
    ranks = {(rate, units): 3 * a + b for a, rate in enumerate(first) for b, units in enumerate(second)}
    by_rate = statistics.pvariance([statistics.mean(ranks[rate, units] for units in second) for rate in first])
    expected = by_rate / statistics.pvariance(list(ranks.values()))
    assert list(found) == [LR, HIDDEN] and sum(found.values()) == pytest.approx(1)
    assert found[LR] == pytest.approx(expected, abs=0.05)


def test_a_rate_at_which_all_breaks_decides(workspace: Workspace) -> None:
    rates, sizes = ("0.001", "0.01", "10"), ("8", "16", "32")
    ends = {(rate, units): [math.nan if rate == "10" else 0.9] for rate in rates for units in sizes}
    sweep = finished_sweep(workspace, {LR: ",".join(rates), HIDDEN: ",".join(sizes)}, ends)
    found = importances(sweep, results(workspace, sweep, read_settings(workspace, sweep.name).settings))
    assert found[LR] > 0.95


def test_of_few_or_equal_settings_nothing_is_told(workspace: Workspace) -> None:
    few = finished_sweep(workspace, {LR: "0.001,0.01,0.1"}, {(rate,): [0.5] for rate in RATES}, name="few")
    alike = finished_sweep(workspace, FIELDS, {key: [0.5] for key in VALUES}, name="alike")
    for sweep in (few, alike):
        assert importances(sweep, results(workspace, sweep, read_settings(workspace, sweep.name).settings)) == {}
    assert "too few settings" in call("sweep", "--importance", "few", "--workspace", str(workspace.folder))[1]


@pytest.mark.parametrize("part", PICTURES)
def test_pictures_name_every_setting_and_say_what_broke(workspace: Workspace, part: str) -> None:
    sweep, found = told(workspace)
    shares = {LR: 0.9, HIDDEN: 0.1}
    made, _ = content(sweep, found, part, "svg", fields=(LR, HIDDEN), shares=shares)  # type: ignore[arg-type]
    words = "\n".join(ElementTree.fromstring(made.decode()).itertext())
    assert "3 runs without a value, ranked worst" in words
    for word in ("lr", "hidden_size"):
        assert word in words
    assert {"settings": "lr 0.1, hidden_size 8", "parallel": "no value", "grid": "no value", "decides": "90.00%"}[
        part
    ] in words
    for _, format, _ in offered(part):
        begins = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF-", "csv": b"number,optim.lr"}[format]
        made, messages = content(sweep, found, part, format, fields=(LR, HIDDEN), shares=shares)  # type: ignore[arg-type]
        assert made.startswith(begins) and messages == []


def test_the_table_keeps_every_value(workspace: Workspace, tmp_path: Path) -> None:
    _, found = told(workspace)
    path = tmp_path / "table.csv"
    words = ["sweep", "--show", "made", "--output", str(path), "--workspace", str(workspace.folder)]
    assert call(*words)[0] == 0
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found) == 6
    for row in rows:
        ends = VALUES[row[LR], row[HIDDEN]]
        assert [float(word) for word in row["values"].split()] == pytest.approx(ends, nan_ok=True)
        assert int(row["without_value"]) == sum(map(math.isnan, ends)) and row["seeds"] == "0 1 2"
        assert of_runs(workspace, row["runs"].split()) == pytest.approx(ends, nan_ok=True)
    assert "is there already" in refused(*words)
    assert call(*words, "--force")[0] == 0
    assert "ends in .csv" in refused(*words[:4], str(tmp_path / "x.txt"), *words[5:])


def of_runs(workspace: Workspace, runs: list[str]) -> list[float]:
    """What runs have come to, each asked by itself; NaN for one without a value."""
    ends = [Run(workspace.folder / run).summary() for run in runs]
    return [one.metrics.get("accuracy", math.nan) if one.status == "finished" else math.nan for one in ends]


def test_each_run_stands_beside_its_seed_and_its_value(workspace: Workspace, tmp_path: Path) -> None:
    """Of a setting that was given up too, whose second seed was stopped and does not count."""
    states: dict[tuple[str, ...], State] = {("0.1", "16"): "pruned"}
    _, found = told(workspace, states=states)
    given_up = by_values(found)["0.1", "16"]
    stopped = Run(workspace.folder / given_up.runs[0])
    with stopped.store() as store:
        store.set_state(status="stopped")
    words = ["--show", "made", "--workspace", str(workspace.folder)]
    path = tmp_path / "x.csv"
    call("sweep", *words, "--output", str(path))
    with path.open(newline="") as file:
        table = list(csv.DictReader(file))
    settings = lines("sweep", *words)[-1]["settings"]
    assert len(table) == len(settings) == 6
    for row, one in zip(table, settings, strict=True):
        runs, written = row["runs"].split(), [float(value) for value in row["values"].split()]
        plain = [math.nan if value is None else value for value in one["run_values"]]
        assert (one["runs"], [*map(str, one["seeds"])]) == (runs, row["seeds"].split())
        assert [Run(workspace.folder / run).record.parsed_config().train.seed for run in runs] == one["seeds"]
        assert plain == pytest.approx(written, nan_ok=True)
        assert written == pytest.approx(of_runs(workspace, runs), nan_ok=True)
        counted = sum(map(math.isfinite, written))
        assert counted == int(row["n"]) - int(row["without_value"]), row


NAN = math.nan
SAID = {
    "one seed": {("1",): [0.5], ("2",): [0.4], ("3",): [0.6], ("4",): [0.1]},
    "one seed, some lost": {("1",): [NAN], ("2",): [0.4], ("3",): [NAN], ("4",): [0.1]},
    "four seeds, the best is clear": {("1",): [0.9, 0.91, 0.92, 0.93], **{(x,): [0.1, 0.2, 0.3, 0.4] for x in "234"}},
    "four seeds, one as good": {("1",): [0.9, 0.91, 0.92, 0.93], ("2",): [0.91, 0.9, 0.8, 0.9], ("3",): [0.1] * 4},
    "four seeds, nothing is clear": {(x,): [0.1, 0.2, 0.3, 0.4 + int(x) / 100] for x in "1234"},
    "all alike": {(x,): [0.5] * 8 for x in "1234"},
    "all lost": {(x,): [NAN] * 6 for x in "1234"},
    "half lost": {(x,): [0.5, 0.5, NAN, NAN] for x in "1234"},
    "some lost": {("1",): [0.9, NAN, 0.9, 0.8, 0.9, 0.9], ("2",): [NAN] * 6, ("3",): [NAN] * 3 + [0.5] * 3},
    "three seeds": {(x,): [0.1 * int(x), 0.1 * int(x) + 0.01, 0.1 * int(x) + 0.02] for x in "1234"},
    **{
        f"drawn {n}": {
            (x,): [random.Random(f"{n}{x}{seed}").choice([NAN, 0.2, 0.3, 0.5, 0.9, 0.95]) for seed in range(n)]
            for x in "1234"
        }
        for n in (2, 5, 7)
    },
}
STATES: dict[str, dict[tuple[str, ...], State]] = {
    "complete": {},
    "others given up": {("2",): "pruned", ("3",): "pruned", ("4",): "pruned"},
    "one failed": {("4",): "failed"},
    "none to its end": {(x,): "pruned" for x in "1234"},
    "under way": {("3",): "running", ("4",): "running"},
}


@pytest.mark.parametrize("states", STATES)
@pytest.mark.parametrize("case", SAID)
def test_what_is_said_below_the_table_is_what_stands_in_it(case: str, states: str, workspace: Workspace) -> None:
    values, seeds = SAID[case], max(map(len, SAID[case].values()))
    # Of one that is not finished a setting has not begun yet.
    rates = "12345" if states == "under way" else "1234"
    finished_sweep(workspace, {"optim.lr": ",".join(rates)}, values, states=STATES[states])
    _, said, _ = call("sweep", "--show", "made", "--workspace", str(workspace.folder))
    heading, *rest = said.splitlines()[1:]
    rows, below = rest[: len(values)], "\n".join(rest[len(values) :])
    p_at = len(heading.rstrip()) - 1
    assert heading[p_at] == "P" and "NaN" not in said and "nan" not in said
    # The table, as a reader has it.
    sure, measured = dict[str, bool](), list[str]()
    for row in rows:
        (name,) = re.findall(r"^lr (\d)", row)
        p, state, *_ = [*re.split(r"  +", row[p_at:].strip()), ""]
        sure[name] = p.startswith("p < 0.001") or (p.startswith("p = ") and float(p.split()[2]) < 0.05)
        if not state or (state in ("stopped", "under way") and row.split()[2] == str(seeds)):
            measured.append(name)
    best = re.search(r"^best( so far)?: lr (\d), median accuracy (\S+) over", below, re.M)
    ended = said.startswith("made: finished")
    doubts = re.search(r"^With (\d+) seeds? each.*(told from chance|told apart); (\d+) each would do", below, re.M)
    every = re.search(r"better than every other( that was measured to its end \((\d+)\))?$", below, re.M)
    alike = re.search(r"^(\d+) other settings? may be as good: (.*)$", below, re.M)
    assert not (doubts and any(sure.values())), said
    assert not (doubts and every), said
    if doubts:
        assert int(doubts[3]) > seeds == int(doubts[1])
    if best is None:
        assert not every and not alike
        valued = {name for name in measured if sum(map(math.isfinite, values[name,])) * 2 > len(values[name,])}
        assert ("none is best" in below and not valued) or not measured
        return
    name = best[2]
    middle = statistics.median([end if math.isfinite(end) else -math.inf for end in values[name,]])
    assert rows[0].startswith(f"lr {name}") and best[3] == f"{100 * middle:.2f}%" and best[3] in rows[0]
    assert bool(best[1]) == (not ended) and name == measured[0]
    others = measured[1:]
    if every:
        assert others and all(sure[other] for other in others)
        assert (every[2] is None) == (len(measured) == len(rows)) and every[2] in (None, str(len(others)))
    elif alike:
        assert [*re.findall(r"lr (\d)", alike[2])] == [other for other in others if not sure[other]]
        assert int(alike[1]) == sum(not sure[other] for other in others)
    else:
        assert not others


def test_the_seeds_that_are_advised_are_the_same_from_the_beginning_on(workspace: Workspace) -> None:
    every = {(str(one),): [0.1, 0.2, 0.3, 0.3 + one / 100] for one in range(1, 13)}
    advice = set()
    for tried in range(1, 13):
        name = f"tried-{tried}"
        begun = dict(list(every.items())[:tried])
        finished_sweep(workspace, {"optim.lr": ",".join(str(one) for one in range(1, 13))}, begun, name=name)
        _, said, _ = call("sweep", "--show", name, "--workspace", str(workspace.folder))
        advice |= set(re.findall(r"With 4 seeds each.*", said))
    assert len(advice) == 1 and "12 settings" in advice.pop()


def test_a_setting_without_a_value_is_a_dash_in_its_line_too(workspace: Workspace) -> None:
    sweep, _ = told(workspace)
    for value, said in ((None, "–"), (math.nan, "–"), (-math.inf, "–"), (0.5, "50.00%")):
        one = Setting(number=0, values={LR: "0.1"}, group="g", state="complete", value=value)
        assert setting_line(one, sweep) == f"lr 0.1: median accuracy {said}"  # type: ignore[arg-type]


def test_what_decides_is_told_by_the_command(workspace: Workspace) -> None:
    told(workspace)
    words = ("sweep", "--importance", "made", "--workspace", str(workspace.folder))
    shares = lines(*words, "--json")[-1]["importance"]
    assert shares[LR] > shares[HIDDEN] and sum(shares.values()) == pytest.approx(1)
    assert "optim.lr" in call(*words)[1]


def test_a_pdf_has_words_in_any_script_or_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Picture(200, 100, "t")
    picture.marks += [Words("lr – ×", (100, 20), anchor="middle"), Line(((0, 0), (200, 100)), "#ff0000", dashes=(3, 2))]
    made, messages = written(picture, "pdf")
    assert made.startswith(b"%PDF-") and made == written(picture, "pdf")[0] and messages == []
    picture.marks.append(Words("名前", (10, 50)))
    monkeypatch.setattr("seqsum.plotting.pdf.face_of", lambda text: None)
    assert written(picture, "pdf")[1] == ["pdf: no font here has 名 前: they read ? in it; svg has them"]


def test_settings_are_drawn_all_over_a_space() -> None:
    whole = (Choices(path=LR, values=("1", "2")), Choices(path=HIDDEN, values=("8", "9")))
    assert len(list(samples(whole))) == size(whole) == 4
    wide = (Range(path=LR, low=1e-4, high=1e-1, log=True), Choices(path=HIDDEN, values=tuple(map(str, range(8, 99)))))
    drawn = list(samples(wide))
    assert drawn == list(samples(wide)) and len(drawn) == 6
    assert all(1e-4 <= float(one[LR]) <= 1e-1 for one in drawn) and len({one[HIDDEN] for one in drawn}) > 2


def test_the_disk_that_a_sweep_takes_is_guessed_within_half_of_it(tmp_path: Path) -> None:
    """Against folders of real runs: a short one and one of many points and checkpoints."""
    for steps, every in ((200, 100), (3000, 10)):
        base: Config = load_preset("baseline").config.changed(
            {"train.steps": str(steps), "train.log_every": str(every), "train.checkpoint_every": "500"}, "test"
        )
        space = (Choices(path=LR, values=("0.001",)),)
        guess = cost_of(base, space, 1, 1, 1).bytes
        folder = tmp_path / str(steps)
        flags = [f"--{path}={text}" for path, (text, _) in base.differences(load_preset("baseline").config).items()]
        command = [sys.executable, "-m", "seqsum.cli", "train", "baseline", *flags, "--workspace", str(folder)]
        subprocess.run(command, capture_output=True, check=True)
        run = Workspace(folder).runs()[0]
        real = sum(512 * path.stat().st_blocks for path in run.folder.rglob("*"))  # as du counts
        assert real / 2 < guess < real * 2, (steps, real, guess)


def test_only_its_own_runs_count_whatever_else_is_put_into_a_group(workspace: Workspace) -> None:
    sweep, before = told(workspace)
    first = before[0].setting
    base = load_preset("baseline").config
    others: list[dict[str, str]] = [
        {LR: "0.3", HIDDEN: first.values[HIDDEN], "train.seed": "0"},  # another setting
        {**first.values, "train.seed": "99"},  # a seed of its own
        {**first.values, "train.seed": "0"},  # the same again
    ]
    for changes in others:
        run = workspace.create("baseline", base.changed({**changes, "track.group": first.group}, "test"))
        with run.store() as store:
            store.append([("accuracy", 100, 0.0)])
            store.set_state(status="finished", step=100, pid=1, updated=1.0)
    after = results(workspace, sweep, read_settings(workspace, "made").settings)  # type: ignore[arg-type]
    assert after == before


def test_too_few_seeds_for_so_many_settings_are_told(workspace: Workspace) -> None:
    assert doubt_words(4, 2) == "" and doubt_words(1, 1) == ""
    assert doubt_words(3, 2) == "With 3 seeds each no difference can be told from chance; 4 each would do."
    assert doubt_words(4, 48) == "With 4 seeds each, 48 settings can hardly be told apart; 7 each would do."
    told(workspace)
    assert "With 3 seeds each no difference" in call("sweep", "--show", "made", "--workspace", str(workspace.folder))[1]


def test_a_setting_without_a_median_has_no_mark(workspace: Workspace) -> None:
    """In the picture of the seeds a filled diamond stands for each median, and for nothing else."""
    sweep, found = told(workspace)
    made, _ = content(sweep, found, "settings", "svg")  # type: ignore[arg-type]
    diamonds = [one for one in ElementTree.fromstring(made.decode()).iter() if one.tag.endswith("polygon")]
    marks = [one for one in diamonds if "#0067a6" in one.attrib["fill"] or "#666666" in one.attrib["fill"]]
    assert len(marks) == sum(one.median is not None for one in found) == 5


def test_long_settings_have_a_column_for_each_field(workspace: Workspace) -> None:
    fields = {LR: "0.001,0.01", "optim.weight_decay": "0.1,0.2", HIDDEN: "16,32", "train.batch_size": "16,32"}
    finished_sweep(workspace, fields, {("0.001", "0.1", "16", "32"): [0.5], ("0.01", "0.2", "32", "16"): [0.6]})
    _, said, *_ = call("sweep", "--show", "made", "--workspace", str(workspace.folder))
    heading, *rows = said.splitlines()[1:4]
    assert heading.split()[:4] == ["LR", "WEIGHT_DECAY", "HIDDEN_SIZE", "BATCH_SIZE"]
    assert {tuple(row.split()[:4]) for row in rows} == {("0.001", "0.1", "16", "32"), ("0.01", "0.2", "32", "16")}
    at = heading.index("MEDIAN")
    assert all(row[at - 1] == " " and row[at].isdigit() for row in rows)


def test_wilcoxon_with_seeds_that_it_can_t_use_is_refused(workspace: Workspace) -> None:
    words = ("sweep", "baseline", "--optim.lr", "0.001,0.01", "--prune", "wilcoxon", "--seeds", "4")
    assert "nothing with fewer than 5" in refused(*words, "--workspace", str(workspace.folder))
    assert not (workspace.folder / ".sweeps").exists()
