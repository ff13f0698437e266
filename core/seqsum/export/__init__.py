"""A run's results as files for other programs: tables, plots, weights.

May import `runs`, `plotting`, `training` (checkpoints) and what lies below.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from seqsum.errors import UserError, told_as
from seqsum.files import write_atomically
from seqsum.runs import Run
from seqsum.text import printable

if TYPE_CHECKING:
    from seqsum.plotting.axes import ValueAxis

FORMATS = ("csv", "json", "svg", "png", "pdf", "weights")
SUFFIXES = {**{f".{name}": name for name in FORMATS[:-1]}, ".safetensors": "weights"}


def format_of(path: Path) -> str | None:
    """Return the format that a file's ending stands for, if any."""
    return SUFFIXES.get(path.suffix.lower())


def exported(run: Run, format: str, axis: ValueAxis | None = None, step: int | None = None) -> tuple[bytes, list[str]]:
    """Return a run in one of FORMATS, as a file's content, and what a person should hear of it.

    axis: how a picture shows the loss. step: of the checkpoint whose weights are written; None: the newest.
    Raises UserError when the run has nothing of the kind yet.
    """
    if format == "weights":
        from seqsum.export.weights import weights

        return weights(run, step)
    if format in ("svg", "png", "pdf"):
        from seqsum.export.run_plot import plot
        from seqsum.plotting import picture_file
        from seqsum.plotting.axes import PLAIN

        return picture_file.written(plot(run, axis or PLAIN), format)
    from seqsum.export import table

    text = io.StringIO()
    if format == "csv":
        table.write_csv(run, text)
    else:
        table.write_json(run, text)
    return text.getvalue().encode(), []


def write(path: Path, content: bytes, force: bool = False) -> None:
    """Write a file, whole or not at all; raise UserError when it is there already, or can't be written."""
    shown = printable(str(path))
    with told_as(f"export: can't write {shown}"):
        if path.is_dir():
            raise UserError(f"export: {shown} is a folder; name a file in it")
        if path.exists() and not path.is_file():
            raise UserError(f"export: {shown} is no file (a device, a pipe or a socket); name a file")
        if os.path.lexists(path) and not force:
            raise UserError(f"export: {shown} is there already; choose another name, or overwrite it with --force")
        # Where it is a link, what it points to is written, as a shell would.
        write_atomically(path.resolve(), content)
