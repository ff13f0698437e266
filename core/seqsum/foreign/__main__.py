"""The process that follows logs: `python -m seqsum.foreign PATH WORKSPACE`.

It says what can't be read, a line of JSON each, on its standard output. A line on its standard input is the id of the
run that somebody looks at; the input's end is its own.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

from seqsum.errors import UserError
from seqsum.foreign.following import Follower

SLICE_SECONDS = 0.3
POLL_SECONDS = 0.5
LOOK_SECONDS = 2.0
LOOK_SHARE = 20.0
"""How much longer than a look into the folders it waits before the next."""


def main(path: str, workspace: str) -> int:
    """Follow until nobody reads any more; return the exit code."""
    asked = [""]

    def listen() -> None:
        for line in sys.stdin:
            asked[0] = line.strip()
        os._exit(0)  # the kernel lets its locks go

    threading.Thread(target=listen, daemon=True).start()
    try:
        follower = Follower(Path(path), Path(workspace))
        while not follower.take_turn():
            time.sleep(POLL_SECONDS)
        _follow(follower, asked)
    except UserError as error:
        _say([str(error)])
        return 2
    return 0


def _follow(follower: Follower, asked: list[str]) -> None:
    next_look, told_empty = 0.0, False
    while True:
        began = time.monotonic()
        if began >= next_look:
            if not follower.look() and not told_empty:
                told_empty = True
                if follower.path.is_dir() or not follower.problems:
                    _say([_why_none(follower.path)])
            now = time.monotonic()
            next_look = now + max(LOOK_SECONDS, LOOK_SHARE * (now - began))
        follower.first(asked[0])
        more = follower.work(SLICE_SECONDS)
        _say(follower.problems)
        follower.problems.clear()
        if not more:
            time.sleep(POLL_SECONDS)


def _why_none(path: Path) -> str:
    if path.is_dir():
        return f"watch: there is no log in {path} yet"
    return f"watch: {path} is no log yet: neither a first line that names columns nor lines of JSON can be read in it"


def _say(problems: list[str]) -> None:
    for problem in problems:
        print(json.dumps(problem), flush=True)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:3]))
