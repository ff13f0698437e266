"""Forecasts of one column from several: what stands at each step against plain loops, the rules of files for further
columns, what is known of the future, and the network against the same one without them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqsum.config import Config
from seqsum.errors import ConfigError, UserError
from seqsum.models.generation import forecast
from seqsum.query.answering import Answerer
from seqsum.query.registry import questions
from seqsum.runs import Run
from seqsum.tasks.forecast import Forecast, ForecastConfig
from seqsum.training.trainer import Trainer
from support.command_line import call, refused
from support.engine import new_run

Table = Callable[..., str]
AHEAD = 4


def numbers(count: int = 60, ahead: int = AHEAD, seed: int = 0) -> np.ndarray:
    """Rows of sales, price and promo: [count + ahead, 3], NaN in the sales and prices of the last rows."""
    draw = np.random.default_rng(seed)
    rows = np.stack([draw.normal(50, 9, count + ahead), draw.normal(7, 2, count + ahead)], axis=1).round(3)
    rows[count:] = np.nan
    return np.concatenate([rows, draw.integers(0, 2, (count + ahead, 1))], axis=1)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """A file of rows under `day,sales,price,promo`; NaN is an empty cell."""

    def table(rows: Sequence[Sequence[float]], name: str = "table.csv", days: Sequence[int] | None = None) -> str:
        days = range(len(rows)) if days is None else days
        cells = [["" if math.isnan(cell) else f"{cell:.10g}" for cell in row] for row in rows]
        lines = [
            ",".join([str(date(2024, 1, 1) + timedelta(days=day)), *row]) for day, row in zip(days, cells, strict=True)
        ]
        path = tmp_path / name
        path.write_text("\n".join(["day,sales,price,promo", *lines]) + "\n")
        return str(path)

    return table


def task_of(file: str, **settings: Any) -> Forecast:
    config = {"column": "sales", "input_columns": ["price"], "known_columns": ["promo"], "window": 5, "horizon": 3}
    return Forecast(ForecastConfig.model_validate({"file": file, **config, **settings}))


def scaled(rows: np.ndarray, training: int) -> np.ndarray:
    part = rows[:training]
    return (rows - part.mean(axis=0)) / part.std(axis=0)


def window_of(rows: np.ndarray, place: int, window: int = 5) -> list[list[float]]:
    """The steps before a place, written down one by one: the sales and price of a step, the promo of the next."""
    return [[rows[at, 0], rows[at, 1], rows[at + 1, 2]] for at in range(place - window, place)]


def test_each_step_holds_its_own_past_and_what_is_known_of_the_next(table: Table) -> None:
    rows = numbers()
    task, plain = task_of(table(rows), held_out_share=0.25), scaled(rows, 45)
    assert task.features == 3
    batches = task.batches(0, 0, 1, 40)
    expected = {tuple(np.round(np.ravel(window_of(plain, at)), 4)) for at in range(5, 45)}
    assert {tuple(np.round(one.ravel().astype(float), 4)) for one in batches.inputs[0]} == expected
    for inputs, target in zip(batches.inputs[0], batches.targets[0], strict=True):
        at = next(at for at in range(5, 45) if np.allclose(inputs, window_of(plain, at), atol=1e-5))
        assert target[0] == pytest.approx(plain[at, 0], abs=1e-5)

    (held_out,) = task.held_out()
    assert len(held_out.inputs) == 15
    for place, at in enumerate(range(45, 60)):
        np.testing.assert_allclose(held_out.inputs[place], window_of(plain, at), atol=1e-5)
        assert held_out.targets[place, 0] == pytest.approx(plain[at, 0], abs=1e-5)


def test_ahead_the_known_columns_go_on_and_the_others_stay(table: Table) -> None:
    rows = numbers()
    task, plain = task_of(table(rows), held_out_share=0.25), scaled(rows, 45)
    asked = task.forecasts()
    assert asked is not None and asked.beside is not None and len(asked.inputs) == 13
    for place, at in enumerate(range(45, 58)):
        np.testing.assert_allclose(asked.inputs[place], window_of(plain, at), atol=1e-5)
        np.testing.assert_allclose(asked.targets[place], plain[at : at + 3, 0], atol=1e-5)
        # Beside the values of `at` and `at + 1`: the price of the last step that was seen, and the next one's promo.
        expected = [[plain[at - 1, 1], plain[step + 1, 2]] for step in (at, at + 1)]
        np.testing.assert_allclose(asked.beside[place], expected, atol=1e-5)


def test_forecasts_fed_back_are_those_of_a_loop(table: Table) -> None:
    rows = numbers()
    config = run_config(table(rows), train={"steps": 1})
    trainer = Trainer(config)
    task, plain = trainer.task, scaled(rows, 48)
    asked = task.forecasts()
    assert asked is not None and asked.beside is not None
    with torch.inference_mode():
        made = forecast(trainer.model.eval(), torch.from_numpy(asked.inputs), 3, beside=torch.from_numpy(asked.beside))
        for place, at in enumerate(range(48, 58)):
            steps = window_of(plain, at)
            for ahead in range(3):
                window = torch.tensor([steps[-5:]], dtype=torch.float32)
                said = float(trainer.model(window, torch.tensor([5]))[0, 0])
                assert made[place, ahead] == pytest.approx(said, abs=1e-5)
                steps.append([said, plain[at - 1, 1], plain[at + ahead + 1, 2]])


def test_nothing_held_out_reaches_what_training_sees(table: Table) -> None:
    rows = numbers()
    other = rows.copy()
    other[48:60, :2] *= 3
    other[49:, 2] = 1 - other[49:, 2]
    one, two = (task_of(table(part, name)) for part, name in ((rows, "one.csv"), (other, "two.csv")))
    assert np.array_equal(one.batches(0, 0, 9, 8).inputs, two.batches(0, 0, 9, 8).inputs)


def test_the_test_file_is_read_with_its_further_columns(table: Table) -> None:
    rows, other = numbers(), numbers(30, 2, seed=1)
    task = task_of(table(rows), test_file=table(other, "test.csv")).of_test()
    part = rows[:48]
    plain = (other - part.mean(axis=0)) / part.std(axis=0)
    (asked,) = task.held_out()
    assert len(asked.inputs) == 25
    for place, at in enumerate(range(5, 30)):
        np.testing.assert_allclose(asked.inputs[place], window_of(plain, at), atol=1e-5)


def test_rows_go_into_order_with_all_their_columns(table: Table) -> None:
    rows = numbers()
    mixed = np.random.default_rng(2).permutation(len(rows))
    whole = task_of(table(rows))
    for name, days, how in (
        ("mixed", mixed.tolist(), {"order": "sort"}),
        ("backwards", [*range(len(rows))][::-1], {}),
    ):
        task = task_of(table(rows[days], f"{name}.csv", days), **how)
        assert np.array_equal(task.batches(0, 0, 3, 8).inputs, whole.batches(0, 0, 3, 8).inputs)
        assert np.array_equal(task.parse(""), whole.parse(""))


def test_a_time_that_comes_again_has_one_row(table: Table) -> None:
    rows = numbers()
    days = sorted([*range(len(rows)), 10, 62])
    twice = rows[days]
    first, second = days.index(10), days.index(10) + 1
    twice[second] = [twice[first, 0] + 2, twice[first, 1] + 4, twice[first, 2]]
    task = task_of(table(twice, "twice.csv", days), repeated="mean")
    expected = rows.copy()
    expected[10, :2] += (1, 2)
    same = task_of(table(expected, "same.csv"))
    assert np.allclose(task.batches(0, 0, 3, 8).inputs, same.batches(0, 0, 3, 8).inputs, atol=1e-6)
    assert task.ahead("", None, 9)[0] == AHEAD


def test_what_is_missing_in_a_further_column_is_filled_as_is_said(table: Table) -> None:
    rows = numbers()
    lacking = rows.copy()
    lacking[20, 1] = lacking[30, 2] = math.nan
    file = table(lacking, "lacking.csv")
    with pytest.raises(UserError, match=r'lacking\.csv, line 22, column "price": the cell is empty; fill in'):
        task_of(file)
    between = rows.copy()
    between[20, 1], between[30, 2] = (rows[19, 1] + rows[21, 1]) / 2, (rows[29, 2] + rows[31, 2]) / 2
    before = rows.copy()
    before[20, 1], before[30, 2] = rows[19, 1], rows[29, 2]
    for how, expected in (("interpolate", between), ("forward_fill", before)):
        task, same = task_of(file, missing=how), task_of(table(expected, f"{how}.csv"))
        assert np.allclose(task.batches(0, 0, 3, 8).inputs, same.batches(0, 0, 3, 8).inputs, atol=1e-6)
        assert any('1 missing value of "price" (line 22)' in note for note in task.notes)
        assert any('1 missing value of "promo" (line 32)' in note for note in task.notes)

    masked = task_of(file, missing="mask")
    # 43 windows of five and the value behind; a hole is in six of them.
    assert len(masked.batches(0, 0, 1, 31).inputs[0]) == 31
    assert masked.steps_per_epoch(1) == 43 - 6 - 6


def test_times_that_are_left_out_are_filled_in_all_columns(table: Table) -> None:
    rows = numbers()
    there = [at for at in range(len(rows)) if at not in (20, 61)]
    task = task_of(table(rows[there], "gaps.csv", there), gaps="interpolate")
    expected = rows.copy()
    expected[20] = (rows[19] + rows[21]) / 2
    expected[61, 2] = (rows[60, 2] + rows[62, 2]) / 2
    same = task_of(table(expected, "filled.csv"))
    assert np.allclose(task.batches(0, 0, 3, 8).inputs, same.batches(0, 0, 3, 8).inputs, atol=1e-6)
    steps, beside = task.ahead("", None, 9)
    assert steps == AHEAD and np.allclose(beside, same.ahead("", None, 9)[1], atol=1e-6)


def test_a_column_that_begins_later_begins_the_series(table: Table) -> None:
    rows = numbers()
    late = rows.copy()
    late[:7, 1] = math.nan
    task, same = task_of(table(late, "late.csv"), missing="forward_fill"), task_of(table(rows[7:], "cut.csv"))
    assert np.array_equal(task.batches(0, 0, 3, 8).inputs, same.batches(0, 0, 3, 8).inputs)


def test_rows_without_a_value_at_the_end_are_what_is_to_be_forecast(table: Table) -> None:
    rows = numbers()
    task, plain = task_of(table(rows)), scaled(rows, 48)
    assert np.allclose(task.parse(""), window_of(plain, 60), atol=1e-5)
    steps, beside = task.ahead("", None, 9)
    assert steps == AHEAD and beside is not None
    np.testing.assert_allclose(beside[0], [[plain[59, 1], plain[at, 2]] for at in (61, 62, 63)], atol=1e-5)
    assert task.ahead("", 2, 9)[0] == 2
    with pytest.raises(UserError, match=r'5 steps ahead are asked for, .*\("promo"\) go on for 4 steps'):
        task.ahead("", 5, 9)
    assert any("the last 4 rows have no" in note for note in task.notes)
    # Without known columns such a row is a missing value, as ever; the further one's future is then its last value.
    says = r'line 62, column "sales": the cell is empty: the last 4 rows have no value; .*known_columns .* as "promo"'
    with pytest.raises(UserError, match=says):
        task_of(table(rows), known_columns=[])
    past = task_of(table(rows[:60], "past.csv"), known_columns=[])
    steps, beside = past.ahead("", 30, 3)
    assert steps == 30 and beside is not None and np.allclose(beside, plain[59, 1], atol=1e-5)


def test_where_the_future_is_not_said_nothing_is_forecast(table: Table) -> None:
    task = task_of(table(numbers(ahead=0)))
    with pytest.raises(
        UserError, match=r'input: the data does not say what "promo" will be in the next step; type the'
    ):
        task.parse("")
    assert any('to forecast what comes, add rows with "promo" and no "sales"' in note for note in task.notes)
    assert task.window_before_end(1).following and task.window_before_end(1).ahead == 1
    with pytest.raises(UserError, match=r"offset must be 1 to 55, .*; got 0"):
        task.window_before_end(0)


def test_what_is_typed_is_read_as_the_file_is(table: Table) -> None:
    rows = numbers()
    task, plain = task_of(table(rows)), scaled(rows, 48)
    cells = [";".join(f"{cell:.10g}" for cell in row) for row in rows[55:60]]
    coming = [f"?;;{promo:g}" for promo in rows[60:63, 2]]
    text = " ".join([*cells, *coming])
    np.testing.assert_allclose(task.parse(text), task.parse(""), atol=1e-5)
    steps, beside = task.ahead(text, None, 9)
    assert steps == 3 and beside is not None
    np.testing.assert_allclose(beside[0], [[plain[59, 1], plain[at, 2]] for at in (61, 62)], atol=1e-5)
    assert task.remarks(text) == []

    short = task.parse(" ".join([*cells[-2:], coming[0]]))
    assert np.allclose(short[:2], 0, atol=1e-6) and np.allclose(short[-2:], window_of(plain, 60)[-2:], atol=1e-5)
    assert short[2].tolist() == pytest.approx([0, 0, plain[58, 2]], abs=1e-5)
    assert task.remarks(" ".join([*cells[-2:], coming[0]])) == [
        "the means of the training values stand for the 3 before those typed",
        '"promo" is known for 1 step ahead',
    ]
    again = task.as_typed(task.parse(""))
    np.testing.assert_allclose(task.parse(again), task.parse(""), atol=1e-3)


@pytest.mark.parametrize(
    ("text", "reason", "place"),
    [
        ("50 51 52", r'row 1, "50", has 1 number and needs 3; type the last 5 rows sales;price;promo, oldest', 0),
        ("50;7;0 51;7", r'row 2, "51;7", has 2 numbers and needs 3', 7),
        ("50;7;0", r'what was typed does not say what "promo" will be in the next step', None),
        ("50;;0 ?;?;1", r'"price" of row 1 is missing', 3),
        ("50;7;0 51;7;? ?;?;1", r'"promo" of row 2 is missing', 12),
        ("50;x;0 ?;?;1", r'"price" of row 1 is "x"', 3),
        ("50;7,5;0 ?;?;1", r'"price" of row 1 is "7,5", and the numbers have a decimal point; .* type 7\.5$', 3),
        ("50; x ;0 ?;?;1", r'"price" of row 1 is "x"', 4),
        ("50; 7;0 51; 7", r'row 1, "50;", has 2 numbers and needs 3', 0),
        ("50;7;0 ?;?;?", r'"promo" of row 2 is missing', 11),
        ("?;?;1", 'no row has a "sales"', None),
        ("50;7;0 ?;?;1 51;7;0", r'row 3 has a "sales" behind a row without one', 13),
        ("50;7;0 ?;?;1e60", r"1e60 is too far from the training data", None),
    ],
)
def test_what_can_not_be_read_is_refused(text: str, reason: str, place: int | None, table: Table) -> None:
    with pytest.raises(UserError, match=reason.replace("1e60", r"1e\+?60")) as caught:
        task_of(table(numbers())).parse(text)
    assert getattr(caught.value, "place", None) == place


@pytest.mark.parametrize(
    "text",
    ["50; 7; 0 51; 8; 1 ?; ?; 1", "50 ;7;0\n51;8; 1\n?; ?; 1", " 50;7;0 51;\t8;1 ? ; ? ; 1 ", "50;7;0  51;8;1  ;;1"],
)
def test_white_space_beside_a_semicolon_parts_no_rows(text: str, table: Table) -> None:
    task = task_of(table(numbers()))
    np.testing.assert_array_equal(task.parse(text), task.parse("50;7;0 51;8;1 ?;?;1"))


def test_a_decimal_comma_holds_for_what_is_typed(tmp_path: Path) -> None:
    path = tmp_path / "comma.csv"
    draw = np.random.default_rng(0)
    lines = [f"{draw.normal(5, 2):.2f};{draw.normal(7, 1):.2f}".replace(".", ",") for _ in range(40)]
    path.write_text("sales;price\n" + "\n".join(lines) + "\n")
    task = task_of(str(path), known_columns=[])
    assert np.allclose(task.parse(" ".join(lines[-5:])), task.parse(""))
    assert all("," in name for name in task.input_names(task.parse("")))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"input_columns": ["prize"]}, r'task\.input_columns: table\.csv has no column "prize"; did you mean "price"'),
        ({"known_columns": ["sales"]}, r'task\.known_columns: "sales" is the column that is forecast'),
        (
            {"known_columns": ["same"]},
            r'task\.known_columns: the \d+ training values of "same" are all 4; leave it out',
        ),
        ({"input_columns": ["none"]}, r'table\.csv: column "none" holds no number; leave it out'),
        ({"known_columns": ["word"]}, r'line 2, column "word": expected a number, got "yes"; a further column holds'),
        ({"known_columns": ["far"]}, r'task\.known_columns: some held-out values of "far" are too far'),
    ],
)
def test_columns_that_can_not_be_read_are_refused(settings: dict[str, Any], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    lines = [f"{day % 7},{day % 5},4,,yes,{day % 3 if day < 39 else 1e200}" for day in range(40)]
    path.write_text("sales,price,same,none,word,far\n" + "\n".join(lines) + "\n")
    with pytest.raises(UserError, match=reason):
        task_of(str(path), **{"input_columns": [], "known_columns": [], **settings}).batches(0, 0, 1, 1)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"input_columns": "a, a"}, r'task\.input_columns: must name a column once, got "a" 2 times'),
        (
            {"input_columns": "a", "known_columns": "b, a"},
            r'known_columns: must not name "a", which task\.input_columns',
        ),
    ],
)
def test_a_column_is_named_once(settings: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        Config.parse({"task": {"name": "forecast", **settings}}, "test")


def test_the_linear_baseline_reads_its_own_past_alone() -> None:
    for setting in ("input_columns", "known_columns"):
        raw = {"task": {"name": "forecast", setting: "a"}, "model": {"name": "autoregressive", "order": 2}}
        with pytest.raises(ConfigError, match=rf"task\.{setting}: must be empty with autoregressive"):
            Config.parse(raw, "test")


def run_config(file: str, task: dict[str, Any] | None = None, **sections: dict[str, Any]) -> Config:
    return Config.parse(
        {
            "task": {
                "name": "forecast",
                "file": file,
                "column": "sales",
                "input_columns": "price",
                "known_columns": "promo",
                "window": 5,
                "horizon": 3,
                **(task or {}),
            },
            "model": {"name": "recurrent", "cell": "gru", "hidden_size": 8},
            **sections,
        },
        "test",
    )


def learned(folder: Path, config: Config) -> Run:
    run, trainer = new_run(folder, config), Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    trainer.save(run.checkpoints)
    return run


@pytest.mark.parametrize("ahead", [AHEAD, 0])
def test_every_question_that_fits_is_answered_of_several_columns(ahead: int, table: Table, tmp_path: Path) -> None:
    run = learned(tmp_path / "runs", run_config(table(numbers(ahead=ahead)), train={"steps": 5}))
    answerer = Answerer(run)
    _, told = answerer.ask("random_input", seed=1)
    typed = told["answer"]["input"]
    facts = answerer.ask("facts")[1]["answer"]
    assert facts["empty"] == (ahead > 0)
    for name in facts["asks"]:
        fields = {"input": typed} if "input" in questions()[name].model_fields else {}
        assert answerer.ask(name, **fields)[1]["answer"], name
    behind = answerer.ask("forecast", offset=2)[1]["answer"]
    assert len(behind["history"]) == 5 and len(behind["truth"]) == 2
    assert len(behind["forecast"]) == min(3, 2 + ahead)
    inspected = answerer.ask("inspect", input=typed)[1]["answer"]
    assert [name.count(";") for name in inspected["tokens"]] == [2] * 5


def test_a_checkpoint_answers_without_the_file(table: Table, tmp_path: Path) -> None:
    file = table(numbers())
    run = learned(tmp_path / "runs", run_config(file, train={"steps": 5}))
    before = Answerer(run).ask("predict", length=4)[1]["answer"]["prediction"]
    Path(file).unlink()
    assert Answerer(run).ask("predict", length=4)[1]["answer"]["prediction"] == before
    assert len(before) == 4


def test_a_file_with_another_further_column_is_no_longer_that_of_the_run(table: Table) -> None:
    rows = numbers()
    before = task_of(table(rows))
    rows[62, 2] = 1 - rows[62, 2]
    table(rows)
    after = Forecast.restored(before.config, before.data_facts())
    with pytest.raises(UserError, match=r"task\.file: the values of \"sales\" are not what they were"):
        after.batches(0, 0, 1, 1)


def test_the_command_line_says_what_is_missing(table: Table, tmp_path: Path) -> None:
    run = learned(tmp_path / "runs", run_config(table(numbers(ahead=0)), train={"steps": 2}))
    place = ["--workspace", str(tmp_path / "runs")]
    assert 'the data does not say what "promo" will be in the next step' in refused("predict", run.id, *place)
    status, said, _ = call("predict", run.id, "50;7;0 ?;?;1", *place)
    assert status == 0 and '"promo" is known for 1 step ahead' in said


def driven(count: int = 400) -> list[tuple[float, float, float]]:
    """Sales that a promotion of the same day lifts by 30, and a noise of 2 that nobody can foresee."""
    draw = np.random.default_rng(0)
    promo = (draw.random(count) < 0.2).astype(float)
    return [*zip((100 + 30 * promo + draw.normal(0, 2, count)).round(2), draw.normal(size=count), promo, strict=True)]


def test_the_network_that_knows_what_comes_beats_the_one_that_does_not(table: Table) -> None:
    file = table(driven())
    found = {}
    for known in ("", "promo"):
        config = run_config(
            file,
            {"input_columns": "", "known_columns": known},
            optim={"lr": 0.02},
            train={"steps": 150, "batch_size": 32, "evaluate_every": 150},
        )
        trainer = Trainer(config)
        while not trainer.done:
            trainer.run_chunk()
        found[known] = {name: value for name, _, value in trainer.evaluate()[2]}
    # The best that can be said with the promotion known is off by the noise: 2 √(2/π) on average.
    assert found["promo"]["mae"] < 1.3 * 2 * math.sqrt(2 / math.pi)
    assert found["promo"]["horizon_mae"] < 1.4 * 2 * math.sqrt(2 / math.pi)
    assert found[""]["mae"] > 4 * found["promo"]["mae"]
    assert found[""]["mae_same_as_last"] == found["promo"]["mae_same_as_last"]
