"""What git knows of a folder: its commit, and what was changed since. Nothing of the repository is run.

The commit is read from the repository's own files, as quickly as a file is read. The changes take a program, git, which
a repository's settings could have run others: what can be switched off is, and it is ended when it takes too long.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seqsum.files import read_regular
from seqsum.runs.redaction import hidden_lines

MOST_DIFF = 2**18
"""Bytes of changes that are kept."""
SECONDS = 2.0
"""How long git may take for a folder, all in all."""
_MOST_READ = 16 * 2**20  # packed-refs of a large repository
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DEEPEST = 64
_SAFE = {
    "core.fsmonitor": "false", "core.hooksPath": "/dev/null", "core.pager": "cat", "core.sshCommand": "false",
    "core.attributesFile": "/dev/null", "credential.helper": "", "diff.external": "", "protocol.allow": "never",
    "submodule.recurse": "false", "core.untrackedCache": "false", "maintenance.auto": "false",
}  # fmt: skip
# Files of this kind hold secrets and nothing that trains.
_UNSHOWN = (".env*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.kdbx", "id_*", "credentials*", ".netrc", ".pgpass")


@dataclass(frozen=True)
class Changes:
    """What was changed in a repository since its commit.

    diff: as `git apply` takes it, secrets hidden; cut: whether it is longer and its end is left out; hidden: in how
    many lines something is; why: why it is not known, "" where it is
    """

    diff: str = ""
    cut: bool = False
    hidden: int = 0
    why: str = ""


def root_of(folder: Path) -> Path | None:
    """Return the top folder of the repository that a folder lies in; None where there is none."""
    ceilings = {os.path.realpath(one) for one in os.environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep) if one}
    with suppress(OSError, RuntimeError):
        here = folder.resolve()
        device = here.stat().st_dev
        for place in (here, *here.parents)[:_DEEPEST]:
            if (place != here and str(place) in ceilings) or place.stat().st_dev != device:
                return None
            if (place / ".git").exists():
                return place
    return None


def commit_of(root: Path) -> str | None:
    """Return the commit that a repository stands at, read from its files; None where they do not say it."""
    try:
        place = root / ".git"
        if place.is_file():
            place = (root / _text(place).partition("gitdir:")[2].strip()).resolve()
        common = place
        with suppress(OSError):
            common = (place / _text(place / "commondir").strip()).resolve()
        head = _text(place / "HEAD").strip()
        for _ in range(5):  # a reference may be the name of another
            name = head.removeprefix("ref:").strip()
            if name == head or ".." in name or name.startswith("/"):
                break
            head = _reference(name, place, common)
    except (OSError, ValueError, RuntimeError):
        return None
    return head if _COMMIT.fullmatch(head) else None


def _reference(name: str, *folders: Path) -> str:
    for folder in folders:
        with suppress(OSError):
            return _text(folder / name).strip()
    for line in _text(folders[-1] / "packed-refs").splitlines():
        commit, _, named = line.partition(" ")
        if named == name:
            return commit
    return ""


def _text(path: Path) -> str:
    return read_regular(path, _MOST_READ).decode("utf-8", "replace")


class Git:
    """The program, asked about one repository; `give_up` in another thread ends what it is at."""

    def __init__(self, root: Path, seconds: float = SECONDS) -> None:
        self._root, self._deadline = root, time.monotonic() + seconds
        self._given_up = False

    def give_up(self) -> None:
        """Wait for no answer any more."""
        self._given_up = True

    def changes(self) -> Changes:
        """Return what was changed in the files that the repository knows."""
        try:
            # A filter of the repository's own (git-lfs is one) would be run on every file that was touched.
            named = self._ask(["config", "--name-only", "-z", "--get-regexp", r"^filter\."], MOST_DIFF, fails=True)
            drivers = {name.rpartition(".")[0] for name in named[0].decode("utf-8", "replace").split("\0") if name}
            off = {f"{driver}.{what}": "" for driver in drivers for what in ("clean", "smudge", "process")}
            off |= {f"{driver}.required": "false" for driver in drivers}
            unshown = [f":(exclude,top,glob)**/{name}" for name in _UNSHOWN]
            diff, cut = self._ask(
                ["diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=all",
                 "--src-prefix=a/", "--dst-prefix=b/", "HEAD", "--", ":(top)", *unshown],
                MOST_DIFF, settings=off,
            )  # fmt: skip
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return Changes(why=str(error) if isinstance(error, _NoAnswer) else "there is no git to ask")
        text = diff.decode("utf-8", "replace")
        if cut:
            text = text[: text.rfind("\n") + 1]
        text, hidden = hidden_lines(text)
        return Changes(text, cut, hidden)

    def _ask(
        self, arguments: list[str], most: int, *, fails: bool = False, settings: dict[str, str] | None = None
    ) -> tuple[bytes, bool]:
        """Return what git says, and whether that is only its beginning, as it says more than `most` bytes.

        fails: whether it may end with an error, as where nothing is found. Raises _NoAnswer.
        """
        safe = [word for name, value in {**_SAFE, **(settings or {})}.items() for word in ("-c", f"{name}={value}")]
        process = subprocess.Popen(
            ["git", "--no-pager", *safe, *arguments],
            cwd=self._root, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            said = self._hear(process, most)
            if len(said) > most:
                return said[:most], True
            status = process.wait(self._left)
        except subprocess.TimeoutExpired:
            raise _NoAnswer("git took too long") from None
        finally:
            # With what it has started, if anything.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        if status and not fails:
            raise _NoAnswer("git does not read it")
        return said, False

    @property
    def _left(self) -> float:
        return max(self._deadline - time.monotonic(), 0.001)

    def _hear(self, process: subprocess.Popen[bytes], most: int) -> bytes:
        said = b""
        assert process.stdout is not None
        while len(said) <= most:
            if self._given_up or time.monotonic() > self._deadline:
                raise _NoAnswer("git took too long")
            if select.select([process.stdout], [], [], min(self._left, 0.05))[0]:
                part = os.read(process.stdout.fileno(), 65_536)
                if not part:
                    break
                said += part
        return said


class _NoAnswer(ValueError):
    """Git said nothing that can be used."""


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # No lock, no question, nothing fetched: what is not here is not looked for elsewhere.
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    return {**kept, **quiet, "GIT_CEILING_DIRECTORIES": os.environ.get("GIT_CEILING_DIRECTORIES", "")}
