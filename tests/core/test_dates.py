"""The dates task against datetime, and its presets trained for a few steps."""

from __future__ import annotations

import datetime
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from seqsum.config import Config
from seqsum.errors import ConfigError, UserError
from seqsum.evaluation.evaluate import evaluate
from seqsum.presets import load_preset
from seqsum.registry import make_task
from seqsum.tasks.dates import Dates, DatesConfig
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer

torch.set_num_threads(1)

# The forms as datetime reads them; %b and %B read names in any case.
READ = (
    "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%b %d %Y", "%d-%b-%y", "%d.%m.%Y", "%d.%m.%y", "%Y/%m/%d",
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y",
)  # fmt: skip
PRESETS = ("dates", "dates_dot", "dates_no_attention")
TINY = {
    "model.embedding_size": 8, "model.hidden_size": 16, "train.batch_size": 8, "train.log_every": 7,
    "train.evaluate_every": 12, "train.checkpoint_every": 10, "train.steps": 24, "task.last_year": 1950,
}  # fmt: skip


def dates(**changes: int) -> Dates:
    return Dates(DatesConfig(**changes))


def readings(text: str) -> set[str]:
    """Every date that datetime sees in a text, two-digit years taken from 1950 on."""
    plain = text
    for number in range(31, 0, -1):
        for ending in ("st", "nd", "rd", "th"):
            plain = plain.replace(f"{number}{ending} ", f"{number} ").replace(f"{number}{ending},", f"{number},")
    found = set()
    for form in READ:
        try:
            date = datetime.datetime.strptime(plain, form).date()
        except ValueError:
            continue
        if form.endswith("%y"):
            date = date.replace(year=1950 + (date.year - 1950) % 100)
        found.add(date.isoformat())
    return found


def test_training_data_is_what_datetime_reads() -> None:
    task = dates()
    batches = task.batches(3, 10, 20, 50)
    assert batches.inputs.shape[:2] == batches.lengths.shape == (20, 50)
    assert batches.targets.shape == (20, 50, 11)
    separators = set()
    for step in range(20):
        for row in range(50):
            length = batches.lengths[step, row]
            inputs = batches.inputs[step, row]
            assert (inputs[length:] == task.padding).all() and (inputs[:length] < task.vocabulary).all()
            text = task.echo(inputs[:length])
            answer = task.read_answer(inputs, batches.targets[step, row])
            assert readings(text) == {answer} == {task.truth(inputs[:length])}, text
            assert batches.targets[step, row, -1] == task.end
            separators.add("".join(sorted({c for c in text if not c.isalnum()})))
    assert {" ", " ,", ".", "/", "-"} == separators


def test_held_out_dates_are_never_trained_on() -> None:
    task = dates(first_year=2000, last_year=2009)
    held = {
        task.read_answer(inputs, target)
        for examples in task.held_out()
        for inputs, target in zip(examples.inputs, examples.targets, strict=True)
    }
    batches = task.batches(0, 0, 100, 500)
    trained = {task.read_answer(batches.inputs[0, 0], target) for target in batches.targets.reshape(-1, 11)}
    every = {datetime.date.fromordinal(day).isoformat() for day in range(730120, 730120 + 3653)}
    assert not held & trained
    # 50,000 draws from some 3,400 dates leave none out, but with a chance of 0.1%.
    assert held | trained == every
    assert 3653 / 16 * 0.7 < len(held) < 3653 / 16 * 1.3


def test_held_out_is_always_the_same_and_has_one_length_a_batch() -> None:
    first, second = list(dates().held_out()), list(dates().held_out())
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.inputs, other.inputs) and np.array_equal(one.targets, other.targets)
        assert (one.lengths == one.inputs.shape[1]).all()
        for inputs, target in zip(one.inputs, one.targets, strict=True):
            assert dates().truth(inputs) == dates().read_answer(inputs, target)
    assert 2000 < sum(len(examples.inputs) for examples in first) < 2600
    assert [examples.inputs.shape[1] for examples in dates().held_out(8, 10)] == [8, 9, 10]
    with pytest.raises(UserError, match="no held-out input is 50 to 60 characters long"):
        list(dates().held_out(50, 60))


def test_data_depends_on_seed_and_step_alone() -> None:
    whole = dates().batches(1, 0, 12, 4)
    parts = [dates().batches(1, first, steps, 4) for first, steps in ((0, 5), (5, 1), (6, 6))]
    for name in ("inputs", "lengths", "targets"):
        assert np.array_equal(getattr(whole, name), np.concatenate([getattr(part, name) for part in parts]))
    assert not np.array_equal(whole.inputs, dates().batches(2, 0, 12, 4).inputs)


