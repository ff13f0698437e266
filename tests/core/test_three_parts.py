"""Training, validation and test: what stops a run or chooses its best checkpoint is not what is reported at the end."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqsum.config import Config
from seqsum.errors import ConfigError, UserError
from seqsum.launch import WarmLauncher
from seqsum.models.base import make_model
from seqsum.runs import Run
from seqsum.runs.checkpoint_files import folder_of
from seqsum.tasks.base import AnyTask
from seqsum.tasks.character_lm import CharacterLm, CharacterLmConfig
from seqsum.tasks.copied_runs import copied_run
from seqsum.tasks.forecast import Forecast, ForecastConfig
from seqsum.tasks.labelled_lines import LinesSource, read_lines
from seqsum.tasks.text_classification import TextClassification, TextClassificationConfig
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer
from support.command_line import call, lines, refused
from support.engine import new_run, wait_for_end

WORDS = ("red", "green", "blue", "grey")


def texts_file(folder: Path, count: int = 600, name: str = "texts.csv", first: int = 0) -> str:
    path = folder / name
    rows = [f"{WORDS[place % 4]} thing {place},{WORDS[place % 2]}" for place in range(first, first + count)]
    path.write_text("\n".join(["text,label", *rows]) + "\n")
    return str(path)


def series_file(folder: Path, values: np.ndarray, name: str = "series.csv") -> str:
    path = folder / name
    path.write_text("value\n" + "".join(f"{value!r}\n" for value in values.tolist()))
    return str(path)


def classification(file: str | None, **settings: Any) -> TextClassification:
    return TextClassification(TextClassificationConfig(file=file, **settings))


def asked_of(task: AnyTask) -> set[str]:
    return {
        task.echo(row[:length])
        for part in task.held_out()
        for row, length in zip(part.inputs, part.lengths, strict=True)
    }


def test_a_share_of_the_texts_is_kept_for_the_test_and_the_others_stay_where_they_were(tmp_path: Path) -> None:
    file = texts_file(tmp_path)
    before, now = read_lines(LinesSource(file)), read_lines(LinesSource(file, test_share=0.3))
    assert not before.test and 0.2 < len(now.test) / 600 < 0.4
    assert set(now.training) < set(before.training) and set(now.held_out) < set(before.held_out)
    assert sorted([*now.training, *now.held_out, *now.test]) == sorted([*before.training, *before.held_out])
    task = classification(file, test_share=0.3)
    assert task.has_test and (task.part, task.of_test().part) == ("validation", "test")
    assert asked_of(task.of_test()) == {text for text, _ in now.test}
    assert asked_of(task) == {text for text, _ in now.held_out}
    batches = task.batches(0, 0, 1, len(now.training))
    met = {task.echo(row[:n]) for row, n in zip(batches.inputs[0], batches.lengths[0], strict=True)}
    assert met == {text for text, _ in now.training}
    assert not classification(file).has_test


def test_metrics_of_the_test_part_are_those_of_its_own_texts(tmp_path: Path) -> None:
    task = classification(texts_file(tmp_path), test_share=0.4).of_test()
    parts = list(task.held_out())
    targets = np.concatenate([part.targets for part in parts])
    metrics = task.held_out_metrics([np.zeros(len(part.targets), dtype=np.int64) for part in parts])
    trained = [label for _, label in read_lines(LinesSource(task.config.file, test_share=0.4)).training]
    commonest = task.labels.index(max(sorted(set(trained)), key=trained.count))
    assert metrics["majority_class_accuracy"] == pytest.approx((targets == commonest).mean())
    assert metrics["balanced_accuracy"] == pytest.approx(0.5)


def test_a_file_for_the_test_is_read_as_the_other_one_and_its_known_texts_are_left_out(tmp_path: Path) -> None:
    file = texts_file(tmp_path)
    other = tmp_path / "other.csv"
    other.write_text("label;text;more\ngreen;green thing 5;x\nlilac;light 1;y\ngreen;night 2;z\n")
    task = classification(file, test_file=str(other))
    assert asked_of(task.of_test()) == {"light 1", "night 2"}
    assert task.labels == ["green", "lilac", "red"]
    told = " ".join(task.notes)
    assert "the test has 2 texts of other.csv, asked once, at the end; 1 other stand in the other parts, too" in told
    assert 'label "lilac" occurs only in the test part (1 text)' in told
    restored = TextClassification.restored(task.config, task.data_facts())
    assert asked_of(restored.of_test()) == asked_of(task.of_test())
    other.write_text("label,text\nred,light 1\n")
    with pytest.raises(UserError, match=r"or of .*other\.csv, are not what they were when the run began"):
        asked_of(TextClassification.restored(task.config, task.data_facts()).of_test())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, r"task\.test_file: there is no file \"other\.csv\""),
        ("text,kind\na,red\n", r"task\.label_column: other\.csv has no column \"label\""),
        ("text,label\nred thing 0,red\n", r"task\.test_file: no text is left for the test: all 1 text of other\.csv"),
        ("text,label\na,\n", r'other\.csv, line 2, column "label": the label is empty'),
    ],
)
def test_a_test_file_that_cant_be_asked_is_refused(content: str | None, says: str, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    if content is not None:
        other.write_text(content)
    with pytest.raises(UserError, match=says):
        classification(texts_file(tmp_path), test_file=str(other))


def test_lines_of_code_are_kept_for_the_test_by_file() -> None:
    whole, now = read_lines(LinesSource(None)), read_lines(LinesSource(None, test_share=0.3))
    assert now.test and not {text for text, _ in now.test} & {text for text, _ in [*now.training, *now.held_out]}
    assert len(now.training) < len(whole.training) and {label for _, label in now.test} <= set(whole.labels)


def test_the_last_values_are_the_test_and_no_window_of_validation_reaches_into_it(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=200).round(6)
    file = series_file(tmp_path, values)
    config = ForecastConfig(file=file, window=8, horizon=3, held_out_share=0.2, test_share=0.1)
    task = Forecast(config)
    facts = task.data_facts()
    training = values[:140]
    assert (facts["mean"], facts["deviation"]) == (pytest.approx(training.mean()), pytest.approx(training.std()))
    for part, (first, end) in ((task, (140, 180)), (task.of_test(), (180, 200))):
        (examples,) = part.held_out()
        assert len(examples.targets) == end - first
        back = examples.targets[:, 0].astype(np.float64) * facts["deviation"] + facts["mean"]
        assert back == pytest.approx(values[first:end], abs=1e-5)
        metrics = part.held_out_metrics([examples.inputs[:, -1]])
        assert metrics["mae"] == pytest.approx(np.abs(values[first:end] - values[first - 1 : end - 1]).mean(), rel=1e-5)
        ahead = part.forecasts()
        assert ahead is not None and ahead.targets.shape == (end - first - 2, 3)
    assert any("the next 40 held out, the last 20 for the test" in note for note in task.notes)
    unchanged = Forecast(config.model_copy(update={"test_share": 0.0}))
    assert not unchanged.has_test and "test_fingerprint" not in unchanged.data_facts()


def test_a_series_of_its_own_is_forecast_in_the_units_of_the_training_part(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    file = series_file(tmp_path, draw.normal(size=120))
    other = 5 + draw.normal(size=30)
    task = Forecast(ForecastConfig(file=file, window=8, horizon=1, test_file=series_file(tmp_path, other, "other.csv")))
    (examples,) = task.of_test().held_out()
    metrics = task.of_test().held_out_metrics([examples.inputs[:, -1]])
    assert len(examples.targets) == 22
    assert metrics["mae_same_as_last"] == pytest.approx(np.abs(np.diff(other[7:])).mean(), rel=1e-5)
    series_file(tmp_path, other[:8], "other.csv")
    with pytest.raises(
        UserError, match=r"task\.test_file: .other\.csv. has 8 values, and a window of 8 needs at least 9"
    ):
        Forecast(task.config)


@pytest.mark.parametrize(
    ("first", "end", "which"), [(80, 120, "all 40 values"), (60, 100, "all 40 values"), (90, 150, "values 1 to 30")]
)
def test_a_test_file_whose_values_stand_in_the_series_is_refused(
    first: int, end: int, which: str, tmp_path: Path
) -> None:
    draw = np.random.default_rng(1).normal(size=150)
    file, other = series_file(tmp_path, draw[:120]), series_file(tmp_path, draw[first:end], "other.csv")
    config = ForecastConfig(file=file, window=5, horizon=1, test_file=other)
    says = rf'^task\.test_file: {which} of "other\.csv" stand in "series\.csv", too, in the same order, so .*; cut them'
    with pytest.raises(UserError, match=says):
        Forecast(config)


def test_a_test_that_goes_on_where_the_series_ends_may_begin_with_its_last_window() -> None:
    draw = np.random.default_rng(1).normal(size=300)
    assert copied_run(draw[:200], draw[200 - 30 :], 30) is None
    assert copied_run(draw[:200], draw[200 - 31 :], 30) == (0, 31)
    assert copied_run(draw[:200], np.concatenate([draw[200:240], draw[50:90], draw[240:250]]), 30) == (40, 40)
    assert copied_run(draw[:200], draw[100:112], 6) == (0, 12)
    assert copied_run(draw[:200], draw[100:107], 6) == (0, 7)
    assert copied_run(draw[:200], draw[100:107], 7) is None
    switched = (draw > 0).astype(float)
    assert copied_run(switched[:200], switched[60:180], 30) == (0, 120)
    assert copied_run(switched[:200], switched[60:100], 30) == (0, 40)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(400),
        np.tile(np.arange(12.0), 40),
        np.random.default_rng(3).integers(0, 3, 4000).astype(float),
        np.concatenate([np.arange(100.0), np.zeros(30), np.arange(200.0, 300.0), np.zeros(200)]),
        *(np.round(20 + 5 * np.sin(2 * np.pi * np.arange(hours) / 24)) for hours in (703, 1801, 3283)),
        np.cumsum(np.random.default_rng(4).integers(-1, 2, 4000)).astype(float),
    ],
)
def test_a_series_that_comes_again_by_itself_is_no_copy(values: np.ndarray) -> None:
    assert copied_run(values[:-60], values[-60:], 10) is None


def test_the_end_of_a_text_or_another_text_is_the_test(tmp_path: Path) -> None:
    text = "".join(np.random.default_rng(2).choice(list("abcde "), 1000))
    file, other = tmp_path / "text.txt", tmp_path / "other.txt"
    file.write_text(text)
    other.write_text("edcba " * 10)
    task = CharacterLm(CharacterLmConfig(corpus=str(file), held_out_share=0.1, test_share=0.2))

    def read(part: AnyTask) -> str:
        return "".join(part.echo(piece.inputs[0]) for piece in part.held_out())

    assert (read(task), read(task.of_test())) == (text[700:800], text[800:])
    assert task.echo(task.batches(0, 0, 11, 1).inputs.reshape(-1)[:700]) == text[:700]
    counts = {character: text[:700].count(character) + 1 for character in "abcde "}
    bits = -np.log2([counts[one] / (700 + 7) for one in text[800:]]).mean()
    assert task.of_test().loss_metrics(1.0)["unigram_bits_per_character"] == pytest.approx(bits)
    named = CharacterLm(CharacterLmConfig(corpus=str(file), test_corpus=str(other)))
    assert read(named.of_test()) == "edcba " * 10
    other.write_text("abcde " * 10)
    with pytest.raises(UserError, match=r"task\.test_corpus: the text of .*other\.txt is not what it was"):
        read(CharacterLm.restored(named.config, named.data_facts()).of_test())
    with pytest.raises(UserError, match=r"task\.test_corpus: there is no .*gone\.txt"):
        CharacterLm(CharacterLmConfig(corpus=str(file), test_corpus=str(tmp_path / "gone.txt")))


def test_a_text_for_the_test_that_stands_in_the_other_parts_is_refused_and_a_part_of_it_told(tmp_path: Path) -> None:
    drawn = np.random.default_rng(2).choice(list("abcde "), 130_000)
    text, fresh = "".join(drawn[:120_000]), "".join(drawn[120_000:])
    file, other = tmp_path / "text.txt", tmp_path / "other.txt"

    def notes(here: str, there: str) -> str:
        file.write_text(here)
        other.write_text(there)
        return " ".join(CharacterLm(CharacterLmConfig(corpus=str(file), test_corpus=str(other))).notes)

    # The whole, its beginning, its end (which is validated), and a text of which 100,000 characters are asked.
    for copied in (text, text[:5_000], text[-5_000:], text[:30], text[10_000:] + fresh):
        with pytest.raises(
            UserError, match=r"task\.test_corpus: all that is asked of .*other.* stands in .*text.*, too"
        ):
            notes(text, copied)
    told = re.search(
        r"(\d+) of (\d+) passages of 100 characters .* stand in the training", notes(text, text[:5000] + fresh)
    )
    assert told and int(told[1]) / int(told[2]) == pytest.approx(1 / 3, abs=0.02)
    for here, there in ((text, fresh), ("abc " * 1000, "abc " * 50), (text, fresh[:30])):
        assert "asked once" in notes(here, there) and (here != text or "passages" not in notes(here, there))


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (
            {"name": "text_classification", "test_file": "a.csv", "test_share": 0.1},
            "task.test_share: must be 0 beside task.test_file",
        ),
        ({"name": "character_lm", "test_corpus": "a", "test_share": 0.1}, "must be 0 beside task.test_corpus"),
        (
            {"name": "forecast", "held_out_share": 0.5, "test_share": 0.5},
            "task.test_share: must be at most 0.95 with task.held_out_share",
        ),
    ],
)
def test_settings_that_leave_nothing_clear_are_refused(task: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Config.parse({"task": task}, "test")


def config_of(folder: Path, **train: Any) -> Config:
    return Config.parse(
        {
            "task": {"name": "text_classification", "file": texts_file(folder), "test_share": 0.3},
            "model": {"cell": "gru", "hidden_size": 8, "embedding_size": 4},
            "optim": {"lr": 0.3},
            "schedule": {"name": "constant"},
            "train": {"steps": 60, "batch_size": 16, "evaluate_every": 5, "log_every": 5, "backend": "torch", **train},
        },
        "test",
    )


def accuracy_by_hand(run: Run, step: int, task: AnyTask) -> float:
    """What a checkpoint says to the test part's texts, one at a time."""
    saved = checkpoint.load(folder_of(run.checkpoints, step))
    model = make_model(task, Config.parse(saved.state["config"], "test").model, 0)
    model.load_state_dict(saved.model)
    model.eval()
    texts = read_lines(LinesSource(task.config.file, max_length=task.config.max_length, test_share=0.3)).test
    import torch

    right = 0
    with torch.inference_mode():
        for text, label in texts:
            tokens = torch.from_numpy(task.parse(text))[None]
            answer = model(tokens, torch.tensor([tokens.shape[1]]), None).argmax().item()
            right += task.labels[int(answer)] == label
    return right / len(texts)


