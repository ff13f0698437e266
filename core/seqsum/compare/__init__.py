"""Comparing runs: curves on common steps, best and final values, spreads of groups, differing settings, their files.

May import `export`, `plotting`, `runs` and what lies below. No torch: the console shows the same numbers.
"""

from seqsum.compare.axis import field_axis
from seqsum.compare.fields import differing_fields, texts_of
from seqsum.compare.looks import Look, looks_of
from seqsum.compare.reader import Comparison, ComparisonReader, RunData
from seqsum.compare.rows import Row, rows_of
from seqsum.runs.metric_direction import direction_of

__all__ = [
    "Comparison",
    "ComparisonReader",
    "Look",
    "Row",
    "RunData",
    "differing_fields",
    "direction_of",
    "field_axis",
    "looks_of",
    "rows_of",
    "texts_of",
]
