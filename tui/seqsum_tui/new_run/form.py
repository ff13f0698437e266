"""The form over a configuration, made from the schema alone: one row a field, grouped by section."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from seqsum.schema import FieldFacts
from seqsum.text import printable
from seqsum_tui.new_run.draft import RunDraft
from seqsum_tui.shared.field_editors import ChoiceBar, Edited, editor_for

CHANGED, WRONG = "●", "✗"
LABEL, GAP = 20, 2
FIRST_ROWS = 14


class Edits(Protocol):
    """What a row shows of its field: the text now and by default, whether it differs, and what is wrong."""

    @property
    def problems(self) -> Mapping[str, str]: ...

    @property
    def changes(self) -> Collection[str]: ...

    def text(self, path: str) -> str: ...

    def preset_text(self, path: str) -> str: ...


class FieldRow(Widget):
    """One field: sign and name, what it is edited with, and what there is to say of it now.

    Name and remark are drawn here and not by widgets of their own: a form has many rows, and must open at once.
    """

    ALLOW_SELECT = False

    def __init__(self, facts: FieldFacts, draft: Edits) -> None:
        super().__init__(classes="field")
        self.facts = facts
        self._draft = draft
        self.editor = editor_for(facts, draft.text(facts.path))
        self._state: tuple[str, str | None, bool] = ("", None, False)
        self.refresh_state()

    def compose(self) -> ComposeResult:
        yield self.editor

    def refresh_state(self) -> None:
        """Show value, change and error as the draft has them."""
        path = self.facts.path
        state = (self._draft.text(path), self._draft.problems.get(path), path in self._draft.changes)
        if state == self._state:
            return
        before, self._state = self._height(), state
        text, problem, changed = state
        self.editor.show(text)
        self.set_class(problem is not None, "-wrong")
        self.set_class(changed, "-changed")
        # A layout of the whole form costs more than all the rest of a key press.
        self.refresh(layout=before != self._height())

    def _height(self) -> int:
        return len(self._remark(self.size.width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._remark(width))

    def render(self) -> Content:
        _, problem, changed = self._state
        sign, ink = (
            (WRONG, "$text-error") if problem is not None else (CHANGED, "$text-accent") if changed else (" ", "")
        )
        name = f"{ink} bold" if ink or self.has_focus_within else ""
        gap = " " * (self.editor.cells + GAP)
        lines: list[Content] = []
        for number, line in enumerate(self._remark(self.size.width)):
            label = (
                Content.styled(f"{sign} {self.facts.name}".ljust(LABEL), name) if number == 0 else Content(" " * LABEL)
            )
            lines.append(Content.assemble(label, gap, Content.styled(line, ink or "$foreground-muted")))
        return Content("\n").join(lines)

    def on_descendant_focus(self) -> None:
        self.refresh()

    def on_descendant_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.editor.focus()

    def _remark(self, width: int) -> list[str]:
        """What stands behind the editor, in lines that fit."""
        room = max(8, width - LABEL - self.editor.cells - GAP)
        return [str(line) for line in Content(self._said()).wrap(room)] or [""]

    def _said(self) -> str:
        text, problem, changed = self._state
        if problem is not None:
            return printable(problem)
        if changed:
            return printable(f"{self._draft.preset_text(self.facts.path) or 'none'} → {text.strip() or 'none'}")
        if isinstance(self.editor, ChoiceBar):
            return ""
        return " · ".join(part for part in (self.facts.unit, self.facts.bounds) if part)


class SectionBox(Vertical):
    """One section: its name, what it is about, its fields."""

    def __init__(self, name: str, about: str, rows: list[FieldRow]) -> None:
        super().__init__(classes="section")
        self.section = name
        self.rows = rows
        heading = Content.assemble((name, "bold $primary"), ("  " + about, "$foreground-muted"))
        self._heading = Static(heading, classes="heading")

    def compose(self) -> ComposeResult:
        yield self._heading
        yield from self.rows


class ConfigForm(VerticalScroll, can_focus=False):
    """Edits a draft. Up and down move between fields, page keys between sections."""

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
    class Left(Message):
        """The person moved past the first field (-1) or the last (1)."""

        direction: int

    def __init__(self, draft: RunDraft, id: str | None = None) -> None:
        super().__init__(id=id)
        self.draft = draft
        self._last: str | None = None
        self._looking_for = ""
        self._shown = draft.fields
        self._wanted: str | None = None
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
        self._settle(self._wanted)
        self.call_after_refresh(self._fill)

    @property
    def rows(self) -> list[FieldRow]:
        """The rows that are shown, from top to bottom."""
        return [row for row in self._all_rows() if row.display]

    def row(self, path: str) -> FieldRow | None:
        """The row of a field, if the present configuration has it."""
        return next((row for row in self._all_rows() if row.facts.path == path), None)

    def _all_rows(self) -> Iterator[FieldRow]:
        # Not a query: a section that was replaced is still there for a moment.
        for box in self._boxes.values():
            yield from box.rows

    @property
    def current(self) -> FieldRow | None:
        """The row that has the focus."""
        focused = self.screen.focused
        return next((row for row in focused.ancestors if isinstance(row, FieldRow)), None) if focused else None

    def refresh_all(self) -> None:
        """Show the draft as it is now; other fields than before bring other rows."""
        if self.draft.fields != self._shown:
            self._rebuild()
            return
        for row in self._all_rows():
            row.refresh_state()

    def focus_field(self, path: str | None = None) -> None:
        """Put the cursor on a field; without a path where it was last, or on the first."""
        wanted = self.row(path or self._last or "")
        if wanted is None and not self.whole and (path is not None or not self.rows):
            self._wanted = path or self.draft.fields[0].path
            return
        if wanted is not None and path is not None and not wanted.display:
            self.look_for("")
        rows = self.rows
        if wanted is None or not wanted.display:
            wanted = rows[0] if rows else None
        if wanted is not None:
            self._focus(wanted)

    def focus_found(self) -> None:
        """Put the cursor on the field that was looked for: of that very name, else the first one that begins so."""
        asked = self._looking_for.strip().lower()
        if asked and self.rows:
            self._focus(min(self.rows, key=lambda row: (row.facts.name != asked, not row.facts.name.startswith(asked))))
        else:
            self.focus_field()

    def _focus(self, row: FieldRow) -> None:
        if row.editor.is_attached:
            # At once, not after the next refresh as `focus` does: keys typed meanwhile belong to the field.
            self.screen.set_focus(row.editor)
        else:
            row.call_after_refresh(row.editor.focus)

    def reset_field(self) -> None:
        """Give the field under the cursor the preset's value."""
        if self.current is not None:
            self.draft.reset(self.current.facts.path)
            self._tell()

    def look_for(self, text: str) -> None:
        """Show only fields whose path holds every word of `text`; when there is none, those whose description does."""
        self._looking_for = text
        words = text.lower().split()
        boxes = list(self._boxes.values())
        named = [row for box in boxes for row in box.rows if all(word in row.facts.path for word in words)]
        for box in boxes:
            for row in box.rows:
                said = f"{row.facts.path} {row.facts.description}".lower()
                row.display = row in named if named else all(word in said for word in words)
            box.display = any(row.display for row in box.rows)
        self._empty.set_class(not self.rows, "-shown")

    def action_move(self, by: int) -> None:
        rows, current = self.rows, self.current
        if current is None or current not in rows:
            return
        place = rows.index(current) + by
        if 0 <= place < len(rows):
            self._focus(rows[place])
        else:
            self.post_message(self.Left(by))

    def action_section(self, by: int) -> None:
        rows, current = self.rows, self.current
        if current is None or not rows:
            return
        firsts = [row for at, row in enumerate(rows) if at == 0 or rows[at - 1].facts.section != row.facts.section]
        names = [row.facts.section for row in firsts]
        place = names.index(current.facts.section) if current.facts.section in names else 0
        # Going up from inside a section stops at its head first.
        place += by if by > 0 or current is firsts[place] else 0
        self._focus(rows[-1] if place >= len(firsts) else firsts[max(0, place)])

    @on(Edited)
    def _edited(self, event: Edited) -> None:
        event.stop()
        self.draft.set(event.path, event.text)
        self._tell()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        row = self.current
        if row is not None:
            self._last = row.facts.path
            self.scroll_to_widget(row, animate=False)
            self.post_message(self.FieldFocused(row.facts))

    def _tell(self) -> None:
        self.refresh_all()
        self.post_message(self.Changed())

    def _section(self, name: str) -> SectionBox:
        rows = [FieldRow(facts, self.draft) for facts in self.draft.fields if facts.section == name]
        self._boxes[name] = box = SectionBox(name, about(getattr(self.draft.base, name)), rows)
        box.display = bool(rows)
        return box

    @staticmethod
    def _of(fields: tuple[FieldFacts, ...], section: str) -> list[FieldFacts]:
        return [facts for facts in fields if facts.section == section]

    def _rebuild(self) -> None:
        """Replace the sections whose fields are others now; the cursor stays on its field."""
        before, self._shown = self._shown, self.draft.fields
        current = self.current.facts.path if self.current is not None else None
        for name, box in list(self._boxes.items()):
            if self._of(before, name) != self._of(self._shown, name):
                self.mount(self._section(name), after=box)
                box.remove()
            else:
                for row in box.rows:
                    row.refresh_state()
        self.call_after_refresh(self._settle, current)

    def _settle(self, path: str | None) -> None:
        if self._looking_for:
            self.look_for(self._looking_for)
        if path is not None and (row := self.row(path)) is not None and row.display:
            self._wanted = None
            self._focus(row)


def about(section: object) -> str:
    """What a section is about: the first line of its class's documentation."""
    return (type(section).__doc__ or "").strip().split("\n")[0]
