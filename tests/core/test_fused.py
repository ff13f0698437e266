"""The fused backend against PyTorch: gradients against autograd in float64, updates against PyTorch's optimizers, and
what must hold for every backend: bits, checkpoints, what is not finite."""

from __future__ import annotations

import fcntl
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqsum.config import Config
from seqsum.errors import ConfigError, UserError
from seqsum.models.base import make_model
from seqsum.models.loss import loss_of
from seqsum.presets import load_preset
from seqsum.registry import make_task
from seqsum.setting_notes import notes
from seqsum.tasks import AnyTask, Batches
from seqsum.tasks.stream import StepStream
from seqsum.training import checkpoint
from seqsum.training.backends.base import ChunkResult
from seqsum.training.backends.choose import make_backend
from seqsum.training.backends.fused import cache
from seqsum.training.backends.fused.backend import FusedBackend
from seqsum.training.backends.fused_support import batch_parts, why_not_fused
from seqsum.training.backends.torch_backend import TorchBackend
from seqsum.training.schedule import learning_rate, learning_rates
from seqsum.training.trainer import Trainer
from support.engine import same_bits, tensors


def config_of(preset: str = "baseline", **changes: Any) -> Config:
    return load_preset(preset).config.changed(
        {"train.backend": "fused", **{path.replace("__", "."): value for path, value in changes.items()}}, "test"
    )


def pair(config: Config) -> tuple[AnyTask, TorchBackend, FusedBackend]:
    """The same model with either backend."""
    task = make_task(config.task)
    torch_backend, fused = (
        kind(make_model(task, config.model, config.train.seed), task, config) for kind in (TorchBackend, FusedBackend)
    )
    assert isinstance(fused, FusedBackend)
    fused.begin()
    return task, torch_backend, fused


def drawn(seed: int) -> Config:
    """A configuration at random: cell, layers, sizes, lengths, head."""
    draw = random.Random(seed)
    cell = ("rnn", "rnn", "lstm", "gru")[seed % 4]
    changes: dict[str, Any] = {
        "model__cell": cell,
        "model__nonlinearity": ("tanh", "relu")[seed % 2],
        "model__num_layers": draw.randint(1, 3),
        "model__hidden_size": draw.choice([1, 3, 16, 17, 32, 50]),
        "train__batch_size": draw.choice([1, 2, 5, 16, 33]),
        "train__seed": seed,
    }
    if cell != "rnn":
        del changes["model__nonlinearity"]
    if seed % 3 == 0:
        return config_of("tagging_rnn", **changes)
    changes["model__token_input"] = draw.choice(["embedding", "one_hot"])
    changes["task__min_length"] = draw.randint(1, 4)
    changes["task__max_length"] = changes["task__min_length"] + draw.randint(0, 12)
    return config_of(task__modulus=draw.choice([2, 10, 29]), **changes)


@pytest.mark.parametrize("seed", range(24))
def test_the_gradient_of_a_step_is_autograds_in_float64(seed: int) -> None:
    gradient_is_autograds(drawn(seed), seed)


@pytest.mark.parametrize("seed", range(24))
def test_so_it_is_for_a_network_that_reads_from_both_ends(seed: int) -> None:
    gradient_is_autograds(drawn(seed).changed({"model.bidirectional": True}, "test"), seed)


LARGE: dict[str, Any] = {
    "model__hidden_size": 80, "model__num_layers": 2, "train__batch_size": 51, "task__min_length": 3,
    "task__max_length": 30,
}  # fmt: skip
"""Sizes of packed products, several blocks of rows, and for lstm and gru a batch in parts that differ."""


@pytest.mark.parametrize(
    ("cell", "bidirectional", "parts"),
    [("rnn", False, 1), ("lstm", False, 2), ("gru", False, 2), ("rnn", True, 2), ("lstm", True, 2), ("gru", True, 2)],
)
def test_so_it_is_for_large_networks(cell: str, bidirectional: bool, parts: int) -> None:
    config = config_of(model__cell=cell, model__bidirectional=bidirectional, **LARGE)
    assert batch_parts(config, make_task(config.task)) == parts
    gradient_is_autograds(config, 5)


