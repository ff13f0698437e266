"""How what a person types becomes what a model reads, and a model's answer what a person is told, in plain Python.

A model that leaves (`seqsum export --format model`) takes the source of its task's codec with it, so nothing here needs
numpy or pydantic.
"""

from __future__ import annotations

from typing import Any


class Codec:
    """Base of every codec: a frozen dataclass whose fields are JSON-ready, so that it can be made anew from them."""

    def encode(self, text: str) -> list[Any]:
        """Read what a person typed: tokens [length], or numbers [length][features].

        Raises InputError or UserError saying what was expected and where the text goes wrong.
        """
        raise TypeError(f"{type(self).__name__} does not say how an input is read")

    def decode(self, inputs: list[Any], answer: Any) -> Any:
        """Turn a model's answer to such inputs (a class, classes, tokens [n], values [n]) into JSON-ready values."""
        return answer

    def ahead(self, text: str, steps: int | None) -> tuple[int, list[list[float]]] | None:
        """Return how many steps are gone on for after a text, and for forecasts what stands beside each value that is
        fed back, [steps − 1][features − 1] (nothing where it stands alone); None where an answer is no continuation.

        steps: how many were asked for; None: the usual number. Raises UserError where too many are asked for.
        """
        return None
