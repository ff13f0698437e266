"""A network as a machine that steps from state to state: which one it is, and how long it keeps to it."""

from __future__ import annotations

import math

from seqsum.formatting import count, full, number, percent
from seqsum.query.questions.automaton import Automaton, AutomatonAnswer
from seqsum.query.questions.counterexample import Counterexample, CounterexampleAnswer, shown_input
from seqsum.query.questions.eigenvalues import Eigenvalues, EigenvaluesAnswer
from seqsum.query.questions.reach import Reach, ReachAnswer
from seqsum.text import seen
from seqsum_tui.charts.palette import GREY, SIGNS
from seqsum_tui.charts.series import Mark
from seqsum_tui.query.views.registry import Pane, view, what_was_typed
from seqsum_tui.query.views.shown import (
    QUIET,
    RIGHT,
    WRONG,
    Curves,
    Dots,
    Line,
    Lines,
    Part,
    Shown,
    curve,
    finite,
    lines,
    told,
)
from seqsum_tui.shared import display

WIDEST = 12
"""Cells of an answer's name."""


@view(
    Automaton, "inside", "Automaton",
    comes="Which inputs the network holds for the same: its states as a machine, and whether it is the right one.",
)  # fmt: skip
def automaton(answer: AutomatonAnswer, pane: Pane) -> Shown:
    """Return the view of the machine as a table: a line for each state, an arrow for each token."""
    names = [display.literal(name) for name in answer.tokens]
    labels = [f"{'→' if at == answer.start else ' '}{at}" for at in range(len(answer.states))]
    says = min(WIDEST, max(4, *(len(display.literal(state.answer)) for state in answer.states)))
    widths = [max(len(name), len(str(len(labels) - 1))) for name in names]
    first = max(map(len, labels))
    wrong = {(arrow.state, arrow.token) for arrow in answer.wrong_arrows}
    # Two cells more, as the list below has a mark before each line.
    head = f"  {'':{first}} {'says':{says}} {'share':>7}  after " + " ".join(
        f"{name:>{width}}" for name, width in zip(names, widths, strict=True)
    )
    verdict = f"{answer.verdict()[0].upper()}{answer.verdict()[1:]}."
    of = f"{count(answer.asked, 'input')} of {answer.shortest:,}" + (
        f" to {answer.longest:,} steps" if answer.longest > answer.shortest else " steps"
    )
    words = lines(
        told((f"{'✓' if answer.right else '✗'} ", RIGHT if answer.right else WRONG), (verdict, "bold")),
        told((f"States of {of} that answer alike whatever follows are one. → is before anything is read.", QUIET)),
        told((head, QUIET)),
    )
    made = []
    for at, state in enumerate(answer.states):
        cells: list[Part] = []
        for name, token, end, width in zip(names, answer.tokens, answer.arrows[at], widths, strict=True):
            cells += [" ", (f"{end:>{max(width, len(name))}}", WRONG if (at, token) in wrong else "")]
        text = told(
            (labels[at].rjust(first), "bold"), " ", display.fit(display.literal(state.answer), says),
            (f" {percent(state.share):>7}", QUIET), "       ", *cells,
        )  # fmt: skip
        made.append(Line(state.example, text, any((at, token) in wrong for token in answer.tokens)))
    return Shown("Automaton", words, Lines(tuple(made)))


