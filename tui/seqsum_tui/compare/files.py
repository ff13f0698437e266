"""Writing what a comparison shows to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqsum.errors import UserError
from seqsum.export.run_plot import OFFER
from seqsum_tui.compare.choosing import ComparesRuns
from seqsum_tui.compare.export import Chosen, offers, write_export
from seqsum_tui.compare.export_dialog import ExportScreen
from seqsum_tui.shared import display
from seqsum_tui.shared.paths import for_people
from seqsum_tui.shared.polling import in_thread

if TYPE_CHECKING:
    from seqsum.compare.files import Part, Shown


class ExportsComparison(ComparesRuns):
    """A comparison that can be written to files. Subclasses say which part of it is looked at."""

    @property
    def part(self) -> Part:
        """The part that is looked at."""
        raise NotImplementedError

    def copied(self) -> tuple[str, str] | None:
        """Return the table, or the settings that differ, as CSV."""
        from seqsum.compare.files import content

        shown = self.shown
        if shown is None:
            return None
        part: Part = "config" if self.part == "config" else "table"
        try:
            text = content(shown, part, "csv")[0].decode()
        except UserError:
            return None
        return "the settings that differ" if part == "config" else "the table", text

    def action_export(self) -> None:
        """Write what is shown to a file."""
        shown = self.shown
        if shown is not None:
            self.app.push_screen(ExportScreen(offers(self.part, shown.comparison.metric)), self._export)

    def _export(self, chosen: Chosen | None) -> None:
        shown = self.shown
        if chosen is not None and shown is not None:
            self.run_worker(self._write(shown, chosen), name="export", group="export")

    async def _write(self, shown: Shown, chosen: Chosen) -> None:
        try:
            size, messages = await in_thread(lambda: write_export(shown, chosen))
        except (UserError, OSError) as error:
            self.notify(display.literal(str(error)), title="Not exported", severity="error", markup=False)
            return
        place = display.literal(for_people(chosen.path))
        self.notify(f"{place}, {size:,} bytes", title="Exported", timeout=10, markup=False)
        for message in messages:
            if message != OFFER:
                self.notify(display.literal(message), title="Exported", severity="warning", timeout=15, markup=False)
