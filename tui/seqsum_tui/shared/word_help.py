"""The words of the field, for the help: those that stand on a screen first."""

from __future__ import annotations

from textual.binding import Binding, BindingType
from textual.screen import Screen

from seqsum.glossary import TERMS, terms_in


def word_help(screen: Screen[object]) -> list[BindingType]:
    """Every word of the glossary, as lines of a help page."""
    terms = dict.fromkeys((*terms_in(text_on(screen)), *TERMS))
    return [
        Binding(f"word_{place}", "", term.word, key_display=term.title, tooltip=term.meaning, show=False)
        for place, term in enumerate(terms)
    ]


def text_on(screen: Screen[object]) -> str:
    """Return what can be read on a screen, part by part."""
    lines: list[str] = []
    for widget in screen.query("*"):
        if widget.is_on_screen and not widget.children:
            lines += [widget.render_line(row).text for row in range(widget.size.height)]
    return "\n".join(lines)
