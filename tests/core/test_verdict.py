"""How a run went: each word on curves drawn by hand, and on real runs."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from seqsum.cli import main
from seqsum.config import Config
from seqsum.runs import Workspace
from seqsum.runs.filter import Names, parse
from seqsum.runs.store import Store
from seqsum.runs.verdict import RULES, Past, Verdict, verdict_of

STEPS = np.arange(100, 4001, 100, dtype=np.float64)
RAMP = np.linspace(0.0, 1.0, len(STEPS))
FALLING = 2.3 * (1 - 0.9 * RAMP)
SETTLED = 0.3 + 2.0 * np.exp(-20 * RAMP)
NOISE = 0.01 * np.random.default_rng(0).standard_normal(len(STEPS))


@pytest.fixture
def judged(tmp_path: Path):
    """Judge curves that are written to a store of their own."""
    made = 0

    def judge(
        live: bool = False, chance: float | None = 0.1, steps=STEPS, diverged=None, past=None, **curves
    ) -> Verdict | None:
        nonlocal made
        made += 1
        with Store.create(tmp_path / f"{made}.db", 1, {"status": "running", "step": 0}) as store:
            for name, values in curves.items():
                values = np.broadcast_to(np.asarray(values, dtype=np.float64), len(steps)).tolist()
                store.append((name, int(step), value) for step, value in zip(steps, values, strict=True))
            last = {name: value for name, (_, value) in store.latest().items()}
            found = verdict_of(store, last, chance, live=live, diverged=diverged, past=past)
        assert found is None or (found.word in RULES and found.sentence.endswith("."))
        return found

    return judge


def accuracies(*pairs: tuple[int, float]) -> list[float]:
    """Accuracy from a step on, as a staircase."""
    return [[value for step, value in pairs if step <= at][-1] for at in STEPS]


def test_learned_says_since_when_it_stays_learned(judged):
    once = judged(accuracy=accuracies((0, 0.1), (1000, 1.0), (1500, 0.9), (2000, 0.995)), loss=FALLING)
    assert (once.word, once.step) == ("learned", 2000)
    assert judged(accuracy=accuracies((0, 0.99)), loss=FALLING).step == 100


@pytest.mark.parametrize(
    ("always_the_same", "accuracy", "word"),
    [
        (0.98, 0.99, "learned"),
        (0.985, 0.99, "plateau"),
        (0.996, 0.997, "plateau"),
        (0.996, 0.999, "learned"),
        (0.999, 0.999, "at chance"),
        (1.0, 1.0, "at chance"),
    ],
)
def test_nothing_is_learned_where_always_one_answer_is_as_good(judged, always_the_same, accuracy, word):
    assert judged(accuracy=accuracy, majority_class_accuracy=always_the_same, loss=SETTLED).word == word
    assert judged(accuracy=accuracies((0, 0.9899)), loss=FALLING + NOISE).word == "learning"


@pytest.mark.parametrize("last", [0.1, 0.11, 0.3])
def test_collapsed_says_at_which_step(judged, last):
    found = judged(accuracy=accuracies((0, 0.1), (500, 0.98), (2500, last)), loss=SETTLED)
    assert (found.word, found.step) == ("collapsed", 2500)
    assert "98.00%" in found.sentence and "2,500" in found.sentence


@pytest.mark.parametrize(
    ("forked", "own", "word", "best"),
    [
        ((0, 1.0), accuracies((0, 0.1)), "collapsed", "100.00% (step 0) fell at step 100"),
        ((0, 0.98), accuracies((0, 0.99), (500, 0.1)), "collapsed", "99.00% (step 100) fell at step 500"),
        ((0, 0.12), accuracies((0, 0.1)), "at chance", ""),
        ((0, 1.0), accuracies((0, 0.9)), "plateau", ""),
    ],
)
def test_a_fork_has_what_it_began_with_to_lose(judged, forked, own, word, best):
    found = judged(accuracy=own, loss=SETTLED, past=Past(forked, {}))
    assert found.word == word and best in found.sentence


CONVERGED = 1e-5 * (1 + np.abs(np.random.default_rng(1).standard_normal(len(STEPS)))) * np.linspace(1, 9, len(STEPS))
"""The noise of a loss that is near 0: nine times what it was, and next to nothing."""


@pytest.mark.parametrize(
    ("own", "accuracy", "word"),
    [
        (CONVERGED, 0.9999, "learned"),
        (CONVERGED, math.nan, "plateau"),
        (np.linspace(1e-5, 2.0, len(STEPS)), math.nan, "unstable"),
        (np.linspace(1e-5, 9.0, len(STEPS)), math.nan, "diverged"),
        (np.full(len(STEPS), 9.0), math.nan, "diverged"),
    ],
)
def test_a_fork_of_a_converged_run_is_measured_by_what_its_line_began_with(judged, own, accuracy, word):
    curves = {} if math.isnan(accuracy) else {"accuracy": accuracy}
    past = Past((0, 1.0) if curves else None, {"loss": 2.3, "eval_loss": 2.3})
    assert judged(loss=own, chance=0.1 if curves else None, past=past, **curves).word == word
    assert judged(loss=own, eval_loss=own, chance=0.1 if curves else None, past=past, **curves).word == word


@pytest.mark.parametrize(("began", "word"), [(None, "overfits"), (2.3, "plateau")])
def test_a_wobble_of_a_fork_is_no_overfitting(judged, began, word):
    asked = 0.75 + 0.02 * np.abs(np.linspace(-0.5, 1, len(STEPS)))
    past = None if began is None else Past(None, {"loss": began, "eval_loss": began})
    assert judged(eval_loss=asked, loss=0.75 - 0.01 * RAMP, chance=None, past=past).word == word


def test_a_fork_begins_with_the_last_evaluation_of_the_runs_before_it(tmp_path: Path):
    """A fork of a fork, which made no evaluation of its own before it was forked again."""
    workspace, points = (
        Workspace(tmp_path),
        {"one": [(100, 0.3), (200, 1.0), (300, 0.2)], "two": [], "three": [(400, 0.1)]},
    )
    parent = None
    for (name, accuracy), step in zip(points.items(), (200, 250, None), strict=True):
        run = workspace.create("baseline", Config(), name, parent=parent)
        with run.store() as store:
            store.append(("accuracy", *point) for point in accuracy)
            store.append([("loss", 100, 2.0)] if name == "one" else [])
            store.set_state(status="finished", step=400, chance=0.1)
        parent = {"run": run.id, "step": step}
    found = run.summary(judged=True).verdict
    assert found is not None and (found.word, found.step) == ("collapsed", 400)
    assert "(step 200)" in found.sentence
    with run.store() as store:
        store.append(("loss", 400 + step, 0.001 * step) for step in range(1, 20))
    assert run.summary(judged=True).verdict == found
    with run.store() as store:
        store.append(("loss", 500 + step, 4.1) for step in range(1, 20))
    assert run.summary(judged=True).verdict.sentence.startswith("Loss rose from 2 to 4.1000")


def test_a_run_that_lost_a_little_or_never_had_much_has_not_collapsed(judged):
    assert judged(accuracy=accuracies((0, 0.1), (500, 0.98), (2500, 0.7)), loss=SETTLED).word == "plateau"
    assert judged(accuracy=accuracies((0, 0.1), (500, 0.25), (2500, 0.1)), loss=SETTLED).word == "at chance"


@pytest.mark.parametrize(("chance", "last", "word"), [
    (0.1, 0.1, "at chance"), (0.1, 0.13, "at chance"), (0.1, 0.144, "at chance"), (0.1, 0.2, "plateau"),
    (0.5, 0.52, "at chance"), (0.5, 0.6, "plateau"), (0.0, 0.0, "at chance"), (0.0, 0.2, "plateau"),
    (None, 0.1, "plateau"),
])  # fmt: skip
def test_at_chance_depends_on_what_guessing_gets(judged, chance, last, word):
    assert judged(chance=chance, accuracy=accuracies((0, last)), loss=SETTLED, eval_loss=SETTLED).word == word


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_diverged(judged, broken):
    values = np.where(STEPS >= 3000, broken, FALLING)
    found = judged(loss=values, accuracy=accuracies((0, 0.1), (500, 0.9), (3000, 0.1)))
    assert (found.word, found.step) == ("diverged", 3000)
    # One step that was not finite is past.
    assert judged(loss=np.where(STEPS == 3000, broken, FALLING)).word == "learning"
    assert judged(loss=np.where(STEPS[-2] == STEPS, broken, FALLING)).word == "learning"
    high = judged(loss=np.where(STEPS > 2000, 9.0, 2.3))
    assert high.word == "diverged" and 2000 <= high.step <= 2300
    failed = judged(loss=FALLING, diverged=(7, "gradient norm became inf at step 7"))
    assert (failed.word, failed.step, failed.sentence) == ("diverged", 7, "Gradient norm became inf at step 7.")


def test_overfits_since_its_lowest_held_out_loss(judged):
    held_out = 1.0 + (RAMP - 0.4) ** 2
    found = judged(loss=FALLING, eval_loss=held_out, accuracy=accuracies((0, 0.5)))
    lowest = STEPS[held_out.argmin()]
    assert found.word == "overfits" and abs(found.step - lowest) <= 200
    # A held-out loss that rises together with the training loss is no overfitting.
    assert judged(loss=held_out, eval_loss=held_out, accuracy=accuracies((0, 0.5))).word == "unstable"


def test_plateau_and_learning(judged):
    found = judged(chance=None, loss=SETTLED + NOISE, eval_loss=SETTLED)
    expected = STEPS[np.abs(SETTLED - SETTLED[-1]) > 0.05 * (SETTLED[0] - SETTLED[-1])][-1] + 100
    assert found.word == "plateau" and abs(found.step - expected) <= 200
    ended, live = (judged(live=live, chance=None, loss=FALLING) for live in (False, True))
    assert ended.word == live.word == "learning"
    assert "more steps may help" in ended.sentence and "more steps" not in live.sentence


@pytest.mark.parametrize("curve", [
    2.2 / (1 + np.arange(len(STEPS))), 2.3 * np.exp(-5 * RAMP), 2.3 * np.exp(-3 * RAMP), 0.1 + 2.2 * np.exp(-6 * RAMP),
    np.where(RAMP < 0.6, 2.3, 0.2) * np.where(RAMP < 0.6, 1, np.exp(-2 * (RAMP - 0.6))),
])  # fmt: skip
def test_what_is_said_to_hardly_change_does_not_halve(judged, curve):
    """A loss near its end is small beside its whole fall, and may fall as fast as ever."""
    found = judged(chance=None, loss=curve, eval_loss=curve)
    if found.word == "plateau":
        since = float(curve[STEPS.searchsorted(found.step)])
        assert since == pytest.approx(float(curve[-1]), rel=0.3), found.sentence
    else:
        assert found.word == "learning" and curve[-1] < 0.9 * curve[int(0.75 * len(curve))]


@pytest.mark.parametrize("seed", range(20))
def test_noise_about_a_level_is_a_plateau(judged, seed):
    noise = np.random.default_rng(seed).uniform(0.9, 1.1, len(STEPS))
    level = np.where(RAMP < 0.3, 2.3, 0.1) * noise
    found = judged(chance=None, loss=level, eval_loss=level)
    assert found.word == "plateau" and found.step >= 0.25 * STEPS[-1]


def test_too_little_says_nothing(judged):
    assert judged(live=True) is None and judged(live=False) is None
    few = {"steps": STEPS[:3], "chance": None, "loss": FALLING[:3], "eval_loss": FALLING[:3]}
    assert judged(live=True, **few) is None
    assert judged(live=False, **few).word == "too short"
    # One evaluation tells whether it learned.
    assert judged(steps=STEPS[:1], accuracy=[1.0]).word == "learned"


@pytest.mark.parametrize("points", [1, 7, 300, 20_000])
def test_since_when_is_exact_however_long_the_curve(judged, points):
    """Against a search through all points: thinned curves must not shift the step."""
    steps = np.arange(1, points + 1, dtype=np.float64) * 50
    values = np.random.default_rng(points).uniform(0.97, 1.0, points)
    values[int(points * 0.6) :] = 1.0
    low = [step for step, value in zip(steps, values, strict=True) if value < 0.99]
    assert judged(steps=steps, accuracy=values).step == (low[-1] + 50 if low else 50)
    values[int(points * 0.8) :] = 0.1
    if points > 7:
        found = judged(steps=steps, accuracy=values)
        assert (found.word, found.step) == ("collapsed", steps[int(points * 0.8)])
        assert f"(step {int(steps[values.argmax()]):,})" in found.sentence
        loss = np.where(steps >= steps[int(points * 0.9)], math.nan, 1.0)
        assert judged(steps=steps, loss=loss).step == steps[int(points * 0.9)]


@pytest.mark.parametrize("wrong", [
    {"word": "splendid", "sentence": "so"}, {"word": "learned", "sentence": 7}, {"word": [], "sentence": "so"},
    {"word": "learned", "sentence": "so", "step": "x"}, {"sentence": "so"}, "learned", [1, 2, 3],
])  # fmt: skip
def test_an_index_with_a_verdict_that_is_none_is_made_anew(trained: Path, wrong):
    first = Workspace(trained)
    before = first.summaries()
    with closing(sqlite3.connect(first.index.path)) as database, database:
        (run, rest) = database.execute("SELECT run, rest FROM entry").fetchone()
        values, curves = json.loads(rest)
        database.execute(
            "UPDATE entry SET rest = ? WHERE run = ?", (json.dumps([{**values, "verdict": wrong}, curves]), run)
        )
    again = Workspace(trained)
    assert again.summaries() == before and any("made anew" in message for message in again.index.messages)


def test_a_summary_alone_costs_no_verdict(trained: Path):
    run = Workspace(trained).runs()[0]
    assert run.summary().verdict is None and run.summary(judged=True).verdict is not None


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A workspace with a run that learned and one that did not."""
    folder = tmp_path_factory.mktemp("verdicts")
    for name, rate in (("good", "0.002"), ("poor", "1e-6")):
        assert main(["--workspace", str(folder), "train", "adds", "--name", name, "--optim.lr", rate]) == 0
    return folder


