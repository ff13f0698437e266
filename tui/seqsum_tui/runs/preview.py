"""What the list tells of the run under its cursor: its curves, what it is about or why it ended, and how to go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App, ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from seqsum import formatting
from seqsum.config import as_shown
from seqsum.runs.access import owner_told
from seqsum.runs.store import UNREADABLE
from seqsum.users import user_name
from seqsum_tui.charts import Band, Chart, Series
from seqsum_tui.charts.multiples import SmallMultiples
from seqsum_tui.charts.palette import SIGNS
from seqsum_tui.live.curves import panel_series, why_empty
from seqsum_tui.live.reader import x_end
from seqsum_tui.runs.each_run import each_run
from seqsum_tui.runs.reader import MOST_MEMBERS
from seqsum_tui.shared import display
from seqsum_tui.shared.key_words import keys_line
from seqsum_tui.shared.run_actions import ways_on

if TYPE_CHECKING:
    from seqsum.compare.spread import Standing
    from seqsum_tui.runs.listing import Line
    from seqsum_tui.runs.reader import Preview

LOG_LINES = 5
MOST_PROBLEMS = 4
# With no more rows than this for the words, they are said in two lines.
BRIEF_ROWS = 3
ENDED_WELL = ("finished", "stopped")


COMPARES, ASKS = ("runs.compare", "compares"), ("runs.ask", "asks")
OF_MODELS = (ASKS,)
"""What a run has not that a script or another program trains."""
KEYS = (
    (("runs.open", "opens"), ASKS, COMPARES),
    (("runs.open", "shows its runs"), ("runs.each", "each run"), COMPARES),
    (("multiples.open", "opens the run of a curve"), ("multiples.leave", "goes back")),
)
"""What is done next with a run, a group, and the curves of a group's runs."""


class RunPreview(Horizontal):
    """Words on the left, curves on the right when the screen is wide enough. Charts come after the first paint."""

    DEFAULT_CSS = """
    RunPreview {
        border: round $foreground 20%; border-title-color: $foreground; border-subtitle-color: $foreground-muted;
        & > VerticalScroll { width: 1fr; padding-left: 1; scrollbar-size-vertical: 1; }
        /* Inside, so that words do not touch the bar. */
        & > VerticalScroll > Static { padding-right: 1; }
        &.-brief { border: none; border-top: solid $foreground 20%; }
        &.-brief > VerticalScroll { text-wrap: nowrap; text-overflow: ellipsis; overflow: hidden; }
        & > Horizontal { width: 1.3fr; padding-left: 1; }
        & > Horizontal > Chart { margin-right: 1; }
        &.-nothing > Horizontal { visibility: hidden; }
        & > SmallMultiples { display: none; width: 1.3fr; padding-left: 1; }
        &.-each > SmallMultiples { display: block; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._preview: Preview | None = None
        self._how: tuple[bool, bool] | None = None
        self.each_wanted = False
        """Whether a group is shown as a curve for each of its runs, not as their median, where there is no room for
        both."""

    def compose(self) -> ComposeResult:
        """Make the words' place; the curves' place stays empty until there are any."""
        with VerticalScroll(can_focus=False):
            yield Static(id="preview-words")
        yield Horizontal(id="preview-curves")
        yield SmallMultiples(id="preview-each")

    def show(self, preview: Preview | None) -> None:
        """Show this run; nothing is painted when nothing changed."""
        brief = self.size.height <= BRIEF_ROWS
        self.set_class(brief, "-brief")
        self.set_class(preview is None, "-nothing")
        of_group = preview is not None and preview.line.kind == "group" and not brief
        self.set_class(of_group, "-group")
        self.set_class(of_group and self.each_wanted, "-each")
        before, self._how = (self._preview, self._how), (brief, self.each_wanted)
        self._preview = preview
        if before[0] is preview and before[1] == self._how:
            return
        say = describe_briefly if brief else describe
        framed = preview is not None and not brief
        self.border_title = title_of(preview) if preview is not None and framed else ""
        keys: Sequence[tuple[str, str]] = KEYS[of_group + (of_group and self.each_wanted)]
        if preview is not None and preview.line.summary.script:
            keys = tuple(key for key in keys if key not in OF_MODELS)
        self.border_subtitle = keys_line(self.app, keys) if framed else ""
        self.query_one("#preview-words", Static).update("" if preview is None else say(preview, self.app))
        if preview is not None:
            # Also where they are hidden: they would be another run's when they are seen again.
            self._show_curves(preview)
        if preview is not None and of_group:
            shown = each_run(preview.line)
            self.query_one(SmallMultiples).show(shown.title, shown.note, shown.curves, shown.ends)

    def show_again(self) -> None:
        """Show it as it is asked for now, at the length that there is room for."""
        self.show(self._preview)

    on_resize = show_again

    def _show_curves(self, preview: Preview) -> None:
        place = self.query_one("#preview-curves", Horizontal)
        charts = {chart.id: chart for chart in place.query(Chart)}
        if not charts:
            made = [
                Chart("loss", id="preview-loss", x_name="step"),
                Chart("accuracy", id="preview-accuracy", x_name="step", y_limits=(0.0, 1.0)),
            ]
            for chart in made:
                chart.can_focus = False
                chart.leave_out = True
            place.mount(*made)
            charts = {chart.id: chart for chart in made}
        run, of_group = preview.line.summary, preview.line.kind == "group"
        ends = 0.0, max(x_end(one.summary, float(one.summary.step)) for one in preview.line.entries)
        for index, (id, panel) in enumerate(zip(("loss", "accuracy"), preview.panels, strict=True)):
            chart = charts[f"preview-{id}"]
            chart.title = panel.title
            # What a script logs, nobody knows beforehand: the other may never come.
            chart.set_empty(f"It has logged no {panel.title}" if run.script and run.metrics else why_empty(run))
            # The same for both, also where one of them has its first value late.
            chart.set_x_limits(*ends)
            chart.set_y_limits(*((0.0, 1.0) if panel.share else (None, None)))
            if of_group:
                _show_spread(chart, panel.names[0], preview, index)
            else:
                chart.set_bands([])
                chart.set_series(panel_series(panel, preview.curves, run.metrics, index))
        self.call_after_refresh(Chart.align_heads, list(charts.values()))


def _show_spread(chart: Chart, metric: str, preview: Preview, index: int) -> None:
    """Draw the median of a group's runs, and the band between the quartiles."""
    found = preview.spreads.get(metric)
    if found is None:
        chart.set_bands([])
        chart.set_series([])
        return
    runs, standing = len(preview.line.entries), preview.line.spread.get(metric)
    # As short as it can be: it stands in the legend of a small chart.
    parts = [(standing.share if standing is not None else "") or "median"]
    parts += [f"{found.carried} carried on" if found.carried else "", f"{MOST_MEMBERS} drawn" * (runs > MOST_MEMBERS)]
    name = ", ".join(filter(None, parts))
    chart.set_bands([Band(name, found.x, found.low, found.high)])
    chart.set_series([Series(name, found.x, found.median, sign=SIGNS[index])])


