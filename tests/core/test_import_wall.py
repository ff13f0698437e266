"""The rooms the console stands on load no torch, and the engine never loads a screen."""

import json
import os
import pkgutil
import subprocess
import sys

import seqsum

HEAVY = ("torch", "numba", "swanlab", "textual", "tokenizers", "huggingface_hub", "psycopg")
LIGHT_ROOMS = (
    "seqsum",
    "seqsum.errors",
    "seqsum.schema",
    "seqsum.config",
    "seqsum.presets.library",
    "seqsum.tasks",
    "seqsum.runs",
    "seqsum.runs.pushed",
    "seqsum.launch",
    "seqsum.control.commands",
    "seqsum.compare",
    "seqsum.compare.files",
)
LOADED = """
import importlib, json, sys
for room in sys.argv[1].split(","):
    importlib.import_module(room)
# Using them must not load it either.
if "seqsum.presets.library" in sys.modules:
    sys.modules["seqsum.presets.library"].all_presets()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded_by(rooms: tuple[str, ...]) -> set[str]:
    # Keras would look for TensorFlow.
    words, here = [sys.executable, "-c", LOADED, ",".join(rooms)], {**os.environ, "KERAS_BACKEND": "torch"}
    answer = subprocess.run(words, capture_output=True, text=True, check=True, env=here)
    return set(json.loads(answer.stdout))


def test_the_light_rooms_load_nothing_heavy() -> None:
    loaded = loaded_by(LIGHT_ROOMS)
    assert {"seqsum", "numpy", "pydantic"} <= loaded
    assert loaded.isdisjoint(HEAVY)


def test_no_room_of_the_engine_loads_a_screen() -> None:
    rooms = [found.name for found in pkgutil.walk_packages(seqsum.__path__, "seqsum.")]
    loaded = loaded_by(tuple(room for room in rooms if not room.endswith("__main__")))
    assert "torch" in loaded
    assert "textual" not in loaded
