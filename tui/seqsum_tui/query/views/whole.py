"""The whole of a model: how often it is right, where it fails, and whether it knows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from seqsum.formatting import count, metric, number, percent, scope
from seqsum.query.questions.accuracy_by_length import AccuracyByLength, AccuracyByLengthAnswer
from seqsum.query.questions.by_label import ByLabel, ByLabelAnswer
from seqsum.query.questions.calibration import Calibration, CalibrationAnswer
from seqsum.query.questions.evaluate import Evaluate, EvaluateAnswer
from seqsum.query.questions.mistakes import Mistakes, MistakesAnswer
from seqsum.text import seen
from seqsum_tui.charts.palette import GREY, SIGNS
from seqsum_tui.charts.series import Mark
from seqsum_tui.query.batch import filter_words
from seqsum_tui.query.heat_map import Heat, steps_named
from seqsum_tui.query.said import Said
from seqsum_tui.query.views.registry import Pane, view
from seqsum_tui.query.views.shown import (
    HEADROOM,
    QUIET,
    RIGHT,
    SIGN_OF,
    WRONG,
    Curves,
    Line,
    Lines,
    Shown,
    band,
    curve,
    finite,
    lines,
    told,
)
from seqsum_tui.shared import display
from seqsum_tui.shared.metric_panels import title_of

LISTED = 500
FAR = 8
"""Times that the longest length is as long as the shortest, and more: its axis is logarithmic."""


@view(Evaluate, "whole", "Accuracy")
def evaluation(answer: EvaluateAnswer, pane: Pane) -> Shown:
    """Return the view of accuracy and the confusion matrix."""
    asked = scope(answer.sequences, answer.exhaustive, "sequence", answer.part)
    if answer.lengths_alike:
        asked += ", each length counted alike"
    head = told(
        (f"accuracy {percent(answer.accuracy)}" if answer.accuracy is not None else "", "bold"),
        f"  loss {number(answer.loss)}  ", (f"on {asked}", QUIET),
        (f", chance {percent(answer.chance)}" if answer.chance else "", QUIET),
    )  # fmt: skip
    more = "  ".join(
        f"{display.literal(title_of(name))} {metric(name, value)}" for name, value in answer.metrics.items()
    )
    counts = answer.confusion
    if not counts:
        return Shown("Accuracy", lines(head, told((more, QUIET))))
    labels = steps_named([str(label) for label in answer.labels or range(len(counts))])
    shares = tuple(tuple(count / max(sum(row), 1) for count in row) for row in counts)
    heat = Heat(
        shares, labels, labels, "truth", "answered as", above="of that truth", percent=True, numbered=False,
        chooses=pane.lists,
    )  # fmt: skip
    said = "Of each truth (down), the share answered as each class (across): the diagonal is right."
    if pane.lists:
        said += " enter lists the wrong answers of a cell."
    return Shown("Accuracy", lines(head, *([told((more, QUIET))] if more else []), told((said, QUIET))), heat)


@view(ByLabel, "whole", "By label")
def by_label(answer: ByLabelAnswer, pane: Pane) -> Shown:
    """Return the view of precision, recall and F1 of each label."""
    head = told((f"macro F1 {percent(answer.macro_f1)}", "bold"), (f"  over {answer.asked:,} answers", QUIET))
    said = "The lowest F1 first. Precision: how often it is right where it is answered; recall: how often it is found."
    said += " enter lists its wrong answers." if pane.lists else ""
    widest = min(max((len(display.literal(seen(row.label))) for row in answer.rows), default=0), 24)
    columns = f"  {'':<{widest}}  {'precision':>9}  {'recall':>7}  {'F1':>7}  {'asked':>7}"
    made = [
        Line(
            row.label,
            told(
                (display.fit(display.literal(seen(row.label)), widest), "bold"),
                f"  {percent(row.precision):>9}  {percent(row.recall):>7}  {percent(row.f1):>7}",
                (f"  {row.asked:>7,}", QUIET),
            ),
            False,
            row.label,
        )
        for row in answer.rows
    ]
    return Shown("By label", lines(head, told((said, QUIET)), told((columns, QUIET))), Lines(tuple(made)))


@view(AccuracyByLength, "whole", "By length")
def by_length(answer: AccuracyByLengthAnswer, pane: Pane) -> Shown:
    """Return the view of accuracy by length, against chance; over the logarithm of lengths that go far."""
    lengths, trained = answer.lengths, answer.trained
    far = 0 < FAR * lengths[0] <= lengths[-1]
    x = [math.log10(length) if far else float(length) for length in lengths]
    series = [curve("accuracy", x, finite(answer.accuracy), sign=SIGNS[0])]
    chance = answer.chance
    if chance is not None:
        series.append(curve("chance", x, [chance] * len(x), sign="·", colour=GREY))
    interval = band("accuracy", x, finite(answer.low), finite(answer.high))
    marks = []
    said = "Accuracy by length of the input, with its 95% interval."
    if trained:
        beyond = [share for length, share in zip(lengths, finite(answer.accuracy), strict=True) if length > trained[1]]
        on = str(trained[0]) if trained[0] == trained[1] else f"{trained[0]}–{trained[1]}"
        ends = [(trained[0], "▸", ""), (trained[1], "◂", f"trained on {on}")]
        marks = [Mark(math.log10(end) if far else float(end), label, sign, "trained") for end, sign, label in ends]
        said = f"Trained on {on}, between ▸ and ◂. {said}"
        if beyond:
            said += f" Beyond: {percent(beyond[0])} at first, {percent(beyond[-1])} at length {lengths[-1]:,}."
    curves = Curves(
        tuple(series), "length", "log" if far else "number", bands=(interval,), marks=tuple(marks),
        span=(0.0, HEADROOM), limits=(x[0], x[-1]),
    )  # fmt: skip
    return Shown("By length", told((said, QUIET)), curves)


@view(Mistakes, "whole", "Mistakes", fields=lambda pane: {"limit": LISTED, **pane.only})
def mistakes(answer: MistakesAnswer, pane: Pane) -> Shown:
    """Return the view of wrong answers."""
    only = filter_words(pane.only)
    rows = answer.rows
    asked = scope(answer.asked, answer.exhaustive, "question")
    if not answer.wrong:
        return Shown("Mistakes", told((f"✓ none wrong of {asked}", RIGHT)))
    head = told((f"✗ {answer.wrong:,} wrong", WRONG), (f" of {asked}", QUIET))
    if only:
        head = told(head, (f"  {answer.total:,} with {display.literal(only)}", "$text-accent"))
    if len(rows) < answer.total:
        head = told(head, (f"  the first {len(rows):,}", QUIET))
    head = lines(head, told(("The surest first. enter asks one by itself, f filters.", QUIET)))
    widest = max((len(row.input) for row in rows), default=0)
    made = []
    for row in rows:
        truth = row.truth_probability
        text = told(
            (display.fit(display.literal(row.input), min(widest, 36)), "bold"), "  ",
            (f"{display.literal(seen(row.prediction))} ", WRONG), (f"{percent(row.probability):>7}", ""),
            ("   it is ", QUIET), (f"{display.literal(seen(row.truth))} ", RIGHT),
            (f"{percent(truth):>7}" if truth is not None else "", QUIET),
        )  # fmt: skip
        made.append(Line(row.input, text, True))
    return Shown("Mistakes", head, Lines(tuple(made)))


@view(Calibration, "whole", "Calibration")
def calibration(answer: CalibrationAnswer, pane: Pane) -> Shown:
    """Return the view of calibration: how often it is right, over how sure it is."""
    bins = [one for one in answer.bins if one.count]
    x = finite([one.confidence for one in bins])
    series = (
        curve("accuracy", x, finite([one.accuracy for one in bins]), sign=SIGNS[0]),
        curve("as often as sure", [0.0, 1.0], [0.0, 1.0], sign="·", colour=GREY),
    )
    error = answer.expected_error
    word = "below the line it is surer than it should be, above it less sure"
    said = f"expected calibration error {percent(error)} over {answer.asked:,} answers"
    curves = Curves(series, "how sure it is", span=(0.0, 1.0), limits=(0.0, 1.0))
    return Shown("Calibration", lines(told((said, "bold")), told((word, QUIET))), curves)


def batch(name: str, answers: Sequence[tuple[str, Said | str]], wrong_only: bool) -> Shown:
    """Return the view of the answers to a file's questions; of one that can't be read, the reason."""
    judged = [said.answer.correct for _, said in answers if isinstance(said, Said) and said.answer.correct is not None]
    right, refused = sum(judged), sum(isinstance(said, str) for _, said in answers)
    head = told((f"{display.literal(name)}: {count(len(answers), 'question')}", "bold"))
    if judged:
        head = told(head, (f"  ✓ {right:,} right", RIGHT), (f"  ✗ {len(judged) - right:,} wrong", WRONG))
    if refused:
        head = told(head, (f"  ! {refused:,} can't be read", "$text-warning"))
    listed = [_asked_line(question, said) for question, said in answers]
    hint = "w shows all" if wrong_only else "w shows the wrong ones alone"
    shown = tuple(line for line in listed if not wrong_only or line.wrong)
    return Shown("File", lines(head, told((hint, QUIET))), Lines(shown))


def _asked_line(question: str, said: Said | str) -> Line:
    asked = display.fit(display.literal(question), 36)
    if isinstance(said, str):
        return Line(question, told(("! ", "$text-warning"), asked, (f" {display.literal(said)}", QUIET)), True)
    correct, one_class = said.answer.correct, said.reading.kind == "class"
    sure = f" {percent(max(said.shares)):>7}" if one_class and said.shares else ""
    truth = f"   it is {said.text('truth')}" if correct is False else ""
    answered = (said.text("prediction"), "$text-accent")
    text = told(SIGN_OF[correct], (asked, "bold"), " → ", answered, (sure, QUIET), (truth, WRONG))
    return Line(question, text, correct is False)
