"""One number, one spelling: on the command line, in the list, under a chart, in a comparison and in its picture."""

import re
from pathlib import Path

import pytest
from textual.app import App
from textual.widgets import Static

from seqsum import formatting
from seqsum.cli import main
from seqsum.compare import ComparisonReader, rows_of
from seqsum.compare.files import Shown, content
from seqsum.runs import Run
from seqsum_tui.app import Console
from seqsum_tui.compare.screen import CompareScreen
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.query.pane import QueryPane
from seqsum_tui.query.session import Session
from seqsum_tui.query.views.registry import Pane, views
from support.screens import screen_text, screen_words

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


def view_of(name, **answer):
    """The first view of an answer."""
    view = views()[name]
    made = view.make(view.question.answers(**answer), Pane(Session(Run(Path()), lambda folder: [])))
    return made[0] if isinstance(made, list) else made


async def test_a_chart_in_percent_spells_every_value_so():
    answer = {"lengths": [1, 2], "accuracy": [1.0, 0.685], "low": [0.9, 0.6], "high": [1.0, 0.7], "chance": 0.1}
    by_length = view_of("accuracy_by_length", **answer, asked=[400, 400], trained=None)
    assert "accuracy 68.50% · chance 10.00%" in await page_of(by_length)
    bins = [{"low": 0, "high": 1, "count": 5, "confidence": 0.4, "accuracy": 0.25}]
    calibration = view_of("calibration", bins=bins, expected_error=0.1, asked=5, exhaustive=True)
    assert "accuracy 25.00%" in await page_of(calibration)


async def test_a_forecast_has_the_digits_of_its_answer():
    answer = {"history": [71.25, 64.3], "forecast": [80.125, 79.4975], "autoregressive": [], "truth": []}
    page = await page_of(view_of("forecast", **answer, order=2, error_by_horizon=None))
    for name, value in zip(("before", "model"), formatting.distinct([64.3, 79.4975]), strict=True):
        assert re.search(rf"{name} {re.escape(value)}\s", page)


async def test_an_accuracy_of_a_part_of_the_inputs_says_so():
    row = {"step": 300, "prediction": "8", "correct": True, "probability": 0.9, "accuracy": 0.998}
    row |= {"entropy": 0.1, "probabilities": None}
    answer = {"input": "7", "truth": "8", "rows": [row], "threshold": 0.99, "aha": 300, "aha_input": 300}
    part = await page_of(view_of("history", **answer, labels=None, asked=2000))
    assert "accuracy of 2,000 inputs 99.80%" in part
    assert "accuracy of 2,000 inputs, which stand for all, stays at 99.00% or above" in part
    every = await page_of(view_of("history", **answer, labels=None, asked=None))
    assert "accuracy 99.80%" in every and "stand for all" not in every


async def page_of(shown):
    """What a pane of the Ask screen shows of a view."""

    class Alone(App):
        def compose(self):
            yield QueryPane()

    async with Alone().run_test(size=(120, 30)) as pilot:
        pilot.app.query_one(QueryPane).show(shown)
        await pilot.pause()
        return screen_words(pilot.app)


async def test_a_count_among_the_settings_has_its_marks_wherever_it_is_told(scene, console, until, capsys):
    changes = {"train.steps": "40000", "train.seed": "12345", "optim.lr": "0.002"}
    run, other = scene.run(name="this", changes=changes, step=400), scene.run(name="other", created=1.0)
    workspace = ["--workspace", str(scene.folder)]

    def told(text):
        return "40,000" in text and "40000" not in text and "12345" in text and "12,345" not in text

    for command in (["show", run.id], ["compare", run.id, other.id]):
        assert main([*command, *workspace]) == 0
        assert told(capsys.readouterr().out.replace("step 400", ""))
    async with console.run_test(size=(160, 60)) as pilot:
        await until(pilot, lambda: "changed: " in screen_text(console) and told(screen_text(console)))
        console.push_screen(CompareScreen([run.id, other.id]))
        await until(pilot, lambda: isinstance(console.screen, CompareScreen))
        await pilot.press("2")
        await until(pilot, lambda: "train.steps" in screen_text(console))
        assert told(screen_text(console)) and "20,000" in screen_text(console)
        await pilot.press("escape")
        console.push_screen(LiveScreen(run))
        await until(pilot, lambda: isinstance(console.screen, LiveScreen) and console.screen.view is not None)
        await pilot.press("g")
        await until(pilot, lambda: "differ from the preset" in screen_text(console))
        # The tab is lower than the list of settings.
        assert told(str(console.screen.query_one("ConfigView Static", Static).render()))
