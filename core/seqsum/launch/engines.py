"""The engines that a worker can be started by: chosen by name, never detected."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqsum.errors import UserError
from seqsum.launch import standby
from seqsum.launch.base import Launcher
from seqsum.launch.options import check_options, whole_option
from seqsum.launch.warm import WarmLauncher
from seqsum.slots import MOST_WORKERS
from seqsum.text import printable

ENGINES = ("local", "slurm", "ray")
LOCAL_OPTIONS = ("workers",)


def launcher_on(engine: str, options: Mapping[str, str], workspace: Path, *, warm: bool = False) -> Launcher:
    """Return what starts workers by an engine. warm: it will be many, here.

    Raises UserError where there is no such engine here, or for options that it does not have.
    """
    if engine == "local":
        check_options(engine, options, LOCAL_OPTIONS)
        workers = whole_option(engine, options, "workers", MOST_WORKERS)
        standby.minutes()
        return WarmLauncher(workers, many=warm)
    if engine == "slurm":
        from seqsum.launch.slurm import SlurmLauncher

        return SlurmLauncher(workspace, options)
    if engine == "ray":
        from seqsum.launch.ray_cluster import RayLauncher

        return RayLauncher(workspace, options)
    raise UserError(f'launch: no engine "{printable(engine)}"; there are {", ".join(ENGINES)}')


def cancel(job: Mapping[str, Any]) -> None:
    """Take what a run's store calls its job out of the engine, as far as it is in it and that can be done from here."""
    if job.get("on") == "slurm":
        from seqsum.launch import slurm

        slurm.cancel(str(job.get("id", "")))
