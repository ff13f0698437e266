"""Several processes train one run: to what one would come to, whatever happens to one of them on the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqsum.config import Config
from seqsum.control import commands
from seqsum.errors import ConfigError, UserError
from seqsum.launch import WarmLauncher
from seqsum.models.base import SequenceModel
from seqsum.presets.library import load_preset
from seqsum.registry import make_task
from seqsum.runs import Run, Workspace
from seqsum.setting_notes import notes
from seqsum.training.backends.data_parallel import DataParallelBackend
from seqsum.training.ranks import Ranks
from seqsum.training.trainer import Trainer
from seqsum.worker.together import ATTEMPTS_MORE, LOOPBACK
from support.engine import (
    PlainModel,
    new_run,
    outcome_of,
    small,
    train_here,
    wait_for_end,
    wait_for_step,
    wait_until,
)
from support.processes import in_processes, train_together

SHORT: dict[str, Any] = {
    "task.modulus": 5, "task.min_length": 1, "task.max_length": 3, "model.hidden_size": 8,
    "train.steps": 30, "train.batch_size": 7, "train.log_every": 3, "train.evaluate_every": 10,
    "train.checkpoint_every": 30, "train.dtype": "float64", "train.backend": "torch",
}  # fmt: skip
TEXT: dict[str, Any] = {"task.name": "character_lm", "task.bptt": 12, "task.characters": 20_000}
FAMILIES: dict[str, dict[str, Any]] = {
    "recurrent, clipped": {"model.cell": "gru", "model.num_layers": 2, "optim.clip_norm": 0.2},
    "tags of rows of different lengths": {"task.name": "tagging", "model.bidirectional": True},
    "transformer": {"task.name": "running_sum", "model.name": "transformer", "model.hidden_size": 16},
    "encoder and decoder, plateau": {
        "task.name": "addition", "model.name": "encoder_decoder", "model.hidden_size": 12,
        "schedule.name": "plateau", "schedule.patience": 1,
    },
    "language model that carries its state": {**TEXT, "model.cell": "lstm", "model.hidden_size": 12},
    "language model of blocks": {**TEXT, "model.name": "delta_net", "model.hidden_size": 16, "optim.name": "muon"},
    "quantiles": {"task.name": "forecast", "task.interval": 0.8, "optim.name": "schedule_free"},
}  # fmt: skip


def config_of(changes: dict[str, Any], processes: int = 1) -> Config:
    config = Config().changed({name: value for name, value in changes.items() if name.endswith(".name")}, "test")
    known = {facts.path for facts in config.fields()}
    every = {name: value for name, value in SHORT.items() if name in known}
    return config.changed({**every, **changes, "train.processes": processes}, "test")


@pytest.fixture(scope="module")
def by_two(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What two processes come to, with each family."""
    configs = [config_of(changes, 2) for changes in FAMILIES.values()]
    made = train_together(2, configs, tmp_path_factory.mktemp("two") / "runs")
    return dict(zip(FAMILIES, made, strict=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_two_processes_come_to_what_one_comes_to(family: str, by_two: dict[str, Any], tmp_path: Path) -> None:
    """The same points and weights but for the last digits of float64; rows of a batch are 3 and 4 of 7."""
    points, (_, weights, optimizer) = by_two[family]
    alone, (_, weights_alone, optimizer_alone) = train_here(config_of(FAMILIES[family]), tmp_path)
    assert points.keys() == alone.keys()
    for name in points:
        assert [step for step, _ in points[name]] == [step for step, _ in alone[name]]
        np.testing.assert_allclose(*([v for _, v in one[name]] for one in (points, alone)), rtol=1e-7, atol=1e-9)
    for one, other in ((weights, weights_alone), (optimizer, optimizer_alone)):
        mine, theirs = safetensors.torch.load(one), safetensors.torch.load(other)
        assert mine.keys() == theirs.keys()
        for name in mine.keys() - {"rng"}:
            torch.testing.assert_close(mine[name], theirs[name], rtol=1e-6, atol=1e-9)


def test_two_processes_come_to_plain_pytorch(tmp_path: Path) -> None:
    """One process, one loop, PyTorch's own loss, clipping and Adam."""
    config = config_of({"model.cell": "lstm", "optim.clip_norm": 0.1, "schedule.name": "constant"}, 2)
    ((_, (_, weights, _)),) = train_together(2, [config], tmp_path / "runs")
    plain = PlainModel(5, config.model).double()
    plain.load_state_dict(Trainer(config_of({"model.cell": "lstm"})).model.state_dict())
    optimizer = torch.optim.Adam(plain.parameters(), lr=config.optim.lr)
    batches, norms = make_task(config.task).batches(config.train.seed, 0, 30, 7), []
    for inputs, lengths, targets in zip(batches.inputs, batches.lengths, batches.targets, strict=True):
        optimizer.zero_grad()
        logits = plain(torch.from_numpy(inputs), torch.from_numpy(lengths))
        F.cross_entropy(logits, torch.from_numpy(targets)).backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.1)))
        optimizer.step()
    assert max(norms) > 0.1, "the case must clip, or it shows nothing"
    found = safetensors.torch.load(weights)
    for name, weight in plain.state_dict().items():
        torch.testing.assert_close(found[name], weight, rtol=1e-7, atol=1e-9)


