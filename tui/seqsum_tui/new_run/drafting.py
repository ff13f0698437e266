"""What New run does with all changes: take them back, list them, keep them as a preset, copy the command line."""

from __future__ import annotations

from seqsum.presets.own import is_own_preset
from seqsum.runs import Workspace
from seqsum_tui.new_run.draft import read_presets
from seqsum_tui.new_run.form import ConfigForm
from seqsum_tui.new_run.moves import NewRunMoves
from seqsum_tui.new_run.preset_list import PresetDetail, PresetList
from seqsum_tui.new_run.start_bar import count


class NewRunDrafting(NewRunMoves):
    """The part of New run behind the keys that act on all changes."""

    _workspace: Workspace

    def __init__(self) -> None:
        super().__init__()
        self._dropped: dict[str, str] = {}

    # What the screen gives

    def _say(self, text: str, bad: bool = False) -> None:
        """Show a sentence until the next change."""
        raise NotImplementedError

    def _changed(self) -> None:
        """The draft is another one: show it."""
        raise NotImplementedError

    # What the keys do

    def action_reset_field(self) -> None:
        self.query_one(ConfigForm).reset_field()

    def action_reset_all(self) -> None:
        if self.draft.changes:
            self._dropped = self.draft.reset_all()
            said = f"{count(len(self._dropped), 'change')} dropped; F6 again brings them back"
        else:
            self.draft.restore(self._dropped)
            self._dropped, said = {}, ""
        self.query_one(ConfigForm).refresh_all()
        self._changed()
        self._say(said)

    def action_changes(self) -> None:
        from seqsum_tui.new_run.changes_dialog import ChangesScreen

        def chosen(path: str | None) -> None:
            self.query_one(ConfigForm).refresh_all()
            self._changed()
            if path is not None:
                self.add_class("-settings")
                self.query_one(ConfigForm).focus_field(path)

        self.app.push_screen(ChangesScreen(self.draft), chosen)

    def action_save_preset(self) -> None:
        from seqsum_tui.new_run.save_preset_dialog import SavePresetScreen

        config = self.draft.config
        if config is None:
            self.action_next_error()
            self._say(f"{count(len(self.draft.problems), 'error')} to put right before it can be saved", bad=True)
            return
        preset = self.draft.preset
        yours = preset.name not in self.draft.files and is_own_preset(preset.name)
        self.app.push_screen(SavePresetScreen(config, preset, yours), self._preset_saved)

    def _preset_saved(self, name: str | None) -> None:
        if name is None:
            return
        self._presets, chosen, complaint = read_presets(name)
        if complaint:
            self._say(complaint, bad=True)
            return
        presets = self.query_one(PresetList)
        presets.take(self._presets, chosen)
        self.draft.choose(chosen)
        self.query_one(PresetDetail).show(chosen)
        self.query_one(ConfigForm).refresh_all()
        self._changed()
        self._say(f"saved: the preset {chosen.name}, in this list and for seqsum train {chosen.name}")

    def action_copy(self) -> None:
        if self.draft.wrong:
            self._say(f"{count(self.draft.wrong, 'error')} to put right before the command can be copied", bad=True)
            return
        self.app.copy_to_clipboard(self.draft.command(self._workspace.folder))
        self._say("the command line is copied; no clipboard here? settings (key ,) can have a file instead")
