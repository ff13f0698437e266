"""MLflow's file stores as runs: what the real MLflow writes, and its files written by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from seqsum.foreign.following import Follower
from seqsum.runs import Run
from support.following import followed, following, points

META = """artifact_uri: file:///mlruns/0/{id}/artifacts
end_time: {end}
entry_point_name: ''
experiment_id: '0'
lifecycle_stage: {stage}
run_id: {id}
run_name: bright-owl-7
source_type: 4
start_time: 1700000000000
status: {status}
tags: []
user_id: anna
"""


class Store:
    """Writes what MLflow's file store writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, id: str, *, status: int = 1, stage: str = "active") -> Path:
        run = self.folder / "0" / id
        for part in ("metrics", "params", "tags", "artifacts"):
            (run / part).mkdir(parents=True, exist_ok=True)
        self.meta(id, status, stage)
        return run

    def meta(self, id: str, status: int, stage: str = "active") -> None:
        end = "null" if status == 1 else "1700000100000"
        text = META.format(id=id, status=status, stage=stage, end=end)
        (self.folder / "0" / id / "meta.yaml").write_text(text)

    def log(self, id: str, name: str, rows: list[tuple[int, float, int]]) -> None:
        path = self.folder / "0" / id / "metrics" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.writelines(f"{when} {value} {step}\n" for when, value, step in rows)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "mlruns" / "0").mkdir(parents=True)
    (tmp_path / "mlruns" / "0" / "meta.yaml").write_text("experiment_id: '0'\nname: Default\n")
    return Store(tmp_path / "mlruns")


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Any]:
    with ExitStack() as open_ones:
        made: list[Follower] = []

        def run() -> dict[str, Run]:
            logs = tmp_path / "mlruns"
            made[:] = made or [open_ones.enter_context(following(logs, tmp_path / "runs"))]
            return followed(made[0])

        yield run


def test_its_metrics_parameters_name_and_times(store: Store, follow: Any) -> None:
    run_folder = store.run("a" * 32)
    (run_folder / "params" / "lr").write_text("0.5")
    (run_folder / "params" / "cell").write_text("lstm")
    store.log("a" * 32, "loss", [(1700000001000, 2.5, 0), (1700000011000, 1.5, 10)])
    store.log("a" * 32, "val/ppl", [(1700000011000, 7.0, 10)])
    runs = follow()
    run = runs["bright-owl-7"]
    assert points(run, "loss") == [(0, 2.5), (10, 1.5)] and points(run, "val/ppl") == [(10, 7.0)]
    summary = run.summary()
    assert (summary.preset, summary.status, summary.step) == ("MLflow", "running", 10)
    assert (summary.created, summary.train_seconds) == (1700000000.0, 10.0)
    assert run.settings()["config"] == {"lr": 0.5, "cell": "lstm"}
    store.log("a" * 32, "loss", [(1700000021000, 0.5, 20)])
    store.log("a" * 32, "later", [(1700000021000, 1.0, 20)])
    follow()
    assert points(run, "loss")[-1] == (20, 0.5) and points(run, "later") == [(20, 1.0)]


def test_the_last_line_of_a_run_that_ended_counts_without_its_end_and_is_right_when_it_goes_on(
    store: Store, follow: Any
) -> None:
    path = store.run("d" * 32) / "metrics" / "loss"
    path.write_text("1700000001000 2.5 1\n1700000002000 1.5 1")
    run = follow()["bright-owl-7"]
    assert points(run, "loss") == [(1, 2.5)]
    store.meta("d" * 32, 3)
    follow()
    follow()  # that it has ended is known now
    assert run.summary().status == "finished" and points(run, "loss") == [(1, 1.5)]
    with path.open("a") as file:
        file.write("2\n")
    follow()
    assert points(run, "loss") == [(1, 2.5), (12, 1.5)]


def test_lines_that_are_no_measurement_are_counted_and_told(store: Store, follow: Any) -> None:
    path = store.run("e" * 32) / "metrics" / "loss"
    path.write_text("1700000001000 2.5 1\nlater 1.5 2\n1700000001000 x 3\n1700000001000 1.5 -4\n1700000002000 1.5 5\n")
    run = follow()["bright-owl-7"]
    assert points(run, "loss") == [(1, 2.5), (5, 1.5)]
    told = "log: left out: 3 lines with no time, value and step (the first: line 2 of loss)"
    assert run.summary().problems == (told,)


def test_its_name_may_be_a_tag(store: Store, follow: Any) -> None:
    run_folder = store.run("b" * 32)
    (run_folder / "tags" / "mlflow.runName").write_text("mine")
    assert set(follow()) == {"mine"}


@pytest.mark.parametrize(("status", "said"), [(3, "finished"), (4, "failed"), (5, "stopped")])
def test_it_ended_as_mlflow_says(status: int, said: str, store: Store, follow: Any) -> None:
    store.run("a" * 32)
    store.log("a" * 32, "loss", [(1700000001000, 2.5, 0)])
    (run,) = follow().values()
    assert run.summary().status == "running"
    store.meta("a" * 32, status)
    follow()
    assert run.summary().status == said


def test_what_was_deleted_there_is_no_run(store: Store, follow: Any) -> None:
    store.run("a" * 32, stage="deleted")
    assert follow() == {}


def test_lines_that_are_none_are_left_out(store: Store, follow: Any) -> None:
    store.run("a" * 32)
    store.log("a" * 32, "loss", [(1700000001000, 2.5, 0)])
    with (store.folder / "0" / ("a" * 32) / "metrics" / "loss").open("ab") as file:
        file.write(b"\xff\xfe\nx y z\n1700000002000 1.5 1\n1700000003000 0.5")
    (run,) = follow().values()
    assert points(run, "loss") == [(0, 2.5), (1, 1.5)]


def test_what_the_real_mlflow_writes(tmp_path: Path, follow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    client = MlflowClient((tmp_path / "mlruns").as_uri())
    name = 'it\'s "mine": é #1, ' + "and so on " * 12
    made = client.create_run(client.create_experiment("what: a name"), run_name=name, tags={"group": "g"})
    id = made.info.run_id
    for key, value in {"optim.lr": 0.5, "cell": "lstm", "lines": "a\nb", "model.on": True}.items():
        client.log_param(id, key, value)
    for step in range(50):
        client.log_metric(id, "loss", 1 / (step + 1), step=step * 2)
        client.log_metric(id, "val/a b", float(step), step=step)
    client.log_metric(id, "odd", float("nan"), step=1)
    client.log_metric(id, "odd", float("-inf"), step=2)
    (run,) = follow().values()
    assert run.name == name.strip()[:190] and run.summary().status == "running"
    assert points(run, "loss") == [(step * 2, 1 / (step + 1)) for step in range(50)]
    assert points(run, "val/a b") == [(step, float(step)) for step in range(50)]
    assert math.isnan(points(run, "odd")[0][1]) and points(run, "odd")[1] == (2, -math.inf)
    settings = run.settings()
    assert settings["optim"] == {"lr": 0.5} and settings["model"] == {"on": True}
    assert settings["config"] == {"cell": "lstm", "lines": "a\nb"} and run.summary().group == "g"
    for ended, said in (("FAILED", "failed"), ("KILLED", "stopped"), ("FINISHED", "finished")):
        client.set_terminated(id, ended)
        follow()
        assert run.summary().status == said
