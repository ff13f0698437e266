"""Every key of the console in one place. Each has an id, by which it can be remapped, and a tooltip in words."""

from __future__ import annotations

from textual.binding import BindingType

from seqsum_tui.shared.key import key as _key

HELP = _key("app.help", "question_mark,f1", "help", "Help", "Show every key of this screen", display="?")
QUIT = _key("app.quit", "q", "app.quit", "Quit", "Leave the console; runs that train go on without it")
QUIT_TOO = _key("app.quit", "q", "app.quit", "Quit", "Leave the console; runs that train go on without it", show=False)
SETTINGS = _key("app.settings", "comma", "settings", "Settings", "Theme, bell, traffic, keys", show=False, display=",")
COPY = _key("app.copy", "ctrl+y", "app.copy", "Copy", "Copy the ids of the runs, a line each", show=False)
COPY_ANSWER = _key("app.copy", "ctrl+y", "app.copy", "Copy", "Copy the words of this page", show=False)
COPY_TABLE = _key("app.copy", "ctrl+y", "app.copy", "Copy", "Copy the table, as CSV", show=False)

REDRAW = _key("app.redraw", "ctrl+l", "redraw", "Redraw", "Paint anew, where another program wrote", show=False)

SUSPEND = _key(
    "app.suspend",
    "ctrl+z",
    "suspend_process",
    "Suspend",
    "Stop the console and show the shell; fg brings it back",
    show=False,
)
APP: list[BindingType] = [HELP, SETTINGS, REDRAW, SUSPEND]

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
    _key("runs.open", "enter", "open", "Open", "Watch the run: charts, log, settings; unfold a group"),
    _key("runs.filter", "slash", "filter", "Filter", "List some runs only: by words, or cell = lstm", display="/"),
    _key("runs.ask", "a", "ask", "Ask", "Ask the model of the run, and look inside it"),
    *CONTROL,
    _key("runs.compare", "c", "compare", "Compare", "Put the marked runs, or this one, beside others"),
    HELP,
    _key("runs.sort", "s", "sort", "Sort", "Choose the column, metric or setting to sort by"),
    _key("runs.mark", "space", "mark", "Mark", "Mark the run; keys then act on all marked ones", display="space"),
    _key("runs.undo", "u", "undo", "Undo", "Bring back the runs that were deleted last"),
    _key("runs.delete", "d,delete", "delete", "Delete", "Put the run into the bin", display="d"),
    _key("runs.again", "e", "again", "Re-run", "Start a run like this one, with changes"),
    QUIT,
    _key("runs.reverse", "S", "reverse", "Reverse", "Sort the other way round", show=False),
    _key("runs.star", "asterisk", "star", "Star", "Put a star on the run, or take it away", show=False, display="*"),
    _key("runs.rename", "R", "rename", "Rename", "Give the run another name", show=False),
    _key("runs.tags", "t", "tags", "Tags", "Add tags to the run, or take them away", show=False),
    _key("runs.note", "N", "note", "Note", "Write a note about the run", show=False),
    _key("runs.bin", "B", "bin", "Bin", "See the deleted runs, bring them back", show=False),
    _key("runs.unfold", "f", "unfold", "Unfold", "Show the runs of the group, or fold them", show=False),
    _key("runs.groups", "F", "groups", "Groups", "Fold runs of a group into one line, or never", show=False),
    _key("runs.mark_all", "M", "mark_all", "Mark all", "Mark every run that is listed, or none", show=False),
    _key("runs.clear", "escape", "clear", "Clear", "Take the marks away, then the filter", show=False, display="esc"),
    COPY,
]

FILTER: list[BindingType] = [
    _key("filter.list", "enter,down", "leave(False)", "List", "Go to the runs that were found", display="enter"),
    _key("filter.complete", "tab", "complete", "Complete", "Take the word in grey; right arrow does, too"),
    _key("filter.other", "shift+tab", "other", "Other word", "Show another word in grey", display="shift+tab"),
    _key("filter.clear", "escape", "leave(True)", "Clear", "List all runs again", display="esc"),
]

