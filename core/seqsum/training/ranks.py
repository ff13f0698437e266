"""The processes that train one run together, and what they tell each other: rank 0 leads, the others do as it says.

Messages are JSON and numbers, never pickles: what arrives over a network runs no code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from seqsum.errors import ProcessLost


class Ranks:
    """This process among those of its run: `rank` of `size`.

    busy: whether the others are amid a chunk, and hear nothing
    """

    def __init__(self) -> None:
        """The process group must have been made."""
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self.busy = False

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def rows(self, count: int, rank: int | None = None) -> slice:
        """Return which rows of a batch are a rank's, by their place in the batch; as many for each, or one more."""
        rank = self.rank if rank is None else rank
        return slice(rank * count // self.size, (rank + 1) * count // self.size)

    def tell(self, message: dict[str, Any]) -> None:
        """Tell all others something; they have to `hear`. For rank 0."""
        payload = torch.frombuffer(bytearray(json.dumps(message).encode()), dtype=torch.uint8)
        self.give(torch.tensor(len(payload)))
        self.give(payload)

    def hear(self) -> dict[str, Any]:
        """Wait for what rank 0 tells."""
        length = self.give(torch.tensor(0))
        payload = self.give(torch.empty(int(length), dtype=torch.uint8))
        message: dict[str, Any] = json.loads(payload.numpy().tobytes())
        return message

    def give(self, tensor: Tensor, source: int = 0) -> Tensor:
        """Have all take over what `tensor` holds at one rank; return it."""
        if tensor.numel():
            with _lost():
                dist.broadcast(tensor, source)
        return tensor

    def add(self, *tensors: Tensor) -> None:
        """Put in each tensor's place its sum over all ranks: at each the same bits, however often it is made."""
        with _lost():
            # Both are under way before one is waited for.
            for work in [dist.all_reduce(tensor, async_op=True) for tensor in tensors if tensor.numel()]:
                work.wait()

    def joined(self, part: Tensor, rows: int, dim: int) -> Tensor:
        """Return the whole of which each rank has its `rows` along a dimension."""
        shape = list(part.shape)
        pieces: list[Tensor] = []
        for rank in range(self.size):
            share = self.rows(rows, rank)
            shape[dim] = share.stop - share.start
            pieces.append(self.give(part.contiguous() if rank == self.rank else part.new_empty(shape), rank))
        return torch.cat(pieces, dim)

    def agree(self, problem: str | None) -> str | None:
        """Return the first problem that a rank has, None where none has one. All have to ask."""
        first: str | None = None
        for rank in range(self.size):
            said = torch.frombuffer(bytearray((problem or "").encode() or b"\0"), dtype=torch.uint8)
            length = self.give(torch.tensor(len(said)), rank)
            text = self.give(said if rank == self.rank else torch.empty(int(length), dtype=torch.uint8), rank)
            first = first or text.numpy().tobytes().decode("utf-8", "replace").strip("\0") or None
        return first


@cache
def _place() -> Ranks:
    return Ranks()


def ranks_here() -> Ranks | None:
    """Return this process's place among others; None where it is alone."""
    return _place() if dist.is_available() and dist.is_initialized() else None


@contextmanager
def _lost() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        # Behind the place in gloo's source, and before its advice.
        reason = re.sub(r"^\[\S*\] ", "", " ".join(str(error).split())).partition(". ")[0][:200]
        raise ProcessLost(f"train.processes: another process of this run was lost: {reason}") from None
