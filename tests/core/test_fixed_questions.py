"""The fixed questions under a run's curves: the model's own answers, at every evaluation, and no weight the worse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from seqsum.evaluation.fixed_questions import FixedQuestions
from seqsum.launch import WarmLauncher
from seqsum.presets import all_presets, load_preset
from seqsum.registry import make_task
from seqsum.runs import Run
from seqsum.runs.store import ANSWERS
from seqsum.tasks.base import AnyTask, Inputs
from seqsum.training.trainer import Trainer
from support.engine import last_bytes, new_run, tensors, train_here, wait_for_end

PRESETS = {preset.config.task.name: preset.name for preset in reversed(all_presets())}


def told(run: Run) -> dict[int, list[dict[str, Any]]]:
    with run.store() as store:
        return {event.step: event.detail["answers"] for event in store.events(kind=ANSWERS)}


def test_sums_turn_from_wrong_to_right_and_are_sums(fork_server: WarmLauncher, tmp_path: Path) -> None:
    config = load_preset("adds").config
    run = new_run(tmp_path, config)
    fork_server.submit(run)
    assert wait_for_end(run).status == "finished"
    answers = told(run)
    first, last = answers[min(answers)], answers[max(answers)]
    assert min(answers) == 0 and not all(one["right"] for one in first)
    assert all(one["right"] for one in last) and last[0]["asked"] == "1+2+3 =" and last[0]["said"] == "6"
    for one in [one for moment in answers.values() for one in moment]:
        terms = [int(digit) for digit in re.findall(r"\d+", one["asked"].partition(" mod ")[0])]
        assert one["right"] == (int(one["said"]) == sum(terms) % 10)
        assert (" mod 10" in one["asked"]) == (sum(terms) > 9)
    # Asking changes nothing: a trainer that asks nothing ends with the same bits.
    if run.record.backend == "fused":
        assert last_bytes(run)[1:] == train_here(config, tmp_path / "here")[1][1:]


@pytest.mark.parametrize("preset", PRESETS.values())
def test_every_task_shows_questions_that_fit_a_line_or_none(preset: str) -> None:
    config = load_preset(preset).config
    task = make_task(config.task)
    trainer = Trainer(config)
    before, questions = tensors(trainer.model), FixedQuestions(trainer.model, task)
    answers = questions.answers()
    assert questions.answers() == answers, "the same weights give the same answers"
    assert all(bool((value == tensors(trainer.model)[name]).all()) for name, value in before.items())
    assert trainer.model.training
    shown = task.answer in ("class", "sequence") and task.vocabulary > 0
    assert (1 <= len(answers) <= 3) if shown else answers == []
    for one, asked in zip(answers, task.shown_questions() if shown else [], strict=True):
        assert one["asked"].isprintable() and len(one["asked"]) <= 60 and len(one["said"]) <= 60
        assert isinstance(one["right"], bool) or len(labels_of(task, asked)) > 1


def labels_of(task: AnyTask, asked: Inputs) -> set[int]:
    """Every target of the held-out rows that read as this question does."""
    return {
        int(target)
        for part in task.held_out()
        for row, length, target in zip(part.inputs, part.lengths, part.targets, strict=True)
        if row[:length].tolist() == asked.tolist()
    }


@pytest.mark.parametrize("agree", [True, False])
def test_a_held_out_text_is_right_by_its_label_and_neither_where_its_rows_disagree(agree: bool, tmp_path: Path) -> None:
    label = {f"text number {place}": "ab"[place % 2] for place in range(60)}
    rows = [f"{text},{one}" for text, own in label.items() for one in ([own] if agree else "ab")]
    (tmp_path / "texts.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    config = load_preset("text_classification").config.changed({"task.file": str(tmp_path / "texts.csv")}, "test")
    trainer = Trainer(config)
    answers = FixedQuestions(trainer.model, trainer.task).answers()
    assert len(answers) == 3
    for one in answers:
        assert one["right"] == (one["said"] == label[one["asked"].removesuffix(" →")] if agree else None)
    assert trainer.task.truth(trainer.task.parse("a text that nobody labelled")) is None
