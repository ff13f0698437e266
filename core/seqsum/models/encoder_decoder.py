"""A recurrent encoder and decoder with attention (document 3): reads one sequence, writes another.

source      3  M  a  r  c  h              answer so far   begin  2  0  2  1
            │  │  │  │  │  │                                │    │  │  │  │
encoder     ○──○──○──○──○──○ ─ bridge ─►  decoder           ○────○──○──○──○
            │  │  │  │  │  │                                │    │  │  │  │
memory      ▪  ▪  ▪  ▪  ▪  ▪ ◄─ attention ──────────────────┤    │  │  │  │
                                          logits            2    0  2  1  -
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqsum.errors import UserError
from seqsum.models.attention import AdditiveAttention, Attention, DotAttention, Source
from seqsum.models.base import EmbeddingModel, State, mapped
from seqsum.models.beam import beam_search
from seqsum.models.recurrent import make_rnn
from seqsum.models.settings import EncoderDecoderConfig
from seqsum.models.writing import tokens_before, written_tokens
from seqsum.tasks import AnyTask


class EncoderDecoder(EmbeddingModel):
    """Encoder → memory; decoder with attention → logits [batch, target_length, classes].

    additive: the decoder's last state asks, and what it found enters the cell (Bahdanau 2015, with one tanh layer in
    place of the paper's maxout before the head). dot: the cell's output asks, and what it found is joined to it (Luong
    2015, global attention without input feeding). none: the answer rests on the encoder's last state alone (Sutskever
    2014).
    """

    def __init__(self, task: AnyTask, config: EncoderDecoderConfig) -> None:
        super().__init__(task, config.embedding_size)
        hidden_size = config.hidden_size
        self.begin, self.end, self.longest_answer = task.begin, task.end, task.longest_answer
        self.teacher_forcing, self.beam_width = config.teacher_forcing, config.beam_width
        self.additive = config.attention == "additive"
        self.encoder = make_rnn(
            config.cell,
            self.width,
            hidden_size,
            config.num_layers,
            dropout=config.dropout,
            bidirectional=config.bidirectional,
        )
        width = hidden_size * (2 if config.bidirectional else 1)
        states = config.num_layers * (2 if config.cell == "lstm" else 1)
        self.bridge = nn.ModuleList(nn.Linear(width, hidden_size) for _ in range(states))

        self.attending: Attention | None = None
        if config.attention != "none":
            kind = AdditiveAttention if self.additive else DotAttention
            self.attending = kind(width, hidden_size)
        self.target_embedding = nn.Embedding(written_tokens(task), config.embedding_size)
        self.decoder = make_rnn(
            config.cell,
            config.embedding_size + (width if self.additive else 0),
            hidden_size,
            config.num_layers,
            dropout=config.dropout,
        )
        self.join = None if self.attending is None else nn.Linear(hidden_size + width, hidden_size)
        self.head = nn.Linear(hidden_size, task.classes)

    def forward(self, inputs: Tensor, lengths: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return logits [batch, target_length, classes].

        While training, each step's token before is the right one with probability `teacher_forcing`, else the model's
        own (Bengio et al. 2015, scheduled sampling at a constant share). In evaluation it is always the right one.
        Without targets the model writes freely, `longest_answer` tokens.
        """
        source, state = self.read_source(inputs, lengths)
        if targets is None:
            given = torch.full((inputs.shape[0], self.longest_answer), self.begin, device=inputs.device)
            return self._write_sampled(given, 0.0, state, source)
        given = tokens_before(targets, self.begin, self.end)
        if self.training and self.teacher_forcing < 1:
            return self._write_sampled(given, self.teacher_forcing, state, source)
        return self.write(given, state, source)[0]

    def decode(self, inputs: Tensor, lengths: Tensor, longest: int) -> Tensor:
        """Write each answer token by token, greedily or by beam search: int64 [batch, ≤ longest].

        Rows that ended before the longest one are filled up with the end token.
        """
        source, state = self.read_source(inputs, lengths)
        if self.beam_width == 1:
            return self._decode_greedily(state, source, longest)
        width = self.beam_width
        source = source.repeated(width)
        state = mapped(state, lambda part: part.repeat_interleave(width, dim=1))

        def advance(tokens: Tensor, state: State) -> tuple[Tensor, State]:
            logits, state, _ = self.write(tokens.unsqueeze(1), state, source)
            return logits[:, 0], state

        return beam_search(advance, state, begin=self.begin, end=self.end, width=width, longest=longest)

    def attention(self, inputs: Tensor, lengths: Tensor, targets: Tensor) -> Tensor:
        """Return where the decoder looks while it writes `targets`: [batch, target_length, source_length].

        Rows sum to 1 and are 0 on the source's padding; those after a target's end token mean nothing. Raises UserError
        for a model without attention.
        """
        if self.attending is None:
            raise UserError('model.attention: there is no attention map with "none"; use additive or dot')
        source, state = self.read_source(inputs, lengths)
        return torch.cat(self.write(tokens_before(targets, self.begin, self.end), state, source)[2], dim=1)

    def read_source(self, inputs: Tensor, lengths: Tensor) -> tuple[Source, State]:
        """Read the source; return it and the decoder's first state [num_layers, batch, hidden_size]."""
        entered = self.enter(inputs)
        # Packed: padding must touch neither the last state nor the reading from the right.
        packed = pack_padded_sequence(entered, lengths.cpu(), batch_first=True, enforce_sorted=False)
        outputs, last = self.encoder(packed)
        memory, _ = pad_packed_sequence(outputs, batch_first=True, total_length=inputs.shape[1])
        padding = torch.arange(inputs.shape[1], device=inputs.device) >= lengths.to(inputs.device).unsqueeze(1)
        keys = memory if self.attending is None else self.attending.keys(memory)

        # One part for rnn and gru (hidden), two for lstm (hidden, cell), each
        # [layers × directions, batch, hidden_size] → [layers, batch, directions × hidden_size], one bridge a layer.
        layers, batch = self.encoder.num_layers, inputs.shape[0]
        parts = []
        for index, part in enumerate(last if isinstance(last, tuple) else (last,)):
            ends = part.view(layers, -1, batch, part.shape[2]).transpose(1, 2).reshape(layers, batch, -1)
            bridges = list(self.bridge)[index * layers : (index + 1) * layers]
            parts.append(torch.stack([torch.tanh(bridge(end)) for bridge, end in zip(bridges, ends, strict=True)]))
        return Source(memory, keys, padding), tuple(parts) if isinstance(last, tuple) else parts[0]

    def write(self, tokens: Tensor, state: State, source: Source) -> tuple[Tensor, State, list[Tensor]]:
        """Read the tokens before, [batch, steps]; return logits [batch, steps, classes], the state after them, and
        attention weights in pieces that join to [batch, steps, source_length] (none without attention).
        """
        embedded = self.target_embedding(tokens)  # [batch, steps, embedding_size]
        if self.attending is None:
            hidden, state = self.decoder(embedded, state)
            return self.head(hidden), state, []
        if not self.additive:
            # What was found does not enter the cell, so that all steps can be made at once.
            hidden, state = self.decoder(embedded, state)  # [batch, steps, hidden_size]
            context, weights = self.attending(hidden, source)
            return self._answer(hidden, context), state, [weights]
        hiddens: list[Tensor] = []
        contexts: list[Tensor] = []
        looks: list[Tensor] = []
        for step in range(tokens.shape[1]):
            asking = (state[0] if isinstance(state, tuple) else state)[-1].unsqueeze(1)  # [batch, 1, hidden_size]
            context, weights = self.attending(asking, source)
            hidden, state = self.decoder(torch.cat([embedded[:, step : step + 1], context], dim=2), state)
            hiddens.append(hidden)
            contexts.append(context)
            looks.append(weights)
        return self._answer(torch.cat(hiddens, dim=1), torch.cat(contexts, dim=1)), state, looks

    def _answer(self, hidden: Tensor, context: Tensor) -> Tensor:
        assert self.join is not None
        logits: Tensor = self.head(torch.tanh(self.join(torch.cat([context, hidden], dim=2))))
        return logits

    def _write_sampled(self, given: Tensor, share: float, state: State, source: Source) -> Tensor:
        """Write with the given token before at a share of the steps, with the model's own at the others."""
        # torch's own CPU generator on every device: its state is saved with a checkpoint.
        right = (torch.rand(given.shape) < share).to(given.device)
        token = given[:, 0]
        pieces: list[Tensor] = []
        for step in range(given.shape[1]):
            if pieces:
                own = pieces[-1][:, 0].detach().argmax(dim=1)
                token = torch.where(right[:, step], given[:, step], own)
            logits, state, _ = self.write(token.unsqueeze(1), state, source)
            pieces.append(logits)
        return torch.cat(pieces, dim=1)

    def _decode_greedily(self, state: State, source: Source, longest: int) -> Tensor:
        token = torch.full((len(source.memory),), self.begin, device=source.memory.device)
        ended = torch.zeros_like(token, dtype=torch.bool)
        written: list[Tensor] = []
        for _ in range(longest):
            logits, state, _ = self.write(token.unsqueeze(1), state, source)
            token = logits[:, 0].argmax(dim=1).masked_fill(ended, self.end)
            written.append(token)
            ended |= token == self.end
            if bool(ended.all()):
                break
        return torch.stack(written, dim=1)
