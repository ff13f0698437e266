"""The lines of the list: groups folded, filtered, in order; against plain sums over the same runs."""

from dataclasses import replace

import numpy as np
import pytest
from textual.app import App

from seqsum.config import Config
from seqsum.runs import Summary
from seqsum.runs.entry import Entry
from seqsum.runs.verdict import Verdict
from seqsum_tui.runs.columns import COLUMNS, arrange
from seqsum_tui.runs.listing import Arranger, View
from seqsum_tui.runs.preview import describe, describe_briefly
from seqsum_tui.runs.reader import Preview

NOW = 10_000.0
BLANK = Summary(
    id="", name="", preset="baseline", status="finished", step=100, steps=100, pid=None, created=0.0, updated=0.0,
    reason=None, train_seconds=10.0, steps_per_second=0.0, metrics={}, group=None, tags=(),
)  # fmt: skip


def run(name, **facts):
    return Entry(replace(BLANK, id=name, name=name, **facts), Config().plain(), {"loss": (2.0, 1.0)})


def shown(listing):
    return [(line.kind, line.key) for line in listing.lines]


@pytest.fixture
def runs():
    """Newest first, as the index gives them."""
    accuracies = {"g1": 0.5, "g2": 1.0, "g3": 0.9, "g4": 0.995}
    group = [
        run(name, metrics={"accuracy": accuracy, "loss": 1 - accuracy}, group="G", created=100.0 - place,
            status="running" if name == "g3" else "finished", step=50 if name == "g3" else 100, tags=("all", name))
        for place, (name, accuracy) in enumerate(accuracies.items())
    ]  # fmt: skip
    alone = [run("alone", metrics={"accuracy": 0.7}, group="one", created=99.5), run("old", created=1.0)]
    return (group[0], alone[0], *group[1:], alone[1])


@pytest.mark.parametrize(
    ("statuses", "values", "says", "never"),
    [
        # While none has ended nothing is said to have converged, and no run is told apart as still training.
        (["running", "queued", "queued"], [1.0, None, None], ["none has ended yet", "2 others still"], "converged"),
        (["paused", "running"], [0.5, 1.0], ["none has ended yet"], "with a value"),
        (["queued", "queued"], [None, None], ["queued 2"], "ended"),
        (["running", "finished"], [1.0, 1.0], ["1 of 1 ended run converged", "1 of 2 with a value, 1 other"], "runs"),
        (["failed", "finished"], [None, 0.5], ["0 of 2 ended runs converged", "1 without (ranked worst)"], "still"),
        (["unreadable", "running"], [None, 0.5], ["none has ended yet"], "converged"),
    ],
)  # fmt: skip
def test_a_group_says_what_came_of_its_runs(statuses, values, says, never):
    entries = [
        run(f"g{at}", group="G", status=status, metrics={} if value is None else {"accuracy": value})
        for at, (status, value) in enumerate(zip(statuses, values, strict=True))
    ]
    preview = Preview(Arranger().arrange(tuple(entries), View(), NOW).lines[0])
    words = describe(preview, App()).plain
    assert all(one in words for one in says) and never not in words
    briefly = describe_briefly(preview, App()).plain
    assert [one in briefly for one in says if "ended" in one] == [True] * sum("ended" in one for one in says)
    assert "0 of 0" not in words + briefly


def test_a_group_is_one_line_with_its_median_and_what_its_runs_do(runs):
    listing = Arranger().arrange(runs, View(), NOW)
    assert shown(listing) == [("group", "group:G"), ("run", "alone"), ("run", "old")]
    line = listing.lines[0]
    assert line.ids == ["g1", "g2", "g3", "g4"] and line.converged == 2
    # The one that still trains does not count yet.
    assert line.summary.metrics["accuracy"] == pytest.approx(np.median([0.5, 1.0, 0.995]))
    assert line.spread["accuracy"].low == pytest.approx(np.quantile([0.5, 1.0, 0.995], 0.25))
    assert line.size == "3 of 4 so far"
    assert (line.summary.step, line.summary.steps, line.summary.status) == (350, 400, "running")
    assert line.summary.tags == ("all",) and dict(line.statuses) == {"finished": 3, "running": 1}
    opened = Arranger().arrange(runs, View(opened=frozenset({"G"}), column="accuracy"), NOW)
    assert shown(opened) == [
        ("group", "group:G"), ("member", "g2"), ("member", "g4"), ("member", "g3"), ("member", "g1"),
        ("run", "alone"), ("run", "old"),
    ]  # fmt: skip
    alone = Arranger().arrange(runs, View(grouped=False), NOW)
    assert [key for _, key in shown(alone)] == ["g1", "alone", "g2", "g3", "g4", "old"]


