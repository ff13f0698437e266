"""Text from outside, made safe to show: names, notes, logs and files are shown literally, whatever they hold.

What could steer a terminal or hide in a name (control characters, escape sequences, overrides of the writing
direction, characters without width) is written as an escape, `\\x1b`. Joiners inside words that need them (می‌خواهم) and
inside emoji (👩‍💻), flags and variants of emoji stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

ZWNJ, ZWJ = "\u200c", "\u200d"
# Printable by Unicode's tables, but seen by nobody: fillers, the grapheme joiner, variation selectors.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")
_IDEOGRAPHIC_SPACE = "\u3000"
_ODD_SPACE = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f]")
# Scripts that write words with joiners: Hebrew to Tibetan and Myanmar, Khmer and Mongolian, and those of other planes.
_JOINED = re.compile(
    "[\u0590-\u10ff\u1780-\u1aff\ua800-\uabff\ufb1d-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff\U0001e900-\U0001e95f]"
)


def printable(text: str) -> str:
    """Return `text` with what is not seen made visible, so that it prints literally; lines and tabs stay."""
    if text.isprintable() and (text.isascii() or not _UNSEEN.search(text)):
        return text
    return "".join(_visible(text))


def one_line(text: str) -> str:
    """Return `text` with line breaks and tabs made visible too."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def shown(text: str) -> str:
    """Return `text` as it is shown in one line of a screen: line breaks and tabs are spaces, marks are composed."""
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", printable(re.sub(r"\r\n|[\n\r\t]", " ", text)))


def seen(answer: str) -> str:
    """Return an answer as a person sees it: of spaces alone, or of nothing, it is quoted, in one line."""
    return answer if answer.strip() else f'"{one_line(answer)}"'


def written_on(prompt: str, between: str, written: str) -> str:
    """Return a prompt with what was written behind it; what would not be seen there is set off from it."""
    return f"{prompt}{between if written.strip() else ' '}{seen(written)}"


def plain_spaces(text: str) -> str:
    """Return `text` without spaces at its ends, other kinds of spaces (no-break, thin) as a plain one."""
    return _ODD_SPACE.sub(" ", text).strip()


def is_plain(text: str) -> bool:
    """Say whether `text` is one line that is shown as it stands."""
    return one_line(text) == text


def _visible(text: str) -> Iterator[str]:
    flags = {at for found in _FLAG.finditer(text) for at in range(*found.span())}
    for at, character in enumerate(text):
        if at in flags or character in "\n\t" or _is_seen(text, at):
            yield character
        else:
            yield character.encode("unicode_escape").decode()


def _is_seen(text: str, at: int) -> bool:
    character = text[at]
    before, after = text[at - 1] if at else "", text[at + 1] if at + 1 < len(text) else ""
    if character in (ZWNJ, ZWJ):
        within = bool(_JOINED.match(before) and _JOINED.match(after))
        return within or (character == ZWJ and _is_pictured(before) and _is_pictured(after))
    if _UNSEEN.match(character):
        if character in "\ufe0e\ufe0f":
            return _is_pictured(before) or (before in "#*0123456789‼⁉〰〽" and before != "")
        # Variants of ideographs and of Mongolian letters are asked for by selectors.
        return ("\u3400" <= before <= "\u9fff" and character not in "\u3164\uffa0") or (
            "\u1820" <= before <= "\u18aa" and "\u180b" <= character <= "\u180f"
        )
    # Python's tables may be older than an emoji.
    return character.isprintable() or character == _IDEOGRAPHIC_SPACE or _is_new_emoji(character)


def _is_pictured(character: str) -> bool:
    if not character:
        return False
    category = unicodedata.category(character)
    return category in ("So", "Sm") or character in "\ufe0f\u20e3" or _is_emoji(character)


def _is_emoji(character: str) -> bool:
    return "\U0001f000" <= character <= "\U0001faff"


def _is_new_emoji(character: str) -> bool:
    return _is_emoji(character) and unicodedata.category(character) == "Cn"
