"""The sum-modulo task and the random stream under it, against arithmetic done by hand."""

import hashlib
import itertools
from collections import Counter

import numpy as np
import pytest

from seqsum.errors import UserError
from seqsum.presets import all_presets
from seqsum.registry import TASKS, make_task, task_type
from seqsum.tasks import InputSpace
from seqsum.tasks.base import EXHAUSTIVE_LIMIT, NOT_ASKED, SAMPLE_SIZE, all_sequences
from seqsum.tasks.running_sum import RunningSum, RunningSumConfig
from seqsum.tasks.stream import StepStream, below
from seqsum.tasks.sum_modulo import SumModulo, SumModuloConfig


def make(**settings: int) -> SumModulo:
    return SumModulo(SumModuloConfig(**settings))


def philox(counter: int, key: tuple[int, int]) -> list[int]:
    """Philox4x64-10 as published (Salmon et al., 2011), in plain Python: four 64-bit words of one counter."""
    mask = 2**64 - 1
    x = [(counter >> (64 * i)) & mask for i in range(4)]
    k0, k1 = key
    for _ in range(10):
        p0, p1 = x[0] * 0xD2E7470EE14C6C93, x[2] * 0xCA5A826395121157
        x = [(p1 >> 64) ^ x[1] ^ k0, p1 & mask, (p0 >> 64) ^ x[3] ^ k1, p0 & mask]
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & mask, (k1 + 0xBB67AE8584CAA73B) & mask
    return x


