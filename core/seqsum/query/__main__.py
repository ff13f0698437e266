"""The query server: `python -m seqsum.query RUN_FOLDER`, JSON Lines on standard input and output.

It says {"ready": true, "checkpoint_step": …, "input_hint": …, "empty": …, "samples": …} once it can answer. {"id": 1,
"ask": "predict", "input": "1 2 3"} gets {"id": 1, "ok": true, "checkpoint_step": …, "answer": {…}, "kind": …, "text":
{…}} and, for a class, "labels"; or {"id": 1, "ok": false, "error": "…"}. "temperature": 0.8 in a question has a task
that goes on writing draw its tokens. Each answer comes from the newest checkpoint.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

from seqsum.errors import UserError
from seqsum.runs import Run

HOTTEST = 100


def main(arguments: list[str]) -> int:
    # A terminal's Ctrl-C is for the console, which ends this server by closing its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run = Run(Path(arguments[0]).absolute())
    from seqsum.query.predictor import Predictor
    from seqsum.query.wording import in_words, what_is_asked
    from seqsum.training.checkpoint import steps_saved

    try:
        predictor = Predictor(run)
    except UserError as error:
        _say({"ready": False, "error": str(error)})
        return 2
    _say({"ready": True, "checkpoint_step": predictor.step, **what_is_asked(predictor.task)})
    # Each question draws anew: the same prompt twice is to give two texts.
    for count, line in enumerate(sys.stdin):
        request: dict[str, Any] = {}
        try:
            request = _read(line)
            if steps_saved(run.checkpoints)[-1:] != [predictor.step]:
                predictor = Predictor(run)
            text = str(request.get("input", ""))
            temperature = _temperature(request)
            found = predictor.predict(text, temperature=temperature, seed=count)
            reply = {"id": request.get("id"), "ok": True, "checkpoint_step": predictor.step, "answer": found.plain()}
            words = in_words(predictor.task, predictor.task.parse(text), found)
            if words["kind"] == "continuation":
                words["temperature"] = temperature
            _say({**reply, **words})
        except UserError as error:
            _say({"id": request.get("id"), "ok": False, "error": str(error)})
    return 0


def _read(line: str) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError:
        raise UserError("query: not a line of JSON") from None
    if not isinstance(request, dict) or request.get("ask") != "predict":
        raise UserError('query: ask for something known: {"ask": "predict", "input": …}')
    return request


def _temperature(request: dict[str, Any]) -> float | None:
    value = request.get("temperature")
    if value is None or (isinstance(value, int | float) and 0 <= value <= HOTTEST):
        return None if value is None else float(value)
    raise UserError(f"query: temperature must be a number from 0 to {HOTTEST}")


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
