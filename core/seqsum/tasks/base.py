"""What a task is: it makes batches, knows the right answer, reads what a person types and writes an answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationInfo

from seqsum.errors import UserError
from seqsum.formatting import full
from seqsum.schema import Section
from seqsum.tasks.asked_rows import AskedRows
from seqsum.tasks.codec import Codec
from seqsum.tasks.file_rows import AskedFile, FileColumn

Ints = NDArray[np.int64]
Inputs = NDArray[np.int64] | NDArray[np.float32]
TaskSettings = TypeVar("TaskSettings", bound="TaskConfig")

Answer = Literal["class", "tags", "sequence", "values"]
"""class: one class for the whole sequence; tags: a class at each step; sequence: tokens, of a length of their own;
values: real numbers."""

Part = Literal["validation", "test", "file"]
"""Parts of data that ends, kept away from training: validation is asked again and again, and may stop a run or choose
its best checkpoint; the test is asked once, at the end; a file that somebody names is none of the run's own."""

NOT_ASKED = -1
"""The target of a step about which nothing is asked (padding, or an input that has no answer yet)."""


class TaskConfig(Section):
    """Base of every task's section; `name` says which task it is."""

    name: str


QUESTIONS = ("input", "question", "prompt", "text")
"""What the column of questions is usually called in a file."""

ALL_INPUTS = "accuracy_all_inputs"
"""The share of right answers when every input counts alike, beside an accuracy in which every length does."""


@dataclass(frozen=True)
class Batches:
    """The batches of consecutive optimizer steps.

    inputs:  int64 [steps, batch, length] tokens, padded with the task's `padding`; or float32 [steps, batch, length,
             features]
    lengths: int64 [steps, batch], valid steps of each row
    targets: by the task's answer: class int64 [steps, batch]; tags int64 [steps, batch, length]; sequence int64 [steps,
             batch, target_length], the end token included; values float32 [steps, batch, values]. NOT_ASKED where no
             answer is asked.
    """

    inputs: Inputs
    lengths: Ints
    targets: Inputs


@dataclass(frozen=True)
class Examples:
    """Held-out examples, asked all at once: Batches without the axis of steps.

    `follows` says that they continue the sequences of the examples before (the hidden state is carried over).
    weights: float64 [rows], how much each row counts, so that together they stand for what training draws; None: all
    alike
    beside: float32 [rows, steps − 1, features − 1], for windows to forecast from: what stands beside each forecast when
    it is fed back; None where it stands alone
    """

    inputs: Inputs
    lengths: Ints
    targets: Inputs
    follows: bool = False
    weights: NDArray[np.float64] | None = None
    beside: NDArray[np.float32] | None = None

    def rows(self, chosen: slice | NDArray[np.bool_] | NDArray[np.intp]) -> Examples:
        """Some of the rows."""
        weights = None if self.weights is None else self.weights[chosen]
        beside = None if self.beside is None else self.beside[chosen]
        return Examples(self.inputs[chosen], self.lengths[chosen], self.targets[chosen], self.follows, weights, beside)


