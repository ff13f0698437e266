"""The pages of the Ask screen, its dashboard, and what stands behind a pane. Nothing here knows a screen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from textual.content import Content

from seqsum_tui.query.said import Said
from seqsum_tui.query.session import Session
from seqsum_tui.query.views.registry import Pane, views
from seqsum_tui.query.views.shown import Shown

PAGES = ("answer", "inside", "whole", "learned", "more")
FITTING = ("attention", "forecast", "loss_per_character", "trajectory")
"""Questions whose views tell most of a task; the first that a run has an answer to comes first."""
Chosen = tuple[str, str]
"""A view: its title, and which question to the server makes it."""


def name_of(page: str, session: Session) -> str:
    """Return what a page is called."""
    if page == "more":
        return "Forecast" if session.offers("forecast") else "Text"
    return page.capitalize()


def has(page: str, session: Session) -> bool:
    """Tell whether a page has anything to show for a run."""
    return page == "answer" or any(session.offers(ask) for ask in asks_of(page))


def asks_of(page: str) -> list[str]:
    """Return the questions whose views a page shows."""
    return [name for name, view in views().items() if view.page == page]


def fitting(session: Session) -> str | None:
    """Return the question whose view fits a run's task best."""
    return next((ask for ask in FITTING if session.offers(ask)), None)


def panels_of(session: Session, room: int) -> list[tuple[str, Chosen]]:
    """Return what `room` panels of a dashboard show, each as its page and its view; no title is the first view."""
    if not session.asks:
        return [("answer", ("", "")), *[("", ("", ""))] * (room - 1)]
    # Of a series no checkpoint is right or wrong: how far off it is takes the place of how it was learned.
    last = ("Errors", "forecast") if session.answers("values") else ("", "history")
    found = [view for view in (("", fitting(session) or ""), ("", "inspect"), last) if session.offers(view[1])]
    return [("answer", ("", "")), *((views()[view[1]].page, view) for view in found)][:room]


@dataclass
class Asking(Pane):
    """What stands behind one pane, or behind all panels of a dashboard: the question, its answer, and the views that
    were made so far.

    wanted: the fields of the questions on their way; refused: why a question to the server has no answer
    latest: the newest checkpoint that answered anything; slow_turn: what walks over many inputs goes in its order
    """

    reply: Said | None = None
    made: dict[str, list[Shown]] = field(default_factory=dict)
    wanted: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[str, Content] = field(default_factory=dict)
    latest: int | None = None
    slow_turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _past: dict[int, tuple[Said | None, dict[str, list[Shown]]]] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether a question has no answer yet."""
        return self.question is not None and self.reply is None

    def begin(self, question: str | None) -> None:
        """Take another question. What does not depend on it stays, unless the run has learned meanwhile."""
        self.question, self.reply, self.offset = question, None, None
        self.session.follows = False
        self.answers.pop("history", None)
        kept = ("file",) if self.session.live and self.session.step is None else ("file", *asks_of("whole"))
        self.made = {ask: shown for ask, shown in self.made.items() if ask in kept}
        self.wanted = {ask: fields for ask, fields in self.wanted.items() if ask in kept}
        self.refused.clear()
        self._past.clear()

    def turn_to(self, step: int | None) -> None:
        """Put the same question to another checkpoint; what one has said already is kept. Its history holds them all:
        only its mark moves."""
        file = {ask: shown for ask, shown in self.made.items() if ask == "file"}
        if self.session.step is not None:
            self._past[self.session.step] = self.reply, self.made
        self.session.step, self.session.follows = step, False
        self.reply, made = (None, {}) if step is None else self._past.get(step, (None, {}))
        self.made = made | file
        self.wanted.clear()
        self.refused.clear()
        if "history" in self.answers:
            self.make("history", self.answers["history"])

    def follow(self) -> None:
        """Put the same question to the newest checkpoint, as it was saved."""
        self.answers.pop("history", None)
        self.turn_to(None)
        self.session.follows = True

    def again(self, ask: str) -> None:
        """Ask anew what is asked otherwise from now on."""
        for made in (self.made, *(made for _, made in self._past.values())):
            made.pop(ask, None)

    @property
    def step(self) -> int | None:
        """The step of the checkpoint that answers."""
        if self.reply is not None:
            return self.reply.step
        newest = self.session.checkpoints[-1] if self.session.checkpoints else None
        return newest if self.session.step is None else self.session.step

    @property
    def accuracy(self) -> tuple[int, float] | None:
        """The accuracy of the checkpoint that answers, and the step at which the run measured it."""
        return None if self.step is None else self.session.accuracies.get(self.step)

    @property
    def aha(self) -> int | None:
        """The step from which the run's accuracy stays high, where it was looked for."""
        return self.answers["history"].aha if "history" in self.answers else None

    def titles(self, page: str) -> list[Chosen]:
        """Return the views of a page; the one that fits the task best comes first."""
        found: list[Chosen] = []
        best = fitting(self.session)
        for ask in sorted(asks_of(page), key=lambda ask: ask != best):
            if ask in self.made:
                found += [(shown.title, ask) for shown in self.made[ask]]
            elif self.session.offers(ask):
                found.append((views()[ask].title, ask))
        if page == "whole" and "file" in self.made:
            found += [(shown.title, "file") for shown in self.made["file"]]
        return found

    def chosen(self, page: str, before: Chosen) -> Chosen | None:
        """Return the view of a page that was chosen before; else one of the same question, else the first."""
        titles = self.titles(page)
        alike = [pair for pair in titles if pair[1] == before[1]]
        return before if before in titles else next(iter(alike or titles), None)

    def view(self, title: str, ask: str) -> Shown | None:
        """Return a view that was made."""
        return next((shown for shown in self.made.get(ask, []) if shown.title == title), None)

    def go_back(self, by: int) -> None:
        """Forecast from `by` horizons further back in the data."""
        self.offset = max((self.begins or 0) + by * self.ahead, 0)
        self.again("forecast")

    def list_only(self, fields: dict[str, Any]) -> None:
        """List other wrong answers."""
        self.only = fields
        self.again("mistakes")

    def make(self, ask: str, answer: Any) -> None:
        """Make the views of an answer, as it came or as it was read before."""
        view = views()[ask]
        read = view.question.answers.model_validate(answer)
        made = view.make(read, self)
        self.made[ask], self.answers[ask] = made if isinstance(made, list) else [made], read
