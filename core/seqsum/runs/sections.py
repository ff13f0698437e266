"""Any configuration, as the sections of a record: of runs that seqsum does not train."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from seqsum.errors import UserError
from seqsum.text import one_line

LONGEST_VALUE = 1000
LONGEST_PATH = 100
DEEPEST = 16
PLAIN = "config"
"""The section of what stands in a configuration without one."""


def sections_of(config: object) -> dict[str, dict[str, Any]]:
    """Return a configuration as sections of names with plain values."""
    if config is None:
        return {}
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        config = dataclasses.asdict(config)
    if not isinstance(config, Mapping):
        try:
            config = vars(config)
        except TypeError:
            raise UserError(f"watch: config is a mapping of names and values, got {type(config).__name__}") from None
    found: dict[str, dict[str, Any]] = {}
    for key, value in config.items():
        name = one_line(str(key))
        if isinstance(value, Mapping):
            found.setdefault(name, {}).update(_flat(value))
        else:
            found.setdefault(PLAIN, {})[name] = _plain(value)
    return found


def _flat(values: Mapping[Any, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    if before.count(".") > DEEPEST:
        raise UserError(f"watch: config is more than {DEEPEST} mappings deep: {before[:LONGEST_PATH]}")
    for key, value in values.items():
        name = f"{before}{one_line(str(key))}"
        found |= _flat(value, f"{name}.") if isinstance(value, Mapping) else {name: _plain(value)}
    return found


def _plain(value: Any, depth: int = 0) -> Any:
    """Return a value as a record holds it: numbers and words as they are, lists of them, all else as it is printed."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple | set) and depth < DEEPEST:
        return [_plain(one, depth + 1) for one in value]
    item = getattr(value, "item", None)  # numpy's numbers, and PyTorch's
    if callable(item):
        with suppress(Exception):
            return _plain(item())
    return str(value)[:LONGEST_VALUE]
