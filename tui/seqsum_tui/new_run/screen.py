"""A new run: choose a preset, change what you like, start."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.launch import Launcher
from seqsum.runs import Workspace
from seqsum.schema import FieldFacts
from seqsum.text import printable
from seqsum_tui.new_run.draft import RunDraft, read_presets
from seqsum_tui.new_run.estimate_line import EstimateLine
from seqsum_tui.new_run.field_help import field_help, find_help, name_help, presets_help, seeds_help, start_help
from seqsum_tui.new_run.form import CHANGED, WRONG, ConfigForm
from seqsum_tui.new_run.keys import IN_PRESETS, IN_SETTINGS, KEYS
from seqsum_tui.new_run.preset_list import PresetDetail, PresetList
from seqsum_tui.new_run.start_bar import StartBar, count
from seqsum_tui.new_run.starter import NewRunStarting
from seqsum_tui.shared.display import literal
from seqsum_tui.shared.field_editors import LineInput
from seqsum_tui.shared.fitted_text import FittedText
from seqsum_tui.shared.key_line import KeyLine

WIDE = 100
TITLE = "New run"


class NewRunScreen(NewRunStarting):
    """Presets on one side, the form on the other; on a small terminal one after the other.

    Closes with the started run, or with None when the person leaves, or when what was queued is yet to begin.

    Args:
        workspace: where the run is made.
        launcher: what starts its worker.
        preset: what it begins from: a name, or the path of a file.
        config: an earlier run's configuration to begin with, shown as changes to its preset; the form comes first then.
        title: what the screen is called.
    """

    CSS_PATH = "screen.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-medium"), (WIDE, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (24, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = KEYS
    HELP_TITLE = "New run"
    HELP_KEYS = [("The whole screen", KEYS), ("Presets", IN_PRESETS), ("Settings", IN_SETTINGS)]  # noqa: RUF012

    def __init__(
        self,
        workspace: Workspace,
        launcher: Launcher,
        preset: str | None = None,
        config: Config | None = None,
        title: str = TITLE,
    ) -> None:
        super().__init__()
        self._workspace = workspace
        self._launcher = launcher
        self._title = title
        self._settings_first = config is not None
        self._presets, chosen, self._complaint = read_presets(preset)
        if self._complaint and config is not None:
            self._complaint += f"; what the run sets is shown as changes to {chosen.name}"
        self.draft = RunDraft(chosen, config)
        if preset is not None and preset.endswith(".toml"):
            self.draft.files = {Path(preset).stem: preset}
        self._warned = False
        self._key_state: tuple[bool | None, ...] = ()

    def compose(self) -> ComposeResult:
        with Horizontal(id="head"):
            yield Static(Content(literal(self._title)), id="title")
            yield FittedText(id="presets-tab", classes="tab")
            yield FittedText(id="settings-tab", classes="tab")
            yield Static("1 choose a preset   2 change what you like   3 start", id="steps")
            yield Static("F2 other side", id="switch-hint")
        with Horizontal(id="body"):
            with Vertical(id="presets"):
                with Vertical(id="choices"):
                    yield FittedText(id="search")
                    yield PresetList(self._presets, self.draft.preset, id="preset-list")
                yield PresetDetail(self.draft.preset, id="preset-detail")
            with Vertical(id="settings"):
                yield LineInput(placeholder="find a field: part of its name or help", compact=True, id="find")
                yield ConfigForm(self.draft, id="form")
        yield FittedText(id="help", wraps=True)
        yield StartBar(id="start-bar")
        yield KeyLine()

    def on_mount(self) -> None:
        # What a worker has to load, it loads while the form is filled in.
        self.call_after_refresh(lambda: threading.Thread(target=self._launcher.warm, daemon=True).start())
        estimate = self.query_one(EstimateLine)
        estimate.workspace = self._workspace
        with suppress(UserError):
            # Refused when a run is started, with its reason.
            estimate.side_by_side = max(self._launcher.capacity(), 1)
        self.query_one("#presets").border_title = "Presets"
        self.query_one("#settings").border_title = "Settings"
        self._show_search("", len(self._presets))
        self._refresh()
        if self._settings_first:
            self._to_settings()
        else:
            self.query_one(PresetList).focus()
            self.call_after_refresh(self._preset_described)
        if self._complaint:
            self._say(self._complaint, bad=True)

    # What is shown ----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        draft, bar = self.draft, self.query_one(StartBar)
        changed = f"{CHANGED} {count(len(draft.changes), 'change')}" if draft.changes else ""
        errors = f"{WRONG} {count(len(draft.problems), 'error')}" if draft.problems else ""
        aside = f" · {draft.kept_aside} kept for other choices" if draft.kept_aside else ""
        self._put("#presets-tab", f" 1 Preset: {printable(draft.preset.name)} ")
        self._put("#settings-tab", f" 2 Settings{': ' if errors or changed else ''}{errors or changed} ")
        subtitle = f"{draft.preset.name}: {changed or 'as the preset has them'}{aside}"
        self.query_one("#settings").border_subtitle = Content(printable(subtitle))
        bar.show(draft, self._workspace.folder, self._starting)
        self._refresh_keys()

    def _refresh_keys(self) -> None:
        state = tuple(self.check_action(action, ()) for action in ("reset_field", "reset_all", "next_error"))
        if state != self._key_state:
            self._key_state = state
            self.refresh_bindings()

    def _put(self, selector: str, content: Content | str) -> None:
        self.query_one(selector, FittedText).put(content)

    def _help_field(self, facts: FieldFacts) -> None:
        draft, path = self.draft, facts.path
        self._put("#help", field_help(facts, draft.choices(facts), draft.preset_text(path), draft.note(path)))

    def _help_presets(self) -> None:
        self._put("#help", presets_help(self.query_one(PresetDetail).max_scroll_y > 0))

    def _show_search(self, text: str, found: int) -> None:
        words = f"⌕ {text}▏ {found} of {len(self._presets)}" if text else "⌕ type to search"
        if text and not found:
            words = f"⌕ {text}▏ none; backspace takes back"
        self._put("#search", printable(words))

    def _say(self, text: str, bad: bool = False) -> None:
        self.query_one(StartBar).say(text, bad)

    # What happens ------------------------------------------------------------------------------------------------

    @on(PresetList.Chosen)
    def _preset_chosen(self, event: PresetList.Chosen) -> None:
        self.draft.choose(event.preset)
        self.query_one(PresetDetail).show(event.preset)
        self.query_one(ConfigForm).refresh_all()
        self._changed()
        self.call_after_refresh(self._preset_described)

    def _preset_described(self) -> None:
        if self.query_one(PresetList).has_focus:
            self._help_presets()

    @on(PresetList.Accepted)
    def _preset_accepted(self) -> None:
        self.add_class("-settings")
        self.set_focus(self.query_one("#start"))

    @on(PresetList.Searched)
    def _preset_searched(self, event: PresetList.Searched) -> None:
        self._show_search(event.text, event.found)

    @on(ConfigForm.Changed)
    def _config_changed(self) -> None:
        self._changed()

    @on(ConfigForm.FieldFocused)
    def _field_focused(self, event: ConfigForm.FieldFocused) -> None:
        self._help_field(event.facts)

    @on(StartBar.NameChanged)
    def _name_changed(self, event: StartBar.NameChanged) -> None:
        self.draft.name = event.name
        self._changed()
        self._help_name()

    @on(StartBar.SeedsChanged)
    def _seeds_changed(self, event: StartBar.SeedsChanged) -> None:
        if event.text == self.draft.seeds_typed:
            return  # what stood there when the line was made
        self.draft.seeds_typed = event.text
        self._changed()
        self._help_seeds()

    @on(StartBar.Asked)
    async def _asked(self, event: StartBar.Asked) -> None:
        await self.run_action(event.action)

    def _changed(self) -> None:
        self._warned = False
        self._say("")
        self._refresh()
        row = self.query_one(ConfigForm).current
        if row is not None:
            self._help_field(row.facts)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        widget = event.widget
        # Not :focus-within, which has every field of the form styled again at each move of the cursor.
        for pane in self.query("#presets, #settings"):
            pane.set_class(pane in widget.ancestors, "-active")
        self.set_class(self.query_one("#settings") in widget.ancestors, "-filling")
        if self._warned:
            self._warned = False
            self._say("")
        if widget.id == "preset-list":
            self.remove_class("-settings")
            self._help_presets()
        elif widget.id == "start":
            self._put("#help", start_help())
        elif widget.id == "name":
            self._help_name()
        elif widget.id == "seeds":
            self._help_seeds()
        elif widget.id == "find":
            self.add_class("-settings")
            self._put("#help", find_help())
        else:
            self.add_class("-settings")
        self._refresh_keys()

    def _help_name(self) -> None:
        self._put("#help", name_help(self.draft.name_problem))

    def _help_seeds(self) -> None:
        self._put("#help", seeds_help(self.draft.seeds_problem))

    # Keys ----------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return True
        if action == "reset_field":
            row = self.query_one(ConfigForm).current
            return row is not None and row.has_class("-changed")
        if action == "reset_all":
            return bool(self.draft.changes or self._dropped)
        if action == "next_error":
            return bool(self.draft.wrong)
        return True

    def action_leave(self) -> None:
        if self._starting:
            return
        presets = self.query_one(PresetList)
        if self.query_one("#find").has_class("-shown") and self.query_one("#settings").has_focus_within:
            self._close_find()
        elif presets.query_text and presets.has_focus:
            presets.search("")
        elif not self.has_class("-wide") and self.has_class("-settings"):
            self._to_presets()
        elif (self.draft.touched or self.draft.name.strip()) and not self._warned:
            self._warned = True
            parts = [count(self.draft.touched, "change")] if self.draft.touched else []
            parts += ["the name"] if self.draft.name.strip() else []
            self._say(f"escape again leaves, and drops {' and '.join(parts)}")
        else:
            self.dismiss(None)
