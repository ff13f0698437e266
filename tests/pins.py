"""`make pins`: the files of hashes, made anew from pyproject.toml and constraints.txt by uv.

PyTorch and what it brings for graphics cards are left out: which of its builds is taken, small or with CUDA, is up to
whoever installs it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = {
    "requirements.txt": ("sweep",),
    "requirements-test.txt": ("sweep", "slurm", "ray", "postgres", "parquet", "onnx", "test", "docs"),
}
"""Each file, and the extras that it is for; what stands in one is not said again in the next."""
OLDEST = {"requirements.txt": "3.11", "requirements-test.txt": "3.11.5"}
BUILD = "hatchling\neditables\n"
"""What the project itself is built with."""
LEFT_OUT = re.compile(r"torch|triton|cuda-.*|nvidia-(?!ml-py).*")
BEGIN = "# Made by `make pins`: each file that pip may take, by its hash.\n"


def pins(text: str) -> dict[str, str]:
    """Return each requirement of a file of hashes, by its first line: name, version and the mark where it holds."""
    blocks = re.split(r"\n(?=\S)", text.strip())
    return {block.partition(" \\")[0]: block for block in blocks if not block.startswith("#")}


def name_of(pin: str) -> str:
    """Return the package's name, as pip compares names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[=; \[]", pin)[0]).lower()


def made(name: str) -> dict[str, str]:
    extras = [word for extra in FILES[name] for word in ("--extra", extra)]
    options = ["--universal", "--python-version", OLDEST[name], "--generate-hashes", "--no-header", "--no-annotate"]
    command = ["uv", "pip", "compile", *options, "--constraints", "constraints.txt", *extras, "pyproject.toml", "-"]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, input=BUILD, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    return {pin: block for pin, block in pins(done.stdout).items() if not LEFT_OUT.fullmatch(name_of(pin))}


if __name__ == "__main__":
    written = dict[str, str]()
    for name in FILES:
        more = {pin: block for pin, block in made(name).items() if pin not in written}
        (ROOT / name).write_text(BEGIN + "".join(f"{block}\n" for block in more.values()), encoding="utf-8")
        written |= more
