"""`python -m seqsum.worker.standby SOCKET_FD PATH MINUTES`: loads what workers need, and forks a server of workers
(`fork_server`) for each program that connects, until none has for so many minutes."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from seqsum.launch.standby import HEAD, LONGEST_GREETING, MOST_WAITING, connect, peer
from seqsum.launch.warm import SERVED_BY
from seqsum.worker.fork_server import Server, load, load_compiled


def stand_by(listener: socket.socket, path: Path, seconds: float) -> None:
    """Serve whoever connects; end when for so long nobody has, and nobody is served any more."""
    # Nobody waits for those that are forked here.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Else whoever connects would be told the process that made the socket.
    listener.listen(MOST_WAITING)
    load()
    waits = select.poll()
    waits.register(listener, select.POLLIN)
    while waits.poll(seconds * 1000) or psutil.Process().children():
        if not waits.poll(0):
            continue
        link, _ = listener.accept()
        load_compiled()
        with link:
            if os.fork() == 0:
                listener.close()
                _serve(link)
    with suppress(OSError):
        # A later one may stand there by now.
        if _is_at(path):
            path.unlink()


def _is_at(path: Path) -> bool:
    """Whether who connects by this path comes here."""
    with socket.socket(socket.AF_UNIX) as link:
        connect(link, path)
        return peer(link)[0] == os.getpid()


def _serve(link: socket.socket) -> None:
    """Become what was asked for, and serve it; does not return."""
    status = 1
    try:
        os.setsid()
        if peer(link)[1] == os.geteuid() and _take_over(link):
            link.send(f"{SERVED_BY} {os.getpid()}\n".encode())
            Server(link).serve()
            status = 0
    finally:
        os._exit(status)


def _take_over(link: socket.socket) -> bool:
    """Take over what the other end has of its own; return whether it has said so."""
    head, descriptors, _, _ = socket.recv_fds(link, HEAD.size, 1)
    if len(head) < HEAD.size or len(descriptors) != 1:
        return False
    (left,) = HEAD.unpack(head)
    if left > LONGEST_GREETING:
        return False
    data = b""
    while len(data) < left:
        part = link.recv(left - len(data))
        if not part:
            return False
        data += part
    greeting = json.loads(data)
    os.fchdir(descriptors[0])
    os.close(descriptors[0])
    os.umask(greeting["umask"])
    # Workers that are forked here have one thread, and their output is read while they write it.
    os.environ.clear()
    os.environ.update({**greeting["environment"], "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"})
    return True


if __name__ == "__main__":
    stand_by(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2]), 60 * float(sys.argv[3]))
