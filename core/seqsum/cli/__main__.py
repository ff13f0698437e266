"""`python -m seqsum.cli`."""

from seqsum.cli import entry

entry()
