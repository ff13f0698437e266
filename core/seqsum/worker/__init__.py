"""The worker: one process for one run. It outlives the terminal and the console that started it.

May import `training`, `evaluation`, `trackers`, `launch`, `runs` and what lies below.
"""

from __future__ import annotations

from seqsum.worker.signals import StopSignal


def main(arguments: list[str]) -> int:
    """Work on the run in the folder arguments[0], whose lock is already held as the descriptor arguments[1], if given.

    With arguments[2:] = TICKET COUNT the run is queued: it waits for one of COUNT slots first. With `--slot COUNT` in
    their place it begins at once, and takes a slot if one is free, so that the queue counts it.
    Returns the exit status: 0 for finished or stopped, 1 for failed, 2 when another worker is at it.
    """
    # Before anything that takes time to import: a signal that comes meanwhile must not just end the process.
    signals = StopSignal()
    slot: int | None = None
    if len(arguments) > 2:
        from pathlib import Path

        from seqsum.slots import Slots
        from seqsum.worker.queue_wait import wait_for_slot

        folder, ticket, count = Path(arguments[0]).absolute(), arguments[2], int(arguments[3])
        if ticket == "--slot":
            slot = Slots(folder.parent, count).take_if_any()
        else:
            go_on, slot = wait_for_slot(folder, ticket, count, signals)
            if not go_on:
                return 0
    from seqsum.worker.process import work

    return work(arguments[0], int(arguments[1]) if len(arguments) > 1 else None, signals, slot)
