"""How each kind of answer is written, from what the real tasks and the query server's wording give."""

import numpy as np
import pytest

from seqsum.presets import load_preset
from seqsum.query.questions.predict import reading_of
from seqsum.query.task_facts import what_is_asked
from seqsum.registry import make_task
from seqsum.tasks.dates import ANSWER
from seqsum_tui.query.said import Said
from seqsum_tui.query.views.answer import answer
from seqsum_tui.query.views.answers import describe, likeliest


def reply(preset, text, prediction, probabilities=(), changes=None):
    """What the server sends when the model answers `prediction`, raw classes, tokens or values."""
    task = make_task(load_preset(preset).config.changed(changes or {}, "test").task)
    inputs = task.parse(text)
    answer = task.read_answer(inputs, np.array(prediction))
    length = task.continues(inputs)
    truth = task.truth(inputs) if length is None else task.continuation(inputs, len(prediction))
    plain = {
        "input": task.echo(inputs), "prediction": answer, "truth": truth,
        "correct": None if truth is None else answer == truth, "probabilities": list(probabilities),
        "entropy": None, "remarks": [],
    }  # fmt: skip
    beside = reading_of(task, inputs, answer, truth).model_dump(exclude_unset=True)
    return {"ok": True, "checkpoint_step": 3000, "answer": plain, **beside}


def lines(*arguments, width=80, **more):
    return describe(Said.of(reply(*arguments, **more)), width).plain.split("\n")


def test_a_class_with_its_bars():
    first, bars = lines("baseline", "1 2 4", 7, probabilities=[0.01] * 7 + [0.93, 0, 0])
    assert first == "1 2 4 → 7  ✓ right   (the model at step 3,000)"
    assert bars.startswith("  7 ███████· 93.00%")
    assert lines("baseline", "1 2 4", 8)[0].startswith("1 2 4 → 8  ✗ wrong, it is 7")