BIN: list[BindingType] = [
    _key("bin.back", "escape,B", "back", "Back", "Back to the list of runs", display="esc"),
    _key("bin.restore", "enter,u", "restore", "Restore", "Bring the run, or the marked ones, back", display="enter"),
    _key("bin.mark", "space", "mark", "Mark", "Mark the run", display="space"),
    _key("bin.mark_all", "M", "mark_all", "Mark all", "Mark every run, or none"),
    _key("bin.empty", "E", "empty", "Empty", "Delete what is in the bin for good; press it twice"),
    HELP,
    QUIT_TOO,
]


def _moving(part: str, line: str, first: str = "home", last: str = "end") -> list[BindingType]:
    """The keys of the cursor of a table."""
    return [
        _key(f"{part}.up", "up,k", "move(-1)", "Up", f"Move to the {line} above", show=False),
        _key(f"{part}.down", "down,j", "move(1)", "Down", f"Move to the {line} below", show=False),
        _key(f"{part}.page_up", "pageup", "page(-1)", "Page up", "Move a page up", show=False),
        _key(f"{part}.page_down", "pagedown", "page(1)", "Page down", "Move a page down", show=False),
        _key(f"{part}.first", first, "move(-1000000000)", "First", f"Move to the first {line}", show=False),
        _key(f"{part}.last", last, "move(1000000000)", "Last", f"Move to the last {line}", show=False),
    ]


RUN_TABLE = _moving("table", "line", "home,g", "end,G")

LIVE: list[BindingType] = [
    _key("live.back", "escape", "back", "Runs", "Back to the list of runs; this run goes on", display="esc"),
    *CONTROL,
    _key("live.learning_rate", "l", "learning_rate", "LR", "Change the learning rate while the run trains"),
    _key("live.change", "v", "change", "Change", "Change any value that can change while the run trains", show=False),
    _key("live.snapshot", "c", "snapshot", "Save", "Save a checkpoint now, without stopping"),
    _key("live.query", "a", "query", "Ask", "Ask the model, and look inside it"),
    # Priority: a key typed right after it belongs to the question, not to the chart.
    _key("live.ask", "A", "ask", "Ask below", "Ask the model a question below the charts", show=False, first=True),
    _key("live.fork", "F", "fork", "Fork", "Go on from a checkpoint as a run of its own, with changed settings"),
    _key(
        "live.rewind",
        "R",
        "rewind",
        "Rewind",
        "Take the run back to a checkpoint; what came after is kept aside",
        show=False,
    ),
    _key("live.undo_rewind", "u", "undo_rewind", "Undo", "Bring back what the last rewind put aside"),
    _key("live.log", "o", "tab('log')", "Log", "Show what the worker writes", show=False),
    _key("live.config", "g", "tab('config')", "Config", "Show the run's configuration", show=False),
    _key("live.events", "e", "tab('events')", "Events", "Show what happened to the run, and when", show=False),
    _key("live.metric", "m", "metric", "Metric", "Show the next metric in the chart that has the keys", show=False),
    _key("live.add_charts", "M", "add_charts", "Add charts", "Add charts: choose from all of the run", show=False),
    _key("live.remove_chart", "delete,backspace", "remove_chart", "Remove", "Take the chart away", show=False),
    _key("live.move_left", "less_than_sign", "move_chart(-1)", "Earlier", "Move the chart", show=False, display="<"),
    _key("live.move_right", "greater_than_sign", "move_chart(1)", "Later", "Move the chart", show=False, display=">"),
    _key("live.columns", "w", "columns", "Columns", "One more chart in a row, then as many as fit", show=False),
    _key("live.x_axis", "t", "x_axis", "X axis", "Steps, epochs, time trained, or the clock as x", show=False),
    _key("live.default_charts", "ctrl+r", "default_charts", "Default", "The charts as they are at first", show=False),
    _key("live.enlarge", "enter", "enlarge", "Enlarge", "Show the chart that has the keys alone, or all", show=False),
    *[
        _key(f"live.chart_{n}", f"{n}", f"chart({n - 1})", f"Chart {n}", "Show one chart alone, or all", show=False)
        for n in range(1, 10)
    ],
    _key("live.fullscreen", "f", "fill", "Fill", "Give the charts the whole screen, or not", show=False),
    HELP,
    QUIT_TOO,
    COPY,
]

