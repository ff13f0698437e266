"""An application that holds nothing but the new-run screen, over a launcher that starts nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Button, Input

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.runs import Run, Summary, Workspace
from seqsum_tui.new_run.form import ConfigForm
from seqsum_tui.new_run.preset_list import PresetList
from seqsum_tui.new_run.rows import FieldRow
from seqsum_tui.new_run.screen import NewRunScreen
from seqsum_tui.new_run.start_bar import StartBar

SIZES = [(60, 20), (80, 24), (120, 40)]
NOT_YET = object()
BASICS = (
    "task.name", "model.name", "model.cell", "model.hidden_size", "optim.lr", "train.seed", "train.steps",
    "train.batch_size",
)  # fmt: skip
"""What the form shows of `baseline` at first."""


class FakeLauncher:
    """Remembers what was submitted; refuses when told to."""

    def __init__(self, refusal: str | None = None) -> None:
        self.refusal = refusal
        self.submitted: list[Run] = []
        self.queued: list[Run] = []
        self.is_warm = False

    def capacity(self) -> int:
        return 2

    def submit(self, run: Run, queue: bool = False) -> int:
        if self.refusal is not None:
            raise UserError(self.refusal)
        (self.queued if queue else self.submitted).append(run)
        return 4711

    def warm(self) -> None:
        self.is_warm = True

    def cool(self) -> None:
        self.is_warm = False

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def poll(self, run: Run) -> Summary:
        return run.summary()

    def holds(self, run: Run) -> bool:
        return run in (*self.submitted, *self.queued)

    def stop(self, run: Run, cause: str = "") -> None:
        pass

    def close(self) -> None:
        pass


class NewRunApp(App[None]):
    """Pushes the screen; `result` is what it closed with. preset: None leaves it to the screen."""

    def __init__(
        self,
        folder: Path,
        preset: str | None = "baseline",
        config: Config | None = None,
        launcher: FakeLauncher | None = None,
        title: str = "New run",
    ) -> None:
        super().__init__()
        self.workspace = Workspace(folder)
        self.launcher = launcher or FakeLauncher()
        self.result: object = NOT_YET
        self.copied: list[str] = []
        self._asked = (preset, config, title)
        self.kept: dict[str, Mapping[str, Any]] = {}

    def on_mount(self) -> None:
        self.new_run = NewRunScreen(self.workspace, self.launcher, *self._asked)
        self.push_screen(self.new_run, self._closed_with)

    def layout(self, screen: str) -> Mapping[str, Any]:
        return self.kept.get(screen, {})

    def keep_layout(self, screen: str, values: Mapping[str, Any]) -> None:
        self.kept[screen] = values

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    def _closed_with(self, result: Run | None) -> None:
        self.result = result

    @property
    def form(self) -> ConfigForm:
        return self.new_run.query_one(ConfigForm)

    @property
    def presets(self) -> PresetList:
        return self.new_run.query_one(PresetList)

    @property
    def start_button(self) -> Button:
        return self.new_run.query_one("#start", Button)

    @property
    def said(self) -> str:
        return self.new_run.query_one(StartBar).said

    def text(self, selector: str) -> str:
        """What a line of the screen shows."""
        return str(self.new_run.query_one(selector).render())

    def row(self, path: str) -> FieldRow:
        row = self.form.row(path)
        assert row is not None, path
        return row

    def line(self, path: str) -> str:
        """What a field's row shows beside its editor."""
        return str(self.row(path).render())


async def ready(pilot: Pilot[None]) -> NewRunApp:
    """Wait until every section of the form is there."""
    app = pilot.app
    assert isinstance(app, NewRunApp)
    await pilot.pause()
    while not app.form.whole:
        await pilot.pause()
    await pilot.pause()
    return app


async def type_into(pilot: Pilot[None], path: str, text: str) -> None:
    """Put the cursor on a field and type over what stands there; without a text, only go there."""
    app = pilot.app
    assert isinstance(app, NewRunApp)
    app.new_run.add_class("-settings")
    await pilot.pause()
    app.form.focus_field(path)
    await pilot.pause()
    editor = app.row(path).editor
    assert editor.has_focus
    if text and isinstance(editor, Input):
        await pilot.press("home", "ctrl+k")
    await pilot.press(*text)
    await pilot.pause()


async def until(pilot: Pilot[None], condition: Callable[[], bool], seconds: float = 200) -> None:
    """Wait for a condition; fail when it does not come true in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        await pilot.pause(0.01)
