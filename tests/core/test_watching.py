"""Runs that a script trains: what it logs, what a person asks of it, how it ends, tried with real scripts."""

from __future__ import annotations

import argparse
import dataclasses
import fractions
import math
import os
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import seqsum
from seqsum.control import commands
from seqsum.errors import UserError
from seqsum.runs import Run, Workspace
from seqsum.runs.media import media_of
from support.command_line import call, lines, refused
from support.engine import kill, wait_for_end, wait_until

LOOP = """
import seqsum, sys, time
with seqsum.watch("mine", config={"lr": 0.5, "note": "a", "model": {"hidden": 8}}, total_steps=500,
                  live=["lr", "note", "model.hidden"]) as run:
    for step in range(1, 1_000_000):
        run.paused()
        if run.should_stop:
            break
        run.log(step, loss=1 / step, **{"val/ppl": run.value("lr"), "width": run.value("model.hidden")})
        time.sleep(0.001)
"""
DEAF = """
import seqsum, time
with seqsum.watch("deaf", {"lr": 1.0}, live=["lr"]) as run:
    step = 0
    while True:
        run.log(step := step + 1, loss=0.5)
        time.sleep(0.01)
"""

Begin = Callable[[str], tuple[Run, "subprocess.Popen[str]"]]


@pytest.fixture
def script(tmp_path: Path) -> Any:
    """Run a script, and return the run that it makes, once it has logged something, and its process."""
    begun: list[subprocess.Popen[str]] = []

    def run(text: str) -> tuple[Run, subprocess.Popen[str]]:
        file = tmp_path / "train.py"
        file.write_text(text)
        there = {one.id for one in Workspace(tmp_path / "runs").runs()}
        environment = {**os.environ, "SEQSUM_WORKSPACE": str(tmp_path / "runs")}
        # As from a terminal's shell, also where these tests run in the background, with ctrl+c ignored.
        before = signal.signal(signal.SIGINT, signal.SIG_DFL)
        try:
            process = subprocess.Popen([sys.executable, file], stderr=subprocess.PIPE, text=True, env=environment)
        finally:
            signal.signal(signal.SIGINT, before)
        begun.append(process)

        def found() -> Run | None:
            new = [one for one in Workspace(tmp_path / "runs").runs() if one.id not in there]
            return new[0] if new and new[0].summary().step else None

        return wait_until(found, "a run with a point"), process

    yield run
    for process in begun:
        process.kill()
        process.communicate()


def points(run: Run, metric: str) -> list[tuple[int, float]]:
    with run.store() as store:
        steps, values = store.points(metric)
    return list(zip(steps.tolist(), values.tolist(), strict=True))


