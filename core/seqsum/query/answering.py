"""Answering questions about a run. The command line and the query server both answer from here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seqsum.errors import UserError
from seqsum.query.asked import Asked, Memory
from seqsum.query.checkpoint_cache import Shelf
from seqsum.query.examples import Deadline
from seqsum.query.loading import Loaded
from seqsum.query.question import Answer, Question
from seqsum.query.registry import question_of
from seqsum.runs import Run

SECONDS = 50.0
"""After this long, what walks over many inputs gives up with a sentence."""


class Answerer:
    """Answers questions about one run; what is costly to find out is kept for the next.

    seconds: how long a walk over many inputs may take; None: as long as it takes; heard: called now and then on the way
    """

    def __init__(self, run: Run, seconds: float | None = SECONDS, heard: Callable[[], None] | None = None) -> None:
        self.run, self.shelf = run, Shelf(run)
        self._seconds, self._heard, self._number, self._memory = seconds, heard, 0, Memory()

    def answer(self, question: Question) -> tuple[Loaded, Answer]:
        """Return the checkpoint that answered and its answer; raises UserError where there is none."""
        self._number += 1
        loaded = self.shelf.take(question.checkpoint)
        reason = question.unfit(loaded)
        if reason is not None:
            raise UserError(reason)
        loaded = question.prepared(loaded)
        deadline = Deadline(question.name.replace("_", " "), self._seconds, self._heard)
        asked = Asked(self.run, self.shelf, loaded, self._number, deadline, self._memory)
        found = question.answer(asked)
        if question.typed is not None:
            found = found.model_copy(update={"remarks": loaded.task.remarks(question.typed)})
        return loaded, found

    def ask(self, what: str, **fields: Any) -> tuple[Loaded, dict[str, Any]]:
        """Ask by name; return the checkpoint that answered and what a reply says: `answer`, and what stands beside."""
        loaded, found = self.answer(question_of({"ask": what, **fields}))
        return loaded, reply_of(found)


def reply_of(answer: Answer) -> dict[str, Any]:
    """What a reply says: the answer, and what stands beside it."""
    return {"answer": answer.model_dump(), **answer.beside()}
