"""Where the keys go in New run: between presets, settings, the search for a field, and the start."""

from __future__ import annotations

from collections.abc import Callable

from textual import events, on
from textual.screen import Screen
from textual.widgets import Input

from seqsum.runs import Run
from seqsum_tui.new_run.draft import RunDraft
from seqsum_tui.new_run.form import ConfigForm
from seqsum_tui.new_run.preset_list import PresetDetail, PresetList


class NewRunMoves(Screen[Run | None]):
    """The part of New run that moves the focus. On a narrow screen the side with the focus is the one shown."""

    draft: RunDraft

    async def on_key(self, event: events.Key) -> None:
        focused = self.focused
        where = focused.id if focused is not None else None
        form = self.query_one(ConfigForm)
        moves: dict[tuple[str, str], Callable[[], object]] = {
            ("preset-list", "tab"): self._to_settings,
            ("preset-list", "right"): self._to_settings,
            ("preset-list", "shift+tab"): self._to_start,
            ("preset-list", "pagedown"): self.query_one(PresetDetail).action_page_down,
            ("preset-list", "pageup"): self.query_one(PresetDetail).action_page_up,
            ("start", "up"): self._to_settings,
            ("start", "left"): self._to_seeds,
            ("name", "up"): self._to_settings,
            ("name", "down"): self._to_start,
            ("seeds", "up"): self._to_settings,
            ("seeds", "down"): self._to_start,
            ("find", "down"): form.focus_found,
        }
        move = moves.get((where or "", event.key))
        if move is None and event.key == "shift+tab" and form.current is not None and form.current is form.rows[0]:
            move = self._to_presets
        if move is not None:
            event.stop()
            event.prevent_default()
            move()

    def _to_settings(self) -> None:
        self.add_class("-settings")
        self.query_one(ConfigForm).focus_field()

    def _to_start(self) -> None:
        self.set_focus(self.query_one("#start"))

    def _to_seeds(self) -> None:
        self.set_focus(self.query_one("#seeds"))

    def action_switch(self) -> None:
        if self.query_one("#presets").has_focus_within:
            self._to_settings()
        else:
            self._to_presets()

    def _to_presets(self) -> None:
        self.remove_class("-settings")
        self.set_focus(self.query_one(PresetList))

    def action_find(self) -> None:
        find = self.query_one("#find", Input)
        find.add_class("-shown")
        self.add_class("-settings")
        # Not `focus`, which waits for a refresh: keys typed right after belong here.
        self.set_focus(find)

    def _close_find(self) -> None:
        find = self.query_one("#find", Input)
        find.value = ""
        find.remove_class("-shown")
        self.query_one(ConfigForm).look_for("")
        self._to_settings()

    @on(ConfigForm.Left)
    def _form_left(self, event: ConfigForm.Left) -> None:
        if event.direction > 0:
            self.query_one("#name").focus()
        elif self.query_one("#find").display:
            self.query_one("#find").focus()

    @on(Input.Changed, "#find")
    def _find_changed(self, event: Input.Changed) -> None:
        self.query_one(ConfigForm).look_for(event.value)

    @on(Input.Submitted, "#find")
    def _find_done(self) -> None:
        self.query_one(ConfigForm).focus_found()

    def on_click(self, event: events.Click) -> None:
        if event.widget is None:
            return
        if event.widget.id == "presets-tab":
            self._to_presets()
        elif event.widget.id == "settings-tab":
            self._to_settings()

    def action_next_error(self) -> None:
        form = self.query_one(ConfigForm)
        wrong = [path for path in self.draft.problems if form.row(path) is not None]
        here = form.current.facts.path if form.current is not None else ""
        if wrong:
            self.query_one("#find", Input).value = ""
            path = wrong[(wrong.index(here) + 1) % len(wrong)] if here in wrong else wrong[0]
            self.add_class("-settings")
            form.focus_field(path)
        elif self.draft.name_problem is not None:
            self.set_focus(self.query_one("#name"))
        elif self.draft.seeds_problem is not None:
            self.set_focus(self.query_one("#seeds"))