LONG = {"train__processes": 2, "train__steps": 400, "train__checkpoint_every": 50, "train__evaluate_every": 60}


def ranks_of(run: Run) -> list[psutil.Process]:
    """The processes of a run that trains, rank 0 first: the one that writes its store."""
    pid = run.summary().pid
    assert pid is not None
    found = psutil.Process(pid).children()
    return sorted(found, key=lambda one: not any(file.path.endswith("metrics.db") for file in one.open_files()))


def messages(run: Run) -> list[str]:
    with run.store() as store:
        return [event.detail["text"] for event in store.events(kind="message") if "was lost" in event.detail["text"]]


def test_killed_processes_begin_again_and_end_with_the_same_bits(fork_server: WarmLauncher, tmp_path: Path) -> None:
    """One of them while the run is paused, then the one that writes, then all; and a value was changed on the way."""
    run = new_run(tmp_path / "runs", small(**LONG))
    fork_server.submit(run)
    wait_for_step(run, 20)
    paused = commands.pause(run)["step"]
    ranks_of(run)[1].kill()
    wait_until(lambda: len(messages(run)) == 1, "another attempt")
    assert run.summary().status == "paused"
    assert commands.set_value(run, "optim.lr", "0.003")["step"] == paused
    commands.resume(run, fork_server)
    wait_for_step(run, paused + 60)
    ranks_of(run)[0].kill()
    wait_until(lambda: len(messages(run)) == 2, "another attempt")
    wait_for_step(run, paused + 120)
    agent = psutil.Process(run.summary().pid)
    for process in (agent, *agent.children()):
        process.kill()
    wait_until(lambda: not run.worker_lives, "the death of all")
    assert run.summary().status == "died"
    commands.resume(run, fork_server)
    assert wait_for_end(run).status == "finished"
    changes = {paused: [("optim.lr", "0.003")]}
    assert [outcome_of(run)] == train_together(2, [small(**LONG)], tmp_path / "undisturbed", changes)


