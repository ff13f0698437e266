"""Folders of strangers: records, states, stores, checkpoints and notes that are damaged in every way, met by every
command that reads."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from campaign.faults import child
from campaign.hostile import VALUES, Canary, problem_of
from campaign.operations import Bases, command
from campaign.report import Count, Failure
from support.hostile import STEERING

CANARY = "canary"
TITLES = {
    "_record": "fields of JSON",
    "_bytes": "bytes of any file",
    "_kinds": "another kind of file",
    "_rows": "rows of the store",
    "_checkpoint": "headers of tensors",
}
READERS: list[tuple[str, ...]] = [
    ("runs",), ("runs", "--json"), ("show", "RUN"), ("show", "RUN", "--json"), ("compare", "RUN", "whole"),
    ("predict", "RUN", "1 2"), ("predict", "RUN", "1 2", "--json"), ("inspect", "RUN", "1 2"), ("bin",),
    ("compare", "RUN", "whole", "--show", "curves"), ("compare", "RUN", "whole", "--show", "config"),
    ("rewind", "RUN", "--step", "25"), ("rewind", "RUN", "--undo"), ("note", "RUN", "x"), ("tag", "RUN", "x"),
    ("rename", "RUN", "other"), ("delete", "RUN"), ("set", "RUN", "optim.lr=0.1"), ("stop", "RUN"), ("pause", "RUN"),
    ("runs", "--filter", "accuracy > 0.5"), ("runs", "--sort", "loss"), ("bin", "--empty"), ("restore", "RUN"),
]  # fmt: skip
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"


def run(folder: Path, seed: int, most: int) -> Iterator[Count]:
    """Damage a run in one to three ways and meet it with three commands, so many times."""
    bases = Bases(folder / "bases")
    base = bases.changed("pair", lambda at: shutil.copytree(_run_of(at), at / "20260101-000000-aaaa"))
    _renamed(base / "20260101-000000-aaaa", "whole")
    canary = Canary(folder / CANARY)
    for kind in (_record, _bytes, _kinds, _rows, _checkpoint):
        draw = random.Random(f"{seed} {kind.__name__}")
        count = Count(f"folders: {TITLES[kind.__name__]}")
        at = folder / "work" / "runs"
        for _ in range(most):
            shutil.copytree(base, at)
            target = next(one for one in at.iterdir() if one.is_dir() and not one.name.endswith("aaaa"))
            done = [kind(target, draw, canary.folder) for _ in range(draw.randrange(1, 4))]
            for words in draw.sample(READERS, 3):
                named = [target.name if one == "RUN" else one for one in words]
                end = child(_on(command(*named), at))
                problem = problem_of(end) or canary.problem()
                count.note(True, Failure.of(problem, f"seqsum {' '.join(words)} on {done}"))
            shutil.rmtree(folder / "work")
        yield count


def _on(work: Callable[[Path], int], at: Path) -> Callable[[], int]:
    return lambda: work(at)


def _run_of(at: Path) -> Path:
    return next(one for one in at.iterdir() if (one / "run.json").exists())


def _renamed(run: Path, name: str) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "id": run.name, "name": name}))


def _record(run: Path, draw: random.Random, _: Path) -> str:
    """Fields of the record, of the notes and of a checkpoint's state."""
    path = draw.choice([run / "run.json", run / "annotations.json", *run.glob("checkpoints/*/*.json")])
    try:
        raw = json.loads(path.read_text()) if path.exists() else {"name": "x", "tags": ["a"], "note": "n"}
    except (ValueError, OSError):
        return "nothing more"
    where: list[tuple[Any, Any]] = []

    def collect(value: Any) -> None:
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            where.append((value, key))
            collect(value[key])

    collect(raw)
    if not where:
        return "nothing more"
    holder, key = draw.choice(where)
    holder[key] = draw.choice(VALUES)
    path.write_text(json.dumps(raw))
    return f"{path.name}: {key} = {str(holder[key])[:40]!r}"


def _files(run: Path) -> list[Path]:
    return sorted(path for path in run.rglob("*") if path.is_file() and not path.is_symlink())


