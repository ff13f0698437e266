"""The models made of residual blocks, each in every one of its ways to mix the steps."""

from __future__ import annotations

from typing import Any

Changes = dict[str, Any]

MIXERS: list[Changes] = [
    {"model.name": "minimal"},
    {"model.name": "minimal", "model.cell": "minlstm"},
]


def named(changes: Changes) -> str:
    """What a test's case is called."""
    return "-".join(str(value) for value in changes.values())
