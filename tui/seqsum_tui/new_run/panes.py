"""The two sides of New run: the presets with their search, and the settings with theirs."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from seqsum.formatting import count
from seqsum.presets import Preset
from seqsum.text import printable
from seqsum_tui.new_run.draft import RunDraft
from seqsum_tui.new_run.form import ConfigForm
from seqsum_tui.new_run.preset_list import PresetDetail, PresetList
from seqsum_tui.new_run.rows import CHANGED, WRONG
from seqsum_tui.shared.field_editors import LineInput
from seqsum_tui.shared.fitted_text import FittedText


class PresetPane(Vertical):
    """The list of presets, what is searched for in it, and the description of the chosen one."""

    def __init__(self, presets: Sequence[Preset], chosen: Preset) -> None:
        super().__init__(id="presets")
        self._presets, self._chosen = presets, chosen
        self.border_title = "Presets"

    def compose(self) -> ComposeResult:
        with Vertical(id="choices"):
            yield FittedText(id="search")
            yield PresetList(self._presets, self._chosen, id="preset-list")
        yield PresetDetail(self._chosen, id="preset-detail")

    def on_mount(self) -> None:
        self._show_search("", len(self._presets))

    @property
    def list(self) -> PresetList:
        """The presets."""
        return self.query_one(PresetList)

    @property
    def detail(self) -> PresetDetail:
        """What is said of the chosen one."""
        return self.query_one(PresetDetail)

    def take(self, presets: Sequence[Preset], chosen: Preset) -> None:
        """Show other presets, after one was saved."""
        self._presets = presets
        self.list.take(presets, chosen)
        self.detail.show(chosen)

    @on(PresetList.Searched)
    def _searched(self, event: PresetList.Searched) -> None:
        self._show_search(event.text, event.found)

    def _show_search(self, text: str, found: int) -> None:
        words = f"⌕ {text}▏ {found} of {len(self._presets)}" if text else "⌕ type to search"
        if text and not found:
            words = f"⌕ {text}▏ none; backspace takes back"
        self.query_one("#search", FittedText).put(printable(words))


class SettingsPane(Vertical):
    """The form, and the line that finds a field in it."""

    def __init__(self, draft: RunDraft) -> None:
        super().__init__(id="settings")
        self._draft = draft
        self.border_title = "Settings"

    def compose(self) -> ComposeResult:
        yield LineInput(placeholder="find a field: part of its name or help", compact=True, id="find")
        yield ConfigForm(self._draft, id="form")

    @property
    def form(self) -> ConfigForm:
        """The fields."""
        return self.query_one(ConfigForm)

    @property
    def find(self) -> Input:
        """The line that finds a field."""
        return self.query_one("#find", Input)

    @property
    def finding(self) -> bool:
        """Whether the line that finds is shown and the focus is on this side."""
        return self.find.has_class("-shown") and self.has_focus_within

    @property
    def state(self) -> str:
        """How many changes the draft has, or errors, which come first."""
        draft = self._draft
        if draft.problems:
            return f"{WRONG} {count(len(draft.problems), 'error')}"
        return f"{CHANGED} {count(len(draft.changes), 'change')}" if draft.changes else ""

    def refresh_state(self) -> None:
        """Say in the border what is changed."""
        draft = self._draft
        aside = f" · {draft.kept_aside} kept for other choices" if draft.kept_aside else ""
        changed = f"{CHANGED} {count(len(draft.changes), 'change')}" if draft.changes else "as the preset has them"
        self.border_subtitle = Content(printable(f"{draft.preset.name}: {changed}{aside}"))

    def open_find(self) -> None:
        """Show the line that finds, and give it the keys."""
        self.find.add_class("-shown")
        # Not `focus`, which waits for a refresh: keys typed right after belong here.
        self.screen.set_focus(self.find)

    def close_find(self) -> None:
        """Hide the line that finds; all fields are shown again."""
        self.find.value = ""
        self.find.remove_class("-shown")
        self.form.look_for("")

    @on(Input.Changed, "#find")
    def _find_changed(self, event: Input.Changed) -> None:
        self.form.look_for(event.value)

    @on(Input.Submitted, "#find")
    def _find_done(self, event: Input.Submitted) -> None:
        # What changed last may be told later than this.
        self.form.look_for(event.value)
        self.form.focus_found()
