"""A run as one file and back: every bit, nothing by half, and of a hostile archive nothing at all."""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from seqsum.runs import Run, Workspace
from seqsum.runs.annotations import annotate
from seqsum.runs.doctor import examine
from seqsum.runs.lock import take_lock
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer
from support.command_line import call, lines, refused
from support.engine import same_bits, tensors
from support.run_files import files_of, rows_of
from support.trained import trained_run

ODD = [math.nan, math.inf, -math.inf, -0.0, 5e-324, sys.float_info.max, 0.1, 1 / 3]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with all that one can hold."""
    run = trained_run(tmp_path / "here", 10, 20)
    with run.store() as store:
        store.append([("loss", step**2, value) for step, value in enumerate(ODD * 40)])
        store.append([("Ωλ μ/x", 2**50, 1.5)])
        store.set_state(status="stopped", step=20, reason="gestoppt – ✓ \u0000", durable_step=20)
        store.add_event(20, "message", text="Zeile\n\x1b[31mzwei", deep={"a": [1, None, 0.1]})
    annotate(run.folder, name="größer", tags=["eins"], note="a note\nof two lines", starred=True)
    run.log.write_bytes(bytes(range(256)) * 20_000)
    (run.folder / "source").mkdir()
    (run.folder / "source" / "mine-0123abcd.py.txt").write_text("raise SystemExit('a plug-in was run')")
    (run.folder / "tracker" / "empty").mkdir(parents=True)
    (run.folder / "tracker" / "nothing").touch()
    (run.folder / "link").symlink_to("/etc/passwd")
    return run


@pytest.fixture
def packed(run: Run, tmp_path: Path) -> Path:
    path = tmp_path / "run.seqsum.zip"
    lines("pack", run.id, "--output", str(path), "--workspace", str(tmp_path / "here"))
    return path


def unpacked(packed: Path, workspace: Path, *more: str) -> Run:
    (told,) = lines("unpack", str(packed), "--workspace", str(workspace), *more)
    return Run(workspace / told["run"])


def nothing_came(workspace: Path) -> bool:
    """Whether a workspace has no run, whole or half."""
    return {path.name for path in (workspace.iterdir() if workspace.exists() else ())} <= {".change.lock"}


def test_a_run_comes_back_with_every_bit(run: Run, packed: Path, tmp_path: Path) -> None:
    back = unpacked(packed, tmp_path / "there")
    assert rows_of(back) == rows_of(run) and files_of(back) == files_of(run)
    assert examine(back) == [] and back.summary() == run.summary()
    assert not (back.folder / "link").exists() and back.summary().note == "a note\nof two lines"
    (told,) = lines("unpack", str(packed), "--workspace", str(tmp_path / "there"))
    assert not told["unpacked"], "it is there already, the same"
    assert call("show", "größer", "--workspace", str(tmp_path / "there"))[0] == 0


def test_it_is_an_ordinary_archive_of_plain_files(packed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None and archive.namelist()[0] == "pack.json"
        for entry in archive.infolist():
            assert stat.S_ISREG(entry.external_attr >> 16) and not entry.filename.startswith("/")
        assert not [name for name in archive.namelist() if name.endswith((".pkl", ".pt", ".lock")) or "link" in name]
        archive.extractall(tmp_path / "by hand")
    told = json.loads((tmp_path / "by hand" / "pack.json").read_text())
    assert (told["format"], told["name"]) == (1, "größer")


def test_an_unpacked_run_goes_on_to_the_same_bits(run: Run, packed: Path, tmp_path: Path) -> None:
    ends = []
    for one in (run, unpacked(packed, tmp_path / "there")):
        trainer, points = Trainer.resume(checkpoint.load(one.checkpoints / "step-20")), []
        while not trainer.done:
            points += trainer.run_chunk([])
        ends.append((trainer.step, points, tensors(trainer.model)))
    assert ends[0][:2] == ends[1][:2] and same_bits(ends[0][2], ends[1][2]) and ends[0][0] > 20


def test_a_run_that_a_worker_is_at_is_not_packed(run: Run, tmp_path: Path) -> None:
    lock = take_lock(run.folder)
    assert lock is not None
    try:
        said = refused("pack", run.id, "--output", str(tmp_path / "x.zip"), "--workspace", str(tmp_path / "here"))
    finally:
        os.close(lock)
    assert f"a worker is at run {run.id}; stop it first: seqsum stop {run.id}" in said
    assert not list(tmp_path.glob("*x.zip*"))


def test_the_archive_is_called_after_the_run_and_not_overwritten(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    there = ["--workspace", str(tmp_path / "here")]
    lines("pack", "größer", *there)
    before = Path("größer.seqsum.zip").read_bytes()
    assert "is there already; choose another name, or overwrite it with --force" in refused("pack", "größer", *there)
    assert "is a folder" in refused("pack", "größer", "--output", "here", *there)
    assert Path("größer.seqsum.zip").read_bytes() == before
    lines("pack", "größer", "--force", *there)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["größer.seqsum.zip", "here"]


def test_a_name_or_an_id_that_is_taken_has_a_way_out(run: Run, packed: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    other = trained_run(there, 10)
    annotate(other.folder, name="größer")
    said = refused("unpack", str(packed), "--workspace", str(there))
    assert f'there is a run "größer" here already ({other.id}); give this one another name: --name TEXT' in said
    back = unpacked(packed, there, "--name", "Annas Lauf")
    assert back.name == "Annas Lauf" and run.name == "größer" and other.name == "größer"
    said = refused("unpack", str(packed), "--workspace", str(there), "--name", "third")
    assert "differs in annotations.json; --force puts that one into the bin first" in said
    assert unpacked(packed, there, "--name", "third", "--force").name == "third"
    assert [one.id for one in Workspace(there).bin.runs()] == [run.id]


def test_a_kill_at_any_moment_leaves_nothing_by_half(run: Run, packed: Path, tmp_path: Path) -> None:
    """The process ends at each of its calls that write, in turn; the next one tidies up."""
    ends = """
