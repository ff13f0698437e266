"""Sweeps: what they go over, what comes of them, and that a killed one goes on, with real processes."""

from __future__ import annotations

import itertools
import json
import os
import pty
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from seqsum.config import Config
from seqsum.control.replicate import Replication
from seqsum.errors import UserError
from seqsum.files import try_lock
from seqsum.launch import HandOverRefused, LocalLauncher, WarmLauncher
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.lock import take_lock
from seqsum.sweeps import definition, steering
from seqsum.sweeps.definition import Sweep
from seqsum.sweeps.driver import Driver
from seqsum.sweeps.file import SweepFile, file_text, read_sweep_file
from seqsum.sweeps.optuna_study import study_of
from seqsum.sweeps.results import results
from seqsum.sweeps.space import Choices, Range, grid, label, split, trials_of
from support.command_line import call, lines, refused
from support.engine import SMALL, wait_until
from support.sweeps import finished_sweep

STEPS = 60
FLAGS = [f"--{path}={value}" for path, value in {**SMALL, "train.steps": STEPS}.items()]


def command(workspace: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "seqsum.cli", "sweep", *words, "--json", "--workspace", str(workspace)]


def swept(workspace: Path, *words: str) -> dict[str, Any]:
    """Drive a sweep to its end in a process of its own; return its last line."""
    done = subprocess.run(command(workspace, *words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return last


def runs_by_setting(workspace: Path, paths: list[str]) -> dict[tuple[str, ...], list[Run]]:
    found: dict[tuple[str, ...], list[Run]] = {}
    for run in Workspace(workspace).runs():
        config = run.record.parsed_config()
        found.setdefault(tuple(str(config.value(path)) for path in paths), []).append(run)
    return found


# What it goes over


@pytest.mark.parametrize(
    ("path", "text", "part"),
    [
        ("optim.lr", "0.001,0.01", Choices(path="optim.lr", values=("0.001", "0.01"))),
        ("optim.lr", " 1e-3 , 1e-2, 1e-3", Choices(path="optim.lr", values=("1e-3", "1e-2"))),
        ("optim.lr", "1e-4..1e-1:log", Range(path="optim.lr", low=1e-4, high=0.1, log=True)),
        ("model.hidden_size", "8..64", Range(path="model.hidden_size", low=8, high=64, whole=True)),
        ("model.cell", "rnn,gru", Choices(path="model.cell", values=("rnn", "gru"))),
        ("model.bidirectional", "true,false", Choices(path="model.bidirectional", values=("true", "false"))),
        ("optim.lr", "0.001", None), ("track.tags", "a,b", None), ("track.description", "a, b .. c", None),
    ],
)  # fmt: skip
def test_lists_and_ranges_are_read_and_the_rest_is_set_once(path: str, text: str, part: Choices | Range | None) -> None:
    fixed, space = split({path: text}, load_preset("adds").config)
    assert (fixed, space) == (({path: text}, ()) if part is None else ({}, (part,)))


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("optim.lr", "1e-1..1e-4:log", "from a lower to a higher number"),
        ("optim.lr", "0..0.1:log", "no logarithm at 0"),
        ("optim.lr", "0.1,,0.2", "empty value"),
        ("optim.lr", "-1,0.1", "must be"),
        ("optim.lr", "0.1,x", "optim.lr"),
        ("optim.lr", "0.1,0.1", "has one value only"),
        ("optim.lr", "0.1,1e-1", "has one value only"),
        ("optim.lr", "0.1..1e400", "from a lower to a higher number"),
        ("optim.lr", "-1..0.1", "optim.lr"),
        ("model.hidden_size", "8.5..64", "whole number"),
        ("model.hidden_size", "0,8", "model.hidden_size"),
        ("model.cell", "rnn,lsmt", "model.cell"),
        ("train.seed", "1,2", "--seeds"),
    ],
)
def test_what_can_t_be_swept_is_said_in_a_sentence(path: str, text: str, why: str, tmp_path: Path) -> None:
    assert why in refused("sweep", "baseline", f"--{path}={text}", "--workspace", str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_grid_is_the_product_and_a_range_has_no_end() -> None:
    space = (Choices(path="a.b", values=("1", "2")), Choices(path="c.b", values=("x", "y", "z")))
    assert [tuple(one.values()) for one in grid(space)] == list(itertools.product("12", "xyz"))
    assert trials_of(space, None, "grid") == 6 and trials_of(space, 4, "grid") == 4
    assert label({"a.b": "1", "c.b": "x"}) == "a.b 1, c.b x" and label({"a.b": "1", "c.d": "x"}) == "b 1, d x"
    endless = (*space, Range(path="d.e", low=0, high=1))
    for asked, sampler, why in ((endless, "grid", "no end"), (endless, "tpe", "--trials"), ((), "grid", "list")):
        with pytest.raises(UserError, match=why):
            trials_of(asked, None, sampler)


# What comes of it


def test_every_setting_is_trained_with_every_seed_and_told_best_first(tmp_path: Path) -> None:
    told = swept(tmp_path, "baseline", *FLAGS, "--optim.lr", "0.0001,0.03", "--model.cell", "rnn,gru", "--seeds", "3")
    found = runs_by_setting(tmp_path, ["optim.lr", "model.cell"])
    assert found.keys() == set(itertools.product(["0.0001", "0.03"], ["rnn", "gru"]))
    medians = {}
    for setting, runs in found.items():
        assert sorted(int(run.record.parsed_config().train.seed) for run in runs) == [0, 1, 2]
        assert all(run.summary().status == "finished" and run.summary().step == STEPS for run in runs)
        medians[setting] = statistics.median(run.summary().metrics["accuracy"] for run in runs)
    assert (told["name"], told["status"], told["goal"]) == ("baseline-sweep", "finished", "accuracy")
    values = [one["value"] for one in told["settings"]]
    assert values == sorted(values, reverse=True) == sorted(medians.values(), reverse=True)
    for one in told["settings"]:
        assert medians[one["values"]["optim.lr"], one["values"]["model.cell"]] == one["value"]
        assert one["sample"]["n"] == len(one["runs"]) == 3 and one["state"] == "complete"
    (again,) = lines("sweep", "--show", "baseline-sweep", "--workspace", str(tmp_path))
    assert again == told
    (listed,) = lines("sweep", "--list", "--workspace", str(tmp_path))
    assert (listed["name"], listed["status"], listed["settings"]) == ("baseline-sweep", "finished", 4)


@pytest.mark.parametrize("sampler", ["random", "tpe", "gp", "cmaes"])
def test_drawn_settings_lie_in_their_ranges(sampler: str, tmp_path: Path) -> None:
    told = swept(
        tmp_path, "baseline", *FLAGS, "--optim.lr", "1e-4..1e-1:log", "--model.num_layers", "1..4", "--seeds", "1",
        "--trials", "12", "--sampler", sampler,
    )  # fmt: skip
    rates = [float(one["values"]["optim.lr"]) for one in told["settings"]]
    layers = [one["values"]["model.num_layers"] for one in told["settings"]]
    assert len(rates) == 12 and all(1e-4 <= rate <= 0.1 for rate in rates) and len(set(rates)) > 8
    assert set(layers) <= {"1", "2", "3", "4"} and len(set(layers)) > 1
    # Evenly in the logarithm, not in the rate: below a tenth of the highest rate lie two thirds of them.
    if sampler == "random":
        assert sum(rate < 0.01 for rate in rates) >= 4
    for one in told["settings"]:
        config = Run(tmp_path / one["runs"][0]).record.parsed_config()
        assert (str(config.model.num_layers), config.optim.lr) == (  # type: ignore[attr-defined]
            one["values"]["model.num_layers"], float(one["values"]["optim.lr"]),
        )  # fmt: skip


def test_what_can_t_be_trained_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    told = swept(
        tmp_path, "baseline", *FLAGS, "--train.backend", "fused", "--model.form", "stacked,cells", "--seeds", "1"
    )
    states = {one["values"]["model.form"]: one for one in told["settings"]}
    assert states["stacked"]["state"] == "complete" and states["cells"]["state"] == "failed"
    assert "model.form is cells" in states["cells"]["reason"] and told["status"] == "finished"


def test_a_run_that_diverges_counts_as_worst(tmp_path: Path) -> None:
    told = swept(tmp_path, "baseline", *FLAGS, "--optim.name", "sgd", "--optim.lr", "0.01,1e30", "--seeds", "2")
    best, lost = told["settings"]
    assert best["values"]["optim.lr"] == "0.01" and lost["values"]["optim.lr"] == "1e30"
    assert lost["sample"]["valued"] == 0 and lost["sample"]["n"] == 2 and lost["against_best"]["improvement"] == 0


def test_a_file_says_the_same_and_what_is_typed_goes_before_it(tmp_path: Path) -> None:
    sections = dict[str, list[str]]()
    for path, value in {**SMALL, "train.steps": STEPS}.items():
        section, _, name = path.partition(".")
        sections.setdefault(section, []).append(f"{name} = {json.dumps(value)}")
    sections.setdefault("optim", []).append("lr = [0.001, 0.01]")
    text = "".join(f"[{section}]\n" + "\n".join(lines) + "\n" for section, lines in sections.items())
    file = tmp_path / "s.toml"
    file.write_text(f'[sweep]\npreset = "baseline"\nseeds = "3-5"\nname = "of-file"\n{text}')
    told = swept(tmp_path / "runs", str(file), "--seeds", "1", "--model.cell", "rnn,gru")
    assert told["name"] == "of-file" and len(told["settings"]) == 4
    assert runs_by_setting(tmp_path / "runs", ["optim.lr", "model.cell", "train.seed"]).keys() == set(
        itertools.product(["0.001", "0.01"], ["rnn", "gru"], ["0"])
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[sweep", "not a TOML file"), ("[sweep]\n", "sweep.preset: is missing"), ("sweep = 1\n", "must be a section"),
        ('[sweep]\npreset = "adds"\nseed = 3\n', 'did you mean "seeds"'),
        ('[sweep]\npreset = "adds"\nseeds = [1, 2]\n', "must be text or a whole number"),
        ('[sweep]\npreset = "adds"\n[optin]\nlr = 1\n', 'did you mean "optim"'),
        ('[sweep]\npreset = "adds"\nprune = "hard"\n[optim]\nlr = [1, 2]\n', "must be one of off, median"),
        ('[sweep]\npreset = "adds"\n[optim]\nlrr = [1, 2]\n', "optim.lrr"),
        ('[sweep]\npreset = "nothing"\n', 'no preset "nothing"'),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_in_a_sentence(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(text)
    assert why in refused("sweep", str(file), "--workspace", str(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


# Killed, paused, extended


def finished(workspace: Path) -> int:
    return sum(run.summary().status == "finished" for run in Workspace(workspace).runs())


def _came_to(process: subprocess.Popen[str], workspace: Path, many: int) -> bool:
    return process.poll() is not None or finished(workspace) >= many


def test_a_sweep_s_file_reads_back_as_what_was_written(tmp_path: Path) -> None:
    content = SweepFile(
        {"preset": "adds", "seeds": "2-5", "trials": "12", "name": "007"},
        {"optim.lr": "1e-4..1e-1:log", "optim.weight_decay": "0,0.3,1e-3", "model.cell": "rnn,gru",
         "model.bidirectional": "off,on", "train.steps": "1000", "track.description": 'a, b "c"', "track.tags": "x, y",
         "optim.clip_norm": "off", "train.keep_checkpoints": "1, 2"},
    )  # fmt: skip
    path = tmp_path / "kept.toml"
    path.write_text(file_text(content))
    assert read_sweep_file(path) == content
    plain = tomllib.loads(path.read_text())
    assert plain["train"]["steps"] == 1000 and plain["model"]["cell"] == ["rnn", "gru"]


def test_a_driver_killed_again_and_again_tries_each_setting_once(tmp_path: Path) -> None:
    draw = random.Random(1)
    words = ["baseline", *FLAGS, "--optim.lr", "0.001,0.003,0.01", "--model.cell", "rnn,gru", "--seeds", "2"]
    process = subprocess.Popen(command(tmp_path, *words, "--name", "k"), stdout=subprocess.PIPE, text=True)
    for _ in range(4):
        many = finished(tmp_path) + draw.randrange(1, 4)
        wait_until(partial(_came_to, process, tmp_path, many), "some runs more")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        made = definition.read(Workspace(tmp_path), "k")
        assert definition.status_of(Workspace(tmp_path), made) in ("died", "finished")
        process = subprocess.Popen(command(tmp_path, "--resume", "k"), stdout=subprocess.PIPE, text=True)
    out, _ = process.communicate(timeout=120)
    told = json.loads(out.splitlines()[-1])
    assert process.returncode == 0 and told["status"] == "finished" and len(told["settings"]) == 6
    found = runs_by_setting(tmp_path, ["optim.lr", "model.cell"])
    assert len(found) == 6
    for runs in found.values():
        assert sorted(int(run.record.parsed_config().train.seed) for run in runs) == [0, 1]
        assert {run.summary().status for run in runs} == {"finished"}


def test_a_run_whose_start_died_with_its_driver_is_started(tmp_path: Path) -> None:
    """What was to start its worker may outlive the driver for a moment, and hold the run's lock meanwhile."""
    workspace = Workspace(tmp_path)
    made = definition_of(workspace, {"optim.lr": "0.001,0.01", "train.steps": STEPS}, seeds=(0,))
    config = made.config_of({"optim.lr": "0.001"}).changed(
        {"track.group": made.group_of({"optim.lr": "0.001"}), "train.seed": "0"}, "test"
    )
    left = workspace.create(made.preset, config)
    lock = take_lock(left.folder)
    assert lock is not None
    with Driver(workspace, made.name, LocalLauncher()) as driver:
        driver.look()
        assert left.summary().status == "queued"
        os.close(lock)
        wait_until(driver.look, "all is tried")
    assert {run.summary().status for run in workspace.runs()} == {"finished"} and len(workspace.runs()) == 2


def test_half_a_line_of_optuna_s_journal_is_no_end(tmp_path: Path) -> None:
    words = ["baseline", *FLAGS, "--optim.lr", "0.001..0.01", "--seeds", "1", "--trials", "2", "--sampler", "random"]
    swept(tmp_path, *words)
    journal = tmp_path / ".sweeps" / "baseline-sweep" / "optuna.log"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code": 4, "worker_id": "x')
    journal.with_name("optuna.log.lock").symlink_to("nowhere")
    told = swept(tmp_path, "--resume", "baseline-sweep", "--trials", "4")
    assert len(told["settings"]) == 4 and len({one["values"]["optim.lr"] for one in told["settings"]}) == 4
    assert all(json.loads(line) for line in journal.read_bytes().splitlines())


def drive(driver: Driver, until: Any) -> None:
    wait_until(lambda: driver.look() or until(), "the sweep to come so far")


def definition_of(workspace: Workspace, changes: Mapping[str, Any], **facts: Any) -> Sweep:
    fixed, space = split({path: str(text) for path, text in changes.items()}, Config())
    made = {
        "name": "s", "preset": "baseline", "config": Config().changed({**SMALL, **fixed}, "test").plain(),
        "space": space, "seeds": (0, 1), "trials": 2, "sampler": "grid", "prune": "off", "goal": "accuracy",
    }  # fmt: skip
    return definition.create(workspace, Sweep.model_validate({**made, **facts}), named=True)


def test_what_the_form_also_says_of_a_taken_name_names_no_flag(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made = definition_of(workspace, {"optim.lr": "0.001,0.01"})
    with pytest.raises(UserError, match="choose another name") as taken:
        definition.create(workspace, made, named=True)
    assert "--name" not in str(taken.value)
    workspace.create("baseline", made.base.changed({"track.group": "g"}, "test"))
    with pytest.raises(UserError, match="choose another group") as taken:
        Replication(workspace, LocalLauncher(), "baseline", made.base.changed({"optim.lr": "0.5"}, "test"), [0], "g")
    assert "--group" not in str(taken.value)


def test_a_grid_that_was_written_for_a_part_is_written_on(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made = definition_of(workspace, {"optim.lr": "0.001,0.003,0.01", "train.steps": 20}, seeds=(0,), trials=2)
    folder = definition.folder_of(workspace, made.name)
    study = study_of(made, folder)
    assert len(study.get_trials()) == 2
    # As if its driver had been killed after the first of them.
    lines_ = (folder / "optuna.log").read_bytes().splitlines(keepends=True)
    (folder / "optuna.log").write_bytes(b"".join(lines_[: len(lines_) - 1 - 2]))
    study = study_of(definition.extend(workspace, made, 3), folder)
    waiting = [trial.system_attrs["fixed_params"]["optim.lr"] for trial in study.get_trials()]
    assert waiting[-1] == "0.01" and len(waiting) == 3
    with pytest.raises(UserError, match="this grid has 3 settings"):
        definition.extend(workspace, made, 4)


def seeds_of(workspace: Workspace) -> dict[tuple[str, ...], list[int]]:
    found = runs_by_setting(workspace.folder, ["optim.lr"])
    return {
        setting: sorted(int(run.record.setting("train").raw["seed"]) for run in runs) for setting, runs in found.items()
    }


def medians(workspace: Workspace) -> dict[str, float]:
    """The median of each setting's last accuracies, by hand."""
    found = runs_by_setting(workspace.folder, ["optim.lr"])
    return {lr: statistics.median(run.summary().metrics["accuracy"] for run in runs) for (lr,), runs in found.items()}


def test_seeds_are_added_to_a_sweep_that_has_ended_and_nothing_is_made_twice(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    told = swept(tmp_path, "baseline", *FLAGS, "--optim.lr", "0.001,0.01", "--seeds", "2", "--name", "s")
    before = {run.id: run.summary().updated for run in workspace.runs()}
    assert [one["sample"]["n"] for one in told["settings"]] == [2, 2]
    assert "lacks 0" in refused("sweep", "--resume", "s", "--seeds", "1-3", "--workspace", str(tmp_path))
    told = swept(tmp_path, "--resume", "s", "--seeds", "0-4")
    assert told["status"] == "finished" and [one["sample"]["n"] for one in told["settings"]] == [5, 5]
    assert seeds_of(workspace) == {("0.001",): [0, 1, 2, 3, 4], ("0.01",): [0, 1, 2, 3, 4]}
    assert {run.id: run.summary().updated for run in workspace.runs() if run.id in before} == before
    written = {one.values["optim.lr"]: one.value for one in definition.read_settings(workspace, "s").settings}
    assert written == medians(workspace)
    # Killed before it had written that down, it is worked out once more.
    (definition.folder_of(workspace, "s") / definition.SETTINGS).unlink()
    swept(tmp_path, "--resume", "s")
    assert {one.values["optim.lr"]: one.value for one in definition.read_settings(workspace, "s").settings} == written
    assert len(workspace.runs()) == 10


def test_seeds_are_added_while_a_sweep_goes_on(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made = definition_of(workspace, {"optim.lr": "0.001,0.01", "train.steps": 200}, seeds=(0, 1))
    with Driver(workspace, made.name, LocalLauncher(workers=1)) as driver:
        drive(driver, lambda: any(one.state == "complete" for one in driver.settings.values()))
        assert {one.state for one in driver.settings.values()} == {"complete", "running"}
        definition.extend(workspace, made, seeds=(1, 2, 0))
        driver.look()
        assert {one.state for one in driver.settings.values()} == {"running"}
        wait_until(driver.look, "all is tried")
    assert seeds_of(workspace) == {("0.001",): [0, 1, 2], ("0.01",): [0, 1, 2]}
    assert definition.read(workspace, made.name).seeds == (0, 1, 2), "told to Optuna by their places"


def resumed(workspace: Path, *words: str) -> str:
    status, out, err = call("sweep", "--resume", "s", *words, "--workspace", str(workspace))
    assert status == 0, err
    return out


@pytest.mark.parametrize("paused", [False, True])
def test_what_a_sweep_that_goes_on_has_more_of_is_said_and_fewer_are_refused(
    paused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path)
    made = definition_of(workspace, {"optim.lr": "0.001,0.003,0.01,0.1"})
    lock = try_lock(definition.folder_of(workspace, "s") / definition.LOCK)
    assert lock is not None, "it stands for the driver"
    goes_on = "goes on after its pause" if paused else "runs on"
    for words, said, trials, seeds in (
        ((), "s goes on after its pause; " if paused else "s runs already; ", 2, 2),
        (("--trials", "2", "--seeds", "2"), "s goes on after its pause; " if paused else "s runs already; ", 2, 2),
        (("--trials", "3", "--detach"), f"s has 3 settings now, and {goes_on}; ", 3, 2),
        (("--seeds", "5"), f"s has 5 seeds each now, and {goes_on}; ", 3, 5),
        (("--trials", "4", "--seeds", "6"), f"s has 4 settings and 6 seeds each now, and {goes_on}; ", 4, 6),
    ):
        definition.want(workspace, "s", definition.Wanted(paused=paused))
        assert resumed(tmp_path, *words).startswith(said), words
        made = definition.read(workspace, "s")
        assert (made.trials, len(made.seeds), definition.read_wanted(workspace, "s").paused) == (trials, seeds, False)
    definition.want(workspace, "s", definition.Wanted(paused=paused))
    for wrong, why in (
        (("--trials", "3"), "has 4 settings already"),
        (("--trials", "5"), "this grid has 4 settings"),
        (("--seeds", "3"), "lacks 3"),
        (("--trials", "4", "--seeds", "1-9"), "lacks 0"),
        (("--seeds", "9", "--on", "slurm"), "--stop s first"),
    ):
        said = refused("sweep", "--resume", "s", *wrong, "--workspace", str(tmp_path))
        assert why in said and definition.read(workspace, "s") == made, wrong
        assert definition.read_wanted(workspace, "s").paused == paused, "nothing was asked of it"
    os.close(lock)
    assert "has 4 settings already" in refused("sweep", "--resume", "s", "--trials", "3", "--workspace", str(tmp_path))
    # No cluster answers: it is as it was.
    monkeypatch.setenv("PATH", "")
    refused("sweep", "--resume", "s", "--seeds", "9", "--on", "slurm", "--workspace", str(tmp_path))
    assert definition.read(workspace, "s") == made


def test_what_was_given_up_gets_no_more_seeds(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made = definition_of(workspace, {"optim.lr": "0.001,0.01", "train.steps": 20})
    with Driver(workspace, made.name, LocalLauncher()) as driver:
        wait_until(driver.look, "all is tried")
        driver.settings[1] = driver.settings[1].model_copy(update={"state": "pruned"})
        definition.extend(workspace, made, seeds=range(3))
        wait_until(driver.look, "the third seed")
    assert seeds_of(workspace) == {("0.001",): [0, 1, 2], ("0.01",): [0, 1]}


def test_a_setting_that_is_drawn_twice_is_one(tmp_path: Path) -> None:
    told = swept(
        tmp_path, "baseline", *FLAGS, "--optim.lr", "0.001,1e-2,0.01,0.010", "--seeds", "1", "--trials", "9",
        "--sampler", "random",
    )  # fmt: skip
    assert sorted(one["values"]["optim.lr"] for one in told["settings"]) == ["0.001", "1e-2"]
    assert len(Workspace(tmp_path).runs()) == 2 and told["status"] == "finished"


def test_what_was_stopped_before_its_end_has_no_value_yet(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made = definition_of(workspace, {"optim.lr": "0.001,0.01", "train.steps": 20}, seeds=(0, 1, 2))
    values = {"optim.lr": "0.01"}
    for seed, (status, accuracy) in enumerate([("finished", 0.5), ("stopped", None), ("failed", None)]):
        config = made.config_of(values).changed({"track.group": made.group_of(values), "train.seed": seed}, "test")
        with workspace.create("baseline", config).store() as store:
            store.append([] if accuracy is None else [("accuracy", 20, accuracy)])
            store.set_state(status=status, step=20)
    setting = definition.Setting(number=0, values=values, group=made.group_of(values))
    (found,) = results(workspace, made, [setting])
    assert found.sample is not None and (found.sample.n, found.sample.valued) == (2, 1)


def test_paused_it_starts_nothing_and_stopped_it_goes_on_later(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made = definition_of(workspace, {"optim.lr": "0.001,0.01", "train.steps": 40_000, "train.backend": "torch"})
    with Driver(workspace, made.name, LocalLauncher(workers=1)) as driver:
        drive(driver, lambda: any(run.summary().status == "running" for run in workspace.runs()))
        with pytest.raises(UserError, match="runs already"):
            Driver(workspace, made.name, LocalLauncher())
        status, out, _ = call("sweep", "--pause", made.name, "--workspace", str(tmp_path))
        assert status == 0 and "starts nothing new" in out and definition.status_of(workspace, made) == "paused"
        began = len(workspace.runs())
        for _ in range(5):
            assert not driver.look()
        assert len(workspace.runs()) == began < 4
        status, out, _ = call("sweep", "--stop", made.name, "--workspace", str(tmp_path))
        assert status == 0 and driver.look()
    wait_until(lambda: {run.summary().status for run in workspace.runs()} == {"stopped"}, "all stopped")
    assert definition.status_of(workspace, made) == "stopped"
    assert "nothing drives it" in refused("sweep", "--pause", made.name, "--workspace", str(tmp_path))
    definition.want(workspace, made.name, definition.Wanted())
    with Driver(workspace, made.name, LocalLauncher(workers=1)) as driver:
        drive(driver, lambda: any(run.summary().status == "running" for run in workspace.runs()))
        definition.want(workspace, made.name, definition.Wanted(stopped=True))
        assert driver.look()
    wait_until(lambda: not any(run.summary().live for run in workspace.runs()), "all ended")


def test_a_worker_killed_under_way_is_resumed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made = definition_of(workspace, {"optim.lr": "0.001,0.01", "train.steps": 3000, "train.backend": "torch"})
    killed: set[str] = set()
    with Driver(workspace, made.name, LocalLauncher()) as driver:

        def step() -> bool:
            ended = driver.look()
            for run in workspace.runs():
                summary = run.summary()
                if run.id not in killed and summary.status == "running" and summary.step and summary.pid:
                    os.kill(summary.pid, signal.SIGKILL)
                    killed.add(run.id)
            return ended

        wait_until(step, "the sweep's end", seconds=180)
    assert len(killed) == 4 and {run.summary().status for run in workspace.runs()} == {"finished"}
    assert {one.state for one in definition.read_settings(workspace, made.name).settings} == {"complete"}


def test_bad_settings_are_given_up_before_all_their_seeds(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    # Without learning every seed is at chance; with it, well above.
    made = definition_of(
        workspace, {"optim.lr": "0.01,1e-9", "train.steps": 1500}, seeds=tuple(range(12)), prune="wilcoxon", trials=2
    )
    launcher = WarmLauncher()
    launcher.warm()
    try:
        with Driver(workspace, made.name, launcher) as driver:
            wait_until(driver.look, "the sweep's end")
    finally:
        launcher.close()
    good, bad = definition.read_settings(workspace, made.name).settings
    began = [sum(run.summary().group == one.group for run in workspace.runs()) for one in (good, bad)]
    assert (good.state, bad.state) == ("complete", "pruned") and began[0] == 12 and began[1] < 12
    assert bad.reason.startswith("given up after ") and bad.reason.endswith(" of 12 seeds")
    assert good.value is not None and bad.value is not None and good.value > bad.value > 0
    wait_until(lambda: not any(run.summary().live for run in workspace.runs()), "what was given up has stopped")
    _, told = results(workspace, made, (good, bad))
    assert told.sample is not None and told.sample.median == bad.value
    assert bad.reason == f"given up after {told.sample.n} of 12 seeds"


def test_what_was_given_up_has_one_count_and_one_value_whatever_ends_later(tmp_path: Path) -> None:
    """By curves a bad setting is given up while its runs train: some may end, and some have a value halfway."""
    workspace = Workspace(tmp_path)
    finished_sweep(
        workspace, {"optim.lr": "0.001,0.01"}, {("0.001",): [0.5, 0.6], ("0.01",): [0.9, 0.1]},
        states={("0.01",): "pruned"}, name="made",
    )  # fmt: skip
    made = definition.read(workspace, "made")
    settings = list(definition.read_settings(workspace, "made").settings)
    second = next(run for run in workspace.runs() if run.name.endswith("lr 0.01-seed-1"))
    for status, ended, counted in (
        ("stopped", None, [0.9]), ("stopped", (), []), ("finished", (0,), [0.9]), ("finished", (0, 1), [0.1, 0.9]),
    ):  # fmt: skip
        with second.store() as store:
            store.set_state(status=status, updated=2.0 + len(counted))
        settings[1] = settings[1].model_copy(update={"ended": ended})
        best, bad = results(workspace, made, settings)
        assert (
            list(bad.values) == counted and best.values == (0.5, 0.6) and best.setting.values == {"optim.lr": "0.001"}
        )
        assert (bad.sample is None) == (not counted)


def test_a_sweep_that_was_given_more_seeds_shows_what_is_done(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    rates = ("0.001", "0.01", "0.1")
    finished_sweep(workspace, {"optim.lr": ",".join(rates)}, {(rate,): [0.5, 0.5, float(rate)] for rate in rates})
    made = definition.read(workspace, "made")
    told = definition.Settings(
        settings=definition.read_settings(workspace, "made").settings, finished=True, seeds=3, trials=3
    )
    file = definition.folder_of(workspace, "made") / definition.SETTINGS
    file.write_text(told.model_dump_json())
    assert definition.status_of(workspace, made) == "finished"
    made = definition.extend(workspace, made, seeds=range(4))
    # Nobody drives it yet, and it is not whole.
    assert definition.status_of(workspace, made) == "stopped"
    under_way = [one.model_copy(update={"state": "running"}) for one in told.settings]
    file.write_text(definition.Settings(settings=tuple(under_way)).model_dump_json())
    _, said, _ = call("sweep", "--show", "made", "--workspace", str(tmp_path))
    assert "0 of 3 settings, 4 seeds each, 9 of 12 runs have ended" in said
    assert "best so far: lr 0.1, median accuracy 50.00% over 3 seeds" in said and "3 of 4" in said
    assert "go on with: seqsum sweep --resume made" in said


# What is refused


class RefusingLauncher(LocalLauncher):
    """An engine that takes nothing: what is handed over inside is refused at the outermost end."""

    name = "refusing"

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Run] = []
        self.depth = 0

    def submit(self, run: Run, queue: bool = False) -> None:
        self.taken.append(run)

    @contextmanager
    def together(self) -> Iterator[None]:
        self.depth += 1
        yield
        self.depth -= 1
        if self.taken and not self.depth:
            for run in self.taken:
                run.end_before_start("no such partition")
            raise HandOverRefused("no such partition", "its runs are left")


def test_a_sweep_whose_runs_are_refused_is_stopped_and_says_how_it_goes_on(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made = definition_of(workspace, {"optim.lr": "0.001,0.01", "train.steps": 20})
    way_out = f"the sweep {made.name} is left, stopped: seqsum sweep --resume {made.name} hands its runs over again"
    for _ in range(2):
        definition.want(workspace, made.name, definition.Wanted())
        with pytest.raises(UserError, match=way_out), Driver(workspace, made.name, RefusingLauncher()) as driver:
            driver.look()
        begun = {run.id for run in workspace.runs()}
        assert definition.status_of(workspace, made) == "stopped"
        (listed,) = lines("sweep", "--list", "--workspace", str(tmp_path))
        assert listed["status"] == "stopped"
        _, said, _ = call("sweep", "--show", made.name, "--workspace", str(tmp_path))
        assert "stopped by itself: no such partition" in said and f"--resume {made.name}" in said
    # What it says is true: the same runs are begun, no others are made.
    told = swept(tmp_path, "--resume", made.name)
    assert told["status"] == "finished" and {run.id for run in workspace.runs()} == begun


def test_where_no_cluster_answers_nothing_is_left_behind(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    folder = tmp_path / "runs"
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        there = ["--on", "ray", "--job", f"address=127.0.0.1:{nobody.getsockname()[1]}", "--workspace", str(folder)]
        for more in ([], ["--detach"]):
            assert "sweep: can't reach Ray" in refused("sweep", "baseline", "--optim.lr", "0.1,0.2", *more, *there)
    assert not folder.exists()


def test_a_driver_that_can_t_begin_says_why(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made = definition_of(workspace, {"optim.lr": "0.001,0.01"})
    (definition.folder_of(workspace, made.name) / definition.JOURNAL).mkdir()
    with pytest.raises(UserError, match=rf"{made.name} could not be begun: .*{definition.JOURNAL}"):
        steering.drive_beside(workspace, made.name)


def test_a_run_whose_launcher_was_killed_is_not_queued(tmp_path: Path) -> None:
    """As a driver leaves it that is killed after it made a run, and before a worker had it."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom seqsum.config import Config\nfrom seqsum.runs import Workspace\n"
        "print(Workspace(Path(sys.argv[1])).create('baseline', Config()).id, flush=True)\nsys.stdin.read()"
    )
    workspace = Workspace(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as maker:
        assert maker.stdout is not None
        run = workspace.find(maker.stdout.readline().strip())
        assert run.summary().status == "queued"
        (before,) = workspace.index.read().entries
        assert before.summary.status == "queued"
        maker.kill()
    summary = run.summary()
    assert summary.status == "died" and f"seqsum resume {run.id} starts it" in str(summary.reason)
    (after,) = workspace.index.read(quick=True).entries
    assert after.summary.status == "died"
    (told,) = lines("runs", "--workspace", str(tmp_path))
    assert told["status"] == "died"


def test_without_optuna_it_is_said_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    made = definition_of(Workspace(tmp_path), {"optim.lr": "0.001,0.01"})
    with pytest.raises(UserError, match=r"needs Optuna.*pip install 'seqsum-tui\[sweep\]'"):
        Driver(Workspace(tmp_path), made.name, LocalLauncher())


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["baseline"], "give a field a list or a range"), ([], "PRESET is missing"),
        (["--resume", "none"], 'no sweep "none"'), (["--show", "../x"], "a name is 1 to 60 letters"),
        (["baseline", "--show", "x"], "stands alone"), (["--show", "x", "--pause", "y"], "stand alone"),
        (["baseline", "--optim.lr", "1e-3..1e-2"], "--trials"),
        (["baseline", "--optim.lr", "1,2", "--trials", "0"], "--trials"),
        (["baseline", "--optim.lr", "1,2", "--goal", "accuracies"], "accuracies"),
        (["baseline", "--optim.lr", "1,2", "--seeds", "x"], "sweep: --seeds"),
        (["--resume", "x", "--optim.lr", "1,2"], "stays as it began"),
        (["--show", "x", "--trials", "5"], "does not go with --show, but with a new sweep or --resume"),
        (["--importance", "x", "--output", "x.csv"], "--output goes with --show"),
        (["baseline", "--optim.lr", "1,2", "--output", "x.csv"], "--output goes with --show"),
        (["--pause", "x", "--dry-run"], "--dry-run does not go with --pause, but with a new sweep"),
        (["baseline", "--optim.lr", "1,2", "--sampler", "gp"], "how many of the 2 settings gp shall try"),
        (["--resume", "x", "--prune", "median"], "does not go with --resume"),
        (["baseline", "--optim.lr", "1,2", "--train.seed", "1"], "--seeds"),
        (["baseline", "--optim.lr", "1e-4..1e-1:LOG"], "a range like"),
        (["baseline", "--optim.lr", "1,2", "--goal", "foo"], "sweep: --goal: "),
        (["character_lm", "--task.tokenizer", "words,characters", "--goal", "accuracy"], "take bits_per_character"),
        (["character_lm", "--task.vocabulary_size", "50,90", "--goal", "eval_loss"], "take bits_per_character"),
        (["baseline", "--optim.lr", "1,2", "--name", "a/b"], "a name is"),
    ],
)  # fmt: skip
def test_what_makes_no_sweep_is_refused(words: list[str], why: str, tmp_path: Path) -> None:
    assert why in refused("sweep", *words, "--workspace", str(tmp_path / "runs"))


def test_many_runs_are_asked_for_at_a_terminal(tmp_path: Path) -> None:
    rates = ",".join(f"0.{at:03}" for at in range(1, 52))
    words = ["sweep", "baseline", f"--optim.lr={rates}", "--seeds", "2", "--workspace", str(tmp_path / "runs")]
    pid, terminal = pty.fork()
    if not pid:
        os.execv(sys.executable, [sys.executable, "-m", "seqsum.cli", *words])
    said = b""
    with suppress(OSError):  # the end of a terminal's output is an error on Linux
        while part := os.read(terminal, 4096):
            said += part
            if b"[y/N]" in part:
                os.write(terminal, b"n\n")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 2 and b"start 102 runs, about" in said
    assert b"sweep: nothing was done" in said and not (tmp_path / "runs").exists()
    # A long list is shown by its first values and how many there are.
    _, told, _ = call(*words, "--dry-run")
    assert told.startswith(
        "baseline-sweep: optim.lr 0.001,0.002,0.003,… (51 values)\n  51 settings × 2 seeds = 102 runs"
    )


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": 3}', '{"name": "s", "odd": 1}', "\0"])
def test_a_damaged_file_is_told_and_takes_nothing_down(text: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made = definition_of(workspace, {"optim.lr": "0.001,0.01"})
    folder = definition.folder_of(workspace, made.name)
    (folder / "settings.json").write_text(text)
    assert "can't read" in refused("sweep", "--show", made.name, "--workspace", str(tmp_path))
    (folder / "wanted.json").write_text(text)
    assert definition.read_wanted(workspace, made.name) == definition.Wanted()
    (folder / "sweep.json").write_text(text)
    assert "can't read" in refused("sweep", "--show", made.name, "--workspace", str(tmp_path))


def test_a_sweep_that_can_t_be_read_is_a_line_of_the_list_beside_the_others(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for name in ("good", "torn", "worn"):
        definition_of(workspace, {"optim.lr": "0.001,0.01"}, name=name)
    sweeps = definition.place(workspace)
    (sweeps / "torn" / "sweep.json").write_text("garbage")
    (sweeps / "worn" / "settings.json").write_text("garbage")
    for name in ("copied", "we ird"):
        shutil.copytree(sweeps / "good", sweeps / name)
    told = {one["name"]: one for one in lines("sweep", "--list", "--workspace", str(tmp_path))}
    assert list(told) == ["copied", "good", "torn", "we ird", "worn"]
    assert told["good"]["trials"] == 2 and told["good"]["over"] == {"optim.lr": "0.001,0.01"}
    reasons = {
        "copied": 'that of the sweep "good"', "torn": "can't read", "we ird": "a name is",
        "worn": "--resume worn makes it anew",
    }  # fmt: skip
    for name, why in reasons.items():
        assert told[name]["status"] == "unreadable" and why in told[name]["reason"]
    shown = call("sweep", "--list", "--workspace", str(tmp_path))[1].splitlines()
    assert [line.split("  ")[0] for line in shown] == ["SWEEP", *told]


def test_what_its_driver_had_not_written_down_stands_in_the_journal(tmp_path: Path) -> None:
    told = swept(tmp_path, "baseline", *FLAGS, "--optim.lr", "0.001,0.01", "--seeds", "1")
    file = tmp_path / ".sweeps" / "baseline-sweep" / "settings.json"
    written = json.loads(file.read_text())
    # As a driver leaves it that is killed after it told Optuna.
    written["settings"][0] |= {"state": "running", "value": None}
    file.write_text(json.dumps(written | {"finished": False}))
    again = swept(tmp_path, "--resume", "baseline-sweep")
    assert [(one["values"], one["state"], one["value"]) for one in again["settings"]] == [
        (one["values"], one["state"], one["value"]) for one in told["settings"]
    ]
    assert len(Workspace(tmp_path).runs()) == 2