def _bytes(run: Path, draw: random.Random, _: Path) -> str:
    """Bytes of any file: cut off, turned, put in, taken out."""
    path = draw.choice(_files(run) or [run / "run.json"])
    data = bytearray(path.read_bytes()) if path.exists() else bytearray()
    where, kind = draw.randrange(len(data) + 1), draw.randrange(4)
    if kind == 0:
        del data[where:]
    elif kind == 1:
        for at in draw.sample(range(len(data)), min(len(data), 8)):
            data[at] ^= 1 << draw.randrange(8)
    elif kind == 2:
        data[where:where] = draw.randbytes(draw.randrange(1, 5000))
    else:
        del data[where : where + draw.randrange(1, 200)]
    path.write_bytes(data)
    return f"{path.name}: {('cut at', 'bits turned near', 'bytes put in at', 'bytes taken at')[kind]} {where}"


def _kinds(run: Path, draw: random.Random, canary: Path) -> str:
    """Another kind of thing in a file's place: pipe, device, link, folder, a hole of a terabyte, nothing."""
    path = draw.choice(
        [*_files(run), run / "annotations.json", run / "checkpoints", run / "worker.lock", run / ".changed"]
    )
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if not path.parent.is_dir():
        return "nothing more"
    makers: dict[str, Callable[[], object]] = {
        "a pipe": lambda: os.mkfifo(path),
        "a device": lambda: path.symlink_to("/dev/zero"),
        "a link outside": lambda: path.symlink_to(canary / "kept" / "notes.txt"),
        "a link to a folder outside": lambda: path.symlink_to(canary / "kept"),
        "a link to itself": lambda: path.symlink_to(path),
        "a folder": path.mkdir,
        "a hole": lambda: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 2**40),
        "nothing": lambda: None,
    }
    name = draw.choice(sorted(makers))
    makers[name]()
    return f"{path.name}: {name}"


def _rows(run: Path, draw: random.Random, _: Path) -> str:
    """Rows and tables of the store: other types, views that never end, tables gone."""
    path = run / "metrics.db"
    values = [
        None,
        1,
        -1,
        2**62,
        1.7e308,
        float("inf"),
        "nan",
        "x" * 5000,
        b"\x00\xff",
        STEERING.replace("\ud800", ""),
        "{",
        "[" * 500,
    ]
    try:
        database = sqlite3.connect(path, timeout=1)
        tables = [name for (name,) in database.execute(TABLES)]
        table = draw.choice(tables)
        columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]
        column, value, kind = draw.choice(columns), draw.choice(values), draw.randrange(4)
        if kind == 0:
            database.execute(f'UPDATE OR REPLACE "{table}" SET "{column}" = ?', (value,))
        elif kind == 1:
            places = ", ".join("?" * len(columns))
            database.execute(
                f'INSERT OR REPLACE INTO "{table}" VALUES ({places})', [draw.choice(values) for _ in columns]
            )
        elif kind == 2:
            database.execute(f'DROP TABLE "{table}"')
        else:
            endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT"
            named = ", ".join(f'i AS "{one}"' for one in columns)
            database.execute(f'DROP TABLE "{table}"')
            database.execute(f'CREATE VIEW "{table}" AS {endless} {named} FROM n')
        database.commit()
        database.close()
    except (sqlite3.Error, IndexError, OSError):
        return "nothing more"
    return f"{table}.{column}: {('set to', 'a row with', 'dropped', 'an endless view')[kind]} {str(value)[:30]!r}"


def _checkpoint(run: Path, draw: random.Random, _: Path) -> str:
    """Headers of a checkpoint's tensors: names, types, shapes and places, with checksums made anew."""
    path = draw.choice(sorted(run.glob("checkpoints/*/*.safetensors")))
    data = path.read_bytes()
    try:
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        name = draw.choice(sorted(header))
        if draw.random() < 0.2:
            header[draw.choice([STEERING.replace("\ud800", ""), "", "x" * 3000])] = header.pop(name)
        elif draw.random() < 0.2:
            del header[name]
        else:
            key = draw.choice(["dtype", "shape", "data_offsets"])
            header[name][key] = draw.choice([*VALUES, "F64", "I8", [1], [0, 0], [2**40, 2**40], [-1, 4], [4, 0]])
        text = json.dumps(header).encode()
    except (ValueError, KeyError, TypeError, IndexError):
        return "nothing more"
    first = draw.choice([len(text), len(text), len(text), 2**40, 0])
    path.write_bytes(first.to_bytes(8, "little") + text + data[8 + size :])
    sums = path.parent / "checksums.json"
    sums.write_text(
        json.dumps(
            {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in path.parent.glob("*.safetensors")}
        )
    )
    return f"{path.parent.name}/{path.name}: {name}"
