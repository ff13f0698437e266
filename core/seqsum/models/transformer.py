"""A causal Transformer (Vaswani et al. 2017): each step looks back at the steps before it, and at itself."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqsum.models.blocks import BlockModel, LayerState, Mixed, Mixer
from seqsum.models.settings import TransformerConfig
from seqsum.models.writing import block_model
from seqsum.tasks import AnyTask


class Attention(Mixer):
    """softmax(q kᵀ / √d) v in each head, over the last `context` steps.

    The state is what attention looks back at: keys and values, [batch, kept steps, hidden_size] each. Keys are kept
    without their place: only the distance between two steps counts, so a place may be counted from anywhere.
    """

    shows_outputs = True
    remembers: bool = True
    """Whether a state is wanted; a graph of all steps at once wants none, and can't count how many are kept."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width, self.heads, self.context = config.hidden_size, config.num_heads, config.context
        self.rotary = config.positions == "rotary"
        self.projections = nn.Linear(width, 3 * width)
        self.leave = nn.Linear(width, width)

    def begin(self, inputs: Tensor) -> LayerState:
        return (inputs[:, :0], inputs[:, :0])

    def forward(self, inputs: Tensor, state: LayerState, look: bool = False) -> Mixed:
        query, key, value = self.projections(inputs).chunk(3, dim=2)
        keys, values = torch.cat([state[0], key], dim=1), torch.cat([state[1], value], dim=1)
        steps, places = inputs.shape[1], torch.arange(keys.shape[1], device=inputs.device)
        back = places[-steps:, None] - places[None, :]
        seen = (back >= 0) & (back < self.context)
        q, k, v = (self._by_head(part) for part in (query, keys, values))
        if self.rotary:
            q, k = rotated(q, places[-steps:]), rotated(k, places)
        outputs = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        gates = {}
        if look:
            weights = torch.softmax((q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~seen, -torch.inf), dim=-1)
            gates = {f"head {head + 1}": weights[:, head] for head in range(self.heads)}
        kept = max(0, keys.shape[1] - (self.context - 1)) if self.remembers else 0
        after = keys[:, kept:], values[:, kept:]
        return Mixed(self.leave(outputs.transpose(1, 2).flatten(2)), after, gates)

    def _by_head(self, part: Tensor) -> Tensor:
        return part.view(*part.shape[:2], self.heads, -1).transpose(1, 2)  # [batch, heads, steps, units]

    def shown(self, mixed: Mixed) -> tuple[Tensor, Tensor | None]:
        return mixed.outputs[:, -1], None


def rotated(part: Tensor, places: Tensor) -> Tensor:
    """Turn pairs of units by angles that grow with the place, part [batch, heads, steps, units] (Su et al. 2021)."""
    half = part.shape[-1] // 2
    speeds = 10_000.0 ** (-torch.arange(half, device=part.device, dtype=torch.float64) / half)
    angle = places.double()[:, None] * speeds
    cos, sin = torch.cos(angle).to(part.dtype), torch.sin(angle).to(part.dtype)
    one, other = part[..., :half], part[..., half:]
    return torch.cat([one * cos - other * sin, one * sin + other * cos], dim=-1)


def build(task: AnyTask, config: TransformerConfig) -> BlockModel:
    return block_model(task, config, lambda: Attention(config))
