"""Logs of other programs as runs: what is read of CSV and JSON Lines, as they grow, tear and are written anew."""

from __future__ import annotations

import csv
import json
import math
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seqsum.control import commands
from seqsum.errors import UserError
from seqsum.foreign.following import Follower, logs_workspace
from seqsum.formatting import metric
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.metric_direction import points_per_unit
from support.command_line import call, lines, refused, unprivileged
from support.engine import wait_until
from support.following import followed, following, points

LONG_AGO = 3600.0


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[..., dict[str, Run]]]:
    """Follow what lies at a path until nothing of it is new; return the runs by their names."""
    followers: dict[Path, Follower] = {}

    def run(path: Path, *, afresh: bool = False) -> dict[str, Run]:
        for other in list(followers):
            if afresh or other != path:
                followers.pop(other).close()
        if path not in followers:
            followers[path] = Follower(path, tmp_path / "runs")
            assert followers[path].take_turn()
        follower = followers[path]
        found = followed(follower)
        run.problems = follower.problems  # type: ignore[attr-defined]
        return found

    yield run
    for follower in followers.values():
        follower.close()


def metrics(run: Run) -> set[str]:
    with run.store() as store:
        return set(store.metrics())


def test_a_csv_with_steps_is_a_run(logs: Path, follow: Any) -> None:
    (logs / "try.csv").write_text("step,loss,val acc,note\n0,2.5,,start\n10,1.5,0.25,\n20,nan,inf,end\n")
    (run,) = follow(logs).values()
    assert points(run, "loss")[:2] == [(0, 2.5), (10, 1.5)] and math.isnan(points(run, "loss")[2][1])
    assert points(run, "val acc") == [(10, 0.25), (20, math.inf)]
    assert metrics(run) == {"loss", "val acc"}
    summary = run.summary()
    assert (summary.name, summary.step, summary.preset) == ("try", 20, "CSV")
    assert summary.follows == str(logs / "try.csv")


def test_without_steps_only_what_was_named_is_read_and_rows_are_counted(logs: Path, follow: Any) -> None:
    (logs / "data.csv").write_text("height,weight\n1,2\n3,4\n")
    assert follow(logs) == {}
    (run,) = follow(logs / "data.csv").values()
    assert points(run, "weight") == [(1, 2.0), (2, 4.0)]


def test_what_keras_writes(logs: Path, follow: Any) -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras
    import numpy as np

    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse", optimizer="sgd")
    x = np.random.default_rng(0).normal(size=(16, 2))
    log = keras.callbacks.CSVLogger(logs / "keras.csv")
    said = model.fit(x, x.sum(1), epochs=4, validation_split=0.5, callbacks=[log], verbose=0).history
    (run,) = follow(logs).values()
    for name in ("loss", "val_loss"):
        assert points(run, name) == [(epoch, pytest.approx(value)) for epoch, value in enumerate(said[name])]


def test_what_lightning_writes_also_when_a_column_comes_later(logs: Path, follow: Any) -> None:
    from lightning.pytorch.loggers import CSVLogger

    logger = CSVLogger(logs, name="mine", flush_logs_every_n_steps=1)
    logger.log_hyperparams({"lr": 0.5, "layers": 3, "name": "a: b"})
    for step in range(3):
        logger.log_metrics({"train_loss": 1 / (step + 1)}, step)
    logger.save()
    runs = follow(logs)
    assert set(runs) == {"mine/version_0"}
    run = runs["mine/version_0"]
    assert run.settings()["config"] == {"lr": 0.5, "layers": 3, "name": "a: b"}
    logger.log_metrics({"val_loss": 7.0}, 3)
    logger.log_metrics({"train_loss": 0.125}, 3)
    logger.save()
    follow(logs)
    assert points(run, "train_loss") == [(0, 1.0), (1, 0.5), (2, pytest.approx(1 / 3)), (3, 0.125)]
    assert points(run, "val_loss") == [(3, 7.0)] and metrics(run) == {"train_loss", "val_loss"}


def test_json_lines(logs: Path, follow: Any) -> None:
    rows: list[Any] = [
        {"step": 1, "train": {"loss": 2.0}, "ok": True, "text": "no"},
        {"step": 2, "train": {"loss": 1.0}, "lr": 1},
        "no object",
        {"loss": 5.0},
    ]
    (logs / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows) + "{torn\n")
    (run,) = follow(logs).values()
    assert points(run, "train.loss") == [(1, 2.0), (2, 1.0)] and points(run, "lr") == [(2, 1.0)]
    assert metrics(run) == {"train.loss", "lr"}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_log_torn_anywhere_is_read_as_if_it_had_come_at_once(name: str, logs: Path, follow: Any) -> None:
    rows = [(step, 1 / (step + 1)) for step in range(12)]
    if name == "a.csv":
        text = "step,loss\n" + "".join(f"{step},{value!r}\n" for step, value in rows)
    else:
        text = "".join(json.dumps({"step": step, "loss": value}) + "\n" for step, value in rows)
    data = text.encode()
    for place in range(0, len(data), 7):
        with (logs / name).open("ab") as file:
            file.write(data[place : place + 7])
        runs = follow(logs, afresh=place % 5 == 0)
        whole = data[: place + 7].decode().splitlines(keepends=True)
        ended = [row for row, line in zip(rows, whole[1:] if name == "a.csv" else whole, strict=False) if "\n" in line]
        if runs:
            assert points(runs["a"], "loss") == ended
    assert points(runs["a"], "loss") == rows and len(runs) == 1


def test_a_log_that_is_written_anew_is_read_anew(logs: Path, follow: Any) -> None:
    path = logs / "a.csv"
    path.write_text("step,loss\n1,1.0\n2,2.0\n3,3.0\n")
    run = follow(logs)["a"]
    path.write_text("step,loss\n1,9.0\n")
    follow(logs)
    assert points(run, "loss") == [(1, 9.0)] and run.summary().step == 1
    path.write_text("step,loss\n1,8.0\n2,8.0\n3,8.0\n4,8.0\n")
    follow(logs)
    assert points(run, "loss") == [(step, 8.0) for step in (1, 2, 3, 4)]