FORK: list[BindingType] = [
    _key("fork.cancel", "escape", "cancel", "Cancel", "Make no fork", display="esc"),
    _key("fork.up", "up", "move(-1)", "Up", "Choose a newer checkpoint", show=False, first=True),
    _key("fork.down", "down", "move(1)", "Down", "Choose an older checkpoint", show=False, first=True),
    _key("fork.settings", "ctrl+f", "settings", "Settings", "Choose a setting from a list, and change it", first=True),
]

REWIND: list[BindingType] = [
    _key("rewind.cancel", "escape", "cancel", "Cancel", "Leave the run as it is", display="esc"),
    _key("rewind.up", "up", "move(-1)", "Up", "Choose a newer checkpoint", show=False, first=True),
    _key("rewind.down", "down", "move(1)", "Down", "Choose an older checkpoint", show=False, first=True),
]

ASK: list[BindingType] = [
    _key("ask.ask", "enter", "submit", "Ask", "Ask what stands in the box"),
    _key("ask.leave", "escape", "screen.leave_box", "Charts", "Leave the box; the charts have the keys", display="esc"),
    _key("ask.earlier", "up", "earlier", "Earlier", "Take the question before"),
    _key("ask.later", "down", "later", "Later", "Take the question after", show=False),
    _key("ask.page_up", "pageup", "read(-1)", "Read back", "Scroll the answers up", show=False),
    _key("ask.page_down", "pagedown", "read(1)", "Read on", "Scroll the answers down", show=False),
]

SETTINGS_SCREEN: list[BindingType] = [
    _key("settings.back", "escape", "back", "Back", "Back; what was changed is saved already", display="esc"),
    _key("settings.up", "up", "app.focus_previous", "Up", "Go to the setting above", show=False),
    _key("settings.down", "down,enter", "app.focus_next", "Down", "Go to the setting below", show=False),
    _key("settings.page_down", "pagedown", "page(1)", "Read on", "Scroll to the keys", show=False),
    _key("settings.page_up", "pageup", "page(-1)", "Read back", "Scroll back", show=False),
    _key("settings.default", "ctrl+r", "default", "Default", "Give the setting its default again"),
    HELP,
    QUIT_TOO,
]

