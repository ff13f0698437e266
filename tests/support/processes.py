"""Several processes that train a run together: without torchrun, forked from this one."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seqsum.config import Config
from seqsum.worker.together import LOOPBACK
from support.engine import train_here

Outcome = tuple[dict[str, list[tuple[int, float]]], tuple[str, bytes, bytes]]


Changes = dict[int, list[tuple[str, str]]]


def train_together(
    count: int, configs: Sequence[Config], folder: Path, changes: Changes | None = None
) -> list[Outcome]:
    """`train_here` for each configuration in turn, by so many processes; what rank 0 has in the end."""
    from seqsum.training.ranks import Ranks
    from seqsum.worker.rank import follow

    def work(ranks: Ranks) -> None:
        outcomes = []
        for number, config in enumerate(configs):
            if ranks.leads:
                outcomes.append(train_here(config, folder / str(number), changes))
                ranks.tell({"end": True})
            else:
                follow(ranks)
        if ranks.leads:
            (folder / "outcomes").write_bytes(pickle.dumps(outcomes))

    folder.mkdir(parents=True)
    for number in range(len(configs)):
        (folder / str(number)).mkdir()
    in_processes(count, work, folder / "store")
    outcomes: list[Outcome] = pickle.loads((folder / "outcomes").read_bytes())
    return outcomes


def in_processes(count: int, work: Callable[[Any], None], store: Path) -> None:
    """Have `work` done by each of so many forked processes, as one of the ranks that it is given."""
    children = [os.fork() or _be(rank, count, work, store) for rank in range(count)]
    ended = [os.waitpid(child, 0)[1] for child in children]
    assert ended == [0] * count, "what went wrong stands above"


def _be(rank: int, count: int, work: Callable[[Any], None], store: Path) -> int:
    status = 1
    try:
        import torch.distributed as dist

        from seqsum.training.ranks import ranks_here

        os.environ["GLOO_SOCKET_IFNAME"] = LOOPBACK
        dist.init_process_group("gloo", store=dist.FileStore(str(store), count), rank=rank, world_size=count)
        work(ranks_here())
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
    return status
