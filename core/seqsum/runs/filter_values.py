"""What a filter compares: numbers, times, words, patterns, and the tests that come of them."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from seqsum.errors import did_you_mean
from seqsum.formatting import is_share, shortest
from seqsum.runs.entry import ABSENT, Entry
from seqsum.runs.filter_tokens import FilterError, Token
from seqsum.schema import OFF, FieldFacts, as_text
from seqsum.text import one_line

Test = Callable[[Entry, float], bool]
Value = Callable[[Entry, float], Any]
Words = Callable[[str], bool]

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip
SPANS = {
    unit: span
    for span, units in {
        1.0: "s sec second seconds", 60.0: "m min minute minutes", 3600.0: "h hour hours", 86_400.0: "d day days",
        604_800.0: "w week weeks",
    }.items() for unit in units.split()
}  # fmt: skip
UNITS = "|".join(sorted(SPANS, key=len, reverse=True))
TIME_PART = re.compile(rf"\s*(?P<number>\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>{UNITS})")
LARGE = {"k": 1e3, "K": 1e3, "M": 1e6}
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
NOT_FINITE = {"nan": math.nan, "inf": math.inf, "infinity": math.inf, "∞": math.inf}
FILE_SIZE = re.compile(r"(?P<number>[\d.,]+)\s*(?P<prefix>[kKMGT]?)(B|bytes?)?")
LONGEST_REGEX = 500
# A group that repeats or offers a choice, and is repeated itself.
RUNAWAY = re.compile(r"\((?:[^()\\]|\\.)*[*+}|](?:[^()\\]|\\.)*\)[*+{]")


# Words


def words_of(name: str, sign: str, value: Token) -> Words:
    """Return the test of a text by a sign: = the whole of it, : a part, ~ a regular expression; an asterisk that is not
    in quotes stands for anything. Case doesn't matter."""
    if sign in ("~", "!~"):
        return _regex(name, value.text)
    text = value.text
    if value.kind == "word" and "*" in text:
        pattern = re.compile(".*".join(map(re.escape, text.split("*"))), re.IGNORECASE | re.DOTALL)
        search = pattern.search if sign == ":" else pattern.fullmatch
        return lambda found: search(found) is not None
    wanted = text.lower()
    if sign == ":":
        return lambda found: wanted in found.lower()
    return lambda found: found.lower() == wanted


def _regex(name: str, text: str) -> Words:
    if len(text) > LONGEST_REGEX or RUNAWAY.search(text):
        raise FilterError(
            f'filter: the regular expression "{one_line(text)[:60]}" can take forever: repeat no group that repeats or '
            "has a choice in it",
            about="value",
        )
    try:
        search = re.compile(text, re.IGNORECASE).search
    except (re.error, RecursionError, OverflowError) as error:
        reason = getattr(error, "msg", "") or "it is too large"
        about = f"{reason}; one with spaces or brackets goes in quotes"
        raise FilterError(f'filter: "{one_line(text)}" is no regular expression: {about}', about="value") from None
    return lambda found: search(found) is not None


def text_test(name: str, text_of: Value, sign: str, value: Token) -> Test:
    if sign not in ("=", "!=", ":", "~", "!~"):
        raise FilterError(
            f'filter: {name} is text: compare it with =, !=, : (contains) or ~ (regular expression), not with "{sign}"',
            about="sign",
        )
    wanted, negated = words_of(name, sign, value), sign.startswith("!")
    return lambda entry, now: wanted(str(text_of(entry, now))) != negated


def list_test(name: str, list_of: Value, sign: str, value: Token) -> Test:
    if sign not in ("=", "!=", ":", "~", "!~"):
        raise FilterError(
            f"filter: {name} are words: compare them with =, !=, : (contains) or ~ (regular expression), not with "
            f'"{sign}"',
            about="sign",
        )
    if "," in value.text and sign in ("=", "!=", ":"):
        raise FilterError(
            f"filter: one of {name} has no comma: {name} in ({one_line(value.text)}) finds either", about="value"
        )
    wanted, negated = words_of(name, sign, value), sign.startswith("!")
    return lambda entry, now: any(wanted(part) for part in list_of(entry, now)) != negated


