"""`seqsum compare`: runs beside each other, with the numbers of the console's Compare screen."""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from seqsum.cli.output import complain, say, say_columns, say_json, write_out
from seqsum.compare import Comparison, ComparisonReader, Row, rows_of
from seqsum.compare.files import FORMATS, Part, Shown, content
from seqsum.compare.rows import XKind, notes_of
from seqsum.compare.significance import (
    Tested,
    interval,
    interval_meaning,
    interval_title,
    sentence,
    tested,
    value_text,
)
from seqsum.compare.tables import difference_text, difference_unit, row_plain, unique_names
from seqsum.config import as_shown
from seqsum.errors import UserError, did_you_mean
from seqsum.export import write
from seqsum.formatting import count, metric, p_value, percent
from seqsum.plotting.y_range import limits_of
from seqsum.runs import Workspace
from seqsum.runs.workspace import GROUP
from seqsum.text import printable

BUCKETS = 400
MEANINGS = (
    "INTERQUARTILE MEAN: the mean without the best and worst quarter. IMPROVES: how often one is better than a run of"
    " base.",
    "P: by the Mann–Whitney test, corrected for how many are compared. What has no value ranks as worst everywhere.",
)


def compare(options: argparse.Namespace) -> int:
    """Print or write a comparison. Exit status 2 for what the user can mend."""
    workspace = Workspace(options.workspace)
    options.groups |= options.test
    ids = list(dict.fromkeys(id for text in options.runs for id in _ids(workspace, text)))
    higher = {None: None, "high": True, "low": False}[options.best]
    # A store knows text only, and no byte that is none.
    metric = None if options.metric is None else options.metric.encode("utf-8", "replace").decode()
    reader = ComparisonReader(workspace.folder, ids, metric, BUCKETS, higher=higher)
    comparison = reader.read()
    assert comparison is not None
    if len(comparison.problems) >= len(ids):
        raise UserError(comparison.problems[0])
    for problem in comparison.problems:
        complain(problem)
    _check_metric(options.metric, comparison)
    x: XKind = "time" if options.time else "step"
    if x == "time" and not comparison.has_seconds:
        raise UserError("compare: these runs have not written their training time; leave out --time")
    baseline = None if options.baseline is None else _baseline(workspace, options.baseline, comparison, options)
    at = _number(options.at)
    rows = rows_of(comparison, folded=options.groups, baseline=baseline, at=at, x=x)
    limits = limits_of(options.ylim or "", "compare: --ylim")
    shown = Shown(
        comparison, rows, x, log_y=options.log, field=options.field, of_best=not options.final, limits=limits,
        leave_out=options.no_outliers,
    )  # fmt: skip
    if options.log and any(end is not None and end <= 0 for end in limits or ()):
        raise UserError(f"compare: --log has no place for 0 and less, got --ylim {options.ylim}; leave one of them out")
    if (limits is not None or shown.leave_out) and Path(options.output or "").suffix.lower() not in (".svg", ".png"):
        raise UserError("compare: --ylim and --no-outliers are for pictures; name one with --output FILE.svg or .png")
    part: Part | None = options.show
    if options.output is not None:
        return _write(options, shown, part)
    told = _tested(comparison, rows) if options.test else {}
    if options.json:
        for row in rows:
            test = {"test": dataclasses.asdict(told[row.key])} if row.key in told else {}
            say_json({**row_plain(row, comparison), **test, "config": _settings(row, shown)})
        return 0
    if part in ("curves", "config", "scatter"):
        write_out(content(shown, part, "csv")[0].decode())
        return 0
    _say_table(shown)
    if told:
        _say_tests(comparison, rows, told)
    return 0


def _tested(comparison: Comparison, rows: Sequence[Row]) -> dict[str, Tested]:
    if comparison.direction is None:
        raise UserError(f"compare: --test: which way is {comparison.metric} better? say --best high or --best low")
    return tested(rows, comparison)


def _say_tests(comparison: Comparison, rows: Sequence[Row], told: Mapping[str, Tested]) -> None:
    name, names = comparison.metric, dict(zip((row.key for row in rows), unique_names(rows), strict=True))
    title = interval_title(one.sample for one in told.values())
    table = [["RUN", "N", "WITH A VALUE", "MEDIAN", title.upper(), "INTERQUARTILE MEAN", "CONVERGED", "IMPROVES", "P"]]
    for key, one in told.items():
        sample, beside = one.sample, one.against
        line = [printable(names[key]), str(sample.n), str(sample.valued), value_text(name, sample.median)]
        line += [interval(name, sample, title), value_text(name, sample.iqm)]
        line.append("–" if one.converged is None else f"{one.converged} of {sample.n}")
        line.append("base" if beside is None else percent(beside.improvement))
        line.append("–" if beside is None or beside.p is None else p_value(beside.p))
        table.append(line)
    say("\nhow sure that is")
    base = next((row for row in rows if row.baseline), None)
    for key, one in told.items():
        if base is not None and one.against is not None:
            say(printable(sentence(names[key], names[base.key], one.against)))
    say_columns(table)
    for meaning in (interval_meaning(title).replace(title, title.upper(), 1), *MEANINGS):
        say(meaning)


