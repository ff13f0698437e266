"""The form over a configuration, made from the schema alone: one row a field, by section, the basic ones first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from seqsum.schema import FieldFacts
from seqsum_tui.new_run.draft import RunDraft
from seqsum_tui.new_run.rows import FieldRow, Fold, SectionBox, Stop, place_of
from seqsum_tui.shared.field_editors import Edited

FIRST_ROWS = 14


class ConfigForm(VerticalScroll, can_focus=False):
    """Edits a draft. Up and down move between fields, page keys between sections.

    Shown are the basic fields, those that are changed or wrong, and all of the sections that are unfolded; or what is
    looked for.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "move(1)", "Next field", show=False, id="config_form.next"),
        Binding("up", "move(-1)", "Previous field", show=False, id="config_form.previous"),
        Binding("pagedown", "section(1)", "Next section", show=False, id="config_form.next_section"),
        Binding("pageup", "section(-1)", "Previous section", show=False, id="config_form.previous_section"),
    ]

    class Changed(Message):
        """A value changed, by hand or by a reset."""

    @dataclass
    class FieldFocused(Message):
        """The person came to a field."""

        facts: FieldFacts

    @dataclass
    class FoldFocused(Message):
        """The person came to the line over a section's advanced fields."""

        section: str

    @dataclass
    class Folded(Message):
        """The person showed advanced fields, or folded them away; `unfolded` are the sections that show all."""

        unfolded: list[str]

    @dataclass
    class Left(Message):
        """The person moved past the first field (-1) or the last (1)."""

        direction: int

    def __init__(self, draft: RunDraft, id: str | None = None) -> None:
        super().__init__(id=id)
        self.draft = draft
        self.unfolded: set[str] = set()
        self._last = ""
        self._looking_for = ""
        self._shown = draft.fields
        self._wanted: str | None = None
        self._wants_found = False
        self._waiting = list(type(draft.base).model_fields)  # also those of which nothing is used now
        self._boxes: dict[str, SectionBox] = {}
        self._empty = Static("no field is called like that", classes="empty", markup=False)

    def compose(self) -> ComposeResult:
        yield self._empty

    def on_mount(self) -> None:
        self.call_after_refresh(self._fill)

    def on_resize(self) -> None:
        if self.current is not None:
            self.call_after_refresh(self.scroll_to_widget, self.current, animate=False)

    @property
    def settled(self) -> bool:
        """Whether the cursor is where it was sent; else it goes there once the row is made, and keys wait for that."""
        return self._wanted is None and not self._wants_found

    @property
    def whole(self) -> bool:
        """Whether every section is there; they come in turns after the first paint: no key waits for all of them."""
        return not self._waiting

    async def _fill(self) -> None:
        if not self._waiting:
            return
        batch: list[SectionBox] = []
        while self._waiting and sum(len(box.rows) for box in batch) < FIRST_ROWS:
            batch.append(self._section(self._waiting.pop(0)))
        await self.mount_all(batch, before=self._empty)
        self._settle()
        self.call_after_refresh(self._fill)

    @property
    def stops(self) -> list[Stop]:
        """What is shown and the cursor can stand on, from top to bottom."""
        return [stop for box in self._boxes.values() for stop in box.stops if stop.display]

    @property
    def rows(self) -> list[FieldRow]:
        """The rows that are shown, from top to bottom."""
        return [stop for stop in self.stops if isinstance(stop, FieldRow)]

    def row(self, path: str) -> FieldRow | None:
        """The row of a field, if the present configuration has it."""
        return next((row for row in self._all_rows() if row.facts.path == path), None)

    def _all_rows(self) -> Iterator[FieldRow]:
        # Not a query: a section that was replaced is still there for a moment.
        for box in self._boxes.values():
            yield from box.rows

    @property
    def stop(self) -> Stop | None:
        """The row or the fold that has the focus."""
        focused = self.screen.focused
        inside = focused.ancestors_with_self if focused else ()
        return next((one for one in inside if isinstance(one, FieldRow | Fold)), None)

    @property
    def current(self) -> FieldRow | None:
        """The row that has the focus."""
        stop = self.stop
        return stop if isinstance(stop, FieldRow) else None

    def refresh_all(self) -> None:
        """Show the draft as it is now; other fields than before bring other rows."""
        if self.draft.fields != self._shown:
            self._rebuild()
            return
        for row in self._all_rows():
            row.refresh_state()
        self._show()

    def focus_field(self, path: str | None = None) -> None:
        """Put the cursor on a field; without a path where it was last, or on the first."""
        row, stops = self.row(path or ""), self.stops
        if path is not None and row is not None and not row.display:
            self.look_for("")
            row.display = True
        if row is None and not self.whole and (path is not None or not stops):
            self._wanted = path or self.draft.fields[0].path
            return
        wanted = row or next((stop for stop in stops if place_of(stop) == self._last), stops[0] if stops else None)
        if wanted is not None:
            self._focus(wanted)

    def focus_found(self) -> None:
        """Put the cursor on the field that was looked for: of that very name, else the first one that begins so."""
        self._wants_found = not self.whole
        if self._wants_found:
            return
        asked = self._looking_for.strip().lower()
        if asked and self.rows:
            self._focus(min(self.rows, key=lambda row: (row.facts.name != asked, not row.facts.name.startswith(asked))))
        else:
            self.focus_field()

    def _focus(self, stop: Stop) -> None:
        target = stop.editor if isinstance(stop, FieldRow) else stop
        if target.is_attached:
            # At once, not after the next refresh as `focus` does: keys typed meanwhile belong to the field.
            self.screen.set_focus(target)
        else:
            stop.call_after_refresh(target.focus)

    def reset_field(self) -> None:
        """Give the field under the cursor the preset's value."""
        if self.current is not None:
            self.draft.reset(self.current.facts.path)
            self._tell()

    def look_for(self, text: str) -> None:
        """Show only fields whose path holds every word of `text`; when there is none, those whose description does."""
        self._looking_for = text
        self._show()

    def unfold(self, sections: Iterable[str]) -> None:
        """Show the advanced fields of these sections, and of no others."""
        self.unfolded = set(sections)
        self._show()
        if self.stop is not None:
            self.call_after_refresh(self.scroll_to_widget, self.stop, animate=False)

    def action_unfold_all(self) -> None:
        """Show every field there is; when all are shown, the basic ones."""
        folds = {box.section for box in self._boxes.values() if box.advanced}
        # Also sections of which nothing is used now: another choice may bring them.
        self.unfold(() if folds <= self.unfolded else self._boxes)
        self.post_message(self.Folded(sorted(self.unfolded)))

    @on(Fold.Toggled)
    def _toggled(self, event: Fold.Toggled) -> None:
        event.stop()
        self.unfold(self.unfolded | {event.section} if event.unfolded else self.unfolded - {event.section})
        self.post_message(self.Folded(sorted(self.unfolded)))

    def _show(self) -> None:
        words, current = self._looking_for.lower().split(), self.current
        counts = {*self.draft.changes, *self.draft.problems, *([current.facts.path] if current else [])}
        named = [row for row in self._all_rows() if all(word in row.facts.path for word in words)]
        for box in self._boxes.values():
            for row in box.rows:
                said = f"{row.facts.path} {row.facts.description}".lower()
                found = row in named if named else all(word in said for word in words)
                open_here = row in box.basic or box.section in self.unfolded or row.facts.path in counts
                _display(row, found if words else open_here)
            hidden = [row.facts.name for row in box.advanced if not row.display]
            _display(box.fold, bool(box.advanced) and not words)
            box.fold.show(box.section in self.unfolded, hidden)
            _display(box.heading, bool(box.basic or words))
            box.set_class(bool(hidden) or not box.advanced, "-folded")
            _display(box, any(stop.display for stop in box.stops))
        self._empty.set_class(bool(words) and not self.rows, "-shown")

    def action_move(self, by: int) -> None:
        stops, stop = self.stops, self.stop
        if stop is None or stop not in stops:
            return
        place = stops.index(stop) + by
        if 0 <= place < len(stops):
            self._focus(stops[place])
        else:
            self.post_message(self.Left(by))

    def action_section(self, by: int) -> None:
        stop, boxes = self.stop, [box for box in self._boxes.values() if any(one.display for one in box.stops)]
        place = next((at for at, box in enumerate(boxes) if stop in box.stops), None)
        if place is None:
            return
        firsts = [next(one for one in box.stops if one.display) for box in boxes]
        # Going up from inside a section stops at its head first.
        place += by if by > 0 or stop is firsts[place] else 0
        self._focus(self.stops[-1] if place >= len(firsts) else firsts[max(0, place)])

    @on(Edited)
    def _edited(self, event: Edited) -> None:
        event.stop()
        self.draft.set(event.path, event.text)
        self._tell()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        stop = self.stop
        if stop is None:
            return
        self._last = place_of(stop)
        self.scroll_to_widget(stop, animate=False)
        said = self.FieldFocused(stop.facts) if isinstance(stop, FieldRow) else self.FoldFocused(stop.section)
        self.post_message(said)

    def _tell(self) -> None:
        self.refresh_all()
        self.post_message(self.Changed())

    def _section(self, name: str) -> SectionBox:
        rows = [FieldRow(facts, self.draft) for facts in self.draft.fields if facts.section == name]
        self._boxes[name] = box = SectionBox(
            name, about(getattr(self.draft.base, name)), rows, self.draft.base.is_basic
        )
        self._show()
        return box

    @staticmethod
    def _of(fields: tuple[FieldFacts, ...], section: str) -> list[FieldFacts]:
        return [facts for facts in fields if facts.section == section]

    def _rebuild(self) -> None:
        """Replace the sections whose fields are others now; the cursor stays on its field."""
        before, self._shown = self._shown, self.draft.fields
        if self.current is not None:
            self._wanted = self.current.facts.path
        for name, box in list(self._boxes.items()):
            if self._of(before, name) != self._of(self._shown, name):
                self.mount(self._section(name), after=box)
                box.remove()
            else:
                for row in box.rows:
                    row.refresh_state()
        self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        self._show()
        if self._wants_found:
            self.focus_found()
        if self._wanted is None:
            return
        row = self.row(self._wanted)
        if row is not None or self.whole:
            self._wanted = None
        if row is not None:
            row.display = True
            self._focus(row)


def _display(widget: Widget, shown: bool) -> None:
    # Also a value that is no other costs a layout.
    if widget.display != shown:
        widget.display = shown


def about(section: object) -> str:
    """What a section is about: the first line of its class's documentation."""
    return (type(section).__doc__ or "").strip().split("\n")[0]
