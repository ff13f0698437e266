"""`seqsum runs`: the list of runs. Little is imported here, and no settings: a list should be there at once."""

from __future__ import annotations

import argparse
import time

from seqsum.cli.output import columns, complain, measured, progress, say, say_json, summary_plain, troubles
from seqsum.formatting import ago, metric, size
from seqsum.runs import Summary, Workspace
from seqsum.runs.access import owner_told, read_only
from seqsum.runs.listed import listed
from seqsum.runs.measure import EARLIER_SIGN
from seqsum.runs.run import RESULTS
from seqsum.runs.waiting import with_places
from seqsum.users import user_name


def runs(options: argparse.Namespace) -> int:
    workspace = Workspace(options.workspace)
    found = listed(workspace, options.filter, options.sort, options.reverse)
    summaries = with_places(workspace.folder, found)
    for message in workspace.index.messages:
        complain(message)
    if options.json:
        for summary in summaries:
            say_json(summary_plain(summary) | {"read_only": bool(read_only(workspace.folder / summary.id))})
        return 0
    if not summaries and options.filter:
        from seqsum.runs.filter import clue

        say("; ".join(filter(None, ("no run is like that", clue(options.filter)))))
        return 0
    if not summaries:
        from seqsum.presets import DEFAULT_PRESET

        say(f"no runs in {workspace.folder}; start one: seqsum train {DEFAULT_PRESET}")
        return 0
    results = [name for name in RESULTS if name == "accuracy" or name in {one.result for one in summaries}]
    owners = _owners(workspace, summaries)
    titles = ("RUN", "NAME", "STATUS", "VERDICT", "STEP", "LOSS")
    rows = [(*titles, *map(str.upper, results), *owners[:1], "SIZE", "STARTED")]
    rows += [
        (
            summary.id,
            summary.name,
            summary.status,
            summary.verdict.word if summary.verdict else "–",
            progress(summary),
            metric("loss", summary.value("loss")),
            *(
                measured(summary, summary.named(name))
                + EARLIER_SIGN * (name == "accuracy" and _measured_earlier(summary))
                for name in results
            ),
            *owners[place : place + 1],
            size(summary.size) if summary.size is not None else "–",
            ago(time.time() - summary.created),
        )
        for place, summary in enumerate(summaries, 1)
    ]
    for place, line in enumerate(columns(rows)):
        say(line)
        if place and (waits := summaries[place - 1].place):
            say(f"  waits: {waits.told}")
        for text in troubles(summaries[place - 1]) if place else ():
            say(f"  ! {text}")
    for measure in dict.fromkeys(one.measure for one in summaries if _measured_earlier(one)):
        say(f"{EARLIER_SIGN} {measure}, as an earlier version measured: not to be compared with the others")
    if closed := read_only(workspace.folder):
        say(closed)
    return 0


def _owners(workspace: Workspace, summaries: list[Summary]) -> list[str]:
    """Return the column that tells whose runs these are, its title first; nothing where all are our own."""
    if {summary.owner for summary in summaries} <= {"", user_name()}:
        return []
    # Where all is read-only, a line below says so.
    closed = [not read_only(workspace.folder) and bool(read_only(workspace.folder / one.id)) for one in summaries]
    told = [owner_told(one.owner, one.host) or "–" for one in summaries]
    return ["OWNER", *(f"{who} (read-only)" if shut else who for who, shut in zip(told, closed, strict=True))]


def _measured_earlier(summary: Summary) -> bool:
    return bool(summary.measure) and summary.value("accuracy") is not None
