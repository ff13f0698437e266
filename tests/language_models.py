"""Characters, words or subwords? Networks of one size that read the same novel by each, beside n-grams.

python -m tests.language_models --file FILE [--seeds 3] [--epochs 6] [--families LSTM,GRU] [--tokens words]
    [--processes 2]

Jane Austen's Persuasion (tests/texts/persuasion.txt): its first 80% are read, so many times over, the next 10% choose
the checkpoint (and the order of the n-grams), and its last 10% are asked once. Each network is as wide as makes it
nearest to 200,000 weights. A line of FILE is one run of `seqsum train`; an interrupted call goes on where it was, and
prints the table of all that is in FILE at the end.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from seqsum.config import Config, resolved
from seqsum.models.size import model_size
from seqsum.presets import load_preset
from seqsum.runs import Workspace
from seqsum.tasks import AnyTask
from seqsum.tasks.character_lm import encoded
from seqsum.tasks.tokenizer import restored

from .ngram import WittenBell
from .support.arguments import file_to_write, seeds, some_of

TEXT = Path(__file__).parent / "texts" / "persuasion.txt"
TOKENS: dict[str, dict[str, Any]] = {
    "characters": {"task.tokenizer": "characters"},
    "words": {"task.tokenizer": "words", "task.vocabulary_size": 2_000},
    "subwords": {"task.tokenizer": "subwords", "task.vocabulary_size": 1_000},
}
FAMILIES: dict[str, dict[str, Any]] = {
    "GRU": {"model.name": "recurrent", "model.cell": "gru", "model.embedding_size": 32},
    "LSTM": {"model.name": "recurrent", "model.cell": "lstm", "model.embedding_size": 32},
    "minGRU": {"model.name": "minimal", "model.cell": "mingru"},
    "Transformer": {"model.name": "transformer", "model.num_heads": 2},
}
WEIGHTS = 200_000
BY = "bits_per_character"
ORDERS = range(1, 8)


def settings(tokens: str, family: str) -> dict[str, Any]:
    """Return what differs from the preset `character_lm`, but for the width."""
    return {
        **TOKENS[tokens], **FAMILIES[family],
        "task.corpus": str(TEXT), "task.held_out_share": 0.1, "task.test_share": 0.1,
        "optim.lr": 3e-3, "optim.clip_norm": 1.0, "schedule.min_lr": 1e-4,
        "train.batch_size": 16, "train.keep_best": True, "train.best_metric": BY,
    }  # fmt: skip


def configuration(tokens: str, family: str, **more: Any) -> tuple[Config, AnyTask]:
    """Return a run's configuration, its steps counted, and its task."""
    changes = {**settings(tokens, family), **more}
    return resolved(load_preset("character_lm").config.changed(changes, "language_models"), "language_models")


def width(tokens: str, family: str) -> tuple[int, int]:
    """Return the width at which a network's weights are nearest to WEIGHTS, in steps of four, and their number."""
    config, task = configuration(tokens, family)
    sizes = {}
    for units in range(16, 513, 4):
        size = model_size(task, config.changed({"model.hidden_size": units}, "language_models").model)
        assert size is not None
        sizes[units] = size.parameters
    best = min(sizes, key=lambda units: abs(sizes[units] - WEIGHTS))
    return best, sizes[best]


def train(wanted: tuple[str, str, int, int]) -> dict[str, Any]:
    """Train one network by `seqsum train`: tokens, family, seed, epochs; return what it told at its end."""
    tokens, family, seed, epochs = wanted
    units, weights = width(tokens, family)
    steps = configuration(tokens, family, **{"train.epochs": epochs})[0].train.steps
    changes = {
        **settings(tokens, family),
        "model.hidden_size": units, "train.seed": seed,
        "train.epochs": epochs, "train.evaluate_every": math.ceil(steps / epochs),
    }  # fmt: skip
    flags = [f"--{name}={json.dumps(value) if isinstance(value, bool) else value}" for name, value in changes.items()]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "seqsum.cli", "train", "character_lm", *flags, "--json", "--workspace", folder]
        lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        (run,) = Workspace(Path(folder)).runs()
        with run.store() as store:
            asked_at, bits = store.points(BY)
    best = int(asked_at[bits.argmin()])
    return {
        "tokens": tokens, "family": family, "seed": seed, "epochs": epochs, "width": units, "weights": weights,
        "steps": steps, "best_step": best, **json.loads(lines[-1]),
    }  # fmt: skip


