"""The four forms of document 5, SimpleRNN, MultiLayerRNN, RNNWithCell and MultiLayerRNNCell, from the same weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqsum.config import Config
from seqsum.errors import ConfigError
from seqsum.models.base import make_model
from seqsum.models.cells import run_cells
from seqsum.models.recurrent import RecurrentModel, make_rnn
from seqsum.presets import load_preset
from seqsum.registry import make_task
from seqsum.training.backends.torch_backend import TorchBackend

BATCH, LENGTH, INPUT, HIDDEN = 4, 7, 5, 6
CELLS = [("rnn", "tanh"), ("rnn", "relu"), ("lstm", "tanh"), ("gru", "tanh")]


def hand_written(rnn: Any, inputs: Tensor) -> Tensor:
    """Document 5's MultiLayerRNNCell: PyTorch's own cell modules, one a layer, with the stacked module's weights."""
    cells = nn.ModuleList()
    for layer in range(rnn.num_layers):
        width = inputs.shape[2] if layer == 0 else rnn.hidden_size
        kind = {nn.RNN: nn.RNNCell, nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell}[type(rnn)]
        options = {"nonlinearity": rnn.nonlinearity} if kind is nn.RNNCell else {}
        cell = kind(width, rnn.hidden_size, dtype=inputs.dtype, **options)
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            # The very same parameters, so that gradients land in one place.
            setattr(cell, name, getattr(rnn, f"{name}_l{layer}"))
        cells.append(cell)
    zeros = torch.zeros(inputs.shape[0], rnn.hidden_size, dtype=inputs.dtype)
    states: list[Any] = [(zeros, zeros) if isinstance(rnn, nn.LSTM) else zeros] * rnn.num_layers
    outputs = []
    for step in range(inputs.shape[1]):
        entering = inputs[:, step]
        for layer, cell in enumerate(cells):
            states[layer] = cell(entering, states[layer])
            entering = states[layer][0] if isinstance(rnn, nn.LSTM) else states[layer]
        outputs.append(entering)
    return torch.stack(outputs, dim=1)


def gradients(rnn: nn.Module, inputs: Tensor, outputs: Tensor) -> list[Tensor]:
    """Gradients of a scalar that weighs every output differently, with respect to the weights and the inputs."""
    weights = torch.arange(outputs.numel(), dtype=outputs.dtype).view_as(outputs).cos()
    return list(torch.autograd.grad((outputs * weights).sum(), [*rnn.parameters(), inputs]))


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize(("cell", "nonlinearity"), CELLS)
def test_the_four_forms_give_the_same_outputs_and_gradients(cell: str, nonlinearity: str, layers: int) -> None:
    torch.manual_seed(layers)
    rnn = make_rnn(cell, INPUT, HIDDEN, layers, nonlinearity=nonlinearity).double()
    inputs = torch.randn(BATCH, LENGTH, INPUT, dtype=torch.float64, requires_grad=True)
    stacked, _ = rnn(inputs)
    expected = gradients(rnn, inputs, stacked)
    for outputs in (run_cells(rnn, inputs, None)[0], hand_written(rnn, inputs)):
        torch.testing.assert_close(outputs, stacked, rtol=1e-12, atol=1e-12)
        for mine, theirs in zip(gradients(rnn, inputs, outputs), expected, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("cell", "nonlinearity"), CELLS)