@pytest.mark.parametrize(
    ("preset", "changes"),
    [
        ("baseline", {"model__cell": "lstm", **LARGE}),
        ("character_lm", {}),
        ("tagging_rnn", {"model__hidden_size": 256, "train__batch_size": 64, "model__cell": "gru"}),
        ("tagging_bidirectional", {"model__hidden_size": 200, "train__batch_size": 64, "model__num_layers": 2}),
    ],
)
def test_two_threads_make_the_same_bits_as_one(preset: str, changes: dict[str, Any]) -> None:
    """One sequence's last answer, carried states, an answer at every step, read from both ends."""
    backends = []
    for threads in (1, 2):
        config = config_of(preset, train__threads=threads, **changes)
        task, plain, fused = pair(config)
        assert why_not_fused(config, task) is None
        batch = config.train.batch_size
        results = [fused.run(task.batches(0, first, 3, batch), [1e-3] * 3, config) for first in (0, 3)]
        backends.append((fused, results))
    one, other = backends
    assert same_bits(one[0].tensors(), other[0].tensors())
    assert same_bits(tensors(one[0].model), tensors(other[0].model))
    for mine, theirs in zip(one[1], other[1], strict=True):
        assert mine.failure is None
        assert all((a == b).all() for a, b in zip(arrays_of(mine), arrays_of(theirs), strict=True))
    wanted = plain.run(task.batches(0, 0, 3, batch), [1e-3] * 3, config)
    np.testing.assert_allclose(one[1][0].losses, wanted.losses, rtol=2e-5)
    assert (one[1][0].asked == wanted.asked).all()


def arrays_of(result: ChunkResult) -> tuple[Any, ...]:
    return result.losses, result.right, result.asked, result.gradient_norms


def gradient_is_autograds(config: Config, seed: int) -> None:
    task, _, fused = pair(config)
    # Some steps before it: what they leave in the padding of a vector must not count.
    fused.run(task.batches(seed, 0, 3, config.train.batch_size), [1e-2] * 3, config)
    batch = task.batches(seed, 3, 1, config.train.batch_size)
    model = make_model(task, config.model, config.train.seed)
    model.load_state_dict(fused.model.state_dict())
    model.double()
    inputs, lengths, targets = (torch.from_numpy(part[0]) for part in (batch.inputs, batch.lengths, batch.targets))
    loss = loss_of(model(inputs, lengths, targets), targets)
    loss.backward()  # type: ignore[no-untyped-call]
    # A learning rate of nothing leaves the weights, and the gradient, as they are.
    result = fused.run(batch, [0.0], config)
    wanted = torch.cat([part.grad.flatten() for part in model.parameters() if part.grad is not None])
    assert abs(result.losses[0] / loss.item() - 1) < 1e-5
    assert abs(result.gradient_norms[0] / wanted.norm().item() - 1) < 1e-5
    error = (fused.flat.gradients.double() - wanted).norm() / wanted.norm()
    assert error < 1e-5, config.model


BITS = 2**64 - 1


def mixed(word: int) -> int:
    """The end of SplitMix64."""
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & BITS
    word = (word ^ word >> 27) * 0x94D049BB133111EB & BITS
    return word ^ word >> 31


