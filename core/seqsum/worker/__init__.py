"""The worker: one process for one run. It outlives the terminal and the console that started it.

May import `training`, `evaluation`, `trackers`, `launch`, `runs` and what lies below.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from seqsum.worker.signals import StopSignal

if TYPE_CHECKING:
    from seqsum.worker.queue_wait import Queue


def main(arguments: list[str], signals: StopSignal | None = None) -> int:
    """Work on the run in the folder arguments[0], whose lock is already held as the descriptor arguments[1], if given.

    With arguments[2:] = TICKET COUNT ROOT the run is queued: it waits for one of COUNT slots first, in the machine's
    queue, kept in ROOT, or in that of its workspace where none is given. With `--slot` for a ticket it begins at once,
    and takes a slot if one is free, so that the queue counts it.
    signals: where they are heard already.
    Returns the exit status: 0 for finished or stopped, 1 for failed, 2 when its lock can't be had.
    """
    # Before anything that takes time to import: a signal that comes meanwhile must not just end the process.
    signals = signals or StopSignal()
    # The queue shows a run one card; several processes of a run need several.
    cards = os.environ.get("CUDA_VISIBLE_DEVICES")
    slot: int | None = None
    queue: Queue | None = None
    if len(arguments) > 2:
        from pathlib import Path

        from seqsum.worker.queue_wait import Waiting, queue_of, wait_for_slot

        folder, ticket, count = Path(arguments[0]).absolute(), arguments[2], int(arguments[3])
        queue = queue_of(folder, count, *arguments[4:5])
        if ticket == "--slot":
            slot = queue.take_if_any()
        else:
            begun, slot = wait_for_slot([Waiting(folder, ticket, queue)], signals)
            if not begun:
                return 0
    from seqsum.errors import UserError
    from seqsum.worker.process import lock_of, work
    from seqsum.worker.together import processes_of, work_together

    try:
        lock = int(arguments[1]) if len(arguments) > 1 else lock_of(arguments[0])
        if (processes := processes_of(arguments[0])) > 1:
            return work_together(arguments[0], lock, signals, slot, processes, cards)
        return work(arguments[0], lock, signals, slot)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        if queue is not None:
            queue.leave()