def title_of(preview: Preview) -> Content:
    """Return what the line is called and how it is, for the frame."""
    line, run = preview.line, preview.line.summary
    if line.kind == "group":
        beside = Content.styled(formatting.count(len(line.entries), "run"), "$foreground-muted")
    else:
        status = display.status(run.status)
        beside = Content.assemble((status.text, status.colour), "  ", (run.id, "$foreground-muted"))
    return Content.assemble((display.literal(run.name), "bold"), "  ", beside)


def describe(preview: Preview, app: App[object]) -> Content:
    """Return the line in words, the most urgent first."""
    return _describe_group(preview.line) if preview.line.kind == "group" else _describe_run(preview, app)


def describe_briefly(preview: Preview, _app: App[object]) -> Content:
    """Return the line in two lines of words, for a small screen."""
    line, run = preview.line, preview.line.summary
    if line.kind == "group":
        beside = "  ".join(filter(None, (line.size, _converged(line))))
        second = Content("  ").join(_spread_briefly(*spread) for spread in _spreads(line))
    else:
        beside = run.id
        left = f", {formatting.duration(run.seconds_left)} left" if run.seconds_left is not None else ""
        progress = f"step {run.step:,} of {display.steps(run)}{left}" if run.live else ""
        shown = display.verdict(run)
        verdict = f"{shown.text}: {run.verdict.sentence}" if run.verdict and shown else ""
        reason = run.reason if run.status not in ENDED_WELL or not verdict else ""
        said = (
            reason
            or "; ".join(run.problems)
            or "; ".join(filter(None, (progress, verdict)))
            or (f"¶ {run.note}" if run.note else _changed(preview))
            or preview.title
        )
        colour = display.status(run.status).colour if said == run.reason else "$foreground 80%"
        second = Content.styled(display.literal(said), colour)
    return Content.assemble((display.literal(run.name), "bold"), "  ", (beside, "$foreground-muted"), "\n", second)


def _spreads(line: Line) -> list[tuple[str, Standing, Callable[[float | None], str]]]:
    names = (name for name in ("accuracy", "loss", "mae") if name in line.spread)
    return [(name, line.spread[name], partial(formatting.metric, name)) for name in names]


