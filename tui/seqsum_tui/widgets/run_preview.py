"""What the list tells of the run under its cursor: its curves, what it is about or why it ended, and how to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from seqsum_tui import words
from seqsum_tui.actions import RESUMABLE

if TYPE_CHECKING:
    from seqsum_tui.reading import Preview

LOG_LINES = 5


class RunPreview(Horizontal):
    """Words on the left, curves on the right when the screen is wide enough. Charts come after the first paint."""

    DEFAULT_CSS = """
    RunPreview {
        border-top: solid $foreground 20%;
        & > VerticalScroll { width: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
        & > Horizontal { width: 1.3fr; padding-left: 1; }
        & > Horizontal > Chart { margin-right: 1; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[Preview | None, bool] = (None, False)

    def compose(self) -> ComposeResult:
        """Make the words' place; the curves' place stays empty until there are any."""
        with VerticalScroll(can_focus=False):
            yield Static(id="preview-words")
        yield Horizontal(id="preview-curves")

    def show(self, preview: Preview | None) -> None:
        """Show this run; nothing is painted when nothing changed."""
        curves = self.query_one("#preview-curves").display
        if preview is self._shown[0] and curves == self._shown[1]:
            return
        self._shown = preview, curves
        self.query_one("#preview-words", Static).update("" if preview is None else describe(preview))
        if preview is not None and curves:
            self._show_curves(preview)

    def _show_curves(self, preview: Preview) -> None:
        # Charts need numpy, which the first paint does not wait for.
        from seqsum_tui.charts import Chart
        from seqsum_tui.widgets.curves import panel_series

        place = self.query_one("#preview-curves", Horizontal)
        charts = {chart.id: chart for chart in place.query(Chart)}
        if not charts:
            made = [
                Chart("loss", id="preview-loss", x_name="step"),
                Chart("accuracy", id="preview-accuracy", x_name="step", y_limits=(0.0, 1.0)),
            ]
            for chart in made:
                chart.can_focus = False
            place.mount(*made)
            charts = {chart.id: chart for chart in made}
        for index, (id, panel) in enumerate(zip(("loss", "accuracy"), preview.panels, strict=True)):
            chart = charts[f"preview-{id}"]
            chart.title = panel.title
            chart.set_y_limits(*((0.0, 1.0) if panel.share else (None, None)))
            chart.set_series(panel_series(panel, preview.curves, index))


def describe(preview: Preview) -> Content:
    """Return the run in words, the most urgent first."""
    run = preview.summary
    status = words.status(run.status)
    lines: list[Content] = [
        Content.assemble(
            (words.literal(run.name), "bold"), "  ", (status.text, status.colour), "  ",
            (run.id, "$foreground 50%"),
        )
    ]  # fmt: skip
    if run.reason:
        lines.append(Content.styled(words.literal(run.reason), status.colour))
    lines.extend(Content.styled("│ " + words.literal(line), "$foreground 70%") for line in preview.log[-LOG_LINES:])
    if run.status in RESUMABLE:
        lines.append(Content.assemble(("r", "bold $accent"), " resumes it from its newest checkpoint."))
    elif run.status == "paused":
        lines.append(
            Content.assemble(("p", "bold $accent"), " continues, ", ("x", "bold $accent"), " saves and stops.")
        )
    changed = ", ".join(f"{path} {theirs}→{mine}" for path, (mine, theirs) in preview.differences.items())
    if changed:
        lines.append(Content.assemble(("changed: ", "$foreground 60%"), words.literal(changed)))
    if preview.title:
        lines.append(Content.styled(preview.title, "bold $foreground 80%"))
        lines.append(Content.styled(preview.description, "$foreground 80%"))
        lines.append(Content.assemble(("Look for: ", "bold $foreground 60%"), (preview.look_for, "$foreground 60%")))
    return Content("\n").join(lines)
