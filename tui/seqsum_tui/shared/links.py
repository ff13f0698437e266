"""The texts that tasks and presets follow, as links of the terminal (OSC 8) wherever a screen names them."""

from __future__ import annotations

import re
from functools import cache

from textual.content import Content
from textual.style import Style

from seqsum.glossary import SOURCES


@cache
def _links() -> dict[str, str]:
    return {
        words: source.link for source in SOURCES if source.link for words in (source.title, source.author, source.link)
    }


def linked(text: str, style: str = "") -> Content:
    """Return a text in which titles, authors and addresses of the sources lead to them; nothing else is a link."""
    content = Content.styled(text, style) if style else Content(text)
    for words, link in _links().items():
        for found in re.finditer(re.escape(words), text):
            content = content.stylize(Style(link=link), *found.span())
    return content