def test_the_command_line_says_it(trained: Path, capsys, monkeypatch):
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(trained))
    assert main(["show", "good"]) == main(["show", "poor"]) == 0
    out = capsys.readouterr().out
    assert "\n  learned: Accuracy is 99% or more since step " in out
    assert "\n  at chance: It answers " in out and "; guessing gets " in out
    for _ in range(2):  # read from the folders, then from the index that was kept
        assert main(["runs", "--json"]) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert {row["name"]: row["verdict"]["word"] for row in rows} == {"good": "learned", "poor": "at chance"}
    assert main(["runs", "--sort", "verdict"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert "VERDICT" in table[0] and " good " in table[1] and " poor " in table[2]


def test_train_ends_with_it(tmp_path: Path, capsys):
    command = ["--workspace", str(tmp_path), "train", "adds", "--train.steps", "1000"]
    assert main(command) == main([*command, "--json"]) == 0
    out = capsys.readouterr().out.splitlines()
    last = json.loads(out[-1])["verdict"]
    assert f"{last['word']}: {last['sentence']}" in out  # of the first run, with the same seed


@pytest.mark.parametrize(("text", "names"), [
    ("verdict = learned", {"good"}), ('is:"at chance"', {"poor"}), ("verdict:chance", {"poor"}),
    ("not is:learned", {"poor"}),
])  # fmt: skip
def test_filters_find_verdicts(trained: Path, text, names):
    entries = Workspace(trained).index.read().entries
    found = {entry.summary.name for entry in entries if parse(text, Names.of(entries)).matches(entry, 0.0)}
    assert found == names


def test_a_run_of_an_earlier_version_has_no_chance(trained: Path):
    (run,) = [run for run in Workspace(trained).runs() if run.record.name == "poor"]
    with run.store() as store:
        assert run.judged(store, run.summary_from(store)).verdict.word == "at chance"
        store.set_state(chance=None)
        assert run.judged(store, run.summary_from(store)).verdict.word != "at chance"


def test_a_run_that_failed_at_once_has_diverged(tmp_path: Path, capsys):
    wild = ["--optim.name", "sgd", "--optim.lr", "50", "--schedule.warmup_steps", "0"]
    assert main(["--workspace", str(tmp_path), "train", "adds", *wild, "--json"]) == 1
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])["verdict"]
    assert verdict["word"] == "diverged" and f"at step {verdict['step']}" in verdict["sentence"]


def test_since_when_it_holds_does_not_depend_on_how_long_it_goes_on(trained: Path):
    (run,) = [run for run in Workspace(trained).runs() if run.record.name == "good"]
    with run.store() as store:
        before = run.judged(store, run.summary_from(store)).verdict
        store.append(("accuracy", 10_000 + 200 * place, 1.0) for place in range(600))
        assert run.judged(store, run.summary_from(store)).verdict == before


def test_a_workspace_that_is_a_file_is_refused(tmp_path: Path, capsys):
    file = tmp_path / "file"
    file.touch()
    for command in (["runs"], ["train", "adds"], ["show", "x"]):
        assert main(["--workspace", str(file), *command]) == 2
        assert "is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize("value", [1.2, 1.0000001, -0.1])
def test_an_accuracy_of_our_own_that_is_no_share_is_told(value: float, tmp_path: Path) -> None:
    run = Workspace(tmp_path).create("baseline", Config(), "odd")
    with run.store() as store:
        store.append([("accuracy", 10, value)])
    summary = run.summary()
    assert "accuracy" not in summary.metrics
    assert any("the last accuracy is" in text for text in summary.problems)
