"""Data files that a person names: found, read whole, and decoded; a byte that is wrong is named, never guessed at."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from seqsum.errors import UserError, did_you_mean, told_as
from seqsum.formatting import count
from seqsum.schema import shown
from seqsum.text import one_line

LARGEST_FILE = 500_000_000  # bytes: it is held in memory whole
FEW = 10  # places that a person puts right by hand
MOSTLY = 0.9
MOST_WRONG = 3  # for each character beyond ASCII that is right; other encodings have many more
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
Encoding = Literal[
    "auto", "utf-8", "utf-16-le", "utf-16-be", "windows-1250", "windows-1251", "windows-1252", "iso-8859-1",
    "iso-8859-2", "iso-8859-15", "koi8-r", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr",
]  # fmt: skip
"""What a person can say a file is written in; auto is `decode`'s own judgement."""
ENCODING_WORDS = "how the file's characters are written; auto: by its mark, as UTF-8, or as Windows-1252 where all fits"
NAMES = {"utf-8": "UTF-8", "cp1252": "Windows-1252"} | {f"windows-125{n}": f"Windows-125{n}" for n in range(3)}
TYPESET = set("‘’‚“”„–—…•€£¥§¨©ª«»®°±²³´µ·¸¹º¼½¾¿¡¢¬¯¶×÷†‡‰‹›™\N{NO-BREAK SPACE}\N{SOFT HYPHEN}")
"""What Windows-1252 text has beside letters."""


@dataclass(frozen=True)
class Decoded:
    """encoding: as people write it; replaced: how many places became U+FFFD; first: where the first of them stands;
    guessed: where the first byte stands that made this no UTF-8, or empty."""

    text: str
    encoding: str
    replaced: int = 0
    first: str = ""
    guessed: str = ""

    @property
    def remarks(self) -> list[str]:
        """What was read otherwise than it stands, a sentence each."""
        if not self.replaced:
            return []
        where = f"{count(self.replaced, 'place')} can't be decoded (the first in {self.first})"
        return [f"{where}, read as {REPLACEMENT}"]

    @property
    def mostly_wrong(self) -> bool:
        """Whether most of what is beyond ASCII became U+FFFD: it is text in another encoding."""
        return self.replaced > MOST_WRONG * len(re.sub(rf"[\0-\x7f{REPLACEMENT}]+", "", self.text))

    def wrong(self, setting: str = "task.encoding") -> str:
        """Say what can't be decoded, and the way out. setting: where a person may say the encoding; "" for nowhere"""
        more = f" (and {count(self.replaced - 1, 'more place')})" if self.replaced > 1 else ""
        by_hand = "put the character right, or " if self.replaced <= FEW else ""
        said = f"set {setting} to what it is in, or " if setting else ""
        return (
            f"{self.first} is no {self.encoding}{more}; {by_hand}{said}save the file as "
            "UTF-8 (iconv -f ENCODING -t UTF-8); untold, it is read as UTF-8, by a mark as UTF-16 or UTF-32, and as "
            "Windows-1252 where several letters speak for it"
        )

    @property
    def zeros(self) -> str:
        """What zero bytes tell of a file that is to be text, and the way out; empty where there are none."""
        if "\0" not in self.text:
            return ""
        for first, encoding in ((1, "UTF-16LE"), (0, "UTF-16BE")):
            half = self.text[first::2]
            if half.count("\0") > MOSTLY * len(half):
                return (
                    "it looks like UTF-16 without a mark, as every second byte is zero; save it as UTF-8 "
                    f"(iconv -f {encoding} -t UTF-8)"
                )
        return "it holds zero bytes; save it as plain text (a table as CSV or JSON Lines), in UTF-8"


def _absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).expanduser().absolute())


DataFile = Annotated[str | None, AfterValidator(_absolute)]
"""The setting that names a file: it means the same from every folder, for a run may go on from another one."""


def check_file(path: str, field: str) -> Path:
    """Return a data file's path; raise UserError, naming the setting, when it is missing, or is no plain file."""
    file = Path(path)
    quoted = shown(file.name)
    with told_as(f"{field}: can't read {one_line(path)}", ValueError):  # ValueError: a null character in the path
        if file.is_dir():
            raise UserError(f"{field}: {one_line(path)} is a folder; name a file in it")
        if not file.exists():
            siblings = [entry.name for entry in file.parent.iterdir()] if file.parent.is_dir() else []
            near = one_line(did_you_mean(file.name, siblings))
            raise UserError(f"{field}: there is no file {quoted} in {one_line(str(file.parent))}{near}")
        if not file.is_file():
            raise UserError(f"{field}: {one_line(path)} is not a plain file; name one that holds the data")
    return file


