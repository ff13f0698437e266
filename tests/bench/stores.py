"""How many points a second a run's store takes and a chart reads, in SQLite and on a PostgreSQL server of this machine:
`python -m tests.bench.stores`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seqsum.runs import Store

METRICS = ("loss", "accuracy", "lr", "grad_norm", "steps_per_second")


def rows_per_second(store: Store, rows: int, seconds: float) -> float:
    """Append so many points at once, over and over, of five metrics that go on side by side."""
    step, written, began = store.state()["step"], 0, time.perf_counter()
    while (taken := time.perf_counter() - began) < seconds:
        steps = range(step + 1, step + 1 + rows // len(METRICS))
        store.append([(name, at, 1 / at) for at in steps for name in METRICS])
        step, written = steps[-1], written + len(steps) * len(METRICS)
    store.set_state(step=step)
    return written / taken


def read_seconds(store: Store, times: int) -> float:
    """Read a chart of 240 buckets of all that is there."""
    began = time.perf_counter()
    for _ in range(times):
        store.buckets("loss", count=240, fewer=True)
    return (time.perf_counter() - began) / times


@contextmanager
def stores(folder: Path) -> Iterator[dict[str, Store]]:
    # The tests' own helpers import each other so.
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from seqsum.runs.postgres_store import PostgresStore
    from support.postgres import postgres, why_none

    if why_none():
        sys.exit(why_none())
    with postgres(safe=True) as server, Store.create(folder / "metrics.db", 1, {"step": 0}) as here:
        url = server.emptied()
        hasty = f"{url}&options=-csynchronous_commit%3Doff"
        with (
            PostgresStore.on(folder / "store.json", url, "bench", 1, {"step": 0}) as there,
            PostgresStore.on(folder / "hasty.json", hasty, "bench", 1, {"step": 0}) as unsafe,
        ):
            yield {"SQLite": here, "PostgreSQL": there, "PostgreSQL, not waiting for its disk": unsafe}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each is written")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, stores(Path(folder)) as found:
        for name, store in found.items():
            for rows in (50, 500):
                speed = rows_per_second(store, rows, options.seconds)
                print(f"{name}: {speed:,.0f} points a second, {rows} at once", flush=True)
            points = store.state()["step"]
            print(f"{name}: {1000 * read_seconds(store, 50):.2f} ms for a chart of {points:,} steps", flush=True)


if __name__ == "__main__":
    main()
