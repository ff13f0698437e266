"""Runs as a Parquet file, for pandas, Polars, DuckDB and Spark."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

from seqsum.errors import UserError
from seqsum.export.table import table
from seqsum.export.whole import Whole
from seqsum.formatting import finite
from seqsum.runs import Run

KEY = b"seqsum"
"""The name, in the file's own metadata, of what is known of the runs besides their points, as JSON."""


def parquet(runs: Sequence[Run]) -> bytes:
    """Return the rows that CSV has, with their types: no value is empty, NaN is NaN.

    Raises UserError where pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow.parquet import write_table
    except ImportError:
        raise UserError(
            "export: parquet needs pyarrow, which is not installed: pip install 'seqsum-tui[parquet]'"
        ) from None
    names, rows = table(runs)
    kinds = {"run": pyarrow.string(), "name": pyarrow.string(), "step": pyarrow.int64()}
    before = names.index("step") + 1
    columns = [
        pyarrow.array([row[place] for row in rows], kinds[name] if place < before else pyarrow.float64())
        for place, name in enumerate(names)
    ]
    told = json.dumps([finite(_told(Whole.of(run))) for run in runs])
    made = pyarrow.table(columns, names=names).replace_schema_metadata({KEY: told})
    file = io.BytesIO()
    write_table(made, file)
    return file.getvalue()


def _told(run: Whole) -> dict[str, object]:
    return {
        "name": run.name, "group": run.group, "tags": list(run.tags), "note": run.note, "created": run.created,
        **run.facts, "config": {section: dict(values) for section, values in run.config.items()},
    }  # fmt: skip
