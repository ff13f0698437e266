"""A run's results as files for other programs: tables, plots, weights, and other tools' own logs.

May import `runs`, `plotting`, `training` (checkpoints), `foreign` (how other tools write) and what lies below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seqsum.formatting import count
from seqsum.output_file import new_file
from seqsum.runs import Run

if TYPE_CHECKING:
    from seqsum.plotting.axes import ValueAxis
    from seqsum.runs.media import Media

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


@dataclass(frozen=True)
class Exported:
    """content: of the file; messages: what a person should hear of it; beside: tables that lie in files beside it, by
    what they hold (see `place_beside`)"""

    content: bytes
    messages: Sequence[str] = ()
    beside: Mapping[str, bytes] = field(default_factory=dict)


def exported(runs: Sequence[Run], format: str, axis: ValueAxis | None = None, step: int | None = None) -> Exported:
    """Return runs in one of FORMATS.

    axis: how a picture shows the loss. step: of the checkpoint whose weights are written; None: the newest. Weights are
    of the first run.
    Raises UserError when a run has nothing of the kind yet.
    """
    if format == "weights":
        from seqsum.export.weights import weights

        return Exported(*weights(runs[0], step))
    if format in PICTURES:
        from seqsum.export.run_plot import plot
        from seqsum.plotting import picture_file
        from seqsum.plotting.axes import PLAIN

        return Exported(*picture_file.written(plot(runs[0], axis or PLAIN), format))
    from seqsum.export import table

    if format == "json":
        return Exported(table.json_of(runs).encode())
    from seqsum.export.whole import Stored

    several = [Stored.of(run) for run in runs]
    if format == "parquet":
        from seqsum.export.parquet import parquet

        found = parquet(several)
    else:
        found = {name: text.encode() for name, text in table.csv_of(several).items()}
    return Exported(found.pop(""), unreadable(stored.media for stored in several), found)


def place_beside(path: Path, name: str) -> Path:
    """Return where a table lies beside a file: FILE.histograms.csv beside FILE.csv."""
    return path.with_name(f"{path.stem}.{name}{path.suffix}")


def unreadable(media: Iterable[Media]) -> list[str]:
    """Say how many histograms and texts of runs can't be read; nothing where there is none."""
    many = sum(one.damaged for one in media)
    return [f"left out: {count(many, 'event')} with a text or histogram that can't be read"] if many else []


class WrittenFolder(NamedTuple):
    """path; size: in bytes; messages: what a person should hear of it"""

    path: Path
    size: int
    messages: Sequence[str]


def write_folders(runs: Sequence[Run], tool: str, root: Path, force: bool = False) -> list[WrittenFolder]:
    """Write runs as another tool of ROOTS does, each a folder below the root.

    force: put them in the place of those that are there. Raises UserError before anything is written when one is there
    already, or has no metrics yet.
    """
    from seqsum.export import event_file, mlflow, wandb
    from seqsum.export.whole import Stored, Whole

    wholes = [Whole.of(Stored.of(run)) for run in runs]
    if tool == "tensorboard":
        names = Counter(whole.name for whole in wholes)
        folders = [event_file.folder(whole, with_id=names[whole.name] > 1) for whole in wholes]
    elif tool == "mlflow":
        folders = [mlflow.folder(whole, root) for whole in wholes]
    else:
        folders = [wandb.folder(whole) for whole in wholes]
    for folder in folders:
        folder.check(root, force=force)
    return [
        WrittenFolder(folder.write(root, force=force), folder.size, unreadable([whole.media]))
        for whole, folder in zip(wholes, folders, strict=True)
    ]


def write(path: Path, content: bytes, force: bool = False, beside: Mapping[str, bytes] | None = None) -> list[Path]:
    """Write a file, and tables beside it, each whole or not at all; return their paths. Raises UserError, before
    anything is written, when one is there already, or can't be written."""
    named = {path: content, **{place_beside(path, name): table for name, table in (beside or {}).items()}}
    with ExitStack() as stack:
        files = [stack.enter_context(new_file(place, force, "export")) for place in named]
        for file, data in zip(files, named.values(), strict=True):
            file.write(data)
    return list(named)
