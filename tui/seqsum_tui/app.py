"""The console: an app over a workspace. Imports only what the first paint needs; the engine's rooms come after it."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from seqsum_tui import bindings, words
from seqsum_tui.paths import over_ssh
from seqsum_tui.query_client import server_command
from seqsum_tui.screens.runs import RunsScreen

if TYPE_CHECKING:
    from seqsum.launch import Launcher
    from seqsum.runs import Summary, Workspace


class Console(App[None]):
    """seqsum-tui.

    Args:
        workspace: the folder of runs.
        now: the clock, in seconds since 1970; tests give a still one.
        remote: whether the line is slow; None looks at the environment.
        query_command: how a query server is started for a run's folder; tests give another.
    """

    TITLE = "seqsum"
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
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings.APP
    MODES = {"runs": RunsScreen}  # noqa: RUF012
    DEFAULT_MODE = "runs"

    def __init__(
        self,
        workspace: Path,
        *,
        now: Callable[[], float] = time.time,
        remote: bool | None = None,
        query_command: Callable[[Path], Sequence[str]] = server_command,
    ) -> None:
        super().__init__()
        self.workspace_folder = workspace
        self.now = now
        self.remote = over_ssh() if remote is None else remote
        self.query_command = query_command
        self.ends_awaited: set[str] = set()
        self._ends_told: set[tuple[str, str, int]] = set()
        self._workspace: Workspace | None = None
        self._launcher: Launcher | None = None
        if self.remote:
            self.animation_level = "none"

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
            from seqsum.launch import LocalLauncher

            self._launcher = LocalLauncher()
        return self._launcher

    def on_mount(self) -> None:
        """End cleanly, with the terminal as it was, when asked to from outside."""
        try:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit)
        except (NotImplementedError, RuntimeError, ValueError):
            # Not in the main thread (a test, or embedded): signals are someone else's.
            return

    def in_front(self, screen: Screen[None]) -> bool:
        """Tell whether a screen can be seen: nothing but dialogs lies over it."""
        stack = self.screen_stack
        return screen in stack and all(above.is_modal for above in stack[stack.index(screen) + 1 :])

    def tell_endings(self, before: Mapping[str, Summary], after: Mapping[str, Summary]) -> None:
        """Say of every run that ended between two readings how it ended; silent about those the person stopped."""
        for id, run in after.items():
            earlier = before.get(id)
            if earlier is None or not earlier.live or run.live:
                continue
            end = id, run.status, run.step
            if id in self.ends_awaited or end in self._ends_told:
                self.ends_awaited.discard(id)
                continue
            self._ends_told.add(end)
            status = words.status(run.status)
            text = f"at step {run.step:,} of {run.steps:,}"
            if run.metrics.get("accuracy") is not None:
                text += f", accuracy {words.percent(run.metrics['accuracy'])}"
            elif run.metrics.get("mae") is not None:
                text += f", mean absolute error {words.metric(run.metrics['mae'])}"
            if run.reason:
                text += f"\n{words.literal(run.reason)}"
            bad = run.status in ("failed", "died")
            title = f"{status.sign} {words.literal(run.name)} {status.word}"
            self.notify(text, title=title, severity="error" if bad else "information", timeout=15, markup=False)
            self.bell()

    async def tell_problems(self) -> None:
        """Load plug-ins, and say which of them and which presets are left out, and why."""
        from seqsum_tui.background import in_thread

        def load() -> list[str]:
            from seqsum import plugins, presets

            return [*plugins.problems(), *presets.preset_problems()]

        title = "Plug-ins and presets"
        for problem in await in_thread(load):
            self.notify(words.literal(problem), title=title, severity="warning", timeout=20, markup=False)

    def action_help(self) -> None:
        """Show the keys of the screen in front."""
        from seqsum_tui.screens.help import HelpScreen

        if not self.screen.is_modal:
            self.push_screen(HelpScreen.of(self.screen))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer theme and quit; the keys panel has its better in `?`, screenshots are for makers."""
        for command in super().get_system_commands(screen):
            if command.title in ("Theme", "Quit"):
                yield command
