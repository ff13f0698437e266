"""Which fields count: one that is said not to changes no bit of a training; one that is said to does."""

import pytest

from seqsum.config import Config
from seqsum.presets import load_preset
from seqsum.schema import as_text
from support.engine import CLOCK_METRICS, small, train_here

OTHERS = {
    "optim.beta1": "0.5",
    "optim.beta2": "0.9",
    "optim.eps": "0.01",
    "optim.momentum": "0.5",
    "optim.matrix_momentum": "0.5",
    "optim.smoothing": "0.5",
    "schedule.min_lr": "0.0009",
    "schedule.warmup_steps": "5",
    "schedule.cosine_period": "after_warmup",
    "schedule.factor": "0.5",
    "schedule.step_size": "3",
    "schedule.rise": "0.6",
    "schedule.patience": "1",
    "model.nonlinearity": "relu",
    "model.embedding_size": "7",
    "track.project": "other",
}
NOT_TRAINING = ("track.project", "schedule.patience", "schedule.factor")


def base(changes: dict[str, str]) -> Config:
    return small(
        train__steps=12,
        train__log_every=4,
        train__evaluate_every=12,
        train__checkpoint_every=12,
        train__backend="torch",
    ).changed({"schedule.warmup_steps": 2, "optim.lr": "0.01", "schedule.step_size": 5, **changes}, "test")


def trained(config: Config, folder) -> tuple[object, ...]:
    folder.mkdir()
    points, (_, weights, optimizer) = train_here(config, folder)
    return {name: values for name, values in points.items() if name not in CLOCK_METRICS}, weights, optimizer


@pytest.mark.parametrize(
    "changes",
    [
        {"optim.name": "adam"},
        {"optim.name": "sgd", "schedule.name": "step"},
        {"optim.name": "rmsprop", "schedule.name": "one_cycle"},
        {"optim.name": "adamw", "schedule.name": "constant", "model.cell": "lstm"},
        {"optim.name": "muon", "schedule.name": "constant"},
        {"optim.name": "schedule_free", "schedule.name": "constant"},
        {"schedule.name": "linear", "model.cell": "gru", "model.token_input": "one_hot"},
        {"schedule.name": "plateau"},
    ],
    ids=lambda changes: "-".join(changes.values()),
)
def test_unused_fields_change_no_bit_and_used_ones_do(tmp_path, changes):
    config = base(changes)
    plain = trained(config, tmp_path / "plain")
    used = {facts.path for facts in config.used_fields()}
    hidden = {path: text for path, text in OTHERS.items() if path not in used}
    assert hidden
    assert trained(config.changed(hidden, "test"), tmp_path / "hidden") == plain
    # So short a training meets no plateau, and so no floor.
    untold = (*NOT_TRAINING, "schedule.min_lr") if config.schedule.name == "plateau" else NOT_TRAINING
    for path, text in OTHERS.items():
        if path in used and path not in untold:
            assert trained(config.changed({path: text}, "test"), tmp_path / path) != plain, path


def test_numbers_need_no_embedding_and_least_squares_no_optimizer():
    paths = {facts.path for facts in load_preset("sunspots_lstm").config.used_fields()}
    assert not paths & {"model.embedding_size", "model.token_input", "model.nonlinearity"} and "optim.lr" in paths
    paths = {facts.path for facts in load_preset("sunspots_ar").config.used_fields()}
    assert "model.order" in paths and "train.steps" in paths
    assert not [path for path in paths if path.startswith(("optim.", "schedule."))]


def test_conditions_name_fields_and_values_that_there_are():
    for name in ("baseline", "sunspots_lstm", "dates", "counting_rnn3", "next_number_feed_forward"):
        config = load_preset(name).config
        known = {facts.path: facts for facts in config.fields()}
        for facts in known.values():
            for path, values in facts.used_when:
                if path != "task.answer":
                    assert set(values) <= set(known[path].choices), facts.path


def test_what_is_typed_decides():
    config = Config()
    typed = {"optim.name": "sgd"}
    paths = {facts.path for facts in config.used_fields(lambda path: typed.get(path, as_text(config.value(path))))}
    assert "optim.momentum" in paths and "optim.beta1" not in paths
