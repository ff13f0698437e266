"""A value that can be changed while a run trains: one of ours, or one that a script has declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqsum.errors import ConfigError, UserError
from seqsum.runs.kinds import Fields
from seqsum.schema import as_text
from seqsum.watching import typed_as

if TYPE_CHECKING:
    from seqsum.config import Config
    from seqsum.runs.record import Record


@dataclass(frozen=True)
class LiveValue:
    """path: of the setting, e.g. `optim.lr`; value: as it stands; bounds: what it can be, in words; check: says what is
    wrong with a text, "" where nothing is"""

    path: str
    value: str
    description: str
    bounds: str
    check: Callable[[str], str]

    @classmethod
    def of_config(cls, config: Config, path: str) -> LiveValue:
        """One field of a configuration."""
        facts = next(facts for facts in config.fields() if facts.path == path)
        instead = facts.instead if facts.words else "off for none" if facts.optional else ""
        bounds = ", ".join(filter(None, (facts.bounds, facts.unit or "", instead)))

        def check(text: str) -> str:
            try:
                config.changed({path: text}, "set")
            except ConfigError as error:
                return "; ".join(reason for _, reason in error.problems)
            return ""

        return cls(path, as_text(config.value(path)), facts.description, bounds, check)


def live_values_of(record: Record, settings: Mapping[str, Mapping[str, Any]]) -> tuple[LiveValue, ...]:
    """Return what the script of a run has declared, as it stands; nothing for a run of ours."""
    found = []
    for path in Fields(record.watched or {}, "").texts("live"):
        section, _, name = path.partition(".")
        value = settings.get(section, {}).get(name)
        if isinstance(value, bool | int | float | str):
            found.append(_declared(path, value))
    return tuple(found)


def _declared(path: str, value: bool | int | float | str) -> LiveValue:
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "any word"}

    def check(text: str) -> str:
        try:
            typed_as(value, text, path)
        except UserError as error:
            return str(error).removeprefix(f"{path}: ")
        return ""

    return LiveValue(path, as_text(value), "A value that the script has declared.", kinds[type(value)], check)
