"""Sizes against the real models; times against runs whose speed is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seqsum.config import resolved
from seqsum.estimate import Estimate, estimate, read_speeds
from seqsum.models.base import make_model
from seqsum.models.size import model_size
from seqsum.presets import all_presets, load_preset
from seqsum.runs import Run, Workspace
from support.blocks import MIXERS

CHANGES = (
    {"model.cell": "lstm", "model.num_layers": "3", "model.bidirectional": "true"},
    {"model.cell": "gru", "model.token_input": "one_hot"},
    {"model.name": "concatenating", "model.num_layers": "2"},
    {"model.name": "feed_forward", "model.num_layers": "3"},
)
NO_NET = {"model.expansion": "0", "model.num_layers": "3", "model.hidden_size": "24"}
WRITERS = (
    {"model.attention": "dot", "model.bidirectional": "false", "model.cell": "lstm", "model.num_layers": "2"},
    {"model.attention": "none", "model.cell": "rnn"},
)


def test_every_preset_and_every_model_has_exactly_the_weights_that_are_told() -> None:
    configs = [preset.config for preset in all_presets()]
    configs += [load_preset("baseline").config.changed(changes, "test") for changes in CHANGES]
    for preset in ("baseline", "sunspots_gru"):
        known = load_preset(preset).config
        configs += [known.changed({**changes, **more}, "test") for changes in MIXERS for more in ({}, NO_NET)]
    configs += [load_preset("dates").config.changed(changes, "test") for changes in WRITERS]
    for config in configs:
        config, task = resolved(config, "test")
        model = make_model(task, config.model, 0)
        size = model_size(task, config.model)
        assert size is not None and size.parameters == sum(weight.numel() for weight in model.parameters()), config
        tables = [part.weight.numel() for part in model.modules() if type(part).__name__ == "Embedding"]
        assert size.tables == sum(tables), config


def trained(workspace: Workspace, preset: str, seconds_per_step: float, **facts: object) -> Run:
    config = load_preset(preset).config
    run = workspace.create(preset, config)
    with run.store() as store:
        store.set_state(status="finished", step=10_000, train_seconds=10_000 * seconds_per_step)
    replace(run.record, **{"backend": "fused", "device": "cpu", **facts}).write(run.folder)
    return Run(run.folder)


def test_what_evaluations_read_and_how_often_is_in_the_guess() -> None:
    def seconds(**changes: object) -> float:
        named = {path.replace("__", "."): value for path, value in changes.items()}
        guess = estimate(load_preset("baseline").config.changed(named, "test")).seconds
        assert guess is not None
        return guess

    seldom = seconds(task__max_length=5000, train__steps=100, train__evaluate_every=100)
    often = seconds(task__max_length=5000, train__steps=100, train__evaluate_every=1)
    # A hundred evaluations of ten million numbers in place of one.
    assert often > seldom + 60
    # Only what reads in one direction is asked about in compiled code.
    one_way, both_ways = (
        seconds(model__bidirectional=on, train__evaluate_every=1) - seconds(model__bidirectional=on)
        for on in (False, True)
    )
    assert both_ways > 5 * one_way > 0
    assert seconds(task__max_length=5000) > 10 * seconds(task__max_length=50)
    for preset in all_presets():
        _, task = resolved(preset.config, "test")
        read = sum(part.inputs.shape[0] * part.inputs.shape[1] for part in task.held_out())
        # Of a space that is walked each sequence costs one step; of a text's characters some are not known before.
        walked = task.enumerable() is not None
        assert walked or task.steps_asked == 0 or task.steps_asked == pytest.approx(read, rel=0.1), preset.name


def test_time_follows_from_what_runs_took_on_this_machine(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    baseline = load_preset("baseline").config
    guess = estimate(baseline, read_speeds(workspace))
    assert guess.runs == 0 and guess.parameters == 728 and guess.seconds is not None
    trained(workspace, "baseline", 0.01, host="elsewhere")
    trained(workspace, "baseline", 0.01, backend="torch")
    assert estimate(baseline, read_speeds(workspace)) == guess, "neither tells of this machine's compiled code"
    ours = trained(workspace, "baseline", 0.004)
    speeds = read_speeds(workspace)
    assert estimate(baseline, speeds) == Estimate(728, 20_000, pytest.approx(80.0), 1, guess.bytes)
    twice = estimate(baseline.changed({"train.steps": 40_000}, "test"), speeds)
    wider = estimate(baseline.changed({"model.hidden_size": 256}, "test"), speeds)
    assert twice.seconds == pytest.approx(160.0) and wider.seconds is not None and wider.seconds > 200
    assert estimate(baseline.changed({"train.threads": 2}, "test"), speeds).runs == 0, "one thread tells nothing of two"
    with ours.store() as store:
        store.set_state(together=16)
    assert estimate(baseline, read_speeds(workspace)) == guess, "who shared a process had not its whole time"
    (ours.folder / "run.json").write_text("{}", encoding="utf-8")
    assert estimate(baseline, read_speeds(workspace)) == guess, "a damaged record tells nothing, and breaks nothing"


def test_a_curriculum_costs_what_its_lengths_do_on_average() -> None:
    def seconds(curriculum_steps: int) -> float:
        changes = {"task.curriculum_steps": curriculum_steps, "train.steps": 10_000, "train.evaluate_every": 10_000}
        guess = estimate(load_preset("parity_check_rnn").config.changed(changes, "test")).seconds
        assert guess is not None
        return guess

    assert 0.3 < seconds(10_000) / seconds(0) < 0.8
