"""Whether a task of a person's own does what a task has to: its first batches and its held-out examples are looked at
before anything is trained, and what is wrong is said in a sentence, with the file and the line."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqsum.errors import PluginError, place_of
from seqsum.tasks.base import NOT_ASKED, AnyTask, Batches, Examples
from seqsum.text import one_line

MOST_BATCHES, MOST_ROWS = 20_000, 20_000_000
"""Of held-out examples: an evaluation that asks more would take too long, or never come to its end."""
LOOKED_AT = 20
"""Batches of them whose numbers are looked at."""
LOOK_SECONDS = 3.0
"""Of the processor's time: how long it is looked whether they come to an end."""


def check_task(task: AnyTask, batch_size: int, seed: int) -> None:
    """Raise PluginError where a task does not do what `tasks.base.Task` says."""
    _Contract(task).check(batch_size, seed)


class _Contract:
    def __init__(self, task: AnyTask) -> None:
        self.task = task
        self.kind = type(task)

    def check(self, batch_size: int, seed: int) -> None:
        self.numbers()
        batches = self.task.batches(seed, 0, 2, batch_size)
        self.arrays(batches, "batches", Batches, (("steps", 2), ("batch", batch_size)))
        alone = self.task.batches(seed, 1, 1, batch_size)
        self.arrays(alone, "batches", Batches, (("steps", 1), ("batch", batch_size)))
        for name in ("inputs", "lengths", "targets"):
            if not _same(getattr(batches, name)[1], getattr(alone, name)[0]):
                self.wrong(
                    "batches",
                    f"{name} of step 1 are others when steps 0 and 1 are asked for than when step 1 is; they may "
                    "depend on seed and step alone",
                )
        self.held_out()

    def wrong(self, where: str, what: str) -> None:
        raise PluginError(f"{place_of(self.kind, where)}: {what}")

    def numbers(self) -> None:
        task, made = self.task, "__init__"
        for name in ("vocabulary", "features", "classes", "target_vocabulary", "begin", "end", "longest_answer"):
            value = getattr(task, name, None)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
                has = "is missing" if value is None else f"is {one_line(repr(value))[:60]}"
                self.wrong(made, f"{name} {has}; it is a whole number, 0 or more")
        if bool(task.vocabulary) == bool(task.features):
            both = "both are set" if task.vocabulary else "both are 0"
            self.wrong(
                made,
                f"{both}, vocabulary and features; set vocabulary, the number of tokens, or features, the numbers at "
                "each step",
            )
        if task.classes < 1:
            self.wrong(made, "classes is 0; it is how many classes there are to choose from, or numbers to answer")
        if not isinstance(getattr(task, "input_hint", None), str):
            self.wrong(made, "input_hint is missing; it is a text that says what a person types")

    def held_out(self) -> None:
        where, rows, began = "held_out", 0, time.thread_time()
        found = self.task.held_out()
        if not hasattr(found, "__next__"):
            try:
                found = iter(found)
            except TypeError:
                self.wrong(where, f"returned {_kind(found)}; it yields Examples")
        first = None
        for number, examples in enumerate(found, 1):
            if number <= LOOKED_AT:
                self.arrays(examples, where, Examples, ())
            first = examples if first is None else first
            rows += len(examples.lengths)
            if number >= MOST_BATCHES or rows >= MOST_ROWS:
                self.wrong(
                    where, f"yielded {rows:,} examples and has not come to its end; an evaluation asks all of them"
                )
            if time.thread_time() - began > LOOK_SECONDS:
                break
        if first is None or not rows:
            self.wrong(where, "yielded no example; an evaluation needs some")
        assert first is not None
        self.words(first)

    def words(self, examples: Examples) -> None:
        """What people read: an input and its answer in words."""
        length = int(examples.lengths[0])
        one = examples.inputs[0][:length]
        target = examples.targets[0][:length] if self.task.answer == "tags" else examples.targets[0]
        self.task.truth(one)
        text = self.task.render(self.task.read_answer(one, target))
        if not isinstance(text, str):
            self.wrong("render", f"returned {_kind(text)}; it returns the text that a person reads")

    # Arrays

    def arrays(self, found: Any, where: str, kind: type, axes: Sequence[tuple[str, int]]) -> None:
        if not isinstance(found, kind):
            verb = "yielded" if kind is Examples else "returned"
            self.wrong(where, f"{verb} {_kind(found)}; it has to be {kind.__name__}(inputs, lengths, targets)")
        for name in ("inputs", "lengths", "targets"):
            value = getattr(found, name)
            if not isinstance(value, np.ndarray):
                self.wrong(where, f"{name} are {_kind(value)}; they have to be a NumPy array")
        if not axes:
            if found.lengths.ndim != 1:
                self.wrong(where, f"lengths are {_shape(found.lengths)}; they have to be [rows]")
            axes = (("rows", len(found.lengths)),)
            if not len(found.lengths):
                self.wrong(where, "yielded Examples without a row")
        self.inputs(found.inputs, where, axes)
        self.lengths(found, where, axes)
        self.targets(found, where, axes)
        if isinstance(found, Examples) and found.weights is not None:
            weights = found.weights
            good = isinstance(weights, np.ndarray) and weights.shape == found.lengths.shape
            if not good or not np.isfinite(weights).all() or (weights < 0).any():
                self.wrong(where, "weights have to be [rows], finite, 0 or more")

    def shaped(self, name: str, value: NDArray[Any], where: str, axes: Sequence[tuple[str, int | None]]) -> None:
        right = len(axes) == value.ndim and all(
            size in (None, there) for (_, size), there in zip(axes, value.shape, strict=True)
        )
        if not right:
            words = ", ".join(axis for axis, _ in axes)
            sizes = ", ".join(axis if size is None else str(size) for axis, size in axes)
            self.wrong(where, f"{name} are {_shape(value)}; they have to be [{words}], here [{sizes}]")

    def inputs(self, value: NDArray[Any], where: str, axes: Sequence[tuple[str, int]]) -> None:
        features = self.task.features
        wanted: list[tuple[str, int | None]] = [*axes, ("length", None)]
        if features:
            wanted.append(("features", features))
        self.shaped("inputs", value, where, wanted)
        if features and value.dtype != np.float32:
            self.wrong(where, f"inputs are {value.dtype}; numbers (features = {features}) have to be float32")
        if not features and value.dtype.kind != "i":
            self.wrong(
                where, f"inputs are {value.dtype}; tokens (vocabulary = {self.task.vocabulary}) have to be int64"
            )

    def lengths(self, found: Any, where: str, axes: Sequence[tuple[str, int]]) -> None:
        lengths, longest = found.lengths, found.inputs.shape[len(axes)]
        self.shaped("lengths", lengths, where, axes)
        if lengths.dtype.kind != "i":
            self.wrong(where, f"lengths are {lengths.dtype}; they have to be int64")
        if ((lengths < 1) | (lengths > longest)).any():
            bad = int(lengths[(lengths < 1) | (lengths > longest)][0])
            self.wrong(where, f"lengths hold {bad}; a row has 1 to {longest} steps, as long as the inputs are")
        valid = np.arange(longest) < lengths[..., None]
        if self.task.features:
            if not np.isfinite(found.inputs[valid]).all():
                self.wrong(where, "inputs hold NaN or infinity; they have to be finite")
            return
        vocabulary = self.task.vocabulary
        for mask, last, what in ((valid, vocabulary - 1, ""), (~valid, vocabulary, " behind a row's length")):
            tokens = found.inputs[mask]
            outside = tokens[(tokens < 0) | (tokens > last)]
            if len(outside):
                self.wrong(
                    where,
                    f"inputs hold the token {int(outside[0])}{what}; tokens run from 0 to {vocabulary - 1} "
                    f"(vocabulary = {vocabulary}), and {vocabulary} fills a row up",
                )

    def targets(self, found: Any, where: str, axes: Sequence[tuple[str, int]]) -> None:
        task, targets = self.task, found.targets
        wanted: list[tuple[str, int | None]] = list(axes)
        if task.answer == "tags":
            wanted.append(("length", found.inputs.shape[len(axes)]))
        elif task.answer == "sequence":
            wanted.append(("target_length", None))
        elif task.answer == "values":
            wanted.append(("values", 1 if task.quantiles else task.classes))
        self.shaped("targets", targets, where, wanted)
        if task.answer == "values":
            if targets.dtype != np.float32:
                self.wrong(where, f"targets are {targets.dtype}; values have to be float32")
            if not np.isfinite(targets).all():
                self.wrong(where, "targets hold NaN or infinity; they have to be finite")
            return
        if targets.dtype != np.int64:
            self.wrong(where, f"targets are {targets.dtype}; classes have to be int64")
        lowest = 0 if task.answer == "class" else NOT_ASKED
        outside = targets[(targets < lowest) | (targets >= task.classes)]
        if outside.size:
            unasked = "" if lowest == 0 else f", and {NOT_ASKED} where nothing is asked"
            self.wrong(
                where,
                f"targets hold {int(outside.flat[0])}; classes run from 0 to {task.classes - 1} (classes = "
                f"{task.classes}){unasked}",
            )
        if lowest and not (targets != NOT_ASKED).any():
            self.wrong(where, f"targets are all {NOT_ASKED}: nothing is asked")


def _kind(value: object) -> str:
    return "nothing (None)" if value is None else f"a {type(value).__name__}"


def _shape(value: NDArray[Any]) -> str:
    return f"[{', '.join(map(str, value.shape))}]"


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether arrays are the same, up to how far rows are filled up."""
    if one.ndim != other.ndim:
        return False
    common = tuple(slice(0, min(pair)) for pair in zip(one.shape, other.shape, strict=True))
    return np.array_equal(one[common], other[common], equal_nan=one.dtype.kind == "f")
