"""The line of checkpoints over the questions, from one checkpoint to thousands."""

import itertools
import re

import pytest
from textual.app import App

from seqsum_tui.query.checkpoint_slider import CheckpointSlider


class Room(App[None]):
    """The line alone, and what was chosen on it."""

    def __init__(self):
        super().__init__()
        self.chosen = []

    def compose(self):
        yield CheckpointSlider()

    def on_checkpoint_slider_chosen(self, message):
        self.chosen.append(message.step)


@pytest.mark.parametrize("width", [60, 120, 200])
@pytest.mark.parametrize("count", [1, 5, 20, 300, 5000])
async def test_checkpoints_make_no_comb_and_those_left_out_are_counted(count, width, until):
    steps = tuple(range(60, 60 * count + 1, 60))
    async with Room().run_test(size=(width, 3)) as pilot:
        slider = pilot.app.query_one(CheckpointSlider)
        slider.show(steps, None, None, steps[-1], "", "")
        line = str(slider.render())
        assert len(line) <= width - 2 and f"▲ step {steps[-1]:,} (newest)" in line
        signs = [at for at, sign in enumerate(line) if sign in "┼▲"]
        assert all(right - left >= 2 for left, right in itertools.pairwise(signs))
        assert len(signs) == count or re.match(rf"{count:,} checkpoints [┼─]", line)
        await pilot.click(slider, offset=(signs[-1] + 1, 0))
        await until(pilot, lambda: pilot.app.chosen == [steps[-1]])
