"""What the filter's box offers: only what the runs have, and always something that the filter then understands."""

import math

import pytest

from seqsum.config import Config
from seqsum.runs import Summary
from seqsum.runs.entry import Entry
from seqsum.runs.filter import Names, parse
from seqsum_tui.runs.filter_completion import FilterCompletion


def run(name, status, cell="rnn", **said):
    summary = Summary(
        id=f"id-{name}", name=name, preset="baseline", status=status, step=50, steps=100, pid=None, created=0.0,
        updated=0.0, reason=None, train_seconds=1.0, steps_per_second=0.0,
        metrics={"accuracy": 0.5, "loss": 1.0, "lr": 0.1, "grad_norm": math.nan}, **{"group": None, "tags": (), **said},
    )  # fmt: skip
    return Entry(summary, Config().changed({"model.cell": cell}, "test").plain(), {})


@pytest.fixture(scope="module")
def completion():
    last = run("plain", "stopped", group="seeds one", tags=("night", "old data"), note="it is odd")
    entries = (last, run("two words", "stopped", "lstm"), run("plain", "finished"), run("an\nother", "failed"))
    return FilterCompletion(entries, Names.of(entries))


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("sta", "status:"),
        ("STA", "status:"),
        ("status:", "status:stopped"),  # the most frequent
        ("status = f", "status = finished"),
        ("name:pl", "name:plain"),
        ('name:"tw', 'name:"two words"'),
        ("group = ", 'group = "seeds one"'),
        ("tag:n", "tag:night"),
        ("cell = l", "cell = lstm"),
        ("ce", "cell = "),
        ("mode", "model."),
        ("model.ce", "model.cell = "),
        ("step", "step > "),
        ("steps", "steps > "),
        ("accuracy", "accuracy > "),
        ("los", "loss < "),
        ("LOS", "loss < "),
        ("has:n", "has:note"),
        ("is:st", "is:stopped"),
        ("not (cell = rnn or st", "not (cell = rnn or status:"),
        ("accuracy > 0.9 and not ha", "accuracy > 0.9 and not has:"),
        ("nig", "night"),
        ("base", "baseline"),
        ("name:'tw", "name:'two words'"),
        ("cell i", "cell in ("),
        ("cell in (", "cell in (rnn"),
        ("cell in (l", "cell in (lstm"),
        ("cell in (rnn, l", "cell in (rnn, lstm"),
        ("cell in (rnn,l", "cell in (rnn,lstm"),
        ("cell not in (rnn,l", "cell not in (rnn,lstm"),
        ("name in ('two words', p", "name in ('two words', plain"),
        ("grad_norm = n", "grad_norm = nan"),
    ],
)
def test_what_could_follow_comes_from_the_runs(completion, typed, first):
    offer = completion.offer(typed)
    assert offer.taken(typed, 0) == first and offer.begun


@pytest.mark.parametrize(
    "typed",
    [
        "status:r",
        "name:an",
        "status:finished",
        "is:died",
        "has:star",
        "cell = gru",
        'name:"plain"',
        "and",
        "note:it",
        "zzz",
        ": x",
    ],
)
def test_what_no_run_has_and_what_is_whole_is_not_offered(completion, typed):
    assert completion.offer(typed).words == ()


@pytest.mark.parametrize("typed", ["", "cell = lstm ", "("])
def test_where_nothing_is_begun_the_words_of_a_filter_are_listed_but_not_written(completion, typed):
    offer = completion.offer(typed)
    assert offer.words[0] == "status:" and not offer.begun


def test_every_word_that_is_offered_is_understood(completion):
    """Whatever is taken leads to a filter that can be read: at once, or with a value behind it."""
    checked = 0
    for letter in "abcdefghijklmnopqrstuvwxyz":
        offer = completion.offer(letter)
        for index in range(len(offer.words)):
            text = offer.taken(letter, index)
            if text.endswith("."):
                text = completion.offer(text).taken(text, 0)
            values = completion.offer(text)
            wholes = [values.taken(text, place) for place in range(len(values.words))] if values.begun else []
            if not wholes:
                wholes = [text + "1" if text[-1] in " :" else text]
            for whole in wholes:
                assert parse(whole, completion.names) is not None
                checked += 1
    assert checked > 80