def test_a_stopped_run_goes_on_with_another_number_of_processes(fork_server: WarmLauncher, tmp_path: Path) -> None:
    """Nothing of it listens to other machines, and a signal to the process that speaks for it saves."""
    run = new_run(tmp_path, small(**{**LONG, "train__steps": 10**6, "train__dtype": "float64"}))
    agent = psutil.Process(fork_server.submit(run))
    wait_for_step(run, 10)
    ours = [agent, *agent.children(recursive=True)]
    assert len(ours) == 3
    heard = [
        one.laddr for each in ours for one in each.net_connections(kind="inet") if one.status in ("LISTEN", "NONE")
    ]
    assert {address.ip for address in heard} == {"127.0.0.1"}
    assert commands.snapshot(run)["ok"]
    agent.send_signal(signal.SIGTERM)
    stopped = wait_for_end(run)
    assert (stopped.status, stopped.reason) == ("stopped", "stopped by SIGINT")
    psutil.wait_procs(ours, timeout=10)
    assert not [one for one in ours if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    made = []
    for processes in (1, 2):
        changes = {"train.processes": processes, "train.steps": stopped.step + 30, "train.backend": "torch"}
        child = commands.fork(Workspace(tmp_path), fork_server, run, changes=changes)
        assert wait_for_end(child).status == "finished"
        assert Run(child.folder).record.backend == {1: "torch", 2: "data_parallel"}[processes]
        made.append(safetensors.torch.load(outcome_of(child)[1][1]))
    for name, weight in made[0].items():
        torch.testing.assert_close(made[1][name], weight, rtol=1e-7, atol=1e-9)


def test_the_rest_saves_and_stops_when_the_process_that_started_it_is_killed(
    fork_server: WarmLauncher, tmp_path: Path
) -> None:
    run = new_run(tmp_path, small(**{**LONG, "train__steps": 10**6}))
    agent = psutil.Process(fork_server.submit(run))
    wait_for_step(run, 10)
    ranks = ranks_of(run)
    agent.kill()
    assert psutil.wait_procs(ranks, timeout=60)[1] == []
    summary = wait_for_end(run)
    assert (summary.status, summary.reason) == ("stopped", "stopped by SIGINT")
    assert f"step-{summary.step}" in {path.name for path in run.checkpoints.iterdir()}


def beginnings(run: Run) -> int:
    with run.store() as store:
        return sum(event.kind in ("started", "resumed") for event in store.events())


def test_a_run_that_loses_processes_again_and_again_fails(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run = new_run(tmp_path, small(**{**LONG, "train__steps": 10**6}))
    fork_server.submit(run)
    for attempt in range(ATTEMPTS_MORE + 1):
        wait_until(lambda due=attempt: len(messages(run)) == due, "another attempt")
        # The step is that of the attempt before until this one begins.
        wait_until(lambda due=attempt + 1: beginnings(run) == due, "its beginning")
        wait_for_step(run, 1)
        ranks_of(run)[1].kill()
    summary = wait_for_end(run)
    assert summary.status == "failed"
    assert (summary.reason or "").startswith("train.processes: another process of this run was lost")


BREAKING = """
import os
from typing import Literal
from seqsum.models.settings import ModelConfig
from seqsum.registry import register_model
from seqsum.schema import setting

class BreakingConfig(ModelConfig):
    name: Literal["breaking"] = setting("breaking", "breaks in rank 0")

def build(task, config):
    import torch
    from seqsum.models.base import SequenceModel

    class Breaking(SequenceModel):
        def __init__(self):
            super().__init__()
            self.head, self.read = torch.nn.Linear(1, task.classes), 0

        def forward(self, inputs, lengths, targets=None):
            self.read += self.training
            if self.read == 20 and os.environ["RANK"] == "0":
                raise RuntimeError("it is broken")
            return self.head(lengths.unsqueeze(1).float())

    print("may see", os.environ.get("CUDA_VISIBLE_DEVICES"))
    return Breaking()

register_model(BreakingConfig, build, {"class"})
"""


def train_breaking(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Have two processes train a model of one's own that breaks."""
    (folder / "breaking.py").write_text(BREAKING)
    own = {"SEQSUM_PLUGINS": str(folder / "breaking.py"), "SEQSUM_WORKSPACE": str(folder / "runs")}
    told = ["train", "adds", "--model.name", "breaking", "--train.processes", "2", *words]
    command = [sys.executable, "-P", "-m", "seqsum.cli", *told]
    return subprocess.run(
        command, env={**os.environ, **own, **environment}, capture_output=True, text=True, check=False
    )


def test_several_processes_see_several_cards(tmp_path: Path) -> None:
    """Though the queue of the machine shows a run one; there are none here."""
    queue = tmp_path / "queue"
    queue.mkdir(mode=0o700)
    shown = {"CUDA_VISIBLE_DEVICES": "4,7", "SEQSUM_QUEUE_DIR": str(queue)}
    done = train_breaking(tmp_path, "--train.device", "cuda", **shown)
    assert done.returncode == 1
    (run,) = Workspace(tmp_path / "runs").runs()
    assert "may see 4,7" in run.log.read_text()


def test_an_error_in_one_of_them_fails_the_run_and_ends_all(tmp_path: Path) -> None:
    done = train_breaking(tmp_path)
    assert done.returncode == 1 and "RuntimeError: it is broken" in done.stdout
    (run,) = Workspace(tmp_path / "runs").runs()
    assert wait_for_end(run).status == "failed"
    with run.store() as store:
        assert [event.kind for event in store.events() if event.kind in ("started", "resumed")] == ["started"]


def test_processes_of_several_hosts_join_by_torchrun(tmp_path: Path) -> None:
    """Two of torchrun's agents, as on two hosts, each with a process of its own."""
    run = new_run(tmp_path / "runs", small(**LONG))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-P", "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1",
        "--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{port}", "--rdzv-id", run.id, "--local-addr",
        "127.0.0.1", "--max-restarts", "3", "-m", "seqsum.worker.rank", str(run.folder),
    ]  # fmt: skip
    environment = {**os.environ, "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1", "GLOO_SOCKET_IFNAME": LOOPBACK}
    hosts = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(2)]
    wait_until(lambda: run.worker_lives, "rank 0")
    wait_for_step(run, 100)
    psutil.Process(hosts[1].pid).children()[0].kill()
    said = [host.communicate(timeout=120)[1] for host in hosts]
    assert [host.returncode for host in hosts] == [0, 0], said
    assert (run.summary().status, len(messages(run))) == ("finished", 1)
    assert [outcome_of(run)] == train_together(2, [small(**LONG)], tmp_path / "here")


class Restless(SequenceModel):
    """A model of somebody's own that draws numbers as it goes, or normalises over a batch."""

    def __init__(self, inner: SequenceModel, normalises: bool) -> None:
        super().__init__()
        self.inner, self.norm = inner, nn.BatchNorm1d(5, dtype=torch.float64) if normalises else None

    def forward(self, inputs: Tensor, lengths: Tensor, targets: Tensor | None = None) -> Tensor:
        return F.dropout(self.inner(inputs, lengths), 0.1)


@pytest.mark.parametrize(("normalises", "reason"), [(False, "draws random numbers"), (True, "batch normalisation")])
def test_what_a_model_of_ones_own_does_otherwise_is_refused(normalises: bool, reason: str, tmp_path: Path) -> None:
    def work(ranks: Ranks) -> None:
        trainer, config = Trainer(config_of({})), config_of({}, 2)
        model = Restless(trainer.model, normalises)
        if ranks.leads:
            with pytest.raises(UserError, match=reason):
                batches = trainer.task.batches(0, 0, 3, 7)
                DataParallelBackend(model, trainer.task, config).run(batches, [0.1] * 3, config)
            ranks.tell({"end": True})
            return
        told = ranks.hear()
        if not normalises:
            backend = DataParallelBackend(model, trainer.task, config)
            ranks.agree(None)
            told = backend.follow()
        assert told == {"end": True}

    in_processes(2, work, tmp_path / "store")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model.dropout": 0.1, "model.num_layers": 2}, "must be 1 with model.dropout 0.1, which draws random numbers"),
        ({"model.hidden_noise": 0.5}, "must be 1 with model.hidden_noise 0.5, which draws random numbers"),
        (
            {"train.batch_size": 1},
            "must be at most train.batch_size (1): each process reads rows of every batch, got 2",
        ),
    ],
)
def test_what_several_processes_would_do_otherwise_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Config().changed({**changes, "train.processes": 2}, "test")
    assert raised.value.problems == [("train.processes", reason)]
    Config().changed({**changes, "train.processes": 1}, "test")


