"""Exports in other tools' own formats: read by those tools themselves, and followed again as their logs."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from mlflow.tracking import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.util.tensor_util import make_ndarray

import seqsum
from seqsum.cli import main
from seqsum.config import Config
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.annotations import annotate
from support.fake_wandb_server import wandb_server
from support.following import followed, following, points

NAME, NOTE = 'a/b é: it\'s "mine" | <x>', "first line\nsecond | line é"
CLOCK = {10: 1_900_000_010.5, 40: 1_900_000_100.25}
POINTS = {
    "loss": {10: 0.1 + 0.2, 20: math.nan, 30: 1 / 3, 40: -math.inf},
    "val/ppl": {20: 7.0, 40: 1e30},
    "accuracy": {40: 0.97462},
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    config = Config().changed({"track.group": "grp", "optim.lr": 0.0123}, "test")
    run = Workspace(tmp_path / "runs").create("baseline", config, NAME)
    annotate(run.folder, note=NOTE, tags=["one", "two words"])
    with run.store() as store:
        rows = {**POINTS, "wall_time": CLOCK}
        store.append((name, step, value) for name, some in rows.items() for step, value in some.items())
        store.set_state(status="finished", step=40, updated=1_900_000_100.25)
    return run


def export(run: Run, *arguments: str) -> int:
    return main(["export", run.id, "--workspace", str(run.folder.parent), *arguments])


def when(run: Run, step: int) -> float:
    """Between the times that the clock tells."""
    known = {0: run.summary().created, **CLOCK}
    return float(np.interp(step, list(known), list(known.values())))


def same(one: list[tuple[int, float]], other: list[tuple[int, float]]) -> bool:
    return np.array_equal(np.array(one), np.array(other), equal_nan=True)


def test_tensorboard_reads_it(run: Run, tmp_path: Path) -> None:
    assert export(run, "--to", "tensorboard", "--output", str(tmp_path / "tb")) == 0
    (folder,) = (tmp_path / "tb").iterdir()
    read = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0}).Reload()
    assert set(read.Tags()["scalars"]) == set(POINTS)
    for name, some in POINTS.items():
        found = read.Scalars(name)
        assert same([(one.step, one.value) for one in found], [(step, np.float32(one)) for step, one in some.items()])
        assert [one.wall_time for one in found] == pytest.approx([when(run, step) for step in some], abs=1e-6)
    start = read.summary_metadata["_hparams_/session_start_info"].plugin_data
    said = HParamsPluginData.FromString(start.content).session_start_info
    assert start.plugin_name == "hparams" and said.group_name == "grp"
    assert said.hparams["optim.lr"].number_value == 0.0123 and said.hparams["model.cell"].string_value == "rnn"
    end = HParamsPluginData.FromString(read.summary_metadata["_hparams_/session_end_info"].plugin_data.content)
    assert end.session_end_info.status == 1 and end.session_end_info.end_time_secs == 1_900_000_100.25
    words = {tag: make_ndarray(read.Tensors(tag)[0].tensor_proto)[0].decode() for tag in read.Tags()["tensors"]}
    assert words["note/text_summary"] == NOTE and "| optim.lr | 0.0123 |" in words["config/text_summary"]
    assert "| tags | one, two words |" in words["run/text_summary"]
    assert "| status | finished |" in words["run/text_summary"]


def test_mlflow_reads_it(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    root = tmp_path / "mlruns"
    assert export(run, "--to", "mlflow", "--output", str(root)) == 0
    client = MlflowClient(root.as_uri())
    (experiment,) = [one for one in client.search_experiments() if one.name == "seqsum"]
    (found,) = client.search_runs([experiment.experiment_id])
    assert (found.info.run_name, found.info.status, found.info.run_id) == (NAME, "FINISHED", run.id)
    assert found.info.end_time == 1_900_000_100_250
    for name, some in POINTS.items():
        history = client.get_metric_history(run.id, name)
        assert same([(one.step, one.value) for one in history], list(some.items()))
        times = [one.timestamp for one in history]
        assert times == [round(when(run, step) * 1000) for step in some]
    assert found.data.params["optim.lr"] == "0.0123" and found.data.params["model.cell"] == "rnn"
    tags = found.data.tags
    assert (tags["mlflow.note.content"], tags["group"], tags["tags"]) == (NOTE, "grp", "one, two words")
    # What it makes itself lies beside, and its own run, too.
    made = client.create_run(experiment.experiment_id)
    client.log_metric(made.info.run_id, "loss", 1.0)
    other = Workspace(run.folder.parent).create("baseline", Config(), "another")
    with other.store() as store:
        store.append([("loss", 1, 2.0)])
    assert export(other, "--to", "mlflow", "--output", str(root)) == 0
    assert len(client.search_runs([experiment.experiment_id])) == 3


def test_wandb_uploads_it(run: Run, tmp_path: Path) -> None:
    assert export(run, "--to", "wandb-offline", "--output", str(tmp_path / "wandb")) == 0
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    with wandb_server() as uploaded:
        own = {"HOME": str(tmp_path), "WANDB_API_KEY": "a" * 40, "WANDB_BASE_URL": uploaded.url, "WANDB_ENTITY": "me"}
        subprocess.run(
            [sys.executable, "-m", "wandb", "sync", str(folder)], check=True, cwd=tmp_path, capture_output=True,
            env={**os.environ, **own}, timeout=120,
        )  # fmt: skip
    said = uploaded.run
    assert (said["displayName"], said["groupName"], said["notes"]) == (NAME, "grp", NOTE)
    assert said["tags"] == ["one", "two words"] and said["name"] == run.id
    config = json.loads(said["config"])
    assert config["optim"]["value"]["lr"] == 0.0123 and config["seqsum"]["value"]["status"] == "finished"
    rows = {row["_step"]: row for row in uploaded.history}
    assert list(rows) == [10, 20, 30, 40] and uploaded.exits == [0]
    for name, some in POINTS.items():
        assert same([(step, float(row[name])) for step, row in rows.items() if name in row], list(some.items()))
    assert [row["_timestamp"] for row in rows.values()] == pytest.approx([when(run, step) for step in rows], abs=1e-6)


def test_pandas_reads_the_parquet(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    assert export(run, "--output", str(path)) == 0
    read = pandas.read_parquet(path, dtype_backend="pyarrow")
    assert list(read["step"]) == [10, 20, 30, 40] and str(read["step"].dtype) == "int64[pyarrow]"
    for name, some in POINTS.items():
        kept = read[["step", name]].to_dict("tight")["data"]
        assert same([(step, value) for step, value in kept if value is not None], list(some.items()))
    import pyarrow.parquet

    (told,) = json.loads(pyarrow.parquet.read_schema(path).metadata[b"seqsum"])
    assert (told["id"], told["name"], told["tags"], told["note"]) == (run.id, NAME, ["one", "two words"], NOTE)
    assert Config.parse(told["config"], "test") == Config.parse(run.settings(), "test")


def test_without_pyarrow_it_says_what_to_install(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert export(run, "--output", str(tmp_path / "out.parquet")) == 2
    assert "needs pyarrow, which is not installed: pip install 'seqsum-tui[parquet]'" in capsys.readouterr().err


@pytest.mark.parametrize("tool", ["tensorboard", "wandb-offline", "mlflow"])
def test_followed_again_it_has_the_same_numbers(run: Run, tool: str, tmp_path: Path) -> None:
    root = tmp_path / "logs"
    assert export(run, "--to", tool, "--output", str(root)) == 0
    with following(root, tmp_path / "again") as follower:
        ((name, again),) = followed(follower).items()
        assert follower.problems == []
    bits = np.float32 if tool == "tensorboard" else float
    for metric, some in POINTS.items():
        assert same(points(again, metric), [(step, bits(value)) for step, value in some.items()])
    summary = again.summary()
    assert again.settings()["optim"]["lr"] == 0.0123 and again.settings()["model"]["cell"] == "rnn"
    if tool != "tensorboard":
        assert (name, summary.status, summary.group) == (NAME, "finished", "grp")
        assert summary.tags == ("one", "two words")


@pytest.mark.parametrize("tool", ["tensorboard", "wandb-offline", "mlflow"])
def test_a_followed_log_and_a_scripts_run_are_exported_as_well(tool: str, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("step,loss\n1,0.5\n2,0.25\n")
    with following(tmp_path / "log.csv", tmp_path / "runs") as follower:
        (log,) = followed(follower).values()
    with seqsum.watch("mine", config={"lr": 0.5}, workspace=tmp_path / "runs") as watched:
        watched.log(1, loss=0.5)
        watched.log(2, loss=0.25)
    script = next(run for run in Workspace(tmp_path / "runs").runs() if run.id != log.id)
    for run in (log, script):
        assert export(run, "--to", tool, "--output", str(tmp_path / "out" / run.id)) == 0
        with following(tmp_path / "out" / run.id, tmp_path / "again" / run.id) as follower:
            (again,) = followed(follower).values()
        assert points(again, "loss") == [(1, 0.5), (2, 0.25)]
    assert again.settings()["config"]["lr"] == 0.5


@pytest.fixture
def group(run: Run) -> Iterator[list[Run]]:
    made = [run]
    for seed in (1, 2):
        config = load_preset("baseline").config.changed({"track.group": "grp", "train.seed": seed}, "test")
        made.append(Workspace(run.folder.parent).create("baseline", config, f"seed-{seed}"))
        with made[-1].store() as store:
            store.append([("loss", 10, float(seed)), ("other", 20, 0.5)])
    yield made


def test_several_runs_are_one_table_or_a_folder_each(
    group: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    there = ["--workspace", str(group[0].folder.parent)]
    assert main(["export", "group:grp", "--to", "csv", *there]) == 0
    read = pandas.read_csv("grp.csv")
    assert list(read["run"]) == [*[group[2].id] * 2, *[group[1].id] * 2, *[group[0].id] * 4]
    assert list(read.loc[read["name"] == "seed-2", "loss"].dropna()) == [2.0]
    assert main(["export", "group:grp", "--to", "json", *there]) == 0
    assert [one["run"] for one in json.loads(Path("grp.json").read_text())] == [one.id for one in reversed(group)]
    for tool, place in (("tensorboard", "tensorboard"), ("wandb-offline", "wandb"), ("mlflow", "mlruns/*")):
        assert main(["export", "--filter", "has:loss", "--to", tool, *there]) == 0
        assert len([one for one in Path().glob(f"{place}/*") if one.is_dir()]) == 3
    capsys.readouterr()
    assert main(["export", "group:grp", "--to", "weights", *there]) == 2
    assert "weights and models are of one run; 3 are named" in capsys.readouterr().err


def test_names_that_a_tool_can_not_have(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = ["a", "a/b", "a/b/c", "../up", "/root", "x//y", ".", "é?*", "w" * 400, "loss/", "val\\ppl"]
    with run.store() as store:
        store.append((name, 5, float(place)) for place, name in enumerate(odd))
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    before = sorted(tmp_path.iterdir())
    assert export(run, "--to", "mlflow", "--output", str(tmp_path / "out" / "mlruns")) == 0
    (found,) = MlflowClient((tmp_path / "out" / "mlruns").as_uri()).search_runs(
        [path.name for path in (tmp_path / "out" / "mlruns").iterdir()]
    )
    assert len(found.data.metrics) == len(POINTS) + len(odd)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mlruns"]
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "out"])


def test_nothing_that_is_there_is_lost(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = Workspace(run.folder.parent).create("baseline", Config(), "src")
    with other.store() as store:
        store.append([("loss", 1, 1.0)])
    mine = tmp_path / "code" / "src"
    mine.mkdir(parents=True)
    (mine / "main.py").write_text("mine")
    for arguments, said in (
        ([], "is there already; choose another --output, or replace it with --force"),
        (["--force"], "holds other things, such as main.py; choose another --output"),
    ):
        assert export(other, "--to", "tensorboard", "--output", str(tmp_path / "code"), *arguments) == 2
        assert said in capsys.readouterr().err
    assert (mine / "main.py").read_text() == "mine" and len(list((tmp_path / "code").iterdir())) == 1
    for tool in ("tensorboard", "wandb-offline", "mlflow"):
        root = str(tmp_path / tool)
        assert export(run, "--to", tool, "--output", root) == 0
        before = sorted(Path(root).rglob("*"))
        assert export(run, "--to", tool, "--output", root) == 2
        assert export(run, "--to", tool, "--output", root, "--force") == 0
        assert sorted(Path(root).rglob("*")) == before


def test_what_can_not_be_written(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    cases: list[tuple[list[str], str]] = [
        (["--to", "mlflow", "--output", str(tmp_path / "file")], "export: can't write"),
        (["--to", "mlflow", "--output", "-"], "mlflow is no text; name a folder with --output"),
        (["--to", "neptune"], 'no format "neptune"; choose one of csv'),
        (["--to", "tensorboard", "--checkpoint", "1"], "--checkpoint goes with weights"),
        ([], "--to is missing"),
    ]
    for arguments, said in cases:
        assert export(run, *arguments) == 2
        assert said in capsys.readouterr().err
    empty = Workspace(run.folder.parent).create("baseline", Config(), "empty")
    told: Any = main(["export", "empty", NAME, "--to", "mlflow", "--output", str(tmp_path / "m"), "--workspace",
                      str(run.folder.parent)])  # fmt: skip
    assert told == 2 and f"run {empty.id} has no metrics yet" in capsys.readouterr().err
    assert not (tmp_path / "m").exists(), "nothing of the others is written either"
