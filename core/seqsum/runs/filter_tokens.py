"""What a filter of runs is made of: words, values in quotes, signs, brackets; and a mistake in it with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from seqsum.errors import UserError

About = Literal["name", "sign", "value"]
QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’"}
SIGNS = {"==": "=", "≥": ">=", "≤": "<=", "≠": "!="}
REGEX_SIGNS = ("~", "!~")

TOKEN = re.compile(
    r"""\s*(?:(?P<bracket>[()])|(?P<operator>[<>!=]=|!~|[<>=~:≥≤≠])|"""
    + "|".join(f"(?P<quoted{place}>{begin}[^{end}]*{end})" for place, (begin, end) in enumerate(QUOTES.items()))
    + rf"""|(?P<open>[{"".join(QUOTES)}])|(?P<word>[^\s()<>=!~:"≥≤≠]+|!))"""
)


class FilterError(UserError):
    """A filter that can't be read; the message says what to write instead.

    place: (start, end) of what is wrong in the text; start = end where something is missing.
    about: of a comparison, the part that is wrong.
    """

    def __init__(self, message: str, place: tuple[int, int] = (0, 0), about: About = "name") -> None:
        super().__init__(message)
        self.place, self.about = place, about

    @property
    def located(self) -> UserError:
        """The same where nobody sees the place: the message names it."""
        return UserError(f"{self} (at character {self.place[0] + 1} of the filter)")


@dataclass(frozen=True)
class Token:
    """kind: bracket, operator, word, quoted, or open for a quotation that does not end. text: an operator by its usual
    sign, what stands in quotes without them. place: where it stands, (start, end), its quotes included."""

    kind: str
    text: str
    place: tuple[int, int]


def tokens_of(text: str) -> list[Token]:
    """Return what a filter is made of, whether or not it makes sense.

    After ~ stands a regular expression: it reaches to the next space, or to a bracket that it did not open.
    """
    found: list[Token] = []
    place, text = 0, text.rstrip()
    while place < len(text):
        if found and found[-1].kind == "operator" and found[-1].text in REGEX_SIGNS:
            start, end = _regex_at(text, place)
            if end > start and text[start] not in QUOTES:
                found.append(Token("word", text[start:end], (start, end)))
                place = end
                continue
        match = TOKEN.match(text, place)
        assert match is not None and match.lastgroup is not None, text[place:]
        kind, (start, end) = match.lastgroup.rstrip("0123456789"), match.span(match.lastgroup)
        if kind == "open":
            found.append(Token("open", text[end:], (start, len(text))))
            break
        part = text[start + 1 : end - 1] if kind == "quoted" else text[start:end]
        found.append(Token(kind, SIGNS.get(part, part) if kind == "operator" else part, (start, end)))
        place = match.end()
    return found


def _regex_at(text: str, place: int) -> tuple[int, int]:
    start = place + len(text[place:]) - len(text[place:].lstrip())
    end, depth = start, 0
    while end < len(text) and not text[end].isspace():
        if text[end] == "\\":
            end += 1
        elif text[end] == "(":
            depth += 1
        elif text[end] == ")":
            if not depth:
                break
            depth -= 1
        end += 1
    return start, min(end, len(text))
