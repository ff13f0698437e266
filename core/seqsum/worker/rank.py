"""`torchrun … -m seqsum.worker.rank RUN_FOLDER`: one of the processes that train a run together.

Rank 0 is the run's worker: it alone writes, obeys commands and evaluates. The others compute what it tells them.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import FileStore

from seqsum import plugins
from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.runs.bounds import remove
from seqsum.training.backends.data_parallel import END, DataParallelBackend
from seqsum.training.ranks import Ranks, ranks_here
from seqsum.training.trainer import Trainer
from seqsum.worker.attempt import Attempt
from seqsum.worker.bound import stop_without
from seqsum.worker.patience import log
from seqsum.worker.process import lock_of, work
from seqsum.worker.signals import StopSignal

# A paused run's processes wait for each other as long as it is paused.
LONGEST_WAIT = timedelta(days=3650)


def be_rank(
    folder: str, lock: int | None = None, slot: int | None = None, place: str | None = None, stop: str | None = None
) -> int:
    """Do a rank's part in a run; return its exit status.

    place: where the processes find each other, in files; None where torchrun tells an address
    stop: the signal that has already asked to stop
    """
    signals = StopSignal()
    signals.name = stop
    _join(place)
    ranks = ranks_here()
    assert ranks is not None
    try:
        if not ranks.leads:
            for descriptor in (lock, slot):
                if descriptor is not None:
                    os.close(descriptor)
            # What is asked of the run is asked of rank 0.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN if place is None else signal.SIG_DFL)
            return _returned(0, place, follow(ranks))
        if place is not None:
            # The agent has SIGINT for those who want the run to stop, and SIGTERM when it begins again.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            threading.Thread(target=stop_without, args=[os.getppid(), signal.SIGINT], daemon=True).start()
        if not Path(folder).is_dir():
            host = socket.gethostname()
            raise UserError(f"rank 0 is on {host}, which has no {folder}: give it the first --local-addr of all hosts")
        speaker = os.getpid() if place is None else os.getppid()
        lock = lock_of(folder) if lock is None else lock
        status = work(folder, lock, signals, slot, Attempt.of_torchrun(speaker))
        over = signals.name is not None or ranks.busy
        if not ranks.busy:
            ranks.tell({**END, "by_signal": over})
        if place is not None and over:
            if os.getppid() == speaker:
                os.kill(speaker, signal.SIGTERM)
            else:
                with suppress(OSError):
                    remove(Path(place))  # it was killed
        if ranks.busy:
            _exit(0 if place is not None else 1)
        return _returned(status, place, over)
    except UserError as error:
        log(f"rank {ranks.rank}: {error}")
    except BaseException:
        traceback.print_exc()
    # A process group that others have left may wait for them when it is taken down.
    _exit(1)


def _returned(status: int, place: str | None, by_signal: bool) -> int:
    """Return the status; end at once where the agent ends, which reads no status any more."""
    if place is not None and by_signal:
        _exit(0)
    return status


def _exit(status: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _join(place: str | None) -> None:
    rank, size, on_host = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    store = None
    if place is not None:
        store = FileStore(str(Path(place) / f"ranks-{os.environ['TORCHELASTIC_RESTART_COUNT']}"), size)
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if on_host < gpus:
        torch.cuda.set_device(on_host)
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if gpus else "gloo", store=store, rank=rank, world_size=size, timeout=LONGEST_WAIT
    )


def follow(ranks: Ranks) -> bool:
    """Compute what rank 0 tells, to the end; return whether that came by a signal."""
    told = ranks.hear()
    if END.items() <= told.items():
        return bool(told.get("by_signal"))
    problem: str | None = None
    try:
        plugins.load()
        trainer = Trainer(Config.parse(told["config"], "train"), told["data_facts"])
    except UserError as error:
        problem = f"rank {ranks.rank}: {error}"
    if ranks.agree(problem):
        told = ranks.hear()
    else:
        backend = trainer.backend
        assert isinstance(backend, DataParallelBackend)
        told = backend.follow()
    return bool(told.get("by_signal"))


if __name__ == "__main__":
    if len(sys.argv) != 2 or "TORCHELASTIC_RUN_ID" not in os.environ:
        sys.exit("one process of several, which torchrun starts: torchrun … -m seqsum.worker.rank RUN_FOLDER")
    # How it went stands in the run: one that failed would fail again.
    be_rank(sys.argv[1])
