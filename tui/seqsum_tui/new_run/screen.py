"""A new run: choose a preset, change what you like, start."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.export import write
from seqsum.formatting import count
from seqsum.launch import Launcher
from seqsum.presets.own import is_own_preset
from seqsum.runs import Run, Workspace
from seqsum.schema import FieldFacts
from seqsum.sweeps.definition import names
from seqsum.sweeps.file import file_text
from seqsum.text import printable
from seqsum_tui.dialogs.text_input import LineScreen
from seqsum_tui.new_run.changes_dialog import ChangesScreen
from seqsum_tui.new_run.draft import RunDraft, read_presets
from seqsum_tui.new_run.estimate_line import EstimateLine
from seqsum_tui.new_run.field_help import (
    field_help,
    find_help,
    fold_help,
    name_help,
    presets_help,
    seeds_help,
    start_help,
    trials_help,
)
from seqsum_tui.new_run.form import ConfigForm, about
from seqsum_tui.new_run.keys import IN_PRESETS, IN_SETTINGS, KEYS
from seqsum_tui.new_run.panes import PresetPane, SettingsPane
from seqsum_tui.new_run.preset_list import PresetList
from seqsum_tui.new_run.save_preset_dialog import SavePresetScreen
from seqsum_tui.new_run.start_bar import StartBar
from seqsum_tui.new_run.starter import Refused, Started, Starter, Swept
from seqsum_tui.shared.context import ConsoleScreen
from seqsum_tui.shared.display import literal
from seqsum_tui.shared.field_editors import choices_of
from seqsum_tui.shared.fitted_text import FittedText
from seqsum_tui.shared.key_line import KeyLine
from seqsum_tui.shared.paths import default_folder, for_people, free_path, new_file
from seqsum_tui.shared.polling import in_thread

WIDE = 100
TITLE = "New run"
LAYOUT = "new_run"
EXAMPLES = {"int": "8,16,32, or 8..64", "float": "0.001,0.01,0.1, or 1e-4..1e-1:log"}
"""Several values of a field of that kind."""


class NewRunScreen(ConsoleScreen[Run | None]):
    """Presets on one side, the form on the other; on a small terminal one after the other.

    Closes with the started run, or with None when the person leaves, or when what was queued is yet to begin.

    Args:
        workspace: where the run is made.
        launcher: what starts its worker.
        preset: what it begins from: a name, or the path of a file.
        config: an earlier run's configuration to begin with, shown as changes to its preset; the form comes first then.
        title: what the screen is called.
    """

    CSS_PATH = ["screen.tcss", "../shared/field_editors.tcss"]  # noqa: RUF012
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
        self._starter = Starter(workspace, launcher)
        self._title = title
        self._settings_first = config is not None
        presets, chosen, self._complaint = read_presets(preset)
        if self._complaint and config is not None:
            self._complaint += f"; what the run sets is shown as changes to {chosen.name}"
        self.draft = RunDraft(chosen, config)
        if preset is not None and preset.endswith(".toml"):
            self.draft.files = {Path(preset).stem: preset}
        self.queued: Run | None = None
        """The run that was queued, of several the first."""
        self._presets, self._settings = PresetPane(presets, chosen), SettingsPane(self.draft)
        self._starting = False
        self._done: Started | None = None
        self._swept: str | None = None
        self._dropped: dict[str, str] = {}
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
            yield self._presets
            yield self._settings
        yield FittedText(id="help", wraps=True)
        yield StartBar(id="start-bar")
        yield KeyLine()

    def on_mount(self) -> None:
        # What a worker has to load, it loads while the form is filled in.
        self.call_after_refresh(lambda: threading.Thread(target=self._starter.launcher.warm, daemon=True).start())
        unfolded = self.console.layout(LAYOUT).get("unfolded")
        self._settings.form.unfold(map(str, unfolded) if isinstance(unfolded, list) else ())
        estimate = self.query_one(EstimateLine)
        estimate.workspace = self._starter.workspace
        with suppress(UserError):
            # Refused when a run is started, with its reason.
            estimate.side_by_side = max(self._starter.launcher.capacity(), 1)
        self._refresh()
        if self._settings_first:
            self._to_settings()
        else:
            self._presets.list.focus()
            self.call_after_refresh(self._preset_described)
        if self._complaint:
            self._say(self._complaint, bad=True)

    # What is shown ----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        state = self._settings.state
        if self.draft.sweeps and not self.has_class("-sweep"):
            self._learn_names()
        self.set_class(self.draft.sweeps, "-sweep")
        self._put("#presets-tab", f" 1 Preset: {printable(self.draft.preset.name)} ")
        self._put("#settings-tab", f" 2 Settings{': ' if state else ''}{state} ")
        self._settings.refresh_state()
        self.query_one(StartBar).show(self.draft, self._starter.workspace.folder, self._starting)
        self._refresh_keys()

    @work(group="names", exclusive=True)
    async def _learn_names(self) -> None:
        """Find out which names of sweeps are taken."""
        with suppress(UserError):
            self.draft.taken = frozenset(await in_thread(lambda: names(self._starter.workspace)))
        if self.is_attached:
            self._refresh()

    def _refresh_keys(self) -> None:
        state = tuple(self.check_action(action, ()) for action in ("reset_field", "reset_all", "next_error", "sweep"))
        if state != self._key_state:
            self._key_state = state
            self.refresh_bindings()

    def _put(self, selector: str, content: Content | str) -> None:
        self.query_one(selector, FittedText).put(content)

    def _help_field(self, facts: FieldFacts) -> None:
        draft, path = self.draft, facts.path
        # The line over a section can't be gone to: its first field explains it.
        first = next(one for one in draft.fields if one.section == facts.section)
        above = about(getattr(draft.base, facts.section)) if first == facts else ""
        self._put("#help", field_help(facts, draft.preset_text(path), draft.note(path), above))

    def _help_presets(self) -> None:
        self._put("#help", presets_help(self._presets.detail.max_scroll_y > 0, self.draft.sweeps))

    def _say(self, text: str, bad: bool = False) -> None:
        self.query_one(StartBar).say(text, bad)

    # What happens ------------------------------------------------------------------------------------------------

    @on(PresetList.Chosen)
    def _preset_chosen(self, event: PresetList.Chosen) -> None:
        self.draft.choose(event.preset)
        self._presets.detail.show(event.preset)
        self._settings.form.refresh_all()
        self._changed()
        self.call_after_refresh(self._preset_described)

    def _preset_described(self) -> None:
        if self._presets.list.has_focus:
            self._help_presets()

    @on(PresetList.Accepted)
    def _preset_accepted(self) -> None:
        self.add_class("-settings")
        self.set_focus(self.query_one("#start"))

    @on(ConfigForm.FieldFocused)
    def _field_focused(self, event: ConfigForm.FieldFocused) -> None:
        self._help_field(event.facts)

    @on(ConfigForm.FoldFocused)
    def _fold_focused(self, event: ConfigForm.FoldFocused) -> None:
        self._put("#help", fold_help(event.section))

    @on(ConfigForm.Folded)
    def _folded(self, event: ConfigForm.Folded) -> None:
        self.console.keep_layout(LAYOUT, {"unfolded": event.unfolded})

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

    @on(StartBar.TrialsChanged)
    def _trials_changed(self, event: StartBar.TrialsChanged) -> None:
        if event.text == self.draft.trials_typed:
            return
        self.draft.trials_typed = event.text
        self._changed()
        self._help_trials()

    @on(StartBar.Asked)
    async def _asked(self, event: StartBar.Asked) -> None:
        await self.run_action(event.action)

    @on(ConfigForm.Changed)
    def _changed(self) -> None:
        self._warned = False
        self._say("")
        self._refresh()
        row = self._settings.form.current
        if row is not None:
            self._help_field(row.facts)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        widget = event.widget
        # Not :focus-within, which has every field of the form styled again at each move of the cursor.
        for pane in (self._presets, self._settings):
            pane.set_class(pane in widget.ancestors, "-active")
        self.set_class(self._settings in widget.ancestors, "-filling")
        if self._warned:
            self._warned = False
            self._say("")
        if widget.id == "preset-list":
            self.remove_class("-settings")
            self._help_presets()
        elif widget.id == "start":
            self._put("#help", start_help(self.draft.sweeps))
        elif widget.id == "name":
            self._help_name()
        elif widget.id == "seeds":
            self._help_seeds()
        elif widget.id == "trials":
            self._help_trials()
        elif widget.id == "find":
            self.add_class("-settings")
            self._put("#help", find_help())
        else:
            self.add_class("-settings")
        self._refresh_keys()

    def _help_name(self) -> None:
        self._put("#help", name_help(self.draft.name_problem, self.draft.called if self.draft.sweeps else ""))

    def _help_seeds(self) -> None:
        self._put("#help", seeds_help(self.draft.seeds_problem, self.draft.sweeps))

    def _help_trials(self) -> None:
        self._put("#help", trials_help(self.draft.trials_problem))

    # Keys ----------------------------------------------------------------------------------------------------------

    @property
    def takes_keys(self) -> bool:
        """They wait while the cursor is on its way to a row that is being made."""
        return self.is_mounted and self._settings.form.settled and super().takes_keys

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if not self.is_mounted:
            return None
        if action in ("start", "queue", "sweep"):
            if action == "queue" and self.draft.sweeps:
                return "A sweep's runs wait for free workers by themselves."
            # One key has both meanings: that which does not count now has nothing to say.
            return "" if self.draft.sweeps != (action == "sweep") else None
        if action == "reset_field":
            row = self._settings.form.current
            return None if row is not None and row.has_class("-changed") else "The cursor is on no changed field."
        if action == "several":
            row = self._settings.form.current
            if row is None:
                return "The cursor is on no field."
            return self.draft.may_be_several(row.facts.path)
        if action == "reset_all":
            return None if self.draft.changes or self._dropped else "Nothing is changed."
        if action == "next_error":
            return None if self.draft.wrong else "There is no error."
        return None

    def action_leave(self) -> None:
        if self._starting:
            return
        presets = self._presets.list
        if self._settings.finding:
            self._settings.close_find()
            self._to_settings()
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

    # Where the keys go; on a narrow screen the side with the focus is the one shown ------------------------------

    def on_key(self, event: events.Key) -> None:
        focused = self.focused
        where = focused.id if focused is not None else None
        form, detail = self._settings.form, self._presets.detail
        moves: dict[tuple[str, str], Callable[[], object]] = {
            ("preset-list", "tab"): self._to_settings,
            ("preset-list", "right"): self._to_settings,
            ("preset-list", "shift+tab"): self._to_start,
            ("preset-list", "pagedown"): detail.action_page_down,
            ("preset-list", "pageup"): detail.action_page_up,
            ("start", "up"): self._to_settings,
            ("start", "left"): self._to_seeds,
            ("name", "up"): self._to_settings,
            ("name", "down"): self._to_start,
            ("seeds", "up"): self._to_settings,
            ("seeds", "down"): self._to_start,
            ("trials", "up"): self._to_settings,
            ("trials", "down"): self._to_start,
            ("find", "down"): form.focus_found,
        }
        move = moves.get((where or "", event.key))
        if move is None and event.key == "shift+tab" and form.stop is not None and form.stop is form.stops[0]:
            move = self._to_presets
        if move is not None:
            event.stop()
            event.prevent_default()
            move()

    def _to_settings(self) -> None:
        self.add_class("-settings")
        self._settings.form.focus_field()

    def _to_start(self) -> None:
        self.set_focus(self.query_one("#start"))

    def _to_seeds(self) -> None:
        self.set_focus(self.query_one("#seeds"))

    def action_switch(self) -> None:
        if self._presets.has_focus_within:
            self._to_settings()
        else:
            self._to_presets()

    def _to_presets(self) -> None:
        self.remove_class("-settings")
        self.set_focus(self._presets.list)

    def action_unfold_all(self) -> None:
        self.add_class("-settings")
        self._settings.form.action_unfold_all()

    def action_find(self) -> None:
        self.add_class("-settings")
        self._settings.open_find()

    @on(ConfigForm.Left)
    def _form_left(self, event: ConfigForm.Left) -> None:
        if event.direction > 0:
            self.query_one("#name").focus()
        elif self._settings.find.display:
            self._settings.find.focus()

    def on_click(self, event: events.Click) -> None:
        if event.widget is None:
            return
        if event.widget.id == "presets-tab":
            self._to_presets()
        elif event.widget.id == "settings-tab":
            self._to_settings()

    def action_next_error(self) -> None:
        form = self._settings.form
        wrong = [path for path in self.draft.problems if form.row(path) is not None]
        here = form.current.facts.path if form.current is not None else ""
        if wrong:
            self._settings.find.value = ""
            path = wrong[(wrong.index(here) + 1) % len(wrong)] if here in wrong else wrong[0]
            self.add_class("-settings")
            form.focus_field(path)
        elif self.draft.name_problem is not None:
            self.set_focus(self.query_one("#name"))
        elif self.draft.seeds_problem is not None:
            self.set_focus(self.query_one("#seeds"))
        elif self.draft.endless:
            self.set_focus(self.query_one("#trials"))
        elif self.draft.trials_problem is not None:
            self._say(self.draft.trials_problem, bad=True)

    # All changes ----------------------------------------------------------------------------------------------------

    def action_reset_field(self) -> None:
        self._settings.form.reset_field()

    def action_reset_all(self) -> None:
        if self.draft.changes:
            self._dropped = self.draft.reset_all()
            said = f"{count(len(self._dropped), 'change')} dropped; F6 again brings them back"
        else:
            self.draft.restore(self._dropped)
            self._dropped, said = {}, ""
        self._settings.form.refresh_all()
        self._changed()
        self._say(said)

    def action_several(self) -> None:
        """Ask for several values of the field under the cursor, for a sweep."""
        row = self._settings.form.current
        if row is None:
            self._say("Several values are for a setting: → goes to the settings, then the same key asks for them")
            return
        facts, draft = row.facts, self.draft
        choices = ("off", "on") if facts.kind == "bool" else choices_of(facts)
        numbers = facts.kind in ("int", "float")
        example = ",".join(choices[:3]) if choices else EXAMPLES.get(facts.kind, "")
        hint = (
            f"A list of values{', or a range' if numbers else ''}: each setting is tried with every seed, as a sweep."
        )

        def meaning(text: str) -> str:
            draft.read_several(facts.path, text)
            return text

        def taken(text: str | None) -> None:
            if text is not None:
                draft.take_several(facts.path, text)
                self._settings.form.refresh_all()
                self._changed()

        value = ",".join(choices) if choices and not draft.is_several(facts.path) else draft.text(facts.path)
        screen = LineScreen(
            f"Several values of {facts.path}", meaning, hint, value=value, placeholder=example, done="takes them",
            at_once=True,
        )  # fmt: skip
        self.app.push_screen(screen, taken)

    def action_changes(self) -> None:
        def chosen(path: str | None) -> None:
            self._settings.form.refresh_all()
            self._changed()
            if path is not None:
                self.add_class("-settings")
                self._settings.form.focus_field(path)

        self.app.push_screen(ChangesScreen(self.draft), chosen)

    def action_save_preset(self) -> None:
        config = self.draft.config
        if config is None:
            self.action_next_error()
            self._say(f"{count(len(self.draft.problems), 'error')} to put right before it can be saved", bad=True)
            return
        if self.draft.sweeps:
            self._save_sweep()
            return
        preset = self.draft.preset
        yours = preset.name not in self.draft.files and is_own_preset(preset.name)
        self.app.push_screen(SavePresetScreen(config, preset, yours), self._preset_saved)

    def _save_sweep(self) -> None:
        """Ask for the file that the sweep is to be kept in."""
        folder, draft = default_folder(), self.draft
        screen = LineScreen(
            "Save the sweep as a file", lambda line: new_file(folder, line, "toml"),
            "The file says what the sweep goes over, and seqsum sweep runs it.",
            value=for_people(free_path(folder, draft.name.strip() or draft.called, "toml")), done="writes it",
        )  # fmt: skip

        def chosen(path: Path | None) -> None:
            if path is not None:
                self._write_sweep(path, file_text(draft.sweep_file))

        self.app.push_screen(screen, chosen)

    @work(group="save")
    async def _write_sweep(self, path: Path, text: str) -> None:
        try:
            await in_thread(lambda: write(path, text.encode()))
        except UserError as error:
            self._say(error.in_form, bad=True)
        else:
            self._say(f"saved: {self.draft.file_command(path, self._starter.workspace.folder)} runs it")

    def _preset_saved(self, name: str | None) -> None:
        if name is None:
            return
        presets, chosen, complaint = read_presets(name)
        if complaint:
            self._say(complaint, bad=True)
            return
        self._presets.take(presets, chosen)
        self.draft.choose(chosen)
        self._settings.form.refresh_all()
        self._changed()
        self._say(f"saved: the preset {chosen.name}, in this list and for seqsum train {chosen.name}")

    def action_copy(self) -> None:
        if self.draft.wrong:
            self._say(f"{count(self.draft.wrong, 'error')} to put right before the command can be copied", bad=True)
            return
        self.app.copy_to_clipboard(self.draft.command(self._starter.workspace.folder))
        self._say("the command line is copied; no clipboard here? settings (key ,) can have a file instead")

    # Starting -------------------------------------------------------------------------------------------------------

    def action_start(self) -> None:
        self._begin(queue=False)

    def action_sweep(self) -> None:
        self._begin(queue=False)

    def action_queue(self) -> None:
        self._begin(queue=True)

    def _begin(self, queue: bool) -> None:
        if self._starting:
            return
        if self.draft.config is None or self.draft.wrong:
            self.action_next_error()
            what = "sweep" if self.draft.sweeps else "run"
            self._say(f"{count(self.draft.wrong, 'error')} to put right before the {what} can start", bad=True)
            return
        self._starting = True
        self._say("")
        self._refresh()
        self._launch(queue)

    @work(thread=True, group="start")
    def _launch(self, queue: bool) -> None:
        starter, draft = self._starter, self.draft
        self.post_message(starter.sweep(draft) if draft.space else starter.begin(draft, queue))

    def on_swept(self, event: Swept) -> None:
        """Show the sweep that began, in place of the form."""
        self._swept = event.name
        self.on_screen_resume()

    def on_started(self, event: Started) -> None:
        self._done = event
        self.on_screen_resume()

    def on_screen_resume(self) -> None:
        # Another screen may lie on top when the worker answers; this one can close only in front.
        if self.app.screen is self and self._swept is not None:
            name, self._swept = self._swept, None
            self.console.open_sweep(name, instead=True)
            return
        if self._done is None or self.app.screen is not self:
            return
        done, self._done = self._done, None
        if done.queued is not None:
            title, text = done.queued
            self.app.notify(text, title=title)
            self.queued = done.run
        self.dismiss(None if done.queued else done.run)

    def on_refused(self, event: Refused) -> None:
        self._starting = False
        self._refresh()
        wrong = [facts.path for facts in self.draft.fields if f"{facts.path}: " in event.reason]
        if wrong:
            self.add_class("-settings")
            self._settings.form.focus_field(wrong[0])
        self._say(event.reason, bad=True)

    def on_unmount(self) -> None:
        """Nobody is about to start a run any more."""
        threading.Thread(target=self._starter.launcher.cool, daemon=True).start()
