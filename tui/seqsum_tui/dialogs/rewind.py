"""A dialog: take a run back to a checkpoint. Says first what goes, and where it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, OptionList, Static

from seqsum import formatting
from seqsum.control.fork_rewind import check_rewind
from seqsum.errors import UserError
from seqsum_tui.dialogs.checkpoint_list import CheckpointList
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.context import Dialog
from seqsum_tui.shared.polling import in_thread

if TYPE_CHECKING:
    from seqsum.runs import Run, Summary
    from seqsum_tui.dialogs.checkpoints import Saved


class RewindScreen(Dialog[int | None]):
    """Closes with the step to go back to, or None.

    Args:
        run: the run.
        summary: how it stands.
        saved: its checkpoints, the newest first; some of them before the step where it stands.
        now: the time, for ages.
        chosen: the step under the cursor at first.
    """

    CSS_PATH = "rewind.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings.REWIND

    def __init__(
        self, run: Run, summary: Summary, saved: Sequence[Saved], now: float, chosen: int | None = None
    ) -> None:
        super().__init__()
        self._run, self._summary, self._all = run, summary, tuple(saved)
        self._saved = earlier_than(summary.step, saved)
        self._now, self._chosen = now, chosen

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(id="dialog") as box:
            box.border_title = Content(f"Rewind {display.literal(self._summary.name)}: back to a checkpoint")
            yield CheckpointList(self._saved, self._now, self._chosen)
            yield Static(id="outcome")
            with Horizontal(id="buttons"):
                yield Static("↑↓ checkpoint · enter twice rewinds", id="keys")
                yield Button("Rewind", variant="warning", id="rewind", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one(CheckpointList).focus()
        self.call_after_refresh(self._tell)

    @property
    def step(self) -> int:
        """The checkpoint under the cursor."""
        step = self.query_one(CheckpointList).step
        assert step is not None
        return step

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
                ("r", "bold $text-accent"), " then goes on from there.",
            )
        ]  # fmt: skip
        if run.live:
            lines.append(Content.styled("The run is stopped first.", "$text-warning"))
        self.query_one("#outcome", Static).update(Content("\n").join(lines))
        self.query_one("#rewind", Button).disabled = False
        self._check(step)

    @work(group="check", exclusive=True)
    async def _check(self, step: int) -> None:
        try:
            await in_thread(lambda: check_rewind(self._run, step))
        except UserError as error:
            text = display.literal(str(error).removeprefix("rewind: "))
            self.query_one("#outcome", Static).update(Content.styled(f"✗ {text}", "$text-error"))
            button = self.query_one("#rewind", Button)
            if button.has_focus:
                self.query_one(CheckpointList).focus()
            button.disabled = True

    def action_move(self, lines: int) -> None:
        """Choose an older or newer checkpoint."""
        self.query_one(CheckpointList).move(lines)

    @on(OptionList.OptionSelected)
    def _to_button(self) -> None:
        self.query_one("#rewind", Button).focus()

    @on(Button.Pressed, "#rewind")
    def action_accept(self) -> None:
        """Close with the checkpoint under the cursor."""
        self.dismiss(self.step)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Close, and leave the run as it is."""
        self.dismiss(None)


def earlier_than(step: int, saved: Sequence[Saved]) -> tuple[Saved, ...]:
    """Return the checkpoints that a run at `step` can go back to."""
    return tuple(one for one in saved if one.step < step)
