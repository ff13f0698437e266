"""`seqsum`: the engine from the command line.

The top of the engine: it may import every room; no room imports it.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sqlite3
import sys

from seqsum.cli.output import complain, use_plain_signs
from seqsum.cli.signals import stopping
from seqsum.errors import UserError
from seqsum.garbage import collect_seldom

ROOMS = ("runs", "query", "launch", "presets")
"""Names that the engine's messages begin with, in whose place stands the command that was typed."""
BEGINNING = ("train", "resume", "fork", "rerun", "replicate", "sweep")
"""Commands that begin what goes on by itself: they hear signals from the first moment on."""
FLAG = "--"
"""What a message begins with that names no room: before it stands the command."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 2 for what the user can mend, 1 for a run that failed, 128 + N for
    the signal N."""
    use_plain_signs()
    try:
        return _run(_decoded(sys.argv[1:] if arguments is None else arguments))
    except UserError as error:
        complain(error)
        return 2
    except BrokenPipeError:
        # The reader went away (`| head`): say nothing, and keep Python from saying it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # A path too long, a full disk, a folder that may not be read: wherever it was met, it is no fault of ours.
        what = error.filename if isinstance(error.filename, str) else "a file"
        complain(f"seqsum: can't read or write {what}: {error.strerror or error}")
        return 2
    except KeyboardInterrupt as error:
        # What follows something says which signal it was, and what becomes of it; see `signals`.
        for words in error.args[1:]:
            complain(words)
        return 128 + next((one for one in error.args if isinstance(one, int)), signal.SIGINT)
    except sqlite3.Error as error:
        complain(UserError(f"seqsum: the run's store can't be written: {error}"))
        return 2
    except Exception as error:
        from seqsum import plugins

        blamed = plugins.blamed(error)
        if blamed is None:
            raise
        complain(blamed)
        return 2


def _decoded(arguments: list[str]) -> list[str]:
    """Return the arguments; raises UserError for letters that a locale without UTF-8 can't tell."""
    encoding = sys.getfilesystemencoding()
    torn = next((one for one in arguments if any("\udc80" <= letter <= "\udcff" for letter in one)), None)
    if torn is not None and encoding != "utf-8":
        typed = os.fsencode(torn).decode("utf-8", "replace")
        raise UserError(
            f'seqsum: "{typed}" can\'t be read, as the locale is not UTF-8 but {encoding}; set LC_ALL=C.UTF-8, or '
            "PYTHONUTF8=1"
        )
    return arguments


def _run(arguments: list[str]) -> int:
    from seqsum.cli.arguments import parse_name

    options = parse_name(arguments)
    if options.command is None:
        from seqsum.cli.help import show_commands

        show_commands(with_options=options.help)
        return 0
    if options.command not in BEGINNING:
        return _obey(options)
    with stopping(unbegun=f"{options.command}: nothing has begun") as options.signals:
        return _obey(options)


def _obey(options: argparse.Namespace) -> int:
    from seqsum import plugins
    from seqsum.cli.arguments import COMMANDS, parse_command

    for problem in plugins.problems():
        complain(problem)
    options = parse_command(options)
    if options.help:
        from seqsum.cli.help import show_command

        show_command(options)
        return 0
    try:
        return COMMANDS[options.command].run(options)
    except UserError as error:
        room, _, rest = str(error).partition(": ")
        if room not in ROOMS and not room.startswith(FLAG):
            raise
        told = str(error) if room.startswith(FLAG) else rest
        raise UserError(*f"{options.command}: {told}".split("\n")) from None


def entry() -> None:
    if "_ARGCOMPLETE" in os.environ:
        from seqsum.cli.completion import complete

        complete()
    collect_seldom()
    status = main()
    # Else Python looks through everything once more before it ends.
    gc.freeze()
    sys.exit(status)
