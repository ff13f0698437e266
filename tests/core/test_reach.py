"""To what length a network holds: beside networks whose errors add up as is known, and plain loops."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqsum.cli import main
from seqsum.query.answering import Answerer
from seqsum.query.questions.reach import CROSSING, LEVEL, spread_over_distance
from seqsum.runs import Run
from support.by_hand import ANY_ONE, PARITY, drifting, run_of, with_weights
from support.engine import small


def reach(run: Run, **fields: Any) -> dict[str, Any]:
    return Answerer(run).ask("reach", **fields)[1]["answer"]


def test_a_network_without_errors_holds_for_ever(tmp_path: Path) -> None:
    found = reach(with_weights(tmp_path, PARITY))
    assert found["foretold"] is None and found["measured"] is None
    assert max(found["ratio"]) < 1e-6 and set(found["accuracy"]) == {1.0}


@pytest.mark.parametrize("share", [0.01, 0.02])
def test_errors_that_add_up_at_random_are_foretold(share: float, tmp_path: Path) -> None:
    found = reach(with_weights(tmp_path, drifting(share)), count=2000)
    # After n free steps the walk has a variance of n, and the classes lie 1 apart; of few steps a class knows too much.
    for length, ratio in zip(found["lengths"], found["ratio"], strict=True):
        if length > 8:
            assert ratio == pytest.approx(share * math.sqrt(length - 1), rel=0.1)
    assert found["foretold"] == pytest.approx((CROSSING / share) ** 2, rel=0.15)
    # Half the way is crossed by 1 of 100 at 2.33 standard deviations, on one side only.
    right = [0.5 * (1 + math.erf(0.5 / share / math.sqrt(2 * length))) for length in found["lengths"]]
    assert np.allclose(found["accuracy"], right, atol=0.02)
    below = [length for length, share in zip(found["lengths"], found["accuracy"], strict=True) if share < LEVEL]
    assert found["measured"] == min(below, default=None)


def test_nothing_is_foretold_of_a_network_that_has_not_learned(tmp_path: Path) -> None:
    found = reach(with_weights(tmp_path, drifting(0.4)), count=2000)
    # The lengths of its training: errors of 0.4 of the way, each step anew, are right in fewer than 99 of 100 there.
    right = 0.5 * (1 + math.erf(0.5 / 0.4 / math.sqrt(2 * found["measured"])))
    assert right < LEVEL
    assert not found["learned"] and found["foretold"] is None


def test_accuracy_is_that_of_random_inputs_by_plain_reading(tmp_path: Path) -> None:
    """Of one that tells whether any 1 came, asked for the parity: right after an odd number of them, or none."""
    found = reach(with_weights(tmp_path, ANY_ONE), count=2000)
    for length, share in zip(found["lengths"], found["accuracy"], strict=True):
        assert share == pytest.approx(0.5 + 0.5**length, abs=0.05)


def test_the_border_is_where_a_normal_distribution_leaves_one_in_a_hundred() -> None:
    assert 0.5 * math.erfc(0.5 / CROSSING / math.sqrt(2)) == pytest.approx(1 - LEVEL, rel=0.01)


def test_spread_over_distance_by_loops() -> None:
    draw = np.random.default_rng(3)
    points, classes = draw.normal(size=(60, 3)), draw.integers(4, size=60)
    means = {one: points[classes == one].mean(axis=0) for one in range(4)}
    ratios = []
    for one, mean in means.items():
        own = [sum((a - b) ** 2 for a, b in zip(point, mean, strict=True)) for point in points[classes == one]]
        nearest = min(math.dist(mean, other) for name, other in means.items() if name != one)
        ratios.append(math.sqrt(sum(own) / len(own)) / nearest)
    assert spread_over_distance(points, classes) == pytest.approx(sum(ratios) / 4)
    assert math.isnan(spread_over_distance(points, np.zeros(60, dtype=np.int64)))


def test_the_command_line_says_how_far(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = with_weights(tmp_path, drifting(0.05))
    assert main(["evaluate", run.id, "--reach", "--lengths", "2-4", "--workspace", str(run.folder.parent)]) == 0
    said = capsys.readouterr().out
    steps = re.search(
        r"^reach \(99.00% right\): will hold to about (\d+) steps of random inputs, told from", said, flags=re.M
    )
    assert steps and int(steps[1]) == pytest.approx((CROSSING / 0.05) ** 2, rel=0.2)


def test_a_task_that_does_not_say_how_long_its_inputs_are_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = small().changed({"task.name": "dates", "model.name": "encoder_decoder", "train.steps": 1}, "test")
    run = run_of(tmp_path, config)
    assert main(["evaluate", run.id, "--reach", "--workspace", str(run.folder.parent)]) == 2
    assert "reach:" in capsys.readouterr().err


def test_long_lengths_are_written_as_numbers_are_and_stand_below_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = with_weights(tmp_path, drifting(0.05))
    assert main(["evaluate", run.id, "--lengths", "9998-10000", "--workspace", str(run.folder.parent)]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  length ")]
    assert [line.split()[1] for line in rows] == ["9,998", "9,999", "10,000"]
    assert len({line.index("%") for line in rows}) == 1
