"""A dialog: take a run back to a checkpoint. Says first what goes, and where it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static

from seqsum import formatting
from seqsum.control.fork_rewind import check_rewind
from seqsum.errors import UserError
from seqsum_tui.dialogs.checkpoint_list import CheckpointDialog
from seqsum_tui.dialogs.dialog import buttons
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.key_words import key_ink
from seqsum_tui.shared.polling import in_thread

if TYPE_CHECKING:
    from seqsum.runs import Run, Summary
    from seqsum_tui.dialogs.checkpoints import Saved


class RewindScreen(CheckpointDialog[int]):
    """Closes with the step to go back to, or None.

    Args:
        summary: how the run stands.
        saved: all of its checkpoints; some of them before the step where it stands.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings.REWIND

    def __init__(
        self, run: Run, summary: Summary, saved: Sequence[Saved], now: float, chosen: int | None = None
    ) -> None:
        super().__init__(run, earlier_than(summary.step, saved), now, chosen)
        self._summary, self._all = summary, tuple(saved)

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(id="dialog") as box:
            box.border_title = Content(f"Rewind {display.literal(self._summary.name)}: back to a checkpoint")
            yield self._list
            yield Static(id="outcome")
            yield from buttons("Rewind", "warning", keys="↑↓ checkpoint · enter twice rewinds")

    def on_mount(self) -> None:
        """Begin in the list."""
        self._list.focus()
        self.call_after_refresh(self._tell)

    def offered(self, summary: Summary, saved: tuple[Saved, ...]) -> tuple[Saved, ...]:
        """Those before where the run stands by now."""
        self._summary, self._all = summary, saved
        self.call_after_refresh(self._tell)
        return earlier_than(summary.step, saved)

    @on(OptionList.OptionHighlighted)
    def _tell(self) -> None:
        """Say what would happen."""
        run, step = self._summary, self.step
        later = sum(1 for one in self._all if one.step > step)
        kept = f"{formatting.count(later, 'later checkpoint')} and all" if later else "all"
        lines = [
            Content.assemble(
                "From step ", (f"{run.step:,}", "bold"), " back to ", (f"{step:,}", "bold"),
                f". Kept aside in the run's folder: {kept} that was written after it, changed values included. ",
                key_ink(self.app, "run.resume"), " then goes on from there.",
            )
        ]  # fmt: skip
        if run.live:
            lines.append(Content.styled("The run is stopped first.", "$text-warning"))
        self.outcome(Content("\n").join(lines), possible=True)
        self._check(step)

    @work(group="check", exclusive=True)
    async def _check(self, step: int) -> None:
        try:
            await in_thread(lambda: check_rewind(self._run, step))
        except UserError as error:
            if self.focused is self.query_one("#accept"):
                self._list.focus()
            self.outcome(display.wrong(error.in_form), possible=False)

    @on(OptionList.OptionSelected)
    def _to_button(self) -> None:
        self.query_one("#accept").focus()

    def action_accept(self) -> None:
        """Close with the checkpoint under the cursor."""
        self.dismiss(self.step)


def earlier_than(step: int, saved: Sequence[Saved]) -> tuple[Saved, ...]:
    """Return the checkpoints that a run at `step` can go back to."""
    return tuple(one for one in saved if one.step < step)
