"""A run that several processes of this machine train: torchrun's agent starts them, and starts them again when one is
lost. The agent holds the run's lock and speaks for the run; rank 0 is its worker."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import NoReturn

from seqsum.models.settings import AutoregressiveConfig
from seqsum.runs import Run
from seqsum.worker.signals import StopSignal

ATTEMPTS_MORE = 3
LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
LOOPBACK_ADDRESS = "127.0.0.1"


def processes_of(folder: str) -> int:
    """Return how many processes are to train a run; 1 where its record does not say, which its worker will tell."""
    try:
        record = Run(Path(folder).absolute()).record
    except Exception:
        return 1
    solved = record.setting("model").text("name", "") == AutoregressiveConfig().name
    return 1 if solved else record.setting("train").whole("processes", 1)


def work_together(
    folder: str, lock: int, signals: StopSignal, slot: int | None, processes: int, cards: str | None
) -> int:
    """Have a run, whose lock is held, trained to its end; return the exit status.

    cards: the graphics cards that the processes may see, as CUDA_VISIBLE_DEVICES has them; None for all
    """
    run = Run(Path(folder).absolute())
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    from seqsum.worker.rank import be_rank

    def end(number: int, frame: FrameType | None) -> NoReturn:
        # Once: it ends all processes then. They are sent SIGTERM when they begin again, and so this to save and stop.
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, signal.SIG_IGN)
        raise SignalException(f"process {os.getpid()} got signal {number}", signal.SIGINT)

    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    if cards is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = cards
    # Others have no way in: the processes find each other in files, and talk over loopback.
    os.environ.update(TORCH_DISABLE_SHARE_RDZV_TCP_STORE="1", GLOO_SOCKET_IFNAME=LOOPBACK, NCCL_SOCKET_IFNAME=LOOPBACK)
    with TemporaryDirectory(prefix="seqsum-") as place:
        agent = elastic_launch(
            LaunchConfig(
                min_nodes=1,
                max_nodes=1,
                nproc_per_node=processes,
                run_id=run.id,
                rdzv_backend="c10d",
                rdzv_endpoint=f"{place}/agent",
                rdzv_configs={"store_type": "file"},
                max_restarts=ATTEMPTS_MORE,
                # Loaded once, and the run's lock goes with it.
                start_method="fork",
                local_addr=LOOPBACK_ADDRESS,
                logs_specs=DefaultLogsSpecs(log_dir=f"{place}/logs"),
                signals_to_handle="SIGQUIT",
            ),
            be_rank,
        )
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, end)
            ended = agent(str(run.folder), lock, slot, place, signals.name)
        except SignalException:
            return 1 if run.summary().status == "failed" else 0
        except ChildFailedError:
            return 1
        finally:
            os.close(lock)
            if slot is not None:
                os.close(slot)
    return int(ended[0])
