"""One key of the console: with an id, by which it can be remapped, and its meaning in words."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from textual.binding import Binding


def key(
    id: str,
    keys: str,
    action: str,
    label: str,
    tooltip: str,
    *,
    show: bool = True,
    display: str | None = None,
    first: bool = False,
) -> Binding:
    """Return the binding; `first`: it comes before what a text box makes of the key."""
    return Binding(keys, action, label, show=show, key_display=display, tooltip=tooltip, id=id, priority=first)


hidden = partial(key, show=False)
"""A key that the help tells of, and the line of keys does not."""


def by_itself(binding: Binding) -> Binding:
    """Return a key under its own name: the line of keys calls one of a pair by both, as in `[ ]`."""
    # The words that a page explains have blanks, too, and no id.
    pair = binding.id and " " in (binding.key_display or "")
    return replace(binding, key_display=None) if pair else binding
