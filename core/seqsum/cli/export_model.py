"""`seqsum export --format model`: a model that leaves, as a folder or a file for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from seqsum.cli.output import complain, tell
from seqsum.export import MODELS
from seqsum.export.folder import plain_name
from seqsum.formatting import size
from seqsum.runs import Run

Options = argparse.Namespace


def export_model(options: Options, run: Run, format: str, step: int | None) -> int:
    """Write a run's model at a checkpoint's step, the newest where it is None."""
    path = Path(options.output or f"{plain_name(run.name) or run.id}{MODELS[format]}")
    if format == "model":
        from seqsum.export.model import write_model

        found = write_model(run, path, step, options.force)
    else:
        from seqsum.export.graph import write_graph

        found = write_graph(run, format, path, step, options.force)
    for message in found.messages:
        complain(message)
    written = sum(one.stat().st_size for one in path.iterdir()) if path.is_dir() else path.stat().st_size
    said = f"{format} in {path}, {size(written)}, of the checkpoint of step {found.step:,}"
    return tell(options, run, said, format=format, path=str(path), checkpoint_step=found.step, bytes=written)