def test_what_is_logged_is_there(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows = {step: float(value) for step, value in enumerate(generator.normal(size=500), 1)}
    with seqsum.watch("a", {"lr": 0.1}, total_steps=500, group="g", tags=["t"], workspace=tmp_path) as watched:
        for step, value in rows.items():
            watched.log(step, loss=value)
        watched.log(np.int64(500), **{"val/ppl": torch.tensor(2.5, requires_grad=True), "n": np.float32(3), "k": 7})
        watched.log(400, loss=99)
        watched.log(501, loss=math.nan)
        watched.message("so far so [good]")
    run = watched.run
    expected = {**rows, 400: 99.0}
    assert dict(points(run, "loss")[:500]) == pytest.approx(expected)
    assert (points(run, "val/ppl"), points(run, "n"), points(run, "k")) == ([(500, 2.5)], [(500, 3.0)], [(500, 7.0)])
    summary = run.summary()
    assert (summary.status, summary.step, summary.steps, summary.reason) == ("finished", 501, 500, None)
    assert (summary.name, summary.group, summary.tags, summary.problems) == ("a", "g", ("t",), ())
    assert math.isnan(summary.metrics["loss"])
    with run.store() as store:
        assert [event.kind for event in store.events()] == ["started", "message", "finished"]
    watched.close()
    (listed,) = lines("runs", "--workspace", str(tmp_path))
    assert (listed["name"], listed["status"], listed["step"]) == ("a", "finished", 501)
    assert call("doctor", "--workspace", str(tmp_path))[1].strip().endswith("sound")
    with seqsum.watch("a", workspace=tmp_path) as other:
        assert other.run.summary().status == "running"
    assert other.run.summary().name == "a-2"


@dataclasses.dataclass
class Settings:
    lr: float
    sizes: tuple[int, ...]
    nested: dict[str, Any]


@pytest.mark.parametrize(
    "config",
    [
        {"lr": 0.1, "sizes": [1, 2], "nested": {"a": None, "b": {"c": True}}},
        Settings(0.1, (1, 2), {"a": None, "b": {"c": True}}),
        argparse.Namespace(lr=np.float64(0.1), sizes=(1, 2), nested={"a": None, "b": {"c": True}}),
    ],
)
def test_any_configuration_is_kept_and_compared(config: object, tmp_path: Path) -> None:
    with seqsum.watch("a", config, workspace=tmp_path) as watched:
        watched.log(1, loss=1.0)
    expected = {"config": {"lr": 0.1, "sizes": [1, 2]}, "nested": {"a": None, "b.c": True}}
    assert watched.run.settings() == expected
    (shown,) = lines("show", "a", "--workspace", str(tmp_path))
    assert shown["config"] == expected and shown["problems"] == []
    with seqsum.watch("b", {"lr": 0.2, "object": object(), "inf": math.inf}, workspace=tmp_path) as watched:
        watched.log(1, loss=1.0)
    said = call("compare", "a", "b", "--workspace", str(tmp_path))[1]
    assert "config.lr" in said and "can't be read" not in said and "different tasks" not in said
    with seqsum.watch("c", {"seed": 7}, workspace=tmp_path) as watched:
        watched.log(1, loss=1.0)
    assert lines("runs", "--filter", "seed = 7", "--workspace", str(tmp_path)) == []  # of ours
    (found,) = lines("runs", "--filter", "config.seed = 7", "--workspace", str(tmp_path))
    assert found["name"] == "c" and "seed" not in call("show", "b", "--workspace", str(tmp_path))[1]
    (found,) = lines("runs", "--filter", "config.lr > 0.15", "--workspace", str(tmp_path))
    assert found["name"] == "b"


def test_texts_spreads_pictures_and_weights_are_kept(tmp_path: Path) -> None:
    net = torch.nn.Linear(3, 2)
    picture = np.zeros((40, 80))
    picture[:, 40:] = 1.0
    with seqsum.watch("a", workspace=tmp_path) as watched:
        watched.log(5, loss=1.0)
        watched.text("sample", "one [red]line\nand another")
        watched.image("half", torch.from_numpy(np.stack([picture] * 3, axis=2)))
        watched.histogram("weights", [[0.0, 1.0], [1.0, math.nan]])
        file = watched.save(5, net)
        for wrong in (lambda: watched.image("x", [1, 2]), lambda: watched.histogram("x", [math.nan]),
                      lambda: watched.histogram("x", ["a"])):  # fmt: skip
            with pytest.raises(UserError, match="watch: x"):
                wrong()
    lines = watched.run.log_tail(100)
    assert lines[:3] == ["sample (step 5)", "one [red]line", "and another"]
    drawn = lines[lines.index("half (step 5)") + 1 :][:16]
    assert drawn == [" " * 32 + "█" * 32] * 16
    with watched.run.store() as store:
        told = [event.detail["text"] for event in store.events(kind="message")]
        assert {event.step for event in store.events(kind="message")} == {5}
    assert told[0] == "sample: 2 lines in the log" and told[3] == f"weights saved as weights/{file.name}"
    assert told[2] == f"weights  0 ▄{' ' * 22}█ 1  3 numbers, mean 0.6667"
    loaded = safetensors.torch.load_file(file)
    assert all(torch.equal(loaded[name], value) for name, value in net.state_dict().items()) and len(loaded) == 2
    assert call("doctor", "--workspace", str(tmp_path))[1].strip().endswith("sound")


@pytest.mark.parametrize(
    "numbers",
    [[1e308, -1e308], [1e17, 1e17], [1.0, math.nextafter(1.0, 2.0)], [0.0], [5e-324, 0.0], [sys.float_info.max] * 2],
)
def test_numbers_of_any_size_have_a_histogram(numbers: list[float], tmp_path: Path) -> None:
    with seqsum.watch("a", workspace=tmp_path) as watched:
        watched.histogram("x", numbers)
    with watched.run.store() as store:
        (event,) = store.events(kind="message")
        (found,) = media_of(store).histograms
    assert found.low < found.high and found.edges[0] == found.low and found.edges[-1] == found.high
    assert found.numbers == len(numbers) == int(re.findall(r"(\d+) number", event.detail["text"])[0])
    assert found.mean == pytest.approx(statistics.mean(map(fractions.Fraction, numbers)), abs=1e-300)
    assert np.isfinite(found.edges).all() and (np.diff(found.edges / 2) >= 0).all()


@pytest.mark.parametrize("type", [torch.bfloat16, torch.float16, torch.float8_e4m3fn, torch.int8, torch.bool])
def test_tensors_of_any_type_have_a_histogram_a_picture_and_a_number(type: torch.dtype, tmp_path: Path) -> None:
    values = torch.tensor([[0.0, 1.0], [1.0, 1.0]]).to(type)
    with seqsum.watch("a", workspace=tmp_path) as watched:
        watched.log(1, loss=values[0, 1])
        watched.histogram("x", values)
        watched.image("y", values)
    with watched.run.store() as store:
        (found,) = media_of(store).histograms
    assert (found.low, found.high, found.counts[0], found.counts[-1], found.mean) == (0, 1, 1, 3, 0.75)
    assert watched.run.summary().metrics["loss"] == 1


def test_a_long_text_is_whole_in_the_log_alone(tmp_path: Path) -> None:
    with seqsum.watch("a", workspace=tmp_path) as watched:
        watched.text("x", "a" * 30_000)
    with watched.run.store() as store:
        (text,) = media_of(store).texts
    assert text.text == "a" * 20_000 + "\n… (10,000 more characters in the run's log)"
    assert "a" * 30_000 in watched.run.log.read_text()


def test_a_person_steers_it(script: Begin) -> None:
    run, process = script(LOOP)
    assert commands.pause(run)["ok"] and run.summary().status == "paused"
    before = run.summary().step
    assert commands.set_value(run, "lr", "0.25")["message"].startswith("config.lr = 0.25 from step")
    assert commands.set_value(run, "note", "b [red]")["ok"] and commands.set_value(run, "model.hidden", "16")["ok"]
    assert run.settings() == {"config": {"lr": 0.25, "note": "b [red]"}, "model": {"hidden": 16}}
    for field, value, why in [
        ("lr", "much", "must be a number"), ("lr", "nan", "must be a number"), ("model.hidden", "1.5", "whole number"),
        ("momentum", "1", "can't change"), ("optim.lr", "1", "can't change"),
    ]:  # fmt: skip
        with pytest.raises(UserError, match=why):
            commands.set_value(run, field, value)
    assert run.summary().step == before
    assert commands.resume(run, None)["ok"]  # type: ignore[arg-type]
    wait_until(lambda: run.summary().step > before + 20, "further steps")
    assert run.summary().status == "running"
    assert commands.stop(run)["ok"]
    assert process.wait(30) == 0
    summary = wait_for_end(run)
    assert (summary.status, summary.reason, summary.live) == ("stopped", "stopped by command", False)
    assert points(run, "val/ppl")[-1][1] == 0.25 and points(run, "width")[-1][1] == 16
    with run.store() as store:
        kinds = [event.kind for event in store.events()]
    assert kinds == ["started", "paused", "set", "set", "set", "continued", "stopped"]
    with pytest.raises(UserError, match="is stopped"):
        commands.set_value(run, "lr", "1")


def test_who_does_not_listen_is_told_of(script: Begin) -> None:
    run, process = script(DEAF)
    with pytest.raises(UserError, match=rf"does not look whether it is to pause, by run\.paused\(\).* {process.pid}"):
        commands.pause(run)
    assert run.summary().status == "running"
    assert "the script has not looked at it yet" in commands.set_value(run, "lr", "2")["message"]
    with pytest.raises(UserError, match=r"does not look whether it is to stop, by run\.should_stop"):
        commands.stop(run)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(30) != 0
    summary = wait_for_end(run)
    assert (summary.status, summary.reason) == ("stopped", "stopped by ctrl+c")


def test_a_crash_reads_died_with_its_traceback(script: Begin) -> None:
    text = LOOP.replace(
        "time.sleep(0.001)", "time.sleep(0.001)\n        if step == 300: raise ValueError('no [b]room')"
    )
    run, process = script(text)
    assert process.wait(30) == 1
    summary = wait_for_end(run)
    assert summary.status == "died"
    assert summary.reason == "the script ended with an exception: ValueError: no [b]room", "said once"
    shown = call("show", run.id, "--workspace", str(run.folder.parent))[1]
    assert "end of the script's log" in shown and "worker" not in shown
    assert (summary.step, len(points(run, "loss"))) == (300, 300)
    log = "\n".join(run.log_tail())
    assert "Traceback" in log and "train.py" in log and "if step == 300" in log


def test_killed_it_has_died_and_what_was_seen_stays(script: Begin) -> None:
    run, process = script(LOOP)
    wait_until(lambda: run.summary().step > 50, "some steps")
    kill(run, process.pid)
    summary = run.summary()
    assert (summary.status, summary.reason) == (
        "died", "the script was ended from outside (killed, or out of memory)"
    )  # fmt: skip
    assert "worker" not in call("show", run.id, "--workspace", str(run.folder.parent))[1], (
        "of a log without a line, too"
    )
    assert [step for step, _ in points(run, "loss")] == list(range(1, summary.step + 1))


def test_what_only_our_own_runs_can_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with seqsum.watch("mine", {"lr": 1.0}, workspace=tmp_path) as watched:
        watched.log(5, loss=1.0)
        place = ("--workspace", str(tmp_path))
        assert "saves by itself" in refused("snapshot", "mine", *place)
    with watched.run.store() as store:
        store.set_state(status="stopped")
    for words in (
        ["resume"], ["fork"], ["rewind", "--step", "1"], ["set", "optim.lr=1"], ["inspect", "1"],
        ["evaluate"], ["sample", "a"], ["predict", "1"],
    ):  # fmt: skip
        said = refused(words[0], "mine", *words[1:], *place)
        assert len(said.splitlines()) == 1 and ("script" in said or "checkpoint" in said), said
    file = tmp_path / "out.csv"
    assert (
        call("export", "mine", "--format", "csv", "--output", str(file), *place)[0] == 0 and "loss" in file.read_text()
    )


def test_what_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with seqsum.watch("a", {"lr": 1.0, "sizes": [1]}, live=["lr"], workspace=tmp_path) as run:
        for given, why in [
            ({"accuracy": 85.0}, "divide it by 100"), ({"loss": "low"}, "is no number"), ({"": 1.0}, "name"),
            ({"a\x1b[2J": 1.0}, "name"), ({"x" * 200: 1.0}, "name"), ({"loss": torch.ones(2)}, "is no number"),
        ]:  # fmt: skip
            with pytest.raises(UserError, match=why):
                run.log(1, **given)  # type: ignore[arg-type]
        for step in (-1, 1.5, 2**60, "1"):
            with pytest.raises(UserError, match="a step is"):
                run.log(step, loss=1.0)  # type: ignore[arg-type]
            with pytest.raises(UserError, match="a step is"):
                run.save(step, torch.nn.Linear(1, 1))  # type: ignore[arg-type]
        with pytest.raises(UserError, match=r"at most 9,007,199,254,740,992; got 9,007,199,254,740,993"):
            run.log(2**53 + 1, loss=1.0)
        for nothing in (None, 3, b"text", ["a"]):
            with pytest.raises(UserError, match="watch: sample is no text"):
                run.text("sample", nothing)  # type: ignore[arg-type]
        for weights in (None, "x", [torch.ones(1)], {"a": 1.0}, {"a": None}):
            with pytest.raises(UserError, match="a module or a mapping of names and tensors"):
                run.save(1, weights)
        assert not (run.run.folder / "weights").exists()
        with pytest.raises(UserError, match=r'no live value "lrr"; did you mean "?lr'):
            run.value("lrr")
    assert run.run.summary().metrics == {}
    for wrong in (
        {"live": ["lrr"]},
        {"live": ["sizes"]},
        {"live": "lrr"},
        {"total_steps": -1},
        {"total_steps": "9"},
        {"name": 5},
        {"group": 3},
        {"name": "a\nb"},
        {"group": "\x1b"},
    ):
        with pytest.raises(UserError):
            seqsum.watch(config={"lr": 1.0, "sizes": [1]}, workspace=tmp_path, **wrong)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="config is a mapping"):
        seqsum.watch(config=3, workspace=tmp_path)
    loop: dict[str, Any] = {}
    loop["again"] = loop
    with pytest.raises(UserError, match="mappings deep"):
        seqsum.watch(config=loop, workspace=tmp_path)
    assert len(Workspace(tmp_path).runs()) == 1
    with seqsum.watch(config={"lr": 1.0}, tags="foo", live="lr", workspace=tmp_path) as run:
        assert run.run.summary().tags == ("foo",) and run.value("lr") == 1.0


