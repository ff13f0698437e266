"""`python -m tests.campaign [PART …]`: faults in great number, and what came of them."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from campaign import faults
from campaign.report import Count, NothingCalled

PARTS = {"kills": 4, "errors": 3, "power": 20, "fuzz": 40, "folders": 12, "walks": 40, "soak": 0}
"""Each part, and how many trials of a kind the short form makes; of the soak it is seconds, and 0 leaves it out."""
FULL = {"kills": 0, "errors": 400, "power": 1000, "fuzz": 2000, "folders": 1000, "walks": 100_000, "soak": 3600}
"""The same, in full; 0: every call that changes a file, before it, amid it and after it."""

NAMED = ("kills", "errors")
"""The parts whose trials are of kinds with names, one or some of which can be tried alone."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (all)")
    parser.add_argument("--seed", type=int, default=1, help="what is drawn follows from it (%(default)s)")
    parser.add_argument("--full", action="store_true", help="all of it: hours; else a short form, of minutes")
    parser.add_argument("--most", type=int, metavar="N", help="trials of a kind, in place of the form's own number")
    parser.add_argument("--only", default="", metavar="TEXT", help="of kills and errors, those whose name has it")
    options = parser.parse_args()
    if strange := set(options.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(strange))}; there are {', '.join(PARTS)}")
    if options.only and not (options.parts and set(options.parts) <= set(NAMED)):
        parser.error(f"--only is for {' and '.join(NAMED)}: name one or both")
    if why := faults.missing():
        print(f"campaign: {why}", file=sys.stderr)
        return 2
    if not faults.is_preloaded():
        return faults.run_preloaded(sys.argv[1:])
    # What else trains on the machine has no say in it.
    os.environ.setdefault("SEQSUM_QUEUE_DIR", "off")
    os.environ.setdefault("SEQSUM_STANDBY", "off")
    passed = True
    numbers = FULL if options.full else PARTS
    print(f"seed {options.seed}; places for a fault, faults made, trials that went well", flush=True)
    try:
        for name in options.parts or [name for name in PARTS if numbers[name] or options.full]:
            most = numbers[name] if options.most is None else options.most
            for count, seconds in _counts(name, options.seed, most, options.only):
                passed &= count.passed
                _tell(count, seconds)
    except NothingCalled as error:
        parser.error(str(error))
    return 0 if passed else 1


def _tell(count: Count, seconds: float) -> None:
    name, places, met, well = count.row()
    said = "" if count.passed else "FAILED"
    print(f"{name:<56} {places:>6} {met:>7} {well:>16} {seconds:8.1f} s {said}".rstrip(), flush=True)
    for failure in count.failures[:20]:
        print(f"    {failure.by}: {failure.what}", flush=True)


def _counts(part: str, seed: int, most: int, only: str) -> Iterator[tuple[Count, float]]:
    run = importlib.import_module(f"campaign.{part}").run
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        for count in run(Path(folder), seed, most, only) if part in NAMED else run(Path(folder), seed, most):
            yield count, time.perf_counter() - began
            began = time.perf_counter()


if __name__ == "__main__":
    sys.exit(main())