class Task(ABC, Generic[TaskSettings]):
    """A task over one section of configuration. Nothing here needs torch: arrays are numpy's.

    vocabulary: number of input tokens, or 0 when the inputs are numbers; features: numbers at each step, or 0
    classes: number of classes to choose from (for `values`: how many numbers are asked)
    begin, end: for answer `sequence`, the target tokens that begin and end an answer
    """

    config_type: ClassVar[type[TaskConfig]]
    title: ClassVar[str]
    answer: ClassVar[Answer]
    carries_state: ClassVar[bool] = False
    """Whether a step goes on where the step before ended (truncated back-propagation through time)."""
    causal: ClassVar[bool] = False
    """Whether a model must not see the steps that come after: no bidirectional reading."""
    lengths_alike: ClassVar[bool] = False
    """Whether every length of input counts alike in an evaluation, however much is asked of it."""
    part: Part | None = None
    """Which part of its data is held out; None where data is made without end."""
    quantiles: tuple[float, ...] = ()
    """For `values`: which quantiles of the one number that is asked a model's values are, the median first."""
    measures: tuple[str, ...] = ()
    """What its own metrics are called that a checkpoint can be chosen by, beside accuracy and eval_loss."""
    unit: str = "token"
    """What one token is called."""
    codec: Codec | None = None
    """What reads and tells for a model that leaves without its task; None where nothing does: a plug-in's that gives
    none."""
    input_hint: str
    vocabulary: int = 0
    features: int = 0
    classes: int
    target_vocabulary: int = 0
    begin: int = 0
    end: int = 0
    longest_answer: int = 0

    def __init__(self, config: TaskSettings) -> None:
        self.config = config

    @property
    def padding(self) -> int:
        """The token that fills a row up; one above the vocabulary."""
        return self.vocabulary

    @property
    def chance(self) -> float | None:
        """The accuracy of guessing among the classes; 0 for answers of several tokens, None for numbers."""
        return {"class": 1 / self.classes, "tags": 1 / self.classes, "sequence": 0.0}.get(self.answer)

    def point(self, values: Inputs) -> Inputs:
        """Return the values that a model answers, without the quantiles beside the median: [..., n]."""
        return values[..., :1] if self.quantiles else values

    def steps_per_epoch(self, batch_size: int) -> float | None:
        """How many steps go once through the training data; None when it is endless."""
        return None

    @abstractmethod
    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        """Return the training batches of `steps` steps, the same for the same (seed, step) however they are cut."""

    @abstractmethod
    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        """Yield the held-out examples, always the same ones; rows of one batch may differ in length.

        With their weights they stand for the distribution that training draws from, so that accuracy and loss mean the
        same in training and evaluation.
        low, high: sequence lengths to ask about, for tasks that can make any length; default: the task's own.
        """

    def truths(self, tokens: Ints) -> Ints:
        """Return the right class of each row, int64 [rows, length] → int64 [rows]; needed with `enumerable`."""
        raise NotImplementedError

    def enumerable(self, low: int | None = None, high: int | None = None) -> InputSpace | None:
        """Return the whole input space when it is small enough to be walked, else None: then `held_out` is asked."""
        return None

    @property
    def steps_asked(self) -> int:
        """About how many steps of sequences an evaluation reads, to guess its time; 0 where that is little."""
        return 0

    def measured_by(self) -> tuple[str, ...] | None:
        """Return the metrics that an evaluation can be judged by; None where only an evaluation tells: a plug-in's that
        does not say."""
        kind = type(self)
        own = (
            kind.held_out_metrics is not Task.held_out_metrics
            or kind.loss_metrics is not Task.loss_metrics
            or kind.forecast_metrics is not Task.forecast_metrics
        )
        if own and not self.measures:
            return None
        accuracy = () if self.answer == "values" else ("accuracy",)
        space = self.enumerable()
        every = (ALL_INPUTS,) if space is not None and space.high > space.low else ()
        return ("eval_loss", *accuracy, *every, *self.measures)

    @property
    def has_test(self) -> bool:
        """Whether there is a test part, too."""
        return False

    def of_test(self) -> Task[TaskSettings]:
        """Return this task with its test part held out in place of the validation part; needed with `has_test`."""
        raise NotImplementedError

    @property
    def question_column(self) -> FileColumn:
        """Which column of a file holds the questions that `parse` reads."""
        return FileColumn(usual=QUESTIONS)

    @property
    def truth_column(self) -> FileColumn | None:
        """Which column of a file holds the right answers; None for a task whose file needs none."""
        return None

    def of_file(self, file: AskedFile) -> Task[TaskSettings]:
        """Return this task with a file's rows held out, all of them; `asked_rows` says what became of them.

        Raises UserError where the file can't be read, and for a task whose data is no file's.
        """
        said = f'the task "{self.config.name}" makes its questions itself'
        raise UserError(
            f"evaluate: {said}; seqsum predict --file asks it a file of them",
            in_form=f"{said}, and can't be measured on a file; have every row answered instead",
        )

    @property
    def asked_rows(self) -> AskedRows | None:
        """What became of the rows of a file that is held out here, once they were asked; None without one."""
        return None

    def held_out_metrics(self, answers: Sequence[Inputs]) -> dict[str, float]:
        """Return further metrics from the answers to `held_out`, batch by batch (predicted classes, tokens, values)."""
        return {}

    def sums_up(self, targets: Inputs, answers: Inputs) -> bool:
        """Add up what `held_out_metrics` needs of a batch's answers; False where it needs the answers themselves, all
        of them at the end: a file may have millions of rows.

        targets, answers: [rows] or [rows, length], as `held_out` yields the ones and `held_out_metrics` is given the
        others
        """
        return type(self).held_out_metrics is Task.held_out_metrics

    @abstractmethod
    def parse(self, text: str) -> Inputs:
        """Read what a person typed: tokens int64 [length] or numbers float32 [length, features].

        Raises UserError saying what was expected and where the text goes wrong.
        """

    def remarks(self, text: str) -> list[str]:
        """What a person should know of how an input was read that `parse` reads, one sentence each."""
        return []

    def truth(self, inputs: Inputs) -> Any:
        """Return the right answer to one input, as `read_answer` gives answers; None when nobody can know it."""
        return None

    def read_answer(self, inputs: Inputs, answer: Inputs) -> Any:
        """Turn a model's answer (a class, classes or tokens [n], values [n]) into JSON-ready values."""
        return answer.tolist()

    def echo(self, inputs: Inputs) -> Any:
        """Write an input as JSON-ready values."""
        return inputs.tolist()

    def render(self, answer: Any) -> str:
        """Write what `read_answer` or `truth` gave as a person reads it."""
        return " ".join(map(str, answer)) if isinstance(answer, list) else str(answer)

    def as_typed(self, inputs: Inputs) -> str:
        """Write an input as one would type it."""
        return self.render(self.echo(inputs))

    def shown_questions(self) -> list[Inputs]:
        """Return a few inputs that stand below a run's curves, with what the model answers to them as it learns.

        Those that are held out, spread over the first of them. A plug-in's may be large: only the first batch is made.
        """
        first = next(iter(self.held_out()), None)
        if first is None:
            return []
        rows = [len(first.inputs) * place // SHOWN for place in range(SHOWN)]
        return [first.inputs[row][: first.lengths[row]] for row in dict.fromkeys(rows)]

    def as_question(self, inputs: Inputs) -> str:
        """Write an input with what leads on to its answer."""
        return f"{self.render(self.echo(inputs))} →"

    def input_names(self, inputs: Inputs) -> list[str]:
        """Write each step of an input by itself, [length]: what stands beside its states."""
        return (
            [str(token) for token in inputs.tolist()] if inputs.ndim == 1 else [str(n + 1) for n in range(len(inputs))]
        )

    def class_names(self) -> list[str]:
        """Write each class by itself, as an answer token or tag: [classes]."""
        return [str(place) for place in range(self.classes)]

    def continues(self, prompt: Inputs) -> int | None:
        """For tasks that continue a prompt: how many steps to go on; None for the others."""
        return None

    def continuation(self, prompt: Inputs, length: int) -> Any:
        """Return the right continuation of a prompt for `length` steps, as `read_answer` gives answers; None when
        nobody can know it."""
        return self.truth(prompt)

    def ahead(self, text: str, steps: int | None, usual: int) -> tuple[int, NDArray[np.float32] | None]:
        """Return how many values are forecast after the input that `parse` reads from a text, and what stands beside
        each as it is fed back: float32 [1, steps − 1, features − 1], or None where it stands alone.

        steps: how many are asked for; None: `usual`, or fewer where less is known. Raises UserError where too many are
        asked for.
        """
        return usual if steps is None else steps, None

    def loss_metrics(self, loss: float) -> dict[str, float]:
        """Return further metrics from the mean held-out loss (cross-entropy in nats, or squared error)."""
        return {}

    def forecasts(self) -> Examples | None:
        """Return held-out windows from which several values are to be forecast, each fed back as the newest value.

        targets: float32 [rows, steps]. None for tasks that ask for no such thing.
        """
        return None

    def forecast_metrics(self, values: Inputs) -> dict[str, float]:
        """Return metrics of the values forecast from `forecasts`, float32 [rows, steps]."""
        return {}

    @property
    def notes(self) -> list[str]:
        """What a person should know of the data that was read, one sentence each; the run's log and events say it."""
        return []

    def data_facts(self) -> dict[str, Any]:
        """Return what was found in data files and an answer needs (a vocabulary, a scale), JSON-ready.

        It goes into every checkpoint, so that a checkpoint answers even when the files have changed or are gone.
        """
        return {}

    @classmethod
    def restored(cls, config: TaskSettings, facts: dict[str, Any]) -> Task[TaskSettings]:
        """Make the task of a checkpoint from its `data_facts`, without reading the data until it is asked for.

        A task whose data no longer is what it was raises UserError when its batches or held-out examples are asked for.
        """
        return cls(config)


class DataTask(Task[TaskSettings]):
    """A task whose answers need facts from data files: `_facts`, with what a person should know under `notes`.

    _test_file, _test_share: the settings that give it a test part.
    """

    part: Part | None = "validation"
    _facts: dict[str, Any]
    _test_file: str | None = None
    _test_share: float = 0.0

    def __init__(self, config: TaskSettings, facts: dict[str, Any] | None = None) -> None:
        """`facts`: what a checkpoint kept of the data; None reads the data."""
        super().__init__(config)

    @property
    def notes(self) -> list[str]:
        notes: list[str] = self._facts["notes"]
        return notes

    @property
    def has_test(self) -> bool:
        return self._test_file is not None or self._test_share > 0

    def of_test(self) -> Task[TaskSettings]:
        test = copy(self)
        test.part = "test"
        return test

    def data_facts(self) -> dict[str, Any]:
        return self._facts

    @classmethod
    def restored(cls, config: TaskSettings, facts: dict[str, Any]) -> Task[TaskSettings]:
        return cls(config, facts)


def told_asked(asked: int, there: int, what: str) -> list[str]:
    """Return the note that an evaluation asks about some of what there is; none where it asks about all."""
    return [] if asked >= there else [f"evaluation: asks {asked:,} of {there:,} {what}: all would take too long"]


def one_test_part(value: float, info: ValidationInfo) -> float:
    """A validator for `test_share`; raises ValueError where another setting says what the test part is, or where next
    to nothing is left to train on."""
    given = next(
        (name for name in ("test_file", "test_corpus", "tested_from") if info.data.get(name) is not None), None
    )
    if value and given is not None:
        raise ValueError(f"must be 0 beside task.{given}: each says what the test part is")
    held_out = info.data.get("held_out_share", 0.0)
    if value and value + held_out > MOST_KEPT:
        raise ValueError(f"must be at most {MOST_KEPT} with task.held_out_share ({full(held_out)}), got {full(value)}")
    return value


def at_least_min_length(value: int, info: ValidationInfo) -> int:
    """A validator for `max_length`; raises ValueError when it is below `min_length`."""
    low = info.data.get("min_length")
    if low is not None and value < low:
        raise ValueError(f"must be at least task.min_length ({low}), got {value}")
    return value


MOST_KEPT = 0.95
"""Share of the data that validation and test take together, at most."""
SHOWN = 3
EXHAUSTIVE_LIMIT = 2_000_000
SAMPLE_SIZE = 100_000
FEWEST = 100  # of each length
EVALUATED_TOKENS = 10_000_000
"""About how many tokens (or numbers) a task has an evaluation ask about, at most."""


def spread_evenly(low: int, high: int, most: int) -> list[int]:
    """Return the whole numbers low…high, or `most` of them (at least two), evenly spread, with both ends."""
    if high - low < most:
        return list(range(low, high + 1))
    return sorted({round(number) for number in np.linspace(low, high, max(most, 2)).tolist()})


@dataclass(frozen=True)
class InputSpace:
    """All sequences over `vocabulary` tokens with lengths low…high; exhaustive while there are at most 2 million.

    A length is as likely as any other, and so is a sequence among those of its length.
    """

    vocabulary: int
    low: int
    high: int

    @property
    def size(self) -> int:
        # The geometric series in closed form: the sum of its terms takes seconds for long sequences.
        longer = self.vocabulary ** (self.high + 1)
        return int((longer - self.vocabulary**self.low) // (self.vocabulary - 1))

    @property
    def exhaustive(self) -> bool:
        return self.size <= EXHAUSTIVE_LIMIT

    def weight(self, length: int) -> float:
        """How much each sequence of a length counts when all are asked, so that every length counts alike.

        A whole number: sums over the whole space are exact.
        """
        return float(self.vocabulary ** (self.high - length))

    @property
    def lengths(self) -> list[int]:
        """The lengths that the fixed sample asks about: all, or as many as the cap on its tokens allows."""
        return spread_evenly(self.low, self.high, EVALUATED_TOKENS // (FEWEST * (self.low + self.high) // 2))

    @property
    def samples_per_length(self) -> int:
        """How many sequences of each length the fixed sample holds, when the space is too large to be walked."""
        lengths = self.lengths
        return max(FEWEST, min(SAMPLE_SIZE // len(lengths), EVALUATED_TOKENS // sum(lengths)))

    def sample(self, length: int) -> Ints:
        """Return the fixed sample of one length: int64 [samples, length]; the whole of that length if it is smaller."""
        count = self.samples_per_length
        if self.vocabulary**length <= count:
            return all_sequences(self.vocabulary, length)
        # The sample depends on nothing but vocabulary and length, so that every run is asked the same questions.
        generator = np.random.Generator(np.random.Philox(key=[self.vocabulary, length]))
        return generator.integers(0, self.vocabulary, size=(count, length), dtype=np.int64)

    def samples(self) -> Iterator[Ints]:
        """Yield the fixed sample, one length at a time."""
        for length in self.lengths:
            yield self.sample(length)


def all_sequences(vocabulary: int, length: int, first: int = 0, last: int | None = None) -> Ints:
    """Return the sequences of one length in counting order, from place `first` up to `last`: int64 [n, length]."""
    index = np.arange(first, vocabulary**length if last is None else last, dtype=np.int64)
    powers = vocabulary ** np.arange(length - 1, -1, -1, dtype=np.int64)
    return (index[:, None] // powers) % vocabulary


def only_length(low: int | None, high: int | None, length: int | None, why: str) -> None:
    """Raise UserError where another length is asked for than the only one; None: where inputs have no lengths."""
    if any(asked not in (None, length) for asked in (low, high)):
        raise UserError(f"lengths: {why}; leave the lengths out")


def check_lengths(low: int, high: int, longest: int) -> None:
    """Raise UserError unless 1 ≤ low ≤ high ≤ longest."""
    if not 1 <= low <= high <= longest:
        raise UserError(f"lengths: must run from a lower to a higher one, 1 to {longest}, got {low} to {high}")


AnyTask = Task[Any]
