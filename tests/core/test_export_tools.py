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

import mlflow
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
from seqsum.errors import UserError
from seqsum.export.folder import Folder
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.annotations import annotate
from support.fake_wandb_server import Uploaded, wandb_server
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


def sync(folder: Path, home: Path) -> Uploaded:
    """Upload an offline run by W&B's own command; return what the server took."""
    with wandb_server() as uploaded:
        own = {"HOME": str(home), "WANDB_API_KEY": "a" * 40, "WANDB_BASE_URL": uploaded.url, "WANDB_ENTITY": "me"}
        subprocess.run(
            [sys.executable, "-m", "wandb", "sync", str(folder)], check=True, cwd=home, capture_output=True,
            env={**os.environ, **own}, timeout=120,
        )  # fmt: skip
    return uploaded


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
    uploaded = sync(folder, tmp_path)
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
    assert (summary.status, summary.group, summary.problems) == ("finished", "grp", ())
    if tool != "tensorboard":
        assert (name, summary.tags) == (NAME, ("one", "two words"))


AS_TOLD = ("status", "reason", "step", "steps", "train_seconds", "steps_per_second", "measure", "problems", "verdict")


@pytest.mark.parametrize("tool", ["tensorboard", "wandb-offline", "mlflow"])
@pytest.mark.parametrize("ended", [("finished", None), ("stopped", "by | a person"), ("died", "killed")])
def test_followed_again_it_ended_as_it_did_after_as_long_and_goes_by_the_same_verdict(
    tool: str, ended: tuple[str, str | None], tmp_path: Path
) -> None:
    config = load_preset("baseline").config.changed({"train.steps": 90, "track.tags": ()}, "test")
    run = Workspace(tmp_path / "runs").create("baseline", config, "mine")
    with run.store() as store:
        store.append([("loss", step, 2.0 + step % 2) for step in range(0, 81, 5)] + [("accuracy", 80, 0.108)])
        began = run.summary().created
        store.append([("wall_time", step, began + 3.0 + step / 50) for step in (0, 80)])
        store.set_state(
            status=ended[0], reason=ended[1], step=80, updated=began + 9.0, train_seconds=1.625, chance=0.1,
            steps_per_second=7.0,
        )  # fmt: skip
    assert export(run, "--to", tool, "--output", str(tmp_path / "logs")) == 0
    with following(tmp_path / "logs", tmp_path / "again") as follower:
        (again,) = followed(follower).values()
    mine, theirs = run.summary(judged=True), again.summary(judged=True)
    assert mine.verdict is not None and mine.verdict.word == "at chance" and mine.steps_per_second == 80 / 1.625
    assert {name: getattr(theirs, name) for name in AS_TOLD} == {name: getattr(mine, name) for name in AS_TOLD}
    assert theirs.tags == mine.tags == () and theirs.measure == ""


@pytest.mark.parametrize("facts", ["nonsense", {"status": 5, "steps": -1, "train_seconds": "x", "chance": 7}])
def test_what_says_that_it_is_ours_and_is_not_counts_for_nothing(facts: Any, tmp_path: Path) -> None:
    place = tmp_path / "logs" / "run"
    for name in ("metrics", "params", "tags"):
        (place / name).mkdir(parents=True)
    (place / "meta.yaml").write_text("run_id: run\nstatus: 3\nlifecycle_stage: active\n")
    (place / "metrics" / "loss").write_text("1000 0.5 1\n5000 0.25 2\n")
    (place / "params" / "track.tags").write_text("")
    for name, value in facts.items() if isinstance(facts, dict) else [("id", facts)]:
        (place / "tags" / f"seqsum.{name}").write_text(str(value))
    with following(tmp_path / "logs", tmp_path / "again") as follower:
        (again,) = followed(follower).values()
    summary = again.summary()
    assert (summary.status, summary.steps, summary.train_seconds, summary.problems) == ("finished", 0, 4.0, ())


