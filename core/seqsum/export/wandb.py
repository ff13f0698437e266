"""A run as a folder of W&B's offline mode, which `wandb sync` uploads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from seqsum.export.folder import Folder
from seqsum.export.whole import Whole
from seqsum.foreign.journal import journal_of
from seqsum.foreign.journals import WandbLog
from seqsum.foreign.protobuf import put

PROJECT = "seqsum"
CODES = {"finished": 0, "stopped": 0, "failed": 1, "died": 1}
"""What each status is as the exit code of a program; W&B knows no other end."""


def folder(whole: Whole) -> Folder:
    """Return a run's folder: offline-run-TIME-ID with run-ID.wandb."""
    began = datetime.fromtimestamp(whole.created)
    records = (put(1, number) + record for number, record in enumerate(_records(whole), 1))
    data = journal_of(WandbLog.start, records)
    return Folder(
        (f"offline-run-{began:%Y%m%d_%H%M%S}-{whole.id}",),
        {(f"run-{whole.id}.wandb",): data},
        ours=r"run-.*\.wandb(\.synced)?|files|logs",
    )


def _records(whole: Whole) -> Iterator[bytes]:
    """Yield W&B's records: header, run, a row of history for each step, the last values, exit.

    W&B has its own kind of histogram; texts of a step that have one tag are one there.
    """
    yield put(21, put(1, put(1, "seqsum")))
    seconds, rest = divmod(round(whole.created * 1e9), 10**9)
    run = put(1, whole.id) + put(3, PROJECT) + put(4, _items({**whole.nested(), "seqsum": dict(whole.facts)}, 1))
    run += put(6, whole.group) + put(8, whole.name) + put(9, whole.note)
    run += b"".join(put(10, tag) for tag in whole.tags) + put(13, str(whole.facts.get("host", "")))
    yield put(17, run + put(17, put(1, seconds) + put(2, rest)))
    last: dict[str, Any] = {}
    for step, when, values in _rows(whole):
        row = {**values, "_timestamp": when, "_runtime": when - whole.created, "_step": step}
        last |= row
        yield put(2, _items(row, 1) + put(2, put(1, step)))
    yield put(3, _items(last, 1))
    if whole.ended is not None:
        yield put(18, put(1, CODES.get(whole.status, 1)) + put(2, int(whole.ended - whole.created)))


def _rows(whole: Whole) -> Iterator[tuple[int, float, dict[str, Any]]]:
    """Yield step, time and what was logged then, ascending."""
    found: dict[int, tuple[float, dict[str, Any]]] = {step: (when, dict(values)) for step, when, values in whole.rows()}
    for one in whole.media.histograms:
        told = {"_type": "histogram", "values": one.counts, "bins": one.edges.tolist()}
        found.setdefault(one.step, (one.time, {}))[1][one.tag] = told
    for text in whole.media.texts:
        row = found.setdefault(text.step, (text.time, {}))[1]
        row[text.tag] = f"{row[text.tag]}\n{text.text}" if text.tag in row else text.text
    for step in sorted(found):
        yield step, *found[step]


def _items(values: Mapping[str, Any], number: int) -> bytes:
    return b"".join(put(number, put(1, name) + put(16, json.dumps(value))) for name, value in values.items())
