"""The query server: JSON Lines, one question a line and one reply a line, in turn, until its input ends.

It first says {"ready": true, "checkpoint_step", "input_hint", "empty", "samples", "series"} (see `what_is_asked`), or
{"ready": false, "error"} when it can't answer. A request is {"ask": the question's name, "id": …, its fields …}; the
questions are in `questions`, each with its fields and its answer. A reply is

    {"id", "ok": true, "ask", "checkpoint_step", "seconds", "warnings", "answer", …}
    {"id", "ok": false, "error", "place", "end"}

checkpoint_step: the checkpoint that answered; seconds: how long that took; warnings: what a person should know, e.g.
that a damaged checkpoint was passed over; error: one sentence, what is wrong and the way out; place, end: where in
`input`, in characters from 0, it goes wrong, null where no single place is to blame. Numbers are finite or null. A
question is taken back by ending the server, which only reads.
"""

from __future__ import annotations

import json
import os
import time
import traceback
from contextlib import suppress
from typing import Any, TextIO

from seqsum import plugins
from seqsum.errors import InputError, UserError
from seqsum.formatting import finite
from seqsum.query.answering import Answerer, reply_of
from seqsum.query.registry import LONGEST_LINE, question_of, read_line
from seqsum.query.task_facts import what_is_asked
from seqsum.runs import Run
from seqsum.text import one_line

NICENESS = 10
"""Of 19: where a training wants the same core, Linux gives this a tenth of what it gives the training."""


def serve(run: Run, questions: TextIO, replies: TextIO, errors: TextIO) -> int:
    """Answer until `questions` ends; returns the exit status: 2 when there is nothing to answer with."""
    # Only now: what it takes to load the libraries is taken once, and somebody waits for it.
    with suppress(OSError):
        os.nice(NICENESS)

    def say(message: dict[str, Any]) -> None:
        replies.write(json.dumps(finite(message), allow_nan=False) + "\n")
        replies.flush()

    answerer = Answerer(run)
    try:
        loaded = answerer.shelf.take()
    except UserError as error:
        say({"ready": False, "error": str(error)})
        return 2
    say({"ready": True, "checkpoint_step": loaded.step, **what_is_asked(loaded.task)})
    while line := questions.readline(LONGEST_LINE + 2):
        if not line.endswith("\n"):
            # The rest of a line that is too long belongs to it, and not to the next question.
            while (rest := questions.readline(LONGEST_LINE)) and not rest.endswith("\n"):
                pass
        say(reply_to(answerer, line, errors))
    return 0


def reply_to(answerer: Answerer, line: str, errors: TextIO) -> dict[str, Any]:
    """Return the reply to a request's line; what goes wrong unexpectedly is also written to `errors`."""
    began = time.monotonic()
    request: dict[str, Any] = {}
    place: int | None = None
    end: int | None = None
    try:
        request = read_line(line)
        question = question_of(request)
        loaded, found = answerer.answer(question)
        return {
            "id": request.get("id"),
            "ok": True,
            "ask": question.name,
            "checkpoint_step": loaded.step,
            "seconds": time.monotonic() - began,
            "warnings": list(loaded.messages),
            **reply_of(found),
        }
    except InputError as error:
        reason, place, end = str(error), error.place, error.end
    except UserError as error:
        reason = str(error)
    except MemoryError:
        reason = "query: not enough memory for that; ask something smaller"
    except Exception as error:
        # One question that this goes wrong with must not take the server from the next.
        blamed = plugins.blamed(error)
        if blamed is None:
            traceback.print_exc(file=errors)
        reason = blamed or f"query: this has no answer: {type(error).__name__}: {one_line(str(error))[:200]}"
    return {"id": request.get("id"), "ok": False, "error": reason, "place": place, "end": end}
