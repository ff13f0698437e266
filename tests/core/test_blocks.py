"""The models made of residual blocks: whatever mixes the steps, all at once is as one after another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqsum.config import Config
from seqsum.errors import ConfigError
from seqsum.models.base import SequenceModel, State, make_model
from seqsum.models.loss import loss_of
from seqsum.models.size import model_size
from seqsum.models.writing import WritingModel
from seqsum.presets import load_preset
from seqsum.query.answering import Answerer
from seqsum.query.states import last_states
from seqsum.registry import make_task
from seqsum.training.trainer import Trainer
from support.blocks import FAMILIES, MIXERS, Changes, named
from support.engine import random_batches
from support.trained import preset_run

TASK: Changes = {"task.modulus": 5, "task.max_length": 9}


def model_of(changes: Changes, preset: str = "baseline", **more: Any) -> SequenceModel:
    config = load_preset(preset).config.changed({**changes, "model.hidden_size": 8, **more}, "test")
    model = make_model(make_task(config.task), config.model, 3).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        # What begins at zero or one must count, too.
        for weight in model.parameters():
            weight += 0.1 * torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
    return model


def parts_of(state: State) -> tuple[torch.Tensor, ...]:
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("changes", MIXERS, ids=named)
def test_all_steps_at_once_are_as_one_after_another(changes: Changes) -> None:
    model = model_of({**TASK, **changes})
    tokens = torch.randint(0, 5, (7, 23), generator=torch.Generator().manual_seed(2))
    whole, last = model.read(tokens, None)
    state: State | None = None
    steps = []
    for step in range(tokens.shape[1]):
        logits, state = model.step(tokens[:, step], state)
        steps.append(logits)
    torch.testing.assert_close(torch.stack(steps, 1), whole, rtol=1e-9, atol=1e-9)
    assert state is not None
    for one, other in zip(parts_of(last), parts_of(state), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
    first, between = model.read(tokens[:, :10], None)
    rest, _ = model.read(tokens[:, 10:], between)
    torch.testing.assert_close(torch.cat([first, rest], 1), whole, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("changes", MIXERS, ids=named)
def test_the_gradients_are_those_of_the_loop(changes: Changes) -> None:
    model = model_of({**TASK, **changes})
    tokens = torch.randint(0, 5, (3, 11), generator=torch.Generator().manual_seed(2))
    (model.read(tokens, None)[0] ** 2).sum().backward()  # type: ignore[no-untyped-call]
    at_once = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()
    state: State | None = None
    total = torch.zeros((), dtype=torch.float64)
    for step in range(tokens.shape[1]):
        logits, state = model.step(tokens[:, step], state)
        total = total + (logits**2).sum()
    total.backward()  # type: ignore[no-untyped-call]
    for name, weight in model.named_parameters():
        assert weight.grad is not None and weight.grad.any(), f"{name} has no part in the answer"
        torch.testing.assert_close(at_once[name], weight.grad, rtol=1e-7, atol=1e-7, msg=name)


@pytest.mark.parametrize("preset", ["baseline", "tagging_rnn"])
@pytest.mark.parametrize("changes", MIXERS, ids=named)
def test_a_padded_row_is_answered_as_if_it_stood_alone(changes: Changes, preset: str) -> None:
    model = model_of(changes, preset)
    vocabulary = 10 if preset == "baseline" else 2
    tokens, lengths, _ = (torch.from_numpy(part[0]) for part in random_batches(vocabulary, 1, 9, 1, 20))
    logits = model(tokens, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = model(tokens[row : row + 1, :length], torch.tensor([length]))
        kept = logits[row : row + 1] if preset == "baseline" else logits[row : row + 1, :length]
        torch.testing.assert_close(kept, alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("changes", MIXERS, ids=named)
def test_inside_states_are_those_after_each_step(changes: Changes, tmp_path: Path) -> None:
    run = preset_run(tmp_path, "baseline", **changes, model__hidden_size=8, task__max_length=2)
    answerer = Answerer(run)
    found = answerer.ask("inspect", input="1 2 3 4")[1]["answer"]
    model = answerer.shelf.take().model
    tokens = torch.tensor([[1, 2, 3, 4]])
    assert len(found["layers"]) == 2
    for layer, shown in enumerate(found["layers"]):
        hidden = np.array(shown["hidden"])
        assert hidden.shape[0] == 4 and np.isfinite(hidden).all()
        if getattr(model.blocks[layer].mixer, "shows_outputs", False):  # type: ignore[attr-defined]
            continue
        for step in range(1, 5):
            with torch.inference_mode():
                state = parts_of(model.read(tokens[:, :step], None)[1])
            assert np.allclose(hidden[step - 1], state[0][layer, 0].flatten().tolist(), atol=1e-5)
        for values in shown["gates"].values():
            assert len(values) == 4
    with torch.inference_mode():
        last = last_states(model, tokens)[0]
    assert np.allclose(last, found["layers"][1]["hidden"][3], atol=1e-5)
    rows = answerer.ask("nearest_neighbours", input="1 2", count=3)[1]["answer"]
    assert len(rows["rows"]) == 3
    assert answerer.ask("trajectory", count=5, seed=1)[1]["answer"]["layer"] == 1
    grows = changes["model.name"] == "transformer"
    assert ("eigenvalues" in answerer.ask("facts")[1]["answer"]["asks"]) is not grows
    if not grows:
        assert len(answerer.ask("eigenvalues", input="1 2")[1]["answer"]["size"]) > 1
    curves = answerer.ask("gradient_norms", input="1 2 3")[1]["answer"]["curves"]
    assert len(curves) == 4 and all(len(curve["norms"]) == 3 for curve in curves)


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
@pytest.mark.parametrize("changes", MIXERS, ids=named)
def test_they_train_in_every_type(changes: Changes, dtype: str) -> None:
    more = {"train.steps": 3, "train.dtype": dtype, "train.evaluate_every": 3, "task.max_length": 3}
    trainer = Trainer(Config().changed({**changes, **more}, "test"))
    while not trainer.done:
        trainer.run_chunk()
    assert trainer.failure is None and np.isfinite(trainer.evaluate()[0].loss)


def dates_of(changes: Changes) -> tuple[SequenceModel, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A model that writes dates, and some of them: inputs, lengths, targets."""
    model = model_of(changes, "dates").eval()
    batch = make_task(load_preset("dates").config.task).batches(0, 0, 1, 24)
    return model, *(torch.from_numpy(part[0]) for part in (batch.inputs, batch.lengths, batch.targets))


