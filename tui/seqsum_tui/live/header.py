"""The lines at the top of the live view: which run, how it is, how far, how fast; and how it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget

from seqsum import formatting
from seqsum_tui.shared import display

if TYPE_CHECKING:
    from seqsum.runs import Summary

SHORTEST_BAR = 8


class RunHeader(Widget):
    """Name and status; progress; the verdict, on a line of its own where the screen is high enough. What matters less
    goes first when the width shrinks."""

    DEFAULT_CSS = """
    RunHeader { height: 3; padding-right: 1; background: $primary 25%; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._summary: Summary | None = None
        self._facts: tuple[str, ...] = ()
        self._news = 0

    def show(self, summary: Summary, facts: tuple[str, ...] = (), *, news: tuple[str, ...] = ()) -> None:
        """Show the run as it is now. `news` and `facts` are short texts about it, the most important first; a learning
        rate that has no room elsewhere stands between them."""
        before = self._summary
        facts, self._news = (*news, *facts), len(news)
        if (summary, facts) == (before, self._facts):
            return
        same = before is not None and (before.name, before.status) == (summary.name, summary.status)
        same = before is not None and same and facts == self._facts and before.verdict == summary.verdict
        same = before is not None and same and self._crowded_out(before) == self._crowded_out(summary)
        self._summary, self._facts = summary, facts
        self.refresh(*([Region(0, 1, self.size.width, 1)] if same else []))

    def render(self) -> Content:
        """Draw both lines."""
        run = self._summary
        if run is None:
            return Content(" reading the run…")
        verdict = display.verdict(run)
        lines = [self._first(run, None if self.size.height > 2 else verdict), self._second(run)]
        if run.verdict and verdict:
            back = Content.assemble(("R", "bold $text-accent"), " goes back  ")
            head = Content.assemble(" ", (verdict.text, f"bold {verdict.colour}"), "  ")
            lines.append(head + (back if run.verdict.word == "collapsed" else "") + run.verdict.sentence)
        else:
            said = "It is too early to say how it goes." if run.live else "There are no figures to say how it went."
            lines.append(Content.styled(f" {said}", "$foreground-muted"))
        return Content("\n").join(lines[: self.size.height])

    def _first(self, run: Summary, verdict: display.Status | None) -> Content:
        status = display.status(run.status)
        left = Content.assemble(
            (f" {display.literal(run.name)} ", display.BADGE), "  ", (status.text, f"bold {status.colour}"),
            *(("  ", (verdict.text, f"bold {verdict.colour}")) if verdict else ()),
        )  # fmt: skip
        facts = [*self._facts[: self._news], *self._crowded_out(run), *self._facts[self._news :]]
        width = self.content_size.width
        while facts and left.cell_length + 2 + len("  ".join(facts)) > width:
            facts.pop()
        right = "  ".join(facts)
        gap = width - left.cell_length - len(right)
        return Content.assemble(left, " " * max(gap, 0), (right, "$foreground-muted")) if facts else left

    def _crowded_out(self, run: Summary) -> list[str]:
        """The learning rate, where the line of the progress has no room for it: no chart may have any either."""
        rate = _learning_rate(run)
        return rate if rate and rate[0] not in self._figures(run) else []

    def _figures(self, run: Summary) -> list[str]:
        """What stands behind the bar: as much as leaves room for it."""
        # Nobody says how many steps it is to make: then what is left can't be told either.
        endless = run.progress is None and run.step_known and run.script
        done = f"{display.step(run)}/{display.steps(run)} steps"
        parts = [f"{display.step(run)} steps"] if endless else [formatting.progress(run.progress), done]
        if run.status == "queued":
            waiting = f"waiting, {display.literal(run.place.told)}" if run.place else "waiting for its turn"
            parts.append(waiting if run.pid else "waiting for a worker")
        elif run.status == "starting":
            parts.append("the worker is starting")
        elif run.status == "running":
            parts += [] if endless else [f"{formatting.duration(run.seconds_left)} left"]
        elif run.train_seconds is not None:
            parts.append(f"{formatting.duration(run.train_seconds)} trained")
        if run.steps_per_second or (run.status == "running" and not endless):
            parts.append(formatting.speed(run.steps_per_second, "steps"))
        parts += _learning_rate(run)
        while len(parts) > 1 and len("  ".join(parts)) + 2 + SHORTEST_BAR > self._line_width:
            parts.pop()
        return parts

    @property
    def _line_width(self) -> int:
        return self.content_size.width - 1

    def _second(self, run: Summary) -> Content:
        text = "  ".join(self._figures(run))
        done, rest = display.bar(run.progress, self._line_width - len(text) - 2)
        return Content.assemble(" ", (done, display.status(run.status).colour), (rest, "$foreground 25%"), "  ", text)


def _learning_rate(run: Summary) -> list[str]:
    rate = run.metrics.get("lr")
    return [] if rate is None else [f"lr {formatting.learning_rate(rate)}"]
