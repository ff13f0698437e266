"""The bench runs from end to end, on a few steps, and its reports say what was measured."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.accuracy import accuracy_report
from bench.cases import config_of, flops_per_step
from bench.entrants import ENTRANTS
from bench.measure import ROOT, Job, MeasurementFailed, measure
from bench.peak import best_product
from bench.speed import speed_report
from seqsum.models.base import make_model
from seqsum.registry import make_task


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.bench", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_speed_measures_every_entrant(tmp_path: Path) -> None:
    file = tmp_path / "speed.json"
    done = bench("speed", "--presets", "baseline,lstm_64", "--rounds", "1", "--steps", "5", "--json", str(file))
    assert done.returncode == 0, done.stderr
    result = json.loads(file.read_text())["speed"]
    (peaks,) = result["peaks"]
    # A product is arithmetic, too: nothing is faster than that alone, but for a clock that changed in between.
    assert 1e9 < best_product(peaks) < 1.5 * peaks["limit"]["flops"]
    assert 0.4 < peaks["limit"]["units"] < 5 and 2e8 < peaks["limit"]["hertz"] < 1e10
    found = result["steps_per_second"]["baseline"]
    present = [name for name, entrant in ENTRANTS.items() if not entrant.missing]
    assert list(found) == present
    for parts in found.values():
        assert all(len(values) == 1 and values[0] > 0 for values in parts.values())
    for entrant in (ENTRANTS[name] for name in present):
        assert len(re.findall(rf"^  baseline +{entrant.title} ", done.stdout, re.MULTILINE)) == 2
        assert len(re.findall(rf"^  lstm_64 +{entrant.title} ", done.stdout, re.MULTILINE)) == 1


def test_profile_tells_what_each_part_takes(tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    done = bench("profile", "--presets", "baseline", "--rounds", "3", "--steps", "3000", "--json", str(file))
    assert done.returncode == 0, done.stderr
    rounds = json.loads(file.read_text())["profile"]["seconds"]["baseline"]
    beside = ("bare", "beside", "loop", "evaluating", "writing checkpoints", "writing points")
    assert all(seconds > 0 for part in beside for seconds in rounds[part])
    parts = [values for part, values in rounds.items() if part not in beside]
    assert [sum(one) for one in zip(*parts, strict=True)] == pytest.approx(rounds["loop"])
    shares = [updates / loop for updates, loop in zip(rounds["updates"], rounds["loop"], strict=True)]
    # Of one round another process may have taken most of the clock.
    assert 0.2 < max(shares) < 1
    assert re.search(r"^  updates +\d+\.\d\d \(\d+\.\d%\)$", done.stdout, re.MULTILINE)


def test_operations_are_those_that_pytorch_counts() -> None:
    """Of a step without padding, forward and backward, by PyTorch's own counter."""
    config = config_of("lstm_64").changed({"model.num_layers": 2, "train.batch_size": 8}, "test")
    task = make_task(config.task)
    # Its cells one by one: the counter does not see into PyTorch's own LSTM.
    model = make_model(task, config.changed({"model.form": "cells"}, "test").model, 0)
    batch = task.batches(0, 0, 1, 8)
    tokens, lengths, targets = (torch.from_numpy(part[0]) for part in (batch.inputs, batch.lengths, batch.targets))
    with FlopCounterMode(display=False) as counter:
        torch.nn.functional.cross_entropy(model(tokens, lengths), targets).backward()  # type: ignore[no-untyped-call]
    # PyTorch makes no gradient for the state before the first step: 1 product in 3 of one step's in 40 is missing.
    assert counter.get_total_flops() == pytest.approx(flops_per_step(config), rel=0.02)


def test_accuracy_judges_both_on_the_whole_input_space(tmp_path: Path) -> None:
    file = tmp_path / "accuracy.json"
    done = bench("accuracy", "--seeds", "4", "--steps", "30", "--json", str(file))
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text())["accuracy"]
    assert (found["seeds"], found["steps"], found["sequences"], found["exhaustive"]) == ([4], 30, 111_100, True)
    assert list(found["runs"]) == ["tutorial", "ours"]
    assert "on all 111,100 sequences" in done.stdout


def test_a_wrong_name_is_one_sentence() -> None:
    done = bench("speed", "--presets", "basline", "--steps", "30", "--rounds", "1")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "baseline" in done.stderr


def test_a_failed_measurement_is_named() -> None:
    with pytest.raises(MeasurementFailed, match=r"ours on baseline: .*warmth"):
        measure(Job("warmth", "ours", "baseline", steps=30))


def test_ratios_are_taken_within_a_round() -> None:
    def speeds(*values: float) -> dict[str, list[float]]:
        return {"whole": list(values), "bare": [10 * value for value in values]}

    found = {"baseline": {"tutorial": speeds(100, 200, 400), "ours": speeds(300, 400, 1600)}}
    text = speed_report({"rounds": 3, "clock": "wall", "steps_per_second": found})
    rows = [line.split() for line in text.splitlines() if "seqsum, fused" in line and "baseline" in line]
    # Ratios 3, 2 and 4; the ratio of medians would be 2.
    assert rows[0][-4:] == ["400", "300–1,600", "3.00", "2.00–4.00"]
    assert rows[1][-4:] == ["4,000", "3,000–16,000", "3.00", "2.00–4.00"]


def test_accuracy_report_tells_alike_from_different() -> None:
    def result(shift: float) -> dict[str, Any]:
        theirs = [0.5 + 0.01 * place for place in range(8)]
        sets = {"tutorial": theirs, "ours": [value + shift for value in reversed(theirs)]}
        runs = {name: [{"accuracy": value} for value in values] for name, values in sets.items()}
        return {
            "preset": "baseline",
            "steps": 20_000,
            "seeds": list(range(8)),
            "sequences": 111_100,
            "exhaustive": True,
            "runs": runs,
        }

    alike, different = accuracy_report(result(0.001)), accuracy_report(result(0.3))
    assert "no sign" in alike
    assert "no sign" not in different
    assert "U = 64 of 64" in different
    assert "+30.00 points" in different
