"""The tables of document 1 in docs/results.md: its presets with many seeds each, their spread, and unseen lengths.

python -m tests.spread --seeds 32 --workspace FOLDER [--backend torch] [--presets A,B] [--lengths 5,100]
    [--counterexamples]

Trains with `seqsum replicate`, so that an interrupted call goes on where it was; what was asked about lengths is kept
in the folder, too. Where the folder has the same preset with another backend too, the two sets are compared.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from seqsum.presets import preset_names
from seqsum.query.answering import Answerer
from seqsum.runs import Run, Workspace

from .bench.ranks import mann_whitney
from .results import PUBLISHED
from .support.arguments import lengths, range_of_seeds, some_of

PRESETS = (
    "adds",
    "adds_any_length",
    "baseline",
    "large_batch",
    "large_batch_lr5e-3",
    "deeper_rnn",
    "sota",
    "sota_warmup",
)
BACKENDS = ("auto", "torch", "fused")
LENGTHS = (5, 10, 100, 1_000, 10_000)
DIGITS = 4_000_000
"""Of a length are asked so many digits' worth of random inputs, at most 1,000, so 400 of 10,000 digits.

With all of 1,000 right, the share is above 99.6% (95% interval); with all of 400, above 99.0%.
"""
GOOD = 0.999
HEADING = "| preset | published | lowest | quartile | median | quartile | highest | converged | at step | train time |"


def replicate(preset: str, seeds: str, workspace: Path, backend: str) -> dict[str, Any]:
    """Train a preset with all seeds; return the last line of `seqsum replicate --json`."""
    command = [sys.executable, "-m", "seqsum.cli", "replicate", preset, "--seeds", seeds, "--json"]
    command += [f"--train.backend={backend}", "--group", f"{preset}-{backend}"]
    done = subprocess.run(
        [*command, "--workspace", str(workspace)], stdout=subprocess.PIPE, text=True, check=False
    ).stdout.splitlines()
    last: dict[str, Any] = json.loads(done[-1])
    return last


def row(preset: str, outcome: dict[str, Any], seconds: float) -> str:
    """Return one line: the distribution of the accuracy, every length counted alike."""
    low, median, high = outcome["quartiles"]
    # A seed without a value ranks as worst.
    lowest = outcome["values"][0] if outcome["with_value"] == outcome["runs"] else None
    values = [lowest, low, median, high, outcome["values"][-1]]
    arrival = f"{outcome['steps_to_converge'][1]:,.0f}" if outcome["steps_to_converge"] else "–"
    shown = " | ".join("NaN" if value is None else f"{100 * value:.1f}%" for value in values)
    share = f"{outcome['converged']} of {outcome['runs']}"
    return f"| `{preset}` | {PUBLISHED.get(preset, '–')} | {shown} | {share} | {arrival} | {seconds:.1f} s |"


def median_seconds(workspace: Path, group: str) -> float:
    """Return the middle training time of a group's runs."""
    times = sorted(s.train_seconds for s in Workspace(workspace).summaries() if s.group == group)
    return times[len(times) // 2]


def accuracies(workspace: Path, group: str) -> list[float]:
    """Return the accuracy of every finished run of a group."""
    found = Workspace(workspace).summaries()
    return [s.metrics["accuracy"] for s in found if s.group == group and s.status == "finished"]


def by_length(workspace: Path, id: str, length: int) -> float:
    """Return a run's accuracy on random inputs of a length, by the question of the console's page 3."""
    kept = workspace / "lengths.jsonl"
    lines = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    known = {(line["run"], line["length"]): float(line["accuracy"]) for line in lines}
    if (id, length) not in known:
        rows = min(1_000, DIGITS // length)
        question = Answerer(Run(workspace / id), seconds=None)
        answer = question.ask("accuracy_by_length", low=length, high=length, rows=rows)[1]["answer"]
        known[id, length] = answer["accuracy"][0]
        with kept.open("a") as file:
            file.write(json.dumps({"run": id, "length": length, "accuracy": known[id, length]}) + "\n")
    return known[id, length]


def length_row(preset: str, workspace: Path, group: str, lengths: list[int]) -> str:
    """Return one line: how many seeds are right on every input of the training's lengths, and of each length the
    median, the lowest, and how many seeds have 99.9%."""
    runs = [one for one in Workspace(workspace).summaries() if one.group == group]
    exact = sum(one.metrics.get("accuracy_all_inputs") == 1 for one in runs)
    cells = [f"{exact} of {len(runs)}"]
    for length in lengths:
        found = sorted(by_length(workspace, one.id, length) for one in runs)
        good = sum(share >= GOOD for share in found)
        cells.append(f"{100 * statistics.median(found):.1f}%, {100 * found[0]:.1f}% ({good})")
    return f"| `{preset}` | {' | '.join(cells)} |"


def counterexample_row(preset: str, workspace: Path, group: str) -> str:
    """Return one line: with how many seeds no input was found that is wrong, and how long those found are."""
    kept = workspace / "counterexamples.jsonl"
    lines = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    known = {line["run"]: line for line in lines}
    runs = [one.id for one in Workspace(workspace).summaries() if one.group == group]
    for id in runs:
        if id not in known:
            answer = Answerer(Run(workspace / id), seconds=None).ask("counterexample")[1]["answer"]
            searched = [one["length"] for one in answer["found"] if one["by"] == "searching"]
            known[id] = {"run": id, "searched": searched, "wrong": sum(answer["wrong"]), "of": sum(answer["patterns"])}
            with kept.open("a") as file:
                file.write(json.dumps(known[id]) + "\n")
    found = [known[id] for id in runs]
    none = sum(not one["searched"] and not one["wrong"] for one in found)
    lengths = [one["searched"][0] for one in found if one["searched"]]
    wrong = sorted(one["wrong"] for one in found)
    return (
        f"| `{preset}` | {none} of {len(runs)} | {len(lengths)}: {min(lengths)}, {statistics.median(lengths):g}, "
        f"{max(lengths)} | {statistics.median(wrong):g}, {wrong[-1]} of {found[0]['of']:,} |"
    )


def comparisons(preset: str, workspace: Path) -> list[str]:
    """Return a line for each pair of backends that trained a preset with equally many seeds."""
    sets = {backend: accuracies(workspace, f"{preset}-{backend}") for backend in BACKENDS}
    known = [backend for backend in BACKENDS if sets[backend]]
    return [
        f"`{preset}`: {one} against {other}, {len(sets[one])} seeds each: Mann–Whitney p = "
        f"{mann_whitney(sets[one], sets[other]).p:.2f}"
        for place, one in enumerate(known)
        for other in known[place + 1 :]
        if len(sets[one]) == len(sets[other])
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=range_of_seeds, default="32")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--backend", choices=BACKENDS, default="auto")
    parser.add_argument("--presets", type=some_of(preset_names()), default=",".join(PRESETS))
    parser.add_argument("--lengths", type=lengths, default=",".join(map(str, LENGTHS)))
    parser.add_argument("--counterexamples", action="store_true", help="also look for inputs that are wrong")
    options = parser.parse_args()
    print(f"{HEADING}\n|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for preset in options.presets:
        outcome = replicate(preset, options.seeds, options.workspace, options.backend)
        seconds = median_seconds(options.workspace, f"{preset}-{options.backend}")
        print(row(preset, outcome, seconds), flush=True)
    for preset in options.presets:
        for line in comparisons(preset, options.workspace):
            print(f"\n{line}")
    print(f"\n| preset | all inputs right | {' | '.join(f'{length:,}' for length in options.lengths)} |")
    print(f"|{'---|' * (len(options.lengths) + 2)}", flush=True)
    for preset in options.presets:
        print(length_row(preset, options.workspace, f"{preset}-{options.backend}", options.lengths), flush=True)
    if not options.counterexamples:
        return
    print(
        "\n| preset | none found | by searching: seeds; shortest, median, longest "
        "| repeated patterns wrong: median, most |"
    )
    print("|---|---|---|---|", flush=True)
    for preset in options.presets:
        print(counterexample_row(preset, options.workspace, f"{preset}-{options.backend}"), flush=True)


if __name__ == "__main__":
    main()