@pytest.mark.parametrize("changes", MIXERS, ids=named)
def test_an_answer_is_written_as_by_reading_on_one_token_after_another(changes: Changes) -> None:
    model, inputs, lengths, targets = dates_of(changes)
    assert isinstance(model, WritingModel) and len(set(lengths.tolist())) > 2
    logits = model(inputs, lengths, targets)
    written = model.decode(inputs, lengths, 12)
    own = model(inputs, lengths, written)
    for row, length in enumerate(lengths.tolist()):
        # Of one row, alone, by hand: the source, then the sign that begins an answer, then what is there.
        for answer, seen in ((targets[row], logits[row]), (written[row], own[row])):
            _, state = model.read(inputs[row : row + 1, :length], None)
            token, ended = model.begin, False
            for place, right in enumerate(answer.tolist()):
                value, state = model.read_values(model.target_embedding(torch.tensor([[token]])), state)
                if not ended:
                    torch.testing.assert_close(seen[place], value[0, 0], rtol=1e-9, atol=1e-9)
                token = right if right >= 0 else model.end
                if answer is written[row]:
                    assert ended or token == value.argmax()
                ended = ended or token == model.end
    free = model(inputs, lengths)
    torch.testing.assert_close(free, own[:, : free.shape[1]])


@pytest.mark.parametrize("changes", MIXERS, ids=named)
def test_weights_of_a_model_that_writes_all_learn_and_are_counted(changes: Changes) -> None:
    model, inputs, lengths, targets = dates_of(changes)
    loss_of(model(inputs, lengths, targets), targets).backward()  # type: ignore[no-untyped-call]
    for name, weight in model.named_parameters():
        assert weight.grad is not None and weight.grad.any(), f"{name} has no part in the answer"
    config = load_preset("dates").config.changed({**changes, "model.hidden_size": 8}, "test")
    size = model_size(make_task(config.task), config.model)
    assert size is not None and size.tables + size.others == sum(weight.numel() for weight in model.parameters())


@pytest.mark.parametrize("changes", FAMILIES, ids=named)
def test_what_writes_trains_and_is_asked_like_the_others(changes: Changes, tmp_path: Path) -> None:
    run = preset_run(tmp_path, "dates", **changes, model__hidden_size=8, train__steps=5)
    answerer = Answerer(run)
    said = answerer.ask("predict", input="3 March 2021")[1]["answer"]
    assert said["truth"] == "2021-03-03" and said["correct"] is (said["prediction"] == "2021-03-03")
    inside = answerer.ask("inspect", input="3 March 2021")[1]["answer"]
    assert len(inside["layers"]) == 2 and len(inside["probabilities"]) == len(inside["written"])
    curves = answerer.ask("gradient_norms", input="3 March 2021")[1]["answer"]["curves"]
    assert len(curves) == 4 and all(np.isfinite(curve["norms"]).all() for curve in curves)


def test_a_network_that_neither_writes_nor_has_one_that_does_is_refused_in_one_sentence() -> None:
    with pytest.raises(ConfigError) as refused:
        load_preset("dates").config.changed({"model.name": "recurrent"}, "test")
    said = 'model.name: "recurrent" can\'t answer the task "dates"; use encoder_decoder, minimal, '
    assert said in str(refused.value)