@pytest.mark.parametrize(
    ("typed", "truth"),
    [
        ("3 March 2021", "2021-03-03"),
        ("  3   MARCH  2021 ", "2021-03-03"),
        ("Mar 3, 2021", "2021-03-03"),
        ("march 3rd 2021", "2021-03-03"),
        ("3.3.2021", "2021-03-03"),
        ("03/03/21", "2021-03-03"),
        ("25/12/49", "2049-12-25"),
        ("12/25/50", "1950-12-25"),
        ("29 Feb 2000", "2000-02-29"),
        ("1 May 1066", "1066-05-01"),
        ("03/04/21", None),  # in March or in April
        ("29 Feb 1900", None),
        ("31.4.2021", None),
        ("3th March 2021", None),
        ("3 Marc 2021", None),
        ("2021", None),
        ("1 May 0000", None),
        ("...", None),
    ],
)
def test_truth(typed: str, truth: str | None) -> None:
    assert dates().truth(dates().parse(typed)) == truth


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "nothing to read"),
        ("   ", "nothing to read"),
        ("3 March 2021!", 'character 13 is "!"'),
        ("3 März 2021", 'character 4 is "ä"'),
        ("3 ٣ 2021", 'character 3 is "٣"'),
        ("\x1b[2J", r'character 1 is "\\x1b"'),
        ("1" * 2000, "2,000 characters are too many"),
    ],
)
def test_wrong_input(typed: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        dates().parse(typed)
    assert "\n" not in str(caught.value) and "3 March 2021" in str(caught.value)


@pytest.mark.parametrize(
    ("typed", "echo"),
    [("hello", "hello"), ("3rd MARCH 2021", "3rd March 2021"), ("mar 3, 2021", "Mar 3, 2021"), ("the may", "the May")],
)
def test_only_months_are_written_with_a_capital(typed: str, echo: str) -> None:
    task = Dates(DatesConfig())
    assert task.echo(task.parse(typed)) == echo


def test_years_of_other_settings() -> None:
    task = dates(first_year=1800, last_year=1899)
    assert task.truth(task.parse("25.12.00")) == "1800-12-25"
    assert task.truth(task.parse("25.12.99")) == "1899-12-25"
    assert sum(len(examples.inputs) for examples in dates(first_year=2001, last_year=2001).held_out()) > 0
    with pytest.raises(ConfigError, match=r"task\.last_year: must be 1950 to 2049"):
        Config.parse({"task": {"name": "dates", "last_year": 2050}, "model": {"name": "encoder_decoder"}}, "x")
    with pytest.raises(ConfigError, match=r"task\.last_year"):
        Config.parse({"task": {"name": "dates", "first_year": 2000, "last_year": 1999}}, "x")


def test_other_models_are_refused() -> None:
    with pytest.raises(ConfigError, match=r'"recurrent" can\'t answer the task "dates"; use encoder_decoder, '):
        Config.parse({"task": {"name": "dates"}, "model": {"name": "recurrent"}}, "x")


def test_an_answer_that_never_ends_is_read() -> None:
    task = dates()
    assert task.read_answer(task.parse("1.1.2000"), np.array([0, 1, 2])) == "-01"
    assert task.read_answer(task.parse("1.1.2000"), np.array([1, task.end, 2])) == "0"


def test_a_perfect_writer_is_found_perfect_and_a_wrong_digit_is_not() -> None:
    """Evaluation counts whole answers: one wrong last digit in every other row halves it."""

    class Writer(torch.nn.Module):
        reads_stepwise = False

        def __init__(self, task: Dates) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))
            self.task = task

        def forward(self, inputs: torch.Tensor, lengths: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return torch.zeros(*targets.shape, self.task.classes)

        def decode(self, inputs: torch.Tensor, lengths: torch.Tensor, longest: int) -> torch.Tensor:
            truths = [self.task.truth(row.numpy()) or "" for row in inputs]
            written = torch.tensor([["-0123456789".index(c) for c in truth] for truth in truths])
            written[::2, -1] = written[::2, -1] % 10 + 1
            return written

    result = evaluate(Writer(dates()), dates())  # type: ignore[arg-type]
    assert result.accuracy is not None and abs(result.accuracy - 0.5) < 0.01
    assert result.loss == pytest.approx(np.log(12))
    assert not result.exhaustive


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_learn_something_in_a_few_steps(preset: str) -> None:
    config = load_preset(preset).config.changed({"train.steps": "20", "train.log_every": "5"}, "test")
    trainer = Trainer(config)
    losses = []
    while not trainer.done:
        losses += [value for name, _, value in trainer.run_chunk() if name == "loss"]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("attention", ["additive", "dot", "none"])
def test_the_same_bits_however_it_is_cut_and_resumed(attention: str, tmp_path: Path) -> None:
    config = load_preset("dates").config.changed(
        {
            **TINY,
            "model.attention": attention,
            "model.teacher_forcing": 0.5,
            "model.num_layers": 2,
            "model.dropout": 0.2,
        },
        "test",
    )
    whole = Trainer(config)
    expected = finish(whole)
    draw = random.Random(1)
    trainer = Trainer(config)
    points = []
    while not trainer.done:
        points += trainer.run_chunk([trainer.step + draw.randint(1, 15)])
        if trainer.evaluation_due:
            points += trainer.evaluate()[2]
        saved = checkpoint.load(trainer.save(tmp_path))
        torch.rand(7)
        trainer = Trainer.resume(saved)
    assert points == expected
    for name, value in whole.model.state_dict().items():
        assert torch.equal(trainer.model.state_dict()[name], value), name


def finish(trainer: Trainer) -> list[tuple[str, int, float]]:
    points = []
    while not trainer.done:
        points += trainer.run_chunk()
        if trainer.evaluation_due:
            points += trainer.evaluate()[2]
    return points


def test_held_out_dates_are_learned() -> None:
    config = load_preset("dates_dot").config.changed({"train.steps": 120}, "test")
    trainer = Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    accuracy = trainer.evaluate()[0].accuracy
    assert accuracy is not None and accuracy > 0.5


def test_the_task_comes_by_its_name() -> None:
    assert isinstance(make_task(DatesConfig()), Dates)
