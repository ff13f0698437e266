"""Whole runs to a real PostgreSQL server and back: every bit, nothing by half, no password anywhere."""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from seqsum.runs import Run, Workspace
from seqsum.runs.annotations import annotate
from seqsum.runs.doctor import examine
from seqsum.runs.lock import take_lock
from seqsum.runs.rollup import ADDED
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer
from support.command_line import call, lines, refused
from support.engine import new_run, same_bits, small, tensors
from support.postgres import Postgres, postgres, waits_for_a_lock, why_none
from support.run_files import files_of, rows_of
from support.trained import trained_run

if why_none():
    pytest.skip(why_none(), allow_module_level=True)

import psycopg

ODD = [math.nan, math.inf, -math.inf, -0.0, 5e-324, sys.float_info.max, -sys.float_info.max, 0.1, 1 / 3]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as made:
        yield made


@pytest.fixture
def url(server: Postgres) -> str:
    return server.emptied()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with all that one can hold."""
    run = trained_run(tmp_path / "here", 10, 20)
    with run.store() as store:
        store.append([("loss", step**2, value) for step, value in enumerate(ODD * 40)])
        store.append([("Ωλ μ/x", 2**50, 1.5), ("empty\nname", 0, math.nan)])
        store.set_state(status="stopped", step=20, reason="gestoppt – ✓ \u0000 \ud83d\ude00", durable_step=20)
        store.add_event(20, "message", text="Zeile\n\x1b[31mzwei", deep={"a": [1, None, 0.1]})
        store.finish_command(store.post_command("stop", by="anna"), True, "done")
        store.post_command("pause")
    annotate(run.folder, name="größer", tags=["eins", "zwei"], note="a note\nof two lines", starred=True)
    run.log.write_bytes(bytes(range(256)) * 20_000)
    (run.folder / "tracker" / "empty").mkdir(parents=True)
    (run.folder / "tracker" / "nothing").touch()
    return run


def at(folder: Path, id: str) -> Run:
    return Run(folder / id)


def test_a_run_comes_back_with_every_bit(run: Run, url: str, tmp_path: Path) -> None:
    (sent,) = lines("push", "größer", "--to", url, "--workspace", str(tmp_path / "here"))
    rows, files = rows_of(run), files_of(run)
    assert sent["sent"] and (sent["points"], sent["files"]) == (
        len(rows["pt"]), sum(data is not None for _, data in files.values()),
    )  # fmt: skip
    (told,) = lines("pull", "größer", "--from", url, "--workspace", str(tmp_path / "there"))
    back = at(tmp_path / "there", run.id)
    assert told["fetched"] and rows_of(back) == rows and files_of(back) == files
    assert examine(back) == [] and back.summary() == run.summary()
    # Again, there is nothing to do.
    (sent,) = lines("push", run.id, "--to", url, "--workspace", str(tmp_path / "there"))
    (told,) = lines("pull", run.id[:-1], "--from", url, "--workspace", str(tmp_path / "here"))
    assert not sent["sent"] and not told["fetched"]
    assert "already, the same" in call("push", run.id, "--to", url, "--workspace", str(tmp_path / "here"))[1]


def test_a_pulled_run_goes_on_to_the_same_bits(run: Run, url: str, tmp_path: Path) -> None:
    lines("push", run.id, "--to", url, "--workspace", str(tmp_path / "here"))
    lines("pull", run.id, "--from", url, "--workspace", str(tmp_path / "there"))
    ends = []
    for one in (run, at(tmp_path / "there", run.id)):
        trainer, points = Trainer.resume(checkpoint.load(one.checkpoints / "step-20")), []
        while not trainer.done:
            points += trainer.run_chunk([])
        ends.append((trainer.step, points, tensors(trainer.model)))
    assert ends[0][:2] == ends[1][:2] and same_bits(ends[0][2], ends[1][2]) and ends[0][0] > 20


def test_the_store_of_an_earlier_version_is_taken_as_it_is_read(run: Run, url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(run.folder / "metrics.db")) as database, database:
        for column in ADDED:
            database.execute(f"ALTER TABLE rollup DROP COLUMN {column}")
        database.execute("DROP TABLE copy")
    lines("push", run.id, "--to", url, "--workspace", str(tmp_path / "here"))
    lines("pull", run.id, "--from", url, "--workspace", str(tmp_path / "there"))
    with run.store() as old, at(tmp_path / "there", run.id).store() as new:
        for metric in old.metrics():
            was, now = old.buckets(metric, count=4), new.buckets(metric, count=4)
            assert {name: part.tobytes() for name, part in vars(was).items()} == {
                name: part.tobytes() for name, part in vars(now).items()
            }
    (told,) = lines("push", run.id, "--to", url, "--workspace", str(tmp_path / "there"))
    assert not told["sent"]


def test_what_differs_is_replaced_only_when_asked(run: Run, url: str, tmp_path: Path) -> None:
    here, there = ["--workspace", str(tmp_path / "here")], ["--workspace", str(tmp_path / "there")]
    lines("push", run.id, "--to", url, *here)
    lines("pull", run.id, "--from", url, *there)
    with run.store() as store:
        store.append([("loss", 7, 0.5)])
    (run.checkpoints / "step-20" / "state.json").write_text("{}")
    shutil.rmtree(run.checkpoints / "step-10")
    told = refused("push", run.id, "--to", url, *here)
    assert "differs in metrics.db, checkpoints/step-10, checkpoints/step-20/state.json;" in told and "--force" in told
    lines("push", run.id, "--to", url, "--force", *here)
    assert "differs in metrics.db, checkpoints/step-10" in refused("pull", run.id, "--from", url, *there)
    assert at(tmp_path / "there", run.id).checkpoints.joinpath("step-10").is_dir()
    lines("pull", run.id, "--from", url, "--force", *there)
    back = at(tmp_path / "there", run.id)
    assert rows_of(back) == rows_of(run) and files_of(back) == files_of(run)
    # Nothing of one's own is lost: what was here is in the bin.
    assert [one["run"] for one in lines("bin", *there)] == [run.id]
    (back.folder / "metrics.db").write_bytes(b"no database" * 500)
    assert "differs in metrics.db" in refused("pull", run.id, "--from", url, *there)


def test_many_runs_go_and_are_listed(url: str, tmp_path: Path) -> None:
    here, there = ["--workspace", str(tmp_path / "here")], ["--workspace", str(tmp_path / "there")]
    assert lines("pull", "--from", url, *there) == [] and "seqsum push" in call("pull", "--from", url, *there)[1]
    runs = [
        new_run(tmp_path / "here", small(track__group="g" if number < 3 else None), f"r{number}") for number in range(4)
    ]
    assert {one["run"] for one in lines("push", "group:g", "--to", url, *here)} == {run.id for run in runs[:3]}
    lines("push", "--filter", "name = r3", "--to", url, *here)
    listed = lines("pull", "--list", "--from", url, *there)
    assert {one["name"]: one["group"] for one in listed} == {"r0": "g", "r1": "g", "r2": "g", "r3": ""}
    text = call("pull", "--from", url, *there)[1]
    assert len(text.splitlines()) == 4 and all(run.id in text for run in runs)
    assert not (tmp_path / "there").exists()
    assert len(lines("pull", "group:g", "r3", "--from", url, *there)) == 4
    assert {run.id for run in Workspace(tmp_path / "there").runs()} == {run.id for run in runs}
    assert 'no run "r9" is there' in refused("pull", "r9", "--from", url, *there)
    assert "names 4 runs there" in refused("pull", runs[0].id[:4], "--from", url, *there)
    # Of several, one that can't be sent keeps none of the others.
    with runs[0].store() as store:
        store.set_state(step=1)
    status, out, err = call("push", "group:g", "--to", url, *here)
    assert status == 2 and runs[0].id in err and out.count("the same") == 2


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_a_connection_that_is_cut_leaves_nothing_by_half(verb: str, run: Run, url: str, tmp_path: Path) -> None:
    here, there = ["--workspace", str(tmp_path / "here")], ["--workspace", str(tmp_path / "there")]
    words = ["push", run.id, "--to", url, *here]
    if verb == "pull":
        lines(*words)
        words = ["pull", run.id, "--from", url, *there]
    else:
        lines("pull", "--from", url, *here)
    ended: list[tuple[int, str, str]] = []
    with psycopg.connect(url) as holder:
        holder.execute("LOCK TABLE seqsum.part IN ACCESS EXCLUSIVE MODE")
        command = [sys.executable, "-P", "-m", "seqsum.cli", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            reader = Thread(target=lambda: ended.append((process.wait(), *process.communicate())))
            while not (waits := waits_for_a_lock(url)):
                assert process.poll() is None
            holder.execute("SELECT pg_terminate_backend(%s)", (waits,))
            reader.start()
            reader.join()
    ((status, out, err),) = ended
    assert (status, out) == (2, "") and err.count("\n") == 1 and "broke off" in err and "Traceback" not in err
    if verb == "push":
        assert lines("pull", "--from", url, *here) == []
    else:
        assert [path.name for path in (tmp_path / "there").iterdir() if path.name != ".change.lock"] == []
    assert len(lines(*words)) == 1
    lines("pull", run.id, "--from", url, *there)
    assert rows_of(at(tmp_path / "there", run.id)) == rows_of(run)


def test_two_who_push_at_once_leave_one_whole_run(run: Run, url: str, tmp_path: Path) -> None:
    here = ["--workspace", str(tmp_path / "here")]
    other = shutil.copytree(tmp_path / "here", tmp_path / "other")
    words = [["push", run.id, "--to", url, "--workspace", str(folder)] for folder in (tmp_path / "here", other)]
    commands = [[sys.executable, "-P", "-m", "seqsum.cli", *one, "--json"] for one in words]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    told = [json.loads(process.communicate()[0]) for process in both]
    assert sorted(one["sent"] for one in told) == [False, True]
    assert len(lines("pull", "--from", url, *here)) == 1


def test_a_run_that_a_worker_is_at_is_not_pushed(run: Run, url: str, tmp_path: Path) -> None:
    lock = take_lock(run.folder)
    assert lock is not None
    try:
        told = refused("push", run.id, "--to", url, "--workspace", str(tmp_path / "here"))
    finally:
        os.close(lock)
    assert told == f"push: a worker is at run {run.id}; stop it first: seqsum stop {run.id}"


MOVED = "UPDATE seqsum.file SET path = '{}' WHERE path = 'worker.log'"
STRANGE: dict[str, tuple[str, str]] = {
    "a path that leads out": (MOVED.format("../../out"), "no file of a run"),
    "a path from the root": (MOVED.format("/tmp/out"), "is no name"),
    "a file over our store": (MOVED.format("metrics.db"), "no file of a run"),
    "a hidden file": (MOVED.format(".change.lock"), "no file of a run"),
    "a file that was altered": ("UPDATE seqsum.part SET data = 'x' WHERE path = 'run.json'", "does not match"),
    "a part that is gone": ("DELETE FROM seqsum.part WHERE path = 'worker.log' AND number = 1", "does not match"),
    "a point that was altered": ("UPDATE seqsum.pt SET value = 1 WHERE step = 25", "does not match its checksum"),
    "a name that leads out": ("UPDATE seqsum.run SET id = '../x'", "is no name"),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_what_a_stranger_wrote_there_is_refused_and_leads_nowhere(
    kind: str, run: Run, url: str, tmp_path: Path
) -> None:
    statement, said = STRANGE[kind]
    lines("push", run.id, "--to", url, "--workspace", str(tmp_path / "here"))
    with psycopg.connect(url) as database:
        database.execute(statement)
    before = sorted(tmp_path.iterdir())
    name = lines("pull", "--from", url)[0]["run"]
    assert said in refused("pull", name, "--from", url, "--workspace", str(tmp_path / "there"))
    assert [path.name for path in (tmp_path / "there").glob("*")] == [".change.lock"] * (tmp_path / "there").is_dir()
    assert sorted(tmp_path.iterdir()) == sorted({*before, *tmp_path.glob("there")})


def test_what_no_server_would_take_is_told(run: Run, url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(run.folder / "metrics.db")) as database, database:
        database.execute("UPDATE pt SET value = 'text' WHERE step = 25")
    told = refused("push", run.id, "--to", url, "--workspace", str(tmp_path / "here"))
    assert "metrics.db is damaged: its table pt" in told and lines("pull", "--from", url) == []


@pytest.mark.parametrize(
    "words",
    [
        "postgresql://me:s3cret@db/runs",
        "postgresql://db/runs?password=s3cret",
        "postgresql://db/runs?password=s3cret&nonsense=1",
        "postgresql://me:s3 cret@db:x/runs",
        "host=db password=s3cret",
    ],
)
def test_a_password_is_refused_and_not_repeated(words: str, run: Run, tmp_path: Path) -> None:
    here = ["--workspace", str(tmp_path / "here")]
    for told in (refused("push", run.id, "--to", words, *here), refused("pull", "--from", words, *here)):
        assert "s3" not in told and told.count("\n") == 0
        assert ".pgpass" in told or "no URL" in told


def test_a_server_that_is_not_there_is_told_in_a_sentence(
    run: Run, server: Postgres, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(url: str) -> str:
        return refused("push", run.id, "--to", url, "--workspace", str(tmp_path / "here"))

    assert "can't reach" in told("postgresql://127.0.0.1:1/runs") and "refused" in told("postgresql://127.0.0.1:1/runs")
    assert 'database "nowhere" does not exist' in told(server.url("nowhere"))
    for nonsense in ("mysql://db/runs", "runs", "", "postgresql://db/runs?nonsense=1"):
        assert "no URL of a PostgreSQL server, e.g. postgresql://" in told(nonsense)
    with psycopg.connect(server.url(), autocommit=True) as database:
        database.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    assert "createdb --encoding UTF8" in told(server.url("latin"))
    lines("pull", "--from", url)
    with psycopg.connect(url) as database:
        database.execute("UPDATE seqsum.format SET number = 99")
    assert "format 99" in told(url)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install 'seqsum-tui[postgres]'" in told(url)
