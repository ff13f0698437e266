"""The queue of a machine: one for all workspaces and users, in order, and nobody's death or mischief blocks it."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
import torch

from seqsum import machine_queue
from seqsum.control import commands
from seqsum.launch import LocalLauncher
from seqsum.machine_queue import MachineQueue, Place, Places, entries, machine_folder, rest_seconds
from seqsum.models.size import model_size
from seqsum.runs import Run, Workspace
from seqsum.runs.lock import take_lock
from seqsum.runs.run import ENDED_STATUSES, HEARING_STATUSES
from seqsum.runs.waiting import with_places
from seqsum.tasks.registry import make_task
from seqsum.training.device import choose_device
from seqsum.users import user_name
from seqsum.worker.queue_wait import queue_of
from support.command_line import call, lines
from support.engine import small, wait_for_end, wait_until
from support.users import ANNA, BEN, CARA, shared_folder, why_not


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "queue"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.setenv("SEQSUM_QUEUE_DIR", str(folder))
    return folder


@pytest.fixture
def taken(root: Path, tmp_path: Path) -> Iterator[int]:
    """The only place, held by somebody until it is closed."""
    place = MachineQueue(root, 1, tmp_path / "somebody").take_if_any()
    assert place is not None
    yield place
    with suppress(OSError):
        os.close(place)


def queued(workspace: Path, **changes: int) -> Run:
    return commands.start(Workspace(workspace), LocalLauncher(workers=1), "baseline", small(**changes), queue=True)


def times(run: Run, kind: str) -> list[float]:
    with run.store() as store:
        return [event.time for event in store.events(kind=kind)]


def test_runs_of_all_workspaces_go_one_after_another_and_tell_their_places(
    root: Path, taken: int, tmp_path: Path
) -> None:
    first, second, third = queued(tmp_path / "a"), queued(tmp_path / "b"), queued(tmp_path / "a")
    (told,) = (one for one in with_places(tmp_path / "b", [second.summary()]))
    assert told.place is not None and (told.place.number, told.place.of, len(told.place.ahead)) == (2, 3, 1)
    (last, before) = lines("runs", "--workspace", str(tmp_path / "a"))
    assert (last["run"], last["place"]["number"], before["place"]["number"]) == (third.id, 3, 1)
    assert told.place.ahead == (user_name(),)
    assert "waits: 3rd of 3 on this machine, behind your own 2" in call("runs", "--workspace", str(tmp_path / "a"))[1]
    assert (
        "waits: 1st of 3 on this machine; training now: your own\n"
        in call("show", first.id, "--workspace", str(tmp_path / "a"))[1]
    )
    assert "place" in lines("show", first.id, "--workspace", str(tmp_path / "a"))[0]

    os.close(taken)
    for run in (first, second, third):
        assert wait_for_end(run).status == "finished"
    assert times(second, "started") >= times(first, "finished") and times(third, "started") >= times(second, "finished")
    # But for what was left by the one who held the place, and is dead.
    wait_until(lambda: len(entries(root)) == 1, "nothing of theirs in the queue")


def test_several_that_are_resumed_are_queued_and_say_so_and_what_they_ended_with_is_over(
    root: Path, taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQSUM_WORKERS", "1")
    runs = [queued(tmp_path / "a") for _ in range(3)]
    for run in runs:
        commands.stop(run)
        assert wait_for_end(run).reason == "stopped while it waited"
    status, out, _ = call("resume", *(run.id for run in runs), "--workspace", str(tmp_path / "a"))
    assert status == 0 and "started" not in out
    for run, place in zip(runs, ("1st of 1", "2nd of 2", "3rd of 3"), strict=True):
        assert f"({run.id}): queued (process {run.summary().pid}): {place} on this machine" in out
        assert "stopped" not in call("show", run.id, "--workspace", str(tmp_path / "a"))[1]
    now = "; training now: your own\n"
    assert f"behind your own{now}" in out and f"behind your own 2{now}" in out
    for run in runs:
        commands.stop(run)
        wait_for_end(run)


def test_one_s_own_runs_are_told_from_others() -> None:
    me = user_name()
    assert Place(4, 5, ("anna", me, "anna")).told == "4th of 5 on this machine, behind anna's 2 and your own"
    training = Place(1, 1, (), ("ben", me, "ben"))
    assert training.told == "1st of 1 on this machine; training now: ben's 2, your own"


@pytest.mark.parametrize("live", HEARING_STATUSES)
@pytest.mark.parametrize("ended", ENDED_STATUSES)
def test_a_run_that_goes_on_has_no_reason_of_its_last_end(ended: str, live: str, tmp_path: Path) -> None:
    run = Workspace(tmp_path).create("baseline", small())
    with run.store() as store:
        store.set_state(status=ended, reason="so it ended")
        assert run.summary().reason == "so it ended"
        lock = take_lock(run.folder)
        assert lock is not None
        store.set_state(status=live)
        assert (run.summary().status, run.summary().reason) == (live, None)
        assert "so it ended" not in call("show", run.id, "--workspace", str(tmp_path))[1]
        os.close(lock)


def test_whoever_waits_can_be_stopped_killed_or_started_now(root: Path, taken: int, tmp_path: Path) -> None:
    stopped, killed, now, behind = (queued(tmp_path / "a", train__steps=300) for _ in range(4))
    commands.stop(stopped)
    pid = killed.summary().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    commands.resume(now, LocalLauncher(workers=1))
    assert wait_for_end(now).status == "finished"
    assert behind.summary().status == "queued"
    os.close(taken)
    assert wait_for_end(behind).status == "finished"
    commands.resume(killed, LocalLauncher(workers=1), queue=True)
    assert wait_for_end(killed).status == "finished"


def test_a_worker_that_is_killed_gives_its_place_back_and_one_started_at_once_counts(
    root: Path, tmp_path: Path
) -> None:
    at_once = commands.start(
        Workspace(tmp_path / "a"), LocalLauncher(workers=1), "baseline", small(train__steps=10_000_000)
    )
    wait_until(lambda: at_once.summary().status == "running", "the start")
    waiting = queued(tmp_path / "b")
    wait_until(lambda: psutil.Process(waiting.summary().pid or 0).status() == psutil.STATUS_SLEEPING, "waiting")
    assert waiting.summary().status == "queued"
    os.kill(at_once.summary().pid or 0, signal.SIGKILL)
    assert wait_for_end(waiting).status == "finished"


# Without processes


def test_as_many_begin_as_there_are_places(root: Path, tmp_path: Path) -> None:
    runs = [MachineQueue(root, 2, tmp_path / f"run{number}") for number in range(3)]
    tickets = [run.draw_ticket() for run in runs]
    places = []
    for run, ticket in zip(runs[:2], tickets, strict=False):
        places.append(run.begin(ticket))
        run.drop(ticket)
    assert None not in places
    assert runs[2].begin(tickets[2]) is None
    os.close(places[0])
    assert runs[2].begin(tickets[2]) is not None


def test_who_is_behind_waits_for_who_is_next_but_not_for_ever(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker may have been stopped by a signal, or somebody may only pretend to wait."""
    monkeypatch.setattr(machine_queue, "REST_SECONDS", 0.0)
    pretends, waits = MachineQueue(root, 1, tmp_path / "a"), MachineQueue(root, 1, tmp_path / "b")
    ticket = pretends.draw_ticket()
    mine = waits.draw_ticket()
    assert waits.begin(mine) is None
    monkeypatch.setattr(machine_queue, "PATIENCE_SECONDS", 0.0)
    assert waits.begin(mine) is not None
    assert ticket


