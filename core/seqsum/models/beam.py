"""Beam search: several unfinished answers are followed at once, and the likeliest finished one is given."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from seqsum.models.base import State, mapped

Advance = Callable[[Tensor, State], tuple[Tensor, State]]
"""tokens [rows], state → logits [rows, classes] and the state after them."""


def beam_search(advance: Advance, state: State, *, begin: int, end: int, width: int, longest: int) -> Tensor:
    """Return the best answer found for each input, int64 [batch, longest], filled up with `end`.

    state: the state before the first token, with each input's row `width` times side by side: [layers, batch × width,
    hidden_size].

    The answer is the one of highest log-probability divided by its length, its end token counted. A hypothesis that
    is cut at `longest` without an end token counts as one of that length. Width 1 is greedy; a width of all hypotheses
    there can be is an exhaustive search.
    """
    example = state[0] if isinstance(state, tuple) else state
    batch, device = example.shape[1] // width, example.device
    first_row = torch.arange(0, batch * width, width, device=device).unsqueeze(1)
    tokens = torch.full((batch * width,), begin, device=device)
    written = torch.empty((batch, width, 0), dtype=torch.int64, device=device)
    # All rows of an input are the same at first: only one of them may have children.
    scores = torch.full((batch, width), -torch.inf, device=device, dtype=torch.float64)
    scores[:, 0] = 0
    best = torch.full((batch,), -torch.inf, device=device, dtype=torch.float64)
    answers = torch.full((batch, longest), end, device=device)
    for length in range(1, longest + 1):
        logits, state = advance(tokens, state)
        classes = logits.shape[1]
        # scores [batch, width, 1] + log-probabilities [batch, width, classes]: every child of every hypothesis
        children = scores.unsqueeze(2) + torch.log_softmax(logits.double(), dim=1).view(batch, width, classes)
        scores, place = children.flatten(1).topk(width)
        parent, token = place // classes, place % classes
        written = torch.cat([written.take_along_dim(parent.unsqueeze(2), dim=1), token.unsqueeze(2)], dim=2)
        rows = (first_row + parent).flatten()
        state = mapped(state, lambda part, rows=rows: part.index_select(1, rows))  # type: ignore[misc]
        tokens = token.flatten()

        ended = token == end
        finished = scores / length if length == longest else (scores / length).masked_fill(~ended, -torch.inf)
        score, which = finished.max(dim=1)
        better = score > best
        best = torch.where(better, score, best)
        answers[better] = end
        answers[better, :length] = written[better, which[better]]
        scores = scores.masked_fill(ended, -torch.inf)
        # A log-probability only falls and a length only grows to `longest`: no hypothesis left can end above this.
        if bool((scores.amax(dim=1) / longest <= best).all()):
            break
    return answers
