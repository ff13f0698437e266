"""Statuses, cells and bars, the same on every screen. Light: imported before the first paint."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from seqsum.errors import UserError, untold
from seqsum.text import shown

if TYPE_CHECKING:
    from seqsum.runs import Summary


class Status(NamedTuple):
    """How a status is shown: a sign and a word, so that colour is never alone; `colour` is a style of the theme."""

    sign: str
    word: str
    colour: str

    @property
    def text(self) -> str:
        return f"{self.sign} {self.word}"


STATUSES = {
    "queued": Status("…", "queued", "$foreground-muted"),
    "starting": Status("○", "starting", "$text-primary"),
    "running": Status("●", "running", "$text-primary"),
    "paused": Status("‖", "paused", "$text-warning"),
    "suspended": Status("¦", "suspended", "$text-warning"),
    "stopped": Status("■", "stopped", "$foreground-muted"),
    "finished": Status("◉", "finished", "$foreground-muted"),
    "failed": Status("✗", "failed", "$text-error"),
    "died": Status("†", "died", "$text-error"),
    "unreadable": Status("!", "unreadable", "$text-error"),
}


BADGE = "bold $background on $primary"
"""The style of what a screen is about, at the left end of its first line."""
CHOSEN_TAB, OTHER_TAB = "bold $background on $accent", "$foreground-muted"


def tabs(names: Iterable[str], chosen: int) -> Content:
    """Return tabs side by side, each with an empty cell before its name and two after it."""
    parts: list[str | tuple[str, str]] = []
    for place, name in enumerate(names):
        parts += [(f" {name} ", CHOSEN_TAB if place == chosen else OTHER_TAB), " "]
    return Content.assemble(*parts)


VERDICTS = {
    "learned": Status("✓", "learned", "$text-success"),
    "learning": Status("↗", "learning", "$text-primary"),
    "plateau": Status("―", "plateau", "$foreground-muted"),
    "too short": Status("·", "too short", "$foreground-muted"),
    "unstable": Status("≈", "unstable", "$text-warning"),
    "overfits": Status("△", "overfits", "$text-warning"),
    "at chance": Status("?", "at chance", "$text-warning"),
    "collapsed": Status("▼", "collapsed", "$text-error"),
    "diverged": Status("∞", "diverged", "$text-error"),
}


def verdict(run: Summary) -> Status | None:
    """Return how the verdict on a run is shown; None while there is none."""
    return VERDICTS[run.verdict.word] if run.verdict else None


def status(name: str) -> Status:
    """Return how a status is shown; one from a newer version keeps its own word."""
    return STATUSES.get(name) or Status("?", name, "$foreground-muted")


def steps(run: Summary) -> str:
    """Return how many steps a run is to make, `?` where its record does not say."""
    return f"{run.steps:,}" if run.steps else "?"


def step(run: Summary) -> str:
    """Return at which step a run is, `?` where its files do not say."""
    return f"{run.step:,}" if run.step_known else "?"


literal = shown
"""`text` on one line, with everything that could steer a terminal made visible."""


def literal_lines(text: str) -> str:
    """Return a text literally, on as many lines as it has."""
    return "\n".join(literal(line) for line in text.expandtabs(4).split("\n"))


def token(text: str) -> str:
    """Return a token literally, the white space it begins with as signs: a space as ␣, the end of a line as ⏎."""
    rest = text.lstrip(" \n")
    return text[: len(text) - len(rest)].replace(" ", "␣").replace("\n", "⏎") + literal(rest)


def wrong(text: str) -> Content:
    """Return a sentence about what went wrong, literally, with its sign and in its colour."""
    return Content.styled(f"✗ {literal(sentence(text))}", "$text-error")


def told(error: BaseException) -> str:
    """Return what a screen says of an error: nobody has typed a command in it."""
    return error.in_form if isinstance(error, UserError) else str(error)


def sentence(text: str) -> str:
    """Return what an error says without the word that shells are told where it comes from."""
    said = untold(text)
    return said if said == text else f"{said[:1].upper()}{said[1:]}"


def fit(text: str, width: int) -> str:
    """Return `text` in exactly `width` cells, with an ellipsis where it was cut; wide characters count as two."""
    if cell_len(text) <= width:
        return text + " " * (width - cell_len(text))
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def fit_right(text: str, width: int) -> str:
    """Return `text` at the right end of exactly `width` cells."""
    return " " * max(0, width - cell_len(text)) + text if cell_len(text) <= width else fit(text, width)


def resumes(saved: bool) -> str:
    """What resuming a run does, when it has a checkpoint and when it has none."""
    return "resumes it from its newest checkpoint" if saved else "runs it again from its first step"


def bar(share: float | None, width: int) -> tuple[str, str]:
    """Return the done and the open part of a progress bar of `width` cells; only what is whole fills it, and where
    nobody knows the share there is none."""
    if width <= 0 or share is None:
        return "", " " * width
    full = int(min(max(share, 0.0), 1.0) * width + 1e-9)
    return "━" * full, "╌" * (width - full)
