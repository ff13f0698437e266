"""`seqsum export --format model`: a model that leaves, as a folder or a file for other programs."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from seqsum.cli.output import complain, tell
from seqsum.errors import UserError
from seqsum.export.formats import MODELS
from seqsum.formatting import size
from seqsum.runs import Run

Options = argparse.Namespace


def export_model(options: Options, run: Run, format: str, step: int | None) -> int:
    """Write a run's model at a checkpoint's step, the newest where it is None."""
    if options.ylim or options.no_outliers:
        raise UserError(f"export: --ylim and --no-outliers are for pictures; {format} is a model")
    if options.output == "-":
        raise UserError(f"export: {format} is no text; name a {'folder' if format == 'model' else 'file'} with --output")
    path = Path(options.output or f"{_plain(run)}{MODELS[format]}")
    if format == "model":
        from seqsum.export.model import write_model

        found, bytes = write_model(run, path, step, options.force)
        said = f"model in {path}{'' if path.name == str(path) else ''}"
    else:
        from seqsum.export.graph import write_graph

        found, bytes, said = write_graph(run, format, path, step, options.force)
    for message in found.messages:
        complain(message)
    said = f"{said}, {size(bytes)}, of the checkpoint of step {found.step:,}"
    return tell(options, run, said, format=format, path=str(path), step=found.step, bytes=bytes)


def _plain(run: Run) -> str:
    """A run's name as a file can be called on any system."""
    return re.sub(r"[^\w.-]+", "-", run.name).strip(".-") or run.id
