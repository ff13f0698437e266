"""Every key of the console in one place. Each has an id, by which it can be remapped, and a tooltip in words."""

from __future__ import annotations

from textual.binding import BindingType

from seqsum_tui.key import hidden, key

HELP = key("app.help", "question_mark,f1", "help", "Help", "Show every key of this screen", display="?")
QUIT = key("app.quit", "q", "app.quit", "Quit", "Leave the console; runs that train go on without it")
QUIT_TOO = hidden("app.quit", "q", "app.quit", "Quit", "Leave the console; runs that train go on without it")
SETTINGS = hidden("app.settings", "comma", "settings", "Settings", "Theme, bell, traffic, keys", display=",")
COPY = hidden("app.copy", "ctrl+y", "app.copy", "Copy", "Copy the ids of the runs, a line each")
COPY_ANSWER = hidden("app.copy", "ctrl+y", "app.copy", "Copy", "Copy the words of this page")
COPY_TABLE = hidden("app.copy", "ctrl+y", "app.copy", "Copy", "Copy the table, as CSV")

REDRAW = hidden("app.redraw", "ctrl+l", "redraw", "Redraw", "Paint anew, where another program wrote")

SUSPEND = hidden(
    "app.suspend", "ctrl+z", "suspend_process", "Suspend", "Stop the console and show the shell; fg brings it back"
)
LESSONS = hidden("app.lessons", "L", "lessons", "Lessons", "Six lessons, for whoever has never trained a network")
APP: list[BindingType] = [HELP, SETTINGS, REDRAW, SUSPEND, LESSONS]

CONTROL: list[BindingType] = [
    key("run.pause", "p", "pause", "Pause", "Pause the run between two steps; its worker waits"),
    key("run.continue", "p", "continue", "Continue", "Let the paused run go on"),
    key(
        "run.resume",
        "r",
        "resume",
        "Resume",
        "Go on with a run that was stopped, failed or died, from its newest checkpoint",
    ),
    key("run.stop", "x", "stop", "Stop", "Save and stop the run; resume goes on from there"),
]

RUNS: list[BindingType] = [
    key("runs.new", "n", "new", "New run", "Choose a preset, change what you like, start"),
    key("runs.open", "enter", "open", "Open", "Watch the run: charts, log, settings; unfold a group"),
    key("runs.filter", "slash", "filter", "Filter", "List some runs only: by words, or cell = lstm", display="/"),
    key("runs.ask", "a", "ask", "Ask", "Ask the model of the run, and look inside it"),
    *CONTROL,
    key("runs.compare", "c", "compare", "Compare", "Put the marked runs, or this one, beside others"),
    key("runs.each", "v", "each", "Each run", "Of a group: a small curve for each run, or their median"),
    key("runs.sweeps", "w", "sweeps", "Sweeps", "Show a sweep: many settings, and which is best"),
    HELP,
    key("runs.sort", "s", "sort", "Sort", "Choose the column, metric or setting to sort by"),
    key("runs.mark", "space", "mark", "Mark", "Mark the run; keys then act on all marked ones", display="space"),
    key("runs.undo", "u", "edit('undo')", "Undo", "Bring back the runs that were deleted last"),
    key("runs.delete", "d,delete", "edit('delete')", "Delete", "Put the run into the bin", display="d"),
    key("runs.again", "e", "edit('again')", "Re-run", "Start a run like this one, with changes"),
    QUIT,
    hidden("runs.reverse", "S", "reverse", "Reverse", "Sort the other way round"),
    hidden("runs.star", "asterisk", "edit('star')", "Star", "Put a star on the run, or take it away", display="*"),
    hidden("runs.rename", "R", "edit('rename')", "Rename", "Give the run another name"),
    hidden("runs.tags", "t", "edit('tags')", "Tags", "Add tags to the run, or take them away"),
    hidden("runs.note", "N", "edit('note')", "Note", "Write a note about the run"),
    hidden("runs.bin", "B", "edit('bin')", "Bin", "See the deleted runs, bring them back"),
    hidden("runs.unfold", "f", "unfold", "Unfold", "Show the runs of the group, or fold them"),
    hidden("runs.groups", "F", "groups", "Groups", "Fold runs of a group into one line, or never"),
    hidden("runs.mark_all", "M", "mark_all", "Mark all", "Mark every run that is listed, or none"),
    hidden("runs.clear", "escape", "clear", "Clear", "Take the marks away, then the filter", display="esc"),
    COPY,
]

