"""Work in a child whose n-th file-changing call fails (`faults.c`, preloaded)."""

from __future__ import annotations

import contextlib
import ctypes
import enum
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
PRELOADED = "SEQSUM_CAMPAIGN_FAULTS"
SECONDS = 60.0
"""How long a child may take: one that is still at it then hangs."""


class Fault(enum.IntEnum):
    """What happens to a call: the process is killed before, amid (half of it is written) or after it; it ends in an
    error, once or from then on."""

    BEFORE = 1
    AMID = 2
    AFTER = 3
    ONCE = 4
    FROM_HERE = 5


KILLS = (Fault.BEFORE, Fault.AMID, Fault.AFTER)


@dataclass(frozen=True)
class End:
    """How a child ended: its exit status (None: it was killed), what it wrote to its terminal, whether the fault
    happened, whether it was still at it when its time was over, and how many seconds of a processor it took."""

    status: int | None
    written: bytes
    met: bool
    hung: bool
    seconds: float

    @property
    def said(self) -> str:
        return self.written.decode("utf-8", "replace")


def missing() -> str | None:
    """Return why faults can't be made here; None where they can."""
    if not sys.platform.startswith("linux"):
        return "calls are intercepted as Linux does it"
    return None if shutil.which("cc") else "there is no C compiler (cc) here to build the faults with"


def run_preloaded(arguments: list[str]) -> int:
    """Run `python -m tests.campaign` again with the faults preloaded; return its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "faults.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-o", str(library), str(SOURCE), "-ldl"], check=True)
        environment = {**os.environ, "LD_PRELOAD": str(library), PRELOADED: "1"}
        return subprocess.run(
            [sys.executable, "-m", "tests.campaign", *arguments], env=environment, check=False
        ).returncode


def is_preloaded() -> bool:
    return PRELOADED in os.environ


def calls_of(work: Callable[[], object]) -> int:
    """Return how many file-changing calls some work takes; it must succeed."""
    end = child(work)
    assert end.status == 0, end.said
    return _library().faults_count()


def child(
    work: Callable[[], object], moment: int = 0, fault: Fault | None = None, error: int = 0, seconds: float = SECONDS
) -> End:
    """Work in a child; its call number `moment` has this fault. It is killed after so many seconds."""
    library = _library()
    library.faults_set(moment, int(fault or 0), error)
    terminal, there = os.openpty()
    process = os.fork()
    if process == 0:
        os.close(terminal)
        _work(work, there, library)
    os.close(there)
    written: list[bytes] = []
    listener = threading.Thread(target=_listen, args=(terminal, written))
    listener.start()
    status, hung, used = _wait(process, seconds)
    listener.join()
    os.close(terminal)
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
    return End(code, b"".join(written), library.faults_met() > 0, hung, used)


def _work(work: Callable[[], object], written: int, library: ctypes.CDLL) -> None:
    status = 70
    try:
        os.setsid()
        for standard in (1, 2):
            os.dup2(written, standard)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        library.faults_arm(1)
        made = work()
        status = made if isinstance(made, int) else 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        library.faults_arm(0)
        traceback.print_exc()
    finally:
        library.faults_arm(0)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _listen(terminal: int, written: list[bytes]) -> None:
    # Ends in an error when nobody holds the other end.
    with contextlib.suppress(OSError):
        while data := os.read(terminal, 65536):
            written.append(data)


def _wait(process: int, seconds: float) -> tuple[int, bool, float]:
    deadline, hung = time.monotonic() + seconds, False
    while True:
        done, status, used = os.wait4(process, os.WNOHANG)
        if done:
            return status, hung, used.ru_utime + used.ru_stime
        if time.monotonic() > deadline:
            hung = True
            os.killpg(process, signal.SIGKILL)
        time.sleep(0.002)


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None)
    library.faults_count.restype = library.faults_met.restype = ctypes.c_long
    library.faults_set.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_int]
    library.faults_plan()
    return library
