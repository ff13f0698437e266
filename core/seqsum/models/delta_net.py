"""DeltaNet: a memory of pairs (key, value), in which what is written replaces what the key found (arXiv 2406.06484)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqsum.models.blocks import BlockModel, LayerState, Mixed, Mixer
from seqsum.models.settings import DeltaNetConfig
from seqsum.models.writing import block_model
from seqsum.tasks import AnyTask

CHUNK = 64
"""Steps that are computed at once."""


class DeltaNet(Mixer):
    """S' = S − β (S k − v) kᵀ;  o = S' q, in each head, with k and q of length 1.

    S' = S (I − β k kᵀ) + β v kᵀ: the transition's eigenvalues are 1 and 1 − β. β is σ(w x + b), in [0, 1]; signed
    doubles it, so that 1 − β lies in [−1, 1] (Grazzi et al. 2025, arXiv 2411.12537).

    The state is S: [batch, heads, value units, key units].
    """

    def __init__(self, config: DeltaNetConfig) -> None:
        super().__init__()
        width, self.heads = config.hidden_size, config.num_heads
        self.largest = 2.0 if config.eigenvalues == "signed" else 1.0
        self.projections = nn.Linear(width, 3 * width, bias=False)
        self.strength = nn.Linear(width, self.heads)
        self.norm = nn.RMSNorm(width // self.heads)
        self.leave = nn.Linear(width, width, bias=False)

    def begin(self, inputs: Tensor) -> LayerState:
        size = inputs.shape[2] // self.heads
        return (inputs.new_zeros(inputs.shape[0], self.heads, size, size),)

    def forward(self, inputs: Tensor, state: LayerState, look: bool = False) -> Mixed:
        batch, steps, width = inputs.shape
        # Each [batch, heads, steps, units]; the triangular solver knows no numbers of 16 bits.
        dtype = torch.promote_types(inputs.dtype, torch.float32)
        parts = F.silu(self.projections(inputs)).view(batch, steps, 3, self.heads, -1).to(dtype)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        query, key = F.normalize(query, dim=-1), F.normalize(key, dim=-1)
        strength = self.largest * torch.sigmoid(self.strength(inputs))
        written = strength.transpose(1, 2).unsqueeze(-1).to(dtype)
        memory = state[0].to(dtype)
        found: list[Tensor] = []
        for start in range(0, steps, CHUNK):
            chunk = slice(start, start + CHUNK)
            q, k, v, beta = (part[:, :, chunk] for part in (query, key, value, written))
            output, memory = _chunk(q, k, v, beta, memory)
            found.append(output)
        outputs = self.norm(torch.cat(found, dim=2).to(inputs.dtype)).transpose(1, 2).reshape(batch, steps, width)
        return Mixed(self.leave(outputs), (memory.to(inputs.dtype),), {"write": strength})


def _chunk(query: Tensor, key: Tensor, value: Tensor, strength: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """Compute some steps at once: outputs [batch, heads, steps, units], and the memory after them (section 3.2).

    What step i writes, u_i = β_i (v_i − S k_i − Σ_{j<i} u_j (k_j · k_i)), is a triangular system of equations.
    """
    overlaps = (strength * (key @ key.mT)).tril(-1)
    wanted = strength * (value - key @ memory.mT)
    written = torch.linalg.solve_triangular(
        overlaps + torch.eye(key.shape[2], dtype=key.dtype, device=key.device), wanted, upper=False, unitriangular=True
    )
    return query @ memory.mT + (query @ key.mT).tril() @ written, memory + written.mT @ key


def build(task: AnyTask, config: DeltaNetConfig) -> BlockModel:
    return block_model(task, config, lambda: DeltaNet(config))
