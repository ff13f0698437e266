"""Keys of one's own: checks the `keys` section of the settings against the keys there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from textual.binding import Binding, BindingType
from textual.keys import Keys, _character_to_key

from seqsum.errors import did_you_mean
from seqsum.text import one_line
from seqsum_tui.charts.chart import Chart
from seqsum_tui.charts.multiples import SmallMultiples
from seqsum_tui.new_run.form import ConfigForm
from seqsum_tui.new_run.keys import KEYS
from seqsum_tui.shared import bindings, dialog_keys

MODIFIERS = ("ctrl", "shift", "alt", "super", "hyper", "meta")


def key_groups() -> Iterator[tuple[str, Sequence[Binding]]]:
    """Yield every part of the console that has keys, and its keys."""
    parts: list[tuple[str, list[BindingType]]] = [
        (name, value)
        for module in (bindings, dialog_keys)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, list)
    ]
    parts += [("NEW_RUN", KEYS), ("FORM", ConfigForm.BINDINGS), ("CHART", Chart.BINDINGS)]
    parts += [("MULTIPLES", SmallMultiples.BINDINGS)]
    for name, keys in parts:
        yield name, [key for key in Binding.make_bindings(keys) if key.id]


def checked(keys: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the keymap that can be used, id → keys, and one sentence for each remap that is left out or takes a key.

    Two ids may have one key where they are never on one screen together.
    """
    groups = {name: _by_id(found) for name, found in key_groups()}
    known = {id for group in groups.values() for id in group}
    good: dict[str, str] = {}
    problems: list[str] = []
    for id, text in keys.items():
        if id not in known:
            near = did_you_mean(id, sorted(known)) or "; the ids stand in the settings (key ,)"
            problems.append(f'keys: no key "{one_line(id)}"{near}')
            continue
        wrong = next((found for key in text.split(",") if (found := key_problem(key))), None)
        if wrong:
            problems.append(f"keys: {id}: {wrong}")
        else:
            good[id] = ",".join(_normal(key) for key in text.split(","))
    problems += _clashes(groups.values(), good)
    return good, problems


def key_problem(key: str) -> str | None:
    """Return why there is no such key, or None."""
    if key == "ctrl+j":
        return '"ctrl+j" is enter to a terminal'
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    names = {member.value for member in Keys} | {f"f{number}" for number in range(1, 25)}
    wrong = next((modifier for modifier in modifiers if modifier not in MODIFIERS), None)
    if wrong is not None:
        return f'no key "{one_line(key)}"{did_you_mean(wrong, MODIFIERS)}'
    if (len(last) == 1 and last.isprintable()) or last in names or key in names or _names_character(last):
        return None
    return f'no key "{one_line(key)}"' + (did_you_mean(last, sorted(names)) or '; write it as in "n", "ctrl+n", "f5"')


def _names_character(name: str) -> bool:
    return any(_character_to_key(chr(code)) == name for code in range(33, 127))


def _normal(key: str) -> str:
    return _character_to_key(key) if len(key) == 1 else key


def _by_id(found: Sequence[Binding]) -> dict[str, set[str]]:
    by_id: dict[str, set[str]] = {}
    for binding in found:
        by_id.setdefault(str(binding.id), set()).add(binding.key)
    return by_id


def _clashes(groups: Iterable[Mapping[str, set[str]]], keymap: Mapping[str, str]) -> Iterator[str]:
    told: set[tuple[str, str]] = set()
    for group in groups:
        taken: dict[str, list[str]] = {}
        for id, keys in group.items():
            for key in keymap[id].split(",") if id in keymap else keys:
                taken.setdefault(key, []).append(id)
        for key, ids in taken.items():
            # Some keys mean two things that are never possible together; they are ours, and fine.
            for one, other in pairwise(ids):
                ours = one not in keymap and other not in keymap
                if not ours and (one, other) not in told:
                    told.add((one, other))
                    yield f'keys: "{key}" is {one} and {other} at once; give one of them another key'
