"""`seqsum export`: runs as files, or as other tools' own logs."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from seqsum.cli.commands import checkpoint_step
from seqsum.cli.export_model import export_model
from seqsum.cli.many import meant
from seqsum.cli.output import complain, say, say_json, tell, write_out
from seqsum.errors import UserError
from seqsum.export import FORMATS, MODELS, PICTURES, ROOTS, Exported, exported, format_of, write, write_folders
from seqsum.export.folder import plain_name
from seqsum.formatting import count, enumerated
from seqsum.plotting import picture_file
from seqsum.plotting.axes import ValueAxis
from seqsum.plotting.drawing import Picture
from seqsum.plotting.y_range import Limits, limits_of
from seqsum.runs import Run
from seqsum.text import printable

Options = argparse.Namespace
FIGURE = ("--width", "--metric", "--band", "--xlim", "--log", "--log-x")
"""What only a figure for a paper has: without them one run is drawn for a screen, all its curves."""


def export(options: Options) -> int:
    format = _format(options)
    limits, picture = limits_of(options.ylim or "", "export: --ylim"), format in PICTURES
    if (limits is not None or options.no_outliers) and not picture:
        raise UserError(f"export: --ylim and --no-outliers are for {', '.join(PICTURES)}; {format} leaves nothing out")
    if (flags := _of_figure(options)) and not picture:
        raise UserError(f"export: {flags[0]} is for {', '.join(PICTURES)}; {format} is no picture")
    if options.checkpoint is not None and format not in ("weights", *MODELS):
        raise UserError(f"export: --checkpoint goes with weights and models; {format} tells of all steps")
    runs = meant(options, "export", options.runs)
    if format in ROOTS:
        return _export_folders(options, runs, format)
    if len(runs) > 1 and format in ("weights", *MODELS):
        raise UserError(f"export: weights and models are of one run; {len(runs)} are named")
    if picture and (len(runs) > 1 or flags):
        return _written(options, runs, format, Exported(*picture_file.written(_figure(options, runs, limits), format)))
    step = checkpoint_step("export", options.checkpoint, lambda: runs[0])
    if format in MODELS:
        return export_model(options, runs[0], format, step)
    return _written(
        options, runs, format, exported(runs, format, ValueAxis(limits=limits, leave_out=options.no_outliers), step)
    )


def _written(options: Options, runs: list[Run], format: str, made: Exported) -> int:
    for message in made.messages:
        complain(message if format == "weights" else f"export: {message}")
    if options.output == "-":
        write_out(made.content.decode())
        if made.beside:
            names = enumerated(list(made.beside), "and")
            complain(f"export: left out: the run's {names}; with --output FILE they are tables beside it")
        return 0
    path = Path(options.output or _default_name(runs, format))
    others = write(path, made.content, options.force, made.beside)[1:]
    said = f"{format} in {path}, {count(len(made.content), 'byte')}"
    if others:
        said += (
            f"; {enumerated(list(made.beside), 'and')} beside it in {enumerated([one.name for one in others], 'and')}"
        )
    facts = {"format": format, "path": str(path), "bytes": len(made.content), "beside": [str(one) for one in others]}
    if len(runs) == 1:
        return tell(options, runs[0], said, **facts)
    if options.json:
        say_json({"runs": [run.id for run in runs], **facts})
    else:
        say(f"{count(len(runs), 'run')}: {said}")
    return 0


def _of_figure(options: Options) -> list[str]:
    """Return which of the options were given that a figure for a paper has."""
    return [flag for flag in FIGURE if getattr(options, flag.strip("-").replace("-", "_"))]


def _figure(options: Options, runs: list[Run], limits: Limits | None) -> Picture:
    from seqsum.compare.figure import FigureOptions, figure, width_of

    given = FigureOptions(
        metrics=[name.strip() for name in options.metric.split(",")] if options.metric else None,
        axis=ValueAxis(options.log, limits, options.no_outliers),
        x=limits_of(options.xlim or "", "export: --xlim"),
        log_x=options.log_x,
        bands=options.band or "quartiles",
    )
    for flag, ends in (("--log", limits if options.log else None), ("--log-x", given.x if options.log_x else None)):
        if any(end is not None and end <= 0 for end in ends or ()):
            raise UserError(f"export: {flag} has no place for 0 and less; leave it out, or set other ends")
    width = given.width if options.width is None else width_of(options.width, "export: --width")
    return figure(runs[0].folder.parent, [run.id for run in runs], replace(given, width=width))


def _format(options: Options) -> str:
    """Return what is to be written: what was said, or what the file's ending says."""
    to_screen, path = options.output == "-", Path(options.output or "")
    known = (*FORMATS, *MODELS, *ROOTS)
    format: str | None = options.to or (None if to_screen or options.output is None else format_of(path))
    if format not in known:
        wrong = format or path.suffix.removeprefix(".")
        given = f'no format "{printable(wrong)}"' if wrong else "--to is missing"
        raise UserError(f"export: {given}; choose one of {', '.join(known)}")
    if to_screen and format not in ("csv", "json", "svg"):
        raise UserError(
            f"export: {format} is no text; name a {'file' if format in FORMATS else 'folder'} with --output"
        )
    return format


def _export_folders(options: Options, runs: list[Run], tool: str) -> int:
    root = Path(options.output or ROOTS[tool])
    for run, made in zip(runs, write_folders(runs, tool, root, options.force), strict=True):
        for message in made.messages:
            complain(f"export: run {run.id}: {message}")
        said = f"{tool} in {made.path}, {count(made.size, 'byte')}"
        tell(options, run, said, format=tool, path=str(made.path), bytes=made.size)
    return 0


def _default_name(runs: list[Run], format: str) -> str:
    """Return what a file is called where nobody says it: as its run is, or its runs' group."""
    stem = runs[0].name if len(runs) == 1 else runs[0].summary().group or "runs"
    ending = "safetensors" if format == "weights" else format
    return f"{plain_name(stem) or 'run'}.{ending}"
