"""Inputs that are answered wrongly: found in networks whose answers are known, and as plain loops find them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from seqsum.cli import main
from seqsum.query.answering import Answerer
from seqsum.query.questions.accuracy_by_length import spread_lengths
from seqsum.query.questions.counterexample import DENSE, SPARSE, patterns_of
from seqsum.runs import Run
from support.by_hand import ANY_ONE, PARITY, drifting, with_weights

SHARE = 0.045


def looked_for(run: Run, **fields: Any) -> dict[str, Any]:
    return Answerer(run).ask("counterexample", **fields)[1]["answer"]


def drifted(pattern: tuple[int, ...], longest: int) -> int | None:
    """The first length at which the drifting network is wrong: its answer is pushed by what came, ones up, zeros
    down."""
    for length in range(2, longest + 1):
        tokens = list(itertools.islice(itertools.cycle(pattern), length))
        ones = sum(tokens)
        if (ones % 2 + SHARE * (2 * ones - length) > 0.5) != ones % 2:
            return length
    return None


def primitive(size: int) -> list[tuple[int, ...]]:
    words = itertools.product((0, 1), repeat=size)
    return [word for word in words if not any(word == word[at:] + word[:at] for at in range(1, size))]


def test_in_a_right_network_none_is_found(tmp_path: Path) -> None:
    found = looked_for(with_weights(tmp_path, PARITY), searched=50)
    assert found["patterns"] == [len(primitive(size)) for size in range(1, 10)]
    assert set(found["wrong"]) == {0} and set(found["earliest"]) == {None} and found["found"] == []
    # Its state is 0 or 1, whatever came: logits of ±(1 − 0.5), so that one leads by 1 at every step.
    assert found["lead"] == pytest.approx([1.0] * (51 - found["shortest"]))


def test_what_a_drift_makes_wrong_is_found_at_the_length_where_it_does(tmp_path: Path) -> None:
    found = looked_for(with_weights(tmp_path, drifting(SHARE)), repeated=64)
    first = {word: drifted(word, 64) for size in range(1, 10) for word in primitive(size)}
    for size, (asked, wrong, earliest) in enumerate(
        zip(found["patterns"], found["wrong"], found["earliest"], strict=True), 1
    ):
        lengths = [length for word, length in first.items() if len(word) == size and length is not None]
        assert (asked, wrong, earliest) == (len(primitive(size)), len(lengths), min(lengths, default=None))
    assert 0 < sum(found["wrong"]) < sum(found["patterns"]), "else this shows little"
    repeating = [one for one in found["found"] if one["by"] == "repeating"]
    turned = set[tuple[int, ...]]()
    for one in repeating:
        pattern = tuple(map(int, one["pattern"]))
        assert one["length"] == first[pattern]
        assert one["input"].split() == list(map(str, itertools.islice(itertools.cycle(pattern), one["length"])))
        turned.add(min(pattern[at:] + pattern[:at] for at in range(len(pattern))))
    assert len(turned) == len(repeating) in (11, 12), "one may be what the search found, too"
    for one in found["found"]:
        tokens = list(map(int, one["input"].split()))
        assert len(tokens) == one["length"] and one["tokens"] == list(map(str, tokens))
        assert int(one["right"]) == sum(tokens) % 2 != int(one["said"])
    lengths = [one["length"] for one in found["found"]]
    assert lengths == sorted(lengths)


def test_the_search_finds_the_shortest_of_all(tmp_path: Path) -> None:
    """Beside brute force: every input of up to so many steps, with the walk that the network's drift is."""
    share = 0.06
    found = looked_for(with_weights(tmp_path, drifting(share)), repeated=10)
    (searched,) = [one for one in found["found"] if one["by"] == "searching"]
    shortest = next(
        length
        for length in range(2, 14)
        if any(
            (sum(word) % 2 + share * (2 * sum(word) - length) > 0.5) != sum(word) % 2
            for word in itertools.product((0, 1), repeat=length)
        )
    )
    assert searched["length"] == shortest == found["shortest"] + len(found["lead"]) - 1
    # Of a sum s and a drift d the logits are ±(s + d − 0.5): the right one leads by 1 − 2·|d| at the least.
    expected = [1 - 2 * share * length for length in range(2, shortest)]
    assert all(lead >= least - 1e-6 for lead, least in zip(found["lead"], expected, strict=False))


def test_patterns_of_ten_tokens_and_of_too_many() -> None:
    assert [sum(len(one) == size for one in patterns_of(10)) for size in (1, 2, 3, 4)] == [10, 90, 990, 0]
    assert [sum(len(one) == size for one in patterns_of(32)) for size in (1, 2, 3)] == [32, 992, 0]
    assert [one.tolist() for one in patterns_of(1)] == [[0]]


def test_short_lengths_are_all_looked_at_and_long_ones_ever_sparser() -> None:
    looked = spread_lengths(3, 500, DENSE, SPARSE)
    assert looked[:62] == list(range(3, 65)) and looked[-1] == 500
    gaps = [after - before for before, after in itertools.pairwise(looked[62:])]
    assert len(looked) == 102 and max(gaps) < 30 and gaps[0] < gaps[-2]
    assert spread_lengths(2, 10, DENSE, SPARSE) == list(range(2, 11))


def test_the_command_line_names_one_that_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = with_weights(tmp_path, ANY_ONE)
    flags = ["evaluate", run.id, "--counterexample", "--lengths", "2-4", "--workspace", str(run.folder.parent)]
    assert main(flags) == 0
    said = capsys.readouterr().out
    # It says whether any 1 came: after two of them that is wrong.
    assert "counterexample: not right for every input: one of 2 steps is answered 1 instead of 0; of 976 inputs" in said
    assert said.count("  1 1 (2 steps): 1 instead of 0") == 1, "found in both ways, it is told once"
    assert main([*flags, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counterexample"]["found"][0]["input"] == "1 1"
