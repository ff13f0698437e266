"""A whole run as one file, to be sent to a colleague: `pack` writes it, `unpack` makes the run of it.

It is a zip archive. `pack.json` comes first and tells what is in it: the run's id and name, and of each file its path,
size, SHA-256 and time. `run/` holds the files. Of an archive, which may be a stranger's, only what `pack.json` tells is
read, as regular files inside the run's folder; nothing in it is ever run.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from seqsum.errors import UserError, told_as
from seqsum.files import LARGEST_JSON, json_bytes, open_regular, parse_json
from seqsum.formatting import count, size
from seqsum.output_file import new_file
from seqsum.runs import store_rows
from seqsum.runs.annotations import annotate, check_typed_name
from seqsum.runs.disk import free_bytes
from seqsum.runs.kinds import Fields
from seqsum.runs.moving import (
    PART,
    Content,
    Snapshot,
    arrive,
    checksum_of,
    content_of,
    held,
    parts_of,
    paths_of,
    place_of,
    set_times,
    unlike_here,
)
from seqsum.runs.record import FORMAT as RECORD_FORMAT
from seqsum.runs.record import Record
from seqsum.runs.run import METRICS_FILE, Run
from seqsum.runs.store import Store
from seqsum.runs.workspace import Workspace
from seqsum.text import one_line, printable

ENDING = ".seqsum.zip"
FORMAT = 1
CONTENTS, INSIDE = "pack.json", "run/"
MOST_FILES = 200_000
MOST_RATIO = 100
"""How many times larger than in the archive a file may be: ours are never, a bomb is."""
SHA256 = 64
LATEST_TIME = 2**62
"""In ns since 1970."""


@dataclass(frozen=True)
class Packed:
    """What an archive tells of itself. files: path → (size, SHA-256, time in ns); of a folder (None, "", time)."""

    id: str
    name: str
    format: int
    store: str
    files: Mapping[str, tuple[int | None, str, int]] = field(repr=False)

    @property
    def size(self) -> int:
        """How many bytes its files are."""
        return sum(one or 0 for one, _, _ in self.files.values())

    @property
    def content(self) -> Content:
        """What it holds, as `Content` says it; the store's own file has its rows' checksum instead."""
        return Content(self.store, {path: sha for path, (_, sha, _) in self.files.items() if path != METRICS_FILE})

    def told(self) -> str:
        """How much it is, in words."""
        return f"{count(sum(one is not None for one, _, _ in self.files.values()), 'file')}, {size(self.size)}"


# Packed


def pack(run: Run, path: Path, *, replace: bool = False) -> Packed:
    """Write a run into an archive, whole or not at all; return what is in it.

    Raises UserError for a run that a worker is at or that can't be read, and where the archive can't be written or is
    there already, unless `replace`.
    """
    with held(run, "pack"), told_as(f"pack: can't read {run.folder}", sqlite3.Error), Snapshot(run) as database:
        here = content_of(run, database)
        snapshot = Path(database.execute("PRAGMA database_list").fetchone()[2])
        files: dict[str, tuple[int | None, str, int]] = {}
        sources = {METRICS_FILE: snapshot}
        for inner, facts in paths_of(run.folder):
            if stat.S_ISDIR(facts.st_mode):
                files[inner] = None, "", facts.st_mtime_ns
            else:
                files[inner] = facts.st_size, here.files.get(inner, ""), facts.st_mtime_ns
                sources[inner] = run.folder / inner
        facts = snapshot.stat()
        files[METRICS_FILE] = facts.st_size, checksum_of(snapshot), facts.st_mtime_ns
        packed = Packed(run.id, run.name, FORMAT, here.store, files)
        with new_file(path, replace, "pack") as file:
            _write(file, packed, sources)
    return packed


def _write(file: IO[bytes], packed: Packed, sources: Mapping[str, Path]) -> None:
    contents = {
        "format": FORMAT, "run": packed.id, "name": packed.name, "store": packed.store,
        "files": {
            path: {"time": str(when)} if length is None else {"size": length, "sha256": sha, "time": str(when)}
            for path, (length, sha, when) in packed.files.items()
        },
    }  # fmt: skip
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_entry(CONTENTS, 0), json_bytes(contents))
        for path, source in sources.items():
            length, sha, when = packed.files[path]
            entry = _entry(INSIDE + path, when)
            # Weights do not get smaller; a store does, unless that would look like a bomb.
            if path == METRICS_FILE and _ratio(source) < MOST_RATIO / 2:
                entry.compress_type = zipfile.ZIP_DEFLATED
            entry.file_size = length or 0
            made, written = hashlib.sha256(), 0
            with archive.open(entry, "w", force_zip64=True) as inside:
                for data in parts_of(source):
                    made.update(data)
                    written += len(data)
                    inside.write(data)
            if (made.hexdigest(), written) != (sha, length):
                raise UserError(f"pack: {source} changed meanwhile; try again")


def _entry(name: str, when: int) -> zipfile.ZipInfo:
    """An entry that unpacks anywhere as a file that its owner can write; when: in ns, for those who look into it."""
    moment = time.gmtime(max(when // 10**9, 315_532_800))[:6]
    entry = zipfile.ZipInfo(name, moment if moment[0] < 2108 else (1980, 1, 1, 0, 0, 0))
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def _ratio(path: Path) -> float:
    before = after = 0
    packer = zlib.compressobj()
    for data in parts_of(path):
        before += len(data)
        after += len(packer.compress(data))
    return before / max(after + len(packer.flush()), 1)


# Unpacked


def unpack(path: Path, workspace: Workspace, *, name: str | None = None, replace: bool = False) -> tuple[Run, bool]:
    """Make the run of an archive in a workspace, whole or not at all; return it, and whether anything had to be done.

    name: what it is called here. replace: put a run here of the same id that differs into the bin before.
    Raises UserError for what is no such archive, is damaged or hostile, was made by a newer version, for a name that
    another run has here, and when the run here differs.
    """
    shown = printable(str(path))
    name = None if name is None else check_typed_name(name, "unpack takes no settings")
    with _opened(path) as archive:
        packed = _contents(archive, path)
        entries = _checked(archive, packed, path)
        _check_room(workspace.folder, packed, shown)
        _check_name(workspace, packed, name)

        def fetch(folder: Path) -> None:
            _fetch(archive, entries, packed, folder, shown)
            if name is not None and name != packed.name:
                annotate(folder, name=name)

        return arrive(
            workspace, packed.id, "unpack", lambda run: unlike_here(run, packed.content), fetch, replace=replace
        )


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    shown = printable(str(path))
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except OSError as error:
        raise UserError(f"unpack: can't read {shown}: {error.strerror or error}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"unpack: {shown} is no packed run, or damaged ({one_line(str(error))})") from None


def _contents(archive: zipfile.ZipFile, path: Path) -> Packed:
    """Read what an archive tells of itself."""
    shown = printable(str(path))
    try:
        entry = archive.getinfo(CONTENTS)
        if entry.file_size > LARGEST_JSON or not _plain(entry):
            raise UserError(f"unpack: {shown} is no packed run: its {CONTENTS} is too large")
        with archive.open(entry) as file:
            raw = parse_json(file.read(LARGEST_JSON + 1)[:LARGEST_JSON])
    except KeyError:
        raise UserError(f"unpack: {shown} is no packed run: it has no {CONTENTS}; seqsum pack makes one") from None
    given = Fields(raw if isinstance(raw, dict) else {}, CONTENTS)
    format = given.whole("format", needed=True)
    if format > FORMAT:
        raise UserError(
            f"unpack: {shown} was packed by a newer version of seqsum (format {format}, known is {FORMAT}); "
            "install that"
        )
    files = dict[str, tuple[int | None, str, int]]()
    for inner, facts in given.section("files", needed=True).items():
        one = Fields(facts if isinstance(facts, dict) else {}, CONTENTS, given.problems)
        length, sha = one.whole_or_none("size"), one.text("sha256")
        if "size" in one.raw and (length is None or len(sha) != SHA256):
            one.wrong("size", "a size with its checksum")
        # In ns that is more than a number of JSON holds everywhere.
        when = one.text("time", needed=True)
        if not (when.isascii() and when.isdecimal() and len(when) < 20 and int(when) < LATEST_TIME):
            one.wrong("time", "a time in nanoseconds since 1970")
            when = "0"
        files[inner] = length, sha, int(when)
    packed = Packed(given.text("run", needed=True), given.text("name"), format, given.text("store"), files)
    if given.problems or METRICS_FILE not in files:
        why = given.problems[0] if given.problems else f"{METRICS_FILE} is missing"
        raise UserError(f"unpack: {shown} is no packed run: {why}")
    return packed


def _checked(archive: zipfile.ZipFile, packed: Packed, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the entry of each file; raise UserError unless they are those that are told, plain files of bearable size
    that lie inside the run's folder."""
    shown = printable(str(path))
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise UserError(f"unpack: {shown} holds {count(len(entries), 'file')}; a run has at most {MOST_FILES:,}")
    found = dict[str, zipfile.ZipInfo]()
    for entry in entries:
        name = printable(entry.filename)
        if entry.filename in found:
            raise UserError(f"unpack: {shown} is refused: it holds {name} twice")
        if not _plain(entry):
            raise UserError(f"unpack: {shown} is refused: {name} in it is no plain file")
        if entry.file_size > MOST_RATIO * entry.compress_size + PART:
            raise UserError(f"unpack: {shown} is refused: {name} would become {size(entry.file_size)}")
        found[entry.filename] = entry
    told = {INSIDE + inner: length for inner, (length, _, _) in packed.files.items() if length is not None}
    if (odd := sorted(set(found) - {CONTENTS} ^ set(told))) or sum(
        entry.compress_size for entry in entries
    ) > path.stat().st_size:
        what = f"what it tells is not what it holds: {printable(odd[0])}" if odd else "its files lie over each other"
        raise UserError(f"unpack: {shown} is refused: {what}")
    for name, length in told.items():
        if found[name].file_size != length:
            raise UserError(f"unpack: {shown} is refused: {printable(name)} is not as large as it tells")
    for inner in packed.files:
        if inner != METRICS_FILE:
            place_of(path.parent, inner, f"unpack: {shown} is refused")
    return found