@pytest.mark.parametrize(("words_per_step", "step"), [(1, 0), (8, 3), (9, 1), (17, 1_000_000_000)])
def test_the_stream_is_philox_at_an_address(words_per_step: int, step: int) -> None:
    digest = hashlib.sha256(b"7/purpose").digest()
    key = (int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little"))
    counters = -(-words_per_step // 8)
    expected: list[int] = []
    for place in range(counters):
        # numpy counts up before it draws, so its first block is counter 1.
        for word in philox(step * counters + place + 1, key):
            expected += [word & 0xFFFFFFFF, word >> 32]
    found = StepStream(7, "purpose", words_per_step).words(step, 1)
    assert found.tolist() == [expected[:words_per_step]]


@pytest.mark.parametrize("words_per_step", [1, 7, 8, 9, 96])
def test_the_stream_does_not_depend_on_the_cuts(words_per_step: int) -> None:
    stream = StepStream(3, "x", words_per_step)
    whole = stream.words(0, 60)
    assert whole.shape == (60, words_per_step)
    random = np.random.default_rng(0)
    for _ in range(20):
        first = int(random.integers(0, 60))
        steps = int(random.integers(0, 60 - first + 1))
        assert np.array_equal(StepStream(3, "x", words_per_step).words(first, steps), whole[first : first + steps])


def test_streams_of_other_seeds_and_purposes_are_others() -> None:
    found = {
        StepStream(seed, purpose, 16).words(0, 4).tobytes() for seed in (0, 1, 2**32 - 1) for purpose in ("a", "b")
    }
    assert len(found) == 6


@pytest.mark.parametrize("high", [1, 2, 3, 10, 100, 2**31])
def test_below_is_multiply_and_shift(high: int) -> None:
    words = np.array([0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 429496729, 429496730], dtype=np.uint32)
    assert below(words, high).tolist() == [int(word) * high >> 32 for word in words]
    assert below(words, high).dtype == np.int64


def test_below_takes_a_bound_for_each_word() -> None:
    words = np.array([[2**31, 2**32 - 1, 7], [429496730, 0, 2**30]], dtype=np.uint32)
    highs = np.array([[3], [10]])
    assert below(words, highs).tolist() == [
        [int(word) * int(high) >> 32 for word in row] for row, (high,) in zip(words, highs, strict=True)
    ]


def test_with_a_curriculum_the_longest_length_rises_evenly() -> None:
    task, whole = make(min_length=2, max_length=5, curriculum_steps=300), make(min_length=2, max_length=5)
    made = task.batches(0, 0, 400, 200)
    for stage, longest in enumerate([2, 3, 4]):
        assert {*made.lengths[100 * stage : 100 * stage + 100].ravel().tolist()} == set(range(2, longest + 1))
    later = whole.batches(0, 300, 100, 200)
    for name in ("inputs", "lengths", "targets"):
        assert np.array_equal(getattr(made, name)[300:], getattr(later, name))
        assert np.array_equal(getattr(task.batches(0, 250, 100, 200), name), getattr(made, name)[250:350])
    for step, row in itertools.product(range(0, 400, 37), range(0, 200, 31)):
        read = made.inputs[step, row, : made.lengths[step, row]].tolist()
        assert made.targets[step, row] == sum(read) % 10 and task.padding not in read


def test_a_running_sum_asks_for_the_sum_of_every_beginning() -> None:
    settings = {"modulus": 7, "min_length": 1, "max_length": 6}
    task, alone = RunningSum(RunningSumConfig(**settings)), make(**settings)
    made, same = task.batches(5, 3, 4, 9), alone.batches(5, 3, 4, 9)
    assert np.array_equal(made.inputs, same.inputs) and np.array_equal(made.lengths, same.lengths)
    for step, row in itertools.product(range(4), range(9)):
        length = int(made.lengths[step, row])
        tokens = made.inputs[step, row, :length].tolist()
        sums = [sum(tokens[: place + 1]) % 7 for place in range(length)]
        assert made.targets[step, row].tolist() == sums + [NOT_ASKED] * (6 - length)
        assert task.truth(made.inputs[step, row, :length]) == sums and sums[-1] == same.targets[step, row]
    held = [*task.held_out(3, 4)]
    assert {length for part in held for length in part.lengths.tolist()} == {3, 4}
    for part in held:
        assert np.array_equal(part.targets, part.inputs.cumsum(axis=1) % 7)


@pytest.mark.parametrize(
    ("modulus", "low", "high"), [(10, 2, 5), (2, 1, 1), (100, 3, 3), (97, 1, 40), (7, 5, 6), (2, 1, 300)]
)
def test_batches_hold_right_sums_and_padding(modulus: int, low: int, high: int) -> None:
    task = make(modulus=modulus, min_length=low, max_length=high)
    made = task.batches(5, first_step=11, steps=6, batch_size=9)
    assert made.inputs.shape == (6, 9, high)
    assert made.lengths.shape == made.targets.shape == (6, 9)
    assert {made.inputs.dtype, made.lengths.dtype, made.targets.dtype} == {np.dtype(np.int64)}
    for step, row in itertools.product(range(6), range(9)):
        length = int(made.lengths[step, row])
        tokens = made.inputs[step, row].tolist()
        assert low <= length <= high
        assert all(0 <= token < modulus for token in tokens[:length])
        assert tokens[length:] == [task.padding] * (high - length)
        assert made.targets[step, row] == sum(tokens[:length]) % modulus
        assert task.truth(np.array(tokens[:length])) == made.targets[step, row]


def test_padding_is_no_number_of_the_task() -> None:
    assert make(modulus=10).padding == 10
    assert make(modulus=10).vocabulary == make(modulus=10).classes == 10


def test_batches_do_not_depend_on_the_cuts() -> None:
    task = make()
    whole = task.batches(1, 0, 50, 4)
    for cuts in ([50], [1] * 50, [7, 13, 30], [49, 1]):
        first = 0
        for steps in cuts:
            part = task.batches(1, first, steps, 4)
            for name in ("inputs", "lengths", "targets"):
                assert np.array_equal(getattr(part, name), getattr(whole, name)[first : first + steps])
            first += steps


def test_other_seeds_give_other_batches_and_steps_do_not_repeat() -> None:
    task = make()
    seen = {task.batches(seed, step, 1, 16).inputs.tobytes() for seed in range(20) for step in range(20)}
    assert len(seen) == 400


def test_lengths_and_numbers_are_uniform() -> None:
    made = make(modulus=10, min_length=2, max_length=5).batches(0, 0, 1000, 40)
    lengths = np.bincount(made.lengths.ravel(), minlength=6)
    tokens = np.bincount(made.inputs[made.inputs < 10].ravel(), minlength=10)
    assert lengths[:2].tolist() == [0, 0]
    for counts in (lengths[2:6], tokens):
        expected = counts.sum() / len(counts)
        chi_square = ((counts - expected) ** 2 / expected).sum()
        # Far out in the tail for 3 and 9 degrees of freedom (p < 1e-5); the seed is fixed.
        assert chi_square < 40
    first_and_second = Counter(zip(made.inputs[:, :, 0].ravel(), made.inputs[:, :, 1].ravel(), strict=True))
    assert len(first_and_second) == 100
    assert max(first_and_second.values()) < 1.3 * 400


def test_truths_of_rows_are_the_truths() -> None:
    rows = np.random.default_rng(0).integers(0, 13, size=(50, 7))
    assert make(modulus=13).truths(rows).tolist() == [sum(row) % 13 for row in rows.tolist()]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("1 2 3 5 1 2 4", [1, 2, 3, 5, 1, 2, 4]),
        ("  9  ", [9]),
        ("1,2, 3;4+5", [1, 2, 3, 4, 5]),
        ("1 + 2 +", [1, 2]),
        (",1,", [1]),
        ("1\t2\n3", [1, 2, 3]),
        ("007", [7]),
    ],
)
def test_parse_reads_what_a_person_types(text: str, tokens: list[int]) -> None:
    read = make().parse(text)
    assert read.tolist() == tokens and read.dtype == np.int64