def _converged(line: Line, rule: str = "") -> str:
    """How many runs converged, by a rule, of those that ended; nothing where nothing is measured, or no accuracy."""
    ended = sum(not entry.summary.live and entry.summary.status != UNREADABLE for entry in line.entries)
    if line.spread and not ended:
        return "none has ended yet"
    if "accuracy" not in line.spread:
        return ""
    return f"{line.converged} of {formatting.count(ended, 'ended run')} converged{rule}"


def _changed(preview: Preview) -> str:
    found = preview.differences.items()
    told = {path: [as_shown(path, text) or "none" for text in pair] for path, pair in found}
    return ", ".join(f"{path} {theirs}→{mine}" for path, (mine, theirs) in told.items())


def _describe_group(line: Line) -> Content:
    statuses = line.statuses
    states = [(f"{display.status(one).text} {number}", display.status(one).colour) for one, number in statuses.items()]
    lines = [Content("  ").join(Content.styled(text, colour) for text, colour in states)]
    verdicts = [
        (f"{one.text} {line.verdicts[word]}", one.colour)
        for word, one in display.VERDICTS.items()
        if word in line.verdicts
    ]
    if verdicts:
        lines.append(Content("  ").join(Content.styled(text, colour) for text, colour in verdicts))
    if len(line.tasks) > 1:
        lines.append(Content(f"Its runs have different tasks, so nothing is averaged: {', '.join(line.tasks)}."))
    if said := _converged(line, " (accuracy of 99% or more)"):
        lines.append(Content(said))
    lines += [_spread_words(*spread) for spread in _spreads(line)]
    return Content("\n").join(lines)


def _spread_words(name: str, spread: Standing, text: Callable[[float | None], str]) -> Content:
    return Content.assemble(
        (f"{name}: ", "$foreground-muted"), (f"median {text(spread.median)}", "bold"),
        f", half of them {text(spread.low)}–{text(spread.high)}, all {text(spread.lowest)}–{text(spread.highest)}",
        (f"; {_counted(spread)}" if spread.share else "", "$text-warning"),
    )  # fmt: skip


def _counted(spread: Standing) -> str:
    """Which runs the numbers tell of, and how the others count."""
    broken = spread.total - spread.waiting - spread.valued
    others = [f"{broken} without (ranked worst)"] if broken else []
    others += [f"{formatting.count(spread.waiting, 'other')} still training"] if spread.waiting else []
    return f"{spread.valued} of {spread.total} with a value, {', '.join(others)}"


def _spread_briefly(name: str, spread: Standing, text: Callable[[float | None], str]) -> Content:
    middle_half = f" ({text(spread.low)}–{text(spread.high)})"
    return Content.assemble((f"{name} ", "$foreground-muted"), (text(spread.median), "bold"), middle_half)


def _describe_run(preview: Preview, app: App[object]) -> Content:
    run = preview.line.summary
    status = display.status(run.status)
    lines: list[Content] = []
    verdict = display.verdict(run)
    if run.verdict and verdict:
        lines.append(Content.assemble((verdict.text, f"bold {verdict.colour}"), "  ", run.verdict.sentence))
    if run.note or run.tags:
        tags = ", ".join(display.literal(tag) for tag in run.tags)
        note = display.literal(run.note)
        lines.append(
            Content.assemble((f"# {tags}  " if tags else "", "$text-accent"), (f"¶ {note}" if note else "", ""))
        )
    if run.place:
        lines.append(Content.styled(f"waits: {display.literal(run.place.told)}", status.colour))
    if run.owner not in ("", user_name()):
        lines.append(Content.styled(f"by {display.literal(owner_told(run.owner, run.host))}", "$foreground-muted"))
    if run.reason:
        lines.append(Content.styled(display.literal(run.reason), status.colour))
    lines.extend(
        Content.styled(f"! {display.literal(problem)}", "$text-warning") for problem in run.problems[:MOST_PROBLEMS]
    )
    lines.extend(Content.styled("│ " + display.literal(line), "$foreground-muted") for line in preview.log[-LOG_LINES:])
    if keys := ways_on(app, run, preview.saved):
        lines.append(keys)
    if run.measure:
        lines.append(
            Content.styled(
                f"* accuracy and eval_loss are {run.measure}, as an earlier version measured", "$text-warning"
            )
        )
    if run.follows:
        lines.append(Content.styled(f"read from {display.literal(run.follows)}", "$foreground-muted"))
    changed = _changed(preview)
    if changed:
        lines.append(Content.assemble(("changed: ", "$foreground-muted"), display.literal(changed)))
    if preview.title:
        lines.append(Content.styled(preview.title, "bold $foreground 80%"))
        lines.append(Content.styled(preview.description, "$foreground 80%"))
    if preview.look_for:
        lines.append(
            Content.assemble(("Look for: ", "bold $foreground-muted"), (preview.look_for, "$foreground-muted"))
        )
    return Content("\n").join(lines)
