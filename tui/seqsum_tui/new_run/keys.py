"""The keys of the new-run screen, and what its help page says of those that its parts have."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from seqsum_tui.key import hidden, key
from seqsum_tui.shared.bindings import HELP

KEYS: list[BindingType] = [
    key("new_run.start", "f5,ctrl+s", "start", "Start", "Start the run with these settings"),
    key("new_run.sweep", "f5,ctrl+s", "sweep", "Sweep", "Start the sweep over the fields with several values"),
    key(
        "new_run.queue",
        "f7",
        "queue",
        "Queue",
        "Start it when it is its turn and a worker is free, behind what was queued",
    ),
    key(
        "new_run.leave", "escape", "leave", "Back", "Back; leaves without starting, and asks when changes would be lost"
    ),
    key("new_run.reset", "ctrl+r", "reset_field", "Reset", "Give the field its preset's value again"),
    key("new_run.reset_all", "f6", "reset_all", "Reset all", "Drop every change; a second time brings them back"),
    # Priority: an input line has a meaning of its own for this key.
    key("new_run.find", "ctrl+f", "find", "Find", "Show only the fields whose name or help holds a word", first=True),
    # Priority: a text box may have a meaning of its own for this key.
    key(
        "new_run.several",
        "ctrl+t",
        "several",
        "Several",
        "Try several values of the field: a list, or a range",
        first=True,
    ),
    hidden("new_run.find_slash", "slash", "find", "Find", "The same, where no text is typed"),
    key("new_run.advanced", "f9", "unfold_all", "Advanced", "Show every setting there is, or the basic ones alone"),
    key("new_run.changes", "f3", "changes", "Changes", "List what differs from the preset; go there, or take it back"),
    key(
        "new_run.save_preset",
        "f4",
        "save_preset",
        "Save",
        "Keep these settings as a preset of your own; a sweep as its file",
    ),
    HELP,
    key("new_run.copy", "ctrl+y", "copy", "Copy", "Copy the command line that starts the same run"),
    hidden("new_run.switch", "f2", "switch", "Presets or settings", "Go from the presets to the settings, or back"),
    hidden("new_run.next_error", "f8", "next_error", "Next error", "Go to the next wrong field"),
]

IN_PRESETS: list[BindingType] = [
    Binding("up,down", "", "Choose", tooltip="Choose another preset; what you changed stays on top of it"),
    Binding("enter", "", "Go to Start", tooltip="Take this preset and go to Start; enter there starts"),
    Binding("tab,right", "", "Settings", tooltip="Change settings"),
    Binding("pagedown,pageup", "", "Read on", tooltip="Scroll the preset's description"),
    Binding("backspace", "", "Search", tooltip="Letters and digits search; backspace takes the last one back"),
]

IN_SETTINGS: list[BindingType] = [
    Binding("up,down", "", "Field", tooltip="Go to the field above or below; enter goes down, too"),
    Binding("pageup,pagedown", "", "Section", tooltip="Go to the section above or below"),
    Binding("left,right", "", "Choice", tooltip="Choose another of a few; on an advanced line, show or fold"),
]
