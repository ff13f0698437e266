"""A workspace whose stores are on a real PostgreSQL server: the same runs, many writers, a server that goes away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from seqsum.compare import ComparisonReader
from seqsum.config import Config
from seqsum.control import commands
from seqsum.control.fork_rewind import rewind, undo_rewind
from seqsum.errors import UserError
from seqsum.launch import WarmLauncher, cluster
from seqsum.launch.ray_cluster import RayLauncher
from seqsum.runs import Run, Workspace
from seqsum.runs.database import ServerAway
from seqsum.runs.doctor import examine
from seqsum.runs.lock import reason_told
from support.command_line import call, lines, refused
from support.engine import kill, new_run, outcome_of, small, wait_for_end, wait_for_step, wait_until
from support.postgres import Postgres, postgres, why_none
from support.trained import save_at, trained_run

if why_none():
    pytest.skip(why_none(), allow_module_level=True)

import psycopg

LONG = small(train__steps=12_000, train__checkpoint_every=500, train__log_every=20, train__evaluate_every=1000)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as made:
        yield made


@pytest.fixture
def url(server: Postgres) -> str:
    return server.emptied()


@pytest.fixture
def shared(url: str, tmp_path: Path) -> Path:
    """A workspace whose stores are on the server."""
    return named(tmp_path / "shared", f'url = "{url}"\n')


def named(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "store.toml").write_text(text)
    return folder


def undisturbed(config: Config, launcher: WarmLauncher, folder: Path) -> object:
    """What comes of a run whose store is SQLite's, and that nothing happens to."""
    run = new_run(folder, config)
    launcher.submit(run)
    assert wait_for_end(run).status == "finished" and (run.folder / "metrics.db").is_file()
    return outcome_of(run)


def test_killed_and_with_its_server_gone_in_the_midst_a_run_ends_with_sqlites_bits(
    server: Postgres, shared: Path, fork_server: WarmLauncher, tmp_path: Path
) -> None:
    there = ["--workspace", str(shared)]
    deleted, run = trained_run(shared, 10), new_run(shared, LONG)
    assert call("delete", deleted.id, *there)[0] == 0
    fork_server.submit(run)
    wait_for_step(run, 300)
    kill(run, run.summary().pid or 0)
    assert run.summary().status == "died"
    commands.resume(run, fork_server)
    # A fast one would be at its end before the server is.
    assert commands.pause(run)["ok"]
    server.stop()
    try:
        wait_until(lambda: reason_told(run.folder), "what it waits for")
        assert "can't write: the server with its store is away" in reason_told(run.folder)
        assert run.worker_lives
        for words in (["resume", run.id], ["set", run.id, "optim.lr=0.5"], ["snapshot", run.id], ["bin", "--empty"]):
            told = refused(*words, *there)
            assert "the server with its store is away" in told and told.count("\n") == 0
        status, out, _ = call("runs", *there)
        assert status == 0 and "is away" in out
    finally:
        server.start()
    wait_until(lambda: run.outline().status == "paused", "the server")
    assert call("restore", deleted.id, *there)[0] == 0 and deleted.summary().status == "queued"
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished" and reason_told(run.folder) == ""
    assert outcome_of(run) == undisturbed(LONG, fork_server, tmp_path / "here")
    assert sorted(path.name for path in run.folder.iterdir() if not path.name.startswith(".")) == [
        "checkpoints", "run.json", "store.json", "worker.lock", "worker.log",
    ]  # fmt: skip
    assert examine(run) == []
    with run.store() as store:
        kinds = [event.kind for event in store.events()]
    assert kinds.count("started") == kinds.count("resumed") == kinds.count("finished") == 1


def test_a_worker_of_a_shared_workspace_does_what_it_is_asked(shared: Path, fork_server: WarmLauncher) -> None:
    run = new_run(shared, small(train__steps=10_000_000, train__backend="torch"))
    fork_server.submit(run)
    wait_for_step(run, 20)
    assert commands.pause(run)["ok"] and run.summary().status == "paused"
    assert commands.set_value(run, "optim.lr", "0.5")["ok"] and run.config().optim.lr == 0.5
    waiting = new_run(shared, small())
    one_place = WarmLauncher(1)
    one_place.submit(waiting, queue=True)
    assert waiting.summary().status == "queued"
    assert commands.stop(waiting)["message"] == "taken out of the queue"
    assert commands.stop(run)["ok"] and wait_for_end(run).status == "stopped"
    with run.store() as store:
        assert store.pending_commands() == []


