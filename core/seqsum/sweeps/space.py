"""What a sweep goes over: for each field a list of values, or a range. Read from the text that a person types."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from seqsum.config import Config
from seqsum.errors import ConfigError, UserError
from seqsum.formatting import shortest
from seqsum.schema import FieldFacts, as_text
from seqsum.text import printable

RANGE = re.compile(r"\s*([-+\d.eE_]+)\s*\.\.\s*([-+\d.eE_]+)\s*(?::\s*(log|linear))?\s*")
Sampler = Literal["grid", "random", "tpe", "gp", "cmaes"]
Pruner = Literal["off", "median", "hyperband", "wilcoxon"]
SAMPLERS, PRUNERS = get_args(Sampler), get_args(Pruner)
DIGITS = 4
"""Of a value drawn from a range."""
AS_ONE = ("task.file", "task.test_file", "task.header", "track.description", "track.project")
"""Text fields in which a comma or two dots are just that."""
MOST_SETTINGS = 10_000
LONGEST_LIST, FIRST_VALUES = 60, 3
"""Letters of a list that is shown whole; of a longer one so many values are."""
OWN = {
    "train.seed": "is set by the sweep itself; --seeds says which seeds",
    "track.group": "is set by the sweep itself: each setting is a group",
}


class Part(BaseModel):
    """Of one field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str


class Choices(Part):
    """The values that a field takes, as text."""

    kind: Literal["choices"] = "choices"
    values: tuple[str, ...] = Field(min_length=1, max_length=MOST_SETTINGS)

    @property
    def written(self) -> str:
        """As a person types it."""
        return ",".join(self.values)


class Range(Part):
    """The bounds of the numbers that a field takes, both included; log: drawn evenly in the logarithm; whole: only
    whole numbers."""

    kind: Literal["range"] = "range"
    low: float
    high: float
    log: bool = False
    whole: bool = False

    @property
    def written(self) -> str:
        """As a person types it."""
        ends = "..".join(self.text(end) for end in (self.low, self.high))
        return ends + (":log" if self.log else "")

    def text(self, value: float) -> str:
        """Return a value of the range as the text of a setting."""
        return str(round(value)) if self.whole else shortest(value, DIGITS)


Space = tuple[Annotated[Choices | Range, Field(discriminator="kind")], ...]


def split(changes: Mapping[str, str], config: Config, source: str = "sweep") -> tuple[dict[str, str], Space]:
    """Return what is set once, and what the sweep goes over, of the settings that a person typed.

    Raises ConfigError with every setting that is wrong: each value of a list, both ends of a range.
    """
    known = {facts.path: facts for facts in config.fields()}
    fixed: dict[str, str] = {}
    parts: list[Choices | Range] = []
    wrong: list[tuple[str, str]] = []
    for path, text in changes.items():
        facts = known.get(path)
        if facts is None or facts.kind == "list" or path in AS_ONE:
            fixed[path] = text
            continue
        try:
            part = part_of(facts, text)
        except ValueError as error:
            wrong.append((path, str(error)))
            continue
        if path in OWN:
            wrong.append((path, OWN[path]))
        elif part is None:
            fixed[path] = text
        else:
            parts.append(part)
    if wrong:
        raise ConfigError(source, wrong)
    # What is set once may decide which fields there are, and whether two may stand together.
    base = config.changed(fixed, source)
    found: list[Choices | Range] = []
    for part in parts:
        # 0.1 and 1e-1 are one value.
        kept: dict[str, str] = {}
        before = len(wrong)
        for text in part.values if isinstance(part, Choices) else map(part.text, (part.low, part.high)):
            try:
                kept.setdefault(as_text(base.changed({part.path: text}, source).value(part.path)), text)
            except ConfigError as error:
                wrong += [problem for problem in error.problems if problem not in wrong]
        if isinstance(part, Choices) and len(kept) == 1 and len(wrong) == before:
            wrong.append((part.path, f"has one value only in its list, {next(iter(kept))}: give another beside it"))
        found.append(part.model_copy(update={"values": tuple(kept.values())}) if isinstance(part, Choices) else part)
    if wrong:
        raise ConfigError(source, wrong)
    return fixed, tuple(found)


