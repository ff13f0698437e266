"""What a draft changes of its preset, as a list: from here to a field, or back to the preset's value."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from seqsum import formatting
from seqsum_tui.dialogs.dialog import Dialog
from seqsum_tui.new_run.draft import RunDraft
from seqsum_tui.shared import dialog_keys, display

WIDEST_VALUE = 24


class ChangesScreen(Dialog[str]):
    """Closes with the path of the field to go to, or None. Takes changes back by itself."""

    CSS_PATH = "changes_dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = dialog_keys.CHANGES

    def __init__(self, draft: RunDraft) -> None:
        super().__init__()
        self._draft = draft

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(id="dialog") as box:
            box.border_title = Content(f"Changes to {display.literal(self._draft.preset.name)}")
            box.border_subtitle = "enter goes there · delete takes back · esc"
            yield Static(id="none")
            yield OptionList(id="changes", markup=False)

    def on_mount(self) -> None:
        """Begin at the first."""
        self._fill(0)
        self.query_one(OptionList).focus()

    def _fill(self, at: int) -> None:
        draft, listed = self._draft, self.query_one(OptionList)
        lines = [(path, display.literal(theirs) or "none", display.literal(mine) or "none")
                 for path, theirs, mine in draft.differences]  # fmt: skip
        name = max((cell_len(path) for path, _, _ in lines), default=0)
        before = min(max((cell_len(theirs) for _, theirs, _ in lines), default=0), WIDEST_VALUE)
        listed.clear_options()
        listed.add_options(
            [
                Option(
                    Content.assemble(
                        ("✗ " if path in draft.problems else "● ", "$text-accent"),
                        display.fit(path, name), "  ", (display.fit_right(theirs, before), "$foreground-muted"),
                        " → ", (mine, "bold"),
                    ),
                    id=path,
                )
                for path, theirs, mine in lines
            ]
        )  # fmt: skip
        if lines:
            listed.highlighted = min(at, len(lines) - 1)
        said = [] if lines else ["As the preset has it: nothing is changed."]
        if draft.kept_aside:
            said.append(f"{formatting.count(draft.kept_aside, 'change')} to fields that count with other choices only.")
        note = self.query_one("#none", Static)
        note.update(Content("\n".join(said)))
        note.display = bool(said)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go to the field."""
        self.dismiss(event.option_id)

    def action_reset(self) -> None:
        """Give the field under the cursor the preset's value."""
        listed = self.query_one(OptionList)
        if listed.highlighted is not None:
            at = listed.highlighted
            path = listed.get_option_at_index(at).id
            assert path is not None
            self._draft.reset(path)
            self._fill(at)