def parts(text: str) -> tuple[str, str, str]:
    """Return what is read, what chooses, and what is asked."""
    tenth = round(0.1 * len(text))
    return text[: len(text) - 2 * tenth], text[len(text) - 2 * tenth : len(text) - tenth], text[len(text) - tenth :]


def ngrams(tokens: str) -> list[list[str]]:
    """Return the lines of unigrams, and of n-grams of the order that the validation part chooses."""
    _, task = configuration(tokens, "GRU")
    tokenizer = restored(task.data_facts())
    read, chooses, test = (encoded(part, tokenizer).tolist() for part in parts(TEXT.read_text(encoding="utf-8")))
    models = [WittenBell(read, order, task.classes) for order in ORDERS]
    best = min(models, key=lambda model: model.loss(chooses))
    lines = list[list[str]]()
    for model in (models[0], best):
        loss = model.loss(test)
        bits = task.of_test().loss_metrics(loss)[BY]
        name = "unigrams" if model.order == 1 else f"{model.order}-grams"
        lines.append([f"{bits:.2f}", f"{loss:.2f}", perplexity_of(loss), name])
    return lines


def perplexity_of(loss: float) -> str:
    """Return e^loss in three digits, or whole."""
    return f"{math.exp(loss):.3g}" if loss < math.log(999) else f"{math.exp(loss):,.0f}"


def table(rows: list[dict[str, Any]], kinds: list[str]) -> Iterator[str]:
    """Yield a line for each kind of token and network, the baselines first: of all seeds the middle, and of bits per
    character the lowest and the highest."""
    yield (
        "| a token is | network | width, weights | bits per character | loss per token | perplexity per token | "
        "best epoch | train time |"
    )
    yield "|---" * 8 + "|"
    for kind in kinds:
        mine = [row for row in rows if row["tokens"] == kind]
        for bits, loss, perplexity, name in ngrams(kind):
            yield f"| {kind} | {name} | – | {bits} | {loss} | {perplexity} | – | – |"
        for family in FAMILIES:
            found = [row for row in mine if row["family"] == family]
            if not found:
                continue
            several = sorted(row["metrics"][f"test_{BY}"] for row in found)
            loss = statistics.median(row["metrics"]["test_loss"] for row in found)
            epoch = statistics.median(row["best_step"] / row["steps"] * row["epochs"] for row in found)
            seconds = statistics.median(row["train_seconds"] for row in found)
            cells = [kind, family, f"{found[0]['width']}, {found[0]['weights']:,}"]
            cells += [f"**{statistics.median(several):.2f}** ({several[0]:.2f} to {several[-1]:.2f})", f"{loss:.2f}"]
            cells += [perplexity_of(loss), f"{epoch:.0f}"]
            yield f"| {' | '.join(cells)} | {seconds:.0f} s |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=file_to_write, required=True)
    parser.add_argument("--seeds", type=seeds, default="3")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--families", type=some_of(FAMILIES), default=",".join(FAMILIES), help=", ".join(FAMILIES))
    parser.add_argument("--tokens", type=some_of(TOKENS), default=",".join(TOKENS), help=", ".join(TOKENS))
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    families, kinds = options.families, options.tokens
    rows = [json.loads(line) for line in options.file.read_text().splitlines()] if options.file.exists() else []
    known = {(row["tokens"], row["family"], row["seed"], row["epochs"]) for row in rows}
    wanted = [
        (kind, family, seed, options.epochs)
        for seed, kind, family in itertools.product(options.seeds, kinds, families)
        if (kind, family, seed, options.epochs) not in known
    ]
    with ThreadPoolExecutor(options.processes) as pool:
        for done in as_completed([pool.submit(train, one) for one in wanted]):
            row = done.result()
            rows.append(row)
            with options.file.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
    for line in table([row for row in rows if row["epochs"] == options.epochs and row["seed"] in options.seeds], kinds):
        print(line)


if __name__ == "__main__":
    main()