@pytest.mark.parametrize(
    ("status", "speed"),
    [("finished", (100 * 1 + 10 * 9) / 10), ("running", 100.0)],
    ids=["ended: steps over seconds", "training: all that train"],
)
def test_the_speed_of_a_group(status, speed):
    group = [
        run("a", group="G", train_seconds=1.0, steps_per_second=100.0, status=status),
        run("b", group="G", train_seconds=9.0, steps_per_second=10.0),
        run("c", group="G", train_seconds=None, status="unreadable"),
    ]
    listing = Arranger().arrange(group, View(opened=frozenset({"G"})), NOW)
    assert listing.lines[0].summary.steps_per_second == pytest.approx(speed)
    (column,) = (column for column in COLUMNS if column.key == "speed")
    assert [column.text(line, NOW, 9) for line in listing.lines] == [f"{speed:.0f}/s", "100/s", "10/s", "–"]


def test_a_filter_shrinks_groups_and_a_wrong_one_leaves_the_last(runs):
    arranger = Arranger()
    found = arranger.arrange(runs, View(filter="accuracy > 0.98"), NOW)
    assert shown(found) == [("group", "group:G")] and found.lines[0].ids == ["g2", "g4"] and found.found == 2
    assert shown(arranger.arrange(runs, View(filter="accuracy > 0.999"), NOW)) == [("run", "g2")]
    wrong = arranger.arrange(runs, View(filter="accuracy > 0.999 and"), NOW)
    assert shown(wrong) == [("run", "g2")] and wrong.error is not None and wrong.error.place == (20, 20)
    assert arranger.arrange(runs, View(filter=""), NOW).found == 6


def test_what_did_not_change_stays_the_same_object(runs):
    arranger = Arranger()
    first = arranger.arrange(runs, View(), NOW)
    assert arranger.arrange(runs, View(), NOW + 1) is first
    changed = (*runs[:-1], run("old", created=1.0, step=7))
    second = arranger.arrange(changed, View(), NOW)
    assert second.lines[0] is first.lines[0] and second.lines[1] is first.lines[1]
    assert second.lines[2] is not first.lines[2] and second.lines[2].summary.step == 7
    timed = arranger.arrange(changed, View(filter="age < 10000s"), NOW)
    assert timed.found == 6 and arranger.arrange(changed, View(filter="age < 10000s"), NOW + 50).found == 5


def test_any_metric_or_setting_sorts_and_has_its_cell(runs):
    listing = Arranger().arrange(runs, View(column="optim.lr"), NOW)
    assert listing.cell(listing.lines[0], "optim.lr") == "0.001"
    assert listing.cell(listing.lines[0], "train.seed") == "0"
    arranger = Arranger()
    for gone in ("gone_metric", "task.bptt"):
        unknown = arranger.arrange(runs, View(column=gone), NOW)
        assert unknown.view.column == "age" and len(unknown.lines) == 3
        assert arranger.arrange(runs, View(column=gone), NOW) is unknown


def test_in_a_group_that_diverged_everybody_counts(runs):
    def seeds(group, accuracies, **facts):
        return [run(f"{group}{place}", group=group, metrics={"accuracy": accuracy, "loss": loss}, **facts)
                for place, (accuracy, loss) in enumerate(accuracies)]  # fmt: skip

    nan = float("nan")
    big = seeds("big", [(0.99, 0.1), (nan, nan), (nan, nan), (nan, nan), (nan, nan)])
    small = seeds("small", [(0.93, 0.3)] * 5)
    failed = [run("bad0", group="bad", status="failed"), run("bad1", group="bad", status="died", metrics={"loss": 0.0})]
    for column in ("accuracy", "loss"):
        listing = Arranger().arrange((*failed, *big, *small), View(column=column), NOW)
        assert [line.summary.name for line in listing.lines][:1] == ["small"]
        reverse = Arranger().arrange((*big, *small), View(column=column, reverse=True), NOW)
        assert [line.summary.name for line in reverse.lines] == ["small", "big"]
    sizes = {line.summary.name: line.size for line in listing.lines}
    assert sizes == {"small": "×5", "big": "1 of 5", "bad": "0 of 2"}
    line = next(line for line in listing.lines if line.summary.name == "big")
    assert np.isnan(line.summary.metrics["accuracy"]) and np.isnan(line.spread["loss"].low)
    assert line.spread["loss"].lowest == 0.1 and line.spread["accuracy"].highest == 0.99


