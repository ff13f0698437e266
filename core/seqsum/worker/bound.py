"""`python -m seqsum.worker.bound RUN_FOLDER PARENT`: a worker that saves and stops when the process PARENT, which has
started it, is gone."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from seqsum import worker

LOOK_SECONDS = 0.5


def stop_without(parent: int, number: int = signal.SIGTERM) -> None:
    """Ask this process to stop, by a signal, as soon as another has started it than this one."""
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), number)


if __name__ == "__main__":
    threading.Thread(target=stop_without, args=[int(sys.argv[2])], daemon=True).start()
    sys.exit(worker.main(sys.argv[1:2]))
