"""seqsum: train small sequence models and ask them questions, without a screen.

The console (`seqsum_tui`) and the command line (`seqsum`) both stand on this package. Importing it loads no torch;
the rooms that need torch (`models`, `training`, `query`) are imported by name.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqsum.api import (
        Model,
        Points,
        StartedSweep,
        SweptSetting,
        TrainedRun,
        TrainedRuns,
        find_run,
        list_runs,
        load,
        sweep,
        train,
    )
    from seqsum.errors import UserError
    from seqsum.watching import WatchedRun, watch

__version__ = "0.1.0"
__all__ = [
    "Model",
    "Points",
    "StartedSweep",
    "SweptSetting",
    "TrainedRun",
    "TrainedRuns",
    "UserError",
    "WatchedRun",
    "find_run",
    "list_runs",
    "load",
    "sweep",
    "train",
    "watch",
]
PLACES = {"WatchedRun": "watching", "watch": "watching", "UserError": "errors"}


def __getattr__(name: str) -> Any:
    """Load what scripts use when it is used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PLACES.get(name, 'api')}"), name)
