"""The keys of the screen in one line, drawn by one widget.

Textual's own footer makes a widget for each key again whenever the cursor moves: in a form, most of what a key costs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

SAID_SECONDS = 4.0
MORE = " …"
"""What stands behind the keys where others have no room."""


@dataclass(frozen=True)
class ShownKey:
    """One key: what to press, what it does, and the cells it takes."""

    key: str
    display: str
    label: str
    enabled: bool
    tooltip: str
    start: int = 0

    @property
    def cells(self) -> int:
        return cell_len(self.display) + cell_len(self.label) + 3

    @property
    def end(self) -> int:
        return self.start + self.cells


class KeyLine(Widget):
    """Shows the bindings of the screen that are meant to be shown; a click presses the key. Or why a key can't act."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom; height: 1; text-wrap: nowrap; text-overflow: ellipsis;
        background: $footer-background; color: $footer-description-foreground;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[ShownKey, ...] = ()
        self._more = False
        self._said = ""
        self._silence: Timer | None = None

    def say(self, sentence: str) -> None:
        """Show a sentence in place of the keys, until the next key or for a while; an empty one shows the keys."""
        if sentence != self._said:
            self._said = sentence
            self.refresh()
        if self._silence is not None:
            self._silence.stop()
        self._silence = self.set_timer(SAID_SECONDS, partial(self.say, "")) if sentence else None

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._collect)
        self.call_after_refresh(self._collect, self.screen)

    def _collect(self, screen: Screen[object]) -> None:
        if not self.is_attached or screen is not self.screen:
            return
        offered: dict[str, ShownKey] = {}
        for _, binding, enabled, tooltip in screen.active_bindings.values():
            if binding.show and binding.action not in offered:
                offered[binding.action] = self._shown(binding, enabled, tooltip)
        # Where there is room: what a person asks who does not find it in the line.
        palette = Binding(self.app.COMMAND_PALETTE_BINDING, "command_palette", "All actions")
        found = [*offered.values(), self._shown(palette, True, "Search every action by its name")]
        room, help = self.size.width, offered.get("help")
        more = sum(key.cells for key in found[:-1]) > room
        if more:
            # Help, which knows the others, is never among those that have no room.
            room -= len(MORE) + (help.cells if help else 0)
            found = [key for key in found if key is not help]
        ends = accumulate(key.cells for key in found)
        kept = [key for key, end in zip(found, ends, strict=True) if end <= room]
        kept += [help] if more and help else []
        starts = accumulate((key.cells for key in kept), initial=0)
        now = tuple(replace(key, start=start) for key, start in zip(kept, starts, strict=False)), more
        if now != (self._keys, self._more):
            self._keys, self._more = now
            self.refresh()

    def on_resize(self) -> None:
        self._collect(self.screen)

    def _shown(self, binding: Binding, enabled: bool, tooltip: str) -> ShownKey:
        display = self.app.get_key_display(binding)
        return ShownKey(binding.key, display, binding.description, enabled, tooltip or binding.description)

    def render(self) -> Content:
        if self._said:
            return Content.assemble(" ", (self._said, "$text-warning"))
        pieces: list[Content] = []
        for key in self._keys:
            ink = "" if key.enabled else "$foreground-muted"
            pieces.append(
                Content.assemble(" ", (key.display, ink or "bold $footer-key-foreground"), " ", (key.label, ink), " ")
            )
        return Content("").join(pieces) + (MORE if self._more else "")

    def on_click(self, event: events.Click) -> None:
        key = self._at(event.x)
        if key is not None and key.enabled:
            self.app.simulate_key(key.key)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        key = self._at(event.x)
        if key is not None and self.tooltip != key.tooltip:
            self.tooltip = Content(key.tooltip)

    def _at(self, x: int) -> ShownKey | None:
        return next((key for key in self._keys if key.start <= x < key.end), None)
