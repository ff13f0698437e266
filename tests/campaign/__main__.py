"""`python -m tests.campaign [PART …]`: faults in great number, and what came of them."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from campaign import faults
from campaign.report import Count

PARTS = {"kills": 40, "errors": 40}
"""Each part, and how many trials of a kind the short form makes."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"of {', '.join(PARTS)} (all)")
    parser.add_argument("--seed", type=int, default=1, help="what is drawn follows from it (%(default)s)")
    parser.add_argument("--most", type=int, metavar="N", help="trials of a kind; 0: all there are (a short form)")
    options = parser.parse_args()
    if why := faults.missing():
        print(f"campaign: {why}", file=sys.stderr)
        return 2
    if not faults.is_preloaded():
        return faults.run_preloaded(sys.argv[1:])
    passed = True
    for name in options.parts or PARTS:
        most = PARTS[name] if options.most is None else options.most
        for count, seconds in _counts(name, options.seed, most):
            passed &= count.passed
            print("  ".join([*count.row(), f"{seconds:.1f} s", "" if count.passed else "FAILED"]), flush=True)
            for failure in count.failures[:20]:
                print(f"    {failure.by}: {failure.what}", flush=True)
    return 0 if passed else 1


def _counts(part: str, seed: int, most: int) -> list[tuple[Count, float]]:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        for count in importlib.import_module(f"campaign.{part}").run(Path(folder), seed, most):
            yield count, time.perf_counter() - began
            began = time.perf_counter()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main())
