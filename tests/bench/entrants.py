"""Who takes part: name, what it is, and how it is made. Made by name and late, so that one's library may be missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from seqsum.config import Config

if TYPE_CHECKING:
    from seqsum.models.base import SequenceModel

REFERENCE = "tutorial"


class Training(Protocol):
    """One training run of `config.train.steps` updates; either `bare` or `whole` is called, once."""

    def bare(self) -> None:
        """Make every update, and nothing else."""

    def whole(self) -> None:
        """Make every update, with everything that a real run has: logging, evaluation, checkpoints."""

    def classifier(self) -> SequenceModel:
        """Return our model with the trained weights."""


@dataclass(frozen=True)
class Entrant:
    """A way to train.

    place: module:class, relative to this package. backend: of ours, the `train.backend`. needs: a package that is not
        among the project's own.
    """

    title: str
    about: str
    place: str
    backend: str | None = None
    needs: str | None = None

    @property
    def missing(self) -> bool:
        """Whether its library is not installed."""
        return self.needs is not None and find_spec(self.needs) is None

    def make(self, config: Config, folder: Path) -> Training:
        """Make a training run that keeps its files in `folder`; raises ImportError when its library is missing."""
        if self.backend is not None:
            config = config.changed({"train.backend": self.backend}, "bench")
        module, _, name = self.place.partition(":")
        make = cast(Callable[[Config, Path], Training], getattr(import_module(module, __package__), name))
        return make(config, folder)


ENTRANTS = {
    "tutorial": Entrant(
        "tutorial's loop",
        "document 1's method: samples by Python's random, DataLoader, packed sequences; evaluates on 100 samples",
        ".peers.tutorial:Tutorial",
    ),
    "plain": Entrant(
        "plain PyTorch",
        "PyTorch done well: vectorised batches, padded sequences, fused Adam; evaluates on 100 samples",
        ".peers.plain_pytorch:PlainPyTorch",
    ),
    "jax": Entrant(
        "JAX",
        "data, update and Adam of 100 steps in one compiled scan; compiling is not counted; evaluates on 100 samples",
        ".peers.jax_scan:JaxScan",
        needs="jax",
    ),
    "torch": Entrant(
        "seqsum, torch backend",
        "the worker: evaluates on the whole input space where it can be walked, writes metrics and checksummed "
        "checkpoints to the disk",
        ".ours:Ours",
        backend="torch",
    ),
    "ours": Entrant(
        "seqsum, fused backend",
        "the same worker, its chunks in compiled code; what `train.backend = auto` chooses here",
        ".ours:Ours",
        backend="auto",
    ),
}
