"""A few fixed questions under the curves, and what the model answers: wrong at first, then right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.content import Content

from seqsum.runs.store import ANSWERS
from seqsum.text import seen
from seqsum_tui.shared import display
from seqsum_tui.shared.fitted_text import FittedText

if TYPE_CHECKING:
    from seqsum.runs import Event

GAP = "   "
JUDGED = {True: (" ✓", "bold $text-success"), False: (" ✗", "bold $text-error")}
"""The sign and the ink of an answer by whether it is right; neither where nobody knows."""


class QuestionsLine(FittedText):
    """As many questions as there is room for, each with the newest answer; gone where a run has none."""

    DEFAULT_CSS = """
    QuestionsLine { display: none; height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def show(self, events: Sequence[Event]) -> None:
        """Show the last answers among these events."""
        last = next((event for event in reversed(events) if event.kind == ANSWERS), None)
        answers = last.detail.get("answers") if last else None
        parts = [_part(one) for one in answers if isinstance(one, Mapping)] if isinstance(answers, list) else []
        if self.display != bool(parts):
            self.display = bool(parts)
        self.put(Content(GAP).join(parts))


def _part(answer: Mapping[str, Any]) -> Content:
    right = answer.get("right")
    sign, ink = JUDGED.get(right, ("", "bold")) if isinstance(right, bool) else ("", "bold")
    asked, said = str(answer.get("asked", "?")), seen(str(answer.get("said", "?")))
    return Content.assemble(f"{display.literal(asked)} ", (f"{display.literal(said)}{sign}", ink))
