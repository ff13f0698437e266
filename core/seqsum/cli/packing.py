"""`seqsum pack | unpack`: a whole run as one file, and the run of such a file."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from seqsum.cli.output import tell
from seqsum.errors import UserError
from seqsum.export.folder import plain_name
from seqsum.runs import Workspace, packed

Options = argparse.Namespace


def pack(options: Options) -> int:
    run = Workspace(options.workspace).find(options.run)
    if options.output == "-":
        raise UserError("pack: a run is packed into a file; give --output its name")
    path = Path(options.output or f"{plain_name(run.name) or run.id}{packed.ENDING}")
    made = packed.pack(run, path, replace=options.force)
    message = f"packed into {path}: {made.told()}"
    return tell(options, run, message, ok=True, message=message, path=str(path), bytes=path.stat().st_size)


def unpack(options: Options) -> int:
    workspace = Workspace(options.workspace)
    run, done = packed.unpack(Path(options.file), workspace, name=options.name, replace=options.force)
    message = f"unpacked into {workspace.folder}" if done else "is here already, the same"
    if not done and options.name not in (None, run.name):
        message += f"; it keeps its name: seqsum rename {run.id} {shlex.quote(options.name)} gives it the other"
    return tell(options, run, message, ok=True, message=message, unpacked=done)
