"""A sweep: its settings and their seeds, as lines, as a grid, and what decides. It can be steered from here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Static

from seqsum import formatting
from seqsum.control.replicate import MOST_SEEDS, parse_seeds
from seqsum.errors import UserError
from seqsum.runs import Run
from seqsum.sweeps import steering
from seqsum.sweeps.axes import grid_of
from seqsum.sweeps.definition import Sweep, extend, lacking_seeds, names, read, read_settings, status_of
from seqsum.sweeps.files import content, offered
from seqsum.sweeps.results import doubt_left, runs_words
from seqsum.sweeps.space import MOST_SETTINGS, label, size
from seqsum_tui.dialogs.choose import Choice, ChooseScreen
from seqsum_tui.dialogs.export import Chosen, ExportScreen, Offer, write_shown
from seqsum_tui.dialogs.text_input import LineScreen
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.command_palette import ScreenCommands
from seqsum_tui.shared.context import OPENING, ConsoleScreen
from seqsum_tui.shared.key_line import KeyLine
from seqsum_tui.shared.polling import in_thread
from seqsum_tui.shared.view_bar import ViewBar
from seqsum_tui.sweep.decides import Decides
from seqsum_tui.sweep.grid import GridMap, Shown
from seqsum_tui.sweep.parallel import Lines, Parallel
from seqsum_tui.sweep.reader import SweepReader, SweepView
from seqsum_tui.sweep.table import SettingTable

if TYPE_CHECKING:
    from seqsum.runs import Workspace
    from seqsum.sweeps.results import Result

VIEWS = ("Settings", "Parallel", "Grid", "What decides")
PARTS = ("settings", "parallel", "grid", "decides")
SETTINGS, PARALLEL, GRID, DECIDES = range(4)
BROAD = 150
"""Columns from which the table stands beside a picture."""
HIGH, LOW = 30, 22
"""Lines from which all is said of the best, and from which the most needed."""
BAR = 24


SEEDS = re.compile(r"(\d+(?:-\d+)?) seeds?")


@dataclass(frozen=True)
class More:
    """What else a sweep shall try: so many settings in all, or these seeds of each."""

    trials: int | None = None
    seeds: Sequence[int] | None = None


class SweepScreen(ConsoleScreen[None]):
    """Shows a sweep, live or ended. Leaving changes nothing for it."""

    CSS_PATH = "screen.tcss"
    COMMANDS = {ScreenCommands}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = bindings.SWEEP
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (BROAD, "-broad")]  # noqa: RUF012
    HELP_TITLE = "Sweep"
    HELP_KEYS: ClassVar[list[tuple[str, list[BindingType]]]] = [
        ("The sweep", bindings.SWEEP),
        ("The settings", bindings.SWEEP_TABLE),
        ("The grid", bindings.SWEEP_GRID),
        ("What decides", bindings.SWEEP_DECIDES),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name_of_sweep = name
        self.view = SETTINGS
        self._reader: SweepReader | None = None
        self._shown: SweepView | None = None
        self._unread = ""
        """Why nothing can be shown, in a sentence; empty once something could be read."""
        self._sides: tuple[int, int] = 0, 1
        self._shares: Mapping[str, float] | None = None
        self._shares_for: object = None

    def compose(self) -> ComposeResult:
        """Make the widgets."""
        yield ViewBar("Sweep", VIEWS)
        yield Static(id="head")
        with Container(id="body"):
            with Vertical(id="picture"):
                yield Parallel()
                yield GridMap()
                yield Decides()
            yield SettingTable(id="settings")
        yield Static(id="empty")
        yield KeyLine()

    def on_mount(self) -> None:
        """Start reading."""
        self.query_one(SettingTable).focus()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._show_again())
        self._reader = SweepReader(self.console.workspace, self.name_of_sweep)
        self.begin_reading(
            lambda: self._reader.read() if self._reader else None,
            self._show,
            self._failed,
            stamp=lambda view: view,
        )

    # Showing

    def _failed(self, error: Exception) -> None:
        if self._shown is not None:
            # What was read last stays on the screen.
            self.tell_once(error, "The sweep can't be read")
            return
        reason = display.sentence(str(error)) or type(error).__name__
        if reason != self._unread:
            self._unread = reason
            facts = tuple(map(display.literal, (self.name_of_sweep, "can't be read")))
            self.query_one(ViewBar).show(self.view, facts)
            self.query_one("#empty", Static).update(Content(f"✗ {display.literal(reason)}"))
            self.add_class("-unread")
            self.refresh_bindings()

    def _show(self, view: SweepView) -> None:
        before, self._shown = self._shown, view
        if self._unread:
            self._unread = ""
            self.remove_class("-unread")
            self.action_view(self.view)
        if before is not view:
            self._show_again()
        if before is None or before.status != view.status or bool(before.results) != bool(view.results):
            self.refresh_bindings()
        self._work_out()

    def on_resize(self) -> None:
        """Show as much as there is room for."""
        self.call_after_refresh(self._show_again)

    def _show_again(self) -> None:
        view = self._shown
        if view is None or not self.is_open:
            return
        self.query_one(SettingTable).show(view)
        self._show_head(view)
        self._show_picture()
        self._share_height(view)
        facts = [view.sweep.name, f"{view.sweep.direction} {view.sweep.goal} is better", f"preset {view.sweep.preset}"]
        self.query_one(ViewBar).show(self.view, tuple(display.literal(fact) for fact in facts))

    def _show_head(self, view: SweepView) -> None:
        status = display.status(view.status)
        done, open_ = display.bar(view.share, BAR)
        # Drawn twice, a setting is one.
        of = "" if view.status == "finished" else f" of {view.sweep.trials:,}"
        parts = [f"  {view.done:,}{of} {'setting' if view.done == 1 and not of else 'settings'}"]
        parts.append(f"  {formatting.count(len(view.sweep.seeds), 'seed')} each")
        if view.status != "finished" and view.results:
            parts.append(f" · {runs_words(view.results, view.sweep)}")
        if view.live:
            parts.append(f" · {formatting.count(view.live, 'run')} under way")
        if view.sweep.sampler != "grid":
            parts.append(f" · {view.sweep.sampler}")
        if view.sweep.prune != "off":
            parts.append(f" · gives up by {view.sweep.prune}")
        progress = [] if view.status == "finished" else [(f"  {done}", "$text-primary"), (open_, "$foreground-muted")]
        lines = [Content.assemble((status.text, status.colour), parts[0], *progress, *parts[1:])]
        best = view.best or (("" if view.results else "Nothing is tried yet."),)
        lines.append(Content.styled(display.literal(best[0]), "bold"))
        doubt = doubt_left(view.results, view.sweep)
        stopped = [f"It has stopped by itself: {view.reason}"] if view.reason else []
        more = [*best[1:], *([doubt] if doubt else []), *stopped]
        if more and self.size.height >= HIGH:
            lines += [Content.styled(display.literal(text), "$foreground-muted") for text in more]
        elif more and self.size.height >= LOW:
            # One line of the two: what makes the other needless.
            lines.append(Content.styled(display.literal(more[-1]), "$foreground-muted"))
        width = max(self.size.width - 2, 1)
        fitted = [line.truncate(width, ellipsis=True) for line in lines]
        self.query_one("#head", Static).update(Content("\n").join(fitted))

    def _share_height(self, view: SweepView) -> None:
        """Give the table the lines it needs, up to two fifths; a picture has the rest."""
        table, picture = self.query_one(SettingTable), self.query_one("#picture")
        # A few bars leave the rest to the table.
        picture.styles.height = len(view.sweep.space) + 2 if self.view == DECIDES and self.size.width < BROAD else "1fr"
        if self.view in (SETTINGS, DECIDES) or self.size.width >= BROAD:
            table.styles.height = "1fr"
            return
        most = max((self.size.height - 4) * 2 // 5, 4)
        table.styles.height = min(len(view.results) + 1, most)

    @property
    def chosen(self) -> Result | None:
        """The setting under the cursor."""
        line = self.query_one(SettingTable).selected
        return None if line is None else line.result

    def _show_picture(self) -> None:
        view, table = self._shown, self.query_one(SettingTable)
        if view is None or self.view == SETTINGS:
            return
        chosen = table.selected.key if table.selected else None
        if self.view == PARALLEL:
            keys = [str(one.setting.number) for one in view.results]
            states = [one.setting.state for one in view.results]
            higher = view.sweep.direction == "higher"
            lines = Lines(view.axes, keys, states, higher, chosen, frozenset(table.marked))
            self.query_one(Parallel).show(lines if keys else None)
        elif self.view == GRID:
            across, up = self._fields(view)
            grid = grid_of(view.sweep, view.results, across, up)
            shown = Shown(grid, view.sweep.goal, view.sweep.direction == "higher", chosen)
            self.query_one(GridMap).show(shown if view.results else None)
        else:
            self.query_one(Decides).show(view.names, self._shares, self._said(view))

    def _fields(self, view: SweepView) -> tuple[str, str]:
        paths = [part.path for part in view.sweep.space]
        across, up = self._sides
        return paths[across % len(paths)], paths[up % len(paths)]

    @on(SettingTable.Highlighted)
    @on(SettingTable.Marked)
    def bring_to_front(self) -> None:
        """The setting under the cursor stands out in the picture."""
        self._show_picture()
        self.refresh_bindings()

    @on(Parallel.Picked)
    @on(GridMap.Moved)
    def select(self, message: Parallel.Picked | GridMap.Moved) -> None:
        """The table's cursor goes where the person went in the picture."""
        self.query_one(SettingTable).select(message.key)

    @on(SettingTable.Chosen)
    @on(GridMap.Opened)
    def open_setting(self) -> None:
        """Open what was chosen by a second click, or on the grid."""
        self.action_open()

    @on(Decides.Chosen)
    def show_on_grid(self, message: Decides.Chosen) -> None:
        """Show the chosen field on the grid, with the one that decides most of the others."""
        view, shares = self._shown, self._shares or {}
        if view is None:
            return
        paths = [part.path for part in view.sweep.space]
        other = next((path for path in shares if path != message.key), message.key)
        self._sides = paths.index(message.key), paths.index(other)
        self.action_view(GRID)

    # What decides

    def _said(self, view: SweepView) -> str:
        if self._shares is None:
            return "Working out which field decides how much…"
        done = sum(one.setting.state == "complete" for one in view.results)
        if not self._shares:
            return "Too few settings are done to tell: four that differ are needed."
        return (
            f"share of the differences between {formatting.count(done, 'setting')} that goes with each field (fANOVA)"
        )

    def _work_out(self) -> None:
        """Have it worked out again when more settings are done, while it is looked at."""
        view, reader = self._shown, self._reader
        if view is None or reader is None or self.view != DECIDES:
            return
        wanted = view.sweep.name, sum(one.setting.state == "complete" for one in view.results)
        if wanted != self._shares_for:
            self._shares_for = wanted
            self.run_worker(self._take_shares(reader.importances), name="importance", group="importance")

    async def _take_shares(self, importances: Callable[[], Mapping[str, float]]) -> None:
        try:
            self._shares = await in_thread(importances)
        except UserError as error:
            self.tell_once(error, "What decides")
            self._shares = {}
        self._show_picture()

    # What the keys do

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        """What can be done depends on how the sweep stands."""
        view = self._shown
        if action in ("back", "other", "help"):
            return None
        if view is None:
            return self._unread or "The sweep is being read."
        status = view.status
        if action in ("pause", "go_on", "stop", "resume"):
            return _why_not(action, status, more=view.done < view.sweep.trials)
        if action == "view" and len(view.sweep.space) < 2 and parameters[0] in (GRID, DECIDES):
            return "That needs two fields; this sweep goes over one."
        if action == "side" and self.view != GRID:
            return "That counts on the grid: 3 shows it."
        if action in ("open", "mark", "compare", "again", "export") and not view.results:
            return "Nothing is tried yet."
        return None

    def action_back(self) -> None:
        """Leave."""
        self.dismiss(None)

    def action_view(self, view: int) -> None:
        """Show the settings, or a picture beside them."""
        self.view = view
        self.set_class(view != SETTINGS, "-picture")
        for place, name in enumerate(PARTS[1:], 1):
            self.set_class(place == view, f"-{name}")
        focused = {GRID: "GridMap", DECIDES: "Decides"}.get(view, "SettingTable")
        self.set_focus(self.query_one(focused))
        self._show_again()
        self._work_out()
        self.refresh_bindings()
        self.call_after_refresh(self._show_again)

    def on_view_bar_chosen(self, message: ViewBar.Chosen) -> None:
        """Show the view that was clicked."""
        if self.why_not("view", (message.view,)) is None:
            self.action_view(message.view)

    def action_side(self, side: str) -> None:
        """Put the next field across the grid, or upwards."""
        view = self._shown
        if view is None or len(view.sweep.space) < 2:
            return
        count, (across, up) = len(view.sweep.space), self._sides
        turned = {"across": ((across + 1) % count, up), "up": (across, (up + 1) % count)}[side]
        # The same field on both sides shows nothing: they change places.
        self._sides = (up, across) if turned[0] == turned[1] and count == 2 else turned
        if self._sides[0] == self._sides[1]:
            self.action_side(side)
        self._show_picture()

    def action_mark(self) -> None:
        """Mark the setting under the cursor."""
        self.query_one(SettingTable).action_mark()

    def action_open(self) -> None:
        """Put the setting's runs beside each other; a single one is watched."""
        view, one = self._shown, self.chosen
        if view is None or one is None:
            return
        if not one.runs:
            self.notify(one.setting.reason or "It has no run yet.", title=label(one.setting.values))
        elif len(one.runs) == 1:
            self.console.open_live(Run(self.console.workspace_folder / one.runs[0]))
        else:
            self.console.open_compare(one.runs, metric=view.sweep.goal)

    def action_compare(self) -> None:
        """Put the marked settings, or this one and the best, beside each other."""
        view, table = self._shown, self.query_one(SettingTable)
        if view is None or self.chosen is None:
            return
        marked = [one for one in view.results if str(one.setting.number) in table.marked]
        wanted = marked or [view.results[0], self.chosen]
        ids = list(dict.fromkeys(id for one in wanted for id in one.runs))
        if ids:
            best = min(wanted, key=view.results.index)
            baseline = best.setting.group if len(best.runs) > 1 else None
            self.console.open_compare(ids, metric=view.sweep.goal, baseline_group=baseline)

    def action_again(self) -> None:
        """Offer the form with this setting."""
        view, one = self._shown, self.chosen
        if view is None or one is None:
            return
        try:
            config = view.sweep.config_of(one.setting.values)
        except UserError as error:
            self.notify(display.told(error), title="Can't be set", severity="error")
            return

        def started(run: Run | None, queued: Run | None) -> None:
            if run is not None:
                self.console.open_live(run, started=True)

        name = label(one.setting.values)
        self.console.open_new_run(started, preset=view.sweep.preset, config=config, name=name)

    @work(group=OPENING, exclusive=True)
    async def action_other(self) -> None:
        """Choose another sweep."""
        name = await choose_sweep(self, self.name_of_sweep)
        if name is not None and name != self.name_of_sweep:
            self.console.open_sweep(name, instead=True)

    # Steering

    def _steer(self, deed: Callable[[Workspace, str], object], done: str) -> None:
        self.run_worker(self._steered(deed, done), name="steering", group="steering")

    async def _steered(self, deed: Callable[[Workspace, str], object], done: str) -> None:
        try:
            await in_thread(lambda: deed(self.console.workspace, self.name_of_sweep))
        except (UserError, OSError) as error:
            self.notify(display.sentence(str(error)), title="Not done", severity="error")
        else:
            self.notify(done, title=self.name_of_sweep)
        self.wake()

    def action_pause(self) -> None:
        """Have nothing new begun."""
        self._steer(steering.pause, "starts nothing new; what trains goes on")

    def action_go_on(self) -> None:
        """Go on after a pause."""
        self._steer(steering.go_on, "goes on")

    def action_stop(self) -> None:
        """Save the runs and stop."""
        self._steer(lambda place, name: steering.stop(place, name, "the console"), "saves its runs and stops")

    def action_resume(self) -> None:
        """Have it driven again."""
        self._steer(steering.resume, "goes on")

    def action_more(self) -> None:
        """Have more settings tried, or each with more seeds."""
        view = self._shown
        if view is None:
            return
        trials, seeds, most = view.sweep.trials, len(view.sweep.seeds), size(view.sweep.space)

        def meaning(text: str) -> More:
            if seeded := SEEDS.fullmatch(text):
                return More(seeds=_more_seeds(view.sweep, seeded[1]))
            if whole:
                raise UserError(f"All {trials:,} settings are in it already: type how many seeds of each, {example}.")
            number = text.replace(",", "")
            if not number.isdecimal():
                wish = f"Type how many settings in all, such as {larger:,}"
            elif int(number) <= trials:
                wish = f"It has {formatting.count(trials, 'setting')} now: type {trials + 1:,} to {highest:,}"
            elif int(number) > highest:
                wish = f"That is too many: type {trials + 1:,} to {highest:,}"
            else:
                return More(trials=int(number))
            raise UserError(f"{wish}, or how many seeds of each, {example}.")

        # Of a grid that is tried whole there are no more settings.
        highest = MOST_SETTINGS if most is None or view.sweep.sampler != "grid" else most
        whole, larger = trials >= highest, min(trials + max(trials // 2, 1), highest)
        example = f"such as {_example(view.sweep)}"
        surer = f"{example}; {seeds} so far. The more, the surer."
        hint = (
            f"How many seeds of each, {surer}"
            if whole
            else f"How many settings in all; {trials:,} so far. The more, the nearer to the best. Or seeds, {surer}"
        )
        value = _example(view.sweep) if whole else str(larger)
        screen = LineScreen("More settings or seeds", meaning, hint, value=value, done="tries them", at_once=True)
        self.app.push_screen(screen, self._try_more)

    def _try_more(self, more: More | None) -> None:
        if more is None:
            return

        def deed(workspace: Workspace, name: str) -> None:
            extend(workspace, read(workspace, name), more.trials, more.seeds)
            steering.resume(workspace, name)

        seeds = more.seeds
        words = (
            f"tries {more.trials:,} settings"
            if seeds is None
            else f"trains {formatting.count(len(seeds), 'seed')} of each"
        )
        self._steer(deed, words)

    # Files

    def _content(self, part: str, format: str) -> tuple[bytes, list[str]]:
        view = self._shown
        assert view is not None
        return content(view.sweep, view.results, part, format, fields=self._fields(view), shares=self._shares or {})

    def copied(self) -> tuple[str, str] | None:
        """Return the table, as CSV."""
        if self._shown is None or not self._shown.results:
            return None
        return "the table", self._content("settings", "csv")[0].decode()

    def action_export(self) -> None:
        """Write what is shown to a file."""
        stem = f"{self.name_of_sweep}-{PARTS[self.view]}"
        offers = [
            Offer(part, format, words, stem if part == PARTS[self.view] else f"{self.name_of_sweep}-{part}")
            for part, format, words in offered(PARTS[self.view])
        ]
        self.app.push_screen(ExportScreen(offers), self._begin_to_write)

    def _begin_to_write(self, chosen: Chosen | None) -> None:
        if chosen is not None:
            made = partial(self._content, chosen.offer.part, chosen.offer.format)
            self.run_worker(write_shown(self, chosen.path, made), name="export", group="export")


def _more_seeds(sweep: Sweep, text: str) -> Sequence[int]:
    """Return the seeds that a person typed, `12` or `0-11`. Raises UserError, in the words of the screen, where they
    are no more than a sweep has."""
    try:
        found = parse_seeds(text, "sweep")
    except UserError:
        raise UserError(f"A sweep has 1 to {MOST_SEEDS:,} seeds: type how many, such as {_example(sweep)}.") from None
    there, example = formatting.count(len(sweep.seeds), "seed"), _example(sweep)
    if len(found) <= len(sweep.seeds):
        raise UserError(f"It has {there} of each now: type more, such as {example}.")
    if lacking := lacking_seeds(sweep, found):
        raise UserError(f"It has seed {lacking[0]} already, which stays: type a range with it, such as {example}.")
    return found


def _example(sweep: Sweep) -> str:
    """Return what has twice as many seeds as a sweep, as it can be typed: `12 seeds`."""
    low, many = min(sweep.seeds), min(2 * len(sweep.seeds), MOST_SEEDS)
    return f"{many} seeds" if low == 0 else f"{low}-{low + many - 1} seeds"


def _why_not(action: str, status: str, *, more: bool) -> str | None:
    able = {
        "pause": status == "running",
        "go_on": status == "paused",
        "stop": status in ("running", "paused", "died"),
        "resume": status in ("stopped", "died") or (status == "finished" and more),
    }
    return None if able[action] else f"The sweep is {status}." if status != "died" else "Nothing drives the sweep."


async def choose_sweep(screen: ConsoleScreen[None], current: str | None) -> str | None:
    """Have a sweep of the workspace chosen, the newest first; None where there is none, or none is chosen."""

    def found() -> list[Choice]:
        workspace, made = screen.console.workspace, []
        for name in names(workspace):
            try:
                sweep = read(workspace, name)
                done = sum(one.state != "running" for one in read_settings(workspace, name).settings)
            except UserError as error:
                made.append((0.0, Choice(name, name, str(error))))
                continue
            detail = f"{status_of(workspace, sweep)}, {done:,} of {formatting.count(sweep.trials, 'setting')}"
            made.append((sweep.created, Choice(name, name, f"{detail} of {sweep.preset}")))
        return [choice for _, choice in sorted(made, key=lambda pair: -pair[0])]

    choices = await in_thread(found)
    if not choices:
        said = "There is no sweep yet. In New run, a setting takes several values: type 0.001,0.01 for lr."
        screen.notify(said, title="Sweeps")
        return None
    if len(choices) == 1 and current is None:
        return choices[0].key
    if not screen.is_current:
        return None
    chosen = await screen.app.push_screen_wait(ChooseScreen("Sweeps", choices, current=current))
    return chosen[0] if chosen else None
