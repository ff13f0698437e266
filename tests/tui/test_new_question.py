"""A new question is one file, and one view: server, command line, `--json` and pages find both by themselves."""

import sys

import pytest

from seqsum.query import questions as question_room
from seqsum.query.registry import question_of, questions
from seqsum_tui.query import session
from seqsum_tui.query import views as view_room
from seqsum_tui.query.client import QuestionRefused
from seqsum_tui.query.pages import PAGES, Asking
from seqsum_tui.query.session import Session
from seqsum_tui.query.views.registry import views
from support.asking import HereClient, learn
from support.command_line import call, lines, refused

QUESTION = """
from __future__ import annotations

from typing import ClassVar

from seqsum.query.question import Answer, Flag, OfInput, field


class StepsAnswer(Answer):
    steps: int

    def told(self):
        yield f"{self.steps} steps"


class Steps(OfInput):
    name: ClassVar = "steps"
    answers: ClassVar = StepsAnswer
    flag: ClassVar = Flag("inspect", "--steps", "also how long the input is, counted from N", "first")

    first: int = field(0, "from which number on steps are counted", ge=0, le=9, metavar="N")

    @classmethod
    def unfit(cls, loaded):
        return None if loaded.task.answer == "class" else "steps: only where a class is asked"

    def answer(self, asked):
        return StepsAnswer(steps=len(asked.read(self.input).inputs) + self.first)
"""
VIEW = """
from seqsum.query.questions.steps import Steps
from seqsum_tui.query.views.registry import view
from seqsum_tui.query.views.shown import Shown, told


@view(Steps, "inside", "Length")
def steps(answer, pane):
    return Shown("Length", told((f"{answer.steps} steps", "bold")))
"""
SHORT = {"task.min_length": "1", "task.max_length": "2", "model.hidden_size": "8"}


@pytest.fixture
def steps(tmp_path, monkeypatch):
    """A question and its view, in files of their own."""
    for room, name, text in ((question_room, "steps", QUESTION), (view_room, "steps_view", VIEW)):
        folder = tmp_path / room.__name__
        folder.mkdir()
        (folder / f"{name}.py").write_text(text)
        monkeypatch.setattr(room, "__path__", [*room.__path__, str(folder)])
    questions.cache_clear()
    views.cache_clear()
    yield
    views().pop("steps")
    for name in ("seqsum.query.questions.steps", "seqsum_tui.query.views.steps_view"):
        del sys.modules[name]
    questions.cache_clear()
    views.cache_clear()


async def test_a_new_question_is_found_everywhere(scene, steps, monkeypatch):
    run = learn(scene.run("baseline", changes=SHORT), 1)
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(scene.folder))
    (found,) = lines("inspect", run.id, "3 4", "--steps", "5")
    assert found["steps"] == {"steps": 7} and found["tokens"] == ["3", "4"]
    assert "steps" not in lines("inspect", run.id, "3 4")[0]
    assert "\n7 steps\n" in call("inspect", run.id, "3 4", "--steps", "5")[1]
    assert "--steps N" in call("inspect", "--help")[1]
    assert "--steps must be a whole number from 0 to 9" in refused("inspect", run.id, "3 4", "--steps", "10")

    monkeypatch.setattr(session, "QueryClient", HereClient)
    asking = Asking(Session(run, lambda folder: []))
    await asking.session.load()
    asking.begin("3 4")
    assert ("Length", "steps") in asking.titles("inside")
    reply = await asking.session.ask("steps", **views()["steps"].fields(asking))
    asking.make("steps", reply["answer"])
    assert asking.view("Length", "steps").words.plain == "2 steps"
    with pytest.raises(QuestionRefused, match="from 0 to 9"):
        await asking.session.ask("steps", first=10)

    tags = learn(scene.run("tagging_rnn", changes={"model.hidden_size": "8"}), 1)
    status, _, err = call("inspect", tags.id, "()(", "--steps", "5")
    assert status == 2 and "only where a class is asked" in err
    other = Asking(Session(tags, lambda folder: []))
    await other.session.load()
    assert "steps" not in [ask for _, ask in other.titles("inside")]


@pytest.mark.parametrize("question", [None, "1 2"])
@pytest.mark.parametrize("name", list(views()))
def test_what_a_view_asks_is_what_its_question_takes(scene, name, question):
    asking = Asking(Session(scene.run("baseline"), lambda folder: []))
    asking.begin(question)
    view = views()[name]
    assert question_of({"ask": name, **view.fields(asking)}).name == name and view.page in PAGES


def test_every_question_is_shown_or_one_that_a_key_asks():
    assert set(questions()) - set(views()) == {"facts", "predict", "random_input", "hardest_input"}
