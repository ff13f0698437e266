"""One number, one spelling: on the command line, in the list, under a chart, in a comparison and in its picture."""

import re

import pytest

from seqsum import formatting
from seqsum.cli import main
from seqsum.compare import ComparisonReader, rows_of
from seqsum.compare.files import Shown, content
from seqsum_tui.app import Console
from seqsum_tui.compare.screen import CompareScreen
from seqsum_tui.live.screen import LiveScreen
from support.screens import screen_text

VALUES = [(0.97462, 0.31394), (0.999961, 2.302585), (1.0, 1.234e-5), (0.1, 12.34567), (0.0049, 1234.5678)]


@pytest.fixture
def console(scene, still):
    made = Console(scene.folder, now=still, remote=False)
    made.animation_level = "none"
    return made


@pytest.mark.parametrize(("accuracy", "loss"), VALUES)
async def test_the_same_digits_everywhere(accuracy, loss, scene, console, until, capsys):
    run, other = scene.run(name="this"), scene.run(name="other")
    for one in (run, other):
        with one.store() as store:
            store.append([("accuracy", 20_000, accuracy), ("loss", 20_000, loss), ("lr", 20_000, 0.0005)])
    share, number = formatting.metric("accuracy", accuracy), formatting.metric("loss", loss)

    def whole(text, page):
        return re.search(rf"(?<![\d.,>]){re.escape(text)}(?!\d)", page) is not None

    workspace = ["--workspace", str(scene.folder)]
    for command in (["runs"], ["show", run.id]):
        assert main([*command, *workspace]) == 0
        said = capsys.readouterr().out
        assert whole(share, said) and whole(number, said)
    assert whole("0.0005", said)
    for metric, text in (("accuracy", share), ("loss", number)):
        assert main(["compare", run.id, other.id, "--metric", metric, *workspace]) == 0
        assert whole(text, capsys.readouterr().out)
        comparison = ComparisonReader(scene.folder, [run.id, other.id], metric, 100).read()
        drawn = Shown(comparison, rows_of(comparison), "step")
        picture = content(drawn, "curves", "svg")[0].decode()
        assert text.replace(">", "&gt;") in picture
        # The axis has the unit of what stands on it.
        assert (">100%<" in picture) == (metric == "accuracy")
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: whole(share, screen_text(console)) and whole(number, screen_text(console)))
        await until(pilot, lambda: "100%┤" in screen_text(console))
        console.push_screen(LiveScreen(run))
        await until(pilot, lambda: "accuracy" in screen_text(console) and "lr 0.0005" in screen_text(console))
        await until(pilot, lambda: whole(share, screen_text(console)) and whole(number, screen_text(console)))
        console.push_screen(CompareScreen([run.id, other.id]))
        await until(pilot, lambda: isinstance(console.screen, CompareScreen) and whole(share, screen_text(console)))