COMPARE: list[BindingType] = [
    _key("compare.back", "escape", "back", "Back", "Take the chart's cursor away, or go back", display="esc"),
    _key("compare.metric", "m", "metric(1)", "Metric", "Compare the next metric"),
    _key("compare.baseline", "b", "baseline", "Baseline", "Differences are from the row under the cursor"),
    _key("compare.hide", "space", "hide", "Hide", "Hide the row under the cursor, or show it again", display="space"),
    _key("compare.only", "i", "only", "Only this", "Hide all but this row and the baseline, or show all", show=False),
    _key("compare.unfold", "u", "unfold", "Unfold", "Show the runs of a group one by one, or as their median"),
    _key("compare.add", "a", "add", "Add", "Choose runs to add to the comparison"),
    _key("compare.export", "E", "export", "Export", "Write what is shown to a CSV, SVG or PNG file"),
    _key("compare.curves", "1", "view(0)", "Curves", "Show the curves, and the table of their values", show=False),
    _key("compare.settings", "2", "view(1)", "Settings", "Show the settings in which the runs differ", show=False),
    _key("compare.scatter", "3", "view(2)", "Scatter", "Show a metric over a setting, a point each", show=False),
    _key("compare.field", "h", "field(1)", "Setting", "Scatter over the next setting"),
    _key("compare.choose_field", "H", "choose_field", "Choose setting", "Choose the scatter's setting", show=False),
    _key("compare.best_or_final", "f", "best_or_final", "Best/final", "Scatter of best or of last values", show=False),
    _key("compare.choose_metric", "M", "choose_metric", "Choose metric", "Choose the metric from a list", show=False),
    _key("compare.order", "o", "order", "Order", "Best rows first, or in the order they were made", show=False),
    _key("compare.direction", "d", "direction", "Direction", "Say that higher, or lower, is better", show=False),
    _key("compare.time", "t", "time", "Time axis", "Curves over training time, or over steps", show=False),
    _key("compare.log_y", "y", "chart('toggle_log')", "Log y", "Logarithmic or linear y axis", show=False),
    _key("compare.y_range", "Y", "chart('y_range')", "Y range", "Set the ends of the y axis", show=False),
    _key("compare.leave_out", "O", "chart('leave_out')", "Outliers", "Leave outliers out, or not", show=False),
    _key("compare.smooth", "s", "chart('smooth', 1)", "Smooth", "Smooth the curves more", show=False),
    _key("compare.smooth_less", "S", "chart('smooth', -1)", "Smooth less", "Smooth the curves less", show=False),
    _key("compare.left", "left", "chart('move_cursor', -1)", "Cursor left", "Values at an earlier step", show=False),
    _key("compare.right", "right", "chart('move_cursor', 1)", "Cursor right", "Values at a later step", show=False),
    _key("compare.pan_left", "shift+left", "chart('pan', -1)", "Pan left", "Show earlier values", show=False),
    _key("compare.pan_right", "shift+right", "chart('pan', 1)", "Pan right", "Show later values", show=False),
    _key(
        "compare.zoom_in",
        "plus,equals_sign",
        "chart('zoom', 1)",
        "Zoom in",
        "Show less, finer",
        show=False,
        display="+",
    ),
    _key("compare.zoom_out", "minus", "chart('zoom', -1)", "Zoom out", "Show a wider stretch", show=False, display="-"),
    _key("compare.fit", "0", "chart('fit')", "Fit", "Show everything", show=False),
    _key("compare.remove", "delete,backspace", "remove", "Remove", "Take the row out of the comparison", show=False),
    _key("compare.open", "enter", "open", "Open", "Watch the run under the cursor; unfold a group", show=False),
    HELP,
    QUIT_TOO,
    COPY_TABLE,
]

COMPARE_TABLE = _moving("compare", "row")

DIFFERENCES: list[BindingType] = [
    _key("differences.up", "up,k", "scroll(-1, 0)", "Up", "Scroll the settings up", show=False),
    _key("differences.down", "down,j", "scroll(1, 0)", "Down", "Scroll the settings down", show=False),
    _key("differences.left", "left", "scroll(0, -1)", "Left", "Show the run before", show=False),
    _key("differences.right", "right", "scroll(0, 1)", "Right", "Show the next run", show=False),
]

# The live screen changes the learning rate with `l`, so the chart's log axis moves to `y`.
CHART_KEYS = {"chart.log_y": "y"}

HEAT_MAP: list[BindingType] = [
    _key("heat.up", "up,k", "move(-1, 0)", "Up", "Move the cursor to the row above", show=False),
    _key("heat.down", "down,j", "move(1, 0)", "Down", "Move the cursor to the row below", show=False),
    _key("heat.left", "left", "move(0, -1)", "Left", "Move the cursor to the step before", show=False),
    _key("heat.right", "right", "move(0, 1)", "Right", "Move the cursor to the next step", show=False),
    _key("heat.page_up", "pageup", "move(-10, 0)", "Page up", "Move the cursor ten rows up", show=False),
    _key("heat.page_down", "pagedown", "move(10, 0)", "Page down", "Move the cursor ten rows down", show=False),
    _key("heat.choose", "enter", "choose", "List", "List the wrong answers that this cell counts"),
    _key("heat.first", "home", "move(0, -1000000)", "First", "Move the cursor to the first step", show=False),
    _key("heat.last", "end", "move(0, 1000000)", "Last", "Move the cursor to the last step", show=False),
]

