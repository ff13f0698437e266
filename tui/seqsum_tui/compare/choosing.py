"""What one chooses from lists while runs are compared: metric, setting, and further runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from seqsum.compare.files import scatter_field, scatter_fields
from seqsum.errors import UserError
from seqsum_tui.dialogs.choose import Choice, ChooseScreen
from seqsum_tui.shared import display
from seqsum_tui.shared.command_palette import Command
from seqsum_tui.shared.context import ConsoleScreen
from seqsum_tui.shared.polling import in_thread

if TYPE_CHECKING:
    from seqsum.compare import Comparison
    from seqsum.compare.files import Shown
    from seqsum.runs import Summary


class ComparesRuns(ConsoleScreen[None]):
    """A screen that compares runs. Subclasses say which, and do what is chosen."""

    # What subclasses give

    @property
    def comparison(self) -> Comparison | None:
        """The last reading."""
        raise NotImplementedError

    @property
    def shown(self) -> Shown | None:
        """Everything that decides what is seen."""
        raise NotImplementedError

    @property
    def compared_ids(self) -> Sequence[str]:
        """The runs that are compared, also those not read yet."""
        raise NotImplementedError

    def compare_metric(self, metric: str) -> None:
        """Compare this metric."""
        raise NotImplementedError

    def scatter_over(self, field: str) -> None:
        """Show the scatter over a setting."""
        raise NotImplementedError

    def compare_runs(self, ids: Sequence[str]) -> None:
        """Compare these runs instead."""
        raise NotImplementedError

    # Choosing

    def action_metric(self, direction: int) -> None:
        """Compare the next metric."""
        comparison = self.comparison
        if comparison is not None and comparison.metrics:
            metrics = comparison.metrics
            place = metrics.index(comparison.metric) if comparison.metric in metrics else -direction
            self.compare_metric(metrics[(place + direction) % len(metrics)])

    def action_choose_metric(self) -> None:
        """Choose the metric from a list."""
        if self.comparison is None:
            return

        def chosen(keys: list[str] | None) -> None:
            if keys:
                self.compare_metric(keys[0])

        choices = [Choice(name, name) for name in self.comparison.metrics]
        self.app.push_screen(ChooseScreen("Metric", choices, current=self.comparison.metric), chosen)

    @property
    def fields(self) -> list[str]:
        """The settings in which the runs that are shown differ, the most telling first."""
        shown = self.shown
        return [] if shown is None else scatter_fields([run for run, _ in shown.runs])

    def action_field(self, direction: int) -> None:
        """Scatter over the next setting."""
        fields, shown = self.fields, self.shown
        if fields and shown is not None:
            now = scatter_field(shown)
            place = fields.index(now) if now in fields else -1
            self.scatter_over(fields[(place + direction) % len(fields)])

    def action_choose_field(self) -> None:
        """Choose the scatter's setting from a list."""

        def chosen(keys: list[str] | None) -> None:
            if keys:
                self.scatter_over(keys[0])

        choices = [Choice(path, path) for path in self.fields]
        self.app.push_screen(ChooseScreen("Setting", choices, current=None), chosen)

    def action_add(self) -> None:
        """Choose runs to add."""
        self.run_worker(self._choose_runs(), name="runs to add", group="choose", exclusive=True)

    async def _choose_runs(self) -> None:
        try:
            found = await in_thread(self.console.workspace.summaries)
        except (UserError, OSError) as error:
            self.notify(
                display.literal(str(error)), title="The workspace can't be read", severity="error", markup=False
            )
            return
        runs = [run for run in found if run.id not in self.compared_ids]
        if not self.is_current:
            return
        if not runs:
            self.notify("There is no other run in this workspace; n in the list of runs starts one.", markup=False)
            return

        def chosen(keys: list[str] | None) -> None:
            if keys:
                self.compare_runs([*self.compared_ids, *keys])

        choices = [Choice(run.id, run.name, _detail(run)) for run in runs]
        self.app.push_screen(ChooseScreen("Add runs to the comparison", choices, several=True), chosen)

    def extra_commands(self) -> Iterator[Command]:
        """Offer every metric and every setting to the command palette."""
        if self.comparison is None:
            return
        for metric in self.comparison.metrics:
            yield Command(f"Compare {metric}", f"Show {metric} of every run", partial(self.compare_metric, metric))
        for path in self.fields:
            name = f"Scatter over {path}"
            yield Command(name, "A point for each run", partial(self.scatter_over, path))


def _detail(run: Summary) -> str:
    group = f", group {run.group}" if run.group else ""
    return f"{display.status(run.status).word}, {run.preset}{group}, {run.id}"
