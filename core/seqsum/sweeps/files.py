"""What a sweep shows, as the content of a file: the same for the screen and the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seqsum.errors import UserError
from seqsum.export.media_tables import Cell
from seqsum.export.table import as_csv
from seqsum.formatting import finite
from seqsum.plotting import picture_file
from seqsum.sweeps.definition import Sweep
from seqsum.sweeps.plot import grid_picture, importance_picture, parallel_picture, seeds_picture
from seqsum.sweeps.results import Result

FORMATS = ("csv", *picture_file.FORMATS)
PICTURES = {
    "settings": "Every setting with its seeds",
    "parallel": "Lines over parallel axes",
    "grid": "The grid of two fields",
    "decides": "What decides",
}
KINDS = {"png": "as a PNG picture", "svg": "as an SVG picture", "pdf": "as a PDF page, for papers"}


def offered(part: str) -> list[tuple[str, str, str]]:
    """Return (part, format, words) of what can be written while a part is shown."""
    pictures = [(part, format, f"{PICTURES[part]}, {words}") for format, words in KINDS.items()]
    return [*pictures, ("settings", "csv", "The table as CSV: a line for each setting")]


def content(
    sweep: Sweep,
    results: Sequence[Result],
    part: str,
    format: str,
    *,
    fields: tuple[str, str] | None = None,
    shares: Mapping[str, float] | None = None,
) -> tuple[bytes, list[str]]:
    """Return a part of a sweep as csv, svg, png or pdf, and what a person should hear of it.

    fields: the paths across and upwards of a grid. shares: what decides. Raises UserError when there is nothing.
    """
    if not results:
        raise UserError(f"sweep: {sweep.name} has tried nothing yet")
    if format == "csv":
        return as_csv(settings_table(sweep, results)).encode("utf-8", "backslashreplace"), []
    if part == "parallel":
        picture = parallel_picture(sweep, results)
    elif part == "grid":
        paths = [path.path for path in sweep.space]
        picture = grid_picture(sweep, results, *(fields or (paths[0], paths[-1])))
    elif part == "decides":
        if not shares:
            raise UserError(f"sweep: what decides in {sweep.name} isn't known: too few settings are done")
        picture = importance_picture(sweep, results, shares)
    else:
        picture = seeds_picture(sweep, results)
    return picture_file.written(picture, format)


def settings_table(sweep: Sweep, results: Sequence[Result]) -> list[list[Cell]]:
    """One line for each setting, the best first; values are exact.

    n: how many runs count. seeds, runs, values: of each run, in the same order; `nan` for one without a value.
    """
    paths = [part.path for part in sweep.space]
    heading: list[Cell] = ["number", *paths, "state", "reason", "n", "goal", "median", "median_low", "median_high"]
    heading += [
        "interquartile_mean",
        "without_value",
        "converged",
        "p",
        "improvement_over_best",
        "seeds",
        "runs",
        "values",
    ]
    lines = [heading]
    for one in results:
        sample, beside = one.sample, one.against
        line: list[Cell] = [one.setting.number, *(one.setting.values.get(path, "") for path in paths)]
        line += [one.state, one.setting.reason, sample.n if sample else 0, sweep.goal]
        known = [sample.median, sample.low, sample.high, sample.iqm] if sample else [None] * 4
        line += finite([value if value is not None else float("nan") for value in known])
        line += [one.broken, one.converged, beside.p if beside else None, beside.improvement if beside else None]
        values = ["nan" if value is None else repr(value) for value in one.ends]
        line += [" ".join(map(str, one.seeds)), " ".join(one.runs), " ".join(values)]
        lines.append(line)
    return lines
