"""Every key of the console in one place. Each has an id, by which it can be remapped, and a tooltip in words."""

from __future__ import annotations

from textual.binding import Binding, BindingType


def _key(
    id: str,
    key: str,
    action: str,
    label: str,
    tooltip: str,
    *,
    show: bool = True,
    display: str | None = None,
    first: bool = False,
) -> Binding:
    return Binding(key, action, label, show=show, key_display=display, tooltip=tooltip, id=id, priority=first)


HELP = _key("app.help", "question_mark,f1", "help", "Help", "Show every key of this screen", display="?")
QUIT = _key("app.quit", "q", "app.quit", "Quit", "Leave the console; runs that train go on without it")

APP: list[BindingType] = [HELP]

CONTROL: list[BindingType] = [
    _key("run.pause", "p", "pause", "Pause", "Pause the run between two steps; its worker waits"),
    _key("run.continue", "p", "continue", "Continue", "Let the paused run go on"),
    _key(
        "run.resume",
        "r",
        "resume",
        "Resume",
        "Go on with a run that was stopped, failed or died, from its newest checkpoint",
    ),
    _key("run.stop", "x", "stop", "Stop", "Save and stop the run; resume goes on from there"),
]

RUNS: list[BindingType] = [
    _key("runs.new", "n", "new", "New run", "Choose a preset, change what you like, start"),
    _key("runs.open", "enter", "open", "Open", "Watch the run: charts, log, settings, and questions to it"),
    *CONTROL,
    QUIT,
    HELP,
]

RUN_TABLE: list[BindingType] = [
    _key("table.up", "up,k", "move(-1)", "Up", "Move to the run above", show=False),
    _key("table.down", "down,j", "move(1)", "Down", "Move to the run below", show=False),
    _key("table.page_up", "pageup", "page(-1)", "Page up", "Move a page up", show=False),
    _key("table.page_down", "pagedown", "page(1)", "Page down", "Move a page down", show=False),
    _key("table.first", "home,g", "move(-1000000000)", "First", "Move to the newest run", show=False),
    _key("table.last", "end,G", "move(1000000000)", "Last", "Move to the oldest run", show=False),
]

LIVE: list[BindingType] = [
    _key("live.back", "escape", "back", "Runs", "Back to the list of runs; this run goes on", display="esc"),
    *CONTROL,
    _key("live.learning_rate", "l", "learning_rate", "LR", "Change the learning rate while the run trains"),
    _key("live.snapshot", "c", "snapshot", "Save", "Save a checkpoint now, without stopping"),
    # Priority: a key typed right after it belongs to the question, not to the chart.
    _key("live.ask", "a", "ask", "Ask", "Ask the model a question", first=True),
    _key("live.log", "o", "tab('log')", "Log", "Show what the worker writes", show=False),
    _key("live.config", "g", "tab('config')", "Config", "Show the run's configuration", show=False),
    _key("live.events", "e", "tab('events')", "Events", "Show what happened to the run, and when", show=False),
    _key("live.metric", "m", "metric", "Metric", "Show another metric beside the loss", show=False),
    _key("live.chart_loss", "1", "chart(0)", "Loss", "Show the loss chart alone, or all again", show=False),
    _key("live.chart_accuracy", "2", "chart(1)", "Accuracy", "Show the chart beside it alone, or all", show=False),
    _key("live.chart_lr", "3", "chart(2)", "Learning rate", "Show the learning-rate chart alone, or all", show=False),
    _key("live.fullscreen", "f", "fill", "Fill", "Give the charts the whole screen, or not", show=False),
    HELP,
]

ASK: list[BindingType] = [
    _key("ask.ask", "enter", "submit", "Ask", "Ask what stands in the box"),
    _key("ask.leave", "escape", "screen.leave_box", "Charts", "Leave the box; the charts have the keys", display="esc"),
    _key("ask.earlier", "up", "earlier", "Earlier", "Take the question before"),
    _key("ask.later", "down", "later", "Later", "Take the question after", show=False),
    _key("ask.page_up", "pageup", "read(-1)", "Read back", "Scroll the answers up", show=False),
    _key("ask.page_down", "pagedown", "read(1)", "Read on", "Scroll the answers down", show=False),
]

# The live screen changes the learning rate with `l`, so the chart's log axis moves to `y`.
CHART_KEYS = {"chart.log_y": "y"}
