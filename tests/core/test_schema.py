"""Fields, their facts, and the words in which they refuse a value."""

import re
from typing import Any, Literal

import pytest

from seqsum.config import Config, section_type
from seqsum.errors import ConfigError
from seqsum.registry import MODELS, TASKS
from seqsum.schema import FieldFacts, Section, as_text, fields_of, number, setting, shown


class Sample(Section):
    whole: int = setting(3, "a whole number", ge=1, le=9, unit="pieces")
    real: float = setting(0.5, "a number", gt=0, le=1, live=True)
    positive: float = setting(1.0, "a number without a ceiling", gt=0)
    ceiling: int = setting(1, "a number without a floor", le=7)
    free: float = setting(0.0, "any number")
    limit: float | None = setting(None, "a number or off", gt=0)
    count: int | None = setting(None, "a whole number or off", ge=1)
    switch: bool = setting(False, "yes or no")
    kind: Literal["red", "green"] = setting("red", "a colour")
    text: str = setting("x", "free text")
    note: str | None = setting(None, "free text or off")
    words: tuple[str, ...] = setting((), "a list")


def facts() -> dict[str, FieldFacts]:
    return {field.name: field for field in fields_of("sample", Sample)}


def reasons(**values: Any) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        Sample.read(values, "here", "sample")
    assert caught.value.source == "here"
    return dict(caught.value.problems)


def test_facts_come_in_declared_order_with_path_kind_unit_and_default() -> None:
    assert list(facts()) == list(Sample.model_fields)
    kinds = {name: field.kind for name, field in facts().items()}
    assert kinds == {
        "whole": "int", "real": "float", "positive": "float", "ceiling": "int", "free": "float", "limit": "float",
        "count": "int", "switch": "bool", "kind": "choice", "text": "text", "note": "text", "words": "list",
    }  # fmt: skip
    assert facts()["whole"].path == "sample.whole"
    assert facts()["whole"].unit == "pieces"
    assert facts()["real"].unit is None
    assert facts()["whole"].default == 3
    assert facts()["kind"].choices == ("red", "green")
    assert facts()["whole"].choices == ()
    assert {name for name, field in facts().items() if field.optional} == {"limit", "count", "note"}
    assert {name for name, field in facts().items() if field.live} == {"real"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("whole", "1 to 9"),
        ("real", "above 0, at most 1"),
        ("positive", "above 0"),
        ("ceiling", "at most 7"),
        ("free", ""),
        ("limit", "above 0"),
        ("count", "at least 1"),
        ("text", ""),
    ],
)
def test_bounds_in_words(name: str, words: str) -> None:
    assert facts()[name].bounds == words


SECTIONS: list[tuple[str, type[Section]]] = [
    *(("task", task.config_type) for task in TASKS.values()),
    *(("model", entry.config_type) for entry in MODELS.values()),
    *((name, section_type(name, {})) for name in Config.model_fields if name not in ("task", "model")),
]


@pytest.mark.parametrize(
    ("section", "facts"),
    [(kind, facts) for name, kind in SECTIONS for facts in fields_of(name, kind) if facts.bounds],
    ids=lambda one: one.path if isinstance(one, FieldFacts) else one.__name__,
)
def test_bounds_in_words_say_whether_their_ends_belong(section: type[Section], facts: FieldFacts) -> None:
    """Each end of each setting is tried; what is wrong for another reason is not about the bound."""
    words = facts.bounds.replace(",", "")
    ends = {low_or_high: (word, float(end)) for low_or_high, word, end in (
        *(("low", *found) for found in re.findall(r"(above|at least) (\S+)", words)),
        *(("high", *found) for found in re.findall(r"(below|at most) (\S+)", words)),
        *(("low", "at least", found) for found in re.findall(r"(\S+) to ", words)),
        *(("high", "at most", found) for found in re.findall(r" to (\S+)", words)),
    )}  # fmt: skip
    assert ends
    for word, end in ends.values():
        value = int(end) if facts.kind == "int" else end
        try:
            section.read({facts.name: value}, "here", facts.section)
        except ConfigError as error:
            said = dict(error.problems).get(facts.path, "")
        else:
            said = ""
        assert bool(re.match(r"must be (above|below) \S+, got", said)) == (word in ("above", "below")), (value, said)


