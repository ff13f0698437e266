"""Attention as ribbons: what was read above, what was written below, and between them where each token looked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType

from seqsum import formatting
from seqsum_tui.charts.canvas import BRAILLE, Canvas
from seqsum_tui.charts.palette import wheel_colour
from seqsum_tui.charts.raster import pack
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.picture import Painting

WIDEST_TOKEN = 12
FARTHEST_APART = 8
"""Cells between the middles of two tokens, at most."""
FAINTEST = 0.05
"""Weights below this have no ribbon."""
WIDEST_RIBBON = 6
"""Dots across a ribbon of all the attention."""
ABOVE = 3
"""Lines above the ribbons: the words, the bars, what was read."""
BARS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Looks:
    """Attention weights [written][read]; each row sums to 1, NaN where it overflowed."""

    written: tuple[str, ...]
    read: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]

    def words(self, at: int) -> str:
        """Say what a written token looks at: all that it gives a twentieth or more, most first."""
        many = Counter(self.read)
        order = sorted(range(len(self.read)), key=lambda place: -self.weights[at][place])
        seen = [place for place in order if self.weights[at][place] >= FAINTEST]
        parts = []
        for place in seen:
            which = f" (no. {place + 1})" if many[self.read[place]] > 1 else ""
            parts.append(f"'{self.read[place]}'{which} {formatting.whole_percent(self.weights[at][place])}")
        return f"'{self.written[at]}' looks at {', '.join(parts) or 'nothing in particular'}"


class Ribbons(Painting[Looks], can_focus=True):
    """One token that was written is chosen: its ribbons stand out, and above what was read stand bars of its weights.

    Long lines are cut to a stretch round the chosen token, and round what it looks at most.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings.RIBBONS

    chosen = 0
    """Which of the written tokens."""

    def show(self, subject: Looks | None) -> None:
        """Show other weights; the choice stays as near to where it was as it can."""
        self.chosen = 0 if subject is None else min(self.chosen, len(subject.written) - 1)
        super().show(subject)

    def action_move(self, by: int) -> None:
        """Choose another token that was written."""
        if self.subject is not None:
            self.chosen = max(0, min(self.chosen + by, len(self.subject.written) - 1))
            super().show(self.subject)

    def on_click(self, event: events.Click) -> None:
        """Choose the token under the pointer."""
        if self.subject is not None:
            middles = self._lines(self.subject, self.size.width)[1].middles
            self.action_move(min(middles, key=lambda at: abs(middles[at] - event.x)) - self.chosen)

    def on_focus(self) -> None:
        """Show which token the keys are for, or not any more."""
        self.show(self.subject)

    on_blur = on_focus

    def legend(self, looks: Looks) -> Text:
        """Return what lines, bars and ribbons are."""
        dotted, least = ", of the others dotted" if self.plain else "", formatting.whole_percent(FAINTEST)
        return Text(
            f"top: read · bottom: written · a wider ribbon: a higher weight, none below {least}{dotted} · bars: "
            "the chosen one's weights, full is 100%"
        )

    def _lines(self, looks: Looks, width: int) -> tuple[Line, Line]:
        """Return where the tokens that were read and that were written stand."""
        most = max(range(len(looks.read)), key=lambda at: looks.weights[self.chosen][at], default=0)
        span = min(width, FARTHEST_APART * max(len(looks.read), len(looks.written)))
        return Line.of(looks.read, span, most), Line.of(looks.written, span, self.chosen)

    def paint(self, looks: Looks, canvas: Canvas) -> None:
        """Paint words, bars, tokens and ribbons."""
        height = canvas.height
        if not looks.written or not looks.read or height < 2:
            return
        above, below = self._lines(looks, canvas.width)
        weights = looks.weights[self.chosen]
        canvas.text(0, 0, display.fit(looks.words(self.chosen), canvas.width), self.ink(Style(bold=True)))
        if height > ABOVE + 1:
            chosen = self.ink(self._colour(self.chosen, 1.0))
            for at, middle in above.middles.items():
                bar = BARS[round(min(max(weights[at], 0.0), 1.0) * 8)] if weights[at] == weights[at] else "?"
                canvas.put(ABOVE - 2, round(middle), bar, chosen)
            above.write(canvas, ABOVE - 1, {at: self._seen(weights[at]) for at in above.middles}, self)
            self._paint_ribbons(looks, canvas, above, below)
        here = Style(reverse=True, bold=True) if self.has_focus else Style(underline=True, bold=True)
        styles = {at: self._colour(at, 1.0) + (here if at == self.chosen else Style()) for at in below.middles}
        below.write(canvas, height - 1, styles, self)

    def _seen(self, weight: float) -> Style:
        return self._colour(self.chosen, 1.0) + Style(bold=True) if weight >= FAINTEST else self.quiet

    def _colour(self, at: int, strength: float) -> Style:
        """Return the colour of a written token, mixed into the ground where its ribbon is weak."""
        count = len(self.subject.written) if self.subject is not None else 1
        colour = wheel_colour(at / count, self.app)
        if not self.plain:
            colour = self.background_colors[1].blend(colour, strength, alpha=1.0)
        return Style(color=colour.rich_color)

    def _paint_ribbons(self, looks: Looks, canvas: Canvas, above: Line, below: Line) -> None:
        """Paint the ribbons of the chosen token over those of the others; where several others cross, the strongest."""
        rows, columns = canvas.height - ABOVE - 1, canvas.width
        drawn = [
            (at == self.chosen, weight, at, place)
            for at in below.middles
            for place, weight in enumerate(looks.weights[at])
            if weight >= FAINTEST and place in above.middles
        ]
        for chosen, weight, at, place in sorted(drawn):
            dots = ribbon(below.middles[at], above.middles[place], weight, rows, columns)
            if self.plain and not chosen:
                dots[1::2] = False
            bits = pack(dots)
            ink = self.ink(self._colour(at, 1.0 if chosen else 0.2 + 0.4 * weight))
            cells = np.nonzero(bits)
            codes = canvas.codes[ABOVE : ABOVE + rows]
            same = canvas.inks[ABOVE : ABOVE + rows][cells] == ink
            before = np.where(same & (codes[cells] > BRAILLE), codes[cells] - np.uint32(BRAILLE), 0).astype(np.uint32)
            codes[cells] = (bits[cells] | before) + np.uint32(BRAILLE)
            canvas.inks[ABOVE : ABOVE + rows][cells] = ink


