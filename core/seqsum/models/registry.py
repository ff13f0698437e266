"""Models by name: ours, and those that plug-ins register. No torch here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from seqsum.errors import UserError, did_you_mean
from seqsum.models.settings import (
    AutoregressiveConfig,
    BilinearConfig,
    ConcatenatingConfig,
    DeltaNetConfig,
    EncoderDecoderConfig,
    FeedForwardConfig,
    LruConfig,
    MinimalConfig,
    ModelConfig,
    RecurrentConfig,
    SlstmConfig,
    StateSpaceConfig,
    TransformerConfig,
)
from seqsum.schema import name_of

if TYPE_CHECKING:
    from torch import nn

    from seqsum.tasks.base import AnyTask

BuildModel = Callable[["AnyTask", "Any"], "nn.Module"]


@dataclass(frozen=True)
class ModelEntry:
    """A model: its settings, what it can answer, and how it is built.

    `build` is a class or function (task, settings) → nn.Module, or "module:name" so that naming a model does not import
    torch.
    """

    config_type: type[ModelConfig]
    answers: frozenset[str]
    build: BuildModel | str

    def make(self, task: AnyTask, config: ModelConfig) -> nn.Module:
        build = self.build
        if isinstance(build, str):
            module, _, name = build.partition(":")
            build = getattr(import_module(module), name)
        assert callable(build)
        return build(task, config)


MODELS: dict[str, ModelEntry] = {}


def register_model(config_type: type[ModelConfig], build: BuildModel | str, answers: set[str]) -> None:
    """Make a model known under the name its settings give. `answers` is a subset of class, tags, sequence, values."""
    name = name_of(config_type)
    entry = ModelEntry(config_type, frozenset(answers), build)
    if MODELS.get(name, entry) != entry:
        raise UserError(f'plug-in: there is a model "{name}" already; give yours another name')
    MODELS[name] = entry


def model_entry(name: str) -> ModelEntry:
    """Return the model of that name; raise UserError if there is none."""
    if name not in MODELS:
        raise UserError(f'no model "{name}"{did_you_mean(name, MODELS) or "; the models are " + ", ".join(MODELS)}')
    return MODELS[name]


ROOM = "seqsum.models"
register_model(RecurrentConfig, f"{ROOM}.recurrent:RecurrentModel", {"class", "tags", "values"})
register_model(ConcatenatingConfig, f"{ROOM}.concatenating:ConcatenatingModel", {"class", "tags", "values"})
register_model(FeedForwardConfig, f"{ROOM}.feed_forward:FeedForwardModel", {"class", "tags", "values"})
register_model(EncoderDecoderConfig, f"{ROOM}.encoder_decoder:EncoderDecoder", {"sequence"})
register_model(AutoregressiveConfig, f"{ROOM}.autoregressive:build", {"values"})
for _config, _module in (
    (MinimalConfig, "minimal"),
    (LruConfig, "lru"),
    (StateSpaceConfig, "state_space"),
    (DeltaNetConfig, "delta_net"),
    (SlstmConfig, "slstm"),
    (TransformerConfig, "transformer"),
    (BilinearConfig, "bilinear"),
):
    register_model(_config, f"{ROOM}.{_module}:build", {"class", "tags", "sequence", "values"})
