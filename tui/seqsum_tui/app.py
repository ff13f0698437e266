"""The console: an app over a workspace. Imports only what the first paint needs; the engine's rooms come after it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.driver import Driver
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import Worker

from seqsum_tui.following import Following
from seqsum_tui.notifications import EndingsWatch, ends_to_tell, turns_to_tell
from seqsum_tui.opening import OpeningScreen
from seqsum_tui.query.client import server_command
from seqsum_tui.settings.store import Settings
from seqsum_tui.settings.theme_contrast import legible
from seqsum_tui.settings.themes import DARK, LIGHT
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.context import ENDS_WITH_IT
from seqsum_tui.shared.key_queue import KeyQueue
from seqsum_tui.shared.paths import copied_path, for_people, over_ssh
from seqsum_tui.shared.polling import in_thread
from seqsum_tui.terminal_io.drawing_caches import keep_little
from seqsum_tui.terminal_io.driver import ThriftyDriver
from seqsum_tui.terminal_io.hangup import shell_waits
from seqsum_tui.terminal_io.literal import NoSteering

if TYPE_CHECKING:
    from seqsum.config import Config
    from seqsum.launch import Launcher, WarmLauncher
    from seqsum.runs import Run, Summary, Workspace
    from seqsum_tui.charts import Chart
    from seqsum_tui.shared.context import Layout


PROBLEMS_TOLD = 3
SETTLED_SECONDS = 0.3


def _commands() -> type[Provider]:
    from seqsum_tui.shared.command_palette import ScreenCommands

    return ScreenCommands


class Console(App[None]):
    """seqsum-tui.

    Args:
        workspace: the folder of runs.
        now: the clock, in seconds since 1970; tests give a still one.
        remote: whether the line is slow; None looks at the environment.
        query_command: how a query server is started for a run's folder; tests give another.
        settings: the person's settings; without them the defaults, which are kept nowhere.
        logs: where other programs write logs that are followed, as runs of the workspace.
    """

    TITLE = "seqsum"
    # The list's, where it is the first screen: Textual reads no style of its own for that one.
    CSS_PATH = "runs/screen.tcss"
    ENABLE_COMMAND_PALETTE = True
    CSS = """
    * {
        scrollbar-color: $foreground 25%;
        scrollbar-color-hover: $foreground 40%;
        scrollbar-color-active: $primary;
        scrollbar-background: $foreground 5%;
        scrollbar-background-hover: $foreground 5%;
        scrollbar-background-active: $foreground 5%;
    }
    Input > .input--placeholder { color: $foreground-muted; }
    /* The palette looks as dialogs do. */
    CommandPalette {
        & > Vertical { width: 84; max-width: 100%; margin: 1 0; background: $surface; }
        & #--input { height: 3; border: round $primary; background: $surface; }
        & #--input.--list-visible { border-bottom: none; }
        & CommandInput, & CommandInput:focus { border: none; padding: 0 2; }
        & SearchIcon { display: none; }
        & CommandList { border: round $primary; border-top: none; background: $surface; }
    }
    /* Notices hide neither the keys nor where one types; in a list not the newest run, and of a run not how it goes. A
    dialog makes way. */
    ToastRack { dock: top; align: right top; margin: 1 0 0 0; max-height: 50%; scrollbar-size-vertical: 0; }
    Dialog > ToastRack, CommandPalette > ToastRack, SettingsScreen > ToastRack { layer: default; margin: 0; }
    RunsScreen > ToastRack, BinScreen > ToastRack, LiveScreen > ToastRack {
        dock: bottom; align: right bottom; margin: 0 0 1 0;
    }
    Toast { width: auto; max-width: 75%; margin: 0; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings.APP
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}

    def __init__(
        self,
        workspace: Path,
        *,
        now: Callable[[], float] = time.time,
        remote: bool | None = None,
        query_command: Callable[[Path], Sequence[str]] = server_command,
        settings: Settings | None = None,
        launcher: WarmLauncher | None = None,
        logs: Path | None = None,
    ) -> None:
        self._legible: dict[str, Theme] = {}
        self._no_steering = NoSteering()
        self._keys = KeyQueue(self)
        self._tries_themes = False
        keep_little()
        super().__init__()
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.settings = settings or Settings()
        self.workspace_folder = workspace
        self.now = now
        self._over_ssh = over_ssh() if remote is None else remote
        self.remote = False
        self.query_command = query_command
        self.ends_awaited: set[str] = set()
        self.keymap: Mapping[str, str] = {}
        self._ends_told: set[tuple[str, str, int]] = set()
        self._workspace: Workspace | None = None
        self._launcher = launcher
        self.logs = logs
        self.following = Following(logs, workspace)
        self._animation = self.animation_level
        self.endings = EndingsWatch(self, self._list_in_front, self._sweep_in_front)
        self.take_settings()

    @property
    def workspace(self) -> Workspace:
        """The workspace; the first use imports the engine's room of runs."""
        if self._workspace is None:
            from seqsum.runs import Workspace

            self._workspace = Workspace(self.workspace_folder)
        return self._workspace

    @property
    def launcher(self) -> Launcher:
        """What starts workers."""
        if self._launcher is None:
            from seqsum.launch import WarmLauncher

            self._launcher = WarmLauncher(self.settings.workers)
        return self._launcher

    def get_default_screen(self) -> Screen[Any]:
        """Return the list of runs, or what stands there until it is imported."""
        if "seqsum_tui.runs.screen" in sys.modules:
            from seqsum_tui.runs.screen import RunsScreen

            return RunsScreen()
        return OpeningScreen(for_people(self.workspace_folder), self._show_list)

    async def on_event(self, event: events.Event) -> None:
        """Keys come one after the other."""
        if isinstance(event, events.Key) and not event.is_forwarded and not self._keys.passes(event):
            return
        await super().on_event(event)

    async def _show_list(self) -> None:
        from seqsum_tui.runs.screen import RunsScreen

        self._check_settings()
        # A mode of its own: the first screen of a stack can't be taken from it.
        self.add_mode("runs", RunsScreen)
        await self.switch_mode("runs")

    def on_mount(self) -> None:
        """Put the theme on; end cleanly, with the terminal as it was, when asked to from outside."""
        self._put_theme_on()
        self.run_worker(self.endings.run(), name="ends of runs", group="endings")
        self.run_worker(self.following.run(self._tell_of_logs), name="logs", group="logs")
        if "seqsum_tui.runs.screen" in sys.modules:
            # The check knows every screen's keys, which takes having them.
            self.call_after_refresh(self._check_settings)
        try:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit)
        except (NotImplementedError, RuntimeError, ValueError):
            # Not in the main thread (a test, or embedded): signals are someone else's.
            return

    def _tell_of_logs(self, problem: str) -> None:
        self.notify(problem, title="Logs", severity="warning", timeout=10)

    # The person's settings

    @property
    def seconds(self) -> float:
        """Seconds between two readings of a screen."""
        return self.settings.seconds(self.remote)

    def notify(
        self, message: str, *, title: str = "", severity: SeverityLevel = "information", timeout: float | None = None,
        markup: bool = False,
    ) -> None:  # fmt: skip
        """Tell it literally, `markup` or not: notices hold names and reasons that come from files."""
        message, title = display.literal_lines(message), display.literal(title)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=False)

    def get_key_display(self, binding: Binding) -> str:
        """Keys have one name each: that on the keyboard, in the line of keys as in the words of a screen."""
        shown = super().get_key_display(binding)
        return "enter" if shown == "⏎" else shown.upper() if re.fullmatch(r"f\d+", shown) else shown

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Whatever a widget draws, nothing of it steers the terminal."""
        return [self._no_steering, *super().get_line_filters()]

    def get_driver_class(self) -> type[Driver]:
        """The terminal's driver can save bytes."""
        chosen = super().get_driver_class()
        return ThriftyDriver if issubclass(ThriftyDriver, chosen) else chosen

    def on_resize(self, event: events.Resize) -> None:
        """What a terminal shows after another size is its own affair."""
        self._forget_picture(event.size.width)
        # A size that came and went at once changes no layout, but the terminal lost what it showed.
        self.set_timer(SETTLED_SECONDS, self.action_redraw)

    def on_chart_limits_wanted(self, message: Chart.LimitsWanted) -> None:
        """Ask for the ends of a chart's y axis."""
        from seqsum.plotting.y_range import limits_of, limits_text
        from seqsum_tui.rooms import LineScreen

        chart = message.chart
        hint = "The lowest and the highest value, like 0,2; ,2 sets the top alone. auto takes what there is."
        value = "" if chart.y_span is None else limits_text(chart.y_span)
        neither = (None, None)
        screen = LineScreen(
            "Y range", lambda text: limits_of(text) or neither, hint, value=value, placeholder="auto", done="sets it"
        )
        self.push_screen(
            screen, lambda ends: None if ends is None else chart.take_limits(None if ends == neither else ends)
        )

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A cursor that blinks would paint twice a second, for ever."""
        if hasattr(event.widget, "cursor_blink"):
            event.widget.cursor_blink = False

    def action_redraw(self) -> None:
        """Paint everything anew, where something else wrote over it."""
        self._forget_picture()
        if self.screen_stack:
            # It may have been closed since the terminal had another size.
            self.screen.refresh(layout=True)

    def action_suspend_process(self) -> None:
        """Stop, with all that stands in the same line of the shell, as ctrl+z does to any program."""
        if self._driver is None or not self._driver.can_suspend:
            return
        if not shell_waits():
            self.notify("No shell waits behind this terminal, so nothing could bring the console back.")
            return
        os.killpg(os.getpgrp(), signal.SIGTSTP)

    def _forget_picture(self, width: int | None = None) -> None:
        if isinstance(self._driver, ThriftyDriver):
            self._driver.forget(width)
            self._driver.thrifty = self.remote

    def take_settings(self) -> None:
        """Do as the settings say, apart from theme and keys."""
        self.remote = self.settings.low_traffic(self._over_ssh)
        if isinstance(self._driver, ThriftyDriver):
            self._driver.thrifty = self.remote
        self.animation_level = "none" if self.remote else self._animation
        if self._launcher is not None:
            self._launcher.workers = self.settings.workers
        if self.is_running and self.theme != self.settings.theme:
            self.theme = self.settings.theme

    def copy_to_clipboard(self, text: str) -> None:
        """Copy by the terminal (OSC 52), or to a file where the settings say so."""
        if self.settings.value("copy") != "file":
            super().copy_to_clipboard(text)
            return
        path = copied_path()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n", encoding="utf-8")
        except OSError as error:
            self.notify(f"{path}: {error.strerror or error}", title="Can't copy", severity="error")
        else:
            self.notify(for_people(path), title="Copied to a file")

    def action_copy(self) -> None:
        """Copy what the screen in front offers: what it is, and its text."""
        offered: Callable[[], tuple[str, str] | None] | None = getattr(self.screen, "copied", None)
        found = offered() if offered is not None else None
        if found is None:
            self.notify("There is nothing to copy here yet.")
            return
        what, text = found
        self.copy_to_clipboard(text)
        if self.settings.value("copy") != "file":
            hint = "No clipboard there? The settings (key ,) can have a file instead."
            self.notify(hint, title=f"Copied: {what}")

    def layout(self, screen: str) -> Mapping[str, Any]:
        """Return how a screen was laid out the last time."""
        return self.settings.layout(screen)

    def keep_layout(self, screen: str, values: Layout) -> None:
        """Remember how a screen is laid out, for the next time the console opens."""
        self.settings.keep_layout(screen, values)
        self.save_settings()

    def save_settings(self) -> None:
        """Write the settings, beside the screen; say it when that does not work."""
        self.run_worker(self._save_settings(), name="settings", group="settings")

    async def _save_settings(self) -> None:
        try:
            await in_thread(self.settings.save)
        except OSError as error:
            text = f"{self.settings.path}: {error.strerror or error}"
            self.notify(text, title="The settings can't be saved", severity="error")

    def get_theme(self, theme_name: str) -> Theme | None:
        """Return a theme by its name, so that it can be read."""
        theme = super().get_theme(theme_name)
        if theme is None:
            return None
        if theme_name not in self._legible:
            self._legible[theme_name] = legible(theme)
        return self._legible[theme_name]

    def _put_theme_on(self) -> None:
        theme = self.settings.theme
        if theme not in self.available_themes:
            from seqsum.errors import did_you_mean

            near = did_you_mean(theme, self.available_themes) or "; the palette (ctrl+p, Theme) shows all"
            self.settings.forget("theme")
            self.settings.problems.append(f'settings: no theme "{theme}"{near}')
        self.theme = self.settings.theme
        self.theme_changed_signal.subscribe(self, self._theme_chosen)

    def try_theme(self, name: str) -> None:
        """Put a theme on to look at it; nothing is kept."""
        self._tries_themes = name != self.settings.theme
        self.theme = name

    def search_themes(self) -> None:
        """Choose a theme from a list; each is put on as one comes to it."""
        from seqsum_tui.dialogs.choose import Choice, ChooseScreen

        before = self.theme

        def chosen(names: list[str] | None) -> None:
            self._tries_themes = False
            self.theme = names[0] if names else before
            self._theme_chosen(self.current_theme)

        own = [theme.name for theme in (DARK, LIGHT)]
        choices = [Choice(name, name) for name in (*own, *sorted(self.available_themes.keys() - {*own}))]
        chooser = ChooseScreen("Theme", choices, current=before, moved=self.try_theme)
        # What is tried is looked at as it is, not dimmed.
        self.push_screen(chooser.add_class("-clear"), chosen)

    def _theme_chosen(self, theme: Theme) -> None:
        if theme.name == self.theme != self.settings.theme and not self._tries_themes:
            self.settings.put("theme", theme.name)
            self.save_settings()

    def _check_settings(self) -> None:
        """Take the person's keys, and say once what in the settings is left out, and why."""
        problems = self.settings.problems
        if self.settings.keys:
            from seqsum_tui.rooms import keymap

            good, wrong = keymap.checked(self.settings.keys)
            self.keymap = good
            self.set_keymap(good)
            problems += wrong
        if not problems:
            return
        told = [f"• {display.literal(problem)}" for problem in problems[:PROBLEMS_TOLD]]
        if len(problems) > len(told):
            told.append(f"… and {len(problems) - len(told)} more, on the settings screen")
        self.notify("\n".join(told), title="Settings", severity="warning", timeout=10)

    def action_settings(self) -> None:
        """Show the settings."""
        from seqsum_tui.rooms import SettingsScreen

        if not self.screen.is_modal and not isinstance(self.screen, SettingsScreen):
            self.push_screen(SettingsScreen(self.settings))

    def in_front(self, screen: Screen[Any]) -> bool:
        """Tell whether a screen can be seen: nothing but dialogs lies over it."""
        stack = self.screen_stack
        return screen in stack and all(above.is_modal for above in stack[stack.index(screen) + 1 :])

    def _list_in_front(self) -> bool:
        if "seqsum_tui.runs.screen" not in sys.modules:
            return True
        from seqsum_tui.runs.screen import RunsScreen

        return any(isinstance(screen, RunsScreen) and self.in_front(screen) for screen in self.screen_stack)

    def _sweep_in_front(self) -> str | None:
        """Return the name of the sweep whose own screen is in front, if one is."""
        if "seqsum_tui.sweep.screen" not in sys.modules:
            return None
        from seqsum_tui.sweep.screen import SweepScreen

        shown = (one for one in self.screen_stack if isinstance(one, SweepScreen) and self.in_front(one))
        return next((one.name_of_sweep for one in shown), None)

    # The screens

    def open_live(self, run: Run, *, instead: bool = False, started: bool = False) -> None:
        """Watch a run, which the person may have just `started`, `instead` of the screen in front or over it."""
        from seqsum_tui.rooms import LiveScreen

        self.following.ask_for(run.id)
        screen = LiveScreen(run, started=started)
        if instead:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def open_query(self, run_id: str) -> None:
        """Ask a run's model."""
        from seqsum_tui.rooms import QueryScreen

        self.push_screen(QueryScreen(run_id))

    def open_compare(
        self, run_ids: Sequence[str], *, metric: str | None = None, baseline_group: str | None = None
    ) -> None:
        """Compare runs, in a metric and with a group as the baseline where they are given."""
        from seqsum_tui.rooms import CompareScreen

        self.push_screen(CompareScreen(run_ids, metric, baseline_group))

    def open_sweep(self, name: str, *, instead: bool = False) -> None:
        """Show a sweep, `instead` of the screen in front or over it."""
        from seqsum_tui.rooms import SweepScreen

        if instead:
            self.switch_screen(SweepScreen(name))
        else:
            self.push_screen(SweepScreen(name))

    def open_new_run(
        self,
        started: Callable[[Run | None, Run | None], None],
        *,
        preset: str | None = None,
        config: Config | None = None,
        name: str = "",
    ) -> None:
        """Offer the form; `started` hears of the run that began, and of the one that was queued.

        With `config`, that of the run `name`, it begins with that run's settings.
        """
        from seqsum_tui.rooms import NewRunScreen

        title = f"Run {display.literal(name)} again" if name else "New run"
        screen = NewRunScreen(self.workspace, self.launcher, preset=preset, config=config, title=title)
        self.push_screen(screen, lambda run: started(run, screen.queued))

    # What runs do meanwhile

    def tell_endings(self, before: Mapping[str, Summary], after: Mapping[str, Summary]) -> None:
        """Say of runs and groups that ended between two readings how they did; silent about what the person stopped."""
        ended = []
        for id, run in after.items():
            earlier = before.get(id)
            if earlier is None or not earlier.live or run.live:
                continue
            end = id, run.status, run.step
            known = id in self.ends_awaited or end in self._ends_told
            self.ends_awaited.discard(id)
            self._ends_told.add(end)
            if not known and not self.endings.is_of_sweep(run):
                ended.append(run)
        turned = [(title, text, True) for title, text in turns_to_tell(before, after)]
        for title, text, bad in [*turned, *(ends_to_tell(ended, after) if ended else ())]:
            self.tell(title, text, bad=bad)

    def tell(self, title: str, text: str, *, bad: bool) -> None:
        """Tell an event as the settings say: by a notice, a bell, both or neither."""
        if self.settings.value("notifications"):
            self.notify(text, title=title, severity="error" if bad else "information", timeout=10 if bad else 5)
        if self.settings.value("bell"):
            self.bell()

    async def tell_problems(self) -> None:
        """Load plug-ins, and say which of them and which presets are left out, and why."""

        def load() -> list[str]:
            from seqsum import plugins
            from seqsum.presets import library

            return [*plugins.problems(), *library.preset_problems()]

        title = "Plug-ins and presets"
        for problem in await in_thread(load):
            self.notify(problem, title=title, severity="warning", timeout=10)

    def action_help(self) -> None:
        """Show the keys of the screen in front."""
        from seqsum_tui.rooms import HelpScreen

        if not self.screen.is_modal:
            self.push_screen(HelpScreen.of(self.screen))

    async def action_quit(self) -> None:
        """Leave the console; what would end with it is asked for first."""
        ending = [worker for worker in self.workers if worker.group == ENDS_WITH_IT and not worker.is_finished]
        leaving = any(worker.group == "leave" for worker in self.workers if not worker.is_finished)
        if ending and not leaving:
            self.run_worker(self._agreed_to_leave(ending), name="leave", group="leave")
        else:
            self.exit()

    async def _agreed_to_leave(self, ending: Sequence[Worker[Any]]) -> None:
        from seqsum_tui.rooms import ConfirmScreen

        detail = "It stops with the console, and nothing is left of what it has written."
        question = f"Leave while it is {display.literal(ending[0].name)}?"
        if await self.push_screen_wait(ConfirmScreen(question, detail, "Leave")):
            for worker in ending:
                worker.cancel()
            # It takes away first what it has half written.
            await asyncio.gather(*(worker.wait() for worker in ending), return_exceptions=True)
            self.exit()

    def action_lessons(self) -> None:
        """Show the lessons."""
        from seqsum_tui.rooms import lessons

        if not self.screen.is_modal:
            self.push_screen(lessons.LessonsScreen())

    def looked_at(self, what: str) -> None:
        """Remember what a person has looked at: it ticks a lesson."""
        from seqsum_tui.rooms import lessons

        kept = lessons.noted(self.layout(lessons.LAYOUT), what)
        if kept is not None:
            self.keep_layout(lessons.LAYOUT, kept)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer theme, settings and quit; the keys panel has its better in `?`, screenshots are for makers."""
        for command in super().get_system_commands(screen):
            if command.title in ("Theme", "Quit"):
                yield command
        yield SystemCommand(
            "Settings", "Theme, bell, notifications, traffic, and the keys there are", self.action_settings
        )
        yield SystemCommand("Lessons", "Six lessons, for whoever has never trained a network", self.action_lessons)
        yield SystemCommand("Redraw", "Paint anew, where another program wrote over it", self.action_redraw)
        yield SystemCommand("Help", "Show every key of this screen", self.action_help)
