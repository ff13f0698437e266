"""A run's results as files for other programs: tables, plots, weights, and other tools' own logs.

May import `runs`, `plotting`, `training` (checkpoints), `foreign` (how other tools write) and what lies below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seqsum.output_file import new_file
from seqsum.runs import Run

if TYPE_CHECKING:
    from seqsum.plotting.axes import ValueAxis

FORMATS = ("csv", "json", "parquet", "svg", "png", "pdf", "weights")
"""What is one file."""
PICTURES = ("svg", "png", "pdf")
SUFFIXES = {
    **{f".{name}": name for name in FORMATS[:-1]},
    ".safetensors": "weights",
    ".pt2": "torch-export",
    ".onnx": "onnx",
}
MODELS = {"model": "-model", "torch-export": ".pt2", "onnx": ".onnx"}
"""What a model leaves as, and how what it is written to is called behind the run's name (see `model` and `graph`)."""
ROOTS = {"tensorboard": "tensorboard", "wandb-offline": "wandb", "mlflow": "mlruns"}
"""Other tools, each with the folder in which it looks for runs."""


def format_of(path: Path) -> str | None:
    """Return the format that a file's ending stands for, if any."""
    return SUFFIXES.get(path.suffix.lower())


def exported(
    runs: Sequence[Run], format: str, axis: ValueAxis | None = None, step: int | None = None
) -> tuple[bytes, list[str]]:
    """Return runs in one of FORMATS, as a file's content, and what a person should hear of it.

    axis: how a picture shows the loss. step: of the checkpoint whose weights are written; None: the newest. Weights are
    of the first run.
    Raises UserError when a run has nothing of the kind yet.
    """
    if format == "weights":
        from seqsum.export.weights import weights

        return weights(runs[0], step)
    if format in PICTURES:
        from seqsum.export.run_plot import plot
        from seqsum.plotting import picture_file
        from seqsum.plotting.axes import PLAIN

        return picture_file.written(plot(runs[0], axis or PLAIN), format)
    if format == "parquet":
        from seqsum.export.parquet import parquet

        return parquet(runs), []
    from seqsum.export import table

    return (table.csv_of(runs) if format == "csv" else table.json_of(runs)).encode(), []


def write_folders(runs: Sequence[Run], tool: str, root: Path, force: bool = False) -> list[tuple[Path, int]]:
    """Write runs as another tool of ROOTS does, each a folder below the root; return the folders and their bytes.

    force: put them in the place of those that are there. Raises UserError before anything is written when one is there
    already, or has no metrics yet.
    """
    from seqsum.export import event_file, mlflow, wandb
    from seqsum.export.whole import Whole

    wholes = [Whole.of(run) for run in runs]
    if tool == "tensorboard":
        names = Counter(whole.name for whole in wholes)
        folders = [event_file.folder(whole, with_id=names[whole.name] > 1) for whole in wholes]
    elif tool == "mlflow":
        folders = [mlflow.folder(whole, root) for whole in wholes]
    else:
        folders = [wandb.folder(whole) for whole in wholes]
    for folder in folders:
        folder.check(root, force=force)
    return [(folder.write(root, force=force), folder.size) for folder in folders]


def write(path: Path, content: bytes, force: bool = False) -> None:
    """Write a file, whole or not at all; raise UserError when it is there already, or can't be written."""
    with new_file(path, force, "export") as file:
        file.write(content)
