"""A run's configuration, with what differs from its preset marked; and the facts of its record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from seqsum import formatting
from seqsum.config import as_shown
from seqsum.schema import as_text
from seqsum_tui.shared import display

if TYPE_CHECKING:
    from seqsum_tui.live.reader import RunView

NAME_CELLS = 24
VALUE_CELLS = 14


class ConfigView(VerticalScroll):
    """Read only; `seqsum set` and the dialog of the live view change what can change."""

    DEFAULT_CSS = """
    ConfigView {
        padding: 0 1; scrollbar-size-vertical: 1;
        & > Static { text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: object = None

    def compose(self) -> ComposeResult:
        """Make the text."""
        yield Static()

    def show(self, view: RunView) -> None:
        """Show the run's configuration as it is now."""
        key = view.settings, view.differences, view.record, view.origin
        if key != self._shown:
            self._shown = key
            self.query_one(Static).update(describe(view))


def describe(view: RunView) -> Content:
    """Return the configuration in words: what differs from the preset first, then every section, then the record."""
    lines: list[Content] = []
    differ = len(view.differences)
    note = f"{formatting.count(differ, 'field')} differ{'s' if differ == 1 else ''} from the preset, marked ✎"
    if not differ:
        note = "as it is" if view.record.watched is None else ""
    source, name = view.record.source, display.literal(view.record.preset)
    lines.append(
        Content.assemble((f"{source} ", "$foreground-muted"), (name, "bold"), (f"  {note}", "$foreground-muted"))
    )
    about = {facts.path: facts.description.partition(";")[0] for facts in view.config.fields()} if view.config else {}
    for section, fields in view.settings.items():
        lines.append(Content.styled(display.literal(section), "bold $text-accent"))
        for name, setting in fields.items():
            path = f"{section}.{name}"
            value = display.literal(as_shown(path, as_text(setting)))
            value = display.fit(value, VALUE_CELLS) if len(value) < VALUE_CELLS else f"{value}  "
            changed = view.differences.get(path)
            was = f"preset {as_shown(path, changed[1])}   " if changed else ""
            lines.append(
                Content.assemble(
                    (" ✎ " if changed else "   ", "bold $text-warning"),
                    (display.fit(display.literal(name), NAME_CELLS - 3), "$foreground 80%"),
                    (value, "bold $text-warning" if changed else "bold"),
                    (display.literal(was), "$text-warning"),
                    (about.get(path, ""), "$foreground-muted"),
                )
            )
    lines.append(Content.styled("record", "bold $text-accent"))
    record = view.record
    facts_of_record = {
        "parameters": "–" if record.parameters is None else f"{record.parameters:,}",
        "seed": str(record.seed),
        "backend": f"{record.backend or '–'}{f': {record.backend_reason}' if record.backend_reason else ''}",
        "device": record.device or "–",
        "owner": record.owner or "–",
        "host": record.host or "–",
        "created": record.created or "–",
        **{what: text for what, text in view.origin.items() if what != "versions"},
        **record.versions,
    }
    for name, value in facts_of_record.items():
        lines.append(
            Content.assemble(
                "   ", (display.fit(display.literal(name), NAME_CELLS - 3), "$foreground 80%"), display.literal(value)
            )
        )
    return Content("\n").join(lines)
