"""The person's settings: each with its help, saved as soon as it is changed; and the keys there are, by id."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from seqsum.schema import FieldFacts, as_text
from seqsum.text import printable
from seqsum_tui.new_run.rows import FieldRow
from seqsum_tui.settings.keymap import key_groups
from seqsum_tui.settings.store import BY_NAME, OPTIONS, Settings, Value
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.command_palette import ScreenCommands
from seqsum_tui.shared.context import ConsoleScreen
from seqsum_tui.shared.field_editors import Edited, Tried
from seqsum_tui.shared.fitted_text import FittedText
from seqsum_tui.shared.key_line import KeyLine
from seqsum_tui.shared.paths import for_people

SECTION = "console"
PARTS = {
    "CONTROL": "A run",
    "RUN_TABLE": "The list of runs",
    "NEW_RUN": "New run",
    "CHART": "A chart",
    "LINE": "A line asked for",
    "CHOOSE": "A list to choose from",
}


class SettingsDraft:
    """The settings as texts that rows edit."""

    def __init__(self, settings: Settings, themes: tuple[str, ...]) -> None:
        self._settings = settings
        self._themes = themes
        self.problems: dict[str, str] = {}
        self._typed: dict[str, str] = {}
        self.begin()

    def begin(self) -> None:
        """A person begins to edit a setting: what can't be used of what follows leaves it as it is now."""
        self._before = {option.name: self._settings.value(option.name) for option in OPTIONS}

    def fields(self) -> list[FieldFacts]:
        """Every setting, as a form knows fields."""
        return [
            FieldFacts(
                section=SECTION, name=option.name, kind=option.kind, description=option.help, unit=option.unit,
                default=option.default, choices=self._themes if option.name == "theme" else option.choices,
                optional=False, live=True, low=option.low, low_open=False, high=option.high,
            )
            for option in OPTIONS
        ]  # fmt: skip

    @property
    def changes(self) -> tuple[str, ...]:
        return tuple(f.path for f in self.fields() if self.text(f.path) != self.preset_text(f.path))

    def text(self, path: str) -> str:
        return self._typed.get(path, as_text(self._settings.value(_name(path))))

    def preset_text(self, path: str) -> str:
        return as_text(BY_NAME[_name(path)].default)

    def set(self, path: str, text: str) -> bool:
        """Take a text in; returns whether it could be used. What is wrong stays as typed."""
        option = BY_NAME[_name(path)]
        value: Value = text.strip()
        if option.kind == "bool":
            value = text == "true"
        elif option.kind in ("int", "float"):
            try:
                value = int(text) if option.kind == "int" else float(text)
            except ValueError:
                value = text
        try:
            self._settings.put(option.name, value)
        except ValueError as error:
            self._typed[path], self.problems[path] = text, str(error)
            # On the way there a part of it may have been one that can be used.
            self._settings.put(option.name, self._before[option.name])
            return False
        self._typed.pop(path, None)
        self.problems.pop(path, None)
        return True


class Rows(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls; the arrow keys move between settings."""


class SettingsScreen(ConsoleScreen[None]):
    """One row a setting; below them every key's id, for the file's section `keys`."""

    CSS_PATH = ["screen.tcss", "../shared/field_editors.tcss"]  # noqa: RUF012
    COMMANDS = {ScreenCommands}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = bindings.SETTINGS_SCREEN
    HELP_TITLE = "Settings"
    HELP_KEYS: ClassVar[list[tuple[str, list[BindingType]]]] = [("Settings", bindings.SETTINGS_SCREEN)]

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings

    def compose(self) -> ComposeResult:
        """Make the widgets."""
        self.draft = SettingsDraft(self._settings, tuple(sorted(self.app.available_themes)))
        path = self._settings.path
        place = for_people(path) if path is not None else "kept until the console ends"
        yield Static(Content.assemble((" Settings ", display.BADGE), f"  {printable(place)}"), id="head")
        problems = Static(Content("\n").join(Content(f"✗ {printable(text)}") for text in self._settings.problems))
        problems.display = bool(self._settings.problems)
        with Rows(id="rows"):
            yield problems.add_class("problems")
            for facts in self.draft.fields():
                yield FieldRow(facts, self.draft)
            yield Static(self.key_list(), id="keys")
        yield FittedText(id="help", wraps=True)
        yield KeyLine()

    def key_list(self) -> Content:
        """How a key is changed, and every id with the keys it has now."""
        keymap = self.console.keymap
        pieces: list[Content] = [
            Content.styled("Keys", "bold $primary"),
            Content('  to change one, write into the file, e.g.:  [keys]  "runs.new" = ["n", "ctrl+n"]'),
        ]
        seen: set[str] = set()
        for part, keys in key_groups():
            ids: dict[str, tuple[list[str], str]] = {}
            for key in keys:
                if key.id is not None and key.id not in seen:
                    ids.setdefault(key.id, ([], key.tooltip or key.description))[0].append(key.key)
            seen.update(ids)
            if ids:
                pieces.append(Content.styled(f"\n{PARTS.get(part, part.replace('_', ' ').capitalize())}", "bold"))
            for id, (now, meaning) in ids.items():
                text = keymap.get(id, ",".join(now))
                ink = "$text-accent" if id in keymap else ""
                pieces.append(
                    Content.assemble(
                        f"\n  {id:<25} ", (f"{text:<18} ", f"bold {ink}"), (printable(meaning), "$foreground-muted")
                    )
                )
        return Content("").join(pieces)

    def on_mount(self) -> None:
        """Begin on the first setting."""
        if self._settings.problems:
            # They stand here, and what told of them would lie over it.
            self.app.clear_notifications()
        self.query(FieldRow).first().editor.focus()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._refresh())

    @property
    def row(self) -> FieldRow | None:
        """The row that has the cursor."""
        focused = self.focused
        return next((row for row in focused.ancestors if isinstance(row, FieldRow)), None) if focused else None

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Say what the setting means."""
        row = self.row
        if row is None:
            return
        self.draft.begin()
        facts = row.facts
        self.query_one("#rows").scroll_to_widget(row, animate=False)
        beside = " · ".join(
            part for part in (facts.bounds, facts.unit, f"default {self.draft.preset_text(facts.path)}") if part
        )
        self.query_one("#help", FittedText).put(
            Content.assemble(
                (facts.name, "bold $primary"), (f"  {beside}", "$foreground-muted"), f"\n{printable(facts.description)}"
            )
        )

    @on(Edited)
    def _edited(self, event: Edited) -> None:
        event.stop()
        self._set(event.path, event.text)

    @on(Tried)
    def _tried(self, event: Tried) -> None:
        event.stop()
        if _name(event.path) == "theme":
            self.console.try_theme(event.text)

    def _set(self, path: str, text: str) -> None:
        self.draft.set(path, text)
        self.console.take_settings()
        self.console.save_settings()
        self._refresh()

    def _refresh(self) -> None:
        for row in self.query(FieldRow):
            row.refresh_state()

    def action_default(self) -> None:
        """Give the setting under the cursor its default."""
        if self.row is not None:
            path = self.row.facts.path
            self._set(path, self.draft.preset_text(path))

    def action_page(self, by: int) -> None:
        """Scroll; the cursor stays on its setting."""
        rows = self.query_one("#rows")
        rows.scroll_relative(y=by * max(1, rows.size.height - 2), animate=False)

    def action_back(self) -> None:
        """Leave."""
        self.dismiss(None)


def _name(path: str) -> str:
    return path.partition(".")[2]
