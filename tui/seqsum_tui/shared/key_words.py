"""Keys in the words of a screen: called as they are bound now, also where a person has remapped them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from textual.app import App
from textual.binding import Binding
from textual.content import Content

from seqsum_tui.charts.chart import keys_beside
from seqsum_tui.charts.legend import BETWEEN, Note
from seqsum_tui.charts.multiples import SmallMultiples
from seqsum_tui.shared import bindings

if TYPE_CHECKING:
    AnyApp = App[object]


@cache
def _known() -> dict[str, Binding]:
    lists = [value for name, value in vars(bindings).items() if name.isupper() and isinstance(value, list)]
    keys = [key for one in (*lists, keys_beside(), SmallMultiples.BINDINGS) for key in one]
    # Of several keys the first, which is the one that the line of keys names.
    return {key.id: key for key in reversed(list(Binding.make_bindings(keys))) if key.id}


def key_word(app: AnyApp, id: str) -> str:
    """Return what the key with this id is called, as in the line of keys. Raises KeyError where there is no such id."""
    binding, mapped = _known()[id], getattr(app, "keymap", {}).get(id)
    return app.get_key_display(binding if mapped is None else binding.with_key(mapped.split(",")[0]))


def key_ink(app: AnyApp, id: str) -> tuple[str, str]:
    """Return a key and its style, for `Content.assemble`."""
    return key_word(app, id), "bold $text-accent"


def keys_note(app: AnyApp, keys: Iterable[tuple[str, str]]) -> Note:
    """Return `m metric · s smooth` for (id, what it does), and the same with ever fewer; the first goes last."""
    words = [f"{key_word(app, id)} {does}" for id, does in keys]
    return tuple(BETWEEN.join(words[:count]) for count in range(len(words), 0, -1))


def keys_line(app: AnyApp, keys: Iterable[tuple[str, str]]) -> Content:
    """Return all of that, for a border."""
    return Content(keys_note(app, keys)[0])