def test_the_roll_up_is_that_of_the_points(logs: Path, follow: Any) -> None:
    with (logs / "a.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "loss"])
        writer.writerows([step, math.sin(step)] for step in range(100_000))
    run = follow(logs)["a"]
    with run.store() as store:
        found = store.buckets("loss", count=50)
    assert found.low.min() == pytest.approx(min(math.sin(step) for step in range(100_000)))
    assert float(found.x[-1]) > 90_000 and len(points(run, "loss")) == 100_000


def test_a_second_opening_reads_only_what_is_new(logs: Path, follow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from seqsum.foreign import csv_log
    from seqsum.foreign.lines import new_lines

    path = logs / "a.csv"
    path.write_text("step,loss\n" + "".join(f"{step},1.0\n" for step in range(1000)))
    follow(logs)
    read: list[int] = []

    def counted(*given: Any, **named: Any) -> Any:
        found = new_lines(*given, **named)
        read.append(len(found.lines))
        return found

    monkeypatch.setattr(csv_log, "new_lines", counted)
    follow(logs, afresh=True)
    assert sum(read) == 0
    with path.open("a") as file:
        file.write("1000,2.0\n1001,2.0\n")
    run = follow(logs)["a"]
    assert sum(read) == 2 and points(run, "loss")[-1] == (1001, 2.0)


def test_the_list_has_the_last_values_before_the_curves_are_read(logs: Path, tmp_path: Path) -> None:
    for number in range(3):
        text = "".join(f"{step},{number + step / 1000}\n" for step in range(5000))
        (logs / f"{number}.csv").write_text("step,loss\n" + text)
    follower = Follower(logs, tmp_path / "runs")
    assert follower.take_turn() and follower.look() == 3
    for summary in Workspace(tmp_path / "runs").summaries():
        assert (summary.step, summary.metrics) == (4999, {"loss": int(summary.name) + 4.999})
    asked = next(run for run in Workspace(tmp_path / "runs").runs() if run.name == "1")
    follower.first(asked.id)
    follower.work(0.0)
    counts = {run.name: len(points(run, "loss")) for run in Workspace(tmp_path / "runs").runs()}
    assert counts == {"0": 1, "1": 5000, "2": 1}
    follower.close()


def test_a_log_that_grows_runs_and_one_that_rests_is_stopped(logs: Path, follow: Any) -> None:
    path = logs / "a.csv"
    path.write_text("step,loss\n1,1.0\n")
    run = follow(logs)["a"]
    assert run.summary().status == "running"
    os.utime(path, (time.time() - LONG_AGO, time.time() - LONG_AGO))
    follow(logs)
    summary = run.summary()
    assert summary.status == "stopped" and "does not grow any more" in str(summary.reason)
    with path.open("a") as file:
        file.write("2,1.0\n")
    follow(logs)
    assert run.summary().status == "running" and run.summary().step == 2


def test_a_log_that_is_gone_is_stopped_at_once_and_says_so(logs: Path, follow: Any) -> None:
    path = logs / "try.csv"
    path.write_text("step,loss\n1,2.0\n")
    (run,) = follow(logs).values()
    assert run.summary().status == "running"
    path.unlink()
    follow(logs)
    assert run.summary().status == "stopped" and "is gone" in (run.summary().reason or "")
    assert points(run, "loss") == [(1, 2.0)]
    path.write_text("step,loss\n1,2.0\n2,1.0\n")
    follow(logs)
    assert run.summary().status == "running" and points(run, "loss") == [(1, 2.0), (2, 1.0)]


@pytest.mark.parametrize("columns", [3, 499, 500, 1001, 5000])
def test_however_many_columns_it_has_a_file_is_read_and_what_is_left_out_is_said(
    columns: int, logs: Path, follow: Any
) -> None:
    names = [f"measured/by/the/{place}" for place in range(columns)]
    (logs / "wide.csv").write_text(f"step,{','.join(names)}\n" + f"1,{','.join(map(str, range(columns)))}\n")
    (run,) = follow(logs).values()
    assert points(run, names[2]) == [(1, 2.0)] and len(metrics(run)) == min(columns, 500)
    assert any("more than 500 curves" in told for told in follow.problems) == (columns > 500)


def age(path: Path) -> None:
    """Have a log be one that has not grown for long."""
    os.utime(path, (time.time() - LONG_AGO, time.time() - LONG_AGO))


LAST_LINES = {
    "a.csv": ("step,loss\n", ["1,0.5\n", "2,0.25\n", "12,0.125"], "5\n13,0.5\n", {12: 0.1255, 13: 0.5}),
    "last.csv": ("loss,step\n", ["0.5,1\n", "0.25,2\n", "0.125,1"], "2\n0.5,13\n", {1: 0.5, 12: 0.125, 13: 0.5}),
    "quoted.csv": ("step,loss\n", ['1,"0.5"\n', '2,"0.25"\n', '12,"0.125"'], "\n", {12: 0.125}),
    "windows.csv": ("step,loss\r\n", ["1,0.5\r\n", "2,0.25\r\n", "12,0.125\r"], "\n13,0.5\r\n", {12: 0.125, 13: 0.5}),
    "a.tsv": ("epoch\tloss\n", ["1\t0.5\n", "2\t0.25\n", "12\t0.125"], "5", {12: 0.1255}),
    "a.jsonl": ("", ['{"step": 1, "loss": 0.5}\n', '{"step": 2, "loss": 0.25}\n', '{"step": 12, "loss": 0.125}'],
                '\n{"step": 13, "loss": 0.5}', {12: 0.125, 13: 0.5}),
}  # fmt: skip


@pytest.mark.parametrize("name", LAST_LINES)
def test_the_last_line_of_a_log_at_rest_counts_without_its_end_and_is_right_when_it_goes_on(
    name: str, logs: Path, follow: Any
) -> None:
    head, rows, more, then = LAST_LINES[name]
    path = logs / name
    path.write_bytes((head + "".join(rows)).encode())
    run = follow(logs)[path.stem]
    whole = [(1, 0.5), (2, 0.25)]
    assert points(run, "loss") == whole, "it grows: its last line may be half of one"
    age(path)
    follow(logs)
    torn = dict([*whole, (1 if name == "last.csv" else 12, 0.125)])
    assert run.summary().status == "stopped" and dict(points(run, "loss")) == torn
    assert run.summary().step == max(torn)
    follow(logs, afresh=True)
    assert dict(points(run, "loss")) == torn
    with path.open("ab") as file:
        file.write(more.encode())
    follow(logs)
    age(path)
    follow(logs)
    follow(logs, afresh=True)
    assert dict(points(run, "loss")) == dict([*whole, *then.items()])
    assert run.summary().step == max(then) and not run.summary().problems


@pytest.mark.parametrize("end", ["3", "3,", "3,1e-", "3,-", '3,"0.5', "x,0.5", '{"step": 3'])
def test_a_last_line_that_is_not_whole_waits_for_good(end: str, logs: Path, follow: Any) -> None:
    path = logs / ("a.jsonl" if end.startswith("{") else "a.csv")
    path.write_text(('{"step": 1, "loss": 0.5}\n' if end.startswith("{") else "step,loss\n1,0.5\n") + end)
    age(path)
    run = follow(logs)["a"]
    assert points(run, "loss") == [(1, 0.5)] and not run.summary().problems


def test_one_object_without_an_end_is_a_log(logs: Path, follow: Any) -> None:
    (logs / "a.jsonl").write_text('{"step": 7, "loss": 0.5}')
    age(logs / "a.jsonl")
    run = follow(logs)["a"]
    assert points(run, "loss") == [(7, 0.5)]


LEFT_OUT = {
    "objects.jsonl": (
        '{"step": 1, "loss": 1}\nno\n{"step": 2, "loss": 2}\n[1]\n{"step": 3, "loss": 3}\n' + "[" * 9999 + "\n",
        "log: left out: 3 lines with no JSON object (the first: line 2)",
    ),
    "steps.csv": (
        "step,loss\n1,1\n1e23,1\n1e400,1\n-5,1\n2.5,1\n2,1\n3,1\n",
        "log: left out: 4 lines with a step that is no whole number from 0 to 2^53 (the first: line 3)",
    ),
    "steps.jsonl": (
        '{"step": 1, "x": 1}\n{"step": 1e400, "x": 1}\n{"x": 2}\n{"step": 2, "x": 1}\n{"step": 3, "x": 1}\n',
        "log: left out: 1 line with a step that is no whole number from 0 to 2^53 (line 2); "
        "1 line with no step (line 3)",
    ),
    "cells.csv": (
        'step,loss,acc,note\n1,"1,234.5",1%,good\n2,50%,2%,x\n3,abc,3%,y\n3,1,,\n3,1,,\n3,1,none,\n',
        "log: left out: 2 values that can't be read as a number (the first: line 2, \"1,234.5\" of loss)",
    ),
    "rows.csv": (
        'step,loss,note\n1,1,"two\nlines"\n\n2,1\n2,1,,\n2,1,\n3,1,\n',
        "log: left out: 2 lines with more or fewer values than columns (the first: line 5)",
    ),
    "texts.jsonl": (
        '{"step": 1, "loss": 1, "ok": true, "text": "no"}\n{"step": 2, "loss": "n"}\n{"step": 3, "loss": 1}\n',
        "log: left out: 1 value that can't be read as a number (line 2, \"n\" of loss)",
    ),
    "long.csv": (
        "step,loss\n1,1\n2," + "9" * 5_000_000 + "\n2,1\n3,1\n",
        "log: left out: 1 line of more than 1,048,576 bytes (line 3)",
    ),
    "again.csv": (
        "step,loss\n1,1\nstep,loss\n2,1\n3,1\n",
        "log: left out: 1 line with a step that is no whole number from 0 to 2^53 (line 3)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_of_a_log_is_counted_and_told_once(name: str, at_once: bool, logs: Path, follow: Any) -> None:
    text, told = LEFT_OUT[name]
    path = logs / name
    if at_once:
        path.write_text(text)
    else:
        lines = text.splitlines(keepends=True)
        path.write_text("".join(lines[:3]))
        follow(logs)
        for line in lines[3:]:
            with path.open("a") as file:
                file.write(line)
            follow(logs, afresh=len(line) % 2 == 0)
    (run,) = follow(logs).values()
    follow(logs, afresh=True)
    assert run.summary().problems == (told,) and run.summary().step == 3
    with run.store() as store:
        events = [event.detail["text"] for event in store.events(kind="message")]
    assert len([one for one in events if one.startswith("left out")]) == 1
    if at_once:
        assert f"log: {events[-1]}" == told
    status, out, _ = call("show", run.id, "--workspace", str(run.folder.parent))
    assert status == 0 and "! log: left out" in out
    assert "left out" not in call("doctor", "--workspace", str(run.folder.parent))[1]


def test_what_a_log_that_is_written_anew_left_out_before_is_forgotten(logs: Path, follow: Any) -> None:
    path = logs / "a.csv"
    path.write_text("step,loss\n1,1\nx,1\n")
    run = follow(logs)["a"]
    assert run.summary().problems
    path.write_text("step,loss\n1,2\n")
    follow(logs)
    assert not run.summary().problems


REFUSED = {
    "wide.csv": ("step,loss\n1,2\n".encode("utf-16"), "it is UTF-16; save it as UTF-8"),
    "bytes.csv": (b"\0\1\2" * 99 + b"\n", "it holds bytes that are no text"),
    "deep.jsonl": (b"[" * 99_999 + b"\n", "its first line is no JSON object"),
    "data.csv": (b"a,b\n1,2\n", "none of its columns is a step (step, epoch …); --watch FILE counts its rows"),
    "data.jsonl": (b'{"a": 1}\n', "its first object has no step (step, epoch …); --watch FILE counts its rows"),
    "numbers.csv": (b"1,2\n3,4\n", "its first line names no columns"),
    "empty.csv": (b"", "it is empty"),
    "begun.csv": (b"step,lo", "its first line has no end"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_called_like_a_log_and_is_none_is_told_once(name: str, logs: Path, follow: Any) -> None:
    data, why = REFUSED[name]
    path = logs / name
    path.write_bytes(data)
    (logs / "good.csv").write_text("step,loss\n1,1\n")
    age(path)
    assert set(follow(logs)) == {"good"}
    follow(logs)
    assert follow.problems == [f"watch: {path} is no log: {why}"]


def test_a_log_that_has_only_begun_is_not_told_of(logs: Path, follow: Any) -> None:
    for name in ("a.csv", "b.jsonl", "c.jsonl"):
        (logs / name).write_text("" if name == "b.jsonl" else '{"ste')
    assert follow(logs) == {} and follow.problems == []


def test_what_is_refused_for_one_reason_is_told_together(logs: Path, follow: Any) -> None:
    for number in range(40):
        (logs / f"{number:02}.csv").write_text("a,b\n1,2\n")
    assert follow(logs) == {}
    (told,) = follow.problems
    assert told.startswith(f"watch: {logs / '00.csv'} (and 39 more) is no log: ")


def test_what_may_not_be_read_is_told_as_that(logs: Path, tmp_path: Path) -> None:
    (logs / "closed").mkdir()
    for path in (logs / "a.csv", logs / "b.jsonl", logs / "closed" / "c.csv"):
        path.write_text("step,loss\n1,1\n")
    (logs / "closed").chmod(0)
    (logs / "a.csv").chmod(0)
    (logs / "b.jsonl").chmod(0)
    try:
        for path, told in {
            logs / "a.csv": [f"watch: can't read {logs / 'a.csv'}: Permission denied"],
            logs: [f"watch: there is no log in {logs} yet",
                   f"watch: can't read {logs / 'a.csv'} (and 2 more): Permission denied"],
        }.items():  # fmt: skip
            command = unprivileged([sys.executable, "-m", "seqsum.foreign", str(path), str(tmp_path / "runs")])
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            assert [json.loads(process.stdout.readline()) for _ in told] == told
            process.communicate("")
    finally:
        (logs / "closed").chmod(0o700)


@pytest.mark.parametrize("text", ["a first line; of words\n1,1\n", '{\n  "loss": 1\n}\n', "step\n1\n2\n", "[1, 2]\n"])
def test_a_named_file_of_which_neither_name_nor_first_line_tell_a_kind_of_log_is_told_as_that(
    text: str, logs: Path, follow: Any
) -> None:
    (logs / "train.log").write_text(text)
    assert follow(logs / "train.log") == {}
    assert follow.problems == [
        f"watch: {logs / 'train.log'} is no log: its name ends like that of none "
        "(.csv, .tsv, .jsonl, .ndjson, .jsonlines), and its first line is no JSON object and names no column of steps"
    ]


@pytest.mark.parametrize("name", ["train.log", "log.txt", "metrics.json", "log", "metrics.JSON"])
@pytest.mark.parametrize(
    "text",
    [
        '{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n',
        '{"loss": 2.0}\n{"loss": 1.0}\n',
        "step,loss\n1,2.0\n2,1.0\n",
        "epoch\tloss\n1\t2.0\n2\t1.0\n",
    ],
)
def test_a_named_file_is_read_by_its_first_line_where_its_name_tells_no_kind(
    name: str, text: str, logs: Path, follow: Any
) -> None:
    path = logs / name
    path.write_text("")
    assert follow(path) == {} and follow.problems == []
    path.write_text(text)
    (run,) = follow(path).values()
    assert points(run, "loss") == [(1, 2.0), (2, 1.0)] and follow.problems == []
    with path.open("a") as file:
        file.write(text.splitlines()[-1].replace("2", "3").replace("1.0", "0.5") + "\n")
    follow(path)
    assert points(run, "loss") == [(1, 2.0), (2, 1.0), (3, 0.5)]


def test_in_a_folder_only_what_is_called_like_a_log_is_one(logs: Path, follow: Any) -> None:
    (logs / "settings.json").write_text('{"step": 1, "loss": 2.0}\n')
    (logs / "notes.txt").write_text("step,loss\n1,1\n")
    assert follow(logs) == {} and follow.problems == []


def test_two_columns_of_one_name_are_two_curves(logs: Path, follow: Any) -> None:
    (logs / "try.csv").write_text("step,loss,loss\n1,2.0,3.0\n")
    (run,) = follow(logs).values()
    assert points(run, "loss") == [(1, 2.0)] and points(run, "loss (2)") == [(1, 3.0)]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas_are_read_where_they_separate_nothing(separator: str, logs: Path, follow: Any) -> None:
    rows = [["step", "loss", "acc"], ["0", "0,5", "1"], ["1,0", "1e-3", "0,25"], ["2", "-1,5e-1", "x"]]
    (logs / "try.csv").write_text("".join(separator.join(row) + "\n" for row in rows))
    (run,) = follow(logs).values()
    assert points(run, "loss") == [(0, 0.5), (1, 1e-3), (2, -0.15)] and points(run, "acc") == [(0, 1.0), (1, 0.25)]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "gb18030", "utf-8"])
def test_columns_whose_names_are_no_utf_8_are_told(encoding: str, logs: Path, follow: Any) -> None:
    path = logs / "try.csv"
    path.write_bytes("step,loss,größe\n1,2.0,3.0\n2,1.0,3.0\n".encode(encoding))
    (run,) = follow(logs).values()
    assert points(run, "loss") == [(1, 2.0), (2, 1.0)], "what can be read is"
    told = [] if encoding == "utf-8" else [f"log: {path}: the names of its columns are not UTF-8; save it as UTF-8"]
    assert list(run.summary().problems) == told
    assert ("größe" in metrics(run)) == (encoding == "utf-8")


def test_a_file_without_a_number_says_what_is_amiss(logs: Path, follow: Any) -> None:
    (logs / "try.csv").write_text("step,loss\none,low\n")
    (run,) = follow(logs).values()
    assert metrics(run) == set() and any("no number could be read" in told for told in follow.problems)


def test_a_log_that_gets_fewer_columns_is_read_anew(logs: Path, follow: Any) -> None:
    path = logs / "try.csv"
    path.write_text("step,loss,lr\n1,2.0,0.1\n2,1.0,0.1\n")
    (run,) = follow(logs).values()
    path.write_text("step,loss\n1,7.0\n")
    follow(logs)
    assert metrics(run) == {"loss"} and points(run, "loss") == [(1, 7.0)]


@pytest.mark.parametrize(
    ("loss", "accuracy"), [("train_loss", "val_acc"), ("loss/train", "accuracy/val"), ("Train/Loss", "Acc")]
)
def test_by_the_usual_names_of_others_a_log_has_its_loss_and_its_verdict(
    loss: str, accuracy: str, logs: Path, follow: Any, tmp_path: Path
) -> None:
    rows = [f"{step},{2 - step / 50},{step / 50},{step / 99}" for step in range(50)]
    (logs / "try.csv").write_text(f"step,{loss},{accuracy},train_acc\n" + "\n".join(rows) + "\n")
    (run,) = follow(logs).values()
    entry = Workspace(tmp_path / "runs").index.read().entries[0]
    assert entry.curves["loss"][0] == pytest.approx((2 + 1.98) / 2)
    assert entry.curves["accuracy"][-1] == pytest.approx(48.5 / 50, rel=0.05)
    assert entry.summary.verdict is not None and entry.summary.verdict.word == "learning"
    assert "loss" not in run.summary().metrics, "it keeps the names that its log has"
    assert " 1.02" in call("runs", "--workspace", str(tmp_path / "runs"))[1]


def test_who_is_gone_follows_no_more(logs: Path, follow: Any) -> None:
    (logs / "a.csv").write_text("step,loss\n1,1.0\n")
    process = _process(logs, logs.parent / "runs")
    workspace = Workspace(logs.parent / "runs")
    wait_until(lambda: any(one.status == "running" for one in workspace.summaries()), "a run that is followed")
    (run,) = workspace.runs()
    process.kill()
    process.wait()
    summary = run.summary()
    assert summary.status == "stopped" and "seqsum-tui --watch" in str(summary.reason)


def _process(logs: Path, runs: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "seqsum.foreign", str(logs), str(runs)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_the_process_follows_what_grows_and_ends_with_its_input(logs: Path) -> None:
    path, workspace = logs / "a.csv", Workspace(logs.parent / "runs")
    process = _process(logs, workspace.folder)
    assert process.stdout is not None and process.stdin is not None
    assert "there is no log in" in json.loads(process.stdout.readline())
    path.write_text("step,loss\n1,1.0\n")
    wait_until(workspace.runs, "a run")
    (run,) = workspace.runs()
    with path.open("a") as file:
        file.write("2,0.5\n")
    wait_until(lambda: run.summary().step == 2, "what was added")
    process.stdin.close()
    assert process.wait(60) == 0


def test_two_never_follow_into_one_workspace(logs: Path, tmp_path: Path) -> None:
    one, other = Follower(logs, tmp_path / "runs"), Follower(logs, tmp_path / "runs")
    assert one.take_turn() and not other.take_turn()
    one.close()
    assert other.take_turn()
    other.close()


def test_nothing_is_written_beside_the_logs(logs: Path, follow: Any) -> None:
    (logs / "in").mkdir()
    (logs / "in" / "a.csv").write_text("step,loss\n1,1.0\n")
    before = {path: path.stat().st_mtime_ns for path in [logs, *logs.rglob("*")]}
    follow(logs)
    assert {path: path.stat().st_mtime_ns for path in [logs, *logs.rglob("*")]} == before
    with pytest.raises(UserError, match="where nothing is written"):
        Follower(logs, logs / "in" / "runs")


def test_the_runs_lie_among_the_users_own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logs: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = logs_workspace(logs)
    assert folder.is_relative_to(tmp_path / "data") and folder.name.startswith("logs-")
    assert logs_workspace(tmp_path / "other" / "logs") != folder
    follower = Follower(logs, folder)
    follower.take_turn()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    follower.close()


def test_what_is_no_file_is_left_alone(logs: Path, follow: Any) -> None:
    os.mkfifo(logs / "pipe.csv")
    (logs / "device.csv").symlink_to("/dev/zero")
    (logs / "around").symlink_to(logs)
    (logs / "folder.csv").mkdir()
    (logs / "a.csv").write_text("step,loss\n1,1.0\n")
    assert set(follow(logs)) == {"a"}


def test_hostile_text_is_shown_literally(logs: Path, follow: Any) -> None:
    (logs / "\x1b[31m.csv").write_text("step,\x1b]0;x\x07loss\n1,1.0\n")
    (run,) = follow(logs).values()
    assert metrics(run) == {"\\x1b]0;x\\x07loss"}
    status, out, _ = call("show", run.id, "--workspace", str(run.folder.parent))
    assert status == 0 and "\x1b" not in out and "read from" in out
    (facts,) = lines("show", run.id, "--workspace", str(run.folder.parent))
    assert facts["follows"] == str(logs / "\x1b[31m.csv")


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 3_000_000,
        b"step,loss\n" + b"9" * 3_000_000 + b"\n2,1.0\n",
        b'step,loss\n1,"' + b"x" * 500_000 + b"\n2,1.0\n",
        b"step,loss\n-1,1\n1e999,1\nx,1\n1.5,1\n2,1.0\n3\n4,5,6\n",
        b"step,loss\n" + "2,1.0\nü,é\n".encode("latin-1"),
        b"step," + b",".join(b"c%d" % number for number in range(5000)) + b"\n",
    ],
    ids=["null bytes", "a long line", "an open quote", "odd steps", "another encoding", "columns"],
)
def test_a_hostile_file_costs_itself_only(data: bytes, logs: Path, follow: Any) -> None:
    (logs / "bad.csv").write_bytes(data)
    (logs / "good.csv").write_text("step,loss\n1,1.0\n")
    began = time.process_time()
    runs = follow(logs)
    assert time.process_time() - began < 5 and points(runs["good"], "loss") == [(1, 1.0)]
    if "bad" in runs and "loss" in metrics(runs["bad"]):
        assert points(runs["bad"], "loss") == [(2, 1.0)]


@pytest.mark.parametrize("values", [[0.5, 1.0000001, 0.97], [0.5, 0.9, 1.01, 0.95], [-1, 0.5, 0.75], [0.5, 1.04]])
@pytest.mark.parametrize("name", ["accuracy", "val_acc", "Accuracy", "macro_f1"])
def test_a_share_that_overshoots_by_a_little_is_none_in_percent(
    name: str, values: list[float], logs: Path, follow: Any
) -> None:
    rows = list(enumerate(values))
    (logs / "a.csv").write_text(f"step,{name}\n" + "".join(f"{step},{value}\n" for step, value in rows))
    run = follow(logs)["a"]
    assert points(run, name) == rows and metrics(run) == {name}
    assert run.summary().metrics == {name: values[-1]} and not run.summary().problems


@pytest.mark.parametrize(
    ("name", "called"),
    [("val_acc", "val_acc (%)"), ("Accuracy", "Accuracy (%)"), ("macro_f1", "macro_f1 (%)"), ("accuracy", "acc (%)"),
     ("accuracy (%)", "accuracy (%)"), ("accuracy_pct", "accuracy_pct"), ("loss", "loss")],
)  # fmt: skip
def test_what_is_read_as_a_share_and_is_in_percent_is_shown_as_it_stands(
    name: str, called: str, logs: Path, follow: Any
) -> None:
    (logs / "a.csv").write_text(f"step,{name}\n1,0.5\n2,88.5\n3,0.5\n")
    run = follow(logs)["a"]
    assert points(run, called) == [(1, 0.5), (2, 88.5), (3, 0.5)] and metrics(run) == {called}
    assert metric(called, 0.5) == "0.5000" and points_per_unit(called) != 100


def test_a_log_written_anew_is_in_percent_by_what_stands_in_it_now(logs: Path, follow: Any) -> None:
    path = logs / "a.csv"
    path.write_text("step,accuracy\n1,50\n2,60\n")
    run = follow(logs)["a"]
    path.write_text("step,accuracy\n1,0.5\n")
    follow(logs)
    assert metrics(run) == {"accuracy"} and points(run, "accuracy") == [(1, 0.5)]


def test_what_an_earlier_version_read_is_read_anew(logs: Path, follow: Any) -> None:
    path = logs / "a.csv"
    path.write_text("step,accuracy\n1,0.5\n2,1.01\n")
    run = follow(logs)["a"]
    with run.store() as store:
        kept = store.state()["log_position"]
        del kept["reading"]
        kept["names"] = {"accuracy": "acc (%)"}
        store.forget_metric("accuracy")
        store.append([("acc (%)", 1, 0.5), ("acc (%)", 2, 1.01)])
        store.set_state(log_position=kept)
    follow(logs, afresh=True)
    assert metrics(run) == {"accuracy"} and points(run, "accuracy") == [(1, 0.5), (2, 1.01)]


def test_an_accuracy_in_percent_is_called_so(logs: Path, follow: Any) -> None:
    path = logs / "a.csv"
    path.write_text("step,val_accuracy\n1,0.5\n")
    run = follow(logs)["a"]
    assert points(run, "val_accuracy") == [(1, 0.5)]
    with path.open("a") as file:
        file.write("2,55.5\n3,60\n")
    follow(logs)
    assert metrics(run) == {"val_acc (%)"} and not run.summary().problems
    assert points(run, "val_acc (%)") == [(1, 0.5), (2, 55.5), (3, 60.0)]


def test_what_needs_the_program_or_its_weights_is_refused(logs: Path, follow: Any) -> None:
    (logs / "a.csv").write_text("step,loss\n1,1.0\n")
    run = follow(logs)["a"]
    for ask in (commands.pause, commands.stop, commands.snapshot, lambda one: commands.set_value(one, "optim.lr", "1")):
        with pytest.raises(UserError, match="a log hears nothing"):
            ask(run)
    for words in (["predict", run.id, "1 2"], ["fork", run.id], ["resume", run.id]):
        assert "another program" in refused(*words, "--workspace", str(run.folder.parent))


def test_it_is_filtered_and_compared_and_exported(logs: Path, follow: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (logs / f"{name}.csv").write_text("step,loss,ppl\n1,1.0,3\n2,0.5,2\n")
    run = follow(logs)["a"]
    where = ("--workspace", str(run.folder.parent))
    assert [one["name"] for one in lines("runs", "--filter", "name = a", *where)] == ["a"]
    assert call("compare", "a", "b", *where, "--output", str(tmp_path / "c.svg"))[0] == 0
    assert call("export", "a", *where, "--output", str(tmp_path / "a.csv"))[0] == 0
    assert (tmp_path / "c.svg").stat().st_size > 1000 and "ppl" in (tmp_path / "a.csv").read_text()


def test_a_deleted_run_is_not_made_again(logs: Path, follow: Any, tmp_path: Path) -> None:
    path = logs / "a.csv"
    path.write_text("step,loss\n1,1.0\n")
    os.utime(path, (time.time() - LONG_AGO, time.time() - LONG_AGO))
    run = follow(logs)["a"]
    assert call("delete", run.id, "--workspace", str(tmp_path / "runs"))[0] == 0
    with path.open("a") as file:
        file.write("2,1.0\n")
    assert follow(logs) == {} and follow(logs, afresh=True) == {}


@pytest.mark.parametrize("task", ["sum_modulo", "addition", "counting"])
def test_no_earlier_version_measured_what_another_program_did(task: str, logs: Path, follow: Any) -> None:
    """Its settings may be called as ours are."""
    from lightning.pytorch.loggers import CSVLogger

    logger = CSVLogger(logs, name="mine")
    names = {"name": task, "modulus": 10, "min_length": 2, "max_length": 5}
    logger.log_hyperparams({f"task.{name}": value for name, value in names.items()})
    logger.log_metrics({"accuracy": 0.5, "loss": 1.0}, 3)
    logger.save()
    (run,) = follow(logs).values()
    assert run.record.config["task"] == names and run.summary().measure == ""


@pytest.mark.parametrize("rows", [[0], [0, 50], [100, 300, 500]])
def test_where_nobody_knows_how_many_steps_there_are_to_be_no_time_is_left(
    rows: list[int], logs: Path, tmp_path: Path, follow: Any
) -> None:
    place = logs / "run"
    for name in ("metrics", "params", "tags"):
        (place / name).mkdir(parents=True)
    (place / "meta.yaml").write_text("run_id: run\nstatus: 1\nlifecycle_stage: active\n")
    (place / "metrics" / "loss").write_text("".join(f"{1000 + step * 1000} 0.5 {step}\n" for step in rows))
    (run,) = follow(logs).values()
    summary = run.summary()
    assert summary.status == "running" and summary.seconds_left is None
    assert " left" not in call("show", run.id, "--workspace", str(tmp_path / "runs"))[1]


NAMES_OF_ACCURACY = ["accuracy", "acc", "val_acc", "val_accuracy", "Val/Accuracy", "accuracy/validation", "test_acc"]


@pytest.mark.parametrize("name", NAMES_OF_ACCURACY)
def test_what_stands_in_the_accuracys_column_is_what_one_filters_and_sorts_by(
    name: str, logs: Path, follow: Any, tmp_path: Path
) -> None:
    for run, value in (("low", 0.25), ("high", 0.95), ("none", None)):
        head, cell = (f",{name}", f",{value}") if value is not None else ("", "")
        (logs / f"{run}.csv").write_text(f"step,loss{head}\n1,1.0{cell}\n")
    follow(logs)
    where = ("--workspace", str(tmp_path / "runs"))
    shown = call("runs", *where)[1].splitlines()
    at = shown[0].index("ACCURACY")
    column = {line.split()[1]: line[at:].split()[0] for line in shown[1:] if not line.startswith(" ")}
    assert column == {"low": "25.00%", "high": "95.00%", "none": "–"}
    for asked in ("accuracy > 0.9", "accuracy = 95%", "has:accuracy and not accuracy < 0.9"):
        assert [one["name"] for one in lines("runs", "--filter", asked, *where)] == ["high"]
    assert [one["name"] for one in lines("runs", "--sort", "accuracy", *where)] == ["high", "low", "none"]
    assert "95.00%" in call("show", "high", *where)[1].split("metrics")[1].split(name)[1].split("\n")[0]
    assert f"{name} 95.00%" in call("show", "high", *where)[1].splitlines()[0]


@pytest.mark.parametrize("order", [["accuracy", "val_accuracy"], ["val_accuracy", "accuracy"], ["val_acc", "acc"]])
def test_beside_one_that_is_held_out_the_accuracy_of_training_tells_nothing(
    order: list[str], logs: Path, follow: Any, tmp_path: Path
) -> None:
    """So Keras calls them."""
    values = {name: 0.5 if name.startswith("val") else 0.999 for name in order}
    (logs / "a.csv").write_text(f"epoch,{','.join(order)}\n1,{','.join(str(values[name]) for name in order)}\n")
    (run,) = follow(logs).values()
    summary = run.summary(judged=True)
    assert summary.value("accuracy") == 0.5 and summary.metrics == values and summary.verdict is None
    told = call("show", run.id, "--workspace", str(tmp_path / "runs"))[1]
    assert "99.90%" in told and f"{order[0] if order[0].startswith('val') else order[1]} 50.00%" in told.splitlines()[0]


def test_what_a_script_counts_in_percent_is_no_share(tmp_path: Path) -> None:
    import seqsum

    with seqsum.watch("mine", workspace=tmp_path / "runs") as watched:
        for step in range(1, 20):
            watched.log(step, loss=1 / step, acc=99.5)
    (summary,) = Workspace(tmp_path / "runs").summaries()
    assert summary.value("accuracy") is None and summary.verdict is not None and summary.verdict.word != "learned"
    assert metric("acc", 99.5) == "99.500" and metric("acc", 0.995) == "99.50%" and metric("pace", 0.5) == "0.5000"


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_values_in_percent_are_read(name: str, logs: Path, follow: Any) -> None:
    """Of a column that says that it is in percent they stay what they are."""
    texts = ["57%", " 0.5 %", "100%", "1e1%", "-2.5%"]
    if name == "a.jsonl":
        rows = [json.dumps({"step": step, "accuracy": text, "up (%)": text}) for step, text in enumerate(texts)]
    else:
        between = "\t" if name == "a.tsv" else ","
        rows = [between.join(["step", "accuracy", "up (%)"])]
        rows += [between.join([str(step), text, text]) for step, text in enumerate(texts)]
    (logs / name).write_text("\n".join(rows) + "\n")
    (run,) = follow(logs).values()
    assert points(run, "accuracy") == [(0, 0.57), (1, 0.005), (2, 1.0), (3, 0.1), (4, -0.025)]
    assert points(run, "up (%)") == [(0, 57.0), (1, 0.5), (2, 100.0), (3, 10.0), (4, -2.5)]
    assert run.summary().problems == () or "accuracy" in str(run.summary().problems)


def test_a_decimal_comma_may_stand_before_the_percent(logs: Path, follow: Any) -> None:
    (logs / "a.csv").write_text("step;accuracy\n1;57,5 %\n2;%\n3;5%%\n4;60 %\n")
    (run,) = follow(logs).values()
    assert points(run, "accuracy") == [(1, 0.575), (4, 0.6)]
    assert run.summary().problems == (
        'log: left out: 2 values that can\'t be read as a number (the first: line 3, "%" of accuracy)',
    )


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("epochs", [[0.5, 1.5, 2.5], [0.5, 1, 1.5, 2], [1, 1.5, 2, 2.5], [0.1, 0.2, 0.3], [1, 2, 3]])
def test_steps_in_fractions_cost_no_row(epochs: list[float], form: str, at_once: bool, logs: Path, follow: Any) -> None:
    path = logs / f"a.{form}"
    if form == "csv":
        head, rows = "epoch,loss\n", [f"{epoch},{place}.25\n" for place, epoch in enumerate(epochs)]
    else:
        head, rows = "", [f'{{"epoch": {epoch}, "loss": {place}.25}}\n' for place, epoch in enumerate(epochs)]
    if at_once:
        path.write_text(head + "".join(rows))
    else:
        for end in range(len(rows) + 1):
            path.write_text(head + "".join(rows[:end]))
            follow(logs, afresh=end % 2 == 0)
    (run,) = follow(logs).values()
    numbers = [place + 0.25 for place in range(len(rows))]
    if epochs == [1, 2, 3]:
        assert points(run, "loss") == list(zip(epochs, numbers, strict=True)) and run.summary().problems == ()
        return
    assert points(run, "loss") == list(enumerate(numbers, 1)), "the rows are counted"
    assert points(run, "epoch") == [(place, float(epoch)) for place, epoch in enumerate(epochs, 1)]
    (told,) = run.summary().problems
    assert told == f"log: {path}: its steps (epoch) are no whole numbers; its rows are counted instead"


def test_two_logs_of_one_name_are_called_after_where_they_lie_whichever_comes_first(
    logs: Path, tmp_path: Path, follow: Any
) -> None:
    for folder in ("a", "b", "b/c"):
        (logs / folder).mkdir()
    names = {"a/train.csv": "a/train", "b/train.jsonl": "b/train", "b/c/train.tsv": "b/c/train", "train.csv": "train"}
    for path in names:
        between = "\t" if path.endswith("tsv") else ","
        rows = f"step{between}loss\n1{between}1\n"
        (logs / path).write_text('{"step": 1, "loss": 1}\n' if path.endswith("jsonl") else rows)
        found = follow(logs)
    assert {Path(run.record.follows).relative_to(logs).as_posix(): name for name, run in found.items()} == names
    with following(logs, tmp_path / "at-once") as follower:
        again = {
            Path(run.record.follows).relative_to(logs).as_posix(): name for name, run in followed(follower).items()
        }
    assert again == names
    with following(logs / "a" / "train.csv", tmp_path / "one") as follower:
        assert set(followed(follower)) == {"train"}


def test_logs_that_differ_in_their_ending_only_have_it_in_their_names(logs: Path, follow: Any) -> None:
    (logs / "a.csv").write_text("step,loss\n1,1\n")
    (logs / "a.jsonl").write_text('{"step": 1, "loss": 1}\n')
    assert set(follow(logs)) == {"a.csv", "a.jsonl"}


def test_lightnings_versions_of_several_experiments_have_their_names(logs: Path, follow: Any) -> None:
    for experiment in ("one", "two"):
        folder = logs / experiment / "lightning_logs" / "version_0"
        folder.mkdir(parents=True)
        (folder / "metrics.csv").write_text("step,loss\n1,1\n")
    assert set(follow(logs)) == {"one/lightning_logs/version_0", "two/lightning_logs/version_0"}


@pytest.fixture
def two_runs(tmp_path: Path) -> dict[str, Run]:
    """A run that learned, and one that did not; as one table the one would seem to have lost what it knew."""
    made = {}
    for name, top in (("good", 0.999), ('base, "x"', 0.1)):
        run = made[name] = Workspace(tmp_path / "own").create("baseline", load_preset("baseline").config, name)
        with run.store() as store:
            store.append([("loss", step, 2.0 - top * step / 100) for step in range(0, 101, 5)])
            store.append([("accuracy", step, top) for step in range(0, 101, 10)])
            store.set_state(status="finished", step=100)
    return made


def test_a_table_of_several_runs_is_those_runs(
    two_runs: dict[str, Run], logs: Path, tmp_path: Path, follow: Any
) -> None:
    there = ["--workspace", str(tmp_path / "own"), "--output", str(logs / "two.csv")]
    assert call("export", *[run.id for run in two_runs.values()], *there)[0] == 0
    found = follow(logs)
    assert set(found) == set(two_runs)
    for name, run in found.items():
        for metric_name in ("loss", "accuracy"):
            assert points(run, metric_name) == points(two_runs[name], metric_name)
        assert metrics(run) == {"loss", "accuracy"} and run.summary().problems == ()
    words = {name: run.summary(judged=True).verdict for name, run in found.items()}
    assert words["good"].word == "learned" and words['base, "x"'].word != "collapsed"
    assert set(follow(logs, afresh=True)) == set(two_runs)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_rows_of_several_runs_are_told_apart_as_they_come(form: str, logs: Path, follow: Any) -> None:
    """In any order, also where the one's id is part of the other's, and with no name beside it."""
    rows = [("1", 1, 0.5), ("11", 1, 5.0), ("1", 2, 0.25), ("11", 2, 4.0), ("a/b", 1, 7.0), ("1", 3, 0.125)]
    path = logs / f"all.{form}"
    path.write_text("run,step,loss\n" if form == "csv" else "")
    for end, (run, step, loss) in enumerate(rows):
        with path.open("a") as file:
            one = {"run": run if end % 2 or not run.isdigit() else int(run), "step": step, "loss": loss}
            file.write(f"{run},{step},{loss}\n" if form == "csv" else json.dumps(one) + "\n")
        found = follow(logs, afresh=end == 3)
    assert set(found) == {"all/1", "all/11", "all/a-b"}
    for id, name in (("1", "all/1"), ("11", "all/11"), ("a/b", "all/a-b")):
        assert points(found[name], "loss") == [(step, loss) for run, step, loss in rows if run == id]
        assert metrics(found[name]) == {"loss"} and found[name].summary().problems == ()


@pytest.mark.parametrize("at_once", [True, False])
def test_of_steps_that_begin_again_no_verdict_is_given(at_once: bool, logs: Path, follow: Any) -> None:
    path = logs / "a.csv"
    runs = [[f"{step},{1 / (step + 1)},{good}\n" for step in range(30)] for good in (1.0, 0.1, 0.1)]
    path.write_text("epoch,loss,accuracy\n")
    for end, rows in enumerate(runs):
        for some in [rows] if at_once else [rows[:7], rows[7:]]:
            with path.open("a") as file:
                file.writelines(some)
            (run,) = follow(logs, afresh=end == 1).values()
        summary = run.summary(judged=True)
        if not end:
            assert summary.verdict is not None and summary.verdict.word == "learned" and summary.problems == ()
            continue
        (told,) = summary.problems
        assert f"its steps begin again {'once' if end == 1 else '2 times'}: it may hold several runs" in told
        assert summary.verdict is None
    path.write_text("epoch,loss,accuracy\n" + "".join(runs[0]))
    (run,) = follow(logs).values()
    assert run.summary(judged=True).verdict is not None and run.summary().problems == ()


def test_a_run_that_goes_on_from_a_checkpoint_does_not_begin_again(logs: Path, follow: Any) -> None:
    steps = [*range(20), *range(10, 30), *range(15, 40)]
    (logs / "a.csv").write_text("step,loss\n" + "".join(f"{step},{1 / (step + 1)}\n" for step in steps))
    (run,) = follow(logs).values()
    assert run.summary().problems == () and run.summary(judged=True).verdict is not None