def kept_units(draw: int, layer: int, rows: int, steps: int, hidden: int, p: float) -> torch.Tensor:
    """What dropout multiplies the states of a layer by: float64 [rows, steps, hidden]."""
    weyl = 0x9E3779B97F4A7C15
    kept = torch.zeros(rows, steps, hidden, dtype=torch.float64)
    for row in range(rows):
        for t in range(steps):
            word = mixed(draw & BITS ^ mixed((layer << 56 | t << 28 | row) + weyl & BITS))
            for i in range(hidden):
                drawn = mixed(word + (i // 2 + 1) * weyl & BITS) >> (32 if i % 2 else 0) & 0xFFFFFFFF
                kept[row, t, i] = 0 if drawn < round(p * 2**32) else 1 / (1 - p)
    return kept


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize(
    ("preset", "changes"),
    [
        ("baseline", {"task__min_length": 1, "task__max_length": 6, "model__hidden_size": 7, "model__num_layers": 3}),
        ("tagging_rnn", {"model__hidden_size": 16, "model__num_layers": 2, "train__batch_size": 9}),
        ("baseline", LARGE),
        (
            "baseline",
            {"task__min_length": 1, "task__max_length": 6, "model__hidden_size": 7, "model__num_layers": 3,
             "model__bidirectional": True},
        ),
        ("tagging_bidirectional", {"model__hidden_size": 16, "model__num_layers": 2, "train__batch_size": 9}),
        ("baseline", {**LARGE, "model__bidirectional": True}),
    ],
    ids=[
        "last answer", "answers at every step", "a batch in parts", "last answer, from both ends",
        "answers at every step, from both ends", "a batch in parts, from both ends",
    ],
)  # fmt: skip
def test_with_dropout_the_gradient_is_autograds_with_the_same_units_silent(
    preset: str, changes: dict[str, Any], cell: str
) -> None:
    p, step = 0.3, 5
    config = config_of(preset, model__cell=cell, model__dropout=p, train__seed=3, **changes)
    task, _, fused = pair(config)
    assert why_not_fused(config, task) is None
    batch = task.batches(0, step, 1, config.train.batch_size)
    fused.change_over(step, config)
    result = fused.run(batch, [0.0], config)

    model = make_model(task, config.model, config.train.seed).double()
    inputs, lengths, targets = (torch.from_numpy(part[0]) for part in (batch.inputs, batch.lengths, batch.targets))
    draw = int(StepStream(3, "dropout", 2).words(step, 1).view(np.uint64)[0, 0])
    rnn, states = model.rnn, model.embedding(inputs) if config.value("model.token_input") == "embedding" else None
    assert states is not None
    rows, steps, hidden = *inputs.shape, rnn.hidden_size
    each, ends = torch.arange(rows), ("", "_reverse")[: 2 if rnn.bidirectional else 1]
    # Step t of a row, counted from its own end; past it, whatever: nothing is asked there.
    turned = (lengths[:, None] - 1 - torch.arange(steps)).clamp(min=0)
    for layer in range(rnn.num_layers):
        outputs = []
        for direction, end in enumerate(ends):
            entered = states[each[:, None], turned] if end else states
            one = type(rnn)(states.shape[2], hidden, batch_first=True).double()
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            own = {f"{name}_l0": getattr(rnn, f"{name}_l{layer}{end}") for name in names}
            read = torch.func.functional_call(one, own, (entered,))[0]
            if layer < rnn.num_layers - 1:
                read = read * kept_units(draw, layer * len(ends) + direction, rows, steps, hidden, p)
            outputs.append(read)
        last = torch.cat([read[each, lengths - 1] for read in outputs], dim=1)
        states = torch.cat([outputs[0], *(read[each[:, None], turned] for read in outputs[1:])], dim=2)
    read = states if task.answer == "tags" else last
    loss = loss_of(model.head(read), targets)
    loss.backward()  # type: ignore[no-untyped-call]
    wanted = torch.cat([part.grad.flatten() for part in model.parameters() if part.grad is not None])
    assert abs(result.losses[0] / loss.item() - 1) < 1e-5
    assert (fused.flat.gradients.double() - wanted).norm() / wanted.norm() < 1e-5


def test_dropout_silences_its_share_and_others_at_each_step_row_layer_and_seed() -> None:
    kept = torch.stack([kept_units(draw, layer, 20, 10, 30, 0.25) for draw in (1, 2) for layer in (0, 1)])
    silent = kept == 0
    # 24,000 units: 0.25 ± 5 standard deviations.
    assert abs(silent.double().mean().item() - 0.25) < 5 * (0.25 * 0.75 / silent.numel()) ** 0.5
    for axis in range(silent.dim()):
        first, second = silent.select(axis, 0), silent.select(axis, 1)
        both = (first & second).double().mean().item()
        assert abs(both - 0.0625) < 5 * (0.0625 * 0.9375 / first.numel()) ** 0.5


@pytest.mark.parametrize(
    "preset",
    [
        "counting_rnn", "counting_rnn2", "next_number_lstm", "even_pairs_lstm", "reverse_string_rnn",
        "tagging_bidirectional",
    ],
)  # fmt: skip
def test_a_presets_steps_are_pytorchs(preset: str) -> None:
    """Carried hidden state, padding that is not asked about, one-hot tokens; losses of 12 steps in three chunks."""
    config = config_of(preset, train__batch_size=10)
    task, plain, fused = pair(config)
    for first in (0, 4, 8):
        batches = task.batches(0, first, 4, 10)
        one, other = (backend.run(batches, [config.optim.lr] * 4, config) for backend in (plain, fused))
        np.testing.assert_allclose(other.losses, one.losses, rtol=2e-5)
        np.testing.assert_allclose(other.gradient_norms, one.gradient_norms, rtol=2e-3)
        assert (one.asked == other.asked).all() and np.abs(one.right - other.right).max() <= 1
    if task.carries_state:
        mine, theirs = (state if isinstance(state, tuple) else (state,) for state in (fused.state, plain.state))
        for part, wanted in zip(mine, theirs, strict=True):
            assert part is not None and wanted is not None
            torch.testing.assert_close(part, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "optim",
    [
        {"name": "adam"},
        {"name": "adam", "weight_decay": 0.1, "clip_norm": 0.5},
        {"name": "adamw", "weight_decay": 0.1, "clip_value": 0.02},
        {"name": "sgd"},
        {"name": "sgd", "momentum": 0.9, "weight_decay": 0.1},
        {"name": "rmsprop", "smoothing": 0.9},
        {"name": "rmsprop", "momentum": 0.5, "clip_norm": 0.1},
    ],
    ids=lambda optim: " ".join(map(str, optim.values())),
)
def test_updates_are_those_of_pytorchs_optimizers(optim: dict[str, Any]) -> None:
    """From the same weights each update agrees to float32's digits."""
    config = config_of(**{f"optim__{name}": value for name, value in optim.items()})
    task, plain, fused = pair(config)
    for step in range(6):
        batch = task.batches(0, step, 1, 16)
        fused.flat.values.data.copy_(plain.flat.values.data)
        for backend in (plain, fused):
            assert backend.run(batch, [1e-2], config).failure is None
        moved = plain.flat.values.data - fused.flat.values.data
        # Adam divides by the gradient's size: where it is next to nothing, so are its digits.
        loud = plain.flat.gradients.abs() > 1e-4
        assert moved[loud].abs().max() < 2e-5
    assert plain.tensors().keys() == fused.tensors().keys()
    for name, part in plain.tensors().items():
        torch.testing.assert_close(fused.tensors()[name], part, rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_seen_before_the_update(cell: str, value: float) -> None:
    config = config_of(model__cell=cell, model__num_layers=2)
    task, _, fused = pair(config)
    fused.run(task.batches(0, 0, 3, 16), [1e-3] * 3, config)
    with torch.no_grad():
        fused.model.get_parameter("head.bias")[1] = value
    weights = fused.flat.values.detach().clone()
    states = {name: part.clone() for name, part in fused.tensors().items()}
    result = fused.run(task.batches(0, 3, 3, 16), [1e-3] * 3, config)
    assert result.failure is not None and "became" in result.failure and len(result.losses) == 0
    assert torch.equal(fused.flat.values.detach().nan_to_num(), weights.nan_to_num())
    assert same_bits(fused.tensors(), states)


@pytest.mark.parametrize(
    "preset", ["baseline", "counting_lstm", "tagging_rnn", "tagging_bidirectional", "character_lm"]
)
def test_the_same_bits_however_chunks_are_cut_and_a_run_resumed(preset: str, tmp_path: Path) -> None:
    config = config_of(preset, train__steps=90, train__evaluate_every=1000, train__log_every=7)
    if preset == "character_lm":
        # Sizes that fill no vector.
        sizes = {"model.hidden_size": 20, "model.num_layers": 2, "train.batch_size": 5}
        config = config.changed(sizes, "test")
    if preset == "counting_lstm":
        assert config.value("model.dropout") == 0.5
        config = config.changed({"train.epochs": None}, "test")
    whole, cut = Trainer(config), Trainer(config)
    points, others = [], []
    while not whole.done:
        points += whole.run_chunk()
    assert whole.backend.name == "fused"
    draw = random.Random(1)
    while not cut.done:
        others += cut.run_chunk([cut.step + draw.randint(1, 20)])
        cut.save(tmp_path)
        saved, _ = checkpoint.newest(tmp_path)
        assert saved is not None
        cut = Trainer.resume(saved)
    assert same_bits(tensors(cut.model), tensors(whole.model))
    assert same_bits(cut.backend.tensors(), whole.backend.tensors())
    assert others == points


def test_a_run_that_changed_over_is_resumed_with_the_change_at_the_same_step(tmp_path: Path) -> None:
    config = config_of(train__steps=60, train__backend="auto")

    def trained(trainer: Trainer, until: int) -> Trainer:
        while trainer.step < until:
            trainer.run_chunk([until])
        return trainer

    trainer = Trainer(config)
    trainer.backend.fused_from = 25
    trained(trainer, 10).save(tmp_path / "before")
    assert trainer.backend.name == "torch"
    trained(trainer, 40).save(tmp_path / "after")
    assert trainer.backend.name == "fused"
    trained(trainer, 60)
    for name in ("before", "after"):
        saved, _ = checkpoint.newest(tmp_path / name)
        assert saved is not None
        again = trained(Trainer.resume(saved), 60)
        assert same_bits(tensors(again.model), tensors(trainer.model)), name


@pytest.mark.parametrize("preset", ["baseline", "tagging_bidirectional"])
def test_a_checkpoint_of_one_backend_goes_on_with_the_other(preset: str, tmp_path: Path) -> None:
    first = Trainer(config_of(preset, train__steps=40))
    first.run_chunk([20])
    while first.step < 20:
        first.run_chunk([20])
    first.save(tmp_path)
    saved, _ = checkpoint.newest(tmp_path)
    assert saved is not None
    saved.state["config"]["train"]["backend"] = "torch"
    saved.state["fused_from"] = None
    other = Trainer.resume(saved)
    for trainer in (first, other):
        while not trainer.done:
            trainer.run_chunk()
    assert (first.backend.name, other.backend.name) == ("fused", "torch")
    torch.testing.assert_close(tensors(first.model), tensors(other.model), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("preset", "changes", "reason"),
    [
        ("baseline", {"model.form": "cells"}, "model.form is cells"),
        ("baseline", {"train.dtype": "float64"}, "train.dtype is float64"),
        ("baseline", {"train.threads": 2}, "train.threads is 2"),
        ("character_lm", {"train.threads": 3}, "train.threads is 3; compiled code computes on at most 2"),
        ("counting_rnn3", {}, 'the model "concatenating" is not the recurrent one'),
        ("sunspots_lstm", {}, "does not answer tokens with classes"),
    ],
)
def test_what_it_cannot_compute_is_refused_in_a_sentence_and_auto_takes_torch(
    preset: str, changes: dict[str, Any], reason: str
) -> None:
    config = load_preset(preset).config.changed({**changes, "train.backend": "fused"}, "test")
    task = make_task(config.task)
    assert reason in (why_not_fused(config, task) or "")
    model = make_model(task, config.model, 0)
    with pytest.raises(ConfigError, match=r"train\.backend: must be auto or torch"):
        make_backend(model, task, config, torch.device("cpu"))
    auto = config.changed({"train.backend": "auto"}, "test")
    assert make_backend(model, task, auto, torch.device("cpu")).name == "torch"


def test_a_whole_space_is_asked_row_by_row_where_a_network_reads_from_both_ends() -> None:
    config = config_of(model__bidirectional=True, task__max_length=3, train__steps=20)
    trainer = Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    assert trainer.backend.name == "fused" and trainer.backend.exact_evaluation(None) is None
    evaluation, *_ = trainer.evaluate()
    plain = Trainer(config.changed({"train.backend": "torch"}, "test"))
    plain.model.load_state_dict(trainer.model.state_dict())
    wanted, *_ = plain.evaluate()
    assert evaluation.exhaustive and evaluation.sequences == 10**2 + 10**3
    assert (evaluation.accuracy, evaluation.loss) == (wanted.accuracy, wanted.loss)


@pytest.mark.parametrize("period", ["total_steps", "after_warmup"])
def test_learning_rates_of_a_chunk_are_those_of_its_steps(period: str) -> None:
    config = config_of("sota_warmup", schedule__cosine_period=period, train__steps=3000)
    for first, steps in ((0, 10), (1990, 20), (2000, 900), (2990, 10)):
        wanted = [learning_rate(config, step) for step in range(first, first + steps)]
        assert learning_rates(config, first, steps) == wanted


def test_without_a_place_to_keep_machine_code_it_still_computes(tmp_path: Path) -> None:
    """A home and a temporary folder that can't be written: compiled for this process, no file left, no error."""
    script = (
        "from seqsum.training.backends.fused import cache\n"
        "assert cache.folder() is None and not cache.is_warm()\n"
        "cache.set_up()\n"
        "from seqsum.training.backends.fused.matmul import tiles\n"
        "import seqsum.training.backends.fused.chunk, numpy as np\n"
        "a = np.ones(16 * 16, dtype=np.float32)\n"
        "out = np.zeros_like(a)\n"
        "tiles(a, (0, 16, 1), a, (0, 16), out, (0, 16), (16, 16, 16))\n"
        "assert (out == 16).all()\n"
    )
    blocked = tmp_path / "file"
    blocked.write_text("")
    places = {name: str(blocked) for name in ("SEQSUM_CACHE", "TMPDIR", "HOME")}
    script = f"import tempfile; tempfile.tempdir = {str(blocked)!r}\n{script}"
    child = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **places}, capture_output=True, text=True, check=False
    )
    assert child.returncode == 0, child.stderr


def test_what_another_process_compiles_is_waited_for(tmp_path: Path) -> None:
    place = tmp_path / f"fused-{cache.fingerprint()}"
    place.mkdir(mode=0o700)
    tmp_path.chmod(0o700)
    with (place / cache.LOCK_FILE).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        child = subprocess.Popen(
            [sys.executable, "-m", "seqsum.training.backends.fused"], env={**os.environ, "SEQSUM_CACHE": str(tmp_path)}
        )
        (place / cache.READY_FILE).touch()
    assert child.wait(timeout=60) == 0
    assert {path.name for path in place.iterdir()} == {cache.LOCK_FILE, cache.READY_FILE}


def test_machine_code_that_others_could_have_written_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "cache"
    root.mkdir()
    root.chmod(0o777)
    monkeypatch.setenv("SEQSUM_CACHE", str(root))
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    assert cache.folder.__wrapped__() is None
    root.chmod(0o700)
    place = cache.folder.__wrapped__()
    assert place is not None and place.is_relative_to(root)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_batch_of_one_and_a_length_of_one(bidirectional: bool) -> None:
    config = config_of(train__batch_size=1, task__min_length=1, task__max_length=1, model__bidirectional=bidirectional)
    task, plain, fused = pair(config)
    batches: Batches = task.batches(0, 0, 5, 1)
    one, other = (backend.run(batches, [1e-3] * 5, config) for backend in (plain, fused))
    np.testing.assert_allclose(other.losses, one.losses, rtol=1e-5)


def broken() -> None:
    raise OSError("no compiler for this processor\nand more")


def test_where_nothing_can_be_compiled_torch_computes_and_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cache, "compile_now", broken)
    monkeypatch.setattr(cache, "is_warm", lambda: True)
    config = config_of(train__steps=30, train__backend="auto")
    trainer = Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    assert trainer.backend.name == "torch" and trainer.backend.fused_from is None
    why = "code can't be compiled here (OSError: no compiler for this processor)"
    assert trainer.backend.why_not_fused == why
    plain = Trainer(config.changed({"train.backend": "torch"}, "test"))
    while not plain.done:
        plain.run_chunk()
    assert same_bits(tensors(trainer.model), tensors(plain.model))
    with pytest.raises(UserError, match=r"^train\.backend: code can't be compiled here .* use auto or torch$"):
        Trainer(config.changed({"train.backend": "fused"}, "test")).run_chunk()