def test_a_name_leads_to_the_value_that_it_says(tmp_path: Path) -> None:
    config = {"lr": 0.1, "optim": {"lr": 0.3, "beta": 0.9}, "other": {"lr": 0.4}}
    for live in (["lr", "optim.lr", "optim.beta"], ["optim.beta", "optim.lr", "lr"]):
        with seqsum.watch("a", config, live=live, workspace=tmp_path) as watched:
            found = [watched.value(name) for name in ("lr", "config.lr", "optim.lr", "beta", "optim.beta")]
            assert found == [0.1, 0.1, 0.3, 0.9, 0.9]
            assert commands.set_value(watched.run, "lr", "0.2")["ok"] and watched.value("lr") == 0.2
            assert watched.value("optim.lr") == 0.3 and watched.run.settings()["config"]["lr"] == 0.2
    with seqsum.watch("b", config, live=["optim.lr", "other.lr"], workspace=tmp_path) as watched:
        with pytest.raises(UserError, match=r'"lr" names several live values; say which: optim\.lr, other\.lr'):
            watched.value("lr")
        with pytest.raises(UserError, match='"lr" names several; say which'):
            commands.set_value(watched.run, "lr", "1")


def test_a_share_may_be_rounded(tmp_path: Path) -> None:
    with seqsum.watch("a", workspace=tmp_path) as watched:
        watched.log(1, accuracy=float(np.float32(1.0000001)), val_accuracy=-1e-8)
    assert points(watched.run, "accuracy") == [(1, 1.0)] and points(watched.run, "val_accuracy") == [(1, 0.0)]


