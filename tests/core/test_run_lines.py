"""What the command line says of a run in a line: of which step a figure is, under which name, and each thing once."""

from __future__ import annotations

import contextlib
import io
import json
import time
from pathlib import Path

import pytest

from seqsum import cli
from seqsum.cli.follow import finished_words
from seqsum.config import Config
from seqsum.runs import Run, Workspace
from seqsum.runs.index import Index


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("SEQSUM_WORKSPACE", str(tmp_path))
    return Workspace(tmp_path)


def said(*arguments: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert cli.main(list(arguments)) == 0
    return out.getvalue()


def run_at(workspace: Workspace, step: int, points: list[tuple[str, int, float]]) -> Run:
    run = workspace.create("baseline", Config(), "mine")
    with run.store() as store:
        store.append(points)
        store.set_state(status="finished", step=step, updated=time.time(), train_seconds=1.0)
    return run


@pytest.mark.parametrize(("metric", "text"), [("accuracy", "19.35%"), ("mae", "14.473")])
@pytest.mark.parametrize("measured", [200, 300])
def test_a_figure_of_an_earlier_step_says_so(metric: str, text: str, measured: int, workspace: Workspace) -> None:
    value = {"accuracy": 0.1935, "mae": 14.473}[metric]
    run = run_at(workspace, 300, [("loss", 300, 1.703), (metric, 100, 0.5), (metric, measured, value)])
    beside = f"{text} at step 200" if measured == 200 else text
    assert f"loss 1.7030, {metric} {beside}" in finished_words(run.summary()).splitlines()[0]
    assert f"loss 1.7030  {metric} {beside}" in said("show", "mine")
    head, line = said("runs").splitlines()
    assert head[line.index(text) :].startswith(metric.upper())
    # Also where the list comes from the index's file.
    for out in (line, said("show", "mine"), *said("runs").splitlines()[1:]):
        assert (f"{text} at step" in out) == (measured == 200) and text in out


def test_an_index_with_figures_of_earlier_steps_is_read_again(workspace: Workspace) -> None:
    run_at(workspace, 300, [("loss", 300, 1.7), ("accuracy", 200, 0.5)])
    before = Index(workspace.folder).read().entries
    assert before[0].summary.behind == {"accuracy": 200}
    assert Index(workspace.folder).read().entries == before


def test_a_renamed_run_is_called_by_its_name(workspace: Workspace, tmp_path: Path) -> None:
    run_at(workspace, 10, [("loss", 10, 1.0)])
    said("rename", "mine", "other")
    assert said("export", "other", "--output", str(tmp_path / "points.csv")).startswith("other (")


def test_a_setting_that_is_not_known_is_told_once(workspace: Workspace) -> None:
    run = run_at(workspace, 10, [("loss", 10, 1.0)])
    record = run.folder / "run.json"
    plain = json.loads(record.read_text())
    plain["config"]["train"] |= {"warp": 9, "steps": 0}
    record.write_text(json.dumps(plain))
    told = [line for line in said("show", "mine").splitlines() if line.startswith("  !")]
    assert sum("train.warp" in line for line in told) == 1
    assert sum("train.steps" in line for line in told) == 1