@pytest.mark.parametrize(
    ("text", "place", "shown"),
    [
        ("1 10", 2, "10"),
        ("12353", 1, "12353"),
        ("1 2 x", 3, "x"),
        ("-1", 1, "-1"),
        ("1.5", 1, "1.5"),
        ("1 ²", 2, "²"),
        ("५", 1, "५"),
        ("9999999999999999999999", 1, "99999999999999999999"),
        ("1 \x1b[31m", 2, "\\x1b[31m"),
        ("1_0", 1, "1_0"),
    ],
)
def test_parse_says_where_the_text_goes_wrong_and_what_was_expected(text: str, place: int, shown: str) -> None:
    with pytest.raises(UserError) as caught:
        make().parse(text)
    assert str(caught.value) == f'input: number {place} is "{shown}"; type numbers from 0 to 9, separated by spaces'


@pytest.mark.parametrize("text", ["", "   ", "\n", ",", " + "])
def test_parse_refuses_nothing(text: str) -> None:
    with pytest.raises(UserError, match="nothing to add; type numbers from 0 to 9"):
        make().parse(text)


def test_parse_has_a_longest_input() -> None:
    assert len(make().parse("1 " * 10_000)) == 10_000
    with pytest.raises(UserError, match="10001 numbers are too many"):
        make().parse("1 " * 10_001)


def test_the_hint_names_the_modulus() -> None:
    assert make(modulus=2).input_hint == "numbers from 0 to 1, separated by spaces"
    assert make(modulus=2).parse("0 1").tolist() == [0, 1]
    assert make().render(8) == "8"


def test_the_tutorials_space_has_111_100_sequences() -> None:
    space = make().enumerable()
    assert space is not None
    assert (space.low, space.high, space.size, space.exhaustive) == (2, 5, 111_100, True)


@pytest.mark.parametrize(
    ("vocabulary", "low", "high"), [(10, 2, 5), (2, 1, 1), (3, 2, 7), (100, 1, 3), (7, 4, 4), (2, 1, 60)]
)
def test_a_spaces_size_is_the_sum_over_lengths(vocabulary: int, low: int, high: int) -> None:
    space = InputSpace(vocabulary, low, high)
    assert space.size == sum(vocabulary**length for length in range(low, high + 1))
    assert space.exhaustive == (space.size <= EXHAUSTIVE_LIMIT)


def test_a_space_is_exhaustive_up_to_two_million() -> None:
    assert InputSpace(2, 1, 19).size == 2**20 - 2
    assert InputSpace(2, 1, 19).exhaustive
    assert not InputSpace(2, 1, 20).exhaustive
    assert make(modulus=2, min_length=1, max_length=19).enumerable() == InputSpace(2, 1, 19)
    assert make(modulus=2, min_length=1, max_length=20).enumerable() is None
    assert make(modulus=100, max_length=10_000).enumerable() is None