def _plain(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a regular file, not encrypted, in one of the two ways that we write."""
    mode = entry.external_attr >> 16
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    return (
        (not stat.S_IFMT(mode) or stat.S_ISREG(mode))
        and not entry.is_dir()
        and not entry.flag_bits & 0x1
        and entry.compress_type in kinds
    )


def _check_room(folder: Path, packed: Packed, shown: str) -> None:
    free = free_bytes(folder)
    if free is not None and packed.size > free:
        raise UserError(f"unpack: {shown} needs {size(packed.size)}, and {folder} has {size(free)} left")


def _check_name(workspace: Workspace, packed: Packed, name: str | None) -> None:
    wanted = packed.name if name is None else name
    other = next((one for one in workspace.summaries() if one.name == wanted and one.id != packed.id), None)
    if other is not None:
        raise UserError(
            f'unpack: there is a run "{printable(wanted)}" here already ({other.id}); give this one another name: '
            "--name TEXT"
        )


def _fetch(
    archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], packed: Packed, folder: Path, shown: str
) -> None:
    """Write all files into an empty folder, and look at what they are."""
    times = dict[Path, int]()
    for inner in sorted(packed.files, key=lambda path: path.split("/")):
        length, sha, when = packed.files[inner]
        place = folder / inner if inner == METRICS_FILE else place_of(folder, inner, "unpack")
        times[place] = when
        if length is None:
            place.mkdir()
            continue
        made, left = hashlib.sha256(), length
        with archive.open(entries[INSIDE + inner]) as source, place.open("xb") as file:
            while left and (data := source.read(min(PART, left))):
                left -= len(data)
                made.update(data)
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if left or made.hexdigest() != sha:
            raise UserError(f"unpack: {shown} is damaged: {printable(inner)} does not match its checksum")
    record = Record.read(folder)
    if record.format > RECORD_FORMAT:
        raise UserError(
            f"unpack: run {one_line(packed.id)} was made by a newer version of seqsum (format {record.format}, known "
            f"is {RECORD_FORMAT}); install that"
        )
    if record.id != packed.id:
        raise UserError(f"unpack: {shown} is refused: its record is that of run {one_line(record.id)}")
    with Store(folder / METRICS_FILE) as store:
        rows = store_rows.digest(store.database)
    if rows != packed.store:
        raise UserError(f"unpack: {shown} is refused: its store is not the one that it tells of")
    set_times({place: when for place, when in times.items() if place.name != METRICS_FILE})
