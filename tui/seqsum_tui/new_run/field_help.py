"""What the help panel says: of a field, or of where the cursor is."""

from __future__ import annotations

from textual.content import Content

from seqsum.glossary import Term, terms_in
from seqsum.schema import FieldFacts
from seqsum.text import printable
from seqsum_tui.shared.field_editors import choices_of
from seqsum_tui.shared.links import linked

MOST_CHOICES = 8
KINDS = {
    "int": "whole number",
    "float": "number",
    "bool": "off or on",
    "text": "text",
    "list": "list, separated by commas",
}


def field_help(facts: FieldFacts, preset_text: str, note: str | None = None, section: str = "") -> Content:
    """A field's path, kind, bounds, unit and preset value in one line; what it means in the next; what is to be said of
    its value after that; in the last, what its words mean, after those of the line over its section."""
    choices = choices_of(facts)
    few = len(choices) <= MOST_CHOICES
    kind = KINDS.get(facts.kind) or ("one of " + ", ".join(choices) if few else f"one of {len(choices)}: enter")
    parts = [
        kind,
        facts.bounds,
        facts.unit or "",
        facts.instead,
        f"preset {preset_text or 'none'}",
    ]
    if facts.live:
        parts.append("can change while it trains")
    said = " · ".join(part for part in parts if part)
    text = _titled(facts.path, "  " + said, facts.description)
    if note is not None:
        text = Content.assemble(text, (f"\n! {printable(note)}", "$text-warning"))
    own = terms_in(f"{facts.name} {facts.description}")
    above = [term for term in terms_in(section) if term not in own]
    return Content.assemble(text, *_explained([*above, *own]))


def _explained(terms: list[Term]) -> list[Content]:
    return [
        Content.assemble((f"\n{term.title}", "bold"), "  ", linked(term.meaning, "$foreground-muted")) for term in terms
    ]


def fold_help(section: str) -> Content:
    """What the line over a section's advanced fields is for."""
    text = "enter shows them, or folds them away; F9 does it in every section\nwhat you changed always stays in view"
    return _titled(f"{section}: advanced settings", "", text)


def presets_help(overflows: bool, sweeps: bool = False) -> Content:
    """The keys of the preset list; `overflows` when its description has more lines than room."""
    return _titled(
        "Choose a preset",
        "  page down: read on" if overflows else "",
        f"↑↓ choose · type to search · enter: {'Sweep' if sweeps else 'Start'} · tab: settings",
    )


def start_help(sweeps: bool = False) -> Content:
    """What starting means."""
    if sweeps:
        text = (
            "enter starts the sweep now, and shows it · ← seeds · ↑ settings\n"
            "it runs in processes of its own, as many at once as there are workers, and goes on when you close this "
            "console"
        )
        return _titled("Sweep", "", text)
    return _titled(
        "Start",
        "",
        "enter starts now · F7 queues · ← seeds · ↑ settings\n"
        "it trains in a process of its own, and goes on when you close this console",
    )


def name_help(problem: str | None, sweep: str = "") -> Content:
    """What the name of a run is for, or why it can't be used; of a sweep, which is called `sweep` without one."""
    if sweep:
        text = f"what the sweep is called, and its runs' groups begin with; without one it is called {sweep}"
        return _or_wrong("name", problem, text)
    return _or_wrong("name", problem, "what the run is called in the list; without one it is called after its preset")


def seeds_help(problem: str | None, sweeps: bool = False) -> Content:
    """What several seeds are for, or what is wrong with their number."""
    text = (
        (
            "how many seeds each setting is trained with, from train.seed on: one run's luck is no result\n"
            "from four on a difference can be told from chance"
        )
        if sweeps
        else (
            "how many runs to start, with seeds from train.seed on: one run's luck is no result\n"
            "they stand in one group, and wait for free workers"
        )
    )
    return _or_wrong("seeds", problem, text)


def trials_help(problem: str | None) -> Content:
    """What the number of settings is for, or what is wrong with it."""
    text = (
        "how many settings are drawn from the ranges, each tried with every seed\n"
        "later ones are drawn near the best (TPE)"
    )
    return _or_wrong("settings", problem, text)


def find_help() -> Content:
    """The keys of the search line."""
    return _titled("Find a field", "", "enter goes to the one that fits best · escape shows all fields again")


def _or_wrong(title: str, problem: str | None, text: str) -> Content:
    if problem is None:
        return _titled(title, "", text)
    return Content.assemble(_titled(title, "", ""), (f"✗ {printable(problem)}", "$text-error"))


def _titled(title: str, beside: str, text: str) -> Content:
    return Content.assemble((title, "bold $primary"), (printable(beside), "$foreground-muted"), "\n" + printable(text))
