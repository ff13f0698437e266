"""The models made of residual blocks, each in every one of its ways to mix the steps."""

from __future__ import annotations

from typing import Any

Changes = dict[str, Any]

MIXERS: list[Changes] = [
    {"model.name": "minimal"},
    {"model.name": "minimal", "model.cell": "minlstm"},
    {"model.name": "lru", "model.state_size": 5},
    {"model.name": "state_space", "model.state_size": 5},
    {"model.name": "delta_net", "model.num_heads": 2},
    {"model.name": "delta_net", "model.num_heads": 2, "model.eigenvalues": "positive"},
    {"model.name": "slstm", "model.num_heads": 2},
    {"model.name": "transformer", "model.num_heads": 2},
    {"model.name": "transformer", "model.num_heads": 4, "model.context": 3, "model.positions": "none"},
    {"model.name": "transformer", "model.num_heads": 2, "model.context": 5},
    {"model.name": "bilinear", "model.state_size": 6},
]
FAMILIES: list[Changes] = [
    changes
    for place, changes in enumerate(MIXERS)
    if changes["model.name"] not in {one["model.name"] for one in MIXERS[:place]}
]
"""One of each model."""


def named(changes: Changes) -> str:
    """What a test's case is called."""
    return "-".join(str(value) for value in changes.values())