FILTER: list[BindingType] = [
    key("filter.list", "enter,down", "leave(False)", "List", "Go to the runs that were found", display="enter"),
    key("filter.complete", "tab", "complete", "Complete", "Take the word in grey; right arrow does, too"),
    key("filter.other", "shift+tab", "other", "Other word", "Show another word in grey", display="shift+tab"),
    key("filter.clear", "escape", "leave(True)", "Clear", "List all runs again", display="esc"),
]

BIN: list[BindingType] = [
    key("bin.back", "escape,B", "back", "Back", "Back to the list of runs", display="esc"),
    key("bin.restore", "enter,u", "restore", "Restore", "Bring the run, or the marked ones, back", display="enter"),
    key("bin.mark", "space", "mark", "Mark", "Mark the run", display="space"),
    key("bin.mark_all", "M", "mark_all", "Mark all", "Mark every run, or none"),
    key("bin.empty", "E", "empty", "Empty", "Delete what is in the bin for good; press it twice"),
    HELP,
    QUIT_TOO,
]


def _moving(part: str, line: str, first: str = "home", last: str = "end") -> list[BindingType]:
    """The keys of the cursor of a table."""
    return [
        hidden(f"{part}.up", "up,k", "move(-1)", "Up", f"Move to the {line} above"),
        hidden(f"{part}.down", "down,j", "move(1)", "Down", f"Move to the {line} below"),
        hidden(f"{part}.page_up", "pageup", "page(-1)", "Page up", "Move a page up"),
        hidden(f"{part}.page_down", "pagedown", "page(1)", "Page down", "Move a page down"),
        hidden(f"{part}.first", first, "move(-1000000000)", "First", f"Move to the first {line}"),
        hidden(f"{part}.last", last, "move(1000000000)", "Last", f"Move to the last {line}"),
    ]


RUN_TABLE = _moving("table", "line", "home,g", "end,G")

TILE: list[BindingType] = [key("tile.open", "enter", "open", "Open", "Watch the run of the small chart")]

LIVE: list[BindingType] = [
    key("live.back", "escape", "back", "Runs", "Back to the list of runs; this run goes on", display="esc"),
    *CONTROL,
    key("live.learning_rate", "l", "learning_rate", "LR", "Change the learning rate while the run trains"),
    hidden("live.change", "v", "change", "Change", "Change any value that can change while the run trains"),
    key("live.snapshot", "c", "snapshot", "Save", "Save a checkpoint now, without stopping"),
    key("live.query", "a", "query", "Ask", "Ask the model, and look inside it"),
    # Priority: a key typed right after it belongs to the question, not to the chart.
    hidden("live.ask", "A", "ask", "Ask below", "Ask the model a question below the charts", first=True),
    key(
        "live.fork", "F", "branch('fork')", "Fork", "Go on from a checkpoint as a run of its own, with changed settings"
    ),
    hidden(
        "live.rewind",
        "R",
        "branch('rewind')",
        "Rewind",
        "Take the run back to a checkpoint; what came after is kept aside",
    ),
    key("live.undo_rewind", "u", "branch('undo_rewind')", "Undo", "Bring back what the last rewind put aside"),
    hidden("live.log", "o", "tab('log')", "Log", "Show what the worker writes"),
    hidden("live.config", "g", "tab('config')", "Config", "Show the run's configuration"),
    hidden("live.events", "e", "tab('events')", "Events", "Show what happened to the run, and when"),
    hidden(
        "live.metric",
        "m",
        "arrange('next_metric')",
        "Metric",
        "Another metric for the chart that has the keys",
    ),
    hidden("live.add_charts", "M", "arrange('add')", "Add charts", "Add charts: choose from all of the run"),
    hidden("live.remove_chart", "delete,backspace", "arrange('remove')", "Remove", "Take the chart away"),
    hidden("live.move_left", "less_than_sign", "arrange('move', -1)", "Earlier", "Move the chart", display="<"),
    hidden("live.move_right", "greater_than_sign", "arrange('move', 1)", "Later", "Move the chart", display=">"),
    hidden("live.columns", "w", "arrange('more_columns')", "Columns", "One more chart in a row, then as many as fit"),
    hidden("live.x_axis", "t", "arrange('next_x_axis')", "X axis", "Steps, epochs, time trained, or the clock as x"),
    hidden("live.default_charts", "ctrl+r", "arrange('reset')", "Default", "The charts as they are at first"),
    hidden("live.enlarge", "enter", "enlarge", "Enlarge", "Show the chart that has the keys alone, or all"),
    *[
        hidden(f"live.chart_{n}", f"{n}", f"chart({n - 1})", f"Chart {n}", "Show one chart alone, or all")
        for n in range(1, 10)
    ],
    hidden("live.fullscreen", "f", "fill", "Fill", "Give the charts the whole screen, or not"),
    HELP,
    QUIT_TOO,
    COPY,
]

