"""The engines that start workers: chosen by name, what they run can be seen before it is run."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import psutil
import pytest

from seqsum.config import TrainConfig
from seqsum.errors import UserError
from seqsum.launch import LocalLauncher, read_options
from seqsum.runs import Workspace
from seqsum.sweeps import definition
from support.command_line import call, lines, refused
from support.engine import new_run, small, wait_for_end, wait_until

FLAGS = ["baseline", "--train.steps", "20"]


@pytest.mark.parametrize("queue", [False, True])
def test_what_a_dry_run_shows_is_what_a_worker_is_started_by(queue: bool, tmp_path: Path) -> None:
    launcher = LocalLauncher(workers=3)
    config = small(train__steps=200_000, train__threads=2, train__backend="torch")
    shown = shlex.split(launcher.command(tmp_path, 1, config.train, queue))
    run = new_run(tmp_path, config)
    process = psutil.Process(launcher.submit(run, queue))
    # Empty for the moment in which it becomes another program.
    environment = wait_until(process.environ, "its environment")
    command = process.cmdline()
    launcher.stop(run)
    wait_for_end(run)
    begun = [word for word in shown if "=" in word and not word.startswith("-")]
    assert dict(word.split("=") for word in begun).items() <= environment.items()
    # What is made with the run: its id, its lock's descriptor, its place in the queue.
    place = command.index(str(run.folder))
    made = {"LOCK": command[place + 1], "TICKET": command[place + 2]}
    assert [made.get(word, word.replace("/RUN", f"/{run.id}")) for word in shown[len(begun) :]] == command


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (["train", *FLAGS], 1), (["replicate", *FLAGS, "--seeds", "3"], 3),
        (["sweep", *FLAGS, "--optim.lr", "0.1,0.2", "--seeds", "3"], 6),
    ],
)  # fmt: skip
def test_a_dry_run_starts_and_leaves_nothing(words: list[str], runs: int, tmp_path: Path) -> None:
    there = [*words, "--dry-run", "--workspace", str(tmp_path)]
    told = lines(*there, "--on", "local", "--job", "workers=5")[-1]
    command = LocalLauncher(5).command(tmp_path, runs, TrainConfig(), queue=words[0] != "train")
    assert told == {"event": "command", "on": "local", "runs": runs, "command": command, "dry_run": True}
    status, out, err = call(*there)
    assert (status, err) == (0, "") and "nothing is started" in out and "seqsum.worker" in out
    assert not list(tmp_path.iterdir())


def test_resume_stays_with_runs_that_their_engine_would_end_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ends(LocalLauncher):
        name, outlives = "ray", False

    asked: list[tuple[str, dict[str, str]]] = []

    def launcher_on(engine: str, options: dict[str, str], workspace: Path, *, warm: bool = False) -> Ends:
        asked.append((engine, options))
        return Ends(workers=2)

    monkeypatch.setattr("seqsum.cli.engine.launcher_on", launcher_on)
    runs = [new_run(tmp_path, small(train__steps=20)) for _ in range(2)]
    words = ["resume", *(run.id for run in runs), "--on", "ray", "--job", "at_once=2", "--workspace", str(tmp_path)]
    assert "ray ends what a program started together with it; leave --detach out" in refused(*words, "--detach")
    told = lines(*words)
    assert {run.summary().status for run in runs} == {"finished"}
    assert [(one["run"], one["status"]) for one in told[-2:]] == [(run.id, "finished") for run in runs]
    assert asked[-1] == ("ray", {"at_once": "2"})


def test_what_is_wrong_is_said_by_a_dry_run_too(tmp_path: Path) -> None:
    words = ["train", "baseline", "--dry-run", "--workspace", str(tmp_path)]
    assert "optim.lr" in refused(*words, "--optim.lr", "fast")
    assert "accuracies" in refused(*words, "--train.best_metric", "accuracies", "--train.keep_best", "on")


def test_options_of_jobs_are_names_with_values() -> None:
    assert read_options(None) == read_options("") == {}
    said = read_options("partition=gpu,nodelist=a,b[1-3],time=2:00:00,gres=gpu:2,cpus-per-task=4")
    assert said == {
        "partition": "gpu", "nodelist": "a,b[1-3]", "time": "2:00:00", "gres": "gpu:2", "cpus_per_task": "4"
    }  # fmt: skip
    for text in ("partition", "=x", "a b=c", "1=2"):
        with pytest.raises(UserError, match="--job is NAME=VALUE"):
            read_options(text)
    with pytest.raises(UserError, match="time is given twice"):
        read_options("time=1,time=2")


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("worker=2", 'did you mean "workers"'),
        ("workers=0", "1 to 1,024"),
        ("partition=x", "it has workers"),
        ("x", "="),
    ],
)
def test_options_that_this_machine_has_not_are_refused(option: str, why: str, tmp_path: Path) -> None:
    for words in (["train", *FLAGS], ["sweep", *FLAGS, "--optim.lr", "0.1,0.2"], ["replicate", *FLAGS, "--seeds", "2"]):
        assert why in refused(*words, "--job", option, "--workspace", str(tmp_path / "runs"))
    assert not list(tmp_path.iterdir())


def test_an_engine_that_there_is_not_is_refused(tmp_path: Path) -> None:
    assert "--on must be one of local" in refused("train", *FLAGS, "--on", "cloud", "--workspace", str(tmp_path))


def test_a_sweep_keeps_its_engine_and_can_be_given_another(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        '[sweep]\npreset = "baseline"\nseeds = 1\non = "local"\njob = "workers=1"\n'
        "[optim]\nlr = [0.1, 0.2]\n[train]\nsteps = 20\n"
    )
    workspace = Workspace(tmp_path / "runs")
    there = ["--workspace", str(workspace.folder)]
    told = lines("sweep", str(tmp_path / "a.toml"), *there)
    assert next(one for one in told if one["event"] == "command")["runs"] == 2
    made = definition.read(workspace, "baseline-sweep")
    assert (made.on, made.on_options) == ("local", {"workers": "1"})
    status, _, _ = call("sweep", "--resume", made.name, "--on", "local", "--job", "workers=2", *there)
    assert status == 0 and definition.read(workspace, made.name).on_options == {"workers": "2"}
    assert "does not go with --show" in refused("sweep", "--show", made.name, "--on", "local", *there)
    assert "worker" in refused("sweep", "--resume", made.name, "--job", "worker=2", *there)


def test_a_sweep_of_an_earlier_version_is_local(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    lines("sweep", *FLAGS, "--optim.lr", "0.1,0.2", "--seeds", "1", "--workspace", str(tmp_path))
    path = definition.folder_of(workspace, "baseline-sweep") / definition.DEFINITION
    known = json.loads(path.read_text())
    path.write_text(json.dumps({name: known[name] for name in known if not name.startswith("on")}))
    assert definition.read(workspace, "baseline-sweep").on == "local"