def test_the_probabilities_of_a_class_have_the_task_s_labels(tmp_path):
    file = tmp_path / "moods.csv"
    rows = [f"text {at},{'[red]bad[/]' if at % 2 else 'good'}" for at in range(40)]
    file.write_text("text,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    changes = {"task.file": str(file), "task.text_column": "text", "task.label_column": "label"}
    made = reply("text_classification", "text 3", 0, probabilities=[0.7, 0.3], changes=changes)
    assert sorted(made["labels"]) == ["[red]bad[/]", "good"] and made["text"]["truth"] is None
    shown = describe(Said.of(made), 80).plain
    assert f"→ {made['labels'][0]}" in shown and "[red]bad[/] " in shown and "good " in shown
    assert "right" not in shown and "wrong" not in shown


def test_a_text_without_a_known_label_is_said_to_have_none(tmp_path):
    file = tmp_path / "moods.csv"
    file.write_text("text,label\n" + "\n".join(f"text {at},{'ab'[at % 2]}" for at in range(40)) + "\n")
    said = Said.of(reply("text_classification", "text 99", 0, [0.7, 0.3], {"task.file": str(file)}))
    first = answer(said, 80).words.plain.split("\n")[0]
    assert first == "text 99  →  a   · its right answer is not known here"


def test_tags_stand_under_the_input_and_wrong_places_have_a_sign():
    task = make_task(load_preset("tagging_rnn").config.task)
    right = task.truth(task.parse("(()"))
    shown = lines("tagging_rnn", "(()", [0, 0, 0])
    said = task.read_answer(task.parse("(()"), np.zeros(3, dtype=np.int64))
    wrong = [at for at in range(3) if said[at] != right[at]]
    assert wrong
    assert shown[0].startswith(f"✗ {len(wrong)} of 3 wrong")
    assert shown[1] == "input   (()" and shown[3] == f"truth   {right}"
    assert [at for at, sign in enumerate(shown[4][8:]) if sign == "▲"] == wrong


def test_numbers_stand_in_columns_and_a_long_sequence_goes_on_below():
    shown = lines("next_number_rnn", "8 9 0 1", [9, 0, 1, 5])
    assert shown[1:] == ["input   8 9 0 1", "answer  9 0 1 5", "truth   9 0 1 2", "wrong         ▲"]
    many = " ".join(str(at % 10) for at in range(60))
    blocks = lines("next_number_rnn", many, [(at + 1) % 10 for at in range(60)], width=40)
    assert blocks[0].startswith("✓ right") and all(len(line) <= 40 for line in blocks[1:])
    asked = " ".join(line[8:] for line in blocks if line.startswith("input"))
    assert asked.split() == many.split()


def test_a_wrong_date_shows_where_and_a_right_one_only_itself():
    shown = lines("dates", "3 March 2021", ANSWER.tokens("2021-03-08"))
    assert shown[0].startswith("3 March 2021 → 2021-03-08  ✗ 1 of 10 wrong")
    assert shown[1:] == ["answer  2021-03-08", "truth   2021-03-03", "wrong            ▲"]
    assert len(lines("dates", "3 March 2021", ANSWER.tokens("2021-03-03"))) == 1
    assert "wrong" not in lines("dates", "3 3 3", ANSWER.tokens("2"))[0], "nobody knows what is right"


def test_a_forecast_is_numbers_and_a_curve():
    shown = lines("sunspots_lstm", "", [0.5] * 11)
    assert shown[0].startswith("next 11 values") and len(shown[1].split()) == 11
    assert all("│" in line for line in shown[2:]) and len(shown) == 5
    assert "highest" in shown[2] and "lowest" in shown[4]
    before, _, ahead = shown[4].partition("│")
    assert len(before) == 24 and len(ahead.split("  ")[0]) == 11
    assert all(len(line) <= 40 for line in lines("sunspots_lstm", "", [0.5] * 11, width=40)[2:])


def test_written_text_is_literal_and_keeps_its_lines():
    made = {
        "kind": "continuation", "checkpoint_step": 7, "temperature": 0.8,
        "text": {"input": "def ", "prediction": "f()", "truth": None},
        "answer": {"input": "def ", "prediction": "f():\n\treturn '[red]x[/]\x1b[31m'", "truth": None,
                   "correct": None, "probabilities": [], "entropy": None, "remarks": []},
    }  # fmt: skip
    shown = describe(Said.of(made), 80).plain
    assert shown.split("\n")[:2] == ["def f():", "    return '[red]x[/]\\x1b[31m'"]
    assert "temperature 0.8" in shown


@pytest.mark.parametrize(
    ("preset", "empty", "samples"),
    [("baseline", False, False), ("sunspots_lstm", True, False), ("counting_rnn", False, True)],
)
def test_what_a_question_looks_like(preset, empty, samples):
    said = what_is_asked(make_task(load_preset(preset).config.task))
    assert (said["empty"], said["samples"]) == (empty, samples) and said["input_hint"]


def test_bars_end_where_the_line_ends():
    shown = likeliest([0.5, 0.3, 0.2], ["a" * 40, "b", "c"], 60).plain
    assert len(shown) <= 60 and "a…" in shown


def test_an_answer_of_spaces_or_of_nothing_is_seen():
    assert lines("dates", "3 March 2021", [])[0].startswith('3 March 2021 → ""  ✗ ')
    made = reply("text_classification", "text 3", 0, [0.7, 0.3])
    made["text"] |= {"prediction": "  ", "truth": " "}
    said = Said.of({**made, "answer": {**made["answer"], "truth": " ", "correct": False}, "labels": ["  ", " "]})
    shown = answer(said, 80).words.plain.split("\n")
    assert shown[0] == 'text 3  →  "  "   ✗ wrong, it is " "'
    assert '▸  "  " ' in shown[3] and '✓  " " ' in shown[4]
    assert describe(said, 80).plain.startswith('text 3 → "  "  ✗ wrong, it is " "')


@pytest.mark.parametrize("preset", ["baseline", "counting_rnn"])
def test_what_was_not_read_is_said_below_every_answer(preset):
    prediction, shares = (7, [0.1] * 10) if preset == "baseline" else ([1, 1, 1], ())
    found = reply(preset, "1 2 4" if preset == "baseline" else "1 2 3", prediction, shares)
    found["answer"]["remarks"] = ["only [red]two[/] were read"]
    said = Said.of(found)
    assert "only [red]two[/] were read" in describe(said, 80).plain.split("\n")
    assert "only [red]two[/] were read" in answer(said, 80).words.plain.split("\n")
