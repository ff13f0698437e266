"""The pages of the Query screen: which questions to the server make which views. Nothing here knows a screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seqsum_tui.query.batch import filter_words
from seqsum_tui.query.source import Source
from seqsum_tui.query.views import inside, learned, whole, writing
from seqsum_tui.query.views.shown import Shown

PAGES: dict[str, tuple[str, ...]] = {
    "answer": ("predict",),
    "inside": ("inspect", "attention", "gradient_norms", "trajectory"),
    "whole": ("evaluate", "accuracy_by_length", "mistakes", "calibration"),
    "learned": ("history",),
    "more": ("sample", "loss_per_character", "forecast"),
}
TITLES = {
    "predict": "Answer",
    "inspect": "Probabilities",
    "attention": "Attention",
    "gradient_norms": "Three cells",
    "trajectory": "Trajectory",
    "evaluate": "Accuracy",
    "accuracy_by_length": "By length",
    "mistakes": "Mistakes",
    "calibration": "Calibration",
    "history": "Learned",
    "sample": "Sample",
    "loss_per_character": "Surprise",
    "forecast": "Forecast",
}
OF_A_QUESTION = ("inspect", "attention", "gradient_norms", "history", "loss_per_character")
"""What is asked about an input that was typed."""

WRITTEN = 200
MISTAKES = 500
FIRST_OFFSET = 11
"""Sunspots come in cycles of eleven years; other series take their own horizon from the second forecast on."""
TRAJECTORIES = 200


def name_of(page: str, source: Source) -> str:
    """Return what a page is called."""
    if page == "more":
        return "Forecast" if source.offers("forecast") else "Text"
    return page.capitalize()


def has(page: str, source: Source) -> bool:
    """Tell whether a page has anything to show for a run."""
    return any(source.offers(ask) for ask in PAGES[page])


@dataclass
class Asking:
    """What stands behind one pane: the question, and the views that were made from its answers so far."""

    source: Source
    question: str | None = None
    reply: dict[str, Any] | None = None
    temperature: float = 0.8
    top_k: int | None = None
    only: dict[str, Any] = field(default_factory=dict)
    """Which wrong answers are listed: fields of the request."""
    offset: int | None = None
    """How many values before the data's end a forecast begins; None begins behind the series that was asked."""
    ahead: int = FIRST_OFFSET
    """How many values were forecast last."""
    history: dict[str, Any] | None = None
    """What every checkpoint says to this question."""
    made: dict[str, list[Shown]] = field(default_factory=dict)

    def begin(self, question: str | None) -> None:
        """Take another question. What does not depend on it stays, unless the run has learned meanwhile."""
        self.question, self.reply, self.history = question, None, None
        self.offset = None
        kept = ("file",) if self.source.live and self.source.step is None else ("file", *PAGES["whole"])
        self.made = {ask: shown for ask, shown in self.made.items() if ask in kept}

    def turn_to(self, step: int | None) -> None:
        """Put the same question to another checkpoint. Its history holds them all: only its mark moves."""
        self.source.step, self.reply = step, None
        self.made = {ask: shown for ask, shown in self.made.items() if ask == "file"}
        if self.history is not None:
            self.make("history", self.history)

    @property
    def step(self) -> int | None:
        """The step of the checkpoint that answers."""
        if self.reply is not None and self.reply.get("checkpoint_step") is not None:
            return int(self.reply["checkpoint_step"])
        newest = self.source.checkpoints[-1] if self.source.checkpoints else None
        return newest if self.source.step is None else self.source.step

    @property
    def accuracy(self) -> tuple[int, float] | None:
        """The accuracy of the checkpoint that answers, and the step at which the run measured it."""
        return None if self.step is None else self.source.accuracies.get(self.step)

    @property
    def lists(self) -> bool:
        """Whether a cell of the confusion matrix leads to its wrong answers."""
        return self.source.offers("mistakes") and self.source.facts.get("answer") == "class"

    @property
    def aha(self) -> int | None:
        """The step from which the run's accuracy stays high, where it was looked for."""
        found = None if self.history is None else self.history.get("aha")
        return found if isinstance(found, int) else None

    def titles(self, page: str) -> list[tuple[str, str]]:
        """Return the views of a page as (title, which question to the server makes it)."""
        found = []
        for ask in PAGES[page]:
            if ask in self.made:
                found += [(shown.title, ask) for shown in self.made[ask]]
            elif self.source.offers(ask):
                found.append((TITLES[ask], ask))
        if page == "whole" and "file" in self.made:
            found += [(shown.title, "file") for shown in self.made["file"]]
        return found

    def view(self, title: str, ask: str) -> Shown | None:
        """Return a view that was made."""
        return next((shown for shown in self.made.get(ask, []) if shown.title == title), None)

    def fields(self, ask: str) -> dict[str, Any]:
        """Return what goes with a question to the server."""
        question = self.question or ""
        if ask == "sample":
            return {"input": question, "temperature": self.temperature, "top_k": self.top_k, "length": WRITTEN}
        if ask == "trajectory":
            return {"count": TRAJECTORIES, "seed": 0, **({"input": question} if question else {})}
        if ask == "forecast":
            return {"input": question} if question and self.offset is None else {"offset": self.begins}
        if ask == "mistakes":
            return {"limit": MISTAKES, **self.only}
        return {"input": question} if ask in OF_A_QUESTION else {}

    @property
    def begins(self) -> int | None:
        """How many values before the data's end the forecast begins: where nothing was asked, so that the truth is
        known."""
        if self.offset is None and not self.question:
            return self.ahead
        return self.offset

    def go_back(self, by: int) -> None:
        """Forecast from `by` horizons further back in the data."""
        self.offset = max((self.begins or 0) + by * self.ahead, 0)
        self.made.pop("forecast", None)

    def list_only(self, fields: dict[str, Any]) -> None:
        """List other wrong answers."""
        self.only = fields
        self.made.pop("mistakes", None)

    def make(self, ask: str, answer: dict[str, Any]) -> None:
        """Make the views of an answer."""
        if ask == "history":
            self.history = answer
        if ask == "forecast":
            self.ahead = max(len(answer["forecast"]), 1)
        makers: dict[str, Callable[[dict[str, Any]], list[Shown]]] = {
            "inspect": lambda answer: inside.views(answer, str(self.source.facts.get("answer", "class"))),
            "attention": lambda answer: [inside.attention(answer)],
            "gradient_norms": lambda answer: [inside.three_cells(answer)],
            "trajectory": lambda answer: [inside.trajectory(answer)],
            "evaluate": lambda answer: [whole.evaluation(answer, self.lists)],
            "accuracy_by_length": lambda answer: [whole.by_length(answer)],
            "mistakes": lambda answer: [whole.mistakes(answer, filter_words(self.only))],
            "calibration": lambda answer: [whole.calibration(answer)],
            "history": lambda answer: [learned.learned(answer, self.source.step)],
            "sample": lambda answer: [writing.sample(answer, self.temperature, self.top_k)],
            "loss_per_character": lambda answer: [writing.surprise(answer)],
            "forecast": lambda answer: writing.forecast(answer, self.begins),
        }
        self.made[ask] = makers[ask](answer)
