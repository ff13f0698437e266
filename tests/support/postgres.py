"""A real PostgreSQL server in a folder of its own, on a socket there and nowhere else; never as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from seqsum.runs.server import reached

PROGRAMS = ("initdb", "pg_ctl", "postgres")
ACCOUNTS = ("postgres", "nobody")
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "40",
    "shared_buffers": "32MB",
    # A test does not wait for a disk, and loses nothing while the machine is on.
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}
SAFE = dict.fromkeys(("fsync", "full_page_writes", "autovacuum"), "on")
"""As a server is that one keeps runs on."""


@cache
def _programs() -> Path | None:
    """The folder of the server's own programs, which Debian keeps out of PATH."""
    folders = [Path(found).resolve().parent for name in PROGRAMS if (found := shutil.which(name))]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((one for one in folders if all((one / name).is_file() for name in PROGRAMS)), None)


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as where we are root."""
    if os.geteuid() != 0:
        return None
    known = {one.pw_name: one for one in pwd.getpwall()}
    return next((known[name] for name in ACCOUNTS if name in known), None)


def why_none() -> str:
    """Say why no server can be started here; "" where one can."""
    if find_spec("psycopg") is None:
        return "the extra postgres is not installed"
    if _programs() is None:
        return f"no {', '.join(PROGRAMS)} here: apt-get install postgresql"
    return "root lacks an account to be instead" if os.geteuid() == 0 and _account() is None else ""


@dataclass
class Postgres:
    """A server: its folder, and the URL of a database in it."""

    folder: Path
    user: str
    safe: bool = False

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{self.user}@/{database}?host={self.folder}"

    def emptied(self) -> str:
        """Make our tables in the database anew, with nothing in them; return its URL."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as database:
            database.execute("DROP SCHEMA IF EXISTS seqsum CASCADE")
        with reached(self.url(), "test"):
            return self.url()

    def start(self) -> None:
        given = SETTINGS | SAFE if self.safe else SETTINGS
        settings = " ".join(f"-c {name}='{value}'" for name, value in given.items())
        self._control("start", "-o", f"-k {self.folder} {settings}")

    def stop(self) -> None:
        """End it at once, as a power failure would."""
        self._control("stop", "-m", "immediate")

    def _control(self, *words: str) -> None:
        _as_somebody(self.folder, "pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", "log", *words)


def _as_somebody(folder: Path, name: str, *words: str) -> None:
    account, programs = _account(), _programs()
    assert programs is not None
    whom = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    subprocess.run(
        [programs / name, *words],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
        **whom,  # type: ignore[arg-type]
    )


@contextmanager
def postgres(*, safe: bool = False) -> Iterator[Postgres]:
    """Make and start one; it is ended and gone afterwards. safe: it waits for the disk."""
    # A socket's path must be short, and everybody on the way to it may go through.
    root = tempfile.gettempdir() if tempfile.gettempdir() in ("/dev/shm", "/var/tmp") else "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=root))
    account = _account()
    try:
        folder.chmod(0o755)
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        words = ("-A", "trust", "-U", "seqsum", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
        _as_somebody(folder, "initdb", "-D", str(folder / "data"), *words)
        server = Postgres(folder, "seqsum", safe)
        server.start()
        try:
            yield server
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def waits_for_a_lock(url: str) -> int:
    """Return the server's process whose connection to a database waits for a lock; 0 where none does."""
    import psycopg

    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(url, autocommit=True) as database:
        row = database.execute(query).fetchone()
    return row[0] if row else 0
