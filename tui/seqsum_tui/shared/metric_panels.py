"""Which metrics stand together in a chart: chosen from those that a run has written. Knows no screen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from seqsum.runs.parts import TEST
from seqsum.runs.usual_names import usual

# Charts of their own, or beside another metric.
ELSEWHERE = ("loss", "eval_loss", "lr", "accuracy", "train_accuracy", "train_seconds", "epoch", "wall_time")
LAST = ("grad_norm", "steps_per_second", "cpu_percent", "memory_mb", "gpu_percent", "gpu_memory_mb")
TITLES = {
    "lr": "learning rate",
    "accuracy_all_inputs": "accuracy over all inputs",
    "cpu_percent": "CPU %",
    "memory_mb": "memory MB",
    "gpu_percent": "GPU %",
    "gpu_memory_mb": "GPU memory MB",
}
FROM_ZERO = ("learning rate", "steps per second", "CPU %", "memory MB", "GPU %", "GPU memory MB")
"""Charts whose y axis begins at 0: how much there is of it matters more than how it changes."""
SLIM = ("learning rate",)
"""Charts that need little width: one looks at them for their shape."""
MAIN = "main"
"""Stands for what the task measures first of all, whatever its name is there."""
DEFAULT = ("loss", MAIN, "learning rate")
CHANCE = {"accuracy": "majority_class_accuracy", "balanced_accuracy": "majority_class_accuracy"}
SHARES = ("accuracy", "_all_inputs", "_share", "_f1")
NAIVE, NAIVE_PREFIX = {"_same_as_last": "same as last", "_seasonal_naive": "season before"}, "unigram_"


@dataclass(frozen=True)
class Panel:
    """One chart: its title, and its metrics, each with the name it has in the legend.

    `share` says that all of them run from 0 to 1.
    """

    title: str
    metrics: tuple[tuple[str, str], ...]
    share: bool = False

    @property
    def alone(self) -> Panel:
        """The panel with one metric, for a small chart: what is held out rather than what is trained on."""
        chosen = next((name for name, label in self.metrics if label in ("eval", "")), self.metrics[0][0])
        return Panel(self.title, ((chosen, ""),), self.share)

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics' names in the store."""
        return tuple(name for name, _ in self.metrics)


def first_two(known: Collection[str]) -> tuple[Panel, Panel]:
    """Return the charts of a list's preview: the loss, by the name that a run has for it, and what else tells most.

    A run without a loss has what it measures in both.
    """
    loss = usual("loss", known)
    others = [panel.alone for panel in panels(known) if loss not in panel.names]
    if loss not in known and known and len(others) > 1:
        return others[0], others[1]
    first = Panel(title_of(loss), ((loss, ""),))
    return first, others[0] if others else panels(())[0].alone


def loss_panel(known: Collection[str]) -> Panel:
    """Return the loss: of training and, when there is one, of what is held out, and of the test."""
    if "eval_loss" in known:
        return Panel("loss", (("loss", "train"), ("eval_loss", "eval"), *_test("test_loss", known)))
    return Panel("loss", (("loss", ""),))


def panels(known: Collection[str]) -> list[Panel]:
    """Return what the chart beside the loss can show, the most telling first; never empty.

    Accuracy when the task has one, else the mean absolute error against saying the last value again, else whatever the
    task measures. A metric and what it is to be compared with stand together.
    """
    found = []
    if "accuracy" in known or "train_accuracy" in known:
        shown = (("train_accuracy", "train"), ("accuracy", "eval"), *_test("test_accuracy", known))
        # Of what a script logs, the one may never come.
        shown = tuple(one for one in shown if one[0] in known)
        if [name for name, _ in shown] == ["accuracy"]:
            # Of what it is says nobody, and there is nothing to tell it from.
            shown = (("accuracy", ""),)
        found.append(Panel("accuracy", shown, share=True))
    found += sorted(_of_task(known), key=lambda panel: panel.title != "mae")
    if not found and "eval_loss" in known:
        found.append(Panel("eval loss", (("eval_loss", ""),)))
    elif not found:
        found.append(Panel("accuracy", (("train_accuracy", "train"), ("accuracy", "eval")), share=True))
    return found + [_alone(name) for name in LAST if name in known]


def _of_task(known: Collection[str]) -> Iterator[Panel]:
    naive = {f"{name}{suffix}" for name in known for suffix in NAIVE} | {f"{NAIVE_PREFIX}{name}" for name in known}
    for name in sorted(known):
        if name in ELSEWHERE or name in LAST or name in naive or name in CHANCE.values() or _is_test(name, known):
            continue
        beside = [(f"{name}{suffix}", label) for suffix, label in NAIVE.items() if f"{name}{suffix}" in known]
        beside += [(other, "unigram") for other in (f"{NAIVE_PREFIX}{name}",) if other in known]
        beside += [(other, "majority") for other in (CHANCE.get(name, ""),) if other in known]
        beside += _test(f"{TEST}{name}", known)
        yield Panel(title_of(name), (*beside, (name, "eval" if beside else "")), share=name.endswith(SHARES))


