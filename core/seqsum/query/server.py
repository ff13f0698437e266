"""The query server's loop: a line in, a line out, until its input ends. See `protocol`."""

from __future__ import annotations

import json
import os
import time
import traceback
from contextlib import suppress
from typing import Any, TextIO

from seqsum.errors import InputError, UserError
from seqsum.query.answering import Answerer
from seqsum.query.protocol import LONGEST_LINE
from seqsum.query.reply_text import what_is_asked
from seqsum.query.request import Fields, finite, read_line
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
        say(_reply(answerer, line, errors))
    return 0


def _reply(answerer: Answerer, line: str, errors: TextIO) -> dict[str, Any]:
    began = time.monotonic()
    request: dict[str, Any] = {}
    place: int | None = None
    end: int | None = None
    try:
        request = read_line(line)
        fields = Fields(request)
        loaded, found = answerer.answer(fields)
        return {
            "id": request.get("id"),
            "ok": True,
            "ask": fields.ask,
            "checkpoint_step": loaded.step,
            "seconds": time.monotonic() - began,
            "messages": list(loaded.messages),
            **found,
        }
    except InputError as error:
        reason, place, end = str(error), error.place, error.end
    except UserError as error:
        reason = str(error)
    except MemoryError:
        reason = "query: not enough memory for that; ask something smaller"
    except Exception as error:
        # One question that this goes wrong with must not take the server from the next.
        traceback.print_exc(file=errors)
        reason = f"query: this has no answer: {type(error).__name__}: {one_line(str(error))[:200]}"
    return {"id": request.get("id"), "ok": False, "error": reason, "place": place, "end": end}
