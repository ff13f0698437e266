"""Which inputs a network holds for alike: those whose last hidden state is nearest to that of a typed one."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from seqsum.errors import UserError
from seqsum.formatting import count, number, scope
from seqsum.query.question import Answer, Flag, Number, OfInput, TypedAnswer, field, right_or_wrong
from seqsum.text import seen

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded

Distance = Literal["euclidean", "cosine"]


class Neighbour(Answer):
    input: str
    prediction: str
    truth: str
    correct: bool | None
    """Null for values."""
    distance: Number


class NearestNeighboursAnswer(TypedAnswer):
    rows: list[Neighbour]
    """Nearest first; the typed input itself is left out."""
    distance: Distance
    """euclidean: ‖h − h′‖; cosine: 1 − h·h′ / (‖h‖ ‖h′‖); h the last layer's hidden state once all has been read."""
    units: int
    """How many numbers that state has: both directions' of a network that reads from both ends, the encoder's of an
    encoder–decoder."""
    searched: int
    exhaustive: bool
    """Whether that is the whole input space."""

    def told(self) -> Iterator[str]:
        kind = self.distance.replace("euc", "Euc")
        asked = scope(self.searched, self.exhaustive, "input")
        yield f"nearest of {asked}, by {kind} distance of the last hidden state ({count(self.units, 'unit')})"
        for row in self.rows:
            judged = right_or_wrong(row.correct, row.truth)
            yield f"  {number(row.distance):>8}  {row.input} → {seen(row.prediction)}{judged}"


class NearestNeighbours(OfInput):
    name: ClassVar = "nearest_neighbours"
    answers: ClassVar = NearestNeighboursAnswer
    slow: ClassVar = True
    flag: ClassVar = Flag("inspect", "--nearest", "also the N inputs whose last hidden state is nearest", "count")

    count: int = field(10, "how many neighbours", ge=1, le=500, metavar="N")
    distance: Distance = field("euclidean", "what is near, with --nearest: euclidean or cosine", metavar="KIND")

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        from seqsum.query.states import stateless

        if loaded.task.carries_state:
            return "nearest: a text that goes on has no single inputs to compare"
        return stateless(loaded)

    def answer(self, asked: Asked) -> NearestNeighboursAnswer:
        """Walk over the whole input space, or what is held out."""
        from seqsum.query.examples import texts_of
        from seqsum.query.model_input import as_rows
        from seqsum.query.states import last_states

        read = asked.read(self.input)
        own = last_states(read.model, read.row)[0]
        examples, exhaustive = asked.examples(None, None)
        nearest: list[tuple[float, Any, int]] = []
        searched = 0
        for part in asked.walked(examples):
            inputs = part.examples.inputs[:, : part.examples.lengths.max()]
            states = last_states(read.model, as_rows(read.model, inputs))
            distances = self._distances(states, own)
            if not np.isfinite(distances).all():
                raise UserError("nearest: some hidden states are not finite; this checkpoint has diverged")
            searched += len(inputs)
            if inputs.shape[1:] == read.inputs.shape:
                distances[(inputs == read.inputs).reshape(len(inputs), -1).all(axis=1)] = np.inf  # itself
            rows = np.argsort(distances, kind="stable")[: self.count]
            nearest += [(float(distances[row]), part, row) for row in rows.tolist() if distances[row] < np.inf]
            nearest = nsmallest(self.count, nearest, key=lambda one: one[0])
        task, found = asked.task, []
        for distance, part, row in nearest:
            found.append(
                Neighbour(
                    **texts_of(task, part, row),
                    correct=None if task.answer == "values" else bool(part.right[row]),
                    distance=distance,
                )
            )
        return NearestNeighboursAnswer(
            rows=found, distance=self.distance, units=len(own), searched=searched, exhaustive=exhaustive
        )

    def _distances(self, states: Any, own: Any) -> Any:
        """float64 [rows]"""
        if self.distance == "euclidean":
            return np.linalg.norm(states - own, axis=1)
        sizes = np.linalg.norm(states, axis=1) * np.linalg.norm(own)
        # A state of zeros points nowhere: it is as far as one at a right angle.
        return 1 - np.divide(states @ own, sizes, out=np.zeros(len(states)), where=sizes > 0)