QUERY: list[BindingType] = [
    _key("query.back", "escape", "back", "Back", "Leave the box; from a page, leave the screen", display="esc"),
    _key("query.box", "a", "box", "Ask", "Go to the box and type a question"),
    _key("query.random", "r", "random", "Random", "Ask a question such as the run is trained on"),
    _key("query.hardest", "h", "hardest", "Hardest", "Ask what the model is furthest from knowing"),
    _key("query.view", "v", "view(1)", "View", "Show the next view of this page"),
    _key("query.view_before", "V", "view(-1)", "View before", "Show the view before", show=False),
    _key("query.earlier", "left_square_bracket", "checkpoint(-1)", "Step", "Ask the checkpoint before", display="[ ]"),
    _key("query.later", "right_square_bracket", "checkpoint(1)", "Later", "Ask the next checkpoint", show=False),
    _key(
        "query.replay",
        "p",
        "replay",
        "Replay",
        "Play through all checkpoints, the first to the newest",
        show=False,
    ),
    _key("query.newest", "n", "newest", "Newest", "Ask the newest checkpoint again", show=False),
    _key("query.filter", "f", "filter", "Filter", "List wrong answers of one truth, answer or length alone"),
    _key(
        "query.back_in_data",
        "less_than_sign",
        "offset(1)",
        "Move",
        "Forecast from earlier in the data, where the truth is known",
        display="< >",
    ),
    _key(
        "query.on_in_data",
        "greater_than_sign",
        "offset(-1)",
        "Further on",
        "Forecast from later in the data",
        show=False,
    ),
    HELP,
    _key("query.beside", "vertical_line", "beside", "Beside", "Ask two checkpoints or runs at once", display="|"),
    _key("query.batch", "b", "batch", "File", "Ask every line of a file, or a series from a CSV file"),
    _key("query.wrong", "w", "wrong", "Wrong only", "Of a file's answers list the wrong ones, or all", show=False),
    _key("query.answer", "1", "page('answer')", "Answer", "The answer, and how sure the model is", show=False),
    _key("query.inside", "2", "page('inside')", "Inside", "States, gates, saliency, what it thinks", show=False),
    _key("query.whole", "3", "page('whole')", "Whole", "Accuracy, confusion, by length, mistakes", show=False),
    _key("query.learned", "4", "page('learned')", "Learned", "How this answer came to be learned", show=False),
    _key("query.more", "5", "page('more')", "Text, forecast", "Texts it writes, or series it continues", show=False),
    _key("query.hotter", "T", "temperature(1)", "Hotter", "Draw texts more freely", show=False),
    _key("query.colder", "t", "temperature(-1)", "Colder", "Draw texts less freely", show=False),
    _key("query.top", "o", "top_k", "Top k", "Draw among fewer tokens, or among all", show=False),
    QUIT_TOO,
    COPY_ANSWER,
]

QUERY_BOX: list[BindingType] = [
    _key("query.ask", "enter", "submit", "Ask", "Ask what stands in the box"),
    _key("query.box_earlier", "up", "earlier", "Earlier", "Take the question before"),
    _key("query.box_later", "down", "later", "Later", "Take the question after", show=False),
    _key("query.box_random", "ctrl+r", "screen.random", "Random", "Ask a question such as the run is trained on"),
]

ANSWER_LIST: list[BindingType] = [
    *_moving("answers", "answer"),
    _key("answers.ask", "enter", "choose", "Ask it", "Ask the question under the cursor by itself", show=False),
]