@pytest.mark.parametrize(
    ("end", "status"), [("", "finished"), ("raise ArithmeticError('no way')", "died"), ("sys.exit(3)", "finished")]
)
def test_left_open_it_ends_with_its_script(end: str, status: str, tmp_path: Path) -> None:
    words = f"import seqsum, sys\nrun = seqsum.watch('a')\nfor step in range(1, 11): run.log(step, loss=1.0)\n{end}"
    environment = {**os.environ, "SEQSUM_WORKSPACE": str(tmp_path)}
    subprocess.run([sys.executable, "-c", words], stderr=subprocess.DEVNULL, env=environment, check=False)
    (run,) = Workspace(tmp_path).runs()
    summary = run.summary()
    assert (summary.status, summary.step) == (status, 10)
    assert status == "finished" or (summary.reason or "").endswith("ArithmeticError: no way")


def test_whose_folder_is_gone_ends_soon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watched = seqsum.watch("a", workspace=tmp_path)
    watched.run.folder.rename(tmp_path / "elsewhere")
    watched.close()
    assert "can't be written" in capsys.readouterr().err


def test_a_process_that_is_forked_off_is_not_the_worker(tmp_path: Path) -> None:
    read, write = os.pipe()
    with seqsum.watch("a", workspace=tmp_path) as watched:
        child = os.fork()
        if child == 0:
            watched.log(7, loss=1.0)
            os.close(write)
            os.read(read, 1)
            os._exit(0)
        os.close(read)
        watched.log(1, loss=1.0)
    # The child lives yet.
    assert not watched.run.worker_lives and watched.run.summary().status == "finished"
    os.close(write)
    os.waitpid(child, 0)
    assert points(watched.run, "loss") == [(1, 1.0)]


