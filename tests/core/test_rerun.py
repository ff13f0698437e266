"""A run repeated from its own record has the same bits, whatever happened to it; and one that has not is told why."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqsum.cli import main
from seqsum.config import Config
from seqsum.control import commands, rerun
from seqsum.errors import UserError
from seqsum.launch import WarmLauncher
from seqsum.runs import Run, Workspace, checkpoint_files
from seqsum.runs.record import Record
from support.engine import kill, new_run, outcome_of, small, wait_for_end, wait_for_step

# PyTorch, so that a run can be met on its way.
LONG: dict[str, Any] = {
    "train__steps": 1_000_000,
    "train__backend": "torch",
    "train__evaluate_every": 1000,
    "train__checkpoint_every": 1000,
}


def finished(launcher: WarmLauncher, folder: Path, config: Config) -> Run:
    run = new_run(folder, config, "old")
    launcher.submit(run)
    assert wait_for_end(run).status == "finished"
    return run


def plain(launcher: WarmLauncher, folder: Path) -> Run:
    return finished(launcher, folder, small(track__group="g", optim__lr=0.01))


def compiled(launcher: WarmLauncher, folder: Path) -> Run:
    return finished(launcher, folder, small(train__backend="fused"))


def stopped_early(launcher: WarmLauncher, folder: Path) -> Run:
    changes = {"train__early_stop": 1, "optim__lr": 3.0, "train__steps": 3000, "train__restore_best": True}
    run = finished(launcher, folder, small(**changes))
    assert run.summary().step < 3000
    return run


def stopped(launcher: WarmLauncher, folder: Path) -> Run:
    run = new_run(folder, small(**LONG), "old")
    launcher.submit(run)
    wait_for_step(run, 50)
    commands.set_value(run, "optim.lr", "0.02")
    commands.stop(run)
    assert wait_for_end(run).status == "stopped"
    return run


def stopped_in_its_evaluation(launcher: WarmLauncher, folder: Path) -> Run:
    changes = {"train__evaluate_every": 20, "model__cell": "lstm", "model__hidden_size": 256, "task__modulus": 97}
    run = new_run(folder, small(**{**LONG, **changes}), "old")
    launcher.submit(run)
    wait_for_step(run, 20)
    commands.stop(run)
    assert wait_for_end(run).status == "stopped" and run.summary().step == 20
    assert "eval_loss" not in run.summary().metrics
    return run


def resumed(launcher: WarmLauncher, folder: Path) -> Run:
    run = stopped(launcher, folder)
    before = run.summary().step
    commands.resume(run, launcher)
    wait_for_step(run, before + 50)
    commands.pause(run)
    commands.set_value(run, "optim.lr", "0.001")
    commands.stop(run)
    assert wait_for_end(run).step > before
    return run


def killed(launcher: WarmLauncher, folder: Path) -> Run:
    run = new_run(folder, small(**{**LONG, "train__checkpoint_every": 20, "train__keep_checkpoints": 2}), "old")
    pid = launcher.submit(run)
    wait_for_step(run, 60)
    kill(run, pid)
    return run


def forked(launcher: WarmLauncher, folder: Path) -> Run:
    parent = finished(launcher, folder, small(train__backend="torch"))
    child = commands.fork(Workspace(folder), launcher, parent, 75, {"train.steps": "150", "optim.lr": "0.03"}, "fork")
    assert wait_for_end(child).status == "finished"
    return child


def diverged(launcher: WarmLauncher, folder: Path) -> Run:
    run = new_run(folder, small(optim__name="sgd", optim__lr=1e30, optim__clip_norm="off"), "old")
    launcher.submit(run)
    assert wait_for_end(run).status == "failed"
    return run


def owes_evaluation(run: Run) -> bool:
    """Whether a stop has ended the evaluation of the last step, which a repeated run makes."""
    newest = checkpoint_files.newest_whole(run.checkpoints)
    return newest is not None and bool(json.loads(newest[1]["state.json"])["owes_evaluation"])


MADE = [plain, compiled, stopped_early, stopped, stopped_in_its_evaluation, resumed, killed, forked, diverged]


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_a_repeated_run_has_the_same_bits(
    make: Callable[[WarmLauncher, Path], Run], fork_server: WarmLauncher, tmp_path: Path
) -> None:
    old = make(fork_server, tmp_path)
    plan = rerun.plan_of(old)
    assert plan.told == () or make is killed
    new = rerun.start(Workspace(tmp_path), fork_server, plan)
    summary = wait_for_end(new)
    found = rerun.compare(plan, new)
    assert found.same and (found.points > 0 or make is diverged), found
    assert found.told.startswith("the same bits: ") and "None" not in found.told
    assert new.record.repeats == old.id and summary.group is None and new.name == f"{old.name}-rerun"
    if make is not diverged:
        assert found.step is not None and found.tensors > 0
    if make not in (killed, diverged) and not owes_evaluation(old):
        # Another way to the same: all that lies on the disk.
        assert outcome_of(new) == outcome_of(old) and summary.step == old.summary().step


@pytest.fixture(scope="module")
def pair(fork_server: WarmLauncher, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    folder = tmp_path_factory.mktemp("pair")
    old = finished(fork_server, folder, small(train__backend="torch"))
    new = rerun.start(Workspace(folder), fork_server, rerun.plan_of(old))
    wait_for_end(new)
    return old, new


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors"])
def test_one_bit_is_told(name: str, pair: tuple[Run, Run], tmp_path: Path) -> None:
    old, new = pair
    plan = rerun.plan_of(old)
    assert rerun.compare(plan, new).told.startswith("the same bits: weights and optimizer of step 120 (")
    other = Run(Path(shutil.copytree(new.folder, tmp_path / new.id)))
    folder = checkpoint_files.folder_of(other.checkpoints, 120)
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(data)
    sums = json.loads((folder / "checksums.json").read_text())
    sums[name] = checkpoint_files.checksum(bytes(data))
    (folder / "checksums.json").write_text(json.dumps(sums))
    found = rerun.compare(plan, other)
    assert not found.same and len(found.unlike) == 1 and found.first is None
    assert f"1 of {found.tensors} tensors of step 120 differ ({found.unlike[0]})" in found.told


def test_one_value_and_what_is_otherwise_are_told(pair: tuple[Run, Run], tmp_path: Path) -> None:
    old, new = pair
    other = Run(Path(shutil.copytree(new.folder, tmp_path / new.id)))
    with other.store() as store:
        (value,) = [value for step, value in zip(*store.points("loss"), strict=True) if step == 49]
        (bits,) = struct.unpack("<q", struct.pack("<d", value))
        store.append([("loss", 49, struct.unpack("<d", struct.pack("<q", bits + 1))[0])])
        record = Record.own(other.folder, store)
        changed = {"versions": {**record.versions, "torch": "9.9"}, "threads": 3, "machine": {"cpu": "Z80", "cores": 1}}
        record.with_facts(**changed).write(other.folder, store)
    found = rerun.compare(rerun.plan_of(old), other)
    assert not found.same and found.unlike == () and found.first == ("loss", 49)
    told = " ".join(found.reasons)
    assert "is 9.9" in told and "threads was 1, is 3" in told and "now on Z80" in told


def test_the_command(pair: tuple[Run, Run], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    old = Run(Path(shutil.copytree(pair[0].folder, tmp_path / pair[0].id)))
    assert main(["--workspace", str(tmp_path), "rerun", old.id, "--check", "--json"]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert said[0]["event"] == "started" and said[0]["repeats"] == old.id
    assert said[-1]["event"] == "compared" and said[-1]["same"] and said[-1]["step"] == 120 and said[-1]["binned"]
    assert [run.id for run in Workspace(tmp_path).runs()] == [old.id]
    with old.store() as store:
        store.append([("eval_loss", 120, 7.0)])
    assert main(["--workspace", str(tmp_path), "rerun", old.id, "--name", "again"]) == 1
    out = capsys.readouterr().out
    assert "other bits: " in out and "the first value that differs is eval_loss at step 120" in out
    assert "nothing is known to be otherwise" in out
    assert main(["--workspace", str(tmp_path), "show", "again"]) == 0
    assert f"repeats {old.id}" in capsys.readouterr().out


def test_what_cant_be_repeated_is_told(fork_server: WarmLauncher, tmp_path: Path) -> None:
    waits = new_run(tmp_path, small())
    with pytest.raises(UserError, match="is queued; stop it first"):
        rerun.plan_of(waits)
    child = forked(fork_server, tmp_path / "forks")
    shutil.rmtree(checkpoint_files.folder_of(child.checkpoints, 75))
    with pytest.raises(UserError, match=r"the checkpoint of step 75 that run .* began with is gone; fork anew: seqsum"):
        rerun.plan_of(child)
