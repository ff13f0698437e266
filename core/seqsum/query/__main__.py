"""The query server: `python -m seqsum.query RUN_FOLDER`, JSON Lines on standard input and output; see `server`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from seqsum.garbage import without_collection
from seqsum.runs import Run, rewinding


def main(arguments: list[str]) -> int:
    # A terminal's Ctrl-C is for the console, which ends this server by closing its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with without_collection():
        from seqsum.query.server import serve

    run = Run(Path(arguments[0]).absolute())
    rewinding.finish(run)
    return serve(run, sys.stdin, sys.stdout, sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