def test_runs_of_different_tasks_are_not_averaged():
    tagging = Config().changed({"task.name": "tagging"}, "test").plain()
    one = run("one", group="G", metrics={"accuracy": 0.9})
    other = Entry(replace(run("other", group="G", metrics={"accuracy": 0.1}).summary), tagging, {})
    listing = Arranger().arrange((one, other, run("lone", metrics={"accuracy": 0.2})), View(column="accuracy"), NOW)
    assert [line.summary.name for line in listing.lines] == ["lone", "G"]
    group = listing.lines[1]
    assert group.size == "×2 mixed" and not group.summary.metrics and not group.spread


@pytest.mark.parametrize("width", [12, 20, 32])
def test_names_of_a_groups_runs_are_told_apart_however_narrow_their_column(width):
    group = [run(f"adds-ef27d4-of-a-long-name-seed-{seed}", group="adds-ef27d4") for seed in range(12)]
    listing = Arranger().arrange(group, View(opened=frozenset({"adds-ef27d4"})), NOW)
    (column,) = (column for column in COLUMNS if column.key == "name")
    names = [column.cell(line, NOW, width).rstrip() for line in listing.lines[1:]]
    assert len(set(names)) == 12
    assert all(name.endswith(line.summary.name[-2:]) for name, line in zip(names, listing.lines[1:], strict=True))


@pytest.mark.parametrize(
    ("status", "narrow", "wide"),
    [("suspended", "¦suspended", "¦ suspended"), ("running", "● running", "● running"),
     ("unreadable", "unreadable", "! unreadable")],
)  # fmt: skip
def test_a_status_keeps_its_sign_where_there_is_no_room_for_the_space(status, narrow, wide):
    (column,) = (column for column in COLUMNS if column.key == "status")
    group = tuple(run(name, group="G", status=status) for name in "ab")
    lines = [Arranger().arrange(runs, View(), NOW).lines[0] for runs in ((run("a", status=status),), group)]
    assert [line.kind for line in lines] == ["run", "group"]
    for line in lines:
        assert column.cell(line, NOW, 10).rstrip() == narrow and column.cell(line, NOW, 14).rstrip() == wide


@pytest.mark.parametrize(
    ("words", "statuses", "verdict", "narrow"),
    [
        (["learned"], ["finished"], "✓ learned", "✓ learned"),
        (["collapsed"], ["finished"], "▼ collapsed", "▼collapsed"),
        ([None], ["finished"], "", "◉ finished"),
        (["learning"], ["running"], "↗ learning", "● running"),
        (["learned"] * 3, ["finished"] * 3, "✓ learned", "✓ learned"),
        (["learned", "collapsed", "learned"], ["finished"] * 3, "✓2 ▼1", "✓2 ▼1"),
        (["learned", None], ["finished", "queued"], "✓1", "…1 ◉1"),
    ],
)
def test_how_it_went_is_told_in_a_word_and_stands_for_the_status_where_it_has_no_column(
    words, statuses, verdict, narrow
):
    told = [None if word is None else Verdict(word, "It did.") for word in words]
    facts = [{"status": status, "verdict": one} for status, one in zip(statuses, told, strict=True)]
    entries = [run(f"g{at}", group="G" if words[1:] else None, **one) for at, one in enumerate(facts)]
    (line,) = Arranger().arrange(tuple(entries), View(), NOW).lines

    def cells(width):
        columns = {place.column.key: place for place in arrange(width)}
        return {key: place.column.cell(line, NOW, place.width).rstrip() for key, place in columns.items()}

    wide = cells(116)
    assert wide["verdict"] == verdict and wide["status"] not in ("", verdict)
    assert "verdict" not in cells(56) and cells(56)["status"] == narrow