def _test(name: str, known: Collection[str]) -> list[tuple[str, str]]:
    """What was measured on the test part, once, at the end."""
    return [(name, "test")] if name in known else []


def _is_test(name: str, known: Collection[str]) -> bool:
    """Whether a metric is that of the test part, and stands beside the one of the validation part."""
    of_validation = name.removeprefix(TEST)
    return of_validation != name and (of_validation in known or f"eval_{of_validation}" in known)


def all_panels(known: Collection[str]) -> list[Panel]:
    """Return every chart that there can be of a run, the usual ones first."""
    first, *others = panels(known)
    return [loss_panel(known), first, _alone("lr"), *others]


def placed_panels(wanted: Sequence[str], known: Collection[str], *, logged: bool = False) -> list[tuple[str, Panel]]:
    """Return the charts that a person wants, by title or MAIN, each behind the title whose place it has; never empty.

    What this run does not have gives its place to the usual chart there, where that is not shown anyway, and is left
    out else; but for what every run writes: that comes yet. logged: the run's script logs what it likes: a chart has a
    metric that is there, and any other takes the place of one that is not.
    """
    every = all_panels(known)
    there = {panel.title: panel for panel in every if not logged or any(name in known for name in panel.names)}
    coming = {} if logged else {title_of(name): _alone(name) for name in LAST}
    main = panels(known)[0]
    if not there:
        return [(DEFAULT[0], loss_panel(known))]

    def find(title: str) -> Panel | None:
        if title == MAIN:
            return main if main.title in there else None
        return there.get(title) or coming.get(title)

    others = [panel for panel in there.values() if panel.names[0] not in LAST] if logged else []
    usual: Sequence[Panel | None] = [find(title) for title in DEFAULT]
    if logged:
        # The order is that of the usual ones: what stands in for the last comes last.
        first = [panel for panel in usual if panel is not None]
        usual = [*first, *(panel for panel in others if panel not in first)][: len(DEFAULT)] or [*there.values()][:1]
    own = [
        usual[place] if logged and place < len(usual) and title == DEFAULT[place] else find(title)
        for place, title in enumerate(wanted)
    ]
    placed: dict[Panel, str] = {}
    for place, (title, panel) in enumerate(zip(wanted, own, strict=True)):
        instead = [*usual[place : place + 1], *others] if panel is None else [panel]
        free = (one for one in instead if one is not None and one not in placed and (one is panel or one not in own))
        if (chosen := next(free, None)) is not None:
            placed[chosen] = title
    return [(title, panel) for panel, title in placed.items()] or placed_panels(DEFAULT, known, logged=logged)


def title_kept(panel: Panel, known: Collection[str]) -> str:
    """Return how a chart is remembered for other runs: the task's first as MAIN, others by their title."""
    return MAIN if panel == panels(known)[0] else panel.title


def titles_kept(
    chosen: Sequence[Panel], shown: Sequence[tuple[str, Panel]], known: Collection[str], *, logged: bool = False
) -> list[str]:
    """Return how each of the charts that were `chosen` is remembered, where `shown` are those that stood there.

    One that stayed in its place is remembered as what it stood for. Of a run whose script logs what it likes a chart is
    remembered by its own title: there is no first metric of its task.
    """
    stood = {panel: title for title, panel in shown}
    before = [panel for _, panel in shown]
    fewer = [panel for panel in before if panel in chosen] == list(chosen)
    return [
        stood[panel]
        if panel in stood and (fewer or before[place : place + 1] == [panel] or stood[panel] == panel.title)
        else panel.title
        if logged
        else title_kept(panel, known)
        for place, panel in enumerate(chosen)
    ]


def with_lacking(titles: Sequence[str], wanted: Sequence[str], shown: Sequence[tuple[str, Panel]]) -> tuple[str, ...]:
    """Return titles with what was `wanted` and this run lacks in its place: what a person changes here changes nothing
    else for other runs."""
    kept, there = list(titles), {title for title, _ in shown}
    for place, title in enumerate(wanted):
        if title not in there and title not in kept:
            kept.insert(min(place, len(kept)), title)
    return tuple(dict.fromkeys(kept))


def _alone(name: str) -> Panel:
    return Panel(title_of(name), ((name, ""),))


def title_of(name: str) -> str:
    """Return what a metric is called above its chart, and beside its value."""
    return TITLES.get(name) or name.replace("_", " ")
