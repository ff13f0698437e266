"""Which runs a filter finds, in which order."""

from __future__ import annotations

import time

from seqsum.runs.run import Summary
from seqsum.runs.workspace import Workspace


def listed(workspace: Workspace, wanted: str | None, column: str | None = None, reverse: bool = False) -> list[Summary]:
    """Return the runs that a filter finds, newest first or by a column."""
    entries, now = list(workspace.index.read().entries), time.time()
    if wanted or column:
        from seqsum.runs.filter import Names, parse
        from seqsum.runs.filter_tokens import FilterError
        from seqsum.runs.order import in_order

        names = Names.of(entries)
        try:
            chosen = parse(wanted or "", names)
        except FilterError as error:
            raise error.located from None
        if chosen is not None:
            entries = [entry for entry in entries if chosen.matches(entry, now)]
        if column:
            return [entry.summary for entry in in_order(entries, column, names, now, reverse=reverse)]
    summaries = [entry.summary for entry in entries]
    return summaries[::-1] if reverse else summaries
