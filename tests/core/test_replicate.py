"""Many seeds: every run the same as one trained alone, at most so many at once, and an interruption loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seqsum.control import commands, fork_rewind
from seqsum.control.replicate import Replication, group_name, outcome_of, parse_seeds
from seqsum.errors import UserError
from seqsum.launch import WarmLauncher
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.lock import take_lock
from seqsum.training.trainer import Trainer
from support.engine import SMALL, small, wait_for_end, wait_until

CONFIG = small(train__steps=400, train__backend="torch", train__evaluate_every=50)


def replication(folder: Path, launcher: WarmLauncher, seeds: str = "4", **changes: object) -> Replication:
    config = CONFIG.changed({name.replace("__", "."): str(value) for name, value in changes.items()}, "test")
    return Replication(Workspace(folder), launcher, "baseline", config, parse_seeds(seeds), "several")


def points_of(run: Run, metric: str) -> list[tuple[int, float]]:
    with run.store() as store:
        steps, values = store.points(metric)
    return list(zip(steps.astype(int).tolist(), values.tolist(), strict=True))


def alone(seed: int) -> list[tuple[int, float]]:
    """The accuracies of the run with this seed, trained in this process."""
    trainer = Trainer(CONFIG.changed({"train.seed": str(seed)}, "test"))
    found: list[tuple[int, float]] = []
    while not trainer.done:
        trainer.run_chunk(())
        if trainer.evaluation_due:
            found += [(step, value) for name, step, value in trainer.evaluate()[2] if name == "accuracy"]
    return found


@pytest.mark.parametrize(("text", "seeds"), [("1", [0]), ("3", [0, 1, 2]), (" 7-9 ", [7, 8, 9]), ("5-5", [5])])
def test_seeds_are_a_count_or_a_range(text: str, seeds: list[int]) -> None:
    assert list(parse_seeds(text)) == seeds


@pytest.mark.parametrize("text", ["", "0", "-3", "9-5", "1.5", "seven", "1025", "0-4294967296", "[red]"])
def test_other_seeds_are_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(UserError, match=r"^replicate: --seeds is a number of seeds from 1 to 1024, or a range"):
        parse_seeds(text)


def test_killed_and_stopped_replicates_go_on_and_are_what_they_would_be_alone(
    fork_server: WarmLauncher, tmp_path: Path
) -> None:
    group = replication(tmp_path, fork_server)
    assert group.due() == [0, 1, 2, 3]
    group.begin()
    assert group.due() == []
    # Each is an ordinary run of the group.
    assert {summary.group for summary in Workspace(tmp_path).summaries()} == {"several"}
    wait_until(lambda: any(summary.status == "running" for summary in group.summaries().values()), "a first one")
    victim = next(seed for seed, summary in group.summaries().items() if summary.status == "running")
    pid = group.runs[victim].summary().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    group.stop()
    for run in group.runs.values():
        wait_for_end(run)
    again = replication(tmp_path, fork_server)
    assert {seed: run.id for seed, run in again.runs.items()} == {seed: run.id for seed, run in group.runs.items()}
    assert victim in again.due()
    again.begin()
    for seed, run in again.runs.items():
        assert wait_for_end(run).status == "finished"
        assert points_of(run, "accuracy") == alone(seed)
    assert replication(tmp_path, fork_server).due() == []


def test_a_group_with_other_settings_is_left_alone(fork_server: WarmLauncher, tmp_path: Path) -> None:
    config = CONFIG.changed({"track.group": "several", "optim.lr": "0.01"}, "test")
    Workspace(tmp_path).create("baseline", config, "mine")
    with pytest.raises(UserError, match=r'^replicate: the group "several" has runs with optim.lr 0.01, not 0.001;'):
        replication(tmp_path, fork_server)


def test_a_fork_stands_in_no_group_unless_it_is_asked_to(fork_server: WarmLauncher, tmp_path: Path) -> None:
    workspace, config = Workspace(tmp_path), CONFIG.changed({"track.group": "several"}, "test")
    parent = workspace.create("baseline", config, "parent")
    Trainer(config).save(parent.checkpoints)

    def fork(**changes: str) -> Run:
        return fork_rewind.fork(
            workspace, parent, None, {name.replace("__", "."): one for name, one in changes.items()}
        )

    def earlier(group: str) -> Run:
        """A fork as it was made when its group was copied, or given another one."""
        changes = {"track.group": group, "optim.lr": "5"}
        return workspace.create("f", config.changed(changes, "test"), parent={"run": parent.id, "step": 0})

    assert config.differences(fork_rewind.config_at(parent, 0)).keys() == {"track.group"}
    groups = {
        fork(optim__lr="5").id: None,
        fork(optim__lr="5", track__group="mine").id: "mine",
        fork(optim__lr="5", track__group="several").id: "several",
        earlier("several").id: None,
        earlier("mine").id: "mine",
        parent.id: "several",
    }
    assert {summary.id: summary.group for summary in workspace.summaries()} == groups
    assert {id: Run(workspace.folder / id).summary().group for id in groups} == groups
    # Whichever group it stands in, a fork is none of its seeds.
    again = replication(tmp_path, fork_server, seeds="2")
    assert {seed: run.id for seed, run in again.runs.items()} == {0: parent.id}


def test_the_outcome_is_that_of_numpy(tmp_path: Path) -> None:
    curves = [
        [(100, 0.2), (200, 0.995), (300, 1.0)],
        [(100, 0.99), (200, 0.5), (300, 0.75)],
        [(100, 0.1), (200, 0.98), (300, 0.99)],
        [(100, 0.3), (200, 0.3), (300, 0.4)],
        [],
    ]
    runs = [Workspace(tmp_path).create("baseline", CONFIG) for _ in curves]
    for run, curve in zip(runs, curves, strict=True):
        with run.store() as store:
            store.append([("accuracy", step, value) for step, value in curve] + [("loss", 300, 1.0)])
            store.set_state(status="finished" if curve else "failed")
    found = outcome_of(runs)
    finals = [1.0, 0.75, 0.99, 0.4]
    assert found.metric == "accuracy" and found.values == tuple(sorted(finals))
    # The one that failed ranks below all others, as far as it may be.
    assert found.quartiles == pytest.approx(np.quantile([*finals, -1e9], [0.25, 0.5, 0.75]))
    assert (found.runs, found.with_value, found.waiting, found.failed) == (5, 4, 0, 1)
    assert (found.converged, found.best) == (2, runs[0].id)
    assert found.steps_to_converge == pytest.approx(np.quantile([200, 300], [0.25, 0.5, 0.75]))


@pytest.mark.parametrize(("losses", "best"), [([0.3, 0.1, 0.2], 1), ([0.3, 0.2, 0.1], 2), ([0.1, 0.2, 0.3], 0)])
@pytest.mark.parametrize("name", ["loss", "eval_loss"])
def test_of_equally_good_seeds_that_with_the_lower_loss_is_best(
    tmp_path: Path, name: str, losses: list[float], best: int
) -> None:
    runs = [Workspace(tmp_path).create("baseline", CONFIG) for _ in losses]
    for run, loss in zip(runs, losses, strict=True):
        with run.store() as store:
            store.append([("loss", 300, 1.0), ("accuracy", 300, 1.0), (name, 301, loss)])
            store.set_state(status="finished")
    assert outcome_of(runs).best == runs[best].id


def test_a_group_is_called_after_the_preset_and_what_was_changed() -> None:
    preset = load_preset("baseline")
    assert group_name("baseline", preset.config, preset.config) == "baseline"
    assert group_name("baseline", preset.config.changed({"train.seed": "5"}, "test"), preset.config) == "baseline"
    changed = preset.config.changed({"optim.lr": "0.01"}, "test")
    name = group_name("baseline", changed, preset.config)
    assert name.startswith("baseline-") and name == group_name("baseline", changed, preset.config)
    assert name != group_name("baseline", preset.config.changed({"optim.lr": "0.02"}, "test"), preset.config)


def test_ctrl_c_saves_all_of_them_and_the_same_command_goes_on(tmp_path: Path) -> None:
    settings = [f"--{path}={value}" for path, value in {**SMALL, "train.steps": 40_000}.items()]
    command = [sys.executable, "-m", "seqsum.cli", "replicate", "baseline", "--seeds", "3", "--group", "several"]
    command += [*settings, "--train.backend=torch", "--json", "--workspace", str(tmp_path)]
    environment = {**os.environ, "SEQSUM_WORKERS": "2"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    def summaries() -> list[str]:
        return [summary.status for summary in Workspace(tmp_path).summaries()]

    wait_until(lambda: summaries().count("running") == 2 and len(summaries()) == 3, "two of three running")
    # The third waits: never more than two at once.
    assert sorted(summaries()) == ["queued", "running", "running"]
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert set(summaries()) == {"stopped"}
    assert json.loads(output.splitlines()[-1])["event"] == "replicated"
    for summary in Workspace(tmp_path).summaries():
        commands.set_value(Run(tmp_path / summary.id), "train.log_every", "1000")
    again = subprocess.run(
        [*command[:-3], "--detach", *command[-3:]], capture_output=True, text=True, env=environment, check=True
    )
    assert set(json.loads(again.stdout)["runs"]) == {"0", "1", "2"}
    wait_until(lambda: "running" in summaries(), "one going on, nobody watching")
    for summary in Workspace(tmp_path).summaries():
        run = Run(tmp_path / summary.id)
        if run.summary().live:
            commands.stop(run)
        wait_for_end(run)


def test_a_run_whose_start_died_with_its_command_is_started(tmp_path: Path) -> None:
    """What was to start its worker may hold the run's lock for a moment after the command was killed."""
    workspace = Workspace(tmp_path)
    config = load_preset("baseline").config.changed({"train.steps": "50", "track.group": "g"}, "test")
    left = workspace.create("baseline", config)
    lock = take_lock(left.folder)
    assert lock is not None
    command = [sys.executable, "-m", "seqsum.cli", "replicate", "baseline", "--train.steps", "50", "--seeds", "2"]
    process = subprocess.Popen([*command, "--group", "g", "--workspace", str(tmp_path)], stdout=subprocess.DEVNULL)
    # The other seed is done: the command has looked at what is due.
    wait_until(lambda: [run.summary().status for run in workspace.runs()].count("finished") == 1, "a seed is done")
    os.close(lock)
    assert process.wait(120) == 0 and left.summary().status == "finished"