def test_the_end_of_a_run_asks_the_best_checkpoint_about_the_test_part(
    fork_server: WarmLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path))
    run = new_run(tmp_path, config_of(tmp_path, keep_best=True))
    fork_server.submit(run)
    summary = wait_for_end(run)
    assert summary.status == "finished"
    with run.store() as store:
        steps, losses = store.points("eval_loss", -1, 10**6)
        tested, message = store.point_at("test_accuracy", 10**6), store.events(kind="message")[-1].detail["text"]
    best = int(steps[np.argmin(losses)])
    assert best < 60, "the best must not be the last, or this shows nothing"
    assert tested is not None and tested[0] == 60
    task = classification(run.config().task.file, test_share=0.3)
    assert tested[1] == pytest.approx(accuracy_by_hand(run, best, task))
    assert f"the test part was asked once, with the checkpoint of step {best}, the best: test_accuracy" in message
    assert {"test_loss", "test_balanced_accuracy", "test_majority_class_accuracy"} <= set(summary.metrics)
    status, out, _ = call("show", run.id)
    assert status == 0
    words = {line.split()[0]: line.rpartition("of the ")[2] for line in out.splitlines() if " of the " in line}
    assert (words["train_accuracy"], words["accuracy"], words["test_accuracy"]) == (
        "training part",
        "validation part",
        "test part",
    )
    assert "accuracy of the validation part, higher is better" in call("compare", run.id)[1]
    assert "test_loss of the test part, lower is better" in call("compare", run.id, "--metric", "test_loss")[1]