def test_cells_go_on_from_a_state_as_the_stacked_module_does(cell: str, nonlinearity: str) -> None:
    torch.manual_seed(3)
    rnn = make_rnn(cell, INPUT, HIDDEN, 2, nonlinearity=nonlinearity).double()
    inputs = torch.randn(BATCH, LENGTH, INPUT, dtype=torch.float64)
    whole, last = rnn(inputs)
    first, state = run_cells(rnn, inputs[:, :3], None)
    second, state = run_cells(rnn, inputs[:, 3:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole, rtol=1e-12, atol=1e-12)
    pairs = zip(state, last, strict=True) if isinstance(last, tuple) else [(state, last)]
    for mine, theirs in pairs:
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("cell", "nonlinearity"), CELLS)
def test_a_model_answers_the_same_in_both_forms(cell: str, nonlinearity: str) -> None:
    """The documents' whole models: form=stacked and form=cells from one seed, and the loop that document 5 writes."""
    models = []
    for form in ("stacked", "cells"):
        model = {"cell": cell, "nonlinearity": nonlinearity, "form": form, "hidden_size": HIDDEN, "num_layers": 3}
        config = Config.parse({"task": {"name": "memorise_noise", "features": INPUT}, "model": model}, "test")
        models.append(make_model(make_task(config.task), config.model, seed=5).double())
    inputs = torch.randn(BATCH, LENGTH, INPUT, dtype=torch.float64)
    lengths = torch.tensor([LENGTH, 1, LENGTH - 2, 3])
    stacked, cells = (model(inputs, lengths) for model in models)
    torch.testing.assert_close(cells, stacked, rtol=1e-12, atol=1e-12)
    one = models[0]
    assert isinstance(one, RecurrentModel)
    outputs = hand_written(one.rnn, inputs)
    written = torch.stack([one.head(outputs[row, length - 1]) for row, length in enumerate(lengths.tolist())])
    torch.testing.assert_close(written, stacked, rtol=1e-12, atol=1e-12)


def test_dropout_between_cells_silences_only_while_training() -> None:
    rnn = make_rnn("gru", INPUT, HIDDEN, 2, dropout=0.5)
    inputs = torch.randn(BATCH, LENGTH, INPUT)
    rnn.eval()
    torch.testing.assert_close(run_cells(rnn, inputs, None)[0], rnn(inputs)[0])
    rnn.train()
    assert not torch.equal(run_cells(rnn, inputs, None)[0], run_cells(rnn, inputs, None)[0])


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_noise_is_normal_and_enters_the_next_step_too(cell: str) -> None:
    torch.manual_seed(0)
    rnn = make_rnn(cell, INPUT, HIDDEN, 1, nonlinearity="relu")
    if cell == "rnn":
        with torch.no_grad():
            for weight in rnn.parameters():
                weight.zero_()
            rnn.weight_hh_l0.copy_(torch.eye(HIDDEN))
    inputs = torch.randn(40_000, 2, INPUT)
    with torch.no_grad():
        plain, (noisy, _) = rnn(inputs)[0], run_cells(rnn, inputs, None, 0.5)
        entered = noisy[:, 0] - plain[:, 0]
        assert abs(float(entered.std()) - 0.5) < 0.005 and abs(float(entered.mean())) < 0.005
        share = float((entered.abs() < 0.5).float().mean())
        assert abs(share - 0.6827) < 0.005, "of a normal distribution within one standard deviation"
        if cell == "rnn":
            # What was carried is the noise's positive part; the second step's own noise is independent of it.
            own = noisy[:, 1] - entered.relu()
            assert abs(float(own.std()) - 0.5) < 0.005
            assert abs(float((own * entered).mean())) < 0.005


@pytest.mark.parametrize(("schedule", "spread"), [("constant", 0.5), ("learning_rate", 0.125)])
def test_noise_comes_only_while_training_and_as_large_as_the_learning_rate_asks(schedule: str, spread: float) -> None:
    changes = {"model.hidden_noise": 0.5, "model.noise_schedule": schedule, "optim.lr": 0.004, "model.hidden_size": 2}
    config = Config().changed(changes, "test")
    task = make_task(config.task)
    model = make_model(task, config.model, seed=1)
    assert isinstance(model, RecurrentModel)
    backend = TorchBackend(model, task, config)
    backend.run(task.batches(0, 0, 1, 8), [0.001], config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.head.weight[0, 0] = 1.0
    tokens, lengths = torch.zeros(40_000, 1, dtype=torch.int64), torch.ones(40_000, dtype=torch.int64)
    with torch.no_grad():
        assert abs(float(model.train()(tokens, lengths)[:, 0].std()) - spread) < 0.005
        assert float(model.eval()(tokens, lengths).abs().max()) == 0


def test_noise_and_reading_from_both_ends_are_refused_together() -> None:
    with pytest.raises(ConfigError, match=r"model\.hidden_noise: must be 0 for a bidirectional model"):
        load_preset("tagging_bidirectional").config.changed({"model.hidden_noise": "0.1"}, "test")
