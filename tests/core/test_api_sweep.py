"""A sweep from Python: it is that of the command line, and its object says what the folders say."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import seqsum
from seqsum.runs import Workspace
from support.command_line import lines
from support.engine import SMALL, wait_until

pytest.importorskip("optuna")
FEW = {**SMALL, "train.steps": 20, "train.evaluate_every": 20}


def test_a_sweep_is_that_of_the_command_line(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    over = {**FEW, "optim.lr": [0.001, 0.1], "model.hidden_size": 8}
    sweep = seqsum.sweep("baseline", over, seeds=2, name="mine", workspace=tmp_path)
    (told,) = lines("sweep", "--show", "mine", "--workspace", str(tmp_path))
    assert (sweep.status, told["status"], sweep.goal) == ("finished", "finished", "accuracy")
    assert [one.values for one in sweep.settings] == [
        {path: float(text) for path, text in one["values"].items()} for one in told["settings"]
    ]
    assert [[run.id for run in one.runs] for one in sweep.settings] == [one["runs"] for one in told["settings"]]
    assert len({run.id for run in sweep.runs}) == 4
    for one in sweep.settings:
        assert all(run.config["optim.lr"] == one.values["optim.lr"] for run in one.runs)
        assert one.value == statistics.median(run.last["accuracy"] for run in one.runs)
    assert sweep.best.value == max(one.value or 0.0 for one in sweep.settings)
    assert repr(sweep) == "<sweep mine, finished, 2 of 2 settings>"
    table = sweep.to_pandas()
    assert isinstance(table, pandas.DataFrame) and list(table["median"]) == [one.value for one in sweep.settings]
    assert {"optim.lr", "state", "seeds", "goal"} <= set(table.columns)
    shown = sweep._repr_html_()
    assert "<svg" in shown and "median accuracy" in shown and "&lt;sweep mine" in shown
    sweep.stop()  # it has ended: nothing happens
    assert sweep.status == "finished"


def test_a_sweep_that_is_not_waited_for_is_stopped_and_goes_on(tmp_path: Path) -> None:
    over = {**FEW, "optim.lr": "1e-3..1e-1:log", "train.steps": 100_000}
    sweep = seqsum.sweep("baseline", over, seeds=[3, 5], trials=3, sampler="random", wait=False, workspace=tmp_path)
    assert sweep.name == "baseline-sweep" and sweep.status == "running"
    wait_until(lambda: any(run.status == "running" for run in sweep.runs), "a run of the sweep")
    with pytest.raises(TimeoutError, match="still running"):
        sweep.wait(0)
    with pytest.raises(seqsum.UserError, match="has its accuracy of all seeds yet"):
        _ = sweep.best
    sweep.stop()
    assert sweep.wait(120).status == "stopped"
    assert {run.config["train.seed"] for run in sweep.runs} <= {3, 5}


def test_an_interrupted_wait_stops_the_sweep(tmp_path: Path) -> None:
    over = {**FEW, "optim.lr": [0.001, 0.1], "train.steps": 100_000}
    # As a terminal has it: what runs behind a shell's & has ctrl+c ignored.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    script = (
        f"{heard}; import seqsum; seqsum.sweep('baseline', {over!r}, seeds=1, name='mine', workspace={str(tmp_path)!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, env=os.environ, text=True)
    sweep = seqsum.StartedSweep(Workspace(tmp_path), "mine")

    def begun() -> bool:
        try:
            return any(run.status == "running" for run in sweep.runs)
        except seqsum.UserError:
            return False

    wait_until(begun, "a run of the sweep")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0 and sweep.wait(120).status == "stopped"


@pytest.mark.parametrize(
    ("changes", "options", "match"),
    [
        ({"optim.lr": []}, {}, "empty list"),
        ({"optim.lr": [0.1, 0.2], "optim.lrr": 3}, {}, "optim.lrr"),
        ({"optim.lr": [0.1, 0.2]}, {"sampler": "best"}, "sampler must be one of grid"),
        ({"optim.lr": [0.1, 0.2]}, {"seeds": 0}, "sweep: seeds is how many"),
        ({"optim.lr": [0.1, 0.2]}, {"trials": 0}, "trials is how many settings"),
        ({"optim.lr": 0.1}, {}, "nothing to go over|goes over|list"),
        ({"model.cell": ["lstm,gru", "rnn"]}, {}, "comma"),
    ],
)
def test_what_is_no_sweep_is_refused(
    tmp_path: Path, changes: dict[str, object], options: dict[str, object], match: str
) -> None:
    with pytest.raises(seqsum.UserError, match=match):
        seqsum.sweep("baseline", changes, workspace=tmp_path, **options)
    assert not list(tmp_path.rglob("sweep.json"))