import os, sys
from seqsum.cli import main
left = int(sys.argv.pop(1))
def end(name):
    real = getattr(os, name)
    def work(*given, **named):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return real(*given, **named)
    setattr(os, name, work)
for name in ("fsync", "rename", "replace", "mkdir"):
    end(name)
sys.exit(main(sys.argv[1:]))
"""
    there, killed = tmp_path / "there", 0
    for moment in range(0, 60, 9):
        done = subprocess.run(
            [sys.executable, "-c", ends, str(moment), "unpack", str(packed), "--workspace", str(there)],
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            break
        assert done.returncode == 9, done.stderr
        killed += 1
        assert all(rows_of(one) == rows_of(run) for one in (Workspace(there).runs() if there.exists() else ()))
    assert killed >= 2 and rows_of(unpacked(packed, there)) == rows_of(run)
    assert [path.name for path in there.iterdir() if path.name.endswith(".new")] == []


# Hostile


def altered(packed: Path, change: Callable[[dict[str, Any], dict[str, bytes]], Any]) -> Path:
    """The archive with other contents, told as they are but for what `change` does."""
    with zipfile.ZipFile(packed) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    told = json.loads(files.pop("pack.json"))
    change(told, files)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pack.json", json.dumps(told))
        for name, data in files.items():
            archive.writestr(name, data)
    return packed


def added(name: str, data: bytes = b"x") -> Callable[[dict[str, Any], dict[str, bytes]], Any]:
    import hashlib

    def change(told: dict[str, Any], files: dict[str, bytes]) -> None:
        told["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "time": "1"}
        files[f"run/{name}"] = data

    return change


PATHS = (
    "../out", "/etc/out", "a/../../out", "..", ".", "", "a//b", "checkpoints/", ".hidden", "a/.hidden",
    "metrics.db-wal", "metrics.db-journal", "store.json", "worker.lock", "/".join("a" * 40), "a\0b",
)  # fmt: skip


@pytest.mark.parametrize("name", PATHS)
def test_paths_that_lead_elsewhere_are_refused(name: str, packed: Path, tmp_path: Path) -> None:
    there = tmp_path / "a" / "b" / "there"
    refused("unpack", str(altered(packed, added(name))), "--workspace", str(there))
    assert nothing_came(there) and not list(tmp_path.rglob("out"))


def _with_a_link(packed: Path) -> None:
    with zipfile.ZipFile(packed, "a") as archive:
        entry = zipfile.ZipInfo("run/link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")


def _with_a_device(packed: Path) -> None:
    with zipfile.ZipFile(packed, "a") as archive:
        entry = zipfile.ZipInfo("run/null")
        entry.external_attr = (stat.S_IFCHR | 0o666) << 16
        archive.writestr(entry, "")


def _with_more(packed: Path) -> None:
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("run/more", "x")


def _twice(packed: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("run/run.json", "{}")


def _bomb(packed: Path) -> None:
    altered(packed, added("bomb", bytes(200 * 2**20)))


def _no_archive(packed: Path) -> None:
    packed.write_bytes(b"PK\x03\x04 no archive" * 10)


def _torn(packed: Path) -> None:
    packed.write_bytes(packed.read_bytes()[:-3000])


def _flipped(packed: Path) -> None:
    data = bytearray(packed.read_bytes())
    with zipfile.ZipFile(packed) as archive:
        place = archive.getinfo("run/worker.log").header_offset + 200
    data[place] ^= 1
    packed.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_with_a_link, "run/link in it is no plain file"),
        (_with_a_device, "run/null in it is no plain file"),
        (_with_more, "what it tells is not what it holds: run/more"),
        (_twice, "it holds run/run.json twice"),
        (_bomb, "run/bomb would become 210 MB"),
        (_no_archive, "is no packed run, or damaged"),
        (_torn, "is no packed run, or damaged"),
        (_flipped, "damaged"),
    ],
)
def test_what_is_no_such_archive_is_refused(
    harm: Callable[[Path], None], said: str, packed: Path, tmp_path: Path
) -> None:
    harm(packed)
    assert said in refused("unpack", str(packed), "--workspace", str(tmp_path / "there"))
    assert nothing_came(tmp_path / "there")


def _set(path: str, value: Any) -> Callable[[dict[str, Any], dict[str, bytes]], Any]:
    def change(told: dict[str, Any], _: dict[str, bytes]) -> None:
        *parts, last = path.split("/")
        for part in parts:
            told = told[part]
        told[last] = value

    return change


def _newer_record(told: dict[str, Any], files: dict[str, bytes]) -> None:
    record = json.loads(files["run/run.json"]) | {"format": 2}
    added("run.json", json.dumps(record).encode())(told, files)


def _view(told: dict[str, Any], files: dict[str, bytes]) -> None:
    """A store with a trigger, which would write more than it is told."""
    with closing(sqlite3.connect(":memory:")) as database:
        data = files["run/metrics.db"]
        # With a journal beside it a database can't be in memory.
        database.deserialize(data[:18] + b"\1\1" + data[20:])
        database.execute("CREATE TRIGGER t AFTER INSERT ON pt BEGIN DELETE FROM state; END")
        database.commit()
        added("metrics.db", database.serialize())(told, files)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_set("format", 2), "was packed by a newer version of seqsum (format 2, known is 1); install that"),
        (_newer_record, "was made by a newer version of seqsum (format 2, known is 1); install that"),
        (_set("run", "../up"), "is no name in"),
        (_set("run", ".hidden"), ".hidden is no name of a run"),
        (_set("run", "20260101-000000-abcd"), "its record is that of run"),
        (_set("store", "0" * 64), "its store is not the one that it tells of"),
        (_set("files", []), "is no packed run"),
        (_set("files/run.json/size", 3), "is not as large as it tells"),
        (_set("files/run.json/sha256", "0" * 64), "does not match its checksum"),
        (_set("files/run.json/time", "9" * 30), "a time in nanoseconds"),
        (_view, "it is no store of a run"),
    ],
)
def test_what_an_archive_tells_is_judged(
    change: Callable[[dict[str, Any], dict[str, bytes]], Any], said: str, packed: Path, tmp_path: Path
) -> None:
    assert said in refused("unpack", str(altered(packed, change)), "--workspace", str(tmp_path / "there"))
    assert nothing_came(tmp_path / "there")


def test_what_is_no_file_is_refused(packed: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none"):
        assert "unpack: can't read" in refused("unpack", str(path), "--workspace", str(tmp_path / "there"))
    free = shutil.disk_usage(tmp_path).free
    altered(packed, _set("files/worker.log/size", free * 2))
    assert "is not as large as it tells" in refused("unpack", str(packed), "--workspace", str(tmp_path / "there"))
