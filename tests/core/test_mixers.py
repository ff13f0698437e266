"""What mixes the steps in a block, against the equations of its paper, written out number by number."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seqsum.config import Config
from seqsum.errors import ConfigError
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


def test_the_linear_recurrent_unit_is_the_papers() -> None:
    """Orvieto et al. 2023, equations 1 to 7: complex numbers one by one."""
    mixer = mixer_of("lru", state_size=3)
    w = weights_of(mixer)
    lam = [cmath.exp(complex(-math.exp(w["nu"][n]), math.exp(w["theta"][n]))) for n in range(3)]
    check_diagonal(mixer, lam, [math.exp(w["gamma"][n]) for n in range(3)], 1)


def test_the_state_space_is_the_continuous_system_with_held_inputs() -> None:
    """Gu et al. 2022, equations 1 and 3 (zero-order hold)."""
    mixer = mixer_of("state_space", state_size=3)
    w = weights_of(mixer)
    a = [complex(-math.exp(w["rate"][n]), w["frequency"][n]) for n in range(3)]
    grown = [cmath.exp(math.exp(w["step"][n]) * a[n]) for n in range(3)]
    check_diagonal(mixer, grown, [(grown[n] - 1) / a[n] for n in range(3)], 2)


def check_diagonal(mixer: Mixer, factors: list[complex], scales: list[Any], times: int) -> None:
    """h' = factor h + scale B x; y = times · Re(C h') + D x, with B and C complex matrices."""
    w, size = weights_of(mixer), len(factors)
    enter = w["enter.weight"][:size] + 1j * w["enter.weight"][size:]
    leave = w["leave.weight"][:, :size] - 1j * w["leave.weight"][:, size:]
    inputs = inputs_of()
    found = outputs_of(mixer, inputs)
    for row in range(2):
        h = [0j] * size
        for t in range(STEPS):
            x = inputs[row, t].numpy()
            h = [factors[n] * h[n] + scales[n] * sum(enter[n, k] * x[k] for k in range(UNITS)) for n in range(size)]
            y = [times * sum(leave[k, n] * h[n] for n in range(size)).real + w["skip"][k] * x[k] for k in range(UNITS)]
            assert np.allclose(found[row, t], y, rtol=1e-9, atol=1e-11)


def test_the_state_space_solves_its_differential_equation() -> None:
    """Many short steps of Euler's method over the time that each input is held."""
    mixer = mixer_of("state_space", state_size=2, min_step=0.05)
    w, inputs = weights_of(mixer), inputs_of()
    a = -np.exp(w["rate"]) + 1j * w["frequency"]
    driven = inputs.numpy() @ (w["enter.weight"][:2] + 1j * w["enter.weight"][2:]).T
    h = np.zeros((2, 2), dtype=complex)
    for t in range(STEPS):
        for _ in range(20_000):
            h = h + np.exp(w["step"]) / 20_000 * (a * h + driven[:, t])
    with torch.no_grad():
        state = mixer(inputs, mixer.begin(inputs)).state[0].numpy()
    assert np.allclose(state, np.hstack([h.real, h.imag]), rtol=1e-3, atol=1e-4)


def test_eigenvalues_of_the_linear_recurrent_unit_begin_in_the_ring() -> None:
    config = Config().changed({"model.name": "lru", "model.min_radius": 0.5, "model.max_radius": 0.7}, "test")
    model: Any = make_model(make_task(config.task), config.model, 1)
    modulus = torch.exp(-torch.exp(model.blocks[0].mixer.nu))
    assert len(modulus) == 64 and 0.5 <= modulus.min() < 0.55 < 0.65 < modulus.max() <= 0.7001
    with pytest.raises(ConfigError, match=r"model.max_radius: must be at least model.min_radius \(0.9\), got 0.5"):
        Config().changed({"model.name": "lru", "model.max_radius": 0.5}, "test")
