"""Do a sum-modulo network's states fall onto points? How far they lie from the mean of their group.

python -m tests.points --workspace FOLDER --groups adds-auto,adds_any_length-auto [--lengths 3,10,100] [--sums 2000]

For networks of one RNN layer. States after the last of so many random digits are grouped by that digit and the sum
(100 groups of a modulus of 10), and what the layer passes on to the next step, W h, by the sum alone (10). A number is
the mean distance of a group's members from its mean, as a share of the distance to the nearest other mean, averaged
over groups; the median over a group's runs is printed.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqsum.query.loading import load
from seqsum.runs import Run, Workspace

from .support.arguments import lengths


def scatter(points: Tensor, labels: NDArray[Any]) -> float:
    """Return mean distance from the own group's mean / distance to the nearest other mean. points: [rows, units]"""
    groups = [points[torch.from_numpy(labels == label)] for label in np.unique(labels)]
    means = torch.stack([group.mean(dim=0) for group in groups])
    own = torch.stack([(group - mean).norm(dim=1).mean() for group, mean in zip(groups, means, strict=True)])
    apart = torch.cdist(means, means)
    apart.fill_diagonal_(torch.inf)
    return float((own / apart.min(dim=1).values).mean())


def scatters(run: Run, lengths: list[int], sums: int) -> Iterator[tuple[float, float]]:
    """Yield for each length how scattered the states are, and what is passed on."""
    loaded = load(run)
    modulus = loaded.task.vocabulary
    (recurrent,) = (one for name, one in loaded.model.state_dict().items() if name.endswith("weight_hh_l0"))
    digits = np.random.default_rng(5).integers(0, modulus, size=(max(lengths), sums))
    totals, state = np.zeros(sums, dtype=np.int64), None
    for place, read in enumerate(digits, 1):
        totals = (totals + read) % modulus
        _, state = loaded.model.step(torch.from_numpy(read), state)
        if place in lengths:
            assert isinstance(state, Tensor)
            hidden = state.reshape(sums, -1)
            yield scatter(hidden, totals * modulus + read), scatter(hidden @ recurrent.T, totals)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--groups", required=True)
    parser.add_argument("--lengths", type=lengths, default="3,10,100")
    parser.add_argument("--sums", type=int, default=2_000)
    options = parser.parse_args()
    asked, workspace = sorted(set(options.lengths)), Workspace(options.workspace)
    there = {one.group for one in workspace.summaries() if one.group is not None}
    for group in options.groups.split(","):
        if group not in there:
            parser.error(f'no group "{group}" in {options.workspace}; there are {", ".join(sorted(there)) or "none"}')
    print(f"| group | {' | '.join(f'{what}, {n:,}' for what in ('state', 'passed on') for n in asked)} |")
    print(f"|{'---|' * (1 + 2 * len(asked))}")
    for group in options.groups.split(","):
        with torch.inference_mode():
            found = [
                list(scatters(Run(workspace.folder / one.id), asked, options.sums))
                for one in workspace.summaries()
                if one.group == group
            ]
        medians = [
            statistics.median(run[place][kind] for run in found) for kind in (0, 1) for place in range(len(asked))
        ]
        print(f"| {group} | {' | '.join(f'{median:.2f}' for median in medians)} |", flush=True)


if __name__ == "__main__":
    main()