# Numbers


def number_test(
    name: str, number_of: Value, sign: str, wanted: float | None, below: float = 0.0, above: float = 0.0
) -> Test:
    """Compare by a number, or by None for what is switched off. below, above: how far from it still is the same number
    for = and !=."""
    compare = COMPARE.get("=" if sign == ":" else sign)
    if compare is None:
        raise FilterError(
            f'filter: {name} is a number: compare it with =, !=, <, <=, > or >=, not with "{sign}"', about="sign"
        )
    if wanted is not None and wanted > 1 and math.isfinite(wanted) and (is_share(name) or name == "progress"):
        meant = f"; write {shortest(wanted, 6)}% or {shortest(wanted / 100, 6)}" if wanted <= 100 else ""
        raise FilterError(f"filter: {name} is from 0 to 1{meant}", about="value")
    equal, missing = sign in (":", "="), sign == "!="
    if wanted is None and not (equal or missing):
        raise FilterError(f'filter: {name} can be compared with "off" by = and != only', about="sign")
    if wanted is not None and math.isnan(wanted):
        if not (equal or missing):
            raise FilterError("filter: nothing is more or less than nan: compare it by = and != only", about="sign")
        return lambda entry, now: _is_nan(number_of(entry, now)) != missing

    def test(entry: Entry, now: float) -> bool:
        found = number_of(entry, now)
        if found is ABSENT or (found is None and wanted is not None):
            return missing
        # What is printed as 0.1 is meant as 0.1, whatever the last bit says.
        if found is not None and wanted is not None and math.isclose(found, wanted, rel_tol=1e-9):
            return sign in (":", "=", "<=", ">=")
        if (below or above) and (equal or missing) and found is not None and wanted is not None:
            return bool(wanted - below <= found < wanted + above) == equal
        return compare(found, wanted)

    return test


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def as_number(text: str) -> float | None:
    """Read 0.9, 90%, 1e-3, 20_000, 1,000, 20k, nan, inf; None for what is no number."""
    name = text.lower().lstrip("+-")
    if name in NOT_FINITE:
        return -NOT_FINITE[name] if text.startswith("-") else NOT_FINITE[name]
    scale = 1.0
    if text.endswith("%"):
        text, scale = text[:-1].rstrip(), 0.01
    elif text[-1:] in LARGE:
        text, scale = text[:-1], LARGE[text[-1]]
    if THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    try:
        value = float(text) * scale
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def number(name: str, text: str) -> float:
    """Read a number; raise FilterError for anything else."""
    value = as_number(text)
    if value is None:
        comma = "; a comma parts thousands, as in 1,000, and a decimal has a point" if "," in text else ""
        raise FilterError(
            f'filter: {name} is a number, e.g. 0.9, 90%, 20k or nan; got "{one_line(text)}"{comma}', about="value"
        )
    return value


def file_size(name: str, text: str) -> float:
    """Read a size of files: 500, 20kB, 1.5GB, 3 MB; raise FilterError for anything else."""
    found = FILE_SIZE.fullmatch(text.strip())
    value = as_number(found["number"]) if found else None
    if found is None or value is None:
        raise FilterError(f'filter: {name} is of files, e.g. 200MB or 1.5GB; got "{one_line(text)}"', about="value")
    return value * 1000.0 ** " kMGT".index(found["prefix"].replace("K", "k") or " ")


def rounding(name: str, text: str) -> float:
    """Return how far from a typed number stands what rounds to the digits that were typed; 0 of whole thousands (20k),
    and of shares that are shown as whole only where they are."""
    match = re.fullmatch(r"[+-]?[\d,]*\.?(?P<decimals>\d*)(?:[eE](?P<power>[+-]?\d{1,4}))?\s*(?P<percent>%?)", text)
    if match is None or (is_share(name) and as_number(text) in (0, 1)):
        return 0.0
    places = len(match["decimals"]) - int(match["power"] or 0) + 2 * bool(match["percent"])
    return float(f"5.000001e{-places - 1}")


