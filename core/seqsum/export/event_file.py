"""A run as TensorBoard's event file: scalars, histograms, the configuration for its hparams plug-in, and words."""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Mapping
from typing import Any

from seqsum.export.folder import Folder, plain_name
from seqsum.export.whole import Whole
from seqsum.foreign.event_frames import framed
from seqsum.foreign.protobuf import put, put_single
from seqsum.runs.media import Histogram, Text
from seqsum.schema import as_text

SESSION_START, SESSION_END = "_hparams_/session_start_info", "_hparams_/session_end_info"
ENDED = {"finished": 1, "stopped": 1, "failed": 2, "died": 2}
"""TensorBoard's numbers of how a run ended; 3 is one that goes on."""
STRING = 7
"""TensorFlow's number of the kind of words."""


def folder(whole: Whole, *, with_id: bool = False) -> Folder:
    """Return the folder of a run, by whose name TensorBoard lists it, with one event file.

    TensorBoard's scalars have 32 bits. with_id: the name has the run's id behind it.
    """
    name = plain_name(whole.name) or whole.id
    name = f"{name}-{whole.id}" if with_id else name
    file = f"events.out.tfevents.{int(whole.created):010d}.seqsum.{whole.id}"
    return Folder((name,), {(file,): framed(_events(whole))}, ours=r"events\.out\.tfevents\..*")


def _events(whole: Whole) -> list[bytes]:
    first, last = whole.created, whole.times(whole.clock[0][-1:])[0] if whole.ended is None else whole.ended
    events = [put(1, first) + put(3, "brain.Event:2")]
    begun = b"".join(put(1, _setting(name, value)) for name, value in whole.settings().items())
    begun += put(4, whole.group) + put(5, first)
    events.append(_event(first, 0, _hparams(SESSION_START, put(3, begun))))
    told = {"run": _table({"name": whole.name, "group": whole.group, "tags": ", ".join(whole.tags), **whole.facts})}
    told |= {"config": _table(whole.settings())} | ({"note": whole.note} if whole.note else {})
    events.append(_event(first, 0, b"".join(_words(tag, text) for tag, text in told.items())))
    steps = [
        (step, when, b"".join(put(1, put(1, tag) + put_single(2, value)) for tag, value in values.items()))
        for step, when, values in whole.rows()
    ]
    steps += [(one.step, one.time, _histogram(one)) for one in whole.media.histograms]
    steps += [(one.step, one.time, _words(_tag(one, told), _literal(one.text))) for one in whole.media.texts]
    events += [_event(when, step, summary) for step, when, summary in sorted(steps, key=lambda one: one[0])]
    ended = put(1, ENDED.get(whole.status, 3)) + (b"" if whole.ended is None else put(2, whole.ended))
    events.append(_event(float(last), 0, _hparams(SESSION_END, put(4, ended))))
    return events


def _event(when: float, step: int, summary: bytes) -> bytes:
    return put(1, when) + put(2, step) + put(5, summary)


def _hparams(tag: str, content: bytes) -> bytes:
    return put(1, put(1, tag) + put(9, put(1, put(1, "hparams") + put(2, content))))


def _setting(name: str, value: Any) -> bytes:
    """An entry of a map of names to values of JSON."""
    if isinstance(value, bool):
        inner = put(4, int(value))
    elif isinstance(value, int | float):
        inner = put(2, float(value))
    else:
        inner = put(3, value if isinstance(value, str) else as_text(value))
    return put(1, name) + put(2, inner)


def _words(tag: str, text: str) -> bytes:
    """A text, which TensorBoard shows as Markdown."""
    tensor = put(1, STRING) + put(2, put(2, put(1, 1))) + put(8, text)
    return put(1, put(1, f"{tag}/text_summary") + put(8, tensor) + put(9, put(1, put(1, "text"))))


def _tag(text: Text, taken: Collection[str]) -> str:
    return f"{text.tag} (text)" if text.tag in taken else text.tag


def _literal(text: str) -> str:
    """Return Markdown that shows a text as it stands."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _histogram(one: Histogram) -> bytes:
    """A histogram: where each bucket ends, and how many numbers it has. One without numbers begins it, for where a
    bucket begins is where the one before it ends."""
    squares = one.numbers * (one.std * one.std + one.mean * one.mean)
    told = (one.low, one.high, float(one.numbers), one.numbers * one.mean, squares)
    counts = [0.0, *map(float, one.counts)]
    packed = put(6, struct.pack(f"<{len(counts)}d", *one.edges)) + put(7, struct.pack(f"<{len(counts)}d", *counts))
    return put(1, put(1, one.tag) + put(5, b"".join(put(1 + at, value) for at, value in enumerate(told)) + packed))


def _table(values: Mapping[str, Any]) -> str:
    rows = (f"| {_cell(name)} | {_cell(as_text(value))} |" for name, value in values.items())
    return "\n".join(["| | |", "|---|---|", *rows])


def _cell(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())
