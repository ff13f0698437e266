"""What one field is edited with: a line of text, or a choice of a few. Every editor speaks the field's text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, OptionList, Select
from textual.widgets._select import SelectCurrent

from seqsum.schema import FieldFacts
from seqsum_tui.shared.one_line import OneLineInput

WIDEST_BAR = 38
NUMBER_CELLS, WORDS_CELLS = 16, 32
CHOSEN, OTHER = "◉", "○"
EDITS = frozenset(binding.action for binding in Binding.make_bindings(Input.BINDINGS))
"""What an input line does by keys; what it inherits (scrolling, up and down) belongs to what is around it."""


@dataclass
class Edited(Message):
    """The person changed a field; `text` is what stands there now."""

    path: str
    text: str


@dataclass
class Tried(Message):
    """The cursor of an open list stands on a choice; where the list closes, on what is chosen then."""

    path: str
    text: str


class LineInput(OneLineInput):
    """An input line whose room does not follow its text: a key never costs a layout of the screen.

    Its cursor stands still: over a slow line a blinking one is traffic for nothing.
    """

    cursor_blink = reactive(False, init=False)
    _was_shown = False

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        # A line that comes or goes needs its room, which Textual asks for in the same words.
        came_or_went, self._was_shown = self.display != self._was_shown, self.display
        return super().refresh(*regions, repaint=repaint, layout=layout and came_or_went, recompose=recompose)

    async def _on_key(self, event: events.Key) -> None:
        """Edit at once. A binding waits until its key went all the way up: letters sent with it would come first."""
        bindings = [binding for binding in self._bindings.key_to_bindings.get(event.key, []) if binding.action in EDITS]
        if bindings and not event.is_printable:
            event.stop()
            event.prevent_default()
            await self.run_action(bindings[0].action)


class TextEditor(LineInput):
    """A number, a text or a list, typed."""

    def __init__(self, facts: FieldFacts, text: str) -> None:
        self.facts = facts
        self._known = self._shown(text)
        self.cells = WORDS_CELLS if facts.kind in ("text", "list") else NUMBER_CELLS
        super().__init__(
            value=self._known,
            placeholder="off" if facts.optional else "none" if facts.kind == "list" else "",
            compact=True,
        )
        self.styles.width = self.cells

    def show(self, text: str) -> None:
        """Show a value that came from elsewhere; nothing is posted."""
        if self._shown(text) != self._shown(self.value):
            self._known = self._shown(text)
            self.value = self._known
            if self.has_focus:
                # Typing replaces it whole, as it does in a field that was just entered.
                self.action_select_all()

    def _shown(self, text: str) -> str:
        # An empty line reads as off too, and leaves room to type at once.
        return "" if self.facts.optional and text == "off" else text

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        return self._reads(character) and super().check_consume_key(key, character)

    async def _on_key(self, event: events.Key) -> None:
        # No number holds these: they stay free for the keys of the screen.
        if not self._reads(event.character):
            event.prevent_default()

    def _reads(self, character: str | None) -> bool:
        return self.facts.kind in ("text", "list") or character not in ("/", "?")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        # An input line tells its first value, too, and what was put there from elsewhere.
        if self.value == self._known:
            return
        self._known = self.value
        text = self.value.strip()
        self.post_message(Edited(self.facts.path, "off" if self.facts.optional and not text else self.value))


class ChoiceBar(Widget, can_focus=True):
    """All choices side by side, the chosen one marked by sign and colour; left and right move, a click chooses."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"choice-bar--chosen", "choice-bar--other"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "move(1)", "Next choice", show=False),
        Binding("left", "move(-1)", "Previous choice", show=False),
    ]
    value = reactive("")

    def __init__(self, facts: FieldFacts, choices: tuple[str, ...], text: str) -> None:
        super().__init__()
        self.facts = facts
        self.choices = choices
        self.cells = max(NUMBER_CELLS, self.width_of(self._labels()))
        self.set_reactive(ChoiceBar.value, text)

    @staticmethod
    def width_of(choices: tuple[str, ...]) -> int:
        """Cells that the bar takes."""
        return sum(cell_len(choice) + 2 for choice in choices) + 2 * (len(choices) - 1)

    def show(self, text: str) -> None:
        """Show a value that came from elsewhere; nothing is posted."""
        self.value = text

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return self.width_of(self._labels())

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1

    def render(self) -> Content:
        pieces: list[Content] = []
        # A sweep goes over several.
        several = [value.strip() for value in self.value.split(",")]
        for choice, label in zip(self.choices, self._labels(), strict=True):
            chosen = choice in several or label in several
            style = self.get_visual_style("choice-bar--chosen" if chosen else "choice-bar--other")
            pieces.append(Content.styled(f"{CHOSEN if chosen else OTHER} {label}", style))
        return Content("  ").join(pieces)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        """Several values never give way to the one beside them."""
        if self.check_action(action, parameters):
            return None
        keys = {
            one.binding.action: self.app.get_key_display(one.binding) for one in self.screen.active_bindings.values()
        }
        several, one = keys.get("several", "Several"), keys.get("reset_field", "Reset")
        return f"Several values: {several} changes them, {one} takes one."

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "move" or "," not in self.value

    def action_move(self, by: int) -> None:
        place = self.choices.index(self.value) if self.value in self.choices else 0
        last = len(self.choices) - 1
        # Two choices toggle; more of them have an end, so that one sees where the row stops.
        self._choose(self.choices[(place + by) % 2 if last == 1 else max(0, min(place + by, last))])

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        edge = 0
        for choice, label in zip(self.choices, self._labels(), strict=True):
            end = edge + cell_len(label) + 2
            if offset is not None and edge <= offset.x < end:
                self._choose(choice)
            edge = end + 2

    def _labels(self) -> tuple[str, ...]:
        return ("off", "on") if self.facts.kind == "bool" else self.choices

    def _choose(self, choice: str) -> None:
        if choice != self.value:
            self.value = choice
            self.post_message(Edited(self.facts.path, choice))