def seconds(name: str, text: str) -> tuple[float, float]:
    """Read 30s, 10m, 1h30m, 3 min 20 s, 1 day, 2 weeks ago; a lone number is seconds. Return it, and how long a time
    can be that is shown so: times are shown rounded down. Raises FilterError."""
    alone = as_number(text)
    if alone is not None and math.isfinite(alone):
        return alone, 2 * rounding(name, text)
    text = text.lower().removesuffix(" ago")
    place, total, last, units = 0, 0.0, 0.0, []
    while (match := TIME_PART.match(text, place)) is not None:
        total += float(match["number"]) * SPANS[match["unit"]]
        last = SPANS[match["unit"]] * 2 * rounding(name, match["number"])
        units.append(SPANS[match["unit"]])
        place = match.end()
    if not units or text[place:].strip() or units != sorted(set(units), reverse=True):
        raise FilterError(
            f'filter: {name} is a time, e.g. 30s, 10m, 1h30m or 2d; got "{one_line(text)}"', about="value"
        )
    return total, last


# Settings


def setting_test(name: str, path: str, facts: FieldFacts | None, sign: str, value: Token) -> Test:
    def setting(entry: Entry, now: float) -> Any:
        return entry.setting(path)

    def numeric(entry: Entry, now: float) -> Any:
        # A record may hold anything.
        found = entry.setting(path)
        return found if found is None or isinstance(found, int | float) else ABSENT

    def listed(entry: Entry, now: float) -> Any:
        found = entry.setting(path)
        return tuple(part for part in found if isinstance(part, str)) if isinstance(found, list | tuple) else ()

    kind = facts.kind if facts is not None else ""
    if facts is not None and facts.optional and value.text.lower() in OFF:
        return number_test(name, setting, sign, None)
    if kind in ("int", "float") and facts is not None and value.text.lower() in facts.words:
        return text_test(name, lambda entry, now: as_text(setting(entry, now)), sign, value)
    if kind in ("int", "float"):
        return number_test(name, numeric, sign, number(name, value.text))
    if kind == "bool":
        # As the form and the reasons for a backend say it.
        value = replace(value, text={"on": "true", "off": "false"}.get(value.text.lower(), value.text))
        check_choice(name, value, ("true", "false"), sign)
    elif kind == "choice" and facts is not None and sign in ("=", "!="):
        check_choice(name, value, facts.choices, sign)
    elif kind == "" and as_number(value.text) is not None:
        return _either_kind(name, setting, sign, value)
    if kind == "list":
        return list_test(name, listed, sign, value)
    test = text_test(name, lambda entry, now: as_text(setting(entry, now)), sign, value)
    missing = sign.startswith("!")
    return lambda entry, now: missing if setting(entry, now) is ABSENT else test(entry, now)


def _either_kind(name: str, value_of: Value, sign: str, value: Token) -> Test:
    """A plug-in's setting that is not loaded here: a number is compared as one, anything else as text."""
    by_number = number_test(name, value_of, sign, as_number(value.text))

    def test(entry: Entry, now: float) -> bool:
        found = value_of(entry, now)
        if found is ABSENT or isinstance(found, int | float):
            return by_number(entry, now)
        return (sign == "!=") != (str(found).lower() == value.text.lower())

    return test


def in_quotes(choice: str) -> str:
    """Return a choice as it is typed: one of several words in quotes."""
    return f'"{choice}"' if " " in choice else choice


def check_choice(name: str, value: Token, choices: Iterable[str], sign: str) -> None:
    """Refuse what none of the choices is."""
    choices = tuple(choices)
    wanted = words_of(name, sign.removeprefix("!"), value)
    if not any(map(wanted, choices)):
        near = did_you_mean(value.text, choices) or f"; it is one of {', '.join(map(in_quotes, choices))}"
        raise FilterError(f'filter: {name} is never "{one_line(value.text)}"{near}', about="value")
