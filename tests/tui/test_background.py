"""Work in threads, and polling that stops with its screen."""

import asyncio
import threading

import pytest

from seqsum_tui.shared.polling import STILL_PACE, STILL_READINGS, Poll, in_thread


async def test_result_and_error_come_back():
    assert await in_thread(lambda: 6 * 7) == 42
    with pytest.raises(KeyError):
        await in_thread(lambda: {}["x"])


def test_the_loop_does_not_wait_for_work_that_hangs():
    release = threading.Event()

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(in_thread(release.wait), 0.05)

    asyncio.run(main())
    assert not release.is_set()
    release.set()


async def settle(condition):
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("the condition did not come true")  # an `Exception`: it ends the app, too


async def test_poll_reads_only_while_visible_and_goes_on_after_an_error():
    visible, reads, shown, failures = False, [], [], []

    def read():
        reads.append(None)
        if len(reads) == 2:
            raise OSError("disk gone")
        return len(reads) if len(reads) != 3 else None

    poll = Poll(read, shown.append, failures.append, 0.001, lambda: visible)
    task = asyncio.create_task(poll.run())
    poll.wake()
    await asyncio.sleep(0)
    assert reads == []
    visible = True
    poll.wake()
    await settle(lambda: len(shown) >= 3)
    task.cancel()
    assert shown[:2] == [1, 4]
    assert [str(error) for error in failures] == ["disk gone"]


async def test_poll_has_one_reading_under_way_at_most():
    running, most = 0, 0

    def read():
        nonlocal running, most
        running += 1
        most = max(most, running)
        threading.Event().wait(0.002)
        running -= 1
        return 1

    shown = []
    poll = Poll(read, shown.append, shown.append, 0.0, lambda: True)
    task = asyncio.create_task(poll.run())
    for _ in range(50):
        poll.wake()
        await asyncio.sleep(0.001)
    await settle(lambda: len(shown) > 3)
    task.cancel()
    assert most == 1


async def test_poll_reads_more_rarely_where_nothing_changes(monkeypatch):
    pauses = []

    async def wait_for(waiting, seconds):
        waiting.close()
        pauses.append(seconds)
        await asyncio.sleep(0)
        raise TimeoutError

    monkeypatch.setattr(asyncio, "wait_for", wait_for)
    lines = [object(), object()]
    readings = iter([lines[0]] * 12 + [None] * 3 + [lines[1]] * 2)
    poll = Poll(lambda: next(readings, None), lambda _: None, lambda _: None, 1.0, lambda: True, lambda found: found)
    task = asyncio.create_task(poll.run())
    await settle(lambda: len(pauses) >= 17)
    poll.wake()
    task.cancel()
    still = STILL_READINGS
    assert pauses[:17] == [1.0] * still + [float(STILL_PACE)] * (15 - still) + [1.0, 1.0]
