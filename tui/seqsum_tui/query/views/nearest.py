"""The inputs that a network holds for alike."""

from __future__ import annotations

from seqsum.formatting import count, number, scope
from seqsum.query.questions.nearest_neighbours import NearestNeighbours, NearestNeighboursAnswer, Neighbour
from seqsum.text import seen
from seqsum_tui.query.views.registry import Pane, view
from seqsum_tui.query.views.shown import QUIET, SIGN_OF, WRONG, Line, Lines, Shown, lines, told
from seqsum_tui.shared import display

LISTED = 100


@view(
    NearestNeighbours, "inside", "Nearest", fields=lambda pane: {"input": pane.question or "", "count": LISTED},
    comes="What the model has read that leaves it in the same state as the question.",
)  # fmt: skip
def nearest(answer: NearestNeighboursAnswer, pane: Pane) -> Shown:
    """Return the view of the nearest neighbours: a list, nearest first."""
    head = told(
        (f"the {len(answer.rows):,} nearest of {scope(answer.searched, answer.exhaustive, 'input')}", "bold"),
        (f": by Euclidean distance of the last hidden state, {count(answer.units, 'unit')}. enter asks one.", QUIET),
    )
    widest = max((len(row.input) for row in answer.rows), default=0)
    return Shown("Nearest", lines(head), Lines(tuple(_line(row, min(widest, 36)) for row in answer.rows)))


def _line(row: Neighbour, width: int) -> Line:
    truth = f"   it is {display.literal(seen(row.truth))}" if row.correct is False else ""
    text = told(
        (f"{number(row.distance):>8}  ", QUIET), SIGN_OF[row.correct],
        (display.fit(display.literal(row.input), width), "bold"), " → ",
        (display.literal(seen(row.prediction)), "$text-accent"), (truth, WRONG),
    )  # fmt: skip
    return Line(row.input, text, row.correct is False)