def part_of(facts: FieldFacts, text: str) -> Choices | Range | None:
    """Read a list or a range; None for a single value. Raises ValueError, in a sentence, for a range that is none."""
    found = RANGE.fullmatch(text)
    if found is not None:
        return _range(facts, *found.groups())
    if ".." in text and facts.kind in ("int", "float"):
        raise ValueError(f'must be a range like 1e-4..1e-1 or 1e-4..1e-1:log, got "{printable(text)}"')
    values = [value.strip() for value in text.split(",")]
    if len(values) == 1:
        return None
    if not all(values):
        raise ValueError(f'has an empty value in its list, got "{printable(text)}"')
    return Choices(path=facts.path, values=tuple(dict.fromkeys(values)))


def _range(facts: FieldFacts, low: str, high: str, scale: str | None) -> Range:
    if facts.kind not in ("int", "float"):
        raise ValueError("takes a list of values, a,b,c; only numbers have ranges")
    try:
        ends = float(low), float(high)
    except ValueError:
        raise ValueError(f'must be a range like 1e-4..1e-1:log, got "{printable(low)}..{printable(high)}"') from None
    if not all(map(math.isfinite, ends)) or ends[0] >= ends[1]:
        raise ValueError(f"must go from a lower to a higher number, got {printable(low)}..{printable(high)}")
    if scale == "log" and ends[0] <= 0:
        raise ValueError(f"has no logarithm at 0 or below; begin above 0, or leave :log out, got {printable(low)}")
    if facts.kind == "int" and any(end != round(end) for end in ends):
        raise ValueError(f"must go from a whole number to another, got {printable(low)}..{printable(high)}")
    return Range(path=facts.path, low=ends[0], high=ends[1], log=scale == "log", whole=facts.kind == "int")


def grid(space: Space) -> Iterator[dict[str, str]]:
    """Yield every setting of a space of lists, the last field's values quickest."""
    lists = [part for part in space if isinstance(part, Choices)]
    for values in itertools.product(*(part.values for part in lists)):
        yield dict(zip((part.path for part in lists), values, strict=True))


def size(space: Space) -> int | None:
    """Return how many settings a space has; None where a range makes them endless."""
    if any(isinstance(part, Range) for part in space):
        return None
    return math.prod(len(part.values) for part in space if isinstance(part, Choices))


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Return path → its last name; the whole path where two have that."""
    last = [path.rpartition(".")[2] for path in paths]
    return {path: name if last.count(name) == 1 else path for name, path in zip(last, paths, strict=True)}


def label(setting: Mapping[str, str]) -> str:
    """Return a setting in words, `lr 0.01, hidden_size 16`; a field by its whole path where two have its last name."""
    names = short_names(list(setting))
    return ", ".join(f"{names[path]} {value}" for path, value in setting.items())


def trials_of(space: Space, trials: int | None, sampler: str) -> int:
    """Return how many settings are tried. Raises UserError for a grid without an end, or too many of them."""
    if not space:
        raise UserError("sweep: give a field a list or a range, such as --optim.lr 0.001,0.01 or 1e-4..1e-1:log")
    many = size(space)
    if sampler == "grid":
        if many is None:
            path, text = next((part.path, part.written) for part in space if isinstance(part, Range))
            way_out = "give a list, or --sampler tpe with --trials"
            raise UserError(f"sweep: a grid has no end with --{path} {text}; {way_out}")
        trials = many if trials is None else min(trials, many)
    if trials is None:
        if many is None:
            raise UserError(f"sweep: --trials is missing: how many settings {sampler} shall draw from a range")
        way_out = "without --sampler all are tried, as a grid"
        raise UserError(f"sweep: --trials is missing: how many of the {many:,} settings {sampler} shall try; {way_out}")
    if trials > MOST_SETTINGS:
        raise UserError(f"sweep: {trials:,} settings are more than the {MOST_SETTINGS:,} that a sweep tries")
    return trials


def briefly(space: Sequence[Choices | Range]) -> str:
    """Return what a sweep goes over in words; of a long list its first values, and how many there are."""
    return ", ".join(f"{part.path} {_brief(part)}" for part in space)


def _brief(part: Choices | Range) -> str:
    if isinstance(part, Range) or len(part.written) <= LONGEST_LIST:
        return part.written
    first = part.values[: FIRST_VALUES if sum(map(len, part.values[:FIRST_VALUES])) <= LONGEST_LIST else 1]
    return f"{','.join(first)},… ({len(part.values):,} values)"


def plain(space: Sequence[Choices | Range]) -> dict[str, Any]:
    """Return path → text, as a person types it."""
    return {part.path: part.written for part in space}