def test_who_is_next_looks_soon_and_a_thousand_who_wait_look_seldom() -> None:
    assert [rest_seconds(0, waited) for waited in (0, 1, 3600)] == [0, 0, 0]
    # Who has just come looks again within a tenth of what it has waited, for each that is before it.
    assert rest_seconds(1, 0.1) == pytest.approx(0.01) and rest_seconds(3, 0.1) == pytest.approx(0.03)
    assert [rest_seconds(before, 3600) for before in (1, 5, 10, 100, 1000)] == [0.2, 1, 2, 2, 10]
    looks = sum(1 / rest_seconds(before, 3600) for before in range(1, 1000))
    assert looks < 300, "looks of all of them in a second"


def test_who_can_t_begin_looks_at_no_other_s_lock(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand who wait, each would look at all before it."""
    place = MachineQueue(root, 1, tmp_path / "works").take_if_any()
    assert place is not None
    waiting = [MachineQueue(root, 1, tmp_path / f"run{number}") for number in range(5)]
    tickets = [one.draw_ticket() for one in waiting]
    assert [one.begin(ticket) for one, ticket in zip(waiting, tickets, strict=True)] == [None] * 5
    opened, real = list[str](), os.open

    def counted(path: str, *how: int, **named: int) -> int:
        opened.append(Path(path).name)
        return real(path, *how, **named)

    last = MachineQueue(root, 1, tmp_path / "run4")
    monkeypatch.setattr(os, "open", counted)
    assert last.begin(tickets[4]) is None
    assert sorted(name.partition("-")[0] for name in opened) == ["wait", "work"], "its own ticket, and who works"
    monkeypatch.undo()
    os.close(place)
    assert waiting[0].begin(tickets[0]) is not None, "the first takes the place that is free"


def test_a_ticket_whose_worker_is_gone_counts_no_more(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, alive = MachineQueue(root, 1, tmp_path / "a"), MachineQueue(root, 1, tmp_path / "b")
    dead.draw_ticket()
    ticket = alive.draw_ticket()
    assert alive.begin(ticket) is None
    monkeypatch.setattr(machine_queue, "YOUNG_SECONDS", -1.0)
    monkeypatch.setattr(machine_queue, "REST_SECONDS", 0.0)
    again = MachineQueue(root, 1, tmp_path / "b")
    assert again.begin(ticket) is not None
    assert Places().of(tmp_path / "a") is None
    MachineQueue(root, 1, tmp_path / "c").forget()
    assert not [entry for entry in entries(root) if not entry.works and entry.path.rpartition("/")[2] != ticket]


def test_a_ticket_that_is_taken_away_is_drawn_anew_at_the_end(root: Path, tmp_path: Path) -> None:
    first, second = MachineQueue(root, 1, tmp_path / "a"), MachineQueue(root, 1, tmp_path / "b")
    ticket, other = first.draw_ticket(), second.draw_ticket()
    Path(entries(root)[0].path).unlink()
    assert first.begin(ticket) is None
    places = Places()
    found = [places.of(tmp_path / name) for name in "ab"]
    assert [place and place.number for place in found] == [2, 1]
    assert second.begin(other) is not None


def test_runs_that_ask_for_a_card_wait_for_cards_and_hold_up_nobody_else(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    on_card = [Workspace(tmp_path).create("baseline", small(train__device="cuda")).folder for _ in range(3)]
    first, second, third = (MachineQueue(root, 8, folder) for folder in on_card)
    tickets = [queue.draw_ticket() for queue in (first, second, third)]
    shown = []
    for queue, ticket in zip((first, second), tickets, strict=False):
        assert queue.begin(ticket) is not None
        queue.drop(ticket)
        shown.append(os.environ["CUDA_VISIBLE_DEVICES"])
    assert shown == ["4", "7"]
    assert third.begin(tickets[2]) is None
    plain = MachineQueue(root, 8, Workspace(tmp_path).create("baseline", small()).folder)
    assert plain.begin(plain.draw_ticket()) is not None
    place = Places().of(on_card[2])
    assert place is not None and (place.number, place.of) == (1, 1)


def test_a_run_that_will_choose_a_card_by_itself_waits_for_one_too(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path)
    large = {"model__hidden_size": 512, "train__batch_size": 512}
    runs = {
        "small": small(train__device="auto"), "large": small(train__device="auto", **large),
        "asked": small(train__device="cuda"), "not": small(train__device="cpu", **large),
    }  # fmt: skip
    made = {name: workspace.create("baseline", config) for name, config in runs.items()}

    def kinds() -> dict[str, str]:
        found = {}
        for name, run in made.items():
            place = queue_of(run.folder, 8, str(root)).take_if_any()
            assert place is not None
            (entry,) = (one for one in entries(root) if one.works)
            found[name] = entry.kind
            os.close(place)
            Path(entry.path).unlink()
        return found

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert set(kinds().values()) == {"cpu"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert kinds() == {"small": "cpu", "large": "gpu0", "asked": "gpu0", "not": "cpu"}
    # Where PyTorch finds the card, it computes there.
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    chosen = {}
    for name, config in runs.items():
        size, length = model_size(make_task(config.task), config.model), 4
        assert size is not None
        chosen[name] = choose_device(config, size.parameters, length).type
    assert chosen == {"small": "cpu", "large": "cuda", "asked": "cuda", "not": "cpu"}


@pytest.mark.parametrize("large", [False, True])
def test_its_ticket_says_so(
    large: bool, root: Path, taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    sizes = {"model__hidden_size": 512, "train__batch_size": 512} if large else {}
    config = small(train__device="auto", **sizes)
    run = commands.start(Workspace(tmp_path), LocalLauncher(workers=1), "baseline", config, queue=True)
    (ticket,) = (one for one in entries(root) if not one.works)
    assert ticket.needs_gpu == large
    commands.stop(run)
    assert wait_for_end(run).status == "stopped"


# Other users


@pytest.mark.parametrize(
    ("mode", "words"), [(0o777, "sticky bit"), (0o1777, ""), (0o2775, ""), (0o755, ""), (None, "is not there")]
)
def test_a_folder_in_which_everybody_could_take_away_what_is_anothers_holds_no_queue(
    mode: int | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "queue"
    if mode is not None:
        folder.mkdir()
        folder.chmod(mode)
    monkeypatch.setenv("SEQSUM_QUEUE_DIR", str(folder))
    found, why = machine_folder()
    assert (found is None, words in why, bool(why)) == (bool(words), True, bool(words))
    run = queued(tmp_path / "runs")
    assert wait_for_end(run).status == "finished"
    with run.store() as store:
        told = [event.detail["text"] for event in store.events(kind="message")]
    assert bool(words) == any("each workspace has a queue of its own" in text for text in told)


def test_a_person_may_keep_a_queue_for_each_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSUM_QUEUE_DIR", "off")
    assert machine_folder() == (None, "")
    monkeypatch.setenv("SEQSUM_QUEUE_DIR", "here")
    assert machine_folder()[0] is None and "absolute" in machine_folder()[1]
    monkeypatch.delenv("SEQSUM_QUEUE_DIR")
    assert machine_folder()[0] in (*map(Path.resolve, machine_queue.PLACES), None)


def test_the_machines_queue_is_in_a_folder_of_the_system_also_through_its_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private").chmod(0o1777)
    (tmp_path / "tmp").symlink_to("private")
    monkeypatch.delenv("SEQSUM_QUEUE_DIR")
    monkeypatch.setattr(machine_queue, "PLACES", (tmp_path / "none", tmp_path / "tmp"))
    assert machine_folder() == (tmp_path / "private", "")
    (tmp_path / "private").chmod(0o777)
    found, why = machine_folder()
    assert found is None and "each workspace has its own" in why


def test_what_is_planted_in_the_queue_counts_for_nothing(root: Path, tmp_path: Path) -> None:
    entry = f"wait-cpu-{1:020d}-1"
    secret = tmp_path / "secret"
    secret.mkdir(0o755)
    (secret / entry).write_text("{}")
    (root / "seqsum-queue-00000000").symlink_to(secret)
    open_to_all = root / "seqsum-queue-00000001"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    (open_to_all / entry).write_text("{}")
    odd = root / "seqsum-queue-00000002"
    odd.mkdir(0o755)
    os.mkfifo(odd / f"work-cpu-{1:020d}-1")
    (odd / f"work-cpu-{2:020d}-1").symlink_to(secret / entry)
    (odd / f"wait-cpu-{3:020d}-1").mkdir()
    (root / "seqsum-queue-00000003").write_text("a file")
    assert entries(root) == []
    queue = MachineQueue(root, 1, tmp_path / "run")
    assert queue.begin(queue.draw_ticket()) is not None


def test_nobody_is_held_up_by_who_locks_a_ticket(root: Path, tmp_path: Path) -> None:
    queue = MachineQueue(root, 1, tmp_path / "run")
    ticket = queue.draw_ticket()
    with closing(os.fdopen(os.open(entries(root)[0].path, os.O_RDONLY))) as stranger:
        fcntl.flock(stranger, fcntl.LOCK_EX)
        assert queue.begin(ticket) is None
        assert queue.begin(ticket) is not None


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_users_who_see_nothing_of_each_others_runs_stand_in_one_queue(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shared_folder() as theirs, shared_folder() as his:
        monkeypatch.setattr("support.users.QUEUE", str(theirs.parent / "queue"))
        (theirs.parent / "queue").mkdir()
        (theirs.parent / "queue").chmod(0o1777)
        theirs.chmod(0o2770)
        os.chown(his, CARA.account.pw_uid, CARA.account.pw_gid)
        his.chmod(0o700)
        long = ("baseline", "--train.backend", "torch", "--train.steps", "1000000", "--queue", "--detach")
        ANNA.does(theirs, "train", *long, "--name", "first")
        wait_until(lambda: "running" in ANNA.does(theirs, "runs"), "the first")
        BEN.does(theirs, "train", *long, "--name", "second")
        CARA.does(his, "train", *long, "--name", "third")
        assert "waits: 1st of 2 on this machine; training now: your own\n" in ANNA.does(theirs, "show", "second")
        assert "waits: 2nd of 2 on this machine, behind games's; training now: daemon's\n" in CARA.does(
            his, "show", "third"
        )
        BEN.does(theirs, "stop", "first")
        wait_until(lambda: "running" in ANNA.does(theirs, "runs"), "the second")
        BEN.does(theirs, "stop", "second")
        wait_until(lambda: "running" in CARA.does(his, "runs"), "the third")
        CARA.does(his, "stop", "third")
