"""Reading a request's line: every field is judged here, in one sentence. No torch here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, get_args

from seqsum.errors import UserError, did_you_mean
from seqsum.formatting import full
from seqsum.query.protocol import HOTTEST, LONGEST_LINE, LONGEST_WRITTEN, Ask, Request
from seqsum.text import printable

ASKS: tuple[str, ...] = get_args(Ask)
FIELDS = Request.__annotations__
MOST = 2**53
"""Beyond this JSON's numbers are no longer whole everywhere."""


def read_line(line: str) -> dict[str, Any]:
    """Return a request as it stands, with a known `ask`; raises UserError otherwise."""
    if len(line) > LONGEST_LINE:
        raise UserError(f"query: the line is longer than {LONGEST_LINE:,} characters; ask something shorter")
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        raise UserError("query: not a line of JSON") from None
    if not isinstance(request, dict):
        raise UserError('query: not a JSON object; ask e.g. {"ask": "predict", "input": "1 2 3"}')
    return request


class Fields:
    """A request's fields; each reader raises UserError for a value of the wrong kind or out of bounds."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self._request = request
        ask = request.get("ask")
        if ask not in ASKS:
            near = did_you_mean(str(ask)[:50], ASKS) or f"; what can be asked is {', '.join(ASKS)}"
            raise UserError(f'query: no answer to "{printable(str(ask))[:50]}"{near}')
        for name in request:
            if name not in FIELDS:
                near = did_you_mean(name[:50], FIELDS) or f"; the fields are {', '.join(FIELDS)}"
                raise UserError(f'query: no field "{printable(name)[:50]}"{near}')
        self.ask: str = ask

    def text(self, name: str = "input", default: str = "") -> str:
        value = self._request.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise UserError(f"query: {name} must be text")
        return value

    def maybe_text(self, name: str) -> str | None:
        return None if self._request.get(name) is None else self.text(name)

    def whole(self, name: str, low: int, high: int) -> int | None:
        value = self._request.get(name)
        if value is None:
            return None
        if type(value) is not int or not low <= value <= high:
            raise UserError(f"query: {name} must be a whole number from {low:,} to {high:,}")
        return value

    def number(self, name: str, low: float, high: float) -> float | None:
        value = self._request.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise UserError(f"query: {name} must be a number from {full(low)} to {full(high)}")
        return float(value)

    @property
    def checkpoint(self) -> int | None:
        return self.whole("checkpoint", 0, MOST)

    @property
    def length(self) -> int | None:
        return self.whole("length", 1, LONGEST_WRITTEN)

    @property
    def temperature(self) -> float | None:
        return self.number("temperature", 0, HOTTEST)

    @property
    def lengths(self) -> tuple[int | None, int | None]:
        low, high = self.whole("low", 1, MOST), self.whole("high", 1, MOST)
        if low is not None and high is not None and low > high:
            raise UserError(f"query: low must be at most high, got {low} and {high}")
        return low, high


def finite(value: Any) -> Any:
    """Return JSON-ready values with NaN and infinity, which JSON lacks, as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return value
