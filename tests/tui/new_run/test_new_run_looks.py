"""What the new-run screen looks like: compare by eye when it changes on purpose (`pytest --snapshot-update`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from seqsum.presets import all_presets
from seqsum_tui.new_run.rows import LABEL
from support.new_run import SIZES, NewRunApp, ready, type_into, until

Snap = Callable[..., bool]
sizes = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewRunApp:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path))
    return NewRunApp(tmp_path)


def looks(
    snap_compare: Snap, app: NewRunApp, size: tuple[int, int], act: Callable[[Pilot[None]], Awaitable[None]]
) -> bool:
    async def before(pilot: Pilot[None]) -> None:
        await ready(pilot)
        await act(pilot)
        # Size and time are worked out beside the screen.
        await until(pilot, lambda: all(one.is_finished for one in app.workers if one.group == "estimate"))
        await pilot.pause()

    return snap_compare(app, terminal_size=size, run_before=before)


async def test_opening(pictures: Callable[..., Awaitable[None]], app: NewRunApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("down", "down")
        # Size and time are worked out beside the screen.
        await pictures(pilot, lambda: all(one.is_finished for one in app.workers if one.group == "estimate"))


@sizes
def test_changes_and_errors(snap_compare: Snap, app: NewRunApp, size: tuple[int, int]) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await type_into(pilot, "task.min_length", "9")
        await type_into(pilot, "model.cell", "")
        await pilot.press("right")
        await type_into(pilot, "model.hidden_size", "32")
        await type_into(pilot, "model.embedding_size", "1e9")

    assert looks(snap_compare, app, size, act)


@sizes
def test_before_the_start(snap_compare: Snap, app: NewRunApp, size: tuple[int, int]) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await type_into(pilot, "train.batch_size", "8")
        app.new_run.query_one("#name").focus()
        await pilot.press(*"first try", "enter")

    assert looks(snap_compare, app, size, act)


def test_searching_presets_and_fields(snap_compare: Snap, app: NewRunApp) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await pilot.press(*"deep", "ctrl+f", *"learning rate")

    assert looks(snap_compare, app, (120, 40), act)


def test_no_name_of_a_field_touches_what_is_typed_beside_it() -> None:
    sign_and_gap = 3
    names = {facts.name for preset in all_presets() for facts in preset.config.fields()}
    assert "log_every" in names
    assert [name for name in sorted(names) if len(name) + sign_and_gap > LABEL] == []
