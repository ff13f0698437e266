"""Where the figures were measured: without it they mean little."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path


def facts() -> dict[str, str | int | float]:
    """Return processor, cores, load before, and the versions that matter. No host name: results get published."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": version("torch"),
        "numpy": version("numpy"),
    }


def line() -> str:
    """The facts in one line."""
    known = facts()
    return (
        f"{known['processor']}, {known['cores']} cores, load before {known['load']}; Python {known['python']}, "
        f"torch {known['torch']}, numpy {known['numpy']}; one thread each"
    )


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    names = [row.partition(":")[2].strip() for row in text.splitlines() if row.startswith("model name")]
    return names[0] if names else platform.machine()
