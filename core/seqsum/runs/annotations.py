"""What a person says of a run: another name, tags, a note, a star. `annotations.json` in its folder.

The record says how a run began and stays as it is; annotations lie over it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seqsum.errors import UserError
from seqsum.files import alone, read_json, write_json
from seqsum.runs.access import by_another, hand, read_only
from seqsum.runs.changes import tell_changed
from seqsum.runs.gone import RunGone
from seqsum.text import is_plain, one_line, plain_spaces, printable

ANNOTATIONS_FILE = "annotations.json"
LONGEST_NAME = 200
FOLDERS = (".", "..")
"""What every program reads as a folder is no name."""
SETTING = re.compile(r"(?:--)?([a-z_]+\.[a-z_]\w*)\s*=\s*(.*)|--([a-z_]+\.[a-z_]\w*)\s*(.*)", re.IGNORECASE)
LONGEST_TAG = 50
SAID = ("name", "tags", "note", "starred")
MOST_TAGS = 50
LONGEST_NOTE = 10_000


@dataclass(frozen=True)
class Annotations:
    """None for name or tags: they are as the record has them."""

    name: str | None = None
    tags: tuple[str, ...] | None = None
    note: str = ""
    starred: bool = False
    by: Mapping[str, str] = field(default_factory=dict)
    """Of what somebody else than the owner said last: who that was."""

    @classmethod
    def read(cls, folder: Path) -> Annotations:
        """Read a run's annotations. A file that is missing, damaged or a stranger's never stands in a run's way:
        what can't be used of it is left out."""
        try:
            return cls._of(_read(folder))
        except (OSError, ValueError):
            return cls()

    @classmethod
    def _of(cls, raw: Mapping[str, Any]) -> Annotations:
        found = cls()
        with suppress(KeyError, AttributeError, TypeError, UserError):
            found = replace(found, name=check_name(raw["name"]))
        with suppress(KeyError, AttributeError, TypeError, UserError):
            found = replace(found, tags=check_tags(raw["tags"]))
        note = raw.get("note")
        # A stranger's may have millions of lines: what nobody can write is not read either.
        note = note[:LONGEST_NOTE] if isinstance(note, str) else ""
        said = raw.get("by")
        by = {key: hand(said.get(key)) for key in SAID if said.get(key)} if isinstance(said, dict) else {}
        return replace(found, note=note, starred=raw.get("starred") is True, by=by)

    def plain(self) -> dict[str, Any]:
        """What a person said, ready for JSON."""
        tags = None if self.tags is None else list(self.tags)
        said = {
            "name": self.name, "tags": tags, "note": self.note or None, "starred": self.starred or None,
            "by": dict(self.by) or None,
        }  # fmt: skip
        return {key: value for key, value in said.items() if value is not None}


def annotate(
    folder: Path,
    *,
    name: str | None = None,
    tags: Iterable[str] | Callable[[], Iterable[str]] | None = None,
    note: str | None = None,
    starred: bool | None = None,
) -> Annotations:
    """Change some of a run's annotations and return them all; None leaves one as it is.

    tags: all of them, or what makes them of those that the run has; it is called while nobody else changes them.
    Raises UserError for a value that can't be one, or a folder that can't be written.
    """
    checks: dict[str, Callable[[Any], Any]] = {"name": check_name, "tags": check_tags, "note": check_note}
    given = {"name": name, "tags": tags, "note": note, "starred": starred}

    def checked(values: Mapping[str, Any]) -> dict[str, Any]:
        return {key: checks.get(key, bool)(value) for key, value in values.items() if value is not None}

    changes = checked({**given, "tags": None if callable(tags) else tags})
    try:
        with alone(folder):
            if callable(tags):
                changes |= checked({"tags": tags()})
            try:
                raw = _read(folder)
            except ValueError:
                (folder / ANNOTATIONS_FILE).replace(folder / f"{ANNOTATIONS_FILE}.broken")
                raw = {}
            found = replace(Annotations._of(raw), **changes)
            who = by_another(folder).get("by")
            by = {key: name for key, name in found.by.items() if key not in changes}
            found = replace(found, by=by | (dict.fromkeys(changes, who) if who else {}))
            changes["by"] = found.by
            # What is of another kind, or a newer version's, stays as it is.
            stay = {key: value for key, value in raw.items() if key not in changes}
            said = found.plain()
            write_json(folder / ANNOTATIONS_FILE, stay | {key: said[key] for key in changes if key in said})
    except OSError as error:
        RunGone.check(folder)
        reason = read_only(folder) or error.strerror or error
        raise UserError(f"runs: can't write {folder / ANNOTATIONS_FILE}: {reason}") from None
    tell_changed(folder)
    return found


def _read(folder: Path) -> dict[str, Any]:
    """Return what the file holds; raise ValueError for what is no annotations, OSError when it can't be read."""
    try:
        raw = read_json(folder / ANNOTATIONS_FILE)
    except FileNotFoundError:
        return {}
    if not isinstance(raw, dict):
        raise ValueError("it is no section")
    return raw


def check_name(name: str) -> str:
    """Return a run's name stripped; raise UserError for an empty, overlong or unprintable one, and for `.` and `..`."""
    name = plain_spaces(name)
    if not name or len(name) > LONGEST_NAME or not is_plain(name):
        raise UserError(f'name: must be 1 to {LONGEST_NAME} printable characters, got "{_short(name)}"')
    if name in FOLDERS:
        raise UserError(f'name: "{name}" means a folder to every program; choose another')
    return name


def check_typed_name(name: str, way_out: str | None = None) -> str:
    """Return the name that a person types for a run, as `check_name` does; raise UserError for a setting, too.

    way_out: where a setting goes where it was typed; None on the command line.
    """
    name = check_name(name)
    if (found := SETTING.match(name)) is not None:
        flag = f"--{found[1] or found[3]} {found[2] or found[4] or 'VALUE'}"
        raise UserError(
            f'name: "{_short(name)}" looks like a setting; {way_out or f"train and fork take it as {_short(flag)}"}'
        )
    return name


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags stripped, each once; raise UserError for one that can't be a tag."""
    found = tuple(dict.fromkeys(map(plain_spaces, tags)))
    for tag in found:
        if not tag or len(tag) > LONGEST_TAG or "," in tag or not is_plain(tag):
            given = _short(tag)
            raise UserError(f'tags: a tag is 1 to {LONGEST_TAG} printable characters without commas, got "{given}"')
    if len(found) > MOST_TAGS:
        raise UserError(f"tags: a run can have at most {MOST_TAGS} tags, got {len(found)}")
    return found


def check_note(note: str) -> str:
    """Return a note stripped; raise UserError for an overlong or unprintable one. It can have several lines."""
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise UserError(f"note: must be at most {LONGEST_NOTE:,} characters, got {len(note):,}")
    if printable(note) != note:
        raise UserError("note: must be printable text; it holds control characters")
    return note


def _short(text: str) -> str:
    text = one_line(text)
    return text if len(text) <= 60 else f"{text[:59]}…"