def test_while_its_store_is_held_it_trains_on_and_loses_nothing(tmp_path: Path) -> None:
    with seqsum.watch("a", workspace=tmp_path) as watched:
        watched.log(1, loss=1.0)
        wait_until(lambda: points(watched.run, "loss"), "a first point")
        with sqlite3.connect(watched.run.folder / "metrics.db", isolation_level=None) as holder:
            holder.execute("BEGIN IMMEDIATE")
            for step in range(2, 1002):
                watched.log(step, loss=float(step))
            wait_until(lambda: watched.run.summary().status == "suspended", "that it says so")
            assert "goes on by itself" in (watched.run.summary().reason or "")
            holder.execute("ROLLBACK")
        wait_until(lambda: watched.run.summary().status == "running", "that it goes on")
    holder.close()
    assert [step for step, _ in points(watched.run, "loss")] == list(range(1, 1002))


def test_it_needs_no_torch(tmp_path: Path) -> None:
    words = "import seqsum, sys\nwith seqsum.watch('a') as run: run.log(1, loss=1.0)\nprint('torch' in sys.modules)"
    environment = {**os.environ, "SEQSUM_WORKSPACE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", words], stdout=subprocess.PIPE, text=True, env=environment, check=True)
    assert done.stdout == "False\n"
    assert Workspace(tmp_path).runs()[0].summary().preset == "-c"
