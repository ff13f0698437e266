"""The questions by their names, and reading a request for one: every field is judged here, in one sentence."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from seqsum.errors import UserError, did_you_mean
from seqsum.query.question import Flag, Question
from seqsum.text import printable

ROOM = "seqsum.query.questions"
LONGEST_LINE = 1_000_000
"""Characters of a request's line; a longer one is refused."""


@cache
def questions() -> dict[str, type[Question]]:
    """Every question by its name. Whoever adds one puts a file into `questions`; nothing else need know of it."""
    found: dict[str, type[Question]] = {}
    room = import_module(ROOM)
    for info in pkgutil.iter_modules(room.__path__):
        module = import_module(f"{ROOM}.{info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Question) and value.__module__ == module.__name__:
                found[value.name] = value
    return found


def flags_of(command: str) -> dict[str, Flag]:
    """The questions that a command of the command line can ask beside its own, each by a flag."""
    found = {name: question.flag for name, question in questions().items()}
    return {name: flag for name, flag in found.items() if flag is not None and flag.command == command}


def read_line(line: str) -> dict[str, Any]:
    """Return a request as it stands; raises UserError for what is none."""
    if len(line) > LONGEST_LINE:
        raise UserError(f"query: the line is longer than {LONGEST_LINE:,} characters; ask something shorter")
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        raise UserError("query: not a line of JSON") from None
    if not isinstance(request, dict):
        raise UserError('query: not a JSON object; ask e.g. {"ask": "predict", "input": "1 2 3"}')
    return request


def question_of(request: Mapping[str, Any]) -> Question:
    """Return the question of a request {"ask": name, field: value …}; raises UserError for what is none."""
    known, ask = questions(), request.get("ask")
    if ask not in known:
        near = did_you_mean(str(ask)[:50], known) or f"; what can be asked is {', '.join(known)}"
        raise UserError(f'query: no answer to "{printable(str(ask))[:50]}"{near}')
    kind, fields = known[ask], known[ask].model_fields
    # null is the default.
    given = {name: value for name, value in request.items() if name not in ("ask", "id") and value is not None}
    for name in given:
        if name not in fields:
            near = did_you_mean(name[:50], fields) or f"; the fields are {', '.join(fields)}"
            raise UserError(f'query: {ask} has no field "{printable(name)[:50]}"{near}')
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            raise UserError(f"query: {first['ctx']['error']}") from None
        name = str(first["loc"][0])
        raise UserError(f"query: {name} must be {kind.expected(name)}") from None
