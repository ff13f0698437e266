"""Starts a worker for a run and finds it again. No torch here."""

from seqsum.launch.base import Launcher
from seqsum.launch.local import LocalLauncher
from seqsum.launch.warm import WarmLauncher

__all__ = ["Launcher", "LocalLauncher", "WarmLauncher"]
