"""Numbers, times and statuses in words, the same on every screen. Light: imported before the first paint."""

from __future__ import annotations

import math
import unicodedata
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from seqsum.errors import printable


class Status(NamedTuple):
    """How a status is shown: a sign and a word, so that colour is never alone; `colour` is a style of the theme."""

    sign: str
    word: str
    colour: str

    @property
    def text(self) -> str:
        return f"{self.sign} {self.word}"


STATUSES = {
    "queued": Status("…", "queued", "$foreground 70%"),
    "starting": Status("○", "starting", "$text-primary"),
    "running": Status("●", "running", "$text-primary"),
    "paused": Status("‖", "paused", "$text-warning"),
    "stopped": Status("■", "stopped", "$foreground 70%"),
    "finished": Status("✓", "finished", "$text-success"),
    "failed": Status("✗", "failed", "$text-error"),
    "died": Status("†", "died", "$text-error"),
}


def status(name: str) -> Status:
    """Return how a status is shown; one from a newer version keeps its own word."""
    return STATUSES.get(name) or Status("?", name, "$foreground 70%")


def literal(text: str) -> str:
    """Return `text` on one line, with everything that could steer a terminal made visible."""
    return unicodedata.normalize("NFC", printable(text.replace("\n", " ").replace("\t", " ")))


def fit(text: str, width: int) -> str:
    """Return `text` in exactly `width` cells, with an ellipsis where it was cut; wide characters count as two."""
    if cell_len(text) <= width:
        return text + " " * (width - cell_len(text))
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def fit_right(text: str, width: int) -> str:
    """Return `text` at the right end of exactly `width` cells."""
    return " " * max(0, width - cell_len(text)) + text if cell_len(text) <= width else fit(text, width)


def duration(seconds: float | None) -> str:
    """Return a length of time in at most two units: 12s, 3m20s, 2h05m, 1d06h; `–` for None."""
    if seconds is None:
        return "–"
    rest = max(0, int(seconds))
    if rest < 60:
        return f"{rest}s"
    if rest < 3600:
        return f"{rest // 60}m{rest % 60:02}s"
    if rest < 86_400:
        return f"{rest // 3600}h{rest % 3600 // 60:02}m"
    return f"{rest // 86_400}d{rest % 86_400 // 3600:02}h"


def age(seconds: float) -> str:
    """Return how long ago something was, in one unit: 12s, 3m, 2h, 5d."""
    rest = max(0, int(seconds))
    for size, letter in ((86_400, "d"), (3600, "h"), (60, "m")):
        if rest >= size:
            return f"{rest // size}{letter}"
    return f"{rest}s"


def metric(value: float | None) -> str:
    """Return a metric in at most 7 cells: 2.3026, 12.35, 1.2e-05, NaN, +∞; `–` for None."""
    if value is None:
        return "–"
    size = abs(value)
    if value != value:
        return "NaN"
    if size == math.inf:
        return "+∞" if value > 0 else "-∞"
    if size >= 1e5 or 0 < size < 1e-3:
        return f"{value:.1e}"
    return f"{value:.4f}"[: 6 + (value < 0)].rstrip(".")


def percent(share: float | None) -> str:
    """Return a share as a percentage, rounded down, so that only what is whole says 100%."""
    if share is None:
        return "–"
    if not math.isfinite(share):
        return metric(share)
    # The small addend undoes what binary fractions lose: 0.974 * 1000 is 973.9999….
    tenths = int(share * 1000 + 1e-9)
    return "100%" if tenths >= 1000 else f"{tenths // 10}.{tenths % 10}%"


def learning_rate(value: float | None) -> str:
    """Return a learning rate with three significant digits: 0.001, 0.000733, 5e-05."""
    return "–" if value is None else f"{value:.3g}"


def resumes(saved: bool) -> str:
    """What resuming a run does, when it has a checkpoint and when it has none."""
    return "resumes it from its newest checkpoint" if saved else "runs it again from its first step"


def speed(steps_per_second: float) -> str:
    """Return a speed: 840/s, 8.3k/s; `–` when none is known."""
    if steps_per_second <= 0:
        return "–"
    if steps_per_second >= 10_000:
        return f"{steps_per_second / 1000:.0f}k/s"
    if steps_per_second >= 1000:
        return f"{steps_per_second / 1000:.1f}k/s"
    return f"{steps_per_second:.0f}/s" if steps_per_second >= 10 else f"{steps_per_second:.1f}/s"


def count(number: int, thing: str) -> str:
    """Return `1 run`, `3 runs`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def bar(share: float, width: int) -> tuple[str, str]:
    """Return the done and the open part of a progress bar of `width` cells; only what is whole fills it."""
    if width <= 0:
        return "", ""
    full = int(min(max(share, 0.0), 1.0) * width + 1e-9)
    return "━" * full, "╌" * (width - full)
