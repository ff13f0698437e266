"""What was drawn and is shown no more goes at once, not when the garbage collector comes."""

import gc
from collections import Counter

import pytest
from textual.strip import Strip

from seqsum_tui.app import Console


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
