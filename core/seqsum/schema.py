"""What a configuration section is made of: fields with description, bounds and unit, and errors a person can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from seqsum.errors import ConfigError, did_you_mean
from seqsum.formatting import enumerated, full
from seqsum.text import one_line

OFF = ("off", "none", "")
WHOLE = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d[\d_]*(\.\d+)?e\+?\d{1,2})", re.ASCII | re.IGNORECASE)
"""A whole number as people write large ones: 10,000 or 1e4."""
BOUNDS = ("ge", "gt", "le", "lt")


def setting(
    default: Any,
    description: str,
    *,
    unit: str | None = None,
    live: bool = False,
    basic: bool = False,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    used_when: Mapping[str, tuple[str, ...]] | None = None,
) -> Any:
    """A field of a section: its default, what it means, its unit and bounds.

    A `live` field can change while a run trains; a `basic` one is shown first, the others on demand. `used_when` says
    with which values of other fields, by path, it counts at all: a form need not show it with others. It is accepted
    all the same.
    """
    return Field(
        default,
        description=description,
        ge=ge,
        gt=gt,
        le=le,
        lt=lt,
        json_schema_extra={
            "unit": unit,
            "live": live,
            "basic": basic,
            "used_when": {path: list(values) for path, values in (used_when or {}).items()},
        },
    )


class Section(BaseModel):
    """Base of every configuration section: frozen, unknown fields refused, no infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _read_words(cls, data: Any) -> Any:
        """Read what only text can say: `off` for None and an empty list, `a, b` for a list, 1e4 or 10,000 for a whole
        number; refuse a boolean where a number belongs."""
        if not isinstance(data, Mapping):
            return data
        values = dict(data)
        for name, value in values.items():
            info = cls.model_fields.get(name)
            if info is None:
                continue
            kinds = _kinds(info.annotation)
            if isinstance(value, str):
                if NoneType in kinds and value.strip().lower() in OFF:
                    values[name] = None
                elif value.strip().lower() in words_of(info.annotation):
                    values[name] = value.strip().lower()
                elif int in kinds and WHOLE.fullmatch(value.strip()):
                    meant = Decimal(value.replace(",", "").replace("_", ""))
                    values[name] = str(int(meant)) if meant == int(meant) else value
                elif any(get_origin(kind) is tuple for kind in kinds):
                    parts = [] if value.strip().lower() == "off" else value.split(",")
                    values[name] = tuple(part.strip() for part in parts if part.strip())
            elif isinstance(value, bool) and bool not in kinds and (int in kinds or float in kinds):
                values[name] = str(value).lower()
        return values

    @classmethod
    def read(cls, data: Mapping[str, Any], source: str, prefix: str = "") -> Self:
        """Make the section from a mapping; raise ConfigError naming every wrong field at once."""
        try:
            return cls.model_validate(dict(data))
        except ValidationError as error:
            raise ConfigError(source, problems(error, cls, prefix)) from None


