"""Where runs' stores are kept: as SQLite's file in each folder, or on the server that the workspace names.

`store.toml` in a workspace names a server, in one line: `url = "postgresql://db.example.org/runs"`. A run that is made
from then on has its store there, and `store.json` in its folder says which of the server's runs it is; what was made
before stays as it is. All else (record, checkpoints, log, locks) is in the folder either way.
"""

from __future__ import annotations

import os
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqsum.errors import UserError
from seqsum.files import file_stamp, parse_json, read_regular
from seqsum.runs.bounds import remove
from seqsum.runs.gone import BIN_FOLDER
from seqsum.users import user_name

if TYPE_CHECKING:
    from seqsum.runs.store import Store

WORKSPACE_FILE = "store.toml"
RUN_FILE = "store.json"
MOST_BYTES = 64_000

_urls: dict[Path, tuple[tuple[int, int], str]] = {}
_keys: dict[str, tuple[tuple[int, int], int]] = {}


def server_of(workspace: Path) -> str | None:
    """Return the URL of the server that keeps the stores of new runs; None where SQLite does.

    Raises UserError for a file that does not name one, or is a stranger's: what it names is reached in your name.
    """
    path = (workspace.parent if workspace.name == BIN_FOLDER else workspace) / WORKSPACE_FILE
    try:
        facts = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"workspace: can't read {path}: {error.strerror}") from None
    # When anything of it changed, whose it is and who may write it among that.
    stamp = facts.st_ctime_ns, facts.st_ino
    if path in _urls and _urls[path][0] == stamp:
        return _urls[path][1]
    owner, mode = facts.st_uid, facts.st_mode
    try:
        said = tomllib.loads(read_regular(path, MOST_BYTES).decode())
    except (OSError, ValueError) as error:
        raise UserError(f"workspace: can't read {path}: {getattr(error, 'strerror', None) or error}") from None
    if owner not in (0, os.geteuid()) or mode & 0o002:
        whose = f"is {user_name(owner)}'s" if not mode & 0o002 else "may be written by anybody"
        raise UserError(f"workspace: {path} {whose}, and names a server; have it be yours or root's, mode 644")
    url = said.get("url")
    if not isinstance(url, str) or said.keys() != {"url"}:
        raise UserError(f'workspace: {path} must be one line: url = "postgresql://db.example.org/runs"')
    from seqsum.runs.server import checked

    _urls[path] = stamp, checked(url, "workspace")
    return url


def key_of(folder: Path | str) -> int | None:
    """Return which of the server's runs a run is; None for one whose store is SQLite's.

    Raises UserError where its file can't be read.
    """
    path = f"{folder}/{RUN_FILE}"
    stamp = file_stamp(path)
    if stamp == (0, 0):
        return None
    known = _keys.get(path)
    if known is not None and known[0] == stamp:
        return known[1]
    try:
        said = parse_json(read_regular(Path(path), MOST_BYTES))
        key = said.get("run") if isinstance(said, dict) else None
        if type(key) is not int or not 0 < key < 2**62:
            raise ValueError("it names no run")
    except (OSError, ValueError) as error:
        raise UserError(f"runs: can't read {path}: {getattr(error, 'strerror', None) or error}") from None
    _keys[path] = stamp, key
    return key


def _url_for(folder: Path) -> str:
    url = server_of(folder.parent)
    if url is None:
        missing = folder.parent / WORKSPACE_FILE
        raise UserError(f"runs: the store of run {folder.name} is on a server, which {missing} would name; it is gone")
    return url


def open_on_server(folder: Path, key: int, patience: float) -> Store:
    """Open the store of a run that a server keeps. Raises UserError, and StoreBusy while the server is away."""
    url = _url_for(folder)
    from seqsum.runs.postgres_store import PostgresStore

    return PostgresStore(folder / RUN_FILE, url, key, patience)


def new_on_server(folder: Path, id: str, base: int, state: dict[str, Any]) -> Store:
    """Make a store on the server of the workspace that a new run's folder is in. Raises UserError."""
    url = _url_for(folder)
    from seqsum.runs.postgres_store import PostgresStore

    return PostgresStore.on(folder / RUN_FILE, url, id, base, state)


def remove_kept(folder: Path) -> None:
    """Delete a run's folder for good, and its store where a server keeps that. Raises OSError, UserError.

    Nothing is deleted while the server is away, and nothing there where the folder can't be deleted.
    """
    key = url = None
    with suppress(UserError):
        key, url = key_of(folder), server_of(folder.parent)
    if key is None or url is None:
        remove(folder)
        return
    from seqsum.runs.postgres_store import forgetting

    with forgetting(url, key):
        remove(folder)


def version_of(folder: Path | str) -> int:
    """Return how often the store of a run that a server keeps was changed, without asking; 0 for any other.

    The server tells of each change; while it is away, what it told last is told.
    """
    try:
        key = key_of(folder)
        url = server_of(Path(folder).parent) if key is not None else None
    except UserError:
        return 0
    if key is None or url is None:
        return 0
    from seqsum.runs.listening import heard_of

    return heard_of(url, key)
