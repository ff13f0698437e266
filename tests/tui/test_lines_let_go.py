"""What was drawn and is shown no more goes at once, not when the garbage collector comes, and not by and by."""

import gc
import sys
import weakref
from collections import Counter

import pytest
from rich.segment import Segment
from textual.content import Content
from textual.strip import Strip

from seqsum_tui.app import Console
from seqsum_tui.live.curves import event_marks


@pytest.fixture
def console(scene, still):
    return Console(scene.folder, now=still, remote=False)


async def test_no_line_waits_for_the_garbage_collector(scene, console, watch):
    run = scene.run(name="one", status="running", step=12_400)
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        gc.collect()
        before = {id(one) for one in gc.get_objects() if isinstance(one, Strip)}
        gc.disable()
        try:
            for name in "egotwm":
                await pilot.press(name)
                await pilot.pause()
            drawn = sum(isinstance(one, Strip) and id(one) not in before for one in gc.get_objects())
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            waited = Counter(type(one).__name__ for one in gc.garbage)
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert drawn > 40, "else this shows nothing"
    assert waited["Strip"] == 0


@pytest.mark.parametrize(
    "measure",
    [
        lambda text: Content(text).cell_length,
        lambda text: Segment(text).cell_length,
        lambda text: list(Segment.divide([Segment(text)], [2, 8])),
    ],
    ids=["content", "segment", "divided"],
)
def test_of_texts_that_come_once_few_are_kept(console, measure):
    def measured(begin, count):
        for number in range(begin, begin + count):
            measure(f"{number:08}")
        gc.collect()
        return sys.getallocatedblocks()

    before = measured(0, 2_000)
    assert measured(10_000, 8_000) - before < 500


def test_a_checkpoint_that_is_gone_is_marked_no_more():
    marks = [event_marks([], [1_000, 2_000]) for _ in range(2)]
    assert all(one is again for one, again in zip(*marks, strict=True)), "the same again is compared at once"
    gone = weakref.ref(marks[0][0])
    marks = event_marks([], [2_000, 3_000])
    assert gone() is None and [mark.x for mark in marks] == [2_000, 3_000]