POSTER = """
import sys
from pathlib import Path
from seqsum.runs import Run
sys.stdin.readline()
with Run(Path(sys.argv[1])).store() as store:
    for number in range(100):
        store.post_command(sys.argv[2], number=number)
        store.append([(sys.argv[2], number, float(number))])
"""


def test_two_processes_write_at_once_and_nothing_is_lost(shared: Path) -> None:
    run = new_run(shared, small())
    writers = [
        subprocess.Popen([sys.executable, "-c", POSTER, run.folder, name], stdin=subprocess.PIPE) for name in "ab"
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.close()
    assert [writer.wait() for writer in writers] == [0, 0]
    with run.store() as store:
        asked = store.pending_commands()
        assert [command.id for command in asked] == list(range(1, 201))
        for name in "ab":
            numbers = [command.arguments["number"] for command in asked if command.verb == name]
            assert numbers == store.points(name)[0].tolist() == list(range(100))


def test_what_was_made_before_the_answer_was_lost_is_not_made_again(url: str, shared: Path) -> None:
    """The server has written it, waits for a second server that is not there, and is cut off meanwhile."""
    run = new_run(shared, small())
    ids, cut = list[int](), Event()

    def until_it_works(work: object) -> object:
        while True:
            try:
                return work()  # type: ignore[operator]
            except ServerAway:
                continue

    def post() -> None:
        while not cut.is_set():
            ids.append(store.post_command("pause"))

    with run.store() as store, psycopg.connect(url, autocommit=True) as administrator:
        store.insist = until_it_works
        administrator.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        try:
            administrator.execute("SELECT pg_reload_conf()")
            poster = Thread(target=post)
            poster.start()
            query = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            (waits,) = wait_until(lambda: administrator.execute(query).fetchone(), "the commit")
            cut.set()
            administrator.execute("SELECT pg_terminate_backend(%s)", (waits,))
        finally:
            cut.set()
            administrator.execute("ALTER SYSTEM RESET synchronous_standby_names")
            administrator.execute("SELECT pg_reload_conf()")
        poster.join()
        assert ids and ids == [command.id for command in store.pending_commands()] == list(range(1, len(ids) + 1))


WRITER = """
import sys
from pathlib import Path
from seqsum.runs import Run
with Run(Path(sys.argv[1])).store() as store:
    store.append([("loss", 77, 0.25)])
    store.set_state(step=77)
"""


def test_what_others_write_is_heard_and_nothing_is_asked_meanwhile(shared: Path) -> None:
    run = new_run(shared, small())
    index, reader = Workspace(shared).index, ComparisonReader(shared, [run.id])
    wait_until(lambda: index.read(quick=True) is not None and reader.read() is None, "the first reading")
    known = index.read(quick=True).entries
    assert index.read(quick=True).entries is known and reader.read() is None
    script = (
        "import sys; from pathlib import Path; from seqsum.runs import Run; store = Run(Path(sys.argv[1])).store();"
    )
    subprocess.run(
        [sys.executable, "-c", f"{script} store.set_state(step=77); store.append([('loss', 77, 0.25)])", run.folder],
        check=True,
    )
    wait_until(lambda: index.read(quick=True).entries[0].summary.step == 77, "the list")
    seen = wait_until(reader.read, "the comparison")
    assert seen.runs[0].final == (77, 0.25)


def test_a_rewind_and_its_undoing_give_back_every_point(shared: Path) -> None:
    run = new_run(shared, small())
    from seqsum.training.trainer import Trainer

    trainer = Trainer(run.record.parsed_config())
    for step in (10, 20):
        save_at(trainer, run, step)
        with run.store() as store:
            store.append([("loss", at, 1 / at) for at in range(step - 9, step + 1)])
            store.add_event(step, "checkpoint", path=f"step-{step}")
            store.set_state(status="stopped", step=step, points_step=step, durable_step=step)
    before = outcome_of(run)
    rewind(run, 10)
    with run.store() as store:
        assert store.extent("loss") == (1, 10) and store.state()["step"] == 10
    undo_rewind(run)
    assert outcome_of(run) == before and run.summary().step == 20


def test_a_run_goes_to_another_workspace_and_back(shared: Path, url: str, tmp_path: Path) -> None:
    run = trained_run(shared, 10)
    with run.store() as store:
        store.append([("loss", step, 1 / step) for step in range(1, 5000)])
        store.set_state(status="stopped", step=10)
    here = tmp_path / "here"
    lines("push", run.id, "--to", url, "--workspace", str(shared))
    lines("pull", run.id, "--from", url, "--workspace", str(here))
    back = Run(here / run.id)
    assert (back.folder / "metrics.db").is_file() and not (back.folder / "store.json").exists()
    assert outcome_of(back) == outcome_of(run) and back.summary() == run.summary()
    # Whoever deletes it for good deletes it there, too; what was pushed stays.
    assert call("delete", run.id, "--workspace", str(shared))[0] == 0
    assert Run(shared / ".bin" / run.id).summary().step == 10
    assert call("bin", "--empty", "--workspace", str(shared))[0] == 0
    with psycopg.connect(url) as database:
        assert database.execute("SELECT pushed FROM seqsum.run").fetchall() == [(True,)]
    lines("pull", run.id, "--from", url, "--workspace", str(shared))
    assert outcome_of(run) == outcome_of(back) and not (run.folder / "metrics.db").exists()
    assert not lines("push", run.id, "--to", url, "--workspace", str(shared))[0]["sent"]


WRONG = {
    "no url": ('server = "x"', 'must be one line: url = "postgresql://'),
    "more than that": ('url = "postgresql://db/runs"\npassword = "x"', "must be one line"),
    "no TOML": ("url =", "can't read"),
    "a password": ('url = "postgresql://me:s3cret@db/runs"', "holds a password"),
    "no server's": ('url = "mysql://db/runs"', "no URL of a PostgreSQL server"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_file_that_names_no_server_is_told(kind: str, tmp_path: Path) -> None:
    text, said = WRONG[kind]
    named(tmp_path, text)
    told = refused("train", "adds", "--detach", "--workspace", str(tmp_path))
    assert said in told and "s3cret" not in told


def test_a_strangers_file_names_no_server(shared: Path) -> None:
    new_run(shared, small())
    (shared / "store.toml").chmod(0o666)
    with pytest.raises(UserError, match="may be written by anybody"):
        new_run(shared, small())
    if os.geteuid() == 0:
        os.chown(shared / "store.toml", 65534, 65534)
        (shared / "store.toml").chmod(0o644)
        with pytest.raises(UserError, match=r"is .*'s, and names a server; have it be yours or root's"):
            new_run(shared, small())


def test_what_is_kept_on_a_server_that_nothing_names_is_told(shared: Path) -> None:
    run = new_run(shared, small())
    there = ["--workspace", str(shared)]
    (shared / "store.toml").rename(shared / "aside")
    assert "store.toml would name; it is gone" in call("show", run.id, *there)[1]
    (shared / "aside").rename(shared / "store.toml")
    (run.folder / "store.json").write_text('{"run": 99}')
    assert "has no such run any more" in call("show", run.id, *there)[1]
    (run.folder / "store.json").write_text("{")
    assert "store.json" in call("show", run.id, *there)[1]
    assert "store.json" in examine(run, repair=True)[0].what and not (run.folder / "metrics.db").exists()


def test_on_a_network_file_system_a_workspace_with_a_server_is_fine(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    monkeypatch.setattr(cluster, "on_network_file_system", lambda path: True)
    assert RayLauncher(shared, {}).workspace == shared
    with pytest.raises(UserError, match=r"lies on a network file system.*name a PostgreSQL server in its store.toml"):
        RayLauncher(tmp_path / "other", {})


def test_runs_of_before_stay_where_they_are(shared: Path) -> None:
    (shared / "store.toml").rename(shared / "aside")
    old = trained_run(shared, 10)
    (shared / "aside").rename(shared / "store.toml")
    new = new_run(shared, small())
    assert (old.folder / "metrics.db").is_file() and (new.folder / "store.json").is_file()
    assert {one.id for one in Workspace(shared).summaries()} == {old.id, new.id}
    shutil.rmtree(new.folder)
