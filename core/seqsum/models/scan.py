"""Linear recurrences over all steps at once."""

from __future__ import annotations

import torch
from torch import Tensor


def linear_scan(factors: Tensor, additions: Tensor, before: Tensor) -> Tensor:
    """Return h_t = factors_t · h_(t−1) + additions_t at every step, from h_(−1) = before.

    factors: [batch or 1, steps, units]; additions: [batch, steps, units]; before: [batch, units]. Real or complex.

    Two steps in a row are one step of the same kind, (a, b) then (c, d) being (c a, c b + d): joined over 1, 2, 4 …
    steps, all are done in log₂(steps) rounds (Hillis & Steele 1986; Blelloch 1990).
    """
    first = additions[:, :1] + factors[:, :1] * before.unsqueeze(1)
    values, reach = torch.cat([first, additions[:, 1:]], dim=1), 1
    while reach < values.shape[1]:
        longer = values[:, reach:] + factors[:, reach:] * values[:, :-reach]
        values = torch.cat([values[:, :reach], longer], dim=1)
        factors = torch.cat([factors[:, :reach], factors[:, reach:] * factors[:, :-reach]], dim=1)
        reach *= 2
    return values


def complex_scan(log_modulus: Tensor, angle: Tensor, driven: Tensor, before: Tensor) -> Tensor:
    """Return h_t = exp(log_modulus + i angle) ⊙ h_(t−1) + driven_t at every step.

    log_modulus, angle: [units]; driven and what is returned: [batch, steps, 2 × units], the real parts first, then the
    imaginary ones; before: [batch, 2 × units]. Numbers of 16 bits, which have no complex form, are made longer inside.
    """
    dtype = torch.promote_types(driven.dtype, torch.float32)
    factor = torch.polar(torch.exp(log_modulus.to(dtype)), angle.to(dtype))
    factors = factor.expand(1, driven.shape[1], -1)
    values = linear_scan(factors, _complex(driven.to(dtype)), _complex(before.to(dtype)))
    return torch.cat([values.real, values.imag], dim=-1).to(driven.dtype)


def _complex(pairs: Tensor) -> Tensor:
    return torch.complex(*pairs.chunk(2, dim=-1))
