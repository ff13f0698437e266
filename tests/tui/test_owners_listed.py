"""Whose runs the list shows, and where those that wait stand."""

from dataclasses import replace
from socket import gethostname

import pytest

from seqsum.config import Config
from seqsum.machine_queue import Place
from seqsum.runs import Summary
from seqsum.runs.entry import Entry
from seqsum.users import user_name
from seqsum_tui.runs.columns import COLUMNS, OWNER, arrange
from seqsum_tui.runs.listing import Arranger, View

NOW = 10_000.0
BLANK = Summary(
    id="", name="", preset="baseline", status="finished", step=100, steps=100, pid=None, created=0.0, updated=0.0,
    reason=None, train_seconds=10.0, steps_per_second=0.0, metrics={}, group=None, tags=(), host=gethostname(),
)  # fmt: skip


def run(name, **facts):
    return Entry(replace(BLANK, id=name, name=name, **facts), Config().plain(), {})


def listed(*runs, **view):
    return Arranger().arrange(tuple(runs), View(**view), NOW)


def cell(line, key, width=14):
    (column,) = (column for column in (*COLUMNS, OWNER) if column.key == key)
    return column.cell(line, NOW, width).strip()


@pytest.mark.parametrize("width", range(36, 260, 7))
def test_the_column_of_the_owners_fits_as_the_others_do(width):
    places = arrange(width, owners=True)
    assert sum(place.gap + place.width for place in places) <= width
    assert (OWNER in [place.column for place in places]) == (width >= 64)
    assert OWNER not in [place.column for place in arrange(width)]


def test_owners_have_a_column_where_not_all_runs_are_ones_own():
    me = user_name()
    assert not listed(run("mine", owner=me), run("old")).owners
    listing = listed(run("mine", owner=me), run("hers", owner="anna"), run("far", owner="anna", host="elsewhere"))
    assert listing.owners
    assert [cell(line, "owner") for line in listing.lines] == [me, "anna", "anna@elsewhere"]


def test_a_group_tells_all_its_owners_and_escapes_nothing():
    (line,) = listed(*(run(name, owner=f"{name}\x1b[2J", group="G") for name in ("anna", "ben"))).lines
    assert cell(line, "owner", 40) == "anna\\x1b[2J, ben\\x1b[2J"


def test_runs_are_found_and_ordered_by_owner_and_host():
    runs = run("a", owner="ben", host="box1"), run("b", owner="anna", host="box2"), run("c")
    assert [line.key for line in listed(*runs, filter="owner:anna").lines] == ["b"]
    assert [line.key for line in listed(*runs, filter="not host:box2").lines] == ["a", "c"]
    assert [line.key for line in listed(*runs, column="owner").lines] == ["b", "a", "c"]
    by_host = listed(*runs, column="host")
    assert [(line.key, by_host.cell(line, "host")) for line in by_host.lines] == [
        ("a", "box1"),
        ("b", "box2"),
        ("c", BLANK.host),
    ]


def test_a_run_that_waits_tells_its_place_where_others_tell_the_time_left():
    place = Place(3, 5, ("anna", "anna"))
    (line,) = listed(run("waits", status="queued", pid=1, place=place)).lines
    assert cell(line, "left", 7) == "#3 of 5"
    assert place.told == "3rd of 5 on this machine, behind anna's 2"
    assert [Place(number, 200, ()).told.partition(" ")[0] for number in (1, 2, 11, 12, 13, 21, 112, 122)] == [
        "1st", "2nd", "11th", "12th", "13th", "21st", "112th", "122nd",
    ]  # fmt: skip
