"""The encoder–decoder against plain PyTorch, hand-written attention and exhaustive search."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from seqsum.errors import UserError
from seqsum.models.attention import AdditiveAttention, DotAttention, Source
from seqsum.models.base import State
from seqsum.models.beam import beam_search
from seqsum.models.encoder_decoder import EncoderDecoder
from seqsum.models.loss import loss_of
from seqsum.models.settings import EncoderDecoderConfig
from seqsum.tasks.base import NOT_ASKED, Answer, Batches, Examples, Ints, Task, TaskConfig

VOCABULARY, CLASSES, END, BEGIN = 5, 4, 3, 4
# Many small calls on a busy machine: a second thread only waits.
torch.set_num_threads(1)


class Echo(Task[TaskConfig]):
    """Not registered: only the sizes that a model asks for."""

    answer: ClassVar[Answer] = "sequence"
    vocabulary = VOCABULARY
    classes = CLASSES
    target_vocabulary = CLASSES + 1
    begin = BEGIN
    end = END
    longest_answer = 4

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        raise NotImplementedError

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        raise NotImplementedError

    def parse(self, text: str) -> Ints:
        raise NotImplementedError


def make(**changes: Any) -> EncoderDecoder:
    torch.manual_seed(1)
    settings = {"embedding_size": 6, "hidden_size": 8, **changes}
    return EncoderDecoder(Echo(TaskConfig(name="echo")), EncoderDecoderConfig(**settings)).double().eval()


def sharpened(model: EncoderDecoder) -> EncoderDecoder:
    """Spread the probabilities, and let about a third of the steps end an answer, so that answers differ."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
        logits = model(*some(100, 5, seed=9))
        lead = logits[..., END] - logits[..., :END].amax(dim=2)
        model.head.bias[END] -= lead.quantile(0.65)
    return model


