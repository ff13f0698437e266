"""What a screen may ask of the console, and the screens that it belongs to: `app` alone knows all of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from textual import events
from textual.actions import parse
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen, ScreenResultType

from seqsum_tui.shared import display
from seqsum_tui.shared.key_line import KeyLine
from seqsum_tui.shared.polling import Poll

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel
    from textual.worker import Worker, WorkType

    from seqsum.config import Config
    from seqsum.launch import Launcher
    from seqsum.runs import Run, Summary, Workspace

OPENING = "opening"
"""The group of workers that read something and then open a dialog or a screen."""

Layout = Mapping[str, str | bool | int | float | list[Any]]


ENDS_WITH_IT = "ends with it"
"""The group of workers that leaving the console ends, when that is agreed; their names say what they do."""


class Context(Protocol):
    """The console, as screens see it."""

    workspace_folder: Path
    logs: Path | None
    """Where other programs write logs that are followed, as runs of the workspace."""
    remote: bool
    """The line is slow: fewer bytes matter more than the newest picture."""
    keymap: Mapping[str, str]
    """What the person's settings made of keys: id → keys."""
    ends_awaited: set[str]
    """The ids of the runs that the person has just stopped: of those no end is told."""

    @property
    def now(self) -> Callable[[], float]:
        """The clock, in seconds since 1970."""

    @property
    def query_command(self) -> Callable[[Path], Sequence[str]]:
        """How a query server is started for a run's folder."""

    @property
    def workspace(self) -> Workspace:
        """The runs."""

    @property
    def launcher(self) -> Launcher:
        """What starts workers."""

    @property
    def seconds(self) -> float:
        """Seconds between two readings of a screen."""

    def in_front(self, screen: Screen[Any]) -> bool:
        """Tell whether a screen can be seen: nothing but dialogs lies over it."""

    def layout(self, screen: str) -> Mapping[str, Any]:
        """Return how a screen was laid out the last time."""

    def keep_layout(self, screen: str, values: Layout) -> None:
        """Remember how a screen is laid out."""

    def take_settings(self) -> None:
        """Do as the settings say."""

    def try_theme(self, name: str) -> None:
        """Put a theme on to look at it; it is kept when it is the settings' own."""

    def save_settings(self) -> None:
        """Write the settings, beside the screen."""

    async def tell_problems(self) -> None:
        """Say which plug-ins and presets are left out, and why."""

    def tell_endings(self, before: Mapping[str, Summary], after: Mapping[str, Summary]) -> None:
        """Say of runs that ended between two readings how they did."""

    def tell(self, title: str, text: str, *, bad: bool) -> None:
        """Tell an event as the settings say: by a notice, a bell, both or neither."""

    def looked_at(self, what: str) -> None:
        """Remember that a person has looked at a view of a model, as `page: view`."""

    def open_live(self, run: Run, *, instead: bool = False, started: bool = False) -> None:
        """Watch a run, which the person may have just `started`, `instead` of the screen in front or over it."""

    def open_query(self, run_id: str) -> None:
        """Ask a run's model."""

    def open_compare(
        self, run_ids: Sequence[str], *, metric: str | None = None, baseline_group: str | None = None
    ) -> None:
        """Compare runs, in a metric and with a group as the baseline where they are given."""

    def open_sweep(self, name: str, *, instead: bool = False) -> None:
        """Show a sweep, `instead` of the screen in front or over it."""

    def open_new_run(
        self,
        started: Callable[[Run | None, Run | None], None],
        *,
        preset: str | None = None,
        config: Config | None = None,
        name: str = "",
    ) -> None:
        """Offer the form; `started` hears of the run that began, and of the one that was queued."""


@cache
def _bindings_of(kind: type[DOMNode]) -> tuple[Binding, ...]:
    return tuple(Binding.make_bindings(kind.BINDINGS))


def _why_not(target: DOMNode, action: str, parameters: tuple[object, ...]) -> str | None:
    """Ask whoever would do an action why it can't; None where it can."""
    if callable(why_not := getattr(target, "why_not", None)):
        return cast("str | None", why_not(action, parameters))
    return None if target.check_action(action, parameters) else ""


class ConsoleScreen(Screen[ScreenResultType]):
    """A screen of the console. What it shows of files it reads in a thread, again and again while it can be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.told: set[str] = set()
        """What was said already."""
        self._poll: Poll | None = None

    def begin_reading(
        self,
        read: Callable[[], Any],
        show: Callable[[Any], object],
        failed: Callable[[Exception], object],
        *,
        seconds: float | None = None,
        stamp: Callable[[Any], object] = lambda found: None,
    ) -> None:
        """Read every so many seconds, as the person set it where None; the arguments are those of `Poll`."""
        seconds = self.console.seconds if seconds is None else seconds
        self._poll = Poll(read, show, failed, seconds, lambda: self.console.in_front(self), stamp)
        self.run_worker(self._poll.run(), name="reader")

    def wake(self) -> None:
        """Read now."""
        if self._poll is not None:
            self._poll.wake()

    def on_screen_resume(self) -> None:
        """Read again after another screen was in front."""
        self.wake()

    def tell_once(self, said: str | Exception, title: str, severity: SeverityLevel = "error") -> None:
        """Say what is not among `told` yet."""
        text = display.sentence(said if isinstance(said, str) else display.told(said)) or type(said).__name__
        if text not in self.told:
            self.told.add(text)
            self.notify(text, title=title, severity=severity)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        """Say in a short sentence why an action can't be done now; None where it can."""
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done."""
        return self.why_not(action, parameters) is None

    def on_key(self, event: events.Key) -> None:
        """A key of this screen that does nothing says why. Bindings come after this."""
        reason = self._reason(event.key)
        lines = self.query(KeyLine)
        for line in lines:
            line.say(reason)
        if reason and not lines:
            self.notify(reason)

    def _reason(self, key: str) -> str:
        reasons = [_why_not(*meaning) for meaning in self._meanings(key)]
        return "" if None in reasons else next(filter(None, reasons), "")

    def _meanings(self, key: str) -> Iterator[tuple[DOMNode, str, tuple[object, ...]]]:
        """Yield the actions that a key has here, and who does them."""
        keymap = getattr(self.app, "keymap", {})
        for node in (self.focused or self).ancestors_with_self:
            for binding in _bindings_of(type(node)):
                if key in keymap.get(binding.id or "", binding.key).split(","):
                    namespace, name, parameters = parse(binding.action)
                    yield {"app": self.app, "screen": self}.get(namespace, node), name, parameters

    @property
    def console(self) -> Context:
        """What it may ask of the app."""
        return cast("Context", self.app)

    @property
    def takes_keys(self) -> bool:
        """Whether keys can have their meaning now; not while a dialog is being opened. They wait until then."""
        return not any(
            worker.group == OPENING and worker.node is self and not worker.is_finished for worker in self.app.workers
        )

    @property
    def is_open(self) -> bool:
        """Whether it is there with its widgets; a screen under a dialog is."""
        # What is being taken down counts as not displayed before it is detached.
        return self.is_attached and self.display

    def run_worker(self, work: WorkType[Any], *args: Any, **kwargs: Any) -> Worker[Any]:
        """Work beside the screen; what fails because the screen was closed meanwhile fails silently."""

        async def beside() -> Any:
            try:
                return await (work if inspect.isawaitable(work) else cast("Callable[[], Any]", work)())
            except Exception:
                if self.is_open:
                    raise

        return super().run_worker(work if kwargs.get("thread") else beside, *args, **kwargs)
