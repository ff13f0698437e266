"""Which question makes which views, on which page. Views are found where they are written; nothing else knows them."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from seqsum.query.question import Question
from seqsum_tui.query.session import Session
from seqsum_tui.query.views.shown import Shown

ROOM = "seqsum_tui.query.views"
FIRST_OFFSET = 11
"""Sunspots come in cycles of eleven years; other series take their own horizon from the second forecast on."""


@dataclass
class Pane:
    """What a view may know of the pane that it is for: the run, and what a person asked and chose there.

    only: which wrong answers are listed, as fields of the request; offset: how many values before the data's end a
    forecast begins; answers: the last answer to each question to the server
    """

    session: Session
    question: str | None = None
    temperature: float = 0.8
    top_k: int | None = None
    only: dict[str, Any] = field(default_factory=dict)
    offset: int | None = None
    answers: dict[str, Any] = field(default_factory=dict)

    @property
    def lists(self) -> bool:
        """Whether a cell of the confusion matrix leads to its wrong answers."""
        return self.session.offers("mistakes") and self.session.answers("class")

    @property
    def ahead(self) -> int:
        """How many values were forecast last."""
        return len(self.answers["forecast"].forecast) if "forecast" in self.answers else FIRST_OFFSET

    @property
    def begins(self) -> int | None:
        """How many values before the data's end the forecast begins: where nothing was asked, so that the truth is
        known. None: behind the series that was asked."""
        return self.ahead if self.offset is None and not self.question else self.offset


Make = Callable[[Any, Pane], Shown | list[Shown]]
FieldsOf = Callable[[Pane], dict[str, Any]]


@dataclass(frozen=True)
class View:
    """The views of the answers to a question: their page, the title until they are there, and what makes them.

    fields: what goes with the question; comes: what it will show, said before one is asked, and of a task whose answers
    are numbers
    """

    question: type[Question]
    page: str
    title: str
    fields: FieldsOf
    make: Make
    comes: str = ""
    comes_of_values: str = ""

    def promise(self, session: Session) -> str:
        """Say what will be shown of a run's model."""
        return (session.answers("values") and self.comes_of_values) or self.comes


_VIEWS: dict[str, View] = {}


def view(
    question: type[Question],
    page: str,
    title: str,
    *,
    fields: FieldsOf | None = None,
    comes: str = "",
    comes_of_values: str = "",
) -> Callable[[Make], Make]:
    """Have a function make the views of a question's answers; by default the question goes with what was typed."""

    def typed(pane: Pane) -> dict[str, Any]:
        return {"input": pane.question or ""} if question.needs_input else {}

    def register(make: Make) -> Make:
        _VIEWS[question.name] = View(question, page, title, fields or typed, make, comes, comes_of_values)
        return make

    return register


def what_was_typed(pane: Pane) -> dict[str, Any]:
    """The fields of a question that has an answer without an input, too."""
    return {"input": pane.question} if pane.question else {}


@cache
def views() -> dict[str, View]:
    """The views by the names of their questions, in the order in which a page shows them."""
    for info in pkgutil.iter_modules(import_module(ROOM).__path__):
        import_module(f"{ROOM}.{info.name}")
    return _VIEWS