def _ids(workspace: Workspace, text: str) -> list[str]:
    """Return the run that `text` names, or the runs of the group it names; `group:NAME` is always the group.

    Where it names both, the run is meant, as in every other command, and that is said.
    """
    name, summaries = text.removeprefix(GROUP), workspace.summaries()
    members = [summary.id for summary in reversed(summaries) if summary.group == name]
    # A group's name comes before the beginning of an id.
    if members and not any(text in (summary.id, summary.name) for summary in summaries):
        return members
    run = workspace.find(text)
    if members and run.id not in members:
        asked = printable(text)
        complain(f'compare: "{asked}" is the run {run.id} here; the group of {len(members)} is {GROUP}{asked}')
    return [run.id]


def _baseline(workspace: Workspace, text: str, comparison: Comparison, options: argparse.Namespace) -> str:
    groups = {run.summary.group for run in comparison.runs}
    if options.groups and text.removeprefix(GROUP) in groups:
        return GROUP + text.removeprefix(GROUP)
    id = workspace.find(text).id
    if not any(run.id == id for run in comparison.runs):
        raise UserError(f'compare: the baseline "{printable(text)}" is not among the runs compared; name it there too')
    return id


def _check_metric(asked: str | None, comparison: Comparison) -> None:
    if not comparison.metrics:
        raise UserError("compare: these runs have no metrics yet")
    if asked is not None and asked not in comparison.metrics:
        near = did_you_mean(asked, comparison.metrics) or f"; there are {', '.join(comparison.metrics)}"
        raise UserError(f'compare: no run has a metric "{printable(asked)}"{near}')


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,12}(\.\d{1,6})?", text):
        raise UserError(f'compare: --at must be a step, or with --time seconds, from 0 on; got "{printable(text)}"')
    return float(text)


def _write(options: argparse.Namespace, shown: Shown, part: Part | None) -> int:
    path = Path(options.output)
    format = path.suffix.lower().removeprefix(".")
    if format not in FORMATS:
        raise UserError(f"compare: {printable(str(path))}: name a file that ends in .{', .'.join(FORMATS)}")
    part = part or ("table" if format == "csv" else "curves")
    made, messages = content(shown, part, format)
    for message in messages:
        complain(f"compare: {message}")
    write(path, made, options.force)
    if options.json:
        say_json({"part": part, "format": format, "path": str(path), "bytes": len(made)})
    else:
        say(f"compare: {part} of {count(len(shown.runs), 'run')} in {path}, {count(len(made), 'byte')}")
    return 0


def _settings(row: Row, shown: Shown) -> dict[str, str]:
    """What a row was set to, of the fields in which the rows differ."""
    if not row.drawn:
        return {}
    place = shown.drawn.index(row)
    return {path: values[place] for path, values in shown.differences.items()}


def _say_table(shown: Shown) -> None:
    comparison, rows = shown.comparison, list(shown.rows)
    name = comparison.metric
    heading = ["RUN", "FINAL", "Δ", "BEST", "Δ", "AT STEP"]
    spread, at = any(row.final_quartiles for row in rows), any(row.at is not None for row in rows)
    table = [heading + ["QUARTILES"] * spread + ["AT", "Δ"] * at]
    for row, words in zip(rows, unique_names(rows), strict=True):
        line = [f"{row.look.sign} {printable(words)} {row.size}".rstrip(), metric(name, row.final)]
        line += [difference_text(row, row.final_difference, name), metric(name, row.best)]
        line.append(difference_text(row, row.best_difference, name))
        line.append("–" if row.best_step is None else f"{row.best_step:,}")
        if spread:
            line.append(" to ".join(metric(name, value) for value in row.final_quartiles or ()))
        if at:
            line += [metric(name, row.at), difference_text(row, row.at_difference, name)]
        table.append(line)
    better = f", {comparison.direction} is better" if comparison.direction else ""
    base = next(row for row in rows if row.baseline)
    unit = " in points of a percentage (pp)" if difference_unit(comparison) == "points" else ""
    from_base = f"Δ from {base.name}{unit}" if base.measured else f"no Δ, as {base.name} has no value"
    say(f"{name}{comparison.part}{better}; {from_base}")
    if comparison.measures:
        say(comparison.measures)
    say_columns(table)
    for note in notes_of(rows):
        say(note)
    differences = shown.differences
    if differences:
        say("\nfields that differ")
        names = [f"{row.look.sign} {row.name}" for row in shown.drawn]
        told = {path: [as_shown(path, value) for value in values] for path, values in differences.items()}
        if len(names) <= 6:
            say_columns([["FIELD", *map(printable, names)], *([path, *values] for path, values in told.items())])
        else:
            for path, values in told.items():
                say(f"  {path}: {', '.join(dict.fromkeys(values))}")
