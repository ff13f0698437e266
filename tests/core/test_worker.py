"""The worker: interruptions that change no bit, commands, failures that are told, and never a false "running"."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqsum import worker
from seqsum.config import Config
from seqsum.control import commands
from seqsum.errors import UserError
from seqsum.launch import LocalLauncher, WarmLauncher
from seqsum.runs import Run
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer
from support.engine import (
    kill,
    last_bytes,
    new_run,
    outcome_of,
    points_of,
    small,
    step_of,
    train_here,
    wait_for_end,
    wait_for_step,
    wait_until,
)
from support.locks import held

# Long enough to be met on its way, and no border on another but by chance.
LONG: dict[str, Any] = {
    "train__steps": 1200,
    "train__log_every": 7,
    "train__evaluate_every": 60,
    "train__checkpoint_every": 50,
    "train__backend": "torch",  # the fused one would be at the end before anybody could meet it
}
NEVER = 10**9


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the long run ends with when nobody touches it, trained in this process."""
    return train_here(small(**LONG), tmp_path_factory.mktemp("uninterrupted"))


def start(fork_server: WarmLauncher, folder: Path, config: Config | None = None, **changes: Any) -> tuple[Run, int]:
    run = new_run(folder, config or small(**{**LONG, **changes}))
    return run, fork_server.submit(run)


def started_and_paused(fork_server: WarmLauncher, folder: Path, **changes: Any) -> tuple[Run, int]:
    """A run that was paused before its first step."""
    run, pid = start(fork_server, folder, **changes)
    assert commands.pause(run)["step"] == 0
    return run, pid


def kinds(run: Run) -> list[str]:
    with run.store() as store:
        return [event.kind for event in store.events()]


def test_an_uninterrupted_run(fork_server: WarmLauncher, tmp_path: Path, uninterrupted: Any) -> None:
    run, _ = start(fork_server, tmp_path)
    summary = wait_for_end(run)
    assert (summary.status, summary.step, summary.reason, summary.pid) == ("finished", 1200, None, None)
    assert outcome_of(run) == uninterrupted
    points = points_of(run)
    assert [step for step, _ in points["loss"]] == [*range(7, 1200, 7), 1200]
    assert [step for step, _ in points["accuracy"]] == list(range(60, 1201, 60))
    assert checkpoint.steps_saved(run.checkpoints) == list(range(50, 1201, 50))
    assert kinds(run)[0] == "started" and kinds(run)[-1] == "finished"
    record = Run(run.folder).record
    parameters = 6 * 4 + (8 * 4 + 8 * 8 + 8 + 8) + (5 * 8 + 5)
    assert (record.device, record.threads, record.backend, record.parameters) == ("cpu", 1, "torch", parameters)
    assert summary.metrics["loss"] == points["loss"][-1][1]
    assert summary.steps_per_second > 0 and summary.train_seconds > 0


def by_signal(number: signal.Signals) -> Callable[[Run, int], str]:
    def interrupt(run: Run, pid: int) -> str:
        os.kill(pid, number)
        summary = wait_for_end(run)
        assert summary.status == "stopped"
        assert summary.reason == f"stopped by {number.name}"
        return "stopped"

    return interrupt


def by_command(run: Run, _: int) -> str:
    step = commands.stop(run)["step"]
    summary = wait_for_end(run)
    assert (summary.status, summary.step) == ("stopped", step)
    return "stopped"


def by_pause_and_kill(run: Run, pid: int) -> str:
    step = commands.pause(run)["step"]
    assert (run.summary().status, run.summary().pid) == ("paused", pid)
    kill(run, pid)
    assert run.summary().status == "died"
    assert checkpoint.steps_saved(run.checkpoints)[-1] == step, "a pause saves"
    return "died"


def by_pause_and_signal(run: Run, pid: int) -> str:
    commands.pause(run)
    return by_signal(signal.SIGTERM)(run, pid)


