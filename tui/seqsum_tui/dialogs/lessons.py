"""Six lessons for whoever has never trained a network; each is ticked when the runs show that it was reached."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from seqsum.errors import UserError
from seqsum.presets import load_preset
from seqsum.runs.kinds import Fields
from seqsum_tui.dialogs.dialog import Dialog
from seqsum_tui.shared import dialog_keys
from seqsum_tui.shared.polling import in_thread

if TYPE_CHECKING:
    from seqsum.runs.entry import Entry

MOST_RECORDS = 300
"""How many of the newest runs are asked whether they are forks."""
FEWEST_SEEDS = 4
LAYOUT = "lessons"

Seen = Collection[str]
"""What a person has looked at in Ask, as `page: view: run`, and whether a fork went further."""
Reached = Callable[[Sequence["Entry"], Seen], bool]


@dataclass(frozen=True)
class Lesson:
    """goal: what is to be found out; how: the keys that lead there; reached: whether the runs, or what was looked at,
    show that it was."""

    title: str
    goal: str
    how: str
    reached: Reached


def _went(*words: str) -> Reached:
    return lambda entries, seen: any(one.summary.verdict and one.summary.verdict.word in words for one in entries)


def _learned(entry: Entry) -> bool:
    return _went("learned")([entry], ())


def _raised(entry: Entry) -> bool:
    """Whether the learning rate and its warm-up are both above those of the run's preset."""
    try:
        own = load_preset(entry.summary.preset).config
    except UserError:
        return False
    values = [(entry.setting(path), own.value(path)) for path in ("optim.lr", "schedule.warmup_steps")]
    return all(isinstance(value, int | float) and value > least for value, least in values)


def _warmed_up(entries: Sequence[Entry], seen: Seen) -> bool:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.summary.group:
            groups.setdefault(entry.summary.group, []).append(entry)
    return any(
        len(members) >= FEWEST_SEEDS and all(map(_learned, members)) and all(map(_raised, members))
        for members in groups.values()
    )


def _looked(start: str) -> Reached:
    """Whether it was looked at in a run of the sum that learned."""
    return lambda entries, seen: any(
        f"{start}: {one.summary.id}" in seen and one.setting("task.name") == "sum_modulo" and _learned(one)
        for one in entries
    )


def _went_further(child: Entry, parent: Entry | None) -> bool:
    """Whether a fork ended with a better accuracy than the run that it was forked from."""
    ends = [one.summary.metrics.get("accuracy", math.nan) for one in (child, parent) if one is not None]
    return len(ends) == 2 and ends[0] > ends[1]


FORKED = "fork"
BY_LENGTH, TRAJECTORY = LOOKED = ("whole: By length", "inside: Trajectory")
LESSONS = (
    Lesson(
        "Learn",
        "See a network learn to add, and ask it.",
        "n, enter, enter trains adds; then a, and type 1 2 3",
        _went("learned"),
    ),
    Lesson(
        "Explode",
        "What does too high a learning rate do?",
        "n on adds, with optim.name sgd, optim.lr 50, schedule.warmup_steps 0",
        _went("diverged", "collapsed"),
    ),
    Lesson(
        "Warm up",
        "Find a setting with which every seed learns.",
        "n on adds, with optim.lr 0.02, schedule.warmup_steps 500, Seeds 8",
        _warmed_up,
    ),
    Lesson(
        "Fork",
        "Too small, or stopped too early? Go on and see.",
        "n on baseline; when it ends, F with train.steps=40000",
        lambda entries, seen: FORKED in seen,
    ),
    Lesson(
        "Generalise",
        "Trained on five digits: what of a hundred?",
        "a on a run that learned; 3, then v to By length",
        _looked(BY_LENGTH),
    ),
    Lesson(
        "Look inside",
        "Where in the network is the sum?",
        "n on sota_warmup; when it ends a, type 1 2 3; 2 shows Trajectory",
        _looked(TRAJECTORY),
    ),
)


def noted(layout: Mapping[str, object], looked_at: str) -> dict[str, list[str]] | None:
    """Return what is to be kept once a person has looked at something; None where nothing new
    was that a lesson is of."""
    seen, reached = _kept(layout)
    new = looked_at.startswith(LOOKED) and looked_at not in seen
    return {"seen": [*seen, looked_at], "reached": reached} if new else None


def _kept(layout: Mapping[str, object]) -> tuple[list[str], list[str]]:
    """Return what was looked at, and the titles of the lessons that were reached."""
    kept = Fields(layout, LAYOUT)
    return kept.texts("seen"), kept.texts("reached")


class LessonsScreen(Dialog[None]):
    """Closes with escape; nothing depends on it."""

    CSS_PATH = "lessons.tcss"
    BINDINGS: ClassVar[list[BindingType]] = dialog_keys.LESSONS

    def compose(self) -> ComposeResult:
        """Make the page."""
        with Vertical(id="dialog") as box:
            box.border_title = "Six lessons"
            box.border_subtitle = "esc closes"
            with VerticalScroll():
                yield Static(id="lessons")

    def on_mount(self) -> None:
        """Show the lessons, and tick them once the runs were read."""
        self._show([])
        self.run_worker(self._tick(), name="lessons")

    async def _tick(self) -> None:
        seen, before = _kept(self.console.layout(LAYOUT))
        now = {lesson.title for lesson in await in_thread(lambda: self._reached(set(seen)))}
        # What was reached stays reached, also when its runs go.
        reached = [lesson for lesson in LESSONS if lesson.title in now.union(before)]
        if not now.issubset(before):
            self.console.keep_layout(LAYOUT, {"seen": seen, "reached": [lesson.title for lesson in reached]})
        self._show(reached)

    def _reached(self, seen: set[str]) -> list[Lesson]:
        try:
            entries = self.console.workspace.index.read().entries
            runs = self.console.workspace.runs()[:MOST_RECORDS]
        except UserError:
            return []
        known = {entry.summary.id: entry for entry in entries}
        parents = {run.id: str(parent.get("run")) for run in runs if (parent := run.record_or_blank().parent)}
        if any(id in known and _went_further(known[id], known.get(parent)) for id, parent in parents.items()):
            seen.add(FORKED)
        return [lesson for lesson in LESSONS if lesson.reached(entries, seen)]

    def _show(self, reached: Sequence[Lesson]) -> None:
        self.query_one("#dialog").border_title = f"Six lessons: {len(reached)} reached"
        following = next((lesson for lesson in LESSONS if lesson not in reached), None)
        lines: list[Content] = []
        for number, lesson in enumerate(LESSONS, start=1):
            sign, colour = ("✓", "$text-success") if lesson in reached else ("·", "$foreground-muted")
            if lesson is following:
                sign, colour = "→", "$text-accent"
            lines += [
                Content.assemble((f"{sign} {number} {lesson.title}", f"bold {colour}"), "  ", lesson.goal),
                Content.styled(f"    {lesson.how}", "$foreground-muted"),
            ]
        lines.append(
            Content.styled(
                "All six are told at length in docs/tutorial; make docs builds them into a site.", "$foreground-muted"
            )
        )
        self.query_one("#lessons", Static).update(Content("\n").join(lines))
