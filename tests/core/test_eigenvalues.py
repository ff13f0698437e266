"""Eigenvalues of the map from state to state, against PyTorch's own cells and differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from seqsum.query.answering import Answerer
from seqsum.runs import Run
from support.engine import PlainModel
from support.trained import trained

READ = [1, 2, 3, 5, 1]


def values(run: Run, **fields: Any) -> tuple[dict[str, Any], np.ndarray]:
    found = Answerer(run).ask("eigenvalues", **fields)[1]["answer"]
    return found, np.array(found["real"]) + 1j * np.array(found["imaginary"])


def plain_of(run: Run) -> PlainModel:
    plain = PlainModel(10, run.config().model)  # type: ignore[arg-type]
    plain.load_state_dict(safetensors.torch.load_file(run.checkpoints / "step-20" / "model.safetensors"))
    return plain.double()


def test_those_of_a_plain_rnn_are_its_matrices(tmp_path: Path) -> None:
    run = trained(tmp_path, 20, model__num_layers=2)
    plain = plain_of(run)
    answer, found = values(run)
    assert answer["of"] == "matrix" and answer["input"] is None and answer["layer"] == [0] * 8 + [1] * 8
    for layer in (0, 1):
        matrix = getattr(plain.rnn, f"weight_hh_l{layer}").detach().numpy()
        mine = found[8 * layer : 8 * layer + 8]
        # What makes an eigenvalue one: the matrix less it is singular; and all of them sum to the trace.
        for value in mine:
            assert np.linalg.svd(matrix - value * np.eye(8), compute_uv=False)[-1] < 1e-6
        assert mine.sum() == pytest.approx(np.trace(matrix), abs=1e-6)
    assert answer["size"] == pytest.approx(np.abs(found).tolist())
    assert answer["size"][:8] == sorted(answer["size"][:8], reverse=True)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_those_of_a_gated_cell_are_of_a_steps_jacobian(cell: str, tmp_path: Path) -> None:
    run = trained(tmp_path, 20, model__cell=cell)
    plain = plain_of(run)
    answer, found = values(run, input=" ".join(map(str, READ)))
    assert answer["of"] == "step" and answer["input"] == " ".join(map(str, READ))
    with torch.no_grad():
        entered = plain.embedding(torch.tensor([READ]))
        _, state = plain.rnn(entered[:, :-1])
        flat = torch.cat(state, dim=2)[0, 0] if cell == "lstm" else state[0, 0]

        def step(before: torch.Tensor) -> np.ndarray:
            parts = before.reshape(-1, 1, 1, 8)
            _, after = plain.rnn(entered[:, -1:], tuple(parts) if cell == "lstm" else parts[0])
            return (torch.cat(after, dim=2) if cell == "lstm" else after).reshape(-1).numpy()

        tiny = 1e-6
        columns = [(step(flat + tiny * one) - step(flat - tiny * one)) / (2 * tiny) for one in torch.eye(len(flat))]
    jacobian = np.stack(columns, axis=1)
    assert len(found) == len(jacobian) == (16 if cell == "lstm" else 8)
    for value in found:
        assert np.linalg.svd(jacobian - value * np.eye(len(jacobian)), compute_uv=False)[-1] < 1e-4
    assert found.sum() == pytest.approx(np.trace(jacobian), abs=1e-4)


def test_a_network_without_a_state_is_refused_in_a_sentence(tmp_path: Path) -> None:
    run = trained(tmp_path, 20, model__bidirectional=True)
    reply = Answerer(run).ask("facts")[1]["answer"]
    assert "eigenvalues" not in reply["asks"]