def read_bytes(path: str, field: str) -> bytes:
    """Read a data file whole; raise UserError, naming the setting, when it is missing, a folder or too large."""
    file = check_file(path, field)
    with told_as(f"{field}: can't read {one_line(path)}"):
        if file.stat().st_size > LARGEST_FILE:
            raise UserError(
                f"{field}: {one_line(path)} is larger than {LARGEST_FILE // 1_000_000} MB; name a part of it"
            )
        return file.read_bytes()


def decode(data: bytes, whole: bool = True, encoding: Encoding = "auto") -> Decoded:
    """Decode by the file's mark, as UTF-8, or as Windows-1252 where everything speaks for it; or as a person says.

    A file in which some characters are UTF-8 is UTF-8: what is no UTF-8 in it becomes U+FFFD. Windows-1252 it is when
    no character is UTF-8 and all high bytes are letters or signs of running text. Line ends become \\n.
    whole: whether the data is the whole file; else a character that its end cuts in two is left out
    """
    if encoding != "auto":
        mark = next((mark for mark, known in MARKS if known == encoding and data.startswith(mark)), b"")
        return _decoded(data, len(mark), encoding, whole)
    for mark, known in MARKS:
        if data.startswith(mark):
            return _decoded(data, len(mark), known, whole)
    try:
        text, _ = codecs.utf_8_decode(data, "strict", whole)
        return Decoded(_newlines(text), "UTF-8")
    except UnicodeDecodeError as error:
        if _is_windows_1252(data):
            return Decoded(_newlines(data.decode("cp1252")), NAMES["cp1252"], guessed=_place(data, error.start))
    return _decoded(data, 0, "utf-8", whole)


def read_text(
    data: bytes, source: str, bear_wrong: bool = False, encoding: Encoding = "auto", setting: str = "task.encoding"
) -> Decoded:
    """Decode a file that must be text; raises UserError naming the first byte that is none.

    bear_wrong: whether single places that can't be decoded are left as U+FFFD; a file that is mostly wrong never is
    setting: as `Decoded.wrong` takes it
    """
    found = decode(data, encoding=encoding)
    if found.zeros:
        raise UserError(f"{source} can't be read as text: {found.zeros}")
    if found.replaced and (not bear_wrong or found.mostly_wrong):
        raise UserError(f"{source}, {found.wrong(setting)}")
    return found


def _decoded(data: bytes, mark: int, encoding: str, whole: bool) -> Decoded:
    """Decode, with U+FFFD for each place that is wrong; the first is named by its line and byte."""
    wrong: list[int] = []

    def replace(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeDecodeError)
        wrong.append(error.start)
        return REPLACEMENT, error.end

    codecs.register_error("seqsum.told", replace)
    text = codecs.getincrementaldecoder(encoding)("seqsum.told").decode(data[mark:], whole)
    first = _place(data, mark + wrong[0], encoding) if wrong else ""
    name = encoding[:6] if encoding.startswith("utf-") else encoding
    return Decoded(_newlines(text), NAMES.get(encoding, name.upper()), len(wrong), first)


def _place(data: bytes, at: int, encoding: str = "utf-8") -> str:
    line = 1 + len(re.findall(r"\r\n|\r|\n", data[:at].decode(encoding, "replace")))
    return f"line {line}: byte 0x{data[at]:02X} (byte {at + 1:,} of the file)"


def _is_windows_1252(data: bytes) -> bool:
    """Whether bytes that are no UTF-8 read well as Windows-1252: as words of an alphabet like ours."""
    high = re.findall(rb"[\x80-\xff]+", data)
    count = sum(map(len, high))
    if count < 2 or sum(len(run) for run in high if len(run) > 1) > count / 2:
        return False  # a single odd byte; or long runs of high bytes, as other alphabets have them
    if any(_has_utf_8(run) for run in high):
        return False
    try:
        characters = set(b"".join(high).decode("cp1252"))
    except UnicodeDecodeError:
        return False
    return all((one.isalpha() and one != "ÿ") or one in TYPESET for one in characters)


def _has_utf_8(run: bytes) -> bool:
    return any(ord(one) > 0x7F and not 0xDC80 <= ord(one) <= 0xDCFF for one in run.decode("utf-8", "surrogateescape"))


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def unknown_of(unknown: int, count: int) -> str:
    """Say how many of the characters that were typed a model does not know."""
    return f"{unknown:,} of {count:,} characters are unknown to this model and read alike, as {REPLACEMENT}"
