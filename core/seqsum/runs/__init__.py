"""The run folder: record, metric store, checkpoint files, events, commands; and the workspace that holds them.

May import `config`, `plugins` and what lies below. No torch: the console reads it.
"""

from seqsum.folders import default_workspace
from seqsum.runs.buckets import Buckets
from seqsum.runs.run import LIVE_STATUSES, Run, Summary
from seqsum.runs.store import Command, Event, Store
from seqsum.runs.workspace import Workspace

__all__ = [
    "LIVE_STATUSES",
    "Buckets",
    "Command",
    "Event",
    "Run",
    "Store",
    "Summary",
    "Workspace",
    "default_workspace",
]
