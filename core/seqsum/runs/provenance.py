"""Where a run comes from, beside what its record says: what was changed in the repository of whoever started it and in
those of its plug-ins, and their code as it was. No torch.

`repository.json`      for each repository: its folder, commit, and whether something was changed since
`repository.diff`      what was changed where the run was started; `repository-2.diff` … in a plug-in's repository
`source/NAME-HASH.py.txt` a plug-in's code as a worker had it. Only to be read: nothing in a run's folder is ever run.

Git is asked beside, after the run was started: the start waits for nothing of it.
"""

from __future__ import annotations

import atexit
import os
import queue
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from seqsum import plugins
from seqsum.files import json_bytes, parse_json, read_regular, write_atomically
from seqsum.runs.git import Changes, Git, commit_of, root_of
from seqsum.runs.kinds import Fields
from seqsum.runs.redaction import shown_command
from seqsum.text import one_line

REPOSITORY_FILE = "repository.json"
DIFF = "repository"
SOURCE_FOLDER = "source"
CODE_ENDING = ".py.txt"
MARK = 8
"""Letters of a hash in the name of a file."""
LONGEST_COMMAND = 4000
END_SECONDS = 0.2
"""How long a program that ends waits for what git has not said yet."""
AGAIN_SECONDS = 1.0
"""A sweep makes many runs in a second: for them git is asked once."""
_MOST_READ = 2**20
_PROGRAMS = {"seqsum/cli/__main__.py": "seqsum", "seqsum_tui/__main__.py": "seqsum-tui"}


@cache
def command_line() -> str:
    """Return what was typed to start this program, its secrets hidden."""
    program = sys.argv[0] if sys.argv else ""
    known = next((name for end, name in _PROGRAMS.items() if program.endswith(end)), None)
    if known is None and Path(program).name in _PROGRAMS.values():
        known = Path(program).name
    if known is not None:
        typed = [known, *sys.argv[1:]]
    else:
        typed = [Path(word).name if not place else word for place, word in enumerate(sys.orig_argv)]
    text = shown_command([os.fsencode(word).decode("utf-8", "replace") for word in typed])
    return text if len(text) <= LONGEST_COMMAND else f"{text[: LONGEST_COMMAND - 2]} …"


def here() -> str:
    """Return the folder that the user stands in; "" where it was deleted."""
    with suppress(OSError):
        return str(Path.cwd())
    return ""


def commit_here() -> str | None:
    """Return the commit of the repository that the user stands in, if any."""
    root = root_of(Path(place)) if (place := here()) else None
    return None if root is None else commit_of(root)


@cache
def machine() -> dict[str, Any]:
    """Return what of this machine the bits of a run may depend on: its processor, what torch uses of it, and how many
    cores it has. For a worker: torch is loaded there."""
    found: dict[str, Any] = {"cpu": _processor(), "cores": os.cpu_count() or 1}
    torch = sys.modules.get("torch")
    if torch is not None:
        with suppress(AttributeError, RuntimeError):
            found["instructions"] = str(torch.backends.cpu.get_cpu_capability())
    return found


def _processor() -> str:
    with suppress(OSError), Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
        # The first one's: of hundreds it would take long.
        for line in file.read(4096).splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    import platform

    return platform.processor() or platform.machine()


# Repositories


def keep_repositories(folder: Path, sources: Iterable[str]) -> None:
    """Have written, beside, what was changed in the repository that the user stands in and in those of plug-ins.

    folder: the run's; sources: its plug-ins, as `plugins.sources_of` names them. Never raises, and waits for nothing.
    """
    found: dict[Path, str] = {}
    for place, whose in ((here(), "start"), *((_folder_of(source), source) for source in sources)):
        root = root_of(Path(place)) if place else None
        if root is not None:
            found.setdefault(root, whose)
    if found:
        _keeper().add(folder, found)


def _folder_of(source: str) -> str:
    file = plugins.file_of(source)
    return str(file.parent) if file is not None else ""


