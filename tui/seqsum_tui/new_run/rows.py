"""The rows of the form: a field each, the line over a section's advanced fields, and a section of both."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from seqsum.cells import shorten
from seqsum.schema import FieldFacts
from seqsum.text import printable
from seqsum_tui.shared.field_editors import ChoiceBar, editor_for

CHANGED, WRONG = "●", "✗"
LABEL, GAP = 21, 2


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
        return [str(line) for line in Content(self._said(room)).wrap(room)] or [""]

    def _said(self, room: int) -> str:
        text, problem, changed = self._state
        if problem is not None:
            return printable(problem)
        if changed:
            return printable(f"{self._draft.preset_text(self.facts.path) or 'none'} → {text.strip() or 'none'}")
        if isinstance(self.editor, ChoiceBar):
            return ""
        # In one line: the help below says the unit, too.
        whole = " · ".join(part for part in (self.facts.unit, self.facts.bounds) if part)
        return whole if len(whole) <= room else shorten(self.facts.bounds or whole, room)


class Fold(Widget, can_focus=True):
    """The line over a section's advanced fields. Enter, space or a click shows them, or folds them away."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "fold", "Show or fold", show=False),
        Binding("right", "fold(True)", "Show", show=False),
        Binding("left", "fold(False)", "Fold", show=False),
    ]

    @dataclass
    class Toggled(Message):
        """The person shows a section's advanced fields, or folds them away."""

        section: str
        unfolded: bool

    def __init__(self, section: str, title: str) -> None:
        super().__init__()
        self.section = section
        self._title = title
        self._unfolded = False
        self._hidden: tuple[str, ...] = ()

    def show(self, unfolded: bool, hidden: Iterable[str]) -> None:
        """Say which fields are folded away here."""
        self._unfolded, self._hidden = unfolded, tuple(hidden)
        self.refresh()

    def render(self) -> Content:
        sign, names = ("▾", "") if self._unfolded else ("▸", ": " + ", ".join(self._hidden) if self._hidden else "")
        ink = "bold" if self.has_focus else ""
        return Content.assemble(
            (self._title, "bold $primary"), (f"{sign} advanced", ink or "$text-accent"), (names, "$foreground-muted")
        )

    def action_fold(self, unfolded: bool | None = None) -> None:
        self.post_message(self.Toggled(self.section, not self._unfolded if unfolded is None else unfolded))

    def on_click(self) -> None:
        self.focus()
        self.action_fold()


Stop = FieldRow | Fold
"""What the cursor can stand on."""


def place_of(stop: Stop) -> str:
    """What a stop is found by when rows were replaced: a field's path, a fold's section."""
    return stop.facts.path if isinstance(stop, FieldRow) else stop.section


class SectionBox(Vertical):
    """One section: its name, what it is about, its fields: the basic ones, and under a fold the others.

    `stops` are its rows and its fold, from top to bottom.
    """

    def __init__(self, name: str, about: str, rows: list[FieldRow], is_basic: Callable[[FieldFacts], bool]) -> None:
        super().__init__(classes="section")
        self.section = name
        self.basic = [row for row in rows if is_basic(row.facts)]
        self.advanced = [row for row in rows if not is_basic(row.facts)]
        self.rows = [*self.basic, *self.advanced]
        self.fold = Fold(name, "  " if self.basic else f"{name}  ")
        self.stops: list[Stop] = [*self.basic, *([self.fold] if self.advanced else []), *self.advanced]
        heading = Content.assemble((name, "bold $primary"), ("  " + about, "$foreground-muted"))
        self.heading = Static(heading, classes="heading")

    def compose(self) -> ComposeResult:
        yield self.heading
        yield from self.stops