BRANCH: list[BindingType] = [one for one in LIVE if getattr(one, "id", None) in ("live.fork", "live.rewind")]
"""The keys of an opened run that whoever stands in the list looks for."""

FORK: list[BindingType] = [
    key("fork.cancel", "escape", "cancel", "Cancel", "Make no fork", display="esc"),
    hidden("fork.up", "up", "move(-1)", "Up", "Choose a newer checkpoint", first=True),
    hidden("fork.down", "down", "move(1)", "Down", "Choose an older checkpoint", first=True),
    key("fork.settings", "ctrl+f", "settings", "Settings", "Choose a setting from a list, and change it", first=True),
]

REWIND: list[BindingType] = [
    key("rewind.cancel", "escape", "cancel", "Cancel", "Leave the run as it is", display="esc"),
    hidden("rewind.up", "up", "move(-1)", "Up", "Choose a newer checkpoint", first=True),
    hidden("rewind.down", "down", "move(1)", "Down", "Choose an older checkpoint", first=True),
]

ASK: list[BindingType] = [
    key("ask.ask", "enter", "submit", "Ask", "Ask what stands in the box"),
    key("ask.leave", "escape", "screen.leave_box", "Charts", "Leave the box; the charts have the keys", display="esc"),
    key("ask.earlier", "up", "earlier", "Earlier", "Take the question before"),
    hidden("ask.later", "down", "later", "Later", "Take the question after"),
    hidden("ask.page_up", "pageup", "read(-1)", "Read back", "Scroll the answers up"),
    hidden("ask.page_down", "pagedown", "read(1)", "Read on", "Scroll the answers down"),
]

SETTINGS_SCREEN: list[BindingType] = [
    key("settings.back", "escape", "back", "Back", "Back; what was changed is saved already", display="esc"),
    hidden("settings.up", "up", "app.focus_previous", "Up", "Go to the setting above"),
    hidden("settings.down", "down,enter", "app.focus_next", "Down", "Go to the setting below"),
    hidden("settings.page_down", "pagedown", "page(1)", "Read on", "Scroll to the keys"),
    hidden("settings.page_up", "pageup", "page(-1)", "Read back", "Scroll back"),
    key("settings.default", "ctrl+r", "default", "Default", "Give the setting its default again"),
    HELP,
    QUIT_TOO,
]

