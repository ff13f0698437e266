"""Starts a worker for a run and finds it again. No torch here."""

from seqsum.launch.base import Launcher
from seqsum.launch.local import LocalLauncher

__all__ = ["Launcher", "LocalLauncher"]
