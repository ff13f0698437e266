"""`seqsum`: the engine from the command line."""

from __future__ import annotations

import io
import os
import sys

from seqsum.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 2 for what the user can mend, 1 for a run that failed."""
    from seqsum import plugins
    from seqsum.cli.arguments import parse
    from seqsum.cli.commands import COMMANDS

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that can't show "→" gets "?" in its place, never a traceback.
            stream.reconfigure(errors="replace")
    for problem in plugins.problems():
        print(problem, file=sys.stderr)
    try:
        options = parse(sys.argv[1:] if arguments is None else arguments)
        return COMMANDS[options.command](options)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader went away (`| head`): say nothing, and keep Python from saying it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def entry() -> None:
    sys.exit(main())
