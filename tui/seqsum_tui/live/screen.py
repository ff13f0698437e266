"""One run, live: charts, progress, what the worker writes, and questions to the model while it still learns."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TabbedContent, TabPane

from seqsum.cells import shorten
from seqsum.plotting.smoothing import lead
from seqsum.runs.access import owner_told, read_only
from seqsum.runs.gone import RunGone
from seqsum.users import user_name
from seqsum_tui.dialogs.choose import Choice, ChooseScreen
from seqsum_tui.dialogs.set_value import SetValueScreen
from seqsum_tui.live.branching import Branching
from seqsum_tui.live.chart_actions import SCREEN, ChartActions
from seqsum_tui.live.chart_grid import ChartChosen, LiveChart, LiveCharts
from seqsum_tui.live.config import ConfigView
from seqsum_tui.live.events import EventsView
from seqsum_tui.live.header import RunHeader
from seqsum_tui.live.layout import LiveLayout
from seqsum_tui.live.log import LogView
from seqsum_tui.live.questions import QuestionsLine
from seqsum_tui.live.reader import RunReader, RunView
from seqsum_tui.live.slim_line import SlimLine
from seqsum_tui.live.slow_motion import SlowMotion
from seqsum_tui.query.ask_panel import AskPanel, QuestionInput
from seqsum_tui.query.session import Session
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.command_palette import Command, ScreenCommands
from seqsum_tui.shared.context import OPENING
from seqsum_tui.shared.key_line import KeyLine
from seqsum_tui.shared.live_value import LiveValue
from seqsum_tui.shared.paths import for_people
from seqsum_tui.shared.run_actions import ANOTHERS_LOG, RESUMABLE, WAITING, RunScreen, no_weights, ways_on
from seqsum_tui.shared.verdict_help import VERDICT_WORDS

if TYPE_CHECKING:
    from seqsum.runs import Event, Run, Summary

MOST_TOLD = 3


RATES = ("lr", "learning_rate")


class LiveScreen(RunScreen):
    """Watch and steer a run. Leaving changes nothing for it.

    Args:
        run: the run.
        started: the person has just started it, here.
    """

    CSS_PATH = "screen.tcss"
    COMMANDS = {ScreenCommands}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = bindings.LIVE
    VERTICAL_BREAKPOINTS = [(0, "-low"), (24, "-middle"), (34, "-high"), (46, "-tall")]  # noqa: RUF012
    HELP_TITLE = "A run, live"
    HELP_KEYS: ClassVar[list[tuple[str, list[BindingType]]]] = [
        ("This run", bindings.LIVE),
        ("The chart that has the keys (tab goes to the next)", LiveChart.BINDINGS),
        ("The question box", bindings.ASK),
        ("How a run goes: the first that holds", VERDICT_WORDS),
    ]

    def __init__(self, run: Run, *, started: bool = False) -> None:
        super().__init__()
        self.run = run
        self.view: RunView | None = None
        self._charts = ChartActions(self, self.aim_reader)
        self._slow_motion = SlowMotion(self, self._draw, started=started)
        self._branching = Branching(self, lambda: self.query_one(LiveCharts).cursor_step)
        self.reader = RunReader(run)

    def compose(self) -> ComposeResult:
        """Make the widgets."""
        yield RunHeader()
        yield LiveCharts(LiveLayout.read(self.console.layout(SCREEN)))
        # What comes and goes takes its lines from the tabs, so that the charts stay where they are.
        with Vertical(id="below"):
            yield SlimLine()
            yield QuestionsLine()
            yield Static(id="banner")
            with TabbedContent(id="tabs"):
                with TabPane("Ask", id="ask"):
                    yield AskPanel(Session(self.run, self.console.query_command))
                with TabPane("Log", id="log"):
                    yield LogView()
                with TabPane("Config", id="config"):
                    yield ConfigView()
                with TabPane("Events", id="events"):
                    yield EventsView()
        yield KeyLine()

    def on_mount(self) -> None:
        """Start reading."""
        self.query_one(LiveCharts).focus_first()
        if self._is_script:
            tabs = self.query_one("#tabs", TabbedContent)
            tabs.active = "events"
            tabs.hide_tab("ask")
        self._take_wishes()
        self.begin_reading(self.reader.read, self._show, self._failed)

    @property
    def _is_script(self) -> bool:
        """Whether a script trains it: then there is no model to ask."""
        return self.run.record_or_blank().watched is not None

    # Reading

    def _show(self, view: RunView) -> None:
        before, self.view = self.view, view
        self._charts.view = view
        self.told.clear()
        run = view.summary
        self.query_one(AskPanel).know(run, view.checkpoints)
        charts = self.query_one(LiveCharts)
        if before is None or before.summary.live:
            self._slow_motion.look(view)
        if not self._slow_motion.runs:
            self._draw(view)
        if charts.window is not None:
            # What follows the newest value moves on.
            self._take_wishes()
        self.query_one(LogView).show(view.log, _no_lines(run))
        self.query_one(ConfigView).show(view)
        self.query_one(EventsView).show(view.events)
        self._show_banner(view)
        if before is None:
            self._first_view(view)
        else:
            self.console.tell_endings({run.id: before.summary}, {run.id: run})
            self._tell_messages(before.events, view.events)
        if before is None or _offered(before) != _offered(view):
            self.refresh_bindings()

    def _draw(self, view: RunView, news: tuple[str, ...] = ()) -> None:
        self.query_one(RunHeader).show(view.summary, () if news else self._facts(view), news=news)
        self.query_one(LiveCharts).show(view)
        self.query_one(QuestionsLine).show(view.events)
        self._show_slim(view)

    def _show_slim(self, view: RunView) -> None:
        charts = self.query_one(LiveCharts)
        panel = None if self.has_class("-low") else charts.squeezed_out
        name = panel.names[0] if panel is not None else ""
        curve = charts.axis.moved(view.curves[name]) if name in view.curves else None
        self.query_one(SlimLine).show(panel, curve, charts.charts[0].x_range, view.newest.get(name))

    def on_key(self, event: events.Key) -> None:
        """Any key ends the replay, and does what else it does."""
        self._slow_motion.end()

    def _first_view(self, view: RunView) -> None:
        if view.summary.status in ("died", "failed"):
            self.query_one(TabbedContent).active = "log"
        self.aim_reader()

    def _tell_messages(self, before: tuple[Event, ...], now: tuple[Event, ...]) -> None:
        """Say what the run has to say while one looks at it; the rest stands in Events."""
        last = before[-1].id if before else 0
        new = [event for event in now if event.speaks and event.id > last]
        for event in new[-MOST_TOLD:]:
            self.notify(display.literal(str(event.detail.get("text", ""))), timeout=10)

    def _facts(self, view: RunView) -> tuple[str, ...]:
        facts = [whose] if (whose := view.closed or whose_run(view.summary)) else []
        facts += [f"fork of {display.literal(view.parent.name)} at step {view.parent.step:,}"] if view.parent else []
        if view.record.preset != view.summary.name:
            facts.append(f"{view.record.source} {display.literal(view.record.preset)}")
        if view.summary.follows:
            facts.append(display.literal(for_people(Path(view.summary.follows))))
        if view.record.backend_reason:
            facts.append(display.literal(f"{view.record.backend}: {view.record.backend_reason}"))
        if view.record.parameters is not None:
            facts.append(f"{view.record.parameters:,} parameters")
        facts.append(view.summary.id)
        return tuple(facts)

    def _show_banner(self, view: RunView) -> None:
        run = view.summary
        banner = self.query_one("#banner", Static)
        ended_early = run.status == "finished" and bool(run.reason)
        if run.status not in (*RESUMABLE, *WAITING, "unreadable") and not (ended_early or run.problems):
            banner.display = False
            return
        banner.display = True
        status = display.status(run.status)
        parts: list[str | tuple[str, str]] = [(f"{status.text}  ", f"bold {status.colour}")]
        if run.reason:
            parts.append(f"{display.literal(run.reason)}. ")
        if run.problems:
            # A banner has three lines: the problems two of them, the others what can be done.
            problems = shorten(display.literal("; ".join(run.problems)), max(2 * self.size.width - 20, 40))
            parts.append((f"! {problems}. ", "$text-warning"))
        banner.update(Content.assemble(*parts, ways_on(self.app, run, bool(view.checkpoints))))

    def _failed(self, error: Exception) -> None:
        title = "The run can't be read"
        if isinstance(error, RunGone):
            # What is shown of a run that was deleted elsewhere stays, under a word of where the run is.
            title = "The run is in the bin" if error.binned else "The run is gone"
            banner = self.query_one("#banner", Static)
            banner.display = True
            banner.update(display.wrong(f"{error}{', or u in the list of runs' if error.binned else ''}"))
        self.tell_once(error, title)

    def aim_reader(self) -> None:
        """Have the next reading fetch as many points as the charts can show, of the stretch and metrics they show."""
        if self.is_open:
            self._take_wishes()
            self.wake()

    def _take_wishes(self) -> None:
        charts, reader = self.query_one(LiveCharts), self.reader
        reader.buckets, reader.window = charts.buckets, charts.window
        reader.lead = 0 if charts.window is None else lead(charts.arrangement.smoothing)
        reader.charts, reader.x = charts.arrangement.charts, charts.arrangement.x

    @on(LiveChart.ViewChanged)
    def read_stretch(self) -> None:
        """A zoomed chart shows finer buckets."""
        self.call_after_refresh(self.aim_reader)

    # What the keys do

    def run_in_hand(self) -> tuple[Run, Summary] | None:
        """Return the run of this screen."""
        return None if self.view is None else (self.run, self.view.summary)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        """A finished run's values stay, and who types a question types letters."""
        if action == "ask" and not self._is_script:
            # In the box it is a letter.
            return "The question box has the keys already." if isinstance(self.focused, QuestionInput) else None
        view, deed = self.view, (action, *parameters)
        changes = action in ("learning_rate", "change")
        if view is None:
            return "The run is being read." if changes or action == "branch" or deed == ("arrange", "remove") else None
        if (changes or deed in (("branch", "rewind"), ("branch", "undo_rewind"))) and (closed := self.closed()):
            return closed
        if deed == ("branch", "fork") and (closed := read_only(self.console.workspace_folder)):
            return f"The workspace is {closed}."
        if deed == ("arrange", "remove") and len(view.panels) < 2:
            return "The last chart stays."
        if self._is_script and (why := self._not_of_script(action, view)):
            return why
        if (changes or deed == ("branch", "fork")) and view.config is None and not self._is_script:
            return "This version does not understand the run's settings."
        if deed in (("branch", "fork"), ("branch", "rewind")) and not view.checkpoints:
            return "The run has no checkpoint yet; c saves one while it trains."
        if deed == ("branch", "undo_rewind") and not view.just_rewound:
            return "The run was not rewound, or went on since."
        if changes and view.summary.status in ("finished", "unreadable"):
            return f"It is {view.summary.status}: its values stay; F forks it with others."
        return super().why_not(action, parameters)

    def _not_of_script(self, action: str, view: RunView) -> str | None:
        """Say why something can't be done to a run that a script trains, or another program's log tells of."""
        changes = action in ("learning_rate", "change")
        if view.summary.follows:
            if changes:
                return f"{ANOTHERS_LOG}: its settings stay."
            return no_weights(view.summary) if action in ("ask", "branch", "query") else None
        if action in ("ask", "branch", "query", "snapshot"):
            return no_weights(view.summary)
        if (action == "change" and not view.live_values) or (action == "learning_rate" and self._rate is None):
            value = "value" if action == "change" else "lr"
            return f"Its script has declared no {value} that can change: seqsum.watch(…, live=[…])."
        return None

    def action_back(self) -> None:
        """Leave the screen; the run goes on."""
        self.dismiss(None)

    def action_leave_box(self) -> None:
        """Leave the question box."""
        self.query_one(LiveCharts).focus_first()

    @on(TabbedContent.TabActivated)
    @on(AskPanel.Answered)
    def _make_room(self) -> None:
        """What lies below the charts is high where there is something to read."""
        read = self.query_one(TabbedContent).active != "ask" or self.query_one(AskPanel).answered
        self.query_one("#below").set_class(read, "-read")

    def action_tab(self, tab: str) -> None:
        """Show a tab, and give it the keys."""
        self.query_one(TabbedContent).active = tab
        self.remove_class("-filled")
        target = {"log": LogView, "config": ConfigView, "events": EventsView}[tab]
        self.set_focus(self.query_one(target))

    def action_ask(self) -> None:
        """Go to the question box."""
        self.remove_class("-filled")
        self.query_one(TabbedContent).active = "ask"
        # Not `focus`, which waits for a refresh: keys typed right after belong to the question.
        self.set_focus(self.query_one(QuestionInput))

    def action_query(self) -> None:
        """Ask the model on a screen of its own, and look inside it."""
        self.console.open_query(self.run.id)

    def action_fill(self) -> None:
        """Give the charts the whole screen, or take it back."""
        self.toggle_class("-filled")
        charts = self.query_one(LiveCharts)
        if self.focused not in charts.charts:
            charts.focus_first()

    def action_learning_rate(self) -> None:
        """Ask for a new learning rate."""
        field = self._rate
        if field is not None:
            self.ask_value(field, "Change the learning rate")

    @property
    def _rate(self) -> LiveValue | None:
        """The learning rate, among what can be changed; of a script's values the one that is called so."""
        fields = self.view.live_values if self.view is not None else ()
        return next((one for one in fields if one.path.rpartition(".")[2] in RATES), None)

    def action_change(self) -> None:
        """Choose from the values that can change while the run trains."""
        if self.view is None:
            return
        fields = {one.path: one for one in self.view.live_values}
        choices = [Choice(path, path, f"{one.value} · {one.description}") for path, one in fields.items()]

        def chosen(paths: list[str] | None) -> None:
            if paths:
                self.ask_value(fields[paths[0]], f"Change {paths[0]}")

        self.app.push_screen(ChooseScreen("Change while it trains", choices), chosen)

    def ask_value(self, field: LiveValue, title: str) -> None:
        """Ask for a new value of a live field and set it."""
        if self.view is None:
            return

        def answered(text: str | None) -> None:
            if text is not None:
                self.set_value(self.run, field.path, text)

        rate = self.view.summary.metrics.get("lr")
        when = {"when": "It takes effect when the script looks at it."} if self._is_script else {}
        self.app.push_screen(SetValueScreen(field, title, rate, **when), answered)

    def extra_commands(self) -> Iterator[Command]:
        """Offer every live field to the command palette."""
        if self.view is None or self.view.summary.status == "finished":
            return
        for field in self.view.live_values:
            name = f"Change {field.path}"
            yield Command(name, field.description, partial(self.ask_value, field, name))

    # The charts

    def action_arrange(self, deed: str, *by: int) -> None:
        """Change which charts there are, and where."""
        getattr(self._charts, deed)(*by)

    def action_chart(self, place: int) -> None:
        """Show one chart alone, or all again."""
        self.query_one(LiveCharts).enlarge(place)

    def action_enlarge(self) -> None:
        """Show the chart that has the keys alone, or all again."""
        self.action_chart(self.query_one(LiveCharts).in_hand)

    def on_chart_chosen(self, message: ChartChosen) -> None:
        """Show the chart alone, or all again."""
        self.query_one(LiveCharts).enlarge(message.place)

    def on_charts_laid_out(self) -> None:
        """Wider charts show more points, and what has no chart may have a line."""
        self.call_after_refresh(self.aim_reader)
        if self.view is not None:
            self._show_slim(self.view)

    def on_chart_looks_changed(self) -> None:
        """Remember how the charts look."""
        self._charts.keep()

    def action_branch(self, deed: str) -> None:
        """Fork, rewind, or undo that."""
        self.run_worker(getattr(self._branching, deed), group=OPENING, exclusive=True)


def whose_run(run: Summary) -> str:
    """Return who made a run, where that was somebody else."""
    return f"by {display.literal(owner_told(run.owner, run.host))}" if run.owner not in ("", user_name()) else ""


def _offered(view: RunView) -> tuple[str, bool, bool]:
    """What of a run decides which keys do something."""
    return view.summary.status, bool(view.checkpoints), view.just_rewound


def _no_lines(run: Summary) -> str:
    """Say why there are no lines of a worker."""
    if run.follows:
        return "It has no worker: another program trains it, and prints where it runs."
    if run.script:
        return "What its script prints stands where that runs; here is what it keeps."
    return "The worker has not written anything yet."