@view(
    Reach, "inside", "Reach",
    comes="To what length the network will hold, told from short inputs, beside how far it did.",
)  # fmt: skip
def reach(answer: ReachAnswer, pane: Pane) -> Shown:
    """Return the view of spread over distance by length, with where it will cross the border, and where answers did."""
    x = [math.log10(length) for length in answer.lengths]
    series = (
        curve("spread ÷ distance", x, finite(answer.ratio), sign=SIGNS[0]),
        curve("foretold", x, answer.fitted, sign=SIGNS[1]),
        curve("limit", x, [answer.crossing] * len(x), sign="·", colour=GREY),
    )
    ends = ((answer.fitted_to, "looked at until here", "◂"), (answer.foretold, "foretold", "▾"),
            (answer.measured, "measured", "▿"))  # fmt: skip
    marks = tuple(
        Mark(math.log10(length), label, sign, "trained")
        for length, label, sign in ends
        if length is not None and length <= answer.lengths[-1]
    )
    verdict = answer.verdict()
    said = (
        f"How far {count(answer.asked, 'input')} of a length spread around their answer, as a share of the way to the "
        f"next one. {percent(answer.level)} are right as long as it is below {full(answer.crossing)}."
    )
    words = lines(told((f"{verdict[0].upper()}{verdict[1:]}.", "bold")), told((said, QUIET)))
    return Shown("Reach", words, Curves(series, "length", "log", marks=marks, span=(0.0, 1.0), limits=(x[0], x[-1])))


@view(
    Counterexample, "inside", "Counterexample",
    comes="An input that is answered wrongly, looked for: among those that repeat, and by going on with doubtful ones.",
)  # fmt: skip
def counterexample(answer: CounterexampleAnswer, pane: Pane) -> Shown:
    """Return the view of the inputs that are wrong, the shortest above; where there are none, of how near it came."""
    verdict = answer.verdict()
    right = not answer.found
    kinds = " · ".join(
        f"{wrong:,} of {asked:,} of {count(size, 'token')}"
        for size, (asked, wrong) in enumerate(zip(answer.patterns, answer.wrong, strict=True), 1)
        if wrong
    )
    parts = [
        told(("✓ " if right else "✗ ", RIGHT if right else WRONG), (f"{verdict[0].upper()}{verdict[1:]}.", "bold"))
    ]
    if kinds:
        parts.append(told((f"Patterns that are wrong when they come again and again: {kinds}.", QUIET)))
    if right:
        steps = [float(answer.shortest + at) for at in range(len(answer.lead))]
        series = curve("least lead of the right answer, in logits", steps, finite(answer.lead), sign=SIGNS[0])
        return Shown("Counterexample", lines(*parts), Curves((series,), "length", span=(0.0, None)))
    parts.append(told((f"  {'steps':>6}  {'says':4}  right  input", QUIET)))
    made = [
        Line(
            one.input,
            told(
                f"{one.length:>6,}  ", (f"{display.literal(one.said):<4}", WRONG),
                f"  {display.literal(one.right):<5}  {display.literal(shown_input(one))}",
            ),
            wrong=True,
        )
        for one in answer.found
    ]  # fmt: skip
    return Shown("Counterexample", lines(*parts), Lines(tuple(made)))


CIRCLE = 240
"""Points of the circle."""


@view(
    Eigenvalues, "inside", "Eigenvalues", fields=what_was_typed,
    comes="What a step keeps, turns and lets fade: eigenvalues against the circle of size 1.",
)  # fmt: skip
def eigenvalues(answer: EigenvaluesAnswer, pane: Pane) -> Shown:
    """Return the view of eigenvalues in the complex plane, with the unit circle."""
    around = [2 * math.pi * at / CIRCLE for at in range(CIRCLE)]
    kinds = [0 if size < 1 else 1 for size in answer.size]
    dots = Dots(
        (*(math.cos(angle) for angle in around), *answer.real),
        (*(math.sin(angle) for angle in around), *answer.imaginary),
        (*(2 for _ in around), *kinds),
        ("fades, |λ| < 1", "stays or grows, |λ| ≥ 1", "|λ| = 1"),
        meaning="what becomes of its direction",
    )
    where = (
        "the recurrent matrix"
        if answer.of == "matrix"
        else f"a step's Jacobian at the end of {seen(answer.input or '')}"
    )
    growing = sum(kinds)
    said = (
        f"{len(kinds):,} eigenvalues of {where}; {growing:,} on or beyond the circle, the largest "
        f"{number(max(answer.size))}."
    )
    means = "A direction is stretched by |λ| in each step, and turned by λ's angle: near the circle it is kept."
    return Shown("Eigenvalues", lines(told((said, "bold")), told((means, QUIET))), dots)
