"""TensorBoard's event files: the scalars in them, and the settings that its hparams plug-in keeps."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from seqsum.files import open_regular
from seqsum.foreign.event_frames import LARGEST_EVENT, Events
from seqsum.foreign.log_format import Folder, LogFormat, Part, Source, is_file, written_at
from seqsum.foreign.own_export import facts_of_table
from seqsum.text import one_line

EVENT_FILE = re.compile(r"events\.out\.tfevents\.([0-9]{1,12})?.*")
OURS = ".seqsum."
"""In the name of a file that our own export wrote."""
AT_ONCE = 4 * 2**20
BEGINNING = 2**18


class TensorBoardLog(LogFormat):
    name = "TensorBoard"

    def find(self, folder: Folder) -> list[Source]:
        """A folder with event files is a run; its files are read in the order of their names, which begin with when
        they were made."""
        names = [name for name in folder.names if EVENT_FILE.fullmatch(name)]
        files = tuple(path for name in names if is_file(path := folder.path / name))
        if not files:
            return []
        made = EVENT_FILE.fullmatch(files[0].name)
        began = float(made[1]) if made and made[1] else written_at(files[0])
        facts = next((_facts(path, path.stat().st_size) for path in files if OURS in path.name), {})
        path = files[0] if folder.asked else folder.path
        return [Source(path, "", files, began, facts=facts)]

    def config(self, source: Source) -> dict[str, Any]:
        for path in source.files:
            if settings := Events(_some(path, 0, BEGINNING)).settings():
                return settings
        return {}

    def read(self, source: Source, position: Any, *, rests: bool = False) -> Part:
        known = dict(position) if isinstance(position, dict) else {}
        part = Part({}, known)
        for path in source.files:
            at, size = known.get(path.name, 0), path.stat().st_size
            if type(at) is not int or not 0 <= at <= size:
                # It is not the file that it was: all of it counts again.
                return Part({}, {}, more=True, anew=True)
            if at == size:
                continue
            events = Events(_some(path, at, AT_ONCE))
            if not events.end and AT_ONCE < events.wanted <= LARGEST_EVENT:
                events = Events(_some(path, at, events.wanted))
            known[path.name] = at + events.end
            for name, rows in events.rows().items():
                part.rows[name] = [*part.rows[name], *rows] if name in part.rows else rows
            if events.unusable:
                part.left_out.note("scalar with a step below 0", many=events.unusable)
            times = [time for time in (part.began, part.last, *events.times) if time is not None]
            part.began, part.last = (min(times), max(times)) if times else (None, None)
            if events.broken:
                where = f"{one_line(str(path))}: it is damaged at byte {at + events.end:,}"
                part.problems.append(f"{where}; what follows there is left out")
                known[path.name] = size
            elif events.damaged:
                part.problems.append(f"{one_line(str(path))}: events in it are damaged, and left out")
            if known[path.name] < size and events.end:
                part.more = True
                break
        return part


@lru_cache(maxsize=5000)
def _facts(path: Path, _size: int) -> dict[str, Any]:
    """What our own export says in the text `run`."""
    try:
        return facts_of_table(Events(_some(path, 0, BEGINNING)).text("run"))
    except OSError:
        return {}


def _some(path: Path, at: int, most: int) -> bytes:
    parts, left = [], most
    with open_regular(path) as file:
        file.seek(at)
        while left > 0 and (part := file.read(left)):
            parts.append(part)
            left -= len(part)
    return b"".join(parts)
