"""The language that lists of runs are filtered by, and their order, against a plain reading of a few runs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from seqsum import formatting
from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.runs import Summary
from seqsum.runs.entry import Entry
from seqsum.runs.filter import Filter, Names, parse
from seqsum.runs.order import in_order

NOW = 10_000.0
NAN, INF = math.nan, math.inf
SIGNS = "=, !=, : (contains) or ~ (regular expression)"
NUMBERS = "e.g. 0.9, 90%, 20k or nan"
COMMA = "a comma parts thousands, as in 1,000, and a decimal has a point"
RUNAWAY = "repeat no group that repeats or has a choice in it"
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
    entry(
        "big-lr-1", {"train.seed": 1}, metrics={"loss": NAN, "accuracy": 0.4}, step=1500, steps=20_000, created=4_000.0
    ),
    entry("big-lr-23", {"train.seed": 2}, metrics={"loss": INF, "accuracy": NAN}, tags=("dark (2)", "it's"), step=500),
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
        ("Running", lambda one: one.summary.status == "running"),
        ("not finished", lambda one: one.summary.status != "finished"),
        ("finish", lambda one: False),
        ('"gamma or"', lambda one: one.summary.name.startswith("gamma or")),
        (
            "model.cell = lstm and accuracy > 0.9",
            lambda one: one.config["model"]["cell"] == "lstm" and value(one, "accuracy") > 0.9,
        ),
        ("cell=lstm accuracy>90%", lambda one: one.config["model"]["cell"] == "lstm" and value(one, "accuracy") > 0.9),
        ("accuracy >= 0.9", lambda one: value(one, "accuracy") >= 0.9),
        ("loss != 2", lambda one: value(one, "loss") != 2),
        ("lr = 0.1", lambda one: one.config["optim"]["lr"] == 0.1),
        ("model.bidirectional = off", lambda one: one.config["model"]["bidirectional"] is False),
        ("optim.clip_norm = off", lambda one: one.config["optim"]["clip_norm"] is None),
        ("has:note or is:starred", lambda one: bool(one.summary.note) or one.summary.starred),
        ("not has:accuracy", lambda one: "accuracy" not in one.summary.metrics),
        ("status:running", lambda one: one.summary.status == "running"),
        ("status != finished", lambda one: one.summary.status != "finished"),
        (
            "is:ended not (preset:sota or tag:big)",
            lambda one: one.summary.name == "beta" or one.summary.name[:3] == "big",
        ),
        ("progress < 50%", lambda one: one.summary.step / one.summary.steps < 0.5),
        ("age < 2m", lambda one: NOW - one.summary.created < 120),
        ("group = g", lambda one: one.summary.group == "G"),
        ("alpha or beta accuracy < 0.6", lambda one: one.summary.name in ("alpha", "beta")),
        # Quotes
        ("'gamma or'", lambda one: one.summary.name.startswith("gamma or")),
        ("name = 'gamma or delta' or name:“amma or”", lambda one: "gamma" in one.summary.name),
        ("tag:it's", lambda one: "it's" in one.summary.tags),
        ('tag = "it\'s"', lambda one: "it's" in one.summary.tags),
        ("name:'big*'", lambda one: False),
        # Wildcards
        ("big-*-1", lambda one: one.summary.name == "big-lr-1"),
        ("name = big-*", lambda one: one.summary.name.startswith("big-")),
        ("name = *-lr-*3", lambda one: one.summary.name == "big-lr-23"),
        ("name = lr*", lambda one: False),
        ("name:lr*3", lambda one: one.summary.name == "big-lr-23"),
        ("name != BIG-*", lambda one: not one.summary.name.startswith("big-")),
        ("cell = l*", lambda one: one.config["model"]["cell"] == "lstm"),
        ("status = fin*", lambda one: one.summary.status == "finished"),
        ("tag = nig*", lambda one: any(tag.startswith("nig") for tag in one.summary.tags)),
        # Lists
        ("cell in (lstm, gru)", lambda one: one.config["model"]["cell"] in ("lstm", "gru")),
        ("cell in(lstm,gru)", lambda one: one.config["model"]["cell"] in ("lstm", "gru")),
        ("seed in (1,2)", lambda one: one.config["train"]["seed"] in (1, 2)),
        ("train.seed not in (1, 2)", lambda one: one.config["train"]["seed"] not in (1, 2)),
        ("not seed in (1, 2)", lambda one: one.config["train"]["seed"] not in (1, 2)),
        (
            "loss in (nan, 0.1)",
            lambda one: (math.isnan(value(one, "loss")) and "loss" in one.summary.metrics) or value(one, "loss") == 0.1,
        ),
        ("name in ('gamma or delta', big-*, nobody)", lambda one: one.summary.name[:3] in ("gam", "big")),
        ("tag in (big, it's) and is:starred or alpha", lambda one: one.summary.name == "alpha"),
        ("is in (starred, live)", lambda one: one.summary.starred or one.summary.live),
        ("status in (died, running) and (cell in (gru))", lambda one: one.summary.name.startswith("gamma")),
        # Regular expressions
        ("name ~ ^big-lr-[0-9]$", lambda one: re.search("^big-lr-[0-9]$", one.summary.name)),
        ("name ~ (alpha|beta)$", lambda one: one.summary.name in ("alpha", "beta")),
        ("(name ~ a$) and accuracy > 0.9", lambda one: one.summary.name == "alpha"),
        ("(name ~ \\(?ps)", lambda one: one.summary.name == "epsilon"),
        ("name ~ 'gamma or.*'", lambda one: "gamma or" in one.summary.name),
        (
            "name !~ [aeiou]{2}|big and has:accuracy",
            lambda one: not re.search("[aeiou]{2}|big", one.summary.name) and "accuracy" in one.summary.metrics,
        ),
        ("tag ~ ^night$", lambda one: "night" in one.summary.tags),
        ("cell ~ ^(ls|g)", lambda one: one.config["model"]["cell"][:2] in ("ls", "gr")),
        # Numbers and times
        ("step = 1,500", lambda one: one.summary.step == 1500),
        ("steps >= 20,000", lambda one: one.summary.steps >= 20_000),
        ("steps = 20k or steps = 20K", lambda one: one.summary.steps == 20_000),
        ("accuracy ≥ 90 %", lambda one: value(one, "accuracy") >= 0.9),
        (
            "accuracy ≠ 0.5 has:accuracy",
            lambda one: "accuracy" in one.summary.metrics and value(one, "accuracy") != 0.5,
        ),
        ("age > 1h30m", lambda one: NOW - one.summary.created > 5400),
        ("age > 1h 30m alpha", lambda one: one.summary.name == "alpha"),
        ("age > 1 h 30 min and alpha", lambda one: one.summary.name == "alpha"),
        ("age < 2m05s", lambda one: NOW - one.summary.created < 125),
        ("trained = 10", lambda one: True),
        ("age < 2 h epsilon", lambda one: one.summary.name == "epsilon"),
        *(
            (f"{name} < {text} or step > 5000", lambda one: NOW - one.summary.created < 7200 or one.summary.step > 5000)
            for name in ("age", "started")
            for text in ("2 hours", "2 hours ago", "2 Hours", "120 minutes", "1 hour 60 min", "7200 seconds", "2h ago")
        ),
        ("age < 1 day and age < 1 week", lambda one: True),
        ("age < 60 cell = lstm", lambda one: False),
        ("age < 200 seed in (0)", lambda one: one.summary.name == "epsilon"),
        # What is shown is found
        ("accuracy = 95.00%", lambda one: value(one, "accuracy") == 0.95),
        ("task = sum_modulo", lambda one: True),
        ("model = recurrent and optim != sgd", lambda one: one.config["optim"]["name"] != "sgd"),
        ("trained = 10s", lambda one: True),
        # What is not finite
        ("loss = nan", lambda one: one.summary.name == "big-lr-1"),
        ("loss = NaN or accuracy:nan", lambda one: one.summary.name.startswith("big")),
        ("loss != nan", lambda one: one.summary.name != "big-lr-1"),
        ("loss = inf", lambda one: one.summary.name == "big-lr-23"),
        ("loss = +∞", lambda one: one.summary.name == "big-lr-23"),
        ("loss = -inf", lambda one: False),
        ("loss >= inf", lambda one: one.summary.name == "big-lr-23"),
        ("loss < inf", lambda one: math.isfinite(value(one, "loss"))),
        ("loss < 3", lambda one: value(one, "loss") < 3),
        ("loss > 3", lambda one: value(one, "loss") == INF),
        ("has:loss", lambda one: "loss" in one.summary.metrics),
        ("not has:loss", lambda one: "loss" not in one.summary.metrics),
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
        ("accuracy > high", 'filter: accuracy is a number, e.g. 0.9, 90%, 20k or nan; got "high"', (11, 15)),
        (
            "name > 3",
            'filter: name is text: compare it with =, !=, : (contains) or ~ (regular expression), not with ">"',
            (5, 6),
        ),
        ("(alpha", "filter: a closing ) is missing", (6, 6)),
        ("alpha)", 'filter: ")" has no bracket before it that it closes', (5, 6)),
        ("alpha and", 'filter: after "and" something is missing', (9, 9)),
        ("or alpha", 'filter: before "or" something is missing', (0, 2)),
        ("accuracy >", 'filter: after "accuracy >" a value is missing', (10, 10)),
        ('x "open', 'filter: a closing " is missing', (2, 7)),
        ("status:runing", 'filter: status is never "runing"; did you mean "running"?', (7, 13)),
        ("has:nose", 'filter: no "has:nose"; did you mean "note"?', (4, 8)),
        ("age > soon", 'filter: age is a time, e.g. 30s, 10m, 1h30m or 2d; got "soon"', (6, 10)),
        ("name:'open", "filter: a closing ' is missing", (5, 10)),
        ("loss < nan", "filter: nothing is more or less than nan: compare it by = and != only", (5, 6)),
        (
            "step > 1,5",
            'filter: step is a number, e.g. 0.9, 90%, 20k or nan; got "1,5"; a comma parts thousands, as in '
            "1,000, and a decimal has a point",
            (7, 10),
        ),
        (
            "step > 0,001",
            'filter: step is a number, e.g. 0.9, 90%, 20k or nan; got "0,001"; a comma parts thousands, as '
            "in 1,000, and a decimal has a point",
            (7, 12),
        ),
        ("age > 30m1h", 'filter: age is a time, e.g. 30s, 10m, 1h30m or 2d; got "30m1h"', (6, 11)),
        ("age > 1h30", 'filter: age is a time, e.g. 30s, 10m, 1h30m or 2d; got "1h30"', (6, 10)),
        ("cell in lstm", 'filter: after "in" stand values in brackets: cell in (a, b)', (7, 7)),
        ("cell in (lstm, grru)", 'filter: cell is never "grru"; did you mean "gru"?', (15, 19)),
        ("cell in ()", 'filter: after "cell in (" a value is missing', (9, 9)),
        ("cell in (lstm", "filter: a closing ) is missing", (13, 13)),
        ("cell in (lstm or gru)", 'filter: in a list stand values and commas only: cell in (a, b); got "or"', (14, 16)),
        ("name in (a b)", "filter: commas part the values of a list; one with spaces goes in quotes", (11, 12)),
        ("step in (1,000, 2)", "filter: in a list a comma parts values; write 1000 without one", (11, 14)),
        ("acuracy in (1)", 'filter: no field or metric "acuracy"; did you mean "accuracy"?', (0, 7)),
        (
            "name ~ [a",
            'filter: "[a" is no regular expression: unterminated character set; one with spaces or brackets '
            "goes in quotes",
            (7, 9),
        ),
        (
            "name ~ (a+)+$",
            'filter: the regular expression "(a+)+$" can take forever: repeat no group that repeats or has '
            "a choice in it",
            (7, 13),
        ),
        ("step ~ 1", 'filter: step is a number: compare it with =, !=, <, <=, > or >=, not with "~"', (5, 6)),
        ("alpha && beta", 'filter: write and for "&&"; for the sign itself put it in ""', (6, 8)),
        ("status running", 'filter: a sign is missing, e.g. status:running; for the word put it in ""', (0, 6)),
        ("0.5 < accuracy", 'filter: the name comes first, e.g. accuracy > 0.9; got "0.5"', (0, 3)),
        ("step < 5 < 7", "filter: one comparison at a time: step > 0.1 and step < 0.2", (9, 10)),
        ("accuracy => 0.5", 'filter: "= >" is no sign', (9, 11)),
        ("has > loss", "filter: write has:loss, or not has:…", (4, 5)),
        ("tag:night,big", "filter: one of tag has no comma: tag in (night,big) finds either", (4, 13)),
        ("age < 1 fortnight", 'filter: age is a time, e.g. 30s, 10m, 1h30m or 2d; got "1 fortnight"', (6, 17)),
        (
            "age < 1 hour and 30 minutes",
            'filter: no name and sign before 30 minutes; for the words put them in ""',
            (17, 19),
        ),
        (
            "accuracy > 99 percent",
            'filter: write accuracy … 99% for "99 percent"; for the word put it in ""',
            (14, 21),
        ),
        ("step > 20 k", 'filter: write step … 20k for "20 k"; for the word put it in ""', (10, 11)),
        ("step > 20 steps", 'filter: write step … 20 for "20 steps"; for the word put it in ""', (10, 15)),
        ("accuracy > 99", "filter: accuracy is from 0 to 1; write 99% or 0.99", (11, 13)),
        ("progress > 50", "filter: progress is from 0 to 1; write 50% or 0.5", (11, 13)),
        ("accuracy < 2000", "filter: accuracy is from 0 to 1", (11, 15)),
        ("(" * 60, "filter: more than 50 brackets within each other", (50, 51)),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, words: str, place: tuple[int, int]) -> None:
    with pytest.raises(UserError) as caught:
        parse(text, Names.of(RUNS))
    assert (str(caught.value), caught.value.place) == (words, place)  # type: ignore[attr-defined]


@pytest.mark.parametrize("metric", ["accuracy", "loss", "lr", "mae"])
@pytest.mark.parametrize("exact", [0.998318, 0.0035187, 9.0512e-4, 4.5678e-5, 0.5, 0.9999999, 1.0, 12.34567, 1234.567])
def test_a_number_is_found_by_what_is_shown_of_it(metric: str, exact: float) -> None:
    if metric == "accuracy" and exact > 1:
        return
    shown = formatting.metric(metric, exact)
    runs = [entry(str(at), metrics={metric: exact * factor}) for at, factor in enumerate((1.0, 0.3, 3.0))]
    text = f"{metric} {shown[0] if shown[0] in '<>' else '='} {shown.lstrip('<>')}"
    found, without = parse(text, Names.of(runs)), parse(text.replace("=", "!="), Names.of(runs))
    assert found is not None and without is not None
    assert found.matches(runs[0], NOW)
    if "=" in text:
        assert [without.matches(one, NOW) for one in runs] == [not found.matches(one, NOW) for one in runs]
        assert not found.matches(runs[1], NOW)


@pytest.mark.parametrize("seconds", [0.537, 1.64, 12.9, 200.9, 7531.0, 100_000.0])
def test_a_time_is_found_by_what_is_shown_of_it(seconds: float) -> None:
    runs = [
        entry("one", train_seconds=seconds, created=NOW - seconds),
        entry("two", train_seconds=3 * seconds, created=NOW - 3 * seconds),
    ]
    for text in (f"trained = {formatting.duration(seconds)}", f"started = {formatting.age(seconds)} ago"):
        found = parse(text, Names.of(runs))
        assert found is not None and [found.matches(one, NOW) for one in runs] == [True, False]


def test_a_setting_is_found_by_its_value_alone() -> None:
    runs = [entry(str(lr), {"optim.lr": lr}) for lr in (0.0005, 0.00052)]
    found = parse("optim.lr = 0.0005", Names.of(runs))
    assert found is not None and [found.matches(one, NOW) for one in runs] == [True, False]


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

    # What is not finite ranks with what is not there.
    assert order("accuracy") == ["alpha", "gamma", "beta", "big-lr-1", "epsilon", "big-lr-23"]
    assert order("loss") == ["alpha", "beta", "gamma", "epsilon", "big-lr-1", "big-lr-23"]
    assert order("loss", reverse=True) == ["beta", "alpha", "gamma", "epsilon", "big-lr-1", "big-lr-23"]
    assert order("optim.lr")[-1] == "beta" and order("name", reverse=True)[0] == "gamma"
    assert order("status")[0] == "gamma" and order("age")[0] == "epsilon"
    with pytest.raises(UserError, match=r'^sort: no column "nme"; did you mean "name"\?$'):
        order("nme")


@pytest.mark.parametrize(
    ("word", "found"),
    [("th", ["other"]), ("th*", ["other"]), ("c8th", ["kill"]), ("20260101", ["kill", "other"]),
     ("2026*", ["kill", "other"]), ("*", ["kill", "other"]),
     ("id:*8th", ["kill"]), ("id:th", ["kill"])],
)  # fmt: skip
def test_nobody_looks_for_a_word_in_the_midst_of_an_id(word: str, found: list[str]) -> None:
    runs = [Entry(replace(BLANK, id=id, name=name), {}, {})
            for id, name in (("20260101-000000-c8th", "kill"), ("20260101-000001-vjta", "other"))]  # fmt: skip
    chosen = parse(word, Names.of(runs))
    assert chosen is not None
    assert [one.summary.name for one in runs if chosen.matches(one, 0.0)] == found