COMPARE: list[BindingType] = [
    key("compare.back", "escape", "back", "Back", "Take the chart's cursor away, or go back", display="esc"),
    key("compare.metric", "m", "metric(1)", "Metric", "Compare the next metric"),
    key("compare.baseline", "b", "baseline", "Baseline", "Differences are from the row under the cursor"),
    key("compare.hide", "space", "hide", "Hide", "Hide the row under the cursor, or show it again", display="space"),
    hidden("compare.only", "i", "only", "Only this", "Hide all but this row and the baseline, or show all"),
    key("compare.unfold", "u", "unfold", "Unfold", "Show the runs of a group one by one, or as their median"),
    key("compare.add", "a", "add", "Add", "Choose runs to add to the comparison"),
    key("compare.export", "E", "export", "Export", "Write what is shown to a CSV, SVG, PNG or PDF file"),
    hidden("compare.curves", "1", "view(0)", "Curves", "Show the curves, and the table of their values"),
    hidden("compare.settings", "2", "view(1)", "Settings", "Show the settings in which the runs differ"),
    hidden("compare.scatter", "3", "view(2)", "Scatter", "Show a metric over a setting, a point each"),
    key("compare.field", "h", "field(1)", "Setting", "Scatter over the next setting"),
    hidden("compare.choose_field", "H", "choose_field", "Choose setting", "Choose the scatter's setting"),
    hidden("compare.best_or_final", "f", "best_or_final", "Best/final", "Scatter of best or of last values"),
    hidden("compare.choose_metric", "M", "choose_metric", "Choose metric", "Choose the metric from a list"),
    hidden("compare.order", "o", "order", "Order", "Best rows first, or in the order they were made"),
    hidden("compare.direction", "d", "direction", "Direction", "Say that higher, or lower, is better"),
    hidden("compare.time", "t", "time", "Time axis", "Curves over training time, or over steps"),
    hidden("compare.log_x", "x", "log_x", "Log x", "Logarithmic or linear x axis"),
    hidden("compare.log_y", "y", "chart('toggle_log')", "Log y", "Logarithmic or linear y axis"),
    hidden("compare.y_range", "Y", "chart('y_range')", "Y range", "Set the ends of the y axis"),
    hidden("compare.leave_out", "O", "chart('leave_out')", "Outliers", "Leave outliers out, or not"),
    hidden("compare.smooth", "s", "chart('smooth', 1)", "Smooth", "Smooth the curves more"),
    hidden("compare.smooth_less", "S", "chart('smooth', -1)", "Smooth less", "Smooth the curves less"),
    hidden("compare.left", "left", "chart('move_cursor', -1)", "Cursor left", "Values at an earlier step"),
    hidden("compare.right", "right", "chart('move_cursor', 1)", "Cursor right", "Values at a later step"),
    hidden("compare.pan_left", "shift+left", "chart('pan', -1)", "Pan left", "Show earlier values"),
    hidden("compare.pan_right", "shift+right", "chart('pan', 1)", "Pan right", "Show later values"),
    hidden("compare.zoom_in", "plus,equals_sign", "chart('zoom', 1)", "Zoom in", "Show less, finer", display="+"),
    hidden("compare.zoom_out", "minus", "chart('zoom', -1)", "Zoom out", "Show a wider stretch", display="-"),
    hidden("compare.fit", "0", "chart('fit')", "Fit", "Show everything"),
    hidden("compare.remove", "delete,backspace", "remove", "Remove", "Take the row out of the comparison"),
    hidden("compare.open", "enter", "open", "Open", "Watch the run under the cursor; unfold a group"),
    HELP,
    QUIT_TOO,
    COPY_TABLE,
]

COMPARE_TABLE = _moving("compare", "row")

DIFFERENCES: list[BindingType] = [
    hidden("differences.up", "up,k", "scroll(-1, 0)", "Up", "Scroll the settings up"),
    hidden("differences.down", "down,j", "scroll(1, 0)", "Down", "Scroll the settings down"),
    hidden("differences.left", "left", "scroll(0, -1)", "Left", "Show the run before"),
    hidden("differences.right", "right", "scroll(0, 1)", "Right", "Show the next run"),
]

