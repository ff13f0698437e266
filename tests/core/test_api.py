"""What a script does with runs by `import seqsum`, against the stores, the command line and plain PyTorch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import seqsum
from seqsum.models.settings import RecurrentConfig
from seqsum.runs import Workspace
from support.command_line import lines
from support.engine import SMALL, PlainModel, new_run, small, train_here, wait_until

CHANGES = {**SMALL, "train.steps": 40, "train.evaluate_every": 20, "train.checkpoint_every": 20}


@pytest.fixture
def run(tmp_path: Path) -> seqsum.TrainedRun:
    return seqsum.train("baseline", CHANGES, name="mine", workspace=tmp_path)


def test_a_run_is_trained_and_read(run: seqsum.TrainedRun, tmp_path: Path) -> None:
    (listed,) = lines("runs", "--workspace", str(tmp_path))
    assert (
        (run.id, run.name, run.status)
        == (listed["run"], "mine", "finished")
        == (listed["run"], listed["name"], "finished")
    )
    assert repr(run) == f"<run mine ({run.id}), finished at step 40>"
    steps, losses = run.metric("loss")
    with run.run.store() as store:
        expected = store.points("loss")
    assert np.array_equal(steps, expected[0]) and np.array_equal(losses, expected[1])
    assert (steps.dtype, losses.dtype) == (np.int64, np.float64)
    assert run.last["loss"] == losses[-1] and run.best["loss"] == losses.min()
    assert run.best["accuracy"] == run.metric("accuracy").values.max()
    assert run.config["train.steps"] == 40 and "loss" in run.metrics
    with pytest.raises(seqsum.UserError, match='did you mean "train'):
        _ = run.config["train.step"]
    for values in (run.last, run.best):
        with pytest.raises(seqsum.UserError, match='did you mean "loss"'):
            _ = values["los"]
    with pytest.raises(seqsum.UserError, match='no metric "los"; there are loss'):
        run.metric("los")
    assert seqsum.find_run("mine", workspace=tmp_path) == run
    assert run.wait(1) == run


def test_its_bits_are_those_of_the_command_line(run: seqsum.TrainedRun, tmp_path: Path) -> None:
    _, (_, weights, *_) = train_here(run.run.config(), tmp_path / "here")
    assert (run.run.checkpoints / "step-40" / "model.safetensors").read_bytes() == weights


def test_its_model_answers_as_plain_torch_does(run: seqsum.TrainedRun) -> None:
    model = seqsum.load(run)
    config = run.run.config()
    assert isinstance(config.model, RecurrentConfig)
    plain = PlainModel(5, config.model).eval()
    plain.load_state_dict(model.module.state_dict())
    tokens = torch.tensor([[1, 2, 3]])
    with torch.inference_mode():
        logits = plain(tokens, torch.tensor([3]))
        states, _ = plain.rnn(plain.embedding(tokens))
    assert model("1 2 3") == int(logits.argmax())
    asked = model.ask("predict", input="1 2 3")
    assert asked["probabilities"] == pytest.approx(torch.softmax(logits.double(), 1)[0].tolist(), abs=1e-5)
    assert model.states("1 2 3")[-1] == pytest.approx(states[0].numpy(), abs=1e-5)
    assert (model.step, seqsum.load(run, 20).step) == (40, 20)
    best = seqsum.load(run, "best").step
    assert run.metric("accuracy").values[[20, 40].index(best)] == run.best["accuracy"]
    for wrong, why in ((7, "no checkpoint of step 7"), ("first", "must be best, last or a whole number")):
        with pytest.raises(seqsum.UserError, match=why):
            seqsum.load(run, wrong)  # type: ignore[arg-type]
    with pytest.raises(seqsum.UserError):
        model("one two")


def test_several_seeds_are_a_group_and_what_is_there_is_not_trained_again(tmp_path: Path) -> None:
    several = seqsum.train("baseline", CHANGES, seeds=3, group="g", workspace=tmp_path)
    assert [one.config["train.seed"] for one in several] == [0, 1, 2]
    assert {one.status for one in several} == {"finished"} and {one.summary.group for one in several} == {"g"}
    again = seqsum.train("baseline", CHANGES, seeds=[1, 3], group="g", workspace=tmp_path)
    assert again[0] == several[1] and len(Workspace(tmp_path).runs()) == 4
    found = seqsum.list_runs("group:g", workspace=tmp_path)
    assert set(found) == {*several, *again} and len(found[:2]) == 2
    assert len(seqsum.list_runs("group:h", workspace=tmp_path)) == 0
    assert [one.id for one in seqsum.list_runs(workspace=tmp_path)] == [one.id for one in found]


def test_without_waiting_it_goes_on_by_itself_and_is_steered(tmp_path: Path) -> None:
    run = seqsum.train("baseline", {**SMALL, "train.steps": 10_000_000}, wait=False, workspace=tmp_path)
    wait_until(lambda: run.status == "running" and run.summary.step, "that it trains")
    with pytest.raises(TimeoutError, match="is still running"):
        run.wait(0.01)
    run.pause()
    assert run.wait() == run and run.status == "paused"
    run.set("optim.lr", 0.5)
    assert run.config["optim.lr"] == 0.5
    run.resume()
    wait_until(lambda: run.status == "running", "that it goes on")
    run.stop()
    assert run.wait().status == "stopped"


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    for words, why in (
        ({"preset": "basline"}, "did you mean"), ({"changes": {"optim.lrr": 1}}, "is no field"),
        ({"seeds": 0}, "seeds is how many"), ({"seeds": [1, 1]}, "seeds is how many"),
        ({"seeds": 10**9}, "1 to 1024"), ({"seeds": range(10**9)}, "1 to 1024"), ({"seeds": "a"}, "seeds is how many"),
        ({"seeds": 1.5}, "seeds is how many"), ({"seeds": True}, "seeds is how many"),
        ({"seeds": 2, "name": "a"}, "group"),
    ):  # fmt: skip
        with pytest.raises(seqsum.UserError, match=why):
            seqsum.train(**{"preset": "baseline", **words}, workspace=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(seqsum.UserError, match="no run"):
        seqsum.find_run("nobody", workspace=tmp_path)
    with pytest.raises(seqsum.UserError):
        seqsum.list_runs("step >", workspace=tmp_path)
    assert Workspace(tmp_path).runs() == []
    failing = {**SMALL, "train.steps": 200, "optim.name": "sgd", "optim.lr": 1e38, "train.backend": "torch"}
    with pytest.raises(seqsum.UserError, match="has failed: loss became"):
        seqsum.train("baseline", failing, workspace=tmp_path)


def test_a_table_holds_settings_and_values(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    for name, rate in (("a", 0.01), ("b", 0.02)):
        one = new_run(tmp_path, small(optim__lr=rate), name)
        with one.store() as store:
            store.append([("loss", 1, 3.0), ("loss", 2, rate), ("loss", 3, 2.0)])
    with seqsum.watch("c", {"lr": 1.0}, workspace=tmp_path) as watched:
        watched.log(1, loss=7.0)
    table = seqsum.list_runs(workspace=tmp_path).to_pandas()
    assert isinstance(table, pandas.DataFrame) and table["name"].tolist() == ["c", "b", "a"]
    assert table.loc[table["name"] == "b", ["optim.lr", "last.loss", "best.loss"]].to_numpy().tolist() == [
        [0.02, 2.0, 0.02]
    ]
    assert table.loc[table["name"] == "c", "config.lr"].tolist() == [1.0]


def test_a_notebook_shows_a_table_and_a_chart_with_all_text_literal(tmp_path: Path) -> None:
    with seqsum.watch("<b>bold</b>", workspace=tmp_path) as watched:
        for step in range(1, 20):
            watched.log(step, loss=1 / step, **{"<i>": 1.0})
    (run,) = seqsum.list_runs(workspace=tmp_path)
    shown = run._repr_html_()
    assert "<svg" in shown and "<table>" in shown and "finished" in shown and "0.0526" in shown
    assert "<b>" not in shown and "<i>" not in shown and "&lt;b&gt;bold" in shown
    assert "<svg" not in seqsum.list_runs(workspace=tmp_path)._repr_html_()
    new_run(tmp_path / "other", small())
    assert "queued" in seqsum.list_runs(workspace=tmp_path / "other")[0]._repr_html_()


def test_torch_is_loaded_where_a_model_is(tmp_path: Path, run: seqsum.TrainedRun) -> None:
    words = (
        "import seqsum, sys\nrun = seqsum.find_run('mine')\nrun.metric('loss'); run.config; run.best\n"
        "print('torch' in sys.modules)\nprint(seqsum.load('mine')('1 2'), 'torch' in sys.modules)"
    )
    environment = {**os.environ, "SEQSUM_WORKSPACE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", words], stdout=subprocess.PIPE, text=True, env=environment, check=True)
    first, second = done.stdout.splitlines()
    assert first == "False" and second.endswith("True")