def some(rows: int, length: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs padded to `length` with lengths 1…length, and targets that end at different places."""
    drawn = np.random.default_rng(seed)
    lengths = torch.from_numpy(drawn.integers(1, length + 1, rows))
    inputs = torch.from_numpy(drawn.integers(0, VOCABULARY, (rows, length)))
    inputs[torch.arange(length) >= lengths[:, None]] = VOCABULARY
    targets = torch.full((rows, 4), NOT_ASKED)
    for row, count in enumerate(drawn.integers(0, 4, rows)):
        targets[row, :count] = torch.from_numpy(drawn.integers(0, END, count))
        targets[row, count] = END
    return inputs, lengths, targets


EVERY = [
    (cell, attention, bidirectional, layers)
    for cell, attention in itertools.product(("rnn", "lstm", "gru"), ("additive", "dot", "none"))
    for bidirectional, layers in ((False, 1), (True, 2))
]


@pytest.mark.parametrize(("cell", "attention", "bidirectional", "layers"), EVERY)
def test_padding_and_neighbours_change_nothing(cell: str, attention: str, bidirectional: bool, layers: int) -> None:
    model = make(cell=cell, attention=attention, bidirectional=bidirectional, num_layers=layers)
    inputs, lengths, targets = some(6, 7)
    logits = model(inputs, lengths, targets)
    assert logits.shape == (6, 4, CLASSES)
    answers = model.decode(inputs, lengths, 4)
    for row, length in enumerate(lengths.tolist()):
        alone, only = inputs[row : row + 1, :length], lengths[row : row + 1]
        torch.testing.assert_close(model(alone, only, targets[row : row + 1])[0], logits[row])
        answer = model.decode(alone, only, 4)[0]
        assert answers[row, : len(answer)].tolist() == answer.tolist()
        assert set(answers[row, len(answer) :].tolist()) <= {END}


@pytest.mark.parametrize(("cell", "attention", "bidirectional", "layers"), EVERY)
def test_every_parameter_gets_a_gradient(cell: str, attention: str, bidirectional: bool, layers: int) -> None:
    model = make(cell=cell, attention=attention, bidirectional=bidirectional, num_layers=layers).train()
    inputs, lengths, targets = some(16, 7)
    logits = model(inputs, lengths, targets)
    loss_of(logits, targets).backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("attention", ["additive", "dot", "none"])
def test_a_target_is_written_without_being_seen(attention: str) -> None:
    model = make(attention=attention)
    inputs, lengths, targets = some(4, 5)
    before = model(inputs, lengths, targets)
    other = targets.clone()
    other[:, 2] = (targets[:, 2].clamp(min=0) + 1) % END
    after = model(inputs, lengths, other)
    torch.testing.assert_close(after[:, :3], before[:, :3])
    assert not torch.allclose(after[:, 3], before[:, 3])


def test_additive_scores_by_hand() -> None:
    attention = AdditiveAttention(width=3, hidden_size=2).double()
    memory, queries = torch.randn(2, 4, 3, dtype=torch.float64), torch.randn(2, 5, 2, dtype=torch.float64)
    padding = torch.tensor([[False, False, False, True], [False, True, True, True]])
    context, weights = attention(queries, Source(memory, attention.keys(memory), padding))
    w, u, bias, v = attention.query.weight, attention.key.weight, attention.key.bias, attention.score.weight[0]
    for row, valid in enumerate((3, 1)):
        for step in range(5):
            scores = [(v @ torch.tanh(w @ queries[row, step] + u @ memory[row, k] + bias)).item() for k in range(valid)]
            chances = np.exp(scores) / np.exp(scores).sum()
            np.testing.assert_allclose(weights[row, step].detach()[:valid], chances)
            assert weights[row, step, valid:].tolist() == [0] * (4 - valid)
            mean = sum(chance * memory[row, k].numpy() for k, chance in enumerate(chances))
            np.testing.assert_allclose(context[row, step].detach(), mean)


@pytest.mark.parametrize("width", [2, 3])
def test_dot_scores_by_hand(width: int) -> None:
    attention = DotAttention(width=width, hidden_size=2).double()
    assert len(list(attention.parameters())) == (width != 2)
    memory, queries = torch.randn(1, 4, width, dtype=torch.float64), torch.randn(1, 3, 2, dtype=torch.float64)
    padding = torch.tensor([[False, False, True, True]])
    _, weights = attention(queries, Source(memory, attention.keys(memory), padding))
    matrix = torch.eye(2, dtype=torch.float64) if width == 2 else next(attention.parameters())
    for step in range(3):
        scores = [(queries[0, step] @ (matrix @ memory[0, k])).item() for k in range(2)]
        np.testing.assert_allclose(weights[0, step].detach()[:2], np.exp(scores) / np.exp(scores).sum())


def test_dot_model_is_luongs() -> None:
    """The whole model of one unpadded input, from PyTorch's modules and the paper's equations 5 to 8."""
    model = make(attention="dot", bidirectional=False)
    inputs, targets = torch.tensor([[0, 3, 2]]), torch.tensor([[1, 0, END]])
    assert model.embedding is not None and model.join is not None
    memory, last = model.encoder(model.embedding(inputs))
    state = torch.tanh(model.bridge[0](last[0]))[None]
    logits = []
    for token in (BEGIN, 1, 0):
        _, state = model.decoder(model.target_embedding(torch.tensor([[token]])), state)
        chances = torch.softmax(memory[0] @ state[0, 0], dim=0)
        logits.append(model.head(torch.tanh(model.join(torch.cat([chances @ memory[0], state[0, 0]])))))
    torch.testing.assert_close(model(inputs, torch.tensor([3]), targets)[0], torch.stack(logits))


def test_additive_model_is_bahdanaus() -> None:
    """The last state asks before the step, and what it found enters the cell."""
    model = make(attention="additive", bidirectional=False)
    inputs, targets = torch.tensor([[0, 3, 2]]), torch.tensor([[1, 0, END]])
    assert model.embedding is not None and model.join is not None and model.attending is not None
    memory, last = model.encoder(model.embedding(inputs))
    state = torch.tanh(model.bridge[0](last[0]))[None]
    logits = []
    for token in (BEGIN, 1, 0):
        scores = model.attending.scores(state[0][None], model.attending.keys(memory))[0, 0]
        context = torch.softmax(scores, dim=0) @ memory[0]
        entering = torch.cat([model.target_embedding(torch.tensor(token)), context])
        _, state = model.decoder(entering[None, None], state)
        logits.append(model.head(torch.tanh(model.join(torch.cat([context, state[0, 0]])))))
    torch.testing.assert_close(model(inputs, torch.tensor([3]), targets)[0], torch.stack(logits))


@pytest.mark.parametrize("attention", ["additive", "dot"])
def test_attention_map(attention: str) -> None:
    model = make(attention=attention, cell="lstm", num_layers=2)
    inputs, lengths, targets = some(5, 6)
    weights = model.attention(inputs, lengths, targets)
    assert weights.shape == (5, 4, 6)
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(5, 4, dtype=torch.float64))
    padding = (torch.arange(6) >= lengths[:, None])[:, None].expand(5, 4, 6)
    assert weights[padding].abs().max() == 0 and weights[~padding].min() > 0


def test_no_attention_map_without_attention() -> None:
    with pytest.raises(UserError, match="use additive or dot"):
        make(attention="none").attention(*some(2, 3))


def by_hand(model: EncoderDecoder, inputs: Tensor, lengths: Tensor, longest: int) -> list[int]:
    """Greedy decoding of one input by asking `forward` again after each token."""
    tokens: list[int] = []
    while len(tokens) < longest and END not in tokens:
        tokens.append(int(model(inputs, lengths, torch.tensor([[*tokens, 0]]))[0, -1].argmax()))
    return tokens


@pytest.mark.parametrize("attention", ["additive", "dot", "none"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_greedy_is_forward_token_by_token(cell: str, attention: str) -> None:
    model = sharpened(make(cell=cell, attention=attention, num_layers=2))
    inputs, lengths, _ = some(12, 5)
    answers = model.decode(inputs, lengths, 6)
    assert answers.dtype == torch.int64 and answers.shape[1] <= 6
    lengths_written = set()
    for row, length in enumerate(lengths.tolist()):
        expected = by_hand(model, inputs[row : row + 1, :length], lengths[row : row + 1], 6)
        lengths_written.add(len(expected))
        assert answers[row, : len(expected)].tolist() == expected
        assert set(answers[row, len(expected) :].tolist()) <= {END}
    assert len(lengths_written) > 1, "rows of one length would show nothing"


def every_answer(longest: int) -> list[list[int]]:
    """All token sequences that end with END, and all of the longest length that don't end."""
    ended = [[*words, END] for n in range(longest) for words in itertools.product(range(END), repeat=n)]
    return ended + [list(words) for words in itertools.product(range(END), repeat=longest)]


@pytest.mark.parametrize("attention", ["additive", "dot", "none"])
def test_a_wide_beam_is_an_exhaustive_search(attention: str) -> None:
    longest = 3
    # At most END² unfinished hypotheses have children in the last step, and each has CLASSES of them.
    model = sharpened(make(attention=attention, cell="lstm", beam_width=END ** (longest - 1) * CLASSES))
    inputs, lengths, _ = some(10, 4)
    found = model.decode(inputs, lengths, longest)
    answers = every_answer(longest)
    targets = torch.tensor([answer + [NOT_ASKED] * (longest - len(answer)) for answer in answers])
    asked = targets != NOT_ASKED
    for row in range(10):
        many = inputs[row].repeat(len(answers), 1), lengths[row].repeat(len(answers))
        chances = torch.log_softmax(model(*many, targets).detach(), dim=2)
        chosen = chances.gather(2, targets.clamp(min=0)[..., None])[..., 0]
        best = answers[int(((chosen * asked).sum(dim=1) / asked.sum(dim=1)).argmax())]
        assert found[row].tolist() == best + [END] * (longest - len(best))


@pytest.mark.parametrize("attention", ["additive", "dot", "none"])
def test_a_beam_of_one_is_greedy(attention: str) -> None:
    model = sharpened(make(attention=attention))
    inputs, lengths, _ = some(20, 5)
    source, state = model.read_source(inputs, lengths)

    def advance(tokens: Tensor, state: State) -> tuple[Tensor, State]:
        logits, state, _ = model.write(tokens[:, None], state, source)
        return logits[:, 0], state

    found = beam_search(advance, state, begin=BEGIN, end=END, width=1, longest=5)
    greedy = model.decode(inputs, lengths, 5)
    assert found[:, : greedy.shape[1]].tolist() == greedy.tolist()


def test_a_beam_finds_what_greed_misses() -> None:
    """A language of four answers: 0 looks best at first (0.6), but its best answer has 0.6 × 0.34 against 0.4 × 0.9."""
    first = {0: 0.6, 1: 0.4, 2: 1e-9, END: 1e-9}
    second = {0: {0: 0.33, 1: 0.33, 2: 0.34}, 1: {0: 0.9, 1: 0.05, 2: 0.05}}

    def advance(tokens: Tensor, state: State) -> tuple[Tensor, State]:
        # The state counts the steps, and so tells them apart.
        assert isinstance(state, Tensor)
        rows = []
        for token, step in zip(tokens.tolist(), state[0, :, 0].tolist(), strict=True):
            chances = first if step == 0 else second.get(token, {}) if step == 1 else {END: 1.0}
            rows.append([chances.get(choice, 1e-9) for choice in range(CLASSES)])
        return torch.tensor(rows).log(), state + 1

    answers = {
        width: beam_search(advance, torch.zeros(1, width, 1), begin=BEGIN, end=END, width=width, longest=3)[0].tolist()
        for width in (1, 2)
    }
    assert answers == {1: [0, 2, END], 2: [1, 0, END]}


def test_teacher_forcing_of_one_draws_nothing_and_reads_the_targets() -> None:
    model = make(teacher_forcing=1.0)
    inputs, lengths, targets = some(4, 5)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    logits = model.train()(inputs, lengths, targets)
    assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(logits, model.eval()(inputs, lengths, targets))


@pytest.mark.parametrize("attention", ["additive", "dot", "none"])
def test_teacher_forcing_of_zero_never_looks_at_the_targets(attention: str) -> None:
    model = make(teacher_forcing=0.0, attention=attention)
    inputs, lengths, targets = some(8, 5)
    logits = model.train()(inputs, lengths, targets)
    torch.testing.assert_close(model(inputs, lengths, targets.flip(0)), logits)
    own = model.eval()(inputs, lengths, logits.argmax(dim=2))
    torch.testing.assert_close(own, logits)
    torch.testing.assert_close(model(inputs, lengths), logits)


def test_teacher_forcing_between_draws_from_torchs_generator() -> None:
    model = sharpened(make(teacher_forcing=0.5)).train()
    inputs, lengths, targets = some(30, 5)

    def with_seed(seed: int) -> Tensor:
        torch.manual_seed(seed)
        logits: Tensor = model(inputs, lengths, targets)
        return logits

    assert torch.equal(with_seed(1), with_seed(1))
    assert not torch.equal(with_seed(1), with_seed(2))
    # In evaluation every token before is the right one, whatever the share.
    assert torch.equal(model.eval()(inputs, lengths, targets), model(inputs, lengths, targets))


def test_share_of_taught_steps() -> None:
    """Without attention and with a decoder that shows its last token, the share can be counted."""
    model = make(teacher_forcing=0.7, attention="none", hidden_size=16).train()
    seen: list[Tensor] = []
    model.target_embedding.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    inputs = torch.zeros(4000, 1, dtype=torch.int64)
    targets = torch.tensor([[0, 1, 2, 0]]).repeat(4000, 1)
    torch.manual_seed(0)
    logits = model(inputs, torch.ones(4000, dtype=torch.int64), targets)
    own = logits.argmax(dim=2)
    given = torch.cat(seen, dim=1)
    told = own[:, :-1] != targets[:, :-1]
    assert told.sum() > 1000
    share = float((given[:, 1:] == targets[:, :-1])[told].double().mean())
    assert abs(share - 0.7) < 0.02


def test_same_seed_same_weights() -> None:
    first, second = make().state_dict(), make().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