SWEEP: list[BindingType] = [
    key("sweep.back", "escape", "back", "Back", "Back; the sweep goes on", display="esc"),
    key("sweep.open", "enter", "open", "Open", "Put the setting's runs beside each other; watch a single one"),
    key("sweep.pause", "p", "pause", "Pause", "Start nothing new; runs that train go on to their end"),
    key("sweep.go_on", "p", "go_on", "Continue", "Go on with the sweep"),
    key("sweep.resume", "r", "resume", "Resume", "Go on with a sweep that was stopped or died"),
    key("sweep.stop", "x", "stop", "Stop", "Save the runs and stop; resume goes on from there"),
    key("sweep.more", "plus", "more", "More", "Have it try more settings, or more seeds of each", display="+"),
    key("sweep.compare", "c", "compare", "Compare", "Put the marked settings, or this and the best, beside each other"),
    key("sweep.mark", "space", "mark", "Mark", "Mark the setting for comparing", display="space"),
    key("sweep.export", "E", "export", "Export", "Write what is shown to a CSV, SVG, PNG or PDF file"),
    key("sweep.again", "e", "again", "Train", "Start a run with this setting, with changes"),
    key("sweep.other", "w", "other", "Sweeps", "Choose another sweep"),
    hidden("sweep.settings", "1", "view(0)", "Settings", "Show every setting with its seeds"),
    hidden("sweep.parallel", "2", "view(1)", "Parallel", "Show every setting as a line over its values"),
    hidden("sweep.grid", "3", "view(2)", "Grid", "Show two fields as a grid"),
    hidden("sweep.decides", "4", "view(3)", "What decides", "Show which field decides how much"),
    key("sweep.across", "h", "side('across')", "Across", "Put the next field across the grid", display="h v"),
    hidden("sweep.up", "v", "side('up')", "Up", "Put the next field upwards on the grid"),
    HELP,
    QUIT_TOO,
    COPY_TABLE,
]

SWEEP_TABLE = _moving("sweep", "setting")

SWEEP_GRID: list[BindingType] = [
    hidden("grid.up", "up,k", "move(-1, 0)", "Up", "Move to the cell above"),
    hidden("grid.down", "down,j", "move(1, 0)", "Down", "Move to the cell below"),
    hidden("grid.left", "left", "move(0, -1)", "Left", "Move to the cell on the left"),
    hidden("grid.right", "right", "move(0, 1)", "Right", "Move to the cell on the right"),
    hidden("grid.open", "enter", "choose", "Open", "Open the best setting of the cell"),
]

SWEEP_DECIDES: list[BindingType] = [
    *_moving("decides", "field"),
    key("decides.open", "enter", "choose", "Grid", "Show the field on the grid"),
]

HEAT_MAP: list[BindingType] = [
    hidden("heat.up", "up,k", "move(-1, 0)", "Up", "Move the cursor to the row above"),
    hidden("heat.down", "down,j", "move(1, 0)", "Down", "Move the cursor to the row below"),
    hidden("heat.left", "left", "move(0, -1)", "Left", "Move the cursor to the step before"),
    hidden("heat.right", "right", "move(0, 1)", "Right", "Move the cursor to the next step"),
    hidden("heat.page_up", "pageup", "move(-10, 0)", "Page up", "Move the cursor ten rows up"),
    hidden("heat.page_down", "pagedown", "move(10, 0)", "Page down", "Move the cursor ten rows down"),
    key("heat.choose", "enter", "choose", "List", "List the wrong answers that this cell counts"),
    hidden("heat.first", "home", "move(0, -1000000)", "First", "Move the cursor to the first step"),
    hidden("heat.last", "end", "move(0, 1000000)", "Last", "Move the cursor to the last step"),
]

RIBBONS: list[BindingType] = [
    hidden("ribbons.before", "left,up,k", "move(-1)", "Before", "Choose the token that was written before"),
    hidden("ribbons.next", "right,down,j", "move(1)", "Next", "Choose the token that was written next"),
    hidden("ribbons.first", "home", "move(-1000000)", "First", "Choose the first token that was written"),
    hidden("ribbons.last", "end", "move(1000000)", "Last", "Choose the last token that was written"),
]

