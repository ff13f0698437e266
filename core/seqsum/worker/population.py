"""One process for several queued runs of small networks: each is worked on as ever, in a thread of its own with its
own lock, log and store, but their chunks are made together, a run in each lane of the processor's vectors.

They wait for one slot together, which they take in the turn of the first. Killed, the process loses all of them; each
goes on by itself to the same bits.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import TextIOBase
from typing import IO, TextIO

from seqsum.files import append_to
from seqsum.worker.queue_wait import Waiting, wait_for_slot
from seqsum.worker.signals import StopSignal


@dataclass
class Member:
    """A run with its place in the queue, its locked descriptor and, once it has ended, how."""

    place: Waiting
    lock: int
    status: int = 1


class MemberSignals(StopSignal):
    """What the process hears, for one of its runs."""

    def __init__(self, heard: StopSignal) -> None:
        self._heard = heard
        self.continued: Callable[[], object] = lambda: None

    @property
    def name(self) -> str | None:  # type: ignore[override]
        return self._heard.name


def work_on_all(members: Sequence[Member], signals: StopSignal) -> int:
    """Wait for a slot, and work on the runs to their ends; return the exit status: 1 when one has failed."""
    of = {member.place.folder: member for member in members}
    places, slot = wait_for_slot([one.place for one in members], signals, lambda one: os.close(of[one.folder].lock))
    begun = [of[place.folder] for place in places]
    try:
        if begun:
            _train(begun, signals)
    finally:
        if slot is not None:
            os.close(slot)
        if places:
            places[0].queue.leave()
    return max((member.status for member in begun), default=0)


def _train(members: Sequence[Member], signals: StopSignal) -> None:
    from seqsum.training.backends.fused import cache, lane_pool
    from seqsum.worker.process import work

    with lane_pool.sharing() as pool, _own_logs() as logs:
        # Where it can't be compiled, each run says so itself, and torch trains it.
        with suppress(Exception):
            cache.compile_lanes()
        heard = [MemberSignals(signals) for _ in members]
        signals.continued = lambda: [one.continued() for one in heard]

        def train(member: Member, own: MemberSignals) -> None:
            with append_to(member.place.folder / "worker.log") as log, logs.to(log):
                try:
                    member.status = work(str(member.place.folder), member.lock, own)
                finally:
                    pool.leave()

        threads = [
            threading.Thread(target=train, args=one, name=one[0].place.folder.name)
            for one in zip(members, heard, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


class _Logs(TextIOBase):
    """Where each thread's words go: into the log of its run, others' to where they went before."""

    def __init__(self, before: TextIO) -> None:
        self._before = before
        self._of: dict[int, IO[bytes]] = {}

    @contextmanager
    def to(self, log: IO[bytes]) -> Iterator[None]:
        """Have what this thread says inside go into a log."""
        own = threading.get_ident()
        self._of[own] = log
        try:
            yield
        finally:
            del self._of[own]

    def write(self, text: str) -> int:
        log = self._of.get(threading.get_ident())
        if log is None:
            return self._before.write(text)
        log.write(text.encode("utf-8", "replace"))
        return len(text)

    def flush(self) -> None:
        (self._of.get(threading.get_ident()) or self._before).flush()


@contextmanager
def _own_logs() -> Iterator[_Logs]:
    before = sys.stdout, sys.stderr
    logs = _Logs(sys.stderr)
    sys.stdout = sys.stderr = logs
    try:
        yield logs
    finally:
        sys.stdout, sys.stderr = before
