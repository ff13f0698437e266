"""What a question is: its fields, when it fits, and the answer's shape; each is one file in `questions`.

No torch here, nor at the top of those files: the console reads them. What answers imports torch when it is called.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from seqsum.errors import UserError
from seqsum.formatting import full
from seqsum.text import seen

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded

HOTTEST = 100.0
"""Highest temperature."""
LONGEST_INSPECTED = 500
"""Steps of an input that can be looked inside, saliency and gates included; a longer one is refused in a sentence."""
LONGEST_WRITTEN = 10_000
"""Steps that a prompt or a forecast can be continued for."""
MOST = 2**53
"""Beyond this JSON's numbers are no longer whole everywhere."""

Number = float | None
"""In an answer: null where it overflowed."""


def right_or_wrong(correct: bool | None, truth: str | None) -> str:
    """Say whether an answer is right, and what would be; nothing where nobody can know."""
    return {None: "", True: "  ✓ right", False: f"  ✗ wrong, the truth is {seen(truth or '')}"}[correct]


class Answer(BaseModel):
    """An answer, as JSON has it. Arrays are lists, outermost axis first, as in `[steps][classes]`."""

    model_config = ConfigDict(defer_build=True)

    def beside(self) -> dict[str, Any]:
        """What the reply says beside the answer itself."""
        return {}

    def told(self) -> Iterator[str]:
        """Yield lines for a person, where the command line asks this beside another question (`Question.flag`)."""
        yield from ()


class TypedAnswer(Answer):
    """An answer to what somebody typed; `Answerer` fills the remarks."""

    remarks: list[str] = Field(default_factory=list)
    """What to know of how the input was read, one sentence each: characters that are unknown, values left out."""

    @model_serializer(mode="wrap")
    def _remarks_last(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = plain(self)
        return {**{name: value for name, value in found.items() if name != "remarks"}, "remarks": self.remarks}


@dataclass(frozen=True)
class Flag:
    """A flag that adds an answer to what a command says: alone, or with the value of one of the question's fields."""

    command: str
    name: str
    help: str
    field: str | None = None


def field(
    default: Any, help: str, *, ge: float | None = None, le: float | None = None, metavar: str | None = None
) -> Any:
    """A field of a question. metavar: how the command line writes its value; None where it has no flag there."""
    return Field(default, description=help, ge=ge, le=le, json_schema_extra={"metavar": metavar})


class Question(BaseModel, ABC):
    """A question to a checkpoint. Every field has a default, which null stands for, too.

    name: how it is asked for; slow: whether it walks over many inputs; needs_input: whether it is about an input that
    somebody typed; answers: what it is answered with; flag: where the command line asks it beside another
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    name: ClassVar[str]
    answers: ClassVar[type[Answer]]
    slow: ClassVar[bool] = False
    needs_input: ClassVar[bool] = False
    flag: ClassVar[Flag | None] = None

    checkpoint: int | None = field(None, "the step of the checkpoint; default: the newest", ge=0, le=MOST)

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        """Say in a sentence why a run has no answer to this; None where it has one."""
        return None

    def prepared(self, loaded: Loaded) -> Loaded:
        """Return the checkpoint as this question asks it; raises UserError where it can't be asked so."""
        return loaded

    @abstractmethod
    def answer(self, asked: Asked) -> Answer:
        """Answer; raises UserError (InputError with its place) where there is no answer."""

    @property
    def typed(self) -> str | None:
        """What somebody typed that is read for the answer; None where nobody did."""
        return getattr(self, "input", None)

    @classmethod
    def metavars(cls) -> dict[str, str]:
        """The fields that the command line has a flag for, and how it writes their values."""
        fields = ((name, info.json_schema_extra) for name, info in cls.model_fields.items())
        return {name: str(extra["metavar"]) for name, extra in fields if isinstance(extra, dict) and extra["metavar"]}

    @classmethod
    def kinds(cls, name: str) -> tuple[Any, ...]:
        """The types of a field's values, None left out."""
        annotation = cls.model_fields[name].annotation
        kinds = get_args(annotation)
        if get_origin(annotation) is Literal or not kinds:
            return (annotation,)
        return tuple(kind for kind in kinds if kind is not NoneType)

    @classmethod
    def expected(cls, name: str) -> str:
        """Say what a field must be: its kind and bounds."""
        kind = cls.kinds(name)[0]
        if get_origin(kind) is Literal:
            return " or ".join(get_args(kind))
        if kind is str:
            return "text"
        bounds = cls.model_fields[name].metadata
        low = next((bound.ge for bound in bounds if isinstance(bound, Ge)), 0)
        high = next((bound.le for bound in bounds if isinstance(bound, Le)), MOST)
        to = "on" if high == MOST else f"to {high:,}" if kind is int else f"to {full(float(str(high)))}"
        return f"a {'whole ' if kind is int else ''}number from {low} {to}"


class OfInput(Question):
    """A question about what somebody typed."""

    needs_input: ClassVar[bool] = True

    input: str = field("", "what to ask")


class Continues(OfInput):
    """A prompt that is gone on from."""

    length: int | None = field(
        None, "for tasks that continue a prompt: how many steps to go on", ge=1, le=LONGEST_WRITTEN, metavar="N"
    )
    temperature: float | None = field(
        None, "draw tokens freely: 1 as the model says; default: likeliest", ge=0, le=HOTTEST, metavar="T"
    )
    top_k: int | None = field(None, "draw among the K likeliest tokens only", ge=1, le=MOST, metavar="K")
    seed: int | None = field(None, "seed of the drawing, with a temperature; default 0", ge=0, le=MOST, metavar="N")


class OverLengths(Question):
    """A question about many inputs, of lengths low…high; null: the task's own."""

    slow: ClassVar[bool] = True

    part: Literal["validation", "test"] | None = field(
        None, "which part of the data is asked: validation, which null is, or test, where the task has one"
    )
    file: str | None = field(None, "a file whose rows are asked instead, read as the run's own is")
    column: str | None = field(None, "the file's column of questions, where it is called otherwise than in training")
    truth_column: str | None = field(None, "the file's column of right answers, likewise")
    low: int | None = field(None, "the shortest inputs to ask", ge=1, le=MOST)
    high: int | None = field(None, "the longest inputs to ask", ge=1, le=MOST)

    def prepared(self, loaded: Loaded) -> Loaded:
        """With the test part, or a file's rows, held out, where that is asked for."""
        if self.file is not None:
            from seqsum.tasks.file_rows import AskedFile

            return loaded.of_file(AskedFile(self.file, self.column, self.truth_column))
        if self.part != "test":
            return loaded
        if not loaded.task.has_test:
            raise UserError(
                f"{self.name.replace('_', ' ')}: this run has no test part; a new run has one with task.test_share, or "
                "a file of its own for the test"
            )
        return loaded.of_test()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.file is not None and self.part is not None:
            raise ValueError("part is of the run's own data, and file another; ask about one of them")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low must be at most high, got {self.low} and {self.high}")
        return self
