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


@pytest.mark.parametrize("eigenvalues", ["positive", "signed"])
def test_delta_net_is_the_papers(eigenvalues: str) -> None:
    """Yang et al. 2024, equation 4 with keys and queries of length 1; β doubled as in Grazzi et al. 2025."""
    mixer = mixer_of("delta_net", num_heads=2, eigenvalues=eigenvalues)
    w, inputs, size = weights_of(mixer), inputs_of(), UNITS // 2
    found = outputs_of(mixer, inputs)
    for row in range(2):
        memory = np.zeros((2, size, size))
        for t in range(STEPS):
            x, read = inputs[row, t].numpy(), []
            q, k, v = (swish(w["projections.weight"][part * UNITS : (part + 1) * UNITS] @ x) for part in range(3))
            for head in range(2):
                its = slice(head * size, (head + 1) * size)
                key, query, value = k[its] / math.hypot(*k[its]), q[its] / math.hypot(*q[its]), v[its]
                beta = sigmoid(w["strength.weight"][head] @ x + w["strength.bias"][head])
                beta *= 2 if eigenvalues == "signed" else 1
                turned = np.eye(size) - beta * np.outer(key, key)
                low, high = np.linalg.eigvalsh(turned)
                assert high == pytest.approx(1) and (-1 if eigenvalues == "signed" else 0) < low < 1
                memory[head] = memory[head] @ turned + beta * np.outer(value, key)
                o = memory[head] @ query
                read.append(w["norm.weight"] * o / math.sqrt((o**2).mean() + np.finfo(float).eps))
            assert np.allclose(found[row, t], w["leave.weight"] @ np.concatenate(read), rtol=1e-8, atol=1e-10)


def swish(value: Numbers) -> Numbers:
    return value * sigmoid(value)


@pytest.mark.parametrize("eigenvalues", ["positive", "signed"])
def test_delta_net_over_several_chunks_is_as_step_by_step(eigenvalues: str) -> None:
    mixer = mixer_of("delta_net", num_heads=1, eigenvalues=eigenvalues)
    inputs = torch.randn(2, 150, UNITS, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    state, found = mixer.begin(inputs), []
    with torch.no_grad():
        for t in range(150):
            outputs, state, _ = mixer(inputs[:, t : t + 1], state)
            found.append(outputs)
        assert torch.allclose(mixer(inputs, mixer.begin(inputs)).outputs, torch.cat(found, 1), rtol=1e-9, atol=1e-9)


def test_slstm_is_the_papers_without_the_stabiliser() -> None:
    """Beck et al. 2024, equations 8 to 14: numbers as large as they grow."""
    mixer = mixer_of("slstm", num_heads=2)
    w, inputs, size = weights_of(mixer), inputs_of(), UNITS // 2
    found = outputs_of(mixer, inputs)
    for row in range(2):
        h, c, n = np.zeros(UNITS), np.zeros(UNITS), np.zeros(UNITS)
        for t in range(STEPS):
            x, before = inputs[row, t].numpy(), h.copy()
            for unit in range(UNITS):
                head, place = divmod(unit, size)
                sums = []
                for gate in range(4):
                    line = gate * UNITS + unit
                    back = sum(
                        w["recurrent"][head, other, gate * size + place] * before[head * size + other]
                        for other in range(size)
                    )
                    sums.append(w["linear.weight"][line] @ x + w["linear.bias"][line] + back)
                i, f, z, o = math.exp(sums[0]), sigmoid(sums[1]), math.tanh(sums[2]), sigmoid(sums[3])
                c[unit], n[unit] = f * c[unit] + i * z, f * n[unit] + i
                h[unit] = o * c[unit] / n[unit]
            assert np.allclose(found[row, t], h, rtol=1e-9, atol=1e-11)


def test_slstm_stays_finite_whatever_its_input_gate_says() -> None:
    mixer = mixer_of("slstm", num_heads=1).float()
    for size in (-1e4, 1e4):
        inputs = torch.full((1, 3, UNITS), size)
        assert torch.isfinite(mixer(inputs, mixer.begin(inputs)).outputs).all()


@pytest.mark.parametrize("positions", ["rotary", "none"])
@pytest.mark.parametrize("context", [2, 4, 512])
def test_attention_is_the_papers(context: int, positions: str) -> None:
    """Vaswani et al. 2017, equation 1; Su et al. 2021, equation 13: a pair as a complex number turned by its place."""
    mixer = mixer_of("transformer", num_heads=1, context=context, positions=positions)
    w, inputs = weights_of(mixer), inputs_of()
    found, half = outputs_of(mixer, inputs), UNITS // 2

    def placed(vector: Numbers, place: int) -> Numbers:
        if positions == "none":
            return vector
        pairs = [
            complex(vector[n], vector[half + n]) * cmath.exp(1j * place * 10_000 ** (-n / half)) for n in range(half)
        ]
        return np.array([pair.real for pair in pairs] + [pair.imag for pair in pairs])

    with torch.no_grad():
        weights = mixer(inputs, mixer.begin(inputs), look=True).gates["head 1"].numpy()
    for row in range(2):
        q, k, v = np.split(inputs[row].numpy() @ w["projections.weight"].T + w["projections.bias"], 3, axis=1)
        for t in range(STEPS):
            seen = range(max(0, t - context + 1), t + 1)
            scores = [math.exp(placed(q[t], t) @ placed(k[s], s) / math.sqrt(UNITS)) for s in seen]
            looked = [score / sum(scores) for score in scores]
            expected = sum(share * v[s] for share, s in zip(looked, seen, strict=True))
            assert np.allclose(found[row, t], w["leave.weight"] @ expected + w["leave.bias"], rtol=1e-9, atol=1e-11)
            shown = np.zeros(STEPS)
            shown[seen.start : seen.stop] = looked
            assert np.allclose(weights[row, t], shown)


def test_attention_keeps_no_more_than_its_context() -> None:
    mixer = mixer_of("transformer", num_heads=1, context=4)
    inputs = torch.randn(2, 50, UNITS, dtype=torch.float64)
    _, state, _ = mixer(inputs, mixer.begin(inputs))
    assert [part.shape for part in state] == [(2, 3, UNITS), (2, 3, UNITS)]


def test_the_bilinear_state_is_the_product_of_the_inputs_matrices() -> None:
    """Ebrahimi & Memisevic 2025, equation 2; the length is taken off in the end, where it comes to the same."""
    mixer = mixer_of("bilinear", state_size=3)
    w, inputs = weights_of(mixer), inputs_of()
    found = outputs_of(mixer, inputs)
    for row in range(2):
        h = w["first"]
        for t in range(STEPS):
            x = inputs[row, t].numpy()
            h = [sum(w["weight"][i, j, k] * h[j] * x[k] for j in range(3) for k in range(UNITS)) for i in range(3)]
            unit = np.array(h) / math.hypot(*h) * math.sqrt(3)
            assert np.allclose(found[row, t], w["leave.weight"] @ unit + w["leave.bias"], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model.name": "slstm", "model.num_heads": 3}, "model.num_heads: must divide model.hidden_size (64), got 3"),
        (
            {"model.name": "transformer", "model.num_heads": 64},
            "model.positions: rotary turns pairs of units: model.hidden_size / model.num_heads (1) is odd",
        ),
    ],
)
def test_widths_that_heads_cannot_share_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Config().changed(changes, "test")
    assert words in str(refused.value)
