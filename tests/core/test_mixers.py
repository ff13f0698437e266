"""What mixes the steps in a block, against the equations of its paper, written out number by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seqsum.config import Config
from seqsum.models.base import make_model
from seqsum.models.blocks import Mixer
from seqsum.registry import make_task

UNITS, STEPS = 4, 6
Numbers = Any


def mixer_of(name: str, **settings: Any) -> Mixer:
    """A block's mixer with random weights, in float64."""
    named = {f"model.{field}": value for field, value in settings.items()}
    config = Config().changed({"model.name": name, "model.hidden_size": UNITS, **named}, "test")
    model: Any = make_model(make_task(config.task), config.model, 1).double()
    mixer = model.blocks[0].mixer
    assert isinstance(mixer, Mixer)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in mixer.parameters():
            weight += 0.3 * torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
    return mixer


def inputs_of() -> Tensor:
    return torch.randn(2, STEPS, UNITS, generator=torch.Generator().manual_seed(6), dtype=torch.float64)


def outputs_of(mixer: Mixer, inputs: Tensor) -> Numbers:
    with torch.no_grad():
        return mixer(inputs, mixer.begin(inputs)).outputs.numpy()


def weights_of(mixer: Mixer) -> dict[str, Numbers]:
    return {name: weight.detach().numpy() for name, weight in mixer.named_parameters()}


def sigmoid(value: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-value))


@pytest.mark.parametrize("cell", ["mingru", "minlstm"])
def test_the_minimal_cells_are_the_papers(cell: str) -> None:
    """Feng et al. 2024, algorithms 1 and 2 without the logarithms."""
    mixer = mixer_of("minimal", cell=cell)
    w, b = weights_of(mixer)["linear.weight"], weights_of(mixer)["linear.bias"]
    inputs = inputs_of()
    found = outputs_of(mixer, inputs)
    for row in range(2):
        h = np.zeros(UNITS)
        for t in range(STEPS):
            x = inputs[row, t].numpy()
            for unit in range(UNITS):
                parts = [w[part * UNITS + unit] @ x + b[part * UNITS + unit] for part in range(len(w) // UNITS)]
                if cell == "mingru":
                    z = sigmoid(parts[0])
                    h[unit] = (1 - z) * h[unit] + z * parts[1]
                else:
                    f, i = sigmoid(parts[0]), sigmoid(parts[1])
                    h[unit] = f / (f + i) * h[unit] + i / (f + i) * parts[2]
            assert np.allclose(found[row, t], h, rtol=1e-10, atol=1e-12)
