"""Document 4: counting, with truncated back-propagation and a carried state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from seqsum.config import Config, resolved
from seqsum.errors import ConfigError, UserError
from seqsum.models.base import make_model
from seqsum.models.concatenating import ConcatenatingModel
from seqsum.presets import load_preset
from seqsum.tasks.counting import Counting, CountingConfig
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer

PRESETS = ["counting_rnn", "counting_rnn_spread", "counting_rnn2", "counting_rnn3", "counting_lstm"]


def preset(name: str, **changes: object) -> Config:
    named = {path.replace("__", "."): str(value) for path, value in changes.items()}
    return resolved(load_preset(name).config.changed(named, "test"), "test")[0]


def run(trainer: Trainer, until: int) -> Trainer:
    while trainer.step < until:
        trainer.run_chunk([until])
    return trainer


def published() -> list[int]:
    return [number for _ in range(100) for number in range(10) for _ in range(number)]


def test_the_sequence_is_the_published_one() -> None:
    task = Counting(CountingConfig())
    assert task.readers.tokens.tolist() == published()
    assert task.steps_per_epoch(10) == 22.5
    assert preset("counting_rnn").train.steps == 225
    read = np.concatenate([examples.inputs for examples in task.held_out()], axis=1)
    assert read.shape == (1, 4500)  # one reader through all of it
    assert read[0].tolist() == published()


@pytest.mark.parametrize("typed", ["1", "3", "3 3 4", "9 1", "9 9 9 9 9 9 9 9 9 1 2", "2 2", "4 4 4 4 5"])
def test_the_right_continuation(typed: str) -> None:
    task = Counting(CountingConfig())
    prompt = [int(word) for word in typed.split()]
    sequence = published()
    # The first place where the prompt stands, for a number has just begun unless the prompt says otherwise.
    place = next(start for start in range(len(sequence)) if sequence[start : start + len(prompt)] == prompt)
    after = place + len(prompt)
    assert task.continuation(task.parse(typed), 130) == sequence[after : after + 130]
    assert task.truth(task.parse(typed)) == sequence[after : after + task.continues(task.parse(typed))]


@pytest.mark.parametrize("typed", ["1 1", "3 2", "1 2 3", "2 2 2"])
def test_no_continuation_of_what_is_no_part_of_the_sequence(typed: str) -> None:
    task = Counting(CountingConfig())
    assert task.truth(task.parse(typed)) is None


def test_wrong_input_names_the_place() -> None:
    with pytest.raises(UserError, match='number 2 is "0"'):
        Counting(CountingConfig()).parse("1 0")


def test_no_reading_from_both_ends() -> None:
    with pytest.raises(ConfigError, match="must not see"):
        preset("counting_rnn", model__bidirectional=True)


@pytest.mark.parametrize("name", ["counting_rnn", "counting_lstm"])
def test_steps_are_those_of_plain_pytorch(name: str) -> None:
    """Truncated back-propagation by hand: state carried and detached, never reset."""
    config = preset(name, model__dropout=0, train__steps=12, train__epochs="off", train__batch_size=7)
    trainer = Trainer(config)
    model = make_model(trainer.task, config.model, config.train.seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    rnn, embedding, head = model.rnn, model.embedding, model.head
    assert isinstance(rnn, nn.RNN | nn.LSTM) and isinstance(embedding, nn.Embedding) and isinstance(head, nn.Linear)
    sequence = torch.tensor(published())
    state = None
    for step in range(12):
        places = torch.tensor([[i * 4500 // 7 + step * 20 + t for t in range(20)] for i in range(7)])
        outputs, state = rnn(embedding(sequence[places % 4500]), state)
        state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        loss = nn.functional.cross_entropy(head(outputs).reshape(-1, 10), sequence[(places + 1) % 4500].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    run(trainer, 12)
    for (key, mine), theirs in zip(trainer.model.state_dict().items(), model.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6, msg=key)


@pytest.mark.parametrize("name", PRESETS)
def test_a_resumed_run_has_the_same_bits(name: str, tmp_path: Path) -> None:
    config = preset(name)
    straight = run(Trainer(config), 30)
    first = run(Trainer(config), 13)
    first.save(tmp_path)
    saved, _ = checkpoint.newest(tmp_path)
    assert saved is not None
    second = run(Trainer.resume(saved), 30)
    assert straight.step == second.step == 30
    for (key, one), two in zip(straight.model.state_dict().items(), second.model.state_dict().values(), strict=True):
        assert torch.equal(one, two), key
    one_state, two_state = straight.backend.tensors(), second.backend.tensors()
    assert any(key.startswith("hidden_state") for key in one_state)
    assert one_state.keys() == two_state.keys()
    assert all(torch.equal(one_state[key], two_state[key]) for key in one_state)


def test_the_rnn_learns_to_count_as_published() -> None:
    """Published: accuracy 1 and loss 0.12 after 10 epochs. One place of 45 stays wrong with some seeds."""
    found = []
    for seed in range(4):
        trainer = run(Trainer(preset("counting_rnn", train__seed=seed)), 225)
        result = trainer.evaluate()[0]
        assert result.accuracy is not None and 0.08 < result.loss < 0.16
        found.append(result.accuracy)
    assert min(found) > 0.95 and max(found) == 1.0


@pytest.mark.parametrize("name", ["counting_rnn_spread", "counting_rnn3"])
def test_every_place_is_right_after_ten_epochs(name: str) -> None:
    config = preset(name)
    assert run(Trainer(config), config.train.steps).evaluate()[0].accuracy == 1.0


def test_the_concatenating_block_is_one_linear_map() -> None:
    config = preset("counting_rnn3", model__hidden_size=5, model__embedding_size=4, model__num_layers=2)
    task = Counting(CountingConfig())
    model = make_model(task, config.model, 0)
    assert isinstance(model, ConcatenatingModel) and model.embedding is not None
    tokens = torch.tensor([[1, 2, 2, 3], [9, 9, 1, 2]])
    recurrent = [torch.zeros(2, 5), torch.zeros(2, 5)]
    expected = []
    for step in range(4):
        entering = model.embedding(tokens[:, step])
        for layer, block in enumerate(model.blocks):
            mapped = torch.tanh(block.linear(torch.cat([entering, recurrent[layer]], dim=1)))
            entering, recurrent[layer] = mapped[:, :5], mapped[:, 5:]
        expected.append(model.head(entering))
    logits, state = model.read(tokens, None)
    torch.testing.assert_close(logits, torch.stack(expected, dim=1))
    torch.testing.assert_close(state, torch.stack(recurrent))
    torch.testing.assert_close(model(tokens, torch.tensor([4, 4])), logits)
    halves, middle = model.read(tokens[:, :2], None)
    torch.testing.assert_close(model.read(tokens[:, 2:], middle)[0], logits[:, 2:])
    assert halves.shape == (2, 2, 10)


@pytest.mark.parametrize("name", ["counting_rnn", "counting_rnn3"])
def test_lecun_normal_weights(name: str) -> None:
    config = preset(name, model__hidden_size=300, model__embedding_size=200)
    weights = make_model(Counting(CountingConfig()), config.model, 0).state_dict()
    for key, weight in weights.items():
        if "bias" in key:
            assert not weight.any(), key
        elif "embedding" not in key and weight.numel() > 10_000:
            assert float(weight.std()) == pytest.approx(weight.shape[1] ** -0.5, rel=0.05), key
            assert float((weight.abs() > 2 * weight.std()).float().mean()) == pytest.approx(0.0455, abs=0.01), key
    assert np.isfinite(float(weights["embedding.weight"].sum()))
