"""The models made of residual blocks, each in every one of its ways to mix the steps."""

from __future__ import annotations

from typing import Any

Changes = dict[str, Any]

MIXERS: list[Changes] = [
    {"model.name": "minimal"},
    {"model.name": "minimal", "model.cell": "minlstm"},
    {"model.name": "lru", "model.state_size": 5},
    {"model.name": "state_space", "model.state_size": 5},
]


def named(changes: Changes) -> str:
    """What a test's case is called."""
    return "-".join(str(value) for value in changes.values())
