"""What is said to have no effect has none, to the bit; and whatever has none is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqsum.config import Config, resolved
from seqsum.control import commands, fork_rewind
from seqsum.presets import Preset, all_presets, load_preset
from seqsum.runs import Workspace
from seqsum.schema import FieldFacts, as_text
from seqsum.setting_notes import fork_notes, notes
from seqsum.training.early_stopping import EarlyStopping
from seqsum.training.trainer import Trainer
from support.engine import SMALL, small

QUICK: dict[str, Any] = {
    "train.steps": 12,
    "train.log_every": 3,
    "train.evaluate_every": 2,
    "train.checkpoint_every": 4,
    "train.backend": "torch",
    "train.batch_size": 3,
}


def quick(**changes: Any) -> Config:
    return small().changed({**QUICK, **{name.replace("__", "."): value for name, value in changes.items()}}, "test")


def weights(config: Config) -> bytes:
    """The bits that come out of a whole training."""
    trainer = Trainer(resolved(config, "test")[0])
    while not trainer.done:
        trainer.run_chunk()
        assert trainer.failure is None
        if trainer.evaluation_due and not trainer.done:
            trainer.evaluate()
    return bytes(trainer.backend.flat.values.detach().numpy().tobytes())


def said(config: Config) -> dict[str, str]:
    """Path → sentence of every note."""
    return {note.path: note.text for note in notes(config, resolved(config, "test")[1])}


# What is claimed, and a change that then must change no bit; a change of the claim's ground, after which it does.
CLAIMS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("model.dropout", {"model.dropout": 0.5}, {"model.dropout": 0}, {"model.num_layers": 2}),
    ("optim.name", {"optim.name": "adamw"}, {"optim.name": "adam"}, {"optim.weight_decay": 0.1}),
    ("optim.momentum", {"optim.momentum": 0.5}, {"optim.momentum": 0.9}, {"optim.name": "sgd"}),
    ("optim.beta1", {"optim.name": "sgd", "optim.beta1": 0.5}, {"optim.beta1": 0.9}, {"optim.name": "adam"}),
    ("model.nonlinearity", {"model.cell": "gru", "model.nonlinearity": "relu"}, {"model.nonlinearity": "tanh"},
     {"model.cell": "rnn"}),
    ("model.embedding_size", {"model.token_input": "one_hot", "model.embedding_size": 7}, {"model.embedding_size": 3},
     {"model.token_input": "embedding"}),
    *(
        ("schedule.min_lr", {"schedule.name": name, "schedule.min_lr": 0.5, "schedule.step_size": 2,
                             "schedule.patience": 1, "optim.lr": 0.2}, {"schedule.name": "constant"}, {"optim.lr": 0.6})
        for name in ("cosine", "linear", "step")
    ),
    ("optim.weight_decay", {"optim.weight_decay": 0.3, "optim.weight_decay_on": "recurrent", "model.name": "minimal"},
     {"optim.weight_decay": 0}, {"model.name": "recurrent"}),
    ("schedule.warmup_steps", {"schedule.warmup_steps": 12}, {"schedule.name": "linear", "schedule.min_lr": 0},
     {"schedule.warmup_steps": 10}),
    ("schedule.warmup_steps", {"schedule.name": "one_cycle", "schedule.warmup_steps": 5}, {"schedule.warmup_steps": 0},
     {"schedule.name": "cosine"}),
    ("schedule.warmup_start", {"schedule.warmup_start": 0.5}, {"schedule.warmup_start": 0.1},
     {"schedule.warmup_steps": 5}),
    ("schedule.warmup_start", {"schedule.warmup_start": 1, "schedule.warmup_steps": 5, "schedule.name": "constant"},
     {"schedule.warmup_steps": 0}, {"schedule.warmup_start": 0.5}),
    ("schedule.cosine_period", {"schedule.cosine_period": "after_warmup"}, {"schedule.cosine_period": "total_steps"},
     {"schedule.warmup_steps": 5}),
    ("schedule.step_size", {"schedule.name": "step", "schedule.step_size": 12}, {"schedule.name": "constant"},
     {"schedule.step_size": 11}),
    ("schedule.step_size", {"schedule.name": "step", "schedule.step_size": 9, "schedule.warmup_steps": 3},
     {"schedule.name": "constant"}, {"schedule.step_size": 8}),
    # Five evaluations in time; with so high a learning rate none after the first is lower.
    ("schedule.patience", {"schedule.name": "plateau", "schedule.patience": 4, "optim.lr": 5.0},
     {"schedule.name": "constant"}, {"schedule.patience": 3}),
    ("schedule.factor", {"schedule.factor": 0.5}, {"schedule.factor": 0.9},
     {"schedule.name": "step", "schedule.step_size": 2}),
    ("train.early_stop", {"train.early_stop": 5, "optim.lr": 5.0}, {"train.early_stop": None}, {"train.early_stop": 4}),
    ("train.evaluate_every", {"train.evaluate_every": 13, "schedule.name": "plateau", "schedule.patience": 1,
                              "optim.lr": 5.0}, {"train.evaluate_every": 1000}, {"train.evaluate_every": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "changes", "same", "ground"), CLAIMS, ids=lambda part: str(part)[:40])
def test_what_is_said_to_have_no_effect_changes_no_bit(
    path: str, changes: dict[str, Any], same: dict[str, Any], ground: dict[str, Any]
) -> None:
    config = quick().changed(changes, "test")
    assert path in said(config)
    assert weights(config.changed(same, "test")) == weights(config)
    grounded = config.changed(ground, "test")
    assert path not in said(grounded) and weights(grounded.changed(same, "test")) != weights(grounded)


# Two values of every kind, so that one of them is another one.
VALUES = {"int": ("2", "3"), "float": ("0.25", "0.5")}
# So small that a gradient exceeds them.
CLIPS = {"optim.clip_norm": ("0.001",), "optim.clip_value": ("0.0001",)}
# What decides how, where and how often, but not what is learned.
NOT_LEARNED = {
    "train.log_every", "train.evaluate_every", "train.checkpoint_every", "train.keep_checkpoints", "train.keep_best",
    "train.restore_best", "train.best_metric", "train.min_delta", "train.stopping_threshold",
    "train.threads", "train.processes", "train.device", "train.backend", "train.early_stop", "track.swanlab",
    "track.description", "track.group", "track.tags", "model.form", "model.beam_width", "task.longest_asked",
    "task.horizon", "train.epochs", "task.season",
}  # fmt: skip
BASES: dict[str, tuple[str, dict[str, Any]]] = {
    "sum_modulo": ("baseline", {**SMALL, **QUICK}),
    "sum_modulo, two layers, adamw": (
        "baseline",
        {**SMALL, **QUICK, "model.num_layers": 2, "optim.name": "adamw", "optim.weight_decay": 0.1,
         "schedule.warmup_steps": 3},
    ),
    "sum_modulo, lstm, sgd, plateau": (
        "baseline",
        {**SMALL, **QUICK, "model.cell": "lstm", "optim.name": "sgd", "optim.lr": 3.0, "schedule.name": "plateau",
         "schedule.patience": 1, "schedule.factor": 0.4, "train.evaluate_every": 1, "schedule.min_lr": 0.3},
    ),
    "even_pairs, rmsprop, one_cycle": (
        "even_pairs_rnn",
        {**QUICK, "model.hidden_size": 4, "optim.name": "rmsprop", "schedule.name": "one_cycle",
         "task.max_length": 8, "task.longest_asked": 9},
    ),
    "counting, step": (
        "counting_rnn",
        {**QUICK, "model.hidden_size": 4, "model.embedding_size": 4, "train.epochs": None, "schedule.name": "step",
         "schedule.step_size": 4},
    ),
    "next_number, linear": (
        "next_number_feed_forward", {**QUICK, "model.hidden_size": 4, "schedule.name": "linear", "train.epochs": None},
    ),
    "sunspots": ("sunspots_lstm", {**QUICK, "model.hidden_size": 4, "train.epochs": None}),
    "sunspots, least squares": ("sunspots_ar", {"train.evaluate_every": 1}),
}  # fmt: skip


def others(config: Config, facts: FieldFacts) -> Iterator[str]:
    """Values that the field could have, but has not: every other choice, or another number."""
    if facts.kind == "bool":
        yield str(not config.value(facts.path)).lower()
    values = CLIPS.get(facts.path) or facts.choices or VALUES.get(facts.kind, ())
    found = [value for value in values if value != as_text(config.value(facts.path))]
    yield from found if facts.choices else found[:1]


@pytest.mark.parametrize("base", BASES)
def test_whatever_changes_no_bit_is_said(base: str) -> None:
    name, changes = BASES[base]
    config = load_preset(name).config.changed(changes, "test")
    before = weights(config)
    silent: list[str] = []
    tried = 0
    for facts in config.fields():
        if facts.path in NOT_LEARNED or facts.path in ("task.name", "model.name"):
            continue
        for value in others(config, facts):
            try:
                other = config.changed({facts.path: value}, "test")
                same = weights(other) == before
            except Exception:
                continue  # a value out of bounds, or one that another setting forbids
            tried += 1
            if same and facts.path not in said(other):
                silent.append(f"{facts.path} {value}")
    assert tried > 20
    if base == "sunspots, least squares":
        # The solution is that of all the data, whatever is drawn from them.
        silent = [one for one in silent if one.split()[0] not in ("train.seed", "train.batch_size")]
    assert silent == []


def test_dropout_of_one_layer_has_no_effect_in_an_encoder_and_decoder_either() -> None:
    size = {"model.hidden_size": 4, "model.embedding_size": 4, "train.evaluate_every": 12}
    config = load_preset("dates").config.changed({**QUICK, **size, "model.dropout": "0.5"}, "test")
    assert "model.dropout" in said(config)
    assert weights(config) == weights(config.changed({"model.dropout": "0"}, "test"))


@pytest.mark.parametrize("preset", all_presets(), ids=lambda preset: preset.name)
def test_of_a_preset_nothing_is_to_be_said_but_what_computes_it(preset: Preset) -> None:
    started, task = resolved(preset.config, "test")
    assert {note.path for note in notes(preset.config, task)} <= {"train.backend"}
    assert notes(preset.config, task) == notes(started, task)


THRESHOLDS = [
    ("eval_loss", 1.0, "the run ends as soon as eval_loss is at most 1"),
    ("accuracy", 1.0, None),
    ("accuracy", 0.4, None),
    ("accuracy", 0.0, "the run ends at its first evaluation, for any accuracy is as good as 0.00%"),
]


@pytest.mark.parametrize(("metric", "threshold", "words"), THRESHOLDS)
def test_a_threshold_that_another_metric_may_have_been_meant_for_is_told(
    metric: str, threshold: float, words: str | None
) -> None:
    config = quick(train__best_metric=metric, train__stopping_threshold=threshold, train__evaluate_every=1)
    told = said(config).get("train.stopping_threshold")
    assert told == (None if words is None else f"train.stopping_threshold {as_text(threshold)}: {words}")


def test_a_curriculum_of_one_length_is_told_to_have_no_effect() -> None:
    config = quick(task__min_length=3, task__max_length=3, task__curriculum_steps=5)
    assert said(config)["task.curriculum_steps"].endswith(
        "has no effect: task.min_length and task.max_length are 3 both"
    )
    assert weights(config) == weights(config.changed({"task.curriculum_steps": "0"}, "test"))


@pytest.mark.parametrize("rising", [0, 1, 9, 11, 12, 13, 40])
def test_lengths_that_a_run_never_comes_to_are_told(rising: int) -> None:
    config = quick(task__min_length=2, task__max_length=9, task__curriculum_steps=rising)
    drawn = resolved(config, "test")[1].batches(0, 0, 12, 500).lengths
    told = said(config).get("task.curriculum_steps")
    longest = int(drawn.max())
    if longest == 9:
        assert told is None
    else:
        assert told == (
            f"task.curriculum_steps {rising} is more than a run of 12 steps: it trains on lengths up to {longest} "
            "only, not up to task.max_length 9"
        )


def test_steps_that_epochs_do_away_with_are_said() -> None:
    config = Config.parse({**load_preset("counting_rnn").config.plain(), "train": {"epochs": 2, "steps": 77}}, "test")
    assert said(config)["train.steps"] == "train.steps 77 has no effect: train.epochs 2 makes 29 steps"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train.steps": "24"}, "train.steps: the fork lifts the learning rate from 0.0001 to 0.00055"),
        ({"train.steps": "24", "optim.lr": "0.01"}, "optim.lr and train.steps: the fork lifts the learning rate"),
        ({"train.steps": "24", "schedule.name": "constant"}, "the fork lifts the learning rate from 0.0001 to 0.001"),
        ({"train.steps": "24", "optim.name": "sgd"}, "optim.name: what adam had gathered is left behind"),
        ({"train.steps": "24", "schedule.warmup_steps": "5"}, "the warm-up of 5 steps is over at step 12"),
        ({"train.steps": "24", "train.seed": "5"}, "the weights are the parent's"),
        ({"train.steps": "24", "model.dropout": "0.5"}, "model.dropout 0.5 has no effect"),
        ({"train.steps": "24", "train.evaluate_every": "25"}, "is more than the 12 steps of this fork"),
        ({"train.steps": "24", "train.early_stop": "6"}, "can't end the 12 steps of this fork early: it makes 5 eval"),
    ],
    ids=str,
)
def test_a_fork_says_what_it_does_not_take_over_and_where_its_learning_rate_jumps(
    changes: dict[str, str], words: str, tmp_path: Path
) -> None:
    workspace, config = Workspace(tmp_path), quick()
    run = workspace.create("test", config)
    trainer = Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    trainer.save(run.checkpoints, changes={}, train_seconds=1.0)
    _, told = fork_rewind.check_fork(run, 12, changes)
    assert any(words in note.text for note in told), told
    child = fork_rewind.fork(workspace, run, 12, changes)
    with child.store() as store:
        assert [event.detail["text"] for event in store.events(kind="message")] == [note.text for note in told]


def test_a_fork_whose_threshold_is_met_already_says_so() -> None:
    threshold = {"train.best_metric": "accuracy", "train.stopping_threshold": "0.5", "train.evaluate_every": "1"}
    config, task = resolved(quick().changed(threshold, "test"), "test")
    met = EarlyStopping(best_value=0.625, best_step=4)
    (note,) = fork_notes(config, config, task, 6, met)
    assert note.text == (
        "train.stopping_threshold 0.5: accuracy was 62.50% at step 4 already, and the fork ends as soon as it is so "
        "again; off has it go on"
    )
    for other in ({"train.stopping_threshold": "off"}, {"train.stopping_threshold": "0.75"}):
        assert fork_notes(config, config.changed(other, "test"), task, 6, met) == []


def test_a_threshold_that_was_one_of_another_metric_is_told_in_a_fork() -> None:
    config, task = resolved(quick(train__stopping_threshold=0.3, train__evaluate_every=1), "test")
    other = config.changed({"train.best_metric": "accuracy"}, "test")
    (note,) = fork_notes(config, other, task, 6, EarlyStopping(best_value=0.2, best_step=4))
    assert note.text == (
        "train.stopping_threshold 0.3 was one of eval_loss; the fork ends as soon as accuracy is at least 30.00%"
    )
    off = other.changed({"train.stopping_threshold": "off"}, "test")
    assert fork_notes(config, off, task, 6, EarlyStopping(best_value=0.2, best_step=4)) == []


def test_of_a_fork_that_changes_nothing_nothing_is_said() -> None:
    config, task = resolved(quick(), "test")
    for step in (3, 6):
        assert fork_notes(config, config, task, step, EarlyStopping()) == []


def test_a_run_says_it_when_it_is_started(tmp_path: Path) -> None:
    class Launcher:
        def submit(self, run: object, queue: bool = False) -> int:
            return 1

    config = quick(model__dropout=0.5, optim__name="adamw")
    run = commands.start(Workspace(tmp_path), Launcher(), "baseline", config)  # type: ignore[arg-type]
    with run.store() as store:
        told = [event.detail["text"] for event in store.events(kind="message")]
    assert told == [note.text for note in notes(config)] and len(told) == 2


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("model.nonlinearity", {"model.cell": "gru"}),
        ("schedule.factor", {"schedule.name": "cosine"}),
        ("model.embedding_size", {"model.token_input": "one_hot"}),
    ],
)
def test_a_default_that_has_no_effect_is_told_where_a_person_named_it(path: str, changes: dict[str, Any]) -> None:
    config = Config().changed(changes, "test")
    assert path not in {note.path for note in notes(config)}
    assert [note.text.partition(":")[0] for note in notes(config, typed=(path,)) if note.path == path] == [
        f"{path} {as_text(config.value(path))} has no effect"
    ]


@pytest.mark.parametrize("path", ["optim.momentum", "schedule.warmup_steps"])
def test_nothing_is_said_of_a_zero_that_a_person_named_where_none_comes(path: str) -> None:
    config = Config().changed({"schedule.name": "one_cycle", path: "0"}, "test")
    assert path not in {note.path for note in notes(config, typed=(path,))}


def test_a_learning_rate_that_reads_the_same_is_not_said_to_jump() -> None:
    config, task = resolved(quick(train__steps=4_000_000), "test")
    longer = config.changed({"train.steps": "4000100"}, "test")
    assert fork_notes(config, longer, task, 2_000_000, EarlyStopping()) == []
    twice = config.changed({"train.steps": "8000000"}, "test")
    assert [note.path for note in fork_notes(config, twice, task, 2_000_000, EarlyStopping())] == ["train.steps"]


def test_more_threads_than_cores_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqsum.setting_notes.cores_here", lambda: 4)
    for threads, processes, told in ((999, 1, "999: this"), (4, 1, ""), (3, 2, "3 in each of 2 processes")):
        config = quick().changed({"train.threads": threads, "train.processes": processes}, "test")
        found = [note.text for note in notes(config) if note.path == "train.threads"]
        assert bool(found) == bool(told)
        assert not told or (f"train.threads {told}" in found[0] and "this machine has 4 cores" in found[0])
