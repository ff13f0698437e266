"""What the screen's tests look at."""

from __future__ import annotations

import re
from typing import Any

from textual.strip import Strip
from textual.widgets._toast import Toast

from seqsum_tui.runs.screen import RunsScreen


def screen_text(app: Any) -> str:
    """Return what the screen in front shows, line by line."""
    return "\n".join(strip.text for strip in screen_strips(app))


def screen_words(app: Any) -> str:
    """Return what the screen in front says as one line, borders left out: where a sentence is broken follows from the
    paths in it."""
    return " ".join(re.sub("[│┃▌▐▊▎]", " ", screen_text(app)).split())


def screen_strips(app: Any) -> list[Strip]:
    """Return the lines of the screen in front as the terminal gets them."""
    strips: list[Strip] = app.screen._compositor.render_strips(app.size)
    return strips


def listed(app: Any) -> bool:
    """Tell whether the list of runs is in front and was read: its first line is in hand, or it says there is none."""
    screen = app.screen
    return isinstance(screen, RunsScreen) and (screen.line_in_hand() is not None or screen.has_class("-empty"))


def toasts(app: Any) -> list[str]:
    """Return the messages that stand over the screen in front, each with its title; needs `notifications`."""
    return [str(toast.render()) for toast in app.screen.query(Toast)]
