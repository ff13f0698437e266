"""The tables of docs/results.md: trains presets with `seqsum train` and prints one Markdown row each.

python -m tests.results --presets baseline,sota_warmup --seeds 0-2 --file results.jsonl

Every run's last line is kept in the file; what stands there already is not trained again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from seqsum.presets import preset_names

from .support.arguments import file_to_write, from_to, some_of

PUBLISHED = {
    "baseline": "75%, one run",
    "large_batch": "below baseline",
    "large_batch_lr5e-3": "91%, one run",
    "deeper_rnn": "97–99%, one run",
    "sota": "1 of 3 runs converged",
    "sota_warmup": "100%, 3 of 3 runs",
    "next_number_feed_forward": "55%",
    "next_number_rnn": "78%",
    "counting_rnn": "100%, loss 0.12",
    "memorise_noise": "loss 0.0228 at step 10",
    "even_pairs_rnn": "100",
    "even_pairs_lstm": "100",
    "modular_arithmetic_rnn": "100",
    "modular_arithmetic_lstm": "100",
    "parity_check_rnn": "100",
    "parity_check_lstm": "100",
    "cycle_navigation_rnn": "100",
    "cycle_navigation_lstm": "100",
    "reverse_string_rnn": "62.0",
    "reverse_string_lstm": "60.9",
    "duplicate_string_rnn": "50.3",
    "duplicate_string_lstm": "57.6",
    "odds_first_rnn": "51.0",
    "odds_first_lstm": "55.6",
    "stack_manipulation_rnn": "56.0",
    "stack_manipulation_lstm": "59.1",
}
SHOWN = (
    "accuracy",
    "edit_distance",
    "mae",
    "mae_same_as_last",
    "horizon_mae",
    "bits_per_character",
    "unigram_bits_per_character",
)


def train(preset: str, seed: int, steps: int | None) -> dict[str, Any]:
    """Train one run in a workspace of its own and return the last line of `seqsum train --json`."""
    flags = [f"--train.seed={seed}"]
    if steps is not None:
        flags += [f"--train.steps={steps}", f"--train.evaluate_every={steps}"]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "seqsum.cli", "train", preset, *flags, "--json", "--workspace", folder]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    last = json.loads(lines[-1])
    return {"preset": preset, "seed": seed, "asked_steps": steps, **last}


def row(preset: str, runs: list[dict[str, Any]]) -> str:
    """Return one Markdown row: published, ours (every seed in order of size), steps, seconds."""
    cells = []
    for name in ("loss", *SHOWN):
        values = sorted(run["metrics"][name] for run in runs if name in run["metrics"])
        if not values or (name == "loss" and preset != "memorise_noise" and not preset.startswith("counting")):
            continue
        shown = [f"{100 * value:.1f}%" if name == "accuracy" else f"{value:.3g}" for value in values]
        label = "" if name == "accuracy" else f"{name} "
        cells.append(label + ", ".join(shown))
    seconds = statistics.median(run["train_seconds"] for run in runs)
    published = PUBLISHED.get(preset, "–")
    return f"| `{preset}` | {published} | {'; '.join(cells)} | {runs[0]['step']:,} | {seconds:.0f} s |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presets", type=some_of(preset_names()), default=",".join(preset_names()))
    parser.add_argument("--seeds", type=from_to, default="0", help="one seed, or a range like 0-2")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--file", type=file_to_write, required=True)
    options = parser.parse_args()
    kept = [json.loads(line) for line in options.file.read_text().splitlines()] if options.file.exists() else []
    print("| preset | published | ours | steps | train time |\n|---|---|---|---|---|")
    for preset in options.presets:
        runs = []
        for seed in options.seeds:
            known = [
                run for run in kept if (run["preset"], run["seed"], run["asked_steps"]) == (preset, seed, options.steps)
            ]
            if not known:
                known = [train(preset, seed, options.steps)]
                with options.file.open("a") as file:
                    file.write(json.dumps(known[0]) + "\n")
            runs += known
        print(row(preset, runs), flush=True)


if __name__ == "__main__":
    main()
