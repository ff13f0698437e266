"""The console loads nothing that takes seconds to load, directly or through the engine's rooms."""

import json
import subprocess
import sys

HEAVY = ("torch", "numba", "swanlab", "tyro")
ALL = """
import importlib, json, pkgutil, sys
import seqsum_tui
for found in pkgutil.walk_packages(seqsum_tui.__path__, "seqsum_tui."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
import seqsum_tui.__main__
import seqsum.control.commands, seqsum.launch, seqsum.presets.library
print(json.dumps(sorted(sys.modules)))
"""
FIRST = """
import json, sys
import seqsum_tui.__main__, seqsum_tui.command_line, seqsum_tui.app
print(json.dumps(sorted(sys.modules)))
"""


def modules(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_no_module_of_the_console_loads_anything_heavy():
    loaded = modules(ALL)
    assert "seqsum_tui.live.screen" in loaded and "seqsum_tui.charts.chart" in loaded
    assert not loaded.intersection(HEAVY)


def test_the_first_paint_does_without_numpy_and_pydantic():
    assert not modules(FIRST).intersection((*HEAVY, "numpy", "pydantic"))