@pytest.mark.parametrize(
    ("field", "low_side", "inside", "high_side"),
    [("whole", 0, (1, 9), 10), ("real", 0.0, (1e-300, 1.0), 1.0000001), ("count", 0, (1, 10**12), None)],
)
def test_a_bound_holds_exactly_at_its_edge(field: str, low_side: float, inside: Any, high_side: float | None) -> None:
    for value in inside:
        assert getattr(Sample.read({field: value}, "here"), field) == value
        assert getattr(Sample.read({field: repr(value)}, "here"), field) == value
    for value in (low_side, high_side):
        if value is not None:
            assert list(reasons(**{field: value})) == [f"sample.{field}"]


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("whole", "0", 'must be at least 1, got "0"'),
        ("whole", 10, "must be at most 9, got 10"),
        ("whole", "1e1", 'must be at most 9, got "10"'),
        ("whole", "1.5", 'must be a whole number, got "1.5"'),
        ("whole", 1.5, "must be a whole number, got 1.5"),
        ("whole", "three", 'must be a whole number, got "three"'),
        ("whole", "1\udcff", 'must be readable: a byte in it is not UTF-8, got "1\\udcff"'),
        ("whole", None, "must be a whole number, got None"),
        ("whole", "off", 'must be a whole number, got "off"'),
        ("whole", [1], "must be a whole number, got [1]"),
        ("whole", float("nan"), "must be a finite number, got nan"),
        ("real", 0, "must be above 0, got 0"),
        ("real", "0,5", 'must be a number, got "0,5"'),
        ("real", "nan", 'must be a finite number, got "nan"'),
        ("free", "inf", 'must be a finite number, got "inf"'),
        ("free", "1e999", 'must be a finite number, got "1e999"'),
        ("limit", "-2", 'must be above 0, got "-2"'),
        ("switch", "perhaps", 'must be true or false, got "perhaps"'),
        ("kind", "gren", 'must be one of red, green, got "gren"; did you mean "green"?'),
        ("kind", "GREEN", 'must be one of red, green, got "GREEN"; did you mean "green"?'),
        ("kind", "blue", 'must be one of red, green, got "blue"'),
        ("text", 5, "must be text, got 5"),
        ("words", 5, "must be a list, got 5"),
        ("hole", 5, 'is no field; did you mean "whole"?'),
    ],
)
def test_a_wrong_value_is_refused_in_words(name: str, given: Any, reason: str) -> None:
    assert reasons(**{name: given}) == {f"sample.{name}": reason}


@pytest.mark.parametrize(
    "given", ["10000", "1e4", "1E4", "1e+4", " 1e4 ", "1.5e4", "0.1e5", "10_000", "10,000", "1,000,000", 1e4]
)
def test_a_whole_number_is_read_as_people_write_large_ones(given: Any) -> None:
    expected = given if isinstance(given, float) else float(given.replace(",", ""))
    assert Sample.read({"count": given}, "here").count == expected


@pytest.mark.parametrize(
    "given", ["1.5e0", "1e-1", "15e-1", "1,5", "1,50", "1,0000", "1.500,0", "e4", "1e4e4", "1e", "１e４"]
)
def test_what_is_no_whole_number_stays_refused(given: str) -> None:
    assert reasons(count=given) == {"sample.count": f'must be a whole number, got "{given}"'}


def test_an_unknown_field_without_a_near_name_lists_the_fields() -> None:
    assert reasons(zzz=1) == {"sample.zzz": "is no field; the fields are " + ", ".join(Sample.model_fields)}


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("name", ["whole", "real", "limit", "count"])
def test_a_boolean_is_no_number(name: str, given: bool) -> None:
    kind = "a whole number" if name in ("whole", "count") else "a number"
    assert reasons(**{name: given}) == {f"sample.{name}": f'must be {kind}, got "{str(given).lower()}"'}


def test_every_wrong_field_is_told_at_once() -> None:
    wrong = {"whole": 99, "real": "x", "kind": "blue", "words": 1, "nonsense": 0, "other": 0}
    assert set(reasons(**wrong)) == {f"sample.{name}" for name in wrong}


@pytest.mark.parametrize("text", ["off", "OFF", " off ", "none", "None", ""])
def test_off_means_none_where_none_is_allowed(text: str) -> None:
    made = Sample.read({"limit": text, "count": text, "note": text}, "here")
    assert (made.limit, made.count, made.note) == (None, None, None)
    assert Sample.read({"text": text}, "here").text == text


@pytest.mark.parametrize(
    ("text", "words"), [("a", ("a",)), ("a, b", ("a", "b")), (" a ,,b, ", ("a", "b")), ("", ()), (",", ()), ("off", ())]
)
def test_a_list_is_typed_with_commas(text: str, words: tuple[str, ...]) -> None:
    assert Sample.read({"words": text}, "here").words == words


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"whole": 9, "real": 1e-12, "free": -0.1, "limit": 1.0, "count": 1},
        {"free": 1 / 3, "real": 0.1 + 0.2, "positive": 5e-324, "limit": 1.7976931348623157e308},
        {"switch": True, "kind": "green", "text": "a b", "note": "hm", "words": ("a", "b c")},
        {"positive": 1e16, "free": 123456789.0, "ceiling": -5},
    ],
)
def test_as_text_is_read_back_to_the_same_value(values: dict[str, Any]) -> None:
    made = Sample.read(values, "here")
    typed = {name: as_text(getattr(made, name)) for name in Sample.model_fields}
    assert Sample.read(typed, "here") == made


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "off"),
        (True, "true"),
        (5.0, "5"),
        (0.001, "0.001"),
        (1e-8, "1e-8"),
        (7, "7"),
        (("a", "b"), "a, b"),
        ((), ""),
    ],
)
def test_as_text_is_what_a_person_types(value: Any, text: str) -> None:
    assert as_text(value) == text


def test_a_section_is_frozen() -> None:
    with pytest.raises(Exception, match="frozen"):
        Sample().whole = 4  # type: ignore[misc]


def test_a_shown_value_is_short_and_literal() -> None:
    assert shown("a\nb\x1b") == '"a\\nb\\x1b"'
    assert shown(5) == "5"
    assert len(shown("x" * 5000)) <= 60
    assert shown("x" * 5000).endswith("…")


@pytest.mark.parametrize(("value", "text"), [(100.0, "100"), (0.5, "0.5"), (1e-8, "1e-8"), (2.0**32 - 1, "4294967295")])
def test_a_number_has_no_needless_point(value: float, text: str) -> None:
    assert number(value) == text
