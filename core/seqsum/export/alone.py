"""What a model answers with where seqsum is not: the end of the `load.py` that leaves with it (see `export.model`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from seqsum.errors import UserError
from seqsum.models.generation import said
from seqsum.tasks.codec import Codec


class Model:
    """A trained network, with its task's way of reading what one types and telling an answer.

    network: inputs, lengths → logits, an nn.Module; codec: text → inputs, answer → JSON-ready values; facts: what is in
    config.json
    """

    def __init__(self, network: Any, codec: Codec, facts: dict[str, Any]) -> None:
        self.network, self.codec, self.facts = network, codec, facts

    def __call__(
        self,
        text: str,
        length: int | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        seed: int = 0,
    ) -> dict[str, Any]:
        """Answer one input: `prediction`; `probabilities`, of each class, which `labels` name, or of what was said at
        each step; `interval`, around each value, where the network was trained to give one.

        length: how many steps to go on for, where an input is gone on from; temperature, top_k, seed: how tokens are
        drawn there; without a temperature the likeliest is taken. Raises UserError where the input can't be read.
        """
        task = self.facts["task"]
        inputs = self.codec.encode(text)
        row, ahead = self.row(inputs), self.codec.ahead(text, length)
        steps, beside = ahead or (None, [])
        fed = self.row(beside).view(1, len(beside), -1) if beside and beside[0] else None
        with torch.inference_mode():
            found = said(
                self.network,
                task["answer"],
                row,
                steps,
                end=task["end"],
                longest=task["longest_answer"],
                beside=fed,
                quantiles=self.facts["quantiles"],
                interval=self.facts["interval"],
                temperature=temperature,
                top_k=top_k,
                seed=seed,
            )
        answer = {"prediction": self.codec.decode(inputs, found.answer), "probabilities": found.probabilities}
        if task["answer"] == "class":
            answer["labels"] = [self.codec.decode(inputs, place) for place in range(task["classes"])]
        if found.ends is not None:
            low, high = (self.codec.decode(inputs, [end[side] for end in found.ends]) for side in (0, 1))
            answer["interval"] = {"share": self.facts["interval"], "low": low, "high": high}
        return answer

    def row(self, inputs: list[Any]) -> torch.Tensor:
        """Return inputs as the network reads them: [1, length(, features)], numbers in the type of its weights."""
        if isinstance(inputs[0], int):
            return torch.tensor([inputs])
        # By way of float32: standardised numbers have no more digits.
        numbers = torch.tensor([inputs], dtype=torch.float64).float()
        return numbers.to(next(self.network.parameters()).dtype)


def loaded(folder: Path, build: Callable[..., nn.Module], codec: Callable[..., Codec]) -> Model:
    """Return the model of a folder. build: makes the network of its task's sizes and its settings"""
    facts = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    network = build(SimpleNamespace(**facts["task"]), SimpleNamespace(**facts["model"]))
    network.to(getattr(torch, facts["dtype"]))
    network.load_state_dict(load_file(folder / "model.safetensors"))
    return Model(network.eval(), codec(**facts["codec"]), facts)


def answered(model: Model) -> int:
    """Answer each argument, or each line of standard input, with a line of JSON; return the exit status."""
    status = 0
    for text in sys.argv[1:] or (line.rstrip("\r\n") for line in sys.stdin):
        try:
            print(json.dumps({"input": text, **model(text)}, ensure_ascii=False))
        except UserError as error:
            status = 2
            print(error, file=sys.stderr)
    return status