class ChoiceMenu(Select[str], inherit_bindings=False):
    """A choice with too many values for one line: enter or space opens a list, typing finds in it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "show_overlay", "Show choices", show=False)]

    def __init__(self, facts: FieldFacts, choices: tuple[str, ...], text: str) -> None:
        self.facts = facts
        options = [(Text(choice), choice) for choice in choices]
        super().__init__(options, value=text, allow_blank=False, compact=True)
        self._known = text
        self.cells = WORDS_CELLS
        self.styles.width = self.cells

    def show(self, text: str) -> None:
        """Show a value that came from elsewhere; nothing is posted."""
        if text != self._known:
            self._known = text
            self._take_known()

    def on_mount(self) -> None:
        self._take_known()
        self.watch(self.query_one(OptionList), "highlighted", self._came, init=False)

    def watch_expanded(self, expanded: bool) -> None:
        """Tell what is left when the list closes."""
        if not expanded and self.is_mounted:
            self.post_message(Tried(self.facts.path, str(self.value)))

    def _came(self, place: int | None) -> None:
        if self.expanded and place is not None:
            self.post_message(Tried(self.facts.path, str(self._options[place][1])))

    def _take_known(self) -> None:
        # Before it is mounted the list would not show what it holds.
        if self.is_mounted and self._known in self._legal_values:
            self.value = self._known
        elif self.is_mounted:
            # A sweep goes over several.
            self.query_one(SelectCurrent).update(Text(self._known))

    def on_select_changed(self, event: Select.Changed) -> None:
        event.stop()
        # It tells its first value, too, and what was put there from elsewhere.
        if event.value == self._known:
            return
        self._known = str(event.value)
        self.post_message(Edited(self.facts.path, str(event.value)))


Editor = TextEditor | ChoiceBar | ChoiceMenu


def choices_of(facts: FieldFacts) -> tuple[str, ...]:
    """Return what a field can be set to, when it is one of a few."""
    return ("false", "true") if facts.kind == "bool" else facts.choices


def editor_for(facts: FieldFacts, text: str) -> Editor:
    """Make the editor that suits the field's kind."""
    choices = choices_of(facts)
    if not choices:
        return TextEditor(facts, text)
    if ChoiceBar.width_of(choices) <= WIDEST_BAR:
        return ChoiceBar(facts, choices, text)
    return ChoiceMenu(facts, choices, text)
