"""What needs little height, such as the learning rate, as one line under the charts, where it has no chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from textual.content import Content

from seqsum import formatting
from seqsum_tui.charts.canvas import BRAILLE
from seqsum_tui.charts.palette import SIGNS, series_colour
from seqsum_tui.charts.raster import View, draw_line, pack
from seqsum_tui.shared.fitted_text import FittedText

if TYPE_CHECKING:
    from seqsum.runs import Buckets
    from seqsum_tui.shared.metric_panels import Panel

SHORTEST = 12
SIGN = SIGNS[3]


class SlimLine(FittedText):
    """A title, the first value, a curve of one line of braille, and the newest value at its end."""

    DEFAULT_CSS = """
    SlimLine { display: none; height: 1; padding: 0 1; text-wrap: nowrap; }
    """

    def show(self, panel: Panel | None, curve: Buckets | None, ends: tuple[float, float], newest: float | None) -> None:
        """Show a panel's curve over `ends` of x; nothing where there is none, or where it never changes."""
        values = np.zeros(0) if curve is None else curve.mean[np.isfinite(curve.mean)]
        changes = panel is not None and len(set(values.tolist())) > 1
        if self.display != changes:
            self.display = changes
        if not changes or panel is None or curve is None:
            return
        first, now = (formatting.metric(panel.names[0], value) for value in (float(values[0]), newest))
        width = self.screen.size.width - 2 - len(f"{panel.title} {first}  {SIGN} {now}")
        if width < SHORTEST:
            self.put(Content(f"{panel.title} {first} → {now}"))
            return
        view = View(*ends, min(float(values.min()), 0.0), float(values.max()), width, 1)
        bits = pack(draw_line(curve.x, curve.mean, view).dots)[0]
        line = "".join(chr(BRAILLE + int(one)) if one else " " for one in bits).rstrip()
        ink = series_colour(0, self.app).css
        self.put(
            Content.assemble(
                (f"{panel.title} ", "bold"), (f"{first} ", "$foreground-muted"), (line, ink), (SIGN, f"bold {ink}"),
                (f" {now}", "bold"),
            )
        )  # fmt: skip