@pytest.mark.parametrize(("vocabulary", "length"), [(2, 1), (10, 2), (3, 5), (100, 1), (7, 3)])
def test_all_sequences_are_the_cartesian_product(vocabulary: int, length: int) -> None:
    expected = [list(row) for row in itertools.product(range(vocabulary), repeat=length)]
    assert all_sequences(vocabulary, length).tolist() == expected
    half = len(expected) // 2
    assert all_sequences(vocabulary, length, half).tolist() == expected[half:]
    assert all_sequences(vocabulary, length, 1, half + 1).tolist() == expected[1 : half + 1]


def test_a_sample_is_fixed_and_belongs_to_its_length_alone() -> None:
    space = InputSpace(10, 2, 100)
    samples = list(space.samples())
    assert [sample.shape[1] for sample in samples] == list(range(2, 101))
    assert samples[0].tolist() == [list(row) for row in itertools.product(range(10), repeat=2)]
    for sample in samples[2:]:
        assert sample.shape[0] == SAMPLE_SIZE // 99
        assert 0 <= sample.min() <= sample.max() < 10
    assert np.array_equal(InputSpace(10, 2, 100).sample(50), samples[48])
    assert len({sample.tobytes() for sample in samples}) == 99
    # Another range asks more or fewer of the same questions.
    fewer = InputSpace(10, 1, 500).sample(50)
    assert np.array_equal(fewer, samples[48][: len(fewer)])


def test_a_sample_of_the_longest_sequences_fits_in_memory() -> None:
    assert InputSpace(100, 10_000, 10_000).sample(10_000).nbytes <= 200_000_000


@pytest.mark.parametrize(("low", "high"), [(0, 5), (7, None), (6, 5), (3, 10_001), (-1, 2)])
def test_lengths_that_make_no_range_are_refused(low: int, high: int | None) -> None:
    with pytest.raises(UserError, match="lengths: must run from a lower to a higher one"):
        make().enumerable(low, high)
    with pytest.raises(UserError, match="lengths: must run from a lower to a higher one"):
        next(make().held_out(low, high))


@pytest.mark.parametrize("name", TASKS)
def test_lengths_that_are_asked_for_are_asked_or_refused(name: str) -> None:
    """Never are others asked instead."""
    config = next(preset.config for preset in all_presets() if preset.config.task.name == name)
    task = make_task(config.task)
    usual = {length for examples in task.held_out() for length in examples.lengths.tolist()}
    low = max(usual) + 2
    try:
        found = {length for examples in task.held_out(low, low + 1) for length in examples.lengths.tolist()}
    except UserError as error:
        assert str(error).startswith("lengths: ")
    else:
        assert found and min(found) >= low


def test_lengths_beyond_training_can_be_asked() -> None:
    task = make()
    assert task.enumerable(1, 100) is None and task.enumerable(7, 7) is None
    assert task.enumerable(1, 6) == InputSpace(10, 1, 6)
    asked = [examples.inputs.shape[1] for examples in task.held_out(1, 100)]
    assert asked == list(range(1, 101))


def test_what_is_held_out_is_the_fixed_sample_with_its_sums() -> None:
    task = make()
    for examples, sample in zip(task.held_out(6, 40), InputSpace(10, 6, 40).samples(), strict=True):
        assert np.array_equal(examples.inputs, sample)
        assert examples.lengths.tolist() == [sample.shape[1]] * len(sample)
        assert examples.targets.tolist() == [sum(row) % 10 for row in sample.tolist()]
        assert not examples.follows


def test_tasks_are_found_by_name() -> None:
    assert TASKS["sum_modulo"] is SumModulo
    assert task_type("sum_modulo") is SumModulo
    assert isinstance(make_task(SumModuloConfig(modulus=3)), SumModulo)
    with pytest.raises(UserError, match='no task "sum_modolu"; did you mean "sum_modulo"'):
        task_type("sum_modolu")
