"""What is asked of every command, whatever it is given or finds: it ends, in a moment, in words, and touches nothing
outside of its workspace."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
from pathlib import Path
from typing import Any

from campaign.faults import End
from support.hostile import STEERING, steered_by

SECONDS = 5.0
"""Of a processor: how long the machine takes for it depends on what else it does."""
OWN_STYLE = re.compile(rb"\x1b\[[0-9;]*m|\x1b\[\?25[hl]|\x1b\[[0-9]*[AGKJ]|\r\n?|[\n\t]")
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

WORDS = [
    "", " ", "-", "--", "--help", ".", "..", "../..", "/", "/dev/zero", "/dev/null", "~", "first", "firs", "FIRST",
    "0", "1", "-1", "1e999", "nan", "inf", "-inf", "1e-320", "9" * 40, "0x10", "1_000", "1,000", "٣", "½", "1 2 x 12",
    "1 2", "1", "7 7 7", "loss", "accuracy", "optim.lr=0.1", "optim.lr=", "=", "optim.lrr=1", "a=b=c", "%s%n", "{0}",
    "${HOME}", "`id`", "'; DROP TABLE points; --", "accuracy > 0.5", "accuracy >", "((((", "name ~ (a+)+$", "not not",
    "name ~ [", "seed in (", "\ud800", "\x00", "\n", "é" * 300, "x" * 5000, "[" * 3000, "🚀", "ﷺ", STEERING,
]  # fmt: skip
VALUES: list[Any] = [
    None, True, 0, -1, 2**63, 2**200, 1.7e308, float("nan"), float("inf"), "", "x" * 10_000, STEERING, [], {}, [None],
    {"a": 1}, [[[[[[]]]]]], "..", "/etc", "nan", "finished", "running", ["x"] * 1000, {"": {}}, "2026-13-45", -0.0,
]  # fmt: skip


def word(draw: random.Random) -> str:
    """Return a word that a person, a script or a stranger might give."""
    if draw.random() < 0.6:
        return draw.choice(WORDS)
    if draw.random() < 0.5:
        return "".join(draw.choice(WORDS) for _ in range(2))[:6000]
    return "".join(
        chr(draw.choice([draw.randrange(32, 127), draw.randrange(160, 0x2FFF)])) for _ in range(draw.randrange(30))
    )


def problem_of(end: End) -> str | None:
    """Return what is wrong with how a command ended; None where nothing is."""
    if end.hung or end.seconds > SECONDS:
        return "it hung" if end.hung else f"it took {end.seconds:.1f} s of a processor"
    if end.status not in (0, 1, 2) or "Traceback (most" in end.said:
        return f"it ended with {end.status}: {end.said[-400:]!r}"
    rest = OWN_STYLE.sub(b"", end.written).decode("utf-8", "replace")
    if found := steered_by(end.written) or CONTROLS.findall(rest):
        return f"control characters reached the terminal: {sorted(set(found))!r}"
    return None


class Canary:
    """A tree beside the workspaces, which nothing may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "kept").mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"id": "foreign"}))
        (folder / "kept" / "notes.txt").write_text("somebody's\n")
        self._was = self._now()

    def problem(self) -> str | None:
        now = self._now()
        return None if now == self._was else f"outside of the workspace there is {now}, and was {self._was}"

    def _now(self) -> dict[str, str]:
        found = {}
        for place, folders, names in os.walk(self.folder):
            found |= {os.path.join(place, name): "a folder" for name in folders}  # noqa: PTH118
            for name in names:
                path = Path(place, name)
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        return found
