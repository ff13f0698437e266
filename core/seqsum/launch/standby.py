"""A process with PyTorch loaded that waits a while for the next command of this user, so that its run begins at once.

The first command that wants one starts it, and those after it find it by a socket in a folder of the user's own, named
by all that a process has from where it was started and that a forked one can't be given: code, libraries, namespaces,
limits, control group. Environment, folder and umask are a command's own: it sends them, and the process that is forked
for it takes them over. Nobody found there means a new one; where there can't be one, workers start the ordinary way.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import socket
import struct
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from seqsum.errors import UserError
from seqsum.folders import is_private
from seqsum.runs.lock import this_boot

VARIABLE = "SEQSUM_STANDBY"
OFF = "off"
MINUTES, MOST_MINUTES = 10, 24 * 60
MODULE = "seqsum.worker.standby"
HEAD = struct.Struct("!Q")
"""How many bytes of JSON follow, the first thing that is sent; the sender's folder, opened, goes with it."""
LONGEST_GREETING = 2**16
"""What a socket takes while nobody reads it, for sure."""
MOST_WAITING = 64
ANSWER_SECONDS = 30.0
"""How long a loaded process may take to fork a worker, with the loading."""
SHARED = re.compile(
    r"(ATEN|CUDA|GOTO|HIP|KMP|LD|MALLOC|MKL|NCCL|NUMBA|NVIDIA|OMP|OPENBLAS|PYTHON|PYTORCH|SLURM|TORCH|TORCHINDUCTOR|"
    r"TRITON)_?.*|SEQSUM_(CACHE|PLUGINS)|HOME|TMPDIR|TZ|XDG_.*_(HOME|DIR)|LANG|LC_.*"
)
"""Variables that libraries, or we, may read when they are loaded."""
OF_STATUS = re.compile(r"^(?:Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp|Cpus_allowed|Mems_allowed):.*$", re.MULTILINE)


def minutes() -> int:
    """Return how long such a process waits; 0 where there shall be none. Raises UserError for a variable that says
    neither."""
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return MINUTES
    if text == OFF:
        return 0
    if not text.isdecimal() or not 1 <= int(text) <= MOST_MINUTES:
        raise UserError(f'{VARIABLE}: must be {OFF}, or minutes from 1 to {MOST_MINUTES:,}, got "{text[:40]}"')
    return int(text)


def linked() -> socket.socket | None:
    """Return a socket to a process that was forked for this one, or will be as soon as all is loaded, and takes orders
    as `seqsum.worker.fork_server` has them; None where there can't be one."""
    stays = minutes()
    if not stays:
        return None
    try:
        path = _folder() / f"standby-{_key()}"
        return _greeted(path) or (_greeted(path) if _started(path, stays) else None)
    except (OSError, ValueError):  # no /proc, no room, a folder that is gone
        return None


def connect(link: socket.socket, path: Path) -> None:
    """Connect to the socket at a path of any length. Raises OSError."""
    with _short(path) as short:
        link.connect(short)


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give another path of the same place: a socket's has 107 letters at most."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def peer(link: socket.socket) -> tuple[int, int]:
    """Return the process id and the user at the other end of a socket. Raises OSError."""
    found = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    process, user, _ = struct.unpack("3i", found)
    return process, user


def _greeted(path: Path) -> socket.socket | None:
    """Connect to the process that listens there and send what this one has of its own; None where nobody does."""
    mask = int(re.findall(r"^Umask:\s*([0-7]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)[0], 8)
    greeting = json.dumps({"environment": dict(os.environ), "umask": mask}).encode()
    if len(greeting) > LONGEST_GREETING:
        return None
    with ExitStack() as held:
        link = held.enter_context(socket.socket(socket.AF_UNIX))
        link.settimeout(ANSWER_SECONDS)
        here = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        held.callback(os.close, here)
        try:
            connect(link, path)
            if peer(link)[1] != os.geteuid():
                return None
            socket.send_fds(link, [HEAD.pack(len(greeting))], [here])
            link.sendall(greeting)
        except OSError:
            return None
        held.pop_all()
        os.close(here)
        return link


def _started(path: Path, stays: int) -> bool:
    """Start such a process; whoever comes while it loads waits. Return whether it could be started."""
    with socket.socket(socket.AF_UNIX) as listener, tempfile.TemporaryDirectory(dir=path.parent) as beside:
        new = Path(beside) / "new"
        with _short(new) as short:
            listener.bind(short)
        listener.listen(MOST_WAITING)
        subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE, str(listener.fileno()), str(path), str(stays)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            start_new_session=True,
            cwd="/",
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
        )
        new.rename(path)
    return True


def _folder() -> Path:
    """Return a folder that only this user can write. Raises OSError where there is none."""
    session = os.environ.get("XDG_RUNTIME_DIR")
    roots = [Path(session) / "seqsum"] if session else []
    for root in (*roots, Path(tempfile.gettempdir()) / f"seqsum-{os.geteuid()}"):
        with suppress(OSError):
            root.mkdir(mode=0o700, exist_ok=True)
            if not root.is_symlink() and is_private(root):
                return root
    raise OSError("no folder of one's own")


def _key() -> str:
    """Name all that a process has from where it was started. Raises OSError where that can't be told."""
    own = Path("/proc/self")
    facts: list[object] = [sys.executable, sys.version, this_boot(), *_sources()]
    facts += sorted((name, value) for name, value in os.environ.items() if SHARED.fullmatch(name))
    facts += sorted((space.name, space.readlink()) for space in (own / "ns").iterdir())
    facts += [(own / name).read_text() for name in ("cgroup", "oom_score_adj")]
    facts += [(own / "root").readlink(), OF_STATUS.findall((own / "status").read_text())]
    facts += [os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0)]
    kinds = sorted(name for name in dir(resource) if name.startswith("RLIMIT_"))
    facts += [resource.getrlimit(getattr(resource, kind)) for kind in kinds]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _sources() -> Iterator[tuple[Path, int, int]]:
    """Yield what tells this code and these libraries from others."""
    libraries = [Path(place) for name in ("purelib", "platlib") if (place := sysconfig.get_path(name))]
    for path in (*sorted(Path(__file__).parents[1].rglob("*.py")), *libraries):
        facts = path.stat()
        yield path, facts.st_mtime_ns, facts.st_size
