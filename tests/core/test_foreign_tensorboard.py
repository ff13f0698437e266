"""TensorBoard's event files as runs: what the real writer writes, torn anywhere, damaged, and beside its own reader."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.tensorboard import SummaryWriter

from seqsum.foreign.event_frames import Events
from support.following import follows, points


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def follow(tmp_path: Path, logs: Path) -> Iterator[Any]:
    """Follow the logs until nothing of them is new; return the runs by their names, and the follower."""
    with follows(logs, tmp_path / "runs") as follow:
        yield follow


def single(value: float) -> float:
    """As a float of 32 bits holds it."""
    found: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return found


def written(folder: Path, steps: int = 400) -> dict[str, list[tuple[int, float]]]:
    """Write scalars of both kinds among other things; return what they were."""
    chance, truth = random.Random(1), dict[str, list[tuple[int, float]]]()
    with SummaryWriter(str(folder)) as writer:
        for step in range(steps):
            for tag, new in (("loss", False), ("eval/ppl", True), ("lr/a", False)):
                value = chance.gauss(0, 1)
                writer.add_scalar(tag, value, step * 7, new_style=new)
                truth.setdefault(tag, []).append((step * 7, single(value)))
            if step % 50 == 0:
                writer.add_histogram("weights", torch.randn(20), step)
                writer.add_text("note", "a text", step)
                writer.add_scalars("both", {"one": step}, step)
    return truth


def test_what_the_real_writer_writes(logs: Path, follow: Any) -> None:
    truth = written(logs / "first")
    runs, follower = follow()
    assert set(runs) == {"first", "first/both_one"} and follower.problems == []
    for tag, rows in truth.items():
        assert points(runs["first"], tag) == rows
    with runs["first"].store() as store:
        assert set(store.metrics()) == set(truth)
    summary = runs["first"].summary()
    assert (summary.preset, summary.step) == ("TensorBoard", 399 * 7) and summary.train_seconds is not None


def test_it_reads_what_the_library_reads(logs: Path) -> None:
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    written(logs, 100)
    (file,) = (path for path in logs.iterdir() if path.is_file())
    read: dict[str, list[tuple[int, float]]] = {}
    for event in EventFileLoader(str(file)).Load():
        for value in event.summary.value:
            if value.tensor.dtype == 1 and not value.tensor.tensor_shape.dim:
                read.setdefault(value.tag, []).append((event.step, value.tensor.float_val[0]))
    assert Events(file.read_bytes()).rows() == read


def test_settings_are_the_configuration(logs: Path, follow: Any) -> None:
    with SummaryWriter(str(logs)) as writer:
        writer.add_hparams({"lr": 0.5, "layers": 3, "cell": "lstm", "bias": True}, {"final": 1.0}, run_name="hp")
    runs, _ = follow()
    assert runs["hp"].settings()["config"] == {"lr": 0.5, "layers": 3, "cell": "lstm", "bias": True}
    assert points(runs["hp"], "final") == [(0, 1.0)]


def test_a_file_torn_anywhere_is_read_as_if_it_had_come_at_once(logs: Path, follow: Any) -> None:
    truth = written(logs / "first", 12)
    (file,) = (path for path in (logs / "first").iterdir() if path.is_file())
    data = file.read_bytes()
    file.write_bytes(b"")
    for place in range(0, len(data), 61):
        with file.open("ab") as more:
            more.write(data[place : place + 61])
        runs, follower = follow()
        assert follower.problems == []
        for tag, rows in truth.items():
            seen = points(runs["first"], tag)
            assert seen == rows[: len(seen)]
    assert all(points(runs["first"], tag) == rows for tag, rows in truth.items())


def test_several_files_of_a_folder_are_one_run(logs: Path, follow: Any) -> None:
    for part in range(3):
        with SummaryWriter(str(logs / "first"), filename_suffix=f".{part}") as writer:
            for step in range(4):
                writer.add_scalar("loss", step + part, part * 4 + step)
        runs, _ = follow()
        assert len(points(runs["first"], "loss")) == part * 4 + 4
    assert len(runs) == 1


def test_a_damaged_event_costs_itself_only_and_a_damaged_frame_the_rest(logs: Path, follow: Any) -> None:
    truth = written(logs / "value", 50)["loss"]
    (file,) = (path for path in (logs / "value").iterdir() if path.is_file())
    data = bytearray(file.read_bytes())
    (logs / "frame").mkdir()
    place = data.find(struct.pack("<f", truth[20][1]))
    data[place] ^= 1
    file.write_bytes(data)
    data[place] ^= 1
    data[data.find(struct.pack("<f", truth[30][1])) - 40 :] = b"\xff" * 4000
    (logs / "frame" / file.name).write_bytes(data)
    runs, follower = follow()
    assert points(runs["value"], "loss") == [*truth[:20], *truth[21:]]
    kept = points(runs["frame"], "loss")
    assert kept == truth[: len(kept)] and 28 < len(kept) < 32
    assert len([problem for problem in follower.problems if "damaged" in problem]) == 2


@pytest.mark.parametrize("seed", range(4))
def test_bytes_that_are_no_events_end_soon_and_in_a_sentence(seed: int, logs: Path, follow: Any) -> None:
    folder = logs / "bad"
    folder.mkdir(parents=True)
    chance = random.Random(seed)
    data = chance.randbytes(3_000_000) if seed else b"\0" * 8_000_000
    (folder / "events.out.tfevents.1.x").write_bytes(data)
    began = time.process_time()
    runs, follower = follow()
    assert time.process_time() - began < 5 and len(runs) == 1
    assert any("damaged at byte" in problem for problem in follower.problems)


def test_any_change_of_a_byte_is_survived(logs: Path) -> None:
    truth = written(logs, 10)
    (file,) = (path for path in logs.iterdir() if path.is_file())
    data, chance = file.read_bytes(), random.Random(0)
    for _ in range(300):
        other = bytearray(data)
        other[chance.randrange(len(data))] = chance.randrange(256)
        events = Events(bytes(other))
        for tag, rows in events.rows().items():
            assert set(rows) <= set(truth.get(tag, rows))
