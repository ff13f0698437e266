"""What a server tells of the runs that it keeps: how often each was changed, heard as soon as it is (LISTEN, NOTIFY).

Lists and charts that look at a run again only when something changed need not ask the server meanwhile.
"""

from __future__ import annotations

import os
import threading
from typing import Any

import psycopg

from seqsum.errors import UserError
from seqsum.runs.database import ServerAway
from seqsum.runs.server import give_back, lease

FIRST_SECONDS = 2.0
"""How long the first who asks waits for what there is."""
RETRY_SECONDS = 1.0


class Listener:
    """Listens to a server in a thread of its own, for as long as the process lives."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._changed: dict[int, int] = {}
        self._ready = threading.Event()
        threading.Thread(target=self._listen, name="listening to the store's server", daemon=True).start()
        self._ready.wait(FIRST_SECONDS)

    def changed(self, run: int) -> int:
        """Return how often a run was changed, as far as was heard."""
        return self._changed.get(run, 0)

    def _listen(self) -> None:
        pause = threading.Event()
        while True:
            try:
                database = lease(self._url, FIRST_SECONDS)
                try:
                    # Before what there is is read: nothing falls in between.
                    database.execute("LISTEN seqsum")
                    self._changed.update(database.execute("SELECT key, changed FROM seqsum.run WHERE NOT pushed"))
                    self._ready.set()
                    for told in database.notifies():
                        self._hear(told.payload)
                finally:
                    database.close()
                    give_back(self._url, database)
            except (psycopg.Error, ServerAway, UserError):
                self._ready.set()
                pause.wait(RETRY_SECONDS)

    def _hear(self, payload: str) -> None:
        run, _, changed = payload.partition(" ")
        if run.isdecimal() and changed.isdecimal():
            self._changed[int(run)] = int(changed)


_listeners: dict[tuple[int, str], Any] = {}
_lock = threading.Lock()


def heard_of(url: str, run: int) -> int:
    """Return how often a run on a server was changed; whoever asks first begins to listen."""
    here = os.getpid(), url
    if here not in _listeners:
        with _lock:
            if here not in _listeners:
                _listeners[here] = Listener(url)
    found: int = _listeners[here].changed(run)
    return found
