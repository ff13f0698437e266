"""Compiled once for each machine: where the machine code lies, and whether it is there already.

Compiling takes about 15 seconds, loading what was compiled a fraction of one. A folder of its own for each version of
the sources and libraries and each kind of processor: a home that several machines share does no harm.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

import platformdirs

from seqsum.folders import is_private

READY_FILE = "ready"
LOCK_FILE = "lock"
LANES_READY_FILE, LANES_LOCK_FILE = "lanes-ready", "lanes-lock"


@cache
def fingerprint() -> str:
    """Name what the machine code depends on: these sources, the compiler, the processor."""
    import llvmlite.binding

    digest = hashlib.sha256()
    # numba goes by the place and the time of a source, too.
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(repr((str(source), source.stat().st_mtime_ns)).encode() + source.read_bytes())
    facts = (version("numba"), version("llvmlite"), version("numpy"), sys.version, llvmlite.binding.get_host_cpu_name())
    digest.update(repr((*facts, llvmlite.binding.get_host_cpu_features().flatten())).encode())
    return digest.hexdigest()[:16]


@cache
def folder() -> Path | None:
    """Return a folder of this user's that can be written, or None; SEQSUM_CACHE names another than the usual one."""
    chosen = os.environ.get("SEQSUM_CACHE")
    usual = Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("seqsum")
    # What lies in the folder is run: it counts only when nobody else can write it, or put another in its place.
    for root in (usual, Path(tempfile.gettempdir()) / f"seqsum-{os.getuid()}"):
        place = root / f"fused-{fingerprint()}"
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not is_private(root) or (root != usual and root.is_symlink()):
                continue
            place.mkdir(mode=0o700, exist_ok=True)
            with tempfile.TemporaryFile(dir=place):
                return place
        except OSError:
            continue
    return None


def is_warm() -> bool:
    """Whether the machine code only has to be loaded."""
    place = folder()
    return place is not None and (place / READY_FILE).exists()


def set_up() -> None:
    """Tell numba where to keep machine code; before any of the compiled functions is imported."""
    import numba

    place = folder()
    if place is not None:
        numba.config.CACHE_DIR = str(place)


def compile_now() -> None:
    """Load the machine code, or compile it and keep it."""
    set_up()
    from seqsum.training.backends.fused import chunk, exhaustive

    chunk.run_chunk.compile(chunk.SIGNATURE)
    chunk.update_of_parts.compile(chunk.PARTS_SIGNATURE)
    exhaustive.ask_blocks.compile(exhaustive.SIGNATURE)
    place = folder()
    if place is not None:
        try:
            (place / READY_FILE).touch()
        except OSError:
            # The disk is full or the folder is gone: compiled all the same, for this process.
            return


def compile_once() -> None:
    """Compile and keep the machine code, unless another process is at it: then wait for that one.

    Several runs that begin on a fresh machine would compile the same, side by side.
    """
    place = folder()
    if place is None:
        return
    try:
        lock = (place / LOCK_FILE).open("wb")
    except OSError:
        compile_now()
        return
    with lock:
        with suppress(OSError):  # a file system without locks: compiled all the same
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_warm():
            compile_now()


def compile_lanes() -> None:
    """Load the machine code that trains several networks at once, or compile it and keep it, beside what `compile_now`
    has; while another process is at it, wait for that one."""
    place = folder()
    with ExitStack() as held:
        if place is not None:
            with suppress(OSError):
                lock = held.enter_context((place / LANES_LOCK_FILE).open("wb"))
                fcntl.flock(lock, fcntl.LOCK_EX)
        set_up()
        from seqsum.training.backends.fused import population

        population.run_population.compile(population.SIGNATURE)
        if place is not None:
            with suppress(OSError):
                (place / LANES_READY_FILE).touch()


def lanes_are_warm() -> bool:
    """Whether the machine code of `compile_lanes` only has to be loaded."""
    place = folder()
    return place is not None and (place / LANES_READY_FILE).exists()


class Compilation:
    """Compiling in the background, while something else computes: in a process where its result can be kept, else in a
    thread of this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self.kept = folder() is not None
        """Whether its result stays for later runs."""
        if not self.kept:
            self._begin_thread()
            return
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "seqsum.training.backends.fused"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            self._begin_thread()

    def _begin_thread(self) -> None:
        self._thread = threading.Thread(target=self._compile, name="compile", daemon=True)
        self._thread.start()

    @staticmethod
    def _compile() -> None:
        with suppress(Exception):
            # Who needs it tries again, and learns why it failed.
            compile_now()

    @property
    def ended(self) -> bool:
        """Whether the machine code is there, or compiling has failed and the one who needs it has to do it."""
        if self._process is not None:
            return self._process.poll() is not None
        return self._thread is None or not self._thread.is_alive()