def test_a_missing_compiler_is_said_and_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise ModuleNotFoundError("No module named 'llvmlite'")

    monkeypatch.setattr(cache, "fingerprint", missing)
    cache.folder.cache_clear()
    try:
        trainer = Trainer(config_of(train__steps=10, train__backend="auto"))
        while not trainer.done:
            trainer.run_chunk()
    finally:
        cache.folder.cache_clear()
    assert "No module named 'llvmlite'" in str(trainer.backend.why_not_fused)


@pytest.mark.parametrize("kept", [True, False])
def test_while_it_compiles_it_says_so_and_whether_that_stays(kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Compilation:
        ended = False

        def __init__(self) -> None:
            self.kept = kept

    monkeypatch.setattr(cache, "is_warm", lambda: False)
    monkeypatch.setattr(cache, "Compilation", Compilation)
    trainer = Trainer(config_of(train__steps=400, train__backend="auto"))
    trainer.run_chunk()
    why = trainer.backend.why_not_fused
    assert why is not None and ("changes over" in why) is kept and ("SEQSUM_CACHE" in why) is not kept
    Compilation.ended = True
    trainer.run_chunk()
    assert (trainer.backend.name, trainer.backend.why_not_fused) == ("fused", None)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"train.threads": 2, "train.batch_size": 64},
            "train.threads is 2; compiled code computes steps this small on one",
        ),
        (
            {"train.threads": 2, "train.batch_size": 31, "model.hidden_size": 512},
            "train.threads is 2; compiled code computes batches this small on one",
        ),
        ({"train.dtype": "float64"}, "train.dtype is float64"),
        ({"train.backend": "torch"}, "train.backend is torch"),
        ({"model.form": "cells"}, "model.form is cells"),
        ({"model.hidden_noise": 0.1}, "model.hidden_noise is on"),
        ({"model.name": "feed_forward"}, 'the model "feed_forward" is not the recurrent one'),
    ],
    ids=str,
)
def test_each_setting_that_keeps_compiled_code_away_is_named(changes: dict[str, Any], why: str) -> None:
    config = config_of(train__steps=10, train__backend="auto").changed(changes, "test")
    assert Trainer(config).backend.why_not_fused == why
    told = [note.text for note in notes(config, make_task(config.task)) if note.path == "train.backend"]
    expected = [f"computed by torch, not by compiled code: {why}"]
    assert told == ([] if config.train.backend == "torch" else expected)
