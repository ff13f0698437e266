"""The pages of the Query screen: which questions to the server make which views. Nothing here knows a screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from seqsum_tui.query.said import Said
from seqsum_tui.query.session import Session
from seqsum_tui.query.views.registry import Pane, views
from seqsum_tui.query.views.shown import Shown

PAGES = ("answer", "inside", "whole", "learned", "more")


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


@dataclass
class Asking(Pane):
    """What stands behind one pane: the question, its answer, and the views that were made so far."""

    reply: Said | None = None
    made: dict[str, list[Shown]] = field(default_factory=dict)

    def begin(self, question: str | None) -> None:
        """Take another question. What does not depend on it stays, unless the run has learned meanwhile."""
        self.question, self.reply, self.offset = question, None, None
        self.answers.pop("history", None)
        kept = ("file",) if self.session.live and self.session.step is None else ("file", *asks_of("whole"))
        self.made = {ask: shown for ask, shown in self.made.items() if ask in kept}

    def turn_to(self, step: int | None) -> None:
        """Put the same question to another checkpoint. Its history holds them all: only its mark moves."""
        self.session.step, self.reply = step, None
        self.made = {ask: shown for ask, shown in self.made.items() if ask == "file"}
        if "history" in self.answers:
            self.make("history", self.answers["history"])

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

    def titles(self, page: str) -> list[tuple[str, str]]:
        """Return the views of a page as (title, which question to the server makes it)."""
        found = []
        for ask in asks_of(page):
            if ask in self.made:
                found += [(shown.title, ask) for shown in self.made[ask]]
            elif self.session.offers(ask):
                found.append((views()[ask].title, ask))
        if page == "whole" and "file" in self.made:
            found += [(shown.title, "file") for shown in self.made["file"]]
        return found

    def view(self, title: str, ask: str) -> Shown | None:
        """Return a view that was made."""
        return next((shown for shown in self.made.get(ask, []) if shown.title == title), None)

    def go_back(self, by: int) -> None:
        """Forecast from `by` horizons further back in the data."""
        self.offset = max((self.begins or 0) + by * self.ahead, 0)
        self.made.pop("forecast", None)

    def list_only(self, fields: dict[str, Any]) -> None:
        """List other wrong answers."""
        self.only = fields
        self.made.pop("mistakes", None)

    def make(self, ask: str, answer: Any) -> None:
        """Make the views of an answer, as it came or as it was read before."""
        view = views()[ask]
        read = view.question.answers.model_validate(answer)
        made = view.make(read, self)
        self.made[ask], self.answers[ask] = made if isinstance(made, list) else [made], read