def said(**changes: Any) -> list[str]:
    config = small(train__processes=2, **changes)
    return [note.text for note in notes(config, make_task(config.task)) if note.path == "train.processes"]


def test_who_asks_for_processes_that_do_not_pay_is_told() -> None:
    """Each of 4 × 3 inputs of a step meets 8 × 4 + 8 × 8 + 2 × 8 weights of the cell, 5 × 8 + 5 of the head."""
    small_step = (8 * 4 + 8 * 8 + 2 * 8 + 5 * 8 + 5) * 4 * 3
    assert said() == [
        f"train.processes 2 is likely slower than 1: a step has about {round(small_step, -2):,} multiplications, and "
        "each process needs 100,000,000 to gain"
    ]
    assert said(model__hidden_size=4096) == []


def test_a_run_takes_as_many_cores_as_all_its_threads() -> None:
    assert small(train__processes=3, train__threads=2).train.cores == 6


def test_least_squares_are_solved_by_one_process(fork_server: WarmLauncher, tmp_path: Path) -> None:
    config = load_preset("sunspots_ar").config.changed({"train.processes": 2}, "test")
    assert "train.processes" not in {facts.path for facts in config.used_fields()}
    run = new_run(tmp_path, config)
    fork_server.submit(run)
    assert wait_for_end(run).status == "finished"
    assert Run(run.folder).record.backend == "least_squares"
