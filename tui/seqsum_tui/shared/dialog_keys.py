"""The keys of the small dialogs, each with an id as in `bindings`. A dialog says on its frame what they do."""

from __future__ import annotations

from textual.binding import BindingType

from seqsum_tui.key import hidden, key

HELP_PAGE: list[BindingType] = [
    hidden("help.close", "escape,question_mark,q,enter,f1", "close", "Close", "Back to the screen, or to all keys"),
    hidden("help.search", "slash", "search", "Search", "Search the keys by a word", display="/"),
]

LESSONS: list[BindingType] = [
    hidden("lessons.close", "escape,L,q,enter", "cancel", "Close", "Back to the screen"),
]

LINE: list[BindingType] = [
    key("line.cancel", "escape", "cancel", "Cancel", "Leave all as it is", first=True),
]

NOTE: list[BindingType] = [
    key("note.save", "ctrl+s", "accept", "Save", "Keep the note", first=True),
]

CHOOSE: list[BindingType] = [
    key("choose.cancel", "escape", "cancel", "Cancel", "Change nothing", first=True),
    hidden("choose.up", "up", "move(-1)", "Up", "Go to the line above", first=True),
    hidden("choose.down", "down", "move(1)", "Down", "Go to the line below", first=True),
    hidden("choose.page_up", "pageup", "move(-10)", "Page up", "Go ten lines up", first=True),
    hidden("choose.page_down", "pagedown", "move(10)", "Page down", "Go ten lines down", first=True),
    key("choose.mark", "space", "mark", "Mark", "Mark the line, or not", first=True),
    key("choose.accept", "enter", "accept", "Choose", "Take what is marked", first=True),
]

CONFIRM: list[BindingType] = [
    key("confirm.accept", "y,d", "accept", "Yes", "Do it; enter does, too", display="y"),
    # Not left to the button: what is typed behind it must find the dialog closed.
    hidden("confirm.enter", "enter", "enter", "Yes", "Press the button", first=True),
    key("confirm.cancel", "escape,n,u,q", "cancel", "No", "Leave all as it is", display="esc"),
]

WHOLE_FILE: list[BindingType] = [
    key("whole_file.cancel", "escape", "cancel", "Cancel", "Ask no file", first=True),
    hidden("whole_file.up", "up", "move(-1)", "Up", "Answer the file", first=True),
    hidden("whole_file.down", "down", "move(1)", "Down", "Measure the run on the file", first=True),
    key("whole_file.accept", "enter", "accept", "Begin", "Begin with the file", first=True),
]

PATH: list[BindingType] = [
    key("path.complete", "tab", "complete", "Complete", "Take the name that is shown grey, or go to the next line"),
]

TOLD: list[BindingType] = [
    hidden("told.close", "escape,enter,q", "cancel", "Close", "Back to the screen", first=True),
]

SET_VALUE: list[BindingType] = [
    key("set.cancel", "escape", "cancel", "Cancel", "Leave the value as it is"),
]

EXPORT: list[BindingType] = [
    key("export.cancel", "escape", "cancel", "Cancel", "Write nothing", first=True),
    hidden("export.up", "up", "move(-1)", "Up", "Go to the kind of file above", first=True),
    hidden("export.down", "down", "move(1)", "Down", "Go to the kind of file below", first=True),
    key("export.accept", "enter", "accept", "Write", "Write the file", first=True),
]

CHANGES: list[BindingType] = [
    key("changes.close", "escape,f3,q", "cancel", "Close", "Back to the form"),
    key("changes.reset", "delete,backspace,ctrl+r", "reset", "Reset", "Give the setting the preset's value again"),
]

SAVE_PRESET: list[BindingType] = [
    key("save_preset.cancel", "escape", "cancel", "Cancel", "Save nothing"),
    hidden("save_preset.up", "up", "app.focus_previous", "Up", "Go to the line above"),
    hidden("save_preset.down", "down", "app.focus_next", "Down", "Go to the line below"),
]
