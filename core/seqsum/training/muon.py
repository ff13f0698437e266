"""Muon for the weight matrices, AdamW for all else, over one flat parameter."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor, nn

from seqsum.config import OptimConfig


class Flat(Protocol):
    """All parameters in one, `values`; `split` finds each by its name in a tensor laid out like that."""

    values: nn.Parameter
    gradients: Tensor

    def split(self, flat: Tensor) -> Iterator[tuple[str, Tensor]]: ...


MATRIX_STATE = ("momentum_buffer",)
OTHER_STATE = ("exp_avg", "exp_avg_sq")


class MuonWithAdamW(torch.optim.Optimizer):
    """torch.optim.Muon (Jordan et al. 2024) on hidden weight matrices, torch.optim.AdamW on what else there is:
    embeddings, the head, biases, norms, and what has more dimensions than two.

    Muon's step is scaled as AdamW's would be in size (Liu et al. 2025, arXiv 2502.16982): one learning rate does for
    both. What is gathered lies in flat tensors, as with the other optimizers; PyTorch's two see parts of them.
    """

    def __init__(self, model: nn.Module, flat: Flat, optim: OptimConfig) -> None:
        super().__init__([flat.values], {"lr": optim.lr})
        self._flat = flat
        self._parameters = dict(model.named_parameters())
        matrices = set(matrix_names(model))
        mine = [parameter for name, parameter in self._parameters.items() if name in matrices]
        others = [parameter for name, parameter in self._parameters.items() if name not in matrices]
        self._parts: list[torch.optim.Optimizer] = []
        if mine:
            self._parts.append(
                torch.optim.Muon(
                    mine,
                    lr=optim.lr,
                    weight_decay=optim.weight_decay,
                    momentum=optim.matrix_momentum,
                    adjust_lr_fn="match_rms_adamw",
                )
            )
        betas = (optim.beta1, optim.beta2)
        self._others = torch.optim.AdamW(
            others, lr=optim.lr, betas=betas, eps=optim.eps, weight_decay=optim.weight_decay, foreach=False
        )
        self._parts.append(self._others)
        self._bound: dict[str, Tensor] | None = None

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Make one update."""
        values = self._flat.values
        state = self.state[values]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            state.update({key: torch.zeros_like(values) for key in (*MATRIX_STATE, *OTHER_STATE)})
        if self._bound is not state:
            self._bind(state)
        for part in self._parts:
            part.param_groups[0]["lr"] = self.param_groups[0]["lr"]
            inspect.unwrap(type(part).step)(part)  # as in `optimizers.update`
        state["step"] += 1

    def _bind(self, state: dict[str, Tensor]) -> None:
        """Let PyTorch's optimizers gather in the flat tensors of a state, their own or a checkpoint's."""
        for part in self._parts:
            keys = OTHER_STATE if part is self._others else MATRIX_STATE
            its = {id(parameter) for parameter in part.param_groups[0]["params"]}
            for key in keys:
                for name, view in self._flat.split(state[key]):
                    if id(self._parameters[name]) in its:
                        part.state[self._parameters[name]][key] = view
        for parameter in self._others.param_groups[0]["params"]:
            self._others.state[parameter]["step"] = state["step"].cpu().clone()
        self._bound = state


def matrix_names(model: nn.Module) -> Iterator[str]:
    """Name the weights that Muon is for: matrices that are neither a table of vectors nor the last layer."""
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    for name, parameter in model.named_parameters():
        if parameter.dim() == 2 and id(parameter) not in tables and not name.startswith("head."):
            yield name