def _kinds(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of an annotation: `float | None` gives (float, NoneType), bounds left out."""
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return tuple(get_args(part)[0] if get_origin(part) is Annotated else part for part in parts)


def words_of(annotation: Any) -> tuple[str, ...]:
    """The words that can stand where a number does: `int | Literal["auto"]` gives ("auto",)."""
    kinds = _kinds(annotation)
    if not {int, float} & {*kinds}:
        return ()
    return tuple(str(word) for kind in kinds if get_origin(kind) is Literal for word in get_args(kind))


def problems(error: ValidationError, section: type[Section], prefix: str = "") -> list[tuple[str, str]]:
    """Turn pydantic's errors into (path, reason) pairs in a person's words."""
    found: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        parts = [str(part) for part in detail["loc"]]
        info = section.model_fields.get(parts[0]) if parts else None
        words = words_of(info.annotation) if info is not None else ()
        if words:  # what is wrong of the number, which comes first, and not of each alternative
            parts = parts[:1]
        path = ".".join([prefix, *parts] if prefix else parts)
        found.setdefault(path, _reason(detail, section, words))
    return list(found.items())


def _reason(detail: ErrorDetails, section: type[Section], words: tuple[str, ...] = ()) -> str:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        name = str(detail["loc"][-1])
        fields = ", ".join(section.model_fields)
        return "is no field" + (did_you_mean(name, section.model_fields) or f"; the fields are {fields}")
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        choices = str(context["expected"])
        names = [choice.strip(" '") for choice in choices.replace(" or ", ", ").split(",")]
        return f"must be one of {', '.join(names)}, got {shown(given)}" + did_you_mean(str(given), names)
    bounds = {
        "greater_than_equal": ("at least", "ge"),
        "greater_than": ("above", "gt"),
        "less_than_equal": ("at most", "le"),
        "less_than": ("below", "lt"),
    }
    if kind in bounds:
        word, key = bounds[kind]
        return f"must be {word} {number(context[key])}, got {shown(given)}"
    expected = {
        "int_parsing": "a whole number",
        "int_type": "a whole number",
        "int_from_float": "a whole number",
        "int_parsing_size": "a whole number of reasonable size",
        "float_parsing": "a number",
        "float_type": "a number",
        "finite_number": "a finite number",
        "bool_parsing": "true or false",
        "bool_type": "true or false",
        "string_type": "text",
        "string_unicode": "readable: a byte in it is not UTF-8",
        "tuple_type": "a list",
        "model_type": "a section with fields",
    }
    if kind in expected:
        return f"must be {enumerated([expected[kind], *words], 'or')}, got {shown(given)}"
    return f"{detail['msg'].replace('Input should be', 'must be')}, got {shown(given)}"


def shown(value: Any) -> str:
    """A value in an error message: short, literal, on one line, text in quotes."""
    text = one_line(f'"{value}"' if isinstance(value, str) else repr(value))
    return text if len(text) <= 60 else text[:57] + "…"


def number(value: float) -> str:
    """A number without a needless decimal point: 100, 0.5, 1e-8."""
    return str(int(value)) if value == int(value) else full(value)


def _bound(value: float) -> str:
    """A number; a power of ten with more zeros than one counts at a glance as 1e6, 1e9."""
    zeros = len(str(int(value))) - 1
    return f"1e{zeros}" if zeros >= 6 and value == 10**zeros else number(value)


@dataclass(frozen=True)
class FieldFacts:
    """What a form, a command line and a document need to know of one field.

    `kind` is one of int, float, bool, choice, text, list; `path` is `section.field`; `words` are what can stand in
    place of a number, off left out.
    """

    section: str
    name: str
    kind: str
    description: str
    unit: str | None
    default: Any
    choices: tuple[str, ...]
    optional: bool
    live: bool
    low: float | None
    low_open: bool
    high: float | None
    high_open: bool = False
    used_when: tuple[tuple[str, tuple[str, ...]], ...] = ()
    basic: bool = False
    words: tuple[str, ...] = ()

    @property
    def instead(self) -> str:
        """What can stand in place of a value, in words: `or auto or off`; empty where nothing can."""
        return " ".join(f"or {word}" for word in (*self.words, *(("off",) * self.optional)))

    @property
    def path(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def bounds(self) -> str:
        """The bounds in words, such as `2 to 100`, `above 0, below 1`, `at least 1`; empty where there are none."""
        if self.low is not None and self.high is not None and not self.low_open and not self.high_open:
            return f"{_bound(self.low)} to {_bound(self.high)}"
        ends = (
            ("above" if self.low_open else "at least", self.low),
            ("below" if self.high_open else "at most", self.high),
        )
        return ", ".join(f"{word} {_bound(end)}" for word, end in ends if end is not None)


def fields_of(section_name: str, section: type[Section]) -> Iterator[FieldFacts]:
    """Yield the facts of every field of a section, in the order they are declared."""
    for name, info in section.model_fields.items():
        yield _facts(section_name, name, info)


def _facts(section: str, name: str, info: FieldInfo) -> FieldFacts:
    kinds = _kinds(info.annotation)
    plain = next(kind for kind in kinds if kind is not NoneType)
    choices: tuple[str, ...] = ()
    if get_origin(plain) is Literal:
        kind, choices = "choice", tuple(str(choice) for choice in get_args(plain))
    elif get_origin(plain) is tuple:
        kind = "list"
    else:
        kind = {int: "int", float: "float", bool: "bool"}.get(plain, "text")
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    within = [*info.metadata, *_bounds_within(info.annotation)]
    bounds = {key: float(getattr(bound, key)) for bound in within for key in BOUNDS if hasattr(bound, key)}
    unit = extra.get("unit")
    conditions: Any = extra.get("used_when") or {}
    return FieldFacts(
        section=section,
        name=name,
        kind=kind,
        description=info.description or "",
        unit=str(unit) if unit else None,
        default=info.default,
        choices=choices,
        optional=NoneType in kinds,
        live=bool(extra.get("live")),
        low=bounds.get("ge", bounds.get("gt")),
        low_open="gt" in bounds,
        high=bounds.get("le", bounds.get("lt")),
        high_open="lt" in bounds,
        used_when=tuple((path, tuple(values)) for path, values in conditions.items()),
        # Which task and which model comes first, those of plug-ins too.
        basic=bool(extra.get("basic")) or f"{section}.{name}" in ("task.name", "model.name"),
        words=words_of(info.annotation),
    )


def _bounds_within(annotation: Any) -> list[Any]:
    """The bounds of a number that other things can stand for."""
    parts = [part for part in get_args(annotation) if get_origin(part) is Annotated]
    return [bound for part in parts for given in get_args(part)[1:] for bound in getattr(given, "metadata", (given,))]


def as_text(value: Any) -> str:
    """A field's value as a person types it: `off` for None, `a, b` for a list; `Section.read` reads it back."""
    if value is None:
        return "off"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return ", ".join(str(part) for part in value)
    if isinstance(value, float):
        return full(value)
    return str(value)


def name_of(config_type: type[Section]) -> str:
    """Return the name that a task or model is known by: its section's default for `name`."""
    name = config_type.model_fields["name"].default
    assert isinstance(name, str), f"{config_type.__name__}.name needs a default: the name it is known by"
    return name
