"""Which question makes which views, on which page. Views are found where they are written; nothing else knows them."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from seqsum.query.question import Question
from seqsum_tui.query.views.shown import Shown

ROOM = "seqsum_tui.query.views"


class Pane(Protocol):
    """What a view may know of the pane that it is for: what a person asked and chose there, and the run's `facts`."""

    question: str | None
    temperature: float
    top_k: int | None
    only: dict[str, Any]

    @property
    def facts(self) -> dict[str, Any]: ...

    @property
    def asked_step(self) -> int | None:
        """The checkpoint that is asked; None is the newest."""

    @property
    def begins(self) -> int | None:
        """How many values before the data's end a forecast begins; None: behind the series that was asked."""

    @property
    def lists(self) -> bool:
        """Whether a cell of the confusion matrix leads to its wrong answers."""


Make = Callable[[Any, Pane], Shown | list[Shown]]
FieldsOf = Callable[[Pane], dict[str, Any]]


@dataclass(frozen=True)
class View:
    """The views of the answers to a question: their page, the title until they are there, and what makes them.

    fields: what goes with the question
    """

    question: type[Question]
    page: str
    title: str
    fields: FieldsOf
    make: Make


_VIEWS: dict[str, View] = {}


def view(question: type[Question], page: str, title: str, *, fields: FieldsOf | None = None) -> Callable[[Make], Make]:
    """Have a function make the views of a question's answers; by default the question goes with what was typed."""

    def typed(pane: Pane) -> dict[str, Any]:
        return {"input": pane.question or ""} if question.needs_input else {}

    def register(make: Make) -> Make:
        _VIEWS[question.name] = View(question, page, title, fields or typed, make)
        return make

    return register


@cache
def views() -> dict[str, View]:
    """The views by the names of their questions, in the order in which a page shows them."""
    for info in pkgutil.iter_modules(import_module(ROOM).__path__):
        import_module(f"{ROOM}.{info.name}")
    return _VIEWS
