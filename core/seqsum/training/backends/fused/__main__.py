"""`python -m seqsum.training.backends.fused` compiles ahead of the first run."""

from seqsum.training.backends.fused.cache import compile_once

compile_once()
