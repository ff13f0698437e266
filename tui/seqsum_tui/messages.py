"""What widgets tell their screen; the screen decides."""

from __future__ import annotations

from textual.message import Message


class RunHighlighted(Message):
    """The cursor of the list of runs stands on another run (None: the list is empty)."""

    def __init__(self, run_id: str | None) -> None:
        super().__init__()
        self.run_id = run_id


class RunChosen(Message):
    """A person chose a run from the list."""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id


class QuestionAsked(Message):
    """A person typed a question for the model, to be answered with this temperature where it goes on writing."""

    def __init__(self, text: str, temperature: float | None = None) -> None:
        super().__init__()
        self.text = text
        self.temperature = temperature


class ChartChosen(Message):
    """A person asked for one chart in full (its place), or for all (None)."""

    def __init__(self, place: int | None) -> None:
        super().__init__()
        self.place = place
