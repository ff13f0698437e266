"""What widgets tell their screen; the screen decides."""

from __future__ import annotations

from textual.message import Message


class RunHighlighted(Message):
    """The cursor of the list of runs stands on another line, a run or a group (None: the list is empty)."""

    def __init__(self, key: str | None) -> None:
        super().__init__()
        self.key = key


class RunChosen(Message):
    """A person chose a run from the list."""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id


class GroupChosen(Message):
    """A person chose a group of runs from the list, by its key."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class RunsMarked(Message):
    """The marks of the list of runs changed."""


class ColumnChosen(Message):
    """A person clicked on the title of a column."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class FilterTyped(Message):
    """What stands in the filter's box changed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class FilterLeft(Message):
    """A person is done with the filter's box; `cleared`: and wants no filter any more."""

    def __init__(self, cleared: bool) -> None:
        super().__init__()
        self.cleared = cleared


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


class ChartLooksChanged(Message):
    """A person gave a chart a logarithmic or linear y axis, or the charts another smoothing."""

    def __init__(self, title: str, log_y: bool, smoothing: float) -> None:
        super().__init__()
        self.title = title
        self.log_y = log_y
        self.smoothing = smoothing


class ChartsLaidOut(Message):
    """The charts of the live view have other sizes or other places now."""