class _Keeper:
    """Asks git, in a thread, one repository after the other."""

    def __init__(self) -> None:
        self._todo: queue.SimpleQueue[tuple[Path, dict[Path, str]]] = queue.SimpleQueue()
        self._asked: dict[Path, tuple[float, Changes]] = {}
        self._git: Git | None = None
        self._ends = False
        self._left = 0
        self._idle = threading.Condition()
        # Git that hangs must not keep the program from its end.
        threading.Thread(target=self._work, name="repositories", daemon=True).start()
        atexit.register(self._end)

    def add(self, folder: Path, roots: dict[Path, str]) -> None:
        with self._idle:
            self._left += 1
        self._todo.put((folder, roots))

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is left to be written; return whether nothing is."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._left, seconds)

    def _work(self) -> None:
        while True:
            folder, roots = self._todo.get()
            with suppress(Exception):
                self._keep(folder, roots)
            with self._idle:
                self._left -= 1
                self._idle.notify_all()

    def _keep(self, folder: Path, roots: dict[Path, str]) -> None:
        told = []
        for number, (root, whose) in enumerate(roots.items(), 1):
            changes = self._changes(root)
            name = f"{DIFF}{f'-{number}' if number > 1 else ''}.diff"
            if changes.diff:
                write_atomically(folder / name, changes.diff.encode())
            told.append(
                {
                    "of": whose,
                    "folder": str(root),
                    "commit": commit_of(root),
                    "dirty": None if changes.why else bool(changes.diff),
                    "diff": name if changes.diff else None,
                    "cut": changes.cut,
                    "hidden_lines": changes.hidden,
                    "why": changes.why,
                }
            )
        write_atomically(folder / REPOSITORY_FILE, json_bytes({"repositories": told}))

    def _changes(self, root: Path) -> Changes:
        when, known = self._asked.get(root, (-AGAIN_SECONDS, Changes()))
        if time.monotonic() - when < AGAIN_SECONDS:
            return known
        self._git = Git(root)
        if self._ends:
            self._git.give_up()
        found = self._git.changes()
        self._asked[root] = time.monotonic(), found
        return found

    def _end(self) -> None:
        if not self.wait(END_SECONDS):
            self._ends = True
            if self._git is not None:
                self._git.give_up()
            self.wait(END_SECONDS)


@cache
def _keeper() -> _Keeper:
    return _Keeper()


def repositories(folder: Path) -> list[dict[str, Any]]:
    """Return what is known of the repositories of a run: of, folder, commit, dirty, diff (a file's name), cut,
    hidden_lines, why."""
    try:
        raw = parse_json(read_regular(folder / REPOSITORY_FILE, _MOST_READ))
        found = raw["repositories"] if isinstance(raw, dict) else []
    except (OSError, ValueError, LookupError):
        return []
    told = []
    for one in found if isinstance(found, list) else []:
        if isinstance(one, dict):
            given = Fields(one, "")
            told.append(
                {name: given.text_or_none(name) for name in ("of", "folder", "commit", "diff", "why")}
                | {"dirty": one.get("dirty") if isinstance(one.get("dirty"), bool) else None}
                | {"cut": one.get("cut") is True, "hidden_lines": given.whole("hidden_lines")}
            )
    return told


# Plug-ins' code


def keep_code(folder: Path, sources: Iterable[str]) -> None:
    """Write the code of plug-ins, as it is loaded here, into a run's folder; what is there already stays."""
    for source in sources:
        mark = (plugins.hash_of(source) or "")[:MARK]
        for name, code in plugins.code_of(source).items():
            path = folder / SOURCE_FOLDER / f"{name.removesuffix('.py').replace('/', '.')}-{mark}{CODE_ENDING}"
            with suppress(OSError):
                if not path.exists():
                    path.parent.mkdir(exist_ok=True)
                    write_atomically(path, code)


def code_names(folder: Path, hash: str) -> list[str]:
    """Return the names of the files that hold the code of this hash in a run's folder."""
    end = f"-{hash[:MARK]}{CODE_ENDING}"
    try:
        names = sorted(os.listdir(folder / SOURCE_FOLDER)) if hash else []  # noqa: PTH208 - names are all that is asked
    except OSError:
        return []
    return [name for name in names if name.endswith(end)]


def edited(folder: Path, known: Mapping[str, str], what: str) -> list[str]:
    """Return a sentence for each plug-in whose code is another than it was. known: source → hash; what: since
    when, e.g. "the checkpoint of step 50 was made"."""
    told = []
    for source, hash in known.items():
        now = plugins.hash_of(source)
        if now is None or now == hash:
            continue
        kept = code_names(folder, hash)
        was = f"; as it was then: {folder / SOURCE_FOLDER / kept[0]}" if kept else ""
        told.append(one_line(f"plug-in {source} was edited since {what}{was}"))
    return told


def known_hashes(raw: Any) -> dict[str, str]:
    """Return source → hash, as a checkpoint's state or a record has them; what is of another kind is left out."""
    if not isinstance(raw, dict):
        return {}
    return {source: hash for source, hash in raw.items() if isinstance(source, str) and isinstance(hash, str)}