@pytest.mark.parametrize(
    "interrupt",
    [
        pytest.param(by_signal(signal.SIGTERM), id="SIGTERM"),
        pytest.param(by_signal(signal.SIGINT), id="SIGINT"),
        pytest.param(by_command, id="stop"),
        pytest.param(by_pause_and_kill, id="pause and SIGKILL"),
        pytest.param(by_pause_and_signal, id="pause and SIGTERM"),
    ],
)
def test_interrupted_and_resumed_it_ends_with_the_same_bits(
    interrupt: Callable[[Run, int], str], fork_server: WarmLauncher, tmp_path: Path, uninterrupted: Any
) -> None:
    run, pid = start(fork_server, tmp_path)
    for step in (200, 700):
        wait_for_step(run, step)
        status = interrupt(run, pid)
        saved = checkpoint.steps_saved(run.checkpoints)[-1]
        if status == "stopped":
            assert saved == step_of(run), "a stop saves"
        pid = commands.resume(run, fork_server)["pid"]
    assert wait_for_end(run).status == "finished"
    assert outcome_of(run) == uninterrupted
    assert kinds(run).count("resumed") == 2 and kinds(run).count("started") == 1
    with run.store() as store:
        assert store.events(kind="resumed")[-1].detail["from_checkpoint"] == saved


