"""What decides: how much of the differences between settings goes with each field, a bar each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual.binding import BindingType

from seqsum import formatting
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.line_table import LineTable, Piece

WIDEST_NAME, WIDEST_BAR = 24, 60


@dataclass(frozen=True)
class Share:
    """A field's path, what it is called, and its share."""

    key: str
    name: str
    share: float


class Decides(LineTable[Share]):
    """The field that decides most stands first; enter shows it on the grid."""

    HEADING_ROWS = 1
    BINDINGS: ClassVar[list[BindingType]] = bindings.SWEEP_DECIDES
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-table--good"}
    DEFAULT_CSS = "Decides > .line-table--good { color: $text-primary; }"

    @dataclass
    class Chosen(LineTable.Chosen):
        """A person chose a field."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._said = "Working it out…"

    def show(self, names: Mapping[str, str], shares: Mapping[str, float] | None, said: str) -> None:
        """Show each field's share; what is `said` stands above them, or alone."""
        self._said = said
        self.replace([Share(path, display.literal(names.get(path, path)), at) for path, at in (shares or {}).items()])
        self.refresh()

    def heading(self) -> Iterable[Piece]:
        """Say what the bars are."""
        yield f" {self._said}", Style()

    def pieces(self, line: Share) -> Iterable[Piece]:
        """A name, a bar and a share."""
        named = min(max(cell_len(one.name) for one in self.lines), WIDEST_NAME)
        room = max(min(self.size.width - named - 12, WIDEST_BAR), 4)
        full = round(line.share * room)
        yield " ", Style()
        yield display.fit(line.name, named), Style()
        yield "  ", Style()
        yield "━" * full, self.style_of("good")
        yield "╌" * (room - full), self.style_of("quiet")
        yield f"  {formatting.percent(line.share):>6}", Style(bold=True)