def test_evaluate_tells_both_parts_and_asks_one_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path))
    config = config_of(tmp_path)
    run, trainer = new_run(tmp_path, config), Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    trainer.save(run.checkpoints)
    by_hand = accuracy_by_hand(run, 60, trainer.task)
    points = {name: value for name, _, value in trainer.test()}
    assert points["test_accuracy"] == pytest.approx(by_hand)
    (found,) = lines("evaluate", run.id)
    assert (found["part"], found["test"]["part"]) == ("validation", "test")
    assert found["test"]["accuracy"] == pytest.approx(by_hand)
    assert found["sequences"] != found["test"]["sequences"]
    (found,) = lines("evaluate", run.id, "--part", "test", "--mistakes", "500")
    assert found["accuracy"] == pytest.approx(by_hand) and "test" not in found
    assert found["mistakes"]["asked"] == found["sequences"]
    _, out, _ = call("evaluate", run.id)
    assert "sequences of the validation part" in out and "sequences of the test part" in out


def test_a_task_without_a_test_part_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path))
    config = config_of(tmp_path).changed({"task.test_share": 0, "train.steps": 1}, "test")
    run, trainer = new_run(tmp_path, config), Trainer(config)
    trainer.run_chunk()
    trainer.save(run.checkpoints)
    assert "evaluate: this run has no test part; a new run has one with task.test_share" in refused(
        "evaluate", run.id, "--part", "test"
    )
    assert "test" not in lines("evaluate", run.id)[0]
    state = json.loads((folder_of(run.checkpoints, 1) / "state.json").read_text())
    assert "test_fingerprint" not in state["data_facts"]