def killed_as_it_saved(run: Run, step: int) -> None:
    """Run a worker in a child that is killed the moment the checkpoint of `step` is in its place."""
    child = os.fork()
    if child == 0:
        saved = False

        def watch(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal saved
            if saved:
                saved = False  # the kill is an event of its own
                os.kill(os.getpid(), signal.SIGKILL)
            saved = event == "os.rename" and str(arguments[1]).endswith(f"/step-{step}")

        sys.addaudithook(watch)
        try:
            worker.main([str(run.folder)])
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, run.summary()


def test_killed_the_moment_a_checkpoint_is_saved_it_loses_no_point(fork_server: WarmLauncher, tmp_path: Path) -> None:
    config = small()
    run = new_run(tmp_path / "runs", config)
    for step in (25, 75, 120):
        killed_as_it_saved(run, step)
        assert run.summary().status == "died"
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"
    assert outcome_of(run) == train_here(config, tmp_path / "here")


KILLED_AT_AN_ANSWER = """
import os, signal, sys
from seqsum import worker
from seqsum.runs.store import Store
finish = Store.finish_command
def killed(store, id, *given, **named):
    if id == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    finish(store, id, *given, **named)
Store.finish_command = killed
worker.main([sys.argv[1]])
"""


@pytest.mark.parametrize(("verbs", "said"), [(["pause"], "paused"), (["pause", "resume"], "continued")])
def test_what_has_no_answer_is_not_done_by_halves(verbs: list[str], said: str, tmp_path: Path) -> None:
    """Whoever goes on after a worker was killed obeys again what was not answered."""
    run = new_run(tmp_path, small(**LONG))
    with run.store() as store:
        ids = [store.post_command(verb) for verb in verbs]
    dead = subprocess.run([sys.executable, "-c", KILLED_AT_AN_ANSWER, str(run.folder), str(ids[-1])], check=False)
    assert dead.returncode == -signal.SIGKILL
    with run.store() as store:
        assert store.command_outcome(ids[-1]) is None
        assert not store.events(kind=said) and store.state()["status"] != said


def test_pausing_and_going_on_in_place(fork_server: WarmLauncher, tmp_path: Path, uninterrupted: Any) -> None:
    run, pid = started_and_paused(fork_server, tmp_path)
    assert commands.snapshot(run)["step"] == 0
    assert commands.resume(run, fork_server)["step"] == 0
    wait_for_step(run, 300)
    step = commands.pause(run)["step"]
    with pytest.raises(UserError, match="is paused"):
        commands.pause(run)
    assert run.summary().pid == pid
    assert commands.snapshot(run)["step"] == step == step_of(run)
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"
    assert outcome_of(run) == uninterrupted
    assert "paused" in kinds(run) and "continued" in kinds(run)


def test_a_snapshot_of_a_running_run_is_its_newest_checkpoint(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run, _ = start(fork_server, tmp_path, train__checkpoint_every=NEVER, train__steps=1500)
    wait_for_step(run, 100)
    step = commands.snapshot(run)["step"]
    found, messages = checkpoint.newest(run.checkpoints)
    assert found is not None and found.step == step >= 100 and not messages
    commands.stop(run)
    wait_for_end(run)


def test_stopped_before_the_first_step(fork_server: WarmLauncher, tmp_path: Path, uninterrupted: Any) -> None:
    run, _ = start(fork_server, tmp_path)
    assert commands.stop(run)["step"] == 0
    assert wait_for_end(run).status == "stopped"
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"
    assert outcome_of(run) == uninterrupted


# Changes while it trains


@pytest.mark.parametrize("every", [50, NEVER])
def test_a_live_change_followed_by_a_kill_is_made_again_at_its_step(
    every: int, fork_server: WarmLauncher, tmp_path: Path
) -> None:
    run, pid = start(fork_server, tmp_path, train__checkpoint_every=every)
    changes: dict[int, list[tuple[str, str]]] = {}
    for step, field, value in ((200, "optim.lr", "0.0123"), (500, "optim.clip_norm", "0.2"), (500, "optim.lr", "0.02")):
        wait_for_step(run, step)
        at = commands.set_value(run, field, value)["step"]
        assert at >= step
        changes.setdefault(at, []).append((field, value))
        kill(run, pid)
        if every == NEVER:
            assert checkpoint.steps_saved(run.checkpoints) == []
        pid = commands.resume(run, fork_server)["pid"]
    assert wait_for_end(run).status == "finished"
    expected = train_here(small(**{**LONG, "train__checkpoint_every": every}), tmp_path / "here", changes)
    assert outcome_of(run) == expected
    assert run.config().optim.lr == 0.02 and run.config().optim.clip_norm == 0.2
    assert kinds(run).count("set") == 3, "made again, but told once"


def test_changed_intervals_act_at_once_and_after_a_kill(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run, pid = start(fork_server, tmp_path, train__checkpoint_every=NEVER)
    changes: dict[int, list[tuple[str, str]]] = {}
    for step, field, value in ((150, "train.log_every", "10"), (300, "train.evaluate_every", "25")):
        wait_for_step(run, step)
        changes.setdefault(commands.set_value(run, field, value)["step"], []).append((field, value))
    kill(run, pid)
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"
    expected = train_here(small(**{**LONG, "train__checkpoint_every": NEVER}), tmp_path / "here", changes)
    assert outcome_of(run) == expected


def test_a_change_while_paused_then_a_kill_or_a_stop(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run, pid = started_and_paused(fork_server, tmp_path)
    assert commands.set_value(run, "optim.lr", "0.004")["step"] == 0
    kill(run, pid)
    pid = commands.resume(run, fork_server)["pid"]
    wait_for_step(run, 100)
    step = commands.pause(run)["step"]
    commands.set_value(run, "optim.clip_norm", "0.3")
    commands.stop(run)
    wait_for_end(run)
    found, _ = checkpoint.newest(run.checkpoints)
    assert found is not None and found.step == step and found.state["config"]["optim"]["clip_norm"] == 0.3
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"
    changes = {0: [("optim.lr", "0.004")]}
    changes.setdefault(step, []).append(("optim.clip_norm", "0.3"))
    assert outcome_of(run) == train_here(small(**LONG), tmp_path / "here", changes)


def test_a_change_while_stopped_is_taken_when_it_goes_on(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run, pid = start(fork_server, tmp_path)
    wait_for_step(run, 200)
    os.kill(pid, signal.SIGTERM)
    step = wait_for_end(run).step
    commands.set_value(run, "optim.lr", "0.01")
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"
    assert outcome_of(run) == train_here(small(**LONG), tmp_path / "here", {step: [("optim.lr", "0.01")]})


def test_values_out_of_bounds_and_unknown_wishes_are_refused_and_the_run_goes_on(
    fork_server: WarmLauncher, tmp_path: Path, uninterrupted: Any
) -> None:
    run, _ = started_and_paused(fork_server, tmp_path)
    for field, value, words in (
        ("optim.lr", "-1", "must be above 0"),
        ("optim.lr", "fast", "must be a number"),
        ("model.hidden_size", "9", "can't change while a run trains"),
        ("optim.l", "1", 'did you mean "optim.lr"'),
    ):
        with pytest.raises(UserError, match=words):
            commands.set_value(run, field, value)
    # What another version of the console might post: the worker judges for itself.
    posts: list[tuple[str, dict[str, Any]]] = [
        ("set", {"field": "model.hidden_size", "value": "9"}),
        ("set", {"field": "nonsense", "value": "9"}),
        ("set", {"field": "optim.lr", "value": "fast"}),
        ("set", {}),
        ("dance", {}),
    ]
    for verb, arguments in posts:
        with run.store() as store:
            id = store.post_command(verb, **arguments)
        outcome = run.wait_for_command(id, 60)
        assert outcome is not None and outcome["ok"] is False and outcome["message"]
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"
    assert outcome_of(run) == uninterrupted


# Failures


def test_a_wild_learning_rate_fails_and_a_lower_one_saves_the_run(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run, pid = started_and_paused(fork_server, tmp_path, train__checkpoint_every=NEVER, train__steps=1500)
    commands.resume(run, fork_server)
    wait_for_step(run, 100)
    wild = commands.set_value(run, "optim.lr", "1e38")["step"]
    summary = wait_for_end(run)
    assert summary.status == "failed" and summary.step >= wild
    assert summary.reason is not None
    assert "learning rate" in summary.reason and "the checkpoint of step 0 is kept" in summary.reason
    with run.store() as store:
        assert store.events(kind="failed")[-1].detail["reason"] == summary.reason
        values = [value for name in store.metrics() for value in store.points(name)[1]]
    assert all(math.isfinite(value) for value in values)
    assert checkpoint.steps_saved(run.checkpoints) == [0]

    commands.set_value(run, "optim.lr", "0.001")
    pid = commands.resume(run, fork_server)["pid"]
    # Killed beyond the wild step with only the checkpoint before it: the wish that was taken back stays taken back.
    wait_for_step(run, wild + 20)
    assert checkpoint.steps_saved(run.checkpoints) == [0]
    kill(run, pid)
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"
    assert run.config().optim.lr == 0.001
    config = small(**{**LONG, "train__checkpoint_every": NEVER, "train__steps": 1500})
    assert outcome_of(run) == train_here(config, tmp_path / "here", {0: [("optim.lr", "0.001")]})


def test_weights_out_of_range_never_replace_the_last_good_checkpoint(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run, _ = started_and_paused(
        fork_server, tmp_path, train__steps=20, train__checkpoint_every=1, train__keep_checkpoints=1
    )
    commands.set_value(run, "optim.lr", "1e39")
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "failed"
    found, _ = checkpoint.newest(run.checkpoints)
    assert found is not None
    assert all(bool(value.isfinite().all()) for value in found.model.values())
    commands.set_value(run, "optim.lr", "0.001")
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"


def test_a_poisoned_weight_fails_before_the_update(fork_server: WarmLauncher, tmp_path: Path) -> None:
    config = small(**LONG)
    run = new_run(tmp_path, config)
    trainer = Trainer(config)
    while trainer.step < 50:
        trainer.run_chunk([50])
    trainer.model.head.weight.data[0, 0] = math.nan
    trainer.save(run.checkpoints, changes={}, train_seconds=1.0)
    before = last_bytes(run)
    fork_server.submit(run)
    summary = wait_for_end(run)
    assert (summary.status, summary.step) == ("failed", 50)
    assert summary.reason is not None and "loss became NaN at step 51" in summary.reason
    assert last_bytes(run) == before


def flip_a_byte(run: Run) -> int:
    step = checkpoint.steps_saved(run.checkpoints)[-1]
    path = run.checkpoints / f"step-{step}" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 0x10
    path.write_bytes(bytes(data))
    return step


@pytest.mark.parametrize("keep", ["off", "2"])
def test_a_damaged_newest_checkpoint_is_told_and_the_one_before_used(
    keep: str, fork_server: WarmLauncher, tmp_path: Path, uninterrupted: Any
) -> None:
    run, pid = start(fork_server, tmp_path, train__keep_checkpoints=keep)
    wait_for_step(run, 300)
    kill(run, pid)
    damaged = flip_a_byte(run)
    pid = commands.resume(run, fork_server)["pid"]
    wait_until(lambda: kinds(run).count("resumed") == 1, "the resumed worker")
    with run.store() as store:
        (message,) = store.events(kind="message")
        (resumed,) = store.events(kind="resumed")
    assert f"step-{damaged}" in message.detail["text"] and "does not match its checksum" in message.detail["text"]
    assert resumed.step < damaged
    # Stopped at once: pruning must count the whole checkpoints, not the damaged one.
    os.kill(pid, signal.SIGTERM)
    wait_for_end(run)
    found, messages = checkpoint.newest(run.checkpoints)
    assert found is not None and messages == []
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"
    assert outcome_of(run) == uninterrupted


def test_with_every_checkpoint_damaged_it_begins_again(
    fork_server: WarmLauncher, tmp_path: Path, uninterrupted: Any
) -> None:
    run, pid = start(fork_server, tmp_path, train__keep_checkpoints=1)
    wait_for_step(run, 200)
    kill(run, pid)
    for step in checkpoint.steps_saved(run.checkpoints):
        (run.checkpoints / f"step-{step}" / "checksums.json").unlink()
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"
    assert outcome_of(run) == uninterrupted


def test_a_disk_that_refuses_the_checkpoint_fails_with_the_reason(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run = new_run(tmp_path, small(**LONG))
    run.checkpoints.rmdir()
    run.checkpoints.write_text("in the way")
    fork_server.submit(run)
    summary = wait_for_end(run)
    assert summary.status == "failed" and summary.reason is not None
    assert "checkpoints" in summary.reason and "\n" not in summary.reason
    run.checkpoints.unlink()
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"


@pytest.mark.parametrize(("module", "status"), [("torch", "failed"), ("numpy", "died")])
def test_a_worker_that_cant_import_says_why(
    module: str, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / f"{module}.py").write_text('raise ImportError("a library is missing \x1b[31m")\n')
    monkeypatch.setenv("PYTHONPATH", str(broken))
    run = new_run(tmp_path / "runs", small())
    LocalLauncher().submit(run)
    summary = wait_for_end(run)
    assert summary.status == status
    assert summary.reason is not None and "a library is missing" in summary.reason


# Commands nobody was there to hear


def test_wishes_for_a_former_worker_are_dropped_and_changes_are_not(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run = new_run(tmp_path, small(train__steps=40))
    with run.store() as store:
        stale = [store.post_command(verb) for verb in ("stop", "pause", "snapshot")]
        change = store.post_command("set", field="optim.lr", value="0.25")
    fork_server.submit(run)
    assert wait_for_end(run).status == "finished"
    with run.store() as store:
        assert [store.command_outcome(id)["ok"] for id in stale] == [False] * 3  # type: ignore[index]
        assert store.command_outcome(change)["ok"] is True  # type: ignore[index]
        assert store.pending_commands() == []
    assert run.config().optim.lr == 0.25


def test_asking_a_worker_that_dies_is_answered(tmp_path: Path) -> None:
    run = new_run(tmp_path, small())
    answers: list[str] = []

    def ask() -> None:
        try:
            commands.snapshot(run)
        except UserError as error:
            answers.append(str(error))

    def posted() -> bool:
        with run.store() as store:
            return bool(store.pending_commands())

    with held(run):
        with run.store() as store:
            store.set_state(status="paused")
        thread = threading.Thread(target=ask)
        thread.start()
        wait_until(posted, "the wish")
    thread.join(timeout=60)
    assert answers == [f"snapshot: run {run.id} has died; its worker ended before it answered"]


def test_a_finished_run_gets_no_worker(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run, _ = start(fork_server, tmp_path)
    before = wait_for_end(run)
    assert before.status == "finished"
    run.wait_for_worker(60)
    for launcher in (fork_server, LocalLauncher()):
        with pytest.raises(UserError, match=rf"^runs: {run.id} is finished$"):
            launcher.submit(run)
    assert run.summary() == before and not run.worker_lives


def test_two_who_resume_at_once_start_one_worker(fork_server: WarmLauncher, tmp_path: Path, uninterrupted: Any) -> None:
    run, pid = start(fork_server, tmp_path)
    wait_for_step(run, 100)
    kill(run, pid)
    told: list[str] = []
    gate = threading.Barrier(2)

    def resume() -> None:
        gate.wait()
        try:
            commands.resume(run, fork_server)
            told.append("started")
        except UserError as error:
            told.append(str(error))

    threads = [threading.Thread(target=resume) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert told.count("started") == 1
    (refused,) = [text for text in told if text != "started"]
    # The third is told when the first one's worker ends while the second still waits for the lock.
    assert any(words in refused for words in ("has a worker already", "is starting", "is running", "is finished"))
    assert wait_for_end(run).status == "finished"
    assert outcome_of(run) == uninterrupted


@pytest.mark.parametrize(
    "changes",
    [
        {"train__steps": 3, "train__log_every": 100, "train__evaluate_every": 100, "train__checkpoint_every": 100},
        {"train__steps": 9, "train__batch_size": 1, "task__max_length": 1, "task__modulus": 100},
        {"train__steps": 10, "train__log_every": 1, "train__evaluate_every": 1, "train__checkpoint_every": 1},
    ],
)
def test_odd_sizes(changes: dict[str, Any], fork_server: WarmLauncher, tmp_path: Path) -> None:
    config = small(**changes)
    run, _ = start(fork_server, tmp_path, config)
    summary = wait_for_end(run)
    assert (summary.status, summary.step) == ("finished", changes["train__steps"])
    assert outcome_of(run) == train_here(config, tmp_path / "here")
    assert {"loss", "lr", "accuracy", "eval_loss", "train_accuracy", "grad_norm"} <= set(summary.metrics)


# The process


@pytest.mark.parametrize("processes", [1, 2])
def test_a_lock_that_cant_be_written_is_said(tmp_path: Path, processes: int) -> None:
    run = new_run(tmp_path, small(train__processes=processes))
    (run.folder / "worker.lock").unlink(missing_ok=True)
    (run.folder / "worker.lock").mkdir()
    command = [sys.executable, "-P", "-m", "seqsum.worker", str(run.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"runs: can't write {run.folder}: ") and len(done.stderr.splitlines()) == 1


def test_the_process_is_detached_survives_a_hangup_and_is_alone_and_its_death_is_seen(tmp_path: Path) -> None:
    launcher = LocalLauncher()
    run = new_run(tmp_path, small(train__steps=10**8, train__checkpoint_every=100, train__keep_checkpoints=2))
    pid = launcher.submit(run)
    try:
        assert run.summary().status == "starting" and run.summary().pid == pid
        assert os.getsid(pid) == pid != os.getsid(0)
        wait_for_step(run, 100)
        os.kill(pid, signal.SIGHUP)
        wait_for_step(run, step_of(run) + 100)
        assert run.summary().status == "running" and run.worker_lives

        with pytest.raises(UserError, match="has a worker already"):
            LocalLauncher().submit(run)
        second = subprocess.run(
            [sys.executable, "-P", "-m", "seqsum.worker", str(run.folder)], capture_output=True, text=True, check=False
        )
        assert second.returncode == 2
        assert second.stderr.strip() == f"runs: {run.id} has a worker already"
        assert run.summary().status == "running" and run.summary().pid == pid

        with run.log.open("a") as log:
            log.write("an odd error \x1b[31m happened\n")
    finally:
        kill(run, pid)
    summary = run.summary()
    assert (summary.status, summary.pid) == ("died", None)
    assert summary.reason is not None and "an odd error \\x1b[31m happened" in summary.reason
    assert not run.worker_lives
    launcher.close()
    with pytest.raises(ProcessLookupError):  # not even a zombie is left
        os.kill(pid, 0)


def test_a_worker_killed_before_it_could_begin_has_died_too(tmp_path: Path, fork_server: WarmLauncher) -> None:
    run = new_run(tmp_path, small(train__steps=20))
    kill(run, LocalLauncher().submit(run))
    assert run.summary().status == "died"
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"
    assert time.time() - run.summary().updated < 600
