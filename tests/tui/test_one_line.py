"""What becomes of a paste in boxes of one line."""

import pytest
from textual import events
from textual.app import App

from seqsum_tui.runs.filter_line import FilterBox
from seqsum_tui.shared.one_line import LONGEST_PASTE, OneLineInput
from support.screens import toasts


async def pasted(text, value="", **facts):
    """Paste into a box; return what stands in it, and what was told."""

    class Boxes(App[None]):
        def compose(self):
            yield OneLineInput(value, select_on_focus=False, **facts)

    async with Boxes().run_test(notifications=True) as pilot:
        box = pilot.app.query_one(OneLineInput)
        box.focus()
        pilot.app.post_message(events.Paste(text))
        await pilot.pause()
        return box.value, toasts(pilot.app)


@pytest.mark.parametrize(
    ("text", "stands"),
    [("one", "one"), ("one\n", "one"), ("a\tb", "a b"), ("esc\x1b[31m\x07", "esc[31m"),
     ("می\u200cخواهم 👩\u200d💻", "می\u200cخواهم 👩\u200d💻")],
)  # fmt: skip
async def test_one_line_stands_as_it_is_and_steers_nothing(text, stands):
    assert await pasted(text, "x ") == (f"x {stands}", [])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_several_lines_stand_as_one_and_that_is_said(end):
    assert await pasted(f"one{end}  two {end}{end}three{end}") == (
        "one two three", ["The 3 lines pasted stand here as one."],
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "\n", "\r\n\n"])
async def test_nothing_is_nothing(text):
    assert await pasted(text) == ("", [])


async def test_what_has_no_room_is_told():
    value, told = await pasted("x" * (LONGEST_PASTE + 1234))
    assert len(value) == LONGEST_PASTE and told == ["The last 1,234 characters found no room in this line."]
    value, told = await pasted("y" * 12, "abc", max_length=10)
    assert value == "abcyyyyyyy" and told == ["The last 5 characters found no room in this line."]
    # Ten thousand lines are one line, cut.
    value, told = await pasted("12 34\n" * 10_000)
    assert len(value) == LONGEST_PASTE and len(told) == 2


def test_every_box_of_one_line_is_such_a_box():
    from textual.widgets import Input

    import seqsum_tui.dialogs.choose
    import seqsum_tui.query.ask_panel
    import seqsum_tui.query.box
    import seqsum_tui.shared.field_editors  # noqa: F401

    def below(kind):
        return {kind, *(more for one in kind.__subclasses__() for more in below(one))}

    ours = {kind for kind in below(Input) if kind.__module__.startswith("seqsum_tui")}
    assert FilterBox in ours and all(issubclass(kind, OneLineInput) for kind in ours)
