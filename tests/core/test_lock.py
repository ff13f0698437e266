"""The lock that says a worker lives, with real processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seqsum.runs import lock as lock_module
from seqsum.runs.lock import LOCK_FILE, is_locked, take_lock

HOLDER = """
import sys
from pathlib import Path
from seqsum.runs.lock import take_lock
print("held" if take_lock(Path(sys.argv[1])) is not None else "refused", flush=True)
sys.stdin.read()
"""
# Holds nothing of its own: only the descriptor it inherits.
HEIR = "import sys; print('ready', flush=True); sys.stdin.read()"


@contextmanager
def process(source: str, *arguments: str, descriptors: tuple[int, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", source, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=descriptors,
        text=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def open_descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def test_a_folder_without_a_lock_file_is_not_locked_and_stays_without(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not is_locked(tmp_path / "gone")


def test_a_lock_is_seen_and_let_go(tmp_path: Path) -> None:
    descriptor = take_lock(tmp_path)
    assert descriptor is not None
    assert is_locked(tmp_path)
    os.close(descriptor)
    assert not is_locked(tmp_path)
    assert (tmp_path / LOCK_FILE).exists()


def test_a_second_taker_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "PATIENCE_SECONDS", 0.02)
    descriptor = take_lock(tmp_path)
    assert descriptor is not None
    open_before = open_descriptors()
    assert take_lock(tmp_path) is None
    assert open_descriptors() == open_before
    os.close(descriptor)
    second = take_lock(tmp_path)
    assert second is not None
    os.close(second)


def test_looking_does_not_take_nor_leak(tmp_path: Path) -> None:
    descriptor = take_lock(tmp_path)
    assert descriptor is not None
    os.close(descriptor)
    open_before = open_descriptors()
    for _ in range(50):
        assert not is_locked(tmp_path)
    assert open_descriptors() == open_before
    taken = take_lock(tmp_path)
    assert taken is not None
    os.close(taken)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_frees_the_lock(tmp_path: Path, number: signal.Signals) -> None:
    with process(HOLDER, str(tmp_path)) as child:
        assert line(child) == "held"
        assert is_locked(tmp_path)
        child.send_signal(number)
        child.wait()
        assert not is_locked(tmp_path)


def test_a_stopped_process_still_holds_it(tmp_path: Path) -> None:
    with process(HOLDER, str(tmp_path)) as child:
        assert line(child) == "held"
        child.send_signal(signal.SIGSTOP)
        assert is_locked(tmp_path)


def test_an_inherited_descriptor_keeps_the_lock_after_its_taker(tmp_path: Path) -> None:
    descriptor = take_lock(tmp_path)
    assert descriptor is not None
    with process(HEIR, descriptors=(descriptor,)) as child:
        assert line(child) == "ready"
        os.close(descriptor)
        assert is_locked(tmp_path)
        child.kill()
        child.wait()
        assert not is_locked(tmp_path)


def test_a_child_that_is_not_handed_the_lock_does_not_hold_it(tmp_path: Path) -> None:
    descriptor = take_lock(tmp_path)
    assert descriptor is not None
    with process(HEIR) as child:
        assert line(child) == "ready"
        os.close(descriptor)
        assert not is_locked(tmp_path)
