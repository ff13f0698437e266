"""Reading text to learn from: the standard library's sources, or a file or folder that the user names."""

from __future__ import annotations

import hashlib
import os
import sysconfig
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seqsum.errors import UserError
from seqsum.tasks.text_files import REPLACEMENT, Encoding, decode
from seqsum.text import one_line

STANDARD_LIBRARY = "stdlib"
PROBE = 1 << 16  # characters looked at to tell text from anything else
MOST_BORNE = 0.1  # of a file's characters that can't be decoded, where hardly any beyond ASCII can


@dataclass
class Corpus:
    """Text and where it comes from.

    files: how many files were read; skipped: files of a folder passed over because they are no text or can't be read,
    first_skipped: the first of them and why; copies: files passed over because an earlier one holds the same text;
    encodings: files that are not in UTF-8, by encoding; undecodable: how many places could not be decoded and became
    U+FFFD, wrong: where the first of them stands; cut: whether there was more text than asked for.
    """

    source: str
    text: str = ""
    files: int = 0
    skipped: int = 0
    first_skipped: str = ""
    copies: int = 0
    encodings: Counter[str] = field(default_factory=Counter)
    undecodable: int = 0
    wrong: str = ""
    cut: bool = False
    _parts: list[str] = field(default_factory=list)
    _seen: set[bytes] = field(default_factory=set)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the text."""
        return fingerprint_of(self.text)


def fingerprint_of(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def source_name(value: str) -> str:
    """Write a source so that it means the same from every folder: `stdlib`, or an absolute path."""
    value = value.strip()
    if value == STANDARD_LIBRARY:
        return value
    try:
        return str(Path(value).expanduser().absolute())
    except RuntimeError:  # ~name of somebody who has no home here
        return str(Path(value).absolute())


def read_corpus(source: str, limit: int, field: str = "task.corpus", encoding: Encoding = "auto") -> Corpus:
    """Read at most `limit` characters from a file, from a folder's files in sorted order, or from `stdlib`.

    `stdlib` is the standard library's top-level modules without a leading underscore, by name. Line ends become \\n;
    what can't be decoded becomes U+FFFD. Hidden files, links to folders, files with zero bytes in them or in an
    encoding that is not known, and copies of files read before are passed over in folders: a copy would stand in
    training and in the held-out end. Raises UserError, naming the setting (`field`), when there is nothing to read.
    """
    corpus = Corpus(source)
    if source == STANDARD_LIBRARY:
        folder = Path(sysconfig.get_path("stdlib"))
        files: Iterator[Path] = (path for path in sorted(folder.glob("*.py")) if not path.name.startswith("_"))
        nothing = "the standard library's sources are not installed here; name a file or folder"
    else:
        path = Path(source)
        try:
            there = path.exists()
        except OSError:  # the name is too long, or a folder on the way is closed to us
            there = False
        if not there:
            raise UserError(f"{field}: there is no {source}; name a text file or a folder of text files")
        if path.is_file():
            files = iter([path])
            nothing = f"{source} is empty; name a file with text in it"
        elif path.is_dir():
            files = _files(path)
            nothing = f"{source} holds no text; name a folder with text files in it"
        else:
            raise UserError(f"{field}: {source} is neither a file nor a folder")
    left = limit
    for file in files:
        if left <= 0:
            corpus.cut = True
            break
        try:
            left -= _read(file, left, corpus, encoding)
        except (OSError, _NoText) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            if source == str(file):
                raise UserError(f"{field}: can't read {source}: {reason}") from None
            corpus.first_skipped = corpus.first_skipped or f"{one_line(file.name)}: {reason}"
            corpus.skipped += 1
    corpus.text = "".join(corpus._parts)
    corpus._parts.clear()
    if not corpus.text:
        passed = corpus.first_skipped and f"; passed over was {corpus.first_skipped}"
        raise UserError(f"{field}: {nothing}{passed}")
    return corpus


class _NoText(Exception):
    """A file that holds something else than text."""


def _files(folder: Path) -> Iterator[Path]:
    """Yield the regular files under a folder, each folder's own first, in the order of their names."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if not name.startswith(".") and path.is_file():
                yield path


def _read(file: Path, limit: int, corpus: Corpus, encoding: Encoding) -> int:
    """Add at most `limit` characters of a file to the corpus; return how many."""
    with file.open("rb") as stream:
        # One character more than wanted tells whether there is more; none takes more than four bytes.
        data = stream.read(4 * (limit + 2))
        whole = not stream.read(1)
    decoded = decode(data, whole, encoding)
    if "\0" in decoded.text[:PROBE]:
        raise _NoText(decoded.zeros)
    if decoded.mostly_wrong and decoded.replaced > MOST_BORNE * len(decoded.text):
        raise _NoText(decoded.wrong())
    text = decoded.text[:limit]
    # A file that is cut off can be the beginning of an earlier one.
    digest = hashlib.sha256(text.rstrip().encode("utf-8", "surrogatepass")).digest()
    begins = len(decoded.text) > limit and any(part.startswith(text) for part in corpus._parts)
    if text and (digest in corpus._seen or begins):
        corpus.copies += 1
        return 0
    corpus._seen.add(digest)
    corpus.cut = corpus.cut or len(decoded.text) > limit
    if decoded.encoding != "UTF-8":
        corpus.encodings[decoded.encoding] += 1
    # A file that holds U+FFFD itself is counted with the undecodable: both lost their characters somewhere.
    corpus.undecodable += text.count(REPLACEMENT)
    if decoded.replaced and not corpus.wrong:
        corpus.wrong = f"{one_line(file.name)}, {decoded.first}"
    corpus.files += bool(text)
    corpus._parts.append(text)
    return len(text)
