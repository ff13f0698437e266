"""Runs as a Parquet file, for pandas, Polars, DuckDB and Spark."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from seqsum.errors import UserError
from seqsum.export.media_tables import KINDS, Cell, media_tables
from seqsum.export.table import table
from seqsum.export.whole import Stored, Whole
from seqsum.formatting import finite

KEY = b"seqsum"
"""The name, in the file's own metadata, of what is known of the runs besides their points, as JSON."""


def parquet(several: Sequence[Stored]) -> dict[str, bytes]:
    """Return the tables that CSV has, with their types: no value is empty, NaN is NaN.

    Raises UserError where pyarrow is not installed.
    """
    try:
        import pyarrow
    except ImportError:
        raise UserError(
            "export: parquet needs pyarrow, which is not installed: pip install 'seqsum-tui[parquet]'"
        ) from None
    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
    names, rows = table(several)
    before = names.index("step") + 1
    kinds = [KINDS[name] if place < before else float for place, name in enumerate(names)]
    told = json.dumps([finite(_told(Whole.of(stored))) for stored in several])
    found = {"": _file(names, rows, [types[kind] for kind in kinds], {KEY: told})}
    for name, one in media_tables(several).items():
        found[name] = _file(one.columns, one.rows, [types[KINDS[column]] for column in one.columns], {})
    return found


def _file(
    names: Sequence[str], rows: Sequence[Sequence[Cell]], types: Sequence[Any], metadata: Mapping[bytes, str]
) -> bytes:
    import pyarrow
    from pyarrow.parquet import write_table

    columns = [pyarrow.array([row[place] for row in rows], type) for place, type in enumerate(types)]
    made = pyarrow.table(columns, names=list(names)).replace_schema_metadata(dict(metadata))
    file = io.BytesIO()
    write_table(made, file)
    return file.getvalue()


def _told(run: Whole) -> dict[str, object]:
    return {
        "name": run.name, "group": run.group, "tags": list(run.tags), "note": run.note, "created": run.created,
        **run.facts, "config": {section: dict(values) for section, values in run.config.items()},
    }  # fmt: skip
