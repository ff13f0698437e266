"""Pictures of cells, with lines below them that say what their colours, figures and signs mean."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip
from textual.widget import Widget

from seqsum_tui.charts.canvas import Canvas

Subject = TypeVar("Subject")


class Picture(Widget, Generic[Subject]):
    """Draws line by line, and its legend in the last lines: three of them, fewer where there is little room."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"picture--quiet"}
    DEFAULT_CSS = """
    Picture {
        height: 1fr; color: $foreground;
        & > .picture--quiet { color: $foreground-muted; }
    }
    """

    subject: Subject | None = None
    """What is shown."""
    _legend: tuple[Text, ...] = ()
    _legend_for: object = None

    def show(self, subject: Subject | None) -> None:
        """Show something else."""
        self.subject = subject
        self.refresh()

    def legend(self, subject: Subject) -> Text:
        """Return what the signs mean, most important first."""
        raise NotImplementedError

    def draw(self, subject: Subject, y: int) -> list[Segment]:
        """Return one line of the picture."""
        raise NotImplementedError

    @property
    def plain(self) -> bool:
        """Whether there are no colours to shade with, so that signs alone must tell."""
        return self.app.no_color or self.app.native_ansi_color

    @property
    def quiet(self) -> Style:
        """The style of what explains."""
        return self.get_component_rich_style("picture--quiet")

    @property
    def most_legend(self) -> int:
        """How many lines the legend may have."""
        height = self.size.height
        return 0 if height < 5 else 1 if height < 10 else 2 if height < 15 else 3

    @property
    def rows(self) -> int:
        """How many lines are left for the picture."""
        return self.size.height - len(self._legend_lines())

    @property
    def drawn(self) -> int:
        """How many lines the picture takes; its legend follows them."""
        return self.rows

    def _legend_lines(self) -> tuple[Text, ...]:
        legend_for = self.size, self.app.theme, self.subject
        if self._legend_for != legend_for:
            self._legend_for, most, width = legend_for, self.most_legend, max(self.size.width, 1)
            subject = self.subject if most else None
            lines = [] if subject is None else list(self.legend(subject).wrap(self.app.console, width))
            if len(lines) > most:
                lines[most - 1] = Text(" ").join(lines[most - 1 :])
                lines[most - 1].truncate(width, overflow="ellipsis")
            self._legend = tuple(lines[:most])
        return self._legend

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width, ground = self.size.width, self.rich_style
        if self.subject is None:
            return Strip.blank(width, ground)
        legend, quiet = self._legend_lines(), self.quiet
        at, segments = y - self.drawn, []
        if at < 0:
            segments = self.draw(self.subject, y)
        elif at < len(legend):
            parts = legend[at].render(self.app.console)
            segments = [Segment(part.text, quiet + (part.style or Style())) for part in parts]
        return Strip(segments).adjust_cell_length(width, ground).crop(0, width)


class Painting(Picture[Subject]):
    """A picture of cells that is painted as a whole."""

    _canvas: Canvas | None = None
    _inks: tuple[Style, ...] = ()
    _painted_for: object = None

    def show(self, subject: Subject | None) -> None:
        """Show something else."""
        self._painted_for = None
        super().show(subject)

    def paint(self, subject: Subject, canvas: Canvas) -> None:
        """Paint the picture."""
        raise NotImplementedError

    def ink(self, style: Style) -> int:
        """Return the number of a style on the canvas."""
        if style not in self._inks:
            self._inks += (style,)
        return self._inks.index(style)

    def draw(self, subject: Subject, y: int) -> list[Segment]:
        """Return one line of the picture, which is painted once for all of them."""
        painted_for = self.size, self.background_colors, self.app.theme
        if self._painted_for != painted_for or self._canvas is None:
            self._painted_for = painted_for
            self._inks = (self.rich_style,)
            self._canvas = Canvas(self.size.width, max(self.rows, 0))
            self.paint(subject, self._canvas)
        return list(self._canvas.strip([self.rich_style + ink for ink in self._inks], y))
