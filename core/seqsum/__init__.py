"""seqsum: train small sequence models and ask them questions, without a screen.

The console (`seqsum_tui`) and the command line (`seqsum`) both stand on this package. Importing it loads no torch;
the rooms that need torch (`models`, `training`, `query`) are imported by name.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqsum.watching import WatchedRun, watch

__version__ = "0.1.0"
__all__ = ["WatchedRun", "watch"]


def __getattr__(name: str) -> Any:
    """Load what scripts use when it is used."""
    if name in __all__:
        from seqsum import watching

        return getattr(watching, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
