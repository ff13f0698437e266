"""Every screen that the app opens: importing this imports the console's rooms, once, when the list is there."""

from seqsum_tui.compare.screen import CompareScreen
from seqsum_tui.dialogs import lessons
from seqsum_tui.dialogs.confirm import ConfirmScreen
from seqsum_tui.dialogs.help import HelpScreen
from seqsum_tui.dialogs.text_input import LineScreen
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.new_run.screen import NewRunScreen
from seqsum_tui.query.screen import QueryScreen
from seqsum_tui.runs.screen import RunsScreen
from seqsum_tui.settings import keymap
from seqsum_tui.settings.screen import SettingsScreen
from seqsum_tui.sweep.screen import SweepScreen

__all__ = [
    "CompareScreen",
    "ConfirmScreen",
    "HelpScreen",
    "LineScreen",
    "LiveScreen",
    "NewRunScreen",
    "QueryScreen",
    "RunsScreen",
    "SettingsScreen",
    "SweepScreen",
    "keymap",
    "lessons",
]
