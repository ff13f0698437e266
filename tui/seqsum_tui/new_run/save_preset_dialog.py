"""A small dialog: keep a draft's settings as a preset of one's own."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.presets import Preset
from seqsum.presets.own import PresetExistsError, save_preset
from seqsum_tui.dialogs.dialog import Dialog, buttons
from seqsum_tui.shared import dialog_keys, display
from seqsum_tui.shared.field_editors import LineInput
from seqsum_tui.shared.polling import in_thread

FIELDS = (
    ("name", "Name", "how it is called in the list and on the command line"),
    ("title", "Title", "one line"),
    ("description", "About", "what it is"),
    ("look_for", "Look for", "what to watch while it trains"),
)


class SavePresetScreen(Dialog[str]):
    """Closes with the name under which the preset was saved, or None.

    Args:
        config: what is saved.
        preset: what it was made from; its words are where one begins.
        yours: whether that preset is the person's own, so that its name is where one begins, too.
    """

    CSS_PATH = "save_preset_dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = dialog_keys.SAVE_PRESET

    def __init__(self, config: Config, preset: Preset, yours: bool) -> None:
        super().__init__()
        self._config = config
        self._words = {
            "name": preset.name if yours else "",
            "title": preset.title,
            "description": preset.description,
            "look_for": preset.look_for,
        }
        self._overwrite = ""

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(id="dialog") as box:
            box.border_title = "Save as a preset of your own"
            box.border_subtitle = "enter saves · esc"
            for id, label, hint in FIELDS:
                with Horizontal(classes="row"):
                    yield Static(label, classes="label")
                    yield LineInput(self._words[id], placeholder=hint, id=id, compact=True, max_length=2000)
            yield Static(id="said")
            yield from buttons("Save")

    def on_mount(self) -> None:
        """Begin with the name."""
        self.query_one("#name").focus()
        self._checked()

    @on(Input.Changed)
    def _checked(self) -> None:
        """Say where it will lie, or what is wrong."""
        values = self._values()
        if values["name"] and values["name"] == self._overwrite:
            return
        self._overwrite = ""
        if not values["name"]:
            self._say("a name is needed", bad=True)
            return
        missing = next((label for id, label, _ in FIELDS if not values[id]), None)
        if missing:
            self._say(f"{missing}: a word is needed", bad=True)
            return
        self._say("")

    def _values(self) -> dict[str, str]:
        return {id: self.query_one(f"#{id}", Input).value.strip() for id, _, _ in FIELDS}

    def _say(self, text: str, bad: bool = False) -> None:
        said = self.query_one("#said", Static)
        said.update(Content(f"✗ {display.literal(text)}" if bad else display.literal(text)))
        said.set_class(bad, "-bad")
        self.query_one("#accept", Button).disabled = bad

    @on(Input.Submitted)
    def action_accept(self) -> None:
        """Save, when every word is there."""
        values = self._values()
        if all(values.values()):
            self._save(values, values["name"] == self._overwrite)

    @work(group="save", exclusive=True)
    async def _save(self, values: dict[str, str], overwrite: bool) -> None:
        try:
            await in_thread(lambda: save_preset(config=self._config, overwrite=overwrite, **values))
        except PresetExistsError as error:
            self._overwrite = values["name"]
            self._say(f"{error.in_form}: enter again writes over it")
        except UserError as error:
            self._say(error.in_form, bad=True)
        else:
            self.dismiss(values["name"])