@pytest.mark.parametrize(("tags", "told"), [("", ()), ("a, b", ("a", "b")), (["x"], ("x",)), ({"k": 1}, ()), (3, ())])
def test_another_programs_settings_called_track_are_no_trouble(tags: Any, told: Any, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    run = Workspace(tmp_path / "runs").create("baseline", Config(), "mine")
    with run.store() as store:
        store.append([("loss", 1, 0.5)])
    record = run.record.with_facts(config={**run.record.config, "track": {"tags": tags, "group": 7, "other": 1}})
    record.write(run.folder)
    assert export(run, "--to", "wandb-offline", "--output", str(tmp_path / "logs")) == 0
    with following(tmp_path / "logs", tmp_path / "again") as follower:
        (again,) = followed(follower).values()
    summary = again.summary()
    assert (summary.tags, summary.group, summary.problems) == (told, None, ())


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


PLAIN, FENCED = "one line", "# no heading\n```\n*no list*"
SPREAD = np.concatenate([np.random.default_rng(0).normal(size=1000), [math.nan, math.inf]])


@pytest.fixture
def kept(tmp_path: Path) -> Run:
    """A script's run with texts, a picture and histograms, of which one is called as a metric is."""
    with seqsum.watch("kept", workspace=tmp_path / "runs") as watched:
        for step in (1, 5):
            watched.log(step, loss=0.5, weights=1.0)
            watched.text("sample", PLAIN if step == 1 else FENCED)
            watched.histogram("weights", SPREAD * step)
        watched.image("half", np.repeat([[0.0, 1.0]], 2, axis=0).repeat(8, axis=1))
        watched.histogram("bias", [3.0, 3.0])
        watched.message("so far so good")
    return watched.run


SHADES = " " * 8 + "█" * 8
"""What becomes of a picture: characters are twice as high as wide."""


def test_tensorboard_has_histograms_and_texts(kept: Run, tmp_path: Path) -> None:
    assert export(kept, "--to", "tensorboard", "--output", str(tmp_path / "tb")) == 0
    read = EventAccumulator(str(tmp_path / "tb" / "kept"), size_guidance={"histograms": 0, "tensors": 0}).Reload()
    assert set(read.Tags()["histograms"]) == {"weights (histogram)", "bias"}
    finite = SPREAD[np.isfinite(SPREAD)]
    for one in read.Histograms("weights (histogram)"):
        told, numbers = one.histogram_value, finite * one.step
        assert (told.min, told.max, told.num) == (numbers.min(), numbers.max(), 1000)
        assert (told.sum, told.sum_squares) == pytest.approx((numbers.sum(), (numbers**2).sum()))
        ends, counts = np.array(told.bucket_limit), np.array(told.bucket)
        # Each bucket has what lies between its ends, and the first none.
        assert counts[0] == 0 and np.array_equal(counts[1:], np.histogram(numbers, ends)[0])
    assert [one.step for one in read.Histograms("weights (histogram)")] == [1, 5]
    (same,) = read.Histograms("bias")
    assert (same.histogram_value.min, same.histogram_value.max, sum(same.histogram_value.bucket)) == (2.5, 3.5, 2)
    texts = {
        tag: [(one.step, make_ndarray(one.tensor_proto)[0].decode()) for one in read.Tensors(f"{tag}/text_summary")]
        for tag in ("sample", "half", "messages")
    }
    assert texts["sample"] == [(1, f"```\n{PLAIN}\n```"), (5, f"````\n{FENCED}\n````")]
    assert texts["half"] == [(5, f"```\n{SHADES}\n```")]
    assert texts["messages"] == [(5, "```\nso far so good\n```")]


def test_wandb_has_histograms_and_texts(kept: Run, tmp_path: Path) -> None:
    import wandb

    assert export(kept, "--to", "wandb-offline", "--output", str(tmp_path / "wandb")) == 0
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    uploaded = sync(folder, tmp_path)
    rows = {row["_step"]: row for row in uploaded.history}
    for step in (1, 5):
        told = rows[step]["weights (histogram)"]
        counts, edges = np.histogram(SPREAD[np.isfinite(SPREAD)] * step, bins=64)
        # As W&B itself tells of a histogram.
        theirs = wandb.Histogram(np_histogram=(counts, edges)).to_json()
        assert set(told) == set(theirs) and (told["_type"], told["values"]) == (theirs["_type"], theirs["values"])
        assert told["bins"] == pytest.approx(edges.tolist()) and rows[step]["weights"] == 1.0
    assert (rows[1]["sample"], rows[5]["sample"]) == (PLAIN, FENCED)
    assert (rows[5]["half"], rows[5]["messages"]) == (SHADES, "so far so good")


def test_mlflow_has_tables_of_histograms_and_texts(kept: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    root = tmp_path / "mlruns"
    assert export(kept, "--to", "mlflow", "--output", str(root)) == 0
    client = MlflowClient(root.as_uri())
    (experiment,) = client.search_experiments()
    mlflow.set_tracking_uri(root.as_uri())
    table = client.load_table(experiment.experiment_id, "histograms.json", [kept.id])
    of_one = table[(table["tag"] == "weights (histogram)") & (table["step"] == 5)]
    counts, edges = np.histogram(SPREAD[np.isfinite(SPREAD)] * 5, bins=64)
    assert list(of_one["count"]) == counts.tolist() and list(of_one["low"]) == pytest.approx(edges[:-1].tolist())
    assert set(of_one["not_finite"]) == {2}
    texts = client.load_table(experiment.experiment_id, "texts.json", [kept.id])
    found = {(kind, tag): text for _, kind, tag, text in texts.itertuples(index=False)}
    assert found == {("text", "sample"): FENCED, ("picture", "half"): SHADES, ("message", "messages"): "so far so good"}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_tables_lie_beside_the_metrics(
    ending: str, kept: Run, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    read = pandas.read_csv if ending == "csv" else pandas.read_parquet
    assert export(kept, "--output", str(out / f"a.{ending}")) == 0
    assert f"histograms and texts beside it in a.histograms.{ending} and a.texts.{ending}" in capsys.readouterr().out
    table = read(out / f"a.histograms.{ending}")
    (_, of_one), *_ = table[table["tag"] == "weights"].groupby("step")
    counts, edges = np.histogram(SPREAD[np.isfinite(SPREAD)], bins=64)
    assert list(of_one["count"]) == counts.tolist() and list(of_one["high"]) == pytest.approx(edges[1:].tolist())
    texts = read(out / f"a.texts.{ending}")
    assert texts.values.tolist() == [[1, "text", "sample", PLAIN], [5, "text", "sample", FENCED],
                                     [5, "picture", "half", SHADES]]  # fmt: skip
    # All or nothing, and nothing is overwritten unasked.
    (out / f"a.{ending}").unlink()
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert export(kept, "--output", str(out / f"a.{ending}")) == 2
    assert f"a.histograms.{ending} is there already" in capsys.readouterr().err
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before
    assert export(run, "--output", str(out / f"b.{ending}")) == 0
    assert sorted(path.name for path in out.glob("b*")) == [f"b.{ending}"]
    several = ["export", kept.id, run.id, "--workspace", str(run.folder.parent), "--output", str(out / f"c.{ending}")]
    assert main(several) == 0
    assert set(read(out / f"c.texts.{ending}")["run"]) == {kept.id}


def test_what_standard_output_leaves_out_is_said(kept: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(kept, "--to", "csv", "--output", "-") == 0
    told = capsys.readouterr()
    assert "left out: the run's histograms and texts; with --output FILE they are tables beside it" in told.err
    assert told.out.startswith("step,")


def test_a_damaged_text_or_histogram_is_counted(kept: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong: list[Any] = [7, {"kind": "histogram"}, {"kind": "histogram", "tag": "a", "low": 1.0, "high": 0.0},
                        {"kind": "text", "tag": "a"}, {"kind": "video", "tag": "a", "text": "b"}]  # fmt: skip
    with kept.store() as store:
        for one in wrong:
            store.add_event(5, "message", text="a", media=one)
    for tool in ("tensorboard", "csv"):
        assert export(kept, "--to", tool, "--output", str(tmp_path / tool)) == 0
        assert "left out: 5 events with a text or histogram that can't be read" in capsys.readouterr().err


@pytest.mark.parametrize("already", [(), ("root",), ("root", "experiment")])
def test_a_folder_that_cannot_be_written_leaves_nothing(already: tuple[str, ...], tmp_path: Path) -> None:
    place = ("experiment", "run")
    files = {("first",): b"1", ("n" * 300,): b"a name that no file system takes"}
    tmp_path.joinpath(*already).mkdir(parents=True, exist_ok=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match="export: can't write"):
        Folder(place, files, {("experiment", "meta.yaml"): b"x"}).write(tmp_path / "root")
    assert sorted(tmp_path.rglob("*")) == before
    assert Folder(place, {("first",): b"1"}).write(tmp_path / "root").joinpath("first").read_bytes() == b"1"
