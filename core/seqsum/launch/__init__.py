"""Starts a worker for a run and finds it again.

May import `runs` and what lies below. No torch: the worker, another process, loads it.
"""

from seqsum.launch.base import HandOverRefused, Launcher
from seqsum.launch.engines import ENGINES, cancel, launcher_on
from seqsum.launch.local import LocalLauncher
from seqsum.launch.options import read_options
from seqsum.launch.warm import WarmLauncher

__all__ = [
    "ENGINES",
    "HandOverRefused",
    "Launcher",
    "LocalLauncher",
    "WarmLauncher",
    "cancel",
    "launcher_on",
    "read_options",
]
