"""All of a run that other tools have a place for: points with their times, configuration, name, tags, note, status."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from seqsum.errors import UserError
from seqsum.runs import Run
from seqsum.runs.buckets import Floats
from seqsum.runs.media import Media, media_of
from seqsum.runs.sections import PLAIN

CLOCK = "wall_time"
FACTS = ("owner", "host", "device", "threads", "backend", "parameters", "git_commit")
Points = Mapping[str, tuple[Floats, Floats]]


@dataclass(frozen=True, eq=False)
class Stored:
    """What is read of a run's store, once. points: metric → steps and values, float64 [n] each; chance: the accuracy of
    guessing, None where nobody knows it."""

    run: Run
    points: Points
    media: Media
    chance: float | None = None

    @classmethod
    def of(cls, run: Run) -> Stored:
        """Read a run. Raises UserError where it has no points yet, or can't be read."""
        with run.store() as store:
            points = {name: store.points(name) for name in store.metrics()}
            media, chance = media_of(store), store.state().get("chance")
        if not points:
            raise UserError(f"export: run {run.id} has no metrics yet")
        return cls(run, points, media, chance)


@dataclass(frozen=True, eq=False)
class Whole:
    """A run as it is at this moment. Times are seconds since 1970.

    ended: when it ended; None while it goes on. config: section → name → value. facts: what seqsum knows besides.
    points: metric → steps and values, float64 [n] each; without the clock, which every point has by `times`.
    media: histograms and texts, none under a metric's name, or under that of the others.
    """

    id: str
    name: str
    group: str
    tags: tuple[str, ...]
    note: str
    status: str
    preset: str
    created: float
    ended: float | None
    config: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, Any]
    points: Points
    clock: tuple[Floats, Floats]
    media: Media

    @classmethod
    def of(cls, stored: Stored) -> Whole:
        """Make it of what was read of a run. Raises UserError where it has no points yet, or can't be read."""
        run, points = stored.run, dict(stored.points)
        steps, times = points.pop(CLOCK, (np.zeros(0), np.zeros(0)))
        if not points:
            raise UserError(f"export: run {run.id} has no metrics yet")
        summary, record = run.summary(), run.record_or_blank()
        facts = {
            "id": run.id, "preset": summary.preset, "status": summary.status, "reason": summary.reason,
            "step": summary.step, "steps": summary.steps or None, "train_seconds": summary.train_seconds,
            "steps_per_second": summary.steps_per_second, "measure": summary.measure, "chance": stored.chance,
            **{name: getattr(record, name) for name in FACTS}, **record.versions,
        }  # fmt: skip
        last = max(float(some[0][-1]) for some in points.values())
        updated = max(summary.updated, summary.created)
        known = [(0.0, summary.created), *zip(steps.tolist(), times.tolist(), strict=True)]
        known += [(last, updated)] if not steps.size or last > steps[-1] else []
        places, moments = (np.array(column) for column in zip(*known, strict=True))
        return cls(
            # A folder that a person renamed may be called anything.
            id=re.sub(r"[^A-Za-z0-9_-]+", "-", run.id),
            name=summary.name,
            group=summary.group or "",
            tags=summary.tags,
            note=summary.note,
            status=summary.status,
            preset=summary.preset,
            created=summary.created,
            ended=None if summary.live else updated,
            config=run.settings(),
            facts={name: value for name, value in facts.items() if value not in (None, "")},
            points=points,
            # A clock that was set back must not have a later step be earlier.
            clock=(places, np.maximum.accumulate(np.where(np.isfinite(moments), moments, summary.created))),
            media=_under_own_names(stored.media, points),
        )

    def times(self, steps: Floats) -> Floats:
        """Return when steps were made: float64 [n]. Where no clock was written, in equal distances between the times
        that are known."""
        return np.interp(steps, *self.clock)

    def rows(self) -> Iterator[tuple[int, float, dict[str, float]]]:
        """Yield step, time and metric → value of each step that has points, ascending."""
        found: dict[float, dict[str, float]] = {}
        for name, (steps, values) in self.points.items():
            for step, value in zip(steps.tolist(), values.tolist(), strict=True):
                found.setdefault(step, {})[name] = value
        ordered = sorted(found)
        for step, when in zip(ordered, self.times(np.array(ordered)).tolist(), strict=True):
            yield int(step), when, found[step]

    def settings(self) -> dict[str, Any]:
        """Return the configuration as section.name → value; what stood in no section has no section here either."""
        return {
            name if section == PLAIN else f"{section}.{name}": value
            for section, values in self.config.items()
            for name, value in values.items()
        }

    def nested(self) -> dict[str, Any]:
        """Return the configuration as section → name → value; what stood in no section beside them."""
        others = {section: dict(values) for section, values in self.config.items() if section != PLAIN}
        return {**self.config.get(PLAIN, {}), **others}


def _under_own_names(media: Media, points: Points) -> Media:
    """Return histograms and texts under tags that nothing else has: other tools have one kind of a name only."""
    histograms, texts = {one.tag for one in media.histograms}, {one.tag for one in media.texts}
    named = _free(histograms, " (histogram)", points), _free(texts, " (text)", {*points, *histograms})
    return replace(
        media,
        histograms=tuple(replace(one, tag=named[0][one.tag]) for one in media.histograms),
        texts=tuple(replace(one, tag=named[1][one.tag]) for one in media.texts),
    )


def _free(tags: Collection[str], behind: str, taken: Collection[str]) -> dict[str, str]:
    """Return a tag → what it is called where some names are taken."""
    found: dict[str, str] = {}
    for tag in sorted(tags):
        name = tag
        while name in taken or (name != tag and name in tags):
            name += behind
        found[tag] = name
    return found