QUERY: list[BindingType] = [
    # While a replay plays; they come before what a picture makes of these keys.
    key("query.halt", "space", "halt", "Halt/go on", "Halt the replay, or go on", display="space", first=True),
    key("query.film_back", "left", "film(-1)", "Step", "Halt at the checkpoint before", display="← →", first=True),
    hidden("query.film_on", "right", "film(1)", "Step on", "Halt at the next checkpoint", first=True),
    key("query.back", "escape", "back", "Back", "Leave the box, the replay, the page, then the screen", display="esc"),
    key("query.box", "a", "box", "Ask", "Go to the box and type a question"),
    key("query.random", "r", "random", "Random", "Ask a question such as the run is trained on"),
    key("query.hardest", "h", "hardest", "Hardest", "Ask what the model is furthest from knowing"),
    key("query.view", "v", "view(1)", "View", "Show the next view of this page"),
    hidden("query.view_before", "V", "view(-1)", "View before", "Show the view before"),
    key("query.earlier", "left_square_bracket", "checkpoint(-1)", "Step", "Ask the checkpoint before", display="[ ]"),
    hidden("query.later", "right_square_bracket", "checkpoint(1)", "Later", "Ask the next checkpoint"),
    hidden("query.replay", "p", "replay", "Replay", "Play through all checkpoints, the first to the newest; or stop"),
    hidden("query.export", "E", "export", "Film", "Write the replay to a file that asciinema plays"),
    hidden("query.newest", "n", "newest", "Newest", "Ask the newest checkpoint again"),
    key("query.filter", "f", "filter", "Filter", "List wrong answers of one truth, answer or length alone"),
    key(
        "query.back_in_data",
        "less_than_sign",
        "offset(1)",
        "Move",
        "Forecast from earlier in the data, where the truth is known",
        display="< >",
    ),
    hidden("query.on_in_data", "greater_than_sign", "offset(-1)", "Further on", "Forecast from later in the data"),
    HELP,
    key("query.beside", "vertical_line", "beside", "Beside", "Ask two checkpoints or runs at once", display="|"),
    key("query.batch", "b", "batch", "File", "Ask every line of a file, or a series from a CSV file"),
    hidden(
        "query.whole_file", "F", "whole_file", "Whole file", "Answer a file into another, measure on it, or stop that"
    ),
    hidden("query.wrong", "w", "wrong", "Wrong only", "Of a file's answers list the wrong ones, or all"),
    hidden("query.answer", "1", "page('answer')", "Answer", "The answer, and how sure the model is"),
    hidden("query.inside", "2", "page('inside')", "Inside", "States, gates, saliency, what it thinks"),
    hidden("query.whole", "3", "page('whole')", "Whole", "Accuracy, confusion, by length, mistakes"),
    hidden("query.learned", "4", "page('learned')", "Learned", "How this answer came to be learned"),
    hidden("query.more", "5", "page('more')", "Text, forecast", "Texts it writes, or series it continues"),
    hidden("query.hotter", "T", "temperature(1)", "Hotter", "Draw texts more freely"),
    hidden("query.colder", "t", "temperature(-1)", "Colder", "Draw texts less freely"),
    hidden("query.top", "o", "top_k", "Top k", "Draw among fewer tokens, or among all"),
    QUIT_TOO,
    COPY_ANSWER,
]

QUERY_BOX: list[BindingType] = [
    key("query.ask", "enter", "submit", "Ask", "Ask what stands in the box"),
    key("query.box_pages", "tab", "app.focus_next", "Pages", "Leave the box for the page; there 1 to 5 choose another"),
    key("query.box_earlier", "up", "earlier", "Earlier", "Take the question before"),
    hidden("query.box_later", "down", "later", "Later", "Take the question after"),
    key("query.box_random", "ctrl+r", "screen.random", "Random", "Ask a question such as the run is trained on"),
]

ANSWER_LIST: list[BindingType] = [
    *_moving("answers", "answer"),
    hidden("answers.ask", "enter", "choose", "Ask it", "Ask the question under the cursor by itself"),
]
