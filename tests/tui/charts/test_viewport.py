"""Zoom, pan and follow, without a screen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seqsum_tui.charts.viewport import Viewport

WHOLE = (0.0, 1000.0)


def test_everything_by_default_also_when_data_grows() -> None:
    assert Viewport().resolve(WHOLE) == WHOLE
    assert Viewport().resolve((0.0, 2000.0)) == (0.0, 2000.0)


@pytest.mark.parametrize("seed", range(100))
def test_zoom_keeps_the_centre_in_place_unless_an_end_is_met(seed: int) -> None:
    random = np.random.default_rng(seed)
    left = random.uniform(100, 500)
    view = Viewport((left, left + random.uniform(10, 300)))
    x0, x1 = view.resolve(WHOLE)
    centre = random.uniform(x0, x1)
    factor = random.uniform(0.2, 2)
    after = view.zoom(factor, centre, WHOLE)
    y0, y1 = after.resolve(WHOLE)
    assert y1 - y0 <= 1000 * (1 + 1e-12)
    if y0 > 0 and y1 < 1000:
        assert math.isclose((centre - x0) / (x1 - x0), (centre - y0) / (y1 - y0), abs_tol=1e-9)
        assert math.isclose(y1 - y0, (x1 - x0) * factor, rel_tol=1e-9)


def test_zooming_out_far_enough_is_fit() -> None:
    view = Viewport().zoom(0.5, 400, WHOLE)
    assert view.window == (200, 700) and not view.follow
    assert view.zoom(2.5, 400, WHOLE) == Viewport()


def test_zooming_in_has_an_end() -> None:
    view = Viewport()
    for _ in range(500):
        view = view.zoom(0.5, 333.3, WHOLE)
    left, right = view.resolve(WHOLE)
    assert left < right and left <= 333.3 <= right


def test_pan_stops_at_both_ends() -> None:
    view = Viewport((200.0, 300.0))
    assert view.pan(0.5, WHOLE).window == (250, 350)
    assert view.pan(-1, WHOLE).window == (100, 200)
    assert view.pan(-50, WHOLE).window == (0, 100)
    assert view.pan(50, WHOLE).window == (900, 1000)
    assert Viewport().pan(1, WHOLE) == Viewport()


def test_a_window_at_the_end_follows_the_newest_value() -> None:
    view = Viewport((200.0, 300.0)).reveal(WHOLE[1], WHOLE)
    assert view.follow and view.resolve(WHOLE) == (900, 1000)
    assert view.resolve((0.0, 1500.0)) == (1400, 1500)
    assert Viewport((200.0, 300.0)).pan(9, WHOLE).follow
    stopped = view.pan(-1, (0.0, 1500.0))
    assert not stopped.follow and stopped.resolve((0.0, 9000.0)) == (1300, 1400)
    assert view.reveal(WHOLE[0], WHOLE).window == (0, 100)


def test_reveal_moves_just_far_enough() -> None:
    view = Viewport((200.0, 300.0))
    assert view.reveal(250, WHOLE) is view
    assert view.reveal(310, WHOLE).window == (210, 310)
    assert view.reveal(150, WHOLE).window == (150, 250)


def test_show_takes_only_what_there_is() -> None:
    assert Viewport().show(-500, 100, WHOLE).window == (0, 600)
    assert Viewport().show(-500, 1500, WHOLE) == Viewport()
    left, right = Viewport().show(400, 400, WHOLE).resolve(WHOLE)
    assert left < 400 < right
