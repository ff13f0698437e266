"""A screen that is left while work goes on beside it: nothing of that work is seen any more, and nothing fails."""

import asyncio
import importlib
import pkgutil

import pytest
from textual.screen import ModalScreen, Screen
from textual.worker import WorkerState

import seqsum_tui
from seqsum_tui.app import Console
from seqsum_tui.dialogs.dialog import Dialog
from seqsum_tui.query import session
from seqsum_tui.query.client import ServerEnded
from seqsum_tui.query.screen import QueryScreen
from seqsum_tui.runs.screen import RunsScreen
from seqsum_tui.shared.context import ConsoleScreen
from support.asking import HereClient, learn
from support.screens import screen_text

SHORT = {"task.min_length": "1", "task.max_length": "2", "model.hidden_size": "8", "model.embedding_size": "4"}


class BusyClient(HereClient):
    """Has no answer to what was asked before its end, which it tells as the client of a killed server does."""

    held = ("",)
    waiting = 0

    def __init__(self, *given):
        super().__init__(*given)
        self._end = asyncio.Event()

    async def start(self):
        if "start" in self.held:
            await self._wait()
        return await super().start()

    async def request(self, ask, **fields):
        if ask in self.held:
            await self._wait()
        return await super().request(ask, **fields)

    async def _wait(self):
        type(self).waiting += 1
        await self._end.wait()
        raise ServerEnded("ask: the query server ended without an answer")

    async def close(self):
        self._end.set()


@pytest.fixture
def console(scene, still, monkeypatch):
    monkeypatch.setattr(session, "QueryClient", BusyClient)
    monkeypatch.setattr(BusyClient, "waiting", 0)
    made = Console(scene.folder, now=still, remote=False)
    made.animation_level = "none"
    return made


@pytest.mark.parametrize("beside", [False, True], ids=["", "beside"])
@pytest.mark.parametrize(
    ("held", "keys"),
    [
        ("start", ()), ("predict", ("2", "enter")), ("trajectory", ("2", "enter", "escape", "2")),
        ("evaluate", ("escape", "3")), ("history", ("2", "enter", "escape", "4")),
        ("random_input", ("escape", "r")), ("hardest_input", ("escape", "h")),
    ],
)  # fmt: skip
async def test_ask_is_left_while_it_works(console, scene, until, monkeypatch, held, keys, beside):
    run = learn(scene.run("baseline", changes=SHORT), 0, 20)
    monkeypatch.setattr(BusyClient, "held", (held,))
    async with console.run_test(size=(80, 24)) as pilot:
        console.push_screen(screen := QueryScreen(run.id))
        if held == "start":
            await until(pilot, lambda: BusyClient.waiting)
        else:
            await until(pilot, lambda: "ready" in screen_text(console))
        if beside:
            # What is beside goes first, while it works: the one that stays is not disturbed.
            await pilot.press("escape", "vertical_line")
            await until(pilot, lambda: "Ask beside it" in screen_text(console))
            await pilot.press("enter")
            await until(pilot, lambda: len(screen.board.panes) == 2)
            await pilot.press("a")
        await pilot.press(*keys)
        await until(pilot, lambda: BusyClient.waiting)
        if beside:
            # From the box escape leaves the box, from elsewhere the screen.
            await pilot.press(*["escape"] * ("escape" not in keys), "vertical_line")
            await until(pilot, lambda: len(screen.board.panes) == 1)
            assert "ended" not in screen_text(console)
        await pilot.press("escape", "escape", "escape")
        await until(pilot, lambda: isinstance(console.screen, RunsScreen) and not screen.is_open)
        # A work that fails after that ends the console, and with that the test.
        await pilot.pause()


class Fails(ConsoleScreen):
    """Its work fails when it is told to, at the latest as its widgets are gone."""

    async def on_mount(self):
        self.go_on, self.failed = asyncio.Event(), asyncio.Event()
        self.run_worker(self.work(), exit_on_error=False)

    async def work(self):
        await self.go_on.wait()
        self.failed.set()
        raise LookupError("the widgets are gone")

    async def on_unmount(self):
        self.go_on.set()
        await self.failed.wait()


@pytest.mark.parametrize("closed", [True, False])
async def test_work_fails_silently_only_beside_a_closed_screen(console, until, closed):
    async with console.run_test() as pilot:
        console.push_screen(screen := Fails())
        await until(pilot, lambda: screen.is_open and screen.is_mounted)
        (worker,) = [one for one in console.workers if one.node is screen]
        await screen.dismiss() if closed else screen.go_on.set()
        await until(pilot, lambda: worker.is_finished)
        assert worker.state is (WorkerState.SUCCESS if closed else WorkerState.ERROR)


def test_every_screen_is_one_of_the_console():
    for module in pkgutil.walk_packages(seqsum_tui.__path__, "seqsum_tui."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def below(kind):
        return {kind}.union(*map(below, kind.__subclasses__()))

    ours = {one for one in below(Screen) if one.__module__.startswith("seqsum_tui")}
    assert len(ours) > 10 and ours <= below(ConsoleScreen)
    assert ours & below(ModalScreen) == below(Dialog) & ours
