"""Commands as other users of the machine: two of a group, who share a folder, and one who is in no group of theirs."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

GROUP = 65533
"""The group of the folder; any number will do, it needs no name."""
SECONDS = 120
QUEUE = "off"
"""Where their queue is."""


@dataclass(frozen=True)
class User:
    """An account that every machine has, which nobody logs in with."""

    name: str
    in_group: bool = True

    @property
    def account(self) -> pwd.struct_passwd:
        return pwd.getpwnam(self.name)

    def command(self, workspace: Path, *arguments: str, umask: int = 0o002) -> subprocess.CompletedProcess[str]:
        """Run the command line as this user; nobody's settings or machine code are read."""
        interpreter = for_all()
        assert interpreter is not None
        return subprocess.run(
            [interpreter, "-P", "-B", "-m", "seqsum.cli", *arguments],
            user=self.account.pw_uid,
            group=self.account.pw_gid,
            extra_groups=[GROUP] if self.in_group else [],
            umask=umask,
            cwd="/",
            env=environment(workspace),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def console(self) -> list[str]:
        """Return the command of the console as this user; the environment is to be that of `environment`."""
        interpreter, groups = for_all(), [GROUP] if self.in_group else []
        assert interpreter is not None
        become = (
            f"import os; os.setgroups({groups}); os.setgid({self.account.pw_gid}); os.setuid({self.account.pw_uid});"
            f"os.umask(2); os.chdir('/'); os.execv({interpreter!r}, [{interpreter!r}, '-P', '-B', '-m', 'seqsum_tui'])"
        )
        return [sys.executable, "-c", become]

    def does(self, workspace: Path, *arguments: str) -> str:
        """Run a command that must succeed; return what it says."""
        done = self.command(workspace, *arguments)
        assert done.returncode == 0, f"{self.name}: {arguments}: {done.stderr}{done.stdout}"
        assert "Traceback" not in done.stderr
        return done.stdout

    def refused(self, workspace: Path, *arguments: str) -> str:
        """Run a command that must be refused with a sentence; return the sentence."""
        done = self.command(workspace, *arguments)
        assert (done.returncode, done.stdout) == (2, ""), f"{self.name}: {arguments}: {done.stderr}{done.stdout}"
        assert "Traceback" not in done.stderr and done.stderr.count("\n") == 1
        return done.stderr.strip()


ANNA, BEN, CARA = User("daemon"), User("games"), User("nobody", in_group=False)


def environment(workspace: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "SEQSUM_WORKSPACE": str(workspace),
        "SEQSUM_QUEUE_DIR": QUEUE,
        "SEQSUM_STANDBY": "off",
        "SEQSUM_WORKERS": "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


@cache
def for_all() -> str | None:
    """Return an interpreter like this one that every user may run; None where there is none."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for found in (os.path.realpath(sys.executable), shutil.which(version, path="/usr/local/bin:/usr/bin")):
        if found is not None and _runs(found):
            return found
    return None


def _runs(interpreter: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        try:
            done = subprocess.run(
                [interpreter, "-P", "-B", "-c", "import seqsum, numpy, pydantic, psutil, torch"],
                user=CARA.account.pw_uid,
                group=CARA.account.pw_gid,
                extra_groups=[],
                cwd="/",
                env=environment(Path(folder)),
                capture_output=True,
                check=False,
            )
        except OSError:
            return False
    return done.returncode == 0


def why_not() -> str:
    """Say why tests can't be several users here; "" where they can."""
    if os.geteuid() != 0:
        return "only root can be two other users"
    try:
        for user in (ANNA, BEN, CARA):
            assert user.account
    except KeyError as error:
        return f"the machine lacks a user: {error}"
    return "" if for_all() else "no Python here, with its packages, may be run by other users"


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder of the group, as the manual makes it: its mode is 2775."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shared = Path(folder) / "runs"
        shared.mkdir()
        os.chown(shared, ANNA.account.pw_uid, GROUP)
        shared.chmod(0o2775)
        yield shared
