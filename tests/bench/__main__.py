"""`python -m tests.bench [speed | accuracy | profile]`; without a word a quick look at all."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from seqsum.errors import UserError

from . import machine
from .accuracy import accuracy_report, run_accuracy
from .cases import CASES, config_of
from .entrants import ENTRANTS, REFERENCE
from .measure import CLOCKS, MeasurementFailed
from .profile import STEPS, profile_report, run_profile
from .speed import run_speed, speed_report

QUICK_SEEDS, QUICK_STEPS = range(4), 4000


def say(message: str) -> None:
    """Tell how far it is, away from the results."""
    print(message, file=sys.stderr, flush=True)


def seeds(text: str) -> list[int]:
    """Read `0-7` or `1,5,9`."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    if not found or len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"seeds must be like 0-7 or 1,5,9, each once, got {text}")
    return found


def names(text: str) -> list[str]:
    """Read names separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def entrant_names(text: str) -> list[str]:
    """Read names of entrants."""
    for name in names(text):
        if name not in ENTRANTS:
            raise argparse.ArgumentTypeError(f'no entrant "{name}"; there are {", ".join(ENTRANTS)}')
    return names(text)


def positive(text: str) -> int:
    """Read a whole number, at least 1."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """Return the reader of the command line."""
    top = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    top.set_defaults(what="all")
    top.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE, too")
    words = top.add_subparsers(title="what to measure")
    shared = argparse.ArgumentParser(add_help=False)
    # Without SUPPRESS the sub-command's default would hide a --json given before it.
    shared.add_argument(
        "--json", type=Path, metavar="FILE", default=argparse.SUPPRESS, help="write every figure to FILE, too"
    )
    speed = words.add_parser("speed", parents=[shared], help="steps per second")
    speed.set_defaults(what="speed")
    speed.add_argument("--presets", type=names, default=list(CASES), metavar="A,B", help="default: %(default)s")
    speed.add_argument(
        "--entrants", type=entrant_names, default=list(ENTRANTS), metavar="A,B", help="default: %(default)s"
    )
    speed.add_argument("--rounds", type=positive, default=5, help="default: %(default)s")
    speed.add_argument("--seconds", type=float, default=3.0, help="about how long each timing lasts (%(default)s)")
    speed.add_argument("--steps", type=positive, help="steps of each timing, in place of --seconds")
    speed.add_argument(
        "--clock", choices=list(CLOCKS), default="wall", help="cpu: processor time, for a busy machine (%(default)s)"
    )
    accuracy = words.add_parser("accuracy", parents=[shared], help="accuracy over seeds, ours and the tutorial's")
    accuracy.set_defaults(what="accuracy")
    accuracy.add_argument("--preset", default="baseline", help="default: %(default)s")
    accuracy.add_argument("--seeds", type=seeds, default=list(range(8)), metavar="0-7", help="default: 0-7")
    accuracy.add_argument("--steps", type=positive, help="steps of each run (default: the preset's)")
    accuracy.add_argument(
        "--entrant", choices=[name for name in ENTRANTS if name != REFERENCE], default="ours",
        help="who is compared with the tutorial's loop (%(default)s)",
    )  # fmt: skip
    accuracy.add_argument("--processes", type=positive, default=2, help="runs at once (%(default)s)")
    profile = words.add_parser("profile", parents=[shared], help="where a whole fused run's time goes")
    profile.set_defaults(what="profile")
    profile.add_argument("--presets", type=names, default=list(STEPS), metavar="A,B", help="default: %(default)s")
    profile.add_argument("--rounds", type=positive, default=3, help="default: %(default)s")
    profile.add_argument("--steps", type=positive, help="steps of each run (default: a second or so)")
    return top


def main(arguments: list[str]) -> int:
    """Measure, print, write; return the exit status."""
    asked = parser().parse_args(arguments)
    results: dict[str, Any] = {"machine": machine.facts()}
    try:
        for preset in getattr(asked, "presets", [getattr(asked, "preset", "baseline")]):
            config_of(preset)  # a wrong name is found before any work
        print(machine.line(), flush=True)
        if asked.what == "speed":
            options = (asked.presets, asked.entrants, asked.rounds, asked.seconds, asked.steps, asked.clock)
            results["speed"] = run_speed(*options, say)
        elif asked.what == "accuracy":
            results["accuracy"] = run_accuracy(
                asked.preset, asked.seeds, asked.steps, asked.entrant, asked.processes, say
            )
        elif asked.what == "profile":
            results["profile"] = run_profile(asked.presets, asked.rounds, asked.steps, say)
        else:
            results["speed"] = run_speed(CASES, list(ENTRANTS), 3, 2.0, None, "wall", say)
            results["profile"] = run_profile(list(STEPS), 3, None, say)
            results["accuracy"] = run_accuracy("baseline", QUICK_SEEDS, QUICK_STEPS, "ours", 2, say)
    except (MeasurementFailed, UserError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    for name, report in (("speed", speed_report), ("profile", profile_report), ("accuracy", accuracy_report)):
        if name in results:
            print(f"\n{report(results[name])}", flush=True)
    if asked.what == "all":
        print("\nA quick look; `python -m tests.bench accuracy` trains 8 seeds to the end (several minutes).")
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
