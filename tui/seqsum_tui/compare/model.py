"""What the keys do to the rows of a comparison: which are drawn, in what order, and what they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqsum.compare import rows_of
from seqsum_tui.compare.choosing import ComparesRuns
from seqsum_tui.compare.table import CompareTable

if TYPE_CHECKING:
    from seqsum.compare import Comparison, Row
    from seqsum.compare.rows import XKind


class ArrangesRows(ComparesRuns):
    """A comparison whose rows a person hides, unfolds, orders and takes out. Subclasses show them."""

    def __init__(self, baseline: str | None) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self._hidden: set[str] = set()
        self._unfolded: set[str] = set()
        self._baseline = baseline
        self._best_first = False

    # What subclasses give

    def show_again(self) -> None:
        """Show the comparison as it is asked for now."""
        raise NotImplementedError

    # The rows

    def make_rows(self, comparison: Comparison, at: float | None, x: XKind) -> Sequence[Row]:
        """Make the rows as they are asked for, with their values at `at`."""
        self._rows = rows_of(
            comparison,
            unfolded=self._unfolded,
            hidden=self._hidden,
            baseline=self._baseline,
            at=at,
            x=x,
            best_first=self._best_first,
        )
        return self._rows

    @property
    def chosen_row(self) -> Row | None:
        """The row under the cursor."""
        return self.query_one(CompareTable).selected

    @property
    def has_groups(self) -> bool:
        """Whether there is a group to unfold."""
        return any(row.kind != "run" for row in self._rows)

    # What the keys do

    def action_baseline(self) -> None:
        """Differences are from the row under the cursor."""
        row = self.chosen_row
        if row is not None:
            self._baseline = row.key
            self.show_again()

    def action_hide(self) -> None:
        """Hide the row under the cursor, or show it again."""
        row = self.chosen_row
        if row is not None:
            self._toggle(row.key)

    def action_only(self) -> None:
        """Hide all rows but the one under the cursor and the baseline; again, show all."""
        row = self.chosen_row
        if row is not None:
            others = {other.key for other in self._rows if other.key != row.key and not other.baseline}
            self._hidden = set() if self._hidden == others else others
            self.show_again()

    def on_compare_table_toggled(self, message: CompareTable.Toggled) -> None:
        """Hide or show the row whose sign was clicked."""
        self._toggle(message.key)

    def _toggle(self, key: str) -> None:
        self._hidden ^= {key}
        self.show_again()

    def action_unfold(self) -> None:
        """Show the runs of a group, or fold them again."""
        row = self.chosen_row
        if row is None or row.kind == "run":
            return
        group = f"group:{row.runs[0].summary.group}"
        self._unfolded ^= {group}
        self.show_again()
        self.query_one(CompareTable).select(group)
        self.show_again()

    def action_order(self) -> None:
        """Best rows first, or in the order they were made."""
        self._best_first = not self._best_first
        self.show_again()

    def action_remove(self) -> None:
        """Take the row under the cursor out of the comparison."""
        row = self.chosen_row
        if row is not None:
            gone = {run.id for run in row.runs}
            self.compare_runs([id for id in self.compared_ids if id not in gone])
