"""Trackers: where a run is written beside its own folder, each behind one small interface. No torch here.

The worker alone logs; a tracker can fail, hang or vanish without hurting the run (`guarded`). Uploading is a process
of its own with a time limit (`upload`). May import `config`, `runs` and what lies below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqsum.trackers.base import Tracker
from seqsum.trackers.guarded import Guarded

if TYPE_CHECKING:
    from seqsum.runs import Run

FOLDER = "tracker"


def tracker_of(run: Run) -> Guarded | None:
    """Return the tracker that a run's configuration asks for, guarded; None where it asks for none."""
    track = run.config().track
    if track.swanlab == "off":
        return None
    from seqsum.trackers.swanlab_logs import SwanLabLogs

    return Guarded(SwanLabLogs(run.folder / FOLDER, run.record, track))


__all__ = ["FOLDER", "Guarded", "Tracker", "tracker_of"]
