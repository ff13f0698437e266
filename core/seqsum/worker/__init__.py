"""The worker: one process for one run. It outlives the terminal and the console that started it."""

from __future__ import annotations

from seqsum.worker.signals import StopSignal


def main(arguments: list[str]) -> int:
    """Work on the run in the folder arguments[0], whose lock is already held as the descriptor arguments[1], if given.

    Returns the exit status: 0 for finished or stopped, 1 for failed, 2 when another worker is at it.
    """
    # Before anything that takes time to import: a signal that comes meanwhile must not just end the process.
    signals = StopSignal()
    from seqsum.worker.process import work

    return work(arguments[0], int(arguments[1]) if len(arguments) > 1 else None, signals)
