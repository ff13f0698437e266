"""Next to no time goes into looking for garbage: while a process imports, while it works, and when it ends."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys

import pytest

from seqsum import cli
from seqsum.garbage import without_collection


@pytest.mark.parametrize("collected", [True, False])
def test_garbage_is_looked_for_again_afterwards_if_it_was_before(collected: bool) -> None:
    before = gc.isenabled()
    (gc.enable if collected else gc.disable)()
    try:
        with pytest.raises(ImportError), without_collection():
            assert not gc.isenabled()
            raise ImportError("a library that is not there")
        assert gc.isenabled() == collected
    finally:
        (gc.enable if before else gc.disable)()


def test_what_was_imported_is_looked_through_no_more() -> None:
    with without_collection():
        made = [[number] for number in range(1000)]
    assert gc.get_freeze_count() > len(made)
    assert not any(found is made for found in gc.get_objects())


def test_a_command_looks_for_garbage_seldom_and_not_once_more_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int, int]] = []
    before = gc.get_threshold()

    def command() -> int:
        seen.append(gc.get_threshold())
        return 3

    monkeypatch.setattr(cli, "main", command)
    gc.set_threshold(700, 10, 10)
    try:
        with pytest.raises(SystemExit) as ended:
            cli.entry()
        assert ended.value.code == 3 and seen[0][0] >= 7 * 700
        assert not any(found is seen for found in gc.get_objects()), "what was made is looked through no more"
    finally:
        gc.set_threshold(*before)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="only GNU's C library has heaps of threads")
def test_threads_share_one_heap() -> None:
    """In a process of its own: a thread that takes memory first makes no heap beside the first one."""
    source = """
import ctypes, sys, threading
from seqsum.garbage import keep_one_heap
if sys.argv[1] == "one":
    keep_one_heap()
made = threading.Thread(target=lambda: [bytearray(5_000) for _ in range(100)])
made.start()
made.join()
ctypes.CDLL(None).malloc_stats()
"""
    arenas = {}
    for how in ("one", "each"):
        said = subprocess.run([sys.executable, "-c", source, how], capture_output=True, text=True, check=True).stderr
        arenas[how] = said.count("Arena ")
    assert arenas["one"] == 1 < arenas["each"]


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="only GNU's C library keeps what is free")
def test_what_is_free_goes_back_when_garbage_was_looked_for_everywhere() -> None:
    """In a process of its own: small pieces among 20 MB that were let go hold back nearly all of it, else."""
    source = """
import gc, sys
from seqsum.garbage import keep_one_heap

def pages():
    return int(open("/proc/self/statm").read().split()[1])

if sys.argv[1] == "given back":
    keep_one_heap()
before = pages()
held = [bytearray(5_000) for _ in range(4_000)]
full = pages() - before
held = held[::40]
gc.collect()
print((pages() - before) / full)
"""
    left = {
        how: float(subprocess.run([sys.executable, "-c", source, how], capture_output=True, check=True).stdout)
        for how in ("given back", "kept")
    }
    assert left["given back"] < 0.2 < 0.8 < left["kept"]


def test_what_a_program_opened_with_is_looked_through_once() -> None:
    source = """
import gc, time
from seqsum.garbage import settle
kept = [[] for _ in range(1_000)]
settle(0.0)
until = time.monotonic() + 60
while gc.get_threshold()[2] == 10 and time.monotonic() < until:
    time.sleep(0.001)
new = []
there = gc.get_objects()
print(any(one is kept[0] for one in there), any(one is new for one in there), gc.get_freeze_count() >= 1_000)
"""
    said = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "True", "True"]


def test_what_lived_for_a_moment_does_not_wait_long_for_the_next_look() -> None:
    """In a process of its own, as a console makes it that has opened: rings of objects that are held for a while."""
    source = """
import gc, time, weakref
from collections import deque
from seqsum.garbage import collect_seldom, settle

class Notice:
    def __init__(self):
        self.parts = [[self] for _ in range(10)]

collect_seldom()
opened = [[] for _ in range(100_000)]
settle(0.0)
until = time.monotonic() + 60
while gc.get_threshold()[2] == 10 and time.monotonic() < until:
    time.sleep(0.001)
shown, there, most = deque(maxlen=200), weakref.WeakSet(), 0
for _ in range(10_000):
    notice = Notice()
    shown.append(notice)
    there.add(notice)
    most = max(most, len(there))
print(most)
"""
    said = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout
    assert int(said) < 200 + 1_500


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="GNU's C library tells what is taken")
def test_names_that_come_and_go_take_no_more_room() -> None:
    """In a process of its own, with as many names as a console has."""
    source = """
import ctypes, gc, sys, time
from seqsum.garbage import keep_one_heap, settle

class Taken(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena free small parts large a b used c d".split()]

library = ctypes.CDLL(None)
library.mallinfo2.restype = Taken

def taken():
    found = library.mallinfo2()
    return found.large + found.used

keep_one_heap()
kept = [sys.intern(f"kept {number}") for number in range(int(sys.argv[1]))]
settle(0.0)
until = time.monotonic() + 60
while gc.get_threshold()[2] == 10 and time.monotonic() < until:
    time.sleep(0.001)
before = taken()
for number in range(200_000):
    sys.intern(f"gone {number}")
print(taken() - before)
"""
    for kept in ("20000", "30000", "40000"):
        said = subprocess.run([sys.executable, "-c", source, kept], capture_output=True, text=True, check=True).stdout
        assert int(said) < 100_000
