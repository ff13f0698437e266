"""The language that lists of runs are filtered by, and their order, against a plain reading of a few runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.runs import Summary
from seqsum.runs.entry import Entry
from seqsum.runs.filter import Filter, Names, parse
from seqsum.runs.order import in_order

NOW = 10_000.0
BLANK = Summary(
    id="", name="", preset="baseline", status="finished", step=100, steps=100, pid=None, created=0.0, updated=0.0,
    reason=None, train_seconds=10.0, steps_per_second=0.0, metrics={}, group=None, tags=(),
)  # fmt: skip


def entry(name: str, changes: dict[str, object] | None = None, **facts: object) -> Entry:
    summary = replace(BLANK, id=f"id-{name}", name=name, **facts)  # type: ignore[arg-type]
    return Entry(summary, Config().changed(changes or {}, "test").plain(), {})


RUNS = [
    entry("alpha", {"model.cell": "lstm"}, metrics={"accuracy": 0.95, "loss": 0.1}, tags=("night", "big"), note="odd"),
    entry("beta", {"model.cell": "lstm", "optim.lr": 0.1}, metrics={"accuracy": 0.5, "loss": 2.0}, starred=True),
    entry("gamma or delta", {"model.cell": "gru"}, metrics={"accuracy": 0.9}, group="G", status="running", step=10),
    entry("epsilon", {"optim.clip_norm": 5.0}, preset="sota", status="died", reason="killed", created=9_900.0),
]
Truth = Callable[[Entry], bool]


def value(one: Entry, metric: str) -> float:
    return one.summary.metrics.get(metric, float("nan"))


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("", lambda one: True),
        ("ALPH", lambda one: one.summary.name == "alpha"),
        ("sota", lambda one: one.summary.preset == "sota"),
        ("night", lambda one: "night" in one.summary.tags),
        ('"gamma or"', lambda one: one.summary.name.startswith("gamma or")),
        (
            "model.cell = lstm and accuracy > 0.9",
            lambda one: one.config["model"]["cell"] == "lstm" and value(one, "accuracy") > 0.9,
        ),
        ("cell=lstm accuracy>90%", lambda one: one.config["model"]["cell"] == "lstm" and value(one, "accuracy") > 0.9),
        ("accuracy >= 0.9", lambda one: value(one, "accuracy") >= 0.9),
        ("loss != 2", lambda one: value(one, "loss") != 2),
        ("lr = 0.1", lambda one: one.config["optim"]["lr"] == 0.1),
        ("optim.clip_norm = off", lambda one: one.config["optim"]["clip_norm"] is None),
        ("has:note or is:starred", lambda one: bool(one.summary.note) or one.summary.starred),
        ("not has:accuracy", lambda one: "accuracy" not in one.summary.metrics),
        ("status:running", lambda one: one.summary.status == "running"),
        ("status != finished", lambda one: one.summary.status != "finished"),
        ("is:ended not (preset:sota or tag:big)", lambda one: one.summary.name == "beta"),
        ("progress < 50%", lambda one: one.summary.step < 50),
        ("age < 2m", lambda one: NOW - one.summary.created < 120),
        ("group = g", lambda one: one.summary.group == "G"),
        ("alpha or beta accuracy < 0.6", lambda one: one.summary.name in ("alpha", "beta")),
    ],
)
def test_a_filter_finds_what_it_says(text: str, truth: Truth) -> None:
    found = parse(text, Names.of(RUNS))
    assert [one for one in RUNS if found is None or found.matches(one, NOW)] == [one for one in RUNS if truth(one)]


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ("acuracy > 1", 'filter: no field or metric "acuracy"; did you mean "accuracy"?', (0, 7)),
        ("alpha model.cell = lstn", 'filter: model.cell is never "lstn"; did you mean "lstm"?', (19, 23)),
        ("accuracy > high", 'filter: accuracy is a number, e.g. 0.9, 90% or 20k; got "high"', (11, 15)),
        ("name > 3", 'filter: name is text: compare it with =, != or : (contains), not with ">"', (5, 6)),
        ("(alpha", "filter: a closing ) is missing", (6, 6)),
        ("alpha)", 'filter: ")" has no bracket before it that it closes', (5, 6)),
        ("alpha and", 'filter: after "and" something is missing', (9, 9)),
        ("or alpha", 'filter: before "or" something is missing', (0, 2)),
        ("accuracy >", 'filter: after "accuracy >" a value is missing', (10, 10)),
        ('x "open', 'filter: a closing " is missing', (2, 7)),
        ("status:runing", 'filter: status is never "runing"; did you mean "running"?', (7, 13)),
        ("has:nose", 'filter: no "has:nose"; did you mean "note"?', (4, 8)),
        ("age > soon", 'filter: age is a time, e.g. 30s, 10m, 2h or 1d; got "soon"', (6, 10)),
        ("(" * 60, "filter: more than 50 brackets within each other", (50, 51)),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, words: str, place: tuple[int, int]) -> None:
    with pytest.raises(UserError) as caught:
        parse(text, Names.of(RUNS))
    assert (str(caught.value), caught.value.place) == (words, place)  # type: ignore[attr-defined]


def test_what_time_changes_by_itself_is_known() -> None:
    def clock(text: str) -> bool:
        found = parse(text, Names.of(RUNS))
        assert isinstance(found, Filter)
        return found.clock

    assert clock("age < 2m") and not clock("accuracy > 0.1 alpha")


def test_order_puts_best_first_and_nothing_last() -> None:
    names = Names.of(RUNS)

    def order(column: str, *, reverse: bool = False) -> list[str]:
        return [one.summary.name.split()[0] for one in in_order(RUNS, column, names, NOW, reverse=reverse)]

    assert order("accuracy") == ["alpha", "gamma", "beta", "epsilon"]
    assert order("loss") == ["alpha", "beta", "gamma", "epsilon"]
    assert order("loss", reverse=True) == ["beta", "alpha", "gamma", "epsilon"]
    assert order("optim.lr")[-1] == "beta" and order("name", reverse=True)[0] == "gamma"
    assert order("status")[0] == "gamma" and order("age")[0] == "epsilon"
    with pytest.raises(UserError, match=r'^sort: no column "nme"; did you mean "name"\?$'):
        order("nme")
