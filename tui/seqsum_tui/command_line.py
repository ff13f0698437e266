"""What `seqsum-tui` does: open the console; without a terminal, train the default preset instead."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import gc
import os
import sys
from pathlib import Path

from seqsum import __version__
from seqsum.cli.output import complain, use_plain_signs
from seqsum.cli.parser import Parser
from seqsum.errors import UserError
from seqsum.folders import default_workspace
from seqsum.garbage import collect_seldom, keep_one_heap, settle

UNICODE = ("utf-8", "utf-16", "utf-32")
SETTLED_SECONDS = 20.0
"""After its start; by then the list and most often a run have been looked at."""


def parser() -> Parser:
    """Return the command line."""
    made = Parser(
        "seqsum-tui",
        "A terminal training console for sequence models. "
        "Runs train in processes of their own: they go on when the console is closed.",
    )
    made.description = made.words
    made.epilog = "Inside, ? shows the keys. Without a screen: seqsum --help."
    made.add_argument("-h", "--help", action="help", help="this page")
    made.add_argument(
        "--workspace",
        metavar="DIR",
        type=Path,
        help="folder of runs (default: SEQSUM_WORKSPACE, else the user's data folder)",
    )
    made.add_argument(
        "--watch",
        metavar="PATH",
        type=Path,
        help="logs of other programs, a file or what lies in a folder, as runs: TensorBoard, MLflow, W&B and "
        "SwanLab offline, CSV, JSON Lines; nothing is written there",
    )
    made.add_argument(
        "--remote",
        metavar="[USER@]HOST[:DIR]",
        help="the console of another machine, through ssh",
    )
    made.add_argument(
        "--remote-command", metavar="COMMAND", help="what it is called there; default: seqsum-tui", default=None
    )
    made.add_argument("--version", action="version", version=f"seqsum-tui {__version__}")
    return made


def run(arguments: list[str] | None = None) -> int:
    """Open the console; return the exit code."""
    use_plain_signs()
    try:
        options = parser().read(sys.argv[1:] if arguments is None else arguments, argparse.Namespace())
    except UserError as error:
        complain(error)
        return 2
    if options.remote is not None or options.remote_command is not None:
        return show_remote(options)
    logs: Path | None = None
    if options.watch is not None:
        logs = options.watch.expanduser().absolute()
        try:
            logs.stat()
        except FileNotFoundError:
            complain(f"seqsum-tui: there is nothing at {logs} to watch")
            return 2
        except OSError as error:
            complain(f"seqsum-tui: can't read {logs}: {error.strerror or error}")
            return 2
    folder = workspace_folder(options.workspace) if logs is None else logs_folder(options.workspace, logs)
    if folder.exists() and not folder.is_dir():
        complain(f"seqsum-tui: {folder} is not a folder; give another with --workspace")
        return 2
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        if logs is not None:
            complain("seqsum-tui: --watch needs a terminal")
            return 2
        return train_without_screen(folder)
    encoding = (sys.__stderr__ or sys.stderr).encoding
    if codecs.lookup(encoding).name not in UNICODE:
        complain(
            f"seqsum-tui: this terminal's locale is not UTF-8 but {encoding}, which lacks the signs that charts are "
            "made of; set one that is, e.g. LC_ALL=C.UTF-8 seqsum-tui (the command line, seqsum, works as it is)"
        )
        return 2
    return open_console(folder, logs)


def show_remote(options: argparse.Namespace) -> int:
    """Show the console of another machine."""
    from seqsum_tui.terminal_io.remote import Remote, show
    from seqsum_tui.terminal_io.typed_ahead import terminal_before

    try:
        if options.remote is None:
            raise UserError("seqsum-tui: --remote-command goes with --remote HOST")
        if options.watch is not None:
            raise UserError(
                "seqsum-tui: --watch is for logs of this machine; else: ssh -t HOST seqsum-tui --watch PATH"
            )
        if options.workspace is not None:
            raise UserError("seqsum-tui: the folder of another machine stands behind its name: --remote HOST:DIR")
        remote = Remote.parse(options.remote, options.remote_command or "seqsum-tui")
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UserError(f"seqsum-tui: --remote needs a terminal; without one: ssh {remote.host} seqsum runs")
        return show(remote, terminal_before())
    except UserError as error:
        complain(error)
        return 2


def workspace_folder(chosen: Path | None) -> Path:
    """Return the folder of runs: the one asked for, SEQSUM_WORKSPACE's, or the user's own."""
    return (chosen or default_workspace()).expanduser().absolute()


def logs_folder(chosen: Path | None, logs: Path) -> Path:
    """Return the folder of the runs that are read from logs: the one asked for, or their own."""
    from seqsum.foreign.following import logs_workspace

    return workspace_folder(chosen) if chosen is not None else logs_workspace(logs)


def open_console(folder: Path, logs: Path | None = None) -> int:
    """Run the console in this terminal. logs: what of other programs it follows."""
    collect_seldom()
    keep_one_heap()
    from seqsum_tui.app import Console
    from seqsum_tui.settings.store import Settings, settings_path
    from seqsum_tui.terminal_io.hangup import end_when_terminal_goes

    end_when_terminal_goes(sys.stdin.fileno())
    settings = Settings(settings_path())
    console = Console(folder, settings=settings, logs=logs)
    # What is imported stays, so nobody needs to look through it.
    gc.freeze()
    settle(SETTLED_SECONDS)
    console.run()
    with contextlib.suppress(OSError):
        # What was changed in the last moment; a failure was told before.
        settings.save()
    # Else Python looks through everything once more before it ends.
    gc.freeze()
    return console.return_code or 0


def train_without_screen(folder: Path) -> int:
    """Train the default preset in this process's place."""
    from seqsum.presets import DEFAULT_PRESET

    print(
        f"seqsum-tui: no terminal here, so the preset {DEFAULT_PRESET} trains without a screen "
        f"(seqsum train {DEFAULT_PRESET})",
        flush=True,
    )
    command = [sys.executable, "-m", "seqsum.cli", "train", DEFAULT_PRESET, "--workspace", str(folder)]
    os.execv(command[0], command)
