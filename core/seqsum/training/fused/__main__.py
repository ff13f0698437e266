"""`python -m seqsum.training.fused` compiles ahead of the first run."""

from seqsum.training.fused.cache import compile_once

compile_once()
