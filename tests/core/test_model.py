"""The recurrent model against plain nn.Embedding + nn.RNN / LSTM / GRU + nn.Linear with packed sequences."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from seqsum.models.base import make_model
from seqsum.models.recurrent import RecurrentModel
from seqsum.registry import make_task
from support.engine import PlainModel, random_batches, same_bits, small, tensors

CELLS = [
    {},
    {"model__nonlinearity": "relu", "model__num_layers": 2},
    {"model__num_layers": 3},
    {"model__cell": "lstm", "model__num_layers": 2},
    {"model__cell": "gru"},
    {"model__hidden_size": 1, "model__embedding_size": 1},
]


def pair(seed: int = 0, **changes: Any) -> tuple[RecurrentModel, PlainModel]:
    """Our model and the plain one with the same weights, both in float64."""
    config = small(**changes)
    model = make_model(make_task(config.task), config.model, seed).double()
    assert isinstance(model, RecurrentModel)
    plain = PlainModel(config.value("task.modulus"), config.model).double()
    plain.load_state_dict(model.state_dict(), strict=True)
    return model, plain


@pytest.mark.parametrize("changes", CELLS)
def test_logits_are_those_of_plain_pytorch(changes: dict[str, Any]) -> None:
    model, plain = pair(**changes)
    tokens, lengths, _ = (torch.from_numpy(part[0]) for part in random_batches(5, 1, 9, 1, 50))
    torch.testing.assert_close(model(tokens, lengths), plain(tokens, lengths), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("changes", CELLS)
def test_token_by_token_gives_the_same_logits_after_every_token(changes: dict[str, Any]) -> None:
    model, plain = pair(**changes)
    tokens = torch.randint(0, 5, (20, 6), generator=torch.Generator().manual_seed(3))
    state = None
    for length in range(1, 7):
        logits, state = model.step(tokens[:, length - 1], state)
        expected = plain(tokens[:, :length], torch.full((20,), length))
        torch.testing.assert_close(logits, expected, rtol=1e-12, atol=1e-12)


def test_what_stands_behind_the_last_valid_token_changes_nothing() -> None:
    model, _ = pair()
    tokens, lengths, _ = (torch.from_numpy(part[0]) for part in random_batches(5, 1, 6, 1, 30))
    other = torch.where(torch.arange(6) < lengths[:, None], tokens, 3)
    assert torch.equal(model(tokens, lengths), model(other, lengths))


def test_the_names_are_plain_pytorchs() -> None:
    model, _ = pair(model__num_layers=2)
    recurrent = [
        f"rnn.{kind}_l{layer}" for layer in (0, 1) for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    assert list(model.state_dict()) == ["embedding.weight", *recurrent, "head.weight", "head.bias"]
    assert model.embedding is not None and not model.embedding.weight[5].any(), "the padding's row is zero"


def test_the_seed_alone_decides_the_weights_and_the_callers_random_numbers_stay() -> None:
    config = small()
    task = make_task(config.task)
    torch.manual_seed(11)
    before = torch.get_rng_state()
    one = make_model(task, config.model, 4)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(12)
    assert same_bits(tensors(one), tensors(make_model(task, config.model, 4)))
    assert not same_bits(tensors(one), tensors(make_model(task, config.model, 5)))


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_orthogonal_and_identity_recurrent_matrices(cell: str) -> None:
    made = {}
    for how in ("pytorch", "orthogonal", "identity"):
        config = small(model__cell=cell, model__num_layers=2, model__initialisation=how)
        made[how] = make_model(make_task(config.task), config.model, 3).state_dict()
    unit = torch.eye(8)
    for name, drawn in made["pytorch"].items():
        orthogonal, identity = made["orthogonal"][name], made["identity"][name]
        if "weight_hh" in name:
            assert len(drawn) == 8 * {"rnn": 1, "gru": 3, "lstm": 4}[cell]
            assert all(torch.allclose(block @ block.T, unit, atol=1e-5) for block in orthogonal.split(8))
            assert all(torch.equal(block, unit) for block in identity.split(8))
        elif "rnn.bias" in name:
            assert not identity.any() and orthogonal.any()
        else:
            assert torch.equal(drawn, orthogonal) and torch.equal(drawn, identity)
