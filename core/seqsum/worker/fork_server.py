"""`python -m seqsum.worker.fork_server SOCKET_FD`: loads what workers need, then forks one for every run it is sent.

A message is a line of JSON, a list of a number, the run's folder, the ticket and the number of slots, with the run's
locked descriptor beside it; the worker answers with a line of the number and its process id. It ends when the other end
of the socket closes.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
from pathlib import Path

from seqsum import worker
from seqsum.files import append_to
from seqsum.launch.warm import AT_ONCE, LONGEST_MESSAGE


def load() -> None:
    """Import what a worker imports, and load the compiled code if it is there."""
    import seqsum.training.trainer
    import seqsum.worker.process
    import seqsum.worker.together  # noqa: F401
    from seqsum.training.backends.fused import cache

    if cache.is_warm():
        cache.compile_now()
    # Else the collector would write to every object, and the pages that parent and children share would be copied.
    gc.collect()
    gc.freeze()


def serve(link: socket.socket) -> None:
    """Fork workers until the other end closes."""
    # Nobody waits for the workers here.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    rest, locks = b"", list[int]()
    while True:
        found, descriptors, _, _ = socket.recv_fds(link, LONGEST_MESSAGE, AT_ONCE)
        if not found:
            return
        locks += descriptors
        *messages, rest = (rest + found).split(b"\n")
        for message in messages:
            number, *arguments = json.loads(message)
            lock = locks.pop(0)
            if os.fork() == 0:
                for other in locks:
                    os.close(other)
                _become_worker(link, number, arguments, lock)
            os.close(lock)


def _become_worker(link: socket.socket, number: int, arguments: list[str], lock: int) -> None:
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        # Only now, so that no signal to its launcher's terminal reaches it; where nobody waits any more, it ends here.
        link.send(f"{number} {os.getpid()}\n".encode())
        link.close()
        folder, *slot = arguments
        with append_to(Path(folder) / "worker.log") as log:
            for number in (1, 2):
                os.dup2(log.fileno(), number)
        status = worker.main([folder, str(lock), *slot])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    load()
    serve(socket.socket(fileno=int(sys.argv[1])))