def ribbon(below: float, above: float, weight: float, rows: int, columns: int) -> np.ndarray:
    """Return the dots of a ribbon, bool[4 * rows, 2 * columns], from a cell column at the bottom to one at the top; it
    is `weight` of `WIDEST_RIBBON` dots wide, and one at least."""
    down = np.linspace(0.0, 1.0, 4 * rows + 1)
    middle = 2 * (above + (below - above) * down**2 * (3 - 2 * down)) + 1
    half = max(weight * WIDEST_RIBBON, 1.0) / 2
    left = np.minimum(middle[:-1], middle[1:]) - half
    right = np.maximum(middle[:-1], middle[1:]) + half
    dots = np.arange(2 * columns) + 0.5
    inside: np.ndarray = (dots >= left[:, None]) & (dots < right[:, None])
    return inside


@dataclass(frozen=True)
class Line:
    """Tokens in a row: the middle of each that is shown, in cells; how many cells each has; what is cut off."""

    tokens: tuple[str, ...]
    middles: dict[int, float]
    cells: int

    @classmethod
    def of(cls, tokens: tuple[str, ...], width: int, focus: int) -> Line:
        """Spread tokens over a width; where there are too many, show those round one of them."""
        least = min(max(map(cell_len, tokens), default=1), WIDEST_TOKEN)
        least += least > 1
        shown = max(min(len(tokens), (width - 2) // least), 1)
        first = max(min(focus - shown // 2, len(tokens) - shown), 0)
        apart = (width - 2) / shown
        middles = {first + place: 1 + (place + 0.5) * apart - 0.5 for place in range(shown)}
        return cls(tokens, middles, max(int(apart), 1))

    def write(self, canvas: Canvas, row: int, styles: dict[int, Style], inks: Ribbons) -> None:
        """Write the tokens, and signs where there are more."""
        for at, middle in self.middles.items():
            name = self.tokens[at]
            text = display.fit(name, min(cell_len(name), max(self.cells - 1, 1)))
            canvas.text(row, round(middle - (cell_len(text) - 1) / 2), text, inks.ink(styles[at]))
        first, last = min(self.middles), max(self.middles)
        if first > 0:
            canvas.put(row, 0, "‹", inks.ink(inks.quiet))
        if last + 1 < len(self.tokens):
            canvas.put(row, canvas.width - 1, "›", inks.ink(inks.quiet))
